"""Mistakes about the order and the number of the axes."""

from __future__ import annotations

import numpy as np

from stepconv.classroom.mistakes.base import Mistake, Moved, Words
from stepconv.classroom.run import Array, Run
from stepconv.language import _


def _output_last(run: Run) -> Run | None:
    if run.geometry.out_channels == 1 or all(size == 1 for size in run.geometry.output_size):
        return None
    return run.changed(finish=(*run.finish, Moved(-run.rank - 1, -1)))


def _output_last_words() -> Words:
    return Words(
        _("channels last"),
        _("The channels come last. They belong right after the batch."),
        _("Give the output as (N, C, …): channel by channel, each with all of its cells."),
    )


def _input_last(run: Run) -> Run | None:
    if run.input.shape[-run.rank - 1] == 1:
        return None
    return run.changed(input=np.moveaxis(run.input, -1, -run.rank - 1))


def _input_last_words() -> Words:
    return Words(
        _("input read with its channels last"),
        _("The input was read as (N, …, C): its last axis was taken for the channels."),
        _("The input is (N, C, …): its second axis holds the channels."),
    )


def _first_sample(output: Array) -> Array:
    return np.asarray(output[0])


def _one_more_axis(output: Array) -> Array:
    return output[None]


def _no_batch(run: Run) -> Run | None:
    if run.geometry.batch is None:
        return None
    return run.changed(finish=(*run.finish, _first_sample))


def _no_batch_words() -> Words:
    return Words(
        _("an axis missing"),
        _("The first axis is missing: the one of the batch, which counts the samples."),
        _("Keep every axis of the input, those of length 1 too: (N, C, …)."),
    )


def _extra_axis(run: Run) -> Run | None:
    return run.changed(finish=(*run.finish, _one_more_axis))


def _extra_axis_words() -> Words:
    return Words(
        _("an axis too many"),
        _("There is an axis of length 1 in front that the output does not have."),
        _("The output has as many axes as the input."),
    )


MISTAKES = (
    Mistake("layout_channels_last", _output_last, _output_last_words, "output"),
    Mistake("layout_channels_last", _input_last, _input_last_words, "input"),
    Mistake("missing_axis", _no_batch, _no_batch_words),
    Mistake("extra_axis", _extra_axis, _extra_axis_words),
)
