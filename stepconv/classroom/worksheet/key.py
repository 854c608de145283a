"""The key: what the teacher keeps, and grading needs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from stepconv.classroom.worksheet import question as questions_of
from stepconv.classroom.worksheet.csvtext import read_file
from stepconv.classroom.worksheet.question import Question
from stepconv.classroom.worksheet.roster import Student
from stepconv.classroom.worksheet.worksheet import Worksheet
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.version import __version__

FORMAT = "stepconv-key-1"
FILE = "key.json"
LARGEST = 2**28


@dataclass(frozen=True, eq=False)
class Key:
    """The questions of every student of a worksheet.

    They are kept as they were drawn: another version of stepconv, which might draw others
    from the same seed, still grades what was handed out.

    Attributes
    ----------
    worksheet : Worksheet
    id : str
        The worksheet's.
    students : tuple of Student
    drawn : Mapping
        For each student's id the questions, as JSON types.
    """

    worksheet: Worksheet
    id: str
    students: tuple[Student, ...]
    drawn: Mapping[str, list[Any]]

    @cached_property
    def by_id(self) -> dict[str, Student]:
        """The students by their id."""
        return {student.id: student for student in self.students}

    def questions(self, student: str) -> tuple[Question, ...]:
        """Return the questions of a student; InputError where the key is damaged."""
        return _rebuilt(self, student)

    def to_json(self) -> str:
        """Return the key as text: one line a student."""
        sheet = self.worksheet
        head = {
            "format": FORMAT,
            "stepconv": __version__,
            "worksheet": self.id,
            "seed": sheet.seed,
            "topics": list(sheet.topics),
            "level": sheet.level,
            "count": sheet.count,
        }
        lines = [
            json.dumps(
                {"id": one.id, "name": one.name, "questions": self.drawn[one.id]},
                ensure_ascii=False,
            )
            for one in self.students
        ]
        start = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
        return start + ',\n "students": [\n' + ",\n".join(lines) + "\n ]\n}\n"


def make_key(worksheet: Worksheet, students: Iterable[Student]) -> Key:
    """Draw the questions of some students.

    >>> key = make_key(Worksheet("7", ("padding",), count=1), [Student("1", "Ada")])
    >>> [part.code for part in key.questions("1")[0].parts]
    ['padded', 'size', 'products', 'output']
    """
    everyone = tuple(students)
    drawn = {
        student.id: [questions_of.to_json(one) for one in worksheet.questions(student.id)]
        for student in everyone
    }
    return Key(worksheet, worksheet.id, everyone, drawn)


def read_key(folder: Path) -> Key:
    """Read the key from its folder.

    Raises
    ------
    InputError
        Where there is none, or it is damaged.
    """
    path = folder / FILE if os.path.isdir(folder) else folder
    name = shown(str(path), 200)
    if not os.path.exists(path):
        raise InputError(
            "{path} is missing; give with --key the folder that stepconv worksheet wrote the key"
            " to",
            path=name,
        )
    try:
        data = json.loads(read_file(path, LARGEST))
        if data["format"] != FORMAT:
            raise ValueError(FORMAT)
        worksheet = Worksheet(
            str(data["seed"]), tuple(data["topics"]), data["level"], data["count"]
        )
        students = tuple(Student(str(one["id"]), str(one["name"])) for one in data["students"])
        drawn = {str(one["id"]): list(one["questions"]) for one in data["students"]}
        return Key(worksheet, str(data["worksheet"]), students, drawn)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            "{path} is no key of this version of stepconv, or it is damaged; make it again with"
            " the same seed",
            path=name,
        ) from error


@cache
def _rebuilt(key: Key, student: str) -> tuple[Question, ...]:
    return tuple(
        questions_of.from_json(number, data)
        for number, data in enumerate(key.drawn[student], start=1)
    )
