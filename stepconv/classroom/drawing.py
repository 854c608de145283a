"""Draw: small whole numbers from a seed, the same on every machine and with every NumPy.

NumPy promises the bits of PCG64 for a seed and not the numbers that its Generator makes of
them, so that those are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

import numpy as np

from stepconv.classroom.run import Array

T = TypeVar("T")


class Draw:
    """A stream of numbers that its parts decide: a seed, a topic, a student, ….

    >>> draw = Draw(7, "padding")
    >>> [draw.between(1, 6) for _ in range(8)]
    [1, 1, 6, 6, 3, 3, 3, 6]
    """

    def __init__(self, *parts: int | str) -> None:
        text = "\x1f".join(str(part) for part in parts)
        entropy = int.from_bytes(sha256(text.encode()).digest(), "big")
        self._bits = np.random.PCG64(np.random.SeedSequence(entropy))

    def below(self, count: int) -> int:
        """Return one of 0 … count − 1, all alike."""
        end = 2**64 - 2**64 % count
        while (bits := int(self._bits.random_raw())) >= end:
            pass
        return bits % count

    def between(self, least: int, most: int) -> int:
        """Return one of least … most."""
        return least + self.below(most - least + 1)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of `choices`."""
        return choices[self.below(len(choices))]

    def whole(self, shape: Sequence[int], least: int, most: int, *, zero: bool = True) -> Array:
        """Return an int64 array of numbers from least to most, without 0 unless `zero`."""
        choices = [value for value in range(least, most + 1) if zero or value]
        flat = [self.pick(choices) for _ in range(int(np.prod(shape)))]
        return np.array(flat, dtype=np.int64).reshape(tuple(shape))
