"""Slices: the laid-out input and the output as grids, one for each depth shown.

Everything has three axes here: ranks 1 and 2 are a single slice, of one row or more.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepconv.geometry import Axis, Geometry
from stepconv.language import _
from stepconv.record import Placement
from stepconv.views.parts.figures import figures
from stepconv.views.parts.grid import Cell, Field, Grid, Rows
from stepconv.views.theme import Look

MOST_ROWS = 32
"""Rows of a grid where nothing else limits them."""

GLYPHS = {"padding": "·", "inserted": "∘", "pending": "∙"}
_TAILS = {"border": "′", "unused": "×", "cropped": "×", "extra": "+"}
_STRENGTH = ("input", "unused", "border", "inserted", "padding")

Triple = tuple[int, int, int]


def tail(role: str, look: Look) -> str:
    """Return the mark behind a number of this role, the one that the legend has."""
    return look.plain(_TAILS.get(role, ""))


def embed(position: Sequence[int]) -> Triple:
    """Return a position of any rank as one of three axes.

    >>> embed((4, 2))
    (0, 4, 2)
    """
    first, second, third = (0,) * (3 - len(position)) + tuple(map(int, position))
    return first, second, third


def has_copies(geometry: Geometry) -> bool:
    """Whether a border of copies lies around the input."""
    return any(axis.mode != "zeros" and any(axis.pad) for axis in geometry.axes)


def depth_name(axis: Axis, position: int) -> str:
    """Name a laid-out depth by what lies there."""
    kind = axis.kind_at(position)
    if kind == "padding":
        return _("padding")
    if kind == "inserted":
        return _("inserted zeros")
    name = _("depth {position}").format(position=int(axis.source_at(position)))
    return name + "′" if kind == "border" else name


def input_grids(
    placement: Placement, look: Look, channel: int, tap: Triple | None = None
) -> list[Grid]:
    """Return the laid-out input under the kernel of a placement, a grid for each depth tap.

    Parameters
    ----------
    placement : Placement
    look : Look
    channel : int
        Of the input channels summed over, counted from 0.
    tap : (int, int, int), optional
        The tap of the current term.
    """
    axes = placement.trace.geometry.embedded
    output = embed(placement.position)
    taps = [axis.window(o).tolist() for axis, o in zip(axes, output, strict=True)]
    titled = axes[0].layout_size > 1
    return [
        Grid(
            _input_field(
                placement, look, channel, taps, depth, tap if tap and tap[0] == k else None
            ),
            look,
            title=look.plain(depth_name(axes[0], depth)) if titled else "",
            focus=(_span(taps[1]), _span(taps[2])),
            cursor=(taps[1][tap[1]], taps[2][tap[2]]) if tap else None,
            max_rows=MOST_ROWS,
        )
        for k, depth in enumerate(taps[0])
    ]


def output_grid(placement: Placement, look: Look, *, finished: bool = True) -> Grid:
    """Return the slice of the output that a placement fills, as far as it is filled.

    Parameters
    ----------
    placement : Placement
    look : Look
    finished : bool
        Whether the sum of this placement is complete.
    """
    trace = placement.trace
    spans = (*(range(1),) * (3 - trace.geometry.rank), *trace.region[2:])
    depth, row, column = (
        p - span.start for p, span in zip(embed(placement.position), spans, strict=True)
    )
    n, c = (
        p - span.start for p, span in zip(placement.output_index, trace.region[:2], strict=False)
    )
    image = trace.batched_output[n, c].reshape([len(span) for span in spans])[depth]
    write = figures(trace).result
    mark = tail("extra", look) if any(a.output_padding for a in trace.geometry.axes) else ""
    extra = [a.output_size - a.output_padding for a in trace.geometry.embedded]
    deep = spans[0][depth] >= extra[0]

    def draw(down: range, across: range) -> Rows:
        part = image[down.start : down.stop, across.start : across.stop].tolist()
        return [
            [cell(value, r, c) for c, value in zip(across, values, strict=True)]
            for r, values in zip(down, part, strict=True)
        ]

    def cell(value: object, r: int, c: int) -> Cell:
        role = "pending" if (r, c) > (row, column) else "done"
        text = GLYPHS["pending"] if role == "pending" else write(value)
        beyond = deep or spans[1][r] >= extra[1] or spans[2][c] >= extra[2]
        if beyond:
            role = "extra"
        if (r, c) == (row, column):
            role = "fills"
            text = text if finished else GLYPHS["pending"]
        return Cell(look.plain(text) + (mark if beyond else " " * len(mark)), role)

    return Grid(
        Field((len(spans[1]), len(spans[2])), figures(trace).result_width + len(mark), draw),
        look,
        title=_("depth {position}").format(position=spans[0][depth])
        if trace.geometry.embedded[0].layout_size > 1
        else "",
        focus=(range(row, row + 1), range(column, column + 1)),
        max_rows=MOST_ROWS,
        tight=True,
    )


def _input_field(
    placement: Placement,
    look: Look,
    channel: int,
    taps: Sequence[Sequence[int]],
    depth: int,
    current: Triple | None,
) -> Field:
    trace = placement.trace
    axes = trace.geometry.embedded
    image = trace.operands.input[placement.output_index[0], placement.input_channels[channel]]
    write, width = figures(trace).value, figures(trace).value_width
    room = _tail_room(trace.geometry, look)
    rows, columns = set(taps[1]), set(taps[2])
    here = (taps[1][current[1]], taps[2][current[2]]) if current else None
    ((deep, plane),) = _strip(axes[0], range(depth, depth + 1))

    def draw(down: range, across: range) -> Rows:
        lines, places = _strip(axes[1], down), _strip(axes[2], across)
        part = image[plane][[source for _kind, source in lines]]
        values = part[:, [source for _kind, source in places]].tolist()
        return [
            [
                cell(values[i][j], max(deep, line, place, key=_STRENGTH.index), down[i], across[j])
                for j, (place, _source) in enumerate(places)
            ]
            for i, (line, _source) in enumerate(lines)
        ]

    def cell(value: object, kind: str, r: int, c: int) -> Cell:
        text = look.plain(GLYPHS[kind]) if kind in GLYPHS else write(value)
        role = kind
        if (r, c) == here:
            role = "current"
        elif r in rows and c in columns:
            role = "window" if kind == "input" else f"window.{kind}"
        return Cell(text + tail(kind, look).ljust(room), role)

    return Field((axes[1].layout_size, axes[2].layout_size), width + room, draw)


def _strip(axis: Axis, span: range) -> list[tuple[str, int]]:
    """Return what lies at laid-out positions of an axis, and the input position it shows."""
    unused = axis.unused
    kinds = []
    for position, source in zip(span, axis.source[span.start : span.stop].tolist(), strict=True):
        kind = axis.kind_at(position)
        kinds.append(("unused" if kind == "input" and source in unused else kind, source))
    return kinds


def _tail_room(geometry: Geometry, look: Look) -> int:
    unused = any(axis.unused.size for axis in geometry.axes)
    return max(len(tail("border", look)) * has_copies(geometry), len(tail("unused", look)) * unused)


def _span(taps: Sequence[int]) -> range:
    return range(taps[0], taps[-1] + 1)
