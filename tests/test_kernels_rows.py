"""What compiled functions call, against the textbook loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from stepconv.geometry import Axis, Geometry
from stepconv.kernels import depthwise, rows_depthwise
from stepconv.kernels.depthwise_bands import PHASES
from stepconv.kernels.host import host
from stepconv.kernels.tiles import TILE_ROWS, TILE_VECTORS
from stepconv.spec import ConvSpec
from tests.plans import RowsPlan, arrays_for, computed, expected, rows_plan

pytestmark = pytest.mark.compiled

DTYPES = (np.float32, np.float64)
MODES = ("zeros", "reflect", "replicate", "circular", "symmetric")


def assert_agrees(geometry: Geometry, dtype: Any = np.float32) -> None:
    arrays = arrays_for(geometry, dtype)
    output, wanted = computed(rows_plan, geometry, arrays), expected(geometry, arrays)
    tolerance = 20 * np.finfo(dtype).eps * np.abs(wanted).max()
    assert np.allclose(output, wanted, rtol=0, atol=tolerance)


def layer(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...] = (3, 3),
    channels: tuple[int, int, int] = (5, 6, 1),
    **arguments: Any,
) -> Geometry:
    inputs, outputs, groups = channels
    spec = ConvSpec(kernel, groups=groups, **arguments)
    return spec.bind((2, inputs, *sizes), (outputs, inputs // groups, *kernel))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_borders_strides_and_dilations(mode: str, stride: int, dilation: int, dtype: Any) -> None:
    arguments: Any = {"stride": stride, "dilation": dilation, "padding_mode": mode}
    assert_agrees(layer((11, 13), padding=((2, 1), (1, 3)), **arguments), dtype)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_ranks(rank: int) -> None:
    steps: Any = {"stride": (2, 1, 2)[:rank], "dilation": (1, 2, 1)[:rank]}
    assert_agrees(layer((7, 8, 9)[:rank], (2, 3, 4)[:rank], padding=1, **steps))


@pytest.mark.parametrize("width", range(1, 4 * TILE_VECTORS * 2))
def test_widths(width: int) -> None:
    """Tiles of one, two and three vectors, whole and not."""
    columns = width * host().lanes(4) // 2
    assert_agrees(layer((1, columns), (1, 2), padding=((0, 0), (0, 1))))


@pytest.mark.parametrize("outputs", [1, TILE_ROWS - 1, TILE_ROWS, 3 * TILE_ROWS + 1])
@pytest.mark.parametrize("groups", [1, 3])
def test_channels(outputs: int, groups: int) -> None:
    assert_agrees(layer((5, 20), channels=(6, outputs * groups, groups)))


def test_sums_of_many_terms() -> None:
    assert_agrees(layer((4, 9), channels=(150, 5, 1), padding=1))


@pytest.mark.parametrize(("channels", "sizes"), [(64, (60, 70)), (40, (7, 3000)), (3000, (2, 40))])
def test_bands_and_strips(channels: int, sizes: tuple[int, int]) -> None:
    assert_agrees(layer(sizes, channels=(channels, 3, 1), padding=1))
    assert_agrees(layer(sizes, channels=(channels, 3, 1), padding=1, stride=2))


def test_one_tap_reads_every_third_number() -> None:
    axis = Axis(20, 1, stride=3)
    assert_agrees(Geometry((axis, axis), 2, 4, 4, 1))


@pytest.mark.parametrize(("stride", "dilation"), [(16, 16), (4, 6), (6, 4), (5, 9)])
def test_only_phases_that_taps_meet_are_laid_out(stride: int, dilation: int) -> None:
    assert_agrees(layer((50, 60), stride=stride, dilation=dilation))


def test_bands_that_would_be_far_too_large_are_left_to_the_plain_loops() -> None:
    """Steps so far that the size of a band would run over 64 bits."""
    far = 1 << 21
    axis = Axis(1, 2, dilation=far, pad=(far, 0))
    assert_agrees(Geometry((axis, axis), 2, 1 << 10, 2, 1))


# -- one input channel a group


@st.composite
def single(draw: st.DrawFn) -> Geometry:
    rank, groups = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 3, 40)))
    kernel = tuple(draw(st.sampled_from((1, 2, 3, 3, 5, 8))) for _axis in range(rank))
    stride = tuple(draw(st.integers(1, 5 if k < rank - 1 else 4)) for k in range(rank))
    dilation = tuple(draw(st.sampled_from((1, 1, 2, 3, 4))) for _axis in range(rank))
    mode = draw(st.sampled_from(MODES))
    spans = [(size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True)]
    most = {1: 3000, 2: 120, 3: 20}[rank]
    sizes = tuple(draw(st.integers(span, span + most)) for span in spans)
    widest = 3 if mode == "zeros" else max(0, min(3, min(sizes) - 1))
    padding = [(draw(st.integers(0, widest)), draw(st.integers(0, widest))) for _axis in kernel]
    outputs = draw(st.integers(1, 3))
    return layer(
        sizes, kernel, (groups, groups * outputs, groups), stride=stride, dilation=dilation,
        padding=padding, padding_mode=mode,
    )  # fmt: skip


def table_of(geometry: Geometry, dtype: Any) -> Any:
    """Return the table that drivers write, None where the kernel is not taken."""
    axes = RowsPlan(geometry).axes.reshape(-1)
    mode = MODES.index(next((a.mode for a in geometry.axes if a.mode != "zeros"), "zeros"))
    fields = np.zeros(rows_depthwise.MEASURED, np.int64)
    itemsize = np.dtype(dtype).itemsize
    rows_depthwise.measure(axes, fields, geometry.groups, geometry.group_outputs, mode, itemsize)
    if not fields[rows_depthwise.LENGTH]:
        return None
    table = np.full(fields[rows_depthwise.LENGTH], -7, np.int64)
    rows_depthwise.write(axes, fields, table, mode)
    return table


@settings(max_examples=150)
@given(single(), st.sampled_from(DTYPES))
def test_drivers_write_the_table_that_python_writes(geometry: Geometry, dtype: Any) -> None:
    plan, table = depthwise.plan(geometry, np.dtype(dtype), 1), table_of(geometry, dtype)
    if plan is None or table is None:
        assert (plan is None) == (table is None)
    else:
        assert table.tolist() == plan.table.tolist()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("outputs", [1, 3, 4])
def test_images(outputs: int, dtype: Any) -> None:
    assert_agrees(layer((40, 50), channels=(1, outputs, 1), padding=1), dtype)
    assert_agrees(layer((40, 50), (5, 7), (4, 4 * outputs, 4), stride=2, padding_mode="reflect",
                        padding=2), dtype)  # fmt: skip


def test_what_the_kernel_for_images_is_not_taken_for() -> None:
    wide: Any = {"padding": ((4000, 4000), (0, 0))}
    for geometry in (
        layer((9, 9), channels=(1, 4, 1)),  # as many outputs as a tile of `direct` takes
        layer((40, 40), channels=(1, 1, 1), stride=5),  # a stride that no vector deals out
        layer((20, 20), channels=(1, 1, 1), dilation=(4000, 1), **wide),  # a band of 8000 rows
    ):
        assert table_of(geometry, np.float32) is None
        assert_agrees(geometry)
    assert table_of(layer((40, 40), channels=(1, 1, 1)), np.float32)[PHASES] == 1
