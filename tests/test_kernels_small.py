"""Small maps: each row in one band, with the input that it sees; each pixel under its taps."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import assume, example, given, settings, strategies as st

from stepconv.geometry import Axis, Geometry
from stepconv.kernels import cutting, runs, small
from stepconv.kernels.listing import Tables
from stepconv.kernels.reading import crowded
from stepconv.kernels.runs import Runs, joined
from stepconv.kernels.small_bands import RowBands, row_bands
from stepconv.kernels.small_lists import TapLists, ask_ahead
from stepconv.kernels.small_tiles import (
    AHEAD,
    BEGIN,
    FIRST_LIST,
    FIRST_RUN,
    NARROW_SHAPES,
    SHAPES,
    SINGLE,
    Shape,
    kinds,
    shapes,
)
from tests.strategies import MODES

pytestmark = pytest.mark.compiled

COLUMNS = Axis(9, 3, pad=(1, 1))
FLOAT = np.dtype(np.float32)


def cut(rows: Axis, most: int) -> RowBands | None:
    return row_bands((Axis(1, 1), rows, COLUMNS), lambda layout: layout.channel <= most)


@st.composite
def row_axes(draw: st.DrawFn) -> Axis:
    kernel, dilation, size = (draw(st.integers(1, most)) for most in (4, 9, 40))
    before, after = (draw(st.integers(0, min(9, size - 1))) for _side in range(2))
    size = max(size, dilation * (kernel - 1) + 1 - before - after)
    return Axis(
        size,
        kernel,
        draw(st.integers(1, 3)),
        dilation,
        (before, after),
        draw(st.sampled_from(MODES)),
    )


@settings(max_examples=150)
@given(row_axes(), st.integers(60, 800))
def test_each_row_is_in_one_band_and_sees_its_input(axis: Axis, most: int) -> None:
    bands = cut(axis, most)
    if bands is None:
        return
    assert sorted(np.concatenate(bands.outputs)) == list(range(axis.output_size))
    assert bands.layout.channel <= most
    if bands.sources is None:
        return
    for band, (outputs, lines) in enumerate(zip(bands.outputs, bands.lines, strict=True)):
        assert outputs[0] == band * bands.corner_step
        for row, line in zip(outputs, lines, strict=True):
            taps = np.arange(axis.kernel_size)
            assert max(line + taps) < bands.layout.rows
            shown = bands.sources[band * bands.source_step + line + taps]
            assert list(shown) == list(axis.source[row + taps * axis.dilation])


def test_families_where_rows_that_follow_one_another_would_need_more() -> None:
    axis = Axis(33, 3, dilation=6, pad=(6, 6))
    bands = cut(axis, 2 * 8 * 11 + 16)  # two families of 8 rows of 11 columns
    assert bands is not None
    assert bands.count == 3
    assert list(bands.outputs[0]) == sorted([*range(0, 33, 6), *range(1, 33, 6)])


def test_none_where_not_even_a_row_fits() -> None:
    assert cut(Axis(9, 3), 10) is None


@settings(max_examples=40)
@given(row_axes(), st.integers(200, 2000), st.integers(2, 3))
def test_a_multiple_of_bands_where_threads_want_one(axis: Axis, most: int, threads: int) -> None:
    axes = (Axis(1, 1), axis, COLUMNS)
    bands = row_bands(axes, lambda layout: layout.channel <= most, threads)
    if bands is None:
        return
    assert bands.count % threads == 0
    assert sorted(np.concatenate(bands.outputs)) == list(range(axis.output_size))


def test_threads_have_bands_of_their_own_where_the_input_outweighs_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(small, "direct_cycles", lambda *_: np.inf)  # small on any host
    for name in ("SOME_ROWS_BYTES", "SOME_IN_PLACE_BYTES"):  # three bands on any host
        monkeypatch.setattr(small, name, cutting.BAND_BYTES)
    axis = Axis(56, 3, 2, pad=(1, 1))
    geometry = Geometry((axis, axis), 1, 128, 128, 1)
    made = [small.plan(geometry, np.dtype(np.float32), threads) for threads in (1, 2)]
    assert [plan.units for plan in made if plan] == [3, 4]


def multiplied(needs: runs.Needs, run: int, pixel: int) -> list[int]:
    """The taps that a tile multiplies with a pixel of each of its runs."""
    tables = Tables()
    tables.add([-1])  # there may be no taps at all
    lists = TapLists(tables, block=1, channels=1, step=0)
    head = lists.of(np.arange(len(needs)), needs)
    numbers, taken = tables.array(), []
    for kind, (start, stop) in enumerate(kinds(run)):
        at, count = head[FIRST_LIST + 2 * kind : FIRST_LIST + 2 * kind + 2]
        if start <= pixel < stop:
            taken += numbers[at : at + 2 * count : 2].tolist()
    return sorted(taken)


@example(Axis(5, 3, pad=(1, 1)), Axis(20, 3, pad=(1, 1)), SHAPES[0], True, True)  # overlapping
@example(Axis(5, 3, pad=(1, 1)), Axis(22, 3, 2, 5, (5, 5)), SHAPES[0], True, True)
@example(Axis(5, 3, pad=(1, 1)), Axis(31, 3, 1, 4, (4, 4)), SHAPES[0], True, True)  # moved back
@example(Axis(8, 3, pad=(1, 1)), Axis(8, 3, pad=(1, 1)), SHAPES[-1], True, True)
@example(Axis(1, 1), Axis(6, 1, pad=(0, 5)), SHAPES[-1], False, False)  # overlapping, in a band
@settings(max_examples=200)
@given(
    row_axes(), row_axes(), st.sampled_from(SHAPES + NARROW_SHAPES), st.booleans(), st.booleans()
)
def test_each_pixel_meets_every_tap_under_which_it_sees_the_input(
    rows: Axis, columns: Axis, shape: Shape, in_place: bool, padded: bool
) -> None:
    if in_place and not padded:
        more = shape.run * columns.step
        columns = replace(columns, pad=(0, 0), input_size=columns.layout_size + more)
        rows = replace(rows, pad=(0, 0), input_size=rows.layout_size)
    cut = Runs((Axis(1, 1), rows, columns), shape, in_place)
    if in_place and not cut.within:
        assert padded
        return
    seen = [
        axis.source[np.arange(axis.output_size)[:, None] * axis.step + taps * axis.dilation] >= 0
        for axis in (rows, columns)
        for taps in [np.arange(axis.kernel_size)]
    ]
    covered = np.zeros(columns.output_size, int)
    for run, (start, first, stop) in enumerate(zip(cut.starts, cut.firsts, cut.stops, strict=True)):
        assert cut.kept[run] == sum(1 << pixel for pixel in range(first, stop))
        covered[start + first : start + stop] += 1
        for y in (0, rows.output_size // 2, rows.output_size - 1):
            needs = cut.needs[cut.classes[0, y, run]]
            for pixel in range(first, stop):
                wanted = np.outer(seen[0][y], seen[1][start + pixel]).ravel()
                assert set(np.flatnonzero(wanted)) <= set(multiplied(needs, shape.run, pixel))
    assert covered.min() == 1
    assert covered.max() <= 2  # where runs overlap: both give the same number


@example(Axis(5, 3, pad=(1, 1)), Axis(33, 3, 1, 6, (6, 6)), Axis(33, 3, 1, 6, (6, 6)), SHAPES[0])
@example(Axis(1, 1), Axis(8, 2), Axis(56, 3, 2, pad=(1, 1)), SHAPES[0])
@example(Axis(1, 1), Axis(5, 3, pad=(1, 1)), Axis(20, 3, pad=(1, 1)), SHAPES[0])
@example(Axis(1, 1), Axis(5, 3, pad=(1, 1)), Axis(31, 3, 1, 4, (4, 4)), SHAPES[0])
@example(Axis(1, 1), Axis(8, 3, pad=(1, 1)), Axis(8, 3, pad=(1, 1)), SHAPES[-1])
@settings(max_examples=200)
@given(row_axes(), row_axes(), row_axes(), st.sampled_from(SHAPES + NARROW_SHAPES))
def test_runs_that_read_in_place_read_nothing_else(
    deep: Axis, rows: Axis, columns: Axis, shape: Shape
) -> None:
    axes = deep, rows, columns
    cut = Runs(axes, shape, in_place=True)
    if not cut.within:
        return
    for run, start in enumerate(cut.starts):
        for z, y in product(range(deep.output_size), range(rows.output_size)):
            needs = cut.needs[cut.classes[z, y, run]]
            for pixel in range(shape.run):
                taps = np.unravel_index(
                    np.array(multiplied(needs, shape.run, pixel), int),
                    [axis.kernel_size for axis in axes],
                )
                for axis, place, tap in zip(axes, (z, y, start + pixel), taps, strict=True):
                    read = place * axis.step + tap * axis.dilation - axis.pad[0]
                    assert ((read >= 0) & (read < axis.input_size)).all()


@pytest.mark.parametrize(
    ("axis", "within"),
    [
        (Axis(7, 3, pad=(1, 1)), True),
        (Axis(14, 3, pad=(1, 1)), True),
        (Axis(32, 3, pad=(1, 1)), True),
        (Axis(56, 3, 2, pad=(1, 1)), True),
        (Axis(33, 3, 1, 6, (6, 6)), True),
        (Axis(20, 5), True),
        (Axis(32, 3, pad=(1, 1), mode="reflect"), False),
        (Axis(32, 5, pad=(2, 2)), True),  # two pixels of a run see padding, and are cut off
        (Axis(65, 3, 1, 4, (4, 4)), True),
        (Axis(33, 3, 1, 18, (18, 18)), True),
        (Axis(4, 3), SINGLE),  # no run is whole
        (Axis(8, 9, pad=(4, 4)), SINGLE),
    ],
)
def test_most_maps_can_be_read_in_place(axis: Axis, within: bool) -> None:
    assert Runs((Axis(1, 1), axis, axis), SHAPES[0], in_place=True).within == within


@pytest.mark.skipif(SINGLE, reason="pixels are single there")
@pytest.mark.parametrize(
    ("size", "shape"),
    [
        (3, (3, 4)), (4, (4, 3)), (5, (5, 2)), (7, (7, 2)), (8, (4, 3)),
        (10, (5, 2)), (14, (7, 2)), (16, (4, 3)), (28, (7, 2)), (32, (7, 2)),
    ],
)  # fmt: skip
def test_tiles_leave_no_rest(size: int, shape: tuple[int, int]) -> None:
    axis = Axis(size, 3, pad=(1, 1))
    plan = small.plan(Geometry((axis, axis), 8, 128, 128, 1), np.dtype(np.float32), 1)
    assert plan is not None
    assert (plan.shape.run, plan.shape.runs) == shape


@pytest.mark.skipif(SINGLE, reason="tiles are of one kind there")
@pytest.mark.parametrize(("outputs", "wide"), [(4, 2), (16, 1), (32, 2), (48, 1), (64, 2)])
def test_tiles_have_one_vector_of_channels_where_the_second_would_be_empty(
    outputs: int, wide: int
) -> None:
    assert {shape.wide for shape in shapes(outputs, 14, 16)} == {2, wide}


def test_bands_in_place_have_as_many_pixels_as_pay_for_their_weights() -> None:
    axis = Axis(56, 3, 2, pad=(1, 1))
    plan = small.plan(Geometry((axis, axis), 1, 384, 48, 1), np.dtype(np.float32), 1)
    assert plan is not None
    assert 28 * 28 // plan.units >= small.LEAST_PIXELS


def test_channels_a_power_of_two_apart_are_crowded() -> None:
    def square(size: int) -> tuple[Axis, Axis, Axis]:
        return Axis(1, 1), Axis(size, 3, pad=(1, 1)), Axis(size, 3, pad=(1, 1))

    assert crowded(square(128), 4, 64)
    assert not crowded(square(126), 4, 64)
    # In the second cache, or the first.
    assert crowded(square(128), 4, 16) == SINGLE
    assert crowded(square(32), 4, 512) == SINGLE


def test_tiles_ask_for_the_pixels_of_later_ones() -> None:
    table = np.zeros((5, SHAPES[0].record), np.int64)
    table[:, FIRST_RUN + BEGIN] = begins = np.array([3, 17, 40, 41, 90])
    ask_ahead(table, 2, 1000)
    assert list(table[:, AHEAD] + begins) == [40, 41, 90, 1003, 1017]
    ask_ahead(table, 16, 1000)  # further than the band reaches: the last tile of the next
    assert list(table[:, AHEAD] + begins) == [1090] * 5


def test_long_kernels_do_not_fill_the_memory_with_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small, "direct_cycles", lambda *_: np.inf)
    square, line = Axis(100, 101, pad=(50, 50)), Axis(40000, 301, pad=(150, 150))
    for axes in ((square, square), (line,), (Axis(16, 15, pad=(7, 7)),) * 3):
        plan = small.plan(Geometry(axes, 1, 2, 32, 1), np.dtype(np.float32), 1)
        assert plan is not None
        assert plan._tables.nbytes < 40 << 20


def test_depths_of_a_unit_leave_all_threads_as_many_units() -> None:
    for depth in range(2, 40):
        for threads in (2, 3, 4):
            depths = small.slab(depth, 1, threads)
            assert depths == 1 or -(-depth // depths) % threads == 0
    assert [small.slab(depth, 1, 2) for depth in (2, 8, 17, 32)] == [1, 2, 3, 4]
    assert small.slab(32, 1, 1) == 32


def test_taps_in_the_padding_are_left_out_pixel_by_pixel() -> None:
    axis = Axis(7, 3, pad=(1, 1))
    shape = SHAPES[0]
    cut = Runs((Axis(1, 1), axis, axis), shape)
    total = 0
    for row in cut.classes[0]:
        for run, kind in enumerate(row):
            own = range(cut.firsts[run], cut.stops[run])
            total += sum(len(multiplied(cut.needs[kind], shape.run, pixel)) for pixel in own)
    assert total == (7 * 3 - 2) ** 2


@settings(max_examples=100)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.data())
def test_joined_runs_keep_what_they_need(kinds: list[int], data: st.DataObject) -> None:
    needs = np.array(
        data.draw(st.lists(st.lists(st.sampled_from((0, 3, 6, 7)), min_size=9, max_size=9),
                           min_size=6, max_size=6)), np.uint8
    )  # fmt: skip
    before = np.array(kinds)
    after, all_needs = joined(before, needs, SHAPES[0])
    assert (all_needs[after] & needs[before] == needs[before]).all()
    counts = [np.bincount(kind) % 2 for kind in (before, after)]
    assert counts[1].sum() <= counts[0].sum()


@pytest.mark.parametrize("outputs", [64, 80])
@pytest.mark.parametrize(("size", "kernel", "stride"), [(7, 3, 1), (4, 3, 1), (7, 1, 2)])
def test_weights_laid_out_in_turn_give_the_same_sums(
    size: int, kernel: int, stride: int, outputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small, "direct_cycles", lambda *_: np.inf)
    axis = Axis(size, kernel, stride, pad=(kernel // 2, kernel // 2))
    assert same_in_turn(Geometry((axis, axis), 1, 90, outputs, 1), "float32", 1)


@pytest.mark.slow  # each kind of tile has a kernel to compile
@settings(max_examples=60)
@given(st.data(), st.sampled_from(("float32", "float64")), st.sampled_from((1, 2)))
def test_weights_of_any_layer_laid_out_in_turn(
    data: st.DataObject, dtype: str, threads: int
) -> None:
    draw = data.draw
    size, kernel, stride = (draw(st.integers(*range)) for range in ((3, 9), (1, 3), (1, 2)))
    pad = draw(st.integers(0, kernel - 1))
    axis = Axis(size, kernel, stride, pad=(pad, pad))
    batch, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    inputs, outputs = (draw(st.integers(1, most)) for most in (90, 80))
    geometry = Geometry((axis, axis), batch, groups * inputs, groups * outputs, groups)
    assume(same_in_turn(geometry, dtype, threads))


def same_in_turn(geometry: Geometry, dtype: str, threads: int) -> bool:
    """Compare both ways; return whether there are two."""
    kept, once = (small.plan(geometry, np.dtype(dtype), threads, each) for each in (False, True))
    if kept is None or once is None or once._pack is not None:
        return False
    assert kept._pack is not None
    generator = np.random.default_rng(0)
    shapes = geometry.input_shape, geometry.weight_shape, (geometry.out_channels,)
    input, weight, bias = (generator.standard_normal(shape).astype(dtype) for shape in shapes)
    first, second = (np.full(prod(geometry.output_shape), np.nan, dtype) for _plan in range(2))
    for plan, result in ((kept, first), (once, second)):
        packed = plan.pack(weight.ravel())
        plan.run(input.ravel(), packed, bias, result, 0, plan.units)
    assert np.array_equal(first, second)
    return True


def test_weights_that_are_passed_over_often_are_packed() -> None:
    def own(size: int, threads: int) -> bool:
        axis = Axis(size, 3, pad=(1, 1))
        plan = small.plan(Geometry((axis, axis), 1, 64, 64, 1), FLOAT, threads, once=True)
        assert plan is not None
        return plan._pack is None

    assert own(14, 1)
    assert own(14, 2)
    assert not own(300, 1)


@pytest.mark.skipif(SINGLE, reason="pixels are single there")
def test_pieces_of_wide_rows_take_short_runs() -> None:
    def layer(size: int) -> Geometry:
        axis = Axis(size, 3, 1, 18, (18, 18))
        return Geometry((axis, axis), 1, 2048, 256, 1)

    plan = small.plan(layer(33), FLOAT, 1)
    assert plan is not None
    assert plan.shape.run < 7
    wide = layer(small.MOST_PIECED + 1)
    assert {shape.run for shape in small.tiles_of(wide, wide.embedded, FLOAT)} == {7}
