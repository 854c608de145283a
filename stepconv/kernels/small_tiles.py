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

A run that lies in the padding for some tap need not be multiplied with it: each tile has
its own list of taps. With a dilation of 6 on a map of 33 that is a quarter of the work.
Taps that are skipped take no part: an infinite weight there gives no nan.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.lowering import emitted
from stepconv.kernels.tiles import IN_PLACE, PLANE, add_up, pack_rows

#: Pixels of a run, runs and vectors of channels of a tile: 28 sums in 32 registers, 12 in 16.
RUN = 7 if host().registers == 32 else 3
RUNS = 2
WIDE = 2

# Of a tile's record: where its taps begin in the tables, and their number; its runs; and of each
# run where it begins in the band, its pixels, and its first cell in the output.
TAP_LIST, TAP_COUNT, RUN_COUNT, FIRST_RUN = 0, 1, 2, 3
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
) -> None:
    """Compute the tile of a record and store its first `valid` channels.

    The band starts at input[start] or scratch[start]; `weight` is [channel][tap][one of the tile's
    channels]; a list of taps holds for each tap its offsets in the band and in the weights of a
    channel. The biases stand in `scratch`.
    """
    in_place = code.compare(code.load_one(settings, IN_PLACE), "!=", 0)
    band = code.move(code.builder.select(in_place, input, scratch), start)
    place = code.move(tables, record)
    weights = code.move(weight, weight_at)
    biases = code.move(scratch, biases_at)
    cells = code.move(output, cell)
    count = code.load_one(place, RUN_COUNT)
    for runs in range(1, most + 1):
        with code.when(code.compare(count, "==", runs)):
            begins = [code.load_one(place, FIRST_RUN + 3 * r + BEGIN) for r in range(runs)]
            sums = multiply(code, run, begins, wide, settings, tables, place, band, weights, biases)
            keep(code, run, runs, wide, settings, sums, cells, valid, place)


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
    taps = code.load_one(place, TAP_COUNT)
    listed = code.move(tables, code.load_one(place, TAP_LIST))
    apart = [code.subtract(begin, begins[0]) for begin in begins]

    def step(pixels: Value, weights: Value, sums: Sequence[Value]) -> list[Value]:
        w = [code.load(weights, v * code.lanes) for v in range(wide)]
        starts = [code.move(pixels, distance) for distance in apart]
        # Each number is spread just before its use: LLVM keeps the order, and few registers busy.
        done = []
        for pixel in range(len(begins) * run):
            x = code.splat(code.load_one(starts[pixel // run], pixel % run))
            done += [code.multiply_add(x, w[v], sums[pixel * wide + v]) for v in range(wide)]
        return done

    count = len(begins) * run * wide

    def piece(channels: Value, pixels: Value, weights: Value) -> list[Value]:
        with code.loop(code.multiply(channels, taps), *[code.zero()] * count) as term:
            both = code.move(listed, code.multiply(term.index, 2))
            there = code.move(pixels, code.load_one(both))
            term.next(*step(there, code.move(weights, code.load_one(both, 1)), term.values))
        return term.results

    first, width = code.move(band, begins[0]), wide * code.lanes
    sums = add_up(code, settings, count, piece, first, weights, width)
    bias = [code.load(biases, v * code.lanes) for v in range(wide)]
    return [code.sum(one, bias[i % wide]) for i, one in enumerate(sums)]


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
        pieces = _pieces(code, run, runs, record)
        for channel in range(lanes):
            with code.when(code.compare(valid, ">", v * lanes + channel)):
                for square, mask, offset in pieces:
                    code.store_masked(squares[square][channel], code.move(line, offset), mask)
            line = code.move(line, plane)


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


@emitted
def pack_vectors(
    code: Code,
    weight: Value,
    start: Value,
    terms: Value,
    valid: Value,
    packed: Value,
    at: Value,
    pitch: Value,
) -> None:
    """Lay out the weights of a vector of channels: [term][channel], `pitch` a term."""
    pack_rows(code, code.lanes, weight, start, terms, valid, packed, at, pitch)
