"""Transposed convolutions whose kernel is no larger than the stride, each pixel a block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from stepconv.geometry import Geometry
from stepconv.kernels import mosaic, plan as plans
from stepconv.kernels.host import host
from stepconv.kernels.mosaic import STRETCH_BYTES, MosaicPlan
from stepconv.kernels.small_tiles import SINGLE
from stepconv.kernels.tiles import TILE_ROWS
from stepconv.spec import ConvSpec
from tests.plans import assert_agrees, times_written, transposed

pytestmark = pytest.mark.compiled

DTYPES = ("f4", "f8")
F4 = np.dtype(np.float32)


def always(geometry: Geometry, dtype: Any, threads: int) -> MosaicPlan | None:
    """Plan also with 16 registers, where single pixels are faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mosaic, "SINGLE", False)
        return mosaic.plan(geometry, np.dtype(dtype), threads)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    rank, groups = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 2)))
    inputs, outputs = draw(st.sampled_from((1, 3, 16, 130))), draw(st.integers(1, 9))
    strides = [draw(st.integers(1, 4)) for _axis in range(rank)]
    kernel = [draw(st.integers(1, stride)) for stride in strides]
    both = list(zip(strides, kernel, strict=True))
    most = {1: 200, 2: 40, 3: 20}[rank]
    sizes = [draw(st.integers(1, {1: 200, 2: 9, 3: 3}[rank])) for _axis in range(rank - 1)]
    return transposed(
        (draw(st.sampled_from((0, 1, 3))), inputs * groups, *sizes, draw(st.integers(4, most))),
        (inputs * groups, outputs, *kernel),
        groups=groups,
        stride=strides,
        output_padding=[draw(st.integers(0, stride - size)) for stride, size in both],
    )


@pytest.mark.slow  # each kind of tile has a kernel to compile
@settings(max_examples=150)
@given(geometries(), st.sampled_from(DTYPES), st.integers(1, 3))
def test_any_kernel_no_larger_than_the_stride(geometry: Geometry, dtype: str, threads: int) -> None:
    x = geometry.embedded[2]
    assume(x.input_size >= host().lanes(np.dtype(dtype).itemsize) and x.stride <= TILE_ROWS)
    assert_agrees(always, geometry, dtype, threads)


CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "unet": ((1, 32, 40, 40), (32, 16, 2, 2), {"stride": 2}),
    "patches": ((2, 20, 16, 16), (20, 5, 4, 4), {"stride": 4}),
    "three columns": ((1, 20, 18, 19), (20, 5, 3, 3), {"stride": 3}),
    "rows of one vector": ((1, 16, 16, 16), (16, 4, 2, 2), {"stride": 2}),
    "rows a vector and a pixel": ((1, 16, 9, 17), (16, 9, 2, 2), {"stride": 2}),
    "one row of less than two vectors": ((1, 16, 1, 19), (16, 4, 2, 2), {"stride": 2}),
    "units of several rows": ((1, 700, 16, 33), (700, 4, 2, 2), {"stride": 2}),
    "gaps": ((1, 20, 16, 20), (20, 5, 1, 1), {"stride": 2}),
    "gaps behind": ((1, 20, 16, 20), (20, 5, 1, 2), {"stride": (3, 4), "output_padding": (2, 1)}),
    "no gap behind": ((1, 20, 16, 20), (20, 5, 1, 2), {"stride": (3, 4)}),
    "rows apart": ((1, 20, 16, 20), (20, 5, 2, 1), {"stride": (2, 1)}),
    "a kernel of 1": ((1, 20, 16, 20), (20, 9, 1, 1), {}),
    "a line": ((2, 32, 500), (32, 6, 4), {"stride": 4}),
    "a volume": ((2, 16, 3, 6, 20), (16, 9, 2, 2, 2), {"stride": 2}),
    "a volume with gaps": ((1, 16, 3, 6, 20), (16, 4, 1, 2, 2), {"stride": (2, 3, 2)}),
    "groups": ((2, 48, 9, 20), (48, 2, 2, 2), {"groups": 3, "stride": 2}),
}  # fmt: skip


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_against_the_textbook(name: str, threads: int) -> None:
    input_shape, weight_shape, arguments = CASES[name]
    geometry = transposed(input_shape, weight_shape, **arguments)
    for dtype in DTYPES:
        if host().lanes(np.dtype(dtype).itemsize) <= geometry.input_shape[-1]:
            assert_agrees(always, geometry, dtype, threads)
    written = times_written(always, geometry, threads)
    assert written.min() == written.max() == 1


def test_units_fit_the_cache_and_are_shared_evenly() -> None:
    geometry = transposed((1, 256, 64, 64), (256, 64, 2, 2), stride=2)
    for threads in (1, 2, 3):
        made = always(geometry, F4, threads)
        assert made is not None
        assert made.units % threads == 0
        assert made.units >= 256 * 64 * 64 * 4 / STRETCH_BYTES


@pytest.mark.skipif(SINGLE, reason="with 16 registers single pixels take all")
@pytest.mark.parametrize(
    ("input_shape", "weight_shape", "arguments", "taken"),
    [
        ((1, 64, 32, 32), (64, 8, 2, 2), {"stride": 2}, True),
        ((1, 64, 32, 32), (64, 8, 2, 2), {"stride": 3}, True),  # gaps
        ((1, 64, 32, 32), (64, 8, 3, 3), {"stride": 2}, False),  # blocks overlap
        ((1, 64, 32, 32), (64, 8, 2, 2), {"stride": 3, "dilation": 2}, False),  # gaps inside
        ((1, 64, 32, 32), (64, 8, 2, 2), {"stride": 2, "padding": 1}, False),  # cropped
        ((1, 64, 32, 32), (64, 8, 2, 2), {"stride": 2, "output_padding": 1}, False),  # more gaps
        ((1, 64, 32, 3), (64, 8, 2, 2), {"stride": 2}, False),  # less than a vector
        ((1, 64, 32, 32), (64, 8, 9, 9), {"stride": 9}, False),  # does not fit a tile
    ],
)
def test_where_it_is_taken(
    input_shape: Any, weight_shape: Any, arguments: dict[str, Any], taken: bool
) -> None:
    plan = plans.choose(transposed(input_shape, weight_shape, **arguments), F4, "auto", 1)
    assert isinstance(plan, MosaicPlan) == taken


def test_what_is_no_transposed_layer_is_none() -> None:
    geometry = ConvSpec((2, 2), stride=2).bind((1, 64, 32, 32), (8, 64, 2, 2))
    assert mosaic.plan(geometry, F4, 1) is None
