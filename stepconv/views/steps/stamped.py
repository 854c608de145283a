"""Stamped: the input with the cell that stamps, and the output with the stamp lying on it."""

from __future__ import annotations

from stepconv.geometry import Axis
from stepconv.language import _
from stepconv.record import Stamp
from stepconv.views.parts.figures import figures
from stepconv.views.parts.grid import Cell, Field, Grid, Rows
from stepconv.views.steps.slices import GLYPHS, MOST_ROWS, embed, tail
from stepconv.views.steps.stamping import Stamping
from stepconv.views.theme import Look


def value_grid(stamp: Stamp, look: Look) -> Grid:
    """Return the slice of the input that holds the cell that stamps."""
    trace = stamp.trace
    axes = trace.geometry.embedded
    depth, row, column = embed(stamp.position)
    image = trace.operands.input[stamp.input_index[0], stamp.input_index[1], depth]
    write = figures(trace).value
    unused = [set(axis.unused.tolist()) for axis in axes]
    mark = tail("unused", look) if any(unused) else ""

    def draw(down: range, across: range) -> Rows:
        part = image[down.start : down.stop, across.start : across.stop].tolist()
        return [
            [cell(value, r, c) for c, value in zip(across, values, strict=True)]
            for r, values in zip(down, part, strict=True)
        ]

    def cell(value: object, r: int, c: int) -> Cell:
        lost = depth in unused[0] or r in unused[1] or c in unused[2]
        role = "stamped" if (r, c) == (row, column) else "unused" if lost else "input"
        return Cell(write(value) + (mark if lost else " " * len(mark)), role)

    titled = axes[0].input_size > 1
    return Grid(
        Field(image.shape, figures(trace).value_width + len(mark), draw),
        look,
        title=_("depth {position}").format(position=depth) if titled else "",
        focus=(range(row, row + 1), range(column, column + 1)),
        max_rows=MOST_ROWS,
    )


def stamped_grids(stamping: Stamping, look: Look) -> list[Grid]:
    """Return the output under the stamp, a grid for each depth tap, the cropped rim included."""
    shown = [_shown(axis, span) for axis, span in zip(stamping.axes, stamping.spans, strict=True)]
    return [_Stamped(stamping, look, tap, shown).grid() for tap in range(stamping.shape[0])]


class _Stamped:
    """One depth slice of the output, drawn where it is seen."""

    def __init__(self, stamping: Stamping, look: Look, depth_tap: int, shown: list[range]) -> None:
        self.stamping = stamping
        self.look = look
        self.depth_tap = depth_tap
        self.depth = int(stamping.landings[0][depth_tap])
        self.shown = shown[1:]
        self.taps = [
            {int(place): tap for tap, place in enumerate(places)}
            for places in stamping.landings[1:]
        ]
        self.extra = [axis.output_size - axis.output_padding for axis in stamping.axes]
        added = any(axis.output_padding for axis in stamping.axes)
        self.mark = tail("extra", look) if added else ""

    def grid(self) -> Grid:
        focus = [_focus(taps, span) for taps, span in zip(self.taps, self.shown, strict=True)]
        return Grid(
            Field(
                (len(self.shown[0]), len(self.shown[1])),
                self.stamping.figures.result_width + len(self.mark),
                self.draw,
            ),
            self.look,
            title=self.look.plain(self.title()),
            focus=(focus[0], focus[1]),
            cursor=self.cursor(),
            max_rows=MOST_ROWS,
        )

    def title(self) -> str:
        if self.stamping.axes[0].output_size == 1 and len(self.stamping.landings[0]) == 1:
            return ""
        if self.depth in self.stamping.spans[0]:
            return _("depth {position}").format(position=self.depth)
        return _("cropped")

    def cursor(self) -> tuple[int, int] | None:
        """Return where the current term lands, if that is shown."""
        if self.stamping.tap is None:
            return None
        places = [
            int(places[tap]) - span.start
            for places, tap, span in zip(
                self.stamping.landings[1:], self.stamping.tap[1:], self.shown, strict=True
            )
        ]
        return places[0], places[1]

    def draw(self, down: range, across: range) -> Rows:
        rows = self.shown[0][down.start : down.stop]
        columns = self.shown[1][across.start : across.stop]
        held = self.held(rows, columns)
        return [[self.cell(r, c, held.get((r, c))) for c in columns] for r in rows]

    def held(self, rows: range, columns: range) -> dict[tuple[int, int], str]:
        """Write what the cells that are traced held before the stamp; at the end, the output."""
        stamping = self.stamping
        depth, *spans = stamping.spans
        rows, columns = _common(rows, spans[0]), _common(columns, spans[1])
        if self.depth not in depth or not rows or not columns:
            return {}
        if stamping.finished:
            sums, touched = stamping.output(self.depth, rows, columns)
        else:
            sums, touched = stamping.held(self.depth, rows, columns)
        write, pending = stamping.figures.result, self.look.plain(GLYPHS["pending"])
        texts = {}
        for r, values, seen in zip(rows, sums.tolist(), touched.tolist(), strict=True):
            for c, value, known in zip(columns, values, seen, strict=True):
                texts[r, c] = write(value) if known else pending
        return texts

    def cell(self, row: int, column: int, text: str | None) -> Cell:
        stamping, pending = self.stamping, self.look.plain(GLYPHS["pending"])
        row_tap, column_tap = self.taps[0].get(row), self.taps[1].get(column)
        role = "cropped" if text is None else "pending" if text == pending else "product"
        beyond = text is not None and self.beyond(row, column)
        role = "extra" if beyond else role
        if row_tap is not None and column_tap is not None:
            tap = (self.depth_tap, row_tap, column_tap)
            role = "current" if tap == stamping.tap else "stamped"
            if text is not None and stamping.reached(tap) and not stamping.finished:
                text = stamping.figures.result(stamping.after[tap].item())
        if text is None:
            return Cell(self.look.plain("×") + " " * len(self.mark), role)
        return Cell(text + (self.mark if beyond else " " * len(self.mark)), role)

    def beyond(self, row: int, column: int) -> bool:
        """Whether a cell is there by output_padding alone."""
        place = (self.depth, row, column)
        return any(p >= first for p, first in zip(place, self.extra, strict=True))


def _shown(axis: Axis, span: range) -> range:
    """Return the output positions to show: all that a stamp may reach, or the part traced."""
    if len(span) < axis.output_size:
        return span
    reach = (axis.input_size - 1) * axis.stride + axis.span - axis.pad[0]
    return range(min(-axis.pad[0], 0), max(reach, axis.output_size))


def _focus(taps: dict[int, int], shown: range) -> range:
    seen = [place - shown.start for place in taps if place in shown]
    return range(min(seen), max(seen) + 1) if seen else range(0)


def _common(one: range, other: range) -> range:
    start = max(one.start, other.start)
    return range(start, max(min(one.stop, other.stop), start))
