"""Register tiles for small maps: output channels in vectors, pixels spread.

The tile of `stepconv.kernels.tiles` turned round. There a vector holds pixels, and a row of 7
or 14 pixels fills no vector; here it holds output channels, of which deep layers have hundreds,
and pixels are taken one by one::

                    channels 0-15  16-31        one step, for one channel and tap:
      pixel 0            sum        sum           load 2 vectors of weights,
      pixel 1            sum        sum           for each pixel spread one number,
        ...              ...        ...           28 multiply-adds
      pixel 13           sum        sum

The 14 pixels are two *runs* of up to 7 that lie anywhere: 7, 14, 28, 56 divide into runs without
a rest, as the maps of most image networks do. The sums lie channel beside channel, the
output pixel beside pixel: squares of sums are transposed in registers before they are stored.

With 16 registers a tile has 12 sums: 2 vectors of channels, and 6 single pixels that lie anywhere,
so that no width leaves a rest. Pixels whose cells follow one another are stored in one piece;
Zen 3 takes a dozen cycles to store under a mask. Its sums are those of a part of the channels
(`stepconv.kernels.small`): for 12 multiply-adds it loads 8 times, so from the first cache. There it
runs at 96 to 99 % of what the multipliers of Zen 3 can do; `stepconv.kernels.tiles`' 4 x 3 at 84 %.

A run that lies in the padding for some tap need not be multiplied with it: each tile has
its own list of taps. With a dilation of 6 on a map of 33 that is a quarter of the work.
Taps that are skipped take no part: an infinite weight there gives no nan.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.tiles import (
    CHANNEL_STEP,
    CHANNELS,
    IN_PLACE,
    PLANE,
    SPAN,
    add_up,
)

#: Pixels of a run, runs and vectors of channels of a tile: 28 sums in 32 registers, 12 in 16.
RUN, RUNS = (7, 2) if host().registers == 32 else (1, 6)
WIDE = 2

#: How far ahead a tile of single pixels asks for its channels' cache lines: maps that are read in
#: their place come from memory then, 60 to 70 % of the peak for 1x1 256-64@56 with 8 samples.
AHEAD_BYTES = 64

# Of a tile's record: where its taps begin in the tables, their number, and the weights from one
# channel to the next; its runs; whether each is whole and continued by the next; and of each
# run where it begins in the band, its pixels, and its first cell in the output.
TAP_LIST, TAP_COUNT, WEIGHTS, RUN_COUNT, IN_LINE, FIRST_RUN = range(6)
BEGIN, PIXELS, CELL = 0, 1, 2
SMALL_RECORD = FIRST_RUN + 3 * RUNS


@emitted
def small_tile(
    code: Code,
    run: int,
    most: int,
    wide: int,
    settings: Value,
    tables: Value,
    record: Value,
    input: Value,
    scratch: Value,
    start: Value,
    weight: Value,
    weight_at: Value,
    biases_at: Value,
    output: Value,
    cell: Value,
    valid: Value,
    part: Value,
    totals_at: Value,
) -> None:
    """Compute the tile of a record and store its first `valid` channels.

    The band starts at input[start] or scratch[start]; `weight` is [channel][tap][one of the tile's
    channels]; a list of taps holds for each tap its offsets in the band and in the weights of a
    channel. The biases stand in `scratch`, and where pixels are single so do the totals of sums
    over the channels before `part`: then it is only the tile's part from there on.
    """
    in_place = code.compare(code.load_one(settings, IN_PLACE), "!=", 0)
    band = code.move(code.builder.select(in_place, input, scratch), start)
    place = code.move(tables, record)
    weights = code.move(weight, weight_at)
    biases = code.move(scratch, biases_at)
    cells = code.move(output, cell)
    if run == 1:
        totals = code.move(scratch, totals_at)
        at = band, weights, biases
        pixels(code, most, wide, settings, place, tables, *at, part, totals, cells, valid)
        return
    count = code.load_one(place, RUN_COUNT)
    for runs in range(1, most + 1):
        with code.when(code.compare(count, "==", runs)):
            begins = [code.load_one(place, FIRST_RUN + 3 * r + BEGIN) for r in range(runs)]
            sums = multiply(code, run, begins, wide, settings, tables, place, band, weights, biases)
            keep(code, run, runs, wide, settings, sums, cells, valid, place)


def pixels(
    code: Code,
    count: int,
    wide: int,
    settings: Value,
    record: Value,
    tables: Value,
    band: Value,
    weights: Value,
    biases: Value,
    part: Value,
    totals: Value,
    cells: Value,
    valid: Value,
) -> None:
    """Emit the tile of `count` single pixels: the sums over the channels of a part.

    They join the totals of the parts before, and with the last part are stored.
    """
    channels, step, span = (
        code.load_one(settings, field) for field in (CHANNELS, CHANNEL_STEP, SPAN)
    )
    left = code.subtract(channels, part)
    begins = [code.load_one(record, FIRST_RUN + 3 * p + BEGIN) for p in range(count)]
    first = code.move(band, code.add(code.multiply(part, step), begins[0]))
    weights = code.move(weights, code.multiply(part, code.load_one(record, WEIGHTS)))
    ends = code.compare(left, "<=", span)
    with code.when(ends):
        # Ask for the lines of the output: where they come from memory it takes off 2 to 4 %.
        line = code.move(cells, code.load_one(record, FIRST_RUN + CELL))
        for _ in range(wide * code.lanes):
            code.prefetch(line)
            line = code.move(line, code.load_one(settings, PLANE))
    sums = add(code, 1, begins, wide, tables, record, code.least(span, left), first, weights)
    places = range(0, len(sums) * code.lanes, code.lanes)

    def joined() -> list[Value]:
        return [
            code.sum(code.load(totals, place), one) for place, one in zip(places, sums, strict=True)
        ]

    all_sums = code.choose(code.compare(part, "==", 0), lambda: sums, joined)
    with code.builder.if_else(ends) as (last, other):
        with last:
            bias = [code.load(biases, v * code.lanes) for v in range(wide)]
            full = [code.sum(one, bias[i % wide]) for i, one in enumerate(all_sums)]
            keep(code, 1, count, wide, settings, full, cells, valid, record)
        with other:
            for place, one in zip(places, all_sums, strict=True):
                code.store(one, totals, place)


def multiply(
    code: Code,
    run: int,
    begins: Sequence[Value],
    wide: int,
    settings: Value,
    tables: Value,
    place: Value,
    band: Value,
    weights: Value,
    biases: Value,
) -> list[Value]:
    """Emit the sums of a tile, pixel by pixel."""

    def piece(channels: Value, pixels: Value, weights: Value) -> list[Value]:
        return add(code, run, begins, wide, tables, place, channels, pixels, weights)

    first, width = code.move(band, begins[0]), wide * code.lanes
    sums = add_up(code, settings, len(begins) * run * wide, piece, first, weights, width)
    bias = [code.load(biases, v * code.lanes) for v in range(wide)]
    return [code.sum(one, bias[i % wide]) for i, one in enumerate(sums)]


def add(
    code: Code,
    run: int,
    begins: Sequence[Value],
    wide: int,
    tables: Value,
    record: Value,
    channels: Value,
    pixels: Value,
    weights: Value,
) -> list[Value]:
    """Emit the sums over some channels; `pixels` are those of the first run."""
    taps = code.load_one(record, TAP_COUNT)
    listed = code.move(tables, code.load_one(record, TAP_LIST))
    apart = [code.subtract(begin, begins[0]) for begin in begins]
    count = len(begins) * run * wide
    with code.loop(code.multiply(channels, taps), *[code.zero()] * count) as term:
        sums = term.values
        both = code.move(listed, code.multiply(term.index, 2))
        there = code.move(pixels, code.load_one(both))
        if run == 1:
            code.prefetch(there, AHEAD_BYTES // code.itemsize)
        weight = code.move(weights, code.load_one(both, 1))
        w = [code.load(weight, v * code.lanes) for v in range(wide)]
        starts = [code.move(there, distance) for distance in apart]
        # Each number is spread just before its use: LLVM keeps the order, and few registers busy.
        done = []
        for pixel in range(len(begins) * run):
            x = code.splat(code.load_one(starts[pixel // run], pixel % run))
            done += [code.multiply_add(x, w[v], sums[pixel * wide + v]) for v in range(wide)]
        term.next(*done)
    return term.results


def keep(
    code: Code,
    run: int,
    runs: int,
    wide: int,
    settings: Value,
    sums: Sequence[Value],
    cells: Value,
    valid: Value,
    record: Value,
) -> None:
    """Emit the transposition of the sums and the stores, a run of pixels of a channel each."""
    lanes, pixels = code.lanes, runs * run
    plane = code.load_one(settings, PLANE)
    for v in range(wide):
        line = code.move(cells, code.multiply(plane, v * lanes))
        squares = [
            code.transpose(
                [
                    sums[pixel * wide + v] if pixel < pixels else code.zero()
                    for pixel in range(first, first + lanes)
                ]
            )
            for first in range(0, pixels, lanes)
        ]
        if run == 1:
            _keep_pixels(code, runs, squares, line, plane, code.subtract(valid, v * lanes), record)
            continue
        pieces = _pieces(code, run, runs, record)
        left = code.subtract(valid, v * lanes)

        def store(
            pieces: Sequence[tuple[int, Value, Value]],
            line: Value = line,
            left: Value = left,
            squares: Sequence[Sequence[Value]] = squares,
        ) -> None:
            for channel in range(lanes):
                with code.when(code.compare(left, ">", channel)):
                    for square, mask, offset in pieces:
                        code.store_masked(squares[square][channel], code.move(line, offset), mask)
                line = code.move(line, plane)

        if pixels > lanes or runs == 1:
            store(pieces)
            continue
        in_line = code.compare(code.load_one(record, IN_LINE), "!=", 0)
        with code.builder.if_else(in_line) as (together, apart):
            with together:
                store([_whole(code, run, runs, record)])
            with apart:
                store(pieces)


def _keep_pixels(
    code: Code,
    pixels: int,
    squares: Sequence[Sequence[Value]],
    line: Value,
    plane: Value,
    valid: Value,
    record: Value,
) -> None:
    """Emit the stores of single pixels: in one piece where their cells follow one another."""
    cells = [code.load_one(record, FIRST_RUN + 3 * p + CELL) for p in range(pixels)]

    def store_together(line: Value, channel: int) -> None:
        for number, square in enumerate(squares):
            first = number * code.lanes
            count = min(code.lanes, pixels - first)
            code.store_first(square[channel], count, code.move(line, cells[0]), first)

    def store_apart(line: Value, channel: int) -> None:
        for pixel, cell in enumerate(cells):
            number, lane = divmod(pixel, code.lanes)
            code.store_one(code.lane(squares[number][channel], lane), line, cell)

    together = code.compare(code.load_one(record, IN_LINE), "!=", 0)
    with code.builder.if_else(together) as branches:
        for branch, store in zip(branches, (store_together, store_apart), strict=True):
            with branch:
                place = line
                for channel in range(code.lanes):
                    with code.when(code.compare(valid, ">", channel)):
                        store(place, channel)
                    place = code.move(place, plane)


def _whole(code: Code, run: int, runs: int, record: Value) -> tuple[int, Value, Value]:
    """Return the same for runs of which each is continued by the next, in one square."""
    last = code.load_one(record, FIRST_RUN + 3 * (runs - 1) + PIXELS)
    return 0, code.first(code.add(last, (runs - 1) * run)), code.load_one(record, FIRST_RUN + CELL)


def _pieces(code: Code, run: int, runs: int, record: Value) -> list[tuple[int, Value, Value]]:
    """Return for each part of a run in one square: the square, the lanes, and their cell."""
    pieces = []
    for r in range(runs):
        own = FIRST_RUN + 3 * r
        count, cell = code.load_one(record, own + PIXELS), code.load_one(record, own + CELL)
        for square in range(r * run // code.lanes, (r * run + run - 1) // code.lanes + 1):
            begin = r * run - square * code.lanes  # lane of the run's first pixel
            mask = code.between(max(begin, 0), code.add(count, begin))
            pieces.append((square, mask, code.subtract(cell, begin)))
    return pieces
