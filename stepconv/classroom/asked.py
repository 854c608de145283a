"""What a problem asks for: callables that read one thing off a run.

Each takes a `Run` and returns an array, so that the same question can be put to the right
run and to every wrong one. They are values: two that ask the same are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepconv.classroom.run import Run

Array = NDArray[Any]


def the_output(run: Run) -> ArrayLike:
    """Ask for the whole output."""
    return run.output


def the_shape(run: Run) -> ArrayLike:
    """Ask for the output's shape, every axis."""
    return run.output_shape


def the_size(run: Run) -> ArrayLike:
    """Ask for the output's size along the axes that the kernel moves along."""
    return run.output_shape[-run.rank :]


def the_padded_input(run: Run) -> ArrayLike:
    """Ask for the input as the kernel meets it."""
    return run.padded


def the_padding(run: Run) -> ArrayLike:
    """Ask for the padding, (before, after) for each axis."""
    return run.padding


def the_weight(run: Run) -> ArrayLike:
    """Ask for the kernel."""
    return run.weight


@dataclass(frozen=True)
class Cell:
    """Ask for one output cell, (n, channel, *position) or an index of `output` as it is.

    >>> run = Run(np.array([[[1, 2, 3]]]), np.array([[[1, 10]]]))
    >>> int(Cell((0, 0, 1))(run))
    32
    """

    index: tuple[int, ...]

    def __call__(self, run: Run) -> ArrayLike:
        """Return the cell of the run's output; IndexError where it has no such cell."""
        return np.asarray(run.output[self.index])


@dataclass(frozen=True)
class Row:
    """Ask for the cells of one output channel: `output[0, channel]`."""

    channel: int = 0

    def __call__(self, run: Run) -> ArrayLike:
        """Return the channel of the run's first sample."""
        output = run.output
        return np.asarray(output[0, self.channel] if output.ndim > run.rank + 1 else output)


@dataclass(frozen=True)
class Products:
    """Ask for the products that are added for one output cell (n, channel, *position)."""

    cell: tuple[int, ...]

    def __call__(self, run: Run) -> ArrayLike:
        """Return the products, (C_in/groups, *kernel)."""
        return run.products(self.cell)


@dataclass(frozen=True)
class Sums:
    """Ask for the partial sums of one output cell (n, channel, *position)."""

    cell: tuple[int, ...]

    def __call__(self, run: Run) -> ArrayLike:
        """Return the sums, (C_in/groups, *kernel)."""
        return run.sums(self.cell)


@dataclass(frozen=True)
class AllProducts:
    """Ask for the products of every placement of one channel: a row for each placement.

    >>> run = Run(np.array([[[1, 2, 3]]]), np.array([[[1, 10]]]))
    >>> np.asarray(AllProducts()(run)).tolist()
    [[1, 20], [2, 30]]
    """

    channel: int = 0

    def __call__(self, run: Run) -> ArrayLike:
        """Return (placements, terms) of the first sample."""
        record, places = run.trace, int(np.prod(run.geometry.output_size))
        first = self.channel * places
        return record.products[first : first + places]


@dataclass(frozen=True)
class AllSums:
    """Ask for the sum of every placement of one channel, before the bias."""

    channel: int = 0

    def __call__(self, run: Run) -> ArrayLike:
        """Return one number for each placement of the first sample."""
        record, places = run.trace, int(np.prod(run.geometry.output_size))
        first = self.channel * places
        return record.sums[first : first + places, -1]


@dataclass(frozen=True)
class Window:
    """Ask which input positions lie under the kernel, along one axis; -1 for a zero."""

    cell: tuple[int, ...]
    axis: int = 0

    def __call__(self, run: Run) -> ArrayLike:
        """Return one position for each tap."""
        return run.window(self.cell)[self.axis]


@dataclass(frozen=True)
class Seen:
    """Ask which values lie under the kernel for one output cell: (C_in/groups, *kernel)."""

    cell: tuple[int, ...]

    def __call__(self, run: Run) -> ArrayLike:
        """Return the values, zeros where padding lies."""
        return run.trace.at(*self.cell).values


@dataclass(frozen=True)
class Positions:
    """Ask which input positions one output cell sees along an axis, counted from 1.

    >>> run = Run(np.array([[[1, 2, 3]]]), np.array([[[1, 10]]]), options={"padding": 1})
    >>> np.asarray(Positions((0, 0, 0))(run)).tolist()
    [1]
    """

    cell: tuple[int, ...]
    axis: int = 0

    def __call__(self, run: Run) -> ArrayLike:
        """Return the positions in order, each once."""
        seen = run.window(self.cell)[self.axis]
        return np.array(sorted({place + 1 for place in seen if place >= 0}), dtype=np.int64)
