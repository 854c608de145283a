"""Topics about sizes and shapes alone."""

from __future__ import annotations

from typing import Any

from stepconv.classroom.asked import the_shape, the_size
from stepconv.classroom.drawing import Draw
from stepconv.classroom.problem import Problem
from stepconv.classroom.topics.base import Topic
from stepconv.language import _


def _options(draw: Draw, level: int, rank: int) -> dict[str, Any]:
    """Draw stride, padding and dilation: one number each at level 1, one an axis above."""
    if level == 1:
        return {"stride": draw.between(2, 3), "padding": draw.between(0, 2)}
    return {
        "stride": tuple(draw.between(1, 3) for _axis in range(rank)),
        "padding": tuple(draw.between(0, 3) for _axis in range(rank)),
        "dilation": tuple(draw.between(1, level) for _axis in range(rank)),
    }


def _layer(draw: Draw, level: int, *, transposed: bool) -> Problem:
    rank = level
    options = _options(draw, level, rank)
    if transposed:
        options["transposed"] = True
        if level > 1:
            options["output_padding"] = tuple(
                draw.below(max(s, d))
                for s, d in zip(options["stride"], options["dilation"], strict=True)
            )
    kernel = tuple(draw.between(2, 5) for _axis in range(rank))
    least, most = (3, 9) if transposed else (12, 32)
    size = tuple(draw.between(least, most) for _axis in range(rank))
    return Problem.of_shapes((1, 1, *size), (1, 1, *kernel), options, the_size)


def _sizes(draw: Draw, level: int) -> Problem:
    return _layer(draw, level, transposed=False)


def _transposed_sizes(draw: Draw, level: int) -> Problem:
    return _layer(draw, level, transposed=True)


def _shapes(draw: Draw, level: int) -> Problem:
    rank = min(level, 2)
    groups = draw.pick((2, 4)) if level == 3 else 1
    inputs, outputs = draw.pick((4, 8, 12)), draw.pick((8, 16, 24))
    options: dict[str, Any] = {"padding": draw.between(1, 2)}
    if level > 1:
        options["stride"] = 2
    if groups > 1:
        options["groups"] = groups
    batch = draw.between(2, 6)
    size = tuple(draw.between(10, 40) for _axis in range(rank))
    kernel = (draw.between(2, 5),) * rank
    return Problem.of_shapes(
        (batch, inputs, *size), (outputs, inputs // groups, *kernel), options, the_shape
    )


SIZES = (
    Topic(
        "sizes",
        lambda: _("the size of the output"),
        _sizes,
        (("stride_ignored", "stride_as_gap"), ("stride_ignored",), ("stride_ignored",)),
    ),
    Topic(
        "transposed-sizes",
        lambda: _("the size of a transposed layer's output"),
        _transposed_sizes,
        (("stride_ignored",), ("output_padding_ignored",), ("output_padding_ignored",)),
    ),
    Topic(
        "shapes",
        lambda: _("the shape of the output, every axis"),
        _shapes,
        (("layout_channels_last", "missing_axis", "extra_axis", "channels_independent"),) * 3,
    ),
)
