"""Kernels that other compiled code calls by name, without a copy of them.

A function compiled by Numba holds copies of all compiled functions it calls, of those that these
call, and so on; at each of these levels LLVM goes through all of it again. A kernel of tiles is
large: a user's function that calls `conv2d` took 5 s to compile, and 1.2 s with a name in
the kernel's place.

    user's function, compiled           call "stepconv.<stamp>.forward.<types>"
    LLVM's table of symbols             that name -> where the machine code begins

A function that its user keeps on disk (``cache=True``) is read in other processes, where
the name has to lead somewhere before its code is linked. So a `Called` is kept with it, which Numba
calls first: it compiles the kernel, or loads it. A name says by its stamp from which sources
the kernel comes. After an upgrade the `Called` of a function kept before cannot be read, as if its
file were gone, and the function is compiled anew: Numba itself would not see that (numba#1833).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, Signature, signature
from types import ModuleType
from typing import Any

from llvmlite import binding
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

from stepconv.kernels.cache import stamp
from stepconv.kernels.compiling import JIT, address, compiled_for

cgutils: Any = _cgutils  # some versions of Numba have types for a part of it


@dataclass(frozen=True)
class Called:
    """A kernel, by its module and name, for arguments of some types; called, it is at hand."""

    module: str
    function: str
    kinds: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The name in LLVM's table of symbols."""
        said = hashlib.sha256(f"{self.module} {self.kinds}".encode()).hexdigest()[:20]
        return f"stepconv.{stamp()}.{self.function}.{said}"

    def __call__(self) -> None:
        """Compile the kernel, or load it, and let LLVM find it by its name."""
        kernel = getattr(import_module(self.module), self.function)
        binding.add_symbol(self.name, address(compiled_for(kernel, self.kinds)))

    def __reduce__(self) -> Any:
        """Keep with it of which sources it speaks."""
        return read, (stamp(), self.module, self.function, self.kinds)


def read(stamped: str, *parts: Any) -> Called:
    """Return a `Called` that was kept; OSError where it speaks of other sources than these.

    Numba takes that for a file that is gone.
    """
    if stamped != stamp():
        raise OSError("compiled for another version of stepconv")
    return Called(*parts)


def by_name(module: ModuleType, function: str) -> Callable[..., None]:
    """Return what compiled functions call in place of a `compiled` kernel that returns nothing."""
    kernel = getattr(module, function)
    if not JIT:
        return kernel  # type: ignore[no-any-return]

    def definition(context: Any, *kinds: Any) -> Any:
        given = tuple(kind if isinstance(kind, types.Array) else types.intp for kind in kinds)
        called = Called(module.__name__, function, tuple(map(_writeable, given)))
        called()

        def generate(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            convention = context.call_conv
            kind = convention.get_function_type(types.none, called.kinds)
            code = cgutils.get_or_insert_function(builder.module, kind, called.name)
            status, _none = convention.call_function(
                builder, code, types.none, called.kinds, values
            )
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            context.active_code_library._reload_init.add(called)
            return context.get_dummy_value()

        return types.none(*given), generate

    named = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD)
        for name in ("context", *signature(kernel.py_func).parameters)
    ]
    definition.__signature__ = Signature(named)  # type: ignore[attr-defined]
    definition.__name__ = definition.__qualname__ = function
    return intrinsic(definition)


def _writeable(kind: Any) -> Any:
    """Return the type of a writeable array: read-only ones look alike to a kernel."""
    return kind.copy(readonly=False) if isinstance(kind, types.Array) else kind
