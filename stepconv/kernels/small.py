"""Small maps and many channels: whole maps in cache, output channels in vectors.

A unit of work is a band of rows (`stepconv.kernels.small_bands`) of one or several samples, of one
group and one or several depths, for all blocks of output channels or a share of them. As in
`stepconv.kernels.direct` the band is copied into scratch (but for kernels of 1, which read the
input in its place), and a block of output channels passes over it at a time; here a block is 32
channels (in float32 on AVX-512), and a tile takes two runs of up to 7 pixels
(`stepconv.kernels.small_tiles`).

In which order tiles are summed, `stepconv.kernels.small_order` says.

Where runs are longer than a pixel, the rows of a band are cut into runs of 7 pixels and fewer
(`stepconv.kernels.runs`), so that the least is multiplied under taps that lie in the padding::

    33 columns, dilation of 6    6 7 7 7 6      whole outer runs see padding alone under a tap
    32 columns, no dilation      7 6 6 6 7      the first pixel alone does, and the last

In a volume each depth shares planes of the input with the next, which are filled once.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.bands import (
    SOURCE_Y,
    STEP_Z,
    Layout,
    fill,
)
from stepconv.kernels.cutting import BAND_BYTES, flattened, in_place
from stepconv.kernels.drivers import allocate, inlined, lanes
from stepconv.kernels.emit import PAGE_BYTES
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, sums, vectors_of
from stepconv.kernels.lowering import driver
from stepconv.kernels.runs import Runs, TapLists, distinct
from stepconv.kernels.small_bands import RowBands, row_bands
from stepconv.kernels.small_order import order
from stepconv.kernels.small_tiles import (
    AHEAD_AT,
    PART,
    RUN,
    RUNS,
    SMALL_RECORD,
    SMALL_SETTINGS,
    WIDE,
    small_tile,
)
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
#: Pages of memory on which the pixels of a part may lie. Zen 3 knows the places of 64 at once;
#: 1x1 256-64@56, where each channel has its own, takes 1.45 ms with 64 or more, 1.27 with 43.
PART_PAGES = 48
#: Units that each thread should get where they take several depths.
SLABS_EACH = 4
# Settings, after those of the tiles.
(
    GROUPS,
    GROUP_OUTPUTS,
    IMAGE,  # cells of an input channel
    OUT_DEPTH,
    DEPTHS,  # depths of a unit; how many units they make; depth taps whose planes the next shares
    SLABS,
    KNOWN,
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
    LISTS_AT,  # for each depth where it stands where the lists of tiles begin: of each band, then
    # of each with fewer samples
    STRETCH,  # numbers of the records that all blocks pass over in turn, and of a group of tiles
    GROUP,
    BIASES_AT,
    SCRATCH,
) = range(SMALL_SETTINGS, SMALL_SETTINGS + 22)


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
        rest, slab = divmod(rest, settings[SLABS])
        batch, group = divmod(rest, groups)
        sample, y = batch * settings[TOGETHER], band * settings[CORNER_STEP]
        together = min(settings[TOGETHER], settings[SAMPLES] - sample)
        known = 0
        top = slab * settings[DEPTHS]
        for z in range(top, min(top + settings[DEPTHS], settings[OUT_DEPTH])):
            start = (sample * groups + group) * image
            turn = z * settings[STEP_Z] if settings[KNOWN] > 0 else 0
            if settings[IN_PLACE] == 0:
                for other in range(together):
                    at = other * settings[SAMPLE_STEP]
                    row = band * settings[SOURCE_STEP]
                    fill(scratch, at, input, start, settings, tables, z, row, 0, known, turn)
                    start += groups * image
                start = 0
                known = settings[KNOWN]
            corner = (z * settings[OUT_HEIGHT] + y) * settings[OUT_WIDTH]
            listed = tables[settings[LISTS_AT] + z] + band
            if together < settings[TOGETHER]:
                listed += settings[BANDS]
            last = tables[listed + 1]
            for stretch in range(tables[listed], last, settings[STRETCH]):
                end = min(stretch + settings[STRETCH], last)
                for each in range(share, blocks, settings[SHARES]):
                    done = group * outputs + each * block
                    valid = min(block, outputs - each * block)
                    for channel in range(valid):
                        scratch[biases_at + channel] = bias[done + channel]
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
                totals_at += RUNS * RUN * settings[BLOCK]


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
        known = 0 if in_place else shared_planes(axes[0])
        depths = slab(depth, batches * geometry.groups * bands, threads) if known else 1
        slabs = -(-depth // depths)
        units = batches * geometry.groups * slabs * bands
        shares = min(threads, blocks) if units % threads and units < 8 * threads else 1
        tables = Tables()
        settings = layout.describe(tables)
        if rows.sources is not None:
            settings[SOURCE_Y] = tables.add(rows.sources)
        most = PART_PAGES * max(1, PAGE_BYTES // (step * dtype.itemsize)) if RUN == 1 else None
        settings |= sums(tables, geometry.group_inputs, step, layout.offsets, most)
        plane = depth * height * width
        lists = TapLists(tables, block, settings[SPAN], step)
        parts = (together, samples % together) if samples % together else (together,)
        # Depths whose runs are of the same classes, and whose planes lie alike, share their tiles.
        turns = np.arange(depth) * axes[0].step % axes[0].kernel_size if known else np.zeros(depth)
        alike = np.column_stack([turns.astype(int), runs.classes.reshape(depth, -1)])
        kinds, kind = distinct(alike)
        tiles = [
            runs.tiles(
                partial(lists.of, layout.turned(turn)),
                np.array(classes).reshape(height, -1),
                outputs_of,
                lines,
                part,
                sample_step,
                layout.columns,
                plane * geometry.out_channels,
            )
            for turn, *classes in kinds.tolist()
            for part in parts
            for outputs_of, lines in zip(rows.outputs, rows.lines, strict=True)
        ]
        starts = [tables.add(each.ravel()) for each in tiles]
        listed = tables.add([*starts, starts[-1] + tiles[-1].size])
        way = order(geometry, dtype, settings[SPAN], block, in_place)
        band = 0 if in_place else together * sample_step
        settings |= {
            PLANE: plane,
            IN_PLACE: in_place,
            GROUPS: geometry.groups,
            GROUP_OUTPUTS: outputs,
            IMAGE: image,
            OUT_DEPTH: depth,
            DEPTHS: depths,
            SLABS: slabs,
            KNOWN: known,
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
            LISTS_AT: tables.add(listed + kind * (len(parts) * bands)),
            STRETCH: SMALL_RECORD * way.stretch,
            GROUP: SMALL_RECORD * way.group,
            PART: way.part,
            AHEAD_AT: way.ahead,
            BIASES_AT: band,
            SCRATCH: band + block + way.totals,
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


def shared_planes(axis: Axis) -> int:
    """Return how many planes of the input the kernel sees at one depth and at the next."""
    return max(0, axis.kernel_size - axis.step) if axis.dilation == 1 else 0


def slab(depth: int, others: int, threads: int) -> int:
    """Return how many depths make a unit, where `others` units share each depth.

    As many as leave each thread SLABS_EACH units, or fewer, and all threads as many.
    """
    if threads == 1:
        return depth
    for each in range(SLABS_EACH, 0, -1):
        fair = depth * others // (each * threads)
        for depths in (fair, fair + 1):
            if 1 < depths <= depth and -(-depth // depths) * others % threads == 0:
                return depths
    return 1


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
