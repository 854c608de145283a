"""How answers are written: numbers with blanks, rows with semicolons, blocks with bars.

A ``?`` stands for a number that is not answered, and is NaN in an array.
"""

from __future__ import annotations

import re
import unicodedata
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.errors import InputError
from stepconv.files import shown

Array = NDArray[Any]

MOST_NUMBERS, LONGEST = 4096, 40_000
"""Numbers, and characters, of one answer."""

OPEN = "?"
"""What is written for a number that is not answered."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})")
_SAME = str.maketrans({"−": "-", "–": "-", "、": ",", "；": ";", "｜": "|", "，": ",", "。": "."})


def written(value: Array) -> str:
    """Write numbers as an answer file holds them.

    >>> written(np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]))
    '1 2; 3 4 | 5 6; 7 8'
    """
    array = np.asarray(value)
    while array.ndim > 1 and len(array) == 1:
        array = array[0]
    if array.ndim > 3:
        array = array.reshape(-1, *array.shape[-2:])
    if array.ndim == 3:
        return " | ".join(written(block) for block in array)
    if array.ndim == 2:
        return "; ".join(written(row) for row in array)
    numbers = (float(number) for number in array.reshape(-1))
    return " ".join(OPEN if isnan(number) else f"{number:.10g}" for number in numbers)


def read_answer(value: Any) -> Array | None:
    """Read an answer: text as above, a number, or lists of numbers; None where it is empty.

    Whole numbers give integers, so that 2 and 2.0 are the same answer. One of ``?`` alone is
    empty.

    Raises
    ------
    InputError
        Where it is not made of numbers, or its rows differ in length.

    Examples
    --------
    >>> read_answer("1 2; 3 −4").tolist(), read_answer([1.0, 2]).tolist(), read_answer(" ")
    ([[1, 2], [3, -4]], [1, 2], None)
    >>> read_answer("1 ? 3").tolist(), read_answer("? ?")
    ([1.0, nan, 3.0], None)
    """
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, str):
        return _unless_open(_from_text(value))
    if isinstance(value, list):
        return _unless_open(_array(_from_list(value, 0)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _array([_number(value)])
    raise InputError(
        "{value} is neither numbers nor text with numbers; write them as in 1 2; 3 4",
        value=shown(str(value)),
    )


def _unless_open(answer: Array | None) -> Array | None:
    """Return an answer, None where it has no number."""
    if answer is None or (answer.size and np.isnan(answer).all()):
        return None
    return answer


def _from_text(text: str) -> Array | None:
    if len(text) > LONGEST:
        raise InputError(
            "the answer has {count} characters; at most {most} are read",
            count=len(text),
            most=LONGEST,
        )
    plain = unicodedata.normalize("NFKC", text.translate(_SAME)).strip()
    plain = re.sub(r"[\[\](){}]", " ", re.sub(r"\]\s*,?\s*\[", ";", plain)).strip()
    blocks = [rows for rows in map(_rows, plain.split("|")) if rows]
    if not blocks:
        return None
    if len(blocks) > 1:
        return _array(blocks)
    return _array(blocks[0] if len(blocks[0]) > 1 else blocks[0][0])


def _rows(block: str) -> list[list[float]]:
    lines = (line.strip(" ,\t\r") for line in re.split(r"[;\n]", block))
    return [[_word(word) for word in re.split(r"[\s,]+", line)] for line in lines if line]


def _word(word: str) -> float:
    if word in (OPEN, "？"):
        return nan
    if not _NUMBER.fullmatch(word):
        raise InputError(
            '"{word}" is not a number; write numbers with blanks between them, as in 1 2; 3 4',
            word=shown(word),
        )
    return float(word)


def _from_list(value: Any, depth: int) -> Any:
    if not isinstance(value, list):
        return _word(value.strip()) if isinstance(value, str) else _number(value)
    if depth > 5 or len(value) > MOST_NUMBERS:
        raise InputError("the answer's lists are too deep or too long")
    return [_from_list(one, depth + 1) for one in value]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError("{value} is not a number", value=shown(str(value)))
    if not abs(value) < 1e15:  # nan is not, either
        raise InputError("{value} is no number that can be an answer", value=shown(str(value)[:40]))
    return float(value)


def _array(numbers: Any) -> Array:
    try:
        array = np.array(numbers, dtype=np.float64)
    except ValueError:
        raise InputError("the rows of the answer are not all of one length") from None
    if array.size > MOST_NUMBERS:
        raise InputError(
            "the answer has {count} numbers; at most {most} are read",
            count=array.size,
            most=MOST_NUMBERS,
        )
    whole = np.trunc(array)
    return whole.astype(np.int64) if np.array_equal(whole, array) else array
