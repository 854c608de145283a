"""Outputs of few pixels, whose weights are read as they lie."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import stepconv
from stepconv.geometry import Axis, Geometry
from stepconv.kernels import dots, plan as plans
from tests.plans import arrays_for, computed, expected, times_written
from tests.strategies import MODES

pytestmark = pytest.mark.compiled

CASES: dict[str, Geometry] = {
    "one pixel": Geometry((Axis(1, 1), Axis(1, 1)), 1, 64, 40, 1),
    "all of the input": Geometry((Axis(5, 5), Axis(3, 3)), 2, 7, 9, 1),
    "all of a volume": Geometry((Axis(2, 2), Axis(3, 3), Axis(4, 4)), 3, 5, 8, 1),
    "some of the input": Geometry((Axis(9, 3, 4), Axis(7, 3, 3)), 1, 11, 6, 1),
    "dilation of all": Geometry((Axis(5, 3, dilation=2),), 1, 33, 12, 1),
    "padding": Geometry((Axis(2, 3, pad=(1, 1)), Axis(3, 3, pad=(1, 0))), 3, 10, 7, 1),
    "nothing but padding": Geometry((Axis(1, 2, pad=(2, 2)),), 2, 3, 5, 1),
    "border": Geometry((Axis(4, 3, pad=(2, 1), mode="reflect"),), 5, 6, 16, 1),
    "groups": Geometry((Axis(1, 1), Axis(1, 1)), 5, 60, 36, 3),
    "groups, copied": Geometry((Axis(3, 2), Axis(3, 2)), 2, 24, 30, 2),
    "no batch": Geometry((Axis(4, 4),), None, 9, 6, 1),
    "one vector and a rest": Geometry((Axis(1, 1),), 1, 19, 4, 1),
    "several pieces": Geometry((Axis(3, 3), Axis(3, 3)), 3, 300, 10, 1),
    "several pieces, copied": Geometry((Axis(2, 3, pad=(1, 1)),), 7, 701, 6, 1),
    "many samples": Geometry((Axis(1, 1),), 131, 70, 13, 1),
    "samples of several units": Geometry((Axis(3, 3), Axis(3, 3)), 101, 500, 5, 1),
    "samples of several units, copied": Geometry((Axis(3, 2), Axis(3, 2)), 61, 500, 5, 1),
}


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the family be chosen wherever it can."""
    monkeypatch.setattr(dots, "_others", lambda *_: np.inf)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("anywhere")
def test_against_the_textbook(name: str, threads: int, dtype: str) -> None:
    geometry = CASES[name]
    arrays = arrays_for(geometry, dtype)
    exact = expected(geometry, arrays)
    output = computed(dots.plan, geometry, arrays, threads)
    tolerance = 8 * float(np.finfo(dtype).eps) * geometry.terms
    np.testing.assert_allclose(output, exact, rtol=0, atol=tolerance)
    assert (times_written(dots.plan, geometry, threads) == 1).all()


@st.composite
def few_pixels(draw: st.DrawFn) -> Geometry:
    mode = draw(st.sampled_from(MODES))
    axes = []
    for _axis in range(draw(st.integers(1, 3))):
        size, kernel, dilation = (draw(st.integers(1, most)) for most in (5, 4, 3))
        before, after = (draw(st.integers(0, size - 1)) for _side in range(2))
        size = max(size, dilation * (kernel - 1) + 1 - before - after)
        stride = draw(st.integers(1, 3))
        axes.append(Axis(size, kernel, stride, dilation, (before, after), mode))
    inputs, outputs = draw(st.integers(1, 40)), draw(st.integers(4, 13))
    groups, batch = draw(st.integers(1, 3)), draw(st.integers(1, 9))
    return Geometry(tuple(axes), batch, inputs * groups, outputs * groups, groups)


@settings(max_examples=100)
@given(few_pixels(), st.sampled_from(("f4", "f8")), st.sampled_from((1, 2)))
def test_any_layer_of_few_pixels(geometry: Geometry, dtype: str, threads: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dots, "_others", lambda *_: np.inf)
        if dots.plan(geometry, np.dtype(dtype), threads) is None:  # too many pixels
            return
        arrays = arrays_for(geometry, dtype)
        output = computed(dots.plan, geometry, arrays, threads)
    tolerance = 8 * float(np.finfo(dtype).eps) * geometry.terms
    np.testing.assert_allclose(output, expected(geometry, arrays), rtol=0, atol=tolerance)


@pytest.mark.usefixtures("anywhere")
def test_weights_are_read_as_they_lie() -> None:
    geometry = CASES["one pixel"]
    plan = dots.plan(geometry, np.dtype(np.float32), 1)
    weight = np.ones(40 * 64, np.float32)
    assert plan is not None
    assert plan.pack(weight) is weight


@pytest.mark.usefixtures("anywhere")
def test_what_the_family_leaves_to_others() -> None:
    ask = partial(dots.plan, dtype=np.dtype(np.float32), threads=1)
    pixel = Axis(1, 1)
    assert ask(Geometry((pixel,), 1, 64, 4, 1))
    assert not ask(Geometry((pixel,), 1, 64, 3, 1))  # no whole tile
    assert not ask(Geometry((pixel,), 0, 64, 4, 1))
    assert not ask(Geometry((Axis(1, 1, transposed=True),), 1, 64, 4, 1))
    assert not ask(Geometry((Axis(257, 1),), 1, 64, 4, 1))
    wide = Geometry((Axis(3, 3, pad=(1, 1)), Axis(3, 3, pad=(1, 1))), 1, 4096, 4, 1)
    assert not ask(wide)  # copies of more than a band
    large = dots.plan(Geometry((Axis(300000, 300000),), 1, 2, 4, 1), np.dtype(np.float32), 1)
    assert large is not None
    assert large.scratch < 1000  # nothing is copied


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("axis", [Axis(1, 1), Axis(5, 1, 2), Axis(4, 3), Axis(3, 3)])
@pytest.mark.parametrize("channels", [2, 40, 3000])
def test_scratch_is_bounded(axis: Axis, channels: int) -> None:
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        plan = dots.plan(Geometry((axis, axis), 100000, channels, 4, 1), dtype, 1)
        if plan is not None:
            assert plan.scratch * dtype.itemsize <= 1 << 20


@pytest.mark.usefixtures("anywhere")
def test_threads_share_the_output_channels_of_one_sample() -> None:
    geometry = CASES["one pixel"]
    units = [dots.plan(geometry, np.dtype(np.float32), threads) for threads in (1, 2, 3)]
    assert [plan.units for plan in units if plan] == [1, 2, 3]


def chosen(once: bool, batch: int, channels: int, size: int, kernel: int, padding: int) -> str:
    axis = Axis(size, kernel, pad=(padding, padding))
    geometry = Geometry((axis, axis), batch, channels, channels, 1)
    return type(plans.choose(geometry, np.dtype(np.float32), "auto", 1, once)).__name__


def test_it_is_chosen_where_packing_would_not_pay() -> None:
    for once in (False, True):
        assert chosen(once, 1, 512, 1, 1, 0) == "DotsPlan"
        assert chosen(once, 32, 512, 1, 1, 0) == "DotsPlan"
        assert chosen(once, 8, 256, 3, 3, 0) == "DotsPlan"
        assert chosen(once, 1, 512, 14, 3, 1) == "SmallPlan"
    # Layers keep their weights packed, and leave out the taps in the padding.
    assert chosen(True, 1, 512, 1, 3, 1) == "DotsPlan"
    assert chosen(False, 1, 512, 1, 3, 1) == "SmallPlan"


def test_far_steps_over_one_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As spectrograms take."""
    monkeypatch.setattr(dots, "_others", lambda *_: np.inf)
    geometry = Geometry((Axis(4000, 400, 160),), 2, 1, 30, 1)
    arrays = arrays_for(geometry, "f4")
    output = computed(dots.plan, geometry, arrays)
    np.testing.assert_allclose(output, expected(geometry, arrays), rtol=0, atol=1e-4)


@pytest.mark.parametrize("terms", [512, 8192])
def test_long_sums_are_as_exact_as_short_ones(terms: int) -> None:
    rng = np.random.default_rng(3)
    image = rng.standard_normal((4, terms, 1, 1)).astype(np.float32)
    weight = rng.standard_normal((64, terms, 1, 1)).astype(np.float32)
    exact = image[:, :, 0, 0].astype(np.float64) @ weight[:, :, 0, 0].astype(np.float64).T
    error = np.abs(stepconv.conv2d(image, weight)[:, :, 0, 0] - exact).max()
    assert error <= 5e-7 * np.abs(exact).max()


def test_infinities_and_nan_travel() -> None:
    image, weight = np.ones((1, 40, 1, 1), np.float32), np.ones((8, 40, 1, 1), np.float32)
    weight[3, 39], weight[5, 0] = np.inf, np.nan
    result: Any = stepconv.conv2d(image, weight).ravel()
    assert np.isinf(result[3])
    assert np.isnan(result[5])
    assert (np.delete(result, [3, 5]) == 40).all()
