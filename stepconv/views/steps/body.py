"""Body: how the pictures and the sums of a step share the lines there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.language import _
from stepconv.record import Trace
from stepconv.views.parts.board import Board
from stepconv.views.parts.layout import Part, flow, indented, stack
from stepconv.views.parts.legend import legend_lines
from stepconv.views.steps.work import Work
from stepconv.views.theme import Look

INDENT = 2
MOST_WORKED = 4
"""Parts of a sum that a still picture works out in full."""


class Body(ABC):
    """A step of a trace: pictures, facts and a legend above; title, sums and a term below.

    Where lines are short the blank one goes first, then the pictures are cropped, then
    facts and legend go, and at last the work is cropped around the current term.
    """

    def __init__(self, trace: Trace, look: Look, height: int | None) -> None:
        self.trace = trace
        self.look = look
        self.height = height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> list[Text]:
        """Draw it within `width` cells and its height."""
        inner = width - INDENT
        look, board = self.look, self.board()
        facts = flow([look.plain(fact) for fact in self.facts()], inner, look.style("note"))
        legend = len(legend_lines(self.roles(), look, inner, indent=0))
        parts = [
            Part(board.height(inner), lambda room: board.lines(inner, room), {2: 9, 4: 7, 8: 4}),
            Part.of(facts, {3: 0}),
            Part(
                legend,
                lambda room: legend_lines(board.roles, look, inner, indent=0)[:room],
                {5: 0},
            ),
            Part.of([Text()], {0: 0}),
            Part.of(flow([look.plain(part) for part in self.title()], inner, look.style("title"))),
            *self.sums(inner),
            self._term(inner),
        ]
        return indented(stack(parts, self.height), INDENT)

    @abstractmethod
    def board(self) -> Board:
        """Return the pictures."""

    @abstractmethod
    def roles(self) -> list[str]:
        """Name the roles that the pictures of any step of this trace may have."""

    @abstractmethod
    def facts(self) -> list[str]:
        """Say what the pictures do not tell by themselves."""

    @abstractmethod
    def title(self) -> list[str]:
        """Say which step this is."""

    @abstractmethod
    def sums(self, width: int) -> list[Part]:
        """Return the numbers worked out."""

    @abstractmethod
    def told(self) -> list[str]:
        """Tell the current term: what it does, and where its factors come from."""

    def _term(self, width: int) -> Part:
        """Return the words on the current term; a line is kept free where there is none."""
        parts = [self.look.formula(part) for part in self.told()]
        lines = flow(parts, width)
        if len(parts) == 2:
            joined = _("{work}; {origin}").format(work=parts[0], origin=parts[1])
            lines = flow([joined] if cell_len(joined) <= width else parts, width, gap=width)
        return Part(max(len(lines), 1), lambda room: lines[:room])


def worked(works: Sequence[tuple[str, Work]], width: int, look: Look) -> list[Part]:
    """Return works below one another, each under its name if it has one."""
    parts = []
    for name, work in works:
        above = flow([look.plain(name)], width, look.style("label")) if name else []
        parts.append(Part.of(above, {7: 0}))
        whole, least = len(work.lines(width)), work.least_height(width)
        parts.append(Part(whole, partial(work.lines, width), {7: least}))
    return parts
