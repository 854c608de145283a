"""The two inner loops of `stepconv.kernels.depthwise`: filling scratch, and a tile of the output.

A tile is a column of vectors, one above the other, whose sums stay in registers while the
kernel passes over them. Three kernel rows at a time, each vector of pixels is loaded once::

    scratch            three kernel rows       output tile
    row 0  ------ x w[0]                  ->  row 0
    row 1  ------ x w[1]  x w[0]          ->  row 0, row 1
    row 2  ------ x w[2]  x w[1]  x w[0]  ->  row 0, row 1, row 2
    row 3  ------         x w[2]  x w[1]  ->         row 1, row 2
    ...
"""

from __future__ import annotations

from collections.abc import Callable

from stepconv.kernels.bands import MOST_DEALT
from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import LINE_BYTES, Code, Value

#: Kernel rows taken at once. With 3, ten loads serve 24 multiplications; more gains nothing.
CHUNK_ROWS = 3
#: Numbers that describe a chunk in a plan's table.
CHUNK_FIELDS = 5


@emitted
def fill(
    code: Code,
    phases: Value,
    scratch: Value,
    at: Value,
    plane: Value,
    pitch: Value,
    segment: Value,
    table: Value,
    sources: Value,
    above: Value,
    rows: Value,
    below: Value,
    input: Value,
    origin: Value,
    image: Value,
    width: Value,
    lo: Value,
    hi: Value,
    planes: Value,
) -> None:
    """Copy bands into `planes` planes of scratch, with columns dealt out to up to 4 phases.

    With more phases (MOST_DEALT) the rows are left to the caller, but for those that are zeros.
    A plane gets `above` rows of zeros, `rows` rows, and `below` rows of zeros; the table holds
    which input row each row shows. Of a row, the numbers from `lo` to before `hi` are those
    of the input, from `origin` in its first row on; the others are zeros. Input channels lie
    `image` apart.

    Only the vectors at the ends of a row need a mask, the same in every row. So these are
    copied first, down all rows, and then the whole vectors between them, row by row.
    """
    target = code.move(scratch, at)
    start = code.move(target, code.multiply(above, pitch))
    begin = code.move(input, code.subtract(origin, lo))
    shown = code.move(table, sources)

    def each_row(aside: Value, into: Value, copy: Callable[[Value, Value], None]) -> None:
        """Emit ``copy(target, place)``, of one vector in every row of every plane."""
        with code.loop(planes, code.move(start, aside), code.move(begin, into)) as all_planes:
            to_plane, from_plane = all_planes.values
            with code.loop(rows, shown, to_plane) as down:
                source_at, to_row = down.values
                source = code.multiply(code.load_one(source_at), width)
                copy(to_row, code.move(from_plane, source))
                down.next(code.move(source_at, 1), code.move(to_row, pitch))
            all_planes.next(code.move(to_plane, plane), code.move(from_plane, image))

    for count in [phases] if isinstance(phases, int) else range(1, MOST_DEALT + 1):
        with code.when(code.both(code.compare(rows, ">", 0), code.compare(phases, "==", count))):
            _copy_rows(code, count, segment, lo, hi, each_row)
    after = code.multiply(code.add(above, rows), pitch)
    for zeros, beginning in ((above, target), (below, code.move(target, after))):
        with code.when(code.compare(zeros, ">", 0)), code.loop(planes, beginning) as all_planes:
            count = code.floor(code.multiply(zeros, pitch), code.lanes)
            with code.loop(count, all_planes.values[0]) as along:
                code.store(code.zero(), along.values[0])
                along.next(code.move(along.values[0], code.lanes))
            all_planes.next(code.move(all_planes.values[0], plane))


def _copy_rows(
    code: Code,
    phases: int,
    segment: Value,
    lo: Value,
    hi: Value,
    each_row: Callable[[Value, Value, Callable[[Value, Value], None]], None],
) -> None:
    """Copy rows vector by vector: first the masked ones at both ends, then the whole ones."""
    lanes = phases * code.lanes
    vectors = code.ceiling(segment, code.lanes)
    first = code.least(code.ceiling(lo, lanes), vectors)
    whole = code.greatest(code.subtract(code.floor(hi, lanes), first), 0)
    edges = code.subtract(vectors, whole)

    def deal(parts: list[Value], to: Value) -> None:
        for phase, part in enumerate(code.deal(parts)):
            code.store(part, to, code.multiply(segment, phase))

    with code.when(code.compare(edges, ">", 0)), code.loop(edges) as sides:
        right = code.add(sides.index, whole)
        vector = code.select(code.compare(sides.index, "<", first), sides.index, right)
        done = code.multiply(vector, lanes)
        masks = [
            code.between(code.subtract(lo, skip), code.subtract(hi, skip))
            for skip in (code.add(done, part * code.lanes) for part in range(phases))
        ]

        def copy_edge(to: Value, place: Value) -> None:
            parts = [
                code.load_masked(code.move(place, part * code.lanes), mask)
                for part, mask in enumerate(masks)
            ]
            deal(parts, to)

        each_row(code.multiply(vector, code.lanes), done, copy_edge)
        sides.next()

    def copy_whole(to: Value, place: Value) -> None:
        with code.loop(whole, to, place) as across:
            to, place = across.values
            deal([code.load(place, part * code.lanes) for part in range(phases)], to)
            across.next(code.move(to, code.lanes), code.move(place, lanes))

    with code.when(code.compare(whole, ">", 0)):
        each_row(code.multiply(first, code.lanes), code.multiply(first, lanes), copy_whole)


@emitted
def compute(
    code: Code,
    height: int,
    scratch: Value,
    at: Value,
    step: Value,
    table: Value,
    chunks: Value,
    count: Value,
    begins: Value,
    square: Value,
    weight: Value,
    taps: Value,
    weight_step: Value,
    bias: Value,
    channel: Value,
    output: Value,
    out: Value,
    out_step: Value,
    rows: Value,
    columns: Value,
) -> None:
    """Compute `rows` x `columns` of the output from scratch, in tiles `height` vectors high.

    Rows lie `step` apart in scratch, `out_step` in the output. The table holds `count` chunks
    (kernel rows, columns, offsets into scratch and weights, first column), and where in a row
    each kernel column begins. Where `square`, there is one chunk, of 3 x 3.
    """
    kernel, begins_at = code.move(weight, taps), code.move(table, begins)
    start = [code.splat(code.load_one(bias, channel))] * height
    origin, target = code.move(scratch, at), code.move(output, out)

    def cover(sums_at: Callable[[Value], list[Value]]) -> list[Value]:
        with code.loop(code.ceiling(rows, height), origin, target, rows) as down:
            line, out_line, left = down.values
            with code.loop(code.ceiling(columns, code.lanes), line, out_line, columns) as across:
                corner, out_corner, width = across.values
                _store(code, sums_at(corner), out_corner, out_step, left, width)
                across.next(
                    code.move(corner, code.lanes),
                    code.move(out_corner, code.lanes),
                    code.subtract(width, code.lanes),
                )
            down.next(
                code.move(line, code.multiply(step, height)),
                code.move(out_line, code.multiply(out_step, height)),
                code.subtract(left, height),
            )
        return []

    def any_kernel() -> list[Value]:
        def sums_at(corner: Value) -> list[Value]:
            with code.loop(count, code.move(table, chunks), *start) as loop:
                chunk, *total = loop.values
                sums = _chunk(code, height, chunk, corner, step, kernel, weight_step, begins_at)
                totals = [code.sum(one, more) for one, more in zip(total, sums, strict=True)]
                loop.next(code.move(chunk, CHUNK_FIELDS), *totals)
            return loop.results[1:]

        return cover(sums_at)

    def square_kernel() -> list[Value]:
        """The most common kernel: with its 9 weights in registers throughout, 10 to 15 % faster."""
        columns = [
            (code.load_one(begins_at, column), _weights(code, code.move(kernel, column), 3, 3))
            for column in range(3)
        ]

        def sums_at(corner: Value) -> list[Value]:
            sums = list(start)
            for begin, weights in columns:
                _add(code, sums, weights, code.move(corner, begin), step)
            return sums

        return cover(sums_at)

    code.choose(code.compare(square, "!=", 0), square_kernel, any_kernel)


def _chunk(
    code: Code,
    height: int,
    chunk: Value,
    corner: Value,
    step: Value,
    kernel: Value,
    weight_step: Value,
    begins: Value,
) -> list[Value]:
    """Return the sums of a tile over one chunk of the kernel."""
    size, length, offset, tap, column = (code.load_one(chunk, i) for i in range(CHUNK_FIELDS))
    line, first, begin = (
        code.move(corner, offset), code.move(kernel, tap), code.move(begins, column)
    )  # fmt: skip

    def rows(taken: int) -> list[Value]:
        with code.loop(length, begin, first, *[code.zero()] * height) as along:
            begin_at, place, *sums = along.values
            weights = _weights(code, place, taken, weight_step)
            _add(code, sums, weights, code.move(line, code.load_one(begin_at)), step)
            along.next(code.move(begin_at, 1), code.move(place, 1), *sums)
        return along.results[2:]

    def one_or_two() -> list[Value]:
        return code.choose(code.compare(size, "==", 2), lambda: rows(2), lambda: rows(1))

    return code.choose(code.compare(size, "==", 3), lambda: rows(3), one_or_two)


def _weights(code: Code, place: Value, rows: int, step: Value) -> list[Value]:
    """Return the weights of one column of a chunk, each in all lanes."""
    return [code.splat(code.load_one(place, code.multiply(step, row))) for row in range(rows)]


def _add(code: Code, sums: list[Value], weights: list[Value], place: Value, step: Value) -> None:
    """Add one column of a chunk to the sums of a tile: each row of pixels serves up to 3 rows."""
    for row in range(len(sums) + len(weights) - 1):
        pixels = code.load(place)
        for own, weight in enumerate(weights):
            if 0 <= row - own < len(sums):
                sums[row - own] = code.multiply_add(weight, pixels, sums[row - own])
        place = code.move(place, step)


def _store(
    code: Code, tile: list[Value], place: Value, step: Value, rows: Value, columns: Value
) -> None:
    """Store `rows` x `columns` of a tile.

    Two pieces of code, so that a tile which is stored whole is not cut into conditions: LLVM would
    move the arithmetic of each row into its own, and run out of registers.
    """
    places = [place]
    for _ in tile[1:]:
        places.append(code.move(places[-1], step))

    def whole() -> list[Value]:
        for vector, at in zip(tile, places, strict=True):
            code.store(vector, at)
        return []

    def partly() -> list[Value]:
        for row, (vector, at) in enumerate(zip(tile, places, strict=True)):
            with code.when(code.compare(rows, ">", row)):
                code.store_masked(vector, at, mask)
        return []

    mask = code.first(columns)
    complete = code.both(
        code.compare(rows, ">=", len(tile)), code.compare(columns, ">=", code.lanes)
    )
    code.choose(complete, whole, partly)


@emitted
def fetch(code: Code, input: Value, start: Value, count: Value) -> None:
    """Ask for `count` numbers of the input, as far as the second cache."""
    line = LINE_BYTES // code.itemsize
    with code.loop(code.ceiling(count, line), code.move(input, start)) as loop:
        code.prefetch(loop.values[0], nearness=2)
        loop.next(code.move(loop.values[0], line))
