"""Topics about transposed convolutions."""

from __future__ import annotations

from stepconv.classroom.drawing import Draw
from stepconv.classroom.problem import Problem
from stepconv.classroom.topics.base import Topic
from stepconv.classroom.topics.layers import layer
from stepconv.language import _


def _transposed(draw: Draw, level: int) -> Problem:
    size, kernel = (draw.between(3, 4),), (draw.between(3, 4) if level == 2 else 3,)
    if level == 1:
        return layer(draw, level, size, kernel, transposed=True, stride=draw.between(1, 2))
    if level == 2:
        stride, padding = draw.between(1, 3), draw.between(1, 2)
        return layer(draw, level, size, kernel, transposed=True, stride=stride, padding=padding)
    return layer(
        draw,
        level,
        size,
        kernel,
        transposed=True,
        stride=draw.between(2, 3),
        padding=draw.between(0, 2),
        output_padding=1,
        bias=True,
    )


def _channels(draw: Draw, level: int) -> Problem:
    size, kernel, stride = (draw.between(2, 3),), (2,), draw.between(1, 2)
    if level == 2:
        return layer(draw, level, size, kernel, (2, 2), transposed=True, stride=stride, bias=True)
    groups = 2 if level == 3 else 1
    return layer(
        draw,
        level,
        (2,) if level == 3 else size,
        kernel,
        (2 * groups, 2 * groups),
        transposed=True,
        stride=stride,
        groups=groups,
    )


def _inverse(draw: Draw, level: int) -> Problem:
    """Draw a layer, and turn its output back by the transposed layer with the same kernel."""
    kernel = 2 if level < 3 else 3
    stride = 1 if level == 1 else 2
    size = kernel + stride * draw.between(2, 3)
    there = layer(draw, min(level, 2), (size,), (kernel,), stride=stride).run
    return Problem(
        there.output,
        there.weight,
        options={"transposed": True, "stride": stride} if stride > 1 else {"transposed": True},
        origin=there.input,
    )


TRANSPOSED = (
    Topic(
        "transposed",
        lambda: _("transposed convolution"),
        _transposed,
        (
            ("transposed_no_flip",),
            ("transposed_no_flip", "transposed_pads", "padding_ignored"),
            ("transposed_no_flip", "output_padding_ignored", "output_padding_zeros"),
        ),
    ),
    Topic(
        "transposed-channels",
        lambda: _("transposed convolution with channels"),
        _channels,
        (("transposed_no_flip", "transposed_weight"),) * 3,
    ),
    Topic(
        "there-and-back",
        lambda: _("a convolution, then the transposed one"),
        _inverse,
        (("transposed_no_flip", "transposed_inverse"),) * 3,
    ),
)
