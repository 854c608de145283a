"""A convolution row by row, in plain loops that a compiler can make vectors of.

What compiled functions call (`stepconv.kernels.inline`) for all but forward float32 and float64,
which `stepconv.kernels.rows` computes. Where `textbook` finishes
one output cell after the other, this loop keeps a row of sums for each output channel of a
group, and adds to all of them what one row of the input gives::

    for each sample, group and output row:
        for each channel, and each kernel row:   one row of the input, laid out with its border
            for each output channel, and tap:
                sums[channel, x] += row[x * step + tap * dilation] * weight     for all x at once

Each cell still receives its terms in the textbook's order, so the results are equal to
the bit. It takes a third of the textbook's time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stepconv.kernels.compiling import compiled

# Rows of the table of numbers, one for each axis: what was said, then what follows.
STRIDE, DILATION, BEFORE, AFTER, EXTRA, WANTED, INPUT, TAPS, OUTPUT, ROWS = range(10)

MODES = ("zeros", "reflect", "replicate", "circular", "symmetric")
ZEROS, REFLECT, REPLICATE, CIRCULAR, SYMMETRIC = range(5)

RULES = ("valid", "same", "same_lower", "full", "causal")
VALID, SAME, SAME_LOWER, FULL, CAUSAL, NUMBERS = range(6)

_LARGEST = 2**31 - 1


@compiled
def source(place: int, size: int, mode: int) -> int:
    """Input position shown at `place`, counted from the first input cell; -1 for a zero."""
    if 0 <= place < size:
        return place
    if mode == REFLECT:
        return -place if place < 0 else 2 * (size - 1) - place
    if mode == SYMMETRIC:
        return -place - 1 if place < 0 else 2 * size - 1 - place
    if mode == REPLICATE:
        return 0 if place < 0 else size - 1
    if mode == CIRCULAR:
        return place % size
    return -1


@compiled
def forward(
    input: Any, weight: Any, bias: Any, output: Any, axes: Any, groups: int, mode: int
) -> None:
    """Fill `output` (N, C_out, D, H, W) from arrays of five axes."""
    group_inputs, group_outputs = weight.shape[1], weight.shape[0] // groups
    steps, dilations, before = axes[STRIDE], axes[DILATION], axes[BEFORE]
    zero = output.dtype.type(0)
    row = np.empty(
        (output.shape[4] - 1) * steps[2] + (weight.shape[4] - 1) * dilations[2] + 1, output.dtype
    )
    sums = np.empty((group_outputs, output.shape[4]), output.dtype)
    for n in range(output.shape[0]):
        for group in range(groups):
            first = group * group_outputs
            for z in range(output.shape[2]):
                for y in range(output.shape[3]):
                    sums[...] = zero
                    for c in range(group_inputs):
                        for kz in range(weight.shape[2]):
                            iz = source(
                                z * steps[0] + kz * dilations[0] - before[0], input.shape[2], mode
                            )
                            for ky in range(weight.shape[3]):
                                iy = source(
                                    y * steps[1] + ky * dilations[1] - before[1],
                                    input.shape[3],
                                    mode,
                                )
                                if iz < 0 or iy < 0:
                                    row[...] = zero
                                else:
                                    _lay_out(
                                        row,
                                        input[n, group * group_inputs + c, iz, iy],
                                        before[2],
                                        mode,
                                    )
                                for j in range(group_outputs):
                                    _add(
                                        sums[j],
                                        row,
                                        weight[first + j, c, kz, ky],
                                        steps[2],
                                        dilations[2],
                                    )
                    for j in range(group_outputs):
                        for x in range(output.shape[4]):
                            output[n, first + j, z, y, x] = sums[j, x] + bias[first + j]


@compiled
def _lay_out(row: Any, cells: Any, before: int, mode: int) -> None:
    """Copy a row of the input, border included."""
    stop = min(len(row), before + len(cells))
    for x in range(min(before, len(row))):
        k = source(x - before, len(cells), mode)
        row[x] = cells[k] if k >= 0 else row.dtype.type(0)
    for x in range(before, stop):
        row[x] = cells[x - before]
    for x in range(max(stop, before), len(row)):
        k = source(x - before, len(cells), mode)
        row[x] = cells[k] if k >= 0 else row.dtype.type(0)


@compiled
def _add(sums: Any, row: Any, taps: Any, step: int, dilation: int) -> None:
    """Add the terms of one kernel row to a row of sums."""
    for k in range(len(taps)):
        factor, start = taps[k], k * dilation
        if step == 1:  # a loop that the compiler can see is contiguous
            for x in range(len(sums)):
                sums[x] += row[start + x] * factor
        else:
            for x in range(len(sums)):
                sums[x] += row[start + x * step] * factor


@compiled
def transposed(input: Any, weight: Any, bias: Any, output: Any, axes: Any, groups: int) -> None:
    """Fill `output` (N, C_out, D, H, W), transposed: rows of the input are stamped on rows of sums.

    Taps count down, so that a cell meets its inputs in ascending order.
    """
    group_inputs, group_outputs = weight.shape[0] // groups, weight.shape[1]
    strides, dilations, before = axes[STRIDE], axes[DILATION], axes[BEFORE]
    sums = np.empty((group_outputs, output.shape[4]), output.dtype)
    for n in range(output.shape[0]):
        for group in range(groups):
            first = group * group_outputs
            for z in range(output.shape[2]):
                for y in range(output.shape[3]):
                    sums[...] = output.dtype.type(0)
                    for c in range(group * group_inputs, (group + 1) * group_inputs):
                        for kz in range(weight.shape[2] - 1, -1, -1):
                            iz = _origin(
                                z + before[0] - kz * dilations[0], strides[0], input.shape[2]
                            )
                            if iz < 0:
                                continue
                            for ky in range(weight.shape[3] - 1, -1, -1):
                                iy = _origin(
                                    y + before[1] - ky * dilations[1], strides[1], input.shape[3]
                                )
                                if iy < 0:
                                    continue
                                for j in range(group_outputs):
                                    _stamp(
                                        sums[j],
                                        input[n, c, iz, iy],
                                        weight[c, j, kz, ky],
                                        strides[2],
                                        dilations[2],
                                        before[2],
                                    )
                    for j in range(group_outputs):
                        for x in range(output.shape[4]):
                            output[n, first + j, z, y, x] = sums[j, x] + bias[first + j]


@compiled
def _origin(place: int, stride: int, size: int) -> int:
    """Input position that a tap takes to an output cell, -1 where there is none."""
    if place < 0 or place % stride or place // stride >= size:
        return -1
    return place // stride


@compiled
def _stamp(sums: Any, cells: Any, taps: Any, stride: int, dilation: int, before: int) -> None:
    """Add what one row of the input stamps on a row of sums."""
    for k in range(len(taps) - 1, -1, -1):
        factor, shift = taps[k], k * dilation - before
        start = max(
            0, -(shift // stride)
        )  # the first whose stamp is not cropped, then past the last
        stop = min(len(cells), -((shift - len(sums)) // stride))
        for i in range(start, stop):
            sums[i * stride + shift] += cells[i] * factor


# -- sizes: what `stepconv.spec` does in Python -------------------------------------------


@compiled
def measure(axes: Any, first: int, mode: int, rule: int, is_transposed: bool) -> None:
    """Check the table's numbers and fill in the paddings that have a name, and the output's sizes.

    Axes before `first` are not the caller's: they have one cell and one tap.
    """
    for k in range(first):
        axes[STRIDE, k], axes[DILATION, k] = 1, 1
    for k in range(3):
        if axes[STRIDE, k] < 1 or axes[DILATION, k] < 1:
            raise ValueError("stride and dilation must be at least 1")
        for number in range(ROWS):
            if not 0 <= axes[number, k] <= _LARGEST:
                raise ValueError("padding and sizes must lie between 0 and 2147483647")
        if axes[INPUT, k] < 1 or axes[TAPS, k] < 1:
            raise ValueError("input or weight holds no values: each axis needs at least one cell")
    if rule != NUMBERS:
        if is_transposed:
            raise ValueError("transposed, padding must be numbers: the cells cropped from each end")
        if rule == CAUSAL and first != 2:
            raise ValueError("padding 'causal' is for rank 1")
        _name(axes, rule)
    for k in range(3):
        axes[OUTPUT, k] = _transposed_size(axes, k, mode) if is_transposed else _size(axes, k, mode)


@compiled
def _name(axes: Any, rule: int) -> None:
    """Work out a padding that has a name."""
    for k in range(3):
        span = axes[DILATION, k] * (axes[TAPS, k] - 1)
        before, after = 0, 0
        if rule == FULL:
            before, after = span, span
        elif rule == CAUSAL:
            before = span
        elif rule != VALID:
            size, stride = axes[INPUT, k], axes[STRIDE, k]
            total = max(((size + stride - 1) // stride - 1) * stride + span + 1 - size, 0)
            before = total // 2 if rule == SAME else total - total // 2
            after = total - before
        axes[BEFORE, k], axes[AFTER, k] = before, after


@compiled
def _size(axes: Any, k: int, mode: int) -> Any:
    size, before, after = axes[INPUT, k], axes[BEFORE, k], axes[AFTER, k]
    if mode in (REFLECT, CIRCULAR, SYMMETRIC):
        room = size - 1 if mode == REFLECT else size
        if before > room or after > room:
            raise ValueError("more padding than cells of the input that can be copied")
    if axes[EXTRA, k] or axes[WANTED, k]:
        raise ValueError("output_padding and output_size are for transposed convolutions")
    span = axes[DILATION, k] * (axes[TAPS, k] - 1) + 1
    if span > size + before + after:
        raise ValueError("the kernel spans more than the padded input")
    return (size + before + after - span) // axes[STRIDE, k] + 1


@compiled
def _transposed_size(axes: Any, k: int, mode: int) -> Any:
    if mode != ZEROS:
        raise ValueError("padding_mode is for forward convolutions")
    stride, dilation, extra, wanted = (
        axes[STRIDE, k],
        axes[DILATION, k],
        axes[EXTRA, k],
        axes[WANTED, k],
    )
    size = (axes[INPUT, k] - 1) * stride - axes[BEFORE, k] - axes[AFTER, k]
    size += dilation * (axes[TAPS, k] - 1) + 1
    if wanted:
        if extra:
            raise ValueError("output_size and output_padding both choose the size; give one")
        extra = wanted - size
    if not 0 <= extra < max(stride, dilation):
        raise ValueError("the size is out of reach: see output_padding and output_size")
    if size + extra < 1:
        raise ValueError("padding crops all of the result")
    return size + extra


@compiled
def check_channels(
    channels: int, first: int, second: int, groups: int, is_transposed: bool
) -> None:
    """Refuse a weight, its first two axes given, that does not fit the input's channels."""
    if groups < 1 or first < 1 or second < 1:
        raise ValueError("groups, and the axes of weight, must be at least 1")
    if channels != (first if is_transposed else second * groups):
        raise ValueError("the channels of input and weight do not fit one another")
    if first % groups:
        raise ValueError("the channels cannot be dealt out to this many groups")
