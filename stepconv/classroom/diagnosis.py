"""diagnose(): which mistakes give a learner's answer, and what is right about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log2, prod

import numpy as np
from numpy.typing import ArrayLike

from stepconv.classroom.facts import Fact, facts_about
from stepconv.classroom.mistakes import MISTAKES, Mistake
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Array, Run

LEAST_BITS = 12
"""How improbable, as a power of 2, a pair of mistakes must be by chance to be named.

Hundreds of pairs are tried. On one or two small numbers some of them would fit any answer.
"""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Mistakes that together give an answer.

    Attributes
    ----------
    mistakes : tuple of Mistake
        In the order in which they change the work.
    run : Run
        The wrong run, to be shown beside the right one.
    answer : ndarray
        What it answers.
    """

    mistakes: tuple[Mistake, ...]
    run: Run
    answer: Array

    @property
    def codes(self) -> tuple[str, ...]:
        """The mistakes' codes."""
        return tuple(mistake.code for mistake in self.mistakes)


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What an answer shows.

    Attributes
    ----------
    correct : bool
    explanations : tuple of Explanation
        Each gives the answer exactly; several are several that cannot be told apart.
    facts : tuple of Fact
        What is right, or how it is wrong, where no mistake explains it.
    difference : tuple of int or None
        Index of the first number that differs, in the right answer; None where the shapes
        differ, or nothing does.
    """

    correct: bool
    explanations: tuple[Explanation, ...] = ()
    facts: tuple[Fact, ...] = ()
    difference: tuple[int, ...] | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the first explanation, () where there is none."""
        return self.explanations[0].codes if self.explanations else ()


def diagnose(problem: Problem, answer: ArrayLike) -> Diagnosis:
    """Say whether an answer is right and, if not, which mistakes explain it.

    Single mistakes first; where none gives the answer, pairs of them, if the answer holds
    enough numbers for that to mean anything; where none does, facts.

    Raises
    ------
    InputError
        Where the answer is not made of numbers.

    Examples
    --------
    >>> problem = Problem([[[1, 2, 3]]], [[[1, 10]]], [100], {"padding": 1})
    >>> diagnose(problem, [121, 132]).codes
    ('padding_ignored',)
    >>> diagnose(problem, [21, 32]).codes
    ('padding_ignored', 'bias_forgotten')
    >>> diagnose(problem, [110, 121, 133, 103]).facts[0].text
    'All is right but one number: the one at [0, 0, 2] is off by +1.'
    """
    given = problem.numbers(answer)
    if problem.right(given):
        return Diagnosis(correct=True)
    singles = [(one, one.apply(problem.start(given))) for one in MISTAKES]
    applied = [(one, run) for one, run in singles if run is not None]
    found = list(_explanations(problem, given, [((one,), run) for one, run in applied]))
    if not found and _bits(problem) >= LEAST_BITS:
        found = list(_explanations(problem, given, list(_pairs(applied))))
    return Diagnosis(
        correct=False,
        explanations=tuple(found),
        facts=() if found else tuple(facts_about(problem, given)),
        difference=_difference(problem, given),
    )


def _pairs(
    applied: list[tuple[Mistake, Run]],
) -> Iterator[tuple[tuple[Mistake, ...], Run]]:
    """Apply every mistake after every other; those of one code exclude each other."""
    for first, run in applied:
        for second, _run in applied:
            if first.code != second.code:
                both = second.apply(run)
                if both is not None:
                    yield (first, second), both


def _explanations(
    problem: Problem, given: Array, wrong: list[tuple[tuple[Mistake, ...], Run]]
) -> Iterator[Explanation]:
    seen: set[frozenset[str]] = set()
    for mistakes, run in wrong:
        codes = frozenset(mistake.code for mistake in mistakes)
        if codes not in seen and problem.explained(run, given):
            seen.add(codes)
            answer = problem.read(run)
            assert answer is not None  # it explains what was given
            yield Explanation(mistakes, run, answer)


def _bits(problem: Problem) -> float:
    """How much a guess of the right answer's shape and range would have to be lucky."""
    right = problem.answer
    if not right.size or right.dtype.kind == "c":
        return 0.0
    spread = float(np.max(right)) - float(np.min(right))
    return prod(right.shape) * log2(1 + spread * 10 ** (problem.decimals or 0))


def _difference(problem: Problem, given: Array) -> tuple[int, ...] | None:
    right = problem.answer
    if given.size != right.size or not problem.same_shape(given, right):
        return None
    apart = np.flatnonzero(~problem.close(given.reshape(-1), right.reshape(-1)))
    if not apart.size:  # a search: another setting than the layer's, which leads elsewhere
        return None
    return tuple(int(k) for k in np.unravel_index(apart[0], right.shape))
