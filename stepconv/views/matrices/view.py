"""MatrixView: the convolution as the sparse matrix it is, with the vectors it joins."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.language import _
from stepconv.record import Placement, Trace
from stepconv.views.matrices.table import INDENT, MatrixTable, symbols
from stepconv.views.matrices.unrolled import Unrolled
from stepconv.views.parts.figures import factor, figures, plus
from stepconv.views.parts.layout import flow, indented
from stepconv.views.parts.legend import legend
from stepconv.views.theme import Look

MOST_ROWS = 40
"""Rows where nothing else limits them."""


class MatrixView:
    """The matrix W of ``y = W·x``: a row for each output cell, a column for each input cell.

    The values of x stand over their columns and those of W·x before their rows, so that a
    row can be worked out by reading it against the line of x.

    Parameters
    ----------
    trace : Trace
    look : Look
    index : int, optional
        The step whose row is shown: in scatter order, whose column.
    term : int, optional
        The term within it.
    transpose : bool
        Show the transpose, by which the transposed convolution multiplies.
    names : bool
        Write which weight an entry is instead of its value.
    height : int, optional
        Lines to take at most.
    """

    def __init__(
        self,
        trace: Trace,
        look: Look,
        *,
        index: int | None = None,
        term: int | None = None,
        transpose: bool = False,
        names: bool = False,
        height: int | None = None,
    ) -> None:
        self.trace = trace
        self.look = look
        self.index = index
        self.term = term
        self.transpose = transpose
        self.names = names
        self.height = height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        unrolled = Unrolled(self.trace, self.index, self.term, transpose=self.transpose)
        above = [*self._title(unrolled, width), Text()]
        below = [*self._worked(unrolled, width), *self._legend(unrolled)]
        if self.index is None:
            below += self._relation(width)
        room = MOST_ROWS + 3
        if self.height is not None:
            if self.height - len(above) - len(below) < 7:
                above, below = [], below[-1:]
            room = max(self.height - len(above) - len(below) - bool(below), 3)
        table = MatrixTable(unrolled, self.look, self.names).lines(width, room)
        blank = [Text()] if below else []
        yield from [*above, *table, *blank, *below][: self.height]

    def _title(self, unrolled: Unrolled, width: int) -> list[Text]:
        rows, columns = unrolled.shape
        facts = {"rows": rows, "columns": columns, "entries": len(unrolled.matrix)}
        if self.transpose:
            parts = [
                _("Wᵀ is {rows}×{columns} with {entries} entries").format(**facts),
                _("a row for each input cell, a column for each output cell"),
            ]
        else:
            parts = [
                _("W is {rows}×{columns} with {entries} entries").format(**facts),
                _("a row for each output cell, a column for each input cell"),
            ]
        return flow([symbols(part, self.look) for part in parts], width)

    def _worked(self, unrolled: Unrolled, width: int) -> list[Text]:
        """The sum that the row and x make, term by term where they lie on the input."""
        step = unrolled.step
        if not isinstance(step, Placement) or unrolled.row is None or self.transpose:
            return []
        write = figures(self.trace)
        terms = [
            f"{factor(write.weight(term.weight))}·{factor(write.value(term.value))}"
            for term in step.terms
            if term.input is not None
        ]
        name = unrolled.row_label(unrolled.row)
        parts = [f"{name} =" if name.startswith("y") else f"y[{name}] ="]
        parts += [plus(term) if k else term for k, term in enumerate(terms or ["0"])]
        parts.append(f"= {write.result(step.sum)}")
        if self.trace.bias.any():
            parts.append(_("+ bias {bias}").format(bias=write.result(step.bias)))
            parts.append(f"= {write.result(step.output)}")
        lines = flow([self.look.formula(part) for part in parts], width - INDENT, gap=1)
        if len(lines) > 3:
            lines = [*lines[:2], Text(self.look.plain("…")), lines[-1]]
        return indented(lines, INDENT)

    def _legend(self, unrolled: Unrolled) -> list[Text]:
        roles = {"window"} if unrolled.active else set()
        roles |= {"current"} if unrolled.hit else set()
        roles |= {"unused"} if unrolled.unused else set()
        return [legend(roles, self.look)] if roles else []

    def _relation(self, width: int) -> list[Text]:
        """What this matrix has to do with that of the other convolution."""
        if self.trace.spec.padding_mode != "zeros":
            return []  # the transpose is no convolution then
        match self.transpose, self.trace.spec.transposed:
            case False, False:
                text = _(
                    "The transpose of W is the matrix of the transposed convolution with the same"
                    " kernel, stride and padding; --transpose shows it."
                )
            case False, True:
                text = _(
                    "W is the transpose of the matrix of the forward convolution with the same"
                    " kernel, stride and padding; --transpose shows that one."
                )
            case True, False:
                text = _(
                    "Wᵀ is the matrix of the transposed convolution with the same kernel, stride"
                    " and padding: it gives back the size of x, not its values."
                )
            case _transposed_twice:
                text = _(
                    "Wᵀ is the matrix of the forward convolution with the same kernel, stride and"
                    " padding."
                )
        return flow([symbols(text, self.look)], width, self.look.style("note"), gap=1)
