"""Cases: what a function is given, and what it should give, computed by the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.classroom.asked import Cell
from stepconv.classroom.diagnosis import Diagnosis, diagnose
from stepconv.classroom.exercises.kinds import ASKS
from stepconv.classroom.exercises.replay import replay_fields, replay_problem
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run
from stepconv.language import _
from stepconv.receptive import parse_layers, receptive_field
from stepconv.spec import ConvSpec

Array = NDArray[Any]

_OF_SIZE = ("shape", "count")
"""Facts that say no more than the two shapes do."""
_WITH_SIZE = ("missing", "too_many")
"""Facts that tell how the size differs."""


@dataclass(frozen=True)
class Remarks:
    """What a wrong result shows, in sentences.

    Attributes
    ----------
    facts : tuple of str
        What is true of it; where its shape is wrong, one of them says so.
    ways : tuple of str
        Mistakes that give it; several that cannot be told apart are all there.
    """

    facts: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """The facts, then the ways."""
        return self.facts + self.ways


class Case(ABC):
    """One call of a function.

    Attributes
    ----------
    given : Mapping
        The arguments by name, in the order of the exercise.
    expected : ndarray
        What the engine gives.
    replay : str
        A command that shows how it comes about.
    """

    given: Mapping[str, Any]

    @property
    @abstractmethod
    def expected(self) -> Array:
        """What the engine gives."""

    @property
    @abstractmethod
    def replay(self) -> str:
        """A command that shows how it comes about."""

    @abstractmethod
    def diagnose(self, got: Array) -> Diagnosis | None:
        """Return what a wrong result shows, None where that cannot be asked here."""

    @abstractmethod
    def remarks(self, got: Array) -> Remarks:
        """Return what a wrong result shows, in sentences."""

    def about_shape(self, got: Array) -> tuple[str, ...]:
        """Say what shape a result has and should have, or nothing where it is right."""
        shape, wanted = got.shape, self.expected.shape
        if shape == wanted:
            return ()
        if not wanted:
            text = _("the shape is {got}; one number is asked for")
        elif not shape:
            text = _("this is one number; the shape should be {expected}")
        else:
            text = _("the shape is {got}; it should be {expected}")
        return (text.format(got=shape, expected=wanted),)

    def right(self, got: Array) -> bool:
        """Whether `got` is what is expected: the same shape, and the same numbers but for rounding.

        The arrays come out of the sandbox, so they are plain ones.
        """
        if got.shape != self.expected.shape or got.dtype.kind not in "biufc":
            return False
        return bool(np.allclose(got, self.expected, rtol=1e-5, atol=1e-8))


class LayerCase(Case):
    """A case about one layer.

    Parameters
    ----------
    problem : Problem
    arguments : tuple of str
        What the function takes.
    bare : bool
        Whether it is given arrays without sample and channel, (L,) or (H, W); otherwise
        without sample, (C, *spatial).
    position : tuple of int, optional
        The output cell that is asked for.
    """

    def __init__(
        self,
        problem: Problem,
        arguments: tuple[str, ...],
        bare: bool,
        position: tuple[int, ...] | None = None,
    ) -> None:
        run = problem.run
        if position is not None:
            cell = Cell((0, 0, *position))
            problem = Problem(run.input, run.weight, run.bias, run.options, cell)
        self.problem = problem
        self.bare = bare
        self.position = position
        self.given = {name: self._argument(name, run) for name in arguments}

    @cached_property
    def expected(self) -> Array:
        """What the engine gives, with the axes that the function should return."""
        answer = self.problem.answer
        if self.problem.asked is ASKS["output"]:
            return np.asarray(answer[0, 0] if self.bare else answer[0])
        if self.problem.asked is ASKS["size"] and self.bare:
            return np.asarray(answer[0] if len(answer) == 1 else answer)
        return answer

    @property
    def replay(self) -> str:
        """A command that shows how it comes about."""
        return replay_problem(self.problem, self.position)

    def diagnose(self, got: Array) -> Diagnosis | None:
        """Return what a wrong result shows of the layer."""
        return diagnose(self.problem, got)

    def remarks(self, got: Array) -> Remarks:
        """Return the mistakes that give these numbers, or else facts about them."""
        shape = self.about_shape(got)
        alike = got.size == self.expected.size
        if shape and alike and self.right(got.reshape(self.expected.shape)):
            text = (
                _("the numbers are right, the shape is {got} rather than {expected}")
                if self.expected.shape
                else _("the number is right, but in an array of shape {got}; return it alone")
            )
            return Remarks((text.format(got=got.shape, expected=self.expected.shape),))
        found = diagnose(self.problem, got)
        if found.explanations:
            ways = (
                " + ".join(
                    _("{name}: {explanation}").format(name=one.name, explanation=one.explanation)
                    for one in explanation.mistakes
                )
                for explanation in found.explanations
            )
            return Remarks(shape, tuple(ways))
        if any(fact.code in _WITH_SIZE for fact in found.facts):
            shape = ()
        facts = (fact.text for fact in found.facts if fact.code not in _OF_SIZE)
        return Remarks((*shape, *facts))

    def _argument(self, name: str, run: Run) -> Any:
        """Return what the function is given under `name`."""
        if name in ("input", "weight"):
            array = getattr(run, name)
            if self.bare:
                return array[0, 0]
            return array[0] if name == "input" else array
        if name in ("input_size", "kernel_size"):
            shape = run.input.shape if name == "input_size" else run.weight.shape
            return _together([int(size) for size in shape[2:]])
        if name == "position":
            return _together(list(self.position or ()))
        if name == "bias":
            return run.bias
        if name == "padding":
            return _together([before for before, _after in run.padding])
        value = getattr(run.spec, name)
        return _together(list(value)) if isinstance(value, tuple) else value


class FieldCase(Case):
    """A case about a stack of layers: the receptive field of one output cell.

    >>> case = FieldCase("3 3,d=2")
    >>> case.given["layers"], case.expected
    ([[3, 1, 1], [3, 1, 2]], array(7))
    """

    def __init__(self, layers: str) -> None:
        self.text = layers
        self.layers = [
            [spec.kernel_size[0], spec.stride[0], spec.dilation[0]] for spec in parse_layers(layers)
        ]
        self.given = {"layers": self.layers}

    @cached_property
    def expected(self) -> Array:
        """What the engine gives."""
        return np.asarray(_field(self.layers))

    @property
    def replay(self) -> str:
        """A command that shows how it comes about."""
        return replay_fields(self.text)

    def diagnose(self, got: Array) -> Diagnosis | None:
        """Return None: this is no question about one layer."""
        return None

    def remarks(self, got: Array) -> Remarks:
        """Return which rule left out gives this field."""
        if shape := self.about_shape(got):
            return Remarks(shape)
        ways = {
            _("this is what comes out where the strides are left out"): _field(
                [[size, 1, apart] for size, _, apart in self.layers]
            ),
            _("this is what comes out where the dilation is left out"): _field(
                [[size, stride, 1] for size, stride, _ in self.layers]
            ),
            _("this is what comes out where the layers are walked from the last to the first"): (
                _field(self.layers[::-1])
            ),
            _("this is the sum of the kernel sizes: a layer adds one cell less than it has taps"): (
                sum(size for size, _, _ in self.layers)
            ),
            _("this counts the gaps alone: the field has one cell more"): _field(self.layers) - 1,
        }
        return Remarks(ways=tuple(text for text, value in ways.items() if value == got))


def _field(layers: list[list[int]]) -> int:
    """Return how many input cells one output cell spans behind `layers`."""
    specs = [ConvSpec((size,), stride=stride, dilation=apart) for size, stride, apart in layers]
    return receptive_field(specs)[-1].size[0]


def _together(values: list[Any]) -> Any:
    """Return one value for all axes where they are the same, else the list."""
    return values[0] if len(values) == 1 else values
