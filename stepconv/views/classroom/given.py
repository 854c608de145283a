"""Given: the layer that a question of practice is about, as text and grids."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.views.parts.layout import beside, flow
from stepconv.views.theme import Look

INDENT, GAP = 2, 4


class Given:
    r"""Rows of numbers below one another, then grids side by side, then the settings.

    Parameters
    ----------
    lines : sequence of (str, str)
        As `stepconv.classroom.questions.Question.given`: name and text.
    look : Look

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

    def __init__(self, lines: Sequence[tuple[str, str]], look: Look) -> None:
        self.lines = lines
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        rows = [(name, text) for name, text in self.lines if "\n" not in text]
        grids = [(name, text) for name, text in self.lines if "\n" in text]
        yield from self._rows(rows, width)
        if rows and grids:
            yield Text()
        yield from self._grids(grids, width)

    def _rows(self, rows: Sequence[tuple[str, str]], width: int) -> list[Text]:
        names = max((cell_len(name) for name, _text in rows), default=0)
        lines = []
        for name, text in rows:
            lead = name
            for part in flow([self.look.plain(text)], max(width - INDENT - names - 2, 8)):
                line = Text(" " * INDENT, no_wrap=True, overflow="crop")
                line.append(lead + " " * (names - cell_len(lead) + 2), self.look.style("label"))
                lines.append(line.append_text(part))
                lead = ""
        return lines

    def _grids(self, grids: Sequence[tuple[str, str]], width: int) -> list[Text]:
        """Set grids side by side, as many in a row as there is room for."""
        lines: list[Text] = []
        row: list[list[Text]] = []
        for name, text in grids:
            block = self._grid(name, text)
            if row and sum(map(_width, [*row, block])) + GAP * len(row) > width - INDENT:
                lines += [*_together(row), Text()]
                row = []
            row.append(block)
        return lines + _together(row)

    def _grid(self, name: str, text: str) -> list[Text]:
        """Draw one grid under its name; slices side by side."""
        slices = [[row.split() for row in part.split("\n")] for part in text.split("\n\n")]
        size = max(len(number) for rows in slices for row in rows for number in row)
        blocks = [
            [Text(" ".join(number.rjust(size) for number in row)) for row in rows]
            for rows in slices
        ]
        head = Text(name, self.look.style("label"), no_wrap=True)
        return [head, *beside(blocks, [_width(block) for block in blocks], GAP - 1)]


def _width(block: Sequence[Text]) -> int:
    return max((line.cell_len for line in block), default=0)


def _together(row: Sequence[Sequence[Text]]) -> list[Text]:
    lines = beside(row, [_width(block) for block in row], GAP)
    indented = [Text(" " * INDENT, no_wrap=True, overflow="crop") for _line in lines]
    return [lead.append_text(line) for lead, line in zip(indented, lines, strict=True)]
