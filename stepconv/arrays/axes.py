"""Axes of length 1 for batch and channels, where an array was given without them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from stepconv.errors import InputError, ShapeError

Array = NDArray[Any]


def with_input_axes(array: Array, rank: int) -> Array:
    """Return `array` as (N, C, *spatial), the missing axes of length 1.

    >>> import numpy as np
    >>> with_input_axes(np.ones((2, 2)), 1).shape
    (1, 2, 2)
    """
    if not rank <= array.ndim <= rank + 2:
        raise ShapeError(
            "input {shape} has {got} axes; for a kernel that moves along {rank} it has {rank} to"
            " {most}: (N, C, …) with the channels and samples in front",
            shape=array.shape,
            got=array.ndim,
            rank=rank,
            most=rank + 2,
        )
    return array.reshape((1,) * (rank + 2 - array.ndim) + array.shape)


def with_weight_axes(array: Array, rank: int, transposed: bool) -> Array:
    """Return `array` as a weight: the axis of the output channels, then both, of length 1.

    >>> import numpy as np
    >>> with_weight_axes(np.ones((2, 3)), 1, False).shape
    (1, 2, 3)
    >>> with_weight_axes(np.ones((2, 3)), 1, True).shape
    (2, 1, 3)
    """
    missing = rank + 2 - array.ndim
    if not 0 <= missing <= 2:
        raise ShapeError(
            "kernel {shape} has {got} axes; moving along {rank} it has {rank} to {most}: first"
            " the channels, if any, then one axis for each way it moves",
            shape=array.shape,
            got=array.ndim,
            rank=rank,
            most=rank + 2,
        )
    if missing == 1 and transposed:
        return array[:, None]
    return array.reshape((1,) * missing + array.shape)


def rank_of(kernel: Array) -> int:
    """Return the rank that a kernel's axes tell: up to three move, four and five are weights.

    >>> import numpy as np
    >>> rank_of(np.ones((2, 3))), rank_of(np.ones((8, 3, 2, 2)))
    (2, 2)
    """
    if kernel.ndim > 5:
        raise InputError(
            "kernel {shape} has {got} axes; a kernel has 1 to 3, a weight with its channels up to"
            " 5",
            shape=kernel.shape,
            got=kernel.ndim,
        )
    return kernel.ndim if kernel.ndim <= 3 else kernel.ndim - 2
