"""Course: the questions of one session of practice, and how they went."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from stepconv.classroom.drawing import Draw
from stepconv.classroom.practice.schedule import Schedule
from stepconv.classroom.questions import Question, question
from stepconv.classroom.topics import TOPICS, topic
from stepconv.errors import InputError
from stepconv.values import shown

Codes = tuple[tuple[str, ...], ...]
"""Every explanation of one wrong answer, each the codes of the mistakes that it needs."""


@dataclass(frozen=True)
class Result:
    """How one question went.

    Attributes
    ----------
    topic, kind, level, seed
        Which question.
    outcome : str
        One of `OUTCOMES`.
    hints : int
        How many were asked for.
    wrong : tuple of Codes
        For each wrong answer what explains it, () where nothing does.
    """

    topic: str
    kind: str
    level: int
    seed: str
    outcome: str
    hints: int = 0
    wrong: tuple[Codes, ...] = ()


@dataclass(frozen=True)
class Course:
    """A session of practice: the same seed and the same outcomes lead to the same questions.

    Attributes
    ----------
    seed : int or str
    level : int
    topics : tuple of str
        What may be asked about, in the order of teaching.
    schedule : Schedule
    results : tuple of Result

    Examples
    --------
    >>> course = Course(3, topics=("padding", "stride"))
    >>> course.topic, course.question.ask
    ('padding', 'What is the whole output?')
    """

    seed: int | str
    level: int = 1
    topics: tuple[str, ...] = tuple(one.name for one in TOPICS)
    schedule: Schedule = field(default_factory=Schedule)
    results: tuple[Result, ...] = ()

    @property
    def number(self) -> int:
        """The number of the question, from 1."""
        return len(self.results) + 1

    @cached_property
    def topic(self) -> str:
        """What the question is about."""
        return self.schedule.next(self.topics, Draw("practice", self.seed, self.number))

    @cached_property
    def question(self) -> Question:
        """The question to be asked now."""
        return question(self.topic, self.level, f"{self.seed}.{self.number}")

    def closed(self, outcome: str, hints: int = 0, wrong: tuple[Codes, ...] = ()) -> Course:
        """Return the course with the question answered, and the next one to be asked."""
        one = self.question
        result = Result(one.topic, one.kind, one.level, str(one.seed), outcome, hints, wrong)
        return replace(
            self,
            schedule=self.schedule.after(self.topic, outcome),
            results=(*self.results, result),
        )


def topics_of(names: str | None) -> tuple[str, ...]:
    """Return the topics that a text names, with commas between them; all where there is none.

    >>> topics_of("stride, padding")
    ('padding', 'stride')
    """
    if names is None:
        return tuple(one.name for one in TOPICS)
    wanted = {topic(name.strip()).name for name in names.replace("，", ",").split(",")}
    return tuple(one.name for one in TOPICS if one.name in wanted)


def level_of(level: int) -> int:
    """Return a level; InputError where it is none."""
    if level not in (1, 2, 3):
        raise InputError("level {level} is none of 1, 2 and 3", level=shown(level))
    return level
