"""Sharing work outside the interpreter lock: what the threads of the pool run, and where they meet.

They meet at a row of cells, integers that are read and changed by atomic instructions::

    TICKETS   how many helpers may still join the job at hand; 0 where there is none
    DONE      how many of those who joined have finished
    WORK, JOB the job: the address of a function, and of what it is to be given
    WATCHING  for each helper, whether it watches for a job or is at work on one, and does not sleep

The caller (`share`) fills in the job, puts out the tickets, takes part, takes back the tickets that
are left and waits for those who took one. A helper (`serve`) watches for tickets, for a
while. Both work alike: they take a piece, the next few units of a share, until none is left, and
call the kernel with it. None of this needs Python: a thread that had to ask for the
interpreter lock between two pieces would sleep for it, and take 50 µs to wake.

Each worker begins with a share of its own, the same in each job that all threads share, and helps
with the others' when that is done. So what a thread wrote in one call, or read, it mostly finds in
its own cache in the next::

    many pieces   000000 111111 222222     what a thread reads ahead it needs itself
    few pieces    012 012 012 01           each gets some of the last bands, which may be smaller

A job lies on the caller's stack. It stays there until all who joined have finished, and who has
not taken a ticket never looks at it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as numba_cgutils
from numba.extending import intrinsic

from stepconv.kernels.compiling import (
    address,
    argument_types,
    compiled,
    compiled_for,
    specialised,
)

cgutils: Any = numba_cgutils  # has no types
_types: Any = types

# Cells that threads watch lie in cache lines of their own, of LINE cells; WATCHING is the first
# helper's, the others' follow.
TICKETS, DONE, WORK, JOB, WATCHING = 0, 8, 16, 17, 24
LINE = 8

_INT = ir.IntType(64)
_ADDRESS = ir.IntType(8).as_pointer()
_WORK = ir.FunctionType(ir.VoidType(), [_ADDRESS, _INT])

# What a job begins with; the kernel's arguments follow.
_TAKEN, _SHARES, _APART, _FURTHER, _EACH, _STEP, _UNITS, _FAILED, _KERNEL, _ARGUMENTS = range(10)

#: Shares of a job, at most: with more threads some begin with the same.
_MOST_SHARES = 16
#: Pieces of a share from which on they follow one another. On Zen 4 with two threads wavenet, 21
#: pieces each, takes 1 to 25 % less time than where the threads' pieces alternate; deeplab 3x3 d6,
#: 3 pieces, of which some are smaller, takes 7 % more.
_MANY = 8


def _instruction(definition: Callable[..., Any]) -> Any:
    """Make `definition` callable in compiled code."""
    return intrinsic(definition)


def _cell(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.gep(array.data, [values[1]])


@_instruction
def _read(context: Any, cells: Any, index: Any) -> Any:
    """Read a cell that other threads change."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(_cell(context, builder, signature, values), "acquire", 8)

    return types.int64(cells, index), generate


@_instruction
def _swap(context: Any, cells: Any, index: Any, value: Any) -> Any:
    """Write a cell that other threads read; return what it was."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        cell = _cell(context, builder, signature, values)
        return builder.atomic_rmw("xchg", cell, values[2], "acq_rel")

    return types.int64(cells, index, value), generate


@_instruction
def _add(context: Any, cells: Any, index: Any, amount: Any) -> Any:
    """Add to a cell that other threads read; return what it was."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        cell = _cell(context, builder, signature, values)
        return builder.atomic_rmw("add", cell, values[2], "acq_rel")

    return types.int64(cells, index, amount), generate


@_instruction
def _replace(context: Any, cells: Any, index: Any, old: Any, new: Any) -> Any:
    """Write `new` to a cell that holds `old`; whether it did."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        cell = _cell(context, builder, signature, values)
        pair = builder.cmpxchg(cell, values[2], values[3], "acq_rel", "acquire")
        return builder.extract_value(pair, 1)

    return types.boolean(cells, index, old, new), generate


@_instruction
def _pause(context: Any) -> Any:
    """Tell the processor that this is a waiting loop: it saves power, and yields to its sibling."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        triple = builder.module.triple
        arguments: list[Any] = []
        if triple.startswith(("x86", "i686", "amd64")):
            hint = "llvm.x86.sse2.pause"
        elif triple.startswith(("aarch64", "arm64")):
            hint, arguments = "llvm.aarch64.hint", [ir.Constant(ir.IntType(32), 1)]  # YIELD
        else:
            return context.get_dummy_value()
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
        builder.call(builder.module.declare_intrinsic(hint, fnty=kind), arguments)
        return context.get_dummy_value()

    return types.void(), generate


@_instruction
def _give_way(context: Any) -> Any:
    """Let another thread have this processor, where one waits for it."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        if "windows" not in builder.module.triple:
            kind = ir.FunctionType(ir.IntType(32), [])
            function = cgutils.get_or_insert_function(builder.module, kind, "sched_yield")
            builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), generate


@_instruction
def _work(context: Any, work: Any, job: Any, worker: Any) -> Any:
    """Call the function at address `work` with the job at address `job`, as this worker."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        function = builder.inttoptr(values[0], _WORK.as_pointer())
        builder.call(function, [builder.inttoptr(values[1], _ADDRESS), values[2]])
        return context.get_dummy_value()

    return types.void(work, job, worker), generate


@_instruction
def _job(
    context: Any,
    cells: Any,
    kernel: Any,
    shares: Any,
    apart: Any,
    further: Any,
    each: Any,
    step: Any,
    units: Any,
    arguments: Any,
) -> Any:
    """Make a job on the stack and write where it is, and its function, to the cells.

    The function takes piece after piece of its share, then of the others, and calls the kernel,
    which is at an address, with `arguments` and the units of the piece: `step` of them, fewer at
    the end. Share s begins at unit ``s * apart``; its `each` pieces begin `further` apart.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = list(signature.args[-1])
        tuple_values = cgutils.unpack_tuple(builder, values[-1], len(kinds))
        taken = ir.Constant(ir.ArrayType(_INT, _MOST_SHARES), None)
        fields = [taken, *values[2:-1], ir.Constant(_INT, 0), values[1], *tuple_values]
        layout = ir.LiteralStructType([value.type for value in fields])
        job = cgutils.alloca_once(builder, layout)
        for place, value in enumerate(fields):
            builder.store(value, cgutils.gep_inbounds(builder, job, 0, place))
        function = _work_function(context, builder.module, layout, kinds)
        array = context.make_array(signature.args[0])(context, builder, values[0])
        for cell, pointer in ((WORK, function), (JOB, job)):
            place = builder.gep(array.data, [ir.Constant(_INT, cell)])
            builder.store(builder.ptrtoint(pointer, _INT), place)
        return builder.ptrtoint(cgutils.gep_inbounds(builder, job, 0, _FAILED), _INT)

    numbers = kernel, shares, apart, further, each, step, units
    return types.intp(cells, *numbers, arguments), generate


def _work_function(context: Any, module: Any, layout: Any, kinds: list[Any]) -> Any:
    """Emit the function that works on jobs of this layout."""
    function = ir.Function(module, _WORK, module.get_unique_name("stepconv_work"))
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block("begin"))
    job = builder.bitcast(function.args[0], layout.as_pointer())

    def field(place: int) -> Any:
        return cgutils.gep_inbounds(builder, job, 0, place)

    shares, apart, further, each, step, units, address = (
        builder.load(field(k)) for k in (_SHARES, _APART, _FURTHER, _EACH, _STEP, _UNITS, _KERNEL)
    )
    packer = context.get_arg_packer([*kinds, types.int64, types.int64])
    convention = context.call_conv.get_function_type(types.none, [*kinds, types.int64, types.int64])
    kernel = builder.inttoptr(address, convention.as_pointer())
    # As Numba's functions are called: places for the result and an exception, then the arguments.
    result, raised = (builder.alloca(kind.pointee) for kind in convention.args[:2])
    loaded = [builder.load(field(_ARGUMENTS + k)) for k in range(len(kinds))]
    one = ir.Constant(_INT, 1)
    with cgutils.for_range(builder, shares) as done:
        share = builder.srem(builder.add(function.args[1], done.index), shares)
        taken = cgutils.gep_inbounds(builder, job, 0, _TAKEN, share)
        begin = builder.mul(share, apart)
        take, call, end = (function.append_basic_block(name) for name in ("take", "call", "end"))
        builder.branch(take)
        builder.position_at_end(take)
        piece = builder.atomic_rmw("add", taken, one, "monotonic")
        first = builder.add(begin, builder.mul(piece, further))
        own = builder.icmp_signed("<", piece, each)
        builder.cbranch(builder.and_(own, builder.icmp_signed("<", first, units)), call, end)
        builder.position_at_end(call)
        beyond = builder.add(first, step)
        stop = builder.select(builder.icmp_signed("<", beyond, units), beyond, units)
        status = builder.call(
            kernel, [result, raised, *packer.as_arguments(builder, [*loaded, first, stop])]
        )
        with builder.if_then(cgutils.is_not_null(builder, status), likely=False):
            builder.atomic_rmw("xchg", field(_FAILED), one, "monotonic")
        builder.branch(take)
        builder.position_at_end(end)
    builder.ret_void()
    return function


@_instruction
def _number_at(context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(builder.inttoptr(values[0], _INT.as_pointer()))

    return types.int64(address), generate


@compiled
def _linger(waited: int) -> None:
    """Pause; every 2 µs or so give way: more threads may be awake than there are processors."""
    _pause()
    if waited % 64 == 0:
        _give_way()


@compiled
def share(cells: Any, helpers: int, kernel: int, step: int, units: int, arguments: Any) -> bool:
    """Call the kernel at address `kernel` for all units, with those helpers that are awake.

    Whether the kernel raised anything.
    """
    shares = min(helpers + 1, _MOST_SHARES)
    each = -(-units // (step * shares))
    apart, further = (each * step, step) if each >= _MANY else (step, shares * step)
    failed = _job(cells, kernel, shares, apart, further, each, step, units, arguments)
    _swap(cells, DONE, 0)
    _swap(cells, TICKETS, helpers)
    _work(cells[WORK], cells[JOB], 0)
    joined = helpers - _swap(cells, TICKETS, 0)
    waited = 0
    while _read(cells, DONE) < joined:
        waited += 1
        _linger(waited)
    return bool(_number_at(failed) != 0)


@compiled
def serve(cells: Any, watching: int, pauses: int) -> None:
    """Join the jobs that come, until none has come for as long as `pauses` pauses take.

    The cell `watching` says so meanwhile.
    """
    worker = 1 + (watching - WATCHING) // LINE
    _swap(cells, watching, 1)
    waited = 0
    while waited < pauses:
        tickets = _read(cells, TICKETS)
        if tickets > 0 and _replace(cells, TICKETS, tickets, tickets - 1):
            _work(cells[WORK], cells[JOB], worker)
            _add(cells, DONE, 1)
            waited = 0
        waited += 1
        _linger(waited)
    _swap(cells, watching, 0)


@cache
def sharer(kernel: Callable[..., Any]) -> tuple[Callable[..., Any], int]:
    """Return `share` for the arguments of a specialised kernel, and the address of the kernel."""
    *arguments, _first, _stop = argument_types(kernel)
    count = types.int64
    signature = (types.int64[::1], count, count, count, count, _types.Tuple(arguments))
    return compiled_for(share, signature), address(kernel)


def server(cells: Any) -> Callable[..., None]:
    """Return `serve`, compiled."""
    return specialised(serve, cells, 0, 0)
