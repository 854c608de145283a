"""NumPy's own files: the header is judged before memory is taken."""

from __future__ import annotations

import math
import tokenize
import warnings
import zipfile
import zlib
from io import BufferedIOBase
from typing import Any, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from stepconv.arrays.origin import MAX_AXES, Origin, check_count
from stepconv.errors import InputError
from stepconv.files import shown

MAGIC = npy.MAGIC_PREFIX

# What NumPy's header parser was seen to raise on forged or damaged headers.
_BAD_HEADER = (
    ValueError,
    TypeError,
    KeyError,
    SyntaxError,
    tokenize.TokenError,
    RecursionError,
    MemoryError,
)
# What zipfile and its decompressors raise on damaged, encrypted or exotic archives.
_BAD_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)


def read_npy(stream: BufferedIOBase, size: int, origin: Origin) -> NDArray[Any]:
    """Read the one array of a ``.npy`` stream that holds `size` bytes.

    Pickles are never loaded. The result is writable and in native byte order.
    """
    shape, by_columns, dtype = _header(stream, origin)
    if len(shape) > MAX_AXES or not all(0 <= length < 2**63 for length in shape):
        raise _damaged(origin)
    _check_dtype(dtype, origin)
    check_count(shape, origin)
    needed = math.prod(shape) * dtype.itemsize
    if needed > size:
        raise _cut_short(shape, needed, size, origin)
    data = bytearray(needed)
    found = stream.readinto(data)
    if found != needed:
        raise _cut_short(shape, needed, found, origin)
    flat = np.frombuffer(data, dtype)
    array = flat.reshape(shape or (1,), order="F" if by_columns else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(stream: BufferedIOBase, origin: Origin) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether columns come first, and dtype, or refuse what is no header."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers that Python 2 wrote
            version = npy.read_magic(stream)
            if version == (1, 0):
                return npy.read_array_header_1_0(stream)
            # Version 3 differs from 2 in the encoding of field names alone.
            return npy.read_array_header_2_0(stream)
    except _BAD_HEADER as error:
        raise _damaged(origin) from error


def _check_dtype(dtype: np.dtype[Any], origin: Origin) -> None:
    if dtype.hasobject:
        raise InputError(
            "{origin}: the array holds Python objects, stored as a pickle, which can run any "
            "code when loaded; save plain numbers: numpy.save(path, array.astype(float))",
            origin=origin,
        )
    if dtype.kind not in "biufc":
        raise InputError(
            "{origin}: the array is of type {dtype}, not of numbers; save it as integers, "
            "floats or complex numbers",
            origin=origin,
            dtype=shown(str(dtype)),
        )
    if dtype.char in "gG":
        raise InputError(
            "{origin}: the array is of type {dtype}, which differs from machine to machine; "
            "save it as float64 or complex128",
            origin=origin,
            dtype=dtype,
        )


def _damaged(origin: Origin) -> InputError:
    return InputError(
        "{origin}: this is no whole .npy data; save it again with numpy.save", origin=origin
    )


def _cut_short(shape: tuple[int, ...], needed: int, found: int, origin: Origin) -> InputError:
    return InputError(
        "{origin}: an array of shape {shape} needs {needed} bytes and only {found} are there; "
        "the file is cut short, so save or copy it again",
        origin=origin,
        shape=shape,
        needed=needed,
        found=found,
    )


def read_npz(stream: BufferedIOBase, key: str, origin: Origin) -> NDArray[Any]:
    """Read the array `key` of an ``.npz`` archive; without a key its only one or the usual one."""
    try:
        with zipfile.ZipFile(stream) as archive:
            members = {
                info.filename.removesuffix(".npy"): info
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
            member = members[_chosen(list(members), key, origin)]
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile("NumPy writes no other")  # each fails in its own way
            with archive.open(member) as inside:
                return read_npy(cast(BufferedIOBase, inside), member.file_size, origin)
    except InputError:
        raise
    except _BAD_ARCHIVE as error:
        raise InputError(
            "{origin}: this is no whole .npz archive; save it again with numpy.savez",
            origin=origin,
        ) from error


def _chosen(names: list[str], key: str, origin: Origin) -> str:
    """Return `key` if it is there, the only name, or the name that the origin suggests."""
    if not names:
        raise InputError("{origin}: the archive holds no arrays", origin=origin)
    if key in names:
        return key
    if key:
        raise InputError(
            '{origin}: there is no array "{key}", only {names}',
            origin=origin,
            key=shown(key),
            names=shown(", ".join(names)),
        )
    usual = [name for name in origin.keys if name in names]
    if len(names) > 1 and not usual:
        raise InputError(
            "{origin}: the archive holds several arrays, {names}; put a name after a colon, "
            "as in file.npz:{first}",
            origin=origin,
            names=shown(", ".join(names)),
            first=shown(names[0]),
        )
    return names[0] if len(names) == 1 else usual[0]
