"""Winograd's convolution against the textbook loops, and how many digits it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.winograd import CHAIN, ROWS, plan
from stepconv.kernels.winograd_tiles import POINTS
from tests.plans import arrays_for, computed, expected, times_written
from tests.strategies import MODES

pytestmark = pytest.mark.compiled

DTYPES = (np.float32, np.float64)


def error(geometry: Geometry, dtype: Any, threads: int = 1, seed: int = 0) -> float:
    """Return the largest error over the largest output, with variances near 1."""
    image, weight, bias = arrays_for(geometry, dtype, seed)
    weight /= np.sqrt(geometry.terms).astype(dtype)
    arrays = [image, weight, bias]
    output, right = computed(plan, geometry, arrays, threads), expected(geometry, arrays)
    assert not np.isnan(output).any()
    if not output.size:
        return 0.0
    return float(np.abs(output - right).max() / max(1.0, np.abs(right).max()))


def image(sizes: tuple[int, int], pad: int = 1, mode: str = "zeros") -> tuple[Axis, ...]:
    return tuple(Axis(size, 3, 1, 1, (pad, pad), mode) for size in sizes)


@st.composite
def axes(draw: st.DrawFn, mode: str) -> Axis:
    size = draw(st.integers(1, 20))
    most = {"zeros": 5, "reflect": size - 1}.get(mode, size)
    before, after = draw(st.integers(0, min(5, most))), draw(st.integers(0, min(5, most)))
    return Axis(max(size, 3 - before - after), 3, 1, 1, (before, after), mode)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    mode = draw(st.sampled_from(MODES))
    batch = draw(st.sampled_from([None, 0, 1, 3]))
    own = draw(axes(mode)), draw(axes(mode))
    return Geometry(own, batch, draw(st.integers(1, 20)), draw(st.integers(1, 30)))


@given(geometries(), st.sampled_from(DTYPES), st.integers(1, 3))
def test_any_layer_it_takes(geometry: Geometry, dtype: Any, threads: int) -> None:
    assert error(geometry, dtype, threads) < 200 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("batch", "channels", "outputs", "sizes"),
    [
        (1, 64, 64, (56, 56)),  # several units, tiles that begin within a row of them
        (3, 33, 25, (14, 14)),  # a unit of several images
        (2, 2 * CHAIN + 5, 7, (9, 10)),  # sums in three parts
        (1, 3, 5, (5, 150)),  # rows of tiles longer than a vector
        (5, 7, 13, (7, 7)),
    ],
)
def test_sizes(batch: int, channels: int, outputs: int, sizes: tuple[int, int], dtype: Any) -> None:
    geometry = Geometry(image(sizes), batch, channels, outputs)
    assert error(geometry, dtype, threads=2) < 200 * np.finfo(dtype).eps


@pytest.mark.parametrize(("channels", "size"), [(64, 28), (128, 14), (256, 14)])
def test_documented_accuracy(channels: int, size: int) -> None:
    geometry = Geometry(image((size, size)), 1, channels, 24)
    for seed in range(3):
        assert error(geometry, np.float32, seed=seed) < 2e-5


def test_output_channels_are_shared_where_tiles_are_few() -> None:
    geometry = Geometry(image((14, 14)), 1, 8, 50)
    made = plan(geometry, np.dtype(np.float32), 2)
    assert made is not None
    assert made.units == 2
    assert np.all(times_written(plan, geometry, threads=2) == 1)


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry((Axis(9, 3), Axis(9, 5)), 1, 4, 4),
        Geometry((Axis(9, 3), Axis(9, 3, stride=2)), 1, 4, 4),
        Geometry((Axis(9, 3, dilation=2), Axis(9, 3)), 1, 4, 4),
        Geometry((Axis(9, 3), Axis(9, 3)), 1, 4, 4, groups=2),
        Geometry((Axis(9, 3),), 1, 4, 4),
        Geometry((Axis(9, 3),) * 3, 1, 4, 4),
        Geometry((Axis(9, 3, transposed=True),) * 2, 1, 4, 4),
    ],
)
def test_all_else_is_left_to_others(geometry: Geometry) -> None:
    assert plan(geometry, np.dtype(np.float32), 1) is None


@pytest.mark.parametrize(("outputs", "channels"), [(7, 5), (61, 64)])
def test_packed_kernels_are_rounded_once(outputs: int, channels: int) -> None:
    # The larger ones are packed by all threads.
    weight = np.random.default_rng(0).normal(size=(outputs, channels, 3, 3)).astype(np.float32)
    matrix = [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]
    side = np.array(matrix, np.float64) / 24
    points = (side @ weight @ side.T).reshape(outputs, channels, POINTS)

    planned = plan(Geometry(image((6, 6)), 1, channels, outputs), weight.dtype, 2)
    assert planned is not None
    packed = planned.pack(weight).reshape(-1, POINTS, channels, ROWS)
    found = packed.transpose(0, 3, 2, 1).reshape(-1, channels, POINTS)[:outputs]
    assert (np.abs(found - points) <= 0.501 * np.spacing(np.abs(points.astype(np.float32)))).all()
