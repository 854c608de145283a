"""Compiled kernels kept on disk: one file for each machine code, named after all it depends on.

Numba's own cache looks at the file of the function it compiles. A kernel here inlines
emitters that live in other files, so after an edit or an upgrade Numba would run the
old code (numba#1833). Its index file is also rewritten by every process that
compiles, so that processes which start at once on an empty folder can leave an index
that names another signature's code. Here the name of a file says everything: a digest
of the sources of this whole folder, of the versions, settings and processor, of the
function and of the argument types. A file is written under another name and moved
into place, is never changed, and carries a checksum. Nothing that goes wrong with it
is an error: the kernel is compiled again.

    <cache folder>/kernels-<sources, versions, settings>/<function>-<types, processor>.nbc

Only the newest few ``kernels-`` folders are kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any
from uuid import uuid4

import llvmlite
import numba
from numba.core import compiler, serialize
from numba.core.runtime import nrt
from numba.misc import appdirs

from stepconv.kernels.host import host
from stepconv.version import __version__

# Some versions of Numba have types, and those not of these.
_Result: Any = compiler.CompileResult
_serialize: Any = serialize
_appdirs: Any = appdirs
_config: Any = numba.config
_runtime: Any = nrt.rtsys

# Several environments, or versions of this package, may share a folder in turn.
_KEPT_FOLDERS = 4

# They change the machine code, and Numba's description of the host does not name them.
_SETTINGS = (
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "BOUNDSCHECK",
    "ENABLE_AVX",
    "DEBUGINFO_DEFAULT",
)


class KernelCache:
    """What a Numba dispatcher asks of its cache, for one function."""

    def __init__(self, function: FunctionType) -> None:
        self._name = function.__qualname__.replace("<locals>", "").replace("..", ".")
        self._described = f"{function.__module__}.{function.__qualname__} {_described(function)}"

    @property
    def cache_path(self) -> str | None:
        """The folder in use, for Numba's statistics; None where none can be written."""
        path = folder()
        return None if path is None else str(path)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """Return the code compiled for `signature`, or None."""
        # All that code which is ready needs; `target_context.refresh`, which Numba calls here, also
        # imports what only compiling needs, SciPy where it is installed: 0.2 s and more.
        _runtime.initialize(target_context)
        path = self._path(signature, target_context.codegen())
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except OSError:
            return None
        checksum, payload = content[:32], content[32:]
        if hashlib.sha256(payload).digest() != checksum:  # torn, or cut short by a full disk
            return None
        return _Result._rebuild(target_context, *pickle.loads(payload))

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep the code compiled for `signature`, where that is possible."""
        path = self._path(signature, result.codegen)
        if path is None or result.lifted or result.library.has_dynamic_globals:
            return
        payload = _serialize.dumps(result._reduce())
        with contextlib.suppress(OSError):
            _write(path, hashlib.sha256(payload).digest() + payload)

    def enable(self) -> None:
        """Do nothing: the cache is on."""

    def disable(self) -> None:
        """Do nothing: the cache is on."""

    def flush(self) -> None:
        """Do nothing: files under other names are never read."""

    def _path(self, signature: Any, codegen: Any) -> Path | None:
        path = folder()
        if path is None:
            return None
        parts = (self._described, str(signature), *map(str, codegen.magic_tuple()))
        return path / f"{self._name}-{_digest(repr(parts).encode())}.nbc"


@cache
def folder() -> Path | None:
    """Return the folder for this code and these settings; None where there can be none.

    It lies in NUMBA_CACHE_DIR where that is set, else in the user's cache folder, else
    beside the sources. One that exists and can only be read will do.
    """
    if _config.CACHE_DIR:
        places = [Path(_config.CACHE_DIR)]
    else:
        beside = Path(__file__).parent / "__pycache__"
        places = [Path(_appdirs.AppDirs("stepconv", appauthor=False).user_cache_dir), beside]
    folders = [place / f"kernels-{stamp()}" for place in places]
    for path in folders:
        with contextlib.suppress(OSError):
            path.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=path).close()
            os.utime(path)  # last used now
            _prune(path.parent)
            return path
    return next((path for path in folders if os.access(path, os.R_OK)), None)


@cache
def stamp() -> str:
    """Return a digest of all that machine code follows from, but for function, types and processor.

    Of the processor only its vectors are in it, which can be chosen (`stepconv.kernels.host`).
    """
    sources = Path(__file__).parent
    texts = []
    with contextlib.suppress(OSError):  # sources may lie in an archive, or be left out
        texts = [path.read_bytes() for path in sorted(sources.glob("*.py"))]
    versions = (__version__, numba.__version__, llvmlite.__version__, sys.implementation.cache_tag)
    settings = [f"{name}={getattr(_config, name, None)}" for name in _SETTINGS]
    return _digest(b"\0".join([*texts, repr((versions, settings, host())).encode()]))


def _prune(place: Path) -> None:
    """Remove all but the folders used last."""
    with contextlib.suppress(OSError):  # another process does the same
        folders = sorted(place.glob("kernels-*"), key=lambda path: path.stat().st_mtime)
        for old in folders[:-_KEPT_FOLDERS]:
            shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)  # another process may have pruned it
    # Not by tempfile, whose files only their owner can read: a class may share a folder.
    new = path.with_name(f".new-{uuid4().hex}")
    try:
        new.write_bytes(content)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def described(function: object) -> str:
    """Return a digest of a function and what it closes over: alike in every process."""
    return _digest(_described(function).encode())


def _described(value: object) -> str:
    """Say what a function is."""
    if isinstance(value, CodeType):
        return f"{value.co_code.hex()} {value.co_names} {_described(value.co_consts)}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_described, value))})"
    function = getattr(value, "py_func", None) or getattr(value, "_defn", None) or value
    if isinstance(function, FunctionType):
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        return f"{function.__qualname__} {_described(function.__code__)} {_described(cells)}"
    return repr(value)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]
