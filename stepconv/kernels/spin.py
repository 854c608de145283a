"""Waiting without sleeping: one number that threads watch and change, outside the interpreter lock.

A thread that sleeps takes 10 to 50 µs to wake; one that watches a number sees it change in
less than 1 µs. The pool watches for a bounded time, then sleeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from stepconv.kernels.compiling import compiled


def _instruction(definition: Callable[..., Any]) -> Any:
    """Make `definition` callable in compiled code."""
    return intrinsic(definition)


def _cell(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.gep(array.data, [values[1]])


@_instruction
def _read(context: Any, cells: Any, index: Any) -> Any:
    """Read a number that other threads change."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(_cell(context, builder, signature, values), "acquire", 8)

    return types.int64(cells, index), generate


@_instruction
def _add(context: Any, cells: Any, index: Any, amount: Any) -> Any:
    """Add to a number that other threads read; return what it was."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        cell = _cell(context, builder, signature, values)
        return builder.atomic_rmw("add", cell, values[2], "acq_rel")

    return types.int64(cells, index, amount), generate


@_instruction
def _pause(context: Any) -> Any:
    """Tell the processor that this is a waiting loop: it saves power, and yields to its sibling."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        triple = builder.module.triple
        if triple.startswith(("x86", "i686", "amd64")):
            hint, arguments = "llvm.x86.sse2.pause", []
        elif triple.startswith(("aarch64", "arm64")):
            hint, arguments = "llvm.aarch64.hint", [ir.Constant(ir.IntType(32), 1)]  # YIELD
        else:
            return context.get_dummy_value()
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
        builder.call(builder.module.declare_intrinsic(hint, fnty=kind), arguments)
        return context.get_dummy_value()

    return types.void(), generate


@compiled
def watch(cells: Any, index: int, seen: int, pauses: int, grace: int) -> int:
    """Return what stands in ``cells[index]`` once it is not `seen`, or after `pauses` pauses.

    After a change, `grace` more pauses: see `stepconv.kernels.pool`.
    """
    for _ in range(pauses):
        if _read(cells, index) != seen:
            for _ in range(grace):
                _pause()
            break
        _pause()
    return _read(cells, index)  # type: ignore[no-any-return]


@compiled
def change(cells: Any, index: int) -> int:
    """Add 1 to ``cells[index]``; return what it was."""
    return _add(cells, index, 1)  # type: ignore[no-any-return]
