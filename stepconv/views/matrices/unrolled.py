"""Unrolled: what of a trace stands where in its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from stepconv.matrix import UnrolledMatrix, unrolled_matrix
from stepconv.record import Placement, Stamp, Trace


class Unrolled:
    """The matrix of a trace, with the vectors it joins and the place of one step.

    Parameters
    ----------
    trace : Trace
    index : int, optional
        The step that is shown.
    term : int, optional
        The term within it.
    transpose : bool
        Take the transpose of the matrix.

    Attributes
    ----------
    matrix : UnrolledMatrix
    step : Placement, Stamp or None
    row, column : int or None
        The row of a placement; the column of a stamp.
    hit : (int, int) or None
        Row and column of the term's entry.
    """

    def __init__(
        self,
        trace: Trace,
        index: int | None = None,
        term: int | None = None,
        *,
        transpose: bool = False,
    ) -> None:
        self.trace = trace
        self.transpose = transpose
        forward = matrix_of(trace)
        self.matrix = forward.T if transpose else forward
        self.step: Placement | Stamp | None = None if index is None else trace[index]
        self.row: int | None = None
        self.column: int | None = None
        self.hit: tuple[int, int] | None = None
        if isinstance(self.step, Placement):
            self.row = self._row(self.step.output_index)
        elif self.step is not None:
            self.column = self._column(self.step.input_index)
        if self.step is not None and term is not None:
            one = self.step.terms[term]
            if one.input is not None and one.output is not None:
                self.hit = self._row(one.output), self._column(one.input)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.matrix.shape

    @property
    def sample(self) -> int:
        """The sample whose vectors are shown."""
        if self.step is None:
            return self.trace.region[0].start
        at = self.step.output_index if isinstance(self.step, Placement) else self.step.input_index
        return at[0]

    @cached_property
    def vectors(self) -> tuple[list[Any], list[Any]]:
        """What the matrix is multiplied with, and the result; None where nothing is traced."""
        if not self.transpose:
            return list(self.trace.batched_input[self.sample].reshape(-1)), self._sums
        return self._sums, list(self.matrix @ np.array(self._sums))

    @cached_property
    def active(self) -> set[int]:
        """The columns that the step is about."""
        if self.column is not None:
            return {self.column}
        return set() if self.row is None else set(self.entries(self.row))

    @cached_property
    def reached(self) -> tuple[range, range]:
        """Rows and columns to keep in sight."""
        if self.hit:
            return range(self.hit[0], self.hit[0] + 1), range(self.hit[1], self.hit[1] + 1)
        if self.column is not None:
            rows = self.matrix.row[self.matrix.column == self.column]
            return _span(rows.tolist()), range(self.column, self.column + 1)
        return _span([] if self.row is None else [self.row]), _span(self.active)

    @cached_property
    def unused(self) -> set[int]:
        """Columns without an entry: input cells that no placement reaches."""
        if self.transpose:
            return set()
        counts = np.bincount(self.matrix.column, minlength=self.shape[1])
        return set(np.flatnonzero(counts == 0).tolist())

    def entries(self, row: int) -> dict[int, list[int]]:
        """Return the entries of a row by column: several where a border copies a cell."""
        first, end = np.searchsorted(self.matrix.row, [row, row + 1]).tolist()
        found: dict[int, list[int]] = {}
        for k, column in enumerate(self.matrix.column[first:end].tolist(), first):
            found.setdefault(column, []).append(k)
        return found

    def row_label(self, row: int) -> str:
        """Name the cell that a row stands for."""
        return _label("x" if self.transpose else "y", row, self.matrix.row_shape)

    def column_label(self, column: int) -> str:
        """Name the cell that a column stands for."""
        return _label("y" if self.transpose else "x", column, self.matrix.column_shape)

    def weight_name(self, entry: int) -> str:
        """Name the weight of an entry by its index, without the axes of length 1.

        In rank 1 it counts from 1, as in the table worked by hand.
        """
        shape = self.matrix.geometry.weight_shape
        index = np.unravel_index(int(self.matrix.weight_index[entry]), shape)
        kept = [int(k) for k, size in zip(index[:2], shape[:2], strict=True) if size > 1]
        kept += [int(k) for k in index[2:]]
        if len(kept) == 1:
            return f"w{kept[0] + 1}"
        return "w" + ("" if max(shape) <= 10 else ",").join(map(str, kept))

    @cached_property
    def _sums(self) -> list[Any]:
        """W·x, row by row of W."""
        trace, shape = self.trace, matrix_of(self.trace).row_shape
        numbers = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        rows = numbers[np.ix_(*trace.region[1:])].reshape(-1).tolist()
        sums = trace.sums[:, -1].reshape([len(span) for span in trace.region])
        found: list[Any] = [None] * numbers.size
        for row, value in zip(rows, sums[self.sample - trace.region[0].start].flat, strict=True):
            found[row] = value
        return found

    def _row(self, output: Sequence[int]) -> int:
        return int(np.ravel_multi_index(tuple(output[1:]), self.matrix.row_shape))

    def _column(self, input: Sequence[int]) -> int:
        return int(np.ravel_multi_index(tuple(input[1:]), self.matrix.column_shape))


def matrix_of(trace: Trace) -> UnrolledMatrix:
    """Return the matrix of a trace's convolution, laid out once.

    >>> from stepconv import trace
    >>> matrix_of(trace([[1, 2, 3]], [[[1, 10]]])).shape
    (2, 3)
    """
    if trace not in _KNOWN:
        spec, geometry = trace.spec, trace.geometry
        _KNOWN[trace] = unrolled_matrix(
            (geometry.in_channels, *geometry.input_size),
            trace.weight,
            stride=spec.stride,
            padding=spec.padding,
            dilation=spec.dilation,
            groups=spec.groups,
            padding_mode=spec.padding_mode,
            transposed=spec.transposed,
            output_padding=tuple(axis.output_padding for axis in geometry.axes),
        )
    return _KNOWN[trace]


_KNOWN: WeakKeyDictionary[Trace, UnrolledMatrix] = WeakKeyDictionary()


def _label(letter: str, number: int, shape: Sequence[int]) -> str:
    if len(shape) == 2 and shape[0] == 1:
        return f"{letter}{number + 1}"
    index = np.unravel_index(number, tuple(shape))[0 if shape[0] > 1 else 1 :]
    return ",".join(str(int(k)) for k in index)


def _span(numbers: Any) -> range:
    return range(min(numbers), max(numbers) + 1) if numbers else range(0)
