"""Work: small matrices worked out side by side, ``window × kernel = products``.

Where they are too wide for the screen, each row of the kernel is worked out on its own,
one matrix under the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from stepconv.language import _
from stepconv.views.parts.grid import Rows, crop, part_seen
from stepconv.views.parts.layout import beside, flow
from stepconv.views.theme import Look

GAP = 2
GAPS = (GAP, 1)
"""Blanks between matrices: two, or one where space is short."""


@dataclass(frozen=True)
class Matrix:
    """One matrix of the work.

    Attributes
    ----------
    name : str
    rows : sequence of sequences of Cell
    digits : int
        Width of its numbers, in this step and in every other.
    sign : str
        What stands before it.
    total : bool
        Whether it is a single column of sums, which end where its name ends.
    """

    name: str
    rows: Rows
    digits: int
    sign: str = ""
    total: bool = False

    @property
    def columns(self) -> int:
        """Cells in a row."""
        return len(self.rows[0])

    def span(self, columns: int) -> int:
        """Width of some columns: blanks, or marks, stand between the numbers and at both ends."""
        return columns * (self.digits + 1) + 1

    @property
    def width(self) -> int:
        """Width of the whole, name included."""
        return max(self.span(self.columns), cell_len(self.name) + 2)


class Work:
    """Matrices with alike rows, the totals last.

    Parameters
    ----------
    matrices : sequence of Matrix
    look : Look
    cursor : (int, int), optional
        Row and column of the current term.
    """

    def __init__(
        self, matrices: Sequence[Matrix], look: Look, cursor: tuple[int, int] | None = None
    ) -> None:
        self.matrices = matrices
        self.look = look
        self.cursor = cursor or (0, 0)
        self.wide = [matrix for matrix in matrices if not matrix.total]
        self.totals = [matrix for matrix in matrices if matrix.total]

    def width(self, most: int) -> int:
        """Width of all, side by side, where that is within `most`; else all of it."""
        wanted = [self._width(gap) for gap in GAPS]
        return next((one for one in wanted if one <= most), most)

    def _width(self, gap: int) -> int:
        blocks = [m.width for m in self.matrices]
        blocks += [cell_len(m.sign) for m in self.matrices if m.sign]
        return sum(blocks) + gap * (len(blocks) - 1)

    def lines(self, width: int, room: int | None = None) -> list[Text]:
        """Draw within `width` cells and, as far as one row of work allows, `room` lines."""
        count = len(self.wide[0].rows)
        gap = next((gap for gap in GAPS if self._width(gap) <= width), 0)
        stacked = not gap
        columns = self._columns(width) if stacked else range(self.wide[0].columns)
        each, extra = (len(self._stack(0, columns, width)), 0) if stacked else (1, 1)
        notes = _part(_("column"), _("columns"), columns, self.wide[0].columns)
        rows = range(count)
        if room is not None and count * each + extra + len(notes) > room:
            rows = crop(
                count, range(self.cursor[0], self.cursor[0] + 1), (room - extra - 1) // each
            )
            notes = _part(_("row"), _("rows"), rows, count) + notes
        if stacked:
            drawn = [line for row in rows for line in self._stack(row, columns, width)]
        else:
            drawn = self._side_by_side(rows, gap)
        if notes:
            note = self.look.plain("… " + "   ".join(notes))
            drawn += flow([note], width, self.look.style("note"))
        return drawn

    def least_height(self, width: int) -> int:
        """Lines that a single row of work takes, with the note on the others."""
        return len(self.lines(width, room=0))

    # -- side by side -------------------------------------------------------------------

    def _side_by_side(self, seen: range, gap: int) -> list[Text]:
        blocks: list[list[Text]] = []
        widths: list[int] = []
        for matrix in self.matrices:
            if matrix.sign:
                sign = Text(self.look.plain(matrix.sign), self.look.style("label"))
                blocks.append([Text()] * (1 + len(seen) // 2) + [sign])
                widths.append(sign.cell_len)
            before = matrix.width - 1 - cell_len(matrix.name) if matrix.total else 1
            name = Text(" " * before + matrix.name, self.look.style("label"))
            blank = " " * (matrix.width - matrix.span(1) if matrix.total else 0)
            columns = range(matrix.columns)
            blocks.append([name, *(self._row(matrix, row, columns, blank) for row in seen)])
            widths.append(matrix.width)
        return beside(blocks, widths, gap)

    def _row(self, matrix: Matrix, row: int, columns: range, blank: str = "") -> Text:
        """Draw numbers; neighbours share the cell between them, which holds one mark at most."""
        line = Text(blank, no_wrap=True, overflow="crop")
        behind, style = " ", ""
        for cell in matrix.rows[row][columns.start : columns.stop]:
            before, after = self.look.marks(cell.role)
            own = self.look.style(cell.role)
            line.append(*((before, own) if behind == " " else (behind, style)))
            line.append(" " * (matrix.digits - cell_len(cell.text)) + cell.text, own)
            behind, style = after, own
        return line.append(behind, style)

    # -- one under the other --------------------------------------------------------------

    def _columns(self, width: int) -> range:
        room = width - self._indent - 1
        digits = max(matrix.digits for matrix in self.wide)
        column = range(self.cursor[1], self.cursor[1] + 1)
        return crop(self.wide[0].columns, column, room // (digits + 1))

    @property
    def _indent(self) -> int:
        return self._signs + 1 + max(cell_len(m.name) for m in self.wide) + GAP

    @property
    def _signs(self) -> int:
        return max(1, *(cell_len(matrix.sign) for matrix in self.wide))

    def _stack(self, row: int, columns: range, width: int) -> list[Text]:
        """Draw one row of the work, a line for each matrix, and behind them its sums."""
        digits = max(matrix.digits for matrix in self.wide)
        lines = []
        for matrix in self.wide:
            name = self.look.plain(f"{matrix.sign:>{self._signs}} {matrix.name}")
            line = Text(name + " " * (self._indent - cell_len(name)), self.look.style("label"))
            alike = Matrix("", matrix.rows, digits)
            lines.append(Text().append_text(line).append_text(self._row(alike, row, columns)))
        totals = [self._total(matrix, row) for matrix in self.totals]
        if lines[-1].cell_len + sum(GAP + total.cell_len for total in totals) > width:
            lines.append(Text(" " * (self._indent - GAP)))
        for total in totals:
            if lines[-1].cell_len + GAP + total.cell_len > width:
                lines.append(Text())
            lines[-1].append(" " * GAP).append_text(total)
        return lines

    def _total(self, matrix: Matrix, row: int) -> Text:
        name = Text().append(matrix.name, self.look.style("label"))
        return name.append_text(self._row(matrix, row, range(1)))


def _part(one: str, several: str, seen: range, count: int) -> list[str]:
    if len(seen) == count:
        return []
    return [part_seen(several, seen, count, one=one)]
