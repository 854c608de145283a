"""What is right about an answer, and how it is wrong, where no mistake explains it.

A fact claims nothing about how the answer came about. Each is true of the numbers as they
stand; the first that holds says the most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Array
from stepconv.language import _
from stepconv.values import by

Index = tuple[int, ...]


@dataclass(frozen=True)
class Fact:
    """One true sentence about an answer.

    Attributes
    ----------
    code : str
        What kind of fact, such as "one_cell".
    text : str
        The sentence, in the language that was current.
    """

    code: str
    text: str


def facts_about(problem: Problem, given: Array) -> Iterator[Fact]:
    """Yield what can be said about a wrong answer, the most telling first."""
    right = problem.answer
    if not np.isfinite(given).all():
        yield Fact("not_finite", _("Some of the numbers are infinite or not numbers at all."))
        return
    if not problem.same_shape(given, right):
        yield from _other_shape(problem, given, right)
        return
    given = given.reshape(right.shape)
    wrong = ~problem.close(given, right)
    if problem.about_output:
        yield from _bias(problem, given, right)
    yield from _rearranged(problem, given, right)
    yield from _scaled(problem, given, right)
    yield from _one_cell(problem, given, right, wrong)
    if problem.about_output:
        yield from _border(problem, wrong)
        yield from _one_channel(problem, wrong)
    yield from _up_to(wrong)


def _other_shape(problem: Problem, given: Array, right: Array) -> Iterator[Fact]:
    if given.size == right.size and problem.close(given.reshape(-1), right.reshape(-1)).all():
        yield Fact(
            "layout",
            _("The numbers are right, in another shape: {given} rather than {right}.").format(
                given=by(given.shape) or "1", right=by(right.shape) or "1"
            ),
        )
        return
    for axes in _orders(given.ndim) if given.ndim == right.ndim else ():
        if problem.same(given.transpose(axes), right):
            yield Fact("transposed", _("The numbers are right, with their axes in another order."))
            return
    if given.size == right.size:
        yield Fact(
            "shape",
            _("The count of numbers is right, {count}, their shape is not.").format(
                count=given.size
            ),
        )
        return
    few = given.size < right.size
    small, large = (given, right) if few else (right, given)
    rest = large.reshape(-1)[: small.size]
    if small.size > 2 and problem.close(small.reshape(-1), rest).all():
        text = (
            _("The first {small} numbers are right, and {count} are missing.")
            if few
            else _("The first {small} numbers are right; then come {count} too many.")
        )
        text = text.format(small=small.size, count=large.size - small.size)
        yield Fact("missing" if few else "too_many", text)
        return
    yield Fact(
        "count",
        _("Numbers given: {given}; the answer has {right}.").format(
            given=given.size, right=right.size
        ),
    )


def _orders(rank: int) -> Iterator[Index]:
    return (axes for axes in permutations(range(rank)) if axes != tuple(range(rank)))


def _bias(problem: Problem, given: Array, right: Array) -> Iterator[Fact]:
    """Look for one number that every cell of a channel is off by."""
    geometry = problem.run.geometry
    if given.size == geometry.out_channels:  # one cell a channel is off by something always
        return
    off = (given - right).reshape(-1, geometry.out_channels, *geometry.output_size)
    each = np.moveaxis(off, 1, 0).reshape(geometry.out_channels, -1)
    if problem.close(each, np.broadcast_to(each[:, :1], each.shape)).all():
        amounts = ", ".join(_signed(value) for value in each[:, 0])
        text = (
            _("All is right but for the bias: every number is off by {off}.")
            if geometry.out_channels == 1
            else _("All is right but for the bias: the numbers of each channel are off by {off}.")
        )
        yield Fact("bias", text.format(off=amounts))


def _rearranged(problem: Problem, given: Array, right: Array) -> Iterator[Fact]:
    if right.size < 3 or problem.close(np.sort(right, axis=None)[:1], right.max()).all():
        return
    if problem.close(given.reshape(-1), right.reshape(-1)[::-1]).all():
        yield Fact("reversed", _("The numbers are right, in reverse order."))
        return
    for axis in range(right.ndim):
        if right.shape[axis] > 1 and problem.close(given, np.flip(right, axis)).all():
            yield Fact("reversed", _("The numbers are right, in reverse order along one axis."))
            return
    for axes in _orders(right.ndim):
        other = right.transpose(axes)
        if problem.close(given.reshape(-1), other.reshape(-1)).all():
            yield Fact("transposed", _("The numbers are right, with their axes in another order."))
            return
    for axis in range(right.ndim):
        for step in (1, -1):
            if right.shape[axis] > 3 and _shifted(problem, given, right, axis, step):
                yield Fact(
                    "shifted",
                    _("The numbers are right, but stand one place too far on.")
                    if step == 1
                    else _("The numbers are right, but begin one place too early."),
                )
                return
    if problem.close(np.sort(given, axis=None), np.sort(right, axis=None)).all():
        yield Fact("order", _("The numbers are right, but not in their places."))


def _shifted(problem: Problem, given: Array, right: Array, axis: int, step: int) -> bool:
    moved, kept = np.moveaxis(given, axis, 0), np.moveaxis(right, axis, 0)
    if step == 1:
        return bool(problem.close(moved[1:], kept[:-1]).all())
    return bool(problem.close(moved[:-1], kept[1:]).all())


def _scaled(problem: Problem, given: Array, right: Array) -> Iterator[Fact]:
    if right.size < 2 or not np.any(right):
        return
    if problem.close(given, -right).all():
        yield Fact("sign", _("The numbers are right, with the wrong sign."))
        return
    first = tuple(np.argwhere(right != 0)[0])
    ratio = given[first] / right[first]
    if ratio and problem.close(given, right * ratio).all():
        yield Fact(
            "factor",
            _("Every number is {factor} times what it should be.").format(factor=f"{ratio:.6g}"),
        )


def _one_cell(problem: Problem, given: Array, right: Array, wrong: Array) -> Iterator[Fact]:
    if int(wrong.sum()) != 1:
        return
    place: Index = tuple(int(k) for k in np.argwhere(wrong)[0])
    off = given[place] - right[place]
    values = {"place": list(place), "off": _signed(off)}
    if right.size == 1:
        text = _("The number is off by {off}.").format(**values)
    else:
        text = _("All is right but one number: the one at {place} is off by {off}.").format(
            **values
        )
    if right[place] and problem.close(np.asarray(given[place]), np.asarray(-right[place])).all():
        text += " " + _("Its sign is wrong.")
    yield Fact("one_cell", text)
    yield from _slip(problem, place, off)


def _slip(problem: Problem, place: Index, off: float) -> Iterator[Fact]:
    """Say which product would account for the difference, where just one does."""
    run = problem.run
    if not problem.about_output or run.finish:
        return
    cell = place if run.geometry.batch is not None else (0, *place)
    products = run.products(cell)
    gone, doubled = np.argwhere(products == -off), np.argwhere(products == off)
    if len(gone) == 1 and not len(doubled):
        text = _("That is the product at tap {tap} left out.")
        yield Fact("product_missing", text.format(tap=[int(k) for k in gone[0]]))
    elif len(doubled) == 1 and not len(gone):
        text = _("That is the product at tap {tap} counted twice.")
        yield Fact("product_twice", text.format(tap=[int(k) for k in doubled[0]]))


def _border(problem: Problem, wrong: Array) -> Iterator[Fact]:
    """See whether the wrong cells are just those whose window reaches into the padding."""
    geometry = problem.run.geometry
    if geometry.transposed or not any(any(axis.pad) for axis in geometry.axes):
        return
    touches = np.zeros(geometry.output_size, dtype=bool)
    for number, axis in enumerate(geometry.axes):
        outside = np.array(
            [
                any(axis.kind_at(int(k)) != "input" for k in axis.window(output))
                for output in range(axis.output_size)
            ]
        )
        shape = [1] * geometry.rank
        shape[number] = -1
        touches |= outside.reshape(shape)
    if touches.all() or not touches.any() or wrong.all():
        return
    if not (wrong & ~touches).any():
        yield Fact(
            "border",
            _(
                "The shape and the inner cells are right; cells whose window lies on the padding"
                " are not."
            ),
        )


def _one_channel(problem: Problem, wrong: Array) -> Iterator[Fact]:
    geometry = problem.run.geometry
    if geometry.out_channels == 1:
        return
    bad = wrong.reshape(-1, geometry.out_channels, *geometry.output_size)
    at_fault = np.moveaxis(bad, 1, 0).reshape(geometry.out_channels, -1).any(axis=1)
    if at_fault.sum() == 1:
        yield Fact(
            "one_channel",
            _("All is right but output channel {channel}.").format(
                channel=int(np.flatnonzero(at_fault)[0])
            ),
        )


def _up_to(wrong: Array) -> Iterator[Fact]:
    flat = wrong.reshape(-1)
    if flat.size < 2 or int(flat.sum()) < 2:
        return
    first = int(np.argmax(flat))
    place = [int(k) for k in np.unravel_index(first, wrong.shape)]
    right = flat.size - int(flat.sum())
    if first:
        yield Fact(
            "up_to",
            _("{right} of {count} numbers are right; the first that is not is at {place}.").format(
                right=right, count=flat.size, place=place
            ),
        )
    elif right:
        yield Fact(
            "some",
            _("{right} of {count} numbers are right.").format(right=right, count=flat.size),
        )


def _signed(value: float) -> str:
    return f"{value:+.6g}" if value else "0"
