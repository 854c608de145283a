"""The functions that expressions may call, on numbers, lists and arrays alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stepconv.errors import InputError

LARGEST_POWER = 1000
"""Bits that a power may have: nobody reads longer numbers, and they take time."""


class Exact(float):
    """A number to be written with all its digits.

    >>> Exact(0.1 + 0.2), f"{Exact(0.1 + 0.2):.3f}"
    (0.30000000000000004, '0.300')
    """


def times(one: Any, other: Any) -> Any:
    """Multiply numbers and arrays: never a list or a text, which would repeat it."""
    if isinstance(one, str | list | tuple) or isinstance(other, str | list | tuple):
        raise InputError("* multiplies numbers and arrays alone")
    return one * other


def power(base: Any, exponent: Any) -> Any:
    """Raise to a power, unless the result would have thousands of digits."""
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent * max(abs(base), 1).bit_length() > LARGEST_POWER:
            raise InputError("the power is too large to be read")
    elif isinstance(base, str | list | tuple):
        raise InputError("** is for numbers and arrays alone")
    return base**exponent


def _exact(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_exact(one) for one in value.tolist()] if value.ndim else _exact(value.item())
    if isinstance(value, np.floating):
        return Exact(str(value))  # a float32 has fewer digits than Python's floats
    return Exact(value)


def _length(value: Any) -> int:
    return len(value)


def _rounded(value: Any, digits: int = 0) -> Any:
    if isinstance(value, np.ndarray | list | tuple):
        return np.round(np.asarray(value, np.float64), digits)
    return round(float(value), digits) if digits else round(value)


def _absolute(value: Any) -> Any:
    return np.abs(value) if isinstance(value, np.ndarray) else abs(value)


def _folded(whole: Callable[[Any], Any], few: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of one array or list, all of it, or of several numbers."""

    def fold(*values: Any) -> Any:
        if len(values) > 1:
            return few(values)
        result = whole(np.asarray(values[0]))
        return result.item() if isinstance(values[0], list | tuple) else result

    return fold


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": _absolute,
    "all": _folded(np.all, all),
    "any": _folded(np.any, any),
    "exact": _exact,
    "len": _length,
    "max": _folded(np.max, max),
    "min": _folded(np.min, min),
    "prod": _folded(np.prod, math.prod),
    "round": _rounded,
    "sum": _folded(np.sum, sum),
}
