"""How far a learner has come: where each lesson was left, and which questions are answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from stepconv.home import State, read_state, update_state

NAME = "lessons"
"""The state of `stepconv.home` that holds it."""

RIGHT, SHOWN = "right", "shown"
"""How a question was answered: by the learner, or the answer was asked for and shown."""

Place = tuple[int, int]
"""Landmarks passed (headings, scenes, questions, page breaks), and blocks since the last.

Both languages have the same landmarks, and no place depends on the size of the terminal.
"""


@dataclass(frozen=True)
class Progress:
    """How far one lesson has come.

    Attributes
    ----------
    place : (int, int)
        Where to go on; ``(0, 0)`` is the beginning.
    answers : Mapping
        For each question answered, `RIGHT` or `SHOWN`.
    finished : bool
        Whether the end was reached once.

    Examples
    --------
    >>> Progress(answers={"how-many": RIGHT, "which": SHOWN}).right(["how-many", "which", "why"])
    1
    """

    place: Place = (0, 0)
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    finished: bool = False

    def right(self, questions: Iterable[str]) -> int:
        """Return how many of a lesson's questions the learner answered."""
        return sum(self.answers.get(name) == RIGHT for name in questions)


def progress() -> dict[str, Progress]:
    """Return the progress of every lesson that was begun, by its id.

    Raises
    ------
    InputError
        If the file is there and the system refuses to read it.
    """
    return {name: _progress(found) for name, found in _lessons(read_state(NAME)).items()}


def save_place(lesson: str, place: Place, *, finished: bool = False) -> None:
    """Keep where `lesson` is left; once it is finished, it stays so."""

    def change(state: State) -> None:
        entry = _entry(state, lesson)
        entry["place"] = list(place)
        entry["finished"] = finished or entry.get("finished") is True

    update_state(NAME, change)


def save_answer(lesson: str, question: str, answer: str) -> None:
    """Keep that `question` was answered (`RIGHT`) or shown (`SHOWN`); right stays right."""

    def change(state: State) -> None:
        answers = _table(_entry(state, lesson), "answers")
        if answers.get(question) != RIGHT:
            answers[question] = answer

    update_state(NAME, change)


def reset(lessons: Collection[str] | None = None) -> list[str]:
    """Forget the progress of `lessons`, of all by default; return those that had any."""
    forgotten: list[str] = []

    def change(state: State) -> None:
        kept = _table(state, "lessons")
        forgotten.extend(name for name in kept if lessons is None or name in lessons)
        for name in forgotten:
            del kept[name]

    update_state(NAME, change)
    return forgotten


def _lessons(state: State) -> dict[str, Any]:
    found = state.get("lessons")
    return found if isinstance(found, dict) else {}


def _table(state: State, key: str) -> dict[str, Any]:
    """Return the table under `key`, made where there is none: files may be edited by hand."""
    found = state.get(key)
    if not isinstance(found, dict):
        found = state[key] = {}
    return found


def _entry(state: State, lesson: str) -> dict[str, Any]:
    return _table(_table(state, "lessons"), lesson)


def _progress(found: Any) -> Progress:
    """Read one lesson's entry; what it cannot be is as if it were not there."""
    entry = found if isinstance(found, dict) else {}
    answers = entry.get("answers")
    kept = answers.items() if isinstance(answers, dict) else ()
    return Progress(
        place=_place(entry.get("place")),
        answers={name: answer for name, answer in kept if answer in (RIGHT, SHOWN)},
        finished=entry.get("finished") is True,
    )


def _place(found: Any) -> Place:
    match found:
        case [int(landmarks), int(blocks)] if landmarks >= 0 and blocks >= 0:
            return landmarks, blocks
    return 0, 0
