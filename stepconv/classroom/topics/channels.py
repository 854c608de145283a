"""Topics with several channels, groups and a bias."""

from __future__ import annotations

from stepconv.classroom.drawing import Draw
from stepconv.classroom.problem import Problem
from stepconv.classroom.topics.base import Topic
from stepconv.classroom.topics.layers import layer
from stepconv.language import _


def _channels(draw: Draw, level: int) -> Problem:
    inputs = 2 if level < 3 else 3
    outputs = 1 if level == 1 else 2
    kernel = 2 if level != 2 else draw.between(2, 3)
    size = kernel + draw.between(2, 3)
    return layer(draw, level, (size,), (kernel,), (inputs, outputs), bias=level == 3)


def _bias(draw: Draw, level: int) -> Problem:
    kernel = 2 if level == 1 else draw.between(2, 3)
    inputs = 1 if level == 1 else 2
    outputs = 2 if level < 3 else 3
    size = kernel + draw.between(2, 3)
    return layer(
        draw, level, (size,), (kernel,), (inputs, outputs), bias=True, padding=int(level == 3)
    )


def _groups(draw: Draw, level: int) -> Problem:
    outputs = 2 if level == 1 else 4
    kernel = 2 if level == 3 else draw.between(1, 2)
    size = kernel + draw.between(1, 2) + (level == 3)
    return layer(draw, level, (size,), (kernel,), (4, outputs), groups=2, bias=level > 1, stride=1)


CHANNELS = (
    Topic("channels", lambda: _("several channels"), _channels, (("channels_independent",),) * 3),
    Topic(
        "bias",
        lambda: _("the bias"),
        _bias,
        (("bias_forgotten", "bias_per_pair"),) * 3,
    ),
    Topic(
        "groups",
        lambda: _("groups of channels"),
        _groups,
        (("groups_order", "channels_independent"),) * 3,
    ),
)
