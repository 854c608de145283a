"""What goes into a submission's process and what comes out of it: plain arrays, never pickles."""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.classroom.sandbox.outcome import CaseResult, Reason
from stepconv.files import shown

Array = NDArray[Any]

LINE = 1 << 16
"""Most bytes of the line of JSON before a result."""

HEAD = 2000
"""Most characters kept of what a case printed."""

MOST_AXES = 32

_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>|][biufc]\d{1,2})', 'fortran_order': False,"
    rb" 'shape': \(([\d, ]{0,200})\), \}\s*",
    re.DOTALL,
)
"""The header of a plain array as NumPy writes it. It is matched, not evaluated."""


def write_cases(cases: Sequence[Mapping[str, Any]], path: Path) -> list[dict[str, Any]]:
    """Write the arrays of all cases to one .npz file; return the cases with names in their place.

    Arrays in the cases stay arrays; numbers, texts, tuples and lists go through JSON, so that
    a tuple arrives as a list.
    """
    arrays: dict[str, Array] = {}
    named = []
    for number, case in enumerate(cases):
        entry: dict[str, Any] = {}
        for name, value in case.items():
            if isinstance(value, np.ndarray):
                arrays[f"{number}.{name}"] = value
                entry[name] = {"array": f"{number}.{name}"}
            else:
                entry[name] = value.item() if isinstance(value, np.generic) else value
        named.append(entry)
    with path.open("wb") as stream:
        savez: Callable[..., None] = np.savez  # its options differ between versions of NumPy
        savez(stream, **arrays)
    return named


class Received:
    """Results as they arrive, byte by byte, from a process that may send anything.

    Attributes
    ----------
    loaded : bool
        Whether the submission was imported.
    problem : Reason or None
        Why it could not be.
    results : dict
        By the number of the case.
    broken : str
        A code for what is no result, or "".
    """

    def __init__(self, function: str, cases: int, most: int) -> None:
        self.loaded = False
        self.problem: Reason | None = None
        self.results: dict[int, CaseResult] = {}
        self.broken = ""
        self._function, self._cases, self._most = function, cases, most
        self._rest = bytearray()

    def take(self, data: bytes) -> bool:
        """Take what arrived; return whether a whole message is among it."""
        if self.broken:
            return False
        self._rest += data
        some = False
        while (found := self._message()) is not None:
            some = True
            self._understand(*found)
        return some

    def _message(self) -> tuple[dict[str, Any], bytes] | None:
        end = self._rest.find(b"\n", 0, LINE)
        if self.broken or (end < 0 and len(self._rest) < LINE):
            return None
        try:
            message = json.loads(bytes(self._rest[: max(end, 0)]))
            size = message["size"]
            if type(message["case"]) is not int or type(size) is not int or size < 0:
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            self.broken = "garbled"
            return None
        if size > self._most + LINE:
            self.broken = "flood"
            return None
        if len(self._rest) < end + 1 + size:
            return None
        blob = bytes(self._rest[end + 1 : end + 1 + size])
        del self._rest[: end + 1 + size]
        return message, blob

    def _understand(self, message: Mapping[str, Any], blob: bytes) -> None:
        number, problem = message["case"], _problem(message.get("problem"), self._function)
        if number == -1 and not self.loaded and self.problem is None:
            self.loaded, self.problem = problem is None, problem
        elif self.loaded and 0 <= number < self._cases and number not in self.results:
            value = None
            if problem is None:
                value = read_value(blob, self._most)
                problem = Reason("garbled") if value is None else None
            printed = message.get("stdout")
            text = printed[:HEAD] if isinstance(printed, str) else ""
            text = text.encode("utf-8", "replace").decode()  # JSON can hold half a character
            self.results[number] = CaseResult(value, problem, text)
        else:
            self.broken = "garbled"


_FIELDS = {
    "raised": ("error", "line"),
    "import": ("error", "line"),
    "syntax": ("error", "line"),
    "module": ("name",),
    "missing": ("name",),
    "not_callable": ("name", "kind"),
    "not_numbers": ("kind",),
    "too_large": ("bytes",),
    "nothing": (),
    "exit": (),
    "memory": (),
}


def _problem(given: Any, function: str) -> Reason | None:
    """Return what went wrong, from what the process says of it."""
    if given is None:
        return None
    code = given.get("code") if isinstance(given, dict) else None
    if not isinstance(code, str) or code not in _FIELDS:
        return Reason("garbled")
    values: dict[str, object] = {}
    for name in _FIELDS[code]:
        value = given.get(name)
        if name not in ("line", "bytes") and isinstance(value, str):
            values[name] = shown(value, 200)
        elif name in ("line", "bytes") and type(value) is int and 0 <= value < 1 << 63:
            values[name] = value
        else:
            return Reason("garbled")
    if code in ("missing", "not_callable"):
        values["name"] = function
    if code in ("raised", "import") and not values["line"]:
        code += "_elsewhere"
    if code == "syntax" and not values["line"]:  # such as of a byte that is no text
        code = "import_elsewhere"
    return Reason(code, values)


def read_value(blob: bytes, most: int) -> Array | None:
    """Return the array in the bytes of an .npz file, or None where it is not a plain one.

    Nothing is unpacked or made before its size is known to fit.

    >>> buffer = io.BytesIO()
    >>> np.savez(buffer, value=np.arange(3))
    >>> read_value(buffer.getvalue(), 1000)
    array([0, 1, 2])
    >>> read_value(buffer.getvalue(), 16) is None
    True
    """
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as file:
            member = file.getinfo("value.npy")
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > most + LINE:
                return None
            content = file.read(member)
    except (KeyError, ValueError, OverflowError, EOFError, OSError, struct.error):
        return None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return None  # what zipfile raises beside those on forged bytes
    length = int.from_bytes(content[8:10], "little")
    head, data = content[:10] + content[10 : 10 + length], content[10 + length :]
    found = _HEADER.fullmatch(head)
    if found is None or len(data) > most:
        return None
    try:
        dtype = np.dtype(found[1].decode())
    except TypeError:  # such as <f3
        return None
    # Exact whole numbers: a shape may claim more cells than an int64 counts.
    shape = tuple(int(size) for size in found[2].replace(b",", b" ").split())
    if len(shape) > MOST_AXES or math.prod(shape) * dtype.itemsize != len(data):
        return None
    # NumPy refuses axes that no array can have even where another axis makes the array empty.
    if math.prod(size or 1 for size in shape) * dtype.itemsize > most + LINE:
        return None
    return np.frombuffer(data, dtype).reshape(shape).copy()
