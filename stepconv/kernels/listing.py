"""Lists that plans write for kernels: which pixels a tile covers, and where its taps lie."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from stepconv.geometry import Indices
from stepconv.kernels.tiles import (
    CHANNEL_STEP,
    CHANNELS,
    COUNT,
    FIRST,
    KEPT,
    RECORD,
    SPAN,
    TAPS,
    TAPS_AT,
    TILE_VECTORS,
    WHOLE,
)

#: Terms added up in a register before they join the total: sums of up to UNCUT as a whole. The
#: largest error in float32 is 0.4 to 1.2 times oneDNN's over most layers of the benchmark; with
#: 192 for both it is up to 1.5 times, with 256 up to 2.5 times. On Zen 4 to join takes as long as
#: 4 terms.
CHAIN, UNCUT = 144, 96
#: Taps of a channel from which on two pieces will do: under 6x6 to 9x9 they have 0.4 to 0.9 times
#: oneDNN's error.
MANY_TAPS = 36


class Tables:
    """Lists of integers laid end to end, so that a kernel is given one array for all.

    >>> tables = Tables()
    >>> tables.add([4, 5]), tables.add([6]), tables.array().tolist()
    (0, 2, [4, 5, 6])
    """

    def __init__(self) -> None:
        self._parts: list[Indices] = []
        self._size = 0

    def add(self, numbers: Sequence[int] | Indices) -> int:
        """Append a list and return where it begins."""
        part = np.asarray(numbers, np.int64)
        self._parts.append(part)
        self._size += len(part)
        return self._size - len(part)

    def array(self) -> Indices:
        """Return all lists as one array."""
        return np.concatenate(self._parts)


def sums(
    tables: Tables, channels: int, step: int, offsets: Indices, most: int | None = None
) -> dict[int, int]:
    """Return the settings of sums over `channels` channels, `step` apart, with taps at `offsets`.

    They are cut after `most` channels at the latest.

    The taps of all channels of a piece stand in one list: one long loop, where taps inside channels
    would be many short ones. That takes a fifth off the time of a kernel of 1.
    """
    own = span(channels, len(offsets))
    if most is not None and own > most:
        own = -(-channels // -(-channels // most))
    return {
        CHANNELS: channels,
        CHANNEL_STEP: step,
        TAPS: len(offsets),
        TAPS_AT: tables.add(beside(offsets, own, step)),
        SPAN: own,
    }


def beside(offsets: Indices, channels: int, step: int) -> Indices:
    """Return the offsets of taps in some channels, `step` apart, one channel after the other."""
    return (np.arange(channels)[:, None] * step + offsets).ravel()


def span(channels: int, taps: int) -> int:
    """Return after how many channels a sum is cut.

    Where it is cut at all, it is into three pieces or more: sums of 128 terms in two had 1.7 times
    the error of oneDNN's, but not under large kernels.
    """
    terms = channels * taps
    least = 2 if taps >= MANY_TAPS else 3
    return channels if terms <= UNCUT else -(-channels // max(least, -(-terms // CHAIN)))


def vectors_of(rows: int, columns: int, pitch: int, lanes: int) -> tuple[int, bool]:
    """Return how many vectors cover `rows` rows of `columns` pixels, and whether row by row.

    Else they run on across the ends of rows, which begin `pitch` numbers apart.
    """
    by_row = rows * -(-columns // lanes)
    across = -(-((rows - 1) * pitch + columns) // lanes)
    return min(by_row, across), by_row <= across


def tile_sizes(count: int) -> list[int]:
    """Return how many vectors each tile takes of `count` in all.

    A single one would wait for its own sums: no tile is so small.

    >>> tile_sizes(6), tile_sizes(7), tile_sizes(1)
    ([3, 3], [3, 2, 2], [2])
    """
    full, left = divmod(count, TILE_VECTORS)
    sizes = [TILE_VECTORS] * full + [left] * (left > 0)
    if left == 1:
        sizes[-2:] = [2, TILE_VECTORS - 1] if full else [2]
    return sizes


def records(
    rows: int, columns: int, pitch: int, width: int, lanes: int, exact: bool = False
) -> Indices:
    """Return the records of the tiles that cover `rows` rows of `columns` pixels.

    In the band a row begins `pitch` numbers after the one before, in the output `width`. Where
    `exact`, the last vector is moved back so that it reads nothing behind the last pixel.
    """
    count, by_row = vectors_of(rows, columns, pitch, lanes)
    if by_row:
        row, part = np.divmod(np.arange(count), count // rows)
        begin, end = row * pitch + part * lanes, row * pitch + columns
    else:
        begin = np.arange(count) * lanes
        end = np.full(count, (rows - 1) * pitch + columns)
    done = begin.copy()
    if exact:
        begin[-1] = end[-1] - lanes
    pixel = begin[:, None] + np.arange(lanes)
    row, column = np.divmod(pixel, pitch)
    kept = (column < columns) & (pixel >= done[:, None]) & (pixel < end[:, None])
    cell = (row * width + column)[np.arange(count), kept.argmax(axis=1)]
    fields = np.column_stack([begin, kept @ (1 << np.arange(lanes)), kept.sum(axis=1), cell])
    sizes = tile_sizes(count)
    first = np.cumsum(sizes) - sizes
    members = np.minimum(first[:, None] + np.arange(TILE_VECTORS), count - 1)
    table = np.empty((len(sizes), RECORD), np.int64)
    table[:, COUNT] = sizes
    # Those that a tile lacks repeat the last; so does the second of a single vector.
    table[:, WHOLE] = (fields[members, KEPT] == lanes).all(axis=1)
    table[:, FIRST:] = fields[members].reshape(len(sizes), -1)
    return table


def tile_lists(
    tables: Tables,
    band: tuple[int, int],
    outputs: tuple[int, int],
    pitch: int,
    width: int,
    lanes: int,
    exact: bool = False,
) -> int:
    """Write the tiles of bands of `band` rows and columns; return where it stands where they are.

    Four lists, of whole bands, the last band, the last strip of columns and the last of both: for
    each where it begins and ends.
    """
    sizes = [(part, (whole - 1) % part + 1) for part, whole in zip(band, outputs, strict=True)]
    spans: dict[tuple[int, int], list[int]] = {}
    for columns, rows in product(*reversed(sizes)):
        if (rows, columns) not in spans:
            tiles = records(rows, columns, pitch, width, lanes, exact)
            start = tables.add(tiles.ravel())
            spans[rows, columns] = [start, start + tiles.size]
    return tables.add(
        [end for columns, rows in product(*reversed(sizes)) for end in spans[rows, columns]]
    )
