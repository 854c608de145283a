"""Transposed convolutions: an ordinary convolution for each phase of the output.

With stride s, output cells whose positions leave the same rest modulo s meet the same taps: they
form a *phase*. Of a kernel of 4 with stride 2, cells 0, 2, 4, … meet taps 1 and 3, cells
1, 3, 5, … taps 0 and 2, and never an inserted zero::

    output        0   1   2   3   4   5
    input         0       1       2           taps 1 and 3 of the input below and before,
    phase         0   1   0   1   0   1       taps 0 and 2 of those after and below

So a phase is a convolution of stride 1 with some of the taps. All phases read the same band
of the input, filled once or in its place, as in `stepconv.kernels.direct`; each block of output
channels passes over it once for each phase, into a stage beside the band, and from there
the phases are dealt out to the output, in rows.

Cells beyond the border of the input are zeros here, and an infinite weight meets them; the
textbook kernel passes over them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from math import prod
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry, Indices
from stepconv.kernels import phase_pixels
from stepconv.kernels.bands import (
    BAND_SETTINGS,
    HEIGHT,
    WIDTH,
    Layout,
    fill,
)
from stepconv.kernels.cutting import cut
from stepconv.kernels.drivers import allocate, emitted, inlined
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, sums, tile_lists
from stepconv.kernels.lowering import driver
from stepconv.kernels.phase_pixels import PhasePixelsPlan, Shifts, phase_taps
from stepconv.kernels.reading import Reading, cells
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import (
    CHANNEL_STEP,
    CHANNELS,
    IN_PLACE,
    PLANE,
    RECORD,
    SPAN,
    TAPS,
    TAPS_AT,
    TILE_VECTORS,
    pack_taps,
    tile,
    tile_rows,
)

Axes = tuple[Axis, Axis, Axis]

# Settings, after those of the band.
(
    GROUPS,
    GROUP_OUTPUTS,
    IMAGE,  # cells of an input channel
    OUT_DEPTH,
    OUT_HEIGHT,
    OUT_WIDTH,
    PHASES_DEEP,  # phases along each axis: the strides
    PHASES_HIGH,
    PHASES_WIDE,
    PHASES_AT,  # of each phase: its taps, their offsets, the channels of a piece of its sums
    KERNEL,  # taps of the kernel
    LEVELS_OUT,  # cells of a phase in depth
    BAND_ROWS,  # cells of a phase in a unit; bands in a plane, strips in a row
    BAND_COLUMNS,
    BANDS,
    STRIPS,
    SHARES,  # a unit computes every SHARES-th block
    TILES_AT,
    BIASES_AT,
    STAGE_AT,  # where in scratch the phases of a block stand
    SCRATCH,
) = range(BAND_SETTINGS, BAND_SETTINGS + 21)
PHASE_RECORD = 3
#: Where in the sizes for `pack` the places of the taps begin.
PLACES = 3


@cache
def kernel(size: int) -> Any:
    """Return the kernel for tiles of `size` output channels."""

    @driver
    def convolve(
        settings: Any,
        tables: Any,
        input: Any,
        weight: Any,
        bias: Any,
        output: Any,
        first: int,
        stop: int,
    ) -> None:
        """Compute the units from `first` to before `stop`."""
        scratch = allocate(settings[SCRATCH], output)
        own = allocate(SCRATCH + 1, settings)  # in which each phase sets its taps
        for field in range(SCRATCH + 1):
            own[field] = settings[field]
        outputs = settings[GROUP_OUTPUTS]
        blocks = (outputs + size - 1) // size
        for unit in range(first, stop):
            rest, share = divmod(unit, settings[SHARES])
            rest, strip = divmod(rest, settings[STRIPS])
            rest, band = divmod(rest, settings[BANDS])
            image, z = divmod(rest, settings[LEVELS_OUT])
            y, x = band * settings[BAND_ROWS], strip * settings[BAND_COLUMNS]
            start = image * settings[CHANNELS] * settings[IMAGE]
            if settings[IN_PLACE] == 0:
                fill(1, 1, scratch, 0, input, start, settings, tables, z, y, x, 0, 0)
                start = 0
            else:
                start += (z * settings[HEIGHT] + y) * settings[WIDTH] + x
            listed = settings[TILES_AT]
            if band == settings[BANDS] - 1:
                listed += 2
            if strip == settings[STRIPS] - 1:
                listed += 4
            group = image % settings[GROUPS]
            for block in range(share, blocks, settings[SHARES]):
                done = block * size
                valid = min(size, outputs - done)
                for row in range(valid):
                    scratch[settings[BIASES_AT] + row] = bias[group * outputs + done + row]
                weight_at = (group * blocks + block) * size * settings[CHANNELS] * settings[KERNEL]
                sweep(size, own, tables, input, scratch, start, weight, weight_at, valid, listed)
                deal(size, settings, scratch, output, image * outputs + done, valid, z, y, x)

    return convolve


@inlined
def sweep(
    size: int,
    settings: Any,
    tables: Any,
    input: Any,
    scratch: Any,
    start: int,
    weight: Any,
    weight_at: int,
    valid: int,
    listed: int,
) -> None:
    """Move tiles over a band for one block of output channels, once for each phase."""
    biases_at = settings[BIASES_AT]
    phases = settings[PHASES_DEEP] * settings[PHASES_HIGH] * settings[PHASES_WIDE]
    for phase in range(phases):
        stage = settings[STAGE_AT] + phase * size * settings[PLANE]
        record = settings[PHASES_AT] + phase * PHASE_RECORD
        taps = tables[record]
        if taps == 0:  # a kernel smaller than the stride leaves gaps
            for row in range(valid):
                for cell in range(settings[PLANE]):
                    scratch[stage + row * settings[PLANE] + cell] = scratch[biases_at + row]
            continue
        settings[TAPS], settings[TAPS_AT] = taps, tables[record + 1]
        settings[SPAN] = tables[record + 2]
        for each in range(tables[listed], tables[listed + 1], RECORD):
            tile(
                size,
                TILE_VECTORS,
                settings,
                tables,
                each,
                input,
                scratch,
                start,
                weight,
                weight_at,
                biases_at,
                scratch,
                stage,
                valid,
            )
        weight_at += taps * settings[CHANNELS] * size


@inlined
def deal(
    size: int,
    settings: Any,
    scratch: Any,
    output: Any,
    channel: int,
    valid: int,
    z: int,
    y: int,
    x: int,
) -> None:
    """Deal the phases of some channels out to the rows of the output."""
    depth, height, width = settings[OUT_DEPTH], settings[OUT_HEIGHT], settings[OUT_WIDTH]
    deep, high, wide = settings[PHASES_DEEP], settings[PHASES_HIGH], settings[PHASES_WIDE]
    columns, plane = settings[BAND_COLUMNS], settings[PLANE]
    count = min(columns * wide, width - x * wide)
    for row in range(valid):
        for level in range(z * deep, min(z * deep + deep, depth)):
            top = y * high
            for line in range(top, min(top + settings[BAND_ROWS] * high, height)):
                phase = (level % deep * high + line % high) * wide
                start = settings[STAGE_AT] + (phase * size + row) * plane
                start += (line // high - y) * columns
                cell = (((channel + row) * depth + level) * height + line) * width + x * wide
                apart = size * plane
                deal_row(wide, output, cell, scratch, start, apart, count)


@inlined
def deal_row(
    wide: int, output: Any, cell: int, scratch: Any, start: int, apart: int, count: int
) -> None:
    """Deal `wide` phases that lie `apart` out to `count` cells of a row of the output.

    By vectors under the strides that networks have; each of them takes its time to compile.
    """
    if wide == 1:
        mesh(1, output, cell, scratch, start, apart, count)
    elif wide == 2:
        mesh(2, output, cell, scratch, start, apart, count)
    elif wide == 3:
        mesh(3, output, cell, scratch, start, apart, count)
    elif wide == 4:
        mesh(4, output, cell, scratch, start, apart, count)
    elif wide == 8:
        mesh(8, output, cell, scratch, start, apart, count)
    else:
        for rest in range(min(wide, count)):
            place = start + rest * apart
            for i in range((count - rest + wide - 1) // wide):
                output[cell + rest + i * wide] = scratch[place + i]


@emitted
def mesh(
    code: Code,
    wide: int,
    output: Value,
    cell: Value,
    scratch: Value,
    start: Value,
    apart: Value,
    count: Value,
) -> None:
    """Store `count` numbers, by turns of `wide` rows that lie `apart`.

    Reads up to a vector more of each row.
    """
    rows = [code.move(scratch, code.add(start, code.multiply(apart, row))) for row in range(wide)]

    def piece(done: Value) -> list[Value]:
        return code.weave([code.load(row, done) for row in rows])

    _store(code, wide, piece, code.move(output, cell), count)


def _store(
    code: Code, vectors: int, piece: Callable[[Value], Sequence[Value]], target: Value, count: Value
) -> None:
    """Emit the stores of `count` numbers, so many vectors at a time: ``piece(done)``.

    `done` are the numbers of each row that have been stored. Only the last piece is stored under
    masks: with all of them so unet's transposed layer takes 1.5 % longer.
    """
    whole = code.floor(count, vectors * code.lanes)
    with code.when(code.compare(whole, ">", 0)), code.loop(whole) as loop:
        done = code.multiply(loop.index, code.lanes)
        place = code.move(target, code.multiply(done, vectors))
        for part, vector in enumerate(piece(done)):
            code.store(vector, place, part * code.lanes)
        loop.next()
    done = code.multiply(whole, code.lanes)
    left = code.subtract(count, code.multiply(done, vectors))
    with code.when(code.compare(left, ">", 0)):
        place = code.move(target, code.multiply(done, vectors))
        for part, vector in enumerate(piece(done)):
            mask = code.first(code.subtract(left, part * code.lanes))
            code.store_masked(vector, code.move(place, part * code.lanes), mask)


@cache
def packer(size: int) -> Any:
    """Return what packs weights for such tiles."""

    @driver
    def pack(sizes: Any, weight: Any, packed: Any, first: int, stop: int) -> None:
        """Lay out weights [input][output][tap] as [group][block][phase][input][tap][row].

        `sizes` are the inputs and outputs of a group and the taps of the kernel; then stands for
        each tap where it goes in a block, and how much further for each input. A unit is a block.
        """
        inputs, outputs, taps = sizes[0], sizes[1], sizes[2]
        blocks = (outputs + size - 1) // size
        for unit in range(first, stop):
            group, block = divmod(unit, blocks)
            at = unit * size * inputs * taps
            done = block * size
            for c in range(inputs):
                start = ((group * inputs + c) * outputs + done) * taps
                pack_taps(size, PLACES, weight, start, taps, outputs - done, packed, at, sizes, c)

    return pack


class PhasesPlan(TiledPlan):
    """A convolution for each phase; see the module."""

    def __init__(self, geometry: Geometry, dtype: np.dtype[Any], threads: int) -> None:
        axes = geometry.embedded
        steps = tuple(axis.stride for axis in axes)
        phases = prod(steps)
        shifts, bands = _reached(axes)
        flat = replace(geometry, axes=bands)
        size = tile_rows(geometry.group_outputs)
        chosen = cut(flat, dtype, bands, threads, beside=phases * size)
        depth, height, width = (axis.output_size for axis in bands)
        rows, columns = -(-height // chosen.rows), -(-width // chosen.columns)
        images = (1 if geometry.batch is None else geometry.batch) * geometry.groups
        units = images * depth * rows * columns * chosen.shares
        lanes = host().lanes(dtype.itemsize)
        layout = Layout.of(bands, chosen.rows, chosen.columns)
        tables = Tables()
        settings = layout.describe(tables)
        taps = tuple(axis.kernel_size for axis in axes)
        inputs, outputs = geometry.group_inputs, geometry.group_outputs
        if chosen.in_place:
            read = Reading.in_place(bands, inputs)
        else:
            read = Reading.of_band(layout, inputs)
        records, places = _phases(geometry, taps, shifts, bands, read, tables, size)
        blocks = -(-outputs // size)
        stage_plane = chosen.rows * chosen.columns
        biases_at = 0 if chosen.in_place else read.sample
        stage_at = biases_at + size
        settings |= {
            CHANNELS: inputs,
            CHANNEL_STEP: read.channel,
            TAPS: 0,  # these are set for each phase
            TAPS_AT: 0,
            SPAN: 0,
            PLANE: stage_plane,
            IN_PLACE: chosen.in_place,
            GROUPS: geometry.groups,
            GROUP_OUTPUTS: outputs,
            IMAGE: cells(axes),
            OUT_DEPTH: axes[0].output_size,
            OUT_HEIGHT: axes[1].output_size,
            OUT_WIDTH: axes[2].output_size,
            PHASES_DEEP: steps[0],
            PHASES_HIGH: steps[1],
            PHASES_WIDE: steps[2],
            PHASES_AT: tables.add(records),
            KERNEL: prod(taps),
            LEVELS_OUT: depth,
            BAND_ROWS: chosen.rows,
            BAND_COLUMNS: chosen.columns,
            BANDS: rows,
            STRIPS: columns,
            SHARES: chosen.shares,
            TILES_AT: tile_lists(
                tables,
                (chosen.rows, chosen.columns),
                (height, width),
                read.row,
                chosen.columns,
                lanes,
                chosen.in_place,
            ),
            BIASES_AT: biases_at,
            STAGE_AT: stage_at,
            SCRATCH: stage_at + phases * size * stage_plane + lanes,
        }
        super().__init__(
            kernel(size),
            packer(size),
            dtype,
            units,
            settings,
            tables.array(),
            (inputs, outputs, prod(taps), *places),
            geometry.groups * blocks,
            size * geometry.terms,
            settings[SCRATCH],
        )


def plan(
    geometry: Geometry, dtype: np.dtype[Any], threads: int
) -> PhasesPlan | PhasePixelsPlan | None:
    """Return a plan for any transposed convolution."""
    if not geometry.transposed:
        return None
    found = phase_pixels.plan(geometry, dtype, threads, *_reached(geometry.embedded))
    return found or PhasesPlan(geometry, dtype, threads)


def cycles(geometry: Geometry, dtype: np.dtype[Any]) -> float:
    """Cycles that tiles of vectors take for a sample."""
    shifts, bands = _reached(geometry.embedded)
    depth, height, width = (axis.output_size for axis in bands)
    pitch = Layout.of(bands, height, width).pitch
    return depth * phase_pixels.vector_cycles(geometry, dtype, shifts, bands, pitch)


def _reached(axes: Axes) -> tuple[list[Shifts], Axes]:
    """Return the taps of the phases along each axis, and the axes of their band."""
    shifts = [shifts_of(axis) for axis in axes]
    z, y, x = (_band(axis, own) for axis, own in zip(axes, shifts, strict=True))
    return shifts, (z, y, x)


def shifts_of(axis: Axis) -> Shifts:
    """For each phase, its taps and how far from the cell's own the input lies that each meets.

    Tap k takes input i to the output cell ``i * stride + k * dilation - pad``.
    """
    return [
        {tap: (phase + axis.pad[0] - tap * axis.dilation) // axis.stride for tap in taps}
        for phase, taps in enumerate(axis.phases)
    ]


def _band(axis: Axis, shifts: Shifts) -> Axis:
    """Return the axis of a convolution of stride 1 that reaches what any phase reaches."""
    met = [shift for phase in shifts for shift in phase.values()]
    lo, hi = min(met), max(met)
    cells = -(-axis.output_size // axis.stride)
    return Axis(axis.input_size, hi - lo + 1, pad=(-lo, cells - axis.input_size + hi))


def _phases(
    geometry: Geometry,
    kernel: tuple[int, ...],
    shifts: list[Shifts],
    bands: Axes,
    read: Reading,
    tables: Tables,
    size: int,
) -> tuple[list[int], Indices]:
    """Return the records of the phases, and for `pack` the places of the taps."""
    records: list[int] = []
    packing = np.zeros((prod(kernel), 2), np.int64)
    done = 0
    for taps, offsets in phase_taps(kernel, shifts, bands, read.offsets[0]):
        own = sums(tables, geometry.group_inputs, read.channel, offsets)
        records += [own[TAPS], own[TAPS_AT], own[SPAN]]
        packing[taps, 0] = done + np.arange(len(taps)) * size
        packing[taps, 1] = len(taps) * size
        done += geometry.group_inputs * len(taps) * size
    return records, packing.ravel()
