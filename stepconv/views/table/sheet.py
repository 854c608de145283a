"""Sheet: rows of worked entries, in bands below one another or cropped around one column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from rich.cells import cell_len
from rich.text import Text

from stepconv.language import _
from stepconv.views.parts.grid import crop
from stepconv.views.parts.layout import flow
from stepconv.views.table.rows import INDENT, Entry, Plan, Row, fill, note
from stepconv.views.theme import Look

LABEL_GAP, GAP = 4, 3
BOXED = ("window", "current", "fills", "stamped")
MOST_ROWS = 200
"""Body rows of a band that nobody steps through."""


class Sheet:
    """Lays out a plan.

    Parameters
    ----------
    plan : Plan
    look : Look
    width : int
        Cells of the screen. Where not even one column fits, less is said in each.
    focus : int, optional
        The column one steps through; the sheet is cropped around it. Without it all
        columns are shown, in bands.
    """

    def __init__(self, plan: Plan, look: Look, width: int, *, focus: int | None = None) -> None:
        while not _across(plan, width) and (less := plan.narrowed()):
            plan = less
        self.plan = plan
        self.look = look
        self.width = width
        self.focus = focus
        self.measure = plan.measure
        self.across = max(_across(plan, width), 1)

    def bands(self) -> Iterator[Text]:
        """Draw all columns, as many at a time as fit."""
        count = self.plan.columns
        bands = -(-count // self.across)
        for band in range(bands):
            seen = range(band * count // bands, (band + 1) * count // bands)
            rows, more = _fit(self._page(seen), MOST_ROWS)
            yield from [Text()] if band else []
            yield from (self._line(row, seen) for row in rows)
            if more:
                yield note("… " + more, self.look)

    def step(self, room: int | None = None) -> list[Text]:
        """Draw the columns around the one at hand, in `room` lines."""
        rows, count = self._rows, self.plan.columns
        notes = [] if len(self._seen) == count else [self.plan.part(self._seen)]
        if room is not None:
            kept, more = _fit(rows, room - bool(notes))
            if more:
                kept, more = _fit(rows, room - 1)
                notes.append(more)
            rows = kept
        drawn = [self._line(row, self._seen) for row in rows]
        if notes:
            drawn.append(note("… " + "   ".join(notes), self.look))
        return drawn

    @property
    def roles(self) -> set[str]:
        """Which roles the entries have, where one steps."""
        return {entry.role for row in self._rows for entry in row.entries.values()}

    @cached_property
    def _seen(self) -> range:
        """The columns around the one at hand."""
        at = self.focus or 0
        return crop(self.plan.columns, range(at, at + 1), self.across)

    @cached_property
    def _rows(self) -> list[Row]:
        return self._page(self._seen)

    def _page(self, seen: range) -> list[Row]:
        """Ask the plan for its rows, block lines broken to the width."""
        rows = []
        for row in self.plan.page(seen):
            if row.kind != "block":
                rows.append(row)
                continue
            name = row.label.name
            for line in flow(row.label.items, self.width - INDENT - cell_len(name) - 3):
                rows.append(replace(row, label=replace(row.label, name=name, note=line.plain)))
                name = " " * cell_len(name)
        return rows

    def _line(self, row: Row, seen: range) -> Text:
        line = Text(" " * INDENT, no_wrap=True, overflow="ellipsis")
        self._label(line, row)
        if row.kind == "block":
            return line
        columns = [*seen, *range(-1, -1 - self.plan.pinned, -1)]
        for place, column in enumerate(columns):
            if column == -1 and row.kind != "rule":
                line.append(self.look.plain(" │ "), "stepconv.rule")
            else:
                line.append(" " * (LABEL_GAP if place == 0 else GAP))
            if row.kind == "rule":
                line.append(self.look.plain("─" * self.measure.column), "stepconv.rule")
            else:
                self._entry(line, row.entries.get(column), centred=row.kind == "head")
        line.rstrip()
        return line

    def _label(self, line: Text, row: Row) -> None:
        measure, label, look = self.measure, row.label, self.look
        if row.kind == "block":
            line.append(look.plain(label.name), look.style("label"))
            line.append("   " + look.plain(label.note), look.style(label.role))
            return
        if row.kind != "cells" or not (label.value or label.note):
            line.append(fill(look.plain(label.name), measure.label), look.style("label"))
            return
        start = line.cell_len
        line.append(fill(look.plain(label.name), measure.name), look.style("label"))
        if measure.value:
            line.append(" " + fill(look.plain(label.value), -measure.value), look.style(label.role))
        if label.note:
            line.append("  " + look.plain(label.note), look.style("note"))
        line.append(" " * (measure.label - (line.cell_len - start)))

    def _entry(self, line: Text, entry: Entry | None, *, centred: bool) -> None:
        measure, look = self.measure, self.look
        if entry is None:
            line.append(" " * measure.column)
            return
        text = look.plain(entry.right)
        if entry.left:
            text = f"{look.formula(entry.left)} = {fill(text, -measure.right)}"
        spare = measure.column - cell_len(text)
        before, after = ("", "") if centred else look.marks(entry.role)
        start = spare // 2
        if (
            not centred or entry.left or cell_len(text) < measure.body
        ):  # flush with the numbers above and below
            start = (measure.column - measure.body) // 2 + measure.body - cell_len(text)
        boxed = look.style(entry.role if entry.role.startswith(BOXED) else "product")
        line.append(" " * (start - len(before)))
        line.append(before, boxed).append(text, look.style(entry.role)).append(after, boxed)
        line.append(" " * (spare - start - len(after)))


def _across(plan: Plan, width: int) -> int:
    """Columns that fit beside the label and the pinned ones."""
    column, room = plan.measure.column + GAP, width - INDENT - plan.measure.label - LABEL_GAP + GAP
    return max(room // column - plan.pinned, 0)


def _fit(rows: Sequence[Row], room: int) -> tuple[list[Row], str]:
    """Leave out body rows until `room` lines are enough, and say what is left out.

    First the channels that one does not look at are reduced to their totals, then the
    rows around the current ones are cut out.
    """
    rows = list(rows)
    if len(rows) <= room:
        return rows, ""
    block = max(rows, key=lambda row: row.current).block
    rows = [row for row in rows if row.kind not in ("cells", "block") or row.block == block]
    body = [k for k, row in enumerate(rows) if row.kind in ("cells", "block", "total")]
    space = room - (len(rows) - len(body))
    if len(body) <= space or not body:
        return rows, ""
    most = max(row.current for row in rows)
    here = [k - body[0] for k in body if most and rows[k].current == most] or [0]
    seen = crop(len(body), range(here[0], here[-1] + 1), max(space, 1))
    kept = rows[: body[0]] + rows[body[seen.start] : body[seen.stop - 1] + 1] + rows[body[-1] + 1 :]
    more = _("rows {first}–{last} of {count}").format(
        first=seen.start + 1, last=seen.stop, count=len(body)
    )
    return kept, more
