"""Problems by topic and level from a seed, such that no two mistakes give the same answer.

Drawn numbers hide mistakes more often than not: in half of all random exercises some wrong
method gives the right answer. So problems are drawn until the truth and every mistake that
applies answer differently; see `stepconv.classroom.topics.base`.
"""

from __future__ import annotations

from difflib import get_close_matches

from stepconv.classroom.drawing import Draw
from stepconv.classroom.problem import Problem
from stepconv.classroom.topics.base import Topic, told_apart
from stepconv.classroom.topics.channels import CHANNELS
from stepconv.classroom.topics.planes import PLANES
from stepconv.classroom.topics.rows import ROWS
from stepconv.classroom.topics.searches import SEARCHES
from stepconv.classroom.topics.sizes import SIZES
from stepconv.classroom.topics.transposed import TRANSPOSED
from stepconv.errors import InputError
from stepconv.values import shown, whole_number

__all__ = ["LEVELS", "TOPICS", "Topic", "generate", "told_apart", "topic"]

TOPICS: tuple[Topic, ...] = (*ROWS, *CHANNELS, *PLANES, *TRANSPOSED, *SIZES, *SEARCHES)
LEVELS = (1, 2, 3)
MOST_DRAWS = 2000
"""Draws before one gives up; a few are needed at the median."""


def topic(name: str) -> Topic:
    """Return the topic of a name; InputError where there is none."""
    names = [one.name for one in TOPICS]
    if name not in names:
        near = get_close_matches(name, names, n=1)
        raise InputError(
            "there is no topic {name}; one of {names}",
            name=shown(name),
            names=", ".join(near or names),
        )
    return TOPICS[names.index(name)]


def generate(name: str, level: int = 1, seed: int | str = 0) -> Problem:
    """Return the problem of a topic, a level (1, 2 or 3) and a seed: always the same one.

    >>> problem = generate("padding", level=1, seed=7)
    >>> problem.run.input.shape, problem.run.options
    ((1, 1, 5), {'padding': 1})
    """
    kind = topic(name)
    if whole_number(level) not in LEVELS:
        raise InputError("level {level} is none of 1, 2 and 3", level=shown(level))
    draw = Draw(name, level, seed)
    for _attempt in range(MOST_DRAWS):
        problem = kind.draw(draw, level)
        if kind.accepts(problem, level):
            return problem
    raise InputError(
        "no {topic} problem of level {level} came up for seed {seed}; take another seed",
        topic=name,
        level=level,
        seed=shown(seed),
    )
