"""Depthwise layers on small maps: channels in vectors, and pixels one by one.

A row of 7 pixels fills less than half of a vector, and the last layers of image networks have such
rows, under kernels of up to 7x7. Here a vector holds one pixel of 16 channels (in float32 on
AVX-512). A unit of work is such a block of channels of one sample::

    input       [channel][row][column]     as it lies
    scratch     [row][column][channel]     squares are transposed in registers; columns of padding
                                           are zeros, rows of padding are left out
    run         7 or 14 pixels of a row    for each row of the kernel that sees the map, for each of
                                           its columns: a vector of weights, and a product and sum
                                           for each pixel
    results     [pixel][channel]
    output      [channel][pixel]           transposed once more

Of a row that is no multiple of a run the last run begins earlier; where it is shorter than a run,
what is computed beyond its end is overwritten by the next row. An infinite weight gives no nan
where it would meet a row of padding, but where it meets a column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Axis, Geometry, Indices
from stepconv.kernels import depthwise3
from stepconv.kernels.drivers import allocate, emitted, lanes
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables
from stepconv.kernels.lowering import driver
from stepconv.kernels.reading import cells as cells_of
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import pack_block

Axes = tuple[Axis, Axis, Axis]

#: Pixels of a run: on Zen 4 maps of 14 columns take a tenth less time with 14 than with 7.
RUNS = (7, 14) if host().registers == 32 else (7,)
#: Scratch: maps of 28x28 under 7x7 take 112 KB and a fifth less time than with `depthwise`, larger
#: ones no less.
MOST_BYTES = 128 * 1024
#: Rows of the kernel, from all rows of the output: a plan lists them.
MOST_ROWS = 10_000
#: Products in a chain of additions, as in `stepconv.kernels.depthwise`.
MOST_TAPS = 256

# Cycles, on Zen 4. Here: of a byte of a square that is copied, transposed and stored, of a
# multiply-add, whose 512 bits take two, and to begin and store a run. Elsewhere: to begin a
# channel; in `depthwise3`, of a row of one vector, and for each vector more; in `depthwise`, beside
# the multiply-adds of a vector, for each row of the kernel, or, of a single row, at all; and to
# copy a number with a stride of more than 2. There a narrow vector is copied in less time, and the
# channel begun in more (`STEPCONV_LANES=8` and 4).
_SQUARE, _STEP, _BEGIN = 0.113, 1.05 if host().vector_bytes == 64 else 0.55, 20.0
_CHANNEL, _IN_PLACE, _MORE, _ALONE, _APART = 40.0, 12.0, 4.0, 12.0, 6.0
_CHANNEL_COPIED, _ROW = (
    (40.0, 4.0) if host().vector_bytes == 64 else (110.0, host().vector_bytes / 16)
)

(
    CHANNELS,
    CELLS,  # of a channel of the input; pixels of the output
    PIXELS,
    TAPS,
    COLUMNS,  # of the kernel
    PIXEL_STEP,  # in scratch, from one pixel of a run to the next; from one column of the kernel
    COLUMN_STEP,
    MAP,  # numbers of a map in scratch
    PLACES_AT,  # for each cell, where in scratch it goes; for those that a square lacks, too
    RUNS_AT,  # where the records of the runs begin and end
    RUNS_END,
    RESULTS_AT,
    SCRATCH,
) = range(13)

# Of a run: where its first pixel and its results stand in scratch, where those rows of the kernel
# are listed that see the map, each by its pixels and weights, and how many these are.
BEGIN, RESULT, LIST_AT, LIST_COUNT, RECORD = range(5)


@cache
def kernel(run: int) -> Any:
    """Return the kernel for runs of so many pixels."""

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
        clear(scratch, settings[MAP])
        channels, cells, pixels = settings[CHANNELS], settings[CELLS], settings[PIXELS]
        blocks = (channels + lanes(input) - 1) // lanes(input)
        for unit in range(first, stop):
            sample, block = divmod(unit, blocks)
            done = block * lanes(input)
            valid = min(lanes(input), channels - done)
            image = sample * channels + done
            gather(settings, tables, input, image * cells, valid, scratch)
            for record in range(settings[RUNS_AT], settings[RUNS_END], RECORD):
                convolve_run(
                    run,
                    settings,
                    tables,
                    record,
                    scratch,
                    weight,
                    done * settings[TAPS],
                    bias,
                    done,
                    valid,
                )
            deal(settings, scratch, output, image * pixels, valid)

    return convolve


@emitted
def clear(code: Code, scratch: Value, count: Value) -> None:
    """Fill whole vectors with zeros."""
    with code.loop(code.floor(count, code.lanes)) as loop:
        code.store(code.zero(), code.move(scratch, code.multiply(loop.index, code.lanes)))
        loop.next()


@emitted
def gather(
    code: Code,
    settings: Value,
    tables: Value,
    input: Value,
    start: Value,
    valid: Value,
    scratch: Value,
) -> None:
    """Copy the maps of a block of channels to where their cells belong; absent ones become 0."""
    places = code.move(tables, code.load_one(settings, PLACES_AT))
    cells, maps = code.load_one(settings, CELLS), code.move(input, start)
    with code.loop(code.ceiling(cells, code.lanes)) as loop:
        done = code.multiply(loop.index, code.lanes)
        left = code.subtract(cells, done)
        lines = [code.move(maps, done)]
        for _ in range(code.lanes - 1):
            lines.append(code.move(lines[-1], cells))

        def part() -> list[Value]:
            present = [code.compare(valid, ">", channel) for channel in range(code.lanes)]
            masks = [code.first(code.select(one, left, code.integer(0))) for one in present]
            return [code.load_masked(*both) for both in zip(lines, masks, strict=True)]

        rows = code.choose(is_whole(code, left, valid), lambda: list(map(code.load, lines)), part)
        own = code.move(places, done)
        for cell, column in enumerate(code.transpose(rows)):
            code.store(column, code.move(scratch, code.load_one(own, cell)))
        loop.next()


@emitted
def convolve_run(
    code: Code,
    run: int,
    settings: Value,
    tables: Value,
    record: Value,
    scratch: Value,
    weight: Value,
    weight_at: Value,
    bias: Value,
    done: Value,
    valid: Value,
) -> None:
    """Compute the pixels of a run."""
    fields = BEGIN, RESULT, LIST_AT, LIST_COUNT
    begin, result, list_at, count = (
        code.load_one(code.move(tables, record), field) for field in fields
    )
    columns, pixel_step, column_step = (
        code.load_one(settings, field) for field in (COLUMNS, PIXEL_STEP, COLUMN_STEP)
    )
    pixels, weights = code.move(scratch, begin), code.move(weight, weight_at)
    listed = code.move(tables, list_at)
    apart = [code.multiply(pixel_step, pixel) for pixel in range(run)]
    biases = [code.load_masked(code.move(bias, done), code.first(valid))] * run

    def summed() -> list[Value]:
        with code.loop(count, *biases) as down:
            both = code.move(listed, code.multiply(down.index, 2))
            row = code.move(pixels, code.load_one(both))
            own = code.move(weights, code.load_one(both, 1))
            with code.loop(columns, row, own, *down.values) as across:
                x, w, *sums = across.values
                number = code.load(w)
                more = [
                    code.multiply_add(code.load(x, place), number, total)
                    for place, total in zip(apart, sums, strict=True)
                ]
                across.next(code.move(x, column_step), code.move(w, code.lanes), *more)
            down.next(*across.results[2:])
        return down.results

    sums = code.choose(code.compare(count, ">", 0), summed, lambda: biases)
    for pixel, total in enumerate(sums):
        code.store(total, code.move(scratch, result), pixel * code.lanes)


@emitted
def deal(
    code: Code, settings: Value, scratch: Value, output: Value, start: Value, valid: Value
) -> None:
    """Copy the results of a block to its maps in the output."""
    results, maps = (
        code.move(scratch, code.load_one(settings, RESULTS_AT)),
        code.move(output, start),
    )
    pixels = code.load_one(settings, PIXELS)
    with code.loop(code.ceiling(pixels, code.lanes)) as loop:
        done = code.multiply(loop.index, code.lanes)
        left = code.subtract(pixels, done)
        square = code.move(results, code.multiply(done, code.lanes))
        lines = code.transpose([code.load(square, i * code.lanes) for i in range(code.lanes)])
        target = code.move(maps, done)
        with code.builder.if_else(is_whole(code, left, valid)) as (whole, part):
            with whole:
                place = target
                for line in lines:
                    code.store(line, place)
                    place = code.move(place, pixels)
            with part:
                place, mask = target, code.first(left)
                for channel, line in enumerate(lines):
                    with code.when(code.compare(valid, ">", channel)):
                        code.store_masked(line, place, mask)
                    place = code.move(place, pixels)
        loop.next()


def is_whole(code: Code, pixels: Value, channels: Value) -> Value:
    """Whether there are enough pixels and channels for a whole square."""
    return code.both(
        code.compare(pixels, ">=", code.lanes), code.compare(channels, ">=", code.lanes)
    )


@driver
def pack(sizes: Any, weight: Any, packed: Any, first: int, stop: int) -> None:
    """Lay out weights [channel][tap] as [block][tap][channel], absent ones as 0.

    `sizes` are the channels and the taps; a unit is a block.
    """
    channels, taps = sizes[0], sizes[1]
    for unit in range(first, stop):
        done = unit * lanes(weight)
        pack_block(
            lanes(weight),
            weight,
            done * taps,
            taps,
            taps,
            channels - done,
            packed,
            done * taps,
            lanes(weight),
        )


@dataclass(frozen=True)
class Room:
    """How scratch is divided, counted in vectors.

    Attributes
    ----------
    pitch, maps : int
        From one row of the map to the next; all rows, and what a short row's run reads behind them.
    pixels, spare : int
        Of the output; where the cells go that a square lacks, behind the results.
    """

    pitch: int
    maps: int
    pixels: int
    spare: int

    @classmethod
    def of(cls, axes: Axes, run: int, lanes: int) -> Room:
        """Divide scratch for maps of these axes."""
        z, y, x = axes
        pitch = x.pad[0] + x.input_size + x.pad[1]
        maps = z.input_size * y.input_size * pitch + run * x.stride
        pixels = prod(axis.output_size for axis in axes)
        return cls(pitch, maps, pixels, maps + -(-pixels // lanes) * lanes + run)


class DepthwiseChannelsPlan(TiledPlan):
    """Blocks of channels; see the module."""

    def __init__(self, geometry: Geometry, dtype: np.dtype[Any]) -> None:
        axes, channels = geometry.embedded, geometry.in_channels
        x, width = axes[2], host().lanes(dtype.itemsize)
        samples = 1 if geometry.batch is None else geometry.batch
        blocks, taps = -(-channels // width), prod(geometry.kernel_size)
        run = best_run(x)
        room = Room.of(axes, run, width)
        cells = np.arange(cells_of(axes))
        row, column = np.divmod(cells, x.input_size)
        places = row * room.pitch + x.pad[0] + column
        lacking = np.full(-cells.size % width, room.spare)
        tables = Tables()
        runs = _records(tables, axes, run, room, width)
        runs_at = tables.add(runs.ravel())
        settings = {
            CHANNELS: channels,
            CELLS: cells.size,
            PIXELS: room.pixels,
            TAPS: taps,
            COLUMNS: x.kernel_size,
            PIXEL_STEP: x.stride * width,
            COLUMN_STEP: x.dilation * width,
            MAP: room.maps * width,
            PLACES_AT: tables.add(np.append(places, lacking) * width),
            RUNS_AT: runs_at,
            RUNS_END: runs_at + runs.size,
            RESULTS_AT: room.maps * width,
            SCRATCH: (room.spare + 1) * width,
        }
        super().__init__(
            kernel(run),
            pack,
            dtype,
            samples * blocks,
            settings,
            tables.array(),
            (channels, taps),
            blocks,
            width * taps,
            settings[SCRATCH],
        )


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> DepthwiseChannelsPlan | None:
    """Return a plan where that takes less time than vectors of pixels."""
    axes = geometry.embedded
    if geometry.transposed or geometry.group_inputs != 1 or geometry.group_outputs != 1:
        return None
    if geometry.batch == 0 or prod(geometry.kernel_size) > MOST_TAPS:
        return None
    if any(axis.mode != "zeros" and axis.pad != (0, 0) for axis in axes):
        return None
    lanes = host().lanes(dtype.itemsize)
    room = Room.of(axes, best_run(axes[2]), lanes)
    if room.spare * lanes * dtype.itemsize > MOST_BYTES or _kernel_rows(axes) > MOST_ROWS:
        return None
    samples = 1 if geometry.batch is None else geometry.batch
    units = samples * -(-geometry.in_channels // lanes)
    # The other families cut a layer for as many threads as there are; here a block stays whole.
    own = -(-units // threads) * _cycles(axes, lanes)
    others = _others(geometry, axes, lanes, depthwise3.applies(geometry, dtype))
    if own > samples * geometry.in_channels / threads * others:
        return None
    return DepthwiseChannelsPlan(geometry, dtype)


def best_run(axis: Axis) -> int:
    """Return the pixels of a run that loads least for each row: its pixels, and the weights."""
    return min(RUNS, key=lambda run: -(-axis.output_size // run) * (run + 1))


def _positions(axis: Axis) -> tuple[Indices, NDArray[np.bool_]]:
    """Return where each tap looks from each place of the output, and whether that is on the map."""
    begins = np.arange(axis.output_size)[:, None] * axis.stride - axis.pad[0]
    positions = begins + np.arange(axis.kernel_size) * axis.dilation
    return positions, (positions >= 0) & (positions < axis.input_size)


def _kernel_rows(axes: Axes) -> int:
    """Return how many rows of the kernel see the map, from all rows of the output."""
    return prod(int(_positions(axis)[1].sum()) for axis in axes[:2])


def _records(tables: Tables, axes: Axes, run: int, room: Room, width: int) -> Indices:
    """List the rows of the kernel that see the map, and return the records of all runs."""
    z, y, x = axes
    begins = [*range(0, x.output_size - run, run), max(0, x.output_size - run)]
    seen = [
        [
            [(tap, place[tap]) for tap in on_map.nonzero()[0]]
            for place, on_map in zip(*both, strict=True)
        ]
        for both in (_positions(z), _positions(y))
    ]
    records = []
    for deep, high in product(range(z.output_size), range(y.output_size)):
        listed = [
            ((level * y.input_size + row) * room.pitch, (a * y.kernel_size + b) * x.kernel_size)
            for (a, level), (b, row) in product(seen[0][deep], seen[1][high])
        ]
        at = tables.add(np.array(listed, np.int64).ravel() * width)
        for begin in begins:
            result = room.maps + (deep * y.output_size + high) * x.output_size + begin
            records.append((begin * x.stride * width, result * width, at, len(listed)))
    return np.array(records, np.int64)


def _cycles(axes: Axes, lanes: int) -> float:
    """Cycles of a block of channels."""
    z, y, x = axes
    run = best_run(x)
    runs = -(-x.output_size // run)
    cells, pixels = cells_of(axes), prod(axis.output_size for axis in axes)
    squares = -(-cells // lanes) + -(-pixels // lanes)
    copied = squares * lanes * host().vector_bytes * _SQUARE
    steps = _kernel_rows(axes) * x.kernel_size * runs * (run + 1)
    return copied + steps * _STEP + z.output_size * y.output_size * runs * _BEGIN


def _others(geometry: Geometry, axes: Axes, lanes: int, in_place: bool) -> float:
    """Cycles of a channel in `depthwise3`, if `in_place`, or `depthwise`."""
    z, y, x = axes
    rows, vectors = z.output_size * y.output_size, -(-x.output_size // lanes)
    if in_place:
        return _CHANNEL + rows * (_IN_PLACE + _MORE * (vectors - 1))
    products = _STEP * float(prod(geometry.kernel_size))
    copied = _APART * cells_of(axes) if x.stride > 2 else 0.0
    if y.output_size == 1:
        vector = 2 * products + _ALONE
    else:
        vector = products + _ROW * z.kernel_size * y.kernel_size
    return _CHANNEL_COPIED + rows * vectors * vector + copied
