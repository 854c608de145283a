"""diagnose(): which mistakes give a learner's answer, and what is right about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import ArrayLike

from stepconv.classroom.facts import Fact, facts_about
from stepconv.classroom.mistakes import MISTAKES, Mistake
from stepconv.classroom.problem import Problem, Search
from stepconv.classroom.run import Array, Run

LARGEST_FOR_PAIRS = 2**16
"""Products of a problem for which hundreds of pairs are still run in a moment."""
LARGEST_CHANCE = 1 / 1000
"""How probable it may be that a pair of mistakes is named to an answer drawn blindly.

Dozens of pairs are tried. On one or two small numbers some pair would fit any answer.
"""
LARGEST_SURE = 1 / 50
"""The same for a single mistake: each is likelier than any one pair."""


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
        What it answers: what was given, within the rounding asked for.
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
        differ, nothing does, or several answers are right.
    sure : bool
        Whether the answer holds so much that blind numbers would hardly be explained as well.
        One number, or a small size, may be another slip that happens to end there: say
        "perhaps".
    """

    correct: bool
    explanations: tuple[Explanation, ...] = ()
    facts: tuple[Fact, ...] = ()
    difference: tuple[int, ...] | None = None
    sure: bool = True

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the first explanation, () where there is none."""
        return self.explanations[0].codes if self.explanations else ()


@np.errstate(over="ignore", invalid="ignore")  # of numbers near the largest there is
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
    >>> problem = Problem([[[1, 2, 3, 5, 8]]], [[[1, 10]]], [100], {"padding": 1})
    >>> diagnose(problem, [121, 132, 153, 185]).codes
    ('padding_ignored',)
    >>> diagnose(problem, [21, 32, 53, 85]).codes
    ('padding_ignored', 'bias_forgotten')
    >>> diagnose(problem, [110, 121, 133, 153, 185, 108]).facts[0].text
    'All is right but one number: the one at [0, 0, 2] is off by +1.'
    """
    given = problem.numbers(answer)
    if problem.right(given):
        return Diagnosis(correct=True)
    singles = [(one, one.apply(problem.start(given))) for one in MISTAKES]
    applied = [(one, run) for one, run in singles if run is not None]
    found = list(_explanations(problem, given, [((one,), run) for one, run in applied]))
    small = problem.run.geometry.terms * given.size <= LARGEST_FOR_PAIRS
    blind = 2.0 ** -_bits(given)
    if not found and small and blind < LARGEST_CHANCE:
        pairs = [pair for pair in _pairs(applied) if _fits(problem, given, pair[1])]
        if len(pairs) * blind < LARGEST_CHANCE:
            found = list(_explanations(problem, given, pairs))
    return Diagnosis(
        correct=False,
        explanations=tuple(found),
        facts=() if found else tuple(facts_about(problem, given)),
        difference=_difference(problem, given),
        sure=len(applied) * blind < LARGEST_SURE,
    )


def first_difference(right: Array, other: Array) -> tuple[int, ...] | None:
    """Return the index at which two results of any shapes first part, None where they do not.

    Where one goes on after the other, the first index that only one of them has.

    >>> first_difference(np.array([[1, 2, 3]]), np.array([[1, 2]]))
    (0, 2)
    """
    axes = max(right.ndim, other.ndim)
    one, two = (array.reshape((1,) * (axes - array.ndim) + array.shape) for array in (right, other))
    common = tuple(slice(min(sizes)) for sizes in zip(one.shape, two.shape, strict=True))
    apart = np.argwhere(one[common] != two[common])
    if len(apart):
        return tuple(int(k) for k in apart[0])
    for axis, sizes in enumerate(zip(one.shape, two.shape, strict=True)):
        if sizes[0] != sizes[1]:
            return tuple(min(sizes) if k == axis else 0 for k in range(axes))
    return None


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


def _fits(problem: Problem, given: Array, run: Run) -> bool:
    found = problem.read(run)
    return found is not None and problem.same_shape(given, found)


def _explanations(
    problem: Problem, given: Array, wrong: list[tuple[tuple[Mistake, ...], Run]]
) -> Iterator[Explanation]:
    seen: set[frozenset[str]] = set()
    for mistakes, run in wrong:
        if not problem.explained(run, given):
            continue
        names = frozenset(mistake.name for mistake in mistakes)
        if names not in seen:  # another way to make the same mistake says nothing new
            seen.add(names)
            found = given if isinstance(problem, Search) else problem.read(run)
            assert found is not None  # it explains what was given
            yield Explanation(mistakes, run, found)


def _bits(given: Array) -> float:
    """Tell how much an answer holds: numbers of its range and count drawn blindly, in bits."""
    if not given.size or given.dtype.kind == "c" or not np.isfinite(given).all():
        return 0.0
    spread = float(np.max(given)) - float(np.min(given))
    return given.size * log2(1 + spread)


def _difference(problem: Problem, given: Array) -> tuple[int, ...] | None:
    right = problem.answer
    if isinstance(problem, Search) or not problem.same_shape(given, right):
        return None
    apart = np.flatnonzero(~problem.close(given.reshape(-1), right.reshape(-1)))
    return tuple(int(k) for k in np.unravel_index(apart[0], right.shape))
