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
from stepconv.kernels.listing import CHAIN, Tables, beside
from stepconv.kernels.small_tiles import (
    BEGIN,
    CELL,
    FIRST_RUN,
    IN_LINE,
    PIXELS,
    RUN,
    RUN_COUNT,
    RUNS,
    SMALL_RECORD,
    TAP_COUNT,
    TAP_LIST,
    WEIGHTS,
    WIDE,
)

#: Taps that are told apart as bits of an integer; a longer kernel's are all multiplied.
_MOST_BITS = 62

# Cycles of a step of a tile of all runs and of fewer, to begin a tile and store it, and for each
# piece of its sum beside: on Zen 5, and with single pixels on Zen 3.
_FULL_CYCLES, _PART_CYCLES, _TILE_CYCLES, _PIECE_CYCLES = (
    (14.7, 8.0, 170.0, 0.0) if RUN > 1 else (6.2, 6.2, 100.0, 55.0)
)


class Runs:
    """The runs of one plane of the output, in classes of the same taps.

    Unless they are told `apart`, all are of one class and are multiplied with all taps.
    """

    def __init__(
        self, axes: tuple[Axis, Axis, Axis], exact: bool = False, apart: bool = True
    ) -> None:
        _, rows, columns = axes
        self._axes = axes
        self.starts, self.sizes = cut(columns.output_size, exact)
        by_row = _needed(rows, apart)
        by_column = np.bitwise_or.reduceat(_needed(columns, apart), self.starts)
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

    def cycles(self, geometry: Geometry, dtype: np.dtype[Any], samples: int = 1) -> float:
        """Cycles for one plane of all output channels, of so many samples at once."""
        block = WIDE * host().lanes(dtype.itemsize)
        counts = samples * np.bincount(self.classes.ravel(), minlength=len(self.taps))
        taps = np.array([max(1, len(taps)) for taps in self.taps])
        steps = geometry.group_inputs * taps
        full, left = np.divmod(counts, RUNS)
        each = _TILE_CYCLES + -(-steps // CHAIN) * _PIECE_CYCLES
        cycles = full * (steps * _FULL_CYCLES + each)
        cycles += (left > 0) * (steps * _PART_CYCLES + each)
        return float(cycles.sum()) * -(-geometry.group_outputs // block)

    def listed(
        self, tables: Tables, layout: Layout, block: int, channels: int, step: int
    ) -> Indices:
        """Write the list of each class: offsets of its taps in the band, and in the weights.

        Of `channels` channels, `step` apart, as `listing.sums` does. Returns where each begins, the
        taps of a channel, and its weights, (classes, 3).
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
            lists.append((tables.add(pairs.ravel()), len(taken), len(offsets) * block))
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
        return records(lists, kind, begin, self.sizes[run], cell)


def records(
    lists: Indices, kind: Indices, begin: Indices, sizes: Indices, cell: Indices
) -> Indices:
    """Return the records of tiles for runs in the order of their class, `kind`."""
    made = []
    for start, stop in _groups(kind):
        lead = np.arange(start, stop, RUNS)
        if RUN == 1 and stop - start >= RUNS:
            lead[-1] = stop - RUNS  # rather all pixels of the last tile, some of them again
        members = np.minimum(lead[:, None] + np.arange(RUNS), stop - 1)
        own = np.zeros((len(lead), SMALL_RECORD), np.int64)
        own[:, [TAP_LIST, TAP_COUNT, WEIGHTS]] = lists[kind[start]]
        own[:, RUN_COUNT] = RUNS if RUN == 1 else np.minimum(stop - lead, RUNS)
        own[:, IN_LINE] = (np.diff(cell[members], axis=1) == RUN).all(axis=1)
        own[:, IN_LINE] &= (sizes[members[:, :-1]] == RUN).all(axis=1)
        own[:, FIRST_RUN + BEGIN :: 3] = begin[members]
        own[:, FIRST_RUN + PIXELS :: 3] = sizes[members]
        own[:, FIRST_RUN + CELL :: 3] = cell[members]
        made.append(own)
    return np.concatenate(made)


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


def _groups(kind: Indices) -> list[tuple[int, int]]:
    """Return where each stretch of equal numbers begins and ends."""
    starts = np.flatnonzero(np.diff(kind, prepend=-1))
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(kind)], strict=True))


def _needed(axis: Axis, apart: bool) -> Indices:
    """Return for each output position, as bits, the taps under which it sees the input."""
    if not apart or axis.mode != "zeros" or axis.kernel_size > _MOST_BITS:
        return np.full(axis.output_size, -1)
    taps = np.arange(axis.kernel_size)
    places = np.arange(axis.output_size)[:, None] * axis.step + taps * axis.dilation
    seen: NDArray[np.bool_] = axis.source[places] >= 0
    return seen @ (np.int64(1) << taps)


def _bits(mask: int, count: int) -> Indices:
    """Return the places of the bits of a mask, all where it is -1."""
    return np.array([i for i in range(count) if mask == -1 or mask >> i & 1], np.int64)
