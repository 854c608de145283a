"""Depthwise layers on the smallest maps: a row is one vector, and is loaded once.

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

#: Rows of the output in a tile: maps of 7, 14, 28 leave no rest. With 16 registers, 9 of which
#: hold weights in turn, 3.
TILE_ROWS = 7 if host().registers == 32 else 3
#: Sides of the kernel.
KERNEL = 3
#: Stride and padding before the map, of rows and columns: for each there is code of its own.
VARIANTS = ((1, 1), (2, 1), (1, 0))
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
    seen, kept = code.first(columns), code.first(out_columns)
    zeros = code.room(1)
    code.store(code.zero(), zeros)

    def line(row: Value) -> Value:
        """Load a row of the input, or zeros."""
        inside = code.both(code.compare(row, ">=", 0), code.compare(row, "<", rows))
        place = code.move(image, code.multiply(row, columns))
        return code.load_masked(code.builder.select(inside, place, zeros), seen)

    def cover(step: int, pad: int) -> None:
        with code.loop(code.ceiling(out_rows, height), target, out_rows) as tiles:
            place, left = tiles.values
            top = code.multiply(tiles.index, height * step)
            sums = [start] * height
            for row in range((height - 1) * step + KERNEL):
                pixels = line(code.add(top, row - pad))
                _add(code, step, pad, row, pixels, weights, sums)
            for row, total in enumerate(sums):
                with code.when(code.compare(left, ">", row)):
                    code.store_masked(total, place, kept)
                place = code.move(place, out_columns)
            tiles.next(place, code.subtract(left, height))

    for number, (step, pad) in enumerate(VARIANTS):
        with code.when(code.compare(variant, "==", number)):
            cover(step, pad)


def _add(
    code: Code,
    step: int,
    pad: int,
    row: int,
    pixels: Value,
    weights: list[Value],
    sums: list[Value],
) -> None:
    """Add a row of the input to the sums it belongs to."""
    columns = [_shifted(code, pixels, column - pad, step) for column in range(KERNEL)]
    for tap, weight in enumerate(weights):
        above, column = divmod(tap, KERNEL)
        own, between = divmod(row - above, step)
        if not between and 0 <= own < len(sums):
            sums[own] = code.multiply_add(weight, columns[column], sums[own])


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
    if x.input_size > host().lanes(dtype.itemsize):
        return None
    blocks = -(-geometry.out_channels // BLOCK)
    fields = [
        geometry.out_channels, geometry.group_outputs, y.input_size, x.input_size,
        y.output_size, x.output_size, VARIANTS.index(variant), blocks,
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
