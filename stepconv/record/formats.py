"""The record as JSON, CSV or NPZ, and the way back.

JSON is one object. Its keys: ``format`` (1); ``spec`` (`ConvSpec`'s arguments), ``dtype``,
``order``, ``region`` ([start, stop] for each axis of the output) and ``input_shape``;
``input``, ``weight``, ``bias`` and ``output`` as nested lists; and ``placements``, one for
each output cell of the region:

    {"output": [n, channel, …],     the output cell
     "terms": [{"input": [n, channel, …],    the input cell, null for a zero
                "kind": "input",    or "padding", "border", "inserted": see `Term`
                "value": 1.0,
                "weight": [0, 0, …],         the position in the weight as given
                "factor": 2.0,      the weight there
                "product": 2.0,
                "sum": 2.0}, …],    the partial sum
     "sum": 2.0, "bias": 0.5, "value": 2.5}

It is strict JSON: NaN and infinities are "nan", "inf" and "-inf", complex numbers
[real, imaginary]; numbers are exact.

CSV has a row for each term, under one line of names, after a comment line (``# {…}``) with
the rest; ``pandas.read_csv(path, comment="#")`` reads it. NPZ has the arrays ``input``,
``weight``, ``bias``, ``output``, ``products``, ``sums``, and the rest as JSON in ``metadata``.

Whatever is read is computed again and must hold.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stepconv.errors import InputError
from stepconv.files import shown, write_atomically
from stepconv.record.csv_format import from_csv, to_csv
from stepconv.record.json_format import from_json, json_chunks, to_json
from stepconv.record.npz_format import from_npz, to_npz
from stepconv.record.trace import Trace

__all__ = [
    "from_csv",
    "from_json",
    "from_npz",
    "json_chunks",
    "load",
    "save",
    "to_csv",
    "to_json",
    "to_npz",
]

LARGEST_TEXT_FILE = 2**30
"""Bytes of a text that is read."""


def save(trace: Trace, path: Path) -> None:
    """Write the record to `path`, whole or not at all, in the format its suffix names.

    Raises
    ------
    InputError
        When the suffix is none of .json, .csv and .npz, or `path` cannot be written.
    TraceError
        When the record is too long for text.

    Examples
    --------
    >>> import tempfile
    >>> from stepconv import trace
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(trace([[2, 5]], [[[3, 1]]]), Path(folder, "record.csv"))
    ...     load(Path(folder, "record.csv")).output
    array([[11]])
    """
    writers: dict[str, Callable[[Trace], bytes]] = {
        ".json": lambda trace: b"".join(part.encode() for part in json_chunks(trace)) + b"\n",
        ".csv": lambda trace: to_csv(trace).encode(),
        ".npz": to_npz,
    }
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise InputError(
            "{path} does not end in .json, .csv or .npz, as a record does; pictures (.txt, .md,"
            " .html, .svg) are written by stepconv.views.save_picture(trace, path)",
            path=shown(str(path), 200),
        )
    write_atomically(path, writer(trace))


def load(path: Path) -> Trace:
    """Read a trace that `save` wrote.

    Raises
    ------
    InputError
        When `path` cannot be read, or holds no record that is true.
    """
    name = shown(str(path), 200)
    readers: dict[str, Callable[[bytes], Trace]] = {
        ".json": lambda data: from_json(_decoded(data)),
        ".csv": lambda data: from_csv(_decoded(data)),
        ".npz": from_npz,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError("{path} does not end in .json, .csv or .npz, as a record does", path=name)
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(
            "{path} cannot be read: {reason}",
            path=name,
            reason=getattr(error, "strerror", None) or error,
        ) from error
    try:
        return reader(data)
    except InputError as error:
        raise InputError("{path}: {reason}", path=name, reason=error) from error


def _decoded(data: bytes) -> str:
    if len(data) > LARGEST_TEXT_FILE:
        raise InputError(
            "the record is {size} MB of text, more than the {most} MB that are read; save it as"
            " .npz",
            size=len(data) >> 20,
            most=LARGEST_TEXT_FILE >> 20,
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("the record is not text in UTF-8; save the trace again") from error
