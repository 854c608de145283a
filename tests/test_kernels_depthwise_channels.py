"""Depthwise kernels with channels in vectors, against the textbook loops."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv.geometry import Axis, Geometry
from stepconv.kernels import depthwise_channels
from stepconv.kernels.depthwise_channels import MOST_BYTES, DepthwiseChannelsPlan, best_run, plan
from stepconv.kernels.host import host
from tests.plans import arrays_for, computed, expected, times_written

pytestmark = pytest.mark.compiled

DTYPES = (np.float32, np.float64)
LANES = host().lanes(4)


def anywhere(geometry: Geometry, dtype: Any, threads: int = 1) -> DepthwiseChannelsPlan | None:
    """Return the plan wherever there is one, whatever it costs."""
    with mock.patch.object(depthwise_channels, "_others", return_value=math.inf):
        return plan(geometry, np.dtype(dtype), threads)


def depthwise(channels: int, *axes: Axis, batch: int | None = 1) -> Geometry:
    return Geometry(axes, batch, channels, channels, channels)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    axes = []
    for _axis in range(draw(st.integers(1, 3))):
        kernel, dilation, size = (draw(st.integers(1, most)) for most in (5, 3, 16))
        before, after = draw(st.integers(0, 6)), draw(st.integers(0, 6))
        size = max(size, dilation * (kernel - 1) + 1 - before - after)
        axes.append(Axis(size, kernel, draw(st.integers(1, 4)), dilation, (before, after)))
    batch = draw(st.sampled_from([None, 1, 3]))
    return depthwise(draw(st.integers(1, 2 * LANES + 1)), *axes, batch=batch)


def assert_agrees(geometry: Geometry, dtype: Any) -> None:
    arrays = arrays_for(geometry, dtype)
    bound = np.finfo(dtype).eps * (4 + geometry.terms) * 4
    output = computed(anywhere, geometry, arrays)
    assert np.allclose(output, expected(geometry, arrays), rtol=bound, atol=bound)


@given(geometries(), st.sampled_from(DTYPES))
def test_any_layer_that_fits(geometry: Geometry, dtype: Any) -> None:
    if anywhere(geometry, dtype) is not None:
        assert_agrees(geometry, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("channels", "sizes", "kernel", "stride", "dilation", "pad"),
    [
        (LANES, (7, 7), 7, 1, 1, 3),
        (LANES + 1, (7, 7), 5, 1, 1, 2),  # a block of a single channel
        (2 * LANES - 1, (14, 14), 5, 2, 1, 2),
        (3, (13, 13), 7, 1, 1, 3),  # a last run that begins earlier
        (3, (3, 15), 3, 1, 2, 2),
        (LANES, (1, 1), 3, 1, 1, 1),  # a run with one pixel
        (LANES, (2, 3), 3, 1, 1, 5),  # rows that see nothing but padding
        (5, (19, 5), 4, 3, 2, 0),
        (LANES, (400,), 15, 1, 1, 7),
        (4, (300,), 8, 4, 1, 0),
        (6, (5, 6, 7), 3, 1, 1, 1),
    ],
)
def test_sizes(
    channels: int,
    sizes: tuple[int, ...],
    kernel: int,
    stride: int,
    dilation: int,
    pad: int,
    dtype: Any,
) -> None:
    axes = (Axis(size, kernel, stride, dilation, (pad, pad)) for size in sizes)
    assert_agrees(depthwise(channels, *axes, batch=2), dtype)


def test_every_cell_is_written_once() -> None:
    geometry = depthwise(2 * LANES + 3, *(Axis(9, 3, pad=(1, 1)),) * 2, batch=2)
    assert (times_written(anywhere, geometry, 3) == 1).all()


def test_runs_that_load_least() -> None:
    wide = {7: 7, 10: 14, 14: 14, 17: 7, 28: 14}
    for size, run in wide.items():
        assert best_run(Axis(size, 1)) == (run if host().registers == 32 else 7)


def test_what_is_left_to_others() -> None:
    square = Axis(7, 7, pad=(3, 3))
    layer = depthwise(64, square, square)
    assert anywhere(layer, np.float32) is not None
    others = {
        "more outputs": replace(layer, out_channels=128),
        "no samples": replace(layer, batch=0),
        "another border": depthwise(64, replace(square, mode="reflect"), square),
        "long sums": depthwise(64, *(Axis(20, 17, pad=(8, 8)),) * 2),
        "long lists": depthwise(64, Axis(700, 101, pad=(50, 50)), Axis(1, 1)),
        "large maps": depthwise(64, *(Axis(100, 3, pad=(1, 1)),) * 2),
    }
    assert {name: anywhere(other, np.float32) for name, other in others.items()} == dict.fromkeys(
        others
    )


def test_it_is_taken_where_rows_are_short_and_channels_many() -> None:
    def taken(channels: int, size: int, kernel: int) -> bool:
        axis = Axis(size, kernel, pad=(kernel // 2,) * 2)
        return plan(depthwise(channels, axis, axis), np.dtype(np.float32), 1) is not None

    assert taken(512, 7, 7)
    assert taken(512, 4, 3)
    assert not taken(1, 7, 7)
    assert not taken(512, 16, 3)
    axis = Axis(28, 7, pad=(3, 3))
    one_block = depthwise(LANES, axis, axis)  # which threads would not share
    assert plan(one_block, np.dtype(np.float32), 2) is None
    line = Axis(100, 15, pad=(7, 7))
    assert plan(depthwise(512, line), np.dtype(np.float32), 1) is not None


def test_scratch_stays_small() -> None:
    layer = depthwise(64, *(Axis(28, 7, pad=(3, 3)),) * 2)
    fitting = anywhere(layer, np.float32)
    assert fitting is not None
    assert fitting.scratch * 4 <= MOST_BYTES + 4 * LANES
