"""Kernels that other compiled code calls by name, without a copy of them.

A function compiled by Numba holds copies of all compiled functions it calls, of those that these
call, and so on; at each of these levels LLVM goes through all of it again. A kernel of tiles is
large: a user's function that calls `conv2d` took 5 s to compile, and takes 1.3 s with a name in
the kernel's place.

    user's function, compiled           call "stepconv.<kernel, types, interface>"
    LLVM's table of symbols             that name -> where the machine code begins

A function that its user keeps on disk (``cache=True``) is read in other processes, where the name
has to lead somewhere before its code is linked. So a `Called` is kept with it: where it is read,
the kernel is compiled, or loaded. It says from which sources the kernel came; after an upgrade it
cannot be read, as if the file were gone, and Numba compiles the function anew. (By itself Numba
would not see that its code is old, numba#1833.)

It is kept in the function's environment, a list of constants that goes along wherever the function
is linked into another. Of a kept ``guvectorize`` Numba reads a part without its environment. So
names do not change with every edit, but with what such code and the kernel must agree on. A module
compiled ahead of time (``numba.pycc``, which Numba gives up) has no environment, and is not loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from types import ModuleType
from typing import Any

from llvmlite import binding
from numba import types
from numba.core import cgutils as _cgutils
from numba.core.errors import TypingError

from stepconv.kernels import plain
from stepconv.kernels.cache import stamp
from stepconv.kernels.compiling import JIT, address, compiled_for, instructions
from stepconv.kernels.flat import flat

cgutils: Any = _cgutils  # some versions of Numba have types for a part of it

#: What a user's compiled code holds of this package: the table of axes, and its numbers for words.
_INTERFACE = sorted((name, value) for name, value in vars(plain).items() if name.isupper())


@dataclass(frozen=True)
class Called:
    """A kernel, by its module and name, for arguments of some types; called, it is at hand."""

    module: str
    function: str
    kinds: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The name in LLVM's table of symbols."""
        parts = self.module, self.kinds, [*signature(self.kernel.py_func).parameters], _INTERFACE
        return f"stepconv.{self.function}.{hashlib.sha256(repr(parts).encode()).hexdigest()[:20]}"

    @property
    def kernel(self) -> Any:
        """The kernel itself."""
        return getattr(import_module(self.module), self.function)

    def __call__(self) -> None:
        """Compile the kernel, or load it, and let LLVM find it by its name."""
        binding.add_symbol(self.name, address(compiled_for(self.kernel, self.kinds)))

    def __reduce__(self) -> Any:
        """Keep with it of which sources it speaks."""
        return read, (stamp(), self.module, self.function, self.kinds)


def read(stamped: str, *parts: Any) -> Called:
    """Return a `Called` that was kept, at hand; OSError where it speaks of other sources.

    Numba takes that for a file that is gone.
    """
    if stamped != stamp():
        raise OSError("compiled for another version of stepconv")
    called = Called(*parts)
    called()
    return called


def by_name(module: ModuleType, function: str) -> Callable[..., None]:
    """Return what compiled functions call instead of a `compiled` kernel that returns nothing.

    It takes arrays and integers.
    """
    kernel = getattr(module, function)
    if not JIT:
        return kernel  # type: ignore[no-any-return]

    def definition(context: Any, *kinds: Any) -> Any:
        given = tuple(map(_given, kinds))
        called = Called(module.__name__, function, tuple(map(_taken, given)))
        called()

        def generate(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            convention = context.call_conv
            kind = convention.get_function_type(types.none, called.kinds)
            entry = cgutils.get_or_insert_function(builder.module, kind, called.name)
            status, _none = convention.call_function(
                builder, entry, types.none, called.kinds, values
            )
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            if called not in context.environment.consts:
                context.environment.consts.append(called)
            return context.get_dummy_value()

        return types.none(*given), generate

    return instructions(kernel.py_func, definition)  # type: ignore[no-any-return]


def _given(kind: Any) -> Any:
    """Return the type as which an argument is passed."""
    if isinstance(kind, types.Array):
        return kind
    if isinstance(kind, types.Integer | types.Boolean):
        return types.intp
    raise TypingError(f"{kind} where an integer is wanted")


def _taken(kind: Any) -> Any:
    """Return the type for which a kernel is compiled: inside, read-only arrays look the same."""
    return flat(kind.copy(readonly=False)) if isinstance(kind, types.Array) else kind
