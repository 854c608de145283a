"""Mistakes about padding: how much, on which side, and what it holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from stepconv.classroom.mistakes.base import Mistake, Words
from stepconv.classroom.run import Run
from stepconv.language import _
from stepconv.values import PADDING_MODES

Pair = tuple[int, int]


def repadded(run: Run, change: Callable[[Pair], Pair]) -> Run | None:
    """Change the padding of every axis; None where that changes nothing."""
    pads = run.padding
    wrong = tuple(change(pair) for pair in pads)
    return None if wrong == pads else run.changed(padding=wrong)


def nothing(pair: Pair) -> Pair:
    """Leave the padding out."""
    return 0, 0


def half_each(pair: Pair) -> Pair:
    """Share the padding between the sides; 1 has no halves, it would be another mistake."""
    return (pair[0] // 2, pair[1] - pair[1] // 2) if max(pair) > 1 else pair


def first_side(pair: Pair) -> Pair:
    """Leave out what comes after."""
    return (pair[0], 0) if min(pair) else pair


def second_side(pair: Pair) -> Pair:
    """Leave out what comes before."""
    return (0, pair[1]) if min(pair) else pair


def _padded(run: Run, change: Callable[[Pair], Pair]) -> Run | None:
    return None if run.transposed else repadded(run, change)


def _ignored_words() -> Words:
    return Words(
        _("padding left out"),
        _("The kernel slid over the input alone, without the padding."),
        _("Write the padding cells down first, then slide the kernel over the longer row."),
    )


def _total_words() -> Words:
    return Words(
        _("padding shared between the sides"),
        _(
            "The padding was taken for a total, half of it on each side. It is what is added on"
            " each side, whole."
        ),
        _("Add all of it on each side: padding 2 is two cells before and two cells after."),
    )


def _other_side(run: Run) -> Run | None:
    return _padded(run, lambda pair: (pair[1], pair[0]))


def _before_words() -> Words:
    return Words(
        _("padding before only"),
        _("The padding stands before the input alone; the side after it was left as it was."),
        _("Add cells on both sides, as many on each as the padding says."),
    )


def _after_words() -> Words:
    return Words(
        _("padding after only"),
        _("The padding stands after the input alone; the side before it was left as it was."),
        _("Add cells on both sides, as many on each as the padding says."),
    )


def _other_side_words() -> Words:
    return Words(
        _("padding on the other side"),
        _(
            "The two sides get different numbers of padding cells here, and they were taken the"
            " wrong way round."
        ),
        _('The first number stands before the input. Where "same" is odd, the extra goes after.'),
    )


def _bordered(run: Run, mode: str) -> Run | None:
    padded = any(map(any, run.padding))
    if run.transposed or not padded or mode == run.spec.padding_mode:
        return None
    return run.changed(padding_mode=mode)


def _bordered_words(mode: str) -> Words:
    meanings = {
        "zeros": _("The padding was filled with zeros; this layer has another border."),
        "reflect": _(
            "The padding was filled as reflect does: mirrored, the edge itself not repeated."
        ),
        "replicate": _("The padding was filled as replicate does: the edge repeated."),
        "circular": _("The padding was filled as circular does: from the opposite end."),
        "symmetric": _("The padding was filled as symmetric does: mirrored, the edge repeated."),
    }
    return Words(
        _("border taken for {mode}").format(mode=mode),
        meanings[mode],
        _("Look up padding_mode, and write down what each padding cell holds before you begin."),
    )


MISTAKES = (
    Mistake("padding_ignored", partial(_padded, change=nothing), _ignored_words),
    Mistake("padding_total", partial(_padded, change=half_each), _total_words),
    Mistake("padding_one_side", partial(_padded, change=first_side), _before_words, "before"),
    Mistake("padding_one_side", partial(_padded, change=second_side), _after_words, "after"),
    Mistake("padding_one_side", _other_side, _other_side_words, "swapped"),
    *(
        Mistake(
            "mode_confused", partial(_bordered, mode=mode), partial(_bordered_words, mode), mode
        )
        for mode in PADDING_MODES
    ),
)
