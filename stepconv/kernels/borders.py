"""What lies beyond the input, as drivers write it down: `stepconv.geometry.Axis.source_at`."""

from __future__ import annotations

from typing import Any

from stepconv.kernels.drivers import inlined
from stepconv.kernels.plain import BEFORE, CIRCULAR, INPUT, REFLECT, REPLICATE, SYMMETRIC


@inlined
def show(axes: Any, k: int, table: Any, at: int, mode: int, first: int, stop: int) -> None:
    """Write which input positions those of a padded axis show, from `first` on, or -1 for a zero.

    The position `first` is written to table[at].
    """
    before, size = axes[BEFORE * 3 + k], axes[INPUT * 3 + k]
    for laid in range(first, stop):
        place = laid - before
        if place < 0 or place >= size:
            if mode == REFLECT:
                place = -place if place < 0 else 2 * (size - 1) - place
            elif mode == SYMMETRIC:
                place = -place - 1 if place < 0 else 2 * size - 1 - place
            elif mode == REPLICATE:
                place = 0 if place < 0 else size - 1
            elif mode == CIRCULAR:
                place = place % size
            else:
                place = -1
        table[at + laid - first] = place
