"""Depthwise kernels against the textbook loops, over geometries drawn and picked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.depthwise import BAND_BYTES, CHAIN, plan
from tests.plans import arrays_for, computed, expected, times_written
from tests.strategies import MODES

pytestmark = pytest.mark.compiled

DTYPES = (np.float32, np.float64)


def assert_agrees(geometry: Geometry, dtype: Any, threads: int = 1) -> None:
    arrays = arrays_for(geometry, dtype)
    output = computed(plan, geometry, arrays, threads)
    # Each of the terms and products is rounded, and chains are at most CHAIN long.
    bound = np.finfo(dtype).eps * (4 + min(geometry.terms, CHAIN)) * 4
    assert np.allclose(output, expected(geometry, arrays), rtol=bound, atol=bound)


@st.composite
def axes(draw: st.DrawFn, mode: str) -> Axis:
    kernel, dilation = draw(st.integers(1, 7)), draw(st.integers(1, 3))
    span = dilation * (kernel - 1) + 1
    size = draw(st.integers(1, 40))
    most = {"zeros": 6, "reflect": size - 1}.get(mode, size)
    before, after = draw(st.integers(0, min(6, most))), draw(st.integers(0, min(6, most)))
    size = max(size, span - before - after)
    return Axis(size, kernel, draw(st.integers(1, 5)), dilation, (before, after), mode)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    mode, rank = draw(st.sampled_from(MODES)), draw(st.integers(1, 3))
    channels, multiplier = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    batch = draw(st.sampled_from([None, 0, 1, 3]))
    own = tuple(draw(axes(mode)) for _ in range(rank))
    return Geometry(own, batch, channels, channels * multiplier, channels)


@given(geometries(), st.sampled_from(DTYPES), st.integers(1, 3))
def test_any_depthwise_layer(geometry: Geometry, dtype: Any, threads: int) -> None:
    assume(plan(geometry, np.dtype(dtype), threads) is not None)  # but lines with many outputs
    assert_agrees(geometry, dtype, threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("channels", "sizes", "kernel", "stride", "dilation", "pad"),
    [
        (17, (14, 14), (3, 3), 1, 1, 1),  # several channels in scratch, the last block short
        (33, (7, 15), (3, 3), 2, 1, 1),
        (2, (56, 57), (3, 3), 2, 1, 1),
        (1, (130, 900), (3, 3), 1, 1, 1),  # panels of columns and bands of rows
        (1, (40, 700), (11, 11), 1, 1, 5),
        (1, (61, 64), (7, 7), 1, 3, 9),  # families of rows
        (1, (61, 64), (5, 5), 2, 4, 8),
        (1, (64, 64), (16, 16), 16, 1, 0),
        (3, (11, 9), (3, 5), 4, 1, 2),
        (3, (5000,), (5,), 1, 1, 2),
        (3, (5001,), (4,), 2, 3, 4),
        (1, (1, 2000), (1, 700), 1, 1, 9),  # a chain that is cut
        (2, (9, 8, 20), (3, 3, 3), 2, 1, 1),
        (1, (3,), (3,), 1, 1, 40),  # more padding than vectors are wide
    ],
)
def test_sizes(
    channels: int,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: int,
    dilation: int,
    pad: int,
    dtype: Any,
) -> None:
    own = tuple(
        Axis(size, taps, stride, dilation, (pad, pad))
        for size, taps in zip(sizes, kernel, strict=True)
    )
    assert_agrees(Geometry(own, 2, channels, channels, channels), dtype)


def test_images_under_several_kernels() -> None:
    axis = Axis(30, 3, 1, 1, (1, 1), "reflect")
    assert_agrees(Geometry((axis, axis), 2, 1, 3, 1), np.float32)


def test_many_outputs_are_left_to_tiles_that_read_a_pixel_for_several() -> None:
    def taken(*sizes: int, outputs: int) -> bool:
        axes = tuple(Axis(size, 5, pad=(2, 2)) for size in sizes)
        return plan(Geometry(axes, 1, 1, outputs, 1), np.dtype(np.float32), 1) is not None

    assert taken(60, 60, outputs=3)
    assert not taken(60, 60, outputs=4)
    assert taken(60, outputs=1)
    assert not taken(60, outputs=2)


def test_bands_fit_where_they_can() -> None:
    axis = Axis(4000, 3, 1, 1, (1, 1))
    made = plan(Geometry((axis, axis), 1, 1, 1, 1), np.dtype(np.float32), 1)
    assert made is not None
    assert made.units > (4000 * 4000 * 4) // BAND_BYTES


def test_padding_is_multiplied_too() -> None:
    """An infinite weight on a zero of the border gives nan, as in the textbook."""
    axis = Axis(9, 3, 1, 1, (1, 1))
    geometry = Geometry((axis, axis), 1, 1, 1, 1)
    image, weight, bias = arrays_for(geometry, np.float32)
    weight[...] = 0
    weight[0, 0, 0, 0] = np.inf
    output = computed(plan, geometry, [image, weight, bias])
    assert np.array_equal(np.isnan(output), np.isnan(expected(geometry, [image, weight, bias])))
    assert np.isnan(output).any()


def test_only_layers_without_sums_over_channels() -> None:
    axis = Axis(9, 3)
    assert plan(Geometry((axis,), 1, 4, 4, 2), np.dtype(np.float32), 1) is None
    flipped = Axis(9, 3, transposed=True)
    assert plan(Geometry((flipped,), 1, 4, 4, 4), np.dtype(np.float32), 1) is None


def test_units_write_their_own_cells() -> None:
    axis = Axis(40, 3, 1, 1, (1, 1))
    assert np.all(times_written(plan, Geometry((axis, axis), 2, 6, 6, 6), threads=2) == 1)
