"""Mistakes about the kernel."""

from __future__ import annotations

from stepconv.classroom.mistakes.base import Mistake, Words, turned
from stepconv.classroom.run import Run
from stepconv.language import _


def _flip(run: Run) -> Run | None:
    return None if run.transposed else turned(run)


def _flip_words() -> Words:
    return Words(
        _("kernel turned round"),
        _(
            "The kernel was turned by 180° before it was laid on the input. Mathematics turns it;"
            " torch, Keras and stepconv do not: the first tap lies on the first cell of the window."
        ),
        _("Lay the kernel on the window as it is written, and multiply what lies together."),
    )


MISTAKES = (Mistake("flip", _flip, _flip_words),)
