"""Rows: what stands in a sheet, before it is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rich.cells import cell_len
from rich.text import Text

from stepconv.language import _
from stepconv.views.theme import Look

INDENT = 2
LONGEST_GAP = 6
"""Rows on which no kernel lies that are still shown one by one."""


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

    @property
    def pinned(self) -> int:
        """How many columns are pinned."""

    @property
    def measure(self) -> Measure:
        """Widths that hold for all columns."""

    def narrowed(self) -> Plan | None:
        """Return the same with less said, None where nothing more can be left out."""

    def part(self, seen: range) -> str:
        """Say which part of the whole the columns `seen` are."""

    def page(self, seen: range) -> list[Row]:
        """Return the rows for the columns `seen`; the pinned ones are numbered from -1 down."""


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


def left_out(more: str, options: str, look: Look) -> Text:
    """Return a quiet line on what is left out, with the options of a command, if any, for it."""
    if not options:
        return note(f"… {more}", look)
    return note(_("… {more}: {options}").format(more=more, options=options), look)


def part(letter: str, first: int, last: int, count: int) -> str:
    """Say which part of a whole is seen, by names such as x1."""
    names = f"{letter}{first}" if first == last else f"{letter}{first}–{letter}{last}"
    return _("{names} of {count}").format(names=names, count=count)
