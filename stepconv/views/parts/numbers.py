"""Numbers as they stand in a table: as short as they can be, alike within one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MOST_DECIMALS = 4
Formatter = Callable[[Any], str]


def formatter(*arrays: Any) -> Formatter:
    """Return a function that writes the numbers of `arrays` alike.

    Integers, and floats that are whole, without decimals; else as many decimals as all
    need, at most four; powers of ten where that would hide the number.

    >>> write = formatter([0.5, -1.25])
    >>> write(0.5), write(-1.25)
    ('0.50', '-1.25')
    >>> formatter([1.0, 12.0])(12.0)
    '12'
    """
    flat = [np.asarray(array).reshape(-1) for array in arrays]
    if any(array.dtype.kind == "c" for array in flat):
        parts = formatter(*(part for array in flat for part in (array.real, array.imag)))
        return lambda value: _complex(value, parts)
    if all(array.dtype.kind in "biu" for array in flat):
        return lambda value: str(int(value))
    numbers = np.concatenate([array.astype(np.float64) for array in flat])
    decimals = _decimals(np.abs(numbers[np.isfinite(numbers)]))
    return lambda value: _real(value, decimals)


def _decimals(sizes: Any) -> int | None:
    """Decimals that all of `sizes` need; None where only powers of ten tell them."""
    largest = sizes.max(initial=0)
    if largest >= 1e7:
        return None
    for decimals in range(MOST_DECIMALS + 1):
        if np.allclose(sizes, np.round(sizes, decimals), rtol=1e-7, atol=1e-12):
            return decimals
    return MOST_DECIMALS if largest >= 1e-2 else None


def _real(value: Any, decimals: int | None) -> str:
    number = float(value)
    if not np.isfinite(number):
        return str(number)
    if decimals is None:
        return f"{number:.3e}" if number else "0"
    text = f"{number:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _complex(value: Any, part: Formatter) -> str:
    real, imaginary = part(np.real(value)), part(np.imag(value))
    return f"{real}{'' if imaginary.startswith('-') else '+'}{imaginary}j"
