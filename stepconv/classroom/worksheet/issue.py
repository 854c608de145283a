"""Writing the sheets and the key: each in a folder of its own, each file whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepconv.classroom.worksheet.answersheet import csv_form, json_form
from stepconv.classroom.worksheet.csvtext import read_file
from stepconv.classroom.worksheet.key import FILE, Key
from stepconv.classroom.worksheet.markdown import markdown
from stepconv.classroom.worksheet.roster import Student
from stepconv.classroom.worksheet.sheet import Worked, key_page, sheet_page
from stepconv.classroom.worksheet.webpage import html
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _, language

MARKER, MARKER_FORMAT = "worksheet.json", "stepconv-sheets-1"
Told = Callable[[int, Student], None]


@dataclass(frozen=True)
class Issued:
    """What was written.

    Attributes
    ----------
    sheets, key : Path
        The folders.
    kept : tuple of str
        Answer files that somebody has filled in: they stay as they are.
    others : tuple of str
        Folders among the sheets that are of no student of this class.
    """

    sheets: Path
    key: Path
    kept: tuple[str, ...]
    others: tuple[str, ...]


def check_folders(sheets: Path, key: Path, id: str, *, force: bool) -> None:
    """Raise InputError where the folders may not take these sheets.

    The key never lies where students look, and sheets of another worksheet, or files of any
    other kind, are not written over without `force`.
    """
    out, secret = Path(os.path.realpath(sheets)), Path(os.path.realpath(key))
    if out == secret or out in secret.parents or secret in out.parents:
        raise InputError(
            "the key {key} and the sheets {sheets} lie one inside the other; give the key a folder"
            " of its own, which students do not see",
            key=shown(str(key), 200),
            sheets=shown(str(sheets), 200),
        )
    for folder in (sheets, key):
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise InputError("{path} is no folder; name another", path=shown(str(folder), 200))
    for folder, name in ((sheets, MARKER), (key, FILE)):
        if force or not os.path.isdir(folder) or not _listed(folder):
            continue
        other = _id_in(folder / name)
        if other is None:
            raise InputError(
                "{folder} holds files that are not of a worksheet; name an empty folder, or add"
                " --force to write there",
                folder=shown(str(folder), 200),
            )
        if other != id:
            raise InputError(
                "{folder} holds the worksheet {other}, made with another seed, topics, level or"
                " count; name another folder, or add --force to write over it",
                folder=shown(str(folder), 200),
                other=shown(other),
            )


def issue(
    key: Key, sheets: Path, folder: Path, worked: Worked, told: Told = lambda _n, _s: None
) -> Issued:
    """Write the key, then the sheets.

    Parameters
    ----------
    key : Key
    sheets, folder : Path
        Where the sheets and the key go; see `check_folders`.
    worked : callable
        Draws the engine's table of a problem, for the key.
    told : callable
        Called with the number of each student, from 1, before their files are made.

    Raises
    ------
    InputError
        Where the system refuses to write.
    """
    try:
        return _issue(key, sheets, folder, worked, told)
    except OSError as error:
        raise InputError(
            "{path} cannot be written: {reason}",
            path=shown(str(error.filename or sheets), 200),
            reason=error.strerror or error,
        ) from error


def _issue(key: Key, sheets: Path, folder: Path, worked: Worked, told: Told) -> Issued:
    staged = [_staging(folder), _staging(sheets)]
    try:
        for number, student in enumerate(key.students, start=1):
            told(number, student)
            for stage, files in zip(staged, _files(key, student, worked), strict=True):
                for name, text in files:
                    _write(stage / name, text)
        marker = {"format": MARKER_FORMAT, "worksheet": key.id}
        _write(staged[0] / FILE, key.to_json())
        _write(staged[1] / MARKER, json.dumps(marker) + "\n")
        for target in (sheets, folder):  # both, before anything is moved to either
            target.mkdir(parents=True, exist_ok=True)
        # Last of all the file that names the worksheet, so that a folder which has it is whole.
        _install(staged[0], folder, last=FILE)
        folder.chmod(0o700)
        kept = _install(staged[1], sheets, last=MARKER)
    finally:
        for stage in staged:
            shutil.rmtree(stage, ignore_errors=True)
    ours = {student.file_name for student in key.students}
    others = sorted(
        str(path) for path in sheets.iterdir() if path.is_dir() and path.name not in ours
    )
    return Issued(sheets, folder, tuple(kept), tuple(others))


def _files(key: Key, student: Student, worked: Worked) -> Iterator[list[tuple[str, str]]]:
    """Return the files of the key, then those of the student: names and texts."""
    questions, name, tag = key.questions(student.id), student.file_name, language()
    page = list(key_page(key.id, student, questions, worked))
    title = _("Key for {student}").format(student=student.id)
    yield [(f"{name}.md", markdown(page)), (f"{name}.html", html(page, title, tag))]
    page = list(sheet_page(key.id, student, questions))
    title = _("Worksheet for {student}").format(student=student.id)
    yield [
        (f"{name}/worksheet-{name}.md", markdown(page)),
        (f"{name}/worksheet-{name}.html", html(page, title, tag)),
        (f"{name}/answers-{name}.json", json_form(key.id, student, questions)),
        (f"{name}/answers-{name}.csv", csv_form(key.id, student, questions)),
    ]


def _staging(folder: Path) -> Path:
    """Make a folder beside `folder`, so that files move from one to the other at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = folder.parent / f".stepconv-{secrets.token_hex(8)}.tmp"
    stage.mkdir(mode=0o700)
    return stage


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def _install(stage: Path, folder: Path, last: str) -> list[str]:
    """Move the files of `stage` to `folder`; return the answer files that stay as they are."""
    files = sorted(path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
    files.sort(key=lambda name: str(name) == last)
    kept = []
    for name in files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.name.startswith("answers-") and _filled(target, stage / name):
            kept.append(str(target))
        else:
            os.replace(stage / name, target)
    return kept


def _filled(target: Path, template: Path) -> bool:
    """Whether an answer file is there already and differs from the empty one."""
    return target.is_file() and target.read_bytes() != template.read_bytes()


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise InputError(
            "{path} cannot be read: {reason}",
            path=shown(str(folder), 200),
            reason=error.strerror or error,
        ) from error


def _id_in(path: Path) -> str | None:
    """Return the id of the worksheet that a folder holds, None where it holds none."""
    try:
        data: Any = json.loads(read_file(path, 2**28))
        return str(data["worksheet"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
