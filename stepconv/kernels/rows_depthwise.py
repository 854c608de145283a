"""Depthwise layers and images of one channel inside compiled code, on the kernel of `depthwise`.

What `stepconv.kernels.rows` is for the tiles of `direct`: the plan of `stepconv.kernels.depthwise`,
made by drivers, without Python. Its comments say why bands are cut as they are.
"""

from __future__ import annotations

from typing import Any

from stepconv.kernels.bands import MOST_DEALT
from stepconv.kernels.borders import show
from stepconv.kernels.depthwise import (
    BAND_BYTES,
    CHAIN,
    MOST_OUTPUTS,
    MOST_OUTPUTS_OF_LINE,
    PITCH_BYTES,
)
from stepconv.kernels.depthwise_bands import (
    BAND,
    BANDS,
    BEFORE_X,
    BLOCK,
    BLOCKS,
    BORDER_LIST,
    BORDERS,
    CHANNELS,
    CHUNK_LIST,
    CHUNKS,
    COLUMN_LIST,
    DILATION_Z,
    FAMILIES,
    FIELDS,
    IN_Z,
    LANES,
    MULTIPLIER,
    OUT_STEP,
    OUT_X,
    OUT_Y,
    OUT_Z,
    PANEL,
    PANELS,
    PHASE_LIST,
    PHASES,
    PITCH,
    PLANE,
    ROW_LIST,
    SCRATCH,
    SEGMENT,
    SINGLE,
    SLICE,
    SLICE_LIST,
    SLICES,
    SPAN_X,
    SPAN_Y,
    SQUARE,
    STEP,
    STRIDE_X,
    STRIDE_Y,
    STRIDE_Z,
    TAPS as KERNEL,
    TILE_ROWS,
    WEIGHT_STEP,
)
from stepconv.kernels.depthwise_tiles import CHUNK_FIELDS, CHUNK_ROWS
from stepconv.kernels.drivers import inlined
from stepconv.kernels.host import host
from stepconv.kernels.lowering import driver
from stepconv.kernels.plain import AFTER, BEFORE, DILATION, INPUT, OUTPUT, STRIDE, TAPS

_VECTOR_BYTES = host().vector_bytes
#: Rows and columns that a kernel may span, and its slices: no size can then run over 64 bits.
MOST_SPAN, MOST_SLICES = 4096, 64
#: Bytes of scratch up to which this is taken.
MOST_BYTES = 1 << 20

#: Behind the fields of the table, while it is measured: how long it is, or 0 where it is not taken,
#: and how far apart the kernel rows of a chunk lie.
LENGTH, CLASSES = FIELDS, FIELDS + 1
MEASURED = FIELDS + 2


@driver
def measure(axes: Any, table: Any, channels: Any, outputs: Any, mode: Any, itemsize: Any) -> None:
    """Write the fields of the table, for `outputs` of each channel, and how long it is."""
    lanes = _VECTOR_BYTES // itemsize
    taps_z, taps_y, taps_x = axes[TAPS * 3], axes[TAPS * 3 + 1], axes[TAPS * 3 + 2]
    step_y, step_x = axes[STRIDE * 3 + 1], axes[STRIDE * 3 + 2]
    span_y = (taps_y - 1) * axes[DILATION * 3 + 1] + 1
    span_x = (taps_x - 1) * axes[DILATION * 3 + 2] + 1
    for k in range(3):
        table[IN_Z + k], table[STRIDE_Z + k] = axes[INPUT * 3 + k], axes[STRIDE * 3 + k]
        table[OUT_Z + k] = axes[OUTPUT * 3 + k]
    table[CHANNELS], table[MULTIPLIER], table[KERNEL] = channels, outputs, taps_z * taps_y * taps_x
    table[BEFORE_X], table[SPAN_Y], table[SPAN_X] = axes[BEFORE * 3 + 2], span_y, span_x
    table[SLICES], table[DILATION_Z] = taps_z, axes[DILATION * 3]
    table[PHASES], table[LANES], table[BORDERS] = step_x, lanes, mode > 0
    single = table[OUT_Y] == 1
    table[SINGLE] = single
    table[LENGTH] = 0
    most = MOST_OUTPUTS_OF_LINE if single else MOST_OUTPUTS
    short = span_y <= MOST_SPAN and span_x <= MOST_SPAN and taps_z <= MOST_SLICES
    if outputs <= most and step_x <= MOST_DEALT and short:
        divisor, rest = step_y, axes[DILATION * 3 + 1]
        while rest > 0:
            divisor, rest = rest, divisor % rest
        families = 1 if single else axes[DILATION * 3 + 1] // divisor
        classes = taps_y if single else step_y // divisor
        cut(table, families, itemsize)
        room = BAND_BYTES // itemsize
        table[PLANE] = table[SLICE] * taps_z
        table[BLOCK] = max(1, min(room // table[PLANE], channels))
        table[BLOCKS] = (channels + table[BLOCK] - 1) // table[BLOCK]
        table[STEP] = lanes if single else families * step_y * table[PITCH]
        table[OUT_STEP] = lanes if single else families * table[OUT_X]
        table[FAMILIES] = 2 if single else families
        table[WEIGHT_STEP], table[CLASSES] = classes * taps_x, classes
        beyond = (TILE_ROWS + CHUNK_ROWS) * table[STEP] + table[SEGMENT] + lanes
        table[SCRATCH] = table[BLOCK] * table[PLANE] + beyond
        count_chunks(table, taps_y, taps_x, classes)
        rows = (taps_y + classes - 1) // classes
        table[SQUARE] = table[CHUNKS] == 1 and rows == CHUNK_ROWS and taps_x == CHUNK_ROWS
        table[CHUNK_LIST] = FIELDS
        table[COLUMN_LIST] = FIELDS + table[CHUNKS] * CHUNK_FIELDS
        table[PHASE_LIST] = table[COLUMN_LIST] + taps_x
        table[SLICE_LIST] = table[PHASE_LIST] + step_x
        laid = axes[BEFORE * 3] + axes[INPUT * 3] + axes[AFTER * 3]
        table[ROW_LIST] = table[SLICE_LIST] + laid
        laid = axes[BEFORE * 3 + 1] + axes[INPUT * 3 + 1] + axes[AFTER * 3 + 1]
        table[BORDER_LIST] = table[ROW_LIST] + laid
        if table[SCRATCH] * itemsize <= MOST_BYTES:
            border = axes[BEFORE * 3 + 2] + axes[AFTER * 3 + 2]
            table[LENGTH] = table[BORDER_LIST] + border


@inlined
def cut(table: Any, families: int, itemsize: int) -> None:
    """Choose rows and columns of a band: whole rows where some fit, else panels of them."""
    room = BAND_BYTES // itemsize
    height, panel = table[OUT_Y], table[OUT_X]
    tile = families * TILE_ROWS
    unit = table[LANES] * (TILE_ROWS if table[SINGLE] else 1)
    band = min(tile, height)
    extend(table, band, panel, itemsize)
    while panel > 4 * unit and table[SLICE] * table[SLICES] > room:
        panel = ((panel + 1) // 2 + unit - 1) // unit * unit
        extend(table, band, panel, itemsize)
    extend(table, band + tile, panel, itemsize)
    while band < height and table[SLICE] * table[SLICES] <= room:
        band += tile
        extend(table, band + tile, panel, itemsize)
    bands = (height + band - 1) // band
    rows = (height + bands - 1) // bands
    table[BAND] = min(height, (rows + tile - 1) // tile * tile)
    table[PANEL] = panel
    table[BANDS] = (height + table[BAND] - 1) // table[BAND]
    table[PANELS] = (table[OUT_X] + panel - 1) // panel
    extend(table, table[BAND], panel, itemsize)


@inlined
def extend(table: Any, band: int, panel: int, itemsize: int) -> None:
    """Write the numbers of a phase of a row, of a row, and of a slice of a band."""
    lanes = table[LANES]
    reach = (table[SPAN_X] - 1) // table[STRIDE_X]
    table[SEGMENT] = (panel + reach + lanes - 1) // lanes * lanes
    pitch = table[SEGMENT] * table[PHASES]
    if not table[SINGLE] and pitch * itemsize % PITCH_BYTES == 0:
        pitch += lanes
    table[PITCH] = pitch
    table[SLICE] = pitch * ((band - 1) * table[STRIDE_Y] + table[SPAN_Y])


@inlined
def count_chunks(table: Any, taps_y: int, taps_x: int, classes: int) -> None:
    """Write how many chunks the kernel has."""
    count = 0
    for begin in range(min(classes, taps_y)):
        members = (taps_y - begin + classes - 1) // classes
        for first in range(0, members, CHUNK_ROWS):
            longest = CHAIN // min(CHUNK_ROWS, members - first)
            count += (taps_x + longest - 1) // longest
    table[CHUNKS] = count * table[SLICES]


@driver
def write(axes: Any, measured: Any, table: Any, mode: Any) -> None:
    """Write the table: its fields, which were measured, and the lists."""
    for field in range(FIELDS):
        table[field] = measured[field]
    taps_y, taps_x = axes[TAPS * 3 + 1], axes[TAPS * 3 + 2]
    classes = measured[CLASSES]
    at = table[CHUNK_LIST]
    for piece in range(table[SLICES]):
        for begin in range(min(classes, taps_y)):
            members = (taps_y - begin + classes - 1) // classes
            for first in range(0, members, CHUNK_ROWS):
                row, rows = begin + first * classes, min(CHUNK_ROWS, members - first)
                place = piece * table[SLICE] + row * axes[DILATION * 3 + 1] * table[PITCH]
                longest = CHAIN // rows
                for column in range(0, taps_x, longest):
                    table[at], table[at + 1] = rows, min(longest, taps_x - column)
                    table[at + 2], table[at + 4] = place, column
                    table[at + 3] = (piece * taps_y + row) * taps_x + column
                    at += CHUNK_FIELDS
    for tap in range(taps_x):
        cell, phase = divmod(tap * axes[DILATION * 3 + 2], table[STRIDE_X])
        table[table[COLUMN_LIST] + tap] = phase * table[SEGMENT] + cell
    for phase in range(table[PHASES]):
        table[table[PHASE_LIST] + phase] = phase
    for k in range(2):
        laid = axes[BEFORE * 3 + k] + axes[INPUT * 3 + k] + axes[AFTER * 3 + k]
        show(axes, k, table, table[SLICE_LIST + k], mode, 0, laid)
    before, after = axes[BEFORE * 3 + 2], axes[AFTER * 3 + 2]
    beyond = before + axes[INPUT * 3 + 2]
    show(axes, 2, table, table[BORDER_LIST], mode, 0, before)
    show(axes, 2, table, table[BORDER_LIST] + before, mode, beyond, beyond + after)
