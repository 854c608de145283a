"""What grading ends in: marks with a reason for each part, for each student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from stepconv.language import _

FORMAT = "stepconv-grades-1"

Codes = tuple[str, ...]
"""Mistakes made together, by their codes."""


@dataclass(frozen=True)
class Mark:
    """What one part of a question brought, or one case of an exercise.

    Attributes
    ----------
    question : str
        Which question, or case.
    part : str
        The name of the part in the answer file; "" for a case.
    title : str
        What it is called in a report.
    marks, most : float
    verdict : str
        "right"; "follows", right by what was written before; "mistake", one that has a name;
        "partly"; "wrong"; "missing"; "unreadable".
    reason : str
        Why, in the current language.
    given, expected : str
        As in an answer file.
    mistakes : tuple of tuples of str
        The explanations: each names the mistakes that together give the answer. Several that
        cannot be told apart are all there.
    """

    question: str
    part: str
    title: str
    marks: float
    most: float
    verdict: str
    reason: str
    given: str = ""
    expected: str = ""
    mistakes: tuple[Codes, ...] = ()

    @property
    def label(self) -> str:
        """A name for the part: its question, and what it is.

        >>> Mark("2", "size", "output size", 1, 1, "right", "").label
        '2 size'
        """
        return f"{self.question} {self.part}" if self.part else self.title


@dataclass(frozen=True)
class Graded:
    """One student's marks.

    Attributes
    ----------
    student, name : str
    file : str
        What was graded; "" where nothing was handed in.
    marks : tuple of Mark
    notes : tuple of str
        What the teacher ought to know besides.
    private : tuple of str
        The same, but not for the student's eyes: others are named.
    """

    student: str
    name: str
    file: str
    marks: tuple[Mark, ...]
    notes: tuple[str, ...] = ()
    private: tuple[str, ...] = ()

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes for the teacher."""
        return (*self.notes, *self.private)

    @property
    def total(self) -> float:
        """The marks in all."""
        return sum(mark.marks for mark in self.marks)

    @property
    def most(self) -> float:
        """What all right would bring."""
        return sum(mark.most for mark in self.marks)

    @property
    def reasons(self) -> tuple[tuple[Mark, str], ...]:
        """The parts that are not simply right or missing, long reasons told once.

        Cases that share the reason of an earlier one are together one mark.
        """
        first: dict[str, Mark] = {}
        alike: dict[str, list[Mark]] = {}
        kept: list[tuple[Mark, str]] = []
        for mark in self.marks:
            if mark.verdict in ("right", "missing"):
                continue
            before = first.setdefault(mark.reason, mark)
            if before is mark or mark.verdict not in ("mistake", "unreadable"):
                kept.append((mark, mark.reason))
            elif mark.part:
                kept.append((mark, _as_in(before)))
            else:
                alike.setdefault(mark.reason, []).append(mark)
        found = []
        for mark, reason in kept:
            found.append((mark, reason))
            if mark is first.get(reason) and reason in alike:
                found.append((_together(alike[reason]), _as_in(mark)))
        return tuple(found)

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts to which nothing is written."""
        return tuple(mark.label for mark in self.marks if mark.verdict == "missing")

    def question(self, name: str) -> float:
        """Return the marks of one question."""
        return sum(mark.marks for mark in self.marks if mark.question == name)


@dataclass(frozen=True)
class Report:
    """A class, graded.

    Attributes
    ----------
    title : str
        The worksheet's id, or the exercise's name.
    graded : tuple of Graded
    ungraded : tuple of (str, str)
        Files that belong to nobody, and why.
    missing : tuple of str
        Protections that were not at hand while code ran.
    """

    title: str
    graded: tuple[Graded, ...]
    ungraded: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions, in order."""
        return tuple(dict.fromkeys(mark.question for one in self.graded for mark in one.marks))

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON types; the same marks give the same text."""
        return {
            "format": FORMAT,
            "title": self.title,
            "students": [_student(one) for one in self.graded],
            "ungraded": [{"file": file, "reason": reason} for file, reason in self.ungraded],
            "missing_protections": list(self.missing),
        }


def plain(marks: float) -> float | int:
    """Return marks as JSON and CSV show them: whole ones without a point.

    >>> plain(2.0), plain(2.5)
    (2, 2.5)
    """
    return int(marks) if marks == int(marks) else round(marks, 3)


def halves(marks: float) -> float:
    """Round marks down to halves.

    >>> halves(1.9)
    1.5
    """
    return int(marks * 2 + 1e-9) / 2


def explained(mistakes: Sequence[Codes]) -> str:
    """Write explanations in codes: those made together with +, alternatives with a stroke.

    >>> explained([("flip",), ("padding_ignored", "ceil")])
    'flip / padding_ignored + ceil'
    """
    return " / ".join(" + ".join(codes) for codes in mistakes)


def _as_in(mark: Mark) -> str:
    return _("As in {part}.").format(part=mark.label)


def _together(cases: Sequence[Mark]) -> Mark:
    """Return the marks of cases as one, where they are several."""
    if len(cases) == 1:
        return cases[0]
    title = _("cases {numbers}").format(numbers=_runs([int(one.question) for one in cases]))
    marks, most = sum(one.marks for one in cases), sum(one.most for one in cases)
    return replace(cases[0], title=title, marks=marks, most=most, given="", expected="")


def _runs(numbers: Sequence[int]) -> str:
    """Write ascending numbers, those in a row by the first and the last.

    >>> _runs([2, 3, 4, 6, 8, 9])
    '2-4, 6, 8, 9'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = ([f"{run[0]}-{run[-1]}"] if len(run) > 2 else map(str, run) for run in runs)
    return _(", ").join(chain.from_iterable(texts))


def _student(one: Graded) -> dict[str, Any]:
    return {
        "student": one.student,
        "name": one.name,
        "file": one.file,
        "total": plain(one.total),
        "most": plain(one.most),
        "notes": list(one.all_notes),
        "marks": [_mark(mark) for mark in one.marks],
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        "question": mark.question,
        "part": mark.part,
        "title": mark.title,
        "marks": plain(mark.marks),
        "most": plain(mark.most),
        "verdict": mark.verdict,
        "reason": mark.reason,
        "given": mark.given,
        "expected": mark.expected,
        "mistakes": [list(codes) for codes in mark.mistakes],
    }
