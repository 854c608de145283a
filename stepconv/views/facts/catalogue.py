"""Catalogue: the samples by name, and a picture of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.language import _
from stepconv.samples import Sample, Scene, scene
from stepconv.views.parts.columns import columns
from stepconv.views.parts.grid import Cell, Grid
from stepconv.views.parts.layout import beside, flow, indented
from stepconv.views.parts.numbers import formatter
from stepconv.views.table.rows import INDENT, fill, note
from stepconv.views.theme import Look

MOST_GRIDS, GAP, WIDE_GAP = 48, 3, 5
WIDE = 72
"""Width from which the table has room for shapes."""


class Catalogue:
    """A table of samples: names, shapes, what they are; one below the other by kind.

    Parameters
    ----------
    samples : sequence of Sample
    look : Look
    """

    def __init__(self, samples: Sequence[Sample], look: Look) -> None:
        self.samples = samples
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        for kind in ("input", "kernel", "scene"):
            rows = [_row(one) for one in self.samples if one.kind == kind]
            if rows:
                heads = _heads()[kind]
                if width < WIDE:
                    heads, rows = [heads[0], ""], [[row[0], row[-1]] for row in rows]
                roles = ["key", *["label"] * (len(heads) - 2), "input"]
                align = "<" * len(heads)
                yield from columns(heads, rows, self.look, width, align=align, roles=roles, gap=2)
                yield Text()
        hints = [
            _("An input or a kernel stands for its numbers: stepconv trace @digit @sobel-x"),
            _("A scene is a whole example: stepconv trace @hand-worked"),
            _("The numbers of one: stepconv samples NAME"),
        ]
        for hint in hints:
            yield from indented(flow([hint], width - INDENT, self.look.style("note")), INDENT)


class SamplePicture:
    """One sample: its numbers and, of a scene, the kernel and the options with them.

    Parameters
    ----------
    sample : Sample
    look : Look
    """

    def __init__(self, sample: Sample, look: Look) -> None:
        self.sample = sample
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        one, look, width = self.sample, self.look, options.max_width
        title = flow([f"@{one.name}", look.plain(one.title)], width)
        title[0].stylize(look.style("title"), 0, len(one.name) + 1)
        yield from title
        width -= INDENT
        notes = [_("also @{name}").format(name=alias) for alias in one.aliases]
        for text in filter(None, [*notes, one.source]):
            yield from indented(flow([look.plain(text)], width, look.style("note")), INDENT)
        yield Text()
        whole = scene(one.name) if one.kind == "scene" else None
        drawings = self._drawings(whole)
        widths = [drawing.width for drawing in drawings]
        if sum(widths) + WIDE_GAP * (len(widths) - 1) <= width:
            blocks = [drawing.lines(drawing.width) for drawing in drawings]
            yield from indented(beside(blocks, widths, WIDE_GAP), INDENT)
        else:
            for number, drawing in enumerate(drawings):
                yield from [Text()] if number else []
                yield from indented(drawing.lines(width), INDENT)
        if whole is not None:
            yield from indented(self._options(whole, width), INDENT)

    def _drawings(self, whole: Scene | None) -> list[_Drawing]:
        if whole is not None:
            return [
                _Drawing(_("input"), whole.input, "input", self.look),
                _Drawing(_("kernel"), whole.weight, "kernel", self.look),
            ]
        kind = self.sample.kind
        caption = _("kernel") if kind == "kernel" else _("input")
        return [_Drawing(caption, self.sample.array, kind, self.look)]

    def _options(self, whole: Scene, width: int) -> list[Text]:
        """What else the scene sets, and how it is run."""
        texts = [f"{name} {_value(value)}" for name, value in whole.options.items()]
        if whole.bias is not None:
            texts.insert(0, _("bias {value}").format(value=_value(whole.bias)))
        lines = [Text(), *flow(texts, width)] if texts else [Text()]
        return [*lines, Text(f"stepconv trace @{whole.name}", self.look.style("key"))]


class _Drawing:
    """An array under a caption: its last two axes as grids, one for each index of the others."""

    def __init__(self, caption: str, array: Any, role: str, look: Look) -> None:
        self.look = look
        planes = array.reshape(-1, *(1, 1, *array.shape)[-2:])
        write = formatter(array)
        size = max(len(write(value)) for value in array.reshape(-1).tolist())
        self.grids = [
            Grid(
                [
                    [Cell(fill(write(value), -size), role) for value in row]
                    for row in plane.tolist()
                ],
                look,
                title=str(list(index)) if len(planes) > 1 else "",
            )
            for index, plane in zip(np.ndindex(array.shape[:-2]), planes[:MOST_GRIDS], strict=False)
        ]
        self.caption = look.plain(f"{caption} {_by(array.shape)}")
        if len(planes) > MOST_GRIDS:
            self.caption += "   " + _("the first {count}").format(count=MOST_GRIDS)
        grids = sum(grid.width for grid in self.grids) + GAP * (len(self.grids) - 1)
        self.width = max(grids, cell_len(self.caption))

    def lines(self, width: int) -> list[Text]:
        """Draw the grids side by side, on as many bands as they need."""
        each = min(self.grids[0].width, width)
        across = max((width + GAP) // (each + GAP), 1)
        lines = [Text(self.caption, self.look.style("label"))]
        for first in range(0, len(self.grids), across):
            band = [grid.lines(each) for grid in self.grids[first : first + across]]
            lines += [Text()] if first else []
            lines += beside(band, [each] * len(band), GAP)
        if notes := self.grids[0].notes(each):
            lines.append(note("… " + "   ".join(notes), self.look, 0))
        return lines


def _heads() -> dict[str, list[str]]:
    return {
        "input": [_("inputs"), _("shape"), ""],
        "kernel": [_("kernels"), _("shape"), ""],
        "scene": [_("scenes"), _("input"), _("kernel"), ""],
    }


def _row(sample: Sample) -> list[str]:
    """Name, shapes and title; a scene's shapes without leading axes of length 1."""
    if sample.kind != "scene":
        return [f"@{sample.name}", _by(sample.array.shape), sample.title]
    whole = scene(sample.name)
    shapes = [_by(_squeezed(array.shape, whole.rank)) for array in (whole.input, whole.weight)]
    return [f"@{sample.name}", *shapes, sample.title]


def _squeezed(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    while len(shape) > rank and shape[0] == 1:
        shape = shape[1:]
    return shape


def _by(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))


def _value(value: Any) -> str:
    """Write an option as one reads it."""
    return str(value.tolist() if isinstance(value, np.ndarray) else value)
