"""WorkedSums: each output cell's sum written out, one after the other, for any rank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.language import _
from stepconv.record import Placement, Trace
from stepconv.views.parts.figures import factor, figures, plus, subtotals
from stepconv.views.parts.grid import crop
from stepconv.views.parts.legend import legend_lines
from stepconv.views.parts.paragraph import listed
from stepconv.views.steps.words import which_output
from stepconv.views.table.rows import INDENT, fill, left_out, note
from stepconv.views.theme import Look

MOST_LINES, MOST_CHANNELS = 4, 6
"""Lines of one channel's sum, and channels of one output cell, that are written in full."""
ROLES = {"input": "product", "padding": "padding", "border": "border"}


@dataclass(frozen=True)
class Product:
    """One product as it is written."""

    text: str
    role: str = "product"


@dataclass
class Sum:
    """A sum on a few lines; what it comes to stands behind the last, flush with all others."""

    label: Text
    lines: list[Text]
    result: Text | None = None
    bias: Text | None = None


class WorkedSums:
    """A line, or a few, for each output cell: ``[0, 1]  0·1 + 5·-2 + 13·1 = 3``.

    Parameters
    ----------
    trace : Trace
    look : Look
    limit : int, optional
        Cells to write out, fewer where they take many lines; None for all.
    current : int, optional
        The cell one is at, counted in the order of the output: earlier ones are done,
        later ones still to come.
    term : int, optional
        The term of the current cell one is at.
    hints : bool
        Name the options of the command that show what is left out.
    """

    def __init__(
        self,
        trace: Trace,
        look: Look,
        *,
        limit: int | None = 16,
        current: int | None = None,
        term: int | None = None,
        hints: bool = False,
    ) -> None:
        self.trace = trace
        self.look = look
        self.limit = limit
        self.current = current
        self.term = term
        self.hints = hints
        self.figures = figures(trace)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        count = prod(len(span) for span in self.trace.region)
        at = range(0) if self.current is None else range(self.current, self.current + 1)
        seen = crop(count, at, self.limit)
        sums, shown, heading = [], 0, ""
        for placement in islice(self.trace.placements, seen.start, seen.stop):
            above = listed(which_output(self.trace, placement.output_index[0], placement.channel))
            if above != heading:
                sums.append(
                    Sum(Text(" " * INDENT + above, self.look.style("title")), [Text()], None)
                )
            heading = above
            sums += self._cell(placement, options.max_width)
            shown += 1
            if self._enough(sums):
                break
        lines = list(_flush(sums, options.max_width))
        yield from lines
        if shown < count:
            more = _("{count} more output cells").format(count=count - shown)
            yield left_out(more, "--step A:B  --play" if self.hints else "", self.look)
        if self.term is not None:
            yield note(f"… {_('so far')}", self.look)
        if any(self.look.plain("′") in line.plain for line in lines):
            yield from legend_lines({"border"}, self.look, options.max_width)

    @property
    def _biased(self) -> bool:
        return bool(self.trace.bias.any())

    @property
    def _tail(self) -> int:
        """Width kept free for what a sum comes to."""
        return len(" = ") + self.figures.result_width

    def _enough(self, sums: Sequence[Sum]) -> bool:
        if self.limit is None or self.current is not None:
            return False
        return sum(len(one.lines) for one in sums) >= 3 * self.limit

    @property
    def _copies(self) -> bool:
        return any(axis.mode != "zeros" and any(axis.pad) for axis in self.trace.geometry.axes)

    # -- one output cell --------------------------------------------------------------

    def _cell(self, placement: Placement, width: int) -> Iterator[Sum]:
        """One sum; of several channels one for each, and the whole."""
        head = self._head(placement)
        if self.current is not None and placement.index > self.current:
            yield Sum(head, [Text("  ").append(self.look.plain("∙"), "stepconv.pending")])
            return
        done, terms = self._done(placement), self.trace.geometry.terms
        blocks = list(self._blocks(placement))
        if len(blocks) == 1:
            lines = self._lines(blocks[0], width - head.cell_len)
            yield Sum(head, lines, *self._result(placement, done))
            return
        adds = subtotals(self.trace, self.trace.cell(placement.output_index))
        names = [_("channel {channel}").format(channel=c) for c in placement.input_channels]
        size = max(map(cell_len, [*names, _("sum")])) + 2
        for block, name in enumerate(names):
            hidden = len(blocks) - MOST_CHANNELS
            if hidden > 0 and MOST_CHANNELS - 1 <= block < len(blocks) - 1:
                if block == MOST_CHANNELS - 1:
                    more = _("{count} more channels").format(count=hidden)
                    yield Sum(head, [note(f"… {more} …", self.look, 2)])
                continue
            label = head.copy().append(fill("  " + name, size), "stepconv.label")
            result = None
            if done * len(blocks) >= (block + 1) * terms:
                result = Text(" = " + self._number(adds[block]))
            yield Sum(label, self._lines(blocks[block], width - label.cell_len), result)
            head = Text(" " * self._head(placement).cell_len)
        label = head.append(fill("  " + _("sum"), size), "stepconv.label")
        yield Sum(label, [Text()], *self._result(placement, done))

    def _head(self, placement: Placement) -> Text:
        last = [span[-1] for span in self.trace.region[2:]]
        name = fill(str(list(placement.position)), len(str(last)))
        role = "fills" if placement.index == self.current else "label"
        before, _after = self.look.marks(role)
        return Text(" ").append(before + name, self.look.style(role))

    def _done(self, placement: Placement) -> int:
        """Terms that are added up by now."""
        if self.term is None or placement.index != self.current:
            return self.trace.geometry.terms
        return self.term + 1

    def _blocks(self, placement: Placement) -> Iterator[list[list[Product]]]:
        """For each input channel the rows of the kernel, each a list of products."""
        kinds, geometry = placement.kinds(), self.trace.geometry
        flat = kinds.reshape(-1).tolist()
        values = placement.values.reshape(geometry.group_inputs, -1)
        weights = placement.weights.reshape(geometry.group_inputs, -1)
        for block in range(geometry.group_inputs):
            rows: list[list[Product]] = []
            for tap, kind in enumerate(flat):
                if tap % kinds.shape[-1] == 0:
                    rows.append([])
                if not (geometry.transposed and kind != "input"):  # no term, only a place
                    text = self._product(values[block, tap], weights[block, tap], kind)
                    term = block * len(flat) + tap
                    rows[-1].append(self._told(text, kind, term, placement))
            yield [row for row in rows if row]

    def _product(self, value: object, weight: object, kind: str) -> str:
        mine = self.figures
        text = factor(mine.value(value)) + "′" * (kind == "border")
        text = fill(text, -mine.value_width - self._copies)
        return self.look.formula(f"{text}·{factor(mine.weight(weight))}")

    def _told(self, text: str, kind: str, term: int, placement: Placement) -> Product:
        if self.term is None or placement.index != self.current or term < self.term:
            return Product(text, ROLES[kind])
        if term == self.term:
            return Product(text, "current")
        return Product(fill(self.look.plain("∙"), -cell_len(text)), "pending")

    # -- lines ------------------------------------------------------------------------

    def _lines(self, rows: Sequence[Sequence[Product]], width: int) -> list[Text]:
        """Write a sum on as few lines as it takes, broken between rows of the kernel."""
        if not rows:
            return [Text("  ").append(_("no terms"), "stepconv.note")]
        room = width - self._tail
        if max(_width(row) for row in rows) > room:
            rows = [[product] for row in rows for product in row]
        lines = [list(rows[0])]
        for row in rows[1:]:
            if _width([*lines[-1], *row]) <= room:
                lines[-1] += row
            else:
                lines.append(list(row))
        drawn = [self._line(line, first=not k) for k, line in enumerate(lines)]
        if len(lines) <= MOST_LINES:
            return drawn
        hidden = sum(map(len, lines[MOST_LINES - 2 : -1]))
        more = _("{count} more terms").format(count=hidden)
        return [*drawn[: MOST_LINES - 2], note(f"+ … {more} …", self.look, 0), drawn[-1]]

    def _line(self, products: Sequence[Product], *, first: bool) -> Text:
        line = Text(" " if first else "+")
        for number, product in enumerate(products):
            line.append("+" if number else "")
            before, after = self.look.marks(product.role)
            style = self.look.style(product.role)
            boxed = style if product.role == "current" else ""
            line.append(before, boxed).append(product.text, style).append(after, boxed)
        return line

    def _result(self, placement: Placement, done: int) -> tuple[Text, Text | None]:
        """What the sum comes to, or has come to so far; and the bias with the output."""
        if done < self.trace.geometry.terms:
            running = self._number(placement.sums.reshape(-1)[done - 1])
            return Text(self.look.plain(" … ")).append(running, "stepconv.key"), None
        result = Text(" = ").append(self._number(placement.sum), "stepconv.sum")
        if not self._biased:
            return result, None
        bias = Text(f"   {plus(self.figures.result(placement.bias))} ")
        bias.append(_("bias"), "stepconv.note").append(" = ")
        return result, bias.append(self._number(placement.output), "stepconv.sum")

    def _number(self, value: object) -> str:
        return fill(self.figures.result(value), -self.figures.result_width)


def _width(products: Sequence[Product]) -> int:
    """Width of a line: marks, or blanks, stand around each product."""
    return sum(cell_len(product.text) + 3 for product in products)


def _flush(sums: Sequence[Sum], width: int) -> Iterator[Text]:
    """Set what the sums come to in one column, and the bias behind it or, in want of room, below.

    A line that leaves no room for its sum has it on the next.
    """
    tail = max((one.result.cell_len for one in sums if one.result), default=0)
    ends = [one.label.cell_len + one.lines[-1].cell_len for one in sums if one.result]
    edge = max((end for end in ends if end + tail <= width), default=0)
    beside = all(edge + tail + one.bias.cell_len <= width for one in sums if one.bias)
    for one in sums:
        lines = [Text(" " * one.label.cell_len).append_text(line) for line in one.lines]
        lines[0] = one.label.copy().append_text(one.lines[0])
        if one.result:
            if lines[-1].cell_len > edge:
                lines.append(Text())
            lines[-1].append(" " * (edge - lines[-1].cell_len)).append_text(one.result)
        if one.bias and not beside:
            start = edge + tail - one.bias.cell_len
            lines.append(Text(" " * max(start, min(one.label.cell_len, width - one.bias.cell_len))))
        if one.bias:
            lines[-1].append_text(one.bias)
        for line in lines:
            line.rstrip()
            line.no_wrap, line.overflow = True, "ellipsis"
            yield line
