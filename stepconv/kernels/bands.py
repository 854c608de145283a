"""Bands: a strip of the input copied into cache, laid out so that every tap is a shifted read.

The copy is where everything awkward about convolutions is dealt with, once for each number
instead of once for each product:

- *Padding*, of any mode: the index maps `stepconv.geometry.Axis.source` say which input
  row and column each row and column of the band shows; zeros are copied as zeros. Whole rows,
  without a stride, share those between them::

      0 a b c 0 d e f 0        a padding of 1 on rows of 3: 4 numbers from row to row, not 5
- *Stride* s: a band is split into s·s phases, planes that each hold every s-th row and
  column, so that neighbouring outputs read neighbouring numbers::

      columns of the padded input   0 1 2 3 4 5 6 7 8     kernel of 3, stride 2:
      phase 0                       0   2   4   6   8     taps 0 and 2 read phase 0,
      phase 1                         1   3   5   7       tap 1 reads phase 1

- *Dilation* and *rank*: entries in the table of offsets, one for each tap.

A band is [input channel][depth tap][phase][row][column]: for each tap, the number under it
for the output in row i and column j lies at ``offset[tap] + i * pitch + j``. Where the outputs of
one depth follow those of another, only the planes that are new to the kernel are filled, in the
places of those it has left; the offsets turn with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stepconv.geometry import Axis, Indices
from stepconv.kernels.drivers import emitted, inlined
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables
from stepconv.kernels.tiles import (
    CHANNEL_STEP,
    CHANNELS,
    TILE_SETTINGS,
)

# Where the settings of a band stand in the array of settings, after those of the tiles.
(
    DEPTH,  # of the input: its sizes
    HEIGHT,
    WIDTH,
    STEP_Z,
    STEP_Y,
    STEP_X,
    BEFORE,  # columns of padding before the input
    MAPPED,  # whether padding shows numbers of the input, and not zeros
    SOURCE_Z,  # where in the tables the index maps stand, and how long the last one is
    SOURCE_Y,
    SOURCE_X,
    LAYOUT_X,
    LEVELS_AT,  # where the depth taps stand, as positions in the layout, and their number
    LEVELS,
    PHASES_Y_AT,  # where the first rows and columns of the stride phases stand
    PHASES_Y,
    PHASES_X_AT,
    PHASES_X,
    ROWS,  # of a phase in the band
    COLUMNS,
    PITCH,  # numbers from one row to the next
    PHASE_STEP,  # and from one phase to the next
    BAND_SETTINGS,
) = range(TILE_SETTINGS, TILE_SETTINGS + 23)


#: How far ahead the input is asked for while a band is filled: mostly it is in the third cache. On
#: Zen 4 that takes 1 % off deeplab's dilation of 6 and unet3d; 1 and 4 KB do alike.
AHEAD_BYTES = 2048

#: Strides up to which one pass over a row deals with all its phases, by vectors.
MOST_DEALT = 4
#: For `fill`: any stride.
ANY_STRIDE = 1 << 40

#: Numbers that may be written behind a phase: a vector of the widest machine.
SPILL = 16


@dataclass(frozen=True)
class Reach:
    """What the taps along one axis need of a band: its phases, and how far they reach.

    >>> Reach.of(Axis(input_size=9, kernel_size=3, stride=2))
    Reach(phases=(0, 1), phase=(0, 1, 0), shift=(0, 0, 1))
    """

    phases: tuple[int, ...]
    phase: tuple[int, ...]
    shift: tuple[int, ...]

    @classmethod
    def of(cls, axis: Axis) -> Reach:
        """Split each tap's position into phase and shift."""
        splits = [divmod(tap * axis.dilation, axis.step) for tap in range(axis.kernel_size)]
        phases = tuple(sorted({phase for _, phase in splits}))
        places = {phase: place for place, phase in enumerate(phases)}
        return cls(
            phases,
            tuple(places[phase] for _, phase in splits),
            tuple(shift for shift, _ in splits),
        )

    @property
    def extra(self) -> int:
        """Rows or columns a band needs beyond those of its outputs."""
        return max(self.shift)


@dataclass(frozen=True)
class Layout:
    """How a band for some output rows and columns is laid out."""

    axes: tuple[Axis, Axis, Axis]
    reach: tuple[Reach, Reach]
    rows: int
    columns: int

    @classmethod
    def of(cls, axes: tuple[Axis, Axis, Axis], rows: int = 1, columns: int = 1) -> Layout:
        """Lay out a band for `rows` by `columns` outputs."""
        return cls(axes, (Reach.of(axes[1]), Reach.of(axes[2])), 0, 0).resized(rows, columns)

    def resized(self, rows: int, columns: int) -> Layout:
        """Return the same for other numbers of outputs."""
        high, wide = self.reach
        return replace(self, rows=rows + high.extra, columns=columns + wide.extra)

    @property
    def pitch(self) -> int:
        """Numbers from one row to the next: whole rows share the zeros between them.

        No more of them than the kernel reaches over: a row has as many outputs as numbers, less
        those. A strip of a row may end in zeros where the next begins with numbers.

        >>> rows, columns = Axis(4, 3, pad=(1, 1)), Axis(5, 4, pad=(2, 1))
        >>> Layout.of((Axis(1, 1), rows, columns), rows=4, columns=5).pitch
        7
        """
        x = self.axes[2]
        if x.mode != "zeros" or x.step > 1 or self.columns < x.layout_size:
            return self.columns
        before, after = x.border[0], self.columns - x.border[0] - x.input_size
        return self.columns - max(0, min(before, after, self.reach[1].extra))

    @property
    def phase(self) -> int:
        """Numbers from one phase to the next: its own, and what filling it may spill."""
        return (self.rows - 1) * self.pitch + self.columns + SPILL

    @property
    def channel(self) -> int:
        """Numbers from one channel to the next."""
        phases = len(self.reach[0].phases) * len(self.reach[1].phases)
        return self.axes[0].kernel_size * phases * self.phase

    @property
    def offsets(self) -> Indices:
        """Where each tap reads."""
        return self.turned(0)

    def turned(self, planes: int) -> Indices:
        """Where each tap reads after so many planes have been replaced, one by one."""
        rows, columns = self.reach
        across = len(columns.phases) * self.phase
        levels = self.axes[0].kernel_size
        z = (np.arange(levels) + planes) % levels * (len(rows.phases) * across)
        y = np.array(rows.phase) * across + np.array(rows.shift) * self.pitch
        x = np.array(columns.phase) * self.phase + np.array(columns.shift)
        read: Indices = z[:, None, None] + y[:, None] + x
        return read.ravel()

    def describe(self, tables: Tables) -> dict[int, int]:
        """Return the settings of the band."""
        z, y, x = self.axes
        rows, columns = self.reach
        return {
            DEPTH: z.input_size,
            HEIGHT: y.input_size,
            WIDTH: x.input_size,
            STEP_Z: z.step,
            STEP_Y: y.step,
            STEP_X: x.step,
            BEFORE: x.border[0],
            MAPPED: x.mode != "zeros",
            SOURCE_Z: tables.add(z.source),
            # The last band may have rows behind the layout.
            SOURCE_Y: tables.add(np.append(y.source, np.full(self.rows * y.step, -1))),
            SOURCE_X: tables.add(x.source if x.mode != "zeros" else []),
            LAYOUT_X: x.layout_size,
            LEVELS_AT: tables.add([tap * z.dilation for tap in range(z.kernel_size)]),
            LEVELS: z.kernel_size,
            PHASES_Y_AT: tables.add(rows.phases),
            PHASES_Y: len(rows.phases),
            PHASES_X_AT: tables.add(columns.phases),
            PHASES_X: len(columns.phases),
            ROWS: self.rows,
            COLUMNS: self.columns,
            PITCH: self.pitch,
            PHASE_STEP: self.phase,
        }


@inlined
def fill(
    least: int,
    most: int,
    band: Any,
    at: int,
    input: Any,
    image: int,
    settings: Any,
    tables: Any,
    z: int,
    y: int,
    x: int,
    known: int,
    turn: int,
) -> None:
    """Fill band[at:] for outputs from (z, y, x) on, with the channels from input[image] on.

    The planes of the first `known` depth taps are there already; `turn` planes have been replaced.
    The stride along a row is from `least` to `most`, known while compiling: each takes its time.
    """
    width, step, before = settings[WIDTH], settings[STEP_X], settings[BEFORE]
    reach = settings[COLUMNS] * step
    planes = settings[PHASES_Y] * settings[PHASES_X] * settings[PHASE_STEP]
    for level in range(known, settings[LEVELS]):
        place = z * settings[STEP_Z] + tables[settings[LEVELS_AT] + level]
        to = at + (level + turn) % settings[LEVELS] * planes
        iz = tables[settings[SOURCE_Z] + place]
        plane = image + iz * settings[HEIGHT] * width
        for phase_y in range(settings[PHASES_Y]):
            row = y * settings[STEP_Y] + tables[settings[PHASES_Y_AT] + phase_y]
            row += settings[SOURCE_Y]
            together = settings[PHASES_X] if step <= MOST_DEALT else 1
            for phase_x in range(0, settings[PHASES_X], together):
                start = x * step + tables[settings[PHASES_X_AT] + phase_x]
                # Of the positions from `start` on, lo to hi show the input, the others are padding.
                lo = min(max(before - start, 0), reach)
                hi = min(max(before + width - start, lo), reach) if iz >= 0 else lo
                origin = plane + start - before
                if least <= 1 and step == 1:
                    copy_rows(1, band, to, input, origin, settings, tables, row, lo, hi)
                elif least <= 2 and most >= 2 and step == 2:
                    copy_rows(2, band, to, input, origin, settings, tables, row, lo, hi)
                elif most >= 3 and step == 3:
                    copy_rows(3, band, to, input, origin, settings, tables, row, lo, hi)
                elif most >= 4 and step == 4:
                    copy_rows(4, band, to, input, origin, settings, tables, row, lo, hi)
                elif most > MOST_DEALT:
                    pick_rows(band, to, input, origin, settings, tables, row, lo, hi)
                to += together * settings[PHASE_STEP]
            if settings[MAPPED] != 0 and iz >= 0:
                edges(band, to, input, plane, settings, tables, row, x)


@emitted
def copy_rows(
    code: Code,
    step: int,
    band: Value,
    to: Value,
    input: Value,
    origin: Value,
    settings: Value,
    tables: Value,
    row: Value,
    lo: Value,
    hi: Value,
) -> None:
    """Fill the rows of the phases: ``band[j] = input[origin + i]``, ``lo <= i = step * j < hi``.

    Elsewhere it becomes 0. Of the other phases, of the numbers between, those follow that taps
    meet. From tables[row] on stand the rows of the input, or -1 for one of zeros. Writes whole
    vectors, row after row: what one spills into the next is overwritten by that.

    All channels are done together, since to begin takes as long as some rows. Each row is read from
    end to end, as processors foresee it: a column of vectors after the other, over all rows and
    channels, takes twice as long where the input comes from memory.
    """
    lanes = code.lanes
    rows, columns, pitch, width, row_step, channels, further_channel = (
        code.load_one(settings, field)
        for field in (ROWS, COLUMNS, PITCH, WIDTH, STEP_Y, CHANNELS, CHANNEL_STEP)
    )
    image = code.multiply(code.load_one(settings, DEPTH), code.load_one(settings, HEIGHT))
    image = code.multiply(image, width)
    count = code.ceiling(columns, lanes)
    places = [_place(code, phase, step, settings, tables) for phase in range(1, step)]
    source, target = code.move(input, origin), code.move(band, to)
    with code.loop(channels, source, target) as channel:
        source, target = channel.values
        with code.loop(rows, code.move(tables, row), target) as line:
            shown, cell = line.values
            iy = code.load_one(shown)
            seen = code.compare(iy, ">=", 0)
            ends = code.select(seen, lo, 0), code.select(seen, hi, 0)
            with code.loop(count, code.move(source, code.multiply(iy, width)), cell, *ends) as part:
                there, at, first, last = part.values
                for v in range(step):
                    code.prefetch(there, AHEAD_BYTES // code.itemsize + v * lanes)
                dealt = code.deal(load_between(code, step, there, first, last))
                code.store(dealt[0], at)
                for place, phase in zip(places, dealt[1:], strict=True):
                    with code.when(code.compare(place, ">", 0)):
                        code.store(phase, at, place)
                done = step * lanes
                further = code.subtract(first, done), code.subtract(last, done)
                part.next(code.move(there, done), code.move(at, lanes), *further)
            line.next(code.move(shown, row_step), code.move(cell, pitch))
        channel.next(code.move(source, image), code.move(target, further_channel))


def _place(code: Code, phase: int, step: int, settings: Value, tables: Value) -> Value:
    """Return how far behind the first phase another lies in the band, 0 if no tap meets it."""
    count, listed = code.load_one(settings, PHASES_X), code.load_one(settings, PHASES_X_AT)
    place = code.integer(0)
    for number in range(1, step):
        there = code.select(code.compare(count, ">", number), number, 0)
        met = code.compare(code.load_one(tables, code.add(listed, there)), "==", phase)
        place = code.select(met, number, place)
    return code.multiply(place, code.load_one(settings, PHASE_STEP))


def load_between(code: Code, vectors: int, there: Value, first: Value, last: Value) -> list[Value]:
    """Emit the loads of some vectors from `there` on: of numbers first <= i < last, else zeros.

    Where masks are no registers of their own, vectors that are whole are loaded without.
    """
    places = range(0, vectors * code.lanes, code.lanes)

    def masked() -> list[Value]:
        return [
            code.load_masked(
                code.move(there, place),
                code.between(code.subtract(first, place), code.subtract(last, place)),
            )
            for place in places
        ]

    if host().masks:
        return masked()
    whole = code.both(code.compare(first, "<=", 0), code.compare(last, ">=", vectors * code.lanes))
    return code.choose(whole, lambda: [code.load(there, place) for place in places], masked)


@inlined
def pick_rows(
    band: Any,
    to: int,
    input: Any,
    origin: int,
    settings: Any,
    tables: Any,
    row: int,
    lo: int,
    hi: int,
) -> None:
    """As `copy_rows`, one number at a time, for any step."""
    step, columns = settings[STEP_X], settings[COLUMNS]
    first, last = (lo + step - 1) // step, (hi + step - 1) // step
    for c in range(settings[CHANNELS]):
        image = c * settings[DEPTH] * settings[HEIGHT] * settings[WIDTH]
        for i in range(settings[ROWS]):
            iy = tables[row + i * settings[STEP_Y]]
            line = to + c * settings[CHANNEL_STEP] + i * settings[PITCH]
            for j in range(columns):
                band[line + j] = 0
            if iy >= 0:
                source = origin + image + iy * settings[WIDTH]
                for j in range(first, last):
                    band[line + j] = input[source + j * step]


@inlined
def edges(
    band: Any,
    to: int,
    input: Any,
    plane: int,
    settings: Any,
    tables: Any,
    row: int,
    x: int,
) -> None:
    """Fill the padding beside the rows of phases where it shows numbers of the input.

    The phases of a row end before band[to].
    """
    step, columns, before = settings[STEP_X], settings[COLUMNS], settings[BEFORE]
    to -= settings[PHASES_X] * settings[PHASE_STEP]
    for phase in range(settings[PHASES_X]):
        start = x * step + tables[settings[PHASES_X_AT] + phase]
        for c in range(settings[CHANNELS]):
            image = c * settings[DEPTH] * settings[HEIGHT] * settings[WIDTH]
            for i in range(settings[ROWS]):
                iy = tables[row + i * settings[STEP_Y]]
                line = to + c * settings[CHANNEL_STEP] + i * settings[PITCH]
                source = plane + image + iy * settings[WIDTH]
                for j in range(columns):
                    place = start + j * step
                    within = place >= before and place < before + settings[WIDTH]
                    if iy >= 0 and not within and place < settings[LAYOUT_X]:
                        band[line + j] = input[source + tables[settings[SOURCE_X] + place]]
        to += settings[PHASE_STEP]
