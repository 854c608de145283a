"""A check of sums that authors type: ``2·3 + 1·1 = 7`` has to be true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isclose

from stepconv.errors import InputError
from stepconv.lessons.expressions import Expression, Scope
from stepconv.lessons.format import Spans, plain, texts
from stepconv.lessons.loader import Draft
from stepconv.lessons.prose_checks import at_line
from stepconv.lessons.shelf import name_of

_SIGNS = str.maketrans({"·": "*", "×": "*", "−": "-", "–": "-"})

# Digits and signs alone, with one sign at least between two numbers. What stands beside a letter,
# a bracket of another kind or an expression is part of something longer, and left alone.
_SIDE = r"[(\d][\d\s.()+*/-]*[)\d]"
_EQUATION = re.compile(
    rf"(?<![A-Za-z0-9_.}}\]*/+-])(?<![*/+-]\s)({_SIDE})\s*=\s*(-?\d+(?:\.\d+)?)"
    r"(?![A-Za-z0-9_(]|\s*[*/+-]|\.\d)"
)


def equations_hold(draft: Draft) -> Iterator[InputError]:
    """Find equations between plain numbers that are not true."""
    for language, blocks in draft.prose.items():
        for block in blocks:
            for spans in texts(block):
                for reason in false_equations(plain(spans)):
                    yield at_line(draft, language, block.line, reason)
    for place, spans in _table_texts(draft):
        for reason in false_equations(plain(spans)):
            yield InputError(
                "{document}, {place}: {reason}",
                document=name_of(draft.folder),
                place=place,
                reason=reason,
            )


def false_equations(text: str) -> Iterator[InputError]:
    """Find the equations of a text that are not true.

    >>> [str(one) for one in false_equations("2·3 + 1 = 7, (6 − 1)·2 = 11 and 2x = 3")]
    ['(6 − 1)·2 = 11 is not true: it is 10']
    """
    for found in _EQUATION.finditer(text.translate(_SIGNS)):
        try:
            left = Expression(found[1]).value(Scope({}))
        except InputError:  # no sum after all: a date, a range, an open bracket
            continue
        right = float(found[2])
        half = 0.5 * 10.0 ** -len(found[2].partition(".")[2])
        if not isclose(left, right, rel_tol=1e-9, abs_tol=half if "." in found[2] else 1e-9):
            yield InputError(
                "{equation} is not true: it is {value}",
                equation=text[found.start() : found.end()],
                value=f"{left:.6g}",
            )


def _table_texts(draft: Draft) -> Iterator[tuple[str, Spans]]:
    for question in draft.questions.values():
        place = f"questions.{question.id}"
        for language, ask in question.asks.items():
            yield f"{place}.ask.{language}", ask
            for clue in question.clues[language]:
                yield f"{place}.hints.{language}", clue
            for number, option in enumerate(question.options, 1):
                yield f"{place}.options[{number}].why.{language}", option.reasons[language]
