"""Everything that can be wrong with a folder of lessons, found in one go.

The loader takes down what cannot be read; here follows what only shows when the lesson is
looked at as a whole, or computed: see `prose_checks`, `language_checks`,
`equation_checks` and `computed_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepconv.errors import InputError
from stepconv.lessons.computed_checks import answers_hold, beliefs_hold, results_can_be_computed
from stepconv.lessons.equation_checks import equations_hold
from stepconv.lessons.language_checks import is_translated
from stepconv.lessons.loader import Draft, read_draft
from stepconv.lessons.prose_checks import keeps_in_step, markers_fit, titles_fit
from stepconv.lessons.shelf import Head, lesson_folders, twice

OF_PROSE = (titles_fit, keeps_in_step, is_translated, equations_hold)
OF_TABLES = (markers_fit, beliefs_hold, results_can_be_computed, answers_hold)


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes
    ----------
    problems : tuple of InputError
        By lesson; empty where all is well.
    lessons, scenes, questions, results : int
        How many of each were checked; results are the expressions of both languages' prose.
    """

    problems: tuple[InputError, ...]
    lessons: int
    scenes: int
    questions: int
    results: int


def check(folders: Sequence[Path]) -> Report:
    """Check all lessons in `folders`, or those that are lessons themselves.

    Raises
    ------
    InputError
        Where a folder holds no lessons.

    Examples
    --------
    >>> from stepconv.bundled import bundled_folder
    >>> report = check([bundled_folder() / "01-one-product"])
    >>> report.problems, report.lessons
    ((), 1)
    """
    drafts = [read_draft(one) for folder in folders for one in lesson_folders(folder)]
    problems = [problem for draft in drafts for problem in problems_of(draft)]
    return Report(
        (*problems, *_twins(drafts)),
        lessons=len(drafts),
        scenes=sum(len(draft.scenes) for draft in drafts),
        questions=sum(len(draft.questions) for draft in drafts),
        results=sum(draft.results for draft in drafts),
    )


def problems_of(draft: Draft) -> list[InputError]:
    """Return what is wrong with one lesson."""
    looks = (*OF_PROSE, *OF_TABLES) if draft.tables_read else OF_PROSE
    return [*draft.problems, *(problem for look in looks for problem in look(draft))]


def _twins(drafts: Sequence[Draft]) -> Iterator[InputError]:
    seen: dict[str, Head] = {}
    for draft in drafts:
        if draft.head is not None:
            if draft.head.id in seen:
                yield twice(draft.head, seen[draft.head.id])
            seen.setdefault(draft.head.id, draft.head)
