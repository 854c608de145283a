"""Figures: how the numbers of one trace are written, the same in all its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from stepconv.record import Trace
from stepconv.views.parts.numbers import Formatter, formatter

LARGEST_SAMPLE = 2**16
"""Numbers of one array that are looked at; of more, some."""


@dataclass(frozen=True)
class Figures:
    """Formatters of a trace's inputs, weights and results, and the widths they need.

    Found from whole arrays, or samples of very large ones, so that nothing jumps from one
    step to the next.
    """

    value: Formatter
    weight: Formatter
    result: Formatter
    value_width: int
    weight_width: int
    product_width: int
    result_width: int


def figures(trace: Trace) -> Figures:
    """Return the figures of `trace`, worked out once.

    >>> from stepconv import trace
    >>> mine = figures(trace([[1, 2, 30]], [[[0.5, 1]]]))
    >>> mine.value(2.0), mine.value_width, mine.result(1.0), mine.result_width
    ('2', 2, '1.0', 4)
    """
    if trace not in _KNOWN:
        _KNOWN[trace] = _figures(trace)
    return _KNOWN[trace]


def subtotals(trace: Trace, cell: int | slice = slice(None)) -> Any:
    """Add up the products of each input channel, for one row of the record or for all."""
    geometry, products = trace.geometry, trace.products[cell]
    taps = geometry.terms // geometry.group_inputs
    split = products.reshape(*products.shape[:-1], geometry.group_inputs, taps)
    with np.errstate(all="ignore"):
        return split.sum(axis=-1, dtype=split.dtype)


def factor(text: str) -> str:
    """Put `text` in parentheses where a product would misread it: complex numbers."""
    return f"({text})" if text.endswith("j") else text


def plus(text: str) -> str:
    """Write `text` as what is added: ``+ 3``, ``- 3``."""
    if text.endswith("j") or not text.startswith("-"):
        return f"+ {factor(text)}"
    return f"- {text[1:]}"


_KNOWN: WeakKeyDictionary[Trace, Figures] = WeakKeyDictionary()


def _figures(trace: Trace) -> Figures:
    inputs, weights = _sample(trace.input), _sample(trace.weight)
    value, weight = formatter(inputs), formatter(weights)
    results = [trace.products, trace.sums, trace.bias, trace.batched_output]
    if trace.geometry.group_inputs > 1:
        results.append(subtotals(trace))
    results = [_sample(array) for array in results]
    if trace.order == "scatter":  # what is cropped is shown, but not recorded
        results[0] = np.concatenate([results[0], _largest(inputs, weights)])
    result = formatter(*results)
    return Figures(
        value,
        weight,
        result,
        _widest(value, inputs),
        _widest(weight, weights),
        _widest(result, results[0]),
        max(_widest(result, array) for array in results),
    )


def _sample(array: Any) -> Any:
    """Return all numbers of an array or, of very many, some at even distances and the extremes."""
    flat = array.reshape(-1)
    if flat.size <= LARGEST_SAMPLE:
        return flat
    parts = [flat.real, flat.imag] if array.dtype.kind == "c" else [flat]
    ends = [[end.reduce(part) for part in parts] for end in (np.fmin, np.fmax)]
    corners = [complex(*end) if len(end) == 2 else end[0] for end in ends]
    step = -(-flat.size // LARGEST_SAMPLE)
    return np.concatenate([flat[::step], np.array(corners, dtype=flat.dtype)])


def _largest(inputs: Any, weights: Any) -> Any:
    """Return products that no other product of inputs and weights is longer than."""
    with np.errstate(all="ignore"):
        finite = [array[np.isfinite(array)] for array in (inputs, weights)]
        if inputs.dtype.kind == "c":
            peak = np.prod([np.abs(array).max(initial=0) for array in finite])
            return np.array([-peak - 1j * peak], dtype=inputs.dtype)
        ends = [[array.min(), array.max()] if array.size else [0] for array in finite]
        return np.multiply.outer(*ends).reshape(-1).astype(inputs.dtype)


def _widest(write: Formatter, array: Any) -> int:
    """Return the width of the longest number: of the least or the greatest, or not finite."""
    parts = [array.real, array.imag] if array.dtype.kind == "c" else [array]
    ends: list[list[Any]] = []
    for part in parts:
        finite = part[np.isfinite(part)]
        odd = part[~np.isfinite(part)]
        ends.append([*([finite.min(), finite.max()] if finite.size else []), *odd[:1]])
        if np.isneginf(odd).any():
            ends[-1].append(-np.inf)
    samples = [complex(*pair) for pair in product(*ends)] if len(parts) == 2 else ends[0]
    return max((len(factor(write(sample))) for sample in samples), default=1)
