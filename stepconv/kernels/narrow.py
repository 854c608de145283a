"""Depthwise layers on the smallest maps: a row is a vector or two, and is loaded once.

The last maps of image networks are 14 or 7 pixels wide. To copy such a map into scratch, as
`stepconv.kernels.depthwise` does, takes as long as to convolve it. Here a row of the input
is loaded as one vector, with zeros behind it, and shifted in the register for each column of the
kernel::

    row               a b c d e f g 0 0 …            3 columns, padding 1
    kernel column 0   0 a b c d e f g 0
    kernel column 1   a b c d e f g 0 0
    kernel column 2   b c d e f g 0 0 0

With stride 2 every second lane of that is kept. Each row serves up to 3 rows of the output, whose
sums stay in registers; rows of padding are read from zeros.

Where vectors hold 8 numbers (AVX2), 14 pixels are two of them, which overlap, so that both are
stored whole; they are loaded anew for each column of the kernel, which is cheaper there than to
shift across two registers. Masked stores are slow on such machines, 12 cycles on Zen 3: a row that
does not fill its vector is stored whole too, and what it spills into the next row is
overwritten by that; but for the last rows of a channel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.compiling import specialised
from stepconv.kernels.depthwise import DepthwisePlan
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.lowering import driver, emitted

#: Rows of the output in a tile: maps of 7, 14, 28 leave no rest. Sums of three rows are under way
#: at a time, in two vectors each at most; with 9 weights they fill 16 registers.
TILE_ROWS = 7
#: Sides of the kernel.
KERNEL = 3
#: Stride and padding before the map, of rows and columns: for each there is code of its own, and
#: for rows of one vector and of two.
VARIANTS = ((1, 1), (2, 1), (1, 0))
#: Vectors in a row of the input, at most. More than one is measured with AVX2 alone.
MOST = 2 if host().vector_bytes == 32 else 1
#: Channels of a unit.
BLOCK = 16

# What a plan's table holds.
(
    CHANNELS,  # of the output
    MULTIPLIER,  # of them for each of the input
    ROWS,
    COLUMNS,
    OUT_ROWS,
    OUT_COLUMNS,
    VARIANT,
    BLOCKS,
    FIELDS,
) = range(9)


@driver
def run(input: Any, weight: Any, bias: Any, output: Any, table: Any, first: Any, stop: Any) -> None:
    """Compute the units from `first` to before `stop`. All arrays are flat."""
    channels = table[CHANNELS]
    for unit in range(first, stop):
        sample, block = divmod(unit, table[BLOCKS])
        for channel in range(block * BLOCK, min((block + 1) * BLOCK, channels)):
            image = sample * channels + channel
            convolve(
                TILE_ROWS, input, image // table[MULTIPLIER] * (table[ROWS] * table[COLUMNS]),
                weight, bias, channel,
                output, image * (table[OUT_ROWS] * table[OUT_COLUMNS]), table,
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
    table: Value,
) -> None:
    """Compute one channel, in tiles of `height` rows."""
    fields = (ROWS, COLUMNS, OUT_ROWS, OUT_COLUMNS, VARIANT)
    rows, columns, out_rows, out_columns, variant = (code.load_one(table, i) for i in fields)
    image, target = code.move(input, origin), code.move(output, out)
    kernel = code.move(weight, code.multiply(channel, KERNEL * KERNEL))
    weights = [code.splat(code.load_one(kernel, tap)) for tap in range(KERNEL * KERNEL)]
    start = code.splat(code.load_one(bias, channel))
    kept = code.first(out_columns)
    room = code.room(MOST + 2)
    for vector in range(MOST + 2):
        code.store(code.zero(), room, vector * code.lanes)
    zeros = code.move(room, code.lanes)  # there are some before them, too

    def line(row: Value) -> Value:
        """Return where a row of the input lies, or zeros."""
        inside = code.both(code.compare(row, ">=", 0), code.compare(row, "<", rows))
        place = code.move(image, code.multiply(row, columns))
        return code.builder.select(inside, place, zeros)

    def keep(total: Value, place: Value, left: Value) -> None:
        """Store a row, of which `left` numbers of the channel are left."""
        if host().masks:
            code.store_masked(total, place, kept)
            return
        with code.builder.if_else(code.compare(left, ">=", code.lanes)) as (inside, last):
            with inside:
                code.store(total, place)
            with last:
                code.store_masked(total, place, kept)

    def cover(step: int, pad: int, vectors: int) -> None:
        lines = _Lines(code, step, pad, vectors, columns, out_columns)
        parts = [0] if len(lines.starts) == 1 else lines.starts
        with code.loop(code.ceiling(out_rows, height), target, out_rows) as tiles:
            place, left = tiles.values
            top = code.multiply(tiles.index, height * step)
            sums = [[start] * len(parts) for _ in range(height)]
            for row in range((height - 1) * step + KERNEL):
                pixels = lines.load(line(code.add(top, row - pad)))
                _add(code, step, row, pixels, weights, sums)
                done, between = divmod(row - KERNEL + 1, step)
                if done < 0 or between:
                    continue
                with code.when(code.compare(left, ">", done)):
                    if len(parts) > 1:
                        for total, part in zip(sums[done], parts, strict=True):
                            code.store(total, place, part)
                    else:
                        cells = code.multiply(code.subtract(left, done), out_columns)
                        keep(sums[done][0], place, cells)
                place = code.move(place, out_columns)
            tiles.next(place, code.subtract(left, height))

    for vectors in range(1, MOST + 1):
        for number, (step, pad) in enumerate(VARIANTS):
            own = number + len(VARIANTS) * (vectors - 1)
            with code.when(code.compare(variant, "==", own)):
                cover(step, pad, vectors)


class _Lines:
    """Loads rows of the input, shifted for each column of the kernel."""

    def __init__(
        self, code: Code, step: int, pad: int, vectors: int, columns: Value, out_columns: Value
    ) -> None:
        self.code, self.step, self.pad, self.vectors = code, step, pad, vectors
        #: Where the vectors of a row of the output begin.
        self.starts: list[Value] = [0]
        if vectors == 2 and step == 1:
            self.starts.append(code.subtract(out_columns, code.lanes))
        self._seen = code.first(columns, (vectors - 1) * code.lanes)
        self._inside = code.between(pad, columns)  # what the first kernel column sees
        last = code.add(self.starts[-1], KERNEL - 1 - pad)
        self._before = code.first(code.subtract(columns, last))

    def load(self, place: Value) -> list[list[Value]]:
        """Return for each column of the kernel the pixels under it, a vector for each start."""
        code = self.code
        if self.vectors == 1:
            pixels = code.load_masked(place, self._seen)
            return [[_shifted(code, pixels, c - self.pad, self.step)] for c in range(KERNEL)]
        if self.step == 2:
            further = code.load_masked(code.move(place, code.lanes), self._seen)
            even, odd = (code.every_second(code.load(place), further, half) for half in (0, 1))
            return [[_shifted(code, odd, -1, 1)], [even], [odd]]
        pixels = [
            [code.load(place, code.add(start, c - self.pad)) for start in self.starts]
            for c in range(KERNEL - 1)
        ]
        last = [code.add(start, KERNEL - 1 - self.pad) for start in self.starts]
        if self.pad:  # the column before the first is not there
            pixels[0][0] = code.load_masked(code.move(place, -self.pad), self._inside)
        beyond = code.load_masked(code.move(place, last[1]), self._before)
        return [*pixels, [code.load(place, last[0]), beyond]]


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


def _shifted(code: Code, pixels: Value, first: int, step: int) -> Value:
    """Return lanes `first`, `first` + `step`, … of a vector, zeros beyond its ends."""
    lanes = range(first, first + step * code.lanes, step)
    picked = [lane if 0 <= lane < code.lanes else code.lanes for lane in lanes]
    return code.shuffle(pixels, code.zero(), picked)


class NarrowPlan(DepthwisePlan):
    """Whole channels, some at a time; see the module and `stepconv.kernels.plan`."""


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> NarrowPlan | None:
    """Plan a depthwise convolution of narrow maps; None for all others."""
    if geometry.transposed or geometry.group_inputs != 1 or geometry.rank != 2:
        return None
    y, x = geometry.axes
    variant = x.stride, x.pad[0]
    if not _fits(y) or not _fits(x) or variant not in VARIANTS or variant != (y.stride, y.pad[0]):
        return None
    lanes = host().lanes(dtype.itemsize)
    vectors = -(-x.input_size // lanes)
    if vectors > MOST or (vectors == 2 and x.stride == 1 and x.output_size <= lanes):
        return None
    blocks = -(-geometry.out_channels // BLOCK)
    fields = [
        geometry.out_channels, geometry.group_outputs, y.input_size, x.input_size,
        y.output_size, x.output_size,
        VARIANTS.index(variant) + len(VARIANTS) * (vectors - 1), blocks,
    ]  # fmt: skip
    samples = 1 if geometry.batch is None else geometry.batch
    return NarrowPlan(samples * blocks, np.array(fields, np.int64), _kernel(dtype))


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
    return specialised(run, array, array, array, array, np.empty(0, np.int64), 0, 0)
