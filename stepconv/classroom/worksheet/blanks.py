"""Empty tables to write in: large enough for every usual mistake, so that they tell no size."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from stepconv.classroom.run import Run
from stepconv.classroom.worksheet.given import tables
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
        yield from _empty(run.weight.shape[1], run.weight.shape[2:], run.rank, part.title)
    elif part.code == "padded":
        yield from _empty(run.input.shape[-run.rank - 1], _room(run, laid_out=True), run.rank)
    else:
        channels = len(run.weight)
        if run.transposed:
            channels = run.weight.shape[1] * run.groups
        yield from _empty(channels, _room(run), run.rank)


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


def _empty(channels: int, sizes: tuple[int, ...], rank: int, title: str = "") -> Iterator[Block]:
    rows, columns = (channels, sizes[0]) if rank == 1 else (sizes[-2], sizes[-1])
    number = 1 if rank == 1 else channels * prod(sizes[:-2])
    if columns > WIDEST or rows * columns * number > MOST_CELLS:
        for _number in range(4):
            yield Line("")
        return
    empty = (("",) * columns,) * rows
    yield tables([Grid(empty, title=title)] * number)


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
