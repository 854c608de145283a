"""Ledger: what each channel, and each depth slice, adds to the sum of an output cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from stepconv.language import _
from stepconv.views.parts.grid import crop, part_seen
from stepconv.views.parts.layout import flow, indented
from stepconv.views.steps.reading import Reading
from stepconv.views.steps.slices import GLYPHS, depth_name, embed
from stepconv.views.theme import Look

GAP = 3
LEAST = 4
"""Lines of a ledger that is cropped to one entry: the names, the entry, a note, the bias."""
MOST = 20
"""Lines of any ledger."""


@dataclass(frozen=True)
class Entry:
    """One line: its name, what it adds, the sum after it, and the role of that sum."""

    name: str
    added: str
    running: str
    role: str = "sum"


class Ledger:
    """Entries below one another; the last of them, the bias, is always in sight.

    Parameters
    ----------
    entries : sequence of Entry
    cursor : int or None
        The entry that the pictures show, which has a pointer.
    digits : int
        Width of the numbers, in this step and in every other.
    look : Look
    most : int
        Width it may take; where that is too little, what each entry adds is left out.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        cursor: int | None,
        digits: int,
        look: Look,
        most: int,
    ) -> None:
        self.entries = entries
        self.cursor = cursor
        self.look = look
        self.names = max(cell_len(entry.name) for entry in entries)
        self.added = max(digits, cell_len(_("sum")))
        self.running = max(digits, cell_len(_("running")))
        width = 2 + self.names + GAP + self.added + GAP + self.running + 1
        self.brief = width > most
        self.width = width - (GAP + self.added if self.brief else 0)

    @property
    def height(self) -> int:
        """Lines wanted."""
        return min(1 + len(self.entries), MOST)

    def lines(self, room: int | None = None) -> list[Text]:
        """Draw it in `room` lines, but never less than its least."""
        count = len(self.entries) - 1
        seen = range(count)
        room = self.height if room is None else room
        if 1 + len(self.entries) > room:
            cursor = self.cursor or 0
            seen = crop(count, range(cursor, cursor + 1), room - LEAST + 1)
        label = self.look.style("label")
        running = Text(" " + _("running") + " ", label)
        lines = [self._line("", "", Text(_("sum"), label), running)]
        lines += [self._entry(k) for k in seen]
        if len(seen) < count:
            note = self.look.plain("  … " + part_seen(_("parts"), seen, count, one=_("part")))
            lines.append(Text(note, self.look.style("note")))
        return [*lines, self._entry(count)]

    def _entry(self, k: int) -> Text:
        entry, look = self.entries[k], self.look
        before, after = look.marks(entry.role)
        running = Text.assemble(
            before, look.plain(entry.running), after, style=look.style(entry.role)
        )
        pending = entry.added == GLYPHS["pending"]
        added = Text(look.plain(entry.added), look.style("pending" if pending else "product"))
        pointer = look.plain("▸") if k == self.cursor else ""
        return self._line(pointer, look.plain(entry.name), added, running)

    def _line(self, pointer: str, name: str, added: Text, running: Text) -> Text:
        """Set one line; `running` has a blank, or a mark, on both sides."""
        line = Text(no_wrap=True, overflow="crop")
        line.append(pointer.ljust(2) + name, self.look.style("label"))
        line.append(" " * (self.names - cell_len(name)))
        if not self.brief:
            line.append(" " * (GAP + self.added - added.cell_len)).append_text(added)
        line.append(" " * (GAP + self.running + 1 - running.cell_len))
        return line.append_text(running)


def ledger(reading: Reading, look: Look, width: int, *, pointer: bool = True) -> Ledger:
    """Return the ledger of a placement: a line for each part of its sum, and the bias.

    A pointer marks the part that is looked at.
    """
    write, digits = reading.figures.result, reading.figures.result_width
    products = reading.products.reshape(reading.parts, -1)
    with np.errstate(all="ignore"):
        added = products.sum(axis=-1, dtype=products.dtype).tolist()
    running = reading.sums.reshape(reading.parts, -1)[:, -1].tolist()
    entries = [
        _entry(reading, part, name, *sums)
        for part, (name, *sums) in enumerate(zip(part_names(reading), added, running, strict=True))
    ]
    output, role = GLYPHS["pending"], "pending"
    if reading.finished:
        output, role = write(reading.placement.output), "sum"
    entries.append(Entry(_("bias"), write(reading.placement.bias), output, role))
    return Ledger(entries, reading.part if pointer else None, digits + 1, look, width)


def sum_lines(reading: Reading, look: Look, end: int, width: int) -> list[Text]:
    """Write the sum, the bias and the output: ``sum -42  + bias 0  =  -42``, ending at `end`."""
    write, label = reading.figures.result, look.style("label")
    output, role = look.plain(GLYPHS["pending"]), "pending"
    if reading.finished:
        output, role = write(reading.placement.output), "sum"
    name = _("sum") if reading.finished else _("sum so far")
    line = Text(no_wrap=True, overflow="crop")
    line.append(name + " ", label).append(write(reading.sum), look.style("sum"))
    line.append("  + " + _("bias") + " ", label)
    line.append(write(reading.placement.bias), look.style("bias"))
    line.append("  =  ", label).append(output, look.style(role))
    if line.cell_len > width:
        return flow(line.plain.split("  "), width, look.style("sum"), gap=2)
    return indented([line], max(min(end, width) - line.cell_len, 0))


def _entry(reading: Reading, part: int, name: str, added: Any, running: Any) -> Entry:
    write, pending = reading.figures.result, GLYPHS["pending"]
    each = reading.trace.geometry.terms // reading.parts
    here = reading.term is not None and part == reading.part
    if here:
        running = reading.sum
    if not reading.reached((part + 1) * each - 1):
        return Entry(
            name, pending, *((write(running), "current") if here else (pending, "pending"))
        )
    return Entry(name, write(added), write(running), "current" if here else "sum")


def part_names(reading: Reading) -> list[str]:
    """Name the parts of a sum: by channel, by depth, or by both."""
    placement = reading.placement
    channels = [_("channel {channel}").format(channel=c) for c in placement.input_channels]
    if reading.shape[1] == 1:
        return channels
    axis = reading.trace.geometry.embedded[0]
    slices = [depth_name(axis, int(p)) for p in axis.window(embed(placement.position)[0])]
    if len(channels) == 1:
        return slices
    return [f"{channel}  {name}" for channel in channels for name in slices]
