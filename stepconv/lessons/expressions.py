"""Expressions in a lesson: arithmetic over what scenes hold, and nothing else.

An expression is a small part of Python. It is checked when it is read, before anything is
computed: numbers, texts, names, ``scene.attribute``, indexing and slicing, arithmetic,
comparisons, and the functions of `FUNCTIONS`. What it can reach is what a `Names` hands
out, so that a lesson cannot run code through it.
"""

from __future__ import annotations

import ast
from functools import cached_property
from typing import Any

import numpy as np

from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.lessons.evaluation import Names, Scope, check, evaluated

__all__ = ["LONGEST", "Expression", "Names", "Scope"]

LONGEST = 500
"""Characters of an expression."""


class Expression:
    """One expression, read and checked.

    >>> Expression("2 * 3 + abs(-1)").value(Scope({}))
    7
    >>> Expression("open('x')")
    Traceback (most recent call last):
    stepconv.errors.InputError: `open('x')`: there is no function open; there are abs, all, any,
    exact, len, max, min, prod, round, sum
    """

    def __init__(self, source: str) -> None:
        self.source = " ".join(source.split())
        self._tree = self._parsed()

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name in it that stands alone or before a dot."""
        return frozenset(node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name))

    @property
    def cell(self) -> tuple[int, ...] | None:
        """The place in ``output[0, 1, 2]``; None for an expression of another form."""
        match self._tree:
            case ast.Subscript(value=ast.Name(id="output"), slice=ast.Tuple(elts=parts)):
                places = [part.value for part in parts if isinstance(part, ast.Constant)]
                if len(places) == len(parts) and all(isinstance(one, int) for one in places):
                    return tuple(int(str(one)) for one in places)
        return None

    def value(self, scope: Scope) -> Any:
        """Return what the expression comes to.

        Raises
        ------
        InputError
            With the expression, what in it is wrong, and the nearest right name.
        """
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                return evaluated(self._tree, scope)
        except InputError as reason:
            raise self._refused(reason) from reason
        except (ArithmeticError, IndexError, KeyError, TypeError, ValueError) as error:
            raise self._refused(
                InputError("this cannot be computed: {reason}", reason=error)
            ) from error

    def _parsed(self) -> ast.expr:
        if len(self.source) > LONGEST:
            raise self._refused(
                InputError("this is longer than {most} characters; use a program", most=LONGEST)
            )
        try:
            tree = ast.parse(self.source, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = getattr(error, "msg", error)
            raise self._refused(
                InputError(
                    "this is no expression ({reason}); check brackets and dots", reason=reason
                )
            ) from error
        try:
            check(tree)
        except InputError as reason:
            raise self._refused(reason) from reason
        return tree

    def _refused(self, reason: InputError) -> InputError:
        return InputError("`{source}`: {reason}", source=shown(self.source), reason=reason)
