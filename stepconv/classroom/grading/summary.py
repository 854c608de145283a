"""What a class got right and wrong, in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean
from typing import Any

from stepconv.classroom.grading.marks import Codes, Graded, Report, explained, plain

LEAST_STUDENTS = 3
"""Without so many, nothing can be said about how questions part good work from poor."""


@dataclass(frozen=True)
class Item:
    """How a class did on a question.

    Attributes
    ----------
    question : str
    mean, most : float
        Marks, and those there were to have: sheets with numbers of their own may differ.
    right : int
        Students who have all the marks.
    discrimination : float or None
        How well it tells who knows the matter: the correlation (Pearson's) between the marks
        of the question and those of all other questions together, over the students who handed
        in. None where it is not defined: all marks alike, or too few students.
    """

    question: str
    mean: float
    most: float
    right: int
    discrimination: float | None


@dataclass(frozen=True)
class Summary:
    """What a class did.

    Attributes
    ----------
    handed_in, students : int
    mean, most : float
        Marks of those who handed in, and those there were to have: both the mean.
    mistakes : tuple of (explanations, int)
        For explanations as in `Mark.mistakes` how many students have them, the most frequent
        first. A student counts once for each; those that cannot be told apart count together.
    items : tuple of Item
    telling : str
        The question with the highest discrimination, "" where there is none.
    """

    handed_in: int
    students: int
    mean: float
    most: float
    mistakes: tuple[tuple[tuple[Codes, ...], int], ...]
    items: tuple[Item, ...]
    telling: str

    def to_json(self) -> dict[str, Any]:
        """Return the summary as JSON types."""
        return {
            "students": self.students,
            "handed_in": self.handed_in,
            "mean": plain(self.mean),
            "most": plain(self.most),
            "mistakes": [
                {"explanations": [list(codes) for codes in found], "students": count}
                for found, count in self.mistakes
            ],
            "questions": [
                {
                    "question": item.question,
                    "mean": plain(item.mean),
                    "most": plain(item.most),
                    "all_marks": item.right,
                    "discrimination": item.discrimination,
                }
                for item in self.items
            ],
            "most_telling": self.telling,
        }


def summarize(report: Report) -> Summary:
    """Sum up a report.

    >>> from stepconv.classroom.grading.marks import Mark
    >>> marks = (Mark("1", "size", "output size", 0.5, 1.0, "mistake", "", mistakes=(("ceil",),)),)
    >>> summary = summarize(Report("sheet", (Graded("1", "Ada", "answers-1.json", marks),)))
    >>> summary.mean, summary.mistakes
    (0.5, (((('ceil',),), 1),))
    """
    handed = [one for one in report.graded if one.file]
    items = tuple(_item(question, handed) for question in report.questions) if handed else ()
    counts = Counter(
        found for one in handed for found in {mark.mistakes for mark in one.marks if mark.mistakes}
    )
    known = [item for item in items if item.discrimination is not None]
    best = max(known, key=lambda item: item.discrimination or 0.0, default=None)
    telling = best.question if best and (best.discrimination or 0.0) > 0 else ""
    return Summary(
        handed_in=len(handed),
        students=len(report.graded),
        mean=fmean(one.total for one in handed) if handed else 0.0,
        most=fmean(one.most for one in handed) if handed else 0.0,
        mistakes=tuple(sorted(counts.items(), key=lambda pair: (-pair[1], explained(pair[0])))),
        items=items,
        telling=telling,
    )


def _item(question: str, handed: Sequence[Graded]) -> Item:
    own = [one.question(question) for one in handed]
    most = [sum(mark.most for mark in one.marks if mark.question == question) for one in handed]
    rest = [one.total - mine for one, mine in zip(handed, own, strict=True)]
    return Item(
        question=question,
        mean=fmean(own),
        most=fmean(most),
        right=sum(mine == full for mine, full in zip(own, most, strict=True)),
        discrimination=_correlation(own, rest),
    )


def _correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    if len(one) < LEAST_STUDENTS:
        return None
    try:
        return round(correlation(one, other), 3) + 0.0
    except StatisticsError:  # all alike
        return None
