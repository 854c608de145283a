"""Run: one way to do the work of a layer, right or wrong, computed by the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.functional import conv
from stepconv.geometry import Geometry
from stepconv.record import Trace, trace
from stepconv.spec import ConvSpec

Array = NDArray[Any]
Pairs = tuple[tuple[int, int], ...]
Finish = Callable[[Array], Array]
"""What is done to the output afterwards, such as axes moved; it fits every array of the shape."""

_FIELDS = ("input", "weight", "bias", "finish", "origin", "beyond")


@dataclass(frozen=True, eq=False)
class Run:
    """A layer with its numbers. Nothing is computed before it is asked for.

    Attributes
    ----------
    input : ndarray, (N, C_in, *spatial) or (C_in, *spatial)
    weight : ndarray, (C_out, C_in/groups, *kernel), transposed (C_in, C_out/groups, *kernel)
    bias : ndarray or None, (C_out,)
    options : Mapping
        The other arguments of `stepconv.ConvSpec`, `transposed` among them.
    finish : tuple of callable
        What is done to the output afterwards, in turn: how a mistake about axes shows.
    origin : ndarray or None
        For a transposed layer whose input is another layer's output: that layer's input.
    beyond : tuple of int
        For each axis how many of the last padding cells are none: a size was rounded up, and
        the last kernel hangs over the end. Who writes down the padded input leaves them out.

    Examples
    --------
    >>> run = Run(np.array([[[1, 1, 1, 1]]]), np.array([[[1, 1, 1]]]), options={"padding": 1})
    >>> run.output.tolist(), run.padded.tolist(), run.output_shape
    ([[[2, 3, 3, 2]]], [[[0, 1, 1, 1, 1, 0]]], (1, 1, 4))
    >>> run.products((0, 0, 0)).tolist(), run.window((0, 0, 0))
    ([[0, 1, 1]], ((-1, 0, 1),))
    """

    input: Array
    weight: Array
    bias: Array | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    finish: tuple[Finish, ...] = ()
    origin: Array | None = None
    beyond: tuple[int, ...] = ()

    def changed(self, **changes: Any) -> Run:
        """Return another run: fields by their name, anything else an option."""
        fields = {name: changes.pop(name) for name in _FIELDS if name in changes}
        if changes:
            fields["options"] = {**self.options, **changes}
        return replace(self, **fields)

    # -- the description ----------------------------------------------------------------

    @cached_property
    def spec(self) -> ConvSpec:
        """The description."""
        return ConvSpec(self.weight.shape[2:], **self.options)

    @cached_property
    def geometry(self) -> Geometry:
        """The description bound to the shapes."""
        return self.spec.bind(self.input.shape, self.weight.shape)

    @property
    def rank(self) -> int:
        """Number of axes along which the kernel moves."""
        return self.weight.ndim - 2

    @property
    def transposed(self) -> bool:
        """Whether the layer is transposed."""
        return bool(self.options.get("transposed", False))

    @property
    def groups(self) -> int:
        """Blocks of channels that do not see one another."""
        return int(self.options.get("groups", 1))

    @property
    def stride(self) -> tuple[int, ...]:
        """Cells between placements along each axis."""
        return self.spec.stride

    @property
    def dilation(self) -> tuple[int, ...]:
        """Cells between taps along each axis."""
        return self.spec.dilation

    @property
    def padding(self) -> Pairs:
        """(before, after) for each axis, named rules worked out."""
        return tuple(axis.pad for axis in self.geometry.axes)

    @property
    def spatial(self) -> tuple[int, ...]:
        """The axes of input and output along which the kernel moves, from the end."""
        return tuple(range(-self.rank, 0))

    # -- the numbers --------------------------------------------------------------------

    @cached_property
    def output(self) -> Array:
        """What the work ends in."""
        result = conv(self.input, self.weight, self.bias, **self.options)
        for finish in self.finish:
            result = finish(result)
        return result

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of `output`, without computing it."""
        shape = self.geometry.output_shape
        if not self.finish:
            return shape
        hollow = np.broadcast_to(np.int8(0), shape)
        for finish in self.finish:
            hollow = finish(hollow)
        return hollow.shape

    @cached_property
    def padded(self) -> Array:
        """The input as the kernel meets it: padded, or with zeros between its values."""
        laid: Array = self.input
        sizes = zip(self.geometry.axes, self.padded_size, self.spatial, strict=True)
        for axis, size, number in sizes:
            source = axis.source[:size]
            taken = np.take(laid, np.maximum(source, 0), axis=number)
            shape = [1] * taken.ndim
            shape[number] = -1
            laid = np.where((source < 0).reshape(shape), taken.dtype.type(0), taken)
        return laid

    @property
    def padded_size(self) -> tuple[int, ...]:
        """How long each axis of `padded` is."""
        axes = self.geometry.axes
        beyond = self.beyond or (0,) * self.rank
        return tuple(
            axis.layout_size - min(over, axis.pad[1])
            for axis, over in zip(axes, beyond, strict=True)
        )

    # -- the steps ----------------------------------------------------------------------

    @cached_property
    def trace(self) -> Trace:
        """The record of every product; of the layer, so before `finish`."""
        return trace(self.input, self.weight, self.bias, **self.options)

    def products(self, cell: tuple[int, ...]) -> Array:
        """Return the products of output cell (n, channel, *position): (C_in/groups, *kernel)."""
        return self.trace.at(*cell).products

    def sums(self, cell: tuple[int, ...]) -> Array:
        """Return the partial sums of an output cell, each after its product."""
        return self.trace.at(*cell).sums

    def window(self, cell: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Return for each axis the input positions under the kernel, -1 for a zero."""
        return tuple(
            tuple(int(place) for place in axis.source_at(axis.window(output)))
            for axis, output in zip(self.geometry.axes, cell[2:], strict=True)
        )
