"""Which answer file is whose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from stepconv.classroom.grading.submission import Answers, Submission, read_submission
from stepconv.classroom.worksheet.key import Key
from stepconv.classroom.worksheet.roster import Student
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _


@dataclass
class Handed:
    """What a student handed in.

    Attributes
    ----------
    student : Student
    file : str
        What the marks are for; "" where there is nothing.
    answers : Answers
    notes : list of str
        What is odd about it, and why it brings no marks where it does not.
    """

    student: Student
    file: str = ""
    answers: Answers = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def assigned(
    key: Key, files: Iterable[Path]
) -> tuple[dict[str, Handed], tuple[tuple[str, str], ...]]:
    """Read answer files, and give each to its student.

    Returns
    -------
    handed : dict
        By the student's id.
    ungraded : tuple of (str, str)
        Files that are nobody's, and why.
    """
    found: dict[str, list[tuple[Submission, list[str]]]] = {}
    ungraded = []
    for path in files:
        try:
            submission = read_submission(path)
        except InputError as error:
            owner = _by_name(key, path)
            if owner is None:
                ungraded.append((shown(str(path), 200), str(error)))
            else:
                found.setdefault(owner.id, []).append((Submission(path, "", ""), [str(error)]))
            continue
        owner, notes = _owner(key, submission)
        if owner is None:
            ungraded.append((shown(str(path), 200), notes[0]))
            continue
        if submission.worksheet.lower() not in ("", key.id):
            text = _("the answers are to worksheet {other}; the key is of {worksheet}")
            notes.append(text.format(other=shown(submission.worksheet), worksheet=key.id))
            submission = replace(submission, answers={})
        found.setdefault(owner.id, []).append((submission, notes))
    handed = {id: _one_of(key.by_id[id], several) for id, several in found.items()}
    return handed, tuple(ungraded)


def _owner(key: Key, submission: Submission) -> tuple[Student | None, list[str]]:
    """Find whose a file is, and what keeps it from being graded or is odd about it."""
    notes = list(submission.notes)
    named = _by_name(key, submission.path)
    owner = key.by_id.get(submission.student) or _as_a_spreadsheet_has_it(key, submission.student)
    if owner is None and not submission.student and named is not None:
        owner = named
        notes.append(_("the file names no student; its name tells whose it is"))
    if owner is None:
        if submission.student:
            text = _('the student "{id}" is not among those of worksheet {worksheet}')
            return None, [text.format(id=shown(submission.student), worksheet=key.id)]
        return None, [_("neither the file nor its name tells which student it is of")]
    if named is not None and named is not owner:
        text = _("the file is called after {other}, and names the student {id}")
        notes.append(text.format(other=named.id, id=owner.id))
    if not submission.worksheet:
        notes.append(_("the file does not name its worksheet"))
    return owner, notes


def _one_of(student: Student, several: Sequence[tuple[Submission, list[str]]]) -> Handed:
    """Choose what to grade: all that is filled in must say the same; an empty form is left out."""
    filled = [one for one in several if not one[0].blank]
    kept = filled or [one for one in several if one[1]] or several[:1]
    first = kept[0][0]
    file = shown(str(first.path), 200)
    if any(_texts(one.answers) != _texts(first.answers) for one, _notes in filled):
        names = ", ".join(shown(str(one.path), 200) for one, _notes in filled)
        text = _("{count} files with different answers, so none is graded: {files}")
        return Handed(student, file, notes=[text.format(count=len(filled), files=names)])
    notes = [note for one, found in several if one is first or one.blank for note in found]
    if first.blank and not notes:
        return Handed(student, notes=[_("the answer file is empty")])
    return Handed(student, file, first.answers, notes)


def _texts(answers: Answers) -> Mapping[tuple[str, str], str]:
    return {
        (number, part): str(value)
        for number, parts in answers.items()
        for part, value in parts.items()
        if value not in ("", None, [])
    }


def _by_name(key: Key, path: Path) -> Student | None:
    """Find the student after whom a file, or its folder, is called."""
    names = {student.file_name: student for student in key.students}
    tail = re.split(r"answers-", path.stem)[-1]
    for name in (tail, re.sub(r"[ _-]*\(?[0-9]{1,2}\)?$", "", tail), path.parent.name):
        if name in names:
            return names[name]
    return None


def _as_a_spreadsheet_has_it(key: Key, id: str) -> Student | None:
    """Find the one student whose id was written so: 007 as 7, and =7 as '=7."""
    if (quoted := id.removeprefix("'")) in key.by_id:
        return key.by_id[quoted]
    plain = id.removesuffix(".0").lstrip("0")
    found = [one for one in key.students if plain and one.id.lstrip("0") == plain]
    return found[0] if len(found) == 1 else None
