"""How a convolution is cut into units of work: few enough to fill, many enough to share.

A large band wastes little: rows that neighbouring bands both need are copied twice, and the
weights pass through the cache once for each band. It should fit the second cache, though, but
where fewer rows of a narrow map would leave vectors empty, and there must be work for every
thread. The costs below, in cycles, weigh that up; they are measured on Zen 5, and only their
ratios matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.bands import Layout
from stepconv.kernels.host import host
from stepconv.kernels.listing import vectors_of
from stepconv.kernels.reading import readable
from stepconv.kernels.tiles import TILE_VECTORS, step_share, tile_rows

Axes = tuple[Axis, Axis, Axis]

#: Bytes of a band: weights and output pass through the second cache too, 1 MB on Zen 5. On
#: Zen 3, which has 512 KB, bands of 250 and 400 KB do no better: weights are read more often then.
BAND_BYTES = 800 * 1024

#: Bytes of pixels read in their place that stay in the second cache, among weights and output: with
#: 800 KB, wavenet and 1x1 64-256@56 take 5 % longer on Zen 4; 200 and 400 KB do as 300. With
#: 16 registers, stretches of them stay (`stepconv.kernels.direct`).
PLACE_BYTES = 300 * 1024 if host().registers == 32 else BAND_BYTES

#: Bytes of a band of up to so many pixels, some tiles: smaller ones would leave vectors empty. One
#: that does not fit the second cache comes from the third, so many bytes in a cycle; of pixels in
#: their place those that do not stay.
FEW_BYTES, FEW_PIXELS = 4 << 20, 4 * TILE_VECTORS * host().lanes(4)
FAR_BYTES_A_CYCLE = 25.0

#: Pixels of a band: more gain nothing, and a plan describes each tile.
BAND_PIXELS = 8192

#: Cycles of one step of a tile, for each vector; a tile that is not full waits for its own sums.
VECTOR_CYCLES = 4.1
PART_TILE_CYCLES = 1.0
#: Cycles to begin and store a tile.
TILE_CYCLES = 60.0
#: Cycles to fill a row of a band, and each of its vectors, by stride.
ROW_CYCLES = 2.0
FILL_CYCLES = {1: 4.0, 2: 7.0, 3: 6.0, 4: 5.0}
FILL_ONE_CYCLES = 5.0  # for each number, where the stride is more: 14x14 with stride 14 on Zen 4
#: Bytes of weights a cycle; and where they do not fit the second cache: 1024-1024 with a kernel of
#: 3 takes 9 % longer on 130 columns in three bands than in one.
WEIGHT_BYTES, FAR_WEIGHT_BYTES = 100.0, 10.0

#: Sizes that are tried: enough, since the largest that fit are the best but for sharing.
TRIED = 10


@dataclass(frozen=True)
class Cut:
    """How the work is cut: outputs of a band, shares of the output channels; what tiles read."""

    rows: int
    columns: int
    shares: int
    in_place: bool


def cut(geometry: Geometry, dtype: np.dtype[Any], axes: Axes, threads: int, beside: int = 0) -> Cut:
    """Choose the cut that should take least time on so many threads.

    `beside` numbers for each pixel have to fit beside the band.
    """
    lanes = host().lanes(dtype.itemsize)
    height, width = axes[1].output_size, axes[2].output_size
    whole = width >= lanes and readable(axes, dtype.itemsize, geometry.group_inputs)
    best, least = Cut(1, min(width, TILE_VECTORS * lanes), 1, whole), inf
    lines = tile_rows(geometry.group_outputs)
    blocks = -(-geometry.group_outputs // lines)
    steps = geometry.terms
    images = (1 if geometry.batch is None else geometry.batch) * geometry.groups
    weights = blocks * lines * steps * dtype.itemsize
    weighing = weights / (WEIGHT_BYTES if weights <= BAND_BYTES else FAR_WEIGHT_BYTES)
    for layout, rows, columns in _sizes(geometry, dtype, axes, lanes, beside):
        fill = 0.0 if whole else filling(geometry, axes, layout, lanes)
        size = _bytes(geometry, dtype, layout, beside * rows * columns)
        stay = PLACE_BYTES if whole else 0 if size > BAND_BYTES else size
        far = max(0, size - stay)
        parts = -(-height // rows) * -(-width // columns)
        last = (height - 1) % rows + 1, (width - 1) % columns + 1
        sweeps = [
            _sweep(vectors_of(*outputs, layout.pitch, lanes)[0], steps * step_share(lines))
            for outputs in ((rows, columns), last)
        ]
        for shares in {1, min(threads, blocks)}:
            each, end = (
                fill + ((sweep + far / FAR_BYTES_A_CYCLE) * blocks + weighing) / shares
                for sweep in sweeps
            )
            time = _time(each, end, parts, images * axes[0].output_size * shares, threads)
            if time < least:
                best, least = Cut(rows, columns, shares, whole), time
    return best


def _sizes(
    geometry: Geometry, dtype: np.dtype[Any], axes: Axes, lanes: int, beside: int
) -> Iterator[tuple[Layout, int, int]]:
    """Bands that fit, the largest first, with their rows and columns of outputs.

    Before them those of few pixels that do not fit.
    """
    unit = Layout.of(axes)
    height, width = axes[1].output_size, axes[2].output_size
    columns = width
    rows = found = 0
    for bands in range(1, height + 1):
        before, rows = rows, -(-height // bands)
        if rows == before:
            continue
        layout = unit.resized(rows, width)
        fits = _fits(geometry, dtype, layout, beside * rows * width)
        size = _bytes(geometry, dtype, layout, beside * rows * width)
        if fits or (rows * width <= FEW_PIXELS and size <= FEW_BYTES):
            yield layout, rows, width
        found += fits
        if found == TRIED:
            return
    if height == 1 or not found:
        columns = TILE_VECTORS * lanes
        layout = unit.resized(1, columns)
        while columns < width and _fits(geometry, dtype, layout, beside * columns):
            yield layout, 1, columns
            columns *= 2
            layout = unit.resized(1, columns)


def _fits(geometry: Geometry, dtype: np.dtype[Any], layout: Layout, beside: int) -> bool:
    if layout.rows * layout.columns > BAND_PIXELS:
        return False
    return _bytes(geometry, dtype, layout, beside) <= BAND_BYTES


def _bytes(geometry: Geometry, dtype: np.dtype[Any], layout: Layout, beside: int) -> int:
    return (geometry.group_inputs * layout.channel + beside) * dtype.itemsize


def _time(each: float, last: float, parts: int, planes: int, threads: int) -> float:
    """Cycles for the parts of so many planes; the last of a plane may take less than the others."""
    if planes > 1:
        average = ((parts - 1) * each + last) / parts
        return average * -(-parts * planes // threads)
    rounds, more = divmod(parts - 1, threads)
    return rounds * each + max(each if more else 0.0, last)


def _sweep(vectors: int, steps: float) -> float:
    """Cycles to move a tile over so many vectors; `steps` of a tile of all rows."""
    vectors = max(2, vectors)  # no tile has a single one
    full, left = divmod(vectors, TILE_VECTORS)
    part = PART_TILE_CYCLES if left else 0.0
    return steps * (vectors * VECTOR_CYCLES + part) + (full + (left > 0)) * TILE_CYCLES


def filling(geometry: Geometry, axes: Axes, layout: Layout, lanes: int) -> float:
    """Cycles to fill a band."""
    stride = axes[2].step
    row = ROW_CYCLES
    if stride in FILL_CYCLES:
        row += -(-layout.columns // lanes) * FILL_CYCLES[stride]
    else:
        row += layout.columns * FILL_ONE_CYCLES
    planes = layout.channel // layout.phase
    return row * geometry.group_inputs * planes * layout.rows
