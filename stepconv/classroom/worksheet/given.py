"""What a question gives: the description of its layer, and its arrays as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.classroom.run import Run
from stepconv.classroom.worksheet.page import Beside, Block, Grid, Paragraph
from stepconv.classroom.worksheet.parts import is_of_sizes
from stepconv.classroom.worksheet.question import Question
from stepconv.language import _

Array = NDArray[Any]

_USUAL = {"dilation": 1, "groups": 1, "padding_mode": "zeros", "output_padding": 0}


def layer_text(run: Run) -> str:
    """Describe a layer in a line: its function, and its settings where they matter.

    >>> layer_text(Run(np.ones((1, 1, 4)), np.ones((1, 1, 3)), options={"padding": 1}))
    'conv1d: stride 1, padding 1'
    """
    told = {"stride": 1, "padding": 0, **run.options}
    told = {
        name: _one(value)
        for name, value in told.items()
        if name != "transposed" and _one(value) != _USUAL.get(name)
    }
    settings = _(", ").join(f"{name} {value}" for name, value in told.items())
    return _("{function}: {settings}").format(function=run.spec.name, settings=settings)


def given_blocks(question: Question) -> Iterator[Block]:
    """Tell what a question gives."""
    run = question.problem.run
    yield Paragraph(layer_text(run))
    if is_of_sizes(question.problem):
        yield Paragraph(
            _("input {input}, weight {weight}").format(
                input=run.input.shape, weight=run.weight.shape
            )
        )
        return
    given = grids(run.input, run.rank, _("input"), _("channel {number}")) + kernels(run)
    if run.bias is not None:
        given.append(Grid((texts(run.bias),), title=_("bias, one number for each output channel")))
    yield tables(given)


def grids(array: Array, rank: int, title: str, row: str, skip: int = 0) -> list[Grid]:
    """Return (…, channels, *spatial) as tables of their last two axes.

    Parameters
    ----------
    array : ndarray
    rank : int
        Axes that are spatial. A rank-1 array has a row for each channel.
    title : str
        What it is.
    row : str
        What to call a channel, with ``{number}`` in it.
    skip : int
        The number of the first channel, from 0.
    """
    numbers = array.reshape((-1, *array.shape[-rank - 1 :]))[0]
    several = len(numbers) > 1
    names = [row.format(number=skip + k + 1) for k in range(len(numbers))]
    if rank == 1:
        rows = tuple(texts(line) for line in numbers)
        return [Grid(rows, title=title, labels=tuple(names) if several else ())]
    found = []
    for name, channel in zip(names, numbers, strict=True):
        for depth, plane in enumerate(channel if rank == 3 else channel[None]):
            words = [title] + [name] * several
            words += [_("depth {number}").format(number=depth + 1)] * (rank == 3)
            rows = tuple(texts(line) for line in plane)
            found.append(Grid(rows, title=_(", ").join(words)))
    return found


def kernels(run: Run) -> list[Grid]:
    """Return the weight as tables, one kernel after the other."""
    found = []
    first, row = _("kernel for output channel {number}"), _("input channel {number}")
    if run.transposed:
        first, row = _("kernel of input channel {number}"), _("output channel {number}")
    share = run.weight.shape[1]
    for number, kernel in enumerate(run.weight):
        title = first.format(number=number + 1) if len(run.weight) > 1 else _("kernel")
        block = number // (len(run.weight) // run.groups)
        found += grids(kernel, run.rank, title, row, skip=block * share)
    return found


def tables(grids: list[Grid]) -> Block:
    """Set several tables beside one another."""
    return grids[0] if len(grids) == 1 else Beside(tuple(grids))


def texts(line: Array) -> tuple[str, ...]:
    """Return numbers as texts, in one row.

    >>> texts(np.array([1.0, -2.5]))
    ('1', '-2.5')
    """
    return tuple(f"{float(value):.10g}" for value in np.reshape(line, -1))


def _one(value: Any) -> Any:
    """Return values for each axis as one where they are alike."""
    if isinstance(value, tuple | list) and value and all(one == value[0] for one in value):
        return _one(value[0])
    return value
