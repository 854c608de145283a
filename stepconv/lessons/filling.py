"""Filling in the `{{ expressions }}` of a text."""

from __future__ import annotations

import re

from stepconv.errors import InputError
from stepconv.lessons.expressions import Expression, Scope
from stepconv.lessons.format import Fill, Spans, filled_spans
from stepconv.lessons.inline import EXPRESSION
from stepconv.lessons.written import written

_FIND = re.compile(EXPRESSION)


def expressions(text: str) -> list[Expression]:
    """Return the expressions of a text, read and checked but not computed."""
    return [Expression(found[2:-2]) for found in _FIND.findall(text)]


def filler(scope: Scope) -> Fill:
    """Return what fills in a text: every expression becomes its value, as a learner reads it.

    >>> filler(Scope({}))("seven is {{ 2 * 3 + 1 }}")
    'seven is 7'
    """

    def fill(text: str) -> str:
        return _FIND.sub(lambda found: written(Expression(found[0][2:-2]).value(scope)), text)

    return fill


def filled_at(spans: Spans, scope: Scope, where: str) -> Spans:
    """Return `spans` filled in; an error names the place `where` they stand."""
    try:
        return filled_spans(spans, filler(scope))
    except InputError as reason:
        raise InputError("{where}: {reason}", where=where, reason=reason) from reason
