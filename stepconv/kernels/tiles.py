"""The innermost loops: a block of the output whose sums stay in registers throughout.

A convolution is a matrix product that reads its second matrix through a table of
offsets: for each channel c and tap t it adds ``weight[k, c, t] * band[c][at + offset[t]]``.
A processor with two multiply-adds a cycle that take four cycles each is busy only with
eight sums under way; and it can load two vectors a cycle, so each number loaded should
serve several sums. That is what a register tile does: of 8 output channels and 3 vectors of
output pixels, with 16 lanes ::

                    pixels 0-15  16-31  32-47      one step, for one channel and tap:
      channel 0         sum       sum    sum         load 3 vectors of pixels,
      channel 1         sum       sum    sum         for each row spread one weight,
        ...             ...       ...    ...         24 multiply-adds
      channel 7         sum       sum    sum

24 sums, 3 vectors of pixels and the spread weight are 28 of 32 registers, and 11 loads
serve 24 multiply-adds: on Zen 5 and Zen 4 this runs at 97 to 99 % of what the multipliers can do.
12 x 2 is as fast; 13 x 2 and 7 x 4 are not, since LLVM moves sums between registers then. With 16
registers the tile is 4 x 3. A tile has fewer rows where the channels of a group would leave some
of them empty (`tile_rows`): two of 6 for 12 channels, one of 3 for 3.

A long sum in float32 loses digits with each addition, so it is cut: after some channels (at most
about `stepconv.kernels.listing.CHAIN` terms) the sums are added to totals on the stack and begin
again at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import LINE_BYTES, Code, Value
from stepconv.kernels.host import host

TILE_ROWS = 8 if host().registers == 32 else 4
TILE_VECTORS = 3

#: Squares of weights from the one being transposed to the one asked for, in the second cache: with
#: weights that come from memory it takes a quarter less time than 4 for the first cache, else as
#: much. Without asking packing a megabyte takes half as long again.
AHEAD = 16

# Where the settings of the tiles stand in the array of settings that a kernel is given.
(
    CHANNELS,  # input channels that one output channel sums over
    CHANNEL_STEP,  # numbers from one of them to the next
    TAPS,
    TAPS_AT,  # where in the tables their offsets stand, those of SPAN channels
    SPAN,  # channels after which the sum is cut
    PLANE,  # cells of an output channel
    IN_PLACE,  # whether tiles read the input itself, and not a band in scratch
    TILE_SETTINGS,
) = range(8)

# Of a tile's record in the tables: its vectors, whether all their lanes are kept, and for each
# vector where it begins in the band, the bits of the lanes to keep, their number, their cell.
COUNT, WHOLE, FIRST = 0, 1, 2
BEGIN, BITS, KEPT, CELL = 0, 1, 2, 3
FIELDS = 4
RECORD = FIRST + FIELDS * TILE_VECTORS


def tile_rows(outputs: int) -> int:
    """Return how many output channels a tile takes of so many in a group.

    Those with which all tiles take the least time: with 8 rows a quarter of what is multiplied
    for 12 channels would be for nothing.

    >>> tile_rows(1), tile_rows(3), tile_rows(100) == TILE_ROWS
    (2, 3, True)
    """

    def cost(rows: int) -> float:
        return -(-outputs // rows) * step_share(rows)

    return min(range(TILE_ROWS, 1, -1), key=cost)


def step_share(rows: int) -> float:
    """Return the time of a step of so many rows, as a share of one of TILE_ROWS.

    On Zen 4 tiles of 2 rows take 0.4 of the time, those of 4 0.6: they load as many pixels.
    """
    return (rows + 2) / (TILE_ROWS + 2)


@emitted
def tile(
    code: Code,
    rows: int,
    most: int,
    settings: Value,
    tables: Value,
    record: Value,
    input: Value,
    scratch: Value,
    start: Value,
    weight: Value,
    weight_at: Value,
    bias_at: Value,
    output: Value,
    cell: Value,
    valid: Value,
) -> None:
    """Compute the tile of a record, of up to `most` vectors, and store its first `valid` rows.

    The band starts at input[start] or scratch[start]; `weight` is [channel][tap][row], the
    biases of the rows stand in `scratch`.
    """
    in_place = code.compare(code.load_one(settings, IN_PLACE), "!=", 0)
    band = code.builder.select(in_place, input, scratch)
    place = code.move(tables, record)
    weights = code.move(weight, weight_at)
    biases = code.move(scratch, bias_at)
    cells = code.move(output, cell)
    count = code.load_one(place, COUNT)
    for vectors in range(2, most + 1):
        with code.when(code.compare(count, "==", vectors)):
            begins = [field(code, place, v, BEGIN) for v in range(vectors)]
            pixels = code.move(band, code.add(start, begins[0]))
            apart = [code.subtract(begin, begins[0]) for begin in begins]
            sums = multiply(code, rows, apart, settings, tables, pixels, weights, biases)
            keep(code, rows, vectors, settings, sums, cells, valid, place)


def field(code: Code, record: Value, vector: int, which: int) -> Value:
    """Load a field of a vector of a tile."""
    return code.load_one(record, FIRST + FIELDS * vector + which)


@emitted
def pack_block(
    code: Code,
    rows: int,
    weight: Value,
    start: Value,
    apart: Value,
    terms: Value,
    valid: Value,
    packed: Value,
    at: Value,
    pitch: Value,
) -> None:
    """Lay out `terms` weights of `rows` rows as tiles read them: [term][row], `pitch` a term.

    The rows lie `apart`; those from `valid` on become 0.
    """
    target = code.move(packed, at)

    def place(term: Value) -> Value:
        return code.move(target, code.multiply(term, pitch))

    turn(code, rows, code.move(weight, start), apart, terms, valid, place)


@emitted
def pack_taps(
    code: Code,
    rows: int,
    places: int,
    weight: Value,
    start: Value,
    taps: Value,
    valid: Value,
    packed: Value,
    at: Value,
    sizes: Value,
    channel: Value,
) -> None:
    """Lay out the taps of one input channel, `rows` outputs each, where their phases want them.

    From sizes[places] on stands for each tap where it goes, and how much further for each channel.
    """
    target = code.move(packed, at)

    def place(tap: Value) -> Value:
        both = code.move(sizes, code.add(code.multiply(tap, 2), places))
        further = code.multiply(code.load_one(both, 1), channel)
        return code.move(target, code.add(code.load_one(both), further))

    turn(code, rows, code.move(weight, start), taps, taps, valid, place)


def turn(
    code: Code,
    rows: int,
    source: Value,
    apart: Value,
    terms: Value,
    valid: Value,
    place: Callable[[Value], Value],
) -> None:
    """Emit the transposition of `rows` rows that lie `apart`: term t of all goes to ``place(t)``.

    Squares of as many terms are transposed in registers; their side is a power of two.
    """
    side = 1 << (rows - 1).bit_length()
    square = Code(code.builder, code.itemsize, lanes=side)
    with code.loop(code.ceiling(terms, side)) as loop:
        done = code.multiply(loop.index, side)
        left = code.subtract(terms, done)
        lines = []
        for row in range(rows):
            present = code.compare(valid, ">", row)
            shown = code.builder.select(present, left, code.integer(0))
            line = code.move(source, code.add(done, code.multiply(apart, row)))
            code.prefetch(line, AHEAD * side, nearness=2)
            lines.append(square.load_masked(line, square.first(shown)))
        lines += [square.zero()] * (side - rows)
        for term, column in enumerate(square.transpose(lines)):
            with code.when(code.compare(left, ">", term)):
                square.store_first(column, rows, place(code.add(done, term)))
        loop.next()


def multiply(
    code: Code,
    rows: int,
    apart: Sequence[Value],
    settings: Value,
    tables: Value,
    pixels: Value,
    weights: Value,
    biases: Value,
) -> list[Value]:
    """Emit the sums of a tile, row by row; its vectors lie `apart` from the first."""
    vectors = len(apart)
    taps = code.load_one(settings, TAPS)
    offsets = code.move(tables, code.load_one(settings, TAPS_AT))
    # Pixels that are read in their place lie too far apart for the processor to foresee: ask for
    # those of the next tile. On Zen 4 that takes 7 % off 1x1 256-64@56 with 8 samples. In a band it
    # asks for what is being loaded, which costs nothing measurable; to ask ahead there made 3x3
    # 3-64@224 6 % slower.
    in_place = code.compare(code.load_one(settings, IN_PLACE), "!=", 0)
    ahead = code.select(in_place, vectors * code.lanes, 0)
    lines = range(0, vectors * code.lanes, LINE_BYTES // code.itemsize)

    def step(pixels: Value, weights: Value, sums: Sequence[Value]) -> list[Value]:
        for line in lines:
            code.prefetch(pixels, code.add(ahead, line))
        x = [code.load(pixels), *(code.load(pixels, offset) for offset in apart[1:])]
        # Each weight is spread just before its use: LLVM keeps the order, and few registers busy.
        done = []
        for row in range(rows):
            w = code.splat(code.load_one(weights, row))
            done += [code.multiply_add(w, x[v], sums[row * vectors + v]) for v in range(vectors)]
        return done

    def piece(channels: Value, pixels: Value, weights: Value) -> list[Value]:
        terms = code.multiply(channels, taps)
        with code.loop(terms, weights, *[code.zero()] * (rows * vectors)) as term:
            weights, *sums = term.values
            there = code.move(pixels, code.load_one(offsets, term.index))
            term.next(code.move(weights, rows), *step(there, weights, sums))
        return term.results[1:]

    sums = add_up(code, settings, rows * vectors, piece, pixels, weights, code.multiply(taps, rows))
    # The bias comes last: sums that start from it are rounded at its size from the first term on.
    added = [code.splat(code.load_one(biases, row)) for row in range(rows) for _ in range(vectors)]
    return [code.sum(one, other) for one, other in zip(sums, added, strict=True)]


def add_up(
    code: Code,
    settings: Value,
    count: int,
    piece: Callable[[Value, Value, Value], list[Value]],
    pixels: Value,
    weights: Value,
    further: Value,
    part: tuple[Value, Value, Value] | None = None,
) -> list[Value]:
    """Emit `count` sums over the channels, cut after every `SPAN` of them.

    ``piece(channels, pixels, weights)`` emits the sums over some channels; the weights of the next
    channel lie `further`. Where a call is to do a part of the sums, `part` tells how many channels
    are left, how many make a part, and where the totals wait meanwhile. Only the sums of the last
    part are returned; those of others are of no use.
    """
    channels, step, span = (
        code.load_one(settings, field) for field in (CHANNELS, CHANNEL_STEP, SPAN)
    )
    places = range(0, count * code.lanes, code.lanes)
    # At a place that LLVM does not know, though it is the beginning: else it would make registers
    # of the totals, find too few, and store every sum of every piece.
    left, most, totals = part or (
        channels,
        channels,
        code.move(code.room(count), code.least(channels, 0)),
    )
    whole = code.compare(channels, "<=", span)
    pieces = code.ceiling(code.least(left, most), span)
    with code.loop(pieces, left, pixels, weights) as cut:
        left, pixels_at, weights_at = cut.values
        sums = piece(code.least(span, left), pixels_at, weights_at)
        # The first piece is stored as it is: to begin with zeros would wait for the stores of the
        # tile before, 7 % of the time of a short sum.
        with (
            code.when(code.compare(left, ">", span)),
            code.builder.if_else(code.compare(left, "==", channels)) as (first, other),
        ):
            with first:
                for place, one in zip(places, sums, strict=True):
                    code.store(one, totals, place)
            with other:
                for place, one in zip(places, sums, strict=True):
                    code.store(code.sum(code.load(totals, place), one), totals, place)
        cut.next(
            code.subtract(left, span),
            code.move(pixels_at, code.multiply(span, step)),
            code.move(weights_at, code.multiply(span, further)),
        )

    def joined() -> list[Value]:
        return [
            code.sum(code.load(totals, place), one) for place, one in zip(places, sums, strict=True)
        ]

    alone = code.either(whole, code.compare(cut.results[0], ">", 0))
    return code.choose(alone, lambda: sums, joined)


def keep(
    code: Code,
    rows: int,
    vectors: int,
    settings: Value,
    sums: Sequence[Value],
    cells: Value,
    valid: Value,
    record: Value,
) -> None:
    """Emit the stores of a tile.

    Its pixels may follow one another across the ends of rows, so that some lie between two rows
    and are no pixels of the output::

        band     0 1 2 3 4 5 6 7 8 . . 0 1 2 3 4        lanes to keep  1111111110011111
        output   0 1 2 3 4 5 6 7 8 0 1 2 3 4

    The lanes to keep are pushed together and stored in one piece, since in the output one
    row follows the other at once.
    """
    plane = code.load_one(settings, PLANE)
    masks = [code.lanes_of(field(code, record, v, BITS)) for v in range(vectors)]
    firsts = [code.first(field(code, record, v, KEPT)) for v in range(vectors)]
    places = [field(code, record, v, CELL) for v in range(vectors)]

    def store_whole(line: Value, row: int) -> None:
        for v in range(vectors):
            code.store(sums[row * vectors + v], line, places[v])

    def store_some(line: Value, row: int) -> None:
        for v in range(vectors):
            kept = code.compress(sums[row * vectors + v], masks[v])
            code.store_masked(kept, code.move(line, places[v]), firsts[v])

    whole = code.compare(code.load_one(record, WHOLE), "!=", 0)
    with code.builder.if_else(whole) as branches:
        for branch, store in zip(branches, (store_whole, store_some), strict=True):
            with branch:
                line = cells
                for row in range(rows):
                    with code.when(code.compare(valid, ">", row)):
                        store(line, row)
                    line = code.move(line, plane)
