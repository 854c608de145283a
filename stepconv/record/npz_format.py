"""The record as NPZ: the arrays as they are, and the description as JSON."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.lib import format as npy

from stepconv.errors import InputError
from stepconv.operands import Array, memory
from stepconv.record import fields
from stepconv.record.fields import differ
from stepconv.record.json_format import described, dumps
from stepconv.record.trace import Trace

ARRAYS = ("input", "weight", "bias", "output", "products", "sums")

# What zipfile, its decompressors and NumPy's header parser raise on forged or damaged files.
_BAD_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def to_npz(trace: Trace) -> bytes:
    """Return the record as the bytes of an ``.npz`` archive.

    >>> from stepconv import trace
    >>> from_npz(to_npz(trace([[2, 5]], [[[3, 1]]]))).products
    array([[6, 5]])
    """
    arrays: dict[str, Any] = dict(fields.arrays(trace))
    arrays |= {"output": trace.output, "products": trace.products, "sums": trace.sums}
    metadata = np.array(dumps(fields.description(trace)))
    stream = io.BytesIO()
    np.savez_compressed(stream, metadata=metadata, **arrays)
    return stream.getvalue()


def from_npz(data: bytes) -> Trace:
    """Rebuild a trace from `to_npz`'s bytes.

    Raises
    ------
    InputError
        When the bytes are no such archive, or the computation gives anything else than
        what is written down: it names the first place. Pickles are never loaded.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays = {name: _member(archive, name) for name in (*ARRAYS, "metadata")}
    except InputError:
        raise
    except _BAD_ARCHIVE as error:
        raise InputError("the record is no whole .npz archive; save the trace again") from error
    metadata = arrays["metadata"]
    if metadata.dtype.kind != "U" or metadata.ndim:
        raise InputError("the record's metadata is no text; save the trace again")
    record = described(str(metadata))
    dtype = fields.dtype_of(record)
    for name in ("input", "weight", "bias"):
        if arrays[name].dtype != dtype:
            differ(f"{name}.dtype", arrays[name].dtype.name, dtype.name)
    trace = fields.rerun(record, arrays["input"], arrays["weight"], arrays["bias"])
    for name in ("output", "products", "sums"):
        _compare_arrays(name, arrays[name], getattr(trace, name))
    return trace


def _member(archive: zipfile.ZipFile, name: str) -> Array:
    if f"{name}.npy" not in archive.namelist():
        raise InputError("the record has no {name}; save the trace again", name=name)
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("not compressed as NumPy does; others raise errors of their own")
    size = info.file_size
    if size > memory() // 4:
        raise InputError(
            "the record's {name} takes {size} MB; that is more than a quarter of the memory",
            name=name,
            size=size >> 20,
        )
    with archive.open(f"{name}.npy") as stream:
        array: Array = npy.read_array(stream, allow_pickle=False)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _compare_arrays(name: str, found: Array, expected: Array) -> None:
    if found.dtype != expected.dtype:
        differ(f"{name}.dtype", found.dtype.name, expected.dtype.name)
    if found.shape != expected.shape:
        differ(f"{name}.shape", found.shape, expected.shape)
    other = (found != expected) & ~((found != found) & (expected != expected))
    for where in np.argwhere(other)[:1].tolist():
        place = name + "".join(f"[{k}]" for k in where)
        differ(place, found[tuple(where)], expected[tuple(where)])
