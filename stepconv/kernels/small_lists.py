"""The lists that tiles of `stepconv.kernels.small` go through: which pixels, which taps, what next.

Each band has a list of the records of its tiles, in the order of their cells; bands alike share
one. A record names the lists of taps that its runs are multiplied with.

Where tiles read the input in its place, what they need may be in the third cache or in memory, and
their lines lie too far apart for the processor to foresee. So each record says where a later tile
will read, and the tile asks for that while it is summed::

    tiles of a band      0  1  2  …  15  16  17  …  n   then the next band, or the next sample
    tile 0 asks for                      16
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from stepconv.geometry import Indices
from stepconv.kernels.listing import Tables, beside
from stepconv.kernels.reading import Reading
from stepconv.kernels.runs import Needs, Runs, distinct, kinds_of
from stepconv.kernels.small_bands import RowBands
from stepconv.kernels.small_tiles import (
    AHEAD,
    BEGIN,
    CELL,
    FIRST_RUN,
    IN_LINE,
    KEPT,
    SINGLE,
    Shape,
)

#: How the records of each class begin: the weights of a channel, then lists and their taps.
Heads = Mapping[int, Sequence[int]]

#: How many tiles ahead a tile asks for pixels of the input. On Zen 4 to ask takes a fifth off 1x1
#: 256-64@56 with 8 samples, 11 % off 3x3 64@56. It should reach the rows that the runs at the edges
#: of the map read first: with 8 vgg 3x3 128@112 takes 5 % longer; 12 to 40 do alike.
TILES_AHEAD = 16


class TapLists:
    """The lists of taps that tiles go through, each written once.

    Of `channels` channels, `step` apart, as `listing.sums` does; weights are in blocks of `block`.
    """

    def __init__(self, tables: Tables, block: int, channels: int, step: int) -> None:
        self._tables, self._block, self._channels, self._step = tables, block, channels, step
        self._written: dict[tuple[bytes, bytes], list[int]] = {}

    def head(self, offsets: Indices) -> Callable[[Needs], list[int]]:
        """Return what tells how a record begins whose taps read at `offsets`: see `of`."""
        return lambda needs: self.of(offsets, needs)

    def of(self, offsets: Indices, needs: Needs) -> list[int]:
        """Return how a record begins: weights of a channel, and for each kind its list and taps.

        The taps read at `offsets`.
        """
        key = offsets.tobytes(), needs.tobytes()
        if key not in self._written:
            head = [len(needs) * self._block]
            for taken in kinds_of(needs):
                head += self._list(offsets, np.flatnonzero(taken))
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


def tile_lists(
    tables: Tables,
    lists: TapLists,
    runs: Runs,
    rows: RowBands,
    read: Reading,
    parts: Sequence[int],
    turns: Indices,
    beyond: int,
    sample_cells: int,
) -> Indices:
    """Write the tiles; return for each depth where it stands where they begin and end.

    For each number of samples in `parts` there is a list for each band. `turns` are the planes of
    the band that have been replaced at each depth. Where tiles read in place, the next plane or the
    next samples are `beyond` numbers from these. A sample of the output has `sample_cells` cells.
    """
    depth = len(turns)
    # Depths whose runs are of the same classes, and whose planes lie alike, share their tiles.
    kinds, kind = distinct(np.column_stack([turns, runs.classes.reshape(depth, -1)]))
    written: dict[tuple[object, ...], list[int]] = {}
    ends: list[int] = []
    for turn, *classes in kinds.tolist():
        of_plane = np.array(classes).reshape(-1, len(runs.starts))
        for samples in parts:
            for band, (outputs, lines) in enumerate(zip(rows.outputs, rows.lines, strict=True)):
                first = outputs[0]
                own = (
                    of_plane[outputs],
                    outputs - first,
                    outputs - first if runs.in_place else lines,
                )
                last = runs.in_place and band + 1 == rows.count
                key = turn, samples, last, *[each.tobytes() for each in own]
                if key not in written:
                    head = lists.head(read.offsets[turn])
                    table = _tiles(runs, head, *own, samples, read, sample_cells)
                    if runs.in_place and not SINGLE:
                        further = beyond - first * read.row if last else rows.corner_step * read.row
                        ask_ahead(table, TILES_AHEAD, further)
                    start = tables.add(table.ravel())
                    written[key] = [start, start + table.size]
                ends += written[key]
    return tables.add(ends) + kind * (2 * len(parts) * rows.count)


def _tiles(
    runs: Runs,
    head: Callable[[Needs], Sequence[int]],
    classes: Indices,
    outputs: Indices,
    lines: Indices,
    samples: int,
    read: Reading,
    sample_cells: int,
) -> Indices:
    """Return the records of the tiles for a band of `samples` samples.

    Its rows have runs of `classes`, are rows `outputs` of the output behind the band's first, and
    begin at lines `lines`. ``head(needs)`` is how a record begins.
    """
    classes = np.broadcast_to(classes, (samples, *classes.shape))
    kind, needs = runs.joined(classes.ravel())
    sample, row, run = (index.ravel() for index in np.indices(classes.shape, sparse=False))
    order = np.argsort(kind, kind="stable")
    kind, sample, row, run = (one[order] for one in (kind, sample, row, run))
    begin = sample * read.sample + lines[row] * read.row + runs.starts[run] * read.pixel
    cell = sample * sample_cells + outputs[row] * runs.width + runs.starts[run]
    heads = {one: head(needs[one]) for one in set(kind.tolist())}
    return records(runs.shape, heads, kind, begin, runs.kept[run], cell)


def ask_ahead(table: Indices, count: int, further: int) -> None:
    """Let each tile of a band ask for the pixels of the tile that is `count` places behind it.

    Behind the last tile follows the first, with its pixels `further` on.
    """
    begins = table[:, FIRST_RUN + BEGIN]
    later = np.append(begins, begins[:count] + further)
    places = np.minimum(np.arange(len(table)) + count, len(later) - 1)
    table[:, AHEAD] = later[places] - begins


def records(
    shape: Shape,
    heads: Heads,
    kind: Indices,
    begin: Indices,
    kept: Indices,
    cell: Indices,
) -> Indices:
    """Return the records of tiles for runs in the order of their class, `kind`.

    `heads` are how those of each class begin, see `TapLists.of`; the bits of `kept` say which
    pixels of a run are stored.
    """
    run, runs, _ = shape
    stops = np.flatnonzero(np.diff(kind, append=-1)) + 1
    starts = np.append(0, stops[:-1])
    counts = -(-(stops - starts) // runs)  # tiles of a class
    start, stop = starts.repeat(counts), stops.repeat(counts)
    lead = start + runs * (np.arange(len(start)) - (counts.cumsum() - counts).repeat(counts))
    if SINGLE:  # rather all pixels of the last tile, some of them again
        lead = np.maximum(start, np.minimum(lead, stop - runs))
    members = np.minimum(lead[:, None] + np.arange(runs), stop[:, None] - 1)
    table = np.zeros((len(lead), shape.record), np.int64)
    table[:, :IN_LINE] = np.array([heads[one] for one in kind[starts].tolist()]).repeat(counts, 0)
    table[:, FIRST_RUN + BEGIN :: 3] = begin[members]
    # Of a run that is missing another is computed once more, and not stored.
    stored = np.where(lead[:, None] + np.arange(runs) < stop[:, None], kept[members], 0)
    table[:, FIRST_RUN + KEPT :: 3] = stored
    table[:, FIRST_RUN + CELL :: 3] = cell[members]
    follow = (np.diff(cell[members], axis=1) == run).all(axis=1)
    table[:, IN_LINE] = np.where(follow, (stored << run * np.arange(runs)).sum(axis=1), 0)
    return table[np.argsort(table[:, FIRST_RUN + CELL], kind="stable")]
