"""The reasons behind marks, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.classroom.diagnosis import Explanation
from stepconv.classroom.facts import Fact
from stepconv.classroom.worksheet.notation import written
from stepconv.language import _

Array = NDArray[Any]

_TOLD = {"bias", "layout", "transposed", "missing", "too_many", "reversed", "shifted", "order"}
_TOLD |= {"sign", "factor", "border"}
"""Facts that name no cell: those that do count from 0, and a sheet counts from 1."""
_MOST_NAMED = 4


def follows_reason(codes: Sequence[str]) -> str:
    """Say that an answer is right by what was written before.

    >>> follows_reason(["padded"])
    'Right, going by what stands in padded.'
    """
    return _("Right, going by what stands in {parts}.").format(parts=_(", ").join(codes))


def going_by(codes: Sequence[str], reason: str) -> str:
    """Say of a reason that it goes by what was written before."""
    if not codes:
        return reason
    text = _("Going by what stands in {parts}: {reason}")
    return text.format(parts=_(", ").join(codes), reason=reason)


def mistake_reason(explanations: Sequence[Explanation]) -> str:
    """Name the mistakes that give an answer, with what to do next where there is one alone."""
    if len(explanations) == 1:
        found = explanations[0].mistakes
        text = _("{name}: {explanation} {advice}")
        return " ".join(
            text.format(name=one.name, explanation=one.explanation, advice=one.advice)
            for one in found
        )
    names = [_(" together with ").join(one.name for one in each.mistakes) for each in explanations]
    named = _("; or ").join(names[:_MOST_NAMED])
    return _("One of these gives just this answer: {mistakes}.").format(mistakes=named)


def wrong_reason(answer: Array, right: Array, facts: Sequence[Fact]) -> str:
    """Say what is right about an answer, and where it is not, counted from 1."""
    told = [fact for fact in facts if fact.code in _TOLD]
    if told and not any(fact.code == "one_cell" for fact in facts):
        return told[0].text
    if answer.shape != right.shape:
        return _("{given} numbers are given; the answer has {count}.").format(
            given=answer.size, count=right.size
        )
    places = np.flatnonzero(answer.reshape(-1) != right.reshape(-1))
    if right.size == 1:
        return _("{given} is not right.").format(given=written(answer))
    if len(places) == right.size:
        return _("None of the numbers is right.")
    left_out = np.isnan(answer.reshape(-1)[places])
    wrong, gaps = _named(places[~left_out]), _named(places[left_out])
    if not gaps:
        text = _("{right} of {count} numbers are right; wrong: number {places}.")
    elif not wrong:
        text = _("{right} of {count} numbers are right; not answered: number {gaps}.")
    else:
        text = _(
            "{right} of {count} numbers are right; wrong: number {places}; not answered: number"
            " {gaps}."
        )
    count = right.size
    return text.format(right=count - len(places), count=count, places=wrong, gaps=gaps)


def _named(places: Array) -> str:
    """Count the first few places from 1."""
    more = "…" if len(places) > _MOST_NAMED else ""
    return _(", ").join(str(place + 1) for place in places[:_MOST_NAMED]) + more
