"""The class list: a CSV file of ids and names."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stepconv.classroom.worksheet.csvtext import Row, decoded, read_file, rows_of
from stepconv.errors import InputError
from stepconv.files import shown

LARGEST = 2**22
"""Bytes of a class list."""
MOST, LONGEST = 5000, 100
"""Students of a class; characters of an id or a name."""

_COLUMNS = {
    "id": {"id", "studentid", "sid", "student", "studentnumber", "number", "学号", "编号"},
    "name": {"name", "fullname", "studentname", "姓名", "名字"},
}
# Windows gives these names to devices, whatever their suffix.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Student:
    """One who gets a sheet.

    >>> Student("7", "Li Wei").file_name
    '7'
    >>> Student("../7", "").file_name
    '7-beae25'
    """

    id: str
    name: str = ""

    @property
    def file_name(self) -> str:
        """A name for files: letters, digits, ``-`` and ``_``; different ids, different names.

        Two ids may differ by what cannot stand in a name, or by case alone, which some file
        systems ignore: whatever is not plain is told apart by a digest.
        """
        kept = re.sub(r"[^\w-]+", "_", self.id).strip("_-")[:40]
        plain = kept == self.id and kept == kept.lower() and kept.isascii()
        if plain and not _DEVICES.fullmatch(kept):
            return kept
        digest = hashlib.sha256(self.id.encode("utf-8", "surrogatepass")).hexdigest()[:6]
        return f"{kept}-{digest}" if kept else digest


def read_roster(path: Path) -> tuple[Student, ...]:
    r"""Read a class list, whose first line names the columns: id, and name where there is one.

    Raises
    ------
    InputError
        Where the file cannot be read as one, an id is empty, too long or given twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "class.csv")
    ...     _ = path.write_text("id,name\n7,Li Wei\n8,Ada\n")
    ...     read_roster(path)
    (Student(id='7', name='Li Wei'), Student(id='8', name='Ada'))
    """
    rows = rows_of(decoded(read_file(path, LARGEST), path), path)
    name = shown(str(path), 200)
    if not rows:
        raise InputError("{path} is empty; write id,name on its first line", path=name)
    columns = _columns(rows[0][1])
    if "id" not in columns:
        raise InputError(
            "{path}: the first line names no column id; it has {columns}. Write id,name there",
            path=name,
            columns=shown(", ".join(cell.strip() for cell in rows[0][1])),
        )
    students = _students(rows[1:], columns, name)
    if not students:
        raise InputError("{path} has no student below its first line", path=name)
    if len(students) > MOST:
        raise InputError(
            "{path} has {count} students; at most {most} get sheets at once",
            path=name,
            count=len(students),
            most=MOST,
        )
    return students


def _students(rows: Iterable[Row], columns: dict[str, int], path: str) -> tuple[Student, ...]:
    lines: dict[str, int] = {}
    students = []
    for line, cells in rows:
        cells = [*cells, *[""] * (max(columns.values()) + 1 - len(cells))]
        texts = {name: _tidy(cells[place]) for name, place in columns.items()}
        for name, text in texts.items():
            _check(name, text, line, path)
        if (id := texts["id"]) in lines:
            raise InputError(
                '{path}, line {line}: the id "{id}" is on line {other} already; each student'
                " needs one of their own",
                path=path,
                line=line,
                id=shown(id),
                other=lines[id],
            )
        lines[id] = line
        students.append(Student(id, texts.get("name", "")))
    return tuple(students)


def _columns(heads: Iterable[str]) -> dict[str, int]:
    """Find which column is which."""
    found: dict[str, int] = {}
    for place, head in enumerate(heads):
        word = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", head)).casefold()
        for name, words in _COLUMNS.items():
            if word in words:
                found.setdefault(name, place)
    return found


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _check(name: str, text: str, line: int, path: str) -> None:
    if name == "id" and not text:
        raise InputError(
            "{path}, line {line}: the id is empty; give every student one", path=path, line=line
        )
    if len(text) > LONGEST:
        raise InputError(
            "{path}, line {line}: the {name} has {count} characters; at most {most} are taken",
            path=path,
            line=line,
            name=name,
            count=len(text),
            most=LONGEST,
        )
    if not text.isprintable():
        raise InputError(
            '{path}, line {line}: the {name} "{text}" holds characters that cannot be printed',
            path=path,
            line=line,
            name=name,
            text=shown(text),
        )
