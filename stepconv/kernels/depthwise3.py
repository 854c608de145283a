"""Depthwise layers with a kernel of 3x3, read in place: nothing is copied.

Each number of the input serves nine products only, so that a copy into scratch, as
`stepconv.kernels.depthwise` makes one, takes as long as to convolve it. Here a tile is some rows of
the output, a vector wide, or two. Each row of the input is loaded once for the three rows of
the output that it serves, whose sums stay in registers::

    input row 0    -> row 0                      sums under way: of three rows at most,
    input row 1    -> row 0, row 1               in one or two vectors;
    input row 2    -> row 0, row 1, row 2        beside them nine weights
    input row 3    ->        row 1, row 2 …

Rows of padding are read from zeros. There are two ways to load a row:

- *One vector holds it*, as the last maps of image networks, 14 or 7 pixels wide. It is
  loaded with zeros behind it, and shifted in the register for each column of the kernel::

      row               a b c d e f g 0 0 …            3 columns, padding 1
      kernel column 0   0 a b c d e f g 0
      kernel column 1   a b c d e f g 0 0
      kernel column 2   b c d e f g 0 0 0

  With stride 2 every second lane of that is kept.
- *It is wider.* The row is cut into strips of a vector of the output, of which the last begins
  earlier rather than be narrower. The pixels are loaded anew for each column of the kernel, with
  masks for the padding; with stride 2 every second one is picked from two vectors of the input.
  On Zen 4 a layer takes 0.35 to 0.8 of the time that it takes by `depthwise`.

With AVX2, where masks are slow, rows of stride 1 may be two vectors wide, which are loaded without:
on Zen 3 such a layer takes 0.6 to 0.85 of the time that it takes by `depthwise`, wider ones longer.
Masked stores take 12 cycles there. So a row that does not fill its vector is stored whole too: what
it spills into the next row is overwritten by that. Only the last rows of a unit are stored with a
mask.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.compiling import specialised
from stepconv.kernels.depthwise import MOST_OUTPUTS, DepthwisePlan
from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import PAGE_BYTES, Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.lowering import driver

#: Rows of the output in a tile: maps of 7, 14, 28 leave no rest.
TILE_ROWS = 7
#: Outputs of a channel up to which it is taken under a stride of 1. With 16 of 14x14 it takes as
#: long as `direct`, of a single sample three quarters of the time; with 256 of 5x5 3 times as long.
MOST_OUTPUTS_IN_PLACE = 16
#: Sides of the kernel.
KERNEL = 3
#: Stride and padding before the map, of rows and columns: for each there is code of its own.
VARIANTS = ((1, 1), (2, 1), (1, 0))
#: Whether rows may be wider than a vector.
WIDE = host().vector_bytes >= 32
#: Channels of a unit, at most; and units for each thread, at least.
BLOCK = 16
UNITS_PER_THREAD = 4

# What a plan's table holds.
(
    CHANNELS,  # of the output
    MULTIPLIER,  # of them for each of the input
    ROWS,
    COLUMNS,
    OUT_ROWS,
    OUT_COLUMNS,
    VARIANT,  # of VARIANTS, and as many more where rows are wide
    BLOCKS,  # blocks of BLOCK channels, bands of BAND rows of the output
    BLOCK_CHANNELS,
    BANDS,
    BAND,
    FIELDS,
) = range(12)


@driver
def run(table: Any, input: Any, weight: Any, bias: Any, output: Any, first: Any, stop: Any) -> None:
    """Compute the units from `first` to before `stop`. All arrays are flat."""
    channels = table[CHANNELS]
    for unit in range(first, stop):
        rest, band = divmod(unit, table[BANDS])
        sample, block = divmod(rest, table[BLOCKS])
        begin, top = block * table[BLOCK_CHANNELS], band * table[BAND]
        rows = min(table[BAND], table[OUT_ROWS] - top)
        for channel in range(begin, min(begin + table[BLOCK_CHANNELS], channels)):
            image = sample * channels + channel
            convolve(
                TILE_ROWS, input, image // table[MULTIPLIER] * (table[ROWS] * table[COLUMNS]),
                weight, bias, channel,
                output, (image * table[OUT_ROWS] + top) * table[OUT_COLUMNS], top, rows, table,
            )  # fmt: skip


@emitted
def convolve(
    code: Code,
    height: int,
    input: Value,
    origin: Value,
    weight: Value,
    bias: Value,
    channel: Value,
    output: Value,
    out: Value,
    top: Value,
    count: Value,
    table: Value,
) -> None:
    """Compute `count` rows of one channel, from row `top` on, in tiles of `height` rows."""
    fields = (ROWS, COLUMNS, OUT_COLUMNS, VARIANT)
    rows, columns, out_columns, variant = (code.load_one(table, field) for field in fields)
    image, target = code.move(input, origin), code.move(output, out)
    kernel = code.move(weight, code.multiply(channel, KERNEL * KERNEL))
    weights = [code.splat(code.load_one(kernel, tap)) for tap in range(KERNEL * KERNEL)]
    start = code.splat(code.load_one(bias, channel))
    zeros = _zeros(code)

    def line(row: Value, begin: Value) -> Value:
        """Return where a row of the input lies, from column `begin` on; or zeros."""
        inside = code.both(code.compare(row, ">=", 0), code.compare(row, "<", rows))
        place = code.move(image, code.add(code.multiply(row, columns), begin))
        return code.builder.select(inside, place, zeros)

    def cover(step: int, pad: int, wide: bool) -> None:
        strips, furthest, parts, loaded = 1, 0, [0], _shifted
        in_strips = wide and (step > 1 or host().masks)
        if in_strips:
            strips = code.ceiling(out_columns, code.lanes)
            furthest = code.greatest(code.subtract(out_columns, code.lanes), 0)
            loaded = _strip if step == 1 else _strided
        elif wide:
            parts.append(code.subtract(out_columns, code.lanes))
            loaded = _twice
        with code.loop(code.ceiling(count, height), target, count) as tiles:
            place, left = tiles.values
            above = code.multiply(code.add(top, code.multiply(tiles.index, height)), step)
            with code.loop(strips) as strip:
                begin = 0
                if in_strips:
                    begin = code.least(code.multiply(strip.index, code.lanes), furthest)
                load = loaded(code, step, pad, begin, parts, columns)
                sums = [[start] * len(parts) for _ in range(height)]
                goal = code.move(place, begin)
                for row in range((height - 1) * step + KERNEL):
                    seen = line(code.add(above, row - pad), code.multiply(begin, step))
                    _add(code, step, row, load(seen), weights, sums)
                    done, between = divmod(row - KERNEL + 1, step)
                    if done < 0 or between:
                        continue
                    with code.when(code.compare(left, ">", done)):
                        cells = code.multiply(code.subtract(left, done), out_columns)
                        cells = code.subtract(cells, begin)
                        _keep(code, sums[done], parts, goal, out_columns, cells)
                    goal = code.move(goal, out_columns)
                strip.next()
            further = code.move(place, code.multiply(out_columns, height))
            tiles.next(further, code.subtract(left, height))

    for wide in (False, True)[: 1 + WIDE]:
        for number, (step, pad) in enumerate(VARIANTS):
            with code.when(code.compare(variant, "==", number + wide * len(VARIANTS))):
                cover(step, pad, wide)


def _zeros(code: Code) -> Value:
    """Return where a row of zeros begins: some stand before it, too."""
    vectors = 4
    room = code.room(vectors)
    for vector in range(vectors):
        code.store(code.zero(), room, vector * code.lanes)
    return code.move(room, code.lanes)


# How rows are loaded: each returns a function that for the place of a row, from column `begin` of
# the output on, returns the pixels under each column of the kernel, a vector for each of `parts`.
Load = Callable[[Value], list[list[Value]]]


def _shifted(
    code: Code, step: int, pad: int, begin: Value, parts: list[Value], columns: Value
) -> Load:
    """One vector holds the whole row."""
    seen = code.first(columns)

    def load(place: Value) -> list[list[Value]]:
        pixels, zeros = code.load_masked(place, seen), code.zero()
        shifted = []
        for first in range(-pad, KERNEL - pad):
            lanes = range(first, first + step * code.lanes, step)
            picked = [lane if 0 <= lane < code.lanes else code.lanes for lane in lanes]
            shifted.append([code.shuffle(pixels, zeros, picked)])
        return shifted

    return load


def _twice(
    code: Code, step: int, pad: int, begin: Value, parts: list[Value], columns: Value
) -> Load:
    """Two vectors hold it; only their first and last columns may lie in the padding."""
    last = [code.add(part, KERNEL - 1 - pad) for part in parts]
    inside = code.between(pad, columns)
    before_end = code.first(code.subtract(columns, last[1]))

    def load(place: Value) -> list[list[Value]]:
        pixels = [
            [code.load(place, code.add(part, column - pad)) for part in parts]
            for column in range(KERNEL - 1)
        ]
        if pad:
            pixels[0][0] = code.load_masked(code.move(place, -pad), inside)
        beyond = code.load_masked(code.move(place, last[1]), before_end)
        return [*pixels, [code.load(place, last[0]), beyond]]

    return load


def _strip(
    code: Code, step: int, pad: int, begin: Value, parts: list[Value], columns: Value
) -> Load:
    """A vector of a wide row, loaded anew for each column of the kernel, with masks."""
    # Lanes are counted in 32 bits, columns are not: no further than the masks need it.
    done = code.least(begin, KERNEL)
    left = code.least(code.subtract(columns, begin), 2 * code.lanes)
    masks = [
        code.between(code.subtract(pad - column, done), code.subtract(left, column - pad))
        for column in range(KERNEL)
    ]

    def load(place: Value) -> list[list[Value]]:
        return [
            [code.load_masked(code.move(place, column - pad), mask)]
            for column, mask in enumerate(masks)
        ]

    return load


def _strided(
    code: Code, step: int, pad: int, begin: Value, parts: list[Value], columns: Value
) -> Load:
    """Every second pixel, with padding 1: those before, at, and behind the middle of the kernel."""
    left = code.subtract(columns, code.multiply(begin, step))
    before_end = code.first(code.least(left, 2 * code.lanes), code.lanes)
    at_start = code.compare(begin, "==", 0)
    zero = code.room(1)
    code.store(code.zero(), zero)
    # The pixels before are those behind, one lane further on, and one more.
    pushed = [2 * code.lanes - 1, *range(code.lanes - 1)]

    def load(place: Value) -> list[list[Value]]:
        here = code.load(place)
        further = code.load_masked(code.move(place, code.lanes), before_end)
        even, odd = (code.every_second(here, further, half) for half in (0, 1))
        one = code.load_one(code.builder.select(at_start, zero, code.move(place, -1)))
        return [[code.shuffle(odd, code.splat(one), pushed)], [even], [odd]]

    return load


def _add(
    code: Code,
    step: int,
    row: int,
    pixels: list[list[Value]],
    weights: list[Value],
    sums: list[list[Value]],
) -> None:
    """Add a row of the input to the sums it belongs to."""
    for tap, weight in enumerate(weights):
        above, column = divmod(tap, KERNEL)
        own, between = divmod(row - above, step)
        if not between and 0 <= own < len(sums):
            both = zip(pixels[column], sums[own], strict=True)
            sums[own] = [code.multiply_add(weight, pixel, total) for pixel, total in both]


def _keep(
    code: Code, sums: list[Value], parts: list[Value], goal: Value, columns: Value, cells: Value
) -> None:
    """Store a row of a strip. Of the unit's rows of the channel, `cells` numbers are left."""
    if len(parts) > 1:
        for total, part in zip(sums, parts, strict=True):
            code.store(total, goal, part)
        return
    kept = code.first(columns)
    # Without masks of their own, what a row spills is overwritten by the next, but for the last.
    whole = code.compare(columns if host().masks else cells, ">=", code.lanes)
    with code.builder.if_else(whole) as (inside, end):
        with inside:
            code.store(sums[0], goal)
        with end:
            code.store_masked(sums[0], goal, kept)


class Depthwise3Plan(DepthwisePlan):
    """Channels in place; see the module and `stepconv.kernels.plan`."""


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> Depthwise3Plan | None:
    """Plan a depthwise convolution of 3x3; None for all others."""
    if not applies(geometry, dtype):
        return None
    y, x = geometry.axes
    wide = x.input_size > host().lanes(dtype.itemsize)
    planes = (1 if geometry.batch is None else geometry.batch) * geometry.out_channels
    wanted = UNITS_PER_THREAD * threads if threads > 1 else 1
    block = max(1, min(BLOCK, planes // wanted))
    blocks = -(-geometry.out_channels // block)
    units = planes // geometry.out_channels * blocks
    band = TILE_ROWS * -(-y.output_size // (TILE_ROWS * -(-wanted // max(1, units))))
    bands = -(-y.output_size // band)
    fields = [
        geometry.out_channels, geometry.group_outputs, y.input_size, x.input_size,
        y.output_size, x.output_size, VARIANTS.index((x.stride, x.pad[0])) + wide * len(VARIANTS),
        blocks, block, bands, band,
    ]  # fmt: skip
    rows = x.input_size * dtype.itemsize, x.output_size * dtype.itemsize
    apart = wide and all(row % PAGE_BYTES == 0 for row in rows)
    return Depthwise3Plan(units * bands, np.array(fields, np.int64), _kernel(dtype), apart)


def applies(geometry: Geometry, dtype: np.dtype[Any]) -> bool:
    """Whether a convolution is one of those that are computed here."""
    if geometry.transposed or geometry.group_inputs != 1 or geometry.rank != 2:
        return False
    y, x = geometry.axes
    if geometry.group_outputs > (MOST_OUTPUTS if x.stride > 1 else MOST_OUTPUTS_IN_PLACE):
        return False
    variant = x.stride, x.pad[0]
    if not _fits(y) or not _fits(x) or variant not in VARIANTS or variant != (y.stride, y.pad[0]):
        return False
    lanes = host().lanes(dtype.itemsize)
    return x.input_size <= lanes or wide_fits(geometry, lanes)


def wide_fits(geometry: Geometry, lanes: int) -> bool:
    """Whether rows wider than a vector are best read in place.

    Several outputs of a channel would each read it anew. A tile computes all its rows: of one row,
    and of 8 and 9, which take two tiles, too many for nothing.
    """
    y, x = geometry.axes
    any_width = x.stride > 1 or host().masks or lanes < x.output_size <= 2 * lanes
    rows_fit = y.output_size > 1 and not TILE_ROWS < y.output_size < 1.4 * TILE_ROWS
    return WIDE and geometry.group_outputs == 1 and any_width and rows_fit


def _fits(axis: Axis) -> bool:
    """Whether the kernel is 3, not dilated, with at most one zero behind."""
    return (
        axis.kernel_size == KERNEL
        and axis.dilation == 1
        and axis.mode == "zeros"
        and axis.pad[1] <= 1
    )


@cache
def _kernel(dtype: np.dtype[Any]) -> Callable[..., None]:
    array = np.empty(0, dtype)
    return specialised(run, np.empty(0, np.int64), array, array, array, array, 0, 0)
