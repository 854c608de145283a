"""What the drivers of the kernels are made of: the loops around the innermost ones.

Which unit, which band, which block of channels: a driver is ordinary Python about integers and flat
arrays, which `stepconv.kernels.lowering` turns into machine code in one pass.

What a driver may say, with Python's meaning:

- assignments, also to several names, to cells of arrays, and with an operator (``+=``);
- ``for … in range(…)``, ``while``, ``if``, ``continue``;
- ``+ - * // %`` and ``divmod``, comparisons, ``and`` and ``or`` of conditions, ``not``,
  ``a if c else b``, ``min`` and ``max``, of integers; cells of arrays of floats can be moved, not
  computed with;
- names of integers of its module, or of another (``tiles.TAPS``): they are constants, and a branch
  that they rule out is left out;
- calls of `inlined` functions, which are drivers' parts, and of `emitted` ones, the innermost
  loops; calls of `allocate` and `lanes`.

An array has one name in a function, and a name is given a number before it is read. An index is not
wrapped, so it must not be negative, and only looked at where NUMBA_BOUNDSCHECK is set. A divisor
must not be 0, nor the step of a range less than 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from inspect import getsource
from typing import Any

from stepconv.kernels.emit import Code


@dataclass(frozen=True)
class Inlined:
    """A part of drivers: its statements stand in for each call. Uncompiled it can be called."""

    function: Callable[..., None]

    def __call__(self, *arguments: Any) -> None:
        """Run it as it stands, in Python."""
        self.function(*arguments)


@dataclass(frozen=True)
class Emitted:
    """Instructions written by ``body(code, *arguments)`` for each call."""

    body: Callable[..., Any]

    def __call__(self, code: Code, *arguments: Any) -> Any:
        """Write them as a part of other emitted code."""
        return self.body(code, *arguments)


def inlined(function: Callable[..., None]) -> Inlined:
    """Make `function` a part of each driver that calls it."""
    return Inlined(function)


def emitted(body: Callable[..., Any]) -> Any:
    """Make ``body(code, *arguments)`` callable by drivers, without the `code`.

    Arrays reach it as pointers to their first element, integers as 64-bit values, or as Python's
    where they are known while the kernel is compiled. It returns None or such a value.
    """
    return Emitted(body)


def allocate(count: int, like: Any) -> Any:
    """Take memory for `count` elements of the type of `like`, from a cache line on.

    Said by a driver as ``name = allocate(…)``, outside its loops; freed when it ends.
    """
    raise NotImplementedError("only drivers allocate")


def lanes(like: Any) -> int:
    """Return how many elements of the type of `like` a vector has: known while compiling."""
    raise NotImplementedError("only drivers have vectors")


@cache
def readable() -> bool:
    """Whether the sources of drivers are at hand: some ways to bundle programs leave them out."""
    try:
        return bool(getsource(allocate))
    except OSError:
        return False
