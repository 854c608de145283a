"""Sizes: the shapes of a convolution, worked out axis by axis, without any numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.geometry import AXIS_NAMES, Axis, Geometry
from stepconv.language import _
from stepconv.spec import ConvSpec
from stepconv.views.header import axes_listed, axis_label
from stepconv.views.parts.columns import columns
from stepconv.views.parts.layout import flow, indented
from stepconv.views.parts.paragraph import listed
from stepconv.views.theme import Look

COUNTED, COUNTED_TAPS = 2**22, 2**12
"""Cells and taps that are looked at one by one; beyond, arithmetic alone must do."""
MOST_PHASES, MOST_TAPS, MOST_RANGES, MOST_CHOICES = 8, 8, 4, 6


class Sizes:
    """Shapes, rule, the rule with each axis' numbers, what is never reached, what it costs.

    Parameters
    ----------
    geometry : Geometry
        What `spec` gives when bound to shapes.
    spec : ConvSpec
    look : Look
    """

    def __init__(self, geometry: Geometry, spec: ConvSpec, look: Look) -> None:
        self.geometry = geometry
        self.spec = spec
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        parts: Sequence[Sequence[Text]] = [
            self._title(width),
            self._shapes(width),
            self._rule(width),
            self._axes(width),
            self._phases(width),
            self._choices(width),
            self._costs(width),
        ]
        for number, lines in enumerate(part for part in parts if part):
            if number:
                yield Text()
            yield from lines

    def _title(self, width: int) -> list[Text]:
        spec = self.spec
        words = [
            _("stride {value}").format(value=_short(spec.stride)),
            _("dilation {value}").format(value=_short(spec.dilation)),
            _("groups {value}").format(value=spec.groups),
        ]
        pads = tuple(before if before == after else (before, after) for before, after in self._pads)
        padding = spec.padding if isinstance(spec.padding, str) else _short(pads)
        mode = "" if spec.padding_mode == "zeros" else f" {spec.padding_mode}"
        words.insert(1, _("padding {value}").format(value=padding) + mode)
        if spec.transposed:
            extra = tuple(axis.output_padding for axis in self.geometry.axes)
            words.insert(2, _("output_padding {value}").format(value=_short(extra)))
        lines = flow([spec.name, *words], width)
        lines[0].stylize(self.look.style("title"), 0, len(spec.name))
        return lines

    @property
    def _pads(self) -> list[tuple[int, int]]:
        return [axis.pad for axis in self.geometry.axes]

    @property
    def _named(self) -> list[tuple[str, Axis]]:
        names = map(axis_label, AXIS_NAMES[self.geometry.rank])
        return list(zip(names, self.geometry.axes, strict=True))

    # -- shapes and rule ---------------------------------------------------------------

    def _shapes(self, width: int) -> list[Text]:
        geometry = self.geometry
        batch = [] if geometry.batch is None else ["N"]
        sizes = ["L"] if geometry.rank == 1 else ["D", "H", "W"][-geometry.rank :]
        kernel = ["k"] if geometry.rank == 1 else [f"k{size}" for size in sizes]
        weight = ["C_out", "C_in/groups"]
        if geometry.transposed:
            weight = ["C_in", "C_out/groups"]
        rows = [
            (_("input"), geometry.input_shape, [*batch, "C_in", *sizes]),
            (_("weight"), geometry.weight_shape, [*weight, *kernel]),
            (_("output"), geometry.output_shape, [*batch, "C_out", *sizes]),
        ]
        texts = [[name, str(shape), f"({', '.join(axes)})"] for name, shape, axes in rows]
        roles = ("label", "sum", "label")
        return columns([], texts, self.look, width, align="<<<", roles=roles)

    def _rule(self, width: int) -> list[Text]:
        if self.geometry.transposed:
            text = _(
                "(input − 1)·stride − before − after + dilation·(kernel − 1) + output_padding + 1"
            )
        else:
            text = _("⌊(input + before + after − dilation·(kernel − 1) − 1) / stride⌋ + 1")
        rows = [[_("size"), self._formula(text)]]
        rows += [[name, axis.formula(ascii=self.look.ascii)] for name, axis in self._named]
        if any(axis.dilation > 1 for axis in self.geometry.axes):
            rows.append([_("span"), self._formula(_("dilation·(kernel − 1) + 1"))])
            for name, axis in self._named:
                span = f"{axis.dilation}·({axis.kernel_size} − 1) + 1 = {axis.span}"
                rows.append([name, self._formula(span)])
        return columns([], rows, self.look, width, align="<<", roles=("label", "formula"))

    def _formula(self, text: str) -> str:
        return self.look.formula(text)

    # -- axes --------------------------------------------------------------------------

    def _axes(self, width: int) -> list[Text]:
        if self.geometry.transposed:
            heads = [_("axis"), _("input"), _("stamps cover"), _("cropped"), _("added")]
        else:
            heads = [_("axis"), _("input"), _("padding"), _("padded"), _("span")]
        rows = [[name, *_facts(axis), str(axis.output_size)] for name, axis in self._named]
        lines = columns([*heads, _("output")], rows, self.look, width, align="<>>>>>")
        cells = [f"{name} {unused(axis)}" for name, axis in self._named if unused(axis)]
        facts = [[_("input never used"), "   ".join(cells) or _("none")]]
        lines += columns([], facts, self.look, width, align="<<", roles=("label", "input"))
        return lines

    # -- transposed: which taps meet, and which size ------------------------------------

    def _phases(self, width: int) -> list[Text]:
        """Say which outputs collect which taps."""
        rows, uneven = [], False
        for names, axis in self._alike():
            if not axis.transposed or axis.stride == 1 or axis.kernel_size > COUNTED_TAPS:
                continue
            least, most = _terms(axis)
            uneven |= most != least
            for phase in range(min(axis.stride, MOST_PHASES)):
                taps = axis.taps_at(phase)
                outputs = ", ".join(str(phase + k * axis.stride) for k in range(3)) + ", …"
                what = ", ".join(map(str, taps[:MOST_TAPS])) if taps else _("none")
                what += ", …" if len(taps) > MOST_TAPS else ""
                rows.append(["" if phase else names, outputs, str(len(taps)), what])
            if axis.stride > MOST_PHASES:
                more = _("{count} more").format(count=axis.stride - MOST_PHASES)
                rows.append(["", f"… {more}", f"{least}–{most}", ""])
        if not rows:
            return []
        heads = [_("axis"), _("outputs"), _("terms"), _("taps")]
        lines = columns(heads, rows, self.look, width, align="<<><")
        if uneven:
            text = _(
                "Uneven: neighbouring outputs collect unlike numbers of terms, which draws"
                " checkerboards. Without dilation, a kernel that the stride divides is even."
            )
            lines += indented(flow([text], width - 2, self.look.style("note")), 2)
        return lines

    def _choices(self, width: int) -> list[Text]:
        """Say which sizes output_padding chooses among: all that one stride maps to the input."""
        rows = []
        for names, axis in self._alike():
            most = max(axis.stride, axis.dilation)
            if not axis.transposed or most == 1:
                continue
            base = axis.output_size - axis.output_padding
            texts = [f"{extra}: {base + extra}" for extra in range(min(most, MOST_CHOICES))]
            if most > MOST_CHOICES:
                texts.append(f"… {most - 1}: {base + most - 1}")
            rows.append([names, "   ".join(texts)])
        if not rows:
            return []
        heads = [_("axis"), _("output_padding, and the output size it gives")]
        return columns(heads, rows, self.look, width, align="<<")

    def _alike(self) -> list[tuple[str, Axis]]:
        """The axes, those that are the same under one name."""
        found: dict[Axis, list[str]] = {}
        for name, axis in self._named:
            found.setdefault(axis, []).append(name)
        return [(axes_listed(names), axis) for axis, names in found.items()]

    # -- costs --------------------------------------------------------------------------

    def _costs(self, width: int) -> list[Text]:
        geometry = self.geometry
        weights = prod(geometry.weight_shape)
        shape = geometry.input_shape if geometry.transposed else geometry.output_shape
        taps = geometry.group_outputs if geometry.transposed else geometry.group_inputs
        steps = [*shape, taps, *geometry.kernel_size]
        rows = [
            [_("weights"), _product(geometry.weight_shape)],
            [
                _("with bias"),
                f"{weights:,} + {geometry.out_channels:,} = {weights + geometry.out_channels:,}",
            ],
            [_("terms of one sum"), self._terms_of_a_sum()],
            [_("multiply-adds"), _product(steps)],
        ]
        texts = [[name, self._formula(text)] for name, text in rows]
        return columns([], texts, self.look, width, align="<<", roles=("label", "formula"))

    def _terms_of_a_sum(self) -> str:
        geometry = self.geometry
        if not geometry.transposed:
            return _product((geometry.group_inputs, *geometry.kernel_size))
        least, most = zip(*map(_terms, geometry.axes), strict=True)
        product = _product((geometry.group_inputs, *most))
        return product if least == most else _("at most {product}").format(product=product)


def unused(axis: Axis) -> str:
    """Say which cells of the input no placement reaches.

    On a long axis they are not listed: there the cells left over at the end of the
    padded input are counted, and those skipped between placements.

    >>> unused(Axis(input_size=6, kernel_size=3, stride=2)), unused(Axis(6, 3))
    ('5', '')
    >>> unused(Axis(input_size=10**9, kernel_size=3, stride=10))
    '7 of every 10, the last 7'
    """
    cells = axis.input_size + axis.output_size * axis.kernel_size
    if cells > COUNTED or axis.kernel_size > COUNTED_TAPS:
        return _unused_of_many(axis)
    runs: list[list[int]] = []
    for cell in axis.unused.tolist():
        if runs and cell == runs[-1][1] + 1:
            runs[-1][1] = cell
        else:
            runs.append([cell, cell])
    texts = [str(a) if a == b else f"{a}–{b}" for a, b in runs[:MOST_RANGES]]
    if len(runs) > MOST_RANGES:
        texts.append(_("… ({count} in all)").format(count=len(axis.unused)))
    return ", ".join(texts)


def _unused_of_many(axis: Axis) -> str:
    texts = []
    reached = min(axis.kernel_size, axis.step // gcd(axis.step, axis.dilation))
    if reached < axis.step:
        text = _("{count} of every {step}")
        texts.append(text.format(count=axis.step - reached, step=axis.step))
    if (left := axis.leftover - axis.pad[1]) > 0 and not axis.transposed:
        texts.append(_("the last {count}").format(count=left))
    return listed(texts)


def _facts(axis: Axis) -> list[str]:
    pads = f"{axis.pad[0]} + {axis.pad[1]}"
    if axis.transposed:
        covered = (axis.input_size - 1) * axis.stride + axis.span
        return [str(axis.input_size), str(covered), pads, str(axis.output_padding)]
    return [str(axis.input_size), pads, str(axis.layout_size), str(axis.span)]


def _terms(axis: Axis) -> tuple[int, int]:
    """Least and most taps that reach an output of a transposed axis.

    >>> _terms(Axis(4, kernel_size=3, stride=2, transposed=True))
    (1, 2)
    """
    phases = axis.stride // gcd(axis.stride, axis.dilation)  # those that taps reach, in turn
    least, left = divmod(axis.kernel_size, phases)
    return least if phases == axis.stride else 0, least + bool(left)


def _product(factors: Sequence[int]) -> str:
    whole = prod(factors)
    return f"{'·'.join(f'{factor:,}' for factor in factors)} = {whole:,}"


def _short(values: Sequence[object]) -> str:
    """Write per-axis values as one where they are alike."""
    return str(values[0]) if len(set(values)) == 1 else str(tuple(values))
