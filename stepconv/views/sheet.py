"""Sheet: a table of worked entries, in bands below one another or cropped around one column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from rich.cells import cell_len
from rich.text import Text

from stepconv.language import _
from stepconv.views.grid import crop
from stepconv.views.layout import flow
from stepconv.views.theme import Look

INDENT, LABEL_GAP, GAP = 2, 4, 3
BOXED = ("window", "current", "fills", "stamped")
LONGEST_GAP = 6
MOST_ROWS = 200
"""Body rows of a band that nobody steps through."""


@dataclass(frozen=True)
class Entry:
    """What stands in a column: ``left = right``, or `right` alone."""

    right: str
    left: str = ""
    role: str = "product"


@dataclass(frozen=True)
class Label:
    """What stands before a row: name, value and a note, each in a column of its own.

    A block line has `items` instead of a note, which may take several lines.
    """

    name: str = ""
    value: str = ""
    note: str = ""
    role: str = "label"
    items: Sequence[str] = ()


@dataclass(frozen=True)
class Row:
    """One line. Of the kinds, "cells", "block" and "total" make up the body, which may be cropped.

    A "block" line is a text across the columns, a "rule" draws a line under each column.
    """

    kind: str
    label: Label = Label()
    entries: Mapping[int, Entry] = field(default_factory=dict)
    block: int = 0

    @property
    def current(self) -> int:
        """How much the row matters to whoever steps: 2 for the current term, 1 for the window."""
        roles = [entry.role for entry in self.entries.values()]
        return 2 if "current" in roles else int(any(role.startswith("window") for role in roles))


@dataclass(frozen=True)
class Measure:
    """Widths of the parts of a sheet, the same on every page of it."""

    name: int
    value: int
    note: int
    left: int
    right: int
    head: int
    least: int = 0

    @property
    def label(self) -> int:
        """Width of the label column, which the labels of other rows may need."""
        parts = self.name + bool(self.value) + self.value + 2 * bool(self.note) + self.note
        return max(parts, self.least)

    @property
    def body(self) -> int:
        """Width of an entry."""
        return self.left + 3 + self.right

    @property
    def column(self) -> int:
        """Width of a column, with room for the marks around an entry."""
        return max(self.head, self.body + 2)


class Plan(Protocol):
    """What a sheet shows: some columns of a whole, and columns pinned behind them."""

    columns: int
    pinned: int

    @property
    def measure(self) -> Measure:
        """Widths that hold for all columns."""

    def part(self, seen: range) -> str:
        """Say which part of the whole the columns `seen` are."""

    def page(self, seen: range) -> list[Row]:
        """Return the rows for the columns `seen`; the pinned ones are numbered from -1 down."""


class Sheet:
    """Lays out a plan.

    Parameters
    ----------
    plan : Plan
    look : Look
    focus : int, optional
        The column one steps through; the sheet is cropped around it. Without it all
        columns are shown, in bands.
    """

    def __init__(self, plan: Plan, look: Look, *, focus: int | None = None) -> None:
        self.plan = plan
        self.look = look
        self.focus = focus

    def lines(self, width: int, room: int | None = None) -> list[Text]:
        """Draw it within `width` cells and, where one steps, `room` lines."""
        if self.focus is None:
            return self._bands(width)
        count = self.plan.columns
        seen = crop(count, range(self.focus, self.focus + 1), self._across(width))
        notes = [] if len(seen) == count else [self.plan.part(seen)]
        rows = self._page(seen, width)
        if room is not None:
            kept, more = _fit(rows, room - bool(notes))
            if more:
                kept, more = _fit(rows, room - 1)
                notes.append(more)
            rows = kept
        drawn = [self._line(row, seen) for row in rows]
        if notes:
            drawn.append(note("… " + "   ".join(notes), self.look))
        return drawn

    def _bands(self, width: int) -> list[Text]:
        count = self.plan.columns
        bands = -(-count // self._across(width))
        drawn: list[Text] = []
        for band in range(bands):
            seen = range(band * count // bands, (band + 1) * count // bands)
            if drawn:
                drawn.append(Text())
            rows, more = _fit(self._page(seen, width), MOST_ROWS)
            drawn += [self._line(row, seen) for row in rows]
            if more:
                drawn.append(note("… " + more, self.look))
        return drawn

    def _page(self, seen: range, width: int) -> list[Row]:
        """Ask the plan for its rows, block lines broken to the width."""
        rows = []
        for row in self.plan.page(seen):
            if row.kind != "block":
                rows.append(row)
                continue
            name = row.label.name
            for line in flow(row.label.items, width - INDENT - cell_len(name) - 3):
                rows.append(replace(row, label=replace(row.label, name=name, note=line.plain)))
                name = " " * cell_len(name)
        return rows

    def _across(self, width: int) -> int:
        """Columns that fit beside the label and the pinned ones."""
        column = self.plan.measure.column + GAP
        room = width - INDENT - self.plan.measure.label - LABEL_GAP + GAP
        return max(1, room // column - self.plan.pinned)

    def _line(self, row: Row, seen: range) -> Text:
        line = Text(" " * INDENT, no_wrap=True, overflow="ellipsis")
        self._label(line, row)
        if row.kind == "block":
            return line
        columns = [*seen, *range(-1, -1 - self.plan.pinned, -1)]
        for place, column in enumerate(columns):
            if column == -1 and row.kind != "rule":
                line.append(self.look.plain(" │ "), "stepconv.rule")
            else:
                line.append(" " * (LABEL_GAP if place == 0 else GAP))
            if row.kind == "rule":
                line.append(self.look.plain("─" * self.plan.measure.column), "stepconv.rule")
            else:
                self._entry(line, row.entries.get(column), centred=row.kind == "head")
        line.rstrip()
        return line

    def _label(self, line: Text, row: Row) -> None:
        measure, label, look = self.plan.measure, row.label, self.look
        if row.kind == "block":
            line.append(look.plain(label.name), look.style("label"))
            line.append("   " + look.plain(label.note), look.style(label.role))
            return
        if row.kind != "cells" or not (label.value or label.note):
            line.append(fill(look.plain(label.name), measure.label), look.style("label"))
            return
        start = line.cell_len
        line.append(fill(look.plain(label.name), measure.name), look.style("label"))
        if measure.value:
            line.append(" " + fill(look.plain(label.value), -measure.value), look.style(label.role))
        if label.note:
            line.append("  " + look.plain(label.note), look.style("note"))
        line.append(" " * (measure.label - (line.cell_len - start)))

    def _entry(self, line: Text, entry: Entry | None, *, centred: bool) -> None:
        measure, look = self.plan.measure, self.look
        if entry is None:
            line.append(" " * measure.column)
            return
        text = look.plain(entry.right)
        if entry.left:
            text = f"{look.formula(entry.left)} = {fill(text, -measure.right)}"
        spare = measure.column - cell_len(text)
        before, after = ("", "") if centred else look.marks(entry.role)
        start = spare // 2
        if (
            not centred or entry.left or cell_len(text) < measure.body
        ):  # flush with the numbers above and below
            start = (measure.column - measure.body) // 2 + measure.body - cell_len(text)
        boxed = look.style(entry.role if entry.role.startswith(BOXED) else "product")
        line.append(" " * (start - len(before)))
        line.append(before, boxed).append(text, look.style(entry.role)).append(after, boxed)
        line.append(" " * (spare - start - len(after)))


def fill(text: str, width: int) -> str:
    """Pad to `width` cells, on the right, or on the left where `width` is negative.

    >>> fill("和", 4) + "|", fill("7", -3)
    ('和  |', '  7')
    """
    blanks = " " * (abs(width) - cell_len(text))
    return blanks + text if width < 0 else text + blanks


def places(windows: Sequence[range], start: int, stop: int) -> list[int | range]:
    """Positions from `start` to `stop`: one by one, but long gaps between the windows as ranges.

    >>> places([range(0, 5, 2), range(20, 25, 2)], 0, 25)
    [0, 1, 2, 3, 4, range(5, 20), 20, 21, 22, 23, 24]
    """
    found: list[int | range] = []
    for touched in [*sorted(set().union(*windows)), stop]:
        gap = range(start, touched)
        found += [gap] if len(gap) > LONGEST_GAP else gap
        if touched < stop:
            found.append(touched)
        start = max(start, touched + 1)
    return found


def more_rows(count: int) -> str:
    """Stand for rows that are left out."""
    return _("… {count} more").format(count=count)


def note(text: str, look: Look, indent: int = INDENT) -> Text:
    """Return a quiet line."""
    return Text(
        " " * indent + look.plain(text),
        style=look.style("note"),
        no_wrap=True,
        overflow="ellipsis",
    )


def part(letter: str, first: int, last: int, count: int) -> str:
    """Say which part of a whole is seen, by names such as x1."""
    names = f"{letter}{first}" if first == last else f"{letter}{first}–{letter}{last}"
    return _("{names} of {count}").format(names=names, count=count)


def _fit(rows: Sequence[Row], room: int) -> tuple[list[Row], str]:
    """Leave out body rows until `room` lines are enough, and say what is left out.

    First the channels that one does not look at are reduced to their totals, then the
    rows around the current ones are cut out.
    """
    rows = list(rows)
    if len(rows) <= room:
        return rows, ""
    block = max(rows, key=lambda row: row.current).block
    rows = [row for row in rows if row.kind not in ("cells", "block") or row.block == block]
    body = [k for k, row in enumerate(rows) if row.kind in ("cells", "block", "total")]
    space = room - (len(rows) - len(body))
    if len(body) <= space or not body:
        return rows, ""
    most = max(row.current for row in rows)
    here = [k - body[0] for k in body if most and rows[k].current == most] or [0]
    seen = crop(len(body), range(here[0], here[-1] + 1), max(space, 1))
    kept = rows[: body[0]] + rows[body[seen.start] : body[seen.stop - 1] + 1] + rows[body[-1] + 1 :]
    more = _("rows {first}–{last} of {count}").format(
        first=seen.start + 1, last=seen.stop, count=len(body)
    )
    return kept, more
