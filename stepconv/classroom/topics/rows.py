"""Topics along one axis and with one channel: a row of numbers and a kernel."""

from __future__ import annotations

from stepconv.classroom.drawing import Draw
from stepconv.classroom.problem import Problem
from stepconv.classroom.topics.base import Topic
from stepconv.classroom.topics.layers import layer
from stepconv.language import _


def _valid(draw: Draw, level: int) -> Problem:
    kernel = draw.between(2, 3) if level == 1 else draw.between(3, 4)
    return layer(draw, level, (kernel + draw.between(2, 3 + level),), (kernel,))


def _padding(draw: Draw, level: int) -> Problem:
    if level == 1:
        return layer(draw, level, (draw.between(4, 6),), (3,), padding=1)
    kernel = draw.between(3, 4)
    size = (draw.between(5, 7),)
    if level == 2:
        return layer(draw, level, size, (kernel,), padding=2)
    before = draw.between(1, kernel - 1)
    after = draw.pick([k for k in range(1, kernel) if k != before])
    return layer(draw, level, size, (kernel,), padding=((before, after),))


def _modes(draw: Draw, level: int) -> Problem:
    mode = draw.pick(("reflect", "replicate", "circular"))
    kernel = 3 if level == 1 else draw.between(3, 4)
    padding = 1 if level == 1 else 2
    if level == 3:
        mode = draw.pick(("reflect", "replicate", "circular", "symmetric"))
    size = draw.between(4, 6) + (level > 1)
    return layer(draw, level, (size,), (kernel,), padding=padding, padding_mode=mode)


def _stride(draw: Draw, level: int) -> Problem:
    kernel = draw.between(2, 3)
    stride = 2 if level == 1 else draw.between(2, 3)
    padding = draw.between(0, 1) if level == 2 else (level - 1)
    size = draw.between(7, 9) + (level > 1) * draw.between(1, 3)
    return layer(draw, level, (size,), (kernel,), stride=stride, padding=padding)


def _dilation(draw: Draw, level: int) -> Problem:
    kernel = 2 if level == 1 else 3
    dilation = 2 if level == 1 else draw.between(2, 3)
    span = dilation * (kernel - 1) + 1
    stride = 1 if level < 3 else draw.pick((1, 2, 3))
    # One tap further apart has to fit as well: it is what the usual mistake computes.
    size = span + kernel + draw.between(1, 3) + (stride - 1) * 3
    padding = 0 if level < 3 else draw.between(0, 2)
    return layer(draw, level, (size,), (kernel,), dilation=dilation, stride=stride, padding=padding)


ROWS = (
    Topic("valid", lambda: _("a row without padding"), _valid, (("flip",),) * 3),
    Topic(
        "padding",
        lambda: _("padding with zeros"),
        _padding,
        (
            ("padding_ignored", "padding_one_side", "flip"),
            ("padding_ignored", "padding_one_side", "padding_total", "flip"),
            ("padding_ignored", "padding_one_side", "flip"),
        ),
    ),
    Topic(
        "padding-modes",
        lambda: _("other borders than zeros"),
        _modes,
        (("mode_confused", "padding_ignored"),) * 3,
    ),
    Topic(
        "stride",
        lambda: _("stride"),
        _stride,
        (
            ("stride_ignored", "stride_as_gap"),
            ("stride_ignored", "stride_as_gap", "ceil"),
            ("stride_ignored", "stride_as_gap", "ceil", "padding_total"),
        ),
    ),
    Topic(
        "dilation",
        lambda: _("dilation"),
        _dilation,
        (
            ("dilation_ignored", "dilation_as_gap", "stride_dilation_swapped"),
            ("dilation_ignored", "dilation_as_gap", "stride_dilation_swapped"),
            ("dilation_ignored", "dilation_as_gap"),
        ),
    ),
)
