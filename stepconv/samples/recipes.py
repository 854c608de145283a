"""The arrays of ``data/samples.toml``: listed there, named there, or made by a recipe here."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@cache
def data() -> dict[str, Any]:
    """Return all that the file of samples says."""
    with open(Path(__file__).parents[1] / "data" / "samples.toml", "rb") as stream:
        return tomllib.load(stream)


def array_of(entry: Any) -> Array:
    """Return the read-only array that an entry lists, names, or has a recipe for."""
    if isinstance(entry, str):
        tables = data()
        return array_of((tables["inputs"] | tables["kernels"])[entry]["array"])
    if isinstance(entry, dict):
        array = _RECIPES[entry["recipe"]](entry.get("size", ()))
    else:
        array = np.array(entry)
    array.flags.writeable = False
    return array


def _ramp(size: Sequence[int]) -> Array:
    return np.arange(1, math.prod(size) + 1).reshape(size)


def _digits(size: Sequence[int]) -> Array:
    """Digits that never repeat within a 3x3 or a 2x2x2 window."""
    steps = (5, 1, 3)[-len(size) :]
    ramps = np.indices(size).reshape(len(size), -1)
    return ((np.array(steps) @ ramps + 1) % 10).reshape(size)


def _step(size: Sequence[int]) -> Array:
    return np.broadcast_to(np.arange(size[-1]) >= size[-1] // 2, size).astype(np.int64)


def _impulse(size: Sequence[int]) -> Array:
    array = np.zeros(size, np.int64)
    array[tuple(length // 2 for length in size)] = 1
    return array


def _binomial(size: Sequence[int]) -> Array:
    """Products of binomial coefficients, the integers nearest to a Gaussian's shape."""
    rows = [np.array([math.comb(length - 1, k) for k in range(length)]) for length in size]
    product: Array = reduce(np.multiply.outer, rows)
    return product


def _sentences(_size: Sequence[int]) -> Array:
    """The article's words, the parts of a word vector moved to the channel axis."""
    return np.moveaxis(np.array(data()["article"]["words"]), -1, 1)


def _recovered(_size: Sequence[int]) -> Array:
    """The weights the article does not print, from its input and output by least squares.

    Each output channel has 24 equations in 6 unknowns; what remains is rounding.
    """
    words = _sentences(())
    output = np.array(data()["article"]["output"])
    length = words.shape[-1] - output.shape[-1] + 1
    windows = np.lib.stride_tricks.sliding_window_view(words, length, axis=-1)
    equations = np.moveaxis(windows, 2, 1).reshape(-1, words.shape[1] * length)
    results = np.moveaxis(output, 1, -1).reshape(-1, output.shape[1])
    weight: Array = np.linalg.lstsq(equations, results, rcond=None)[0]
    return weight.T.reshape(output.shape[1], words.shape[1], length)


_RECIPES: Mapping[str, Callable[[Sequence[int]], Array]] = {
    "ramp": _ramp,
    "digits": _digits,
    "ones": lambda size: np.ones(size, np.int64),
    "average": lambda size: np.full(size, 1 / math.prod(size)),
    "step": _step,
    "impulse": _impulse,
    "binomial": _binomial,
    "sentences": _sentences,
    "recovered": _recovered,
}
