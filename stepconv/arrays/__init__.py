"""What a person gives on the command line, turned into NumPy arrays."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from numpy.typing import NDArray

from stepconv.arrays.origin import Origin
from stepconv.arrays.paths import SUFFIXES, read_path, read_stdin, split_key
from stepconv.arrays.text import parse_text
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.samples import nearest, sample

__all__ = ["read_array"]

# Nothing but these is numbers, even where a file is named 1; ./1 is that file.
_NUMBERS = re.compile(r"[\s0-9.eEjJ+\-,;|\[\]]*[0-9][\s0-9.eEjJ+\-,;|\[\]]*")

# What begins like a word or has a folder in it was meant as a name; nan and inf were not.
_NAME = re.compile(r"(?!(nan|inf)\b)[^\W\d_].*|[^\[{]*[/\\].*", re.IGNORECASE)


def read_array(
    source: str, *, what: str = "input", stdin: TextIO | BinaryIO | None = None
) -> NDArray[Any]:
    """Return the array that `source` spells, names or holds.

    Parameters
    ----------
    source : str
        One of

        - numbers parted by spaces or commas, rows by ``;`` or new lines, depth slices by
          ``|``; or JSON lists;
        - a file: ``.npy``, ``.npz`` (its only array, or ``file.npz:name``), ``.csv``,
          ``.txt``, ``.json`` (lists, or an object with the key "input", or
          ``file.json:key``), ``.png``, ``.jpg``;
        - ``-``, standard input: numbers, JSON, or the bytes of a ``.npy`` file;
        - ``@name``, a sample.
    what : str
        "input", "kernel" or "bias": the word for it in errors, and what is looked for
        first in a file of several arrays.
    stdin : file object, optional
        What to read for ``-``; `sys.stdin` by default.

    Returns
    -------
    numpy.ndarray
        At least one axis and one number. From text int64, float64 or complex128; from
        ``.npy`` and ``.npz`` the type stored, in native byte order; from images int64.

    Raises
    ------
    InputError
        If there is no such file or sample, or no numbers can be read from it.

    Examples
    --------
    >>> read_array("1 2; 3 4")
    array([[1, 2],
           [3, 4]])
    >>> read_array("@sobel-x", what="kernel").tolist()
    [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    """
    if source.startswith("@"):
        return _read_sample(source, what)
    if source == "-":
        return read_stdin(stdin, Origin(what, "-"))
    path, key = split_key(source)
    if not _NUMBERS.fullmatch(source) and (
        os.path.exists(path) or Path(path).suffix.lower() in SUFFIXES
    ):
        return read_path(path, key, Origin(what, path))
    return _read_text(source, Origin(what))


def _read_sample(source: str, what: str) -> NDArray[Any]:
    found = sample(source)
    if found.kind == "scene" and what != "input":
        raise InputError(
            "{source} is a scene, an input with its own kernel, and cannot be the {what}; name "
            "a kernel, such as @sobel-x",
            source=shown(source),
            what=Origin(what),
        )
    return found.array.copy()


def _read_text(source: str, origin: Origin) -> NDArray[Any]:
    try:
        return parse_text(source, origin)
    except InputError:
        names = ", ".join(f"@{name}" for name in nearest(source))
        if names:
            raise InputError(
                '{origin}: "{source}" is not a number; did you mean {names}?',
                origin=origin,
                source=shown(source),
                names=names,
            ) from None
        if _NAME.fullmatch(source):
            raise InputError(
                '{origin}: "{source}" is neither numbers nor a file that is there; give numbers '
                'such as "1 2; 3 4", a file, or a sample such as @digit',
                origin=origin,
                source=shown(source),
            ) from None
        raise
