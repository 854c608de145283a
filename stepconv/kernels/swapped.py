"""Transposed convolutions of a single pixel: weights and input change places.

Where the input has one pixel, each output cell meets one tap, as in the first layer of a generator
that makes an image of noise. Sample by sample that is too little to pack weights for; of all
samples together it is an ordinary convolution, with a kernel of 1::

    output[sample][channel, tap]  =  sum of input[sample][c] * weight[c][channel, tap] over c

    input     the weights: a channel for each c, a pixel for each output channel and tap
    weights   the samples: an output channel each

So it is left to the families of forward convolutions, which read the weights in their place, or
where padding crops the output a copy of the taps that show. Their biases are of no use: they belong
to output channels, which are many pixels here.
"""

from __future__ import annotations

from importlib import import_module
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Axis, Geometry
from stepconv.kernels import pool

Array = NDArray[Any]


#: Pixels of the weights: a plan lists the tiles of the forward convolution.
MOST_PIXELS = 1 << 16


class SwappedPlan:
    """A forward convolution of the weights; see the module.

    It has one unit, within which the units of the forward plan are shared, and so no compiled
    function for other threads to call.
    """

    units = 1
    apart = False

    def __init__(self, geometry: Geometry, dtype: np.dtype[Any], threads: int) -> None:
        samples = 1 if geometry.batch is None else geometry.batch
        taps = prod(axis.output_size for axis in geometry.axes)
        self._kernels = geometry.weight_shape
        self._shown = tuple(
            slice(axis.pad[0], axis.pad[0] + axis.output_size) for axis in geometry.axes
        )
        cells = geometry.out_channels * taps
        self._channels, self._shared = geometry.out_channels, threads > 1
        self._none = np.zeros(samples, dtype)
        flat = Geometry((Axis(cells, 1),), 1, geometry.in_channels, samples, 1)
        families = (import_module(f"stepconv.kernels.{name}") for name in ("small", "direct"))
        self._forward = next(filter(None, (each.plan(flat, dtype, threads) for each in families)))

    def pack(self, weight: Array) -> Array:
        """Return the weight as it is, or of the taps that show."""
        return np.ascontiguousarray(weight.reshape(self._kernels)[:, :, *self._shown])

    def work(self, input: Array, packed: Array, bias: Array, output: Array) -> tuple[Any, ...]:
        """Return `run`, and what it is given before the units."""
        return self.run, input, packed, bias, output

    def run(
        self, input: Array, packed: Array, bias: Array, output: Array, first: int, stop: int
    ) -> None:
        """Compute all."""
        forward = self._forward
        kernel, *arguments = forward.work(packed, forward.pack(input), self._none, output)
        if self._shared:
            pool.share(kernel, tuple(arguments), forward.units)
        else:
            kernel(*arguments, 0, forward.units)
        if bias.any():
            cells = output.reshape(
                -1, self._channels, output.size // self._none.size // self._channels
            )
            with np.errstate(all="ignore"):  # kernels do not warn
                cells += bias[:, None]


def plan(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> SwappedPlan | None:
    """Return a plan where the input has one pixel, and each cell of the output meets a tap."""
    if not geometry.transposed or geometry.groups > 1 or geometry.batch == 0:
        return None
    if geometry.out_channels * prod(geometry.kernel_size) > MOST_PIXELS:
        return None
    for axis in geometry.axes:
        beyond = axis.pad[0] + axis.output_size > axis.kernel_size
        if axis.input_size > 1 or axis.dilation > 1 or beyond:
            return None
    return SwappedPlan(geometry, dtype, threads)
