"""Files and standard input: what they are, opened within limits, read by suffix."""

from __future__ import annotations

import difflib
import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from numpy.typing import NDArray

from stepconv.arrays.binary import MAGIC, read_npy, read_npz
from stepconv.arrays.images import read_image
from stepconv.arrays.nested import parse_json
from stepconv.arrays.origin import MAX_BYTES, MAX_TEXT_BYTES, Origin
from stepconv.arrays.text import decode, parse_csv, parse_text
from stepconv.errors import InputError
from stepconv.files import shown

TEXT = (".txt", ".csv", ".json")
IMAGES = (".png", ".jpg", ".jpeg")
SUFFIXES = (".npy", ".npz", *TEXT, *IMAGES)

_KEYED = re.compile(r"(?P<path>.+\.(npz|json)):(?P<key>.+)", re.IGNORECASE | re.DOTALL)


def split_key(source: str) -> tuple[str, str]:
    """Part ``file.npz:name`` into file and name; any other source has the name "".

    >>> split_key("layers.npz:conv1"), split_key("1 2")
    (('layers.npz', 'conv1'), ('1 2', ''))
    """
    match = _KEYED.fullmatch(source)
    if match is None or os.path.exists(source):
        return source, ""
    return match["path"], match["key"]


def read_path(path: str, key: str, origin: Origin) -> NDArray[Any]:
    """Read the file `path` in the way that its suffix says."""
    suffix = Path(path).suffix.lower()
    with _opened(path, MAX_TEXT_BYTES if suffix in TEXT else MAX_BYTES, origin) as stream:
        if suffix == ".npy":
            return read_npy(stream, os.fstat(stream.fileno()).st_size, origin)
        if suffix == ".npz":
            return read_npz(stream, key, origin)
        if suffix in IMAGES:
            return read_image(stream, origin)
        text = decode(stream.read(), origin)
    if suffix == ".json":
        return parse_json(text, origin, key)
    return parse_csv(text, origin) if suffix == ".csv" else parse_text(text, origin)


@contextmanager
def _opened(path: str, limit: int, origin: Origin) -> Iterator[io.BufferedReader]:
    try:
        # Looked at before it is opened, since opening a pipe may wait without end.
        _check_file(path, os.stat(path), limit, origin)
        with open(path, "rb") as stream:
            yield stream
    except FileNotFoundError as error:
        raise _missing(path, origin) from error
    except InputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise InputError(
            "{origin}: the file cannot be read: {reason}",
            origin=origin,
            reason=getattr(error, "strerror", None) or error,
        ) from error


def _check_file(path: str, status: os.stat_result, limit: int, origin: Origin) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InputError("{origin}: this is a folder; name a file inside it", origin=origin)
    if not stat.S_ISREG(status.st_mode):
        raise InputError(
            "{origin}: this is a device or a pipe, not a file; give - to read standard input",
            origin=origin,
        )
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(
            "{origin}: files of this kind are not read; the suffix must be one of {suffixes}",
            origin=origin,
            suffixes=", ".join(SUFFIXES),
        )
    if status.st_size > limit:
        raise InputError(
            "{origin}: the file has {size} bytes, more than the {limit} that are read; give a "
            "part of it",
            origin=origin,
            size=status.st_size,
            limit=limit,
        )


def _missing(path: str, origin: Origin) -> InputError:
    folder = Path(path).parent
    try:
        near = difflib.get_close_matches(Path(path).name, os.listdir(folder))
    except OSError:
        return InputError(
            "{origin}: there is no folder {folder}; check the path",
            origin=origin,
            folder=shown(str(folder), 200),
        )
    if near:
        return InputError(
            "{origin}: there is no such file; did you mean {names}?",
            origin=origin,
            names=", ".join(shown(name) for name in near),
        )
    return InputError(
        "{origin}: there is no such file in {folder}; check the name",
        origin=origin,
        folder=shown(str(folder.resolve()), 200),
    )


def read_stdin(stdin: TextIO | BinaryIO | None, origin: Origin) -> NDArray[Any]:
    """Read standard input: ``.npy`` bytes, told by how they begin, or text."""
    stream: Any = sys.stdin if stdin is None else stdin
    if stream is None:
        raise InputError("{origin}: it is closed; give numbers or a file", origin=origin)
    stream = getattr(stream, "buffer", stream)
    try:
        head = stream.read(len(MAGIC))
        limit = MAX_BYTES if head == MAGIC else MAX_TEXT_BYTES
        whole = head + stream.read(limit)
        more = stream.read(1)
    except (OSError, ValueError) as error:
        raise InputError(
            "{origin}: it cannot be read: {reason}", origin=origin, reason=error
        ) from error
    if more:
        raise InputError(
            "{origin}: it brings more than the {limit} bytes that are read; give a part",
            origin=origin,
            limit=limit,
        )
    if isinstance(whole, str):
        return parse_text(whole.removeprefix("\ufeff"), origin)
    if head == MAGIC:
        return read_npy(io.BytesIO(whole), len(whole), origin)
    return parse_text(decode(whole, origin), origin)
