"""How kernels are compiled: on first use, without the interpreter lock, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

import numba
from numba.core.compiler import Flags
from numba.core.targetconfig import ConfigStack
from numba.extending import intrinsic

from stepconv.kernels.cache import KernelCache, described
from stepconv.kernels.flat import flat

_ConfigStack: Any = ConfigStack
_Flags: Any = Flags
_numba: Any = numba  # some versions of it have types, and those not of all that is used here

#: False where NUMBA_DISABLE_JIT is set: then kernels are the plain Python functions, slow and
#: open to a debugger.
JIT = not _numba.config.DISABLE_JIT


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` on first use, and keep the machine code on disk.

    No fast-math: what is added in which order is written in the source. No wrapper for C, which
    nobody calls: it takes 0.02 s.
    """
    if JIT and function.__closure__:
        # Machine code is found by a name that is made from this one. Functions that differ in what
        # they close over would share it, where each was compiled in a process of its own.
        function.__qualname__ += f"_{described(function)}"
    kernel = _numba.njit(nogil=True, no_cfunc_wrapper=True)(function)
    if JIT and function.__module__:  # code on disk is loaded by its module's name
        kernel._cache = KernelCache(kernel.py_func)
    return kernel  # type: ignore[no-any-return]  # Numba is untyped


def specialised(kernel: Any, *arguments: Any) -> Callable[..., Any]:
    """Compile `kernel` for arguments of the types of these, and return its bare entry.

    The entry skips Numba's look at every argument's type (0.1 µs a call, and 0.02 µs more for
    each read-only array), and takes read-only arrays where the types say writeable, so
    that one compiled version serves both. For a contiguous array of one axis it takes contiguous
    ones of any shape (`stepconv.kernels.flat`). It checks nothing: an array of another dtype, or
    that is not contiguous, and even what is no array, would be read as if it were one of those.

    >>> import numpy as np
    >>> @compiled
    ... def count(values):
    ...     return values.size
    >>> entry = specialised(count, np.empty(0))
    >>> entry(np.array([2.5, 1.0])), entry(np.array([[2.5, 1.0, 3.0], [4.0, 0.5, 2.0]]))
    (2, 6)
    """
    if not JIT:
        return kernel  # type: ignore[no-any-return]
    return compiled_for(kernel, tuple(flat(_numba.typeof(each)) for each in arguments))


def compiled_for(kernel: Any, types: tuple[Any, ...]) -> Callable[..., Any]:
    """Compile `kernel` for arguments of these Numba types, and return its bare entry."""
    if types not in kernel.overloads:
        # A function that calls this one may be under compilation, with fast-math or other settings
        # of its user, which Numba would take for this one too.
        own = _Flags()
        own.nrt = True  # arrays may be made, as anywhere
        with _ConfigStack().enter(own):
            kernel.compile(types)
    result = kernel.overloads[types]
    _results[result.entry_point] = result
    return result.entry_point  # type: ignore[no-any-return]


def instructions(function: Callable[..., Any], definition: Callable[..., Any]) -> Any:
    """Make what Numba compiles as ``definition(context, *kinds)`` says, called like `function`.

    Numba asks a definition for the names of its parameters.
    """
    kind = Parameter.POSITIONAL_OR_KEYWORD
    names = "context", *signature(function).parameters
    named: Any = definition
    named.__signature__ = Signature([Parameter(name, kind) for name in names])
    named.__name__ = named.__qualname__ = function.__name__
    return intrinsic(named)


_results: dict[Any, Any] = {}


def address(entry: Callable[..., Any]) -> int:
    """Return where the machine code behind an entry begins, for other compiled code to call it."""
    result = _results[entry]
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


def argument_types(entry: Callable[..., Any]) -> tuple[Any, ...]:
    """Return the Numba types that the code behind an entry is compiled for."""
    return tuple(_results[entry].signature.args)
