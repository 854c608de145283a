"""Grading code: each submission in the sandbox, a mark for each case."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from stepconv.classroom.diagnosis import Explanation
from stepconv.classroom.exercises import CheckedCase, Exercise, check
from stepconv.classroom.grading.answersheets import Told
from stepconv.classroom.grading.marks import Graded, Mark, Report
from stepconv.classroom.grading.words import mistake_reason
from stepconv.classroom.sandbox import protections
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _

MOST_SHOWN = 200
"""Characters of a result in a report."""


def grade_code(
    paths: Sequence[Path],
    exercise: Exercise,
    *,
    seed: int = 1,
    jobs: int = 1,
    require_isolation: bool = False,
    entire: bool = False,
    told: Told = lambda _done, _all: None,
) -> Report:
    """Grade submissions to an exercise.

    Parameters
    ----------
    paths : sequence of Path
        Python files; or folders, of which each entry is a submission: a Python file, or a
        folder with Python files, called after its student.
    exercise : Exercise
    seed : int
        What the cases are drawn from; with another than the student's own check, they have not
        seen them.
    jobs : int
        Submissions that run at a time.
    require_isolation : bool
        Refuse to run anything that cannot be locked in.
    entire : bool
        Each path is one submission, a folder too.
    told : callable
        Called with the number of submissions that are done, and that of all.

    Raises
    ------
    InputError
        Where a path is missing, or isolation is required and missing.
    """
    if require_isolation and not (ensured := protections()).complete:
        raise InputError(
            "{protections}; install bubblewrap (bwrap) where the system allows it, or leave"
            " --require-isolation out",
            protections=ensured,
        )
    work = list(_submissions(paths, entire))
    graded: list[Graded] = []
    missing: dict[str, None] = {}
    starved: list[int] = []
    with ThreadPoolExecutor(max(jobs, 1)) as pool:
        running = [
            pool.submit(copy_context().run, _grade, name, path, exercise, seed, require_isolation)
            for name, path in work
        ]
        try:
            for one in running:
                student, lacking, late = one.result()
                starved += [len(graded)] if late else []
                graded.append(student)
                missing.update(dict.fromkeys(lacking))
                told(len(graded), len(work))
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for the rest of the class
    # Marks shall not hang on what else ran at that time: what had to wait runs again alone.
    for number in starved:
        name, path = work[number]
        graded[number] = _grade(name, path, exercise, seed, require_isolation)[0]
    return Report(exercise.id, tuple(graded), missing=tuple(missing))


def _submissions(paths: Sequence[Path], entire: bool) -> Iterator[tuple[str, Path]]:
    """Return each submission with whose it is: a file or folder is called after its student."""
    for path in paths:
        if not os.path.lexists(path):
            raise InputError("{path} is missing", path=shown(str(path), 200))
        if entire or not os.path.isdir(path):
            yield path.stem, path
            continue
        for entry in sorted(path.iterdir()):
            hidden = entry.name.startswith((".", "_"))
            if not hidden and (entry.suffix == ".py" or entry.is_dir() or entry.is_symlink()):
                yield (entry.stem if entry.suffix == ".py" else entry.name), entry


def _grade(
    name: str, path: Path, exercise: Exercise, seed: int, require_isolation: bool
) -> tuple[Graded, tuple[str, ...], bool]:
    """Grade one submission; return with it the protections that were missing, and if it starved."""
    student, file = shown(name, 100), shown(str(path), 200)
    try:
        report = check(exercise, path, seed=seed, require_isolation=require_isolation)
    except InputError as error:
        count = len(exercise.cases(seed))
        marks = tuple(_unread(number, str(error)) for number in range(1, count + 1))
        return Graded(student, "", file, marks, (str(error),)), (), False
    cases = enumerate(report.cases, start=1)
    notes = () if report.problem is None else (str(report.problem),)
    marks = tuple(_mark(number, case) for number, case in cases)
    graded = Graded(student, "", file, marks, notes)
    return graded, report.protections.missing, report.starved


def _mark(number: int, checked: CheckedCase) -> Mark:
    mark = Mark(
        question=str(number),
        part="",
        title=_("case {number}").format(number=number),
        marks=float(checked.passed),
        most=1.0,
        verdict="right" if checked.passed else "wrong",
        reason=_("Right."),
        given=_text(checked.got),
        expected=_text(checked.case.expected),
    )
    if checked.passed:
        return mark
    if checked.got is None:
        reason = _("No result: {reason}.").format(reason=checked.reason or _("it was not run"))
        return replace(mark, verdict="unreadable", reason=reason)
    found: tuple[Explanation, ...] = ()
    if checked.got.dtype.kind in "biuf" and checked.diagnosis is not None:
        found = checked.diagnosis.explanations
    if found:
        codes = tuple(one.codes for one in found)
        return replace(mark, verdict="mistake", reason=mistake_reason(found), mistakes=codes)
    told = " ".join(checked.remarks.all) or _("The result is not what is expected.")
    return replace(mark, reason=told)


def _unread(number: int, reason: str) -> Mark:
    title = _("case {number}").format(number=number)
    return Mark(str(number), "", title, 0.0, 1.0, "unreadable", reason)


def _text(array: NDArray[Any] | None) -> str:
    """Write a result, where it is not too long to be read."""
    if array is None:
        return ""
    if array.size > MOST_SHOWN:
        return _("an array of shape {shape}").format(shape=array.shape)
    return shown(str(array.tolist()), MOST_SHOWN)
