"""Mistake: a wrong way to do the work, as a change of a run that the engine then computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stepconv.classroom.run import Array, Pairs, Run
from stepconv.errors import StepconvError


class Words(NamedTuple):
    """What a mistake is called, what goes wrong, and what to do next; in one language."""

    name: str
    explanation: str
    advice: str


@dataclass(frozen=True)
class Mistake:
    """A wrong way to do the work.

    Attributes
    ----------
    code : str
        Which mistake, such as "padding_ignored".
    method : callable
        Changes a run into the wrong one; None where it would change nothing.
    words : callable
        Returns the mistake's `Words` in the current language.
    variant : str
        Tells wrong methods with one code apart: the mistake made in another way.
    """

    code: str
    method: Callable[[Run], Run | None]
    words: Callable[[], Words]
    variant: str = ""

    def __repr__(self) -> str:
        return f"Mistake({self.code}{':' if self.variant else ''}{self.variant})"

    @property
    def name(self) -> str:
        """A few words, in the current language."""
        return self.words().name

    @property
    def explanation(self) -> str:
        """What goes wrong, in the current language."""
        return self.words().explanation

    @property
    def advice(self) -> str:
        """What to do next, in the current language."""
        return self.words().advice

    def apply(self, run: Run) -> Run | None:
        """Return the wrong run; None where the mistake does not apply or nothing can be run.

        >>> from stepconv.classroom.mistakes import mistake
        >>> run = Run(np.array([[[1, 2, 3]]]), np.array([[[1, 10]]]))
        >>> mistake("flip").apply(run).output.tolist(), mistake("padding_ignored").apply(run)
        ([[[12, 23]]], None)
        """
        try:
            wrong = self.method(run)
            if wrong is not None:
                wrong.geometry  # noqa: B018  # bound here, so that what does not fit is known here
        except StepconvError:
            return None
        return wrong


@dataclass(frozen=True)
class Framed:
    """A finish: zeros put around the spatial axes."""

    pads: Pairs

    def __call__(self, output: Array) -> Array:
        """Return the output with zeros before and after each of its last axes."""
        plain = ((0, 0),) * (output.ndim - len(self.pads))
        return np.pad(output, (*plain, *self.pads))


@dataclass(frozen=True)
class Moved:
    """A finish: one axis moved to another place."""

    source: int
    destination: int

    def __call__(self, output: Array) -> Array:
        """Return the output with the axis moved."""
        return np.moveaxis(output, self.source, self.destination)


@dataclass(frozen=True)
class Dealt:
    """A finish: channels put into another order."""

    order: tuple[int, ...]
    axis: int

    def __call__(self, output: Array) -> Array:
        """Return the output with channel ``order[k]`` in place k."""
        return take(output, self.order, self.axis)


def rolled(values: Sequence[int]) -> tuple[int, ...]:
    """Put the last value first: how (H, W, D) is read as (D, H, W), and (W, H) as (H, W)."""
    return (*values[-1:], *values[:-1])


def turned(run: Run) -> Run | None:
    """Turn the kernel by 180°; None where it is a single tap."""
    if run.weight[0, 0].size == 1:
        return None
    return run.changed(weight=np.flip(run.weight, run.spatial))


def take(array: Array, order: Sequence[int], axis: int) -> Array:
    """`numpy.take`, which leaves arrays that stand for a shape alone without memory."""
    if hollow(array):
        shape = list(array.shape)
        shape[axis] = len(order)
        return np.broadcast_to(array[(slice(0, 1),) * array.ndim].reshape(-1), shape)
    return np.take(array, order, axis=axis)


def reshaped(array: Array, shape: Sequence[int]) -> Array:
    """`numpy.reshape`, which leaves arrays that stand for a shape alone without memory."""
    if hollow(array):
        return np.broadcast_to(array[(slice(0, 1),) * array.ndim].reshape(-1), tuple(shape))
    return array.reshape(tuple(shape))


def hollow(array: Array) -> bool:
    """Whether all cells are one and the same place in memory."""
    return array.size > 1 and not any(
        step for step, size in zip(array.strides, array.shape, strict=True) if size > 1
    )
