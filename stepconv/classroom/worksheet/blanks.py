"""Empty tables to write in: large enough for every usual mistake, so that they tell no size."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from stepconv.classroom.run import Run
from stepconv.classroom.worksheet.given import grids, tables
from stepconv.classroom.worksheet.page import Block, Grid, Line
from stepconv.classroom.worksheet.parts import SIZES, Part
from stepconv.language import _

WIDEST, HIGHEST, MOST_CELLS, MOST_COLUMNS = 16, 16, 320, 12
"""Cells across 180 mm of paper; rows of a table; cells of all tables of one part; placements."""


def blanks(run: Run, part: Part) -> Iterator[Block]:
    """Return where to write the answer to a part."""
    if part.code in SIZES:
        batch = [_("samples"), _("channels")] if part.code == "shape" else []
        for name in [*batch, *axis_names(run.rank)]:
            yield Line(_("{name}:").format(name=name))
        return
    if part.code in ("products", "stamp"):
        if part.code == "products" and run.rank == 1 and run.input.shape[-2] == 1:
            yield _hand_table(run)
        yield from _empty(run.weight.shape[1:], run.rank, part.title, always=True)
    elif part.code == "padded":
        channels = run.input.shape[-run.rank - 1]
        yield from _empty((channels, *_room(run, laid_out=True)), run.rank, part.title)
    else:
        channels = len(run.weight)
        if run.transposed:
            channels = run.weight.shape[1] * run.groups
        yield from _empty((channels, *_room(run)), run.rank, part.title)


def axis_names(rank: int) -> list[str]:
    """Name the axes along which a kernel moves.

    >>> axis_names(2)
    ['rows', 'columns']
    """
    if rank == 1:
        return [_("length")]
    return [_("depth"), _("rows"), _("columns")][-rank:]


def _room(run: Run, *, laid_out: bool = False) -> tuple[int, ...]:
    """Return sizes beyond those that any usual mistake comes to, from what everyone sees."""
    room = []
    for axis in run.geometry.axes:
        size = axis.input_size + 2 * max(axis.pad) + 2
        if axis.transposed:
            size = axis.input_size * axis.stride + axis.span + axis.output_padding + 1
        limit = HIGHEST if laid_out or run.rank == 1 else size
        room.append(min(size, limit))
    return tuple(room)


def _empty(
    shape: tuple[int, ...], rank: int, title: str, *, always: bool = False
) -> Iterator[Block]:
    """Yield tables of (channels, *spatial), with titles where there are several, or `always`."""
    columns = shape[-1]
    if columns > WIDEST or prod(shape) > MOST_CELLS:
        for _number in range(4):
            yield Line("")
        return
    found = grids(np.zeros(shape), rank, title, _("channel {number}"))
    titled = always or len(found) > 1
    yield tables(
        [
            Grid((("",) * columns,) * len(grid.rows), title=grid.title if titled else "")
            for grid in found
        ]
    )


def _hand_table(run: Run) -> Block:
    """Return the table of products: a row for each laid-out cell, a column for each placement."""
    (rows,), columns = _room(run, laid_out=True), min(_room(run)[0], MOST_COLUMNS)
    return Grid(
        (("",) * columns,) * rows,
        title=_(
            "room to work: a row for each cell of the padded input, a column for each placement;"
            " leave empty what you do not need"
        ),
        heads=tuple(str(number + 1) for number in range(columns)),
        low=True,
    )
