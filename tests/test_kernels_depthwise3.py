"""Depthwise kernels of 3x3, read in place, against the textbook loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.depthwise3 import BLOCK, TILE_ROWS, VARIANTS, WIDE, plan, wide_fits
from stepconv.kernels.host import host
from tests.plans import arrays_for, computed, expected, times_written

pytestmark = pytest.mark.compiled

DTYPES = (np.float32, np.float64)


def layer(
    rows: int,
    columns: int,
    stride: int = 1,
    *,
    channels: int = 3,
    times: int = 1,
    pad: tuple[int, int] = (1, 1),
) -> Geometry:
    axes = tuple(Axis(size, 3, stride, pad=pad) for size in (rows, columns))
    return Geometry(axes, 2, channels, channels * times, channels)


def assert_agrees(geometry: Geometry, dtype: Any) -> None:
    arrays = arrays_for(geometry, dtype)
    output = computed(plan, geometry, arrays)
    assert np.allclose(output, expected(geometry, arrays), rtol=0, atol=50 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("stride", "before"), VARIANTS)
def test_every_width(stride: int, before: int, dtype: Any) -> None:
    lanes = host().lanes(np.dtype(dtype).itemsize)
    widths: Sequence[int] = range(3 - before - 1, lanes + 1)
    if WIDE and stride == 1 and not host().masks:  # an output of one to two vectors
        widths = [*widths, *range(lanes + 2 - before, 2 * lanes + 2 - before)]
    elif WIDE:
        widths = range(1, 5 * lanes + 2)
    for columns in widths:
        assert_agrees(layer(5, columns, stride, pad=(before, 1)), dtype)


@pytest.mark.parametrize(("stride", "before"), VARIANTS)
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("rows", [2, TILE_ROWS, TILE_ROWS + 1, 3 * TILE_ROWS - 1])
def test_tiles_and_what_is_left_of_them(rows: int, after: int, stride: int, before: int) -> None:
    for columns in (4, 2 * host().lanes(4) - 1):
        geometry = layer(rows + 1, columns, stride, pad=(before, after))
        if columns == 4 or wide_fits(geometry, host().lanes(4)):
            assert_agrees(geometry, np.float32)


@pytest.mark.parametrize("channels", [1, BLOCK, BLOCK + 1])
def test_blocks_of_channels_and_several_outputs_of_each(channels: int) -> None:
    for times in (1, 3):
        assert_agrees(layer(4, 4, channels=channels, times=times), np.float32)


def test_an_empty_batch_is_no_work() -> None:
    for threads in (1, 2):
        empty = plan(replace(layer(5, 4), batch=0), np.dtype(np.float32), threads)
        assert empty is not None
        assert empty.units == 0


def test_padding_is_multiplied_too() -> None:
    """An infinite weight on a zero of the border gives nan, as in the textbook."""
    geometry = layer(4, 4)
    image, weight, bias = arrays_for(geometry, np.float32)
    weight[...] = 0
    weight[:, :, 0, 0] = np.inf
    output = computed(plan, geometry, [image, weight, bias])
    assert np.isnan(output).any()
    assert np.array_equal(np.isnan(output), np.isnan(expected(geometry, [image, weight, bias])))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("channels", [1, 2, 2 * BLOCK + 1])
def test_units_write_their_own_cells(channels: int, threads: int) -> None:
    two_vectors = 2 * host().lanes(4) - 3
    for columns, stride in ((4, 1), (4, 2), (two_vectors, 1), (70, 2))[: 4 if WIDE else 2]:
        geometry = layer(6 * TILE_ROWS + 1, columns, stride, channels=channels)
        assert np.all(times_written(plan, geometry, threads=threads) == 1)


@pytest.mark.skipif(not WIDE, reason="no row is wider than a vector here")
def test_wide_rows_where_tiles_are_mostly_full() -> None:
    columns = 2 * host().lanes(4)
    fit = [rows for rows in range(1, 30) if wide_fits(layer(rows, columns), host().lanes(4))]
    assert fit == [*range(2, 8), *range(10, 30)]
    assert not wide_fits(layer(14, columns, times=2), host().lanes(4))


def test_only_what_it_is_made_for() -> None:
    axis = Axis(4, 3, pad=(1, 1))
    others = [
        *([] if host().masks else [layer(4, 5 * host().lanes(4), pad=(1, 1))]),
        layer(4, 4, stride=3),
        layer(4, 4, stride=2, pad=(0, 1)),
        Geometry((axis,), 1, 2, 2, 2),
        Geometry((axis, axis), 1, 4, 4, 2),
        Geometry((axis, Axis(4, 3, stride=2, pad=(1, 1))), 1, 2, 2, 2),
        Geometry((axis, Axis(4, 3, pad=(1, 1), mode="replicate")), 1, 2, 2, 2),
        Geometry((axis, Axis(4, 3, pad=(0, 1))), 1, 2, 2, 2),
        Geometry((axis, Axis(4, 2, pad=(1, 1))), 1, 2, 2, 2),
    ]
    assert [plan(geometry, np.dtype(np.float32), 1) for geometry in others] == [None] * len(others)


def test_many_outputs_are_left_to_tiles_that_read_a_pixel_for_several() -> None:
    axis = Axis(3, 3, pad=(1, 1))
    made = {
        outputs: plan(Geometry((axis, axis), 32, 1, outputs, 1), np.dtype(np.float32), 1)
        for outputs in (16, 17)
    }
    assert made[16] is not None
    assert made[17] is None
