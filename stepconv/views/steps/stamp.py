"""StampView: one input cell of a transposed convolution, stamping its kernel on the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepconv.errors import TraceError
from stepconv.language import _
from stepconv.record import Stamp, Trace
from stepconv.views.parts.board import Board, Panel
from stepconv.views.parts.figures import factor, figures
from stepconv.views.parts.grid import Cell, Rows
from stepconv.views.parts.layout import Part, flow
from stepconv.views.steps import words
from stepconv.views.steps.body import MOST_WORKED, Body, worked
from stepconv.views.steps.slices import GLYPHS, Triple, tail
from stepconv.views.steps.stamped import stamped_grids, value_grid
from stepconv.views.steps.stamping import Array, Stamping
from stepconv.views.steps.work import Matrix, Work
from stepconv.views.theme import Look


class StampView(Body):
    """The input cell, its value times the kernel, and the stamp on what the output held.

    Parameters
    ----------
    trace : Trace
        In scatter order.
    index : int
        Which stamp.
    look : Look
    term : int, optional
        The current product of the stamp; without it the whole stamp is placed.
    channel : int, optional
        Which of the output channels that it stamps is shown where there is no term,
        counted from 0 and round again.
    height : int, optional
        Lines it may take.

    Raises
    ------
    TraceError
        For a trace in gather order.
    IndexError
        Where there is no such stamp or term.
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
        stamp = trace[index]
        if not isinstance(stamp, Stamp):
            raise TraceError("a trace in gather order is stepped by its placements: use StepView")
        self.stamp = stamp
        self.still = height is None and term is None
        self.stamping = Stamping(stamp, term, channel) if stamp.output_channels else None

    def board(self) -> Board:
        """Return the input, and the output with the stamp lying on it."""
        trace, stamp, stamping = self.trace, self.stamp, self.stamping
        sample, channel = stamp.input_index[:2]
        size = words.times(trace.geometry.input_size)
        captions = [_("input {size}").format(size=size), *words.which_input(trace, sample, channel)]
        panels = [Panel(captions, [value_grid(stamp, self.look)])]
        if stamping:
            held = words.output_caption(trace)
            if self._biased:
                held = _("{output}, bias added").format(output=held)
            which = words.which_output(trace, sample, stamping.channel)
            cursor = stamping.tap[0] if stamping.tap else 0
            panels.append(Panel([held, *which], stamped_grids(stamping, self.look), cursor))
        return Board(panels, self.look)

    def roles(self) -> list[str]:
        """Name the roles that the pictures may have."""
        axes = self.trace.geometry.axes
        roles = ["stamped", "pending"]
        roles += ["current"] * bool(self.stamping and self.stamping.tap)
        roles += ["unused"] * any(axis.unused.size for axis in axes)
        roles += ["cropped"] * any(any(axis.pad) for axis in axes)
        roles += ["extra"] * any(axis.output_padding for axis in axes)
        return roles

    def facts(self) -> list[str]:
        """Say how groups, the crop and the region matter here."""
        facts = [*words.crop_facts(self.trace), *words.region_fact(self.trace)]
        if not self.stamping:
            return [*facts, _("no output channel of this group is traced")]
        return [*words.group_fact(self.trace, self.stamping.channel), *facts]

    def title(self) -> list[str]:
        """Say which stamp this is, and which input cell makes it."""
        step = _("stamp {number} of {count}").format(
            number=self.stamp.index + 1, count=len(self.trace)
        )
        cell = words.cell_name(self.trace, self.stamp.input_index)
        value = figures(self.trace).value(self.stamp.value)
        return [step, _("made by input {cell} = {value}").format(cell=cell, value=value)]

    def told(self) -> list[str]:
        """Tell the current term."""
        return words.stamp_words(self.stamping) if self.stamping else []

    def sums(self, width: int) -> list[Part]:
        """Return the stamp worked out, slice by slice, and what comes of it at the end."""
        stamping = self.stamping
        if stamping is None:
            return []
        depths = range(stamping.shape[0])
        if not self.still or len(depths) > MOST_WORKED:
            first = stamping.tap[0] if stamping.tap else 0
            depths = range(first, first + 1)
        works = [(self._depth(tap), stamp_work(stamping, self.look, tap)) for tap in depths]
        bias = figures(self.trace).result(self.trace.bias[stamping.channel])
        end = _("last stamp of this channel: + bias {bias} on every cell").format(bias=bias)
        lines = flow([self.look.plain(end)] * self._biased, width, self.look.style("bias"))
        return [*worked(works, width, self.look), Part.of(lines)]

    @property
    def _biased(self) -> bool:
        """Whether a bias is added after this stamp."""
        stamping = self.stamping
        return bool(stamping and stamping.finished and self.trace.bias[stamping.channel])

    def _depth(self, tap: int) -> str:
        """Say which slice of the kernel it is, and where that lands."""
        stamping = self.stamping
        if stamping is None or len(stamping.landings[0]) == 1:
            return ""
        depth = int(stamping.landings[0][tap])
        if depth not in stamping.spans[0]:
            return _("kernel depth {tap}, cropped").format(tap=tap)
        return _("kernel depth {tap} on output depth {depth}").format(tap=tap, depth=depth)


def stamp_work(stamping: Stamping, look: Look, depth: int = 0) -> Work:
    """Return ``value × kernel = stamp + before = after`` for one tap along the depth."""
    return Work(_Worked(stamping, look, depth).matrices(), look, stamping.tap and stamping.tap[1:])


class _Worked:
    def __init__(self, stamping: Stamping, look: Look, depth: int) -> None:
        self.stamping = stamping
        self.look = look
        self.depth = depth

    def matrices(self) -> list[Matrix]:
        stamping, mine = self.stamping, self.stamping.figures
        whole = all(
            len(span) == axis.output_size and not any(axis.pad)
            for span, axis in zip(stamping.spans, stamping.axes, strict=True)
        )
        room = 0 if whole else len(tail("cropped", self.look))
        value = factor(mine.value(stamping.stamp.value))
        kernel = self._cells(stamping.weights, lambda weight, _tap: (mine.weight(weight), "kernel"))
        stamp = self._cells(stamping.products, lambda *at: self._product(at[0], at[1], room))
        before = self._cells(stamping.before, self._before)
        after = self._cells(stamping.after, self._after)
        return [
            Matrix(_("kernel"), kernel, mine.weight_width, sign=f"{value:>{mine.value_width}} ×"),
            Matrix(_("stamp"), stamp, mine.product_width + room, sign="="),
            Matrix(_("before"), before, mine.result_width, sign="+"),
            Matrix(_("after"), after, mine.result_width, sign="="),
        ]

    def _cells(self, array: Array, draw: Callable[[Any, Triple], tuple[str, str]]) -> Rows:
        rows: list[list[Cell]] = []
        for r, values in enumerate(array[self.depth].tolist()):
            rows.append([])
            for c, value in enumerate(values):
                tap = (self.depth, r, c)
                text, role = draw(value, tap)
                current = tap == self.stamping.tap
                rows[-1].append(Cell(self.look.plain(text), "current" if current else role))
        return rows

    def _product(self, product: Any, tap: Triple, room: int) -> tuple[str, str]:
        if not self.stamping.reached(tap):
            return GLYPHS["pending"] + " " * room, "pending"
        role = "product" if self.stamping.inside[tap] else "cropped"
        return self.stamping.figures.result(product) + tail(role, self.look).ljust(room), role

    def _before(self, value: Any, tap: Triple) -> tuple[str, str]:
        inside = self.stamping.inside[tap]
        return self.stamping.figures.result(value) if inside else "", "product"

    def _after(self, value: Any, tap: Triple) -> tuple[str, str]:
        if not self.stamping.inside[tap]:
            return "×", "cropped"
        if not self.stamping.reached(tap):
            return GLYPHS["pending"], "pending"
        return self.stamping.figures.result(value), "sum"
