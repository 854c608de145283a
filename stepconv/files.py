"""Files written whole or not at all, and names made fit to print."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from stepconv.errors import InputError


def shown(text: str, width: int = 60) -> str:
    r"""Return `text` as a message may hold it: no control characters, not too long.

    >>> shown("1 2\x00")
    '1 2\\x00'
    >>> shown("0123456789", width=6)
    '01234…'
    """
    head = text if len(text) <= width else text[: width - 1] + "…"
    return "".join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in head)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` so that no half-written file is ever seen there.

    The bytes go to a temporary file in the same folder, which then takes the place
    of `path`; whatever happens before that, a file already there stays as it was. A
    symbolic link keeps pointing where it did.

    Parameters
    ----------
    path : str or os.PathLike
        The file to make or to replace.
    data : bytes
        All that the file shall hold.

    Raises
    ------
    InputError
        If the folder is missing, `path` is a folder or no ordinary file, or the
        system refuses to write there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder, "record.csv")
    ...     write_atomically(target, b"1,2")
    ...     target.read_bytes(), len(os.listdir(folder))
    (b'1,2', 1)
    """
    target = Path(path)
    try:
        target = Path(os.path.realpath(target))
        _check_target(target)
        temporary = target.parent / f".stepconv-{secrets.token_hex(8)}.tmp"
        _write_and_rename(temporary, target, data)
    except OSError as error:
        raise InputError(
            "{path} cannot be written: {reason}; choose another file or folder",
            path=shown(str(target), 200),
            reason=error.strerror or error,
        ) from error
    except InputError:
        raise
    except ValueError as error:
        raise InputError(
            "{path} is no name that a file can have; choose another",
            path=shown(str(target), 200),
        ) from error


def _check_target(target: Path) -> None:
    name = shown(str(target), 200)
    if target.is_dir():
        raise InputError("{path} is a folder; name a file inside it", path=name)
    if target.exists() and not target.is_file():
        # Renaming over a device or a pipe would remove it: as root, even /dev/null.
        raise InputError("{path} is a device or a pipe; name an ordinary file", path=name)
    if not target.parent.exists():
        raise InputError(
            "{path} cannot be written: there is no folder {folder}; make it first",
            path=name,
            folder=shown(str(target.parent), 200),
        )
    if target.exists() and not os.access(target, os.W_OK):
        # The rename alone would succeed, since it asks only for rights on the folder.
        raise InputError("{path} is read-only; choose another file", path=name)


def _write_and_rename(temporary: Path, target: Path, data: bytes) -> None:
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    finally:
        # After the rename there is nothing left to remove, nor if it was never made.
        with contextlib.suppress(OSError):
            temporary.unlink()
