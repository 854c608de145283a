"""Board: grids under captions, beside one another or, where that is too wide, stacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from stepconv.language import _
from stepconv.views.parts.grid import Grid, crop, part_seen
from stepconv.views.parts.layout import allot, beside, flow
from stepconv.views.theme import Look

GAP = 3
MOST_LEAD = 3
"""Blank lines that set a smaller grid level with the middle of a larger one."""


@dataclass(frozen=True)
class Panel:
    """Grids of one shape and one focus, side by side under captions.

    Where not all of them fit, the one at `cursor` is kept.
    """

    captions: Sequence[str]
    grids: Sequence[Grid]
    cursor: int = 0

    @property
    def width(self) -> int:
        """Width of the whole."""
        grids = sum(grid.width for grid in self.grids) + GAP * (len(self.grids) - 1)
        return max([grids, *map(cell_len, self.captions)])

    @property
    def least_width(self) -> int:
        """Width of one grid around its focus."""
        return self.grids[0].least_width


@dataclass(frozen=True)
class _Plan:
    """A panel in the space it has: its captions, the grids seen and their width, its notes."""

    captions: list[Text]
    grids: Sequence[Grid]
    width: int
    rows: int | None
    notes: list[Text]

    @property
    def height(self) -> int:
        rows, _columns = self.grids[0].seen(self.width, self.rows)
        return len(self.captions) + bool(self.grids[0].title) + len(rows) + len(self.notes)

    def lines(self, blank: int, lead: int) -> list[Text]:
        """Draw it: blank lines make up for fewer captions, and set it lower by `lead`."""
        grids = [grid.lines(self.width, self.rows) for grid in self.grids]
        space = [Text()] * (blank + lead)
        return [*self.captions, *space, *beside(grids, [self.width] * len(grids), GAP), *self.notes]


class Board:
    """Panels in the space there is.

    Side by side where all fit so; else below one another where there are lines enough;
    else side by side, each cropped around its focus.
    """

    def __init__(self, panels: Sequence[Panel], look: Look) -> None:
        self.panels = panels
        self.look = look

    @property
    def roles(self) -> set[str]:
        """The roles of all cells drawn; padding under the kernel is both window and padding."""
        drawn = {role for panel in self.panels for grid in panel.grids for role in grid.roles}
        return {part for role in drawn for part in role.split(".")}

    def height(self, width: int) -> int:
        """Lines wanted."""
        if self._gaps + sum(panel.width for panel in self.panels) <= width:
            plans = [self._plan(panel, panel.width, None) for panel in self.panels]
            captions = max(len(plan.captions) for plan in plans)
            return captions + max(plan.height - len(plan.captions) for plan in plans)
        return sum(self._plan(panel, width, None).height for panel in self.panels)

    def lines(self, width: int, room: int | None = None) -> list[Text]:
        """Draw within `width` cells and `room` lines."""
        most = [panel.width for panel in self.panels]
        if self._gaps + sum(most) <= width:
            return self._band(most, room)
        stacked = [self._plan(panel, width, None) for panel in self.panels]
        if room is None or sum(plan.height for plan in stacked) <= room:
            return [line for plan in stacked for line in plan.lines(0, 0)]
        least = [panel.least_width for panel in self.panels]
        return self._band(allot(most, least, width - self._gaps), room)

    @property
    def _gaps(self) -> int:
        return GAP * (len(self.panels) - 1)

    def _band(self, widths: Sequence[int], room: int | None) -> list[Text]:
        pairs = list(zip(self.panels, widths, strict=True))
        captions = max(len(self._captions(*pair)) for pair in pairs)
        plans = [
            self._plan(panel, width, room, captions - len(self._captions(panel, width)))
            for panel, width in pairs
        ]
        highest = max(plan.height - len(plan.captions) for plan in plans)
        blocks = []
        for plan in plans:
            lead = 0 if plan.grids[0].title else (highest - plan.height + len(plan.captions)) // 2
            blocks.append(plan.lines(captions - len(plan.captions), min(lead, MOST_LEAD)))
        return beside(blocks, widths, GAP)

    def _captions(self, panel: Panel, width: int) -> list[Text]:
        style = self.look.style("label")
        plain = map(self.look.plain, panel.captions)
        return [line for caption in plain for line in flow([caption], width, style, gap=1)]

    def _plan(self, panel: Panel, width: int, room: int | None, blank: int = 0) -> _Plan:
        captions = self._captions(panel, width)
        fitting = max((width + GAP) // (panel.least_width + GAP), 1)
        cursor = range(panel.cursor, panel.cursor + 1)
        seen = crop(len(panel.grids), cursor, fitting)
        grids = panel.grids[seen.start : seen.stop]
        each = min((width + GAP) // len(grids) - GAP, grids[0].width)
        rows = None if room is None else max(room - len(captions) - blank, 1)
        notes = self._notes(grids[0], each, rows, seen, len(panel.grids), width)
        if notes and rows is not None:
            rows = max(rows - len(notes), 1)
            notes = self._notes(grids[0], each, rows, seen, len(panel.grids), width)
        return _Plan(captions, grids, each, rows, notes)

    def _notes(
        self, grid: Grid, each: int, rows: int | None, seen: range, count: int, width: int
    ) -> list[Text]:
        """Say what is left out: rows, columns, slices."""
        notes = grid.notes(each, rows)
        if len(seen) < count:
            notes.append(part_seen(_("slices"), seen, count, one=_("slice")))
        if notes:
            notes[0] = "… " + notes[0]
        plain = map(self.look.plain, notes)
        return flow(list(plain), width, self.look.style("note"))
