"""Mistakes about how the kernel moves: stride, dilation, rounding, and the order of the axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepconv.classroom.mistakes.base import Mistake, Words, rolled
from stepconv.classroom.run import Run
from stepconv.language import _


def _stepping(run: Run, **changes: Any) -> Run:
    """Change stride or dilation; output_padding cannot stay where both become smaller."""
    stride, dilation = changes.get("stride", run.stride), changes.get("dilation", run.dilation)
    extra = tuple(
        min(a, max(s, d) - 1)
        for a, s, d in zip(run.spec.output_padding, stride, dilation, strict=True)
    )
    if any(run.spec.output_padding):
        changes["output_padding"] = extra
    return run.changed(**changes)


def _stride_ignored(run: Run) -> Run | None:
    return None if max(run.stride) == 1 else _stepping(run, stride=(1,) * run.rank)


def _stride_ignored_words() -> Words:
    return Words(
        _("stride left out"),
        _("The kernel moved by one cell each time, as with stride 1."),
        _("From one placement, or stamp, to the next it is as many cells as the stride says."),
    )


def _stride_as_gap(run: Run) -> Run | None:
    if max(run.stride) == 1:
        return None
    return run.changed(stride=tuple(s + 1 if s > 1 else s for s in run.stride))


def _stride_as_gap_words() -> Words:
    return Words(
        _("stride taken for the cells skipped"),
        _(
            "The kernel moved one cell too far each time: the stride was taken for the number of"
            " cells skipped between two placements."
        ),
        _("The stride is the distance from one placement to the next; stride 2 skips one cell."),
    )


def _dilation_ignored(run: Run) -> Run | None:
    return None if max(run.dilation) == 1 else _stepping(run, dilation=(1,) * run.rank)


def _dilation_ignored_words() -> Words:
    return Words(
        _("dilation left out"),
        _("The taps lie side by side, as with dilation 1."),
        _("Spread the taps: from one to the next it is as many cells as the dilation says."),
    )


def _dilation_as_gap(run: Run) -> Run | None:
    if max(run.dilation) == 1:
        return None
    return run.changed(dilation=tuple(d + 1 if d > 1 else d for d in run.dilation))


def _dilation_as_gap_words() -> Words:
    return Words(
        _("dilation taken for the cells skipped"),
        _(
            "The taps lie one cell too far apart: the dilation was taken for the number of cells"
            " skipped between two taps."
        ),
        _("The dilation is the distance between two taps; dilation 2 skips one cell."),
    )


def _swapped(run: Run) -> Run | None:
    if run.stride == run.dilation:
        return None
    return _stepping(run, stride=run.dilation, dilation=run.stride)


def _swapped_words() -> Words:
    return Words(
        _("stride and dilation swapped"),
        _("The stride was used as the dilation, and the dilation as the stride."),
        _("Stride: from placement to placement. Dilation: from tap to tap within one placement."),
    )


def _ceil(run: Run) -> Run | None:
    if run.transposed:
        return None
    axes = run.geometry.axes
    beyond = tuple(axis.stride - axis.leftover if axis.leftover else 0 for axis in axes)
    pads = tuple((axis.pad[0], axis.pad[1] + over) for axis, over in zip(axes, beyond, strict=True))
    return run.changed(padding=pads, beyond=beyond) if any(beyond) else None


def _ceil_words() -> Words:
    return Words(
        _("size rounded up"),
        _(
            "There is one placement more than fits: the division in the size formula was rounded"
            " up, and the last kernel hangs over the end."
        ),
        _("Round down: a placement counts where the whole kernel fits."),
    )


_BY_AXIS = ("stride", "padding", "dilation", "output_padding")


def _options_swapped(run: Run) -> Run | None:
    if run.rank == 1:
        return None
    now: dict[str, Any] = {
        "stride": run.stride,
        "padding": run.padding,
        "dilation": run.dilation,
        "output_padding": run.spec.output_padding,
    }
    wrong = {name: rolled(now[name]) for name in _BY_AXIS}
    return None if wrong == now else run.changed(**wrong)


def _options_swapped_words() -> Words:
    return Words(
        _("settings given to the wrong axes"),
        _(
            "Stride, padding or dilation went to the wrong axis: (height, width) was read as"
            " (width, height), or (depth, height, width) as (height, width, depth)."
        ),
        _("The first number belongs to the first axis: depth, then rows, then columns."),
    )


def _first(array: Any, rank: int) -> Any:
    return np.moveaxis(array, -1, -rank)


def _kernel_swapped(run: Run) -> Run | None:
    if run.rank == 1 or run.weight[0, 0].size == 1:
        return None
    return run.changed(weight=_first(run.weight, run.rank))


def _kernel_swapped_words() -> Words:
    return Words(
        _("kernel's axes swapped"),
        _("The kernel was laid down with its axes in another order, as when rows become columns."),
        _("Write the kernel as it is given, row under row; the last axis runs along a row."),
    )


def _input_swapped(run: Run) -> Run | None:
    return None if run.rank == 1 else run.changed(input=_first(run.input, run.rank))


def _input_swapped_words() -> Words:
    return Words(
        _("input's axes swapped"),
        _("The input was read as (width, height), or as (height, width, depth)."),
        _("The shape ends in (height, width), rows first, then columns; depth stands before."),
    )


def _all_swapped(run: Run) -> Run | None:
    options, kernel = _options_swapped(run) or run, _first(run.weight, run.rank)
    if run.rank == 1:
        return None
    return options.changed(input=_first(run.input, run.rank), weight=kernel)


def _all_swapped_words() -> Words:
    return Words(
        _("rows and columns swapped"),
        _("Rows stand where columns belong: the axes of the output are in another order."),
        _("Give the output as (height, width): one row of the result for each row it has."),
    )


MISTAKES = (
    Mistake("stride_ignored", _stride_ignored, _stride_ignored_words),
    Mistake("stride_as_gap", _stride_as_gap, _stride_as_gap_words),
    Mistake("dilation_ignored", _dilation_ignored, _dilation_ignored_words),
    Mistake("dilation_as_gap", _dilation_as_gap, _dilation_as_gap_words),
    Mistake("stride_dilation_swapped", _swapped, _swapped_words),
    Mistake("ceil", _ceil, _ceil_words),
    Mistake("axes_swapped", _options_swapped, _options_swapped_words, "settings"),
    Mistake("axes_swapped", _kernel_swapped, _kernel_swapped_words, "kernel"),
    Mistake("axes_swapped", _input_swapped, _input_swapped_words, "input"),
    Mistake("axes_swapped", _all_swapped, _all_swapped_words, "everything"),
)
