"""Window: the part of a sum that is looked at, ``window × kernel = products``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stepconv.language import _
from stepconv.views.parts.grid import Cell, Rows
from stepconv.views.steps.reading import Array, Reading
from stepconv.views.steps.slices import GLYPHS, has_copies, tail
from stepconv.views.steps.work import Matrix, Work
from stepconv.views.theme import Look


def window_work(reading: Reading, look: Look, part: int | None = None) -> Work:
    """Return the work of a part: its products, the sums of its rows, the running sum.

    Without a number it is the part that the reading looks at.
    """
    chosen = reading.part if part is None else part
    return Work(_Window(reading, look, chosen).matrices(), look, reading.tap and reading.tap[1:])


class _Window:
    def __init__(self, reading: Reading, look: Look, part: int) -> None:
        self.reading = reading
        self.look = look
        self.at = divmod(part, reading.shape[1])
        self.first = part * reading.shape[2] * reading.shape[3]
        """Number of the part's first term."""

    def matrices(self) -> list[Matrix]:
        reading, mine = self.reading, self.reading.figures
        copies = has_copies(reading.trace.geometry)
        room = len(tail("border", self.look)) if copies else 0
        turned = reading.trace.geometry.transposed
        matrices = [
            Matrix(
                _("window"),
                self._cells(reading.values, lambda value, kind: self._value(value, kind, room)),
                mine.value_width + room,
            ),
            Matrix(
                _("kernel, turned") if turned else _("kernel"),
                self._cells(reading.weights, lambda weight, _kind: (mine.weight(weight), "kernel")),
                mine.weight_width,
                sign="×",
            ),
            Matrix(_("products"), self._products(), mine.product_width, sign="="),
        ]
        if reading.shape[2] > 1:
            matrices.append(Matrix(_("row"), self._rows(), mine.result_width + 1, total=True))
        return [*matrices, Matrix(_("running"), self._running(), mine.result_width, total=True)]

    def _cells(self, array: Array, draw: Callable[[Any, str], tuple[str, str]]) -> Rows:
        """Draw text and role of every tap; the current term's own role goes before."""
        numbers = range(self.first, self.first + array[self.at].size)
        kinds = self.reading.kinds[self.at[1]]
        flat = zip(numbers, array[self.at].reshape(-1).tolist(), kinds.reshape(-1), strict=True)
        cells = []
        for number, value, kind in flat:
            text, role = draw(value, kind)
            cells.append(Cell(text, "current" if number == self.reading.term else role))
        columns = self.reading.shape[3]
        return [cells[k : k + columns] for k in range(0, len(cells), columns)]

    def _value(self, value: Any, kind: str, room: int) -> tuple[str, str]:
        text = GLYPHS.get(kind) or self.reading.figures.value(value)
        return self.look.plain(text) + tail(kind, self.look).ljust(room), kind

    def _products(self) -> Rows:
        """Draw the products that the sum has come to."""
        numbers = iter(range(self.first, self.first + self.reading.products[self.at].size))

        def draw(product: Any, kind: str) -> tuple[str, str]:
            if not self.reading.reached(next(numbers)):
                return self.look.plain(GLYPHS["pending"]), "pending"
            text = self.reading.figures.result(product) if self.reading.is_term(kind) else ""
            return text, "product"

        return self._cells(self.reading.products, draw)

    def _rows(self) -> Rows:
        products = self.reading.products[self.at]
        with np.errstate(all="ignore"):
            sums = products.sum(axis=-1, dtype=products.dtype).tolist()
        return [[self._total(row, value, "product")] for row, value in enumerate(sums)]

    def _running(self) -> Rows:
        sums, tap = self.reading.sums[self.at][:, -1].tolist(), self.reading.tap
        rows = [[self._total(row, value, "sum")] for row, value in enumerate(sums)]
        if tap:
            rows[tap[1]] = [Cell(self.reading.figures.result(self.reading.sum), "current")]
        return rows

    def _total(self, row: int, value: Any, role: str) -> Cell:
        last = self.first + (row + 1) * self.reading.shape[3] - 1
        if not self.reading.reached(last):
            return Cell(self.look.plain(GLYPHS["pending"]), "pending")
        return Cell(self.reading.figures.result(value), role)
