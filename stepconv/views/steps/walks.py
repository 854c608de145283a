"""Walks: how many terms of each output cell's sum come before a stamp.

The sum of an output cell reads its window row by row, and stamps go through the input row
by row: so what a cell holds before a stamp is one of its recorded partial sums, and to know
which one it is enough to count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Axis

Array = NDArray[Any]


@dataclass(frozen=True)
class Walk:
    """Along one axis, for some output positions: the taps of the sum that lie before the stamp.

    `below` counts the taps over laid-out positions before that of the stamp's input cell,
    `at` says whether one lies on it, `taps` counts all. Those that lie on input values, not
    on zeros, are counted in `values_below` and `values`.
    """

    below: Array
    at: Array
    taps: Array
    values_below: Array
    values: Array

    @classmethod
    def along(cls, axis: Axis, part: range, place: int) -> Walk:
        """Count for output positions `part` and an input position.

        >>> axis = Axis(input_size=2, kernel_size=2, transposed=True)
        >>> Walk.along(axis, range(3), 1).values_below
        array([1, 1, 0])
        """
        under = np.asarray(part)[:, None] * axis.step + np.arange(axis.kernel_size) * axis.dilation
        here = axis.border[0] + place * axis.spread
        below, real = under < here, axis.source_at(under) >= 0
        return cls(
            below.sum(axis=1),
            (under == here).any(axis=1),
            np.full(len(part), axis.kernel_size),
            (below & real).sum(axis=1),
            real.sum(axis=1),
        )


def passed(walks: Sequence[Walk], counts: Callable[[Walk], tuple[Array, Array]]) -> Array:
    """Count the terms of each cell that come before the stamp, in the order of its sum.

    Before it, in a sum read row by row, are the rows above, and in its own row what is left.
    """
    total = np.zeros((1, 1, 1), dtype=np.int64)
    for axis, walk in enumerate(walks):
        same = [earlier.at for earlier in walks[:axis]]
        whole = [counts(later)[1] for later in walks[axis + 1 :]]
        total = total + outer([*same, counts(walk)[0], *whole])
    return total


def outer(factors: Sequence[Array]) -> Array:
    """Multiply counts along each axis to counts of cells."""
    counts = [np.asarray(one, dtype=np.int64) for one in factors]
    return np.asarray(reduce(np.multiply.outer, counts))
