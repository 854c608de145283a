"""Winograd's convolution F(4x4, 3x3): a quarter of the multiplications, a few digits less.

For a kernel of 3 x 3 with stride 1, the output is cut into tiles of 4 x 4. Each needs 6 x 6
numbers of the input. Both the tile and the kernel are transformed into 36 *points*, which are
multiplied one by one and summed over the channels, and transformed back::

    output tile = Aᵗ [ sum over channels of (G kernel Gᵗ) · (Bᵗ input tile B) ] A

So a tile takes 36 multiplications for each pair of channels instead of 144 (Lavin and Gray,
"Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308). For each of the
points, the sum over channels is a matrix product, kernels times tiles, and nearly all the
time goes there.

A unit of work is a run of tiles, of one image or several, and perhaps a share of the output
channels: its input is transformed tile by tile into scratch, [vectors][point][channel][tile];
then, for `ROWS` output channels at a time, come the products and the transform back.

**Accuracy.** The transforms add and subtract numbers of unlike size, which costs digits: in
float32, with normally distributed inputs and weights and 64 to 512 channels, the largest
error is 5e-6 to 8e-6 of the largest output, where the direct kernels have 2e-7 to 4e-7; in
float64 it is 2e-14. A number that is not finite spoils its whole tile. That is
why Winograd is used only where it is asked for: ``algorithm="winograd"``.

It pays with 64 channels and more, and where tiles fill vectors: a map of 7 x 7 has four.
The packed kernels are four times as large as the weight, and take about as long to compute as
the convolution of a map of 14 x 14: keep them in a layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Geometry
from stepconv.kernels import pool
from stepconv.kernels.compiling import specialised
from stepconv.kernels.depthwise_tiles import fill
from stepconv.kernels.drivers import allocate, inlined
from stepconv.kernels.host import host
from stepconv.kernels.lowering import driver
from stepconv.kernels.tiled import WORTH_SHARING
from stepconv.kernels.winograd_tiles import (
    OUT_SIDE,
    POINTS,
    copy_rows,
    products,
    transform_columns,
    transform_kernels,
    transform_rows,
)

Array = NDArray[Any]

#: Output channels in a register tile, beside 2 vectors of tiles: 24 sums of 32 registers.
ROWS = 12 if host().registers == 32 else 6
#: Vectors of tiles in a register tile.
VECTORS = 2
#: Longest chain of additions.
CHAIN = 128
#: Input channels whose kernels are packed at a time: 14 KB in float32.
PACKED = 8
#: Scratch for the points of a unit's input, beside which the weights pass through the second cache.
POINTS_BYTES = 640 * 1024

# What a plan's table holds: these numbers, then the sources of rows and of border columns.
(
    CHANNELS,
    OUT_CHANNELS,
    IN_Y,  # sizes of the input and the output
    IN_X,
    OUT_Y,
    OUT_X,
    BEFORE,  # padding before the columns of the input
    LAYOUT,  # columns with their padding
    BORDERS,  # whether border cells are copies from inside
    LANES,  # of a vector
    TILES,  # all of them: batch, rows and columns
    DOWN,  # tiles of a column of the output, and of a row
    ACROSS,
    UNIT,  # tiles of a unit
    SHARES,  # of the output channels, each of SHARE blocks of ROWS
    SHARE,
    PITCH,  # of the rows of the band
    PLANE,  # of the transformed columns
    PAIR,  # of points: numbers from VECTORS vectors to the next
    COLUMNS_AT,  # where in scratch each stage begins, after the band
    POINTS_AT,
    SUMS_AT,
    LINES_AT,
    SCRATCH,
    BORDER_LIST,
    ROW_LIST,
    FIELDS,
) = range(27)


@driver
def _run(
    table: Any, input: Any, weight: Any, bias: Any, output: Any, first: Any, stop: Any
) -> None:
    """Compute the units from `first` to before `stop`. All arrays are flat."""
    scratch = allocate(table[SCRATCH], input)
    channels, outputs = table[CHANNELS], table[OUT_CHANNELS]
    blocks = -(-outputs // ROWS)
    done = -1
    for unit in range(first, stop):
        run, share = divmod(unit, table[SHARES])
        begin = run * table[UNIT]
        end = min(begin + table[UNIT], table[TILES])
        vectors = -(-(end - begin) // table[LANES])
        if run != done:
            _transform(input, scratch, table, begin, end)
            done = run
        for block in range(share * table[SHARE], min(blocks, (share + 1) * table[SHARE])):
            products(
                ROWS, scratch, table[POINTS_AT], table[PAIR], vectors,
                weight, block * POINTS * channels * ROWS, channels, CHAIN, table[SUMS_AT],
                bias, block * ROWS, min(ROWS, outputs - block * ROWS), table[LINES_AT],
            )  # fmt: skip
            _keep(output, scratch, table, block, begin, end)


@inlined
def _transform(input: Any, scratch: Any, table: Any, begin: Any, end: Any) -> None:
    """Transform the tiles from `begin` to before `end`, of all channels."""
    channels, across, down = table[CHANNELS], table[ACROSS], table[DOWN]
    width, pitch, lanes = table[IN_X], table[PITCH], table[LANES]
    before = table[BEFORE]
    top, bottom = begin // across, -(-end // across)  # rows of tiles, of all images
    vectors = -(-(end - begin) // lanes)
    for channel in range(channels):
        row, at = top, table[COLUMNS_AT]
        while row < bottom:
            image, above = divmod(row, down)
            rows = min(bottom - row, down - above)
            lines = OUT_SIDE * rows + 2
            sources = table[ROW_LIST] + OUT_SIDE * above
            zeros = 0
            while zeros < lines and table[sources + zeros] < 0:
                zeros += 1
            while lines > zeros and table[sources + lines - 1] < 0:
                lines -= 1
            origin = (image * channels + channel) * table[IN_Y] * width
            fill(
                1, scratch, 0, 0, pitch, pitch, table, sources + zeros,
                zeros, lines - zeros, OUT_SIDE * rows + 2 - lines,
                input, origin, 0, width, before, before + width, 1,
            )  # fmt: skip
            if table[BORDERS]:
                for line in range(zeros, lines):
                    start = origin + table[sources + line] * width
                    for cell in range(before):
                        source = table[table[BORDER_LIST] + cell]
                        scratch[line * pitch + cell] = input[start + source]
                    for cell in range(before + width, table[LAYOUT]):
                        source = table[table[BORDER_LIST] + cell - width]
                        scratch[line * pitch + cell] = input[start + source]
            transform_columns(scratch, 0, pitch, rows, across, at, table[PLANE])
            row += rows
            at += rows * across
        at = table[COLUMNS_AT] + begin - top * across
        for vector in range(0, vectors, VECTORS):
            count = min(VECTORS, vectors - vector)
            step = (channels * count + 1) * lanes  # not a power of two: see `products`
            goal = table[POINTS_AT] + vector // VECTORS * table[PAIR] + channel * count * lanes
            transform_rows(scratch, at + vector * lanes, table[PLANE], count, goal, step)


@inlined
def _keep(output: Any, scratch: Any, table: Any, block: Any, begin: Any, end: Any) -> None:
    """Copy the rows of `ROWS` output channels to where they belong."""
    across, down, channels = table[ACROSS], table[DOWN], table[OUT_CHANNELS]
    height, width, lanes = table[OUT_Y], table[OUT_X], table[LANES]
    line = OUT_SIDE * -(-(end - begin) // lanes) * lanes
    tile = begin
    while tile < end:
        row, left = divmod(tile, across)
        image, above = divmod(row, down)
        tiles = min(end - tile, across - left)
        y, x = OUT_SIDE * above, OUT_SIDE * left
        rows, count = min(OUT_SIDE, height - y), min(OUT_SIDE * tiles, width - x)
        at = table[LINES_AT] + OUT_SIDE * (tile - begin)
        for channel in range(block * ROWS, min(channels, (block + 1) * ROWS)):
            out = ((image * channels + channel) * height + y) * width + x
            copy_rows(output, out, width, scratch, at, line, rows, count)
            at += OUT_SIDE * line
        tile += tiles


@driver
def _pack(sizes: Any, weight: Any, packed: Any, first: Any, stop: Any) -> None:
    """Transform kernels: [block of ROWS output channels][point][channel][row of the block].

    `sizes` are the channels of the input and of the output. A unit is a block. The points of a
    channel are often a power of two apart, and then share few places of the cache: `PACKED` of
    them at a time are written where they lie close together.
    """
    inputs, outputs = sizes[0], sizes[1]
    some = allocate((POINTS + 1) * PACKED * ROWS, weight)  # vectors are read beyond
    for block in range(first, stop):
        valid = min(ROWS, outputs - block * ROWS)
        for channel in range(0, inputs, PACKED):
            count = min(PACKED, inputs - channel)
            transform_kernels(
                ROWS, weight, (block * ROWS * inputs + channel) * 9, 9 * inputs, valid,
                count, some, PACKED * ROWS,
            )  # fmt: skip
            at = (block * POINTS * inputs + channel) * ROWS
            copy_rows(
                packed, at, inputs * ROWS, some, 0, PACKED * ROWS, POINTS, count * ROWS
            )  # fmt: skip


@dataclass(frozen=True)
class WinogradPlan:
    """How a convolution is cut into units; see `stepconv.kernels.plan`."""

    units: int
    table: NDArray[np.int64]
    kernel: Callable[..., None]
    apart: bool = False

    def pack(self, weight: Array) -> Array:
        """Return the transformed kernels, four times as many numbers as the weight has."""
        channels = int(self.table[CHANNELS])
        blocks = -(-int(self.table[OUT_CHANNELS]) // ROWS)
        packed = np.empty(blocks * ROWS * POINTS * channels, weight.dtype)
        pack = _packer(weight.dtype)
        arguments = self.table[[CHANNELS, OUT_CHANNELS]], weight, packed
        if weight.size >= WORTH_SHARING:
            pool.share(pack, arguments, blocks)
        else:
            pack(*arguments, 0, blocks)
        return packed

    def work(self, input: Array, packed: Array, bias: Array, output: Array) -> tuple[Any, ...]:
        """Return the compiled function, and what it is given before the units."""
        return self.kernel, self.table, input, packed, bias, output

    @property
    def run(self) -> Callable[..., None]:
        """What computes the units from `first` to before `stop`."""
        return partial(self.kernel, self.table)


@cache
def _kernel(dtype: np.dtype[Any]) -> Callable[..., None]:
    array = np.empty(0, dtype)
    return specialised(_run, np.empty(0, np.int64), array, array, array, array, 0, 0)


@cache
def _packer(dtype: np.dtype[Any]) -> Callable[..., None]:
    array = np.empty(0, dtype)
    return specialised(_pack, np.empty(0, np.int64), array, array, 0, 0)


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> WinogradPlan | None:
    """Plan a convolution of 3 x 3 kernels with stride 1; None for all others."""
    if not _applies(geometry):
        return None
    y, x = geometry.axes
    lanes = host().lanes(dtype.itemsize)
    batch = 1 if geometry.batch is None else geometry.batch
    down, across = -(-y.output_size // OUT_SIDE), -(-x.output_size // OUT_SIDE)
    tiles = batch * down * across
    unit = _unit(geometry.in_channels, tiles, lanes, dtype.itemsize)
    runs = -(-tiles // unit)
    blocks = -(-geometry.out_channels // ROWS)
    share = blocks if runs >= threads else -(-blocks // threads)
    # Rows of tiles that a unit touches, if it begins at the end of one.
    rows = min(-(-(unit - 1) // across) + 1, max(1, batch) * down)
    pitch = _rounded(OUT_SIDE * across + 2, lanes)
    plane = rows * across + lanes
    pair = POINTS * (geometry.in_channels * VECTORS + 1) * lanes
    starts = [0]
    for size in (
        pitch * (OUT_SIDE * rows + 2),
        POINTS * plane,
        POINTS * (unit * geometry.in_channels + -(-unit // (VECTORS * lanes)) * lanes),
        POINTS * ROWS * VECTORS * lanes,
        ROWS * OUT_SIDE * OUT_SIDE * unit,
    ):
        starts.append(starts[-1] + _rounded(size + OUT_SIDE * lanes, lanes))
    before, after = x.pad
    beyond = before + x.input_size
    border = x.source_at([*range(before), *range(beyond, beyond + after)])
    sources = [*y.source, *[-1] * (OUT_SIDE * down + 2 - y.layout_size)]
    fields = [
        geometry.in_channels, geometry.out_channels, y.input_size, x.input_size,
        y.output_size, x.output_size, before, x.layout_size, x.mode != "zeros", lanes,
        tiles, down, across, unit, -(-blocks // share), share, pitch, plane, pair,
        *starts[1:], FIELDS, FIELDS + len(border),
    ]  # fmt: skip
    table = np.array([*fields, *border, *sources], np.int64)
    return WinogradPlan(runs * -(-blocks // share), table, _kernel(dtype))


def _unit(channels: int, tiles: int, lanes: int, itemsize: int) -> int:
    """Choose the tiles of a unit: whole vectors, about as many in each."""
    most = max(1, POINTS_BYTES // (POINTS * channels * lanes * itemsize))
    vectors = max(1, -(-tiles // lanes))
    runs = -(-vectors // most)
    return lanes * -(-vectors // runs)


def _applies(geometry: Geometry) -> bool:
    return (
        geometry.rank == 2
        and geometry.groups == 1
        and not geometry.transposed
        and all((a.kernel_size, a.stride, a.dilation) == (3, 1, 1) for a in geometry.axes)
    )


def _rounded(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
