"""Gathering: the hand-worked table of output cells, each a column that adds up its terms."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from rich.cells import cell_len

from stepconv.language import _
from stepconv.record import Trace
from stepconv.views.parts.figures import factor, figures, plus, subtotals
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

STATIC_ROLES = {"input": "product", "padding": "padding", "border": "border"}
WINDOW_ROLES = {"input": "window", "padding": "window.padding", "border": "window.border"}
ZEROS = {"padding": "·", "inserted": "∘"}


class Gathering:
    """Columns are the placements of one output channel, rows the laid-out input.

    With `focus`, the number of a column, that one is current, earlier ones are done and
    later ones still to come; `term` is the current one of its terms. `columns` may be
    fewer than there are.
    """

    pinned = 0

    def __init__(
        self,
        trace: Trace,
        sample: int,
        channel: int,
        *,
        columns: int,
        focus: int | None = None,
        term: int | None = None,
    ) -> None:
        self.trace = trace
        self.sample = sample
        self.channel = channel
        self.columns = columns
        self.focus = focus
        self.term = term
        self.axis = trace.geometry.axes[0]
        self.figures = figures(trace)
        self.biased = bool(trace.bias.any())
        self.level = 0
        """What is left out: 1 the notes, 2 the values beside the names, 3 the factors."""

    def narrowed(self) -> Gathering | None:
        """Return the same with less said, None where nothing more can be left out."""
        if self.level == 3:
            return None
        less = copy(self)
        less.level += 1
        return less

    @property
    def kernels(self) -> list[list[str]]:
        """For each input channel the weights by name, in the order in which they are met."""
        taps, channels = self.axis.kernel_size, range(self.trace.geometry.group_inputs)
        found = []
        for block in channels:
            indices = [self.trace.weight_index(self.channel, block, (tap,)) for tap in range(taps)]
            write, weight = self.figures.weight, self.trace.weight
            found.append([f"w{index[-1] + 1} = {write(weight[index])}" for index in indices])
        return found

    def part(self, seen: range) -> str:
        """Say which part of the outputs the columns `seen` are."""
        span = self.trace.region[2][seen.start : seen.stop]
        return part("y", span[0] + 1, span[-1] + 1, self.axis.output_size)

    def page(self, seen: range) -> list[Row]:
        """Return the rows for the columns `seen`."""
        columns = [_Column(self, number) for number in seen]
        rows = [Row("head", Label(_("input")), {c.number: c.head for c in columns})]
        shown = places([c.window for c in columns], *self._ends(columns))
        kernels = self.kernels
        for block, channel in enumerate(self._in_channels):
            if len(kernels) > 1:
                title = _("channel {channel}").format(channel=channel)
                label = Label(title, role="kernel", items=kernels[block])
                rows.append(Row("block", label, block=block))
            rows += [self._row(place, block, columns) for place in shown]
            if len(kernels) > 1:
                totals = {c.number: c.total(block) for c in columns}
                rows.append(Row("total", Label(channel_sum(channel)), totals, block))
        return [*rows, Row("rule"), *self._feet(columns)]

    @property
    def measure(self) -> Measure:
        """Widths that hold for all columns."""
        mine, axis, level = self.figures, self.axis, self.level
        name = f"x{axis.input_size}" + "′" * self._copied
        lefts = [f"y{axis.output_size}" + "+" * bool(axis.output_padding)]
        if level < 3:
            lefts += [" " * mine.value_width + f"·w{axis.kernel_size}"]
            lefts += [] if self.term is None else [_("so far")]
        labels = [_("input"), _("sum"), _("bias"), _("output")]
        if max(axis.dilation, axis.step) > LONGEST_GAP:
            labels.append(more_rows(axis.layout_size))
        if len(self._in_channels) > 1:
            labels.append(channel_sum(self._in_channels[-1]))
        return Measure(
            name=len(name),
            value=mine.value_width + bool(axis.unused.size) if level < 2 else 0,
            note=max(map(cell_len, self._notes()), default=0) if level < 1 else 0,
            left=max(map(cell_len, lefts)),
            right=mine.result_width,
            head=cell_len(_("placement {number}").format(number=len(self.trace))),
            least=max(map(cell_len, labels)),
        )

    # -- the rows ---------------------------------------------------------------------

    @property
    def _in_channels(self) -> range:
        return self.trace.geometry.group_channels(self.channel)

    @property
    def _copied(self) -> bool:
        return self.axis.mode != "zeros" and any(self.axis.pad)

    def _notes(self) -> list[str]:
        """Every note that a row of the table may have."""
        axis = self.axis
        notes = [_("not used")] if axis.unused.size else []
        if axis.transposed and axis.stride > 1 and axis.input_size > 1:
            notes.append(_zero("inserted"))
        if self._copied:
            notes.append(_copy_of(axis.input_size))
        elif max(axis.border) > 0:
            notes.append(_zero("padding"))
        return notes

    def _ends(self, columns: Sequence[_Column]) -> tuple[int, int]:
        """First row, and the one after the last: up to the next column's window, or all."""
        axis, first, last = self.axis, columns[0], columns[-1]
        start = first.window.start if first.position else 0
        if last.position == axis.output_size - 1:
            return start, axis.layout_size
        return start, max(last.window[-1] + 1, last.window.start + axis.step)

    def _row(self, place: int | range, block: int, columns: Sequence[_Column]) -> Row:
        if isinstance(place, range):
            label = Label(more_rows(len(place)))
            return Row("cells", label, block=block)
        entries = {c.number: entry for c in columns if (entry := c.entry(block, place))}
        return Row("cells", self._label(place, block), entries, block)

    def _label(self, place: int, block: int) -> Label:
        axis, kind, source = self.axis, self.axis.kind_at(place), int(self.axis.source_at(place))
        name, text = ZEROS.get(kind) or f"x{source + 1}", ""
        value: object = 0
        if source >= 0:
            value = self.trace.batched_input[self.sample, self._in_channels[block], source]
        after = " " if axis.unused.size else ""
        if kind == "border":
            name, text = name + "′", _copy_of(source + 1)
        elif source < 0:
            text = _zero(kind)
        elif source in axis.unused:
            kind, after, text = "unused", "×", _("not used")
        number = self.figures.value(value) + after
        return Label(
            name,
            number if self.level < 2 else "",
            text if self.level < 1 else "",
            role=kind,
        )

    def _feet(self, columns: Sequence[_Column]) -> list[Row]:
        if not self.biased:
            return [Row("foot", Label(_("sum")), {c.number: c.output for c in columns})]
        return [
            Row("foot", Label(_("sum")), {c.number: c.sum for c in columns}),
            Row("foot", Label(_("bias")), {c.number: c.bias for c in columns}),
            Row("rule"),
            Row("foot", Label(_("output")), {c.number: c.output for c in columns}),
        ]


class _Column:
    """One placement: what stands in its column."""

    def __init__(self, plan: Gathering, number: int) -> None:
        self.plan = plan
        self.number = number
        self.position = plan.trace.region[2][number]
        self.placement = plan.trace.at(plan.sample, plan.channel, self.position)
        axis, start = plan.axis, self.position * plan.axis.step
        self.window = range(start, start + axis.span, axis.dilation)
        self.kinds = [axis.kind_at(place) for place in self.window]
        self.is_current = number == plan.focus
        self.count = plan.trace.geometry.terms
        """Terms of the sum, of which `shown` are done."""
        self.shown = self.count
        if plan.focus is not None and number > plan.focus:
            self.shown = 0
        elif self.is_current and plan.term is not None:
            self.shown = plan.term + 1

    @property
    def head(self) -> Entry:
        text = _("placement {number}").format(number=self.placement.index + 1)
        return Entry(text, role="key" if self.is_current else "label")

    def entry(self, block: int, place: int) -> Entry | None:
        """Return the term of one input channel with the input at `place`."""
        if place not in self.window:
            return None
        tap = self.window.index(place)
        term, kind = block * len(self.window) + tap, self.kinds[tap]
        here = self.is_current and term == self.plan.term
        if self.plan.axis.transposed and kind in ZEROS:  # no term, but the walk passes it
            return Entry(ZEROS[kind], role="current") if here else None
        if term >= self.shown:
            return Entry("∙", role="pending") if self.is_current else None
        roles = WINDOW_ROLES if self.is_current else STATIC_ROLES
        value = factor(self.plan.figures.value(self.placement.values[block, tap]))
        product = self.plan.figures.result(self.placement.products[block, tap])
        name = len(self.window) - tap if self.plan.axis.transposed else tap + 1
        role = "current" if here else roles[kind]
        return Entry(product, f"{value}·w{name}" if self.plan.level < 3 else "", role)

    def total(self, block: int) -> Entry:
        """Return what one input channel adds."""
        if self.shown < (block + 1) * len(self.window):
            return Entry("∙", role="pending")
        cell = self.plan.trace.cell(self.placement.output_index)
        return Entry(self.plan.figures.result(subtotals(self.plan.trace, cell)[block]))

    @property
    def sum(self) -> Entry:
        if self.shown == self.count:
            return Entry(self.plan.figures.result(self.placement.sum))
        return self._running("product")

    @property
    def bias(self) -> Entry:
        if self.shown < self.count:
            return Entry("∙", role="pending")
        return Entry(plus(self.plan.figures.result(self.placement.bias)), role="bias")

    @property
    def output(self) -> Entry:
        plan, role = self.plan, "sum" if self.plan.focus is None else "done"
        if self.shown < self.count:
            if plan.biased:
                return Entry("∙", role="fills" if self.is_current else "pending")
            return self._running("fills")
        extra = self.position >= plan.axis.output_size - plan.axis.output_padding
        if self.is_current:
            role = "fills"
        elif extra:
            role = "extra"
        name = f"y{self.position + 1}" + "+" * extra
        return Entry(plan.figures.result(self.placement.output), name, role)

    def _running(self, role: str) -> Entry:
        if not self.shown:
            return Entry("∙", role="pending")
        running = self.placement.sums.reshape(-1)[self.shown - 1]
        left = _("so far") if self.plan.level < 3 else ""
        return Entry(self.plan.figures.result(running), left, role)


def channel_sum(channel: int) -> str:
    """Label what one input channel adds."""
    return _("channel {channel} adds").format(channel=channel)


def _zero(kind: str) -> str:
    return _("inserted") if kind == "inserted" else _("padding")


def _copy_of(number: int) -> str:
    return _("copy of {name}").format(name=f"x{number}")
