"""Header: which convolution this is, and its sizes worked out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.geometry import AXIS_NAMES, Axis
from stepconv.language import _
from stepconv.record import Trace
from stepconv.views.theme import Look


class Header:
    """The title line, then one line for each axis with the size formula filled in.

    Axes that work out alike share a line.
    """

    def __init__(self, trace: Trace, look: Look) -> None:
        self.trace = trace
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._title(options.max_width)
        yield from self._sizes()

    def _title(self, width: int) -> list[Text]:
        """Lay out the parts; where they do not fit, defaults are left out, then the line breaks."""
        spec = self.trace.spec
        parts = self._parts()
        last = [_("dilation {value}").format(value=_short(spec.dilation))]
        last.append(_("groups {value}").format(value=spec.groups))
        whole = Text("   ".join([spec.name, *parts, *last])).cell_len <= width
        if whole or any(d != 1 for d in spec.dilation):
            parts.append(last[0])
        if whole or spec.groups != 1:
            parts.append(last[1])
        lines = [Text().append(spec.name, self.look.style("title"))]
        for part in parts:
            if lines[-1].cell_len + 3 + Text(part).cell_len > width:
                lines.append(Text(" " * len(spec.name)))
            lines[-1].append("   " + part)
        return lines

    def _parts(self) -> list[str]:
        spec, geometry = self.trace.spec, self.trace.geometry
        parts = [
            _("input {shape}").format(shape=geometry.input_shape),
            _("weight {shape}").format(shape=geometry.weight_shape),
            _("stride {value}").format(value=_short(spec.stride)),
        ]
        pads = tuple(axis.pad for axis in geometry.axes)
        padding = _("padding {value}").format(value=_short(tuple(map(_side, pads))))
        if isinstance(spec.padding, str):
            padding += f" ({spec.padding})"
        if spec.padding_mode != "zeros" or (any(map(any, pads)) and not spec.transposed):
            padding += f" {spec.padding_mode}"
        parts.append(padding)
        if spec.transposed:
            extra = tuple(axis.output_padding for axis in geometry.axes)
            parts.append(_("output_padding {value}").format(value=_short(extra)))
        return parts

    def _sizes(self) -> list[Text]:
        names, axes = AXIS_NAMES[self.trace.spec.rank], self.trace.geometry.axes
        lines: list[tuple[str, Axis]] = []
        alike: list[str] = []
        for name, axis in zip(names, axes, strict=True):
            if lines and axis == lines[0][1]:
                alike.append(name)
            else:
                lines.append((name, axis))
        width = max(Text(axis_label(name)).cell_len for name, _axis in lines) + 2
        drawn = []
        for name, axis in lines:
            label = axis_label(name)
            line = Text(label + " " * (width - Text(label).cell_len), self.look.style("label"))
            line.append(axis.formula(ascii=self.look.ascii), self.look.style("formula"))
            drawn.append(line)
        if alike:
            same = _("{axes} the same").format(axes=axes_listed(map(axis_label, alike)))
            drawn[0].append("      " + same, self.look.style("label"))
        return drawn


def axis_label(name: str) -> str:
    """Return the name of an axis in the current language."""
    return {
        "length": _("length"),
        "depth": _("depth"),
        "rows": _("rows"),
        "columns": _("columns"),
    }[name]


def axes_listed(labels: Iterable[str]) -> str:
    """Write the labels of axes one after the other.

    >>> axes_listed(["rows", "columns"])
    'rows, columns'
    """
    pair = _("{labels}, {label}")
    return reduce(lambda labels, label: pair.format(labels=labels, label=label), labels)


def _short(values: tuple[object, ...]) -> str:
    """Write per-axis values as one where they are alike."""
    return str(values[0]) if len(set(values)) == 1 else str(values)


def _side(pair: tuple[int, int]) -> object:
    return pair[0] if pair[0] == pair[1] else pair
