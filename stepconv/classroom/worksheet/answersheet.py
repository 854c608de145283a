"""The answer file that a student fills in, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from stepconv.classroom.worksheet.csvtext import safe
from stepconv.classroom.worksheet.question import Question
from stepconv.classroom.worksheet.roster import Student

FORMAT = "stepconv-answers-1"
COLUMNS = ("question", "part", "answer")


def json_form(id: str, student: Student, questions: Sequence[Question]) -> str:
    """Return the answer file as JSON, its answers empty."""
    data: dict[str, Any] = {
        "format": FORMAT,
        "worksheet": id,
        "student": student.id,
        "name": student.name,
        "answers": {
            str(question.number): {part.code: "" for part in question.parts}
            for question in questions
        },
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def csv_form(id: str, student: Student, questions: Sequence[Question]) -> str:
    """Return the answer file as CSV, its answers empty; with a mark by which Excel knows UTF-8."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(["format", FORMAT, ""])
    writer.writerow(["worksheet", id, ""])
    writer.writerow(["student", safe(student.id), safe(student.name)])
    writer.writerow(COLUMNS)
    for question in questions:
        for part in question.parts:
            writer.writerow([question.number, part.code, ""])
    return "\ufeff" + stream.getvalue()
