"""A convolution as its definition reads: multiply what lies under the kernel, add it up.

All ranks are rank 3 here: a missing axis has length 1. `sources` are the three
index maps of `stepconv.geometry.Axis.source`; they know padding, borders and
inserted zeros, so that one loop nest serves every padding mode. `walk` holds three rows
of three numbers: the step from one placement to the next, the dilation, and
the first output position (a trace may cover a part of the output only).

Given `products` and `sums`, both (cells, terms), the same loop writes down
every product and every partial sum: the record of a trace is the computation
itself. Without them Numba drops those lines before it compiles. The order of
the additions is fixed (channel, then taps as the window is read) and no
fast-math is used, so record and result agree bit for bit.

Both functions share this file because Numba's cache notices edits in the file
of the function it compiles, not in others (numba#1833).
"""

from __future__ import annotations

from typing import Any

from stepconv.kernels.compiling import compiled


@compiled  # counted by coverage: these run as plain Python too
def convolve(
    input: Any,
    weight: Any,
    bias: Any,
    sources: Any,
    walk: Any,
    channels: Any,
    output: Any,
    products: Any = None,
    sums: Any = None,
) -> None:
    """Fill `output` (N, channels, D, H, W): each cell is one window times one kernel.

    `input` (N, C_in, D, H, W), `weight` (C_out, C_in/groups, kd, kh, kw), `bias`
    (C_out,), all of one dtype; `channels` lists the output channels to compute.
    """
    source_z, source_y, source_x = sources
    group_inputs, size_z, size_y, size_x = weight.shape[1:]
    group_outputs = weight.shape[0] * group_inputs // input.shape[1]
    zero = output.dtype.type(0)
    cell = 0
    for n in range(output.shape[0]):
        for j in range(output.shape[1]):
            channel = channels[j]
            first = channel // group_outputs * group_inputs
            for z in range(output.shape[2]):
                for y in range(output.shape[3]):
                    for x in range(output.shape[4]):
                        total = zero
                        term = 0
                        for c in range(group_inputs):
                            for kz in range(size_z):
                                iz = source_z[(walk[2, 0] + z) * walk[0, 0] + kz * walk[1, 0]]
                                for ky in range(size_y):
                                    iy = source_y[(walk[2, 1] + y) * walk[0, 1] + ky * walk[1, 1]]
                                    for kx in range(size_x):
                                        ix = source_x[
                                            (walk[2, 2] + x) * walk[0, 2] + kx * walk[1, 2]
                                        ]
                                        value = zero
                                        if iz >= 0 and iy >= 0 and ix >= 0:
                                            value = input[n, first + c, iz, iy, ix]
                                        product = value * weight[channel, c, kz, ky, kx]
                                        total += product
                                        if products is not None:
                                            products[cell, term] = product
                                            sums[cell, term] = total
                                            term += 1
                        output[n, j, z, y, x] = total + bias[channel]
                        cell += 1


@compiled  # counted by coverage: these run as plain Python too
def convolve_transposed(
    input: Any,
    weight: Any,
    bias: Any,
    sources: Any,
    walk: Any,
    channels: Any,
    output: Any,
    products: Any = None,
    sums: Any = None,
) -> None:
    """Fill `output` (N, channels, D, H, W): each cell collects what the inputs stamp on it.

    `weight` is (C_in, C_out/groups, kd, kh, kw). The window runs over the input
    with zeros inserted and meets the kernel turned, so the taps count down. Read by
    window, the inputs of a cell come in ascending order: the same order in which
    the inputs, stamping one after the other, reach it. An inserted zero adds nothing.
    """
    source_z, source_y, source_x = sources
    group_outputs, size_z, size_y, size_x = weight.shape[1:]
    group_inputs = input.shape[1] * group_outputs // bias.shape[0]
    zero = output.dtype.type(0)
    cell = 0
    for n in range(output.shape[0]):
        for j in range(output.shape[1]):
            channel = channels[j]
            first = channel // group_outputs * group_inputs
            for z in range(output.shape[2]):
                for y in range(output.shape[3]):
                    for x in range(output.shape[4]):
                        total = zero
                        term = 0
                        for c in range(group_inputs):
                            for kz in range(size_z):
                                iz = source_z[(walk[2, 0] + z) * walk[0, 0] + kz * walk[1, 0]]
                                for ky in range(size_y):
                                    iy = source_y[(walk[2, 1] + y) * walk[0, 1] + ky * walk[1, 1]]
                                    for kx in range(size_x):
                                        ix = source_x[
                                            (walk[2, 2] + x) * walk[0, 2] + kx * walk[1, 2]
                                        ]
                                        product = zero
                                        if iz >= 0 and iy >= 0 and ix >= 0:
                                            product = (
                                                input[n, first + c, iz, iy, ix]
                                                * weight[
                                                    first + c,
                                                    channel % group_outputs,
                                                    size_z - 1 - kz,
                                                    size_y - 1 - ky,
                                                    size_x - 1 - kx,
                                                ]
                                            )
                                            total += product
                                        if products is not None:
                                            products[cell, term] = product
                                            sums[cell, term] = total
                                            term += 1
                        output[n, j, z, y, x] = total + bias[channel]
                        cell += 1
