"""Transposed convolutions with few output channels: each pixel stamps the kernel onto the output.

The last layer of a generator or of an autoencoder has one to three output channels. By phases
(`stepconv.kernels.phases`) a tile would have as few rows, and load a vector of pixels for each few
products. But all taps meet the same pixels: so each tap of each output channel becomes a row, as if
it were an output channel of a kernel of 1 ::

    stamps[channel, tap][pixel]  =  sum of weight[c][channel, tap] * input[c][pixel] over c

Those are tiles as in `stepconv.kernels.direct`, which read the input in its place. Then the stamps
are laid onto the output, one over the other. Of an output row all cells of a phase are summed side
by side, from the taps that meet it, each shifted by as many pixels as it lies away::

    kernel of 4, stride 2, padding 1        even cells      odd cells
    tap 0                                                   pixel on the right
    tap 1                                   own pixel
    tap 2                                                   own pixel
    tap 3                                   pixel on the left

A unit is a band of rows of one depth of the output, with the stamps of the input rows that reach
it; neighbouring bands both compute those of the rows between them. Each depth of the input has a
tap of its own for each depth of the output.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels import phases
from stepconv.kernels.drivers import allocate, emitted, inlined
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, records, sums, vectors_of
from stepconv.kernels.lowering import driver
from stepconv.kernels.phase_pixels import BEGIN, STEP
from stepconv.kernels.phases import deal_row
from stepconv.kernels.reading import cells
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import (
    CHANNELS,
    IN_PLACE,
    PLANE,
    RECORD,
    TILE_SETTINGS,
    TILE_VECTORS,
    step_share,
    tile,
    tile_rows,
)

#: Output channels of a group up to which it is faster: phases of 4 fill their tiles well enough.
MOST_OUTPUTS = 3
#: Bytes of the stamps of a band, which the second cache should hold beside the input.
STAMP_BYTES = 400 * 1024
#: Pixels of a band: a plan describes each tile.
MOST_PIXELS = 8192
# Cycles to add a vector of a stamp to the output, and for each phase of a row, to begin it and to
# deal it out; as those of `stepconv.kernels.phase_pixels`.
_ADD, _LINE = 5.0, 10.0
#: With 16 registers two of the sums of a tile move through memory (Zen 4 with AVX2).
_MORE = 1.0 if host().registers == 32 else 1.4

# Settings, after those of the tiles.
(
    GROUPS,
    GROUP_OUTPUTS,
    IMAGE,  # cells of an input channel, and of one of its depths
    SLICE,
    DEPTH,
    WIDTH,
    OUT_DEPTH,
    OUT_HEIGHT,
    OUT_WIDTH,
    BAND_ROWS,  # output rows of a unit
    BANDS,
    BANDS_AT,  # of each band: its first input row and how many, where its tiles begin and end
    LEVEL_TAPS,  # taps of one level of the kernel, of a depth, and of one of its rows
    ROW_TAPS,
    KERNEL_DEPTH,
    KERNEL_HEIGHT,
    PHASES_DEEP,  # the strides
    PHASES_HIGH,
    PHASES_WIDE,
    DEPTHS_AT,  # of each phase of the depths: how many taps it meets, where they stand
    ROWS_AT,  # the same of the rows and of the columns
    COLUMNS_AT,
    LINE,  # numbers of a phase of a row
    LINES_AT,  # where in scratch the phases of a row are summed
    BIASES_AT,
    STAMPS_AT,
    SCRATCH,
) = range(TILE_SETTINGS, TILE_SETTINGS + 27)
BAND = 4
# Of a tap that a phase meets: its number along the axis, and how many cells from the place of the
# output's cell it finds its input.
TAP = 2


@cache
def kernel(size: int) -> Any:
    """Return the kernel for tiles of `size` rows."""

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
        # The rows of stamps that meet an output row.
        met = allocate(settings[KERNEL_DEPTH] * settings[KERNEL_HEIGHT], settings)
        outputs = settings[GROUP_OUTPUTS]
        for row in range(size):
            scratch[settings[BIASES_AT] + row] = 0
        for unit in range(first, stop):
            rest, band = divmod(unit, settings[BANDS])
            image, z = divmod(rest, settings[OUT_DEPTH])
            group = image % settings[GROUPS]
            record = settings[BANDS_AT] + band * BAND
            start = image * settings[CHANNELS] * settings[IMAGE] + tables[record] * settings[WIDTH]
            depth, phase = divmod(z, settings[PHASES_DEEP])
            listed = settings[DEPTHS_AT] + 2 * phase
            levels, stamps_at = 0, settings[STAMPS_AT]
            for tap in range(tables[listed]):
                place = tables[listed + 1] + TAP * tap
                source = depth + tables[place + 1]
                if source >= 0 and source < settings[DEPTH]:
                    stamp(
                        size, settings, tables, record, input, start + source * settings[SLICE],
                        weight, group * settings[KERNEL_DEPTH] + tables[place], scratch, stamps_at,
                    )  # fmt: skip
                    stamps_at += outputs * settings[LEVEL_TAPS] * settings[PLANE]
                    levels += 1
            for channel in range(outputs):
                plane = (image * outputs + channel) * settings[OUT_DEPTH] + z
                lay(
                    settings, tables, scratch, met, levels, channel,
                    bias, group * outputs + channel, output, plane,
                    band * settings[BAND_ROWS], tables[record], tables[record + 1],
                )  # fmt: skip

    return convolve


@inlined
def stamp(
    size: int,
    settings: Any,
    tables: Any,
    band: int,
    input: Any,
    start: int,
    weight: Any,
    level: int,
    scratch: Any,
    stamps_at: int,
) -> None:
    """Compute the stamps of a band of one depth of the input, under one level of the kernel."""
    rows = settings[GROUP_OUTPUTS] * settings[LEVEL_TAPS]
    blocks = (rows + size - 1) // size
    for block in range(blocks):
        done = block * size
        weight_at = (level * blocks + block) * size * settings[CHANNELS]
        for record in range(tables[band + 2], tables[band + 3], RECORD):
            tile(
                size,
                TILE_VECTORS,
                settings,
                tables,
                record,
                input,
                scratch,
                start,
                weight,
                weight_at,
                settings[BIASES_AT],
                scratch,
                stamps_at + done * settings[PLANE],
                min(size, rows - done),
            )


@inlined
def lay(
    settings: Any,
    tables: Any,
    scratch: Any,
    met: Any,
    levels: int,
    channel: int,
    bias: Any,
    bias_at: int,
    output: Any,
    plane: int,
    top: int,
    first: int,
    sources: int,
) -> None:
    """Lay the stamps of `sources` input rows from `first` on onto the output rows of a band."""
    width = settings[OUT_WIDTH]
    level_step = settings[GROUP_OUTPUTS] * settings[LEVEL_TAPS] * settings[PLANE]
    for y in range(top, min(top + settings[BAND_ROWS], settings[OUT_HEIGHT])):
        cell, phase_y = divmod(y, settings[PHASES_HIGH])
        listed = settings[ROWS_AT] + 2 * phase_y
        count = 0
        for tap in range(tables[listed]):
            place = tables[listed + 1] + TAP * tap
            row = cell + tables[place + 1] - first
            if row >= 0 and row < sources:
                number = channel * settings[LEVEL_TAPS] + tables[place] * settings[ROW_TAPS]
                at = settings[STAMPS_AT] + number * settings[PLANE] + row * settings[WIDTH]
                for level in range(levels):
                    met[count] = at + level * level_step
                    count += 1
        for phase in range(settings[PHASES_WIDE]):
            columns = settings[COLUMNS_AT] + 2 * phase
            line = settings[LINES_AT] + phase * settings[LINE]
            if count > 0 and tables[columns] > 0:
                add_up(
                    scratch, met, count, tables, tables[columns + 1], tables[columns],
                    settings[PLANE], settings[WIDTH], settings[LINE], bias, bias_at, line,
                )  # fmt: skip
            else:  # a gap between stamps, or a row that none reaches
                for j in range(settings[LINE]):
                    scratch[line + j] = bias[bias_at]
        deal_row(
            settings[PHASES_WIDE], output, (plane * settings[OUT_HEIGHT] + y) * width,
            scratch, settings[LINES_AT], settings[LINE], width,
        )  # fmt: skip


@emitted
def add_up(
    code: Code,
    scratch: Value,
    met: Value,
    count: Value,
    tables: Value,
    listed: Value,
    taps: Value,
    plane: Value,
    width: Value,
    line: Value,
    bias: Value,
    bias_at: Value,
    target: Value,
) -> None:
    """Sum the cells of a phase of a row: the bias, and of `count` rows of stamps `taps` taps each.

    A tap's stamps lie `plane` times its number behind `met`; those of pixels outside a row of
    `width` pixels are left out.
    """
    start = code.splat(code.load_one(bias, bias_at))
    with code.loop(code.floor(line, code.lanes)) as along:
        first = code.multiply(along.index, code.lanes)
        with code.loop(count, start) as down:
            row = code.move(scratch, code.add(code.load_one(met, down.index), first))
            with code.loop(taps, code.move(tables, listed), down.values[0]) as across:
                tap, total = across.values
                shift = code.load_one(tap, 1)
                column = code.add(first, shift)
                inside = code.between(code.subtract(0, column), code.subtract(width, column))
                there = code.add(code.multiply(code.load_one(tap), plane), shift)
                stamp = code.load_masked(code.move(row, there), inside)
                across.next(code.move(tap, TAP), code.sum(total, stamp))
            down.next(across.results[1])
        code.store(down.results[0], code.move(scratch, target), first)
        along.next()


@cache
def packer(size: int) -> Any:
    """Return what packs weights for such tiles."""

    @driver
    def pack(sizes: Any, weight: Any, packed: Any, first: int, stop: int) -> None:
        """Lay out weights [input][output][level][tap] as [group][level][block][input][row].

        A row is an output and a tap; those beyond the last become 0. `sizes` are the inputs and
        outputs of a group, the levels, and the taps of each. A unit is a block.
        """
        inputs, outputs, levels, taps = sizes[0], sizes[1], sizes[2], sizes[3]
        blocks = (outputs * taps + size - 1) // size
        for unit in range(first, stop):
            rest, block = divmod(unit, blocks)
            group, level = divmod(rest, levels)
            for row in range(size):
                output, tap = divmod(block * size + row, taps)
                target = unit * inputs * size + row
                source = ((group * inputs * outputs + output) * levels + level) * taps + tap
                for c in range(inputs):
                    if output < outputs:
                        packed[target + c * size] = weight[source + c * outputs * levels * taps]
                    else:
                        packed[target + c * size] = 0

    return pack


class StampsPlan(TiledPlan):
    """Stamps over bands of output rows; see the module."""

    def __init__(self, geometry: Geometry, dtype: np.dtype[Any], threads: int, size: int) -> None:
        z, y, x = geometry.embedded
        lanes = host().lanes(dtype.itemsize)
        inputs, outputs = geometry.group_inputs, geometry.group_outputs
        taps = y.kernel_size * x.kernel_size
        images = (1 if geometry.batch is None else geometry.batch) * geometry.groups
        planes = images * z.output_size
        bands = _bands(geometry, dtype, 1 if planes >= threads else threads)
        tables = Tables()
        settings = sums(tables, inputs, cells(geometry.embedded), np.zeros(1, np.int64))
        listed: list[int] = []
        tiles: dict[int, list[int]] = {}
        for source, count in bands:
            if count not in tiles:
                table = records(count, x.input_size, x.input_size, x.input_size, lanes, exact=True)
                start = tables.add(table.ravel())
                tiles[count] = [start, start + table.size]
            listed += [source, count, *tiles[count]]
        plane = max(count for _, count in bands) * x.input_size
        line = _line(x, lanes)
        # A vector more of a line is read, and of the stamps the lanes beside a row are not.
        biases_at = x.stride * line + lanes
        stamps_at = biases_at + size
        settings |= {
            PLANE: plane,
            IN_PLACE: True,
            GROUPS: geometry.groups,
            GROUP_OUTPUTS: outputs,
            IMAGE: cells(geometry.embedded),
            SLICE: y.input_size * x.input_size,
            DEPTH: z.input_size,
            WIDTH: x.input_size,
            OUT_DEPTH: z.output_size,
            OUT_HEIGHT: y.output_size,
            OUT_WIDTH: x.output_size,
            BAND_ROWS: -(-y.output_size // len(bands)),
            BANDS: len(bands),
            BANDS_AT: tables.add(listed),
            LEVEL_TAPS: taps,
            ROW_TAPS: x.kernel_size,
            KERNEL_DEPTH: z.kernel_size,
            KERNEL_HEIGHT: y.kernel_size,
            PHASES_DEEP: z.stride,
            PHASES_HIGH: y.stride,
            PHASES_WIDE: x.stride,
            DEPTHS_AT: _taps(tables, z),
            ROWS_AT: _taps(tables, y),
            COLUMNS_AT: _taps(tables, x),
            LINE: line,
            LINES_AT: 0,
            BIASES_AT: biases_at,
            STAMPS_AT: stamps_at,
            SCRATCH: stamps_at + _levels(z) * outputs * taps * plane,
        }
        blocks = geometry.groups * z.kernel_size * -(-outputs * taps // size)
        super().__init__(
            kernel(size),
            packer(size),
            dtype,
            planes * len(bands),
            settings,
            tables.array(),
            (inputs, outputs, z.kernel_size, taps),
            blocks,
            inputs * size,
            settings[SCRATCH],
        )


def _taps(tables: Tables, axis: Axis) -> int:
    """Write for each phase of an axis the taps it meets; return where they are told of."""
    listed = []
    for taps in phases.shifts_of(axis):
        listed += [len(taps), tables.add(np.array(list(taps.items()), np.int64).ravel())]
    return tables.add(listed)


def _line(axis: Axis, lanes: int) -> int:
    """Return the numbers of a phase of a row: whole vectors."""
    return -(-axis.output_size // (axis.stride * lanes)) * lanes


def _levels(axis: Axis) -> int:
    """Return how many taps any output of an axis meets at most."""
    return max(map(len, axis.phases))


def _bands(geometry: Geometry, dtype: np.dtype[Any], least: int) -> list[tuple[int, int]]:
    """Cut the output into a multiple of `least` bands; of each the first input row, how many."""
    z, y, x = geometry.embedded
    stamps = _levels(z) * geometry.group_outputs * y.kernel_size * x.kernel_size
    pixels = min(MOST_PIXELS, STAMP_BYTES // (stamps * dtype.itemsize))
    few = -(-host().lanes(dtype.itemsize) // x.input_size)  # a vector of pixels
    most = max(few, pixels // x.input_size)
    # So many output rows meet no more input rows than that.
    rows = max(1, most * y.stride - y.span + 1)
    bands = -(-y.output_size // (rows * least)) * least
    rows = -(-y.output_size // bands)
    tops = range(0, y.output_size, rows)
    return [_reached(y, top, min(top + rows, y.output_size), few) for top in tops]


def _reached(axis: Axis, top: int, bottom: int, few: int) -> tuple[int, int]:
    """Return the first input row that output rows meet, and how many; at least `few`."""
    at = np.arange(top, bottom)[:, None] + axis.pad[0]
    at = at - np.arange(axis.kernel_size) * axis.dilation
    met = at[(at >= 0) & (at % axis.stride == 0)] // axis.stride
    met = met[met < axis.input_size]
    lo, hi = (int(met.min()), int(met.max()) + 1) if met.size else (0, 0)
    lo = max(0, min(lo, axis.input_size - few))
    return lo, max(hi - lo, few)


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> StampsPlan | None:
    """Return a plan for few output channels, where it takes less time than phases."""
    if not geometry.transposed or geometry.group_outputs > MOST_OUTPUTS:
        return None
    z, y, x = geometry.embedded
    lanes = host().lanes(dtype.itemsize)
    if y.input_size * x.input_size < lanes:
        return None
    rows = geometry.group_outputs * y.kernel_size * x.kernel_size
    least = max(-(-lanes // x.input_size), (y.span - 1) // y.stride + 1)
    numbers = least * x.input_size * rows * _levels(z) + x.stride * _line(x, lanes)
    if numbers * dtype.itemsize > STAMP_BYTES:
        return None
    size = tile_rows(rows)
    vectors = vectors_of(y.input_size, x.input_size, x.input_size, lanes)[0]
    own = max(2, vectors) / TILE_VECTORS * -(-rows // size) * step_share(size)
    own *= geometry.group_inputs * STEP + BEGIN
    own += rows * y.input_size * -(-x.input_size // lanes) * _ADD
    own *= z.input_size * z.kernel_size
    lines = geometry.group_outputs * z.output_size * y.output_size
    own += lines * (x.stride + 1) * _LINE
    if z.output_size * y.output_size == 1 < threads:
        own *= threads  # which phases would share
    if own * _MORE > phases.cycles(geometry, dtype):
        return None
    return StampsPlan(geometry, dtype, threads, size)
