"""The files of a submission, copied for it alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from stepconv.classroom.sandbox.limits import MEGABYTE
from stepconv.errors import InputError
from stepconv.files import shown

LARGEST, MOST = 2 * MEGABYTE, 50
"""Bytes of all files of a submission, and their number."""


def copy_submission(path: Path, mains: Sequence[str], target: Path) -> Path:
    """Copy a file, or the Python files of a folder, to `target`; return the copy to import.

    Parameters
    ----------
    path : Path
        A Python file; or a folder with one, or with one of the names in `mains` and modules
        beside it.
    mains : sequence of str
        What the file in a folder may be called where there are several; the first is preferred.
    target : Path
        A folder.

    Raises
    ------
    InputError
        If there is no such file, it is a symbolic link, a device, or too large.
    """
    _check_kind(path)
    if path.is_dir():
        files = _python_files(path)
        names = [file.name for file in files]
        named = [name for name in mains if name in names]
        if len(files) != 1 and not named:
            raise InputError(
                "{path} holds {count} Python files; call the one to check {main}",
                path=shown(str(path), 200),
                count=len(files),
                main=mains[0],
            )
        chosen = (named or names)[0]
    else:
        files, chosen = [path], path.name
    left = LARGEST
    for file in files:
        data = _content(file, left)
        left -= len(data)
        copy = target / (file.name if path.is_dir() else "submission.py")
        copy.write_bytes(data)
        copy.chmod(0o644)
    return target / (chosen if path.is_dir() else "submission.py")


def _python_files(folder: Path) -> list[Path]:
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix == ".py")
    except OSError as error:
        raise InputError(
            "{path} cannot be read: {reason}",
            path=shown(str(folder), 200),
            reason=error.strerror or error,
        ) from error
    if len(found) > MOST:
        raise InputError(
            "{path} holds {count} Python files; {most} at most belong to a submission",
            path=shown(str(folder), 200),
            count=len(found),
            most=MOST,
        )
    for file in found:
        _check_kind(file, folders=False)
    return found


def _check_kind(path: Path, folders: bool = True) -> None:
    name = shown(str(path), 200)
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError) as error:
        raise InputError(
            "{path} cannot be read: {reason}",
            path=name,
            reason=getattr(error, "strerror", None) or error,
        ) from error
    if stat.S_ISLNK(mode):
        raise InputError(
            "{path} is a symbolic link, which could lead out of the submission; give the file"
            " itself",
            path=name,
        )
    if not stat.S_ISREG(mode) and not (folders and stat.S_ISDIR(mode)):
        raise InputError("{path} is no ordinary file; give a Python file", path=name)


def _content(path: Path, most: int) -> bytes:
    """Read a file that must not have become a link or a pipe since it was looked at."""
    name = shown(str(path), 200)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise InputError(
            "{path} cannot be read: {reason}", path=name, reason=error.strerror or error
        ) from error
    if len(data) > most:
        raise InputError(
            "{path} is too large; the files of a submission hold {most} bytes at most",
            path=name,
            most=LARGEST,
        )
    return data
