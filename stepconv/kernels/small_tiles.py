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
a rest, as the maps of most image networks do. For other widths there are tiles of two runs of 5,
three of 4, four of 3 and seven of 2. Where the last of two vectors would be empty, as with 16
output channels, tiles have one, and twice as many runs.

The sums lie channel beside channel, the output pixel beside pixel: squares of sums are transposed
in registers before they are stored.

With 16 registers a tile has 12 sums: 2 vectors of channels, and 6 single pixels that lie anywhere,
so that no width leaves a rest. Pixels whose cells follow one another are stored in one piece;
Zen 3 takes a dozen cycles to store under a mask. For 12 multiply-adds it loads 8 times, so its sums
are done part by part (`stepconv.kernels.small_order`), from the first cache. There it runs at 96 to
99 % of what the multipliers of Zen 3 can do; `stepconv.kernels.tiles`' 4 x 3 at 84 %.

Pixels that lie in the padding for some tap need not be multiplied with it: each tile has lists of
taps of its own, for all pixels of its runs, for all but the first of each, for all but the last.
With a padding of 1 and a kernel of 3 that saves a tenth of the work on a map of 7 columns, where
runs have 6 pixels a seventh; with a dilation of 6 on a map of 33 whole runs are left out of some
taps, a quarter of the work. Taps that are skipped take no part: an infinite weight there gives no
nan.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from stepconv.kernels.bands import BAND_SETTINGS
from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.tiles import (
    CHANNEL_STEP,
    CHANNELS,
    IN_PLACE,
    PLANE,
    add_up,
)


class Shape(NamedTuple):
    """Which pixels a tile takes, `runs` runs of up to `run`, and how many vectors of channels."""

    run: int
    runs: int
    wide: int = 2

    @property
    def pixels(self) -> int:
        """Pixels of a tile."""
        return self.run * self.runs

    @property
    def record(self) -> int:
        """Numbers of a tile's record."""
        return FIRST_RUN + 3 * self.runs


#: With 16 registers pixels are single.
SINGLE = host().registers < 32
#: The tiles there are: of 20 to 28 sums in 32 registers, of 12 in 16.
SHAPES: tuple[Shape, ...] = (
    (Shape(1, 6),) if SINGLE else (Shape(7, 2), Shape(5, 2), Shape(4, 3), Shape(3, 4), Shape(2, 7))
)
NARROW_SHAPES: tuple[Shape, ...] = () if SINGLE else (Shape(7, 4, 1), Shape(4, 6, 1))

#: Columns up to which shorter runs than 7 are tried: from 30 on every row is a sum of runs of 6 and
#: 7, which leave no rest. Runs of 2 take the longest to store.
WIDEST = {5: 29, 4: 29, 3: 29, 2: 2}


def shapes(outputs: int, width: int, lanes: int, pieces: bool = False) -> tuple[Shape, ...]:
    """Return the tiles for so many output channels and `width` columns.

    Narrow ones too where wide ones have a rest; but fewer channels than half a vector are left to
    others. The `pieces` into which padding cuts a wide row may be short: 33 columns under a
    dilation of 18 are 15, 3 and 15, for which runs of 5 take 0.8 of the time.
    """
    found = SHAPES
    if 2 * outputs >= lanes and -(-outputs // lanes) % 2:
        found += NARROW_SHAPES
    return tuple(
        shape
        for shape in found
        if width <= WIDEST.get(shape.run, width) or (pieces and shape.run > 2)
    )


#: How far ahead a tile of single pixels asks for its channels' cache lines: maps that are read in
#: their place come from memory then, 60 to 70 % of the peak for 1x1 256-64@56 with 8 samples.
AHEAD_BYTES = 64

#: Lists of taps of a tile, see `kinds`.
LISTS = 1 if SINGLE else 3

# Settings, after those of the band: channels of a part of a sum, and how far behind its weights lie
# those to ask for meanwhile, 0 where none.
PART, AHEAD_AT, SMALL_SETTINGS = range(BAND_SETTINGS, BAND_SETTINGS + 3)

# Of a tile's record: the weights from one channel to the next; for each kind where its taps stand
# in the tables, and their number; a bit for each pixel to store, where each run is continued by the
# next, else 0; how far behind its pixels lie those to ask for meanwhile, 0 where none (single
# pixels ask otherwise); and of each run where it begins in the band, a bit for each pixel to store,
# and the cell of its first in the output.
WEIGHTS, FIRST_LIST = 0, 1
IN_LINE = FIRST_LIST + 2 * LISTS
AHEAD = IN_LINE + 1
FIRST_RUN = AHEAD + 1
BEGIN, KEPT, CELL = 0, 1, 2


def kinds(run: int) -> tuple[tuple[int, int], ...]:
    """Return the pixels of a run that each of a tile's lists of taps is multiplied with.

    All, all but the first, all but the last.
    """
    return ((0, run), (1, run), (0, run - 1))[:LISTS]


@emitted
def small_tile(
    code: Code,
    run: int,
    most: int,
    wide: int,
    pixel_step: Value,
    cell_step: Value,
    in_turn: bool,
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

    The band starts at input[start] or scratch[start], and from one pixel of a run to the next are
    `pixel_step` numbers, in the output `cell_step`; `weight` is [channel][tap][one of the tile's
    channels]; a list of taps holds for each tap its offsets in the band and in the weights of a
    channel. In `scratch` stand the biases, and the totals of a sum over the channels before `part`:
    the tile goes on from there, and is stored with its last part. With `in_turn` the weights stand
    there, too.
    """
    in_place = code.compare(code.load_one(settings, IN_PLACE), "!=", 0)
    band = code.move(code.builder.select(in_place, input, scratch), start)
    place = code.move(tables, record)
    biases = code.move(scratch, biases_at)
    cells = code.move(output, cell)
    channels, step, each = (
        code.load_one(settings, field) for field in (CHANNELS, CHANNEL_STEP, PART)
    )
    left = code.subtract(channels, part)
    ends = code.compare(left, "<=", each)
    if run == 1:
        with code.when(ends):
            # Ask for the lines of the output: where they come from memory it takes off 2 to 4 %.
            line = code.move(cells, code.load_one(place, FIRST_RUN + CELL))
            for _ in range(wide * code.lanes):
                code.prefetch(line)
                line = code.move(line, code.load_one(settings, PLANE))
    begins = [code.load_one(place, FIRST_RUN + 3 * r + BEGIN) for r in range(most)]
    pixels = code.move(band, code.add(code.multiply(part, step), begins[0]))
    further = code.load_one(place, WEIGHTS)
    weights = code.move(scratch if in_turn else weight, weight_at)
    weights = code.move(weights, code.multiply(part, further))
    totals = code.move(scratch, totals_at)

    def summed(runs: int) -> list[Value]:
        apart = [code.subtract(begin, begins[0]) for begin in begins[:runs]]
        piece = partial(multiply, code, run, apart, wide, pixel_step, settings, tables, place)
        count = runs * run * wide
        sums = add_up(code, settings, count, piece, pixels, weights, further, (left, each, totals))
        return sums + [code.zero()] * ((most - runs) * run * wide)

    if run == 1:
        sums = summed(most)
    else:
        alone = code.compare(code.load_one(place, FIRST_RUN + 3 + KEPT), "==", 0)
        sums = code.choose(alone, lambda: summed(1), lambda: summed(most))
    with code.when(ends):
        bias = [code.load(biases, v * code.lanes) for v in range(wide)]
        full = [code.sum(one, bias[i % wide]) for i, one in enumerate(sums)]
        if cell_step == 1:
            keep(code, run, most, wide, settings, full, cells, valid, place)
        else:
            keep_dealt(code, run, most, wide, cell_step, settings, full, cells, valid, place)


def multiply(
    code: Code,
    run: int,
    apart: Sequence[Value],
    wide: int,
    pixel_step: Value,
    settings: Value,
    tables: Value,
    record: Value,
    channels: Value,
    pixels: Value,
    weights: Value,
) -> list[Value]:
    """Emit the sums over some channels, pixel by pixel; the runs lie `apart` from `pixels`."""
    ahead = code.load_one(settings, AHEAD_AT)
    later = code.load_one(record, AHEAD) if run > 1 else 0
    places = [code.multiply(pixel_step, pixel) for pixel in range(run)]

    def step(listed: Value, kind: Sequence[int], sums: Sequence[Value]) -> list[Value]:
        """Emit a term of the sums of some pixels."""
        there = code.move(pixels, code.load_one(listed))
        weight = code.move(weights, code.load_one(listed, 1))
        if run == 1:
            code.prefetch(there, AHEAD_BYTES // code.itemsize)
        else:
            # Where nothing is asked for, to ask for what is at hand takes 1x1 1024-256@14 with 8
            # samples 15 % more time.
            with code.when(code.compare(ahead, "!=", 0)):
                for v in range(wide):
                    code.prefetch(weight, code.add(ahead, v * code.lanes), nearness=2)
            with code.when(code.compare(later, "!=", 0)):
                for distance in apart[::2] if wide == 1 else apart[:1]:
                    code.prefetch(there, code.add(later, distance), nearness=2)
        w = [code.load(weight, v * code.lanes) for v in range(wide)]
        starts = [code.move(there, distance) for distance in apart]
        # Each number is spread just before its use: LLVM keeps the order, and few registers busy.
        done = []
        for number, pixel in enumerate(kind):
            x = code.splat(code.load_one(starts[pixel // run], places[pixel % run]))
            done += [code.multiply_add(x, w[v], sums[number * wide + v]) for v in range(wide)]
        return done

    def added(
        listed: Value, taps: Value, start: int, stop: int, sums: Sequence[Value]
    ) -> list[Value]:
        """Emit the sums with those of some taps, of pixels start to stop of each run."""
        kind = [pixel for pixel in range(len(apart) * run) if start <= pixel % run < stop]
        own = [pixel * wide + v for pixel in kind for v in range(wide)]
        with code.loop(code.multiply(channels, taps), *[sums[place] for place in own]) as term:
            both = code.move(listed, code.multiply(term.index, 2))
            term.next(*step(both, kind, term.values))
        results = dict(zip(own, term.results, strict=True))
        return [results.get(place, one) for place, one in enumerate(sums)]

    sums = [code.zero()] * (len(apart) * run * wide)
    for number, pixels_of in enumerate(kinds(run)):
        where, taps = (code.load_one(record, FIRST_LIST + 2 * number + i) for i in range(2))
        more = partial(added, code.move(tables, where), taps, *pixels_of, sums)
        sums = code.choose(code.compare(taps, "==", 0), partial(list, sums), more)
    return sums


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
        squares = _squares(code, sums[v::wide])
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

        if pixels > lanes:
            store(pieces)
            continue
        bits = code.load_one(record, IN_LINE)
        with code.builder.if_else(code.compare(bits, "!=", 0)) as (together, apart):
            with together:
                store([(0, code.lanes_of(bits), code.load_one(record, FIRST_RUN + CELL))])
            with apart:
                store(pieces)


def keep_dealt(
    code: Code,
    run: int,
    runs: int,
    wide: int,
    step: Value,
    settings: Value,
    sums: Sequence[Value],
    cells: Value,
    valid: Value,
    record: Value,
) -> None:
    """Emit the stores of runs whose cells lie `step` apart, one by one."""
    lanes, pixels = code.lanes, runs * run
    plane = code.load_one(settings, PLANE)
    begins = [code.load_one(record, FIRST_RUN + 3 * r + CELL) for r in range(runs)]
    there = [code.load_one(record, FIRST_RUN + 3 * r + KEPT) for r in range(runs)]
    room = code.room(-(-pixels // lanes) * lanes)
    for v in range(wide):
        for number, vector in enumerate(chain(*_squares(code, sums[v::wide]))):
            code.store(vector, room, number * lanes)
        left = code.least(code.subtract(valid, v * lanes), lanes)
        line = code.move(cells, code.multiply(plane, v * lanes))
        with code.when(code.compare(left, ">", 0)), code.loop(left) as loop:
            numbers = code.move(room, code.multiply(loop.index, lanes))
            target = code.move(line, code.multiply(loop.index, plane))
            for r in range(runs):
                place = code.move(target, begins[r])
                for number, pixel in enumerate(range(r * run, r * run + run)):
                    at = pixel // lanes * lanes * lanes + pixel % lanes
                    # The pixels of a run that are kept are its first.
                    with code.when(code.compare(code.shift(there[r], -number), ">", 0)):
                        code.store_one(code.load_one(numbers, at), place)
                    place = code.move(place, step)
            loop.next()


def _squares(code: Code, sums: Sequence[Value]) -> list[list[Value]]:
    """Emit the transposition of sums, a vector of channels for each pixel, a square at a time."""
    empty = [code.zero()] * (-len(sums) % code.lanes)
    padded = [*sums, *empty]
    return [
        code.transpose(padded[first : first + code.lanes])
        for first in range(0, len(padded), code.lanes)
    ]


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


def _pieces(code: Code, run: int, runs: int, record: Value) -> list[tuple[int, Value, Value]]:
    """Return for each part of a run in one square: the square, the lanes, and their cell."""
    pieces = []
    for r in range(runs):
        own = FIRST_RUN + 3 * r
        kept, cell = code.load_one(record, own + KEPT), code.load_one(record, own + CELL)
        for square in range(r * run // code.lanes, (r * run + run - 1) // code.lanes + 1):
            begin = r * run - square * code.lanes  # lane of the run's first pixel
            mask = code.lanes_of(code.shift(kept, begin))
            pieces.append((square, mask, code.subtract(cell, begin)))
    return pieces
