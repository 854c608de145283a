"""Topics along two and three axes."""

from __future__ import annotations

from stepconv.classroom.drawing import Draw
from stepconv.classroom.problem import Problem
from stepconv.classroom.topics.base import Topic
from stepconv.classroom.topics.layers import layer
from stepconv.language import _


def _two(draw: Draw, level: int) -> Problem:
    kernel = (2, 2) if level == 1 else draw.pick([(2, 3), (3, 2), (2, 2), (3, 3)])
    rows, columns = draw.pick([(1, 2), (2, 1), (2, 3), (3, 2)])
    if level == 1:
        return layer(draw, level, (rows + 2, columns + 2), kernel)
    stride = draw.pick([(1, 2), (2, 1)])
    padding = (0, 0) if level == 2 else draw.pick([(0, 1), (1, 0)])
    size = (
        kernel[0] + stride[0] * (rows - 1) + draw.between(1, 2),
        kernel[1] + stride[1] * (columns - 1) + draw.between(1, 2),
    )
    return layer(draw, level, size, kernel, stride=stride, padding=padding)


def _three(draw: Draw, level: int) -> Problem:
    kernel = (2, 2, 2) if level < 3 else draw.pick([(2, 2, 3), (2, 3, 2), (1, 2, 3), (3, 2, 1)])
    rooms = draw.pick([(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1), (0, 1, 2), (1, 0, 2)])
    size = tuple(k + room for k, room in zip(kernel, rooms, strict=True))
    if level == 1:
        return layer(draw, level, size, kernel)
    padding = draw.pick([(0, 0, 1), (0, 1, 0), (1, 0, 0)])
    return layer(draw, level, size, kernel, padding=padding)


PLANES = (
    Topic(
        "two-dimensions",
        lambda: _("along two axes"),
        _two,
        (
            ("flip", "axes_swapped"),
            ("flip", "axes_swapped", "stride_ignored"),
            ("flip", "axes_swapped", "stride_ignored", "padding_ignored"),
        ),
    ),
    Topic(
        "three-dimensions",
        lambda: _("along three axes"),
        _three,
        (
            ("flip", "axes_swapped"),
            ("flip", "axes_swapped", "padding_ignored"),
            ("flip", "axes_swapped", "padding_ignored"),
        ),
    ),
)
