"""HandTable: a rank-1 convolution as one works it by hand, a column for each placement."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.language import _
from stepconv.record import Placement, Stamp, Term, Trace
from stepconv.views.parts.figures import figures
from stepconv.views.parts.layout import flow, indented
from stepconv.views.parts.legend import legend_lines
from stepconv.views.parts.paragraph import listed
from stepconv.views.steps.words import (
    crop_facts,
    group_fact,
    product_words,
    region_fact,
    which_output,
)
from stepconv.views.table.gathering import Gathering
from stepconv.views.table.rows import INDENT, left_out, note
from stepconv.views.table.scattering import Scattering
from stepconv.views.table.sheet import Sheet
from stepconv.views.theme import Look

MOST_TABLES, MOST_COLUMNS, MOST_LINES, LEAST_ROOM = 8, 64, 400, 8
MARKED = {"window", "current", "fills", "pending"}
MOST_KERNEL_LINES = 2
"""While one steps; the whole picture names every weight."""


class HandTable:
    """The table of products and sums.

    Parameters
    ----------
    trace : Trace
        Of rank 1.
    look : Look
    current : int, optional
        The step one is at: its column is marked, later ones are empty. Without it, the
        whole of every table.
    term : int, optional
        The term of the current step one is at.
    channel : int, optional
        In scatter order the output channel to show, where a stamp falls on several.
    height : int, optional
        Lines it may take.
    hints : bool
        Name the options of the command that show what is left out.
    """

    def __init__(
        self,
        trace: Trace,
        look: Look,
        *,
        current: int | None = None,
        term: int | None = None,
        channel: int | None = None,
        height: int | None = None,
        hints: bool = False,
    ) -> None:
        self.trace = trace
        self.look = look
        self.current = current
        self.term = term
        self.channel = channel
        self.height = height
        self.hints = hints

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        if not len(self.trace):
            yield note(_("nothing to show: the output is empty"), self.look)
        elif self.current is not None:
            yield from self._step(self.trace[self.current], width)
        else:
            yield from self._cut(self._whole(width))

    # -- everything -------------------------------------------------------------------

    def _whole(self, width: int) -> Iterator[Text]:
        tables = list(product(*self.trace.region[:2]))
        for place, (sample, channel) in enumerate(tables[:MOST_TABLES]):
            if place:
                yield Text()
            yield from self._table(sample, channel, width)
        if region := self._region():
            yield from [Text(), *region]
        if len(tables) > MOST_TABLES:
            yield Text()
            more = _("{count} more tables, one for each sample and output channel").format(
                count=len(tables) - MOST_TABLES
            )
            yield self._left_out(more, "--only N,C  --step A:B  --play")

    def _table(self, sample: int, channel: int, width: int) -> Iterator[Text]:
        trace, whole = self.trace, len(self.trace.region[2])
        plans: list[Gathering | Scattering]
        if trace.order == "scatter":
            whole = trace.geometry.axes[0].input_size
            columns = min(whole, MOST_COLUMNS)
            channels = trace.geometry.group_channels(channel)
            plans = [Scattering(trace, sample, channel, c, columns=columns) for c in channels]
        else:
            columns = min(whole, MOST_COLUMNS)
            plans = [Gathering(trace, sample, channel, columns=columns)]
        for place, plan in enumerate(plans):
            if place:
                yield Text()
            yield from self._title(plan)
            yield from Sheet(plan, self.look, width).bands()
            if columns < whole:
                more = _("{count} more columns").format(count=whole - columns)
                yield self._left_out(more, "--step A:B  --play")
            below = self._below(plan, width)
            yield from [Text(), *below] if below else []

    def _cut(self, lines: Iterator[Text]) -> Iterator[Text]:
        """Stop where it becomes too long to be read, and say so."""
        most = MOST_LINES if self.height is None else min(self.height, MOST_LINES)
        kept = list(islice(lines, max(most, 1)))
        if next(lines, None) is None:
            yield from kept
        else:
            yield from kept[:-1]
            yield self._left_out(_("and more"), "--only N,C  --step A:B  --play")

    def _left_out(self, more: str, options: str) -> Text:
        return left_out(more, options if self.hints else "", self.look)

    # -- one step ---------------------------------------------------------------------

    def _step(self, step: Placement | Stamp, width: int) -> Iterator[Text]:
        plan = self._plan(step)
        if plan is None:
            yield note(_("this stamp falls on no output channel that was traced"), self.look)
            return
        sheet = Sheet(plan, self.look, width, focus=plan.focus)
        roles = {role.partition(".")[0] for role in sheet.roles}
        above, room, below = list(self._title(plan)), None, [Text()]
        if self.term is not None:
            below += self._sentence(step.terms[self.term], len(step.terms), width)
        below += [*self._below(plan, width), *self._region()]
        below += legend_lines(roles & MARKED, self.look, width)
        if self.height is not None:
            below = below[: max(self.height - len(above) - LEAST_ROOM, 0)]
            room = self.height - len(above) - len(below)
        yield from above
        yield from sheet.step(room)
        yield from below

    def _plan(self, step: Placement | Stamp) -> Gathering | Scattering | None:
        trace, term = self.trace, self.term
        if isinstance(step, Placement):
            sample, channel, position = step.output_index
            span = trace.region[2]
            focus = span.index(position)
            return Gathering(trace, sample, channel, columns=len(span), focus=focus, term=term)
        sample, in_channel, position = step.input_index
        axis, channels = trace.geometry.axes[0], step.output_channels
        if not channels:
            return None
        channel, tap = (self.channel if self.channel in channels else channels[0]), None
        if term is not None:
            channel, tap = channels[term // axis.kernel_size], term % axis.kernel_size
        return Scattering(
            trace,
            sample,
            channel,
            in_channel,
            columns=axis.input_size,
            focus=position,
            tap=tap,
        )

    def _sentence(self, term: Term, count: int, width: int) -> list[Text]:
        """Say the current term in words."""
        words = [_("term {number} of {count}").format(number=term.number + 1, count=count)]
        if self.trace.geometry.transposed and term.input is None:
            words.append(_("a zero of the layout: no term"))
        else:
            words.append(product_words(self.trace, term.value, term.weight, term.product))
        if term.sum is None:
            words.append(_("cropped"))
        else:
            running = figures(self.trace).result(term.sum)
            words.append(_("so far {sum}").format(sum=running))
        parts = [self.look.formula(word) for word in words]
        return indented(flow(parts, width - INDENT, self.look.style("key")), INDENT)

    # -- around a table ----------------------------------------------------------------

    def _title(self, plan: Gathering | Scattering) -> Iterator[Text]:
        """Say which sample and channels a table is of, where there are several."""
        geometry, parts = self.trace.geometry, which_output(self.trace, plan.sample, plan.channel)
        if isinstance(plan, Scattering) and geometry.in_channels > 1:
            parts.append(_("input channel {channel}").format(channel=plan.in_channel))
        if parts:
            text = self.look.plain(" " * INDENT + listed(parts))
            yield Text(text, self.look.style("title"), no_wrap=True, overflow="ellipsis")

    def _below(self, plan: Gathering | Scattering, width: int) -> list[Text]:
        """Name the weights, and say what does not show in the table."""
        facts, roles = group_fact(self.trace, plan.channel), set()
        if isinstance(plan, Scattering):
            roles |= {"cropped"} if any(plan.axis.pad) else set()
            roles |= {"extra"} if plan.axis.output_padding else set()
        elif plan.axis.transposed:
            facts += crop_facts(self.trace)
        return [
            *self._kernel(plan, width),
            *(note(fact, self.look) for fact in facts),
            *legend_lines(roles, self.look, width),
        ]

    def _region(self) -> list[Text]:
        return [note(fact, self.look) for fact in region_fact(self.trace)]

    def _kernel(self, plan: Gathering | Scattering, width: int) -> Iterator[Text]:
        if len(plan.kernels) > 1:  # each stands with its channel
            return
        turned = isinstance(plan, Gathering) and plan.axis.transposed
        head = " " * INDENT + (_("kernel, turned") if turned else _("kernel")) + "   "
        start = cell_len(head)
        lines = flow(plan.kernels[0], width - start, self.look.style("kernel"))
        if self.current is not None and len(lines) > MOST_KERNEL_LINES:
            lines = [*lines[:MOST_KERNEL_LINES], note("…", self.look, 0)]
        for weights in lines:
            yield Text().append(head, self.look.style("label")).append_text(weights)
            head = " " * start
