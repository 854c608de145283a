"""Words to numbers, and rows of them to one array."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.arrays.origin import Origin, check_count
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _

INT64 = np.iinfo(np.int64)

# Python's own int and float would take "1_000", "nan" and the digits of every script.
_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")  # a longer one is no float either
_PLAIN = re.compile(r"[0-9.eEjJ+-]+")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_DASHES = "‐‑‒–—―﹣"


@dataclass(frozen=True)
class Place:
    """The place of a row, or of a number in it, counted from 1; 0 is what needs no naming.

    >>> print(Place(0, 2, 3))
    row 2, number 3
    """

    slice: int
    row: int
    number: int = 0

    def __str__(self) -> str:
        if self.slice and self.number:
            template = _("slice {slice}, row {row}, number {number}")
        elif self.slice:
            template = _("slice {slice}, row {row}")
        else:
            template = _("row {row}, number {number}") if self.number else _("row {row}")
        return template.format(slice=self.slice, row=self.row, number=self.number)


def convert(word: str) -> complex | None:
    """Return `word` as the int, float or complex it spells, or None.

    >>> convert("-2"), convert(".5"), convert("1+2j"), convert("two")
    (-2, 0.5, (1+2j), None)
    """
    if _INTEGER.fullmatch(word):
        return int(word)
    if not _PLAIN.fullmatch(word):
        return None
    try:
        return complex(word) if word[-1] in "jJ" else float(word)
    except ValueError:
        return None


def assemble(slices: Sequence[Sequence[Sequence[str]]], origin: Origin) -> NDArray[Any]:
    """Turn slices of rows of words into an array of as many axes as were needed.

    One row gives one axis, several rows two, several slices three.

    >>> assemble([[["1", "2"], ["3", "4"]]], Origin("input"))
    array([[1, 2],
           [3, 4]])
    """
    several = len(slices) > 1
    flat = [
        _number(word, (k * several, i, j), origin)
        for k, rows in enumerate(slices, 1)
        for i, row in enumerate(rows, 1)
        for j, word in enumerate(row, 1)
    ]
    _check_even(slices, origin)
    shape = (len(slices), len(slices[0]), len(slices[0][0]))
    check_count(shape, origin)
    kinds = set(map(type, flat))
    dtype = np.complex128 if complex in kinds else np.float64 if float in kinds else np.int64
    axes = 3 if several else 2 if len(slices[0]) > 1 else 1
    return np.array(flat, dtype).reshape(shape[-axes:])


def _check_even(slices: Sequence[Sequence[Sequence[str]]], origin: Origin) -> None:
    """Refuse rows of different lengths and slices of different heights."""
    height, width = len(slices[0]), len(slices[0][0])
    for k, rows in enumerate(slices, 1):
        if len(rows) != height:
            raise InputError(
                "{origin}: slice {slice} is {rows} rows high and slice 1 is {first}; all "
                "slices need the same height",
                origin=origin,
                slice=k,
                rows=len(rows),
                first=height,
            )
        for i, row in enumerate(rows, 1):
            if len(row) != width:
                raise InputError(
                    "{origin}: {place} is {count} long and row 1 is {first}; all rows need the "
                    "same length",
                    origin=origin,
                    place=Place(k * (len(slices) > 1), i),
                    count=len(row),
                    first=width,
                )


def _number(word: str, indices: tuple[int, int, int], origin: Origin) -> complex:
    number = convert(word)
    if number is None:
        raise _refusal(word, Place(*indices), origin)
    if not fits(number):
        raise misfit(number, word, Place(*indices), origin)
    return number


def fits(number: complex) -> bool:
    """Return whether an integer lies within 64 bits, or any other number is finite."""
    if isinstance(number, int):
        return INT64.min <= number <= INT64.max
    return math.isfinite(number.real) and math.isfinite(number.imag)


def misfit(number: complex, word: str, place: object, origin: Origin) -> InputError:
    """Return the error for a `number`, spelled `word`, that does not fit."""
    values = {"origin": origin, "word": shown(word, 30), "place": place}
    if isinstance(number, int):
        return InputError(
            "{origin}: {word} ({place}) does not fit in 64 bits, where integers end at "
            "{limit}; write it as a float, such as 1e20",
            limit=INT64.max,
            **values,
        )
    return InputError(
        "{origin}: {word} ({place}) is larger than a float can hold, at most about 1.8e308; "
        "give a smaller number",
        **values,
    )


def _refusal(word: str, place: Place, origin: Origin) -> InputError:
    """Return the error that says best why `word` is not a number."""
    values = {"origin": origin, "word": shown(word, 30), "place": place}
    if not word:
        return InputError(
            "{origin}: {place} is missing: nothing stands between two separators; "
            "write the number, 0 perhaps, or take one separator away",
            **values,
        )
    if _NOT_FINITE.fullmatch(word):
        return InputError(
            '{origin}: "{word}" ({place}) is not taken from text, only finite numbers are; '
            "write a number, or put the array in a .npy file",
            **values,
        )
    minus = word.translate(dict.fromkeys(map(ord, _DASHES), "-"))
    if minus != word and convert(minus) is not None:
        return InputError(
            '{origin}: "{word}" ({place}) has a dash for a minus sign; write {minus}',
            minus=shown(minus, 30),
            **values,
        )
    point = word.replace(",", ".")
    if point != word and convert(point) is not None:
        return InputError(
            '{origin}: "{word}" ({place}) has a decimal comma; write {point}',
            point=shown(point, 30),
            **values,
        )
    return InputError(
        '{origin}: "{word}" ({place}) is not a number; numbers are parted by spaces or commas, '
        "rows by new lines or semicolons",
        **values,
    )
