"""Transposed convolutions on small maps: the phases of the output as classes of pixels.

As in `stepconv.kernels.phases`, output cells whose positions leave the same rest modulo the stride
meet the same taps. A tile of runs (`stepconv.kernels.small_tiles`) takes pixels under a list of
taps of its own to cells that lie anywhere. So a transposed convolution is one of
`stepconv.kernels.small` whose classes are the phases: its kernel runs as it is, over bands of a
convolution of stride 1 that reaches what any phase reaches, and no phase waits beside the band to
be dealt out.

With 16 registers, where pixels are single, that is the way for all maps but those of few output
channels; with 32 where runs leave less of a rest than vectors, as on most maps of up to 10 columns,
also those narrower than a run, whose last pixels are computed and not stored. There a band holds
several samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry, Indices
from stepconv.kernels import small_loops
from stepconv.kernels.bands import Layout
from stepconv.kernels.cutting import BAND_BYTES
from stepconv.kernels.drivers import lanes
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, beside, span, vectors_of
from stepconv.kernels.lowering import driver
from stepconv.kernels.reading import cells
from stepconv.kernels.runs import STEP_CYCLES, cut
from stepconv.kernels.small_bands import RowBands, row_bands
from stepconv.kernels.small_lists import Heads, records
from stepconv.kernels.small_loops import kernel
from stepconv.kernels.small_order import order
from stepconv.kernels.small_tiles import AHEAD_AT, LISTS, PART, SHAPES, SINGLE, Shape, shapes
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import (
    CHANNEL_STEP,
    CHANNELS,
    IN_PLACE,
    PLANE,
    SPAN,
    TAPS,
    TAPS_AT,
    TILE_VECTORS,
    pack_taps,
    step_share,
    tile_rows,
)

Axes = tuple[Axis, Axis, Axis]

#: Bytes of a band, but where a row takes more. On Zen 3 unet's 2x2 takes 8 % less time than with
#: 800 KB, dcgan's 4x4 3 to 5 %; 200 KB do as well.
SOME_ROWS_BYTES = 300 * 1024
#: Columns of a phase up to which runs are asked for.
MOST_COLUMNS = 32
# Cycles of a step of a tile of `stepconv.kernels.phases`, and to begin and store it; to begin and
# store one of runs whose cells are dealt out. As those of `stepconv.kernels.runs`.
STEP, BEGIN, _TILE = 12.3, 50.0, 450.0
#: Where in the sizes for `pack` the places of the taps begin.
PLACES = 4

#: Phases along an axis: for each its taps, and how far from the cell's own the input lies that
#: each meets.
Shifts = list[dict[int, int]]


@driver
def pack(sizes: Any, weight: Any, packed: Any, first: int, stop: int) -> None:
    """Lay out weights [input][output][tap] as [group][block][phase][input][tap][channel].

    `sizes` are the inputs and outputs of a group, the taps, and the channels of a block; then
    stands for each tap where it goes in a block, and how much further for each input. A unit is a
    block; channels that are not there become 0.
    """
    inputs, outputs, taps, block = sizes[0], sizes[1], sizes[2], sizes[3]
    blocks = (outputs + block - 1) // block
    for unit in range(first, stop):
        group, number = divmod(unit, blocks)
        for vector in range(block // lanes(weight)):
            channel = number * block + vector * lanes(weight)
            at = unit * inputs * taps * block + vector * lanes(weight)
            for c in range(inputs):
                start = ((group * inputs + c) * outputs + channel) * taps
                pack_taps(
                    lanes(weight), PLACES, weight, start, taps, outputs - channel,
                    packed, at, sizes, c,
                )  # fmt: skip


class PhasePixelsPlan(TiledPlan):
    """Pixels of each phase; see the module."""

    def __init__(
        self,
        geometry: Geometry,
        dtype: np.dtype[Any],
        shifts: list[Shifts],
        rows: RowBands,
        threads: int,
        shape: Shape,
    ) -> None:
        axes, layout = geometry.embedded, rows.layout
        depth, height, width = (axis.output_size for axis in axes)
        levels = -(-depth // axes[0].stride)
        inputs, outputs = geometry.group_inputs, geometry.group_outputs
        taps = prod(axis.kernel_size for axis in axes)
        block = shape.wide * host().lanes(dtype.itemsize)
        blocks = -(-outputs // block)
        samples = 1 if geometry.batch is None else geometry.batch
        band = inputs * layout.channel
        together = max(1, min(BAND_BYTES // (band * dtype.itemsize), samples // threads))
        if rows.count > 1 or SINGLE:
            together = 1
        batches = -(-samples // together)
        units = batches * geometry.groups * levels * rows.count
        shares = min(threads, blocks) if units % threads and units < 8 * threads else 1
        plane = depth * height * width
        own = span(inputs, max(len(list(product(*phase))) for phase in product(*shifts)))
        tables = Tables()
        settings = layout.describe(tables)
        heads, places = _lists(geometry, shifts, layout, tables, own, block)
        ends = []
        for several in (together, samples % together) if samples % together else (together,):
            for own_rows in rows.outputs:
                table = _tiles(
                    axes,
                    shape,
                    heads,
                    own_rows,
                    layout.pitch,
                    several,
                    band,
                    geometry.out_channels * plane,
                )
                start = tables.add(table.ravel())
                ends += [start, start + table.size]
        listed = tables.add(ends)
        # The weights of a phase lie elsewhere than `order` takes them to: no parts with runs.
        way = order(geometry, dtype, shape, own, not SINGLE)
        settings |= {
            CHANNELS: inputs,
            CHANNEL_STEP: layout.channel,
            TAPS: taps,
            TAPS_AT: 0,  # each tile has its own
            SPAN: own,
            PLANE: plane,
            IN_PLACE: False,
            small_loops.GROUPS: geometry.groups,
            small_loops.GROUP_OUTPUTS: outputs,
            small_loops.IMAGE: cells(axes),
            small_loops.OUT_DEPTH: levels,
            small_loops.DEPTHS: 1,
            small_loops.SLABS: levels,
            small_loops.KNOWN: 0,
            small_loops.OUT_HEIGHT: axes[0].stride * height,
            small_loops.OUT_WIDTH: width,
            small_loops.SAMPLES: samples,
            small_loops.TOGETHER: together,
            small_loops.BANDS: rows.count,
            small_loops.CORNER_STEP: rows.corner_step * axes[1].stride,
            small_loops.SOURCE_STEP: rows.source_step,
            small_loops.SHARES: shares,
            small_loops.BLOCK: block,
            small_loops.SAMPLE_STEP: band,
            small_loops.PLANE_STEP: 0,
            small_loops.ROW_STEP: 0,
            small_loops.PIXEL_STEP: 1,
            small_loops.CELL_STEP: axes[2].stride,
            small_loops.LISTS_AT: tables.add([listed] * levels),
            small_loops.STRETCH: shape.record * way.stretch,
            small_loops.GROUP: shape.record * way.group,
            PART: way.part,
            AHEAD_AT: way.ahead,
            small_loops.BIASES_AT: together * band,
            small_loops.TOTALS_STEP: way.totals_step,
            small_loops.ROOM_AT: 0,
            small_loops.SCRATCH: together * band + block + way.totals,
        }
        super().__init__(
            kernel(shape, small_loops.NARROW, False, axes[2].stride > 1 and not SINGLE, False),
            pack,
            dtype,
            units * shares,
            settings,
            tables.array(),
            (inputs, outputs, taps, block, *places),
            geometry.groups * blocks,
            block * inputs * taps,
            settings[small_loops.SCRATCH],
        )


def plan(
    geometry: Geometry,
    dtype: np.dtype[Any],
    threads: int,
    shifts: list[Shifts],
    bands: Axes,
) -> PhasePixelsPlan | None:
    """Return a plan where tiles are of single pixels, or leave less of a rest than vectors.

    The channels must fill most of their vectors. Every phase needs a tap, and the phases in depth
    as many cells.
    """
    block = (SHAPES[0].wide if SINGLE else 1) * host().lanes(dtype.itemsize)
    outputs, depth = geometry.group_outputs, geometry.embedded[0]
    wasted = -outputs % block
    if 4 * wasted > outputs or depth.output_size % depth.stride:
        return None
    if not all(phase for axis in shifts for phase in axis):
        return None
    channel = geometry.group_inputs * dtype.itemsize
    few = row_bands(bands, lambda layout: layout.channel * channel <= SOME_ROWS_BYTES)
    rows = few or row_bands(bands, lambda layout: layout.channel * channel <= BAND_BYTES)
    if rows is None:
        return None
    shape = SHAPES[0] if SINGLE else _shape(geometry, dtype, shifts, bands, rows)
    return None if shape is None else PhasePixelsPlan(geometry, dtype, shifts, rows, threads, shape)


def _shape(
    geometry: Geometry, dtype: np.dtype[Any], shifts: list[Shifts], bands: Axes, rows: RowBands
) -> Shape | None:
    """Return the shape of tiles that takes the least time, None where vectors take less."""
    columns = geometry.embedded[2]
    if rows.count > 1 or not 1 <= columns.output_size // columns.stride <= MOST_COLUMNS:
        return None
    samples = 1 if geometry.batch is None else geometry.batch
    band = geometry.group_inputs * rows.layout.channel * dtype.itemsize
    together = max(1, min(BAND_BYTES // band, samples))
    terms = _terms(geometry, shifts)
    size = bands[1].output_size, bands[2].output_size
    least = vector_cycles(geometry, dtype, shifts, bands, rows.layout.pitch)
    best = None
    lanes = host().lanes(dtype.itemsize)
    for shape in shapes(geometry.group_outputs, size[1], lanes):
        runs = size[0] * -(-size[1] // shape.run) * together
        tiles = -(-runs // shape.runs) / together
        blocks = -(-geometry.group_outputs // (shape.wide * lanes))
        cycles = blocks * tiles * float((terms * STEP_CYCLES[shape][0] + _TILE).sum())
        if cycles < least:
            best, least = shape, cycles
    return best


def vector_cycles(
    geometry: Geometry, dtype: np.dtype[Any], shifts: list[Shifts], bands: Axes, pitch: int
) -> float:
    """Cycles that vectors of pixels take for a plane, from a band of rows `pitch` apart."""
    height, width = bands[1].output_size, bands[2].output_size
    vectors = max(2, vectors_of(height, width, pitch, host().lanes(dtype.itemsize))[0])
    rows = tile_rows(geometry.group_outputs)
    tiles = -(-geometry.group_outputs // rows) * vectors / TILE_VECTORS
    steps = _terms(geometry, shifts) * STEP + BEGIN
    return tiles * step_share(rows) * float(steps.sum())


def _terms(geometry: Geometry, shifts: list[Shifts]) -> Indices:
    """Terms of the sums of each phase."""
    taps = [prod(map(len, phase)) for phase in product(*shifts)]
    return geometry.group_inputs * np.array(taps)


def _lists(
    geometry: Geometry,
    shifts: list[Shifts],
    layout: Layout,
    tables: Tables,
    channels: int,
    block: int,
) -> tuple[Heads, Indices]:
    """Write for each phase its taps' offsets in the band and in the weights, of some channels.

    Returns how the records of each phase begin, and for `pack` the places of the taps.
    """
    kernel = tuple(axis.kernel_size for axis in geometry.embedded)
    heads = []
    packing = np.zeros((prod(kernel), 2), np.int64)
    done = 0
    for taps, offsets in phase_taps(kernel, shifts, layout.axes, layout.offsets):
        step = len(taps) * block
        at = np.arange(len(taps)) * block
        pairs = np.column_stack(
            [
                beside(offsets, channels, layout.channel),
                done + beside(at, channels, step),
            ]
        )
        none = (0, 0) * (LISTS - 1)
        heads.append((step, tables.add(pairs.ravel()), len(taps), *none))
        packing[taps, 0], packing[taps, 1] = done + at, step
        done += geometry.group_inputs * step
    return dict(enumerate(heads)), packing.ravel()


def phase_taps(
    kernel: tuple[int, ...], shifts: list[Shifts], bands: Axes, offsets: Indices
) -> Iterator[tuple[Indices, Indices]]:
    """Yield for each phase its taps, counted through the kernel, and their offsets.

    `offsets` are those of the wider kernel of the band.
    """
    numbers = np.arange(prod(kernel)).reshape(kernel)
    offsets = offsets.reshape([axis.kernel_size for axis in bands])
    for parts in product(*shifts):
        # Along each axis the taps of the phase, and where they lie in the band's wider kernel.
        along = [list(part) for part in parts]
        places = [
            [shift + axis.pad[0] for shift in part.values()]
            for part, axis in zip(parts, bands, strict=True)
        ]
        yield numbers[np.ix_(*along)].ravel(), offsets[np.ix_(*places)].ravel()


def _tiles(
    axes: Axes,
    shape: Shape,
    heads: Heads,
    rows: Indices,
    pitch: int,
    samples: int,
    sample_step: int,
    sample_cells: int,
) -> Indices:
    """Return the records of the tiles for some rows of cells of each phase, of several samples."""
    steps = [axis.stride for axis in axes]
    _, height, width = (axis.output_size for axis in axes)
    z = np.arange(steps[0])[:, None, None]
    y = np.arange(rows[0] * steps[1], min((rows[-1] + 1) * steps[1], height))[:, None]
    parts = []
    for phase in range(steps[2]):
        count = len(range(phase, width, steps[2]))
        starts, _, stops = cut(count, shape.run, exact=not 0 < count < shape.run)
        parts.append((starts * steps[2] + phase, (1 << stops) - 1))
    x, kept = (np.concatenate(part) for part in zip(*parts, strict=True))
    sample = np.arange(samples)[:, None, None, None]
    kind = (z * steps[1] + y % steps[1]) * steps[2] + x % steps[2] + 0 * sample
    begin = (y // steps[1] - rows[0]) * pitch + x // steps[2] + 0 * z + sample * sample_step
    cell = (z * height + y - rows[0] * steps[1]) * width + x + sample * sample_cells
    order = np.argsort(kind.ravel(), kind="stable")
    kind, begin, kept, cell = (each.ravel()[order] for each in (kind, begin, kept + 0 * kind, cell))
    return records(shape, heads, kind, begin, kept, cell)
