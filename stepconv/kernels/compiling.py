"""How kernels are compiled: lazily, without the interpreter lock, kept on disk where possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` on first use, and keep the machine code in Numba's disk cache.

    Where no cache folder can be written Numba refuses ``cache=True`` at once; the
    kernel then compiles anew in each process.
    """
    try:
        return njit(nogil=True, cache=True)(function)  # type: ignore[no-any-return]  # Numba is untyped
    except RuntimeError:
        return njit(nogil=True)(function)  # type: ignore[no-any-return]
