"""Mistakes about transposed convolutions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from stepconv.classroom.mistakes.base import Framed, Mistake, Words, reshaped, turned
from stepconv.classroom.mistakes.padding import (
    Pair,
    first_side,
    half_each,
    nothing,
    repadded,
    second_side,
)
from stepconv.classroom.run import Run
from stepconv.language import _


def _weight(run: Run) -> Run | None:
    geometry = run.geometry
    share = geometry.group_inputs
    if not run.transposed or share == 1 or share != geometry.group_outputs:
        return None
    blocks = (geometry.groups, share, share, *geometry.kernel_size)
    swapped = reshaped(run.weight, blocks).swapaxes(1, 2)
    return run.changed(weight=reshaped(swapped, run.weight.shape))


def _weight_words() -> Words:
    return Words(
        _("transposed weight read as (out, in)"),
        _(
            "The weight's first two axes were taken the other way round. A transposed layer's"
            " weight is (C_in, C_out/groups, …): input channels come first."
        ),
        _("For each input channel take the kernels in its row of the weight."),
    )


def _no_flip(run: Run) -> Run | None:
    return turned(run) if run.transposed else None


def _no_flip_words() -> Words:
    return Words(
        _("zeros inserted, kernel not turned"),
        _(
            "Zeros were inserted and the kernel slid over them as it is. Gathering, the kernel"
            " has to be turned by 180°; stamping, it is not."
        ),
        _("Stamp instead: each input value times the kernel, laid down at its own place."),
    )


def _pads_added(run: Run) -> Run | None:
    if not run.transposed or not any(map(any, run.padding)):
        return None
    return run.changed(padding=0, finish=(*run.finish, Framed(run.padding)))


def _pads_inserted(run: Run) -> Run | None:
    if not run.transposed or not any(map(any, run.padding)):
        return None
    # Zeros around the stretched input: padding p there is a crop of d·(k − 1) − p.
    crops = tuple(
        (axis.span - 1 - axis.pad[0], axis.span - 1 - axis.pad[1]) for axis in run.geometry.axes
    )
    return None if crops == run.padding else run.changed(padding=crops)


def _pads_words() -> Words:
    return Words(
        _("padding added, not cropped"),
        _(
            "The padding was added. A transposed layer takes it away: its padding is that of the"
            " layer it turns back, and so it crops that many cells from each end."
        ),
        _("Lay down all stamps, then cut padding cells off each end."),
    )


def _cropped(run: Run, change: Callable[[Pair], Pair]) -> Run | None:
    return repadded(run, change) if run.transposed else None


def _crop_ignored_words() -> Words:
    return Words(
        _("padding left out"),
        _("Nothing was cut off. The padding of a transposed layer is cut off its result."),
        _("Lay down all stamps, then cut padding cells off each end."),
    )


def _crop_total_words() -> Words:
    return Words(
        _("padding shared between the ends"),
        _(
            "The padding was taken for a total, half of it cut off each end. It is what is cut"
            " off every end."
        ),
        _("Cut padding cells off the beginning and as many off the end."),
    )


def _crop_start_words() -> Words:
    return Words(
        _("padding cut off the beginning only"),
        _("Cells were cut off the beginning of the result alone; its end was left as it was."),
        _("Cut the same number of cells off both ends."),
    )


def _crop_end_words() -> Words:
    return Words(
        _("padding cut off the end only"),
        _("Cells were cut off the end of the result alone; its beginning was left as it was."),
        _("Cut the same number of cells off both ends."),
    )


def _extra(run: Run) -> tuple[int, ...] | None:
    extra = run.spec.output_padding
    return extra if run.transposed and any(extra) else None


def _extra_ignored(run: Run) -> Run | None:
    return None if _extra(run) is None else run.changed(output_padding=0)


def _extra_ignored_words() -> Words:
    return Words(
        _("output_padding left out"),
        _("The result ends where it would without output_padding."),
        _("The result goes on for output_padding cells after its end."),
    )


def _extra_zeros(run: Run) -> Run | None:
    extra = _extra(run)
    if extra is None:
        return None
    frame = Framed(tuple((0, a) for a in extra))
    return run.changed(output_padding=0, finish=(*run.finish, frame))


def _extra_zeros_words() -> Words:
    return Words(
        _("output_padding filled with zeros"),
        _(
            "Zeros were put after the result. output_padding crops less: stamps that reach the"
            " extra cells count, and so does the bias."
        ),
        _("Make the result longer by output_padding first, then lay down the stamps."),
    )


def _extra_before(run: Run) -> Run | None:
    extra = _extra(run)
    if extra is None:
        return None
    crops = tuple(
        (max(before - a, 0), after) for (before, after), a in zip(run.padding, extra, strict=True)
    )
    lack = tuple(
        (max(a - before, 0), 0) for (before, _after), a in zip(run.padding, extra, strict=True)
    )
    finish = (*run.finish, Framed(lack)) if any(map(any, lack)) else run.finish
    return run.changed(output_padding=0, padding=crops, finish=finish)


def _extra_before_words() -> Words:
    return Words(
        _("output_padding before the result"),
        _("The extra cells stand before the result. output_padding goes after it, on one side."),
        _("Leave the beginning as it is; the result goes on at its end."),
    )


def _inverse(run: Run) -> Run | None:
    if not run.transposed or run.origin is None:
        return None
    channels = run.origin.shape[-run.rank - 1]
    identity = np.eye(channels, dtype=run.origin.dtype)
    # The layer that does give back what it was given: a kernel of one tap that is 1.
    return Run(run.origin, identity.reshape(channels, channels, *(1,) * run.rank))


def _inverse_words() -> Words:
    return Words(
        _("transposed taken for the inverse"),
        _(
            "These are the values that the first layer was given. A transposed layer brings back"
            " the size, not the values."
        ),
        _("Work it through: each value stamps the kernel, and stamps that overlap are added."),
    )


MISTAKES = (
    Mistake("transposed_no_flip", _no_flip, _no_flip_words),
    Mistake("transposed_weight", _weight, _weight_words),
    Mistake(
        "padding_ignored", partial(_cropped, change=nothing), _crop_ignored_words, "transposed"
    ),
    Mistake("padding_total", partial(_cropped, change=half_each), _crop_total_words, "transposed"),
    Mistake("padding_one_side", partial(_cropped, change=first_side), _crop_start_words, "start"),
    Mistake("padding_one_side", partial(_cropped, change=second_side), _crop_end_words, "end"),
    Mistake("transposed_pads", _pads_inserted, _pads_words, "to the input"),
    Mistake("transposed_pads", _pads_added, _pads_words, "to the result"),
    Mistake("output_padding_ignored", _extra_ignored, _extra_ignored_words),
    Mistake("output_padding_zeros", _extra_zeros, _extra_zeros_words, "zeros"),
    Mistake("output_padding_zeros", _extra_before, _extra_before_words, "before"),
    Mistake("transposed_inverse", _inverse, _inverse_words),
)
