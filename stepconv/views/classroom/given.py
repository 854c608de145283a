"""Given: the layer that a question of practice is about, as text and grids."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.views.parts.layout import beside, flow, indented
from stepconv.views.theme import Look

INDENT, GAP = 2, 4

_NUMBERS = re.compile(r"-?\d+( -?\d+)+")


class Given:
    r"""Rows of numbers below one another, then grids side by side.

    Parameters
    ----------
    lines : sequence of (str, str)
        As `stepconv.classroom.questions.Question.given`: name and text.
    look : Look
    inputs : int
        How many lines are channels of the input. Where there are several the others stand
        beside them, if there is room.

    >>> console = Console(width=40)
    >>> lines = (("input", "1 2\n-3 4"), ("kernel", "5"), ("settings", "stride 2"))
    >>> console.print(Given(lines, Look(color=False)))
      kernel    5
      settings  stride 2
    <BLANKLINE>
      input
       1 2
      -3 4
    """

    def __init__(self, lines: Sequence[tuple[str, str]], look: Look, inputs: int = 1) -> None:
        self.lines = lines
        self.look = look
        self.inputs = inputs

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width - INDENT
        rows = [(name, text) for name, text in self.lines if "\n" not in text]
        grids = [(name, text) for name, text in self.lines if "\n" in text]
        blocks = [self._grid(name, text) for name, text in grids]
        yield from _indented(self._rows(rows, width))
        if rows and grids:
            yield Text()
        yield from _indented(_packed(blocks, width))

    def _rows(self, rows: Sequence[tuple[str, str]], width: int) -> list[Text]:
        """Set names before numbers; several inputs beside what else there is."""
        if self.inputs < 2:
            return self._column(rows, width)
        columns = [self._column(part, width) for part in (rows[: self.inputs], rows[self.inputs :])]
        sizes = [_width(column) for column in columns]
        if sum(sizes) + GAP <= width:
            return beside(columns, sizes, GAP)
        return [*columns[0], *columns[1]]

    def _column(self, rows: Sequence[tuple[str, str]], width: int) -> list[Text]:
        names = max((cell_len(name) for name, _text in rows), default=0)
        lines = []
        for (name, _text), text in zip(rows, _aligned([text for _name, text in rows]), strict=True):
            lead = name
            for part in flow([self.look.plain(text)], max(width - names - 2, 8)):
                blanks = " " * (names - cell_len(lead) + 2)
                line = Text(lead + blanks, self.look.style("label"), no_wrap=True, overflow="crop")
                lines.append(Text().append_text(line).append_text(part))
                lead = ""
        return lines

    def _grid(self, name: str, text: str) -> list[Text]:
        """Draw one grid under its name; slices side by side."""
        slices = [
            _in_columns([row.split() for row in part.split("\n")]) for part in text.split("\n\n")
        ]
        blocks = [[Text(row) for row in rows] for rows in slices]
        head = Text(name, self.look.style("label"), no_wrap=True)
        return [head, *beside(blocks, [_width(block) for block in blocks], GAP - 1)]


def _aligned(texts: Sequence[str]) -> list[str]:
    """Put the numbers of rows that have as many below one another; other texts stay as they are.

    >>> _aligned(["1 -2", "-3 4", "stride 2"])
    [' 1 -2', '-3  4', 'stride 2']
    """
    rows = [text.split() if _NUMBERS.fullmatch(text) else [] for text in texts]
    alike = {len(row): [other for other in rows if len(other) == len(row)] for row in rows}
    drawn = {size: iter(_in_columns(same)) for size, same in alike.items()}
    return [next(drawn[len(row)]) if row else text for row, text in zip(rows, texts, strict=True)]


def _in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Put numbers below one another."""
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [" ".join(map(str.rjust, row, sizes)) for row in rows]


def _packed(blocks: Sequence[list[Text]], width: int) -> list[Text]:
    """Set blocks side by side, as many in a row as there is room for."""
    lines: list[Text] = []
    row: list[list[Text]] = []
    for block in blocks:
        if row and sum(map(_width, [*row, block])) + GAP * len(row) > width:
            lines += [*beside(row, [_width(one) for one in row], GAP), Text()]
            row = []
        row.append(block)
    return lines + beside(row, [_width(one) for one in row], GAP)


def _width(block: Sequence[Text]) -> int:
    return max((line.cell_len for line in block), default=0)


def _indented(lines: Sequence[Text]) -> list[Text]:
    return [line if not line.plain else indented([line], INDENT)[0] for line in lines]
