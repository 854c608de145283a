"""Few channels in a group, and padding: pixels are read in their place, under masks.

Where a group has a handful of channels, to fill a band (`stepconv.kernels.bands`) takes a tenth of
the time, and the numbers between its rows leave lanes empty. But if an output is as large as its
input, all pixels of a channel are one line in both, the rows end to end, and under each tap a tile
reads the line a little before or behind. Lanes that would read across the end of a row, or of the
line, see padding and are masked, under each tap in another way::

    input, 3 rows of 4                     a b c d   e f g h   i j k l
    under the left tap of a row of 3       . a b c   . e f g   . i j k      lanes 0111 0111 0111
    under the left tap of the row above    . . . .   . a b c   . e f g      lanes 0000 0111 0111

Masks stand in registers of their own over all channels of a sum, so tiles take tap after tap, and
under each the channels. Taps under which a tile sees nothing are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import gcd, prod
from typing import Any

import numpy as np

from stepconv.geometry import Geometry, Indices
from stepconv.kernels.direct import packer
from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, span, tile_sizes
from stepconv.kernels.lowering import driver
from stepconv.kernels.small import direct_cycles, runs_cycles
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import (
    CHANNEL_STEP,
    CHANNELS,
    IN_PLACE,
    PLANE,
    SPAN,
    TAPS,
    TAPS_AT,
    TILE_SETTINGS,
    TILE_VECTORS,
    add_up,
    step_share,
    tile_rows,
)

# Settings, after those of the tiles.
(
    GROUPS,
    GROUP_OUTPUTS,
    PIECES,  # units that share the pixels of an image
    STRETCH,  # numbers of the records of a unit's tiles
    RECORDS_AT,  # where in the tables all records begin and end
    RECORDS_END,
) = range(TILE_SETTINGS, TILE_SETTINGS + 6)

# Of a tile's record: its vectors, its first pixel, its pixels, where its taps stand and how many
# they are; and of a tap where it reads, its weights, and for each vector the bits of its lanes.
COUNT, BEGIN, KEPT, LIST_AT, LISTED, RECORD = range(6)
OFFSET, WEIGHTS, BITS = 0, 1, 2
FIELDS = BITS + TILE_VECTORS

#: Pixels times taps up to which they are listed: a million take some 10 ms.
MOST_LISTED = 1 << 20
#: Cycles of a step, to begin a tap, and to begin and store a tile, as `small.direct_cycles` counts.
_STEP, _TAP, _BEGIN = 12.3, 5.0, 50.0
#: Lines of the first cache whose addresses agree in the last bits, and bytes after which these
#: repeat; cycles of a step, at least, where the lines of all channels are more than find a place:
#: 3x3 64-3@128, whose channels are 64 KB apart, takes 1.3 times as long as from a band.
_WAYS, _WAY_BYTES, _FAR_STEP = 8, 4096, 8.2
#: Share of the others' cycles up to which it is taken: where it is reckoned at 0.96 to 1 it takes
#: 0.94 to 1.04 times as long.
_SHARE = 0.955
#: Samples that runs of pixels are taken to share a tile with.
_TOGETHER = 8
#: Units for each thread.
_UNITS_EACH = 4


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
        outputs = settings[GROUP_OUTPUTS]
        blocks = (outputs + size - 1) // size
        weights = settings[CHANNELS] * settings[TAPS] * size
        for unit in range(first, stop):
            image, piece = divmod(unit, settings[PIECES])  # of the images, sample after sample
            group = image % settings[GROUPS]
            begin = settings[RECORDS_AT] + piece * settings[STRETCH]
            end = min(begin + settings[STRETCH], settings[RECORDS_END])
            for block in range(blocks):
                done = block * size
                for record in range(begin, end, RECORD):
                    tile(
                        size,
                        settings,
                        tables,
                        record,
                        input,
                        image * settings[CHANNELS] * settings[CHANNEL_STEP],
                        weight,
                        (group * blocks + block) * weights,
                        bias,
                        group * outputs + done,
                        output,
                        (image * outputs + done) * settings[PLANE],
                        min(size, outputs - done),
                    )

    return convolve


@emitted
def tile(
    code: Code,
    rows: int,
    settings: Value,
    tables: Value,
    record: Value,
    input: Value,
    start: Value,
    weight: Value,
    weight_at: Value,
    bias: Value,
    bias_at: Value,
    output: Value,
    cell: Value,
    valid: Value,
) -> None:
    """Compute the tile of a record and store its first `valid` rows.

    The channels begin at input[start] and output[cell]; `weight` is [channel][tap][row].
    """
    place = code.move(tables, record)
    count, begin, kept = (code.load_one(place, field) for field in (COUNT, BEGIN, KEPT))
    pixels = code.move(input, code.add(start, begin))
    cells = code.move(output, code.add(cell, begin))
    weights, biases = code.move(weight, weight_at), code.move(bias, bias_at)
    further = code.multiply(code.load_one(settings, TAPS), rows)
    for vectors in range(2, TILE_VECTORS + 1):
        with code.when(code.compare(count, "==", vectors)):
            piece = _piece(code, rows, vectors, settings, tables, place, further)
            sums = add_up(code, settings, rows * vectors, piece, pixels, weights, further)
            keep(code, rows, vectors, settings, sums, biases, cells, valid, kept)


def _piece(
    code: Code,
    rows: int,
    vectors: int,
    settings: Value,
    tables: Value,
    record: Value,
    further: Value,
) -> Callable[[Value, Value, Value], list[Value]]:
    """Return what emits the sums over some channels, whose weights lie `further` apart."""
    step = code.load_one(settings, CHANNEL_STEP)
    listed = code.move(tables, code.load_one(record, LIST_AT))
    taps = code.load_one(record, LISTED)

    def piece(channels: Value, pixels: Value, weights: Value) -> list[Value]:
        with code.loop(taps, listed, *[code.zero()] * (rows * vectors)) as tap:
            fields, *sums = tap.values
            masks = [code.lanes_of(code.load_one(fields, BITS + v)) for v in range(vectors)]
            there = code.move(pixels, code.load_one(fields, OFFSET))
            weight = code.move(weights, code.load_one(fields, WEIGHTS))
            with code.loop(channels, there, weight, *sums) as channel:
                there, weight, *sums = channel.values
                x = [
                    code.load_masked(code.move(there, v * code.lanes), mask)
                    for v, mask in enumerate(masks)
                ]
                done = []
                for row in range(rows):
                    w = code.splat(code.load_one(weight, row))
                    own = sums[row * vectors : (row + 1) * vectors]
                    done += [code.multiply_add(w, *pair) for pair in zip(x, own, strict=True)]
                channel.next(code.move(there, step), code.move(weight, further), *done)
            tap.next(code.move(fields, FIELDS), *channel.results[2:])
        return tap.results[1:]

    return piece


def keep(
    code: Code,
    rows: int,
    vectors: int,
    settings: Value,
    sums: list[Value],
    biases: Value,
    cells: Value,
    valid: Value,
    kept: Value,
) -> None:
    """Emit the stores of a tile's first `kept` pixels, with the bias."""
    plane = code.load_one(settings, PLANE)
    places = range(0, vectors * code.lanes, code.lanes)
    whole = code.compare(kept, "==", vectors * code.lanes)
    for row in range(rows):
        with code.when(code.compare(valid, ">", row)):
            bias = code.splat(code.load_one(biases, row))
            line = code.move(cells, code.multiply(plane, row))
            full = [code.sum(one, bias) for one in sums[row * vectors : (row + 1) * vectors]]
            with code.builder.if_else(whole) as (all_of, some):
                with all_of:
                    for place, one in zip(places, full, strict=True):
                        code.store(one, line, place)
                with some:
                    for place, one in zip(places, full, strict=True):
                        code.store_masked(one, code.move(line, place), code.first(kept, place))


class MaskedPlan(TiledPlan):
    """Tiles over the lines of the input; see the module."""

    def __init__(self, geometry: Geometry, dtype: np.dtype[Any], threads: int) -> None:
        lanes = host().lanes(dtype.itemsize)
        outputs, inputs = geometry.group_outputs, geometry.group_inputs
        taps = prod(geometry.kernel_size)
        size = tile_rows(outputs)
        images = (1 if geometry.batch is None else geometry.batch) * geometry.groups
        tables = Tables()
        table = _records(geometry, size, lanes, tables)
        pieces = 1 if threads == 1 else max(1, _UNITS_EACH * threads // max(1, images))
        stretch = -(-len(table) // pieces)
        pieces = -(-len(table) // stretch)
        plane = prod(geometry.output_size)
        at = tables.add(table.ravel())
        settings = {
            CHANNELS: inputs,
            CHANNEL_STEP: plane,
            TAPS: taps,
            TAPS_AT: 0,  # each tile has its own
            SPAN: span(inputs, taps),
            PLANE: plane,
            IN_PLACE: True,
            GROUPS: geometry.groups,
            GROUP_OUTPUTS: outputs,
            PIECES: pieces,
            STRETCH: stretch * RECORD,
            RECORDS_AT: at,
            RECORDS_END: at + table.size,
        }
        blocks = geometry.groups * -(-outputs // size)
        super().__init__(
            kernel(size),
            packer(size),
            dtype,
            images * pieces,
            settings,
            tables.array(),
            (outputs, inputs * taps),
            blocks,
            size * inputs * taps,
            0,
        )


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> MaskedPlan | None:
    """Return a plan where it takes less time than bands, and than runs of pixels."""
    if geometry.transposed or not host().masks:
        return None
    axes = geometry.embedded
    if all(axis.pad == (0, 0) for axis in axes):
        return None
    for axis in axes:
        if axis.stride > 1 or axis.mode != "zeros" or axis.output_size != axis.input_size:
            return None
    if prod(axis.output_size * axis.kernel_size for axis in axes) > MOST_LISTED:
        return None
    own = cycles(geometry, dtype)
    if own > _SHARE * direct_cycles(geometry, axes, dtype):
        return None
    together = min(_TOGETHER, 1 if geometry.batch is None else max(1, geometry.batch))
    if own > _SHARE * runs_cycles(geometry, axes, dtype, together):
        return None
    return MaskedPlan(geometry, dtype, threads)


def cycles(geometry: Geometry, dtype: np.dtype[Any]) -> float:
    """Cycles for an average plane of all output channels of a group."""
    lanes, taps = host().lanes(dtype.itemsize), prod(geometry.kernel_size)
    rows, depth = tile_rows(geometry.group_outputs), geometry.embedded[0].output_size
    tiles = max(2, -(-prod(geometry.output_size) // lanes)) / TILE_VECTORS / depth
    step, apart = step_share(rows) * _STEP, prod(geometry.input_size) * dtype.itemsize
    if geometry.group_inputs > _WAYS * _WAY_BYTES // gcd(apart, _WAY_BYTES):
        step = max(step, _FAR_STEP)
    steps = taps * (geometry.group_inputs * step + _TAP)
    return tiles * -(-geometry.group_outputs // rows) * (steps + _BEGIN)


def _records(geometry: Geometry, size: int, lanes: int, tables: Tables) -> Indices:
    """Return the records of the tiles of an image, and write their taps."""
    axes = geometry.embedded
    sizes = [axis.output_size for axis in axes]
    pixels = prod(sizes)
    vectors = tile_sizes(-(-pixels // lanes))
    firsts = (np.cumsum(vectors) - vectors) * lanes
    members = firsts[:, None] + np.arange(TILE_VECTORS * lanes)
    owned = (members < pixels) & (
        np.arange(TILE_VECTORS * lanes) < np.array(vectors)[:, None] * lanes
    )
    z, y, x = np.unravel_index(np.minimum(members, pixels - 1), sizes)
    bits = 1 << np.arange(lanes)
    lists: list[Indices] = []
    for tap in np.ndindex(*(axis.kernel_size for axis in axes)):
        moved = [k * axis.dilation - axis.pad[0] for k, axis in zip(tap, axes, strict=True)]
        seen = owned.copy()
        for place, by, most in zip((z, y, x), moved, sizes, strict=True):
            seen &= (place + by >= 0) & (place + by < most)
        offset = (moved[0] * sizes[1] + moved[1]) * sizes[2] + moved[2]
        masks = seen.reshape(len(members), TILE_VECTORS, lanes) @ bits
        own = np.full((len(members), 2), (offset, size * len(lists)))
        lists.append(np.hstack([own, masks]))
    listed = np.stack(lists, axis=1)
    table = np.zeros((len(members), RECORD), np.int64)
    table[:, COUNT], table[:, BEGIN] = vectors, firsts
    table[:, KEPT] = owned.sum(axis=1)
    written: dict[bytes, tuple[int, int]] = {}
    for number, taps in enumerate(listed):
        taps = taps[taps[:, BITS:].any(axis=1)]
        if not len(taps):  # in the padding altogether
            taps = listed[number, :1]
        key = taps.tobytes()
        if key not in written:
            written[key] = tables.add(taps.ravel()), len(taps)
        table[number, LIST_AT], table[number, LISTED] = written[key]
    return table
