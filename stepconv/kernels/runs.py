"""Runs: how a small map is cut into pieces of rows, and which taps their pixels need.

What a run needs of a tap are three bits: that its first pixel sees the input under the tap, that
its last does, that any does. What two runs of a tile need are the bits of either. So each tap is
multiplied with all pixels of a tile, with all but the first of each run, with all but the last, or
with none. Of a map of 7 columns, under a kernel of 3 with a padding of 1::

    column of the kernel     0                  1      2
    pixels multiplied        all but the first  all    all but the last
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Axis, Geometry, Indices
from stepconv.kernels.host import host
from stepconv.kernels.listing import CHAIN, Tables, beside
from stepconv.kernels.small_tiles import (
    BEGIN,
    CELL,
    FIRST_RUN,
    IN_LINE,
    KINDS,
    PIXELS,
    RUN,
    RUNS,
    SMALL_RECORD,
    WIDE,
)

Needs = NDArray[np.uint8]
#: How the records of each class begin: the weights of a channel, then lists and their taps.
Heads = Mapping[int, Sequence[int]]

#: What a run needs of a tap.
_FIRST, _ANY, _LAST = 1, 2, 4
_ALL = _FIRST | _ANY | _LAST

# Cycles of a step of a tile of all runs and of fewer, to begin a tile and store it, and for each
# piece of its sum beside: on Zen 5, and with single pixels on Zen 3.
_FULL_CYCLES, _PART_CYCLES, _TILE_CYCLES, _PIECE_CYCLES = (
    (14.7, 8.0, 170.0, 0.0) if RUN > 1 else (6.2, 6.2, 100.0, 55.0)
)
#: How much of a step each need takes.
_STEPS = np.array([0, *[(RUN - 1) / RUN if RUN > 1 else 1] * 6, 1])
_STEPS[_FIRST | _LAST] = 1
#: How many runs that are left are tried for one that is left.
_TRIED = 16
#: Taps that are listed for all classes together, or looked at along an axis: half a million take
#: 8 MB. Where there are more, places along an axis are not told apart.
_LISTED = 1 << 19


class Runs:
    """The runs of all planes of the output, in classes of the same needs.

    Unless they are told `apart`, all are of one class and are multiplied with all taps.
    """

    def __init__(
        self, axes: tuple[Axis, Axis, Axis], exact: bool = False, apart: bool = True
    ) -> None:
        self.width = axes[2].output_size
        levels, rows, columns = (_seen(axis, apart) for axis in axes)
        ways = [
            cut(self.width, exact, outside) for outside in ((False,) if exact else (False, True))
        ]
        across = [_across(columns, *way) for way in ways]
        best = min(range(len(ways)), key=lambda way: _STEPS[across[way]].sum())
        self.starts, self.sizes = ways[best]
        along = levels * np.uint8(_ALL), rows * np.uint8(_ALL), across[best]
        (z, level), (y, row), (x, run) = _few(along, axes)
        taps = prod(axis.kernel_size for axis in axes)
        #: What each class needs of each tap.
        self.needs: Needs = (
            z[:, None, None, :, None, None] & y[:, None, None, :, None] & x[:, None, None, :]
        ).reshape(-1, taps)
        of_row = row[:, None] * len(x) + run
        #: The class of each run, (levels, rows, runs of a row).
        self.classes: Indices = level[:, None, None] * (len(y) * len(x)) + of_row

    def cycles(self, geometry: Geometry, dtype: np.dtype[Any], samples: int = 1) -> float:
        """Cycles for an average plane of all output channels, of so many samples at once."""
        block = WIDE * host().lanes(dtype.itemsize)
        planes, which = distinct(self.classes.reshape(len(self.classes), -1))
        total = 0.0
        for plane, times in zip(planes, np.bincount(which), strict=True):
            kind, needs = joined(np.tile(plane, samples), self.needs)
            full, left = np.divmod(np.bincount(kind, minlength=len(needs)), RUNS)
            steps = geometry.group_inputs * np.maximum(_STEPS[needs].sum(axis=1), 1)
            each = _TILE_CYCLES + -(-steps // CHAIN) * _PIECE_CYCLES
            cycles = full * (steps * _FULL_CYCLES + each)
            cycles += (left > 0) * (steps * _PART_CYCLES + each)
            total += float(cycles.sum()) * int(times)
        return total / len(self.classes) * -(-geometry.group_outputs // block)

    def tiles(
        self,
        head: Callable[[Needs], Sequence[int]],
        classes: Indices,
        outputs: Indices,
        lines: Indices,
        samples: int,
        sample_step: int,
        pitch: int,
        sample_cells: int,
    ) -> Indices:
        """Return the records of the tiles for a band of `samples` samples.

        ``head(needs)`` is how a record begins (`TapLists.of`); `classes` are those of the band's
        plane. Its output rows are `outputs`, which begin at rows `lines` of the band.
        """
        classes = classes[outputs]
        classes = np.broadcast_to(classes, (samples, *classes.shape))
        kind, needs = joined(classes.ravel(), self.needs)
        sample, row, run = (index.ravel() for index in np.indices(classes.shape, sparse=False))
        order = np.argsort(kind, kind="stable")
        kind, sample, row, run = (one[order] for one in (kind, sample, row, run))
        begin = sample * sample_step + lines[row] * pitch + self.starts[run]
        cell = sample * sample_cells + (outputs[row] - outputs[0]) * self.width + self.starts[run]
        heads = {one: head(needs[one]) for one in set(kind.tolist())}
        return records(heads, kind, begin, self.sizes[run], cell)


class TapLists:
    """The lists of taps that tiles go through, each written once.

    Of `channels` channels, `step` apart, as `listing.sums` does; weights are in blocks of `block`.
    """

    def __init__(self, tables: Tables, block: int, channels: int, step: int) -> None:
        self._tables, self._block, self._channels, self._step = tables, block, channels, step
        self._written: dict[tuple[bytes, bytes], list[int]] = {}

    def of(self, offsets: Indices, needs: Needs) -> list[int]:
        """Return how a record begins: weights of a channel, and for each kind its list and taps.

        In the band the taps read at `offsets`.
        """
        key = offsets.tobytes(), needs.tobytes()
        if key not in self._written:
            ends = needs & (_FIRST | _LAST)
            whole = ends == _FIRST | _LAST
            kinds = [whole, ends == _LAST, (needs > 0) & ~whole & (ends != _LAST)]
            head = [len(needs) * self._block]
            for kind in kinds[: len(KINDS)]:
                head += self._list(offsets, np.flatnonzero(kind))
            self._written[key] = head
        return self._written[key]

    def _list(self, offsets: Indices, taps: Indices) -> tuple[int, int]:
        """Write the offsets of some taps, and return where they stand and how many they are."""
        if not len(taps):
            return 0, 0
        pairs = [
            beside(offsets[taps], self._channels, self._step),
            beside(taps * self._block, self._channels, len(offsets) * self._block),
        ]
        return self._tables.add(np.column_stack(pairs).ravel()), len(taps)


def joined(kind: Indices, needs: Needs) -> tuple[Indices, Needs]:
    """Join runs that would be alone in a tile, where one tile of both takes less time than two.

    Returns the class of each run, and what each class needs, the new ones behind the others.
    """
    if RUNS > 2:
        return kind, needs
    counts = np.bincount(kind, minlength=len(needs))
    left = np.flatnonzero(counts % 2).tolist()
    kind = kind.copy()
    made: list[Needs] = []
    while left:
        one, others = left.pop(), left[-_TRIED:]
        if not others:
            break
        both = needs[one] | needs[others]
        apart = _STEPS[needs[one]].sum() + _STEPS[needs[others]].sum(axis=1)
        saved = apart * _PART_CYCLES - _STEPS[both].sum(axis=1) * _FULL_CYCLES
        best = int(saved.argmax())
        if saved[best] <= 0:
            continue
        left.remove(others[best])
        for each in (one, others[best]):
            kind[np.flatnonzero(kind == each)[-1]] = len(needs) + len(made)
        made.append(both[best])
    return kind, np.concatenate([needs, np.array(made, np.uint8).reshape(-1, needs.shape[1])])


def records(
    heads: Heads,
    kind: Indices,
    begin: Indices,
    sizes: Indices,
    cell: Indices,
) -> Indices:
    """Return the records of tiles for runs in the order of their class, `kind`.

    `heads` are how those of each class begin; see `TapLists.of`.
    """
    stops = np.flatnonzero(np.diff(kind, append=-1)) + 1
    starts = np.append(0, stops[:-1])
    counts = -(-(stops - starts) // RUNS)  # tiles of a class
    start, stop = starts.repeat(counts), stops.repeat(counts)
    lead = start + RUNS * (np.arange(len(start)) - (counts.cumsum() - counts).repeat(counts))
    if RUN == 1:  # rather all pixels of the last tile, some of them again
        lead = np.maximum(start, np.minimum(lead, stop - RUNS))
    members = np.minimum(lead[:, None] + np.arange(RUNS), stop[:, None] - 1)
    table = np.empty((len(lead), SMALL_RECORD), np.int64)
    table[:, :IN_LINE] = np.array([heads[one] for one in kind[starts].tolist()]).repeat(counts, 0)
    table[:, FIRST_RUN + BEGIN :: 3] = begin[members]
    table[:, FIRST_RUN + PIXELS :: 3] = sizes[members]
    table[:, FIRST_RUN + CELL :: 3] = cell[members]
    table[:, IN_LINE] = (np.diff(cell[members], axis=1) == RUN).all(axis=1)
    table[:, IN_LINE] &= (sizes[members[:, :-1]] == RUN).all(axis=1)
    if RUN > 1:
        table[lead + 1 == stop, FIRST_RUN + 3 + PIXELS] = 0  # a run alone
    return table[np.argsort(table[:, FIRST_RUN + CELL], kind="stable")]


def cut(width: int, exact: bool = False, outside: bool = False) -> tuple[Indices, Indices]:
    """Return where the runs of a row begin and how long they are.

    All are of one length or of two, the shorter ones outside or the longer ones. Where `exact`, all
    are whole, and the last one is moved back so that nothing is read behind the row: some pixels
    are computed twice.

    >>> [part.tolist() for part in cut(2 * RUN)] == [[0, RUN], [RUN, RUN]]
    True
    """
    count = -(-width // RUN)
    if exact:
        return np.minimum(np.arange(count) * RUN, width - RUN), np.full(count, RUN)
    least, more = divmod(width, count)
    inside = count - more if outside else more
    sizes = np.full(count, least + outside)
    middle = (count - inside) // 2
    sizes[middle : middle + inside] = least + (not outside)
    return np.cumsum(sizes) - sizes, sizes


def distinct(rows: NDArray[Any]) -> tuple[NDArray[Any], Indices]:
    """Return the rows that differ, and for each row which it is.

    >>> distinct(np.array([[1, 2], [3, 4], [3, 4], [1, 2]]))[1].tolist()
    [0, 1, 1, 0]
    """
    begins = np.append(0, np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1)
    first: dict[bytes, int] = {}
    numbers = []
    for begin in begins.tolist():
        numbers.append(first.setdefault(rows[begin].tobytes(), begin))
    found = list(first.values())
    which = np.searchsorted(found, numbers).repeat(np.diff(begins, append=len(rows)))
    return rows[found], which


def _seen(axis: Axis, apart: bool) -> NDArray[np.bool_]:
    """Return whether each output position sees the input under each tap, (positions, taps).

    Where all do, or are to be taken as if they did, (positions, 1).
    """
    taps = np.arange(axis.kernel_size)
    known = apart and axis.mode == "zeros" and axis.pad != (0, 0)
    if not known or axis.output_size * axis.kernel_size > _LISTED:
        return np.ones((axis.output_size, 1), np.bool_)
    places = np.arange(axis.output_size)[:, None] * axis.step + taps * axis.dilation
    seen: NDArray[np.bool_] = axis.source[places] >= 0
    return seen


def _across(seen: NDArray[np.bool_], starts: Indices, sizes: Indices) -> Needs:
    """Return what each run of a row needs of each tap, under which its pixels see the input.

    Runs do not overlap, but where they are exact, and no pixel lies in the padding.
    """
    whole = sizes == RUN
    needs: Needs = np.uint8(_ANY) * np.logical_or.reduceat(seen, starts)
    needs |= np.uint8(_FIRST) * seen[starts]
    needs[whole] |= np.uint8(_LAST) * seen[starts[whole] + RUN - 1]
    return needs


def _few(along: Sequence[Needs], axes: Sequence[Axis]) -> Iterator[tuple[Needs, Indices]]:
    """Yield for each axis the needs that differ, and which each place has; not too many in all."""
    found = [distinct(needs) for needs in along]
    listed = prod(
        len(needs) * axis.kernel_size for (needs, _), axis in zip(found, axes, strict=True)
    )
    for (needs, which), axis in zip(found, axes, strict=True):
        if listed > _LISTED:
            listed //= len(needs)
            needs, which = np.bitwise_or.reduce(needs, axis=0, keepdims=True), 0 * which
        yield needs.repeat(axis.kernel_size // needs.shape[1], axis=1), which
