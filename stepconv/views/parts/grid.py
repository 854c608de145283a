"""Grid: a table of cells, each with a role, cropped around what matters where space is short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from stepconv.language import _
from stepconv.views.theme import Look

STRUCK = ("unused", "cropped")
"""Roles whose numbers are struck out, but not the blanks around them."""


@dataclass(frozen=True)
class Cell:
    """One cell of a grid: what it reads and what it is."""

    text: str
    role: str = "input"


Rows = Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Field:
    """A table drawn only where it is seen: its shape, its widest text, and how to draw a part.

    >>> Field.of([[Cell("1"), Cell("-2")]]).width
    2
    """

    shape: tuple[int, int]
    width: int
    draw: Callable[[range, range], Rows]

    @classmethod
    def of(cls, rows: Rows) -> Field:
        """Return the field of cells that are there already, all rows of one length."""
        return cls(
            (len(rows), len(rows[0]) if rows else 0),
            max((cell_len(cell.text) for row in rows for cell in row), default=0),
            lambda down, across: [
                row[across.start : across.stop] for row in rows[down.start : down.stop]
            ],
        )


class Grid:
    """Rows of cells, all of one width, each between the marks of its role.

    Parameters
    ----------
    rows : sequence of sequences of Cell, or Field
        Rows all of one length.
    look : Look
    title : str, optional
        A line above.
    focus : (range, range), optional
        Rows and columns to keep in sight.
    cursor : (int, int), optional
        The cell to keep in sight where the focus is too large for that.
    max_rows : int, optional
        Lines that the rows may take.
    origin : (int, int)
        Number of the first row and column, for the note on what is seen.
    tight : bool
        Leave no room for marks behind the cells: for roles that have none there.

    Attributes
    ----------
    roles : set of str
        The roles of the cells drawn so far, for a legend.
    """

    def __init__(
        self,
        rows: Rows | Field,
        look: Look,
        *,
        title: str = "",
        focus: tuple[range, range] = (range(0), range(0)),
        cursor: tuple[int, int] | None = None,
        max_rows: int | None = None,
        origin: tuple[int, int] = (1, 1),
        tight: bool = False,
    ) -> None:
        self.field = rows if isinstance(rows, Field) else Field.of(rows)
        self.look = look
        self.title = title
        self.focus = focus
        self.cursor = cursor
        self.max_rows = max_rows
        self.origin = origin
        self.tight = tight
        self.cell_width = self.field.width + (1 if tight else 2)
        self.roles: set[str] = set()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self.least_width, self.width).clamp(max_width=options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lines(options.max_width)
        notes = self.notes(options.max_width)
        if notes:
            note = self.look.plain("… " + "  ".join(notes))
            yield Text(note, style=self.look.style("note"), no_wrap=True, overflow="crop")

    @property
    def width(self) -> int:
        """Width of the whole, title included."""
        return max(self.cell_width * self.field.shape[1], cell_len(self.title))

    @property
    def least_width(self) -> int:
        """Width of the columns in focus, with the dots at both ends, or of the title."""
        least = self.cell_width * max(1, min(self.field.shape[1], len(self.focus[1]))) + 2
        return min(max(least, cell_len(self.title)), self.width)

    def lines(self, width: int, room: int | None = None) -> list[Text]:
        """Draw the title and the rows, no wider than `width`, in at most `room` lines."""
        down, across = self.seen(width, room)
        drawn = [self._line(row, across) for row in self.field.draw(down, across)]
        if self.title:
            label = Text(self.title, style=self.look.style("label"), no_wrap=True, overflow="crop")
            label.truncate(width)
            drawn.insert(0, label)
        return drawn

    def seen(self, width: int, room: int | None = None) -> tuple[range, range]:
        """Choose the rows and columns to draw."""
        rows, columns = self.field.shape
        row, column = self.cursor or (None, None)
        fitting = width // self.cell_width
        if fitting < columns:  # room for the dots at both ends
            fitting = (width - 2) // self.cell_width
        limits = [self.max_rows]
        if room is not None:
            limits.append(room - bool(self.title))
        most = min((limit for limit in limits if limit is not None), default=None)
        return (
            crop(rows, self.focus[0], most, row),
            crop(columns, self.focus[1], fitting, column),
        )

    def notes(self, width: int, room: int | None = None) -> list[str]:
        """Say which rows and columns are seen, where some are not."""
        return [
            part_seen(name, seen, size, origin, one=one)
            for (one, name), seen, size, origin in zip(
                ((_("row"), _("rows")), (_("column"), _("columns"))),
                self.seen(width, room),
                self.field.shape,
                self.origin,
                strict=True,
            )
            if len(seen) < size
        ]

    def _line(self, row: Sequence[Cell], seen: range) -> Text:
        line = Text(no_wrap=True, overflow="crop")
        cropped = len(seen) < self.field.shape[1]
        if cropped:
            line.append(self.look.plain("…") if seen.start else " ", self.look.style("note"))
        run, style = "", ""
        for text, own in self._pieces(row):  # pieces of one style in one span: a third of the time
            if own != style:
                line.append(run, style)
                run, style = "", own
            run += text
        line.append(run, style)
        if cropped and seen.stop < self.field.shape[1]:
            line.append(self.look.plain("…"), self.look.style("note"))
        return line

    def _pieces(self, row: Sequence[Cell]) -> Iterator[tuple[str, str]]:
        for cell in row:
            self.roles.add(cell.role)
            style = self.look.style(cell.role)
            before, after = self.look.marks(cell.role)
            before += " " * (self.field.width - cell_len(cell.text))
            after = "" if self.tight else after
            if cell.role in STRUCK:
                yield from ((before, ""), (cell.text, style), (after, ""))
            else:
                yield before + cell.text + after, style


def crop(size: int, focus: range, room: int | None, cursor: int | None = None) -> range:
    """Choose which of `size` lines to show in `room`, the focus in the middle.

    Where the focus itself does not fit, it begins at its first line, or the cursor is in
    the middle.

    >>> crop(20, range(9, 12), 5)
    range(8, 13)
    >>> crop(4, range(0), None)
    range(0, 4)
    >>> crop(20, range(2, 18), 5, cursor=12)
    range(10, 15)
    """
    if room is None or size <= room:
        return range(size)
    room = max(room, 1)
    middle = (focus.start + focus.stop) // 2 if len(focus) else 0
    if len(focus) > room:
        middle = focus.start + room // 2 if cursor is None else cursor
    start = min(max(middle - room // 2, 0), size - room)
    return range(start, start + room)


def part_seen(name: str, seen: range, count: int, first: int = 1, *, one: str = "") -> str:
    """Say which of `count` lines are seen, the first of them numbered `first`.

    `one` is the name of a single line.

    >>> part_seen("rows", range(2, 5), 8), part_seen("rows", range(2, 3), 8, one="row")
    ('rows 3–5 of 8', 'row 3 of 8')
    """
    start, stop = seen.start + first, seen.stop - 1 + first
    if start == stop and one:
        return _("{name} {number} of {count}").format(name=one, number=start, count=count)
    return _("{name} {first}–{last} of {count}").format(
        name=name, first=start, last=stop, count=count
    )
