"""Topic: a kind of problem, drawn until it tells mistakes apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from stepconv.classroom.asked import the_output
from stepconv.classroom.drawing import Draw
from stepconv.classroom.mistakes import MISTAKES
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Array
from stepconv.errors import ShapeError

ALIKE = frozenset({"padding_total", "padding_one_side"})
"""Codes that give one size: half of p on each side comes to as much as p on one."""

LARGEST_PRODUCT, LARGEST_NUMBER = 81, 200
MOST_CELLS = {1: 12, 2: 16, 3: 20}
MOST_PRODUCTS = {1: 48, 2: 72, 3: 96}
"""How much work a problem of each level may be."""


@dataclass(frozen=True)
class Topic:
    """A kind of problem.

    Attributes
    ----------
    name : str
    title : callable
        What it is about, in the current language.
    draw : callable
        ``draw(draw, level)`` is a problem that may or may not tell mistakes apart.
    focus : tuple of tuple of str
        For levels 1, 2 and 3 the codes that every problem must be able to show.
    """

    name: str
    title: Callable[[], str]
    draw: Callable[[Draw, int], Problem]
    focus: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

    def accepts(self, problem: Problem, level: int) -> bool:
        """Whether a problem can be done by hand and tells mistakes apart."""
        if not _by_hand(problem, level):
            return False
        codes = told_apart(problem)
        return codes is not None and codes.issuperset(self.focus[level - 1])


def told_apart(problem: Problem) -> set[str] | None:
    """Return the codes that a problem can show; None where two of them look alike.

    For a problem about values every mistake that applies must change the answer; sizes,
    which most mistakes leave alone, need only tell those apart that do not.
    """
    values = problem.about_output
    found: list[tuple[str, Array]] = []
    for mistake in MISTAKES:
        if mistake.code in ("missing_axis", "extra_axis") and not problem.exact_shape:
            continue
        wrong = mistake.apply(problem.start())
        if wrong is None:
            continue
        answers = list(problem.answers_under(mistake.apply))
        if values and not answers:
            return None
        for answer in answers:
            for code, known in found:
                alike = code == mistake.code or (not values and {code, mistake.code} == ALIKE)
                if not alike and problem.same(answer, known):
                    return None
            found.append((mistake.code, answer))
    return {code for code, _answer in found}


def _by_hand(problem: Problem, level: int) -> bool:
    try:
        problem.run.geometry  # noqa: B018  # drawn sizes may leave the kernel no room
    except ShapeError:
        return False
    if problem.asked is not the_output:
        return True
    run = problem.run
    cells = prod(run.output_shape)
    products = (
        prod(run.input.shape) * prod(run.weight.shape[1:])
        if run.transposed
        else cells * run.geometry.terms
    )
    if cells > MOST_CELLS[level] or products > MOST_PRODUCTS[level]:
        return False
    product = int(np.abs(run.input).max()) * int(np.abs(run.weight).max())
    return product <= LARGEST_PRODUCT and int(np.abs(run.output).max()) <= LARGEST_NUMBER
