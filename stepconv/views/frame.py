"""Frame: one step of a trace, in the view chosen."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from stepconv.record import Placement, Trace
from stepconv.views.header import Header
from stepconv.views.matrices.view import MatrixView
from stepconv.views.steps.stamp import StampView
from stepconv.views.steps.step import StepView
from stepconv.views.table.handtable import HandTable
from stepconv.views.table.worked import WorkedSums
from stepconv.views.theme import Look

VIEWS = ("table", "steps", "matrix")

LEAST_VIEW, WHOLE_VIEW = 14, 20
"""Lines that a view needs to say what it has to say, and to show a 3x3 kernel on 10x10 whole."""


class Frame:
    """One step: the header, then the view.

    Parameters
    ----------
    trace : Trace
    index : int
        Which step.
    look : Look
    view : {"steps", "table", "matrix"}
        "table" is the table worked by hand for rank 1, else the list of sums.
    term : int, optional
        The term within the step.
    channel : int, optional
        The channel shown of those the step has terms with, from 0, where no term chooses.
    height : int, optional
        Lines to take at most.
    header : bool
        Whether the header belongs to it.
    """

    def __init__(
        self,
        trace: Trace,
        index: int,
        look: Look,
        *,
        view: str = "steps",
        term: int | None = None,
        channel: int | None = None,
        height: int | None = None,
        header: bool = True,
    ) -> None:
        self.trace = trace
        self.index = index
        self.look = look
        self.view = view
        self.term = term
        self.channel = channel
        self.height = height
        self.header = header

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = self.height
        if self.header:
            lines = console.render_lines(Header(self.trace, self.look), options, pad=False)
            # Where space is short the view matters more than the formulas of the sizes.
            if room is not None and room - len(lines) < LEAST_VIEW:
                lines = lines[:1]
            if room is None or self.view != "steps" or room - len(lines) > WHOLE_VIEW:
                lines.append([])
            for line in lines:
                yield from line
                yield Segment.line()
            room = None if room is None else max(room - len(lines), 1)
        yield self._body(console, options, room)

    def _body(self, console: Console, options: ConsoleOptions, room: int | None) -> RenderableType:
        trace, look, index, term = self.trace, self.look, self.index, self.term
        if self.view == "matrix":
            return MatrixView(trace, look, index=index, term=term, height=room)
        if self.view == "table" and trace.spec.rank == 1:
            return HandTable(
                trace, look, current=index, term=term, channel=self._output_channel(), height=room
            )
        if self.view == "table" and trace.order == "gather":
            one = WorkedSums(trace, look, limit=1, current=index, term=term)
            size = max(len(console.render_lines(one, options, pad=False)) - 1, 1)
            limit = 16 if room is None else max((room - 2) // size, 1)
            return WorkedSums(trace, look, limit=limit, current=index, term=term)
        view = StampView if trace.order == "scatter" else StepView
        return view(trace, index, look, term=term, channel=self.channel, height=room)

    def _output_channel(self) -> int | None:
        """The output channel that the table of a stamp shows."""
        step = self.trace[self.index]
        if self.channel is None or isinstance(step, Placement) or not step.output_channels:
            return None
        return step.output_channels[self.channel % len(step.output_channels)]


def frame(
    trace: Trace,
    index: int,
    look: Look,
    *,
    view: str = "steps",
    term: int | None = None,
    channel: int | None = None,
    height: int | None = None,
    header: bool = True,
) -> Frame:
    """Return one step of `trace` as a renderable: see `Frame`."""
    return Frame(
        trace, index, look, view=view, term=term, channel=channel, height=height, header=header
    )


def views_of(trace: Trace) -> tuple[str, ...]:
    """Return the views that steps of `trace` have, the one that suits it first.

    A table for rank 1; for higher ranks the list of sums, where steps are output cells.
    """
    if trace.spec.rank == 1:
        return VIEWS
    return ("steps", "table", "matrix") if trace.order == "gather" else ("steps", "matrix")
