"""Depthwise layers and images of one channel: one input channel for each output channel.

Without a sum over channels there is little arithmetic for each number that is
read, so what counts is to read it once and to keep it. A unit of work copies a
*band* of some channels, padding included, into scratch that the first cache
holds; then tiles of the output are computed from it (`depthwise_tiles`).

A tall kernel is taken three rows at a time, in *chunks*: up to three kernel rows
that lie as far apart as the rows of the tile do. So stride and dilation cost no
reuse: with stride 2, kernel rows 0 and 2 make one chunk and row 1 another; with
dilation 2 a tile takes every second output row (two *families* of rows). Depth is
more chunks.

Columns go another way: the copy deals out every `stride`-th column to a plane of
its own, a *phase*, where neighbours in the output are neighbours in memory again,
and a table holds where in the row each kernel column begins::

    padded row      0 a b c d e f 0      stride 2
    phases          0 b d f | a c e 0    kernel column 0 begins at 0, 1 at 4, 2 at 1

An output of a single row, as in rank 1, is too low for a tile; there the rows of the
tile are successive vectors of that row. Sums are gathered chunk by chunk, so that no
chain of roundings is longer than `CHAIN`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from math import gcd, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Axis, Geometry
from stepconv.kernels.bands import MOST_DEALT
from stepconv.kernels.compiling import specialised
from stepconv.kernels.depthwise_bands import FIELDS, TILE_ROWS, run
from stepconv.kernels.depthwise_tiles import CHUNK_FIELDS, CHUNK_ROWS
from stepconv.kernels.host import host

Array = NDArray[Any]

#: Longest chain of additions, so that float32 stays as accurate as a sum of sums.
CHAIN = 256
#: Scratch for a band of one channel, and of all channels of a unit: it stays in the first cache
#: (32 to 48 KB), beside what streams through.
BAND_BYTES = 24 * 1024
#: Rows a multiple of so many bytes apart share few places of the first cache.
PITCH_BYTES = 2048
#: Outputs of a channel, of which each reads its pixels anew. Tiles of `direct` take several at a
#: time: on Zen 4 it is as fast for 4 outputs of 128x128 under 5x5, and for 256 of a line of 16000
#: under 80 with stride 4 takes 0.56 times as long; for 2 of the image 1.2 times, of a line 0.85.
MOST_OUTPUTS, MOST_OUTPUTS_OF_LINE = 3, 1
#: Units for each thread, so that one that starts late finds its share.
UNITS_PER_THREAD = 4


@dataclass(frozen=True)
class DepthwisePlan:
    """How a depthwise convolution is cut into units; see `stepconv.kernels.plan`."""

    units: int
    table: NDArray[np.int64]
    kernel: Callable[..., None]
    apart: bool = False

    def pack(self, weight: Array) -> Array:
        """Return the weight as it is: each is read once for a whole tile."""
        return weight

    def work(self, input: Array, packed: Array, bias: Array, output: Array) -> tuple[Any, ...]:
        """Return the compiled function, and what it is given before the units."""
        return self.kernel, self.table, input, packed, bias, output

    @property
    def run(self) -> Callable[..., None]:
        """What computes the units from `first` to before `stop`."""
        return partial(self.kernel, self.table)


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> DepthwisePlan | None:
    """Plan a depthwise convolution; None for all others, and where `direct` is faster."""
    if geometry.transposed or geometry.group_inputs != 1:
        return None
    line = geometry.embedded[1].output_size == 1
    if geometry.group_outputs > (MOST_OUTPUTS_OF_LINE if line else MOST_OUTPUTS):
        return None
    layout = _Layout(geometry, dtype.itemsize)
    pieces, block, blocks = layout.shared(threads)
    z, y, x = geometry.embedded
    chunks = [number for chunk in layout.chunks() for number in chunk]
    lists: list[Any] = [
        chunks, layout.begins(), layout.phases, z.source, y.source, _border(x)
    ]  # fmt: skip
    starts = [FIELDS]
    for numbers in lists:
        starts.append(starts[-1] + len(numbers))
    fields = [
        geometry.in_channels, geometry.group_outputs, prod(geometry.kernel_size),
        blocks, block, layout.bands, layout.band, layout.panels, layout.panel,
        z.input_size, y.input_size, x.input_size, z.stride, y.stride, x.stride,
        x.pad[0], y.span, x.span, z.output_size, y.output_size, x.output_size,
        z.kernel_size, z.dilation, layout.slice, layout.pitch, layout.segment, layout.plane,
        block * layout.plane + layout.slack,
        2 if layout.single else layout.families, layout.classes * x.kernel_size,
        layout.step, layout.lanes if layout.single else layout.families * x.output_size,
        layout.single, layout.lanes, x.mode != "zeros",
        len(chunks) // CHUNK_FIELDS, len(chunks) == CHUNK_FIELDS and chunks[:2] == [3, 3],
        len(layout.phases), *starts[:-1],
    ]  # fmt: skip
    table = np.concatenate([np.array(numbers, np.int64) for numbers in (fields, *lists)])
    return DepthwisePlan(pieces * blocks, table, _kernel(dtype))


@cache
def _kernel(dtype: np.dtype[Any]) -> Callable[..., None]:
    array = np.empty(0, dtype)
    return specialised(run, np.empty(0, np.int64), array, array, array, array, 0, 0)


class _Layout:
    """How bands of a convolution lie in scratch."""

    def __init__(self, geometry: Geometry, itemsize: int) -> None:
        z, y, x = geometry.embedded
        self.geometry, self.itemsize = geometry, itemsize
        self.lanes = host().lanes(itemsize)
        self.single = y.output_size == 1
        factor = gcd(y.stride, y.dilation)
        self.families = 1 if self.single else y.dilation // factor
        self.classes = y.kernel_size if self.single else y.stride // factor
        # Few phases are dealt out by vectors, of more only those that are read are copied.
        used = {tap * x.dilation % x.stride for tap in range(x.kernel_size)}
        self.phases = list(range(x.stride)) if x.stride <= MOST_DEALT else sorted(used)
        self.reach = (x.kernel_size - 1) * x.dilation // x.stride
        self.room = BAND_BYTES // itemsize
        self.band, self.panel = self._cut(y, x, z.kernel_size)
        self.bands, self.panels = -(-y.output_size // self.band), -(-x.output_size // self.panel)
        self.segment, self.pitch, self.slice = self._extent(self.band, self.panel)
        self.plane = self.slice * z.kernel_size
        self.step = self.lanes if self.single else self.families * y.stride * self.pitch
        # A tile reads rows and lanes that it will not keep; they lie inside scratch.
        beyond = (TILE_ROWS + CHUNK_ROWS) * self.step
        self.slack = beyond + self.segment + self.lanes

    def _extent(self, band: int, panel: int) -> tuple[int, int, int]:
        """Return the numbers of a phase of a row, of a row, and of a slice of a band."""
        y = self.geometry.embedded[1]
        segment = _rounded(panel + self.reach, self.lanes)
        pitch = segment * len(self.phases)
        if not self.single and pitch * self.itemsize % PITCH_BYTES == 0:
            pitch += self.lanes
        return segment, pitch, pitch * ((band - 1) * y.stride + y.span)

    def _cut(self, y: Axis, x: Axis, slices: int) -> tuple[int, int]:
        """Choose rows and columns of a band: whole rows where some fit, else panels of them."""

        def fits(band: int, panel: int) -> bool:
            return self._extent(band, panel)[2] * slices <= self.room

        tile = self.families * TILE_ROWS
        band = min(tile, y.output_size)
        panel = x.output_size
        unit = TILE_ROWS * self.lanes if self.single else self.lanes
        while panel > 4 * unit and not fits(band, panel):
            panel = _rounded(-(-panel // 2), unit)
        while band < y.output_size and fits(band + tile, panel):
            band += tile
        bands = -(-y.output_size // band)
        return min(y.output_size, _rounded(-(-y.output_size // bands), tile)), panel

    def shared(self, threads: int) -> tuple[int, int, int]:
        """Return units for each block of channels, channels of a block, and blocks."""
        geometry = self.geometry
        batch = 1 if geometry.batch is None else geometry.batch
        pieces = batch * geometry.embedded[0].output_size * self.bands * self.panels
        wanted = -(-UNITS_PER_THREAD * threads // max(1, pieces)) if threads > 1 else 1
        channels = geometry.in_channels
        block = max(1, min(self.room // self.plane, -(-channels // wanted)))
        return pieces, block, -(-channels // block)

    def begins(self) -> list[int]:
        """Where in a row of scratch each kernel column begins."""
        x = self.geometry.embedded[2]
        places = (divmod(tap * x.dilation, x.stride) for tap in range(x.kernel_size))
        return [self.phases.index(phase) * self.segment + cell for cell, phase in places]

    def chunks(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Cut the kernel into chunks.

        Each is the numbers of its kernel rows and columns, where it begins in scratch
        and in the weight of a channel, and its first column.
        """
        z, y, x = self.geometry.embedded
        classes = min(self.classes, y.kernel_size)
        for piece, begin in ((p, b) for p in range(z.kernel_size) for b in range(classes)):
            members = range(begin, y.kernel_size, self.classes)
            for i in range(0, len(members), CHUNK_ROWS):
                row, rows = members[i], len(members[i : i + CHUNK_ROWS])
                place = piece * self.slice + row * y.dilation * self.pitch
                longest = CHAIN // rows
                for column in range(0, x.kernel_size, longest):
                    weight = (piece * y.kernel_size + row) * x.kernel_size + column
                    yield rows, min(longest, x.kernel_size - column), place, weight, column


def _border(axis: Axis) -> list[int]:
    """Input positions shown before the first input cell and after the last one."""
    before, after = axis.pad
    beyond = before + axis.input_size
    return axis.source_at([*range(before), *range(beyond, beyond + after)]).tolist()  # type: ignore[no-any-return]


def _rounded(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
