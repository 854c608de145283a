"""Transposed convolutions whose kernel is no larger than the stride: each pixel makes a block.

No cell of the output meets two pixels, so nothing is summed over taps::

    kernel of 2, stride 2      kernel of 1, stride 2

        0 0 1 1 2 2                0 . 1 . 2 .        each cell shows the pixel that it meets;
        0 0 1 1 2 2                . . . . . .        a gap is the bias alone

By phases (`stepconv.kernels.phases`) each would be computed by itself, wait beside the band, and
be dealt out to the rows of the output. But all of them meet the same pixels: so the taps of a row
of the kernel are rows of one tile, as if they were output channels of a kernel of 1. A tile of 4
channels under a kernel of 2 columns, with 16 lanes ::

                          pixels 0-15  16-31  32-47
    column 0, channel 0       sum       sum    sum      the sums of both columns are woven,
    ...                                                 and stored as 32 cells side by side:
    column 1, channel 0       sum       sum    sum      0 0' 1 1' 2 2' ...
    ...

The pixels are read in their place and run on across the ends of rows; a vector in which a row ends
is stored in two pieces. A unit is a stretch of the pixels of one depth, for all output channels.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.drivers import allocate, emitted, inlined, lanes
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, sums
from stepconv.kernels.lowering import driver
from stepconv.kernels.phases import packer
from stepconv.kernels.reading import cells
from stepconv.kernels.small_tiles import SINGLE
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import (
    CHANNEL_STEP,
    CHANNELS,
    IN_PLACE,
    PLANE,
    TILE_ROWS,
    TILE_SETTINGS,
    TILE_VECTORS,
    multiply,
    step_share,
)

#: Bytes of the pixels of a unit, which all rows of tiles pass over; the second cache should hold
#: them beside weights and output. On Zen 4 unet's 2x2 takes 4 % longer with 400 KB, 2 % with 24.
STRETCH_BYTES = 160 * 1024

# Settings, after those of the tiles.
(
    GROUPS,
    GROUP_OUTPUTS,
    DEPTH,
    HEIGHT,
    WIDTH,
    OUT_DEPTH,
    OUT_HEIGHT,
    OUT_WIDTH,
    KERNEL_DEPTH,
    KERNEL_HEIGHT,
    STRIDE_DEEP,
    STRIDE_HIGH,
    STRETCHES,  # units of a depth
    SCRATCH,  # the biases of a tile
) = range(TILE_SETTINGS, TILE_SETTINGS + 14)


@cache
def kernel(channels: int, taps: int, wide: int) -> Any:
    """Return the kernel for tiles of some channels, a row of the kernel and a stride along it."""

    @driver
    def convolve(
        settings: Any,
        tables: Any,
        input: Any,
        weight: Any,
        bias: Any,
        output: Any,
        first: int,
        stop: int,
    ) -> None:
        """Compute the units from `first` to before `stop`."""
        scratch = allocate(settings[SCRATCH], output)
        outputs, pixels = settings[GROUP_OUTPUTS], settings[HEIGHT] * settings[WIDTH]
        blocks = (outputs + channels - 1) // channels
        for unit in range(first, stop):
            rest, stretch = divmod(unit, settings[STRETCHES])
            image, z = divmod(rest, settings[DEPTH])
            group = image % settings[GROUPS]
            start = image * settings[CHANNELS] * settings[CHANNEL_STEP] + z * pixels
            vectors, of = (pixels + lanes(output) - 1) // lanes(output), settings[STRETCHES]
            begin = stretch * vectors // of * lanes(output)
            end = min((stretch + 1) * vectors // of * lanes(output), pixels)
            level = z * settings[STRIDE_DEEP]
            for block in range(blocks):
                done = block * channels
                valid = min(channels, outputs - done)
                for row in range(valid):
                    for tap in range(taps):
                        at = tap * channels + row
                        scratch[at] = bias[group * outputs + done + row]
                cell = (image * outputs + done) * settings[PLANE]
                sweep(
                    channels, taps, wide, settings, tables, input, start, begin, end,
                    weight, group * blocks + block, scratch, output, cell, level, valid,
                )  # fmt: skip
            deep, high = settings[STRIDE_DEEP], settings[STRIDE_HIGH]
            if deep > settings[KERNEL_DEPTH] or high > settings[KERNEL_HEIGHT]:
                top = stretch * settings[HEIGHT] // of * high
                bottom = (stretch + 1) * settings[HEIGHT] // of * high
                for channel in range(outputs):
                    plane = (image * outputs + channel) * settings[OUT_DEPTH]
                    leave_gaps(
                        settings, bias, group * outputs + channel, output, plane,
                        level, top, min(bottom, settings[OUT_HEIGHT]),
                    )  # fmt: skip

    return convolve


@inlined
def sweep(
    channels: int,
    taps: int,
    wide: int,
    settings: Any,
    tables: Any,
    input: Any,
    start: int,
    begin: int,
    end: int,
    weight: Any,
    number: int,
    scratch: Any,
    output: Any,
    cell: int,
    level: int,
    valid: int,
) -> None:
    """Move tiles over the pixels of a unit, once for each row of the kernel."""
    vectors = max(2, (end - begin + lanes(output) - 1) // lanes(output))
    tiles = (vectors + TILE_VECTORS - 1) // TILE_VECTORS
    whole = vectors - (TILE_VECTORS - 1) * tiles  # the other tiles have a vector less
    lines = settings[KERNEL_DEPTH] * settings[KERNEL_HEIGHT]
    weights = settings[CHANNELS] * channels * taps
    for line in range(lines):
        deep, high = divmod(line, settings[KERNEL_HEIGHT])
        row = (level + deep) * settings[OUT_HEIGHT] + high
        for tile in range(tiles):
            pixel = begin + (TILE_VECTORS * tile - max(0, tile - whole)) * lanes(output)
            row_of_blocks(
                channels, taps, wide, settings, tables, input, start, pixel, end,
                TILE_VECTORS if tile < whole else TILE_VECTORS - 1,
                weight, (number * lines + line) * weights, scratch,
                output, cell + row * settings[OUT_WIDTH], valid,
            )  # fmt: skip


@emitted
def row_of_blocks(
    code: Code,
    channels: int,
    taps: int,
    wide: int,
    settings: Value,
    tables: Value,
    input: Value,
    start: Value,
    pixel: Value,
    end: Value,
    count: Value,
    weight: Value,
    weight_at: Value,
    scratch: Value,
    output: Value,
    cell: Value,
    valid: Value,
) -> None:
    """Compute a row of the blocks that some pixels make, in `count` vectors from `pixel` on.

    None reads behind `end`: the last is moved back. The row of the block of pixel 0 starts at
    output[cell]; the biases of the tile's rows stand in `scratch`.
    """
    weights = code.move(weight, weight_at)
    target = code.move(output, cell)
    for vectors in range(2, TILE_VECTORS + 1):
        with code.when(code.compare(count, "==", vectors)):
            wanted = [code.add(pixel, v * code.lanes) for v in range(vectors)]
            begins = [code.least(begin, code.subtract(end, code.lanes)) for begin in wanted]
            pixels = code.move(input, code.add(start, begins[0]))
            apart = [code.subtract(begin, begins[0]) for begin in begins]
            made = multiply(
                code, channels * taps, apart, settings, tables, pixels, weights, scratch
            )
            for v in range(vectors):
                own = made[v::vectors]
                lines = []
                for row in range(channels):
                    gap = code.splat(code.load_one(scratch, row)) if wide > taps else None
                    phases = own[row::channels] + [gap] * (wide - taps)
                    lines.append(code.weave(phases))
                done = code.subtract(wanted[v], begins[v])
                keep(code, wide, settings, lines, target, valid, begins[v], done)


def keep(
    code: Code,
    wide: int,
    settings: Value,
    lines: list[list[Value]],
    target: Value,
    valid: Value,
    begin: Value,
    done: Value,
) -> None:
    """Emit the stores of the cells of a vector of pixels, for each channel.

    Its first `done` pixels were stored with the vector before. A row of pixels may end in it::

        pixels  5 6 7 0 1 2          row    ... 5 5 6 6 7 7
                                     next   0 0 1 1 2 2 ...
    """
    width, out_width = code.load_one(settings, WIDTH), code.load_one(settings, OUT_WIDTH)
    plane = code.load_one(settings, PLANE)
    row = code.floor(begin, width)
    column = code.subtract(begin, code.multiply(row, width))
    pitch = code.multiply(out_width, code.load_one(settings, STRIDE_HIGH))
    place = code.add(code.multiply(row, pitch), code.multiply(column, wide))
    first = code.move(target, place)
    # Cells of this row, and from where on those of the next.
    kept = code.least(code.subtract(out_width, code.multiply(column, wide)), wide * code.lanes)
    turn = code.multiply(code.subtract(width, column), wide)
    start = code.multiply(done, wide)
    following = code.move(first, code.subtract(pitch, code.multiply(width, wide)))
    whole = code.both(code.compare(kept, "==", wide * code.lanes), code.compare(done, "==", 0))

    def store_whole(line: list[Value], further: Value) -> None:
        for part, vector in enumerate(line):
            code.store(vector, code.move(first, further), part * code.lanes)

    def store_some(line: list[Value], further: Value) -> None:
        for there, lo, hi in (
            (first, start, kept),
            (following, code.greatest(start, turn), wide * code.lanes),
        ):
            for part, vector in enumerate(line):
                at = part * code.lanes
                mask = code.between(code.subtract(lo, at), code.subtract(hi, at))
                code.store_masked(vector, code.move(there, code.add(further, at)), mask)

    with code.builder.if_else(whole) as branches:
        for branch, store in zip(branches, (store_whole, store_some), strict=True):
            with branch:
                for number, line in enumerate(lines):
                    with code.when(code.compare(valid, ">", number)):
                        store(line, code.multiply(plane, number))


@inlined
def leave_gaps(
    settings: Any,
    bias: Any,
    bias_at: int,
    output: Any,
    plane: int,
    level: int,
    top: int,
    bottom: int,
) -> None:
    """Fill the rows from `top` to before `bottom` that no row of the kernel reaches."""
    deep, high = settings[STRIDE_DEEP], settings[STRIDE_HIGH]
    width = settings[OUT_WIDTH]
    for z in range(level, min(level + deep, settings[OUT_DEPTH])):
        for y in range(top, bottom):
            if z - level >= settings[KERNEL_DEPTH] or y % high >= settings[KERNEL_HEIGHT]:
                repeat(
                    bias, bias_at, output, ((plane + z) * settings[OUT_HEIGHT] + y) * width, width
                )


@emitted
def repeat(
    code: Code, bias: Value, bias_at: Value, output: Value, cell: Value, count: Value
) -> None:
    """Store a bias `count` times."""
    number, target = code.splat(code.load_one(bias, bias_at)), code.move(output, cell)
    with code.loop(code.ceiling(count, code.lanes)) as loop:
        done = code.multiply(loop.index, code.lanes)
        mask = code.first(code.least(code.subtract(count, done), code.lanes))
        code.store_masked(number, code.move(target, done), mask)
        loop.next()


class MosaicPlan(TiledPlan):
    """Blocks of the output, one for each pixel; see the module."""

    def __init__(self, geometry: Geometry, dtype: np.dtype[Any], threads: int) -> None:
        z, y, x = geometry.embedded
        inputs, outputs = geometry.group_inputs, geometry.group_outputs
        taps, lines = x.kernel_size, z.kernel_size * y.kernel_size
        channels = _channels(outputs, taps)
        images = (1 if geometry.batch is None else geometry.batch) * geometry.groups
        planes = images * z.input_size
        pixels = y.input_size * x.input_size
        vector = host().lanes(dtype.itemsize)
        parts = -(-inputs * pixels * dtype.itemsize // STRETCH_BYTES)
        parts = min(parts, -(-pixels // (TILE_VECTORS * vector)))
        if planes % threads and planes < 8 * threads:
            parts = -(-parts // threads) * threads
        parts = min(parts, -(-pixels // vector))
        tables = Tables()
        image = cells(geometry.embedded)
        settings = sums(tables, inputs, image, np.zeros(1, np.int64))
        rows = channels * taps
        settings |= {
            CHANNEL_STEP: image,
            PLANE: z.output_size * y.output_size * x.output_size,
            IN_PLACE: True,
            GROUPS: geometry.groups,
            GROUP_OUTPUTS: outputs,
            DEPTH: z.input_size,
            HEIGHT: y.input_size,
            WIDTH: x.input_size,
            OUT_DEPTH: z.output_size,
            OUT_HEIGHT: y.output_size,
            OUT_WIDTH: x.output_size,
            KERNEL_DEPTH: z.kernel_size,
            KERNEL_HEIGHT: y.kernel_size,
            STRIDE_DEEP: z.stride,
            STRIDE_HIGH: y.stride,
            STRETCHES: parts,
            SCRATCH: rows,
        }
        # Of each tap its row of the tile, from that of its line of the kernel on.
        line, column = np.divmod(np.arange(lines * taps), taps)
        places = np.column_stack(
            [line * inputs * rows + column * channels, np.full(lines * taps, rows)]
        )
        super().__init__(
            kernel(channels, taps, x.stride),
            packer(channels),
            dtype,
            planes * parts,
            settings,
            tables.array(),
            (inputs, outputs, lines * taps, *places.ravel()),
            geometry.groups * -(-outputs // channels),
            channels * lines * taps * inputs,
            rows,
        )


def _channels(outputs: int, taps: int) -> int:
    """Return how many channels a tile takes, with `taps` rows for each."""

    def cost(channels: int) -> float:
        return -(-outputs // channels) * step_share(channels * taps)

    return min(range(max(1, TILE_ROWS // taps), 0, -1), key=cost)


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> MosaicPlan | None:
    """Return a plan for kernels no larger than the stride, on rows of at least a vector.

    With 16 registers pixels of `stepconv.kernels.phase_pixels` are faster.
    """
    if not geometry.transposed or SINGLE:
        return None
    x = geometry.embedded[2]
    if x.input_size < host().lanes(dtype.itemsize) or x.stride > TILE_ROWS:
        return None
    return MosaicPlan(geometry, dtype, threads) if all(map(_apart, geometry.embedded)) else None


def _apart(axis: Axis) -> bool:
    """Whether tap k takes pixel i to the cell ``i * stride + k``, and no other pixel gets there."""
    full = (axis.input_size - 1) * axis.stride + axis.kernel_size
    dilated = axis.span > axis.kernel_size
    return (
        not dilated
        and axis.kernel_size <= axis.stride
        and axis.pad == (0, 0)
        and full <= axis.output_size <= axis.input_size * axis.stride
    )
