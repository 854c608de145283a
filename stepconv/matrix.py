"""A convolution as the sparse matrix it is.

Flattened, the output of a convolution is a matrix times the flattened input: one
row for each output cell, one column for each input cell, and a weight wherever a
tap of the one lies on the other. The transposed convolution is the product with the
transpose of that matrix (Dumoulin & Visin, arXiv:1603.07285, section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stepconv.errors import DtypeError, ShapeError
from stepconv.geometry import Axis, Geometry
from stepconv.operands import Array, as_array, check_weight_axes, memory, result_dtype
from stepconv.spec import ConvSpec
from stepconv.values import Ints, Padding

LARGEST_MATRIX = 2**31
"""Bytes that a matrix may take, where the machine has four times as many."""

_ENTRY_BYTES = 96  # row, column, value and weight, and as much again twice while sorting


class Entry(NamedTuple):
    """One entry: its row and column, the index of its weight, and that weight's value."""

    row: int
    column: int
    weight_index: tuple[int, ...]
    value: Any


@dataclass(frozen=True, eq=False)
class UnrolledMatrix:
    """The sparse matrix of a convolution, for one sample: see `unrolled_matrix`.

    ``matrix @ x`` multiplies a flattened input, or several as columns; ``matrix.T``
    is the transpose; ``len(matrix)`` counts the entries.

    Attributes
    ----------
    geometry : Geometry
        The convolution whose matrix this is, or whose matrix was transposed.
    row_shape, column_shape : tuple of int
        (C, *spatial) of the cells that the rows and the columns stand for:
        ``numpy.unravel_index(row, matrix.row_shape)`` is the cell of a row.
    row, column : ndarray, (entries,)
        Where each entry stands; sorted by row, within a row in the order of the sum.
    value : ndarray, (entries,)
        The weight at each entry.
    weight_index : ndarray, (entries,)
        Which weight it is: its place in the flattened weight.
    """

    geometry: Geometry
    row_shape: tuple[int, ...]
    column_shape: tuple[int, ...]
    row: Array = field(repr=False)
    column: Array = field(repr=False)
    value: Array = field(repr=False)
    weight_index: Array = field(repr=False)

    __array_ufunc__ = None  # so that `array @ matrix` comes here

    def __post_init__(self) -> None:
        for array in (self.row, self.column, self.value, self.weight_index):
            array.flags.writeable = False

    @property
    def shape(self) -> tuple[int, int]:
        """(C_out·∏output, C_in·∏input)."""
        return prod(self.row_shape), prod(self.column_shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the entries."""
        return self.value.dtype

    @property
    def T(self) -> UnrolledMatrix:
        """The transpose."""
        order = np.argsort(self.column, kind="stable")
        return UnrolledMatrix(
            self.geometry,
            row_shape=self.column_shape,
            column_shape=self.row_shape,
            row=self.column[order],
            column=self.row[order],
            value=self.value[order],
            weight_index=self.weight_index[order],
        )

    def __len__(self) -> int:
        return len(self.row)

    def __bool__(self) -> bool:
        return True  # a matrix without entries is one too

    def __matmul__(self, other: ArrayLike) -> Array:
        columns = as_array("x", other)
        if columns.ndim not in (1, 2) or len(columns) != self.shape[1]:
            raise ShapeError(
                "x {shape} does not fit the {rows}x{columns} matrix, which takes ({columns},) or"
                " ({columns}, k); flatten one sample with x.reshape(-1)",
                shape=columns.shape,
                rows=self.shape[0],
                columns=self.shape[1],
            )
        dtype = result_dtype(self.value, columns)
        working = np.dtype(np.float32) if dtype == np.float16 else dtype
        if dtype == np.int64:
            self._check_integer_range(columns)
        columns = columns.astype(working)
        result = np.zeros((self.shape[0], *columns.shape[1:]), working)
        values = self.value.astype(working)
        with np.errstate(all="ignore"):  # as silent as the kernels about infinities
            for k in np.ndindex(columns.shape[1:]):
                # Entry by entry, so that the sums are the convolution's own, in their order.
                np.add.at(result[:, *k], self.row, values * columns[self.column, *k])
        return result.astype(dtype, copy=False)

    def __rmatmul__(self, other: ArrayLike) -> Array:
        rows = as_array("x", other)
        return (self.T @ rows.T).T

    def toarray(self) -> Array:
        """Return the matrix with all its zeros.

        Where a border copies one input cell under several taps, the entries add up.

        Raises
        ------
        ShapeError
            When it would take more than 2 GiB or a quarter of the memory.
        """
        rows, columns = self.shape
        _check_size(rows * columns * self.dtype.itemsize, self.shape, rows * columns)
        dense = np.zeros(self.shape, self.dtype)
        np.add.at(dense, (self.row, self.column), self.value)
        return dense

    def row_terms(self, row: int) -> list[Entry]:
        """Return the entries of one row, in the order of the sum.

        Raises
        ------
        ShapeError
            When there is no such row.
        """
        if not 0 <= row < self.shape[0]:
            raise ShapeError(
                "row {row} is not in the matrix, whose rows are 0 to {last}",
                row=row,
                last=self.shape[0] - 1,
            )
        first, end = np.searchsorted(self.row, [row, row + 1])
        return list(self._entries(slice(first, end)))

    def to_csv(self) -> str:
        """Return the entries as CSV: row, column, place in the flattened weight, value."""
        lines = ["row,column,weight,value"]
        rows = zip(self.row, self.column, self.weight_index, self.value.tolist(), strict=True)
        lines += [f"{r},{c},{w},{str(value).strip('()')}" for r, c, w, value in rows]
        return "\n".join(lines) + "\n"

    def _entries(self, part: slice) -> Iterator[Entry]:
        weights = np.unravel_index(self.weight_index[part], self.geometry.weight_shape)
        places = np.stack(weights, axis=1).tolist()
        rows = zip(self.row[part], self.column[part], places, self.value[part], strict=True)
        for row, column, place, value in rows:
            yield Entry(int(row), int(column), tuple(place), value)

    def _check_integer_range(self, columns: Array) -> None:
        longest = int(np.bincount(self.row).max(initial=0))
        worst = longest * _largest(self.value) * _largest(columns)
        if worst >= 2**63:
            raise DtypeError(
                "the sums could reach {worst}, beyond int64; convert the input to float64",
                worst=worst,
            )


def unrolled_matrix(
    input_shape: Sequence[int],
    weight: ArrayLike,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    transposed: bool = False,
    output_padding: Ints = 0,
    output_size: Ints | None = None,
) -> UnrolledMatrix:
    """Return the matrix by which a convolution multiplies its flattened input.

    Parameters
    ----------
    input_shape : tuple of int
        (C_in, *spatial), or (N, C_in, *spatial): the matrix is that of one sample.
    weight : array_like
        As for `stepconv.conv`; its number of axes decides the rank.
    stride, padding, dilation, groups, padding_mode, transposed, output_padding, output_size
        As for `stepconv.conv`.

    Returns
    -------
    UnrolledMatrix
        (C_out·∏output, C_in·∏input). A tap on a zero of the padding has no entry, a
        weight that is 0 has one.

    Raises
    ------
    ShapeError
        When the shapes do not fit, or the matrix would take more than 2 GiB or a
        quarter of the memory, before any is taken.
    SpecError, DtypeError
        As for `stepconv.conv`.

    Examples
    --------
    >>> matrix = unrolled_matrix((1, 4), [[[1, 2, 3]]], padding=1)
    >>> matrix.toarray()
    array([[2, 3, 0, 0],
           [1, 2, 3, 0],
           [0, 1, 2, 3],
           [0, 0, 1, 2]])
    >>> matrix @ [1, 1, 1, 1], matrix.T @ [1, 0, 0, 0]
    (array([5, 6, 6, 3]), array([2, 3, 0, 0]))
    """
    kernels = as_array("weight", weight)
    check_weight_axes(kernels.shape)
    spec = ConvSpec(
        kernels.shape[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        transposed=transposed,
        output_padding=output_padding,
    )
    geometry = replace(spec.bind(input_shape, kernels.shape, output_size), batch=None)
    return _unroll(geometry, kernels.astype(result_dtype(kernels), copy=False).reshape(-1))


def _unroll(geometry: Geometry, weights: Array) -> UnrolledMatrix:
    """Lay out the entries: by row, then by input channel, then as the window is read."""
    outputs, taps, inputs = _pairs(geometry)
    out_channel = np.arange(geometry.out_channels)[:, None, None]
    own = np.arange(geometry.group_inputs)[:, None]
    in_channel = out_channel // geometry.group_outputs * geometry.group_inputs + own
    first, second = out_channel, own
    if geometry.transposed:
        first, second = in_channel, out_channel % geometry.group_outputs
        taps = prod(geometry.kernel_size) - 1 - taps  # the kernel turned on every axis
    kernel = first * geometry.weight_shape[1] + second
    row, column, weight_index = (
        each.reshape(-1)
        for each in np.broadcast_arrays(
            out_channel * prod(geometry.output_size) + outputs,
            in_channel * prod(geometry.input_size) + inputs,
            kernel * prod(geometry.kernel_size) + taps,
        )
    )
    order = np.argsort(row, kind="stable")
    weight_index = weight_index[order]
    return UnrolledMatrix(
        geometry,
        row_shape=geometry.output_shape,
        column_shape=geometry.input_shape,
        row=row[order],
        column=column[order],
        value=weights[weight_index],
        weight_index=weight_index,
    )


def _pairs(geometry: Geometry) -> tuple[Array, Array, Array]:
    """Return flat output cell, window tap and input cell wherever a tap lies on the input."""
    shape = prod(geometry.output_shape), prod(geometry.input_shape)
    tables = prod(geometry.output_size) + sum(a.output_size * a.kernel_size for a in geometry.axes)
    _check_size(tables * _ENTRY_BYTES, shape, tables)
    outputs, taps, inputs = zip(*map(_hits, geometry.axes), strict=True)
    channels = geometry.out_channels * geometry.group_inputs
    entries = channels * prod(len(part) for part in outputs)
    _check_size(entries * _ENTRY_BYTES, shape, entries)
    return (
        _combined(outputs, geometry.output_size),
        _combined(taps, geometry.kernel_size),
        _combined(inputs, geometry.input_size),
    )


def _hits(axis: Axis) -> tuple[Array, Array, Array]:
    """Return output position, window tap and input position wherever no zero lies there."""
    places = np.arange(axis.output_size)[:, None] * axis.step + axis.window(0)
    sources = axis.source_at(places)
    outputs, taps = np.nonzero(sources >= 0)
    return outputs, taps, sources[outputs, taps]


def _combined(parts: Sequence[Array], sizes: Sequence[int]) -> Array:
    """Return the flat index of every combination of positions along the axes."""
    flat = np.zeros(1, np.int64)
    for part, size in zip(parts, sizes, strict=True):
        flat = (flat[:, None] * size + part).reshape(-1)
    return flat


def _largest(array: Array) -> int:
    return max(-int(array.min()), int(array.max())) if array.size else 0


def _check_size(needed: int, shape: tuple[int, int], count: int) -> None:
    limit = min(LARGEST_MATRIX, memory() // 4)
    if needed > limit:
        raise ShapeError(
            "the {rows}x{columns} matrix would hold {count} numbers in {size} MB, more than the"
            " {limit} MB allowed; use a smaller input or fewer channels",
            rows=shape[0],
            columns=shape[1],
            count=count,
            size=needed >> 20,
            limit=limit >> 20,
        )
