"""Grading a class's answer files."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from stepconv.classroom.grading.assigning import Handed, assigned
from stepconv.classroom.grading.marking import mark_question
from stepconv.classroom.grading.marks import Graded, Mark, Report
from stepconv.classroom.grading.submission import Answers, answer_files
from stepconv.classroom.worksheet.key import Key, read_key
from stepconv.classroom.worksheet.notation import written
from stepconv.classroom.worksheet.question import Question
from stepconv.files import shown
from stepconv.language import _, language, set_language

WORTH_A_POOL = 100
"""Students from which on several processes are faster than one: each takes time to start."""
LEAST_ALIKE = 6
"""Numbers that must agree before answers are said to fit another student's sheet."""

MOST_NOTES = 8
"""Notes about one student; a file of junk could give thousands."""

Told = Callable[[int, int], None]


def grade_answers(
    paths: Sequence[Path], key_folder: Path, *, jobs: int = 1, told: Told = lambda _done, _all: None
) -> Report:
    """Grade answer files.

    Parameters
    ----------
    paths : sequence of Path
        Files, or folders of them. Where a folder is among them the whole class is graded:
        who handed in nothing has no marks.
    key_folder : Path
        What `stepconv.classroom.worksheet.issue` wrote.
    jobs : int
        Processes that share the work of a large class.
    told : callable
        Called with the number of students that are done, and that of all.

    Raises
    ------
    InputError
        Where the key or a path is missing, or the key is damaged.

    Examples
    --------
    >>> import tempfile
    >>> from stepconv.classroom.worksheet.issue import issue
    >>> from stepconv.classroom.worksheet.key import make_key
    >>> from stepconv.classroom.worksheet.roster import Student
    >>> from stepconv.classroom.worksheet.worksheet import Worksheet
    >>> key = make_key(Worksheet("7", ("padding",), count=1), [Student("1", "Ada")])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sheets, secret = Path(folder, "sheets"), Path(folder, "key")
    ...     _ = issue(key, sheets, secret, lambda problem: "")
    ...     report = grade_answers([sheets], secret)
    >>> report.graded[0].total, report.graded[0].notes
    (0.0, ('the answer file is empty',))
    """
    key = read_key(key_folder)
    handed, ungraded = assigned(key, answer_files(paths))
    everyone = any(os.path.isdir(path) for path in paths)
    work = [handed.get(one.id, Handed(one)) for one in key.students if everyone or one.id in handed]
    graded = []
    for one in _graded(key, key_folder, work, jobs):
        graded.append(one)
        told(len(graded), len(work))
    return Report(key.id, tuple(graded), ungraded)


def grade_one(key: Key, handed: Handed) -> Graded:
    """Grade what one student handed in."""
    student = handed.student
    questions = key.questions(student.id)
    notes = [*handed.notes, *_unknown(questions, handed.answers)]
    if not handed.file and not notes:
        notes.append(_("no answer file"))
    marks = tuple(
        mark
        for question in questions
        for mark in mark_question(question, handed.answers.get(str(question.number), {}))
    )
    private: tuple[str, ...] = ()
    if others := _fits(key, student.id, marks):
        text = _("the answers fit the numbers of {other}, not this student's own")
        private = (text.format(other=", ".join(sorted(others))),)
    if len(notes) > MOST_NOTES:
        more = _("and {count} more like these").format(count=len(notes) - MOST_NOTES)
        notes = [*notes[:MOST_NOTES], more]
    return Graded(student.id, student.name, handed.file, marks, tuple(notes), private)


def _graded(key: Key, folder: Path, work: Sequence[Handed], jobs: int) -> Iterator[Graded]:
    """Grade in order, in this process or in several."""
    if jobs < 2 or len(work) < WORTH_A_POOL:
        yield from (grade_one(key, one) for one in work)
        return
    with ProcessPoolExecutor(
        jobs, get_context("spawn"), initializer=set_language, initargs=(language(),)
    ) as pool:
        yield from pool.map(_in_a_process, [folder] * len(work), work, chunksize=8)


def _in_a_process(folder: Path, handed: Handed) -> Graded:
    return grade_one(_key_of_this_process(folder), handed)


@cache
def _key_of_this_process(folder: Path) -> Key:
    return read_key(folder)


def _unknown(questions: Sequence[Question], answers: Answers) -> Iterator[str]:
    """Tell what is answered and was not asked."""
    asked = {str(one.number): {part.code for part in one.parts} for one in questions}
    for number, parts in answers.items():
        if number not in asked:
            yield _("there is no question {number}").format(number=shown(number))
            continue
        for part in parts:
            if part not in asked[number]:
                yield _('question {number} has no part "{part}"').format(
                    number=number, part=shown(part)
                )


def _fits(key: Key, student: str, marks: Sequence[Mark]) -> set[str]:
    """Return the students whose sheet the wrong outputs are right for, all of them."""
    wrong = [
        mark
        for mark in marks
        if mark.part == "output" and mark.given and mark.given != mark.expected
    ]
    if sum(len(mark.given.split()) for mark in wrong) < LEAST_ALIKE:
        return set()
    outputs = _outputs(key)
    owners = [set(outputs.get((mark.question, mark.given), ())) for mark in wrong]
    return set.intersection(*owners) - {student}


@cache
def _outputs(key: Key) -> Mapping[tuple[str, str], Sequence[str]]:
    """Return whose right output each text is, by the question."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for student in key.students:
        for question in key.questions(student.id):
            for part in question.parts:
                if part.code == "output":
                    text = written(np.asarray(part.asked(question.problem.run)))
                    found[str(question.number), text].append(student.id)
    return found
