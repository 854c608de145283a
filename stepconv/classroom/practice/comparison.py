"""Comparison: a mistaken way of working beside the right one, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stepconv.classroom.asked import the_shape, the_size
from stepconv.classroom.diagnosis import Diagnosis, Explanation
from stepconv.classroom.problem import Search
from stepconv.classroom.questions import Question
from stepconv.classroom.run import Array, Run
from stepconv.record import Placement

Cell = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a wrong answer came from, beside what is right.

    Where something was to be found, such as a kernel, the right way is that with the setting
    answered: it shows where that leads, and does not tell the answer.

    Attributes
    ----------
    question : Question
    right : Run
    explanation : Explanation or None
        The mistaken way; None where no mistake explains the answer.
    given : ndarray
        The answer.
    cell : tuple of int or None
        The output cell (n, channel, *position) where the two part; None where only sizes are
        known.

    Examples
    --------
    >>> from stepconv.classroom.questions import question
    >>> asked = question("padding", kind="row", seed=1)
    >>> beside = Comparison.of(asked, "20 11 16 12", asked.judge("20 11 16 12").diagnosis)
    >>> beside.explanation.codes, beside.cell
    (('padding_ignored',), (0, 0, 0))
    >>> beside.placement().products.tolist(), beside.mistaken().products.tolist()
    ([[0, 5, 14]], [[5, 7, 8]])
    """

    question: Question
    right: Run
    explanation: Explanation | None
    given: Array
    cell: Cell | None

    @classmethod
    def of(
        cls, question: Question, answer: str, diagnosis: Diagnosis, cell: Cell | None = None
    ) -> Comparison | None:
        """Return what there is to compare for a wrong answer; None where nothing is known.

        `cell` is where the replay of a `Verdict` opens.
        """
        given, problem = question.read(answer), question.problem
        explanation = diagnosis.explanations[0] if diagnosis.explanations else None
        run = problem.start(given) if isinstance(problem, Search) else problem.run
        if problem.asked in (the_size, the_shape):
            return cls(question, run, explanation, given, None) if explanation else None
        found = cls(question, run, explanation, given, cell)
        return cls(question, run, explanation, given, found._parting())

    @property
    def wrong(self) -> Run | None:
        """The mistaken run."""
        return None if self.explanation is None else self.explanation.run

    @property
    def telling(self) -> bool:
        """Whether there are two sides to it: another way of working, number, or aim."""
        return any(side is not None for side in (self.explanation, self.written, self.seen))

    @property
    def tells(self) -> bool:
        """Whether looking at it tells the answer: not if there is more than one cell to do."""
        problem = self.question.problem
        if isinstance(problem, Search):
            return False
        return not problem.about_output or problem.answer.size == 1

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The output cells, in their order; then those that the mistaken output has besides."""
        if self.question.trace is None:
            return ()
        right, wrong = self.right.output, self.wrong
        cells = list(np.ndindex(right.shape))
        if wrong is not None and not isinstance(self.question.problem, Search):
            more = np.ndindex(wrong.output.shape) if wrong.output.ndim == right.ndim else ()
            cells += [cell for cell in more if _at(right, cell) is None]
        return tuple(cells)

    def at(self, number: int) -> Comparison:
        """Return the comparison at another of its cells, round again behind the last."""
        cell = self.cells[number % len(self.cells)] if self.cells else None
        return Comparison(self.question, self.right, self.explanation, self.given, cell)

    @property
    def number(self) -> int:
        """Which of the cells it is at, from 0."""
        return self.cells.index(self.cell) if self.cell in self.cells else 0

    def placement(self) -> Placement | None:
        """How the cell comes about; None where the right output has no such cell."""
        if self.cell is None or _at(self.right.output, self.cell) is None:
            return None
        return self.right.trace.at(*self.cell)

    def mistaken(self) -> Placement | None:
        """How the number in the cell's place came about; None where no placement made it."""
        wrong = self.wrong
        if wrong is None or self.cell is None:
            return None
        source = _source(wrong, self.cell)
        return None if source is None else wrong.trace.at(*source)

    @property
    def has_cell(self) -> bool:
        """Whether the mistaken output has the cell at all."""
        return self.wrong is not None and _at(self.wrong.output, self.cell) is not None

    @property
    def written(self) -> Array | None:
        """What the learner wrote for the cell; None where it is no such number."""
        problem, given = self.question.problem, self.given
        if isinstance(problem, Search) or self.cell is None:
            return None
        if self.question.kind == "cell":
            asked = given.size == 1 and self.cell == self.question.cell
            return given.reshape(()) if asked else None
        if not problem.about_output or given.size != problem.answer.size:
            return None
        return _at(given.reshape(problem.answer.shape), self.cell)

    @property
    def seen(self) -> Array | None:
        """What the cell should be, where a setting was to be found that leads there."""
        problem = self.question.problem
        return _at(problem.seen, self.cell) if isinstance(problem, Search) else None

    def _parting(self) -> Cell | None:
        """The first cell that comes out otherwise, or else the one asked about."""
        if self.question.kind in ("cell", "window", "seen"):
            return self.question.cell
        problem, right = self.question.problem, self.right.output
        if isinstance(problem, Search):
            other = problem.seen
        elif self.wrong is not None:
            other = self.wrong.output
        else:
            return self.cell
        for cell in self.cells:
            found, own = _at(other, cell), _at(right, cell)
            if found is None or own is None or not problem.close(found, own):
                return cell
        return self.cell


def _source(run: Run, cell: Cell) -> Cell | None:
    """Return the cell of the layer's output that `finish` brought to `cell`, if any."""
    shape = run.geometry.output_shape
    if run.geometry.batch is None:
        return None
    numbered: Array = np.arange(1, int(np.prod(shape)) + 1).reshape(shape)
    for finish in run.finish:
        numbered = finish(numbered)
    found = _at(numbered, cell)
    if found is None or not found:
        return None
    return tuple(int(k) for k in np.unravel_index(int(found) - 1, shape))


def _at(array: Array, cell: Cell | None) -> Array | None:
    """Return one cell, None where the array has no such cell."""
    if cell is None or len(cell) != array.ndim:
        return None
    inside = all(index < size for index, size in zip(cell, array.shape, strict=True))
    return np.asarray(array[cell]) if inside else None
