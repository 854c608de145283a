"""Beside: how a wrong answer came about, next to how the right one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.classroom.asked import the_shape
from stepconv.classroom.practice import Comparison
from stepconv.classroom.problem import Search
from stepconv.classroom.questions.wording import place
from stepconv.classroom.run import Run
from stepconv.language import _
from stepconv.record import Placement, Term
from stepconv.values import by
from stepconv.views.lessons.breaking import broken
from stepconv.views.parts.layout import beside
from stepconv.views.theme import Look

INDENT, GAP, LEAST = 2, 4, 24
MOST_TERMS = 16
"""Products of a cell that are written out; practice has no more than about a dozen."""


@dataclass(frozen=True)
class _Line:
    """One product: where the value comes from, the value, the weight, the product."""

    place: str
    value: str
    weight: str
    product: str


class Beside:
    """A comparison at its cell: the products of both ways, those that differ marked.

    Side by side where there is room, else one below the other. For sizes, both formulas.

    Parameters
    ----------
    comparison : Comparison
    look : Look
    """

    def __init__(self, comparison: Comparison, look: Look) -> None:
        self.comparison = comparison
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        if self.comparison.cell is None:
            yield from self._sizes(width)
            return
        # Names are broken to half the width, so that the two ways can stand side by side.
        half = max((width - INDENT - GAP) // 2, LEAST)
        right, wrong = self._right(half), self._wrong(half)
        sizes = [max((line.cell_len for line in side), default=0) for side in (right, wrong)]
        if INDENT + sizes[0] + GAP + sizes[1] <= width:
            lines = beside([right, wrong], sizes, GAP)
        else:
            lines = [*right, *([Text()] if wrong else []), *wrong]
        for line in lines:
            yield Text(" " * INDENT, no_wrap=True, overflow="crop").append_text(line)

    # -- sizes ----------------------------------------------------------------------------

    def _sizes(self, width: int) -> list[Text]:
        found = self.comparison
        lines = self._formulas(found.right, self._right_name(), width)
        if found.wrong is not None:
            lines += self._formulas(found.wrong, self._wrong_name(), width)
        return lines

    def _formulas(self, run: Run, name: str, width: int) -> list[Text]:
        lines = self._broken(name, "title", width)
        texts = [axis.formula(ascii=self.look.ascii) for axis in run.geometry.axes]
        if self.comparison.question.problem.asked is the_shape:
            texts.append(_("shape {shape}").format(shape=run.output_shape))
        for text in texts:
            parts = self._broken(text, "formula", width - INDENT)
            lines += [Text(" " * INDENT).append_text(part) for part in parts]
        return lines

    # -- cells ----------------------------------------------------------------------------

    def _right(self, width: int) -> list[Text]:
        found = self.comparison
        placement = found.placement()
        lines = self._broken(self._right_name(), "title", width)
        lines += self._absent(found.right, width) if placement is None else self._work(placement)
        if found.seen is not None:
            text = _("wanted: {value}").format(value=found.seen)
            lines += self._broken(text, "note", width)
        elif found.wrong is None and found.written is not None:
            text = _("you wrote {value}").format(value=found.written)
            lines += self._broken(text, "wrong", width)
        return lines

    def _wrong(self, width: int) -> list[Text]:
        found = self.comparison
        if found.wrong is None:
            return []
        placement = found.mistaken()
        name = self._broken(self._wrong_name(), "title", width)
        if placement is not None:
            return [*name, *self._work(placement, found.placement())]
        if not found.has_cell:
            return [*name, *self._absent(found.wrong, width)]
        text = _("no placement makes a number here; a 0 was put")
        return [*name, *self._broken(text, "wrong", width)]

    def _absent(self, run: Run, width: int) -> list[Text]:
        """Say that the output has no such cell."""
        size = by(run.output_shape[-run.rank :])
        text = _("there is no such cell: the size is {size}").format(size=size)
        return self._broken(text, "wrong", width)

    def _right_name(self) -> str:
        if isinstance(self.comparison.question.problem, Search):
            return _("your answer, worked rightly")
        return _("the right way")

    def _wrong_name(self) -> str:
        explanation = self.comparison.explanation
        assert explanation is not None
        return _(" and ").join(mistake.name for mistake in explanation.mistakes)

    def _work(self, placement: Placement, other: Placement | None = None) -> list[Text]:
        """Draw the products of one cell and its sum; those unlike `other`'s are marked."""
        terms = _terms(placement)
        rows = [(term.number, self._row(term, placement)) for term in terms]
        # Tap by tap: the same product at another tap is another one.
        known = (
            None
            if other is None
            else {(term.number, self._row(term, other)) for term in _terms(other)}
        )
        lines = self._products(rows[:MOST_TERMS], known)
        if len(rows) > MOST_TERMS:
            text = _("… and {count} more").format(count=len(rows) - MOST_TERMS)
            lines.append(Text(self.look.plain(text), self.look.style("note")))
        return [*lines, *self._sum(placement, max((line.cell_len for line in lines), default=0))]

    def _products(
        self, rows: Sequence[tuple[int, _Line]], known: set[tuple[int, _Line]] | None
    ) -> list[Text]:
        columns = [(row.place, row.value, row.weight, row.product) for _number, row in rows]
        sizes = [max(map(cell_len, column)) for column in zip(*columns, strict=True)]
        if not rows:
            return [Text(_("nothing meets here"), self.look.style("note"))]
        lines = []
        for number, row in rows:
            differs = known is not None and (number, row) not in known
            mark = self.look.plain("▸ ") if differs else "  "
            line = Text(mark if known is not None else "", self.look.style("wrong"))
            line.append(row.place + " " * (sizes[0] - cell_len(row.place)) + "  ")
            line.append(row.value.rjust(sizes[1]), self.look.style("input"))
            line.append(self.look.formula(" · ") + row.weight.rjust(sizes[2]))
            line.append(" = " + row.product.rjust(sizes[3]))
            if differs:
                line.stylize(self.look.style("wrong"))
            lines.append(line)
        return lines

    def _sum(self, placement: Placement, width: int) -> list[Text]:
        rows = [(_("sum"), str(placement.sum))]
        if placement.bias:
            rows.append((_("bias"), str(placement.bias)))
            rows.append((_("together"), str(placement.output)))
        lines = [Text(self.look.plain("─" * width), self.look.style("rule"))]
        for name, value in rows:
            blanks = " " * max(width - cell_len(name) - cell_len(value), 1)
            lines.append(Text(name + blanks).append(value, self.look.style("sum")))
        return lines

    def _row(self, term: Term, placement: Placement) -> _Line:
        return _Line(
            _where(term, placement, self.look), *map(str, (term.value, term.weight, term.product))
        )

    def _broken(self, text: str, role: str, width: int) -> list[Text]:
        return broken(Text(self.look.plain(text), self.look.style(role)), max(width, 12))


def cell_title(comparison: Comparison) -> str:
    """Say which cell is compared; nothing where only sizes are."""
    return "" if comparison.cell is None else place(comparison.cell, comparison.right)


def _terms(placement: Placement) -> list[Term]:
    """Leave out the zeros that only the window's way of a transposed layer has."""
    if not placement.trace.geometry.transposed:
        return list(placement.terms)
    return [term for term in placement.terms if term.input is not None]


def _where(term: Term, placement: Placement, look: Look) -> str:
    """Say where a value comes from, counted from 1."""
    if term.input is None:
        return _("padding")
    _n, channel, *position = term.input
    at = [index + 1 for index in position]
    name = f"x{at[0]}" if len(at) == 1 else f"({', '.join(map(str, at))})"
    name += look.plain("′") if term.kind == "border" else ""
    several = placement.trace.geometry.in_channels > 1
    return f"c{channel + 1} {name}" if several else name
