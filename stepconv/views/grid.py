"""Grid: a table of cells, each with a role, cropped around what matters where space is short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from stepconv.language import _
from stepconv.views.theme import Look


@dataclass(frozen=True)
class Cell:
    """One cell of a grid: what it reads and what it is."""

    text: str
    role: str = "input"


class Grid:
    """Rows of cells, all of one width, each between the marks of its role.

    Parameters
    ----------
    rows : sequence of sequences of Cell
        All of one length.
    look : Look
    title : str, optional
        A line above; where the grid is cropped it says which part is seen.
    focus : (range, range), optional
        Rows and columns to keep in sight.
    max_rows : int, optional
        Lines that the rows may take.
    origin : (int, int)
        Number of the first row and column, for the note on what is seen.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[Cell]],
        look: Look,
        *,
        title: str = "",
        focus: tuple[range, range] = (range(0), range(0)),
        max_rows: int | None = None,
        origin: tuple[int, int] = (0, 0),
    ) -> None:
        self.rows = rows
        self.look = look
        self.title = title
        self.focus = focus
        self.max_rows = max_rows
        self.origin = origin
        self.cell_width = 2 + max((cell_len(c.text) for row in rows for c in row), default=0)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        columns = len(self.rows[0]) if self.rows else 0
        least = self.cell_width * max(1, min(columns, len(self.focus[1]))) + 2
        most = max(self.cell_width * columns, cell_len(self.title))
        return Measurement(min(least, most), most).clamp(max_width=options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = len(self.rows[0]) if self.rows else 0
        seen_columns = crop(columns, self.focus[1], options.max_width // self.cell_width)
        if len(seen_columns) < columns:  # room for the dots at both ends
            seen_columns = crop(columns, self.focus[1], (options.max_width - 2) // self.cell_width)
        seen_rows = crop(len(self.rows), self.focus[0], self.max_rows)
        if self.title:
            yield Text(self.title, style=self.look.style("label"), no_wrap=True, overflow="crop")
        for r in seen_rows:
            yield self._line(self.rows[r], seen_columns)
        notes = []
        if len(seen_rows) < len(self.rows):
            notes.append(_part(_("rows"), seen_rows, len(self.rows), self.origin[0]))
        if len(seen_columns) < columns:
            notes.append(_part(_("columns"), seen_columns, columns, self.origin[1]))
        if notes:
            note = self.look.plain("… " + "  ".join(notes))
            yield Text(note, style=self.look.style("note"), no_wrap=True, overflow="ellipsis")

    def _line(self, row: Sequence[Cell], seen: range) -> Text:
        line = Text(no_wrap=True, overflow="crop")
        cropped = len(seen) < len(row)
        if cropped:
            line.append(self.look.plain("…") if seen.start else " ", self.look.style("note"))
        for cell in row[seen.start : seen.stop]:
            before, after = self.look.marks(cell.role)
            body = " " * (self.cell_width - 2 - cell_len(cell.text)) + cell.text
            line.append(before + body + after, self.look.style(cell.role))
        if cropped and seen.stop < len(row):
            line.append(self.look.plain("…"), self.look.style("note"))
        return line


def crop(size: int, focus: range, room: int | None) -> range:
    """Choose which of `size` lines to show in `room`, the focus in the middle.

    >>> crop(20, range(9, 12), 5)
    range(8, 13)
    >>> crop(4, range(0), None)
    range(0, 4)
    """
    if room is None or size <= room:
        return range(size)
    room = max(room, 1)
    middle = (focus.start + focus.stop) // 2 if len(focus) else 0
    start = min(max(middle - room // 2, 0), size - room)
    if len(focus) >= room:
        start = focus.start
    return range(start, start + room)


def _part(name: str, seen: range, size: int, origin: int) -> str:
    return _("{name} {first}–{last} of {count}").format(
        name=name, first=seen.start + origin, last=seen.stop - 1 + origin, count=size
    )
