"""What expressions can ask of a scene: names and how each is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from stepconv.classroom.run import Run
from stepconv.matrix import unrolled_matrix
from stepconv.receptive import ReceptiveField

Reading = Callable[[Run], Any]

OF_SIZES: Mapping[str, Reading] = {
    "input_shape": lambda run: run.geometry.input_shape,
    "weight_shape": lambda run: run.geometry.weight_shape,
    "output_shape": lambda run: run.output_shape,
    "kernel_size": lambda run: run.geometry.kernel_size,
    "stride": lambda run: run.stride,
    "padding": lambda run: run.padding,
    "dilation": lambda run: run.dilation,
    "groups": lambda run: run.groups,
    "output_padding": lambda run: tuple(axis.output_padding for axis in run.geometry.axes),
    "placements": lambda run: prod(run.output_shape),
    "terms": lambda run: prod(run.output_shape) * run.geometry.terms,
    "unused": lambda run: [axis.unused.tolist() for axis in run.geometry.axes],
    "formula": lambda run: [axis.formula() for axis in run.geometry.axes],
}
"""What shapes alone tell."""

OF_NUMBERS: Mapping[str, Reading] = {
    "input": lambda run: run.input,
    "weight": lambda run: run.weight,
    "bias": lambda run: np.zeros(run.geometry.out_channels, int) if run.bias is None else run.bias,
    "output": lambda run: run.output,
    "padded": lambda run: run.padded,
    "products": lambda run: run.trace.products,
    "sums": lambda run: run.trace.sums,
    "coverage": lambda run: run.trace.coverage(),
    "matrix": lambda run: unrolled_matrix(run.input.shape, run.weight, **run.options).toarray(),
}
"""What the numbers tell as well."""


@dataclass(frozen=True)
class RunNames:
    """What a convolution tells, right or wrong; of shapes alone where `hollow`.

    >>> run = Run(np.array([[[1, 2, 3]]]), np.array([[[1, 10]]]))
    >>> RunNames(run).get("placements"), RunNames(run, hollow=True).known[:2]
    (2, ('input_shape', 'weight_shape'))
    """

    run: Run
    hollow: bool = False

    @property
    def known(self) -> Sequence[str]:
        """The names there are."""
        return tuple(OF_SIZES) if self.hollow else (*OF_NUMBERS, *OF_SIZES)

    def get(self, name: str) -> Any:
        """Return the value of a name."""
        reading = OF_SIZES.get(name) or OF_NUMBERS[name]
        return reading(self.run)


@dataclass(frozen=True)
class StackNames:
    """What the receptive fields of a stack tell: a list with a value for each layer.

    A value is a number where all axes are alike, else a tuple.
    """

    fields: Sequence[ReceptiveField]

    @property
    def known(self) -> Sequence[str]:
        """The names there are."""
        return ("fields", "touched", "jumps", "starts")

    def get(self, name: str) -> Any:
        """Return the value of a name."""
        attribute = {"fields": "size", "jumps": "jump", "starts": "start"}.get(name, name)
        per_layer = [getattr(field, attribute) for field in self.fields]
        return [axes[0] if len(set(axes)) == 1 else axes for axes in per_layer]


@dataclass(frozen=True)
class ProgramNames:
    """The variables of a program, which runs when one of them is asked for."""

    variables: Callable[[], Mapping[str, Any]]

    @property
    def known(self) -> Sequence[str]:
        """The names there are."""
        return tuple(self.variables())

    def get(self, name: str) -> Any:
        """Return the value of a variable."""
        return self.variables()[name]
