"""Answers: what a learner types, and what an expression comes to, as arrays to compare.

=========  ==========================================================================
number     one number: ``7``, ``-2.5``, ``1/3``
numbers    a row, or rows: ``2 3 3 2``, ``1 2; 3 4``; leading axes of length 1 are left out
shape      whole numbers in their order: ``3, 32, 63``, ``(3, 32, 63)``, ``3x32x63``
set        numbers in any order, each once: ``5, 7``; ``none`` for no number
=========  ==========================================================================

Whole numbers must be exact. Others are right within half a unit of the last of the
question's `decimals`, and without them within a millionth of the answer's size.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.arrays.origin import Origin
from stepconv.arrays.text import parse_text
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _

Array = NDArray[Any]

KINDS = ("number", "numbers", "shape", "set", "choice")

NEAR = 1e-6
"""How far a number that is not whole may lie from the right one, relative to its size."""

_FULL_WIDTH = str.maketrans(
    {0xFF01 + k: chr(0x21 + k) for k in range(94)} | {"　": " ", "、": ",", "−": "-", "×": "x"}
)
_FRACTION = re.compile(r"(?<![\w./])([+-]?\d{1,15}(?:\.\d+)?)\s*/\s*(\d{1,15}(?:\.\d+)?)(?![\w./])")
_EMPTY = ("none", "no", "-", "{}", "[]", "()", "∅", "无", "没有", "空")


def bare(array: NDArray[Any]) -> NDArray[Any]:
    """Leave out the leading axes of length 1, but not the last axis.

    >>> bare(np.ones((1, 1, 4))).shape, bare(np.ones((1, 2, 1))).shape, bare(np.ones((1, 1))).shape
    ((4,), (2, 1), (1,))
    """
    while array.ndim > 1 and len(array) == 1:
        array = array[0]
    return array


def canonical(kind: str, value: Any) -> Array:
    """Return what an expression comes to as answers of a kind are compared.

    >>> canonical("number", np.array([[7]])), canonical("set", [3, 1, 3])
    (array(7), array([1, 3]))
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError("the rows of this are not all of one length") from None
    if array.dtype.kind not in "biufc":
        if array.size:
            raise InputError("this is {value}, no number", value=shown(str(value)))
        array = array.astype(np.int64)
    if kind == "number" and array.size != 1:
        raise InputError(
            "this has the shape {shape}, and the question is for one number; say which, or make"
            ' its kind "numbers"',
            shape=array.shape,
        )
    if kind == "shape" and (array.ndim != 1 or array.dtype.kind not in "iu"):
        raise InputError("this is {value}, which is no shape", value=shown(str(value)))
    if kind == "number":
        return array.reshape(())
    return np.unique(array) if kind == "set" else bare(np.atleast_1d(array))


def read_answer(kind: str, text: str) -> Array:
    """Return what a learner typed, as answers of a kind are compared.

    >>> read_answer("number", "1/3"), read_answer("shape", "（3，32，63）")
    (array(0.33333333), array([ 3, 32, 63]))
    >>> read_answer("set", "7 5"), read_answer("set", "none").size
    (array([5, 7]), 0)

    Raises
    ------
    InputError
        Saying what cannot be read, and how it is written.
    """
    words = text.translate(_FULL_WIDTH).strip()
    if kind == "shape":
        return _shape(words)
    if kind == "set":
        if words.lower() in _EMPTY:
            return np.array([], np.int64)
        words = words.strip("{}")
    array = parse_text(_FRACTION.sub(_quotient, words), Origin(_("your answer")))
    if kind == "number" and array.size != 1:
        raise InputError("your answer has {count} numbers; one is asked for", count=array.size)
    return canonical(kind, array)


def same(one: Array, other: Array, decimals: int | None = None) -> bool:
    """Whether two answers are one.

    >>> same(np.array(0.33), np.array(1 / 3), decimals=2), same(np.array(0.33), np.array(1 / 3))
    (True, False)
    """
    if one.shape != other.shape:
        return False
    if decimals is not None:
        room = 0.5 * 10.0**-decimals * (1 + 1e-9)
    elif one.dtype.kind in "biu" and other.dtype.kind in "biu":
        return bool(np.array_equal(one, other))
    else:
        room = NEAR * float(np.abs(other).max(initial=0))
    return bool((np.abs(one - other) <= room).all())


def _shape(words: str) -> Array:
    sizes = re.split(r"[\s,x*]+", words.strip("()[]{} ,"))
    if not all(re.fullmatch(r"\d{1,9}", size) for size in sizes):
        raise InputError(
            'your answer "{text}" is no shape; a shape is whole numbers such as {example}',
            text=shown(words),
            example="3, 32, 63",
        )
    return np.array([int(size) for size in sizes])


def _quotient(found: re.Match[str]) -> str:
    if float(found[2]) == 0:
        raise InputError("your answer divides by 0: {text}", text=found[0])
    value = float(found[1]) / float(found[2])
    return str(int(value)) if value.is_integer() else repr(value)
