"""The questions of a lesson, and what is to be said of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from stepconv.classroom import verdict
from stepconv.classroom.answers import Array, canonical, read_answer, same
from stepconv.classroom.diagnosis import Diagnosis, diagnose
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import language
from stepconv.lessons.expressions import Expression, Scope
from stepconv.lessons.filling import filled_at
from stepconv.lessons.format import Spans
from stepconv.lessons.names import RunNames
from stepconv.lessons.scenes import ConvolutionScene, Scene, SizesScene
from stepconv.lessons.written import written

LETTERS = "ABCDEFG"
"""What the options of a choice are called; H asks for a hint."""

TYPED_DIGITS = 12
"""Significant digits of an answer: as many as rounding leaves sure."""

LocalizedSpans = Mapping[str, Spans]


@dataclass(frozen=True, eq=False)
class Option:
    """One option of a choice: its text, why it is right or wrong, and whether it is right."""

    texts: LocalizedSpans
    reasons: LocalizedSpans
    right: bool
    scope: Scope = field(repr=False)
    where: str = ""

    @property
    def text(self) -> Spans:
        """The option, in the current language."""
        return filled_at(self.texts[language()], self.scope, self.where)

    @property
    def why(self) -> Spans:
        """Why it is right or wrong, in the current language."""
        return filled_at(self.reasons[language()], self.scope, self.where)


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdict(verdict.Verdict):
    """What is to be said of an answer; for a choice, also why the option is right or wrong."""

    why: Spans = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """A question of a lesson.

    Attributes
    ----------
    id : str
        Its name in the lesson.
    where : str
        File and place, for errors.
    kind : {"number", "numbers", "shape", "set", "choice"}
    asks, clues : Mapping
        The question and its hints in each language, not filled in; see `ask` and `hints`.
    scene : Scene or None
        What it is about.
    answer : Expression or None
        Computes the answer; None for a choice.
    decimals : int or None
        To how many digits after the point the answer is wanted.
    at : tuple of int or None
        The output cell at which the replay opens, where the author names one.
    mistakes : tuple of str
        Codes of mistakes whose answers it tells from the right one.
    options : tuple of Option
        For a choice.
    """

    id: str
    where: str
    kind: str
    asks: LocalizedSpans
    clues: Mapping[str, Sequence[Spans]]
    scope: Scope = field(repr=False)
    scene: Scene | None = None
    answer: Expression | None = None
    decimals: int | None = None
    at: tuple[int, ...] | None = None
    mistakes: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def ask(self) -> Spans:
        """The question in the current language."""
        return filled_at(self.asks[language()], self.scope, self.where)

    @property
    def hints(self) -> tuple[Spans, ...]:
        """Hints in the current language, from the vaguest to the plainest."""
        return tuple(filled_at(clue, self.scope, self.where) for clue in self.clues[language()])

    @cached_property
    def computed(self) -> Array:
        """The right answer, computed, as answers of this kind are compared.

        Raises
        ------
        InputError
            With file and place, where it cannot be computed or is of another kind.
        """
        assert self.answer is not None
        try:
            return canonical(self.kind, self.answer.value(self.scope))
        except InputError as reason:
            raise InputError(
                "{where}.answer: {reason}", where=self.where, reason=reason
            ) from reason

    @property
    def right_answer(self) -> str:
        """The right answer as a learner may type it; for a choice, its letter."""
        if self.kind == "choice":
            return LETTERS[next(k for k, one in enumerate(self.options) if one.right)]
        return answer_text(self.kind, self.computed, self.decimals)

    @cached_property
    def problem(self) -> Problem | None:
        """The question as the classroom knows it; None where it is about no convolution."""
        if self.answer is None or not isinstance(self.scene, ConvolutionScene | SizesScene):
            return None
        run = self.scene.run
        if isinstance(self.scene, SizesScene):
            return Problem.of_shapes(run.input.shape, run.weight.shape, run.options, self._of_run)
        return Problem(
            run.input, run.weight, run.bias, run.options, asked=self._of_run, decimals=self.decimals
        )

    def judge(self, text: str) -> Verdict:
        """Say what is to be said of an answer: see `Verdict`."""
        if self.kind == "choice":
            return self._judge_choice(text)
        try:
            answer = read_answer(self.kind, text)
        except InputError as problem:
            return Verdict(right=False, problem=problem)
        if same(answer, self.computed, self.decimals):
            return Verdict(right=True)
        diagnosis = None if self.problem is None else diagnose(self.problem, answer)
        return Verdict(right=False, diagnosis=diagnosis, cell=self._cell(answer, diagnosis))

    def _judge_choice(self, text: str) -> Verdict:
        letters = LETTERS[: len(self.options)]
        word = text.strip().strip(".()（）。").upper()
        chosen = chr(ord(word) - 0xFEE0) if len(word) == 1 and "Ａ" <= word <= "Ｚ" else word
        if len(chosen) != 1 or chosen not in letters:
            problem = InputError(
                '"{text}" is none of the options; type a letter from A to {last}',
                text=shown(text.strip(), 30),
                last=letters[-1],
            )
            return Verdict(right=False, problem=problem)
        option = self.options[letters.index(chosen)]
        return Verdict(right=option.right, why=option.why)

    def _of_run(self, run: Run) -> Array:
        """Return the answer that another run of the same layer, a wrong one, leads to."""
        assert self.answer is not None
        hollow = isinstance(self.scene, SizesScene)
        try:
            scope = Scope(self.scope.scenes, RunNames(run, hollow))
            return canonical(self.kind, self.answer.value(scope))
        except InputError as reason:  # such as an output too small to have this cell
            raise IndexError(str(reason)) from reason

    def _cell(self, answer: Array, diagnosis: Diagnosis | None) -> tuple[int, ...] | None:
        """Return the output cell at which a wrong answer's replay opens."""
        if not isinstance(self.scene, ConvolutionScene):
            return None
        if self.at is not None:
            return self.at
        run = self.scene.run
        if self.answer is not None and self.answer.cell is not None:
            return self.answer.cell
        given = [one.run.output for one in diagnosis.explanations] if diagnosis else []
        if answer.size == self.computed.size == run.output.size:
            given.insert(0, answer)
        for wrong in given:
            if wrong.size == run.output.size:
                differs = np.flatnonzero(wrong.reshape(-1) != run.output.reshape(-1))
                if differs.size:
                    place = np.unravel_index(int(differs[0]), run.output_shape)
                    return tuple(int(k) for k in place)
        return (0,) * len(run.output_shape)


def answer_text(kind: str, answer: Array, decimals: int | None = None) -> str:
    """Return an answer as it may be typed.

    >>> answer_text("shape", np.array([3, 32, 63])), answer_text("set", np.array([5, 7]))
    ('(3, 32, 63)', '5, 7')
    >>> answer_text("number", np.array(1234.5678)), answer_text("number", np.array(1 / 3), 2)
    ('1234.5678', '0.33')
    """
    if decimals is not None:
        answer = np.round(answer, decimals)
    if kind == "shape":
        return written(tuple(answer.tolist()))
    return written(answer.tolist() if kind == "set" else answer, TYPED_DIGITS)
