"""Scattering: the hand-worked table of stamps, each a column that adds to several outputs."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from rich.cells import cell_len

from stepconv.language import _
from stepconv.record import Stamp, Trace
from stepconv.views.parts.figures import factor, figures, plus
from stepconv.views.table.rows import (
    LONGEST_GAP,
    Entry,
    Label,
    Measure,
    Row,
    more_rows,
    part,
    places,
)


class Scattering:
    """Columns are the cells of one input channel, rows the positions of one output channel.

    With `focus`, the number of a column, that one is current, earlier ones are done and
    later ones still to come; `tap` is the current one of its taps. `columns` may be
    fewer than there are. The sums stand behind the last column.
    """

    def __init__(
        self,
        trace: Trace,
        sample: int,
        channel: int,
        in_channel: int,
        *,
        columns: int,
        focus: int | None = None,
        tap: int | None = None,
    ) -> None:
        self.trace = trace
        self.sample = sample
        self.channel = channel
        self.in_channel = in_channel
        self.columns = columns
        self.focus = focus
        self.tap = tap
        self.axis = trace.geometry.axes[0]
        self.figures = figures(trace)
        self.biased = bool(trace.bias.any())
        self.level = 0 if self.biased else 1
        """What is left out: 1 the sum where a bias is added to it, 2 the factors."""

    @property
    def pinned(self) -> int:
        """Columns behind the last: sum and output, or one for both."""
        return 2 if self.level < 1 else 1

    def narrowed(self) -> Scattering | None:
        """Return the same with less said, None where nothing more can be left out."""
        if self.level == 2:
            return None
        less = copy(self)
        less.level += 1
        return less

    @property
    def kernels(self) -> list[list[str]]:
        """The weights of the stamps by name."""
        share = self.channel % self.trace.geometry.group_outputs
        own = self.trace.weight[self.in_channel, share]
        return [[f"w{k + 1} = {self.figures.weight(weight)}" for k, weight in enumerate(own)]]

    def part(self, seen: range) -> str:
        """Say which part of the inputs the columns `seen` are."""
        return part("x", seen.start + 1, seen.stop, self.axis.input_size)

    def page(self, seen: range) -> list[Row]:
        """Return the rows for the columns `seen`."""
        columns = [_Column(self, number) for number in seen]
        heads = {c.number: c.head for c in columns}
        heads |= {-1 - k: head for k, head in enumerate(self._sum_heads())}
        rows = [
            Row("head", Label(_("output")), heads),
            Row("head", Label(), {c.number: c.value for c in columns}),
        ]
        shown = places([c.window for c in columns], *self._ends(columns))
        return rows + [self._row(place, columns) for place in shown]

    @property
    def measure(self) -> Measure:
        """Widths that hold for all columns."""
        mine, axis, trace = self.figures, self.axis, self.trace
        lefts = [f"y{axis.output_size}", f"x{axis.input_size}"]
        if self.level < 2:
            lefts += [_("so far"), " " * mine.value_width + f"·w{axis.kernel_size}"]
        labels = [_("output")]
        if max(axis.dilation, axis.stride) > LONGEST_GAP:
            labels.append(more_rows(axis.input_size * axis.stride))
        heads = [_("stamp {number}").format(number=len(trace))]
        heads += [head.right for head in self._sum_heads()]
        return Measure(
            name=len(f"y{axis.output_size}+"),
            value=0,
            note=cell_len(_("not traced")) if len(trace.region[2]) < axis.output_size else 0,
            left=max(map(cell_len, lefts)),
            right=max(mine.result_width, mine.value_width),
            head=max(map(cell_len, heads)),
            least=max(map(cell_len, labels)),
        )

    def _sum_heads(self) -> list[Entry]:
        if not self.biased:
            return [Entry(_("sum"), role="label")]
        bias = plus(self.figures.result(self.trace.bias[self.channel]))
        if self.pinned == 1:
            return [Entry(f"{_('sum')} {bias}", role="bias")]
        return [Entry(_("sum"), role="label"), Entry(f"{bias} {_('bias')}", role="bias")]

    @property
    def _blocks(self) -> int:
        return self.trace.geometry.group_inputs

    @property
    def _block(self) -> int:
        """Which of the group's input channels this is."""
        return self.trace.geometry.group_channels(self.channel).index(self.in_channel)

    # -- the rows ---------------------------------------------------------------------

    def _ends(self, columns: Sequence[_Column]) -> tuple[int, int]:
        axis, last = self.axis, columns[-1]
        if last.number == axis.input_size - 1:
            return columns[0].window.start, max(last.window[-1] + 1, axis.output_size)
        return columns[0].window.start, max(last.window[-1] + 1, last.window.start + axis.stride)

    def _row(self, place: int | range, columns: Sequence[_Column]) -> Row:
        if isinstance(place, range):
            return Row("cells", Label(more_rows(len(place))))
        entries = {c.number: entry for c in columns if (entry := c.entry(place))}
        if self.focus is not None or entries or self._untouched(place, columns[0].number):
            entries |= self._sums(place, columns[-1].number)
        return Row("cells", self._label(place), entries)

    def _untouched(self, place: int, first: int) -> bool:
        """Whether no stamp at all lands there, and no columns before `first` showed the row."""
        axis = self.axis
        if max(axis.source_at(axis.window(place))) >= 0 or self._block < self._blocks - 1:
            return False
        before = _window(self, first - 1)
        return first == 0 or place >= max(before[-1] + 1, before.start + axis.stride)

    def _label(self, place: int) -> Label:
        axis = self.axis
        if not 0 <= place < axis.output_size:
            return Label("×", role="cropped")
        name = f"y{place + 1}"
        if place not in self.trace.region[2]:
            return Label(name, note=_("not traced"))
        return Label(name + "+" * (place >= axis.output_size - axis.output_padding))

    def _sums(self, place: int, last: int) -> dict[int, Entry]:
        """Return what stands behind the row: its sum so far, or the whole and the output."""
        if place not in self.trace.region[2]:
            return {}
        cell = self.trace.cell((self.sample, self.channel, place))
        fills, last = False, last if self.focus is None else self.focus
        if self.focus is not None:
            window = _window(self, self.focus)
            tap = window.index(place) if place in window else None
            fills = tap is not None and self.tap in (None, tap)
            if tap is not None and self.tap is not None and tap > self.tap:
                last -= 1
        term, complete = self._progress(place, last)
        write = self.figures.result
        if not complete:
            if term < 0:
                return {-1: Entry("∙", role="pending")}
            left = _("so far") if self.level < 2 else ""
            running = write(self.trace.sums[cell, term])
            return {-1: Entry(running, left, "fills" if fills else "product")}
        output = Entry(
            write(self.trace.value_at((self.sample, self.channel, place))),
            f"y{place + 1}",
            "fills" if fills else "sum" if self.focus is None else "done",
        )
        if self.pinned == 1:
            return {-1: output}
        return {-1: Entry(write(self.trace.sums[cell, -1])), -2: output}

    def _progress(self, place: int, last: int) -> tuple[int, bool]:
        """Return the last term of an output cell once input `last` has stamped; -1 if none yet.

        And whether no other is to come.
        """
        taps = self.axis.kernel_size
        sources = self.axis.source_at(self.axis.window(place)).tolist()
        landed = [tap for tap, source in enumerate(sources) if 0 <= source <= last]
        complete = self._block == self._blocks - 1 and max(sources) <= last
        if max(sources) < 0:
            return taps * self._blocks - 1, True
        return self._block * taps + (landed[-1] if landed else -1), complete


class _Column:
    """One input cell: what stands in its column."""

    def __init__(self, plan: Scattering, number: int) -> None:
        self.plan = plan
        self.number = number
        self.window = _window(plan, number)
        trace = plan.trace
        channels = trace.geometry.in_channels
        sample = plan.sample - trace.region[0].start
        index = (sample * channels + plan.in_channel) * plan.axis.input_size + number
        self.stamp = Stamp(trace, index, (plan.sample, plan.in_channel, number))
        self.is_current = number == plan.focus

    @property
    def head(self) -> Entry:
        text = _("stamp {number}").format(number=self.stamp.index + 1)
        return Entry(text, role="key" if self.is_current else "label")

    @property
    def value(self) -> Entry:
        return Entry(self.plan.figures.value(self.stamp.value), f"x{self.number + 1}", "input")

    def entry(self, place: int) -> Entry | None:
        """Return the product that lands on output `place`."""
        plan = self.plan
        if place not in self.window or (plan.focus is not None and self.number > plan.focus):
            return None
        tap = self.window.index(place)
        role = "product" if place in plan.trace.region[2] else "cropped"
        if self.is_current:
            if plan.tap is not None and tap > plan.tap:
                return Entry("∙", role="pending")
            role = "current" if tap == plan.tap else "window"
        value, product = factor(plan.figures.value(self.stamp.value)), self._product(place, tap)
        left = f"{value}·w{tap + 1}" if plan.level < 2 else ""
        return Entry(plan.figures.result(product), left, role)

    def _product(self, place: int, tap: int) -> object:
        """Return what is recorded where it lands; for a cropped product nothing is."""
        plan, trace = self.plan, self.plan.trace
        if place in trace.region[2]:
            cell = trace.cell((plan.sample, plan.channel, place))
            return trace.products[cell, trace.term_number(plan.in_channel, (tap,))]
        share = plan.channel % trace.geometry.group_outputs
        with np.errstate(all="ignore"):
            return self.stamp.value * trace.weight[plan.in_channel, share, tap]


def _window(plan: Scattering, number: int) -> range:
    """Output positions on which an input cell lands, cropped ones included."""
    axis = plan.axis
    start = axis.landing(number, 0)
    return range(start, start + axis.span, axis.dilation)
