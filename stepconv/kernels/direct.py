"""Convolutions with many channels: a band of the input into cache, then tile after tile from it.

A unit of work is a band of output rows of one sample, group and depth, for all the group's
output channels or a share of them. Its input is copied into scratch
(`stepconv.kernels.bands`), where every tap is a shifted read, if it does not lie so already. Then,
for each block of output channels that a register tile holds (`stepconv.kernels.tiles`), the
tile moves over the band::

    for block in blocks of output channels:         its weights stay in the first cache
        for tile in tiles of output pixels:         the band streams from the second
            for channel, for tap: multiply-adds     sums stay in registers

The pixels of a band are one long line: a tile that reaches the end of a row goes on in
the next, and the few numbers between two rows, which the kernel needs but which are no
pixels, are computed for nothing and dropped.

With 16 registers, which hold smaller tiles, pixels that are read in their place are cut into
stretches that fit the second cache, and all blocks pass over one after the other.

Without padding and stride the input looks as its band would, and is mostly not copied
(`stepconv.kernels.reading`); of kernels of 1 the pixels, whatever the rank, are one row.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.bands import (
    ANY_STRIDE,
    BAND_SETTINGS,
    HEIGHT,
    WIDTH,
    Layout,
    fill,
)
from stepconv.kernels.cutting import Cut, cut
from stepconv.kernels.drivers import allocate, inlined
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, sums, tile_lists
from stepconv.kernels.lowering import driver
from stepconv.kernels.reading import Reading, cells, flattened
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import (
    CHANNELS,
    IN_PLACE,
    PLANE,
    RECORD,
    TAPS,
    TILE_ROWS,
    TILE_VECTORS,
    pack_block,
    tile,
    tile_rows,
)

Axes = tuple[Axis, Axis, Axis]

#: More tiles than there are.
_ALL = 1 << 40
#: Bytes of pixels read in their place that all blocks pass over in turn, from the second cache. On
#: Zen 3 it takes a quarter off 1x1 64-256@56; with 32 registers `cutting.PLACE_BYTES` sees to it.
STRETCH_BYTES = _ALL if host().registers == 32 else 96 * 1024

# Settings, after those of the band.
(
    GROUPS,
    GROUP_OUTPUTS,
    IMAGE,  # cells of an input channel
    OUT_DEPTH,
    OUT_HEIGHT,
    OUT_WIDTH,
    BAND_ROWS,  # outputs of a unit; bands in a plane, strips in a row
    BAND_COLUMNS,
    BANDS,
    STRIPS,
    SHARES,  # a unit computes every SHARES-th block
    TILES_AT,  # where tiles begin: of whole bands, the last band, the last strip, the last of both
    STRETCH,  # numbers of the records that all blocks pass over in turn
    BIASES_AT,  # where in scratch the biases of a block stand
    SCRATCH,
) = range(BAND_SETTINGS, BAND_SETTINGS + 15)


@cache
def kernel(size: int) -> Any:
    """Return the kernel for tiles of `size` output channels."""

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
        for unit in range(first, stop):
            rest, share = divmod(unit, settings[SHARES])
            rest, strip = divmod(rest, settings[STRIPS])
            rest, band = divmod(rest, settings[BANDS])
            image, z = divmod(rest, settings[OUT_DEPTH])  # of the images, sample after sample
            y, x = band * settings[BAND_ROWS], strip * settings[BAND_COLUMNS]
            start = image * settings[CHANNELS] * settings[IMAGE]
            if settings[IN_PLACE] == 0:
                fill(1, ANY_STRIDE, scratch, 0, input, start, settings, tables, z, y, x, 0, 0)
                start = 0
            else:
                start += (z * settings[HEIGHT] + y) * settings[WIDTH] + x
            corner = (z * settings[OUT_HEIGHT] + y) * settings[OUT_WIDTH] + x
            listed = settings[TILES_AT]
            if band == settings[BANDS] - 1:
                listed += 2
            if strip == settings[STRIPS] - 1:
                listed += 4
            end = tables[listed + 1]
            for stretch in range(tables[listed], end, settings[STRETCH]):
                sweep(
                    size,
                    settings,
                    tables,
                    input,
                    scratch,
                    start,
                    weight,
                    bias,
                    output,
                    image,
                    corner,
                    share,
                    stretch,
                    min(stretch + settings[STRETCH], end),
                )

    return convolve


@inlined
def sweep(
    size: int,
    settings: Any,
    tables: Any,
    input: Any,
    scratch: Any,
    start: int,
    weight: Any,
    bias: Any,
    output: Any,
    image: int,
    corner: int,
    share: int,
    begin: int,
    end: int,
) -> None:
    """Move tiles over a stretch of a band, once for each block of output channels."""
    outputs = settings[GROUP_OUTPUTS]
    group = image % settings[GROUPS]
    blocks = (outputs + size - 1) // size
    biases_at = settings[BIASES_AT]
    weights = settings[CHANNELS] * settings[TAPS] * size
    for block in range(share, blocks, settings[SHARES]):
        done = block * size
        valid = min(size, outputs - done)
        for row in range(valid):
            scratch[biases_at + row] = bias[group * outputs + done + row]
        weight_at = (group * blocks + block) * weights
        cell = (image * outputs + done) * settings[PLANE] + corner
        for record in range(begin, end, RECORD):
            tile(
                size,
                TILE_VECTORS,
                settings,
                tables,
                record,
                input,
                scratch,
                start,
                weight,
                weight_at,
                biases_at,
                output,
                cell,
                valid,
            )


@cache
def packer(size: int) -> Any:
    """Return what packs weights for such tiles."""

    @driver
    def pack(sizes: Any, weight: Any, packed: Any, first: int, stop: int) -> None:
        """Lay out weights [output][term] as [group][block][term][row], rows beyond a group's as 0.

        `sizes` are the outputs of a group and the terms of each; a unit is a block.
        """
        outputs, terms = sizes[0], sizes[1]
        blocks = (outputs + size - 1) // size
        for unit in range(first, stop):
            group, block = divmod(unit, blocks)
            pack_block(
                size,
                weight,
                (group * outputs + block * size) * terms,
                terms,
                terms,
                min(size, outputs - block * size),
                packed,
                unit * size * terms,
                size,
            )

    return pack


# What `stepconv.kernels.rows` calls.
convolve, pack = kernel(TILE_ROWS), packer(TILE_ROWS)


class DirectPlan(TiledPlan):
    """Tiles over bands; see the module."""

    def __init__(self, geometry: Geometry, dtype: np.dtype[Any], axes: Axes, cut: Cut) -> None:
        outputs, terms = geometry.group_outputs, geometry.terms
        size = tile_rows(outputs)
        blocks = -(-outputs // size)
        height, width = axes[1].output_size, axes[2].output_size
        bands, strips = -(-height // cut.rows), -(-width // cut.columns)
        images = (1 if geometry.batch is None else geometry.batch) * geometry.groups
        units = images * axes[0].output_size * bands * strips * cut.shares
        lanes = host().lanes(dtype.itemsize)
        layout = Layout.of(axes, cut.rows, cut.columns)
        tables = Tables()
        settings = layout.describe(tables)
        image = cells(axes)
        if cut.in_place:
            read = Reading.in_place(axes, geometry.group_inputs)
        else:
            read = Reading.of_band(layout, geometry.group_inputs)
        band = 0 if cut.in_place else read.sample
        column = geometry.group_inputs * TILE_VECTORS * lanes * dtype.itemsize  # of a tile
        settings |= sums(tables, geometry.group_inputs, read.channel, read.offsets[0])
        settings |= {
            PLANE: prod(axis.output_size for axis in axes),
            IN_PLACE: cut.in_place,
            GROUPS: geometry.groups,
            GROUP_OUTPUTS: outputs,
            IMAGE: image,
            OUT_DEPTH: axes[0].output_size,
            OUT_HEIGHT: height,
            OUT_WIDTH: width,
            BAND_ROWS: cut.rows,
            BAND_COLUMNS: cut.columns,
            BANDS: bands,
            STRIPS: strips,
            SHARES: cut.shares,
            TILES_AT: tile_lists(
                tables,
                (cut.rows, cut.columns),
                (height, width),
                read.row,
                width,
                lanes,
                cut.in_place,
            ),
            STRETCH: RECORD * (max(1, STRETCH_BYTES // column) if cut.in_place else _ALL),
            BIASES_AT: band,
            SCRATCH: band + size,
        }
        super().__init__(
            kernel(size),
            packer(size),
            dtype,
            units,
            settings,
            tables.array(),
            (outputs, terms),
            geometry.groups * blocks,
            size * terms,
            settings[SCRATCH],
        )


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> DirectPlan | None:
    """Return a plan for any convolution that is not transposed."""
    if geometry.transposed:
        return None
    axes = flattened(geometry.embedded)
    return DirectPlan(geometry, dtype, axes, cut(geometry, dtype, axes, threads))
