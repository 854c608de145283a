"""The student's own files: begun, found again, begun anew; and how far each exercise has come."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stepconv.classroom.exercises.exercise import Exercise
from stepconv.classroom.exercises.reading import exercise, exercises
from stepconv.documents import nearest
from stepconv.errors import InputError
from stepconv.files import shown, write_atomically
from stepconv.home import read_state, update_state
from stepconv.language import _

STATE = "exercises"

EXAMPLES = 3
"""Cases that the instructions show."""

TAKE_FILES = ("check", "reset")
"""What is done to a file of the student's, which can be named behind the exercise."""


@dataclass(frozen=True)
class Standing:
    """How far a student has come with an exercise.

    Attributes
    ----------
    file : str
        Where it was begun, "" where it was not.
    passed : bool
    hints : int
        How many were looked at.
    solved : bool
        Whether the solution was looked at.
    passed_before : bool
        Whether it had passed when it was begun anew.
    """

    file: str = ""
    passed: bool = False
    hints: int = 0
    solved: bool = False
    passed_before: bool = False

    @property
    def unlocked(self) -> bool:
        """Whether the solution is shown without giving up: what once passed stays earned."""
        return self.passed or self.passed_before


def standing(one: Exercise) -> Standing:
    """Return how far the user has come with an exercise."""
    return _standing(read_state(STATE).get(one.id))


def note(one: Exercise, **changes: Any) -> Standing:
    """Change what is remembered of an exercise: fields of `Standing` by name."""

    def change(state: dict[str, Any]) -> None:
        state[one.id] = asdict(replace(_standing(state.get(one.id)), **changes))

    return _standing(update_state(STATE, change).get(one.id))


def start(one: Exercise, folder: Path) -> tuple[Path, Path]:
    """Put the starter and its instructions into a folder; return both files.

    Raises
    ------
    InputError
        If the starter is there already: it is never overwritten.
    """
    target = folder / one.file
    if target.exists() or target.is_symlink():
        raise InputError(
            "{path} is there already and stays as it is: `stepconv exercise check {name}` checks"
            " it, `stepconv exercise reset {name}` begins anew and keeps a copy",
            path=shown(str(target), 200),
            name=one.id,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            "{path} cannot be made: {reason}; choose another folder",
            path=shown(str(folder), 200),
            reason=error.strerror or error,
        ) from error
    words = target.with_suffix(".md")
    write_atomically(target, one.starter.encode())
    if not words.exists():
        write_atomically(words, instructions(one).encode())
    note(one, file=str(target.absolute()))
    return target, words


def reset(one: Exercise, file: Path | None = None) -> tuple[Path, Path]:
    """Put the starter in the place of the student's file; return the file and its backup."""
    target = file or located(one)
    if not target.is_file():
        raise _not_begun(one)
    number = 1
    while (backup := target.with_name(f"{target.name}.{number}")).exists():
        number += 1
    write_atomically(backup, target.read_bytes())
    write_atomically(target, one.starter.encode())
    earned = standing(one).unlocked
    begun = Standing(str(target.absolute()), passed_before=earned)
    note(one, **asdict(begun))
    return target, backup


def located(one: Exercise) -> Path:
    """Return the student's file: where it was begun last, else of its usual name here."""
    begun = standing(one).file
    for path in (Path(begun) if begun else None, Path(one.file)):
        if path is not None and path.exists():
            return path
    raise _not_begun(one)


def named(text: str, action: str = "check") -> tuple[Exercise, Path | None]:
    """Return the exercise that a name, a number or a file means, and the file if it is one.

    Raises
    ------
    InputError
        If there is no such exercise; for a file how to name one to do `action`.
    """
    path = Path(text)
    if path.suffix != ".py" and not path.is_file():
        return exercise(text), None
    begun = {str(_standing(entry).file): name for name, entry in read_state(STATE).items()}
    try:
        return exercise(begun.get(str(path.absolute()), path.stem)), path
    except InputError as error:
        raise _of_no_exercise(path, action) from error


def current() -> Exercise:
    """Return the exercise to go on with: the first that was begun and does not pass yet."""
    for wanted in (_is_open, lambda found: not found.passed):
        for one in exercises():
            if wanted(standing(one)):
                return one
    return exercises()[-1]


def following(one: Exercise) -> Exercise | None:
    """Return the next exercise that does not pass yet, None where all do."""
    later = [other for other in exercises() if other.number > one.number]
    return next((other for other in later if not standing(other).passed), None)


def instructions(one: Exercise) -> str:
    """Return what is to be done, with examples that the engine computes; Markdown.

    >>> from stepconv.classroom.exercises.reading import exercise
    >>> print(instructions(exercise("output-size"))[-51:])
        → 7
    ```
    <BLANKLINE>
    `stepconv exercise check output-size`
    <BLANKLINE>
    """
    calls = []
    for case in one.fixed[:EXAMPLES]:
        given = ", ".join(f"{name}={_brief(value)}" for name, value in case.given.items())
        calls.append(f"{one.function}({given})\n    → {_brief(case.expected)}")
    examples = "\n".join(["```", *calls, "```"])
    title, command = _("## Examples"), f"`stepconv exercise check {one.id}`"
    return "\n\n".join([one.instructions.rstrip(), title, examples, command]) + "\n"


def _brief(value: Any) -> str:
    return str(value.tolist() if isinstance(value, np.ndarray) else value)


def _is_open(found: Standing) -> bool:
    return bool(found.file) and not found.passed


def _standing(entry: Any) -> Standing:
    """Return what a state says of an exercise; what it says wrongly counts for nothing."""
    if not isinstance(entry, dict):
        return Standing()
    kinds: dict[str, Callable[[Any], bool]] = {
        "file": lambda value: isinstance(value, str),
        "passed": lambda value: isinstance(value, bool),
        "hints": lambda value: type(value) is int and value >= 0,
        "solved": lambda value: isinstance(value, bool),
        "passed_before": lambda value: isinstance(value, bool),
    }
    return Standing(**{name: entry[name] for name, fits in kinds.items() if fits(entry.get(name))})


def _of_no_exercise(file: Path, action: str) -> InputError:
    """Return the error for a file whose name is no exercise's, with the call that is meant."""
    ids = [one.id for one in exercises()]
    name = nearest(file.stem.lower().replace("_", "-"), ids) or "NAME"
    taken = [shlex.quote(str(file))] if action in TAKE_FILES else []
    return InputError(
        "{file} is called after no exercise; say which one it is for, as in `{command}`;"
        " `stepconv exercise list` shows their names",
        file=shown(str(file), 200),
        command=shown(" ".join(["stepconv exercise", action, name, *taken]), 300),
    )


def _not_begun(one: Exercise) -> InputError:
    return InputError(
        "{file} is not here; `stepconv exercise start {name}` begins the exercise, or name your"
        " file after it",
        file=one.file,
        name=one.id,
    )
