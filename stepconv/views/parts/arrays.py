"""The arrays of a trace as grids: its laid-out input, its kernels, its output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from stepconv.geometry import Axis
from stepconv.language import _
from stepconv.record import Trace
from stepconv.views.parts.board import Panel
from stepconv.views.parts.figures import figures
from stepconv.views.parts.grid import Cell, Field, Grid, Rows
from stepconv.views.parts.paragraph import listed
from stepconv.views.steps import words
from stepconv.views.steps.slices import GLYPHS, depth_name, tail
from stepconv.views.theme import Look

MOST_GRIDS, MOST_KERNELS = 8, 4
"""Slices drawn of one array, and output channels whose kernels are drawn."""
MOST_ROWS = 16

_STRENGTH = ("input", "unused", "border", "inserted", "padding")


def input_panel(trace: Trace, look: Look) -> Panel:
    """The input of the first sample traced, laid out for the kernel unless it stamps."""
    geometry = trace.geometry
    first, second, third = geometry.embedded
    axes, caption = [first, second, third], words.input_caption(trace)
    if trace.order == "scatter":  # stamps fall from the input as it is
        axes = [Axis(axis.input_size, 1) for axis in axes]
        caption = _("input {size}").format(size=words.times(geometry.input_size))
    images = trace.operands.input[trace.region[0].start]
    channels, depths = range(geometry.in_channels), range(axes[0].layout_size)

    def grid(channel: int, depth: int) -> Grid:
        title = _title(channel, depth_name(axes[0], depth), channels, depths)
        return _grid(_laid_out(trace, images[channel], axes, depth, look), look, title)

    return _panel([caption, *_sample(trace)], channels, depths, grid, look)


def kernel_panels(trace: Trace, look: Look) -> list[Panel]:
    """The kernels of the first output channels traced, a slice for each input channel they see."""
    geometry, mine = trace.geometry, figures(trace)
    depths = range(geometry.embedded[0].kernel_size)
    several = geometry.out_channels > 1
    panels = []
    for out in trace.region[1][:MOST_KERNELS]:
        channels = geometry.group_channels(out)
        if geometry.transposed:
            own = trace.operands.weight[:, out % geometry.group_outputs]
        else:
            own = trace.operands.weight[out]
        offset = 0 if geometry.transposed else channels.start

        def grid(channel: int, depth: int, own: Any = own, offset: int = offset) -> Grid:
            values = own[channel - offset, depth]
            name = _("depth {position}").format(position=depth)
            channels = range(geometry.in_channels)
            title = _title(channel, name, channels, depths)
            return _grid(_numbers(values, mine.weight, mine.weight_width), look, title)

        caption = _("kernel {size}").format(size=words.times(geometry.kernel_size))
        part = [_("output channel {channel}").format(channel=out)] * several
        panels.append(_panel([listed([caption, *part])], channels, depths, grid, look))
    return panels


def hidden_kernels(trace: Trace) -> int:
    """How many output channels' kernels `kernel_panels` leaves out."""
    return max(len(trace.region[1]) - MOST_KERNELS, 0)


def output_panel(trace: Trace, look: Look) -> Panel:
    """The output of the first sample traced, a slice for each channel."""
    geometry, spans = trace.geometry, trace.region[2:]
    ones = (1,) * (3 - geometry.rank)
    volumes = trace.batched_output[0].reshape(
        len(trace.region[1]), *ones, *(len(span) for span in spans)
    )
    starts = [0] * len(ones) + [span.start for span in spans]
    depths = range(starts[0], starts[0] + volumes.shape[1])
    channels = trace.region[1]

    def grid(channel: int, depth: int) -> Grid:
        name = _("depth {position}").format(position=depth)
        title = _title(channel, name, range(geometry.out_channels), depths)
        values = volumes[channel - channels.start, depth - depths.start]
        return _grid(_results(trace, values, (depth, *starts[1:]), look), look, title)

    return _panel([words.output_caption(trace), *_sample(trace)], channels, depths, grid, look)


def _laid_out(trace: Trace, image: Any, axes: Sequence[Axis], depth: int, look: Look) -> Field:
    """The laid-out input at one depth, each cell with what it is."""
    mine = figures(trace)
    ((deep, plane),) = _strip(axes[0], range(depth, depth + 1))
    room = max(
        len(tail("border", look)) * any(axis.mode != "zeros" and any(axis.pad) for axis in axes),
        len(tail("unused", look)) * any(axis.unused.size for axis in axes),
    )

    def draw(down: range, across: range) -> Rows:
        lines, places = _strip(axes[1], down), _strip(axes[2], across)
        return [
            [cell(image[plane, r, c], (deep, line, place)) for place, c in places]
            for line, r in lines
        ]

    def cell(value: Any, kinds: Sequence[str]) -> Cell:
        kind = max(kinds, key=_STRENGTH.index)
        text = look.plain(GLYPHS[kind]) if kind in GLYPHS else mine.value(value)
        return Cell(text + tail(kind, look).ljust(room), kind)

    return Field((axes[1].layout_size, axes[2].layout_size), mine.value_width + room, draw)


def _strip(axis: Axis, span: range) -> list[tuple[str, int]]:
    """Return what lies at laid-out positions, and the input position it shows."""
    unused = set(axis.unused.tolist())
    kinds = [axis.kind_at(position) for position in span]
    return [
        ("unused" if kind == "input" and source in unused else kind, source)
        for kind, source in zip(kinds, axis.source_at(list(span)).tolist(), strict=True)
    ]


def _numbers(values: Any, write: Callable[[Any], str], width: int) -> Field:
    def draw(down: range, across: range) -> Rows:
        part = values[down.start : down.stop, across.start : across.stop].tolist()
        return [[Cell(write(value), "kernel") for value in row] for row in part]

    return Field((values.shape[0], values.shape[1]), width, draw)


def _results(trace: Trace, values: Any, start: Sequence[int], look: Look) -> Field:
    """The output at one depth; what output_padding added is marked."""
    mine, axes = figures(trace), trace.geometry.embedded
    depth, top, left = start
    ends = [axis.output_size - axis.output_padding for axis in axes]
    mark = tail("extra", look) if any(axis.output_padding for axis in axes) else ""

    def draw(down: range, across: range) -> Rows:
        return [[cell(r, c) for c in across] for r in down]

    def cell(r: int, c: int) -> Cell:
        text, place = mine.result(values[r, c]), (depth, top + r, left + c)
        if any(p >= end for p, end in zip(place, ends, strict=True)):
            return Cell(text + mark, "extra")
        return Cell(text + " " * len(mark), "done")

    return Field((values.shape[0], values.shape[1]), mine.result_width + len(mark), draw)


def _panel(
    captions: list[str],
    channels: range,
    depths: range,
    grid: Callable[[int, int], Grid],
    look: Look,
) -> Panel:
    pairs = list(product(channels, depths))
    caption = listed(captions)
    if len(pairs) > MOST_GRIDS:
        caption = _("{caption}: {count} of {all} slices").format(
            caption=caption, count=MOST_GRIDS, all=len(pairs)
        )
    return Panel([look.plain(caption)], [grid(*pair) for pair in pairs[:MOST_GRIDS]])


def _grid(field: Field, look: Look, title: str) -> Grid:
    return Grid(field, look, title=look.plain(title), max_rows=MOST_ROWS, tight=True)


def _title(channel: int, depth: str, channels: range, depths: range) -> str:
    """Name a slice by its channel and its depth, each only where there are several."""
    parts = [_("channel {channel}").format(channel=channel)] * (len(channels) > 1)
    return listed([*parts, *[depth] * (len(depths) > 1)])


def _sample(trace: Trace) -> list[str]:
    if (trace.geometry.batch or 1) == 1:
        return []
    return [_("sample {sample}").format(sample=trace.region[0].start)]
