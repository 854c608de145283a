"""A layer and its numbers in words, for those who work on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepconv.classroom.problem import Problem, Search
from stepconv.classroom.run import Array, Run
from stepconv.language import _
from stepconv.values import by

Lines = tuple[tuple[str, str], ...]


def written(array: Array, between: str = "; ") -> str:
    """Write numbers as they may be typed, without leading axes of length 1.

    A row's numbers have spaces between them, or `between` where it is a comma.

    >>> written(np.array([[[1, 2], [3, 4]]])), written(np.array([13, 7]), ", ")
    ('1 2; 3 4', '13, 7')
    """
    while array.ndim > 1 and len(array) == 1:
        array = array[0]
    if array.ndim == 0:
        return _number(array.item())
    if array.ndim == 1:
        joint = between if between.startswith(",") else " "
        return joint.join(_number(value) for value in array.tolist())
    if array.ndim == 2:
        return between.join(written(row) for row in array)
    return " | ".join(written(part, between) for part in array)


def given(problem: Problem, kind: str) -> Lines:
    """Return the layer that a question is about, as (name, text)."""
    run = problem.run
    lines: list[tuple[str, str]] = []
    if kind in ("size", "shape", "find-padding"):
        lines += _shapes(run, whole=kind == "shape")
    else:
        lines += _numbers(run, kernel=kind != "find-kernel")
    if isinstance(problem, Search):
        label = _("output size") if kind == "find-padding" else _("output")
        lines.append((label, written(problem.seen, ", " if kind == "find-padding" else "; ")))
    options = settings(run, hide=("padding",) if kind == "find-padding" else ())
    return (*lines, (_("settings"), options)) if options else tuple(lines)


def settings(run: Run, hide: tuple[str, ...] = ()) -> str:
    """Return what a layer's constructor would be told, but for the defaults.

    >>> settings(Run(np.ones((1, 1, 4)), np.ones((1, 1, 3)), options={"stride": 2, "padding": 1}))
    'stride 2, padding 1'
    """
    told = {name: value for name, value in run.options.items() if name not in hide}
    words = [_("transposed")] if told.pop("transposed", False) else []
    words += [f"{name} {_value(name, value)}" for name, value in told.items()]
    return _(", ").join(words)


def place(cell: tuple[int, ...], run: Run) -> str:
    """Name an output cell as people count, from 1."""
    _n, channel, *position = cell
    at = [index + 1 for index in position]
    if run.rank == 1:
        name = f"y{at[0]}"
    elif run.rank == 2:
        name = _("the output cell in row {row}, column {column}").format(row=at[0], column=at[1])
    else:
        name = _("the output cell in slice {slice}, row {row}, column {column}").format(
            slice=at[0], row=at[1], column=at[2]
        )
    if run.geometry.out_channels == 1:
        return name
    return _("{place} of output channel {channel}").format(place=name, channel=channel + 1)


def _shapes(run: Run, *, whole: bool) -> Lines:
    if whole:
        return (
            (_("input shape"), f"({', '.join(map(str, run.input.shape))})"),
            (_("weight shape"), f"({', '.join(map(str, run.weight.shape))})"),
        )
    return (
        (_("input size"), by(run.input.shape[2:])),
        (_("kernel size"), by(run.weight.shape[2:])),
    )


def _numbers(run: Run, *, kernel: bool) -> Lines:
    lines = []
    image = run.input.reshape(run.geometry.in_channels, *run.geometry.input_size)
    for number, channel in enumerate(image, 1):
        label = _("input") if len(image) == 1 else _("input channel {k}").format(k=number)
        lines.append((label, _block(channel)))
    if kernel:
        lines += _kernels(run)
    if run.bias is not None:
        lines.append((_("bias"), written(run.bias)))
    return tuple(lines)


def _kernels(run: Run) -> Lines:
    first, second = run.weight.shape[:2]
    if first * second == 1:
        return ((_("kernel"), _block(run.weight[0, 0])),)
    lines = []
    for i, j in np.ndindex(first, second):
        if run.transposed:
            name = _("kernel from channel {first} to {second}").format(
                first=i + 1, second=_out_channel(run, i, j) + 1
            )
        elif second == 1:
            name = _("kernel {k}").format(k=i + 1)
        else:
            name = _("kernel {k}, its channel {c}").format(k=i + 1, c=j + 1)
        lines.append((name, _block(run.weight[i, j])))
    return tuple(lines)


def _out_channel(run: Run, in_channel: int, number: int) -> int:
    geometry = run.geometry
    return in_channel // geometry.group_inputs * geometry.group_outputs + number


def _block(array: Array) -> str:
    """Write a grid as a grid: a line for each row, a blank one between slices."""
    if array.ndim < 2:
        return written(array)
    return ("\n" if array.ndim == 2 else "\n\n").join(_block(part) for part in array)


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(name: str, value: Any) -> str:
    if name == "padding" and isinstance(value, tuple) and len(value) == 1:
        before, after = value[0]
        return _("{before} before, {after} after").format(before=before, after=after)
    return str(value)
