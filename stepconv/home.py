"""The user's own folder, and the small files of progress kept there.

A state is a JSON object in a file of its own. It is changed under a lock, which the
system takes back from a process that dies, and written whole or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stepconv.errors import InputError
from stepconv.files import shown, write_atomically

State = dict[str, Any]

PATIENCE = 10.0
"""Seconds to wait for another process, which holds the lock for milliseconds."""

_POLL = 0.01
_UNLOCKABLE = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What network drives say that know no locks: there, the last of two runs wins."""


def data_folder() -> Path:
    """Return the folder of the user's progress, which may not be there yet.

    STEPCONV_DATA_DIR where it is set; else ``stepconv`` in XDG_DATA_HOME, or where the
    platform keeps such things.

    Raises
    ------
    InputError
        If no home folder is known either.
    """
    if own := os.environ.get("STEPCONV_DATA_DIR"):
        return Path(own).absolute()
    shared = Path(os.environ.get("XDG_DATA_HOME", ""))
    if shared.is_absolute():  # a relative one is to be ignored, says the XDG specification
        return shared / "stepconv"
    try:
        home = Path.home()
    except RuntimeError as error:
        raise InputError(
            "no home folder is known in which to keep progress; name one in STEPCONV_DATA_DIR"
        ) from error
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "stepconv"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "stepconv"
    return home / ".local" / "share" / "stepconv"


def read_state(name: str) -> State:
    """Return the state called `name`; empty where there is none, or none that can be understood.

    Raises
    ------
    InputError
        If the file is there and the system refuses to read it.
    """
    found = _read(_path(name))
    return {} if found is None else found


def update_state(name: str, change: Callable[[State], None]) -> State:
    """Read a state, let `change` change it in place, write it, and return it.

    Of two processes that do so at once the second waits. A file that cannot be understood is
    set aside first, as `set_aside` does.

    Raises
    ------
    InputError
        If the folder cannot be made, or the file not be read, locked or written.

    Examples
    --------
    >>> import tempfile
    >>> from unittest import mock
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with mock.patch.dict(os.environ, STEPCONV_DATA_DIR=folder):
    ...         _ = update_state("lessons", lambda state: state.update(page=3))
    ...         read_state("lessons")
    {'page': 3}
    """
    path = _path(name)
    with _locked(path):
        _move_aside(path)
        state = _read(path) or {}
        change(state)
        write_atomically(path, json.dumps(state, indent=1).encode("ascii") + b"\n")
    return state


def set_aside(name: str) -> Path | None:
    """Rename a state that cannot be understood, and return what it is called now.

    Nothing is thrown away: it may have been edited by hand, or come from another program. None
    where there is nothing to set aside.
    """
    path = _path(name)
    if not path.exists() or _read(path) is not None:
        return None
    with _locked(path):
        return _move_aside(path)


def _path(name: str) -> Path:
    return data_folder() / f"{name}.json"


def _read(path: Path) -> State | None:
    """Return a state: empty where there is no file, None where it cannot be understood."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(
            "{path} cannot be read: {reason}; name another folder in STEPCONV_DATA_DIR",
            path=shown(str(path), 200),
            reason=error.strerror or error,
        ) from error
    try:
        state = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return state if isinstance(state, dict) else None


def _move_aside(path: Path) -> Path | None:
    if _read(path) is not None:
        return None
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        path.rename(aside)
    except OSError as error:
        raise _unwritable(path, error) from error
    return aside


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of a state: one on a file beside it, which stays there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _wait_for(descriptor, path)
        yield
    finally:
        os.close(descriptor)  # which gives the lock back


def _wait_for(descriptor: int, path: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not _taken(descriptor):
        if time.monotonic() > end:
            raise InputError(
                "{path} is in use by another stepconv, which holds it longer than it should;"
                " end that one, or name another folder in STEPCONV_DATA_DIR",
                path=shown(str(path), 200),
            )
        time.sleep(_POLL)


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        "{path} cannot be written: {reason}; name another folder in STEPCONV_DATA_DIR",
        path=shown(str(path), 200),
        reason=error.strerror or error,
    )


if sys.platform == "win32":
    import msvcrt

    def _taken(descriptor: int) -> bool:
        """Take the lock, unless another process has it."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return error.errno in _UNLOCKABLE
        return True

else:
    import fcntl

    def _taken(descriptor: int) -> bool:
        """Take the lock, unless another process has it."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in _UNLOCKABLE
        return True
