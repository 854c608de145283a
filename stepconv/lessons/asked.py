"""What a question is to those who ask it, whether it comes from a lesson or from practice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stepconv.classroom import questions as practice
from stepconv.classroom.diagnosis import Diagnosis
from stepconv.errors import InputError
from stepconv.lessons.format import Span, Spans
from stepconv.lessons.questions import Verdict as LessonVerdict


class Choice(Protocol):
    """One option of a choice."""

    @property
    def text(self) -> Spans:
        """The option, in the current language."""

    @property
    def why(self) -> Spans:
        """Why it is right or wrong."""

    @property
    def right(self) -> bool:
        """Whether it is the answer."""


class Verdict(Protocol):
    """What is to be said of an answer."""

    @property
    def right(self) -> bool:
        """Whether it is the answer."""

    @property
    def unreadable(self) -> bool:
        """Whether it could not be read: then it is no wrong answer either."""

    @property
    def problem(self) -> InputError | None:
        """Why it could not be read."""

    @property
    def why(self) -> Spans:
        """Why the option chosen is right or wrong; empty where there are none."""

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The mistakes that give the wrong answer, where they can be known."""

    @property
    def cell(self) -> tuple[int, ...] | None:
        """The output cell (n, channel, *position) at which it goes wrong, where there is one."""


class Asked(Protocol):
    """A question with its words in the current language."""

    @property
    def ask(self) -> Spans:
        """The question."""

    @property
    def options(self) -> Sequence[Choice]:
        """What to choose from, by letters; nothing where an answer is written."""

    @property
    def hints(self) -> Sequence[Spans]:
        """Hints, from the vaguest to the plainest."""

    @property
    def right_answer(self) -> str:
        """The answer as it may be typed; a letter where there are options."""

    def judge(self, text: str) -> Verdict:
        """Say what is to be said of an answer."""


@dataclass(frozen=True, eq=False)
class Practised:
    """A question of practice, which has plain words and no options, as it is asked.

    >>> asked = Practised(practice.question("padding", kind="row", seed=1))
    >>> asked.judge(asked.right_answer).right, len(asked.options)
    (True, 0)
    """

    question: practice.Question

    @property
    def ask(self) -> Spans:
        """The question."""
        return (Span(self.question.ask),)

    @property
    def options(self) -> Sequence[Choice]:
        """None."""
        return ()

    @property
    def hints(self) -> Sequence[Spans]:
        """Hints, from the vaguest to the plainest."""
        return [(Span(hint),) for hint in self.question.hints]

    @property
    def right_answer(self) -> str:
        """The answer as it may be typed."""
        return self.question.right_answer

    def judge(self, text: str) -> Verdict:
        """Say what is to be said of an answer."""
        said = self.question.judge(text)
        return LessonVerdict(
            right=said.right, problem=said.problem, diagnosis=said.diagnosis, cell=said.cell
        )
