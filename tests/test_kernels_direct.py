"""The dense families against the textbook loops: direct, small maps, and transposed by phases."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from stepconv.geometry import Axis, Geometry
from stepconv.kernels import cutting, direct, phase_pixels, phases, small, small_order
from stepconv.kernels.phase_pixels import PhasePixelsPlan
from stepconv.kernels.phases import PhasesPlan
from stepconv.kernels.plan import Plan, TextbookPlan
from stepconv.kernels.small_tiles import SINGLE
from stepconv.spec import ConvSpec
from tests.helpers import Array
from tests.strategies import MODES, Layer, layers

pytestmark = pytest.mark.compiled

DTYPES = ("float32", "float64")
# Where each kind of tile has a kernel to compile.
FLOAT64_IS_SLOW = ("float32", pytest.param("float64", marks=pytest.mark.slow))
DOTS, STAMPS = (
    str(Path(__file__).with_name(f"test_kernels_{name}.py")) for name in ("dots", "stamps")
)


def bind(input_shape: Any, weight_shape: Any, **arguments: Any) -> Geometry:
    return ConvSpec(tuple(weight_shape[2:]), **arguments).bind(input_shape, weight_shape)


def arrays(geometry: Geometry, dtype: Any = np.float64) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(7)
    batch = 1 if geometry.batch is None else geometry.batch
    shapes = (batch, geometry.in_channels, *geometry.input_size), geometry.weight_shape
    drawn = [rng.standard_normal(shape) for shape in (*shapes, (geometry.out_channels,))]
    # The same numbers in either dtype.
    input, weight, bias = (array.astype("f4").astype(dtype).reshape(-1) for array in drawn)
    return input, weight, bias


@cache
def expected(geometry: Geometry) -> Array:
    plan = TextbookPlan(geometry, np.dtype(np.float64))
    return run(plan, *arrays(geometry), size=int(np.prod(geometry.output_shape)))


def run(plan: Plan, *operands: Array, size: int, cuts: int = 2) -> Array:
    """Run a plan in `cuts` calls, the last units first."""
    input, weight, bias = operands
    output = np.full(size, np.nan, input.dtype)
    packed = plan.pack(weight)
    ends = [plan.units * i // cuts for i in range(cuts + 1)]
    for first, stop in reversed(list(pairwise(ends))):
        if first < stop:
            plan.run(input, packed, bias, output, first, stop)
    return output


def check(plan: Plan | None, geometry: Geometry, dtype: str) -> None:
    assert plan is not None
    operands = arrays(geometry, dtype)
    size = int(np.prod(geometry.output_shape))
    output = run(plan, *operands, size=size)
    # Terms are products of numbers of about 1; random signs let errors grow as their root.
    bound = 8 * float(np.finfo(dtype).eps) * geometry.terms**0.5
    assert np.abs(output - expected(geometry)).max(initial=0) <= bound * max(1, geometry.terms**0.5)


def geometry_of(layer: Layer) -> Geometry:
    return bind(layer.input_shape, layer.weight_shape, **layer.arguments)


@given(layers(transposed=False), st.sampled_from(DTYPES), st.sampled_from((1, 2)))
def test_any_forward_layer(layer: Layer, dtype: str, threads: int) -> None:
    geometry = geometry_of(layer)
    check(direct.plan(geometry, np.dtype(dtype), threads), geometry, dtype)


@given(layers(transposed=True), st.sampled_from(DTYPES), st.sampled_from((1, 2)))
def test_any_transposed_layer(layer: Layer, dtype: str, threads: int) -> None:
    geometry = geometry_of(layer)
    check(phases.plan(geometry, np.dtype(dtype), threads), geometry, dtype)


@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 3])
def test_rows_share_no_more_than_the_zeros_between_them(kernel: int, dilation: int) -> None:
    for before, after in product(range(4), repeat=2):
        rows = Axis(4, 3, pad=(1, 1))
        columns = Axis(6, kernel, dilation=dilation, pad=(before, after))
        if columns.output_size > 0:
            geometry = Geometry((rows, columns), batch=2, in_channels=3, out_channels=4)
            check(direct.plan(geometry, np.dtype("f4"), 1), geometry, "float32")


@settings(max_examples=300)
@given(st.data(), st.booleans())
def test_strips_that_begin_and_end_anywhere(data: st.DataObject, transposed: bool) -> None:
    """In the padding, in the input, or behind it: a row of a strip is no other's."""
    size, kernel = data.draw(st.integers(1, 200)), data.draw(st.integers(1, 5))
    before, after = (data.draw(st.integers(0, 200)) for _side in range(2))
    dilation = data.draw(st.integers(1, 90))
    reach = dilation * (kernel - 1)
    arguments: dict[str, Any] = {
        "padding": ((1, 1), (before, after)),
        "dilation": (1, dilation),
        "transposed": transposed,
    }
    if transposed:
        assume(size + reach > before + after)
        arguments["output_padding"] = 0, data.draw(st.integers(0, dilation - 1))
    else:
        assume(size + before + after > reach)
    geometry = bind((2, 4, 4, size), (4, 4, 3, kernel), **arguments)
    family = phases if transposed else direct
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "BAND_PIXELS", 150)
        check(family.plan(geometry, np.dtype("f4"), 1), geometry, "float32")


@st.composite
def dense(draw: st.DrawFn) -> Geometry:
    """Draw layers of many channels on maps of one pixel to several tiles."""
    rank = draw(st.sampled_from((1, 2, 2, 3)))
    inputs, outputs = (draw(st.sampled_from((1, 2, 3, 5, 12, 16, 33, 64))) for _ in range(2))
    groups = draw(st.sampled_from((1, 1, 2)))
    most = {1: 130, 2: 24, 3: 6}[rank]
    sizes = [draw(st.integers(1, most)) for _ in range(rank)]
    kernel = [draw(st.integers(1, min(4, size))) for size in sizes]
    dilation = [
        draw(st.integers(1, max(1, (size - 1) // max(1, k - 1))))
        for size, k in zip(sizes, kernel, strict=True)
    ]
    mode = draw(st.sampled_from(MODES))
    pad = [tuple(draw(st.integers(0, min(3, size - 1))) for _ in range(2)) for size in sizes]
    stride = draw(st.integers(1, 5))
    return bind(
        (draw(st.integers(0, 3)), inputs * groups, *sizes),
        (outputs * groups, inputs, *kernel),
        stride=stride,
        padding=pad,
        dilation=tuple(min(d, 4) for d in dilation),
        groups=groups,
        padding_mode=mode,
    )


@settings(max_examples=80)
@given(dense(), st.sampled_from(DTYPES), st.sampled_from((1, 2, 3)))
def test_many_channels(geometry: Geometry, dtype: str, threads: int) -> None:
    check(direct.plan(geometry, np.dtype(dtype), threads), geometry, dtype)


@pytest.mark.slow  # each kind of tile has a kernel to compile
@settings(max_examples=80)
@given(dense(), st.sampled_from(DTYPES), st.sampled_from((1, 2, 3)), st.booleans(), st.booleans())
def test_many_channels_on_small_maps(
    geometry: Geometry, dtype: str, threads: int, parted: bool, banded: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "direct_cycles", lambda *_: np.inf)  # small wherever it can
        if banded:
            patch.setattr(small, "crowded", lambda *_: True)
        if parted:
            patch.setattr(small_order, "PARTED_BYTES", 0)
            patch.setattr(small_order, "GROUP_BYTES", 1)
        plan = small.plan(geometry, np.dtype(dtype), threads)
    if plan is not None:
        check(plan, geometry, dtype)


Named = dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]]

SMALL: Named = {
    "one pixel": ((1, 32, 1, 1), (64, 32, 3, 3), {"padding": 1}),
    "seven": ((1, 32, 7, 7), (64, 32, 3, 3), {"padding": 1}),
    "batch in bands of several samples": ((5, 16, 7, 7), (64, 16, 3, 3), {"padding": 1}),
    "channels left over": ((2, 17, 14, 14), (33, 17, 3, 3), {"padding": 1}),
    "taps in the padding": ((1, 16, 20, 33), (64, 16, 3, 3), {"padding": 6, "dilation": 6}),
    "nothing but padding": ((1, 32, 2, 2), (64, 32, 3, 3), {"padding": 4}),
    "stride": ((1, 32, 28, 28), (64, 32, 3, 3), {"stride": 2, "padding": 1}),
    "border": ((1, 32, 14, 7), (64, 32, 3, 3), {"padding": 1, "padding_mode": "circular"}),
    "depth": ((1, 32, 4, 7, 7), (64, 32, 3, 3, 3), {"padding": 1}),
    "depth, stride": (
        (2, 9, 12, 6, 8),
        (33, 9, 4, 3, 2),
        {"stride": (2, 1, 1), "padding": (2, 1, 1)},
    ),
    "depth, dilation": ((1, 9, 9, 5, 13), (32, 9, 3, 2, 3), {"dilation": (2, 1, 1), "padding": 2}),
    "depth, border, several samples": (
        (3, 8, 5, 6, 7),
        (32, 8, 3, 3, 3),
        {"padding": 2, "padding_mode": "replicate"},
    ),
    "shorter runs": ((1, 32, 5, 32), (64, 32, 3, 3), {"padding": 1}),
    "depths of several units": (
        (3, 8, 24, 5, 7),
        (64, 4, 3, 3, 3),
        {"padding": (2, 1, 1), "groups": 2},
    ),
    "groups": ((2, 64, 7, 14), (128, 32, 3, 3), {"padding": 1, "groups": 2}),
    "bands": ((1, 300, 28, 28), (32, 300, 3, 3), {"padding": 1}),
    "families of rows": ((2, 300, 20, 33), (40, 300, 3, 3), {"padding": 6, "dilation": 6}),
    "families of a row each": (
        (1, 700, 5, 14),
        (64, 700, 3, 1),
        {"padding": (9, 0), "dilation": 9},
    ),
    "families, border": (
        (1, 300, 17, 30),
        (33, 300, 3, 2),
        {"padding": (5, 1), "dilation": (5, 1), "padding_mode": "reflect"},
    ),
    "in place": ((3, 127, 5, 9), (40, 127, 1, 1), {}),
    "in place, groups, runs without a rest": ((2, 40, 3, 7), (130, 20, 1, 1), {"groups": 2}),
    "too few pixels for in place": ((2, 16, 2, 3), (64, 16, 1, 1), {}),
    "runs that overlap": ((2, 40, 9, 22), (64, 40, 3, 3), {"padding": (1, 0)}),
    "stride, groups": ((3, 32, 15, 28), (80, 16, 3, 3), {"stride": 2, "padding": 1, "groups": 2}),
    "stride of more than 2": ((2, 16, 1, 93), (33, 16, 1, 2), {"stride": (1, 3)}),
    "runs of four": ((3, 32, 8, 8), (64, 32, 3, 3), {"padding": 1}),
    "runs of four, one and two left over": ((2, 33, 9, 11), (40, 33, 3, 3), {"padding": 1}),
    "runs of four, stride": ((2, 16, 16, 16), (40, 16, 3, 3), {"stride": 2, "padding": 1}),
    "runs moved back": ((2, 40, 5, 31), (64, 40, 3, 3), {"padding": 4, "dilation": 4}),
    "far apart": ((2, 40, 33, 33), (40, 40, 3, 3), {"padding": 18, "dilation": 18}),
    "one vector of channels": ((2, 20, 14, 14), (16, 20, 3, 3), {"padding": 1}),
    "one vector of channels, runs of four": ((3, 20, 8, 8), (48, 20, 3, 3), {"padding": 1}),
    "runs of five": ((2, 20, 10, 10), (64, 20, 3, 3), {"padding": 1}),
    "runs of three": ((3, 20, 3, 3), (64, 20, 3, 3), {"padding": 1}),
    "runs of two": ((9, 20, 2, 2), (64, 20, 3, 3), {"padding": 1}),
    "rows as one": ((2, 3, 20, 8), (40, 3, 3, 8), {"padding": ((2, 1), (0, 0)), "stride": (2, 1)}),
    "columns of one": ((2, 16, 30, 1), (40, 16, 3, 1), {"dilation": (2, 1)}),
    "bands under a stride of 3": ((2, 30, 25, 25), (40, 30, 5, 5), {"stride": 3, "padding": 2}),
    "bands under a stride of 5": ((2, 30, 31, 31), (40, 30, 7, 7), {"stride": 5, "padding": 3}),
    "rows that fit no band": ((1, 600, 3, 400), (33, 600, 3, 3), {"padding": 1}),
}


@pytest.mark.parametrize("dtype", FLOAT64_IS_SLOW)
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("banded", [False, True])
@pytest.mark.parametrize("name", SMALL)
def test_small_maps(
    name: str, banded: bool, threads: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "direct_cycles", lambda *_: np.inf)  # small wherever it can
    monkeypatch.setattr(small, "crowded", lambda *_: banded)
    input_shape, weight_shape, arguments = SMALL[name]
    geometry = bind(input_shape, weight_shape, **arguments)
    plan = small.plan(geometry, np.dtype(dtype), threads)
    assert (plan is None) == (name == "rows that fit no band" and banded and not SINGLE)
    if plan is not None:
        assert plan.scratch * np.dtype(dtype).itemsize <= 1 << 20
        check(plan, geometry, dtype)


LARGE: Named = {
    "many bands": ((1, 64, 60, 60), (24, 64, 3, 3), {"padding": 1}),
    "strips of a long row": ((1, 64, 9000), (16, 64, 3), {"padding": 1}),
    "strips, one of zeros first": ((1, 1, 4, 768), (8, 1, 3, 5), {"padding": ((1, 1), (2, 3000))}),
    "strips, since no row fits": ((1, 1100, 2, 80), (5, 1100, 3, 3), {"padding": 1}),
    "in place": ((2, 40, 31, 17), (13, 40, 1, 1), {}),
    "in place, in strips": ((2, 300, 71, 71), (16, 300, 1, 1), {}),
    "too few pixels for in place": ((2, 40, 3, 3), (16, 40, 1, 1), {}),
    "in place, rows": ((3, 40, 20, 41), (13, 40, 3, 3), {}),
    "in place, rows across their ends": ((2, 40, 30, 19), (13, 40, 3, 2), {}),
    "in place, bands": ((1, 1000, 30, 32), (9, 1000, 3, 3), {}),
    "in place, strips": ((2, 600, 1000), (9, 600, 3), {}),
    "in place, depth, dilation": ((2, 9, 5, 7, 20), (5, 9, 2, 3, 2), {"dilation": (3, 2, 4)}),
    "pixels of less than a tile": ((3, 16, 25), (5, 16, 1), {}),
    "a stem": ((2, 3, 64, 64), (13, 3, 7, 7), {"stride": 2, "padding": 3}),
    "stride of more than 2": ((1, 3, 50, 70), (16, 3, 11, 11), {"stride": 4, "padding": 2}),
    "a stride of 3, of some phases": ((2, 9, 40, 70), (7, 9, 2, 2), {"stride": 3}),
    "a stride of 4, of every second phase": (
        (2, 9, 40, 70),
        (5, 9, 3, 3),
        {"stride": 4, "dilation": 2, "padding": 1, "padding_mode": "reflect"},
    ),
    "bands of few pixels": ((1, 1500, 9, 9), (5, 1500, 3, 3), {"stride": 2, "padding": 1}),
    "one wide": ((1, 64, 50, 1), (64, 64, 3, 1), {"padding": ((1, 1), (0, 0))}),
    "empty batch": ((0, 3, 9, 9), (4, 3, 3, 3), {}),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("name", LARGE)
def test_cuts(name: str, threads: int, dtype: str) -> None:
    input_shape, weight_shape, arguments = LARGE[name]
    geometry = bind(input_shape, weight_shape, **arguments)
    check(direct.plan(geometry, np.dtype(dtype), threads), geometry, dtype)


@pytest.mark.parametrize(("outputs", "groups"), [(1, 3), (2, 1), (4, 3), (5, 1), (7, 1), (7, 3)])
@pytest.mark.parametrize("transposed", [False, True])
def test_few_outputs(transposed: bool, outputs: int, groups: int) -> None:
    """Tiles have no more rows than they need."""
    weight = (5 * groups, outputs) if transposed else (outputs * groups, 5)
    arguments = {"groups": groups, "transposed": transposed, "stride": 2, "padding": 1}
    geometry = bind((2, 5 * groups, 9, 60), (*weight, 3, 4), **arguments)
    family = phases if transposed else direct
    check(family.plan(geometry, np.dtype("f4"), 2), geometry, "float32")


TRANSPOSED: Named = {
    "by fours": ((2, 9, 5, 30), (9, 12, 6, 5), {"stride": 4, "padding": 1}),
    "doubling": ((2, 64, 16, 16), (64, 24, 4, 4), {"stride": 2, "padding": 1}),
    "kernel as the stride": ((1, 16, 28, 28), (16, 9, 2, 2), {"stride": 2}),
    "gaps": ((2, 8, 9), (8, 5, 2), {"stride": 5, "output_padding": 3}),
    "eight phases": ((1, 16, 200), (16, 32, 16), {"stride": 8, "padding": 4}),
    "strips": ((1, 64, 5000), (64, 3, 4), {"stride": 2, "padding": 1}),
    "cropped into the input": ((1, 4, 9, 9), (4, 3, 3, 3), {"padding": ((5, 0), (4, 3))}),
    "groups, dilation": (
        (2, 6, 5, 7),
        (6, 5, 3, 2),
        {"stride": (3, 2), "groups": 2, "dilation": 2, "output_padding": 1},
    ),
    "whole blocks": ((2, 12, 9, 11), (12, 16, 3, 3), {"stride": 2, "groups": 2, "padding": 1}),
    "whole blocks, bands": ((1, 96, 61, 60), (96, 16, 3, 3), {"stride": 2, "output_padding": 1}),
    "whole blocks, depth": ((1, 8, 3, 6, 7), (8, 16, 2, 3, 2), {"stride": 2, "dilation": 1}),
    "depth": ((1, 8, 5, 6, 7), (8, 9, 2, 3, 4), {"stride": (2, 3, 2), "padding": (1, 0, 2)}),
    "in place": ((3, 12, 9, 37), (12, 20, 2, 2), {"stride": 2, "groups": 2}),
    "in place, bands": ((1, 128, 60, 50), (128, 16, 2, 2), {"stride": 2}),
    "in place, a kernel of 3": ((2, 9, 7, 20), (9, 8, 3, 3), {"padding": 2}),
    "runs of four": ((7, 20, 4, 4), (20, 32, 4, 4), {"stride": 2, "padding": 1}),
    "runs of seven": ((3, 9, 5, 7), (9, 64, 3, 3), {"stride": 2, "padding": 1}),
    "runs that overlap": ((2, 16, 3, 9), (16, 60, 3, 5), {"stride": (1, 2), "padding": (1, 2)}),
    "runs that follow one another": ((3, 40, 4, 8), (40, 60, 3, 3), {"padding": 1}),
    "runs, groups": ((5, 16, 6, 5), (16, 32, 2, 4), {"stride": 2, "padding": (0, 1), "groups": 2}),
    "runs, a line": ((9, 33, 16), (33, 32, 25), {"stride": 4, "padding": 11, "output_padding": 1}),
    "runs, depth": ((5, 8, 3, 4, 5), (8, 32, 2, 3, 3), {"stride": (1, 2, 2), "padding": (0, 1, 1)}),
    "runs of two": ((9, 16, 2, 2), (16, 32, 3, 3), {"stride": 2, "output_padding": 1}),
    "runs of two and one": ((9, 16, 2, 2), (16, 32, 3, 3), {"stride": 2, "padding": 1}),
    "runs of one": ((9, 16, 3, 1), (16, 64, 3, 2), {"stride": (1, 2)}),
    "fewer columns than the stride": (
        (2, 16, 4, 1),
        (16, 32, 3, 3),
        {"stride": (1, 3), "padding": 1},
    ),
    "runs, one vector of channels": ((5, 16, 5, 5), (16, 48, 3, 3), {"stride": 2}),
    "samples left over": ((301, 16, 4, 4), (16, 32, 4, 4), {"stride": 2, "padding": 1}),
}


@pytest.mark.parametrize("dtype", FLOAT64_IS_SLOW)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", TRANSPOSED)
@pytest.mark.parametrize("vectors", [False, True])
def test_transposed(
    name: str, vectors: bool, threads: int, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Runs of pixels in each phase wherever they can be, or vectors.
    monkeypatch.setattr(phase_pixels, "STEP", 0 if vectors else np.inf)
    input_shape, weight_shape, arguments = TRANSPOSED[name]
    geometry = bind(input_shape, weight_shape, transposed=True, **arguments)
    plan = phases.plan(geometry, np.dtype(dtype), threads)
    if not SINGLE and ("run" in name or "samples" in name):
        assert isinstance(plan, PhasesPlan if vectors else PhasePixelsPlan)
    check(plan, geometry, dtype)


@pytest.mark.skipif(SINGLE, reason="pixels are single there")
@pytest.mark.parametrize(
    ("size", "batch", "family"),
    [(4, 16, PhasePixelsPlan), (4, 1, PhasePixelsPlan), (32, 1, PhasesPlan)],
)
def test_small_transposed_maps_take_runs(size: int, batch: int, family: type) -> None:
    geometry = bind(
        (batch, 512, size, size), (512, 256, 4, 4), stride=2, padding=1, transposed=True
    )
    plan = phases.plan(geometry, np.dtype(np.float32), 1)
    assert plan is not None
    assert isinstance(plan, family)
    assert plan.scratch * 4 <= 1 << 20


def test_a_band_is_larger_where_a_smaller_one_would_leave_vectors_empty() -> None:
    def scratch(channels: int, size: int) -> int:
        shapes = (1, channels, size, size), (5, channels, 3, 3)
        made = direct.plan(bind(*shapes, stride=2, padding=1), np.dtype("f4"), 1)
        assert made is not None
        return 4 * made.scratch

    assert cutting.BAND_BYTES < scratch(1500, 9) < cutting.FEW_BYTES + 4096
    assert scratch(300, 60) < cutting.BAND_BYTES + 4096


def test_families_leave_to_others_what_they_do_not_compute() -> None:
    forward = bind((1, 8, 9), (8, 8, 3))
    transposed = bind((1, 8, 9), (8, 8, 3), transposed=True)
    assert direct.plan(transposed, np.dtype("f4"), 1) is None
    assert small.plan(transposed, np.dtype("f4"), 1) is None
    assert phases.plan(forward, np.dtype("f4"), 1) is None


def test_not_a_number_stays_with_the_cells_that_see_it() -> None:
    geometry = bind((1, 4, 9, 9), (16, 4, 3, 3), padding=1)
    plan = direct.plan(geometry, np.dtype("f4"), 1)
    assert plan is not None
    input, weight, bias = arrays(geometry, "f4")
    input.reshape(4, 9, 9)[2, 4, 4] = np.nan
    output = run(plan, input, weight, bias, size=16 * 81).reshape(16, 9, 9)
    seen = np.zeros((9, 9), bool)
    seen[3:6, 3:6] = True
    assert np.array_equal(np.isnan(output), np.broadcast_to(seen, output.shape))


def test_plans_keep_no_scratch_beyond_a_megabyte() -> None:
    for shape, weight in (((1, 64, 300, 300), (64, 64, 3, 3)), ((1, 512, 70, 70), (64, 512, 3, 3))):
        plan = direct.plan(bind(shape, weight, padding=1), np.dtype("f4"), 2)
        assert plan is not None
        assert plan.scratch * 4 <= 1 << 20


def test_long_sums_are_cut() -> None:
    geometry = bind((1, 4096, 4, 16), (8, 4096, 1, 1))
    plan = direct.plan(geometry, np.dtype("f4"), 1)
    assert plan is not None
    rng = np.random.default_rng(0)
    input, weight = rng.random(4096 * 64, np.float32), rng.random(8 * 4096, np.float32)
    output = run(plan, input, weight, np.zeros(8, "f4"), size=8 * 64).reshape(8, 64)
    exact = weight.reshape(8, 4096).astype("f8") @ input.reshape(4096, 64).astype("f8")
    # All terms are positive: one chain of 4096 is off by some 1e-5.
    assert np.abs(output / exact - 1).max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("lanes", ["8", "4"])
def test_narrower_vectors_agree(lanes: str) -> None:
    """Run this file's hand-picked layers with the vectors of other machines."""
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", __file__, DOTS, STAMPS),
            *("-k", "small_maps or cuts or test_transposed or numbers or against_the_textbook"),
        ],
        env=os.environ | {"STEPCONV_LANES": lanes},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-2000:]
