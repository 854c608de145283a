"""MatrixTable: rows of a matrix below the vector that they are multiplied with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from stepconv.language import _
from stepconv.views.matrices.unrolled import Unrolled
from stepconv.views.parts.grid import crop, part_seen
from stepconv.views.parts.numbers import formatter
from stepconv.views.steps.slices import tail
from stepconv.views.theme import Look

INDENT = 3
"""Room for the mark before the current row."""

SAMPLED = 2000
"""Entries that are tried for the longest text."""


@dataclass(frozen=True)
class _Cell:
    text: str
    role: str = "input"


class MatrixTable:
    """The rows and columns that fit, the values of both vectors beside them.

    Parameters
    ----------
    unrolled : Unrolled
    look : Look
    names : bool
        Write which weight an entry is instead of its value.
    """

    def __init__(self, unrolled: Unrolled, look: Look, names: bool) -> None:
        self.unrolled = unrolled
        self.look = look
        self.names = names
        self.write = formatter(unrolled.matrix.value)
        self.above, self.before = unrolled.vectors
        self.write_above, self.write_before = _writer(self.above), _writer(self.before)
        above, before = ("y", "Wᵀ·y") if unrolled.transpose else ("x", "W·x")
        self.symbols = symbols(above, look), symbols(before, look)

    def lines(self, width: int, room: int) -> list[Text]:
        """Draw, no wider than `width`, in at most `room` lines."""
        rows, columns = self.unrolled.shape
        focus = self.unrolled.reached
        labels = max(cell_len(self.unrolled.row_label(r)) for r in {0, rows // 2, rows - 1})
        results = max(cell_len(self.symbols[1]), _widest(self.before, self.write_before))
        margin = INDENT + labels + 2 + results + 2 + len(self.symbols[0]) + 1
        cell = self._cell_width()
        across = crop(columns, focus[1], max((width - margin - 1) // (cell + 1), 1))
        down = crop(rows, focus[0], max(room - 2 - (len(across) < columns), 1))
        if len(down) < rows:
            down = crop(rows, focus[0], max(room - 3, 1))
        drawn = [self._head(across, cell, margin), self._vector(across, cell, margin)]
        for r in down:
            line = Text(no_wrap=True, overflow="crop")
            mark = self.look.plain("▸") if r == self.unrolled.row else " "
            line.append(f" {mark} " + _right(self.unrolled.row_label(r), labels) + "  ", "")
            line.append(_right(_known(self.before[r], self.write_before), results), self._sum(r))
            line.append(" " * (margin - line.cell_len))
            drawn.append(line.append_text(self._joined(self._row(r, across), cell)))
        return drawn + self._note(down, across)

    def _cell_width(self) -> int:
        entries, columns = self._sampled(), self.unrolled.shape[1]
        return max(
            _widest(self.above, self.write_above),
            *(cell_len(self._column(c)[0]) for c in {*self.unrolled.unused, columns - 1}),
            max((cell_len(self._entry([k])) for k in entries), default=1),
        )

    def _sampled(self) -> Sequence[int]:
        """Entries among which the longest text is."""
        values = self.unrolled.matrix.value
        if self.names or values.dtype.kind == "c" or not len(values):
            return range(min(len(values), SAMPLED))
        return int(values.argmin()), int(values.argmax())

    def _entry(self, numbers: Sequence[int]) -> str:
        """Write an entry; where a border copies a cell, the weights that meet in it add up."""
        if self.names:
            return "+".join(self.unrolled.weight_name(k) for k in numbers)
        return self.write(sum(self.unrolled.matrix.value[k] for k in numbers))

    def _row(self, r: int, columns: range) -> list[_Cell]:
        entries, unrolled = self.unrolled.entries(r), self.unrolled
        cells = []
        for c in columns:
            if c not in entries:
                cells.append(_Cell(self.look.plain("·"), "padding"))
                continue
            role = "window" if r == unrolled.row or c == unrolled.column else "input"
            role = "current" if (r, c) == unrolled.hit else role
            cells.append(_Cell(self._entry(entries[c]), role))
        return cells

    def _head(self, columns: range, width: int, margin: int) -> Text:
        line = Text(" " * margin, no_wrap=True, overflow="crop")
        for c in columns:
            label, role = self._column(c)
            line.append(" " + " " * (width - cell_len(label)))
            line.append(label, self.look.style(role))
        return line

    def _column(self, c: int) -> tuple[str, str]:
        """The label of a column, and whether anything is under it."""
        label = self.unrolled.column_label(c)
        if c in self.unrolled.unused:
            return label + tail("unused", self.look), "unused"
        return label, "label"

    def _vector(self, columns: range, width: int, margin: int) -> Text:
        above, before = self.symbols
        line = Text(_right(before, margin - len(above) - 3), self.look.style("label"))
        line.append(f"  {above} ")
        cells = []
        for c in columns:
            role = "window" if c in self.unrolled.active else "input"
            if self.unrolled.hit and c == self.unrolled.hit[1]:
                role = "current"
            cells.append(_Cell(_known(self.above[c], self.write_above), role))
        values = self._joined(cells, width)
        return Text("", no_wrap=True, overflow="crop").append_text(line).append_text(values)

    def _joined(self, cells: Sequence[_Cell], width: int) -> Text:
        """Set cells side by side; neighbours of one role share the marks around them."""
        line = Text(no_wrap=True, overflow="crop")
        before = ""
        for cell in [*cells, _Cell("", "")]:
            same = before == cell.role == "window"
            line.append(self._between(before, cell.role), self.look.style("window") if same else "")
            if cell.role:
                line.append(_right(cell.text, width), self.look.style(cell.role))
            before = cell.role
        return line

    def _between(self, left: str, right: str) -> str:
        for role in ("current", "window"):
            if left != right and role in (left, right):
                return self.look.marks(role)[int(left == role)]
        return " "

    def _sum(self, r: int) -> str:
        return self.look.style("fills" if r == self.unrolled.row else "sum")

    def _note(self, rows: range, columns: range) -> list[Text]:
        count = self.unrolled.shape
        notes = []
        for name, seen, of in zip((_("rows"), _("columns")), (rows, columns), count, strict=True):
            if len(seen) < of:
                notes.append(part_seen(name, seen, of))
        note = self.look.plain(" " * INDENT + "… " + "   ".join(notes))
        return [Text(note, self.look.style("note"), no_wrap=True)] if notes else []


def symbols(text: str, look: Look) -> str:
    """Return `text` with the signs of products and transposes that the screen has.

    >>> symbols("Wᵀ·y", Look(ascii=True))
    'W^T*y'
    """
    return look.formula(text.replace("ᵀ", "^T") if look.ascii else text)


def _writer(values: Sequence[Any]) -> Callable[[Any], str]:
    known = [value for value in values if value is not None]
    return formatter(np.array(known)) if known else str


def _known(value: Any, write: Callable[[Any], str]) -> str:
    return "" if value is None else write(value)


def _widest(values: Sequence[Any], write: Callable[[Any], str]) -> int:
    return max((cell_len(_known(value, write)) for value in values), default=1)


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text
