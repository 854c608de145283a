"""The textbook loops as a plan: for every dtype, and where no fast family applies.

A unit of work is one output channel of one sample.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Geometry
from stepconv.kernels.compiling import compiled, specialised
from stepconv.kernels.textbook import convolve, convolve_transposed

Array = NDArray[Any]

# Rows of the plan's table. Shapes have five axes; `LAYOUT` holds the lengths of the index maps.
INPUT, WEIGHT, OUTPUT, STEP, DILATION, LAYOUT, ROWS = range(7)


def _over_units(kernel: Callable[..., None]) -> Callable[..., None]:
    """Return a kernel for flat arrays, which computes some units with a textbook kernel."""

    @compiled
    def compute(
        table: Any,
        maps: Any,
        input: Any,
        weight: Any,
        bias: Any,
        output: Any,
        first: int,
        stop: int,
    ) -> None:
        inputs, weights, outputs = table[INPUT], table[WEIGHT], table[OUTPUT]
        channels = outputs[1]
        image, plane = (
            inputs[1] * inputs[2] * inputs[3] * inputs[4],
            outputs[2] * outputs[3] * outputs[4],
        )
        kernels = weight.reshape((weights[0], weights[1], weights[2], weights[3], weights[4]))
        z, y = table[LAYOUT, 0], table[LAYOUT, 0] + table[LAYOUT, 1]
        sources = maps[:z], maps[z:y], maps[y:]
        walk = np.zeros((3, 3), np.int64)
        walk[0], walk[1] = table[STEP, :3], table[DILATION, :3]
        for unit in range(first, stop):
            n, channel = divmod(unit, channels)
            sample = input[n * image : (n + 1) * image]
            cells = output[unit * plane : (unit + 1) * plane]
            kernel(
                sample.reshape((1, inputs[1], inputs[2], inputs[3], inputs[4])),
                kernels,
                bias,
                sources,
                walk,
                np.arange(channel, channel + 1),
                cells.reshape((1, 1, outputs[2], outputs[3], outputs[4])),
                None,
                None,
            )

    return compute


_FORWARD, _TRANSPOSED = _over_units(convolve), _over_units(convolve_transposed)


@cache
def _entry(transposed: bool, dtype: np.dtype[Any]) -> Callable[..., None]:
    array, maps = np.empty(0, dtype), np.empty(0, np.int64)
    table = np.empty((ROWS, 5), np.int64)
    kernel = _TRANSPOSED if transposed else _FORWARD
    return specialised(kernel, table, maps, array, array, array, array, 0, 0)


@cache
def _textbook_entry(transposed: bool, dtype: np.dtype[Any]) -> Callable[..., None]:
    array, index = np.empty((0,) * 5, dtype), np.empty(0, np.int64)
    kernel = convolve_transposed if transposed else convolve
    walk, bias = np.empty((3, 3), np.int64), np.empty(0, dtype)
    return specialised(kernel, array, array, bias, (index,) * 3, walk, index, array, None, None)


class TextbookPlan:
    """The plain loops over the output channels of each sample.

    On one thread the textbook kernels are called as they are, and nothing else need be compiled.
    """

    apart = False

    def __init__(self, geometry: Geometry, dtype: np.dtype[Any]) -> None:
        axes = geometry.embedded
        batch = 1 if geometry.batch is None else geometry.batch
        self.units = batch * geometry.out_channels
        self._table = table = np.zeros((ROWS, 5), np.int64)
        table[INPUT] = batch, geometry.in_channels, *(axis.input_size for axis in axes)
        table[WEIGHT] = *geometry.weight_shape[:2], *(axis.kernel_size for axis in axes)
        table[OUTPUT] = batch, geometry.out_channels, *(axis.output_size for axis in axes)
        table[STEP, :3] = [axis.step for axis in axes]
        table[DILATION, :3] = [axis.dilation for axis in axes]
        table[LAYOUT, :3] = [axis.layout_size for axis in axes]
        self._sources = tuple(axis.source for axis in axes)
        self._kind = geometry.transposed, dtype

    def pack(self, weight: Array) -> Array:
        """Return the weight as it is."""
        return weight

    def work(self, input: Array, packed: Array, bias: Array, output: Array) -> tuple[Any, ...]:
        """Return the compiled function, and what it is given before the units."""
        maps = np.concatenate(self._sources)
        return _entry(*self._kind), self._table, maps, input, packed, bias, output

    def run(
        self, input: Array, packed: Array, bias: Array, output: Array, first: int, stop: int
    ) -> None:
        """Compute the units from `first` to before `stop`."""
        kernel = _textbook_entry(*self._kind)
        inputs, weights = input.reshape(self._table[INPUT]), packed.reshape(self._table[WEIGHT])
        outputs = output.reshape(self._table[OUTPUT])
        walk = np.zeros((3, 3), np.int64)
        walk[:2] = self._table[STEP, :3], self._table[DILATION, :3]
        channels = outputs.shape[1]
        while first < stop:
            n, channel = divmod(first, channels)
            end = min(channels, channel + stop - first)
            cells = outputs[n : n + 1, channel:end]
            which = np.arange(channel, end)
            kernel(inputs[n : n + 1], weights, bias, self._sources, walk, which, cells, None, None)
            first += end - channel
