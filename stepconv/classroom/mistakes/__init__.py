"""What learners get wrong, each mistake a small change of a layer that the engine then runs.

A module for each family. A mistake knows nothing of the question: it changes the run, and
what was asked is read off the wrong run. Those about layout change the output's axes
afterwards.

A new one is a function from a run to the wrong run (None where it changes nothing), its
words, and a line among its family's `MISTAKES`. The tests then want a witness that gives
the same numbers without stepconv, and a topic on whose problems it shows.
"""

from __future__ import annotations

from difflib import get_close_matches

from stepconv.classroom.mistakes import channels, kernel, padding, shapes, stepping, transposed
from stepconv.classroom.mistakes.base import Mistake, Words
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Array
from stepconv.errors import InputError

__all__ = ["CODES", "MISTAKES", "Mistake", "Words", "mistake", "mistakes_with", "wrong_answers"]

MISTAKES: tuple[Mistake, ...] = (
    *padding.MISTAKES,
    *stepping.MISTAKES,
    *kernel.MISTAKES,
    *transposed.MISTAKES,
    *channels.MISTAKES,
    *shapes.MISTAKES,
)
"""Every wrong method, the plainest explanation first."""

CODES: tuple[str, ...] = tuple(dict.fromkeys(mistake.code for mistake in MISTAKES))
"""The codes; one may have several methods, told apart by `Mistake.variant`."""


def mistakes_with(code: str) -> tuple[Mistake, ...]:
    """Return the wrong methods of one code; InputError where there is no such code."""
    found = tuple(mistake for mistake in MISTAKES if mistake.code == code)
    if not found:
        near = get_close_matches(code, CODES, n=1)
        raise InputError(
            "there is no mistake {code}; one of {codes}",
            code=code,
            codes=", ".join(near or CODES),
        )
    return found


def mistake(code: str, variant: str = "") -> Mistake:
    """Return the wrong method of a code and a variant, or the code's first.

    >>> mistake("padding_one_side", "after")
    Mistake(padding_one_side:after)
    """
    found = mistakes_with(code)
    return next((one for one in found if one.variant == variant), found[0])


def wrong_answers(problem: Problem) -> list[tuple[tuple[Mistake, ...], Array]]:
    """Run every mistake that applies to a problem, and return what each one answers.

    Those that happen to give the right answer are left out, and so is a second way to make
    one mistake that gives the same numbers.

    >>> problem = Problem([[[1, 2, 3]]], [[[1, 10]]], options={"padding": 1})
    >>> [(one[0].code, answer.tolist()) for one, answer in wrong_answers(problem)][0]
    ('padding_ignored', [[[21, 32]]])
    """
    found: list[tuple[tuple[Mistake, ...], Array]] = []
    for one in MISTAKES:
        for answer in problem.answers_under(one.apply):
            if not any(
                other.code == one.code and problem.same(answer, known)
                for (other, *_rest), known in found
            ):
                found.append(((one,), answer))
    return found
