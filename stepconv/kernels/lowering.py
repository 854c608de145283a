"""How the drivers of the kernels become machine code: one pass over their syntax trees.

Numba could compile a driver (`stepconv.kernels.drivers`), as it compiles the textbook loops. But it
takes two seconds for one: it infers types where there is only one, it carries the headers of
arrays along, and LLVM has to take 7,900 instructions away to keep 1,500. Here every number is a
64-bit integer and every array a pointer, and each statement becomes the few instructions it stands
for. What is left to Numba is a function that passes its arguments on.

>>> import numpy as np
>>> @driver
... def reverse(numbers, count):
...     for i in range(count // 2):
...         numbers[i], numbers[count - 1 - i] = numbers[count - 1 - i], numbers[i]
>>> numbers = np.arange(5.0)
>>> reverse(numbers, 5)
>>> numbers
array([4., 3., 2., 1., 0.])
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import update_wrapper
from inspect import getsource, signature
from textwrap import dedent
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils

from stepconv.kernels.compiling import JIT, compiled, instructions
from stepconv.kernels.drivers import Emitted, Inlined, allocate, lanes
from stepconv.kernels.emit import INT, LINE_BYTES, Code, Value
from stepconv.kernels.host import host

_config: Any = numba.config  # some versions of Numba have types, and those not of these
cgutils: Any = _cgutils

#: More bytes than any machine has.
_MOST = 1 << 62

_BIT = ir.IntType(1)

#: What a statement that says something else runs into on the way.
_NOT_SAID = (AttributeError, LookupError, RecursionError, TypeError, ValueError, ZeroDivisionError)


class Memory(NamedTuple):
    """An array, as drivers know it: where it begins, and how many elements it has."""

    pointer: Value
    length: Value


def driver(function: Callable[..., None]) -> Any:
    """Compile `function` on first use, for arrays and integers, and keep the machine code.

    With the compiler off it stays what it is.
    """
    if not JIT:
        return function

    def definition(context: Any, *kinds: Any) -> Any:
        kinds = tuple(map(types.unliteral, kinds))
        if not all(map(_fits, kinds)):
            return None  # then Numba says that there is nothing for these types

        def generate(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            _Driver(context, builder, sig.args).run(function, values)
            return context.get_dummy_value()

        return types.void(*kinds), generate

    # Numba compiles functions that have bytecode, and as many arguments as they are called with.
    listed = ", ".join(signature(function).parameters)
    made = eval(f"lambda body: lambda {listed}: body({listed})")
    return compiled(update_wrapper(made(instructions(function, definition)), function))


def _fits(kind: Any) -> bool:
    """Whether a driver takes arguments of a type: a pointer knows nothing of strides."""
    if isinstance(kind, types.Array):
        return (kind.ndim, kind.layout) == (1, "C")
    return isinstance(kind, types.Integer | types.Boolean)


@dataclass
class _Frame:
    """What names stand for in one call of a function: what cannot change, and variables."""

    function: Callable[..., None]
    local: set[str]
    bound: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)
    following: list[Any] = field(default_factory=list)  # where `continue` leads, for each loop


_OPERATORS: dict[type, tuple[Callable[[Any, Any], Any], str]] = {
    ast.Add: (operator.add, "add"),
    ast.Sub: (operator.sub, "sub"),
    ast.Mult: (operator.mul, "mul"),
    ast.FloorDiv: (operator.floordiv, "floor"),
    ast.Mod: (operator.mod, "rest"),
}
_COMPARISONS: dict[type, tuple[Callable[[Any, Any], Any], str]] = {
    ast.Eq: (operator.eq, "=="),
    ast.NotEq: (operator.ne, "!="),
    ast.Lt: (operator.lt, "<"),
    ast.LtE: (operator.le, "<="),
    ast.Gt: (operator.gt, ">"),
    ast.GtE: (operator.ge, ">="),
}


class _Driver:
    """Writes the instructions of one driver.

    Values are Python's ints where they are known now, LLVM's integers, conditions (one bit) or
    floats where they are not, `Memory`, and tuples of these.
    """

    def __init__(self, context: Any, builder: Any, kinds: Sequence[Any]) -> None:
        self.context, self.builder, self.kinds = context, builder, kinds
        dtypes = [kind.dtype for kind in kinds if isinstance(kind, types.Array)]
        floats = [dtype for dtype in dtypes if isinstance(dtype, types.Float)]
        self.code = Code(builder, floats[0].bitwidth // 8 if floats else 4)
        self.taken: list[Value] = []

    def run(self, function: Callable[..., None], values: Sequence[Value]) -> None:
        """Write the whole driver."""
        arguments = [self._argument(*both) for both in zip(self.kinds, values, strict=True)]
        self.call(function, arguments)
        self._free()

    def _argument(self, kind: Any, value: Value) -> Any:
        if not isinstance(kind, types.Array):
            return self.context.cast(self.builder, value, kind, types.intp)
        model = self.context.data_model_manager[kind]
        return Memory(
            model.get(self.builder, value, "data"), model.get(self.builder, value, "nitems")
        )

    def call(self, function: Callable[..., None], arguments: Sequence[Any]) -> None:
        """Write the statements of a function."""
        tree = ast.parse(dedent(getsource(function))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        names = [argument.arg for argument in tree.args.args]
        said = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        local = {node.id for node in said if isinstance(node.ctx, ast.Store)}
        frame = _Frame(function, local, dict(zip(names, arguments, strict=True)))
        for name in names:
            if name in local:  # a parameter that is assigned to is a variable
                self.assign(frame, ast.Name(name, ast.Store()), frame.bound.pop(name))
        self.suite(frame, tree.body)

    # Statements

    def suite(self, frame: _Frame, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            if self.builder.block.is_terminated:  # by a `continue`
                return
            try:
                self.statement(frame, statement)
            except _NOT_SAID as error:
                self.refuse(frame, statement, error)

    def statement(self, frame: _Frame, node: ast.stmt) -> None:
        match node:
            case ast.Expr(ast.Constant()):  # the docstring
                pass
            case ast.Expr(value):
                self.value(frame, value)
            case ast.Assign(targets, value):
                result = self.value(frame, value)
                for target in targets:
                    self.assign(frame, target, result)
            case ast.AugAssign(ast.Name(name) as target, kind, value):
                one = self.named(frame, target, name)
                self.assign(frame, target, self.binary(kind, one, self.value(frame, value)))
            case ast.AugAssign(ast.Subscript() as target, kind, value):
                place = self.cell(frame, target)
                one = self.builder.load(place)
                result = self.binary(kind, one, self.value(frame, value))
                self.builder.store(self.as_type(result, place.type.pointee), place)
            case ast.If(condition, then, otherwise):
                self.choose(
                    self.truth(frame, condition),
                    lambda: self.suite(frame, then),
                    lambda: self.suite(frame, otherwise),
                )
            case ast.While(condition, body, []):
                self.repeat(frame, lambda: self.truth(frame, condition), body)
            case ast.For(ast.Name() as name, ast.Call(ast.Name("range"), limits, []), body, []):
                self.count(frame, name, [self.value(frame, limit) for limit in limits], body)
            case ast.Continue():
                self.builder.branch(frame.following[-1])
            case _:
                self.refuse(frame, node)

    def assign(self, frame: _Frame, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Tuple(targets):
                for each, part in zip(targets, value, strict=True):
                    self.assign(frame, each, part)
            case ast.Subscript():
                place = self.cell(frame, target)
                self.builder.store(self.as_type(value, place.type.pointee), place)
            case ast.Name(name) if isinstance(value, Memory) and name not in frame.bound:
                frame.bound[name] = value
            case ast.Name(name) if name not in frame.bound:
                if name not in frame.variables:
                    frame.variables[name] = cgutils.alloca_once(self.builder, INT, name=name)
                self.builder.store(self.integer(value), frame.variables[name])
            case _:
                self.refuse(frame, target)

    def count(
        self, frame: _Frame, name: ast.Name, limits: list[Any], body: Sequence[ast.stmt]
    ) -> None:
        """Write a loop over a range."""
        start, stop, step = (0, *limits, 1) if len(limits) == 1 else (*limits, 1)[:3]
        if len(limits) > 3:
            raise TypeError("range has three arguments at most")
        counter = cgutils.alloca_once(self.builder, INT)
        self.builder.store(self.integer(start), counter)

        def further() -> Value:
            return self.code.compare(self.builder.load(counter), "<", stop)

        def begin() -> None:
            self.assign(frame, name, self.builder.load(counter))

        def onward() -> None:
            self.builder.store(self.code.add(self.builder.load(counter), step), counter)

        self.repeat(frame, further, body, begin, onward)

    def repeat(
        self,
        frame: _Frame,
        further: Callable[[], Value],
        body: Sequence[ast.stmt],
        begin: Callable[[], None] = lambda: None,
        onward: Callable[[], None] = lambda: None,
    ) -> None:
        """Write a loop, with what comes at the beginning of each pass and after it."""
        builder = self.builder
        blocks = [builder.append_basic_block(name) for name in ("head", "body", "next", "end")]
        head, inside, following, end = blocks
        builder.branch(head)
        builder.position_at_end(head)
        builder.cbranch(self.bit(further()), inside, end)
        builder.position_at_end(inside)
        frame.following.append(following)
        begin()
        self.suite(frame, body)
        frame.following.pop()
        if not builder.block.is_terminated:
            builder.branch(following)
        builder.position_at_end(following)
        onward()
        self.code.keep_rolled(builder.branch(head))
        builder.position_at_end(end)

    def choose(self, condition: Any, then: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        """Write two branches, or the one that is known to be taken; return what they yield."""
        if isinstance(condition, int):
            return then() if condition else otherwise()
        ends = []
        with self.builder.if_else(condition) as branches:
            for branch, piece in zip(branches, (then, otherwise), strict=True):
                with branch:
                    ends.append((piece(), self.builder.block))
        (one, one_end), (other, other_end) = ends
        if one is None:
            return None
        if isinstance(one, tuple):
            parts = zip(one, other, strict=True)
            return tuple(self._meet(a, one_end, b, other_end) for a, b in parts)
        return self._meet(one, one_end, other, other_end)

    def _meet(self, one: Any, one_end: Any, other: Any, other_end: Any) -> Value:
        """Return what two branches yield, in a type that holds both."""
        kinds = {value.type for value in (one, other) if not isinstance(value, int)}
        known = {value for value in (one, other) if isinstance(value, int)}
        kind = kinds.pop() if len(kinds) == 1 else INT
        if kind == _BIT and not known <= {0, 1}:
            kind = INT
        ends = []
        for value, end in ((one, one_end), (other, other_end)):
            with self.builder.goto_block(end):
                ends.append((self.as_type(value, kind), end))
        phi = self.builder.phi(kind)
        for value, end in ends:
            phi.add_incoming(value, end)
        return phi

    # Expressions

    def value(self, frame: _Frame, node: ast.expr) -> Any:
        match node:
            case ast.Constant(int() as number):
                return number
            case ast.Name(name):
                return self.named(frame, node, name)
            case ast.Tuple(parts):
                return tuple(self.value(frame, part) for part in parts)
            case ast.Subscript():
                return self.builder.load(self.cell(frame, node))
            case ast.BinOp(one, kind, other) if type(kind) in _OPERATORS:
                return self.binary(kind, self.value(frame, one), self.value(frame, other))
            case ast.UnaryOp(ast.USub(), one):
                return self.binary(ast.Sub(), 0, self.value(frame, one))
            case ast.UnaryOp(ast.Not(), one):
                return self.choose(self.truth(frame, one), lambda: 0, lambda: 1)
            case ast.Compare(one, [kind], [other]) if type(kind) in _COMPARISONS:
                known, how = _COMPARISONS[type(kind)]
                both = self.value(frame, one), self.value(frame, other)
                if all(isinstance(value, int) for value in both):
                    return int(known(*both))
                return self.code.compare(self.integer(both[0]), how, self.integer(both[1]))
            case ast.BoolOp(_, parts) if all(map(_is_condition, parts)):
                return self.truth(frame, node)
            case ast.IfExp(condition, one, other):
                return self.choose(
                    self.truth(frame, condition),
                    lambda: self.value(frame, one),
                    lambda: self.value(frame, other),
                )
            case ast.Attribute(ast.Name(name) as owner, attribute):
                module = self.named(frame, owner, name)
                return getattr(module, attribute) if isinstance(module, ModuleType) else None
            case ast.Call(callee, arguments, []):
                values = [self.value(frame, argument) for argument in arguments]
                return self.called(frame, node, self.value(frame, callee), values)
            case _:
                self.refuse(frame, node)

    def named(self, frame: _Frame, node: ast.expr, name: str) -> Any:
        """Return what a name stands for: in the call, in the module, or in Python."""
        if name in frame.variables:
            return self.builder.load(frame.variables[name])
        if name in frame.bound:
            return frame.bound[name]
        function = frame.function
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        enclosing = {free: cell.cell_contents for free, cell in cells}
        for space in (enclosing, function.__globals__, vars(builtins)):
            if name in space and name not in frame.local:
                return space[name]
        self.refuse(frame, node)

    def called(self, frame: _Frame, node: ast.expr, callee: Any, values: list[Any]) -> Any:
        if isinstance(callee, Inlined):
            self.call(callee.function, values)
            return None
        if isinstance(callee, Emitted):
            plain = [value.pointer if isinstance(value, Memory) else value for value in values]
            return callee(self.code, *plain)
        if callee is allocate:
            return self._allocate(*values)
        if callee is lanes:
            size = self.context.get_abi_sizeof(values[0].pointer.type.pointee)
            return host().lanes(size)
        if callee is divmod:
            return self.binary(ast.FloorDiv(), *values), self.binary(ast.Mod(), *values)
        if callee in (min, max):
            chosen, *others = values
            for value in others:
                if isinstance(chosen, int) and isinstance(value, int):
                    chosen = callee(chosen, value)
                else:
                    pick = self.code.least if callee is min else self.code.greatest
                    chosen = pick(self.integer(chosen), self.integer(value))
            return chosen
        self.refuse(frame, node)

    def truth(self, frame: _Frame, node: ast.expr) -> Any:
        """Return a condition: a Python int where it is known, else a bit."""
        match node:
            case ast.BoolOp(kind, [first, *others]):
                rest = others[0] if len(others) == 1 else ast.BoolOp(kind, others)
                branches = [lambda: self.truth(frame, rest), lambda: int(isinstance(kind, ast.Or))]
                if isinstance(kind, ast.Or):
                    branches.reverse()
                return self.choose(self.truth(frame, first), *branches)
        value = self.value(frame, node)
        return value if isinstance(value, int) else self.bit(value)

    def bit(self, value: Any) -> Value:
        if isinstance(value, int) or value.type == INT:
            return self.code.compare(value, "!=", 0)
        return value

    def integer(self, value: Any) -> Value:
        return self.as_type(value, INT)

    def as_type(self, value: Any, kind: Any) -> Value:
        if isinstance(value, int):
            return ir.Constant(kind, kind_of_number(kind)(value))
        if value.type == kind:
            return value
        if kind == INT and value.type == _BIT:
            return self.builder.zext(value, INT)
        raise TypeError(f"a driver holds {value.type} where {kind} is wanted")

    def binary(self, kind: ast.operator, one: Any, other: Any) -> Any:
        """Write an operation, or compute it where both numbers are known."""
        known, name = _OPERATORS[type(kind)]
        if isinstance(one, int) and isinstance(other, int):
            return known(one, other)
        builder, one, other = self.builder, self.integer(one), self.integer(other)
        if name in ("add", "sub", "mul"):
            return getattr(builder, name)(one, other)
        # LLVM rounds towards 0, Python down.
        quotient, rest = builder.sdiv(one, other), builder.srem(one, other)
        zero = self.integer(0)
        apart = builder.icmp_signed("<", builder.xor(rest, other), zero)
        down = builder.and_(builder.icmp_signed("!=", rest, zero), apart)
        if name == "floor":
            return builder.select(down, builder.sub(quotient, self.integer(1)), quotient)
        return builder.select(down, builder.add(rest, other), rest)

    # Memory

    def cell(self, frame: _Frame, node: ast.Subscript) -> Value:
        """Return where an element lies."""
        memory = self.value(frame, node.value)
        if not isinstance(memory, Memory):
            self.refuse(frame, node)
        index = self.integer(self.value(frame, node.slice))
        if _config.BOUNDSCHECK:
            outside = self.builder.icmp_unsigned(">=", index, memory.length)
            self._raise(outside, IndexError, "index is out of bounds")
        return self.code.move(memory.pointer, index)

    def _allocate(self, count: Any, like: Memory) -> Memory:
        builder, code = self.builder, self.code
        count = self.integer(count)
        size = self.context.get_abi_sizeof(like.pointer.type.pointee)
        reason = "no memory for the scratch of a kernel"
        # More than there can be, also where the number ran over.
        much = builder.icmp_unsigned(">", count, code.integer(_MOST // size))
        self._raise(much, MemoryError, reason)
        space = code.add(code.multiply(count, size), LINE_BYTES)
        place = self.context.nrt.allocate_unchecked(builder, space)
        missing = builder.icmp_unsigned("==", place, place.type(None))
        self._raise(missing, MemoryError, reason)
        self.taken.append(place)
        number = builder.add(builder.ptrtoint(place, INT), code.integer(LINE_BYTES - 1))
        number = builder.and_(number, code.integer(-LINE_BYTES))
        return Memory(builder.inttoptr(number, like.pointer.type), count)

    def _raise(self, condition: Value, kind: type[Exception], text: str) -> None:
        with self.builder.if_then(condition, likely=False):
            self._free()
            self.context.call_conv.return_user_exc(self.builder, kind, (text,))

    def _free(self) -> None:
        for place in self.taken:
            self.context.nrt.free(self.builder, place)

    def refuse(self, frame: _Frame, node: ast.AST, cause: Exception | None = None) -> NoReturn:
        """Say what a driver may not hold, and where."""
        line = frame.function.__code__.co_firstlineno + getattr(node, "lineno", 1) - 1
        place = f"{frame.function.__code__.co_filename}:{line}"
        raise SyntaxError(f"{place}: no driver can say {ast.unparse(node)!r}") from cause


def kind_of_number(kind: Any) -> Callable[[int], Any]:
    """Return what a constant of an LLVM type is made from."""
    return int if isinstance(kind, ir.IntType) else float


def _is_condition(node: ast.expr) -> bool:
    """Whether an expression is true or false, and no other number."""
    match node:
        case ast.Compare() | ast.UnaryOp(ast.Not()):
            return True
        case ast.BoolOp(_, parts):
            return all(map(_is_condition, parts))
        case _:
            return False
