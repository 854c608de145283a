"""Hints, worked out of the layer itself: each says a little more, the last nearly all."""

from __future__ import annotations

import numpy as np

from stepconv.classroom.problem import Search
from stepconv.classroom.questions.wording import place, written
from stepconv.classroom.run import Run
from stepconv.classroom.topics.searches import with_padding
from stepconv.language import _

Cell = tuple[int, ...]
Hints = tuple[str, ...]


def of_sums(run: Run, cell: Cell) -> Hints:
    """Return hints towards the value of one output cell."""
    if run.transposed:
        return _of_stamps(run, cell)
    values = run.trace.at(*cell)
    lies = _("It lies on {values}.").format(values=written(values.values))
    return (*_laid_out(run), _beginning(run, cell), lies, _products(run, cell))


def of_row(run: Run) -> Hints:
    """Return hints towards the whole output, worked on its first cell."""
    sizes = ", ".join(axis.formula() for axis in run.geometry.axes)
    return (
        _("First the size: {formula}.").format(formula=sizes),
        *of_sums(run, (0,) * (run.rank + 2)),
    )


def of_window(run: Run, cell: Cell) -> Hints:
    """Return hints towards what lies under the kernel at one placement."""
    steps = (
        _("From placement to placement the kernel moves {stride} on, the stride.").format(
            stride=", ".join(map(str, run.stride))
        ),
        _("From tap to tap it is {dilation}, the dilation.").format(
            dilation=", ".join(map(str, run.dilation))
        ),
    )
    return (*_laid_out(run), *steps, _beginning(run, cell))


def of_size(run: Run) -> Hints:
    """Return hints towards the size of the output."""
    letters = (
        "(i − 1)·s − 2p + d·(k − 1) + output_padding + 1"
        if run.transposed
        else "⌊(i + 2p − d·(k − 1) − 1) / s⌋ + 1"
    )
    filled = ", ".join(axis.formula().rsplit(" = ", 1)[0] for axis in run.geometry.axes)
    hints = [
        _("The size along each axis is {formula}.").format(formula=letters),
        _("With the numbers: {formula}.").format(formula=filled),
    ]
    if not run.transposed:
        room = [axis.layout_size - axis.span for axis in run.geometry.axes]
        quotients = ", ".join(
            f"⌊{cells} / {stride}⌋ + 1" for cells, stride in zip(room, run.stride, strict=True)
        )
        hints.append(_("That is {quotients}.").format(quotients=quotients))
    else:
        starts = [(axis.input_size - 1) * axis.stride for axis in run.geometry.axes]
        text = _("The last stamp begins after {start} cells and covers {span}; then it is cropped.")
        spans = ", ".join(str(axis.span) for axis in run.geometry.axes)
        hints.append(text.format(start=", ".join(map(str, starts)), span=spans))
    return tuple(hints)


def of_shape(run: Run) -> Hints:
    """Return hints towards the whole shape."""
    return (
        _("The output has as many axes as the input: (N, C_out, …)."),
        _("N stays, {batch}; there is one output channel for each kernel, {channels}.").format(
            batch=run.geometry.output_shape[0], channels=run.geometry.out_channels
        ),
        *of_size(run),
    )


def of_padding(search: Search) -> Hints:
    """Return hints towards the padding that leads to a size."""
    bare = search.read(search.run.changed(padding=0))
    wanted = int(search.answer)
    less = with_padding(search.run, np.asarray(wanted - 1))
    hints = [_("padding p adds p cells before and p after: 2p along each axis.")]
    if bare is not None:
        hints.append(_("Without padding the size is {size}.").format(size=written(bare, ", ")))
    found = None if less is None else search.read(less)
    if found is not None and not search.same(found, search.seen):
        text = _("With padding {padding} it is {size}; that is not enough.")
        hints.append(text.format(padding=wanted - 1, size=written(found, ", ")))
    return tuple(hints)


def of_kernel(search: Search) -> Hints:
    """Return hints towards the kernel: one equation for each output cell."""
    run = search.run
    hints = [_("Each output number is the sum of the window's numbers times the kernel's.")]
    for output in range(min(run.geometry.output_size[0], 2)):
        values = run.trace.at(0, 0, output).values.reshape(-1).tolist()
        sides = " + ".join(_times(value, f"w{k}") for k, value in enumerate(values, 1))
        result = run.output.reshape(-1)[output]
        hints.append(_("y{k}: {sum} = {result}.").format(k=output + 1, sum=sides, result=result))
    first = run.weight.reshape(-1)[0]
    hints.append(_("Solve for one weight at a time. The first is {first}.").format(first=first))
    return tuple(hints)


def _laid_out(run: Run) -> Hints:
    if not any(map(any, run.padding)):
        return ()
    rows = run.padded.reshape(run.geometry.in_channels, *run.padded.shape[-run.rank :])
    if len(rows) == 1:
        return (_("Write down the padded input first: {row}.").format(row=written(rows)),)
    text = _("Write down the padded input first; its first channel is {row}.")
    return (text.format(row=written(rows[0])),)


def _beginning(run: Run, cell: Cell) -> str:
    windows = run.trace.at(*cell).windows
    text = (
        _("For {place} the kernel begins at cell {start} of the padded input, counted from 1.")
        if any(map(any, run.padding))
        else _("For {place} the kernel begins at cell {start} of the input, counted from 1.")
    )
    start = ", ".join(str(int(window[0]) + 1) for window in windows)
    return text.format(place=place(cell, run), start=start)


def _products(run: Run, cell: Cell) -> str:
    products = written(run.products(cell).reshape(-1))
    if run.bias is None:
        return _("The products are {products}; add them.").format(products=products)
    bias = int(run.bias[cell[1]])
    return _("The products are {products}; add them, and the bias {bias}.").format(
        products=products, bias=bias
    )


def _of_stamps(run: Run, cell: Cell) -> Hints:
    first = run.input.reshape(run.geometry.in_channels, -1)[0, 0]
    stamp = written(run.weight[0, 0] * first)
    stride = ", ".join(map(str, run.stride))
    terms = [term for term in run.trace.at(*cell).terms if term.input is not None]
    meeting = " + ".join(_times(term.value, term.weight) for term in terms) or "0"
    hints = [
        _("Each input number stamps the kernel, times itself; the first stamp is {stamp}.").format(
            stamp=stamp
        ),
        _("The next stamp lies {stride} further on. Where stamps overlap, add.").format(
            stride=stride
        ),
    ]
    if any(map(any, run.padding)):
        crops = ", ".join(f"{before} + {after}" for before, after in run.padding)
        text = _("The padding is cut off both ends at last: {crops} cells.")
        hints.append(text.format(crops=crops))
    if run.bias is not None:
        hints.append(_("Then each number gets the bias {bias}.").format(bias=written(run.bias)))
    last = _("For {place} these meet: {sum}.").format(place=place(cell, run), sum=meeting)
    return (*hints, last)


def _times(one: int, other: int | str) -> str:
    """Write a product, in brackets what is negative."""
    factors = (f"({x})" if isinstance(x, int) and x < 0 else str(x) for x in (one, other))
    return "·".join(factors)
