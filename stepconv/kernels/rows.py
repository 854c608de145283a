"""Forward convolutions inside compiled code, on the register tiles of `stepconv.kernels.direct`.

What compiled functions call for float32 and float64 (`stepconv.kernels.inline`). The plans of
the families are made in Python, which a function that gave the interpreter lock up cannot call.
So here is one made by drivers: as many rows of the output in a band as fit, and tiles that
end where a row ends. It does not weigh costs, knows no other family, and packs the weights in each
call: layers of 16 channels and more take 1.1 to 1.3 times as long as in Python. Images of one
channel and depthwise layers go to the kernel made for them (`stepconv.kernels.rows_depthwise`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stepconv.kernels import bands, depthwise_bands, direct, plain, rows_depthwise, tiles
from stepconv.kernels.borders import show
from stepconv.kernels.compiling import compiled
from stepconv.kernels.cutting import BAND_BYTES, BAND_PIXELS
from stepconv.kernels.depthwise_bands import BANDS, BLOCKS, OUT_Z, PANELS
from stepconv.kernels.drivers import inlined
from stepconv.kernels.host import host
from stepconv.kernels.linking import by_name
from stepconv.kernels.listing import CHAIN, MANY_TAPS, UNCUT
from stepconv.kernels.lowering import driver
from stepconv.kernels.plain import AFTER, BEFORE, DILATION, INPUT, OUTPUT, STRIDE, TAPS
from stepconv.kernels.tiles import TILE_ROWS, TILE_VECTORS

_VECTOR_BYTES = host().vector_bytes
#: Settings after those of `direct`: how many numbers stand in the tables.
_TABLE_SIZE = direct.SCRATCH + 1
#: Bytes that a band and the tables may take, as far as they follow from the axes: those of far
#: steps, and of wide borders, are left to the plain loops.
_MOST_BYTES = 256e6

_PLAIN = by_name(plain, "forward")
_PACK, _CONVOLVE = by_name(direct, "pack"), by_name(direct, "convolve")
_DEPTHWISE = by_name(depthwise_bands, "run")


@compiled
def forward(
    input: Any, weight: Any, bias: Any, output: Any, axes: Any, groups: int, mode: int
) -> None:
    """Fill `output` (N, C_out, D, H, W) from arrays of five axes."""
    outputs, channels = weight.shape[0] // groups, weight.shape[1]
    if _needed_bytes(axes, channels * output.itemsize) > _MOST_BYTES:
        _PLAIN(input, weight, bias, output, axes, groups, mode)
        return
    table = axes.reshape(-1)
    if channels == 1:
        fields = np.zeros(rows_depthwise.MEASURED, np.int64)
        rows_depthwise.measure(table, fields, groups, outputs, mode, output.itemsize)
        if fields[rows_depthwise.LENGTH] > 0:
            plan = np.empty(fields[rows_depthwise.LENGTH], np.int64)
            rows_depthwise.write(table, fields, plan, mode)
            units = output.shape[0] * plan[OUT_Z] * plan[BANDS] * plan[PANELS] * plan[BLOCKS]
            image, kernels, cells = input.reshape(-1), weight.reshape(-1), output.reshape(-1)
            _DEPTHWISE(plan, image, kernels, bias, cells, 0, units)
            return
    settings = np.zeros(_TABLE_SIZE + 1, np.int64)
    _measure(table, settings, channels, outputs, groups, mode, output.itemsize)
    tables = np.empty(settings[_TABLE_SIZE], np.int64)
    _write(table, settings, tables, mode, output.itemsize)
    blocks = groups * ((outputs + TILE_ROWS - 1) // TILE_ROWS)
    terms = channels * settings[tiles.TAPS]
    packed = np.empty(blocks * TILE_ROWS * terms, output.dtype)
    units = output.shape[0] * groups * settings[direct.OUT_DEPTH]
    units *= settings[direct.BANDS] * settings[direct.STRIPS]
    _PACK(np.array([outputs, terms]), weight.reshape(-1), packed, 0, blocks)
    _CONVOLVE(settings, tables, input.reshape(-1), packed, bias, output.reshape(-1), 0, units)


@compiled
def _needed_bytes(axes: Any, cell: float) -> float:
    """Return the bytes of the smallest band and its tables, at most; `cell` those of one pixel."""
    band, positions = 1.0 * cell, 0.0
    for k in range(3):
        extra = (axes[TAPS, k] - 1) * axes[DILATION, k] // axes[STRIDE, k]
        columns = TILE_VECTORS * _VECTOR_BYTES if k == 2 else 1
        band *= axes[TAPS, k] * (columns + extra if k > 0 else 1)
        positions += axes[BEFORE, k] + axes[INPUT, k] + axes[AFTER, k]
        positions += (1 + extra) * axes[STRIDE, k]
    return band + 8 * positions


@driver
def _measure(
    axes: Any, settings: Any, channels: Any, outputs: Any, groups: Any, mode: Any, itemsize: Any
) -> None:
    """Write the settings of `direct.convolve`, for one share, and the size of the tables."""
    lanes = _VECTOR_BYTES // itemsize
    step_y, step_x = axes[STRIDE * 3 + 1], axes[STRIDE * 3 + 2]
    # How much further the last tap reaches, in steps.
    extra_y = (axes[TAPS * 3 + 1] - 1) * axes[DILATION * 3 + 1] // step_y
    extra_x = (axes[TAPS * 3 + 2] - 1) * axes[DILATION * 3 + 2] // step_x
    count_phases(axes, settings, 1, bands.PHASES_Y)
    count_phases(axes, settings, 2, bands.PHASES_X)
    phases_y, phases_x = settings[bands.PHASES_Y], settings[bands.PHASES_X]
    levels = axes[TAPS * 3]
    taps = levels * axes[TAPS * 3 + 1] * axes[TAPS * 3 + 2]
    height, width = axes[OUTPUT * 3 + 1], axes[OUTPUT * 3 + 2]
    planes = levels * phases_y * phases_x
    most = min(BAND_PIXELS, BAND_BYTES // (itemsize * channels * planes))
    columns = min(width, max(TILE_VECTORS * lanes, most // (1 + extra_y) - extra_x))
    rows = min(height, max(1, most // (columns + extra_x) - extra_y)) if columns == width else 1

    settings[bands.DEPTH] = axes[INPUT * 3]
    settings[bands.HEIGHT] = axes[INPUT * 3 + 1]
    settings[bands.WIDTH] = axes[INPUT * 3 + 2]
    settings[bands.STEP_Z], settings[bands.STEP_Y] = axes[STRIDE * 3], step_y
    settings[bands.STEP_X], settings[bands.BEFORE] = step_x, axes[BEFORE * 3 + 2]
    settings[bands.MAPPED] = mode > 0
    settings[bands.LEVELS] = levels
    settings[bands.ROWS], settings[bands.COLUMNS] = rows + extra_y, columns + extra_x
    settings[bands.PITCH] = columns + extra_x  # no zeros are shared here
    settings[bands.PHASE_STEP] = (rows + extra_y) * (columns + extra_x) + bands.SPILL

    channel = planes * settings[bands.PHASE_STEP]
    terms = channels * taps
    span = channels
    if terms > UNCUT:  # as `stepconv.kernels.listing.span`
        least = 2 if taps >= MANY_TAPS else 3
        span = -(-channels // max(least, -(-terms // CHAIN)))
    settings[tiles.CHANNELS], settings[tiles.CHANNEL_STEP] = channels, channel
    settings[tiles.TAPS], settings[tiles.SPAN] = taps, span
    settings[tiles.PLANE] = axes[OUTPUT * 3] * height * width
    settings[direct.GROUPS], settings[direct.GROUP_OUTPUTS] = groups, outputs
    settings[direct.IMAGE] = axes[INPUT * 3] * axes[INPUT * 3 + 1] * axes[INPUT * 3 + 2]
    settings[direct.OUT_DEPTH] = axes[OUTPUT * 3]
    settings[direct.OUT_HEIGHT], settings[direct.OUT_WIDTH] = height, width
    settings[direct.BAND_ROWS], settings[direct.BAND_COLUMNS] = rows, columns
    settings[direct.BANDS], settings[direct.STRIPS] = -(-height // rows), -(-width // columns)
    settings[direct.SHARES] = 1
    settings[direct.STRETCH] = 1000 * BAND_PIXELS  # more than the records of a band: all at once
    settings[direct.BIASES_AT] = channels * channel
    settings[direct.SCRATCH] = channels * channel + TILE_ROWS

    settings[bands.SOURCE_Z] = 0
    laid = axes[BEFORE * 3] + axes[INPUT * 3] + axes[AFTER * 3]
    settings[bands.SOURCE_Y] = laid
    laid += axes[BEFORE * 3 + 1] + axes[INPUT * 3 + 1] + axes[AFTER * 3 + 1]
    laid += (rows + extra_y) * step_y  # the last band may have rows behind the layout
    settings[bands.SOURCE_X] = laid
    settings[bands.LAYOUT_X] = axes[BEFORE * 3 + 2] + axes[INPUT * 3 + 2] + axes[AFTER * 3 + 2]
    laid += settings[bands.LAYOUT_X]
    settings[bands.LEVELS_AT] = laid
    settings[bands.PHASES_Y_AT] = laid + levels
    settings[bands.PHASES_X_AT] = laid + levels + phases_y
    settings[tiles.TAPS_AT] = laid + levels + phases_y + phases_x
    settings[direct.TILES_AT] = settings[tiles.TAPS_AT] + span * taps
    vectors = rows * -(-columns // lanes)
    settings[_TABLE_SIZE] = (
        settings[direct.TILES_AT] + 8 + 4 * -(-vectors // TILE_VECTORS) * tiles.RECORD
    )


@driver
def _write(axes: Any, settings: Any, tables: Any, mode: Any, itemsize: Any) -> None:
    """Write the tables of `direct.convolve`."""
    rows, columns = settings[direct.BAND_ROWS], settings[direct.BAND_COLUMNS]
    for k in range(3):
        laid = axes[BEFORE * 3 + k] + axes[INPUT * 3 + k] + axes[AFTER * 3 + k]
        show(axes, k, tables, settings[bands.SOURCE_Z + k], mode, 0, laid)
    behind = axes[BEFORE * 3 + 1] + axes[INPUT * 3 + 1] + axes[AFTER * 3 + 1]
    for place in range(settings[bands.SOURCE_Y] + behind, settings[bands.SOURCE_X]):
        tables[place] = -1
    for level in range(settings[bands.LEVELS]):
        tables[settings[bands.LEVELS_AT] + level] = level * axes[DILATION * 3]
    for phase in range(settings[bands.PHASES_Y]):
        place = phase * axes[DILATION * 3 + 1] % axes[STRIDE * 3 + 1]
        tables[settings[bands.PHASES_Y_AT] + phase] = place
    for phase in range(settings[bands.PHASES_X]):
        place = phase * axes[DILATION * 3 + 2] % axes[STRIDE * 3 + 2]
        tables[settings[bands.PHASES_X_AT] + phase] = place
    list_taps(axes, settings, tables)
    lists = settings[direct.TILES_AT]
    at = lists + 8
    height, width = settings[direct.OUT_HEIGHT], settings[direct.OUT_WIDTH]
    for part in range(4):  # whole bands, the last band, the last strip, the last of both
        high = rows if part % 2 == 0 else (height - 1) % rows + 1
        wide = columns if part < 2 else (width - 1) % columns + 1
        vectors = high * -(-wide // (_VECTOR_BYTES // itemsize))
        tables[lists + 2 * part] = at
        list_tiles(settings, tables, at, vectors, wide, _VECTOR_BYTES // itemsize)
        at += -(-vectors // TILE_VECTORS) * tiles.RECORD
        tables[lists + 2 * part + 1] = at


@inlined
def count_phases(axes: Any, settings: Any, k: int, field: int) -> None:
    """Write how many phases of the stride the taps of an axis meet.

    Tap by tap the phases repeat after stride / gcd(stride, dilation) of them.
    """
    divisor, rest = axes[STRIDE * 3 + k], axes[DILATION * 3 + k]
    while rest > 0:
        divisor, rest = rest, divisor % rest
    settings[field] = min(axes[TAPS * 3 + k], axes[STRIDE * 3 + k] // divisor)


@inlined
def list_taps(axes: Any, settings: Any, tables: Any) -> None:
    """Write where the taps of a piece of the channels read; see `stepconv.kernels.bands`."""
    step_y, step_x = axes[STRIDE * 3 + 1], axes[STRIDE * 3 + 2]
    phases_y, phases_x = settings[bands.PHASES_Y], settings[bands.PHASES_X]
    pitch, plane = settings[bands.PITCH], settings[bands.PHASE_STEP]
    at = settings[tiles.TAPS_AT]
    for channel in range(settings[tiles.SPAN]):
        for kz in range(axes[TAPS * 3]):
            for ky in range(axes[TAPS * 3 + 1]):
                row = kz * phases_y + ky % phases_y
                down = ky * axes[DILATION * 3 + 1] // step_y * pitch
                for kx in range(axes[TAPS * 3 + 2]):
                    place = (row * phases_x + kx % phases_x) * plane + down
                    place += kx * axes[DILATION * 3 + 2] // step_x
                    tables[at] = channel * settings[tiles.CHANNEL_STEP] + place
                    at += 1


@inlined
def list_tiles(settings: Any, tables: Any, at: int, vectors: int, columns: int, lanes: int) -> None:
    """Write the records of the tiles of a band, row by row; see `stepconv.kernels.tiles`."""
    parts = -(-columns // lanes)
    done = 0
    while done < vectors:
        # No tile is of a single vector, which would wait for its own sums.
        count = min(vectors - done, TILE_VECTORS)
        if vectors - done == TILE_VECTORS + 1:
            count = TILE_VECTORS - 1
        tables[at + tiles.COUNT], tables[at + tiles.WHOLE] = max(2, count), 1
        for member in range(TILE_VECTORS):  # those that a tile lacks repeat the last
            row, part = divmod(min(done + member, vectors - 1), parts)
            kept = min(lanes, columns - part * lanes)
            if kept < lanes:
                tables[at + tiles.WHOLE] = 0
            field = at + tiles.FIRST + tiles.FIELDS * member
            bits = 0
            for _lane in range(kept):
                bits = 2 * bits + 1
            tables[field + tiles.BEGIN] = row * settings[bands.PITCH] + part * lanes
            tables[field + tiles.CELL] = row * settings[direct.OUT_WIDTH] + part * lanes
            tables[field + tiles.BITS], tables[field + tiles.KEPT] = bits, kept
        done += count
        at += tiles.RECORD
