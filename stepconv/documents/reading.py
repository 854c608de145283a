"""Reading a file, as TOML or as text."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from stepconv.documents.section import Section
from stepconv.errors import InputError
from stepconv.files import shown

LARGEST = 1_000_000
"""Bytes that a document may have."""


def read_document(path: str | os.PathLike[str], name: str | None = None) -> Section:
    """Read a TOML file.

    Parameters
    ----------
    path : str or os.PathLike
    name : str, optional
        What errors call the file; its path by default.

    Raises
    ------
    InputError
        When it cannot be read, is no UTF-8 text or no TOML; with the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "lesson.toml")
    ...     _ = file.write_text('id = "one"')
    ...     read_document(file).text("id")
    'one'
    """
    name = shown(str(path), 200) if name is None else name
    text = read_words(path, name)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(error, text, name) from error
    except RecursionError as error:
        raise InputError("{document}: this is nested too deeply", document=name) from error
    return Section(table, name)


def read_words(path: str | os.PathLike[str], name: str) -> str:
    """Read a text file; InputError, by `name`, where that cannot be done."""
    try:
        if os.path.getsize(path) > LARGEST:
            raise InputError(
                "{document}: this has more than the {most} bytes that are read; is it the right"
                " file?",
                document=name,
                most=LARGEST,
            )
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("{document}: there is no such file; add it", document=name) from error
    except OSError as error:
        raise InputError(
            "{document}: this cannot be read: {reason}",
            document=name,
            reason=error.strerror or error,
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            "{document}, line {line}: this is not UTF-8 text; save the file as UTF-8",
            document=name,
            line=line,
        ) from error


def _syntax(error: tomllib.TOMLDecodeError, text: str, name: str) -> InputError:
    """Return the error for text that is no TOML; the line stands in Python's message."""
    reason = re.sub(r" \(at [^()]*\)$", "", str(error))
    found = re.search(r"\(at line (\d+), column (\d+)\)$", str(error))
    if found:
        return InputError(
            "{document}, line {line}, column {column}: this is not TOML: {reason}",
            document=name,
            line=int(found[1]),
            column=int(found[2]),
            reason=reason,
        )
    return InputError(
        "{document}, line {line}: this is not TOML: {reason}; something is not closed",
        document=name,
        line=text.count("\n") + 1,
        reason=reason,
    )
