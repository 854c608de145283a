"""How arrays reach compiled kernels."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv.kernels.compiling import argument_types, compiled, compiled_for, specialised
from stepconv.kernels.flat import Flat, flat

pytestmark = pytest.mark.compiled


@compiled
def _digest(numbers: Any, sums: Any) -> int:
    for k in range(len(numbers)):
        sums[0] += (k + 1) * numbers[k]
    sums[1] += numbers.size + numbers.shape[0] + numbers.strides[0] + numbers.itemsize
    return len(numbers)


@compiled
def _outer(numbers: Any, sums: Any) -> int:
    return _digest(numbers, sums)  # type: ignore[no-any-return]  # Numba is untyped


def _check(entry: Any, array: np.ndarray[Any, Any]) -> None:
    sums = np.zeros(2, array.dtype)
    assert entry(array, sums) == array.size
    assert sums[0] == (np.arange(1, array.size + 1) * array.reshape(-1)).sum()
    assert sums[1] == 2 * array.size + 2 * array.itemsize


@given(st.lists(st.integers(0, 4), max_size=6), st.sampled_from(["f8", "i8"]), st.booleans())
def test_any_shape_is_one_row(shape: list[int], dtype: str, writeable: bool) -> None:
    array = np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape)
    array.flags.writeable = writeable
    row = np.empty(0, dtype)
    _check(specialised(_digest, row, row), array)


def test_views_and_axes_of_one_cell_are_read_in_their_place() -> None:
    numbers = np.arange(24.0)
    entry = specialised(_digest, numbers, numbers)
    _check(entry, numbers[5:11].reshape(2, 1, 3))
    odd = np.lib.stride_tricks.as_strided(numbers, (1, 4), (1, 8))  # any stride will do for 1 cell
    assert odd.flags.c_contiguous
    _check(entry, odd)


def test_arrays_live_as_long_as_before() -> None:
    from sys import getrefcount

    array, sums = np.ones((2, 3)), np.zeros(2)
    counts = getrefcount(array), getrefcount(sums)
    for _ in range(3):
        specialised(_digest, sums, sums)(array, sums)
    assert (getrefcount(array), getrefcount(sums)) == counts


def test_kernels_are_called_with_either_kind() -> None:
    """A function compiled for one kind serves the other, from Python and from compiled code."""
    row: Any = numba.float64[::1]
    assert flat(row) == Flat(row.dtype) != row
    assert flat(row).name != row.name
    assert repr(flat(row)) != repr(row)
    for kinds in ((flat(row), flat(row)), (row, row)):
        entry = compiled_for(_outer, kinds)
        assert argument_types(entry) == kinds
        _check(entry, np.arange(5.0))
    _check(_digest, np.arange(7.0))


def test_only_contiguous_rows_are_flat() -> None:
    for kind in (numba.float64[:], numba.float64[:, ::1], numba.int64, numba.types.none):
        assert flat(kind) is kind
    assert specialised(_digest, np.empty(0), np.empty(0))(np.empty((2, 0)), np.empty(2)) == 0
