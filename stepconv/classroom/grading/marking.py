"""Marking the answers to a question: each part by itself, and by what came before it.

An error costs marks once. A part that is wrong, but follows from what was written in an
earlier part, is right. A part that a mistake explains, or that is right but for its bias or its
order, brings half its marks, and later parts may go on from the mistake. Otherwise the share of
right numbers counts, from half of them on. A number that is left out with a question mark is not
right, and nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.classroom.diagnosis import Diagnosis, Explanation, diagnose
from stepconv.classroom.grading.following import (
    Base,
    Candidate,
    Wrong,
    after_padded,
    aligned,
    candidates,
)
from stepconv.classroom.grading.marks import Codes, Mark, halves
from stepconv.classroom.grading.words import (
    follows_reason,
    going_by,
    mistake_reason,
    wrong_reason,
)
from stepconv.classroom.mistakes import MISTAKES
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run
from stepconv.classroom.worksheet.notation import read_answer, written
from stepconv.classroom.worksheet.parts import Part
from stepconv.classroom.worksheet.question import Question
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _

Array = NDArray[Any]

MOST_BASES = 8
"""Runs that a later part is looked at from; beyond, guesses explain everything and nothing."""
LEAST_SHARE = 0.5
"""Of the numbers that must be right for any of the marks."""
FOR_MISTAKE = 0.5
"""Of the marks for work that is right but for a mistake that has a name."""
ALL_BUT_DONE = ("sums", "full")
"""Parts from which the output follows in one small step: not where no number in them is right."""
NEARLY = ("bias", "layout", "transposed", "reversed", "shifted", "sign")
"""Facts about an answer whose numbers are right but for one thing: worth as much as a mistake."""


def mark_question(question: Question, answers: Mapping[str, Any]) -> tuple[Mark, ...]:
    """Mark what a student answered to a question.

    Parameters
    ----------
    question : Question
    answers : Mapping
        For each part's code what was written, of any type; what is missing counts as empty.

    Examples
    --------
    >>> from stepconv.classroom.worksheet.parts import parts_of
    >>> problem = Problem([[[1, 2, 3]]], [[[1, 10]]], options={"padding": 1})
    >>> question = Question(1, "padding", problem, parts_of(problem, 0))
    >>> given = {"padded": "1 2 3", "size": "2", "products": "1 20", "output": "21 32"}
    >>> for mark in mark_question(question, given):
    ...     print(mark.part, mark.marks, mark.verdict)
    padded 1.0 mistake
    size 1.0 follows
    products 2.0 follows
    output 3.0 follows
    """
    marking = _Marking(question)
    marks = [marking.mark(part, answers.get(part.code)) for part in question.parts]
    return tuple(marking.narrowed(mark) for mark in marks)


class _Marking:
    """Where marking stands within a question."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.bases = [Base(question.problem.run)]
        self.wrong: dict[str, Wrong] = {}
        self.explained: dict[str, tuple[Explanation, ...]] = {}
        self.followed: set[tuple[str, Codes]] = set()

    def mark(self, part: Part, given: Any) -> Mark:
        """Mark one part, and remember what later ones may follow from."""
        right = np.asarray(part.asked(self.question.problem.run))
        mark = Mark(
            question=str(self.question.number),
            part=part.code,
            title=part.title,
            marks=0.0,
            most=part.marks,
            verdict="missing",
            reason=_("Nothing is written."),
            expected=written(right),
        )
        try:
            answer = read_answer(given)
        except InputError as error:
            return replace(
                mark,
                verdict="unreadable",
                reason=_("This cannot be read: {reason}.").format(reason=error),
                given=shown(str(given), 200),
            )
        if answer is None:
            return mark
        mark = replace(mark, given=written(answer))
        if np.array_equal(aligned(answer, right), right):
            return replace(mark, marks=part.marks, verdict="right", reason=_("Right."))
        found = self._wrong(part, answer, right, mark)
        if part.code in ALL_BUT_DONE and not np.isin(answer[answer != 0], right).any():
            self.wrong.pop(part.code, None)
        return found

    def narrowed(self, mark: Mark) -> Mark:
        """Leave out the explanations of a part that what was written later speaks against."""
        found = self.explained.get(mark.part, ())
        kept = [one for one in found if (mark.part, one.codes) in self.followed]
        if len(found) < 2 or not kept:
            return mark
        codes = tuple(one.codes for one in kept)
        return replace(mark, reason=mistake_reason(kept), mistakes=codes)

    def _wrong(self, part: Part, answer: Array, right: Array, mark: Mark) -> Mark:
        """Mark an answer that is not right in itself."""
        known = list(candidates(part, self.bases[:MOST_BASES], self.wrong))
        follow = [one for one in known if np.array_equal(aligned(answer, one.value), one.value)]
        as_written, answer = answer, aligned(answer, right)
        found, codes = (Diagnosis(False), ()) if follow else self._explanations(part, answer)
        if not (follow or found.explanations) and as_written.shape != answer.shape:
            # All its numbers in one row: a way to write it, or an output that is one row.
            row, row_codes = self._explanations(part, as_written)
            found, codes = (row, row_codes) if row.explanations else (found, codes)
        whole = _completed(answer, right)
        if whole is not None:
            self.wrong[part.code] = Wrong(part, whole)
            self._go_on(part, whole)
        if follow:
            return self._follows(part, follow, mark)
        own = Candidate(right, (), self.bases[0])
        nearest = max([own, *known], key=lambda one: _share(answer, one.value))
        marks = min(halves(_share(answer, nearest.value) * part.marks), part.marks - 0.5)
        if found.explanations:
            self.explained[part.code] = found.explanations
            for one in found.explanations:
                self.bases.append(Base(one.run, (part.code,), one.codes))
            return replace(
                mark,
                marks=max(marks, halves(FOR_MISTAKE * part.marks)),
                verdict="mistake",
                reason=going_by(codes, mistake_reason(found.explanations)),
                mistakes=tuple(one.codes for one in found.explanations),
            )
        facts = () if nearest.parts else found.facts
        if any(fact.code in NEARLY for fact in facts):
            marks = max(marks, halves(FOR_MISTAKE * part.marks))
        reason = wrong_reason(aligned(answer, nearest.value), nearest.value, facts)
        return replace(
            mark,
            marks=marks,
            verdict="partly" if marks else "wrong",
            reason=going_by(nearest.parts, reason),
        )

    def _explanations(self, part: Part, answer: Array) -> tuple[Diagnosis, Codes]:
        """Diagnose an answer; return with it the earlier parts whose errors are taken for granted.

        One more mistake after an earlier error explains it better than two at once.
        """
        if np.isnan(answer).any():
            return Diagnosis(False), ()
        first = diagnose(_problem(self.bases[0].run, part), answer)
        if first.explanations and len(first.explanations[0].mistakes) == 1:
            return first, ()
        for base in self.bases[1:MOST_BASES]:
            if not base.run.finish and (found := _one_more(base.run, part, answer)):
                return Diagnosis(False, found), base.parts
        return first, ()

    def _go_on(self, part: Part, answer: Array) -> None:
        """Let later parts go on from a padded input as it was written."""
        if part.code == "padded":
            base = after_padded(self.question.problem.run, answer)
            if base is not None:
                self.bases.append(base)

    def _follows(self, part: Part, follow: list[Candidate], mark: Mark) -> Mark:
        """Mark an answer that is right by what was written before."""
        for one in follow:
            self.followed.update((code, one.base.mistakes) for code in one.base.parts)
        fewest = min(follow, key=lambda one: len(one.parts))
        reason = follows_reason(fewest.parts)
        return replace(mark, marks=part.marks, verdict="follows", reason=reason)


def _one_more(run: Run, part: Part, answer: Array) -> tuple[Explanation, ...]:
    """Return the single mistakes that, made after what led to a run, give an answer."""
    problem = _problem(run, part)
    found: dict[str, Explanation] = {}
    for one in MISTAKES:
        wrong = one.apply(run)
        if wrong is not None and problem.explained(wrong, answer):
            found.setdefault(one.code, Explanation((one,), wrong, answer))
    return tuple(found.values())


def _problem(run: Run, part: Part) -> Problem:
    return Problem(run.input, run.weight, run.bias, run.options, part.asked, origin=run.origin)


def _completed(answer: Array, right: Array) -> Array | None:
    """Return what later parts may follow from: what is left out taken from the right answer.

    None where nothing wrong remains, or no one can tell which numbers are left out.

    >>> _completed(np.array([1, np.nan, 3]), np.array([1, 2, 4]))
    array([1, 2, 3])
    """
    gaps = np.isnan(answer)
    if not gaps.any():
        return answer
    if answer.shape != right.shape:
        return None
    whole = np.where(gaps, right, answer)
    if np.array_equal(whole, right):
        return None
    exact = np.trunc(whole)
    return exact.astype(np.int64) if np.array_equal(exact, whole) else whole


def _share(answer: Array, value: Array) -> float:
    """Return which share of the numbers is right, 0 where it is less than half of them."""
    answer = aligned(answer, value)
    if answer.shape != value.shape or value.size < 2:
        return 0.0
    share = float(np.mean(answer == value))
    return share if share >= LEAST_SHARE else 0.0
