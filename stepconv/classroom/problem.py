"""Problem: a layer with its numbers, and what is asked about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stepconv.classroom.asked import the_output, the_shape
from stepconv.classroom.run import Array, Run
from stepconv.errors import InputError, StepconvError
from stepconv.spec import ConvSpec
from stepconv.values import shown

__all__ = ["Asked", "Method", "Problem", "Run", "Search"]

Asked = Callable[[Run], ArrayLike]
Method = Callable[[Run], Run | None]


class Problem:
    """A question about a layer, whose answer the engine computes.

    Parameters
    ----------
    input, weight, bias
        As for `stepconv.conv`.
    options : Mapping
        The other arguments of `stepconv.conv`; `order`, which a trace takes, is left out.
    asked : callable
        Which part of a run is the answer; see `stepconv.classroom.asked`.
    decimals : int, optional
        To how many digits after the point the answer is wanted. Without it integers must
        be exact, and other numbers as near as rounding lets them be.
    exact_shape : bool
        Whether an answer without the leading axes of length 1 is another answer. On paper
        it is not: ``3 3`` answers ``(1, 1, 2)``.
    origin : array_like, optional
        What the layer before this transposed one was given; see `Run.origin`.

    Examples
    --------
    >>> problem = Problem([[[1, 1, 1, 1]]], [[[1, 1, 1]]], options={"padding": 1})
    >>> problem.answer.tolist()
    [[[2, 3, 3, 2]]]
    """

    def __init__(
        self,
        input: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        options: Mapping[str, Any] | None = None,
        asked: Asked = the_output,
        decimals: int | None = None,
        *,
        exact_shape: bool = False,
        origin: ArrayLike | None = None,
    ) -> None:
        self.run = Run(
            np.asarray(input),
            np.asarray(weight),
            None if bias is None else np.asarray(bias),
            _plain(input, weight, options or {}),
            origin=None if origin is None else np.asarray(origin),
        )
        self.asked = asked
        self.decimals = decimals
        self.exact_shape = exact_shape

    @classmethod
    def of_shapes(
        cls,
        input_shape: Sequence[int],
        weight_shape: Sequence[int],
        options: Mapping[str, Any] | None = None,
        asked: Asked = the_shape,
    ) -> Problem:
        """Return a problem about sizes alone, which takes no memory however large they are.

        >>> Problem.of_shapes((3, 64, 128), (32, 64, 4), {"stride": 2}).answer.tolist()
        [3, 32, 63]
        """
        hollow = np.int64(0)
        return cls(
            np.broadcast_to(hollow, tuple(input_shape)),
            np.broadcast_to(hollow, tuple(weight_shape)),
            options=options,
            asked=asked,
            exact_shape=True,
        )

    def __repr__(self) -> str:
        asked = getattr(self.asked, "__name__", repr(self.asked))
        return f"Problem({self.run.spec!r}, input {self.run.input.shape}, {asked})"

    def asking(self, asked: Asked) -> Problem:
        """Return another question about the same layer.

        >>> from stepconv.classroom.asked import Cell
        >>> problem = Problem([[[1, 1, 1, 1]]], [[[1, 1, 1]]], options={"padding": 1})
        >>> problem.asking(Cell((0, 0, 3))).answer.item()
        2
        """
        run = self.run
        return Problem(
            run.input,
            run.weight,
            run.bias,
            run.options,
            asked,
            self.decimals,
            exact_shape=self.exact_shape,
            origin=run.origin,
        )

    @cached_property
    def answer(self) -> Array:
        """What is asked, of the right run."""
        return np.asarray(self.asked(self.run))

    @property
    def about_output(self) -> bool:
        """Whether the answer is the whole output."""
        return self.asked is the_output

    def right(self, answer: Array) -> bool:
        """Whether an answer is right."""
        return self.same(answer, self.answer)

    def explained(self, wrong: Run, answer: Array) -> bool:
        """Whether a wrong run gives `answer`; the run started from `start(answer)`."""
        found = self.read(wrong)
        return found is not None and self.same(answer, found)

    def start(self, answer: Array | None = None) -> Run:
        """Return the run that a mistake is applied to, to see whether it explains `answer`."""
        return self.run

    def answers_under(self, method: Method) -> Iterator[Array]:
        """Run a wrong method, and yield what it answers, where it can."""
        wrong = method(self.run)
        found = None if wrong is None else self.read(wrong)
        if found is not None and not self.same(found, self.answer):
            yield found

    def read(self, run: Run) -> Array | None:
        """Return what is asked of a run, None where a wrong run has no such part."""
        try:
            return np.asarray(self.asked(run))
        except (StepconvError, IndexError):
            return None

    def same(self, one: Array, other: Array) -> bool:
        """Whether two answers are one, within the rounding asked for."""
        if not self.same_shape(one, other):
            return False
        return bool(self.close(one.reshape(-1), other.reshape(-1)).all())

    def same_shape(self, one: Array, other: Array) -> bool:
        """Whether two answers have one shape, but for leading axes of 1 on paper."""
        if self.exact_shape or one.ndim == other.ndim:
            return one.shape == other.shape
        return _bare(one.shape) == _bare(other.shape)

    def close(self, one: Array, other: Array) -> Array:
        """Where an answer agrees with the numbers it should have, within the rounding asked for."""
        if one.dtype.kind in "biu" and other.dtype.kind in "biu":
            return np.asarray(one == other)
        if self.decimals is not None:
            room = 0.5 * 10.0**-self.decimals * (1 + 1e-9)
        else:
            short = {np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.complex64)}
            near = 1e-5 if {one.dtype, other.dtype} & short else 1e-9
            room = near * (1 + float(np.abs(other).max(initial=0, where=np.isfinite(other))))
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray((np.abs(one - other) <= room) | (one == other))

    def numbers(self, answer: ArrayLike) -> Array:
        """Return an answer as an array of numbers; InputError where it is none."""
        try:
            array = np.asarray(answer)
        except ValueError:
            raise InputError("the answer's rows are not all of one length") from None
        if array.dtype.kind not in "biufc":
            raise InputError(
                "the answer {value} is not made of numbers; give numbers, in rows of one length",
                value=shown(answer),
            )
        return array.astype(np.int64) if array.dtype.kind == "b" else array


class Search(Problem):
    """A problem that asks which setting leads to what is seen: find the padding, the kernel.

    Any setting that leads there is right. A mistake explains an answer when, with that
    answer and the mistake, one arrives at what is seen.

    Parameters
    ----------
    problem : Problem
        The layer; what it asks is what the learner is shown.
    wanted : callable
        Reads the setting off a run, such as `the_weight`.
    supposing : callable
        ``supposing(run, answer)`` is the run with an answer put in; None where it does not
        fit.
    candidates : sequence of array_like
        The answers among which a learner may look.

    Examples
    --------
    >>> from stepconv.classroom.asked import the_weight
    >>> layer = Problem([[[1, 2, 4]]], [[[1, 10]]])
    >>> search = Search(layer, the_weight, lambda run, answer: run.changed(weight=answer))
    >>> search.answer.tolist(), search.seen.tolist(), search.right(np.array([[[10, 1]]]))
    ([[[1, 10]]], [[[21, 42]]], False)
    """

    def __init__(
        self,
        problem: Problem,
        wanted: Asked,
        supposing: Callable[[Run, Array], Run | None],
        candidates: Sequence[ArrayLike] = (),
    ) -> None:
        run = problem.run
        super().__init__(
            run.input, run.weight, run.bias, run.options, problem.asked, problem.decimals
        )
        self.wanted = wanted
        self.supposing = supposing
        self.candidates = tuple(np.asarray(candidate) for candidate in candidates)

    @cached_property
    def seen(self) -> Array:
        """What the learner is shown."""
        return np.asarray(self.asked(self.run))

    @cached_property
    def answer(self) -> Array:
        """The setting of the layer itself; others may lead to the same."""
        return np.asarray(self.wanted(self.run))

    @property
    def about_output(self) -> bool:
        """No: the output is what is seen."""
        return False

    def right(self, answer: Array) -> bool:
        """Whether `answer` leads to what is seen."""
        return self.explained(self.start(answer), answer)

    def explained(self, wrong: Run, answer: Array) -> bool:
        """Whether a run gives what is seen."""
        found = self.read(wrong)
        return found is not None and self.same(found, self.seen)

    def start(self, answer: Array | None = None) -> Run:
        """Return the run with `answer` put in; InputError where it does not fit."""
        if answer is None:
            return self.run
        run = self.supposing(self.run, answer)
        if run is None:
            raise InputError("the answer {value} does not fit here", value=shown(answer.tolist()))
        return run

    def answers_under(self, method: Method) -> Iterator[Array]:
        """Yield the wrong candidates that lead to what is seen by a wrong method."""
        for candidate in self.candidates:
            wrong = method(self.start(candidate))
            if wrong is None or self.right(candidate):
                continue
            if self.explained(wrong, candidate):
                yield candidate


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Leave out the leading axes of length 1."""
    first = next((k for k, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def _plain(input: ArrayLike, weight: ArrayLike, options: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out `order`, and write `output_size` as the output_padding it stands for."""
    plain = {name: value for name, value in options.items() if name not in ("order", "output_size")}
    if options.get("output_size") is not None:
        weights = np.shape(weight)
        spec = ConvSpec(weights[2:], **plain)
        axes = spec.bind(np.shape(input), weights, options["output_size"]).axes
        plain["output_padding"] = tuple(axis.output_padding for axis in axes)
    return plain
