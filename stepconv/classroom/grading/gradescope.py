"""Results as Gradescope takes them from an autograder: results.json.

The format is documented at https://gradescope-autograders.readthedocs.io/en/latest/specs/ .
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stepconv.classroom.grading.marks import Graded, Report, plain
from stepconv.classroom.worksheet.roster import Student
from stepconv.errors import InputError
from stepconv.files import shown, write_atomically


def results(one: Graded) -> dict[str, Any]:
    """Return a student's marks as the object of a results.json, a test for each part.

    >>> from stepconv.classroom.grading.marks import Mark
    >>> mark = Mark("1", "size", "output size", 1.0, 1.0, "right", "Right.")
    >>> data = results(Graded("7", "Ada", "answers-7.json", (mark,)))
    >>> data["score"], data["tests"][0]["name"], data["tests"][0]["status"]
    (1, '1: output size', 'passed')
    """
    numbers: dict[str, int] = {}
    tests = []
    for mark in one.marks:
        numbers[mark.question] = numbers.get(mark.question, 0) + 1
        place = f"{list(numbers).index(mark.question) + 1}.{numbers[mark.question]}"
        tests.append(
            {
                "name": f"{mark.question}: {mark.title}" if mark.part else mark.title,
                "number": place,
                "score": plain(mark.marks),
                "max_score": plain(mark.most),
                "status": "passed" if mark.marks == mark.most else "failed",
                "output": mark.reason,
                "output_format": "text",
                "tags": [code for codes in mark.mistakes for code in codes],
            }
        )
    return {
        "score": plain(one.total),
        "output": "\n".join(one.notes),
        "output_format": "text",
        "visibility": "visible",
        "tests": tests,
        "extra_data": {"student": one.student, "file": one.file, "notes": list(one.all_notes)},
    }


def write_results(report: Report, path: Path) -> int:
    """Write results.json: a file for one student, a folder with a file for each of several.

    Returns
    -------
    int
        Files written.

    Raises
    ------
    InputError
        Where one file is named for several students, or the system refuses to write.
    """
    if path.suffix.lower() == ".json":
        if len(report.graded) != 1:
            raise InputError(
                "{path} is one file, and {count} students are graded; name a folder",
                path=shown(str(path), 200),
                count=len(report.graded),
            )
        _write(report.graded[0], path)
        return 1
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            "{path} cannot be made: {reason}",
            path=shown(str(path), 200),
            reason=error.strerror or error,
        ) from error
    for one in report.graded:
        _write(one, path / f"{Student(one.student).file_name}.json")
    return len(report.graded)


def _write(one: Graded, path: Path) -> None:
    text = json.dumps(results(one), ensure_ascii=False, indent=1)
    write_atomically(path, f"{text}\n".encode())
