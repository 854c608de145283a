"""Runs: how a small map is cut into pieces of rows, and which taps their pixels need.

What a run needs of a tap are three bits: that its first pixel sees the input under the tap, that
its last does, that any does. What runs of a tile need are the bits of any. So each tap is
multiplied with all pixels of a tile, with all but the first of each run, with all but the last, or
with none. Of a map of 7 columns, under a kernel of 3 with a padding of 1::

    column of the kernel     0                  1      2
    pixels multiplied        all but the first  all    all but the last
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Axis, Geometry, Indices
from stepconv.kernels.host import host
from stepconv.kernels.listing import CHAIN
from stepconv.kernels.small_tiles import LISTS, SINGLE, Shape, kinds

Needs = NDArray[np.uint8]

#: What a run needs of a tap.
_FIRST, _ANY, _LAST = 1, 2, 4
_ALL = _FIRST | _ANY | _LAST

# Cycles of a step of a tile of all runs and of one; to begin a tile and store it, and for each
# piece of its sum beside: on Zen 5, and with single pixels on Zen 3.
STEP_CYCLES = {
    Shape(7, 2): (14.7, 8.0),
    Shape(5, 2): (10.8, 6.0),
    Shape(4, 3): (13.0, 5.0),
    Shape(3, 4): (13.0, 4.5),
    Shape(2, 7): (16.5, 4.5),
    Shape(7, 4, 1): (14.7, 4.5),
    Shape(4, 6, 1): (13.0, 4.5),
    Shape(1, 6): (6.2, 6.2),
}
_TILE_CYCLES, _PIECE_CYCLES = (100.0, 55.0) if SINGLE else (170.0, 0.0)
#: How many runs that are left are tried for one that is left.
_TRIED = 16
#: Taps that are listed for all classes together, or looked at along an axis: half a million take
#: 8 MB. Where there are more, places along an axis are not told apart.
_LISTED = 1 << 19


#: Where runs begin in a row, and which of their pixels are their own, from one to before another:
#: the others are computed and not stored.
Cut = tuple[Indices, Indices, Indices]


class Runs:
    """The runs of all planes of the output, in classes of the same needs.

    Unless they are told `apart`, all are of one class and are multiplied with all taps. Where they
    are to read the input `in_place`, `within` tells whether they can: nothing that they are
    multiplied with lies in the padding, or behind the row. If not, they have no classes. `least`
    tells whether rows are cut in the way that takes the fewest steps.
    """

    def __init__(
        self,
        axes: tuple[Axis, Axis, Axis],
        shape: Shape,
        in_place: bool = False,
        apart: bool = True,
    ) -> None:
        self.shape, self.in_place = shape, in_place
        self.width = axes[2].output_size
        self._steps = _steps(shape.run)
        seen = [_seen(axis, apart) for axis in axes]
        ways = [cut(self.width, shape.run), cut(self.width, shape.run, outside=True)]
        if in_place and self.width >= shape.run:
            ways.append(cut(self.width, shape.run, exact=True))
        if not SINGLE:
            ways.append(cut_where_it_changes(seen[2], shape.run))
        costs = [float(self._steps[_across(seen[2], shape.run, way)].sum()) for way in ways]
        order = np.argsort(costs, kind="stable").tolist()
        for number in order if in_place else order[:1]:
            self._take(axes, seen, ways[number])
            self.least = costs[number] == min(costs)
            if self.within:
                break

    def _take(
        self,
        axes: tuple[Axis, Axis, Axis],
        seen: Sequence[NDArray[np.bool_]],
        way: Cut,
    ) -> None:
        """Cut rows so."""
        self.starts, self.firsts, self.stops = way
        levels, rows = (own * np.uint8(_ALL) for own in seen[:2])
        few = list(_few((levels, rows, _across(seen[2], self.shape.run, way)), axes))
        begins = np.arange(len(levels)), np.arange(len(rows)), self.starts
        alone = ((0, 1),) * LISTS  # a pixel, of whatever kind
        pixels = alone, alone, kinds(self.shape.run)
        self.within = self.in_place and all(
            _within(axis, *own, begin, each)
            for axis, own, begin, each in zip(axes, few, begins, pixels, strict=True)
        )
        if self.in_place and not self.within:
            return
        (z, level), (y, row), (x, run) = few
        taps = prod(axis.kernel_size for axis in axes)
        #: What each class needs of each tap.
        self.needs: Needs = (
            z[:, None, None, :, None, None] & y[:, None, None, :, None] & x[:, None, None, :]
        ).reshape(-1, taps)
        of_row = row[:, None] * len(x) + run
        #: The class of each run, (levels, rows, runs of a row).
        self.classes: Indices = level[:, None, None] * (len(y) * len(x)) + of_row

    @property
    def kept(self) -> Indices:
        """A bit for each pixel of each run of a row that is its own."""
        return (1 << self.stops) - (1 << self.firsts)

    def cycles(
        self, geometry: Geometry, dtype: np.dtype[Any], samples: int = 1, even: bool = False
    ) -> float:
        """Cycles for an average plane of all output channels, of so many samples at once.

        With `even`, as if each class filled its tiles.
        """
        block = self.shape.wide * host().lanes(dtype.itemsize)
        planes, which = distinct(self.classes.reshape(len(self.classes), -1))
        total = 0.0
        for plane, times in zip(planes, np.bincount(which), strict=True):
            kind, needs = (plane, self.needs) if even else self.joined(np.tile(plane, samples))
            counts = np.bincount(kind, minlength=len(needs))
            runs, (all_runs, one) = self.shape.runs, STEP_CYCLES[self.shape]
            full, left = (counts / runs, 0 * counts) if even else np.divmod(counts, runs)
            steps = geometry.group_inputs * np.maximum(self._steps[needs].sum(axis=1), 1)
            each = _TILE_CYCLES + -(-steps // CHAIN) * _PIECE_CYCLES
            cycles = (full + (left > 1)) * (steps * all_runs + each)
            cycles += (left == 1) * (steps * one + each)
            total += float(cycles.sum()) * int(times)
        return total / len(self.classes) * -(-geometry.group_outputs // block)

    def joined(self, kind: Indices) -> tuple[Indices, Needs]:
        """Return the classes of some runs and their needs: in a band lone runs are joined.

        In place a run would read what is not its own under a tap that only the other needs.
        """
        if self.in_place or self.shape.runs > 2:
            return kind, self.needs
        return joined(kind, self.needs, self.shape)


def _steps(run: int) -> NDArray[np.float64]:
    """Return how much of a step each need takes."""
    steps = np.array([0.0, *[(run - 1) / run if run > 1 else 1.0] * 6, 1.0])
    steps[_FIRST | _LAST] = 1.0
    return steps


def joined(kind: Indices, needs: Needs, shape: Shape) -> tuple[Indices, Needs]:
    """Join runs that would be alone in a tile, where one tile of both takes less time than two.

    Returns the class of each run, and what each class needs, the new ones behind the others.
    """
    steps, (all_runs, alone) = _steps(shape.run), STEP_CYCLES[shape]
    counts = np.bincount(kind, minlength=len(needs))
    left = np.flatnonzero(counts % 2).tolist()
    kind = kind.copy()
    made: list[Needs] = []
    while left:
        one, others = left.pop(), left[-_TRIED:]
        if not others:
            break
        both = needs[one] | needs[others]
        apart = steps[needs[one]].sum() + steps[needs[others]].sum(axis=1)
        saved = apart * alone - steps[both].sum(axis=1) * all_runs
        best = int(saved.argmax())
        if saved[best] <= 0:
            continue
        left.remove(others[best])
        for each in (one, others[best]):
            kind[np.flatnonzero(kind == each)[-1]] = len(needs) + len(made)
        made.append(both[best])
    return kind, np.concatenate([needs, np.array(made, np.uint8).reshape(-1, needs.shape[1])])


def cut(width: int, run: int, exact: bool = False, outside: bool = False) -> Cut:
    """Cut a row into runs of one length or of two, the shorter ones outside or the longer ones.

    Where `exact`, all are whole, and the last one is moved back so that nothing is read behind the
    row: some pixels are computed twice.

    >>> [part.tolist() for part in cut(14, 7)]
    [[0, 7], [0, 0], [7, 7]]
    """
    count = -(-width // run)
    if exact:
        starts = np.minimum(np.arange(count) * run, width - run)
        return starts, np.zeros_like(starts), np.full(count, run)
    least, more = divmod(width, count)
    inside = count - more if outside else more
    sizes = np.full(count, least + outside)
    middle = (count - inside) // 2
    sizes[middle : middle + inside] = least + (not outside)
    return np.cumsum(sizes) - sizes, np.zeros_like(sizes), sizes


def cut_where_it_changes(seen: NDArray[np.bool_], run: int) -> Cut:
    """Cut a row so that the pixels of a run that are its own see the input under the same taps.

    With a dilation of 18 on 33 columns, three columns in the middle see no input under the outer
    taps, and the others under two of three. Between the cuts runs are whole where they can be; else
    they are moved so that they end with the row::

        pixels of the row     56 57 58 59 60 | 61 62       a run of 7 for the last two
                              x  x  x  x  x    61 62

    >>> seen = np.array([[True]] * 9 + [[False]] * 2)
    >>> [part.tolist() for part in cut_where_it_changes(seen, 7)]
    [[0, 2, 4], [0, 0, 5], [7, 7, 7]]

    Of two lengths where none is shorter than whole but one, which costs nothing.
    """
    changes = np.flatnonzero((seen[1:] != seen[:-1]).any(axis=1)) + 1
    parts: list[Cut] = []
    for begin, end in pairwise([0, *changes.tolist(), len(seen)]):
        if end - begin >= run:
            starts, firsts, stops = cut(end - begin, run)
            if stops.min() < run - 1:
                starts, firsts, stops = cut(end - begin, run, exact=True)
            parts.append((starts + begin, firsts, stops))
        else:
            start = max(0, min(begin, len(seen) - run))
            parts.append((np.array([start]), np.array([begin - start]), np.array([end - start])))
    starts, firsts, stops = (np.concatenate(part) for part in zip(*parts, strict=True))
    return starts, firsts, stops


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


def kinds_of(needs: Needs) -> list[NDArray[np.bool_]]:
    """Return for each of a tile's lists of taps which taps are on it."""
    ends = needs & (_FIRST | _LAST)
    whole = ends == _FIRST | _LAST
    return [whole, ends == _LAST, (needs > 0) & ~whole & (ends != _LAST)][:LISTS]


def _within(
    axis: Axis,
    needs: Needs,
    which: Indices,
    begins: Indices,
    pixels: Sequence[tuple[int, int]],
) -> bool:
    """Whether what is multiplied along an axis are numbers of the input, in their places.

    Of `begins`, where pixels or runs begin, each has the needs of a class; for each kind of need
    `pixels` are those from there on that are multiplied.
    """
    first = np.full(len(needs), axis.output_size)
    last = np.zeros_like(first)
    np.minimum.at(first, which, begins)
    np.maximum.at(last, which, begins)
    taps = np.arange(axis.kernel_size) * axis.dilation - axis.border[0]
    for taken, (start, stop) in zip(kinds_of(needs), pixels, strict=True):
        lowest = (first + start)[:, None] * axis.step + taps
        highest = (last + stop - 1)[:, None] * axis.step + taps
        if (taken & ((lowest < 0) | (highest >= axis.input_size))).any():
            return False
    return True


def _across(seen: NDArray[np.bool_], run: int, way: Cut) -> Needs:
    """Return what each run of a row needs of each tap, under which its pixels see the input."""
    starts, firsts, stops = way
    before = np.cumsum(np.vstack([np.zeros_like(seen[:1]), seen]), axis=0, dtype=np.int32)
    needs: Needs = np.uint8(_ANY) * (before[starts + stops] > before[starts + firsts])
    begins, whole = firsts == 0, stops == run
    needs[begins] |= np.uint8(_FIRST) * seen[starts[begins]]
    needs[whole] |= np.uint8(_LAST) * seen[starts[whole] + run - 1]
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
