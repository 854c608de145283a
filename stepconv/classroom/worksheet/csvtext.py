"""Files that people and spreadsheets write: read whole, decoded, split into rows."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import stat
from pathlib import Path

from stepconv.errors import InputError
from stepconv.files import shown

Row = tuple[int, list[str]]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With these a cell begins that a spreadsheet would compute."""

# Western text read as GB 18030 sets Chinese characters beside Latin letters.
_MISREAD = re.compile("[A-Za-z][\u4e00-\u9fff]|[\u4e00-\u9fff][A-Za-z]")


def read_file(path: Path, limit: int) -> bytes:
    """Return what an ordinary file of at most `limit` bytes holds.

    Raises
    ------
    InputError
        If it is missing, no ordinary file (which could keep the reader waiting), a symbolic
        link, too large, or not to be read.
    """
    name = shown(str(path), 200)
    try:
        if path.is_symlink():
            raise InputError("{path} is a symbolic link; give the file itself", path=name)
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError("{path} is no ordinary file", path=name)
        with open(path, "rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise InputError(
            "{path} cannot be read: {reason}", path=name, reason=error.strerror or error
        ) from error
    if len(data) > limit:
        raise InputError(
            "{path} has {size} bytes; at most {limit} are read",
            path=name,
            size=os.path.getsize(path),
            limit=limit,
        )
    return data


def decoded(data: bytes, path: Path) -> str:
    """Return bytes as text: UTF-8, UTF-16, or the GB 18030 of Chinese spreadsheets.

    >>> decoded("学号,姓名".encode("gb18030"), Path("class.csv"))
    '学号,姓名'
    """
    for mark, encoding in (*_MARKS, *_guesses(data)):
        if data.startswith(mark):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            if encoding != "gb18030" or not _MISREAD.search(text):
                return text
    raise InputError(
        "{path} is not text in UTF-8; save it as CSV UTF-8, or as plain text in UTF-8",
        path=shown(str(path), 200),
    )


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe before one.

    >>> safe("=1+1"), safe("Li Wei"), safe(" @x")
    ("'=1+1", 'Li Wei', "' @x")
    """
    clean = text.replace("\0", "")
    return f"'{clean}" if clean.lstrip(" ").startswith(_FORMULA) else clean


def _guesses(data: bytes) -> tuple[tuple[bytes, str], ...]:
    """Name the encodings to try where no mark tells."""
    if data[1:2] == b"\0":
        return ((b"", "utf-16-le"),)
    if data[:1] == b"\0":
        return ((b"", "utf-16-be"),)
    return (b"", "utf-8"), (b"", "gb18030")


def rows_of(text: str, path: Path) -> list[Row]:
    r"""Split CSV text into rows, each with the number of its last line; empty rows left out.

    The separator is a comma, a semicolon or a tab, whichever the first line has most of.

    >>> rows_of('id;name\n7;"Li; Wei"\n', Path("class.csv"))
    [(1, ['id', 'name']), (2, ['7', 'Li; Wei'])]
    """
    lines = text.lstrip("\ufeff").splitlines(keepends=True)
    skipped = 1 if lines and lines[0].lower().startswith("sep=") else 0
    first = next((line for line in lines[skipped:] if line.strip()), "")
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO("".join(lines[skipped:]), newline=""), delimiter=separator)
    rows: list[Row] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num + skipped, cells))
    except csv.Error as error:
        raise InputError(
            "{path}, line {line}: this is not CSV: {reason}",
            path=shown(str(path), 200),
            line=reader.line_num + skipped,
            reason=error,
        ) from error
    return rows
