"""Prose: the blocks of a lesson as lines of text, in the width there is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.lessons.format import Code, Heading, Items, Paragraph, Spans, Table
from stepconv.views.lessons.breaking import broken
from stepconv.views.parts.layout import allot, beside, indented
from stepconv.views.theme import Look

INDENT, GAP = 2, 3
LEAST_COLUMN = 6

WIDEST = 88
"""Columns of running text: longer lines are hard to follow. Code and tables may be wider."""

_RAISED = re.compile("[⁰¹²³⁴-⁾ⁿᵀ]+")
_ROLES = {"bold": "strong", "em": "emphasis", "code": "code"}


Written = Heading | Paragraph | Items | Code | Table


class Prose:
    """A block of prose, as Rich prints it."""

    def __init__(self, block: Written, look: Look) -> None:
        self.block = block
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        most = options.max_width
        wide = isinstance(self.block, Code | Table)
        yield from prose_lines(self.block, self.look, most if wide else min(most, WIDEST))


def prose_lines(block: Written, look: Look, width: int) -> list[Text]:
    """Return the lines of one block; what is too long is broken, nothing is left out.

    >>> from stepconv.lessons.format import Span
    >>> items = Items(1, ((Span("one"),), (Span("two and more"),)), first=1)
    >>> for line in prose_lines(items, Look(), 12):
    ...     print(line.plain)
      1. one
      2. two
         and
         more
    """
    match block:
        case Heading():
            return _heading(block, look, width)
        case Paragraph():
            return broken(styled(block.text, look), width)
        case Items():
            return list(_items(block, look, width))
        case Code():
            return list(code_lines(block.text, look, width))
        case Table():
            return _table(block, look, width)


def styled(spans: Spans, look: Look) -> Text:
    """Return running text in its styles, and in the characters that the screen has."""
    text = Text()
    for span in spans:
        text.append(characters(span.text, look), look.style(_ROLES.get(span.kind, "input")))
    return text


def characters(text: str, look: Look) -> str:
    """Return text in the characters that the screen has, raised ones as powers in ASCII.

    >>> characters("2ⁿ⁺¹ · Wᵀ", Look(ascii=True))
    '2^(n+1) * W^T'
    """
    if look.ascii:
        text = _RAISED.sub(lambda found: _power(found[0]), text)
    return look.formula(text)


def _power(raised: str) -> str:
    level = unicodedata.normalize("NFKC", raised)
    return f"^{level}" if len(level) == 1 else f"^({level})"


def code_lines(text: str, look: Look, width: int) -> Iterator[Text]:
    """Yield code as it stands, moved to the right; lines that are too long go on below."""
    for line in text.split("\n"):
        for part in chop_cells(characters(line, look), max(width - 2 * INDENT, 2)) or [""]:
            yield Text(" " * 2 * INDENT + part, look.style("code"), no_wrap=True, overflow="crop")


def _heading(block: Heading, look: Look, width: int) -> list[Text]:
    lines = broken(styled(block.text, look), width)
    for line in lines:
        line.stylize(look.style("title"))
    if block.level == 1 or not look.color:
        size = max(line.cell_len for line in lines)
        lines.append(Text(look.plain("─") * size, look.style("rule"), no_wrap=True))
    return lines


def _items(block: Items, look: Look, width: int) -> Iterator[Text]:
    first = block.first
    marks = ["- " if first is None else f"{first + k}. " for k in range(len(block.items))]
    size = max(map(len, marks), default=0)
    for mark, item in zip(marks, block.items, strict=True):
        head = Text(" " * INDENT + mark.rjust(size), no_wrap=True, overflow="crop")
        for line in broken(styled(item, look), width - INDENT - size):
            yield head.append_text(line)
            head = Text(" " * (INDENT + size), no_wrap=True, overflow="crop")


def _table(block: Table, look: Look, width: int) -> list[Text]:
    """Set a table, its widest columns broken where it would be too wide."""
    rows = [[styled(cell, look) for cell in row] for row in (block.header, *block.rows)]
    most = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    least = [min(size, LEAST_COLUMN) for size in most]
    sizes = allot(most, least, width - INDENT - GAP * (len(most) - 1))
    for cell in rows[0]:
        cell.stylize(look.style("label"))
    lines: list[Text] = []
    for number, row in enumerate(rows):
        lines += _row(row, sizes, block.align)
        if number == 0:
            rules = [[Text(look.plain("─") * size, look.style("rule"))] for size in sizes]
            lines += beside(rules, sizes, GAP)
    return indented(lines, INDENT)


def _row(cells: Sequence[Text], sizes: Sequence[int], align: str) -> list[Text]:
    blocks = []
    for cell, size, side in zip(cells, sizes, align, strict=True):
        lines = broken(cell, size)
        blanks = [{"<": 0, "^": 1, ">": 2}[side] * (size - cell_len(li.plain)) // 2 for li in lines]
        blocks.append([Text(" " * n).append_text(li) for n, li in zip(blanks, lines, strict=True)])
    return beside(blocks, sizes, GAP)
