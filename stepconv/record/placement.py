"""What one step of a trace shows, read from the record on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepconv.record.region import Index

if TYPE_CHECKING:
    from stepconv.record.trace import Trace

Array = NDArray[Any]

_PYTHONS = tuple(map(np.dtype, (np.int64, np.float64, np.complex128)))


def number(value: Any) -> Any:
    """Return a NumPy scalar as Python's own number where that has the same width."""
    return value.item() if value.dtype in _PYTHONS else value


def multiplied(one: Array, other: Array) -> Array:
    """Multiply as the kernel does, each step rounded.

    NumPy's own complex product is fused on some processors, and so rounds otherwise.
    """
    if one.dtype.kind != "c":
        return np.asarray(one * other)
    real = one.real * other.real - one.imag * other.imag
    product = np.empty(real.shape, one.dtype)
    product.real = real
    product.imag = one.real * other.imag + one.imag * other.real
    return product


@dataclass(frozen=True)
class Term:
    """One product of one output cell's sum.

    Attributes
    ----------
    placement, number : int
        Which placement of the trace, and which of its terms in the order of the sum.
    output : tuple of int or None
        (n, channel, *position) of the output cell; None where a stamp is cropped.
    input : tuple of int or None
        (n, channel, *position) of the input cell the value comes from; None for a zero.
    kind : str
        "input"; "padding", a zero of the border; "border", a copy from inside;
        "inserted", a zero between the values of a transposed input.
    weight_index : tuple of int
        Index in the weight as given.
    value, weight, product, sum
        The value under the tap, the weight, their product, and the partial sum after
        it. Where a stamp is cropped there is no sum: None. int, float or complex;
        float32 and complex64 as NumPy's scalars, since Python has none so narrow.
    """

    placement: int
    number: int
    output: Index | None
    input: Index | None
    kind: str
    weight_index: Index
    value: Any
    weight: Any
    product: Any
    sum: Any


class Placement:
    """One position of the kernel: a window, its products, the output cell they fill.

    Arrays are (C_in/groups, *kernel) in the order of the sum: by input channel, then
    as the window is read. For a transposed convolution the window lies on the
    input with zeros inserted and the kernel is seen turned.
    """

    def __init__(self, trace: Trace, index: int, output_index: Index) -> None:
        self.trace = trace
        self.index = index
        self.output_index = output_index
        """(n, channel, *position) of the output cell this placement fills."""

    def __repr__(self) -> str:
        return f"Placement({self.index}, output{list(self.output_index)} = {self.output!s})"

    @property
    def channel(self) -> int:
        """The output channel."""
        return self.output_index[1]

    @property
    def position(self) -> Index:
        """The output cell's spatial position."""
        return self.output_index[2:]

    @property
    def input_channels(self) -> range:
        """The input channels summed over."""
        return self.trace.geometry.group_channels(self.channel)

    @cached_property
    def windows(self) -> tuple[Array, ...]:
        """For each axis the laid-out positions under the kernel (see `stepconv.geometry`)."""
        axes = self.trace.geometry.axes
        return tuple(axis.window(o) for axis, o in zip(axes, self.position, strict=True))

    @cached_property
    def sources(self) -> tuple[Array, ...]:
        """For each axis the input positions under the kernel, -1 for a zero."""
        axes = self.trace.geometry.axes
        return tuple(axis.source_at(w) for axis, w in zip(axes, self.windows, strict=True))

    @cached_property
    def values(self) -> Array:
        """The values under the kernel, zeros where padding lies."""
        image = self.trace.batched_input[self.output_index[0], list(self.input_channels)]
        at: tuple[Any, ...] = (slice(None), *np.ix_(*self.sources))
        return np.asarray(np.where(self.missing, image.dtype.type(0), image[at]))

    @cached_property
    def missing(self) -> Array:
        """Where a zero of the padding, or an inserted one, lies under the kernel: (*kernel)."""
        return reduce(np.logical_or.outer, [source < 0 for source in self.sources])

    @cached_property
    def weights(self) -> Array:
        """The kernel as the window meets it."""
        geometry, weight = self.trace.geometry, self.trace.weight
        if not geometry.transposed:
            return np.asarray(weight[self.channel])
        own = weight[list(self.input_channels), self.channel % geometry.group_outputs]
        return np.flip(own, axis=tuple(range(1, own.ndim)))

    @property
    def products(self) -> Array:
        """The recorded products."""
        return self._recorded(self.trace.products)

    @property
    def sums(self) -> Array:
        """The recorded partial sums, each after its product."""
        return self._recorded(self.trace.sums)

    @property
    def sum(self) -> Any:
        """The whole sum, before the bias."""
        return number(self.trace.sums[self.trace.cell(self.output_index), -1])

    @property
    def bias(self) -> Any:
        """The bias of this channel, 0 where there is none."""
        return number(self.trace.bias[self.channel])

    @property
    def output(self) -> Any:
        """The value of the output cell: the sum and the bias."""
        return self.trace.value_at(self.output_index)

    def kinds(self) -> Array:
        """What lies under each tap: an array of the kinds of `Term`, (*kernel)."""
        geometry = self.trace.geometry
        per_axis = [
            [axis.kind_at(int(p)) for p in window]
            for axis, window in zip(geometry.axes, self.windows, strict=True)
        ]
        kinds = np.empty(geometry.kernel_size, dtype=object)
        for tap in np.ndindex(*geometry.kernel_size):
            found = {names[k] for names, k in zip(per_axis, tap, strict=True)}
            kinds[tap] = next(k for k in ("padding", "inserted", "border", "input") if k in found)
        return kinds

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Every term, in the order of the sum."""
        return tuple(self._terms())

    def _recorded(self, record: Array) -> Array:
        geometry = self.trace.geometry
        shape = (geometry.group_inputs, *geometry.kernel_size)
        return np.reshape(record[self.trace.cell(self.output_index)], shape)

    def _terms(self) -> Iterator[Term]:
        n, channels, kinds = self.output_index[0], self.input_channels, self.kinds()
        values, weights, products, sums = self.values, self.weights, self.products, self.sums
        for count, (c, *tap) in enumerate(np.ndindex(*products.shape)):
            place = tuple(int(source[k]) for source, k in zip(self.sources, tap, strict=True))
            at = (c, *tap)
            yield Term(
                placement=self.index,
                number=count,
                output=self.output_index,
                input=None if -1 in place else (n, channels[c], *place),
                kind=kinds[tuple(tap)],
                weight_index=self.trace.weight_index(self.channel, c, tuple(tap)),
                value=number(values[at]),
                weight=number(weights[at]),
                product=number(products[at]),
                sum=number(sums[at]),
            )


class Stamp:
    """One input cell of a transposed convolution, stamping its kernels on the output.

    Arrays are (C_out/groups, *kernel), by the output channels of the cell's group that
    the trace covers and by tap, in the weight's own order.
    """

    def __init__(self, trace: Trace, index: int, input_index: Index) -> None:
        self.trace = trace
        self.index = index
        self.input_index = input_index
        """(n, channel, *position) of the input cell."""

    def __repr__(self) -> str:
        return f"Stamp({self.index}, input{list(self.input_index)} = {self.value!s})"

    @property
    def position(self) -> Index:
        """The input cell's spatial position."""
        return self.input_index[2:]

    @property
    def value(self) -> Any:
        """The value of the input cell."""
        return number(self.trace.batched_input[self.input_index])

    @property
    def output_channels(self) -> tuple[int, ...]:
        """The output channels it stamps."""
        geometry = self.trace.geometry
        group = self.input_index[1] // geometry.group_inputs
        first = group * geometry.group_outputs
        mine = range(first, first + geometry.group_outputs)
        return tuple(c for c in self.trace.region[1] if c in mine)

    @cached_property
    def weights(self) -> Array:
        """The kernels it stamps with."""
        share = self.trace.geometry.group_outputs
        own = [c % share for c in self.output_channels]
        return np.asarray(self.trace.weight[self.input_index[1], own])

    @cached_property
    def products(self) -> Array:
        """The stamp: the cell's value times the kernels, as recorded where it lands."""
        return self._gathered()[0]

    @cached_property
    def sums(self) -> Array:
        """What each output cell holds after the stamp, bias not yet added; 0 where cropped."""
        return self._gathered()[1]

    def landing(self, tap: Index) -> Index | None:
        """Output position where the product of `tap` lands, None where it is cropped."""
        axes = self.trace.geometry.axes
        place = tuple(a.landing(i, k) for a, i, k in zip(axes, self.position, tap, strict=True))
        inside = all(o in span for o, span in zip(place, self.trace.region[2:], strict=True))
        return place if inside else None

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """Every product of the stamp, by output channel, then by tap."""
        return tuple(self._terms())

    def _gathered(self) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            value = np.asarray(self.trace.batched_input[self.input_index])
            products = multiplied(value, self.weights)  # of which the cropped ones stay
        sums = np.zeros_like(products)
        n = self.input_index[0]
        for j, channel in enumerate(self.output_channels):
            for tap in np.ndindex(*self.trace.geometry.kernel_size):
                place = self.landing(tap)
                if place is not None:
                    cell = self.trace.cell((n, channel, *place))
                    term = self.trace.term_number(self.input_index[1], tap)
                    products[j, *tap] = self.trace.products[cell, term]
                    sums[j, *tap] = self.trace.sums[cell, term]
        return products, sums

    def _terms(self) -> Iterator[Term]:
        n, channel, *_rest = self.input_index
        share = self.trace.geometry.group_outputs
        for count, (j, *tap) in enumerate(np.ndindex(*self.products.shape)):
            out_channel, place = self.output_channels[j], self.landing(tuple(tap))
            yield Term(
                placement=self.index,
                number=count,
                output=None if place is None else (n, out_channel, *place),
                input=self.input_index,
                kind="input",
                weight_index=(channel, out_channel % share, *tap),
                value=self.value,
                weight=number(self.weights[j, *tap]),
                product=number(self.products[j, *tap]),
                sum=None if place is None else number(self.sums[j, *tap]),
            )
