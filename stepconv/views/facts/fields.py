"""Fields: how a receptive field grows through a stack of layers, as a table and a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, lcm

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.geometry import AXIS_NAMES
from stepconv.language import _
from stepconv.receptive import ReceptiveField
from stepconv.views.header import axes_listed, axis_label
from stepconv.views.parts.columns import columns
from stepconv.views.parts.layout import flow, indented
from stepconv.views.parts.paragraph import sentences
from stepconv.views.table.rows import INDENT, fill, note
from stepconv.views.theme import Look

MOST_CELLS, MOST_PHASES = 512, 64
"""What a drawing looks at: cells of one layer, and output cells that see unalike."""

Step = tuple[int, int, int, int, bool]
"""Kernel, stride, dilation, padding before, transposed: one layer along one axis."""


class Fields:
    """A row for each layer, and which cells of each the last layer's one cell sees.

    Parameters
    ----------
    fields : sequence of ReceptiveField
        From `stepconv.receptive_field`.
    look : Look
    """

    def __init__(self, fields: Sequence[ReceptiveField], look: Look) -> None:
        self.fields = fields
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        yield from self._table(width)
        yield Text()
        yield from self._words(width)
        for axes in self._alike():
            yield Text()
            if len(axes) < self.fields[0].spec.rank:
                names = [axis_label(AXIS_NAMES[self.fields[0].spec.rank][a]) for a in axes]
                yield Text(" " * INDENT + axes_listed(names), self.look.style("label"))
            drawing = _drawing(self.fields, axes[0], width - INDENT, self.look)
            yield from indented(drawing, INDENT)
            if not drawing:
                yield note(_("too wide to be drawn here"), self.look)

    # -- the table ----------------------------------------------------------------------

    def _table(self, width: int) -> list[Text]:
        """The facts, and beside them, or below where it is too narrow, the sizes worked out."""
        heads = [_("layer"), _("kernel"), _("stride"), _("dilation")]
        heads += [_("jump"), _("field"), _("touched"), _("size of the field")]
        roles = ("label", "kernel", *["input"] * 3, "sum", "input", "formula")
        rows, worked = [], []
        for number, field in enumerate(self.fields, 1):
            spec = field.spec
            facts = [str(number), _by(spec.kernel_size), _one(spec.stride), _one(spec.dilation)]
            facts += [_one(field.jump), _by(field.size), _by(field.touched)]
            for text in self._formulas(field):
                rows.append([*facts, text])
                worked.append([facts[0], text])
                facts = [""] * len(facts)
        whole = columns(heads, rows, self.look, MOST_CELLS, align="<>>>>>><", roles=roles, gap=2)
        if max(line.cell_len for line in whole) <= width:
            return whole
        short = [row[:-1] for row in rows if row[0]]
        lines = columns(heads[:-1], short, self.look, width, align="<>>>>>>", roles=roles, gap=2)
        below = columns(
            [heads[0], heads[-1]], worked, self.look, width, align="<<", roles=("label", "formula")
        )
        return [*lines, Text(), *below]

    def _formulas(self, field: ReceptiveField) -> list[str]:
        """The size worked out along each axis, unless a transposed layer has it counted."""
        if field.spec.transposed:
            return [_("transposed: counted")]
        texts = [field.formula(axis, ascii=self.look.ascii) for axis in range(field.spec.rank)]
        return list(dict.fromkeys(text or _("counted") for text in texts))

    def _words(self, width: int) -> list[Text]:
        last = self.fields[-1]
        size, touched = _by(last.size), _by(last.touched)
        text = _("One output cell of the last layer sees a field of {size}").format(size=size)
        if size != touched:
            text += _(", of which it touches {touched}: the rest are holes").format(touched=touched)
        parts = [text + _(".")]
        if any(phases > 1 for phases in last.phases):
            shift = [jump * phases for jump, phases in zip(last.jump, last.phases, strict=True)]
            text = _("The fields repeat every {phases} output cells, moved on by {shift}.")
            parts.append(text.format(phases=_one(last.phases), shift=_one(shift)))
        elif any(jump != 1 for jump in last.jump):
            text = _("The next output cell sees the same, {jump} input cells on.")
            parts.append(text.format(jump=_one(last.jump)))
        if (start := _starts(last)) is not None:
            parts.append(_("Output cell 0 begins at input cell {start}.").format(start=start))
        text = self.look.plain(sentences(parts))
        return indented(flow([text], width - INDENT), INDENT)

    def _alike(self) -> list[list[int]]:
        """The axes, those along which all layers are the same together."""
        found: dict[tuple[Step, ...], list[int]] = {}
        for axis in range(self.fields[0].spec.rank):
            path = tuple(_step(field, axis) for field in self.fields)
            found.setdefault(path, []).append(axis)
        return list(found.values())


# -- the drawing ---------------------------------------------------------------------------


def _drawing(fields: Sequence[ReceptiveField], axis: int, width: int, look: Look) -> list[Text]:
    """Draw the cells of every layer that one output cell sees, the input at the foot.

    Each stands above the middle of what it sees itself. Nothing where it does not fit.
    """
    names = [_("layer {number}").format(number=k + 1) for k in range(len(fields))]
    names = [*reversed(names), _("input")]
    label = max(Text(name).cell_len for name in names) + 3
    if fields[-1].size[axis] > width - label or fields[-1].phases[axis] > MOST_PHASES:
        return []
    steps = [_step(field, axis) for field in reversed(fields)]
    paths = [_path(output, steps) for output in range(fields[-1].phases[axis])]
    whole = [path for path in paths if path is not None and path[-1]]
    if not whole:
        return []
    path = max(whole, key=lambda layers: max(layers[-1]) - min(layers[-1]))
    places = [_places(cells, fields, axis, k) for k, cells in enumerate(path)]
    scale = _scale(places, width - label)
    if scale is None:
        return []
    first = min(min(row) for row in places)
    lines = []
    for name, row, cells in zip(names, places, path, strict=True):
        line = Text(no_wrap=True).append(fill(name, label), look.style("label"))
        at = {
            int((place - first) * scale): cell
            for place, cell in zip(row, _span(cells), strict=True)
        }
        for column in range(max(at) + 1):
            line.append(*_mark(at.get(column), cells, look))
        lines.append(line)
    return lines


def _mark(cell: int | None, seen: Sequence[int], look: Look) -> tuple[str, str]:
    if cell is None:
        return " ", ""
    if cell in seen:
        return look.plain("█"), look.style("done")
    return look.plain("·"), look.style("pending")


def _path(output: int, steps: Sequence[Step]) -> list[list[int]] | None:
    """Positions seen in every layer, from the output back to the input."""
    path = [[output]]
    for kernel, stride, dilation, pad, transposed in steps:
        taps = range(0, kernel * dilation, dilation)
        if kernel * len(path[-1]) > MOST_CELLS * 8:
            return None
        if transposed:
            landed = {o + pad - tap for o in path[-1] for tap in taps}
            cells = {place // stride for place in landed if place % stride == 0}
        else:
            cells = {o * stride - pad + tap for o in path[-1] for tap in taps}
        if not cells or max(cells) - min(cells) > MOST_CELLS:
            return None
        path.append(sorted(cells))
    return path


def _span(cells: Sequence[int]) -> range:
    return range(min(cells), max(cells) + 1)


def _places(
    cells: Sequence[int], fields: Sequence[ReceptiveField], axis: int, back: int
) -> list[Fraction]:
    """Where the cells of a layer stand along the input: in the middle of what each sees.

    `back` counts the layers behind it: 0 is the last layer's output.
    """
    offset, jump = Fraction(0), Fraction(1)
    for field in fields[: len(fields) - back]:
        kernel, stride, dilation, pad, transposed = _step(field, axis)
        middle = Fraction((kernel - 1) * dilation, 2)
        if transposed:
            jump /= stride
            offset += (pad - middle) * jump
        else:
            offset += (middle - pad) * jump
            jump *= stride
    return [offset + cell * jump for cell in _span(cells)]


def _scale(places: Sequence[Sequence[Fraction]], room: int) -> int | None:
    """Columns for each input cell: no cell stands in halves, and, if it fits, none touch."""
    whole = lcm(*(place.denominator for row in places for place in row))
    least = min(min(row) for row in places)
    extent = max(max(row) for row in places) - least
    gap = min((row[1] - row[0] for row in places if len(row) > 1), default=Fraction(1))
    for scale in (whole * ceil(2 / (whole * gap)), whole):
        if ceil(extent * scale) < room:
            return scale
    return None


def _step(field: ReceptiveField, axis: int) -> Step:
    spec = field.spec
    by_size = isinstance(spec.padding, str) and spec.padding.startswith("same")
    pad = 0 if by_size else spec.pads((1,) * spec.rank)[axis][0]
    return (
        spec.kernel_size[axis],
        spec.stride[axis],
        spec.dilation[axis],
        pad,
        spec.transposed,
    )


def _starts(field: ReceptiveField) -> str | None:
    """Where output cell 0 begins to see, as far as it is known."""
    known = [str(start) for start in field.start if start is not None]
    if len(known) < len(field.start):
        return None
    return known[0] if len(set(known)) == 1 else f"({', '.join(known)})"


def _by(sizes: Sequence[object]) -> str:
    return "×".join(map(str, sizes))


def _one(values: Sequence[object]) -> str:
    """Write per-axis values as one where they are alike."""
    return str(values[0]) if len(set(values)) == 1 else _by(values)
