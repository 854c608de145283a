"""Convolutions of few channels that read their input in its place, under masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from stepconv.geometry import Geometry
from stepconv.kernels import masked, plan as plans
from stepconv.kernels.host import host
from stepconv.kernels.masked import MaskedPlan
from stepconv.spec import ConvSpec
from tests.plans import assert_agrees, times_written

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(not host().masks, reason="masks are no registers of their own here"),
]

DTYPES = ("f4", "f8")
F4 = np.dtype(np.float32)


def bind(input_shape: Any, weight_shape: Any, **arguments: Any) -> Geometry:
    return ConvSpec(tuple(weight_shape[2:]), **arguments).bind(input_shape, weight_shape)


def always(geometry: Geometry, dtype: Any, threads: int) -> MaskedPlan | None:
    """Plan also where others are faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masked, "cycles", lambda *_: 0.0)
        return masked.plan(geometry, np.dtype(dtype), threads)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    rank, groups = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 2, 3)))
    inputs, outputs = draw(st.sampled_from((1, 3, 8, 40))), draw(st.integers(1, 9))
    kernel = [draw(st.integers(1, 5)) for _axis in range(rank)]
    dilation = [draw(st.integers(1, 3)) for _axis in range(rank)]
    reach = [step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
    before = [draw(st.integers(0, each)) for each in reach]
    most = {1: 150, 2: 20, 3: 7}[rank]
    return bind(
        (draw(st.integers(0, 3)), inputs * groups, *(draw(st.integers(1, most)) for _ in kernel)),
        (outputs * groups, inputs, *kernel),
        groups=groups,
        dilation=dilation,
        padding=[(one, each - one) for one, each in zip(before, reach, strict=True)],
    )


@pytest.mark.slow  # each number of rows has a kernel to compile
@settings(max_examples=300)
@given(geometries(), st.sampled_from(DTYPES), st.integers(1, 3))
def test_any_output_as_large_as_the_input(geometry: Geometry, dtype: str, threads: int) -> None:
    assume(any(axis.pad != (0, 0) for axis in geometry.axes))
    assert_agrees(always, geometry, dtype, threads)


CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "groups of 8": ((2, 32, 28, 28), (32, 8, 3, 3), {"padding": 1, "groups": 4}),
    "one pixel": ((1, 8, 1, 1), (8, 8, 3, 3), {"padding": 1}),
    "less than a vector": ((1, 8, 3, 3), (8, 8, 3, 3), {"padding": 1}),
    "a vector and a pixel": ((1, 8, 1, 17), (8, 8, 3, 3), {"padding": 1}),
    "a tile and a pixel": ((1, 8, 7, 7), (8, 8, 3, 3), {"padding": 1}),
    "before alone": ((2, 8, 9, 11), (16, 8, 3, 2), {"padding": ((2, 0), (1, 0))}),
    "behind alone": ((2, 8, 9, 11), (16, 8, 3, 2), {"padding": ((0, 2), (0, 1))}),
    "holes": ((1, 8, 9, 21), (8, 8, 3, 5), {"padding": (3, 6), "dilation": 3}),
    "padding alone under a tap": ((1, 8, 2, 20), (8, 8, 3, 3), {"padding": 2, "dilation": 2}),
    "padding alone under all taps": ((1, 8, 1, 20), (8, 8, 2, 3), {"padding": ((1, 1), 1),
                                                                  "dilation": (2, 1)}),
    "sums in pieces": ((1, 80, 9, 11), (8, 80, 3, 3), {"padding": 1}),
    "a line": ((2, 12, 100), (24, 12, 5), {"padding": 2}),
    "a volume": ((2, 8, 5, 6, 7), (8, 8, 3, 3, 3), {"padding": 1}),
    "a kernel of 1 in depth": ((1, 8, 5, 6, 7), (8, 8, 1, 3, 3), {"padding": (0, 1, 1)}),
    "no samples": ((0, 8, 5, 6), (8, 8, 3, 3), {"padding": 1}),
}  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_against_the_textbook(name: str, threads: int) -> None:
    input_shape, weight_shape, arguments = CASES[name]
    geometry = bind(input_shape, weight_shape, **arguments)
    for dtype in DTYPES:
        assert_agrees(always, geometry, dtype, threads)
    written = times_written(always, geometry, threads)
    assert (written == 1).all()


def test_a_row_sees_nothing_of_the_next() -> None:
    geometry = bind((1, 1, 2, 5), (2, 1, 1, 3), padding=(0, 1))
    plan = always(geometry, F4, 1)
    assert plan is not None
    image = np.array([[1, 2, 3, 4, np.inf], [1, 2, 3, 4, 5]], np.float32)
    weight = np.array([1, 10, 100] * 2, np.float32)
    output = np.empty((2, 2, 5), np.float32)
    plan.run(image, plan.pack(weight), np.zeros(2, np.float32), output, 0, plan.units)
    seen = [[210, 321, 432, np.inf, np.inf], [210, 321, 432, 543, 54]]
    assert output.tolist() == [seen, seen]


@pytest.mark.parametrize(
    ("input_shape", "weight_shape", "arguments", "taken"),
    [
        ((1, 256, 28, 28), (256, 8, 3, 3), {"padding": 1, "groups": 32}, True),
        ((1, 64, 56, 56), (8, 64, 3, 3), {"padding": "same"}, True),
        ((1, 64, 56, 56), (8, 64, 3, 3), {}, False),  # no padding
        ((1, 64, 56, 56), (8, 64, 3, 3), {"padding": 1, "stride": 2}, False),
        ((1, 64, 56, 56), (8, 64, 3, 3), {"padding": 2}, False),  # the output is larger
        ((1, 64, 56, 56), (8, 64, 3, 3), {"padding": 1, "padding_mode": "reflect"}, False),
        ((1, 64, 128, 128), (3, 64, 3, 3), {"padding": 1}, False),  # lines of one place
        ((1, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}, False),  # runs of pixels do as well
        ((1, 3, 512, 512), (16, 3, 3, 3), {"padding": 1}, False),  # too much to list
    ],
)
def test_where_it_is_taken(
    input_shape: Any, weight_shape: Any, arguments: dict[str, Any], taken: bool
) -> None:
    plan = plans.choose(bind(input_shape, weight_shape, **arguments), F4, "auto", 1)
    assert isinstance(plan, MaskedPlan) == taken


def test_units_are_shared_evenly() -> None:
    geometry = bind((1, 16, 112, 112), (8, 16, 3, 3), padding=1)
    for threads in (1, 2, 3):
        made = always(geometry, F4, threads)
        assert made is not None
        assert made.units == (1 if threads == 1 else 4 * threads)
