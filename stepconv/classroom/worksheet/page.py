"""A page of a sheet or of a key, as blocks: what Markdown and HTML are written from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A title: level 1 of the sheet, 2 of a question."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A few sentences; a `task` is what has to be done, and is set apart."""

    text: str
    task: bool = False


@dataclass(frozen=True)
class Points:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table of numbers, or of empty cells to write in.

    Attributes
    ----------
    rows : tuple of tuples of str
        Texts of the cells, "" to be filled in; rows are alike in length.
    title : str
        What it is.
    heads : tuple of str
        Texts above the columns, or none.
    labels : tuple of str
        Texts before the rows, or none.
    low : bool
        Rows are low, for a large table to work in.
    """

    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    heads: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    low: bool = False


@dataclass(frozen=True)
class Beside:
    """Small tables, one beside the other where there is room."""

    grids: tuple[Grid, ...]


@dataclass(frozen=True)
class Line:
    """A line to write on, behind a text."""

    text: str


@dataclass(frozen=True)
class Listing:
    """Text as the terminal shows it, in letters of one width."""

    text: str


Block = Heading | Paragraph | Points | Grid | Beside | Line | Listing
