"""Parts: the steps that a question asks for, each with its marks.

A part reads its answer off a run, so the same part can be asked of the right run, of a
wrong one, and of the one that goes on from what a student wrote before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepconv.classroom.asked import Products, the_output, the_padded_input, the_shape, the_size
from stepconv.classroom.problem import Asked, Problem
from stepconv.classroom.run import Run
from stepconv.language import _

Array = NDArray[Any]
Index = tuple[int, ...]

MARKS = {
    "padded_size": 1.0,
    "span": 1.0,
    "full_size": 1.0,
    "padded": 2.0,
    "size": 1.0,
    "shape": 2.0,
    "products": 2.0,
    "stamp": 2.0,
    "full": 2.0,
    "sums": 2.0,
    "output": 3.0,
}
"""What each part is worth, in the order in which they are asked."""
SIZES = ("padded_size", "span", "full_size", "size", "shape")
"""Parts whose answer is a number for each axis."""

_FIRST = 3


@dataclass(frozen=True)
class Part:
    """One step of a question.

    Attributes
    ----------
    code : str
        A key of `MARKS`, and the name in the answer file.
    cell : tuple of int
        For "products" the output cell, for "stamp" the input cell: (n, channel, *position).
    """

    code: str
    cell: Index = ()

    @property
    def marks(self) -> float:
        """What a right answer brings."""
        return MARKS[self.code]

    @property
    def asked(self) -> Asked:
        """What it reads off a run."""
        if self.code == "products":
            return Products(self.cell)
        if self.code == "stamp":
            return Stamped(self.cell)
        return _ASKED[self.code]

    @property
    def title(self) -> str:
        """What it is, in a word or two."""
        return {
            "padded_size": _("padded size"),
            "span": _("span of the kernel"),
            "full_size": _("size before cropping"),
            "padded": _("padded input"),
            "size": _("output size"),
            "shape": _("output shape"),
            "products": _("products"),
            "stamp": _("stamp"),
            "full": _("sums before cropping"),
            "sums": _("sums before the bias"),
            "output": _("output"),
        }[self.code]


def parts_of(problem: Problem, pick: int) -> tuple[Part, ...]:
    """Return the steps that a problem has.

    Parameters
    ----------
    problem : Problem
    pick : int
        Chooses the placement, or the input cell, of the step that is asked for one alone.

    Examples
    --------
    >>> problem = Problem([[[1, 2, 3]]], [[[1, 2]]], options={"padding": 1})
    >>> [part.code for part in parts_of(problem, 0)]
    ['padded', 'size', 'products', 'output']
    """
    run = problem.run
    crops = any(before or after for before, after in run.padding)
    steps: list[Part] = []
    if is_of_sizes(problem):
        if run.transposed:
            steps += [Part("full_size")]
        else:
            steps += [Part("padded_size")] * crops
            steps += [Part("span")] * (max(run.dilation) > 1)
        return (*steps, Part("shape" if problem.asked == the_shape else "size"))
    if run.transposed:
        steps += [Part("size"), Part("stamp", _input_cell(run, pick))]
        steps += [Part("full")] * crops
    else:
        steps += [Part("padded")] * crops
        steps += [Part("size"), Part("products", _output_cell(run, pick))]
        steps += [Part("sums")] * (run.bias is not None)
    return (*steps, Part("output"))


def is_of_sizes(problem: Problem) -> bool:
    """Whether a problem is about sizes alone, and has no numbers to work with."""
    return problem.asked in (the_size, the_shape)


@dataclass(frozen=True)
class Stamped:
    """Ask for an input cell times the kernels: (C_out/groups, *kernel)."""

    cell: Index

    def __call__(self, run: Run) -> ArrayLike:
        """Return the products, cropped ones too; IndexError where there is no such cell."""
        value = run.input.reshape((-1, *run.input.shape[-run.rank - 1 :]))[self.cell]
        return np.asarray(value * run.weight[self.cell[1]])


def padded_size(run: Run) -> ArrayLike:
    """Ask how long each axis of the input is with its padding."""
    return run.padded_size


def span(run: Run) -> ArrayLike:
    """Ask how many cells the kernel spans along each axis, gaps and all."""
    return [axis.span for axis in run.geometry.axes]


def full_size(run: Run) -> ArrayLike:
    """Ask how long each axis of a transposed convolution is before anything is cropped."""
    return [(axis.input_size - 1) * axis.stride + axis.span for axis in run.geometry.axes]


def full(run: Run) -> ArrayLike:
    """Ask for the sums of a transposed convolution before cropping, without the bias."""
    return run.changed(padding=0, output_padding=0, output_size=None, bias=None).output


def sums(run: Run) -> ArrayLike:
    """Ask for the output before the bias."""
    return run.changed(bias=None).output


_ASKED: dict[str, Asked] = {
    "padded_size": padded_size,
    "span": span,
    "full_size": full_size,
    "padded": the_padded_input,
    "size": the_size,
    "shape": the_shape,
    "full": full,
    "sums": sums,
    "output": the_output,
}


def _output_cell(run: Run, pick: int) -> Index:
    """Choose an output cell among the first on each axis, which tells little of the size.

    The very first only where the kernel meets padding there, or there is no other.
    """
    channels, *sizes = run.geometry.output_shape[-run.rank - 1 :]
    pick, channel = divmod(pick, channels)
    place = []
    for size in sizes:
        pick, position = divmod(pick, min(size, _FIRST))
        place.append(position)
    if not any(place) and not any(before for before, _after in run.padding):
        place[-1] = min(1, sizes[-1] - 1)
    return (0, channel, *place)


def _input_cell(run: Run, pick: int) -> Index:
    """Choose an input cell whose value is not zero, where there is one."""
    values = run.input[-1] if run.input.ndim == run.rank + 2 else run.input
    cells = np.argwhere(values) if values.any() else np.argwhere(values == 0)
    return (0, *(int(k) for k in cells[pick % len(cells)]))
