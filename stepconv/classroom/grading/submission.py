"""Answer files: found, read, and given to the students they are of."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepconv.classroom.worksheet.answersheet import FORMAT
from stepconv.classroom.worksheet.csvtext import decoded, read_file, rows_of
from stepconv.classroom.worksheet.issue import MARKER
from stepconv.classroom.worksheet.key import FILE
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _

LARGEST = 2**20
"""Bytes of an answer file; filled in, one has some thousand."""

Answers = Mapping[str, Mapping[str, Any]]
"""For each question's number the answer to each part, as it was written."""


@dataclass(frozen=True)
class Submission:
    """What an answer file holds.

    Attributes
    ----------
    path : Path
    worksheet, student : str
        As the file says; "" where it does not.
    answers : Mapping
    notes : tuple of str
        What is odd about it.
    """

    path: Path
    worksheet: str
    student: str
    answers: Answers = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def blank(self) -> bool:
        """Whether nothing is filled in."""
        return not any(
            value not in ("", None, [])
            for parts in self.answers.values()
            for value in parts.values()
        )


def answer_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Return the answer files that paths name: files as they are, of folders all .json and .csv.

    Folders behind symbolic links are not entered.

    Raises
    ------
    InputError
        Where there is no such path.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise InputError("{path} is missing", path=shown(str(path), 200))
        if not os.path.isdir(path):
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                ours = name in (MARKER, FILE) or name.startswith(".")
                if not ours and name.lower().endswith((".json", ".csv")):
                    yield Path(folder, name)


def read_submission(path: Path) -> Submission:
    """Read an answer file.

    Raises
    ------
    InputError
        Where it is none: what is wrong, and where.
    """
    text = decoded(read_file(path, LARGEST), path).lstrip("\ufeff")
    return (_of_json if text.lstrip().startswith("{") else _of_csv)(text, path)


def _of_json(text: str, path: Path) -> Submission:
    name = shown(path.name, 200)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            "{path} is not JSON: line {line}, column {column}: {reason}; was it cut off, or a"
            " quotation mark or comma lost?",
            path=name,
            line=error.lineno,
            column=error.colno,
            reason=error.msg,
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError("{path} is not JSON that can be read", path=name) from error
    notes = _format_notes(data.get("format"), name)
    answers, more = _answers(data.get("answers"), name)
    worksheet, student = _text(data.get("worksheet")), _text(data.get("student"))
    return Submission(path, worksheet, student, answers, (*notes, *more))


def _of_csv(text: str, path: Path) -> Submission:
    name = shown(path.name, 200)
    fields: dict[str, str] = {}
    answers: dict[str, dict[str, Any]] = {}
    notes = []
    for line, cells in rows_of(text, path):
        first, *rest = (cell.strip() for cell in cells)
        rest = [*rest, ""][: max(len(rest), 1)]
        if first.lower() in ("format", "worksheet", "student", "name"):
            fields.setdefault(first.lower(), rest[0])
        elif re.fullmatch(r"[0-9]{1,3}(\.0)?", first):
            parts = answers.setdefault(str(int(float(first))), {})
            _add_row(parts, rest[0].lower(), rest[1:])
        elif first.lower() != "question":
            notes.append(
                _("line {line} is not understood: {text}").format(line=line, text=shown(first))
            )
    if not fields and not answers:
        raise InputError("{path} is not an answer file", path=name)
    notes = [*_format_notes(fields.get("format"), name), *notes]
    return Submission(
        path, fields.get("worksheet", ""), fields.get("student", ""), answers, tuple(notes)
    )


def _add_row(parts: dict[str, Any], part: str, cells: Sequence[str]) -> None:
    """Add an answer: cells to the right go on with it, a line of the same part is its next row."""
    text = " ".join(cell for cell in cells if cell)
    before = parts.get(part, "")
    parts[part] = f"{before}; {text}" if before and text else before or text


def _format_notes(format: Any, name: str) -> list[str]:
    if format == FORMAT:
        return []
    if format is None:
        return [_("the file does not name its format")]
    raise InputError(
        '{path} has the format "{format}"; what can be graded is {known}',
        path=name,
        format=shown(str(format)),
        known=FORMAT,
    )


def _answers(found: Any, name: str) -> tuple[Answers, list[str]]:
    if found is None:
        return {}, [_("the file has no answers")]
    if not isinstance(found, dict):
        raise InputError(
            '{path}: "answers" holds no questions; keep the form of the file', path=name
        )
    notes = [
        _("the answers to question {number} are not in the form of the file").format(
            number=shown(number)
        )
        for number, parts in found.items()
        if not isinstance(parts, dict)
    ]
    kept = {number.strip(): parts for number, parts in found.items() if isinstance(parts, dict)}
    return kept, notes


def _text(value: Any) -> str:
    """Return an id as text; spreadsheets and people write numbers."""
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value).strip()[:200] if plain else ""
