"""BenchTable: what ``stepconv bench`` measured, a line for each layer, and summed up by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from stepconv.language import _
from stepconv.views.parts.columns import columns
from stepconv.views.parts.layout import flow
from stepconv.views.theme import Look

if TYPE_CHECKING:
    from stepconv.bench.contest import Row
    from stepconv.bench.report import Report, Summary

INDENT, GAP = 2, 2


@dataclass(frozen=True)
class _Column:
    head: str
    width: int
    peer: str = ""


class BenchTable:
    """A table that is printed line by line, while it is measured.

    Parameters
    ----------
    titles : sequence of str
        The titles of all layers to come, which the first column is made for.
    peers : sequence of str
        One column of ratios for each, as many as fit.
    look : Look
    width : int
        Cells of the screen.
    """

    def __init__(self, titles: Sequence[str], peers: Sequence[str], look: Look, width: int) -> None:
        self.look = look
        self.width = width
        self._columns = [
            _Column(_("layer ms"), 8),
            _Column(_("function ms"), 8),
            _Column(_("peak"), 4),
            *(_Column(name, 4, name) for name in peers),
            _Column(_("error"), 7),
        ]
        self._first = max(map(cell_len, [_("layer"), *titles]))
        self._seen: list[_Column] = []
        room = width - INDENT - self._first
        for column in self._columns:
            room -= GAP + self._size(column)
            if room >= 0:
                self._seen.append(column)

    def head(self) -> RenderableType:
        """Return the heads of the columns."""
        texts = [(one.head, "label") for one in self._seen]
        return self._line((_("layer"), "label"), texts)

    def row(self, row: Row) -> RenderableType:
        """Return the line of a layer."""
        texts = []
        for column in self._seen:
            if column.peer:
                ratio = row.ratios.get(column.peer)
                role = "pending" if ratio is None else "done" if ratio <= 1 else "border"
                texts.append(("" if ratio is None else ratio_text(ratio), role))
            else:
                texts.append(self._own(row, column))
        name = (row.layer.title, "input" if row.agrees else "error")
        return self._line(name, texts)

    def end(self, report: Report) -> RenderableType:
        """Return the summary by kind, and what the numbers mean."""
        parts = [*self._summary(report), Text(), *self._notes(report)]
        return Group(Text(), *parts)

    def _own(self, row: Row, column: _Column) -> tuple[str, str]:
        if column.head == _("layer ms"):
            return milliseconds(row.seconds["layer"]), "sum"
        if column.head == _("function ms"):
            return milliseconds(row.seconds["function"]), "sum"
        if column.head == _("peak"):
            return f"{row.share:.0%}", "input"
        return f"{row.error:.0e}", "input" if row.agrees else "error"

    def _line(self, first: tuple[str, str], others: Sequence[tuple[str, str]]) -> Text:
        name, role = first
        line = Text(" " * INDENT, no_wrap=True, overflow="crop")
        line.append(self.look.plain(name), self.look.style(role))
        line.append(" " * (self._first - cell_len(name)))
        for column, (text, role) in zip(self._seen, others, strict=True):
            blanks = self._size(column) - cell_len(text)
            line.append(" " * (GAP + blanks)).append(text, self.look.style(role))
        line.rstrip()
        return line

    def _size(self, column: _Column) -> int:
        return max(column.width, cell_len(column.head))

    def _summary(self, report: Report) -> list[Text]:
        names = report.peers
        found = {name: {one.kind: one for one in report.summaries(name)} for name in names}
        kinds = dict.fromkeys(row.layer.kind for row in report.rows)
        rows = [[kind, *(_cell(found[name].get(kind)) for name in names)] for kind in kinds]
        overall = [report.overall(name) for name in names]
        if len(kinds) > 1 and any(overall):
            rows.append([_("all float32"), *map(_cell, overall)])
        heads = [_("mean (worst)"), *names]
        align = "<" + ">" * len(names)
        return columns(heads, rows, self.look, self.width, align=align) if names else []

    def _notes(self, report: Report) -> list[Text]:
        texts = [
            _("layer: weights kept packed, here by onnxruntime's time."),
            _("function: weights packed in the call, here by the time of the others."),
            _("wino: layer by the time of all; f64: float64; N8: eight samples."),
            _(
                "peak: share of what the cores can multiply and add, measured beside it. Padding is"
                " counted: kernels that leave it out can pass 100 %."
            ),
        ]
        hidden = [one.head for one in self._columns if one not in self._seen]
        if hidden:
            text = _("Not shown for want of room: {names}; ask for --width {width}.")
            texts.append(text.format(names=", ".join(hidden), width=self._full_width()))
        wrong = [row.layer.title for row in report.rows if not row.agrees]
        notes = [line for text in texts for line in flow([text], self.width, self._style("note"))]
        if report.disturbed:
            text = _(
                "Other programs kept this machine busy (load {load} on {cores} processors): what"
                " was measured is rough."
            )
            text = text.format(load=report.machine["load"], cores=report.machine["cores"])
            notes += flow([text], self.width, self._style("error"))
        if wrong:
            text = _("The results differ: {layers}.").format(layers=", ".join(wrong))
            notes += flow([text], self.width, self._style("error"))
        return notes

    def _full_width(self) -> int:
        return INDENT + self._first + sum(GAP + self._size(one) for one in self._columns)

    def _style(self, role: str) -> str:
        return self.look.style(role)


def milliseconds(seconds: float) -> str:
    """Write a time.

    >>> milliseconds(0.0000021), milliseconds(0.00123456), milliseconds(1.5)
    ('0.0021', '1.235', '1500.0')
    """
    value = seconds * 1000
    return f"{value:.{4 if value < 0.1 else 3 if value < 100 else 1}f}"


def ratio_text(ratio: float) -> str:
    """Write how long one takes by another's time.

    >>> ratio_text(0.034), ratio_text(1.5), ratio_text(123.4)
    ('0.03', '1.50', '123')
    """
    return f"{ratio:.{2 if ratio < 10 else 1 if ratio < 100 else 0}f}"


def _cell(summary: Summary | None) -> str:
    return "" if summary is None else f"{ratio_text(summary.mean)} ({ratio_text(summary.worst)})"
