"""Follow-through: what an answer should be, going by what the student wrote before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.classroom.run import Run
from stepconv.classroom.worksheet.parts import Index, Part
from stepconv.errors import StepconvError

Array = NDArray[Any]
Codes = tuple[str, ...]
Step = tuple[Codes, Array]


@dataclass(frozen=True, eq=False)
class Base:
    """A run from which later parts may follow.

    Attributes
    ----------
    run : Run
    parts : tuple of str
        The earlier part that led to it; () for the right run.
    mistakes : tuple of str
        The mistakes that explain that part, where they do.
    """

    run: Run
    parts: Codes = ()
    mistakes: Codes = ()


@dataclass(frozen=True, eq=False)
class Candidate:
    """An answer that follows from earlier parts.

    Attributes
    ----------
    value : ndarray
    parts : tuple of str
        The earlier, wrong parts that it follows from.
    base : Base
    """

    value: Array
    parts: Codes
    base: Base


@dataclass(frozen=True, eq=False)
class Wrong:
    """An earlier part that was not right, with the answer to it."""

    part: Part
    answer: Array


def value_of(part: Part, run: Run) -> Array | None:
    """Return what a part reads off a run; None where the run has no such thing."""
    try:
        return np.asarray(part.asked(run))
    except (StepconvError, IndexError):
        return None


def aligned(answer: Array, like: Array) -> Array:
    """Return an answer in the shape of `like`, where that is a matter of writing alone.

    Axes of length 1 may be left out, and everything may be written in one row.

    >>> aligned(np.array([1, 2]), np.array([[[0], [0]]])).shape
    (1, 2, 1)
    """
    # Of more than three axes the last two are rows and columns, and the rest blocks in a row.
    folded = like.reshape(-1, *like.shape[-2:]) if like.ndim > 3 and like.size else like
    in_one_row = answer.ndim == 1 and answer.size == like.size
    alike = _without_ones(answer) in (_without_ones(like), _without_ones(folded))
    return answer.reshape(like.shape) if alike or in_one_row else answer


def _without_ones(array: Array) -> tuple[int, ...]:
    return tuple(size for size in array.shape if size != 1)


def after_padded(run: Run, padded: Array) -> Base | None:
    """Return the run that goes on from a padded input as the student wrote it.

    None where it is no input that was padded: from nothing but zeros all would follow.
    """
    shaped = _with_channels(padded, run.rank, run.input.shape[-run.rank - 1])
    given = run.input.reshape((-1, *run.input.shape[-run.rank - 1 :]))[0]
    if shaped is None or not _holds(shaped, given):
        return None
    image = shaped[None] if run.input.ndim == run.rank + 2 else shaped
    base = Base(run.changed(input=image, padding=0, padding_mode="zeros"), ("padded",))
    return base if value_of(Part("size"), base.run) is not None else None


def _holds(padded: Array, given: Array) -> bool:
    """Whether half of the input stands somewhere in what was written, side by side."""
    pads = [(0, 0), *((size // 2, size // 2) for size in given.shape[1:])]
    framed = np.pad(padded.astype(float), pads, constant_values=np.nan)
    if any(size > room for size, room in zip(given.shape, framed.shape, strict=True)):
        return False
    windows = np.lib.stride_tricks.sliding_window_view(framed, given.shape)
    kept = (windows == given).sum(axis=tuple(range(-given.ndim, 0)))
    return bool(2 * kept.max() >= given.size)


def candidates(
    part: Part, bases: Sequence[Base], wrong: Mapping[str, Wrong]
) -> Iterator[Candidate]:
    """Return the answers to a part that follow from earlier parts which were wrong.

    Parameters
    ----------
    part : Part
    bases : sequence of Base
        The right run first.
    wrong : Mapping
        By their code the earlier parts that were not right.
    """
    for base in bases:
        value = value_of(part, base.run)
        if value is None:
            continue
        if base.parts:
            yield Candidate(value, base.parts, base)
        # A mistake that moves the axes of the output leaves nothing to be worked on with.
        steps = () if base.run.finish else _worked_on(part, base.run, value, wrong)
        for parts, other in steps:
            yield Candidate(other, (*base.parts, *parts), base)


def _worked_on(part: Part, run: Run, value: Array, wrong: Mapping[str, Wrong]) -> Iterator[Step]:
    """Take what was written as the step before this one."""
    if part.code in ("size", "shape"):
        for parts, sizes in _sizes(run, wrong):
            yield parts, np.concatenate([value.reshape(-1)[: -run.rank], sizes])
    if part.code in ("sums", "output") and "products" in wrong:
        yield from _with_products(part, run, value, wrong["products"])
    if part.code == "output" and "sums" in wrong:
        before = aligned(wrong["sums"].answer, value)
        if before.shape == value.shape:
            yield ("sums",), before + _bias(run)
    if part.code == "output" and "full" in wrong:
        yield from _cropped(run, wrong["full"].answer)


def _sizes(run: Run, wrong: Mapping[str, Wrong]) -> Iterator[Step]:
    axes = run.geometry.axes
    told = [code for code in ("padded_size", "span", "full_size") if code in wrong]
    own = {code: wrong[code].answer.reshape(-1) for code in told}
    if not told or any(sizes.size != len(axes) for sizes in own.values()):
        return
    found = []
    for k, axis in enumerate(axes):
        if "full_size" in own:
            found.append(own["full_size"][k] - sum(axis.pad) + axis.output_padding)
        else:
            padded = own["padded_size"][k] if "padded_size" in own else axis.layout_size
            span = own["span"][k] if "span" in own else axis.span
            found.append((padded - span) // axis.stride + 1)
    yield tuple(told), np.asarray(found)


def _with_products(part: Part, run: Run, value: Array, products: Wrong) -> Iterator[Step]:
    """Put the sum of the products that were written down where they belong."""
    cell: Index = products.part.cell[-value.ndim :]
    if value.ndim < run.rank + 1 or any(
        k >= size for k, size in zip(cell, value.shape, strict=True)
    ):
        return
    changed = value.astype(np.result_type(value, products.answer))
    changed[cell] = products.answer.sum()
    if part.code == "output" and run.bias is not None:
        changed[cell] += run.bias[products.part.cell[1]]
    yield ("products",), changed


def _cropped(run: Run, full: Array) -> Iterator[Step]:
    """Crop the sums of a transposed convolution, and add the bias."""
    shaped = _with_channels(full, run.rank, run.weight.shape[1] * run.groups)
    if shaped is None:
        return
    for number, axis in enumerate(run.geometry.axes, start=1):
        size = shaped.shape[number] - sum(axis.pad) + axis.output_padding
        if size < 1:
            return
        longer = [(0, 0)] * shaped.ndim
        longer[number] = (0, axis.output_padding)
        kept = np.arange(axis.pad[0], axis.pad[0] + size)
        shaped = np.take(np.pad(shaped, longer), kept, axis=number)
    output = shaped + _bias(run)
    yield ("full",), output[None] if run.input.ndim == run.rank + 2 else output


def _with_channels(array: Array, rank: int, channels: int) -> Array | None:
    """Return what was written as (channels, *spatial), None where it is not that."""
    if array.ndim == rank + 2 and len(array) == 1:
        array = array[0]
    if array.ndim == rank and channels == 1:
        array = array[None]
    fits = array.ndim == rank + 1 and len(array) == channels and array.size
    return array if fits else None


def _bias(run: Run) -> Array:
    """Return the bias, to be added to an output."""
    bias = np.zeros(1, np.int64) if run.bias is None else run.bias
    return bias.reshape(-1, *(1,) * run.rank)
