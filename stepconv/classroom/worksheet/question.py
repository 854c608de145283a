"""Question: a problem of a sheet with its parts, and how the key keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stepconv.classroom.asked import the_shape, the_size
from stepconv.classroom.problem import Problem
from stepconv.classroom.worksheet.parts import MARKS, Part, is_of_sizes
from stepconv.errors import InputError
from stepconv.record.fields import plain

_ARRAYS = ("input", "weight", "bias", "origin")


@dataclass(frozen=True)
class Question:
    """One question of a sheet.

    Attributes
    ----------
    number : int
        From 1.
    topic : str
        What it was drawn for.
    problem : Problem
    parts : tuple of Part
    """

    number: int
    topic: str
    problem: Problem
    parts: tuple[Part, ...]

    @property
    def marks(self) -> float:
        """What all its parts are worth."""
        return sum(part.marks for part in self.parts)

    def letter(self, part: Part) -> str:
        """Return the letter of a part: "a" for the first."""
        return "abcdefgh"[self.parts.index(part)]


def to_json(question: Question) -> dict[str, Any]:
    """Return a question as JSON types."""
    run = question.problem.run
    data: dict[str, Any] = {"topic": question.topic}
    if is_of_sizes(question.problem):
        data |= {"input_shape": list(run.input.shape), "weight_shape": list(run.weight.shape)}
    else:
        data |= {"input": plain(run.input), "weight": plain(run.weight)}
        data["bias"] = None if run.bias is None else plain(run.bias)
        data["origin"] = None if run.origin is None else plain(run.origin)
    data["options"] = dict(run.options)
    data["parts"] = [[part.code, *part.cell] for part in question.parts]
    return data


def from_json(number: int, data: Mapping[str, Any]) -> Question:
    """Rebuild a question from `to_json`'s object.

    Raises
    ------
    InputError
        Where it is not one.
    """
    try:
        options = {name: _tuples(value) for name, value in data["options"].items()}
        if "input_shape" in data:
            shapes = data["input_shape"], data["weight_shape"]
            whole = any(code == "shape" for code, *_cell in data["parts"])
            problem = Problem.of_shapes(*shapes, options, asked=the_shape if whole else the_size)
        else:
            arrays = {name: _array(data[name]) for name in _ARRAYS}
            problem = Problem(**arrays, options=options)
        parts = tuple(Part(code, tuple(cell)) for code, *cell in data["parts"])
        if not parts or any(part.code not in MARKS for part in parts):
            raise ValueError("parts")
        problem.run.geometry  # noqa: B018  # refuses what does not fit, before anyone is graded
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError("question {number} of the key is damaged", number=number) from error
    return Question(number, str(data["topic"]), problem, parts)


def _array(value: Any) -> Any:
    return None if value is None else np.asarray(value)


def _tuples(value: Any) -> Any:
    """Return lists as the tuples that options are."""
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
