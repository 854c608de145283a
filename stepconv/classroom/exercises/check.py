"""Checking a student's file against an exercise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from stepconv.classroom.diagnosis import Diagnosis
from stepconv.classroom.exercises.cases import Case, Remarks
from stepconv.classroom.exercises.exercise import Exercise
from stepconv.classroom.sandbox import Limits, Outcome, Protections, Reason, run_submission

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class CheckedCase:
    """What a student's function gave for a case.

    Attributes
    ----------
    case : Case
        What it was given, and what is expected.
    got : ndarray or None
        What came back, as a plain array.
    reason : Reason or None
        Why nothing did.
    printed : str
        The head of what it printed.
    """

    case: Case
    got: Array | None
    reason: Reason | None
    printed: str

    @cached_property
    def passed(self) -> bool:
        """Whether it is right."""
        return self.got is not None and self.case.right(self.got)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """What a wrong result shows, None where there is none."""
        return None if self.got is None or self.passed else self.case.diagnose(self.got)

    @cached_property
    def remarks(self) -> Remarks:
        """What a wrong result shows, in sentences of the language that was current."""
        return Remarks() if self.got is None or self.passed else self.case.remarks(self.got)


@dataclass(frozen=True, eq=False)
class Report:
    """All that a check found.

    Attributes
    ----------
    exercise : Exercise
    cases : tuple of CheckedCase
        In the order of the exercise: the fixed ones, then those drawn.
    protections : Protections
        What kept the file locked in while it ran.
    problem : Reason or None
        Why no case could be run at all.
    starved : bool
        Whether its time was up though it had not got much of it; see `Outcome`.
    """

    exercise: Exercise
    cases: tuple[CheckedCase, ...]
    protections: Protections
    problem: Reason | None
    starved: bool = False

    @property
    def passed(self) -> bool:
        """Whether every case is right."""
        return all(case.passed for case in self.cases)

    @property
    def failed(self) -> tuple[CheckedCase, ...]:
        """The cases that are not right."""
        return tuple(case for case in self.cases if not case.passed)

    @property
    def score(self) -> float:
        """The part of the cases that is right, 0 to 1."""
        return (len(self.cases) - len(self.failed)) / len(self.cases)


def check(
    exercise: Exercise,
    path: str | Path,
    *,
    seed: int = 0,
    limits: Limits | None = None,
    require_isolation: bool = False,
) -> Report:
    """Run a student's file on the cases of an exercise, and compare outside of it.

    Parameters
    ----------
    exercise : Exercise
    path : path-like
        The student's file; see `run_submission`.
    seed : int
        What the drawn cases are drawn from.
    limits, require_isolation
        As for `run_submission`.

    Raises
    ------
    InputError
        If there is no such file, it is no ordinary one, or isolation is required and missing.

    Examples
    --------
    >>> from stepconv.classroom.exercises import exercise
    >>> first = exercise("conv1d")
    >>> report = check(first, first.folder / "solution.py")
    >>> report.passed, report.score
    (True, 1.0)
    """
    cases = exercise.cases(seed)
    outcome: Outcome = run_submission(
        path,
        exercise.function,
        [case.given for case in cases],
        limits=limits,
        require_isolation=require_isolation,
        main=exercise.file,
    )
    checked = tuple(
        CheckedCase(case, result.value, result.problem, result.stdout)
        for case, result in zip(cases, outcome.results, strict=True)
    )
    return Report(exercise, checked, outcome.protections, outcome.problem, outcome.starved)
