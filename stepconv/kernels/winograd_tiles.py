"""The inner loops of `stepconv.kernels.winograd`.

Vectors hold tiles side by side: lane t of a vector is tile t. A tile of the input is 6 x 6
numbers, which overlap those of its neighbours by 2; a tile of the output is 4 x 4. The
transforms are matrix products by hand, first along one axis, then along the other::

          [ 4   0  -5   0   1   0 ]            [ 1   1   1   1   1   0 ]
          [ 0  -4  -4   1   1   0 ]      Aᵗ =  [ 0   1  -1   2  -2   0 ]
    Bᵗ =  [ 0   4  -4  -1   1   0 ]            [ 0   1   1   4   4   0 ]
          [ 0  -2  -1   2   1   0 ]            [ 0   1  -1   8  -8   1 ]
          [ 0   2  -1  -2   1   0 ]
          [ 0   4   0  -5   0   1 ]

           [  6   0   0 ]
           [ -4  -4  -4 ]
    G =    [ -4   4  -4 ]  / 24
           [  1   2   4 ]
           [  1  -2   4 ]
           [  0   0  24 ]
"""

from __future__ import annotations

from functools import partial

from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import Code, Value

#: Numbers along a side of a tile of the input, and of the output.
SIDE, OUT_SIDE = 6, 4
#: Products for each tile, input channel and output channel: 36 instead of 144.
POINTS = SIDE * SIDE
#: Weights of a kernel, and the lanes of vectors that hold one each.
KERNEL, SQUARE = 9, 16
#: Kernels from the one being transformed to the one asked for: a quarter faster at 512 channels.
KERNELS_AHEAD = 7
#: Channels from the weights in use to those asked for; 8 to 32 do as well.
AHEAD = 16


def _input_side(code: Code, d: list[Value]) -> list[Value]:
    """Multiply six vectors by Bᵗ."""

    def add(factor: float, one: Value, other: Value) -> Value:
        return code.multiply_add(code.constant(factor), one, other)

    near, far = add(-4, d[2], d[4]), add(-4, d[1], d[3])
    even, odd = code.difference(d[4], d[2]), code.difference(d[3], d[1])
    return [
        add(4, d[0], add(-5, d[2], d[4])),
        code.sum(near, far),
        code.difference(near, far),
        add(2, odd, even),
        add(-2, odd, even),
        add(4, d[1], add(-5, d[3], d[5])),
    ]


def _output_side(code: Code, m: list[Value]) -> list[Value]:
    """Multiply six vectors by Aᵗ."""

    def add(factor: float, one: Value, other: Value) -> Value:
        return code.multiply_add(code.constant(factor), one, other)

    near, spread = code.sum(m[1], m[2]), code.difference(m[1], m[2])
    far, wide = code.sum(m[3], m[4]), code.difference(m[3], m[4])
    return [
        code.sum(code.sum(m[0], near), far),
        add(2, wide, spread),
        add(4, far, near),
        code.sum(add(8, wide, spread), m[5]),
    ]


@emitted
def transform_columns(
    code: Code,
    scratch: Value,
    band: Value,
    pitch: Value,
    rows: Value,
    width: Value,
    target: Value,
    plane: Value,
) -> None:
    """Transform `rows` rows of tiles along the columns: `width` tiles a row.

    The band has 4 * rows + 2 rows. A row of it is dealt out by four, so that column j of
    successive tiles lie side by side; columns 4 and 5 are columns 0 and 1 of the next tile. The
    result is [row of the tile][transformed column][tile]. Rows 0 and 1 of a tile are rows
    4 and 5 of the one above: they are stored twice.
    """
    start, goal = code.move(scratch, band), code.move(scratch, target)
    block = OUT_SIDE * code.lanes
    with code.loop(code.add(rows, 1), start, goal) as down:
        line, tiles = down.values
        with code.loop(code.ceiling(width, code.lanes), line, tiles) as across:
            place, tile = across.values
            for row in range(OUT_SIDE):

                def to(row: int, above: int = 0, tile: Value = tile) -> Value:
                    place = code.move(tile, code.multiply(plane, SIDE * row))
                    return code.move(place, code.multiply(width, -above))

                source = code.move(place, code.multiply(pitch, row))
                if row < SIDE - OUT_SIDE:
                    points = _columns(code, source)
                    with code.when(code.compare(down.index, "<", rows)):
                        _store_each(code, points, to(row), plane)
                    with code.when(code.compare(down.index, ">", 0)):
                        _store_each(code, points, to(OUT_SIDE + row, above=1), plane)
                else:
                    with code.when(code.compare(down.index, "<", rows)):
                        _store_each(code, _columns(code, source), to(row), plane)
            across.next(code.move(place, block), code.move(tile, code.lanes))
        down.next(code.move(line, code.multiply(pitch, OUT_SIDE)), code.move(tiles, width))


def _columns(code: Code, place: Value) -> list[Value]:
    """Return the transformed columns of a vector of tiles in one row."""
    parts = [code.load(place, part * code.lanes) for part in range(OUT_SIDE)]
    halves = [
        [code.every_second(parts[i], parts[i + 1], start) for i in (0, 2)] for start in (0, 1)
    ]
    columns = [
        code.every_second(one, other, start) for start in (0, 1) for one, other in halves
    ]  # 0, 1, 2, 3: of the even ones 0 and 2, of the odd ones 1 and 3
    for column in range(SIDE - OUT_SIDE):
        following = code.splat(code.load_one(place, OUT_SIDE * code.lanes + column))
        columns.append(code.shuffle(columns[column], following, range(1, code.lanes + 1)))
    return _input_side(code, columns)


def _store_each(code: Code, vectors: list[Value], place: Value, step: Value) -> None:
    for vector in vectors:
        code.store(vector, place)
        place = code.move(place, step)


@emitted
def transform_rows(
    code: Code,
    scratch: Value,
    tiles: Value,
    plane: Value,
    vectors: Value,
    target: Value,
    step: Value,
) -> None:
    """Transform along the rows: the points of `vectors` vectors of tiles, `step` apart."""
    source, goal = code.move(scratch, tiles), code.move(scratch, target)
    with code.loop(vectors, source, goal) as loop:
        place, to = loop.values
        for column in range(SIDE):
            rows = [
                code.load(place, code.multiply(plane, SIDE * row + column)) for row in range(SIDE)
            ]
            for row, vector in enumerate(_input_side(code, rows)):
                code.store(vector, to, code.multiply(step, SIDE * row + column))
        loop.next(code.move(place, code.lanes), code.move(to, code.lanes))


@emitted
def transform_kernels(
    code: Code,
    rows: int,
    weight: Value,
    start: Value,
    pitch: Value,
    valid: Value,
    count: Value,
    points: Value,
    step: Value,
) -> None:
    """Write the points of `count` channels of `rows` output channels: [channel][row].

    From one output channel to the next there are `pitch` weights, from one point to the next
    `step` numbers. Rows from `valid` on, which nobody keeps, repeat the last one.
    """
    square = Code(code.builder, code.itemsize, lanes=SQUARE)
    last = code.subtract(valid, 1)
    places = [
        code.move(weight, code.add(start, code.multiply(pitch, code.least(row, last))))
        for row in range(rows)
    ]
    with code.loop(count) as loop:
        done = code.multiply(loop.index, KERNEL)
        lines = [code.move(place, done) for place in places]
        for line in lines:
            code.prefetch(line, KERNELS_AHEAD * KERNEL)
        kernels = [square.load_masked(line, square.first(KERNEL)) for line in lines]
        absent = [square.zero()] * (SQUARE - rows)
        taps = square.transpose([*kernels, *absent])[:KERNEL]
        place = code.move(points, code.multiply(loop.index, rows))
        wide = code.lanes * code.itemsize // 8
        for row in range(0, rows, wide):
            lanes = range(row, min(row + wide, rows))
            part = [square.shuffle(tap, tap, lanes) for tap in taps]
            _transform_kernel(code, len(lanes), part, code.move(place, row), step)
        loop.next()


def _transform_kernel(code: Code, lanes: int, taps: list[Value], place: Value, step: Value) -> None:
    """Transform kernels side by side, in float64: they are rounded once."""
    narrow, wide = (Code(code.builder, size, lanes) for size in (code.itemsize, 8))
    if code.itemsize < 8:
        taps = [code.builder.fpext(tap, wide.vector) for tap in taps]
    columns = [_kernel_side(wide, taps[column::3]) for column in range(3)]
    for row in range(SIDE):
        for column, value in enumerate(_kernel_side(wide, [each[row] for each in columns])):
            point = code.multiply(step, SIDE * row + column)
            if code.itemsize < 8:
                value = code.builder.fptrunc(value, narrow.vector)
            narrow.store(value, place, point)


def _kernel_side(code: Code, g: list[Value]) -> list[Value]:
    """Multiply three vectors by G."""

    def times(factor: float, one: Value) -> Value:
        return code.product(code.constant(factor), one)

    def add(factor: float, one: Value, other: Value) -> Value:
        return code.multiply_add(code.constant(factor), one, other)

    near = times(-1 / 6, code.sum(g[0], g[2]))
    far = times(1 / 24, add(4, g[2], g[0]))
    return [
        times(1 / 4, g[0]),
        add(-1 / 6, g[1], near),
        add(1 / 6, g[1], near),
        add(1 / 12, g[1], far),
        add(-1 / 12, g[1], far),
        g[2],
    ]


@emitted
def products(
    code: Code,
    rows: int,
    scratch: Value,
    tiles: Value,
    pair: Value,
    vectors: Value,
    weight: Value,
    at: Value,
    channels: Value,
    chain: Value,
    sums: Value,
    bias: Value,
    channel: Value,
    valid: Value,
    target: Value,
) -> None:
    """Compute up to `rows` output channels, of which `valid` exist, of `vectors` vectors of tiles.

    Two vectors at a time: their points, [point][channel][tile], with a vector between one
    point and the next (else points would often lie a power of two apart, and share few
    places of the cache), are multiplied by those of the
    kernels, [point][channel][row], and the sums, [point][row][tile], are turned into output:
    [row][line][number], four lines with the output of all tiles side by side.
    """
    line = code.multiply(vectors, OUT_SIDE * code.lanes)
    starts = code.move(scratch, tiles), code.move(scratch, target)
    first, place = code.move(weight, at), code.move(scratch, sums)
    biases = code.move(bias, channel)

    def some(width: int, pixels: Value, goal: Value) -> None:
        _multiply(code, rows, width, pixels, first, channels, chain, place)
        with code.loop(valid, place, goal) as loop:
            offset = code.splat(code.load_one(biases, loop.index))
            _transform_back(code, width, loop.values[0], rows * width, offset, loop.values[1], line)
            loop.next(
                code.move(loop.values[0], width * code.lanes),
                code.move(loop.values[1], code.multiply(line, OUT_SIDE)),
            )

    pairs = code.floor(vectors, 2)
    with code.when(code.compare(pairs, ">", 0)), code.loop(pairs, *starts) as loop:
        pixels, goal = loop.values
        some(2, pixels, goal)
        loop.next(
            code.move(pixels, pair),
            code.move(goal, 2 * OUT_SIDE * code.lanes),
        )
    done = code.multiply(pairs, 2)
    with code.when(code.compare(done, "<", vectors)):
        pixels, goal = starts
        some(
            1,
            code.move(pixels, code.multiply(pairs, pair)),
            code.move(goal, code.multiply(done, OUT_SIDE * code.lanes)),
        )


def _multiply(
    code: Code,
    rows: int,
    vectors: int,
    tiles: Value,
    weight: Value,
    channels: Value,
    chain: Value,
    sums: Value,
) -> None:
    """For each point, a matrix product: a register tile of `rows` x `vectors` vectors.

    After every `chain` channels the sums join those in scratch and begin again at 0.
    """
    places = [i * code.lanes for i in range(rows * vectors)]

    def joined(totals: list[Value], place: Value) -> list[Value]:
        return [
            code.sum(code.load(place, offset), total)
            for offset, total in zip(places, totals, strict=True)
        ]

    with code.loop(POINTS, tiles, weight, sums) as points:
        *starts, place = points.values
        with code.loop(code.ceiling(channels, chain), *starts) as parts:
            left = code.subtract(channels, code.multiply(parts.index, chain))
            zeros = [code.zero() for _ in places]
            with code.loop(code.least(chain, left), *parts.values, *zeros) as along:
                pixel, factor, *totals = along.values
                if vectors == 1:  # each weight is used once, and comes from afar: 20 % faster
                    code.prefetch(factor, AHEAD * rows)
                loaded = [code.load(pixel, i * code.lanes) for i in range(vectors)]
                for index in range(rows * vectors):
                    row, i = divmod(index, vectors)
                    spread = code.splat(code.load_one(factor, row))
                    totals[index] = code.multiply_add(spread, loaded[i], totals[index])
                along.next(code.move(pixel, vectors * code.lanes), code.move(factor, rows), *totals)
            pixel, factor, *totals = along.results
            again = code.compare(parts.index, ">", 0)
            totals = code.choose(again, partial(joined, totals, place), partial(list, totals))
            for offset, total in zip(places, totals, strict=True):
                code.store(total, place, offset)
            parts.next(pixel, factor)
        pixel, factor = parts.results
        points.next(
            code.move(pixel, code.lanes), factor, code.move(place, len(places) * code.lanes)
        )


def _transform_back(
    code: Code,
    vectors: int,
    place: Value,
    step: int,
    bias: Value,
    target: Value,
    line: Value,
) -> None:
    """Turn the points of one output channel, `step` vectors apart, into four lines of output."""
    with code.loop(vectors, place, target) as loop:
        place, to = loop.values
        columns = []
        for column in range(SIDE):
            points = [
                code.load(place, step * (SIDE * row + column) * code.lanes) for row in range(SIDE)
            ]
            columns.append(_output_side(code, points))
        for row in range(OUT_SIDE):
            four = _output_side(code, [column[row] for column in columns])
            four = [code.sum(one, bias) for one in four]
            evens, odds = code.interleave(four[0], four[2]), code.interleave(four[1], four[3])
            for half in range(2):
                for part, vector in enumerate(code.interleave(evens[half], odds[half])):
                    at = code.add(code.multiply(line, row), (2 * half + part) * code.lanes)
                    code.store(vector, to, at)
        loop.next(code.move(place, code.lanes), code.move(to, OUT_SIDE * code.lanes))


@emitted
def copy_rows(
    code: Code,
    output: Value,
    out: Value,
    out_step: Value,
    scratch: Value,
    at: Value,
    step: Value,
    rows: Value,
    count: Value,
) -> None:
    """Copy `rows` rows of `count` numbers from scratch to the output."""
    with code.loop(rows, code.move(output, out), code.move(scratch, at)) as down:
        with code.loop(code.ceiling(count, code.lanes), *down.values, count) as across:
            to, place, left = across.values
            code.store_masked(code.load(place), to, code.first(left))
            across.next(
                code.move(to, code.lanes),
                code.move(place, code.lanes),
                code.subtract(left, code.lanes),
            )
        to, place = down.values
        down.next(code.move(to, out_step), code.move(place, step))
