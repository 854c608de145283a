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

**Accuracy.** The transforms add and subtract numbers of unlike size, which costs digits. With
float32, inputs and weights normally distributed, the largest error over the largest output was
{accuracy}. A number that is not finite spoils its whole tile. That is why
Winograd is used only where it is asked for: ``algorithm="winograd"``.

It pays with many channels, and where tiles fill vectors: a map of 7 x 7 has four tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Geometry
from stepconv.kernels import depthwise_bands as bands
from stepconv.kernels.compiling import compiled, specialised
from stepconv.kernels.depthwise_bands import fill_band
from stepconv.kernels.host import host
from stepconv.kernels.winograd_tiles import (
    OUT_SIDE,
    POINTS,
    SIDE,
    copy_rows,
    multiply,
    transform_back,
    transform_columns,
    transform_rows,
)

Array = NDArray[Any]

#: Output channels in a register tile, beside 2 vectors of tiles: 24 sums of 32 registers.
ROWS = 12 if host().registers == 32 else 6
#: Vectors of tiles in a register tile.
VECTORS = 2
#: Longest chain of additions.
CHAIN = 128
#: Scratch for the points of a unit's input, beside which the weights pass through the second cache.
POINTS_BYTES = 640 * 1024

# The table of a plan begins with what `fill_band` reads, and goes on with:
(
    BATCH,
    OUT_CHANNELS,
    TILES,  # all of them: batch, rows and columns
    DOWN,  # tiles of a column of the output, and of a row
    ACROSS,
    UNIT,  # tiles of a unit
    SHARES,  # of the output channels, each of SHARE blocks of ROWS
    SHARE,
    COLUMNS_AT,  # where in scratch each stage begins, after the band
    COLUMNS_PLANE,
    POINTS_AT,
    SUMS_AT,
    ROWS_AT,
    FIELDS,
) = range(bands.FIELDS, bands.FIELDS + 14)


@compiled
def _run(
    input: Any, weight: Any, bias: Any, output: Any, table: Any, first: Any, stop: Any
) -> None:
    """Compute the units from `first` to before `stop`. All arrays are flat."""
    room = np.empty(table[bands.SCRATCH], input.dtype)
    scratch = room[-(room.ctypes.data // room.itemsize) % (64 // room.itemsize) :]
    blocks = -(-table[OUT_CHANNELS] // ROWS)
    done = -1
    for unit in range(first, stop):
        run, share = divmod(unit, table[SHARES])
        begin = run * table[UNIT]
        end = min(begin + table[UNIT], table[TILES])
        if run != done:
            _transform(input, scratch, table, begin, end)
            done = run
        for block in range(share * table[SHARE], min(blocks, (share + 1) * table[SHARE])):
            _products(weight, bias, scratch, table, block, begin, end)
            _keep(output, scratch, table, block, begin, end)


@compiled
def _transform(input: Any, scratch: Any, table: Any, begin: Any, end: Any) -> None:
    """Transform the tiles from `begin` to before `end`, of all channels."""
    channels, across, down = table[bands.CHANNELS], table[ACROSS], table[DOWN]
    lanes, plane = table[bands.LANES], table[COLUMNS_PLANE]
    top, bottom = begin // across, -(-end // across)  # rows of tiles, of all images
    vectors = -(-(end - begin) // lanes)
    for channel in range(channels):
        row, at = top, table[COLUMNS_AT]
        while row < bottom:
            image, above = divmod(row, down)
            rows = min(bottom - row, down - above)
            source = image * channels + channel
            fill_band(input, scratch, table, source, 1, 0, OUT_SIDE * above, OUT_SIDE * rows + 2, 0)
            transform_columns(scratch, 0, table[bands.PITCH], rows, across, at, plane)
            row += rows
            at += rows * across
        at = table[COLUMNS_AT] + begin - top * across
        for vector in range(0, vectors, VECTORS):
            width = min(VECTORS, vectors - vector)
            step = channels * width * lanes
            goal = table[POINTS_AT] + (vector * POINTS * channels + channel * width) * lanes
            transform_rows(scratch, at + vector * lanes, plane, width, goal, step)


@compiled
def _products(
    weight: Any, bias: Any, scratch: Any, table: Any, block: Any, begin: Any, end: Any
) -> None:
    """Compute `ROWS` output channels of the tiles, as rows of numbers in scratch."""
    channels, lanes, sums = table[bands.CHANNELS], table[bands.LANES], table[SUMS_AT]
    vectors = -(-(end - begin) // lanes)
    line = OUT_SIDE * vectors * lanes
    factors = block * POINTS * channels * ROWS
    for vector in range(0, vectors, VECTORS):
        width = min(VECTORS, vectors - vector)
        tiles = table[POINTS_AT] + vector * POINTS * channels * lanes
        if width == 2:
            multiply(ROWS, 2, scratch, tiles, weight, factors, channels, CHAIN, sums)
        else:
            multiply(ROWS, 1, scratch, tiles, weight, factors, channels, CHAIN, sums)
        for row in range(min(ROWS, table[OUT_CHANNELS] - block * ROWS)):
            goal = table[ROWS_AT] + row * OUT_SIDE * line + vector * OUT_SIDE * lanes
            transform_back(
                scratch, sums + row * width * lanes, ROWS * width * lanes, width,
                bias, block * ROWS + row, goal, line,
            )  # fmt: skip


@compiled
def _keep(output: Any, scratch: Any, table: Any, block: Any, begin: Any, end: Any) -> None:
    """Copy the rows of `ROWS` output channels to where they belong."""
    across, down, channels = table[ACROSS], table[DOWN], table[OUT_CHANNELS]
    height, width, lanes = table[bands.OUT_Y], table[bands.OUT_X], table[bands.LANES]
    line = OUT_SIDE * -(-(end - begin) // lanes) * lanes
    tile = begin
    while tile < end:
        row, left = divmod(tile, across)
        image, above = divmod(row, down)
        tiles = min(end - tile, across - left)
        y, x = OUT_SIDE * above, OUT_SIDE * left
        rows, count = min(OUT_SIDE, height - y), min(OUT_SIDE * tiles, width - x)
        at = table[ROWS_AT] + OUT_SIDE * (tile - begin)
        for channel in range(block * ROWS, min(channels, (block + 1) * ROWS)):
            out = ((image * channels + channel) * height + y) * width + x
            copy_rows(output, out, width, scratch, at, line, rows, count)
            at += OUT_SIDE * line
        tile += tiles


@compiled
def _pack(weight: Any, channels: Any, packed: Any) -> None:
    """Transform kernels: [block of ROWS output channels][point][channel][row of the block]."""
    total = weight.size // (9 * channels)
    point = np.empty((SIDE, 3), np.float64)
    for k in range(-(-total // ROWS) * ROWS):
        block, row = divmod(k, ROWS)
        for c in range(channels):
            at = (block * POINTS * channels + c) * ROWS + row
            if k >= total:
                for i in range(POINTS):
                    packed[at + i * channels * ROWS] = 0
                continue
            start = (k * channels + c) * 9
            for x in range(3):
                a, b, d = weight[start + x], weight[start + 3 + x], weight[start + 6 + x]
                _kernel_side(point[:, x], np.float64(a), np.float64(b), np.float64(d))
            for i in range(SIDE):
                side = np.empty(SIDE, np.float64)
                _kernel_side(side, point[i, 0], point[i, 1], point[i, 2])
                for j in range(SIDE):
                    packed[at + (i * SIDE + j) * channels * ROWS] = side[j]


@compiled
def _kernel_side(side: Any, a: Any, b: Any, d: Any) -> None:
    """Multiply three numbers by G."""
    side[0] = a / 4
    side[1] = -(a + b + d) / 6
    side[2] = -(a - b + d) / 6
    side[3] = (a + 2 * b + 4 * d) / 24
    side[4] = (a - 2 * b + 4 * d) / 24
    side[5] = d


@dataclass(frozen=True)
class WinogradPlan:
    """How a convolution is cut into units; see `stepconv.kernels.plan`."""

    units: int
    table: NDArray[np.int64]

    def pack(self, weight: Array) -> Array:
        """Return the transformed kernels, four times as many numbers as the weight has."""
        channels = int(self.table[bands.CHANNELS])
        blocks = -(-int(self.table[OUT_CHANNELS]) // ROWS)
        packed = np.empty(blocks * ROWS * POINTS * channels, weight.dtype)
        _packer(weight.dtype)(weight, channels, packed)
        return packed

    def run(
        self, input: Array, packed: Array, bias: Array, output: Array, first: int, stop: int
    ) -> None:
        """Compute the units from `first` to before `stop`."""
        _kernel(output.dtype)(input, packed, bias, output, self.table, first, stop)


@cache
def _kernel(dtype: np.dtype[Any]) -> Callable[..., None]:
    array = np.empty(0, dtype)
    return specialised(_run, array, array, array, array, np.empty(0, np.int64), 0, 0)


@cache
def _packer(dtype: np.dtype[Any]) -> Callable[..., None]:
    array = np.empty(0, dtype)
    return specialised(_pack, array, 0, array)


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> WinogradPlan | None:
    """Plan a convolution of 3 x 3 kernels with stride 1; None for all others."""
    if not _applies(geometry):
        return None
    _, y, x = geometry.embedded
    lanes = host().lanes(dtype.itemsize)
    channels, outputs = geometry.in_channels, geometry.out_channels
    batch = 1 if geometry.batch is None else geometry.batch
    down, across = -(-y.output_size // OUT_SIDE), -(-x.output_size // OUT_SIDE)
    tiles = batch * down * across
    vector_bytes = POINTS * channels * lanes * dtype.itemsize
    most = max(1, POINTS_BYTES // vector_bytes)
    vectors = min(most, -(-tiles // lanes))
    runs = -(-tiles // (vectors * lanes))
    vectors = max(1, -(-tiles // (lanes * max(1, runs))))
    unit = vectors * lanes
    runs = -(-tiles // unit)
    blocks = -(-outputs // ROWS)
    share = blocks if runs >= threads else -(-blocks // threads)
    shares = -(-blocks // share)

    rows = min(-(-(unit - 1) // across) + 1, batch * down)  # rows of tiles that a unit may touch
    pitch = -(-(OUT_SIDE * across + 2) // lanes) * lanes
    band = pitch * (OUT_SIDE * rows + 2)
    plane = rows * across + lanes
    columns_at = band
    points_at = columns_at + -(-POINTS * plane // lanes) * lanes + 4 * lanes
    sums_at = points_at + vectors * lanes * POINTS * channels
    rows_at = sums_at + POINTS * ROWS * VECTORS * lanes
    scratch = rows_at + ROWS * OUT_SIDE * OUT_SIDE * unit + lanes + 64 // dtype.itemsize

    sources = [*y.source.tolist(), *[-1] * (OUT_SIDE * down + 2 - y.layout_size)]
    before, after = x.pad
    beyond = before + x.input_size
    border = x.source_at([*range(before), *range(beyond, beyond + after)])
    table = np.zeros(FIELDS + len(sources) + len(border) + 1, np.int64)
    table[FIELDS + 1 :] = [*sources, *border]
    values = {
        bands.CHANNELS: channels,
        bands.IN_Z: 1,
        bands.IN_Y: y.input_size,
        bands.IN_X: x.input_size,
        bands.STRIDE_Z: 1,
        bands.STRIDE_Y: 1,
        bands.STRIDE_X: 1,
        bands.BEFORE_X: before,
        bands.SPAN_Y: 1,
        bands.SPAN_X: x.span,
        bands.OUT_Y: y.output_size,
        bands.OUT_X: x.output_size,
        bands.SLICES: 1,
        bands.PITCH: pitch,
        bands.SEGMENT: pitch,
        bands.SCRATCH: scratch,
        bands.LANES: lanes,
        bands.BORDERS: x.mode != "zeros",
        bands.PHASES: 1,
        bands.PHASE_LIST: FIELDS,  # one 0: the only phase, and the only slice
        bands.SLICE_LIST: FIELDS,
        bands.ROW_LIST: FIELDS + 1,
        bands.BORDER_LIST: FIELDS + 1 + len(sources),
        BATCH: batch,
        OUT_CHANNELS: outputs,
        TILES: tiles,
        DOWN: down,
        ACROSS: across,
        UNIT: unit,
        SHARES: shares,
        SHARE: share,
        COLUMNS_AT: columns_at,
        COLUMNS_PLANE: plane,
        POINTS_AT: points_at,
        SUMS_AT: sums_at,
        ROWS_AT: rows_at,
    }
    table[list(values)] = list(values.values())
    return WinogradPlan(runs * shares, table)


def _applies(geometry: Geometry) -> bool:
    return (
        geometry.rank == 2
        and geometry.groups == 1
        and not geometry.transposed
        and all((a.kernel_size, a.stride, a.dilation) == (3, 1, 1) for a in geometry.axes)
    )
