"""Overview: a whole convolution at a glance, without stepping."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.errors import TraceError
from stepconv.language import _
from stepconv.record import Trace
from stepconv.views.frame import VIEWS, Frame, views_of
from stepconv.views.header import Header
from stepconv.views.matrices.view import MatrixView
from stepconv.views.parts.arrays import hidden_kernels, input_panel, kernel_panels, output_panel
from stepconv.views.parts.board import GAP, Board, Panel
from stepconv.views.parts.layout import flow, indented
from stepconv.views.parts.legend import legend_lines
from stepconv.views.steps import words
from stepconv.views.table.handtable import HandTable
from stepconv.views.table.worked import WorkedSums
from stepconv.views.theme import Look

INDENT, WRITTEN = 2, 16
_UNTOLD = {"input", "kernel", "done", "border"}
"""Roles that need no legend, or have one under the sums."""


class Overview:
    """The header, then the table worked by hand (rank 1), or the arrays and the sums.

    Parameters
    ----------
    trace : Trace
    look : Look
    view : {"table", "steps", "matrix"}
        "steps" is every step, one below the other.
    hints : bool
        Name the options of the command that show more.
    """

    def __init__(
        self, trace: Trace, look: Look, *, view: str = "table", hints: bool = False
    ) -> None:
        self.trace = trace
        self.look = look
        self.view = view
        self.hints = hints

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        trace, look = self.trace, self.look
        yield Header(trace, look)
        yield Text()
        if not len(trace):
            yield Text(_("The batch is empty: there is nothing to convolve."))
        elif self.view == "matrix":
            yield MatrixView(trace, look)
        elif self.view == "steps":
            for index in range(len(trace)):
                yield from [Text()] if index else []
                yield Frame(trace, index, look, view="steps", header=False)
        elif trace.spec.rank == 1:
            yield HandTable(trace, look, hints=self.hints)
        else:
            yield from indented(_arrays(trace, look, options.max_width - INDENT), INDENT)
            yield Text()
            yield WorkedSums(trace, look, limit=WRITTEN, hints=self.hints)
            if self.hints and prod(len(span) for span in trace.region) <= WRITTEN:
                yield Text()
                hint = _("One step at a time: --step 1, or --play to move with the arrow keys.")
                lines = flow([hint], options.max_width - INDENT, look.style("note"), gap=1)
                yield from indented(lines, INDENT)


def page(
    trace: Trace, look: Look, *, step: int | None = None, view: str | None = None
) -> Overview | Frame:
    """Return all of a trace or, with `step`, one step of it, in the view that suits it.

    Raises
    ------
    TraceError
        When there is no such step or view.
    """
    check_view(view)
    if step is None:
        return Overview(trace, look, view=view or "table")
    if not -len(trace) <= step < len(trace):
        raise TraceError(
            "there is no step {step}: the trace has {count}, from 0 on",
            step=step,
            count=len(trace),
        )
    return Frame(trace, step % len(trace), look, view=view or views_of(trace)[0])


def check_view(view: str | None) -> None:
    """Raise TraceError where there is no such view."""
    if view not in (None, *VIEWS):
        raise TraceError("view {view!r} is not one of {views}", view=view, views=", ".join(VIEWS))


def _arrays(trace: Trace, look: Look, width: int) -> list[Text]:
    """The laid-out input, the kernels and the output, with what is to be said of them."""
    lines: list[Text] = []
    roles: set[str] = set()
    for row in _rows(input_panel(trace, look), kernel_panels(trace, look), trace, look, width):
        board = Board(row, look)
        lines += [Text()] * bool(lines) + board.lines(width)
        roles |= board.roles
    facts = words.layout_facts(trace) if trace.order == "gather" else words.crop_facts(trace)
    facts += words.missed_facts(trace) + words.region_fact(trace)
    if hidden := hidden_kernels(trace):
        facts.append(_("kernels not drawn: {count}").format(count=hidden))
    notes = flow([look.formula(fact) for fact in facts], width, look.style("note"))
    notes += legend_lines(roles - _UNTOLD, look, width, indent=0)
    return [*lines, *([Text()] if notes else []), *notes]


def _rows(
    input: Panel, kernels: Sequence[Panel], trace: Trace, look: Look, width: int
) -> list[list[Panel]]:
    """Set the panels in rows: all in one, or else the kernels below, or each on its own."""
    output = output_panel(trace, look)
    if len(kernels) == 1 and _fit([input, *kernels, output], width):
        return [[input, *kernels, output]]
    below = [[input, output]] if _fit([input, output], width) else [[input], [output]]
    packed: list[list[Panel]] = []
    for panel in kernels:
        if packed and _fit([*packed[-1], panel], width):
            packed[-1].append(panel)
        else:
            packed.append([panel])
    return [below[0], *packed, *below[1:]]


def _fit(panels: Sequence[Panel], width: int) -> bool:
    return sum(panel.width for panel in panels) + GAP * (len(panels) - 1) <= width
