"""Small maps and many channels: whole maps in cache, output channels in vectors.

A unit of work is a band of rows (`stepconv.kernels.small_bands`) of one or several samples, of one
group and depth, for all blocks of output channels or a share of them. As in
`stepconv.kernels.direct` the band is copied into scratch (but for kernels of 1, which read the
input in its place), and a block of output channels passes over it at a time; here a block is 32
channels (in float32 on AVX-512), and a tile takes two runs of up to 7 pixels
(`stepconv.kernels.small_tiles`).

With 16 registers a tile has 6 single pixels, and what it reads for each product is twice as much.
So it must come from the first cache, and a long sum is done part by part, a group of tiles at a
time; between its parts the sums wait in scratch::

    for block in blocks of output channels:
        for group in groups of tiles:
            for part in channels:                 its weights and pixels stay in the first cache
                for tile in group:
                    for channel in part, for tap: multiply-adds

Where runs are longer than a pixel, the rows of a band are cut into runs, shorter ones outside::

    33 columns    6 7 7 7 6

With a padding and dilation of 6, as in networks that segment images, the outer runs lie in the
padding of the outer taps altogether. Runs with the same taps are paired.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.bands import (
    BAND_SETTINGS,
    SOURCE_Y,
    Layout,
    fill,
)
from stepconv.kernels.cutting import BAND_BYTES, flattened, in_place
from stepconv.kernels.drivers import allocate, inlined, lanes
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, sums, vectors_of
from stepconv.kernels.lowering import driver
from stepconv.kernels.runs import Runs
from stepconv.kernels.small_bands import RowBands, row_bands
from stepconv.kernels.small_tiles import RUN, RUNS, SMALL_RECORD, WIDE, small_tile
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import (
    CHANNELS,
    IN_PLACE,
    PLANE,
    SPAN,
    TAPS,
    TILE_ROWS,
    TILE_VECTORS,
    pack_block,
)

Axes = tuple[Axis, Axis, Axis]

#: Bytes of a band of some of the rows, where not all fit. Zen 3 has 512 KB of second cache, which
#: output and weights pass through too: 3x3s2 128@56 takes 3 % less time than with 800 KB; with 300
#: vgg 3x3 128@112 takes 4 % more. Maps that fit as a whole lose up to 20 %: weights pass twice.
SOME_ROWS_BYTES = BAND_BYTES if host().registers == 32 else 400 * 1024
#: Bytes of the pixels and totals of a group of tiles: more than the first cache, 32 KB on Zen 3,
#: since those of a tile overlap. 24 to 100 do alike within 3 %; with 6 the 3x3 layers take 4 %
#: longer.
GROUP_BYTES = 48 * 1024
#: Pages of memory on which the pixels of a part may lie. Zen 3 knows the places of 64 at once;
#: 1x1 256-64@56, where each channel has its own, takes 1.45 ms with 64 or more, 1.27 with 43.
PART_PAGES = 48
PAGE_BYTES = 4096
#: Bytes of pixels read in their place that all blocks pass over in turn: for the second cache.
STRETCH_BYTES = 200 * 1024
#: More tiles than there are.
_ALL = 1 << 40

# Settings, after those of the band.
(
    GROUPS,
    GROUP_OUTPUTS,
    IMAGE,  # cells of an input channel
    OUT_DEPTH,
    OUT_HEIGHT,
    OUT_WIDTH,
    SAMPLES,
    TOGETHER,  # samples of a unit
    BANDS,
    CORNER_STEP,  # from one band to the next: rows of the output, of the list of sources
    SOURCE_STEP,
    SHARES,  # a unit computes every SHARES-th block
    BLOCK,  # output channels of a tile
    SAMPLE_STEP,  # numbers from one sample's band to the next's
    LISTS_AT,  # where the lists of tiles begin: of each band, then of each with fewer samples
    STRETCH,  # numbers of the records that all blocks pass over in turn, and of a group of tiles
    GROUP,
    PART,  # channels of a part
    BIASES_AT,
    SCRATCH,
) = range(BAND_SETTINGS, BAND_SETTINGS + 20)


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
    groups, outputs = settings[GROUPS], settings[GROUP_OUTPUTS]
    image = settings[CHANNELS] * settings[IMAGE]
    block, plane = settings[BLOCK], settings[PLANE]
    blocks = (outputs + block - 1) // block
    weights = settings[CHANNELS] * settings[TAPS] * block
    biases_at = settings[BIASES_AT]
    for unit in range(first, stop):
        rest, share = divmod(unit, settings[SHARES])
        rest, band = divmod(rest, settings[BANDS])
        rest, z = divmod(rest, settings[OUT_DEPTH])
        batch, group = divmod(rest, groups)
        sample, y = batch * settings[TOGETHER], band * settings[CORNER_STEP]
        row = band * settings[SOURCE_STEP]
        together = min(settings[TOGETHER], settings[SAMPLES] - sample)
        start = (sample * groups + group) * image
        if settings[IN_PLACE] == 0:
            for other in range(together):
                at = other * settings[SAMPLE_STEP]
                fill(scratch, at, input, start, settings, tables, z, row, 0)
                start += groups * image
            start = 0
        corner = (z * settings[OUT_HEIGHT] + y) * settings[OUT_WIDTH]
        listed = settings[LISTS_AT] + band
        if together < settings[TOGETHER]:
            listed += settings[BANDS]
        last = tables[listed + 1]
        for stretch in range(tables[listed], last, settings[STRETCH]):
            end = min(stretch + settings[STRETCH], last)
            for each in range(share, blocks, settings[SHARES]):
                done = group * outputs + each * block
                valid = min(block, outputs - each * block)
                for row in range(valid):
                    scratch[biases_at + row] = bias[done + row]
                sweep(
                    settings,
                    tables,
                    stretch,
                    end,
                    input,
                    scratch,
                    start,
                    weight,
                    (group * blocks + each) * weights,
                    output,
                    (sample * groups * outputs + done) * plane + corner,
                    valid,
                )


@inlined
def sweep(
    settings: Any,
    tables: Any,
    begin: int,
    end: int,
    input: Any,
    scratch: Any,
    start: int,
    weight: Any,
    weight_at: int,
    output: Any,
    cell: int,
    valid: int,
) -> None:
    """Compute the tiles of some records for one block of output channels, group after group."""
    biases_at = settings[BIASES_AT]
    for first in range(begin, end, settings[GROUP]):
        last = min(first + settings[GROUP], end)
        for part in range(0, settings[CHANNELS], settings[PART]):
            totals_at = biases_at + settings[BLOCK]
            for record in range(first, last, SMALL_RECORD):
                small_tile(
                    RUN,
                    RUNS,
                    WIDE,
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
                    part,
                    totals_at,
                )
                totals_at += RUNS * settings[BLOCK]


@driver
def pack(sizes: Any, weight: Any, packed: Any, first: int, stop: int) -> None:
    """Lay out weights [output][term] as [group][block][term][channel], absent ones as 0.

    `sizes` are the outputs of a group, the terms of each, and the channels of a block; a unit is a
    block.
    """
    outputs, terms, block = sizes[0], sizes[1], sizes[2]
    blocks = (outputs + block - 1) // block
    for unit in range(first, stop):
        group, number = divmod(unit, blocks)
        for vector in range(WIDE):
            channel = number * block + vector * lanes(weight)
            pack_block(
                lanes(weight),
                weight,
                (group * outputs + channel) * terms,
                terms,
                outputs - channel,
                packed,
                unit * block * terms + vector * lanes(weight),
                block,
            )


class SmallPlan(TiledPlan):
    """Runs of pixels over whole maps; see the module."""

    def __init__(
        self,
        geometry: Geometry,
        dtype: np.dtype[Any],
        axes: Axes,
        threads: int,
        runs: Runs,
        rows: RowBands,
        together: int,
        in_place: bool,
    ) -> None:
        depth, height, width = (axis.output_size for axis in axes)
        samples = 1 if geometry.batch is None else geometry.batch
        layout, bands = rows.layout, rows.count
        lanes = host().lanes(dtype.itemsize)
        image = prod(axis.input_size for axis in axes)
        step = image if in_place else layout.channel
        numbers = geometry.group_inputs * step
        sample_step = geometry.in_channels * image if in_place else numbers
        batches = -(-samples // together)
        block = WIDE * lanes
        outputs, terms = geometry.group_outputs, geometry.terms
        blocks = -(-outputs // block)
        units = batches * geometry.groups * depth * bands
        shares = min(threads, blocks) if units % threads and units < 8 * threads else 1
        tables = Tables()
        settings = layout.describe(tables)
        if rows.sources is not None:
            settings[SOURCE_Y] = tables.add(rows.sources)
        most = PART_PAGES * max(1, PAGE_BYTES // (step * dtype.itemsize)) if RUN == 1 else None
        settings |= sums(tables, geometry.group_inputs, step, layout.offsets, most)
        plane = depth * height * width
        lists = runs.listed(tables, layout, block, settings[SPAN], step)
        parts = (together, samples % together) if samples % together else (together,)
        tiles = [
            runs.tiles(
                lists,
                outputs_of,
                lines,
                part,
                sample_step,
                layout.columns,
                plane * geometry.out_channels,
            )
            for part in parts
            for outputs_of, lines in zip(rows.outputs, rows.lines, strict=True)
        ]
        starts = [tables.add(each.ravel()) for each in tiles]
        grouped, stretch = order(geometry, dtype, settings[SPAN], block, in_place)
        band = 0 if in_place else together * sample_step
        settings |= {
            PLANE: plane,
            IN_PLACE: in_place,
            GROUPS: geometry.groups,
            GROUP_OUTPUTS: outputs,
            IMAGE: image,
            OUT_DEPTH: depth,
            OUT_HEIGHT: height,
            OUT_WIDTH: width,
            SAMPLES: samples,
            TOGETHER: together,
            BANDS: bands,
            CORNER_STEP: rows.corner_step,
            SOURCE_STEP: rows.source_step,
            SHARES: shares,
            BLOCK: block,
            SAMPLE_STEP: sample_step,
            LISTS_AT: tables.add([*starts, starts[-1] + tiles[-1].size]),
            STRETCH: SMALL_RECORD * stretch,
            GROUP: SMALL_RECORD * grouped,
            PART: settings[SPAN] if RUN == 1 else settings[CHANNELS],
            BIASES_AT: band,
            SCRATCH: band + block + grouped * RUNS * block,
        }
        super().__init__(
            convolve,
            pack,
            dtype,
            units * shares,
            settings,
            tables.array(),
            (outputs, terms, block),
            geometry.groups * blocks,
            block * terms,
            settings[SCRATCH],
        )


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> SmallPlan | None:
    """Return a plan where runs of pixels waste less than vectors of them."""
    if geometry.transposed:
        return None
    axes = flattened(geometry.embedded)
    whole = in_place(axes) and axes[2].output_size >= RUN
    channel = geometry.group_inputs * dtype.itemsize
    most = BAND_BYTES // channel

    def fits(layout: Layout) -> bool:
        return whole or layout.channel <= most

    rows = row_bands(axes, fits)
    if rows is None:
        return None
    if rows.count > 1 and SOME_ROWS_BYTES // channel < most:
        most = SOME_ROWS_BYTES // channel
        rows = row_bands(axes, fits) or rows
    samples = 1 if geometry.batch is None else geometry.batch
    uneven = samples * geometry.groups * axes[0].output_size * rows.count % threads
    if uneven and _cells(axes) > geometry.group_outputs * prod(geometry.kernel_size):
        # Threads that share a band fill it twice; those with bands of their own read the weights
        # twice, which are less here: 8 % faster for 3x3 with stride 2, 128 channels on 56x56.
        rows = row_bands(axes, fits, threads) or rows
    together = 1
    if rows.count == 1:
        image = _cells(axes) if whole else rows.layout.channel
        together = max(1, min(most // image, samples // threads))
    # Single pixels that see the same taps may be few, and then leave a rest.
    ways = [Runs(axes, whole, apart) for apart in ((True,) if RUN > 1 else (False, True))]
    runs = min(ways, key=lambda way: way.cycles(geometry, dtype, together))
    if runs.cycles(geometry, dtype) > _direct_cycles(geometry, axes, dtype):
        return None
    return SmallPlan(geometry, dtype, axes, threads, runs, rows, together, whole)


def order(
    geometry: Geometry, dtype: np.dtype[Any], span: int, block: int, in_place: bool
) -> tuple[int, int]:
    """Return how many tiles make a group, and how many all blocks pass over in turn.

    Where runs are longer than a pixel, a tile sums all its channels at once, block after block.
    """
    if RUN > 1:
        return 1, _ALL
    group = RUNS * (span + block) * dtype.itemsize  # a part of the pixels, and their totals
    stretch = RUNS * geometry.group_inputs * dtype.itemsize if in_place else 1
    return max(1, GROUP_BYTES // group), max(1, STRETCH_BYTES // stretch) if in_place else _ALL


def _cells(axes: Axes) -> int:
    """Cells of one channel of the input."""
    return prod(axis.input_size for axis in axes)


def _direct_cycles(geometry: Geometry, axes: Axes, dtype: np.dtype[Any]) -> float:
    """Cycles that `stepconv.kernels.direct` would take for one plane of all output channels."""
    layout = Layout.of(axes, axes[1].output_size, axes[2].output_size)
    size = axes[1].output_size, axes[2].output_size
    tiles = vectors_of(*size, layout.columns, host().lanes(dtype.itemsize))[0] / TILE_VECTORS
    step, begin = (12.3, 50) if RUN > 1 else (8.2, 20) if in_place(axes) else (7.0, 25)
    return -(-geometry.group_outputs // TILE_ROWS) * tiles * (geometry.terms * step + begin)
