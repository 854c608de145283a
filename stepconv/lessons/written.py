"""Results as a learner reads and writes them: no ``array(…)``, no trailing zeros."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.classroom.answers import bare
from stepconv.language import _
from stepconv.lessons.functions import Exact

DIGITS = 6
"""Significant digits of a number that is not whole; ``exact(x)`` shows them all."""


def written(value: Any, digits: int = DIGITS) -> str:
    """Return `value` as prose has it.

    Arrays are in the form that the command line takes, without leading axes of length 1;
    tuples, which are shapes and places, are in brackets; lists are parted by commas.

    >>> written(np.array([[[2, 3, 3, 2]]])), written(np.array([[1.5, 2], [3, 4]]))
    ('2 3 3 2', '1.5 2; 3 4')
    >>> written((6, 3, 5)), written([3, 7, 15]), written(1 / 3), written(4.0), written(True)
    ('(6, 3, 5)', '3, 7, 15', '0.333333', '4', 'True')
    """
    if isinstance(value, np.ndarray):
        return _array(bare(value), digits)
    if isinstance(value, tuple):
        inside = ", ".join(written(one, digits) for one in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, list):
        nested = any(isinstance(one, list) for one in value)
        parts = [written(one, digits) for one in value]
        return ("; " if nested else ", ").join(parts) if parts else _("none")
    return _number(value, digits)


def columns(text: str) -> int:
    """Return how many columns `text` takes on a terminal.

    >>> columns("conv"), columns("卷积")
    (4, 4)
    """
    return sum(
        0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF")
        for mark in text
    )


def _array(array: NDArray[Any], digits: int) -> str:
    if array.ndim == 0:
        return _number(array.item(), digits)
    if array.size == 0:
        return _("none")
    if array.ndim == 1:
        return " ".join(_number(one, digits) for one in array)
    parts = [_array(one, digits) for one in array]
    return (
        {2: "; ", 3: " | "}[array.ndim].join(parts) if array.ndim < 4 else f"[{', '.join(parts)}]"
    )


def _number(value: Any, digits: int) -> str:
    if isinstance(value, Exact):
        return repr(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, complex):
        sign = "" if value.imag < 0 else "+"
        return f"{_number(value.real, digits)}{sign}{_number(value.imag, digits)}j"
    if not isinstance(value, float):
        return str(value)
    if value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return f"{value:.{digits}g}"
