"""What the topics share: a layer of given sizes, filled with numbers fit for its level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stepconv.classroom.drawing import Draw
from stepconv.classroom.problem import Problem


def layer(
    draw: Draw,
    level: int,
    size: Sequence[int],
    kernel: Sequence[int],
    channels: tuple[int, int] = (1, 1),
    *,
    bias: bool = False,
    **options: Any,
) -> Problem:
    """Return a layer with drawn numbers; `channels` are (in, out).

    Level 1 has no negative numbers, level 2 in the kernel alone, level 3 everywhere.
    """
    inputs, outputs = channels
    groups = options.get("groups", 1)
    weight = (
        (inputs, outputs // groups) if options.get("transposed") else (outputs, inputs // groups)
    )
    low = {1: 1, 2: -3, 3: -5}[level]
    return Problem(
        draw.whole((1, inputs, *size), -5 if level == 3 else 0, 9),
        draw.whole((*weight, *kernel), low, 5, zero=False),
        draw.whole((outputs,), -9 if level > 1 else 1, 9, zero=False) if bias else None,
        {name: value for name, value in options.items() if value not in _PLAIN.get(name, ())},
    )


_PLAIN: dict[str, tuple[Any, ...]] = {
    "stride": (1, (1, 1)),
    "padding": (0, (0, 0), (0, 0, 0)),
    "dilation": (1, (1, 1)),
    "groups": (1,),
}
"""What need not be said: the defaults."""
