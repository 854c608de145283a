"""A page as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

from stepconv.classroom.worksheet.page import (
    Beside,
    Block,
    Grid,
    Heading,
    Line,
    Listing,
    Paragraph,
    Points,
)
from stepconv.language import _

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")
_BLANK = " " * 5


def markdown(blocks: Iterable[Block]) -> str:
    """Return a page as Markdown.

    >>> print(markdown([Heading("Sum", 1), Grid((("1", ""),), title="input")]), end="")
    # Sum
    <BLANKLINE>
    input:
    <BLANKLINE>
    |   |       |
    |---|-------|
    | 1 |       |
    """
    return "\n\n".join(_written(block) for block in blocks) + "\n"


def _written(block: Block) -> str:
    match block:
        case Heading(text, level):
            return "#" * level + " " + _escaped(text)
        case Paragraph(text, task):
            return f"**{_escaped(text)}**" if task else _escaped(text)
        case Points(items):
            return "\n".join(f"- {_escaped(item)}" for item in items)
        case Line(text):
            return _escaped(text) + " " + "\\_" * 24
        case Listing(text):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
            return f"{fence}text\n{text.rstrip()}\n{fence}"
        case Beside(grids):
            return "\n\n".join(_grid(grid) for grid in grids)
        case Grid():
            return _grid(block)


def _grid(grid: Grid) -> str:
    heads = list(grid.heads) or [""] * len(grid.rows[0])
    rows: list[Sequence[str]] = [list(row) for row in grid.rows]
    if grid.labels:
        heads = ["", *heads]
        rows = [[label, *row] for label, row in zip(grid.labels, rows, strict=True)]
    lines = [[_escaped(cell) for cell in heads]]
    lines += [[_escaped(cell) or _BLANK for cell in row] for row in rows]
    sizes = [max(1, *map(_width, column)) for column in zip(*lines, strict=True)]
    drawn = [_row(line, sizes) for line in lines]
    drawn.insert(1, "|" + "|".join("-" * (size + 2) for size in sizes) + "|")
    title = _("{name}:").format(name=_escaped(grid.title)) + "\n\n" if grid.title else ""
    return title + "\n".join(drawn)


def _row(cells: Sequence[str], sizes: Sequence[int]) -> str:
    texts = [" " * (size - _width(cell)) + cell for cell, size in zip(cells, sizes, strict=True)]
    return "| " + " | ".join(texts) + " |"


def _width(text: str) -> int:
    """Columns of a text: Chinese letters take two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
