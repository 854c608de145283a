"""Overview: a whole convolution at a glance, without stepping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.errors import TraceError
from stepconv.geometry import Axis
from stepconv.language import _
from stepconv.record import Trace
from stepconv.views import words
from stepconv.views.board import Board, Panel
from stepconv.views.figures import Figures, figures
from stepconv.views.frame import VIEWS, Frame, views_of
from stepconv.views.grid import Cell, Field, Grid, Rows
from stepconv.views.handtable import HandTable
from stepconv.views.header import Header
from stepconv.views.layout import flow
from stepconv.views.legend import legend_lines
from stepconv.views.matrix import MatrixView
from stepconv.views.slices import GLYPHS, MOST_ROWS, depth_name, tail
from stepconv.views.theme import Look
from stepconv.views.worked import WorkedSums

MOST_GRIDS = 8
"""Channels, or depth slices, of an array that are drawn side by side."""

_STRENGTH = ("input", "unused", "border", "inserted", "padding")


class Overview:
    """The header, then the table worked by hand (rank 1), or the arrays and the sums.

    Parameters
    ----------
    trace : Trace
    look : Look
    view : {"table", "steps", "matrix"}
        "steps" is every step, one below the other.
    """

    def __init__(self, trace: Trace, look: Look, *, view: str = "table") -> None:
        self.trace = trace
        self.look = look
        self.view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        trace, look, width = self.trace, self.look, options.max_width
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
            yield HandTable(trace, look)
        else:
            yield from _arrays(trace, look, width)
            yield Text()
            yield WorkedSums(trace, look)
            yield Text()
            hint = _("One step at a time: --step 1, or --play to move with the arrow keys.")
            yield from flow([hint], width, look.style("note"))


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
        raise TraceError(
            "view {view!r} is not one of {views}", view=view, views=", ".join(VIEWS)
        )


def _arrays(trace: Trace, look: Look, width: int) -> list[Text]:
    """The laid-out input, the kernel and the output, for the first output channel traced."""
    sample, channel = trace.region[0].start, trace.region[1].start
    panels = [_input(trace, look, sample, channel), _kernel(trace, look, channel)]
    board = Board([*panels, _output(trace, look, sample, channel)], look)
    drawn = board.lines(width)
    facts = words.layout_facts(trace) if trace.order == "gather" else words.crop_facts(trace)
    facts += words.group_fact(trace, channel) + words.region_fact(trace)
    drawn += flow([look.formula(fact) for fact in facts], width, look.style("note"))
    return drawn + legend_lines(board.roles - {"input", "done", "kernel"}, look, width, indent=0)


def _input(trace: Trace, look: Look, sample: int, channel: int) -> Panel:
    geometry = trace.geometry
    axes = geometry.embedded
    plain = trace.order == "scatter"  # stamps fall from the input as it is
    if plain:
        axes = tuple(Axis(axis.input_size, 1) for axis in axes)  # type: ignore[assignment]
        caption = _("input {size}").format(size=words.times(geometry.input_size))
    else:
        caption = words.input_caption(trace)
    mine, depths = geometry.group_channels(channel), range(axes[0].layout_size)
    images = trace.operands.input[sample]
    grids = [
        Grid(
            _laid_out(images[c], axes, depth, figures(trace), look),
            look,
            title=_title(
                [_("channel {channel}").format(channel=c)] * (len(mine) > 1)
                + [look.plain(depth_name(axes[0], depth))] * (len(depths) > 1)
            ),
            max_rows=MOST_ROWS,
        )
        for c, depth in _pairs(mine, depths)
    ]
    several = len(grids) < len(mine) * len(depths)
    return Panel([_caption(caption, look, several)], grids)


def _kernel(trace: Trace, look: Look, channel: int) -> Panel:
    geometry, write = trace.geometry, figures(trace)
    weight = trace.operands.weight
    mine = geometry.group_channels(channel)
    if geometry.transposed:
        kernels = weight[mine.start : mine.stop, channel % geometry.group_outputs]
    else:
        kernels = weight[channel]
    depths = range(kernels.shape[1])
    grids = [
        Grid(
            _numbers(kernels[c, depth], write.weight, write.weight_width, "kernel"),
            look,
            title=_title(
                [_("channel {channel}").format(channel=mine[c])] * (len(mine) > 1)
                + [_("depth {position}").format(position=depth)] * (len(depths) > 1)
            ),
            max_rows=MOST_ROWS,
        )
        for c, depth in _pairs(range(len(mine)), depths)
    ]
    caption = _("kernel {size}").format(size=words.times(geometry.kernel_size))
    several = len(grids) < len(mine) * len(depths)
    return Panel([_caption(caption, look, several)], grids)


def _output(trace: Trace, look: Look, sample: int, channel: int) -> Panel:
    rank, spans, write = trace.geometry.rank, trace.region[2:], figures(trace)
    image = trace.batched_output[sample - trace.region[0].start]
    shape = [len(trace.region[1]), *(1,) * (3 - rank), *(len(span) for span in spans)]
    volumes = image.reshape(shape)
    extra = [axis.output_size - axis.output_padding for axis in trace.geometry.embedded]
    starts = [0] * (3 - rank) + [span.start for span in spans]
    channels, depths = trace.region[1], range(shape[1])
    grids = [
        Grid(
            _results(volumes[c - channels.start, depth], write, look, (starts[0] + depth, starts), extra),
            look,
            title=_title(
                [_("channel {channel}").format(channel=c)] * (len(channels) > 1)
                + [_("depth {position}").format(position=starts[0] + depth)] * (len(depths) > 1)
            ),
            max_rows=MOST_ROWS,
        )
        for c, depth in _pairs(channels, depths)
    ]
    several = len(grids) < len(channels) * len(depths)
    return Panel([_caption(words.output_caption(trace), look, several)], grids)


def _laid_out(
    image: Any, axes: Sequence[Axis], depth: int, write: Figures, look: Look
) -> Field:
    """The laid-out input at one depth, each cell with what it is."""
    plane, *_rest = _strip(axes[0], range(depth, depth + 1))
    room = max(
        len(tail("border", look)) * any(axis.mode != "zeros" and any(axis.pad) for axis in axes),
        len(tail("unused", look)) * any(axis.unused.size for axis in axes),
    )

    def draw(down: range, across: range) -> Rows:
        lines, places = _strip(axes[1], down), _strip(axes[2], across)
        return [
            [
                cell(image[plane[1], line[1], place[1]], (plane[0], line[0], place[0]))
                for place in places
            ]
            for line in lines
        ]

    def cell(value: Any, kinds: Sequence[str]) -> Cell:
        kind = max(kinds, key=_STRENGTH.index)
        text = look.plain(GLYPHS[kind]) if kind in GLYPHS else write.value(value)
        return Cell(text + tail(kind, look).ljust(room), kind)

    return Field((axes[1].layout_size, axes[2].layout_size), write.value_width + room, draw)


def _strip(axis: Axis, span: range) -> list[tuple[str, int]]:
    """Return what lies at laid-out positions, and the input position it shows."""
    unused = set(axis.unused.tolist())
    sources = axis.source_at(list(span)).tolist()
    kinds = [axis.kind_at(position) for position in span]
    return [
        ("unused" if kind == "input" and source in unused else kind, source)
        for kind, source in zip(kinds, sources, strict=True)
    ]


def _numbers(values: Any, write: Any, width: int, role: str) -> Field:
    def draw(down: range, across: range) -> Rows:
        part = values[down.start : down.stop, across.start : across.stop].tolist()
        return [[Cell(write(value), role) for value in row] for row in part]

    return Field((values.shape[0], values.shape[1]), width, draw)


def _results(
    values: Any,
    write: Figures,
    look: Look,
    at: tuple[int, Sequence[int]],
    extra: Sequence[int],
) -> Field:
    """The output at one depth; what output_padding added is marked."""
    depth, starts = at
    mark = tail("extra", look) if any(a < depth + 1 for a in extra[:1]) else ""
    rows, columns = values.shape
    if starts[1] + rows > extra[1] or starts[2] + columns > extra[2]:
        mark = tail("extra", look)

    def draw(down: range, across: range) -> Rows:
        return [[cell(r, c) for c in across] for r in down]

    def cell(r: int, c: int) -> Cell:
        beyond = depth >= extra[0] or starts[1] + r >= extra[1] or starts[2] + c >= extra[2]
        text = write.result(values[r, c]) + (mark if beyond else " " * len(mark))
        return Cell(text, "extra" if beyond else "done")

    return Field((rows, columns), write.result_width + len(mark), draw)


def _pairs(channels: range, depths: range) -> list[tuple[int, int]]:
    return [(c, depth) for c in channels for depth in depths][:MOST_GRIDS]


def _title(parts: Sequence[str]) -> str:
    return ", ".join(parts)


def _caption(text: str, look: Look, several: bool) -> str:
    if several:
        text = _("{caption} (the first {count})").format(caption=text, count=MOST_GRIDS)
    return look.plain(text)
