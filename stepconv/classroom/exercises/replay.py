"""Commands that show a case step by step; they can be pasted into a terminal."""

from __future__ import annotations

import json
import shlex
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.classroom.asked import the_size
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run

Array = NDArray[Any]


def replay_problem(problem: Problem, position: tuple[int, ...] | None = None) -> str:
    """Return the command that replays the right work of a problem.

    >>> replay_problem(Problem([[[1, 2, 3]]], [[[1, 10]]], options={"padding": 1}))
    "stepconv trace '1 2 3' '1 10' --padding 1"
    """
    run = problem.run
    if problem.asked is the_size:
        shapes = [_joined(run.input.shape), _joined(run.weight.shape)]
        words = ["shape", "--input", shapes[0], "--weight", shapes[1], *_options(run)]
        return shlex.join(["stepconv", *words])
    input, weight, rank = _texts(run)
    words = ["trace", input, weight, *rank]
    if run.bias is not None:
        words += ["--bias", _numbers(run.bias)]
    words += _options(run)
    if position is not None:
        place = int(np.ravel_multi_index(position, run.output_shape[2:]))
        words += ["--step", str(place + 1)]
    return shlex.join(["stepconv", *words])


def replay_fields(layers: str) -> str:
    """Return the command that works out a receptive field.

    >>> replay_fields("3 3,d=2")
    "stepconv receptive '3 3,d=2'"
    """
    return shlex.join(["stepconv", "receptive", layers])


def _texts(run: Run) -> tuple[str, str, list[str]]:
    """Return input and kernel as the command line reads them, and --rank where they need it."""
    if run.input.shape[:2] == (1, 1) and run.weight.shape[:2] == (1, 1) and run.rank < 3:
        return _numbers(run.input[0, 0]), _numbers(run.weight[0, 0]), []
    nested = [json.dumps(array.tolist()) for array in (run.input[0], run.weight)]
    return nested[0], nested[1], ["--rank", str(run.rank)]


def _numbers(array: Array) -> str:
    """Return rows of numbers: ``1 2; 3 4``; a single row of a plane with its brackets."""
    if array.ndim == 2 and len(array) == 1:
        return json.dumps(array.tolist())
    rows = np.atleast_2d(array).tolist()
    return "; ".join(" ".join(map(str, row)) for row in rows)


def _options(run: Run) -> list[str]:
    """Return the options of the layer that are not at their defaults."""
    words = []
    for name, value in run.options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            words.append(option)
        elif name == "padding" and not isinstance(value, str | int):
            sides = [pad if isinstance(pad, int) else _joined(pad, ":") for pad in value]
            words += [option, _joined(sides)]
        elif not isinstance(value, bool):
            several = isinstance(value, tuple | list)
            words += [option, _joined(value) if several else str(value)]
    return words


def _joined(values: Any, mark: str = ",") -> str:
    return mark.join(map(str, values))
