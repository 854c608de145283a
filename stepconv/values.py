"""Single values of a description: what is accepted, and how an error shows what is not."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Iterable, Sequence
from math import log10
from typing import Any

import numpy as np

from stepconv.errors import ShapeError, SpecError

PADDING_MODES = ("zeros", "reflect", "replicate", "circular", "symmetric")
PADDING_RULES = ("valid", "same", "same_lower", "full", "causal")

Ints = int | Sequence[int]
Pair = tuple[int, int]
Padding = str | int | Sequence[int | Sequence[int]]

_LARGEST = 2**31 - 1


def by(sizes: Iterable[int]) -> str:
    """Write sizes as people do: ``5x5``."""
    return "x".join(str(size) for size in sizes)


class _Brief(reprlib.Repr):
    """Values in messages: on one line, of bounded length."""

    def __init__(self) -> None:
        super().__init__()
        self.maxother = self.maxstring = 60

    def repr_int(self, x: int, level: int) -> str:
        if abs(x) < 10**20:
            return repr(x)
        # Python refuses to print more than 4300 digits.
        return f"{'-' if x < 0 else ''}10^{int(log10(abs(x)))}"


_BRIEF = _Brief()


def shown(value: object) -> str:
    """Write any value for a message: on one line, shortened where it is long.

    >>> shown(np.int64(3)), shown("same"), shown([0] * 100), shown(10**100)
    ('3', "'same'", '[0, 0, 0, 0, 0, 0, ...]', '10^100')
    """
    if isinstance(value, np.generic):
        value = value.item()
    return " ".join(_BRIEF.repr(value).split())


def whole_number(value: object) -> int | None:
    """Return `value` as an int, or None where it is not one; True and False are not.

    >>> whole_number(np.int8(3)), whole_number(3.0), whole_number(True)
    (3, None, None)
    """
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        return None
    try:
        return operator.index(value)
    except TypeError:  # arrays have __index__, whatever they hold
        return None


def whole(name: str, value: Any, least: int) -> int:
    """Return `value` as an int of at least `least`; SpecError where it is not one."""
    number = whole_number(value)
    if number is None:
        raise SpecError(
            "{name} is {value}; it must be a whole number (an int)", name=name, value=shown(value)
        )
    if number < least:
        raise SpecError(
            "{name} is {value}; it must be at least {least}",
            name=name,
            value=shown(number),
            least=least,
        )
    if number > _LARGEST:
        raise SpecError(
            "{name} is {value}; it must be at most {most}",
            name=name,
            value=shown(number),
            most=_LARGEST,
        )
    return number


def several(value: object) -> tuple[Any, ...] | None:
    """Return the values of a sequence or array, None where `value` is a single one.

    >>> several([1, 2]), several(np.array([1, 2])), several("12"), several(12)
    ((1, 2), (np.int64(1), np.int64(2)), None, None)
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return tuple(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(value)
    return None


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool; SpecError where it is neither True nor False."""
    if not isinstance(value, bool | np.bool_):
        raise SpecError(
            "{name} is {value}; it must be True or False", name=name, value=shown(value)
        )
    return bool(value)


def per_axis(name: str, value: Any, rank: int, least: int) -> tuple[int, ...]:
    """Return one int for each axis, from one for all or one for each."""
    values = several(value)
    if values is None:
        return (whole(name, value, least),) * rank
    if len(values) not in (1, rank):
        raise SpecError(
            "{name} {value} has {count} values; a rank-{rank} kernel moves along {rank}:"
            " give one number, or one for each axis",
            name=name,
            value=shown(values),
            count=len(values),
            rank=rank,
        )
    numbers = tuple(whole(name, one, least) for one in values)
    return numbers * rank if len(numbers) == 1 else numbers


def checked_padding(value: Any, rank: int, transposed: bool) -> tuple[Pair, ...] | str:
    """Return padding as (before, after) for each axis, or as the rule it names."""
    if isinstance(value, str):
        return _padding_rule(value, rank, transposed)
    per_axis = several(value)
    if per_axis is None:
        per_axis = (value,)
    if len(per_axis) not in (1, rank):
        raise SpecError(
            "padding {value} has {count} values for a kernel that moves along {rank}: give one"
            " number, one for each axis, or a (before, after) pair for each axis",
            value=shown(per_axis),
            count=len(per_axis),
            rank=rank,
        )
    pairs = tuple(_padding_pair(one) for one in per_axis)
    return pairs * rank if len(pairs) == 1 else pairs


def _padding_pair(value: Any) -> Pair:
    sides = several(value)
    if sides is None:
        number = whole("padding", value, 0)
        return number, number
    if len(sides) != 2:
        raise SpecError(
            "padding {value} is not a (before, after) pair; give two numbers", value=shown(sides)
        )
    return whole("padding", sides[0], 0), whole("padding", sides[1], 0)


def _padding_rule(value: str, rank: int, transposed: bool) -> str:
    if value not in PADDING_RULES:
        raise SpecError(
            "padding {value} is not a rule; give numbers or one of {rules}",
            value=shown(value),
            rules=", ".join(PADDING_RULES),
        )
    if transposed:
        raise SpecError(
            "padding {value} is for forward convolutions; transposed, padding is the number of"
            " cells cropped from each end: give numbers",
            value=shown(value),
        )
    if value == "causal" and rank != 1:
        raise SpecError(
            "padding 'causal' is for rank 1, where one axis is time; this kernel has rank {rank}:"
            " give (before, after) pairs",
            rank=rank,
        )
    return value


def checked_mode(value: Any, transposed: bool) -> str:
    """Return a padding mode that there is."""
    if not isinstance(value, str) or value not in PADDING_MODES:
        raise SpecError(
            "padding_mode {value} is not one of {modes}",
            value=shown(value),
            modes=", ".join(PADDING_MODES),
        )
    if transposed and value != "zeros":
        raise SpecError(
            "padding_mode {value} is for forward convolutions; a transposed one pads with zeros"
            " alone",
            value=shown(value),
        )
    return str(value)


def checked_shape(name: str, shape: Any) -> tuple[int, ...]:
    """Return the shape of `name` as plain ints."""
    sizes = several(shape)
    if sizes is None:
        raise ShapeError(
            "{name} shape {value} is not a sequence of whole numbers, such as (1, 1, 8)",
            name=name,
            value=shown(shape),
        )
    return tuple(whole(f"{name} size", size, 0) for size in sizes)
