"""The kinds of questions: how each is made of a topic's problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stepconv.classroom import asked as ask
from stepconv.classroom.drawing import Draw
from stepconv.classroom.mistakes import MISTAKES
from stepconv.classroom.problem import Asked, Problem, Search
from stepconv.classroom.questions import hints
from stepconv.classroom.questions.wording import place, written
from stepconv.language import _

Cell = tuple[int, ...]
Parts = dict[str, Any]
"""The attributes of a `Question` that a kind decides: problem, words, hinting, cell."""


@dataclass(frozen=True)
class Kind:
    """A kind of question.

    Attributes
    ----------
    name : str
    title : callable
        What is asked, in the current language.
    topics : tuple of str
        The topics whose problems it fits.
    make : callable
        ``make(problem, draw)`` returns the parts of a question.
    """

    name: str
    title: Callable[[], str]
    topics: tuple[str, ...]
    make: Callable[[Problem, Draw], Parts]


def _telling(problem: Problem, cells: Sequence[Cell], of: Callable[[Cell], Asked]) -> list[Cell]:
    """Return the cells at which most mistakes answer wrongly, and unlike one another."""
    wrong = [run for run in (one.apply(problem.run) for one in MISTAKES) if run is not None]
    counts = []
    for cell in cells:
        question = problem.asking(of(cell))
        answers = [question.read(run) for run in wrong]
        told = {answer.tobytes() for answer in answers if answer is not None}
        counts.append(len(told - {question.answer.tobytes()}))
    return [cell for cell, count in zip(cells, counts, strict=True) if count == max(counts)]


def _cells(problem: Problem) -> list[Cell]:
    geometry = problem.run.geometry
    return [(0, *index) for index in np.ndindex(geometry.out_channels, *geometry.output_size)]


def _row(problem: Problem, draw: Draw) -> Parts:
    run = problem.run

    def words() -> str:
        return (
            _("What is the whole output?")
            if run.rank == run.geometry.out_channels == 1
            else _("What is the whole output, row by row?")
        )

    return {"problem": problem, "words": words, "hinting": lambda: hints.of_row(run)}


def _cell(problem: Problem, draw: Draw) -> Parts:
    cell = draw.pick(_telling(problem, _cells(problem), ask.Cell))
    run = problem.run
    return {
        "problem": problem.asking(ask.Cell(cell)),
        "cell": cell,
        "words": lambda: _("What is {place}?").format(place=place(cell, run)),
        "hinting": lambda: hints.of_sums(run, cell),
    }


def _window(problem: Problem, draw: Draw) -> Parts:
    run = problem.run
    cell = draw.pick(_telling(problem, _cells(problem)[1:], ask.Seen))
    before = (*cell[:-1], cell[-1] - 1)

    def words() -> str:
        text = _(
            "For {before} the kernel lies on {values}. On which numbers does it lie for {after},"
            " the next one?"
        )
        values = written(run.trace.at(*before).values)
        return text.format(before=place(before, run), values=values, after=place(cell, run))

    return {
        "problem": problem.asking(ask.Seen(cell)),
        "cell": cell,
        "words": words,
        "hinting": lambda: hints.of_window(run, cell),
    }


def _seen(problem: Problem, draw: Draw) -> Parts:
    run = problem.run
    cell = draw.pick(_telling(problem, _cells(problem), ask.Positions))

    def words() -> str:
        text = _("Which positions of the input does {place} see, counted from 1?")
        return text.format(place=place(cell, run))

    return {
        "problem": problem.asking(ask.Positions(cell)),
        "cell": cell,
        "words": words,
        "hinting": lambda: hints.of_window(run, cell),
    }


def _size(problem: Problem, draw: Draw) -> Parts:
    run = problem.run

    def words() -> str:
        return (
            _("How many numbers does the output have?")
            if run.rank == 1
            else _("What is the size of the output along each axis?")
        )

    return {"problem": problem, "words": words, "hinting": lambda: hints.of_size(run)}


def _shape(problem: Problem, draw: Draw) -> Parts:
    return {
        "problem": problem,
        "words": lambda: _("What is the shape of the output, every axis?"),
        "hinting": lambda: hints.of_shape(problem.run),
    }


def _find_padding(problem: Problem, draw: Draw) -> Parts:
    assert isinstance(problem, Search)
    return {
        "problem": problem,
        "words": lambda: _("Which padding, the same on every side, gives this size?"),
        "hinting": lambda: hints.of_padding(problem),
    }


def _find_kernel(problem: Problem, draw: Draw) -> Parts:
    assert isinstance(problem, Search)
    return {
        "problem": problem,
        "words": lambda: _("Which kernel gives this output?"),
        "hinting": lambda: hints.of_kernel(problem),
    }


_ROW = ("padding", "padding-modes", "stride", "dilation")
_ALONG_ONE = ("valid", *_ROW, "channels", "bias", "groups")
_PLANES = ("two-dimensions", "three-dimensions")
_TRANSPOSED = ("transposed", "transposed-channels", "there-and-back")

KINDS: tuple[Kind, ...] = (
    Kind(
        "row",
        lambda: _("the whole output"),
        (*_ALONG_ONE, "two-dimensions", *_TRANSPOSED),
        _row,
    ),
    Kind(
        "cell",
        lambda: _("one output cell"),
        (*_ROW, "channels", "bias", "groups", *_PLANES, "transposed", "transposed-channels"),
        _cell,
    ),
    Kind("window", lambda: _("the next window"), _ROW, _window),
    Kind("seen", lambda: _("which inputs a cell sees"), ("stride", "dilation"), _seen),
    Kind("size", lambda: _("the output's size"), ("sizes", "transposed-sizes"), _size),
    Kind("shape", lambda: _("the output's shape"), ("shapes",), _shape),
    Kind("find-padding", lambda: _("find the padding"), ("find-padding",), _find_padding),
    Kind("find-kernel", lambda: _("find the kernel"), ("find-kernel",), _find_kernel),
)
