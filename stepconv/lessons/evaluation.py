"""What an expression may consist of, and what it comes to."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from stepconv.documents import nearest
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.lessons.functions import FUNCTIONS, power, times

OF_ARRAYS = ("shape", "size", "T")
"""Attributes that any array has."""


class Names(Protocol):
    """Hands out values by name, each computed when it is asked for."""

    @property
    def known(self) -> Sequence[str]:
        """The names there are."""

    def get(self, name: str) -> Any:
        """Return the value of a known name."""


@dataclass(frozen=True)
class Scope:
    """What the names of an expression mean.

    Attributes
    ----------
    scenes : Mapping
        Each scene's names, by the scene's own as expressions write it.
    own : Names or None
        Those of the scene that an expression is about: they need no scene in front.
    """

    scenes: Mapping[str, Names]
    own: Names | None = None


_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: times,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: power,
    ast.MatMult: operator.matmul,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_COMPARING: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}
_HARMLESS = (
    ast.expr_context,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.boolop,
    ast.Name,
    ast.Subscript,
    ast.Slice,
    ast.Tuple,
    ast.List,
    ast.BoolOp,
)


def check(tree: ast.expr) -> None:
    """Refuse every kind of node but those that `evaluated` knows."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                if name not in FUNCTIONS:
                    raise InputError(
                        "there is no function {name}; there are {names}",
                        name=shown(name),
                        names=", ".join(sorted(FUNCTIONS)),
                    )
            case ast.Attribute(value=ast.Attribute() | ast.Subscript(), attr=name):
                if name not in OF_ARRAYS:
                    raise InputError(
                        "{name} is no attribute of a value; there are {names}",
                        name=shown(name),
                        names=", ".join(OF_ARRAYS),
                    )
            case ast.Attribute(value=ast.Name()):
                pass
            case ast.Constant(value=bool() | int() | float() | str()):
                pass
            case ast.BinOp(op=op) if type(op) in _BINARY:
                pass
            case ast.UnaryOp(op=op) if type(op) in _UNARY:
                pass
            case ast.Compare(ops=ops) if all(type(op) in _COMPARING for op in ops):
                pass
            case _ if isinstance(node, _HARMLESS):
                pass
            case _:
                raise InputError(
                    "{kind} is not taken in an expression; use a program",
                    kind=shown(ast.unparse(node)),
                )


def evaluated(node: ast.expr, scope: Scope) -> Any:
    """Return what a checked tree comes to."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return _named(name, scope)
        case ast.Attribute(value=ast.Name(id=scene), attr=name) if scene in scope.scenes:
            return _got(scope.scenes[scene], name, scene)
        case ast.Attribute(value=inner, attr=name):
            return _of_array(evaluated(inner, scope), name)
        case ast.Subscript(value=inner, slice=index):
            return evaluated(inner, scope)[_index(index, scope)]
        case ast.Tuple(elts=parts):
            return tuple(evaluated(part, scope) for part in parts)
        case ast.List(elts=parts):
            return [evaluated(part, scope) for part in parts]
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](evaluated(left, scope), evaluated(right, scope))
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](evaluated(operand, scope))
        case ast.BoolOp(op=op, values=values):
            both = isinstance(op, ast.And)
            return (all if both else any)(bool(evaluated(value, scope)) for value in values)
        case ast.Compare():
            return _compared(node, scope)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*(evaluated(argument, scope) for argument in arguments))
    raise AssertionError(f"{node} passed the check")


def _compared(node: ast.Compare, scope: Scope) -> Any:
    values = [evaluated(part, scope) for part in (node.left, *node.comparators)]
    pairs = zip(node.ops, values, values[1:], strict=False)
    results = [_COMPARING[type(op)](one, other) for op, one, other in pairs]
    return results[0] if len(results) == 1 else all(results)


def _index(node: ast.expr, scope: Scope) -> Any:
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(part and evaluated(part, scope) for part in (lower, upper, step)))
        case ast.Tuple(elts=parts):
            return tuple(_index(part, scope) for part in parts)
    return evaluated(node, scope)


def _named(name: str, scope: Scope) -> Any:
    own = scope.own.known if scope.own else ()
    if scope.own and name in own:
        return scope.own.get(name)
    if name in scope.scenes:
        raise InputError(
            "{name} is a scene; say what of it, as in {example}",
            name=name,
            example=f"{name}.output",
        )
    near = nearest(name, [*own, *scope.scenes])
    if near:
        raise InputError(
            "there is no {name} here; did you mean {near}?", name=shown(name), near=near
        )
    raise InputError(
        "there is no {name} here; there are {names}",
        name=shown(name),
        names=", ".join([*own, *scope.scenes]) or "–",
    )


def _got(names: Names, name: str, scene: str) -> Any:
    if name in names.known:
        return names.get(name)
    near = nearest(name, names.known)
    if near:
        raise InputError(
            "the scene {scene} has no {name}; did you mean {near}?",
            scene=scene,
            name=shown(name),
            near=near,
        )
    raise InputError(
        "the scene {scene} has no {name}; it has {names}",
        scene=scene,
        name=shown(name),
        names=", ".join(names.known),
    )


def _of_array(value: Any, name: str) -> Any:
    if name in OF_ARRAYS and hasattr(value, "shape"):
        return getattr(value, name)
    raise InputError("only arrays have .{name}", name=shown(name))
