"""StepView: one placement of the kernel, with every number that goes into its output cell."""

from __future__ import annotations

from stepconv.errors import TraceError
from stepconv.language import _
from stepconv.record import Placement, Trace
from stepconv.views.parts.board import Board, Panel
from stepconv.views.parts.layout import Part, beside
from stepconv.views.steps import words
from stepconv.views.steps.body import MOST_WORKED, Body, worked
from stepconv.views.steps.ledger import LEAST, ledger, part_names, sum_lines
from stepconv.views.steps.reading import Reading
from stepconv.views.steps.slices import has_copies, input_grids, output_grid
from stepconv.views.steps.window import window_work
from stepconv.views.theme import Look

GAP = 4


class StepView(Body):
    """The window on the laid-out input, its products, and the output so far.

    Parameters
    ----------
    trace : Trace
        In gather order.
    index : int
        Which placement.
    look : Look
    term : int, optional
        The current term of its sum; without it the sum is complete.
    channel : int, optional
        Which of the input channels summed over is shown where there is no term, counted
        from 0 and round again.
    height : int, optional
        Lines it may take.

    Raises
    ------
    TraceError
        For a trace in scatter order.
    IndexError
        Where there is no such placement or term.
    """

    def __init__(
        self,
        trace: Trace,
        index: int,
        look: Look,
        *,
        term: int | None = None,
        channel: int | None = None,
        height: int | None = None,
    ) -> None:
        super().__init__(trace, look, height)
        placement = trace[index]
        if not isinstance(placement, Placement):
            raise TraceError("a trace in scatter order is stepped by its stamps: use StampView")
        self.placement = placement
        self.reading = Reading(placement, term, channel)
        self.still = height is None and term is None and channel is None

    def board(self) -> Board:
        """Return the laid-out input under the window, and the output so far."""
        trace, placement, reading = self.trace, self.placement, self.reading
        sample, channel = placement.output_index[:2]
        source = placement.input_channels[reading.channel]
        window = Panel(
            [words.input_caption(trace), *words.which_input(trace, sample, source)],
            input_grids(placement, self.look, reading.channel, reading.tap),
            cursor=reading.depth,
        )
        fills = Panel(
            [words.output_caption(trace), *words.which_output(trace, sample, channel)],
            [output_grid(placement, self.look, finished=reading.finished)],
        )
        return Board([window, fills], self.look)

    def roles(self) -> list[str]:
        """Name the roles that the pictures may have."""
        axes = self.trace.geometry.axes
        roles = ["window", "fills", "pending"]
        roles += ["current"] * (self.reading.term is not None)
        roles += ["unused"] * any(axis.unused.size for axis in axes)
        roles += ["inserted"] * any(axis.spread > 1 for axis in axes)
        roles += ["extra"] * any(axis.output_padding for axis in axes)
        if any(max(axis.border) > 0 for axis in axes):
            roles.append("border" if has_copies(self.trace.geometry) else "padding")
        return roles

    def facts(self) -> list[str]:
        """Say how groups, the layout and the region matter here."""
        return [
            *words.group_fact(self.trace, self.placement.channel),
            *words.layout_facts(self.trace),
            *words.region_fact(self.trace),
        ]

    def title(self) -> list[str]:
        """Say which placement this is, and which output cell it fills."""
        step = _("placement {number} of {count}").format(
            number=self.placement.index + 1, count=len(self.trace)
        )
        cell = words.cell_name(self.trace, self.placement.output_index)
        return [step, _("fills output {cell}").format(cell=cell)]

    def told(self) -> list[str]:
        """Tell the current term."""
        return words.term_words(self.reading)

    def sums(self, width: int) -> list[Part]:
        """Return the window's work, and the ledger or the line that ends it."""
        reading, look = self.reading, self.look
        if reading.parts == 1:
            work = window_work(reading, look)
            end = sum_lines(reading, look, work.width(width) - 1, width)
            return [*worked([("", work)], width, look), Part.of(end)]
        if self.still and reading.parts <= MOST_WORKED:
            works = [
                (name, window_work(reading, look, part))
                for part, name in enumerate(part_names(reading))
            ]
            book = ledger(reading, look, width, pointer=False)
            return [*worked(works, width, look), Part(book.height, book.lines)]
        return self._with_ledger(width)

    def _with_ledger(self, width: int) -> list[Part]:
        """Set the ledger beside the work, or below it."""
        work, book = window_work(self.reading, self.look), ledger(self.reading, self.look, width)
        *_name, part = worked([("", work)], width, self.look)
        if work.width(width) + GAP + book.width > width:
            return [part, Part(book.height, book.lines, {1: LEAST + 2, 6: LEAST})]
        widths = [work.width(width), book.width]
        return [
            Part(
                max(part.most, book.height),
                lambda room: beside([part.draw(room), book.lines(room)], widths, GAP),
                {1: max(part.most, LEAST + 2), 7: max(part.turns[7], LEAST)},
            )
        ]
