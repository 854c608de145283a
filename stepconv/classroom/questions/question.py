"""Question: a problem in words, with hints, and what is to be said of an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from stepconv.classroom.answers import read_answer
from stepconv.classroom.asked import the_shape, the_size
from stepconv.classroom.diagnosis import Diagnosis, diagnose, first_difference
from stepconv.classroom.problem import Problem
from stepconv.classroom.questions.wording import written
from stepconv.classroom.run import Array
from stepconv.classroom.verdict import Verdict
from stepconv.errors import InputError
from stepconv.language import _
from stepconv.record import Trace

Cell = tuple[int, ...]

_FORMS = {"cell": "number", "size": "shape", "shape": "shape", "seen": "set"}
"""How answers to a kind are read, where not as rows of numbers."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """A question of practice.

    Attributes
    ----------
    kind : str
        What is asked, one of `stepconv.classroom.questions.KINDS`.
    topic, level, seed
        What it was drawn from: the same give the same question.
    problem : Problem
        The layer, and what is asked of it.
    cell : tuple of int or None
        The output cell (n, channel, *position) that it is about.
    words : callable
        Returns the question in the current language.
    hinting : callable
        Returns the hints in the current language, from the vaguest to the plainest.
    """

    kind: str
    topic: str
    level: int
    seed: int | str
    problem: Problem
    words: Callable[[], str] = field(repr=False)
    hinting: Callable[[], tuple[str, ...]] = field(repr=False)
    cell: Cell | None = None

    @property
    def ask(self) -> str:
        """The question, in the current language."""
        return self.words()

    @property
    def given(self) -> tuple[tuple[str, str], ...]:
        """The numbers of the layer as (name, text), in the current language."""
        from stepconv.classroom.questions.wording import given

        return given(self.problem, self.kind)

    @property
    def hints(self) -> tuple[str, ...]:
        """Hints, from the vaguest to the plainest, in the current language."""
        return self.hinting()

    @property
    def form(self) -> str:
        """How an answer is written, in the current language."""
        if self.kind == "seen":
            return _("positions, such as 2 3 4")
        if self.problem.answer.size == 1:
            return _("one number")
        if self.kind in ("size", "shape"):
            return _("whole numbers in their order, such as 3, 32, 63")
        if "\n" in written(self.problem.answer, "\n"):
            return _('numbers, rows with ";" between them: 1 2; 3 4')
        return _("numbers with spaces between them, such as 2 3 3 2")

    @property
    def right_answer(self) -> str:
        """The answer as it may be typed."""
        return written(self.problem.answer, ", " if self.kind in ("size", "shape") else "; ")

    def read(self, text: str) -> Array:
        """Return what a learner typed; InputError where it is no answer."""
        given = read_answer(_FORMS.get(self.kind, "numbers"), text)
        right = self.problem.answer
        # All numbers in one row are the same numbers: rows are a help, not the question.
        return (
            given.reshape(right.shape)
            if given.ndim == 1 < right.ndim and (given.size == right.size)
            else given
        )

    def judge(self, text: str) -> Verdict:
        """Say what is to be said of an answer.

        >>> from stepconv.classroom.questions import question
        >>> asked = question("padding", kind="row", seed=1)
        >>> asked.judge(asked.right_answer).right, asked.judge("two").unreadable
        (True, True)
        """
        try:
            diagnosis = diagnose(self.problem, self.read(text))
        except InputError as error:
            return Verdict(right=False, problem=error)
        if diagnosis.correct:
            return Verdict(right=True)
        return Verdict(right=False, diagnosis=diagnosis, cell=self._cell(diagnosis))

    @cached_property
    def trace(self) -> Trace | None:
        """The record to replay; None where only shapes are known."""
        if self.problem.asked in (the_size, the_shape):
            return None
        return self.problem.run.trace

    def _cell(self, diagnosis: Diagnosis) -> Cell | None:
        """Return the output cell at which the right run and what was answered part."""
        if self.cell is not None or self.trace is None:
            return self.cell
        right = self.problem.run.output
        place = diagnosis.difference
        if place is None and diagnosis.explanations:
            place = first_difference(right, diagnosis.explanations[0].run.output)
        if place is None or len(place) != right.ndim:
            place = ()
        inside = [min(k, size - 1) for k, size in zip(place, right.shape, strict=False)]
        return (*inside, *(0,) * (right.ndim - len(inside)))
