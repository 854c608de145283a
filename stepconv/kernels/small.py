"""Small maps and many channels: output channels in vectors, and pixels one by one.

A unit of work is a band of rows of one or several samples, of one group and one or several depths,
for all blocks of output channels or a share of them. As in `stepconv.kernels.direct` a block of
output channels passes over it at a time; here a block is 32 channels (in float32 on AVX-512), or 16
where the last 16 would be empty, and a tile takes two runs of up to 7 pixels, or more of fewer::

    runs         how rows are cut into runs, which taps their pixels need
    reading      whether runs can read the input in its place, or a copy of the band
    small_bands  which rows make a band
    small_order  in which order tiles are summed
    small_lists  the lists that say all this to the kernel
    small_loops  the kernel: its loops
    small_tiles  the tile itself

Runs are cut so that the least is multiplied under taps that lie in the padding::

    33 columns, dilation of 6    6 7 7 7 6      whole outer runs see padding alone under a tap
    32 columns, no dilation      7 6 6 6 7      the first pixel alone does, and the last
    16 columns                   4 4 4 4        and tiles of three runs
    10 columns                   5 5

Then nothing is read that is no number of the input, and most layers of networks need no copy of it.
Where a band is filled as in `direct`, each depth of a volume shares planes with the next, which are
filled once.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.bands import SOURCE_Y, Layout
from stepconv.kernels.cutting import BAND_BYTES, filling
from stepconv.kernels.emit import PAGE_BYTES
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, span, sums, vectors_of
from stepconv.kernels.reading import Reading, cells, crowded, flattened, in_place, readable
from stepconv.kernels.runs import Runs
from stepconv.kernels.small_bands import RowBands, even_rows, row_bands
from stepconv.kernels.small_lists import TapLists, tile_lists
from stepconv.kernels.small_loops import (
    BANDS,
    BIASES_AT,
    BLOCK,
    CELL_STEP,
    CORNER_STEP,
    DEPTHS,
    GROUP,
    GROUP_OUTPUTS,
    GROUPS,
    IMAGE,
    KNOWN,
    LISTS_AT,
    NARROW,
    NONE,
    OUT_DEPTH,
    OUT_HEIGHT,
    OUT_WIDTH,
    PIXEL_STEP,
    PLANE_STEP,
    ROOM_AT,
    ROW_STEP,
    SAMPLE_STEP,
    SAMPLES,
    SCRATCH,
    SHARES,
    SLABS,
    SOURCE_STEP,
    STRETCH,
    TOGETHER,
    TOTALS_STEP,
    WIDER,
    kernel,
    pack,
)
from stepconv.kernels.small_order import order
from stepconv.kernels.small_tiles import (
    AHEAD_AT,
    PART,
    SINGLE,
    Shape,
    shapes,
)
from stepconv.kernels.tiled import TiledPlan
from stepconv.kernels.tiles import IN_PLACE, PLANE, SPAN, TILE_VECTORS, step_share, tile_rows

Axes = tuple[Axis, Axis, Axis]

#: Bytes of a band of some of the rows, where not all fit. Zen 3 has 512 KB of second cache, which
#: output and weights pass through too: 3x3s2 128@56 takes 3 % less time than with 800 KB; with 300
#: vgg 3x3 128@112 takes 4 % more. Maps that fit as a whole lose up to 20 %: weights pass twice.
SOME_ROWS_BYTES = BAND_BYTES if host().registers == 32 else 400 * 1024
#: The same where tiles read the input in its place, which lies less evenly in the second cache:
#: with 800 KB vgg 3x3 128@112 takes as long on a quiet machine, 5 % longer on a busy one.
SOME_IN_PLACE_BYTES = 500 * 1024
#: Columns up to which short runs are tried for the pieces that padding makes of a row: of longer
#: ones these are a small part (of 128 they take off 3 % at most), and there is much to try.
MOST_PIECED = 128
#: Pages of memory on which the pixels of a part may lie. Zen 3 knows the places of 64 at once;
#: 1x1 256-64@56, where each channel has its own, takes 1.45 ms with 64 or more, 1.27 with 43.
PART_PAGES = 48
#: What to fill a band adds to the cycles of its tiles, for most layers; where its rows are short,
#: such a share of what `stepconv.kernels.cutting` reckons for Zen 5 (measured on Zen 4).
FILLED, FILL_SHARE = 1.03, 0.6

# Cycles of a step of a tile of `direct`, and to begin and store it: from a band; from the input in
# its place, and there for each byte of input and output, if they are more than the caches hold: the
# more, the more channels of the input are read side by side.
_STEP, _BEGIN = (7.0, 25.0) if SINGLE else (12.3, 50.0)
_STEP_IN_PLACE, _BEGIN_IN_PLACE = (8.2, 20.0) if SINGLE else (12.9, 50.0)
_FAR_BYTES, _FAR_CHANNELS, _FAR_CYCLES = 14 << 20, 128, 0.0 if SINGLE else 0.002

#: Pixels of a band of rows that fit no band: a plan describes each tile of a band.
MOST_PIXELS = 1 << 16
#: Pixels below which a band read in its place is too small, where the weights of a block do not
#: stay in the first cache: all pass over each band. With 28 pixels 3x3s2 384-48@56 takes 1.3 times
#: as long as with 112 or 250.
LEAST_PIXELS, FIRST_BYTES = 100, 32 * 1024
#: Pixels of a band in its place where not even a row fits the cache: weights pass once over each.
GROUP_PIXELS = 900
#: Passes of the tiles over the weights up to which the kernel lays them out itself, in each, if
#: they are used once: the tiles then read them from a near cache. To write 9 MB of weights and read
#: them again takes 3x3 512@7 4 % more time where the third cache holds them, 60 % where it does
#: not. With 3 passes (deeplab 3x3 d6) it takes 1 % more to lay them out in each.
MOST_PASSES = 2
#: Bytes of scratch up to which it does.
SCRATCH_BYTES = 1000 * 1000
#: Units that each thread should get where they take several depths.
SLABS_EACH = 4


class SmallPlan(TiledPlan):
    """Runs of pixels over bands of rows; see the module."""

    def __init__(
        self,
        geometry: Geometry,
        dtype: np.dtype[Any],
        axes: Axes,
        threads: int,
        runs: Runs,
        rows: RowBands,
        together: int,
        once: bool,
    ) -> None:
        depth, height, width = (axis.output_size for axis in axes)
        samples = 1 if geometry.batch is None else geometry.batch
        layout, bands = rows.layout, rows.count
        lanes = host().lanes(dtype.itemsize)
        if runs.in_place:
            read, known = Reading.in_place(axes, geometry.in_channels), 0
            fills = NONE
        else:
            fills = NARROW if axes[2].step <= 2 else WIDER
            read = Reading.of_band(layout, geometry.group_inputs)
            known = shared_planes(axes[0])
        batches = -(-samples // together)
        block = runs.shape.wide * lanes
        outputs, terms = geometry.group_outputs, geometry.terms
        blocks = -(-outputs // block)
        depths = slab(depth, batches * geometry.groups * bands, threads) if known else 1
        slabs = -(-depth // depths)
        units = batches * geometry.groups * slabs * bands
        shares = min(threads, blocks) if units % threads and units < 8 * threads else 1
        tables = Tables()
        settings = layout.describe(tables)
        if rows.sources is not None:
            settings[SOURCE_Y] = tables.add(rows.sources)
        most = PART_PAGES * max(1, PAGE_BYTES // (read.channel * dtype.itemsize))
        settings |= sums(
            tables,
            geometry.group_inputs,
            read.channel,
            read.offsets[0],
            most if SINGLE else None,
        )
        plane = depth * height * width
        lists = TapLists(tables, block, settings[SPAN], read.channel)
        parts = (together, samples % together) if samples % together else (together,)
        turns = np.arange(depth) * axes[0].step % axes[0].kernel_size * (known > 0)
        beyond = together * read.sample * (together < samples)
        if depth > 1 or geometry.groups > 1:
            beyond = read.plane if depth > 1 else geometry.group_inputs * read.channel
        listed = tile_lists(
            tables, lists, runs, rows, read, parts, turns, beyond, plane * geometry.out_channels
        )
        way = order(
            geometry, dtype, runs.shape, settings[SPAN], in_place(axes), runs.in_place and bands > 1
        )
        band = 0 if runs.in_place else together * read.sample
        room = band + block + way.totals
        own = way.part * prod(geometry.kernel_size) * block
        tiles = -(-together * len(rows.outputs[0]) * width // runs.shape.pixels)
        passes = units // geometry.groups * depths * way.passes(tiles)
        in_turn = once and passes <= MOST_PASSES and (room + own) * dtype.itemsize <= SCRATCH_BYTES
        settings |= {
            PLANE: plane,
            IN_PLACE: runs.in_place,
            GROUPS: geometry.groups,
            GROUP_OUTPUTS: outputs,
            IMAGE: cells(axes),
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
            SAMPLE_STEP: read.sample,
            PLANE_STEP: read.plane,
            ROW_STEP: read.row,
            LISTS_AT: tables.add(listed),
            STRETCH: runs.shape.record * way.stretch,
            GROUP: runs.shape.record * way.group,
            PART: way.part,
            AHEAD_AT: 0 if in_turn else way.ahead,
            PIXEL_STEP: read.pixel,
            CELL_STEP: 1,
            BIASES_AT: band,
            TOTALS_STEP: way.totals_step,
            ROOM_AT: room,
            SCRATCH: room + own * in_turn,
        }
        #: Which pixels a tile takes.
        self.shape = runs.shape
        super().__init__(
            kernel(runs.shape, fills, read.pixel != 1, False, in_turn),
            None if in_turn else pack,
            dtype,
            units * shares,
            settings,
            tables.array(),
            (outputs, terms, block),
            geometry.groups * blocks,
            block * terms,
            settings[SCRATCH],
        )


def plan(
    geometry: Geometry, dtype: np.dtype[Any], threads: int, once: bool = False
) -> SmallPlan | None:
    """Return a plan where runs of pixels take less time than vectors of them.

    With `once` the kernel may lay out the weights itself, part by part.
    """
    if geometry.transposed:
        return None
    axes = flattened(geometry.embedded)
    flat = in_place(axes)
    if axes[2].output_size > MOST_PIXELS:
        return None
    tried = tiles_of(geometry, axes, dtype)
    places = [Runs(axes, shape, in_place=True) for shape in tried]
    place = min(
        (runs for runs in places if runs.within),
        key=lambda runs: runs.cycles(geometry, dtype),
        default=None,
    )
    flat = flat and place is not None
    channel = geometry.group_inputs * dtype.itemsize

    def bands(most: int, multiple: int = 1) -> RowBands | None:
        return row_bands(axes, lambda layout: flat or layout.channel * channel <= most, multiple)

    most, rows = BAND_BYTES, bands(BAND_BYTES)
    several = rows is None or rows.count > 1
    # With single pixels a band of few is no better than the input: all weights pass over each.
    narrow = SINGLE and (
        rows is None or (several and _pixels(bands(SOME_ROWS_BYTES) or rows, axes) < LEAST_PIXELS)
    )
    if place is not None and not (
        flat or narrow or _at_hand(geometry, axes, dtype, place, several)
    ):
        place = None
    if rows is None:
        # Not even one row fits: a group of tiles at a time, where they lie, if the next needs most
        # of their input too.
        if place is None or axes[1].kernel_size == 1:
            return None
        filled, rows = False, even_rows(axes, GROUP_PIXELS)
    else:
        filled = not flat
        if several:
            weights = geometry.group_outputs * geometry.terms * dtype.itemsize
            light = place is not None and weights <= BAND_BYTES
            most = SOME_IN_PLACE_BYTES if light else SOME_ROWS_BYTES
            rows = bands(most) or rows
        if _uneven(geometry, axes, threads, rows):
            rows = bands(most, threads) or rows
    if _pixels(rows, axes) > MOST_PIXELS:
        return None
    samples = 1 if geometry.batch is None else geometry.batch

    def together(runs: Runs) -> int:
        image = cells(axes) if runs.in_place else rows.layout.channel
        return max(1, min(most // (channel * image), samples // threads)) if rows.count == 1 else 1

    def cycles(runs: Runs) -> float:
        own = runs.cycles(geometry, dtype, together(runs)) / together(runs)
        return own if runs.in_place else filled_cycles(geometry, axes, dtype, own)

    ways = [] if place is None else [place]
    if filled and not (
        place is not None
        and place.least
        and cycles(place) <= FILLED * place.cycles(geometry, dtype, even=True)
    ):
        # Single pixels that see the same taps may be few, and then leave a rest.
        padded = (False, True) if SINGLE else (True,)
        ways += [Runs(axes, *way) for way in product(tried, (False,), padded)]
    runs = min(ways, key=cycles)
    if cycles(runs) > direct_cycles(geometry, axes, dtype):
        return None
    block_bytes = runs.shape.wide * host().lanes(dtype.itemsize) * geometry.terms * dtype.itemsize
    few = rows.count > 1 and _pixels(rows, axes) < LEAST_PIXELS
    if few and runs.in_place and block_bytes > FIRST_BYTES:
        larger = even_rows(axes, 2 * LEAST_PIXELS)
        return SmallPlan(geometry, dtype, axes, threads, runs, larger, 1, once)
    return SmallPlan(geometry, dtype, axes, threads, runs, rows, together(runs), once)


def tiles_of(geometry: Geometry, axes: Axes, dtype: np.dtype[Any]) -> tuple[Shape, ...]:
    """Return the tiles that may do well."""
    x, lanes = axes[2], host().lanes(dtype.itemsize)
    # Padding wider than the first or the last pixel of a run.
    pieces = x.mode == "zeros" and max(x.border) > 1 and x.output_size <= MOST_PIECED
    return shapes(geometry.group_outputs, x.output_size, lanes, pieces)


def _pixels(rows: RowBands, axes: Axes) -> int:
    """Return the pixels of a band."""
    return len(rows.outputs[0]) * axes[2].output_size


def _at_hand(
    geometry: Geometry, axes: Axes, dtype: np.dtype[Any], runs: Runs, several: bool
) -> bool:
    """Whether runs can read the input in its place, in one band or `several`, and do well there.

    With 16 registers not where much of what lies beside their pixels is never multiplied: all
    blocks would pass over it (1x1s2 512-1024@28 takes 1.3 times as long).
    """
    if SINGLE and any(axis.step > axis.kernel_size for axis in axes):
        return False
    piece = span(geometry.group_inputs, prod(geometry.kernel_size))
    part = order(geometry, dtype, runs.shape, piece, False, several).part
    rows = part * axes[0].kernel_size * axes[1].kernel_size if SINGLE else part
    return not crowded(axes, dtype.itemsize, rows)


def _uneven(geometry: Geometry, axes: Axes, threads: int, rows: RowBands) -> bool:
    """Whether threads would get bands of their own unevenly, and should not share the weights.

    Threads that share a band read all of it, and fill it twice where it is filled; those with bands
    of their own read the weights twice. Where these are less than the input that is 8 % faster (3x3
    with stride 2, 128 channels on 56x56).
    """
    samples = 1 if geometry.batch is None else geometry.batch
    left = samples * geometry.groups * axes[0].output_size * rows.count % threads
    return left > 0 and cells(axes) > geometry.group_outputs * prod(geometry.kernel_size)


def filled_cycles(geometry: Geometry, axes: Axes, dtype: np.dtype[Any], own: float) -> float:
    """Cycles of a plane's tiles, `own`, with those to fill its band: where rows are short, many."""
    layout = Layout.of(axes, axes[1].output_size, axes[2].output_size)
    fill = filling(geometry, axes, layout, host().lanes(dtype.itemsize))
    return max(own * FILLED, own + FILL_SHARE * fill)


def runs_cycles(geometry: Geometry, axes: Axes, dtype: np.dtype[Any], samples: int) -> float:
    """Cycles that runs would take for a plane, of so many samples at once: what `plan` weighs.

    But for bands where all pixels are multiplied with all taps.
    """
    least = np.inf
    for shape in tiles_of(geometry, axes, dtype):
        place, band = (Runs(axes, shape, in_place=own) for own in (True, False))
        own = filled_cycles(geometry, axes, dtype, band.cycles(geometry, dtype, samples) / samples)
        if place.within:
            own = min(own, place.cycles(geometry, dtype, samples) / samples)
        least = min(least, own)
    return least


def direct_cycles(geometry: Geometry, axes: Axes, dtype: np.dtype[Any]) -> float:
    """Cycles that `stepconv.kernels.direct` would take for one plane of all output channels."""
    layout = Layout.of(axes, axes[1].output_size, axes[2].output_size)
    size = axes[1].output_size, axes[2].output_size
    vectors = vectors_of(*size, layout.pitch, host().lanes(dtype.itemsize))[0]
    tiles = max(2, vectors) / TILE_VECTORS  # no tile has a single one
    rows = tile_rows(geometry.group_outputs)
    tiles *= -(-geometry.group_outputs // rows)
    terms = geometry.terms * step_share(rows)
    if not in_place(axes):
        own = tiles * (terms * _STEP + _BEGIN)
        if readable(axes, dtype.itemsize, geometry.group_inputs):
            return own
        return filled_cycles(geometry, axes, dtype, own)
    own = tiles * (terms * _STEP_IN_PLACE + _BEGIN_IN_PLACE)
    pixels = prod(axis.output_size for axis in axes)
    moved = geometry.group_inputs * cells(axes) + geometry.group_outputs * pixels
    moved *= dtype.itemsize
    total = moved * geometry.groups * (1 if geometry.batch is None else geometry.batch)
    far = min(geometry.group_inputs, _FAR_CHANNELS) if total >= _FAR_BYTES else 0
    return own + _FAR_CYCLES * far * moved


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
