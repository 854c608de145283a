"""Transposed convolutions of few output channels, whose pixels stamp the kernel onto the output."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from stepconv.errors import StepconvError
from stepconv.geometry import Geometry
from stepconv.kernels import phases, plan as plans, stamps
from stepconv.kernels.stamps import MOST_OUTPUTS, STAMP_BYTES, StampsPlan
from stepconv.spec import ConvSpec
from tests.plans import assert_agrees, times_written, transposed

pytestmark = pytest.mark.compiled

DTYPES = ("f4", "f8")
F4 = np.dtype(np.float32)


def always(geometry: Geometry, dtype: Any, threads: int) -> StampsPlan | None:
    """Plan also where phases would be faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phases, "cycles", lambda *_: np.inf)
        return stamps.plan(geometry, np.dtype(dtype), threads)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    rank, groups = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 2)))
    inputs, outputs = draw(st.sampled_from((1, 3, 16, 130))), draw(st.integers(1, MOST_OUTPUTS))
    kernel, sizes, arguments = [], [], {"stride": [], "dilation": [], "padding": []}  # type: ignore[var-annotated]
    for _axis in range(rank):
        kernel.append(draw(st.integers(1, 5)))
        sizes.append(draw(st.integers(1, {1: 200, 2: 30, 3: 8}[rank])))
        arguments["stride"].append(draw(st.integers(1, 9)))
        arguments["dilation"].append(draw(st.integers(1, 3)))
        arguments["padding"].append((draw(st.integers(0, 3)), draw(st.integers(0, 3))))
    pairs = zip(arguments["stride"], arguments["dilation"], strict=True)
    arguments["output_padding"] = [draw(st.integers(0, max(pair) - 1)) for pair in pairs]
    batch = draw(st.sampled_from((0, 1, 3)))
    try:
        return transposed(
            (batch, inputs * groups, *sizes),
            (inputs * groups, outputs, *kernel),
            groups=groups,
            **arguments,
        )
    except StepconvError:  # nothing is left of the output
        return transposed((1, 5, 20), (5, 1, 3))


@pytest.mark.slow  # each kind of tile has a kernel to compile
@settings(max_examples=150)
@given(geometries(), st.sampled_from(DTYPES), st.integers(1, 3))
def test_any_transposed_layer(geometry: Geometry, dtype: str, threads: int) -> None:
    if always(geometry, dtype, threads) is not None:  # but for less than a vector of pixels
        assert_agrees(always, geometry, dtype, threads)


CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "an autoencoder's last": ((5, 32, 14, 14), (32, 1, 4, 4), {"stride": 2, "padding": 1}),
    "a generator's last": ((1, 64, 32, 32), (64, 3, 4, 4), {"stride": 2, "padding": 1}),
    "super-resolution": ((1, 56, 40, 40), (56, 1, 9, 9), {"stride": 3, "padding": 4}),
    "bands": ((1, 20, 90, 90), (20, 2, 5, 5), {}),
    "rows of one pixel": ((2, 20, 40, 1), (20, 1, 3, 3), {"stride": 2}),
    "a band of less than a vector": ((1, 20, 9, 3), (20, 1, 2, 2), {"stride": 2}),
    "gaps": ((1, 20, 6, 6), (20, 1, 2, 2), {"stride": 5}),
    "rows that nothing reaches": (
        (1, 20, 6, 6), (20, 1, 1, 1), {"stride": 9, "output_padding": 8},
    ),
    "a line": ((2, 32, 500), (32, 1, 10), {"stride": 5}),
    "a volume": ((2, 32, 6, 7, 8), (32, 2, 4, 4, 4), {"stride": 2, "padding": 1}),
    "a sum that is cut": ((1, 700, 5, 5), (700, 1, 3, 3), {"padding": 1}),
    "groups": ((2, 48, 9, 9), (48, 2, 3, 3), {"groups": 3, "dilation": 2}),
}  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["f4", pytest.param("f8", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", CASES)
def test_against_the_textbook(name: str, dtype: str, threads: int) -> None:
    input_shape, weight_shape, arguments = CASES[name]
    geometry = transposed(input_shape, weight_shape, **arguments)
    assert_agrees(always, geometry, dtype, threads)
    written = times_written(always, geometry, threads)
    assert written.min() == written.max() == 1


def test_bands_are_as_many_as_threads_share_evenly() -> None:
    geometry = transposed((1, 64, 64, 64), (64, 3, 4, 4), stride=2, padding=1)
    for threads in (1, 2, 3):
        made = always(geometry, F4, threads)
        assert made is not None
        assert made.units % threads == 0
        assert made.scratch * 4 < STAMP_BYTES + 4096


@pytest.mark.parametrize(
    ("input_shape", "weight_shape", "arguments", "taken"),
    [
        ((1, 64, 32, 32), (64, 1, 4, 4), {"stride": 2, "padding": 1}, True),
        ((1, 64, 32, 32), (64, 4, 4, 4), {"stride": 2, "padding": 1}, False),  # fill tiles
        ((1, 1, 64, 64), (1, 1, 4, 4), {"stride": 2, "padding": 1}, False),  # nothing to sum
        ((1, 21, 38, 38), (21, 2, 16, 16), {"stride": 8, "padding": 4}, False),  # many stamps
        ((8, 64, 1, 3), (64, 1, 4, 4), {"stride": 2, "padding": 1}, False),  # less than a vector
        ((1, 64, 8, 4000), (64, 1, 9, 9), {"stride": 2}, False),  # no row fits
    ],
)
def test_where_it_is_taken(
    input_shape: Any, weight_shape: Any, arguments: dict[str, Any], taken: bool
) -> None:
    plan = plans.choose(transposed(input_shape, weight_shape, **arguments), F4, "auto", 1)
    assert isinstance(plan, StampsPlan) == taken


def test_what_is_no_transposed_layer_is_none() -> None:
    geometry = ConvSpec((3, 3)).bind((1, 64, 32, 32), (1, 64, 3, 3))
    assert stamps.plan(geometry, F4, 1) is None
