"""Topics that show what comes out and ask for a setting."""

from __future__ import annotations

from itertools import product

import numpy as np

from stepconv.classroom.asked import the_size, the_weight
from stepconv.classroom.drawing import Draw
from stepconv.classroom.problem import Problem, Search
from stepconv.classroom.run import Array, Run
from stepconv.classroom.topics.base import Topic
from stepconv.classroom.topics.layers import layer
from stepconv.language import _


def one_padding(run: Run) -> int:
    """Return the padding as the one number that it was given as."""
    return run.padding[0][0]


def with_padding(run: Run, answer: Array) -> Run | None:
    """Put one padding for all sides in; None where it is no whole number from 0."""
    if answer.size != 1 or answer.dtype.kind not in "iu" or not 0 <= answer.item() <= 1000:
        return None
    return run.changed(padding=answer.item())


def with_weight(run: Run, answer: Array) -> Run | None:
    """Put another kernel of the same size in; None where its size differs."""
    if answer.size != run.weight.size:
        return None
    return run.changed(weight=answer.reshape(run.weight.shape))


def _find_padding(draw: Draw, level: int) -> Problem:
    rank = 1 if level < 3 else 2
    kernel = (draw.between(3, 5) + (level > 1),) * rank
    size = tuple(draw.between(6, 16) for _axis in range(rank))
    padding = draw.pick((1, 2)) if level == 1 else draw.between(1, 3)
    shapes = Problem.of_shapes(
        (1, 1, *size),
        (1, 1, *kernel),
        {"padding": padding, "stride": draw.between(1, level)},
        the_size,
    )
    return Search(shapes, one_padding, with_padding, range(8))


def _find_kernel(draw: Draw, level: int) -> Problem:
    taps = 2 if level < 3 else 3
    size = taps + draw.between(2, 3)
    problem = layer(draw, level, (size,), (taps,), padding=level - 1 and draw.between(0, 1))
    # Turned or not, and any of its taps in another place.
    flat = problem.run.weight.reshape(-1)
    places = [p for p in product(range(taps), repeat=taps) if len(set(p)) == taps]
    others = [np.array(flat[list(p)]) for p in places]
    return Search(problem, the_weight, with_weight, others)


SEARCHES = (
    Topic(
        "find-padding",
        lambda: _("find the padding"),
        _find_padding,
        (("padding_total", "padding_one_side"),) * 3,
    ),
    Topic("find-kernel", lambda: _("find the kernel"), _find_kernel, (("flip",),) * 3),
)
