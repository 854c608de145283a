"""Runs: how a small map is cut into pieces of rows, and which taps each of them needs."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Axis, Geometry, Indices
from stepconv.kernels.bands import (
    Layout,
)
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables, beside
from stepconv.kernels.small_tiles import (
    BEGIN,
    CELL,
    FIRST_RUN,
    PIXELS,
    RUN,
    RUN_COUNT,
    SMALL_RECORD,
    TAP_COUNT,
    TAP_LIST,
    WIDE,
)

#: Taps that are told apart as bits of an integer; a longer kernel's are all multiplied.
_MOST_BITS = 62

# Cycles of a step of a tile of two runs and of one, and to begin a tile and store it.
_PAIR_CYCLES, _SINGLE_CYCLES, _TILE_CYCLES = 14.7, 8.0, 170.0


class Runs:
    """The runs of one plane of the output, in classes of the same taps."""

    def __init__(self, axes: tuple[Axis, Axis, Axis], exact: bool = False) -> None:
        _, rows, columns = axes
        self._axes = axes
        self.starts, self.sizes = cut(columns.output_size, exact)
        by_row = _needed(rows)
        by_column = np.bitwise_or.reduceat(_needed(columns), self.starts)
        self._row_masks, row_class = np.unique(by_row, return_inverse=True)
        self._column_masks, column_class = np.unique(by_column, return_inverse=True)
        #: The class of each run, (rows, runs of a row).
        self.classes = row_class[:, None] * len(self._column_masks) + column_class

    @cached_property
    def taps(self) -> list[Indices]:
        """The taps of each class, as indices into the kernel."""
        z, y, x = (axis.kernel_size for axis in self._axes)
        kernel = np.arange(z * y * x).reshape(z, y, x)
        return [
            kernel[:, _bits(row_mask, y)][:, :, _bits(column_mask, x)].ravel()
            for row_mask in self._row_masks
            for column_mask in self._column_masks
        ]

    def cycles(self, geometry: Geometry, dtype: np.dtype[Any]) -> float:
        """Cycles for one plane of all output channels."""
        block = WIDE * host().lanes(dtype.itemsize)
        counts = np.bincount(self.classes.ravel(), minlength=len(self.taps))
        taps = np.array([max(1, len(taps)) for taps in self.taps])
        steps = geometry.group_inputs * taps
        pairs, singles = np.divmod(counts, 2)
        cycles = pairs * (steps * _PAIR_CYCLES + _TILE_CYCLES)
        cycles += singles * (steps * _SINGLE_CYCLES + _TILE_CYCLES)
        return float(cycles.sum()) * -(-geometry.group_outputs // block)

    def listed(
        self, tables: Tables, layout: Layout, block: int, channels: int, step: int
    ) -> Indices:
        """Write the list of each class: offsets of its taps in the band, and in the weights.

        Of `channels` channels, `step` apart, as `listing.sums` does. Returns where each begins, and
        the taps of a channel, (classes, 2).
        """
        offsets = layout.offsets
        lists = []
        for taps in self.taps:
            taken = taps if len(taps) else np.zeros(1, np.int64)  # a loop runs at least once
            pairs = np.column_stack(
                [
                    beside(offsets[taken], channels, step),
                    beside(taken * block, channels, len(offsets) * block),
                ]
            )
            lists.append((tables.add(pairs.ravel()), len(taken)))
        return np.array(lists)

    def tiles(
        self,
        lists: Indices,
        outputs: Indices,
        lines: Indices,
        samples: int,
        sample_step: int,
        pitch: int,
        sample_cells: int,
    ) -> Indices:
        """Return the records of the tiles for a band of `samples` samples.

        Its output rows are `outputs`, which begin at rows `lines` of the band.
        """
        classes = self.classes[outputs]
        classes = np.broadcast_to(classes, (samples, *classes.shape))
        width = int(self.starts[-1] + self.sizes[-1])
        sample, row, run = (index.ravel() for index in np.indices(classes.shape, sparse=False))
        order = np.argsort(classes.ravel(), kind="stable")
        kind, sample, row, run = (one[order] for one in (classes.ravel(), sample, row, run))
        begin = sample * sample_step + lines[row] * pitch + self.starts[run]
        cell = sample * sample_cells + (outputs[row] - outputs[0]) * width + self.starts[run]
        rank = np.arange(len(kind)) - np.searchsorted(kind, kind)
        lead = np.flatnonzero(rank % 2 == 0)
        follow = np.minimum(lead + 1, len(kind) - 1)
        paired = (follow > lead) & (kind[follow] == kind[lead])
        records = np.zeros((len(lead), SMALL_RECORD), np.int64)
        records[:, [TAP_LIST, TAP_COUNT]] = lists[kind[lead]]
        records[:, RUN_COUNT] = 1 + paired
        for number, which in enumerate((lead, follow)):
            own = FIRST_RUN + 3 * number
            records[:, own + BEGIN] = begin[which]
            records[:, own + PIXELS] = self.sizes[run[which]]
            records[:, own + CELL] = cell[which]
        return records


def cut(width: int, exact: bool = False) -> tuple[Indices, Indices]:
    """Return where the runs of a row begin and how long they are, shorter ones outside.

    A tile reads as if all were of the same length. Where `exact`, they are, and the last one is
    moved back so that nothing is read behind the row: some pixels are computed twice.

    >>> [part.tolist() for part in cut(2 * RUN)] == [[0, RUN], [RUN, RUN]]
    True
    """
    count = -(-width // RUN)
    if exact:
        return np.minimum(np.arange(count) * RUN, width - RUN), np.full(count, RUN)
    spare = count * RUN - width
    sizes = np.full(count, RUN)
    sizes[0] -= spare // 2
    sizes[-1] -= spare - spare // 2
    return np.cumsum(sizes) - sizes, sizes


def _needed(axis: Axis) -> Indices:
    """Return for each output position, as bits, the taps under which it sees the input."""
    if axis.mode != "zeros" or axis.kernel_size > _MOST_BITS:
        return np.full(axis.output_size, -1)
    taps = np.arange(axis.kernel_size)
    places = np.arange(axis.output_size)[:, None] * axis.step + taps * axis.dilation
    seen: NDArray[np.bool_] = axis.source[places] >= 0
    return seen @ (np.int64(1) << taps)


def _bits(mask: int, count: int) -> Indices:
    """Return the places of the bits of a mask, all where it is -1."""
    return np.array([i for i in range(count) if mask == -1 or mask >> i & 1], np.int64)
