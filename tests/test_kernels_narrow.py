"""Depthwise kernels for the smallest maps against the textbook loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.host import host
from stepconv.kernels.narrow import BLOCK, MOST, TILE_ROWS, VARIANTS, plan
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
    for columns in range(3 - before - 1, MOST * lanes + 1):
        if (columns, stride, before) == (lanes + 1, 1, 0):  # its output is one vector
            continue
        assert_agrees(layer(5, columns, stride, pad=(before, 1)), dtype)


@pytest.mark.parametrize(("stride", "before"), VARIANTS)
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("rows", [2, TILE_ROWS, TILE_ROWS + 1, 3 * TILE_ROWS - 1])
def test_tiles_and_what_is_left_of_them(rows: int, after: int, stride: int, before: int) -> None:
    for columns in (4, MOST * host().lanes(4) - 1):
        assert_agrees(layer(rows + 1, columns, stride, pad=(before, after)), np.float32)


@pytest.mark.parametrize("channels", [1, BLOCK, BLOCK + 1])
def test_blocks_of_channels_and_several_outputs_of_each(channels: int) -> None:
    for times in (1, 3):
        assert_agrees(layer(4, 4, channels=channels, times=times), np.float32)


def test_padding_is_multiplied_too() -> None:
    """An infinite weight on a zero of the border gives nan, as in the textbook."""
    geometry = layer(4, 4)
    image, weight, bias = arrays_for(geometry, np.float32)
    weight[...] = 0
    weight[:, :, 0, 0] = np.inf
    output = computed(plan, geometry, [image, weight, bias])
    assert np.isnan(output).any()
    assert np.array_equal(np.isnan(output), np.isnan(expected(geometry, [image, weight, bias])))


def test_units_write_their_own_cells() -> None:
    assert np.all(times_written(plan, layer(9, 4, channels=2 * BLOCK + 1), threads=2) == 1)


def test_only_what_it_is_made_for() -> None:
    wide = MOST * host().lanes(4) + 1
    axis = Axis(4, 3, pad=(1, 1))
    others = [
        layer(4, wide),
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
