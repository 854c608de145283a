"""Cases drawn from a seed, on which the usual mistakes show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stepconv.classroom.drawing import Draw
from stepconv.classroom.exercises.cases import Case, FieldCase, LayerCase
from stepconv.classroom.exercises.kinds import ASKS
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run
from stepconv.classroom.topics import generate

TRIES = 40
"""Problems drawn until one fits what the function can be given."""


@dataclass(frozen=True)
class Draws:
    """How cases are drawn.

    Attributes
    ----------
    asks : str
        A key of `ASKS`, or "field".
    arguments : tuple of str
    bare : bool
        As for `LayerCase`.
    rank : int
    transposed : bool
    topics : tuple of str
        Topics of the generator, taken in turn.
    levels : tuple of int
        Levels, taken in turn.
    count : int
        Cases to draw.
    """

    asks: str
    arguments: tuple[str, ...]
    bare: bool
    rank: int
    transposed: bool = False
    topics: tuple[str, ...] = ()
    levels: tuple[int, ...] = (1,)
    count: int = 0

    def cases(self, seed: int) -> tuple[Case, ...]:
        """Return the cases of a seed."""
        return tuple(case for number in range(self.count) for case in self._case(seed, number))

    def _case(self, seed: int, number: int) -> Iterator[Case]:
        """Yield one case, or none where the generator never gives what fits."""
        if self.asks == "field":
            yield FieldCase(_layers(seed, number))
            return
        topic = self.topics[number % len(self.topics)]
        level = self.levels[number % len(self.levels)]
        for attempt in range(TRIES):
            run = generate(topic, level, f"{seed} {number} {attempt}").run
            if self.fits(run):
                yield self.case(run, Draw("cell", seed, number))
                return

    def fits(self, run: Run) -> bool:
        """Whether the function can be given this layer."""
        return (
            run.rank == self.rank
            and run.transposed == self.transposed
            and run.input.shape[0] == 1
            and (not self.bare or run.input.shape[1] == run.output_shape[1] == 1)
            and all(before == after for before, after in run.padding)
            and _used(run) <= set(self.arguments)
        )

    def case(self, run: Run, draw: Draw) -> LayerCase:
        """Return the case about a layer."""
        bias = run.bias
        if bias is None and "bias" in self.arguments:
            bias = np.zeros(run.output_shape[1], dtype=np.int64)
        problem = Problem(run.input, run.weight, bias, run.options, ASKS[self.asks])
        place = None
        if self.asks == "cell":
            place = tuple(draw.below(size) for size in run.output_shape[2:])
        return LayerCase(problem, self.arguments, self.bare, place)


def _used(run: Run) -> set[str]:
    """Return the arguments of a layer that are not at their defaults."""
    spec = run.spec
    used = {
        "stride": set(spec.stride) != {1},
        "dilation": set(spec.dilation) != {1},
        "padding": any(map(any, run.padding)),
        "padding_mode": spec.padding_mode != "zeros",
        "groups": spec.groups != 1,
        "output_padding": any(spec.output_padding),
        "bias": run.bias is not None,
    }
    return {name for name, is_used in used.items() if is_used}


def _layers(seed: int, number: int) -> str:
    """Return a stack of layers, as `stepconv receptive` reads it."""
    draw = Draw("layers", seed, number)
    return " ".join(
        f"{draw.between(2, 5)},s={draw.between(1, 3)},d={draw.between(1, 3)}"
        for _ in range(draw.between(2, 3))
    )
