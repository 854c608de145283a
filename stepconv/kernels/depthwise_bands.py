"""The compiled driver of `stepconv.kernels.depthwise`: units, bands and channels.

All it knows of a convolution stands in one table of integers, made by the plan.
"""

from __future__ import annotations

from typing import Any

from stepconv.kernels.bands import MOST_DEALT
from stepconv.kernels.depthwise_tiles import compute, fetch, fill
from stepconv.kernels.drivers import allocate, inlined
from stepconv.kernels.host import host
from stepconv.kernels.lowering import driver

#: Vectors in a tile: 8, what two multiplications a cycle need to hide their latency of 4 cycles;
#: 4 where there are 16 registers (4 sums, 4 totals, 3 weights, the pixels).
TILE_ROWS = 8 if host().registers == 32 else 4

# What a plan's table holds: these numbers, then the lists they point to.
(
    CHANNELS,  # input channels
    MULTIPLIER,  # output channels for each
    TAPS,
    BLOCKS,  # blocks of BLOCK channels, bands of BAND output rows, panels of PANEL columns
    BLOCK,
    BANDS,
    BAND,
    PANELS,
    PANEL,
    IN_Z,  # the axes: input, stride, padding before, cells under the kernel, output
    IN_Y,
    IN_X,
    STRIDE_Z,
    STRIDE_Y,
    STRIDE_X,
    BEFORE_X,
    SPAN_Y,
    SPAN_X,
    OUT_Z,
    OUT_Y,
    OUT_X,
    SLICES,  # of depth in scratch, one for each kernel slice, DILATION_Z apart in the input
    DILATION_Z,
    SLICE,  # numbers of scratch from slice to slice, row to row, phase to phase, plane to plane
    PITCH,
    SEGMENT,
    PLANE,
    SCRATCH,
    FAMILIES,  # of output rows that share tiles
    WEIGHT_STEP,  # weights from one kernel row of a chunk to the next
    STEP,  # from row to row of a tile, in scratch and in the output
    OUT_STEP,
    SINGLE,  # whether there is one output row
    LANES,  # of a vector
    BORDERS,  # whether border cells are copies from inside
    CHUNKS,
    SQUARE,  # whether there is one chunk, of 3 x 3
    PHASES,
    CHUNK_LIST,  # where the lists begin: five numbers a chunk, the beginnings of the kernel
    COLUMN_LIST,  # columns, the phases, the sources of slices, rows and border columns
    PHASE_LIST,
    SLICE_LIST,
    ROW_LIST,
    BORDER_LIST,
    FIELDS,
) = range(45)


@driver
def run(table: Any, input: Any, weight: Any, bias: Any, output: Any, first: Any, stop: Any) -> None:
    """Compute the units from `first` to before `stop`. All arrays are flat."""
    scratch = allocate(table[SCRATCH], input)
    channels, multiplier = table[CHANNELS], table[MULTIPLIER]
    image = table[IN_Z] * table[IN_Y] * table[IN_X]
    for unit in range(first, stop):
        rest, panel = divmod(unit, table[PANELS])
        rest, band = divmod(rest, table[BANDS])
        rest, z = divmod(rest, table[OUT_Z])
        sample, block = divmod(rest, table[BLOCKS])
        top, left = band * table[BAND], panel * table[PANEL]
        rows, columns = min(table[BAND], table[OUT_Y] - top), min(table[PANEL], table[OUT_X] - left)
        begin = block * table[BLOCK]
        end = min(begin + table[BLOCK], channels)
        fill_band(input, scratch, table, sample * channels + begin, end - begin, z, top, rows, left)
        # What the next unit will most likely read comes nearer while this one is computed; with
        # more data than the second cache holds that saves a tenth of the time.
        if table[BANDS] * table[PANELS] == 1:
            fetch(input, (sample * channels + end) * image, table[BLOCK] * image)
        else:
            down = (top + rows) * table[STRIDE_Y]
            origin = (sample * channels + begin) * image + down * table[IN_X]
            fetch(input, origin, rows * table[STRIDE_Y] * table[IN_X])
        families, lanes = table[FAMILIES], table[LANES]
        each, more = divmod(rows, families)
        whole = columns // lanes
        for channel in range(begin * multiplier, end * multiplier):
            at = (channel // multiplier - begin) * table[PLANE]
            plane = (sample * channels * multiplier + channel) * table[OUT_Z] + z
            out = (plane * table[OUT_Y] + top) * table[OUT_X] + left
            for family in range(families):
                # What a tile calls rows: those of the family, or of a single row its whole
                # vectors and then, as another family, what is left of it.
                if table[SINGLE]:
                    skip = out_skip = family * whole * lanes
                    count, width = (whole, lanes) if family == 0 else (1, columns - skip)
                else:
                    skip = family * table[STRIDE_Y] * table[PITCH]
                    out_skip = family * table[OUT_X]
                    count, width = each + (1 if family < more else 0), columns
                if count > 0 and width > 0:
                    compute(
                        TILE_ROWS, scratch, at + skip, table[STEP],
                        table, table[CHUNK_LIST], table[CHUNKS], table[COLUMN_LIST], table[SQUARE],
                        weight, channel * table[TAPS], table[WEIGHT_STEP], bias, channel,
                        output, out + out_skip, table[OUT_STEP], count, width,
                    )  # fmt: skip


@inlined
def fill_band(
    input: Any,
    scratch: Any,
    table: Any,
    first: Any,
    count: Any,
    z: Any,
    top: Any,
    rows: Any,
    left: Any,
) -> None:
    """Copy a band of `count` channels into scratch, padding included."""
    stride, segment, width = table[STRIDE_X], table[SEGMENT], table[IN_X]
    column = left * stride - table[BEFORE_X]  # input column that the band begins with
    reach = segment * stride
    lo = min(max(0, -column), reach)
    hi = min(max(lo, width - column), reach)
    sources = table[ROW_LIST] + top * table[STRIDE_Y]
    filled = (rows - 1) * table[STRIDE_Y] + table[SPAN_Y]
    pitch, image = table[PITCH], table[IN_Z] * table[IN_Y] * width
    begin, end = 0, filled
    while begin < end and table[sources + begin] < 0:
        begin += 1
    while begin < end and table[sources + end - 1] < 0:
        end -= 1
    for piece in range(table[SLICES]):
        slice = table[table[SLICE_LIST] + z * table[STRIDE_Z] + piece * table[DILATION_Z]]
        at = piece * table[SLICE]
        above, inner = (begin, end - begin) if slice >= 0 else (filled, 0)
        plane = first * image + max(0, slice) * table[IN_Y] * width
        fill(
            stride, scratch, at, table[PLANE], pitch, segment, table, sources + begin,
            above, inner, filled - above - inner,
            input, plane + column + lo, image, width, lo, hi, count,
        )  # fmt: skip
        if (stride > MOST_DEALT or table[BORDERS]) and slice >= 0:
            for channel in range(count):
                for row in range(begin, end):
                    line = plane + channel * image + table[sources + row] * width
                    target = at + channel * table[PLANE] + row * pitch
                    _patch(input, line, scratch, target, table, column, lo, hi)


@inlined
def _patch(
    input: Any, line: Any, scratch: Any, at: Any, table: Any, column: Any, lo: Any, hi: Any
) -> None:
    """Fill what vectors do not copy: rows of wide strides, and border cells that are not zeros."""
    stride, segment, before = table[STRIDE_X], table[SEGMENT], table[BEFORE_X]
    cells = min(segment * stride, (table[OUT_X] - 1) * stride + table[SPAN_X] - before - column)
    for phase in range(table[PHASES]):
        cell = table[table[PHASE_LIST] + phase]
        while cell < cells:
            place = at + phase * segment + cell // stride
            if cell < lo or cell >= hi:
                border = column + cell + before - (0 if cell < lo else table[IN_X])
                source = table[table[BORDER_LIST] + border]
                scratch[place] = input[line + source] if source >= 0 else 0
            elif stride > MOST_DEALT:
                scratch[place] = input[line + column + cell]
            else:
                cell += (hi - cell - 1) // stride * stride
            cell += stride
