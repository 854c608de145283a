"""trace(): run a convolution on the instrumented kernel and keep the record."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import product as combinations
from math import prod
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from stepconv.bound import run
from stepconv.errors import SpecError, TraceError
from stepconv.geometry import Axis, Geometry
from stepconv.operands import Array, Operands, memory, prepare
from stepconv.record.placement import Placement, Stamp, Term, multiplied, number
from stepconv.record.region import (
    Index,
    Region,
    checked_index,
    chosen_region,
    show_region,
    whole_numbers,
)
from stepconv.spec import ConvSpec
from stepconv.values import Ints, Padding, shown

ORDERS = ("gather", "scatter")
LARGEST_RECORD = 2**31
"""Bytes that a record may take, where the machine has four times as many."""


class Trace:
    """The record of a convolution.

    `trace[i]` is the i-th placement; ``len(trace)`` counts them; iteration runs
    through them by sample, output channel and position. In "scatter" order (transposed
    only) the steps are the input cells instead, each a `Stamp` over the same terms.

    Attributes
    ----------
    spec, geometry
        The description, and where its taps fall.
    region : tuple of range
        The part of the output (n, channel, *position) that the record covers.
    products, sums : ndarray, (cells, terms)
        The record: for each output cell of the region every product, and the partial sum
        after it.
    order : {"gather", "scatter"}
        How the steps are told.
    """

    def __init__(
        self,
        operands: Operands,
        region: Region,
        order: str,
        output: Array,
        products: Array,
        sums: Array,
    ) -> None:
        self.operands = operands
        self.spec: ConvSpec = operands.spec
        self.geometry: Geometry = operands.geometry
        self.region = region
        self.order = order
        self.products = products
        self.sums = sums
        self._output = output
        for array in (output, products, sums):
            array.flags.writeable = False

    def __repr__(self) -> str:
        return (
            f"Trace({self.spec.name}, input {self.geometry.input_shape},"
            f" output {self.geometry.output_shape}, {len(self)} placements)"
        )

    # -- the arrays -------------------------------------------------------------------

    @property
    def input(self) -> Array:
        """The input, in the shape given."""
        return self.operands.input.reshape(self.geometry.input_shape)

    @property
    def batched_input(self) -> Array:
        """The input as (N, C_in, *spatial), N = 1 where it was given unbatched."""
        size = self.geometry.input_size
        return self.operands.input.reshape(-1, self.geometry.in_channels, *size)

    @property
    def weight(self) -> Array:
        """The weight, in the shape given."""
        return self.operands.weight.reshape(self.geometry.weight_shape)

    @property
    def bias(self) -> Array:
        """The bias, one number for each output channel; zeros where there is none."""
        return self.operands.bias

    @property
    def output(self) -> Array:
        """The output, (N, C_out, *spatial) or unbatched, of the region that was traced."""
        shape = self.batched_output.shape
        unbatched = self.geometry.batch is None
        shaped = self._output.reshape(shape[1:] if unbatched else shape)
        return self.operands.narrowed(shaped)

    @property
    def batched_output(self) -> Array:
        """The output of the region as (N, C_out, *spatial), in the dtype computed in."""
        return self._output.reshape([len(span) for span in self.region])

    # -- the steps --------------------------------------------------------------------

    def __len__(self) -> int:
        return prod(len(span) for span in self._steps)

    def __getitem__(self, index: SupportsIndex) -> Placement | Stamp:
        step = operator.index(index)
        if not -len(self) <= step < len(self):
            raise IndexError(f"placement {index} of a trace that has {len(self)}")
        step %= len(self)
        spans = self._steps
        offsets = np.unravel_index(step, [len(span) for span in spans])
        place = tuple(span[int(k)] for span, k in zip(spans, offsets, strict=True))
        return (Stamp if self.order == "scatter" else Placement)(self, step, place)

    def __iter__(self) -> Iterator[Placement | Stamp]:
        return (self[index] for index in range(len(self)))

    @property
    def placements(self) -> Iterator[Placement]:
        """The placements in gather order, whatever the order of the trace."""
        return (
            Placement(self, index, place) for index, place in enumerate(combinations(*self.region))
        )

    @property
    def _steps(self) -> Region:
        if self.order != "scatter":
            return self.region
        geometry = self.geometry
        channels = range(geometry.in_channels)
        return (self.region[0], channels, *(range(size) for size in geometry.input_size))

    def at(self, n: int, channel: int, *position: int) -> Placement:
        """Return the placement that fills output cell (n, channel, *position).

        >>> trace([[1, 2, 3]], [[[1, 1]]]).at(0, 0, 1)
        Placement(1, output[0, 0, 1] = 5)
        """
        given = (n, channel, *position)
        place = whole_numbers(given)
        if len(place) != len(self.region) or any(
            p not in span for p, span in zip(place, self.region, strict=True)
        ):
            raise TraceError(
                "output cell {cell} is not in the traced region {region}",
                cell=shown(given),
                region=show_region(self.region),
            )
        return Placement(self, self.cell(place), place)

    # -- questions --------------------------------------------------------------------

    def using(
        self, *, input: Sequence[int] | None = None, weight: Sequence[int] | None = None
    ) -> list[Term]:
        """Return the terms that use one input cell, or one weight.

        Parameters
        ----------
        input : (n, channel, *position)
            A cell of the input; copies of it in a border count.
        weight : index in the weight as given
            Where its product is with padding the term counts too.

        Raises
        ------
        TraceError
            When not exactly one cell is named, or there is no such cell.

        Examples
        --------
        >>> record = trace([[1, 2, 3]], [[[10, 1]]])
        >>> [(term.output, term.product) for term in record.using(input=(0, 0, 1))]
        [((0, 0, 0), 2), ((0, 0, 1), 20)]
        """
        if (input is None) == (weight is None):
            raise TraceError("name one cell: using(input=(n, channel, …)) or using(weight=(…))")
        if input is not None:
            cell = checked_index("input", input, self.batched_input.shape)
            return [
                term
                for placement in self._placements_seeing(cell)
                for term in placement.terms
                if term.input == cell
            ]
        assert weight is not None
        own = checked_index("weight", weight, self.geometry.weight_shape)
        return [
            term
            for placement in self.placements
            if self._has_weight(placement, own)
            for term in placement.terms
            if term.weight_index == own and not (self.geometry.transposed and term.input is None)
        ]

    def coverage(self) -> Array:
        """Count for each cell of the input how many terms use it: an array like `input`.

        >>> trace([[1, 1, 1, 1]], [[[1, 1]]]).coverage()
        array([[1, 2, 2, 1]])
        """
        geometry = self.geometry
        counts = np.zeros(self.batched_input.shape, dtype=np.int64)
        per_axis = [
            _uses(axis, span) for axis, span in zip(geometry.axes, self.region[2:], strict=True)
        ]
        spatial = reduce(np.multiply.outer, per_axis)
        for channel in self.region[1]:
            group = geometry.group_channels(channel)
            counts[self.region[0].start : self.region[0].stop, group.start : group.stop] += spatial
        return counts.reshape(geometry.input_shape)

    def verify(self) -> float:
        """Hold the record against itself and against the kernel that keeps none.

        Every product must be its value times its weight, every partial sum the one
        before plus the product, and the output must agree with `stepconv.conv`.

        Returns
        -------
        float
            The largest difference from the kernel's output.

        Raises
        ------
        TraceError
            At the first placement that does not hold.
        """
        for placement in self.placements:
            _verify_placement(placement)
        whole = run(self.operands).reshape(-1, *self.geometry.output_shape[-self.spec.rank - 1 :])
        part = whole[tuple(slice(span.start, span.stop) for span in self.region)]
        mine = self.operands.narrowed(self.batched_output)
        close = _close(mine, part, self.products)
        if not close.all():
            first = tuple(int(k) for k in np.argwhere(~close)[0])
            raise TraceError(
                "the record's output {mine} at {cell} is not the kernel's {other}",
                mine=mine[first],
                cell=tuple(span[k] for span, k in zip(self.region, first, strict=True)),
                other=part[first],
            )
        finite = np.isfinite(mine) & np.isfinite(part)
        return float(np.abs(mine[finite] - part[finite]).max(initial=0))

    # -- formats ----------------------------------------------------------------------

    def to_json(self) -> str:
        """Return the record as one JSON object: see `stepconv.record.formats`."""
        from stepconv.record import formats

        return formats.to_json(self)

    @staticmethod
    def from_json(text: str) -> Trace:
        """Rebuild a trace from `to_json`'s text; InputError where the text does not hold."""
        from stepconv.record import formats

        return formats.from_json(text)

    def to_csv(self) -> str:
        """Return the record as CSV, one row a term, after a comment line with the rest."""
        from stepconv.record import formats

        return formats.to_csv(self)

    @staticmethod
    def from_csv(text: str) -> Trace:
        """Rebuild a trace from `to_csv`'s text; InputError where the text does not hold."""
        from stepconv.record import formats

        return formats.from_csv(text)

    def save(self, path: str | Path) -> None:
        """Write the record to `path`: .json, .csv or .npz by its suffix."""
        from stepconv.record import formats

        formats.save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Trace:
        """Read a trace that `save` wrote."""
        from stepconv.record import formats

        return formats.load(Path(path))

    # -- where things stand in the record ----------------------------------------------

    def cell(self, output_index: Index) -> int:
        """Row of the record for output cell (n, channel, *position)."""
        offsets = [p - span.start for p, span in zip(output_index, self.region, strict=True)]
        return int(np.ravel_multi_index(offsets, [len(span) for span in self.region]))

    def term_number(self, in_channel: int, tap: Index) -> int:
        """Column of the record for an input channel and a tap of a transposed weight."""
        sizes = self.geometry.kernel_size
        turned = [k - 1 - t for k, t in zip(sizes, tap, strict=True)]
        at = (in_channel % self.geometry.group_inputs, *turned)
        return int(np.ravel_multi_index(at, (self.geometry.group_inputs, *sizes)))

    def weight_index(self, channel: int, c: int, tap: Index) -> Index:
        """Index in the weight as given, for the c-th input channel of a sum and a window tap."""
        geometry = self.geometry
        if not geometry.transposed:
            return (channel, c, *tap)
        turned = tuple(k - 1 - t for k, t in zip(geometry.kernel_size, tap, strict=True))
        return (geometry.group_channels(channel)[c], channel % geometry.group_outputs, *turned)

    def value_at(self, output_index: Index) -> Any:
        """Return the value of output cell (n, channel, *position)."""
        return number(self._output.reshape(-1)[self.cell(output_index)])

    def _placements_seeing(self, cell: Index) -> Iterator[Placement]:
        geometry = self.geometry
        spans = [
            _seeing(axis, span, position)
            for axis, span, position in zip(geometry.axes, self.region[2:], cell[2:], strict=True)
        ]
        channels = [c for c in self.region[1] if cell[1] in geometry.group_channels(c)]
        samples = [cell[0]] if cell[0] in self.region[0] else []
        for place in combinations(samples, channels, *spans):
            yield Placement(self, self.cell(place), place)

    def _has_weight(self, placement: Placement, own: Index) -> bool:
        geometry = self.geometry
        if geometry.transposed:
            same = placement.channel % geometry.group_outputs == own[1]
            return same and own[0] in placement.input_channels
        return placement.channel == own[0]


def trace(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    transposed: bool = False,
    output_padding: Ints = 0,
    output_size: Ints | None = None,
    order: str = "gather",
    only: Any = None,
) -> Trace:
    """Run a convolution and record every placement, product and partial sum.

    Parameters
    ----------
    input, weight, bias, stride, padding, dilation, groups, padding_mode
        As for `stepconv.conv`; the rank is the weight's.
    transposed, output_padding, output_size
        A transposed convolution, as `stepconv.conv_transpose1d`.
    order : {"gather", "scatter"}
        Transposed only: "gather" steps through the output cells, each collecting its
        terms; "scatter" through the input cells, each stamping the kernel.
    only : int, slice or tuple of them, optional
        The part of the output to record, indexed as (N, C_out, *spatial) without N
        where unbatched, for instance ``numpy.s_[0, 3, :2, :2]``.

    Returns
    -------
    Trace

    Raises
    ------
    TraceError
        When the record would take more than 2 GiB or a quarter of the memory, before
        any is taken; when `only` names nothing, or `order` does not apply.
    ShapeError, SpecError, DtypeError
        As for `stepconv.conv`.

    Examples
    --------
    >>> record = trace([[1, 2, 3]], [[[1, 10]]], bias=[100])
    >>> record[0].terms[1].product, record[0].sum, record[0].output
    (20, 21, 121)
    """
    _check_order(order)
    operands = prepare(
        input,
        weight,
        bias,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        transposed=transposed,
        output_padding=output_padding,
        output_size=output_size,
    )
    if order == "scatter" and not operands.geometry.transposed:
        raise SpecError(
            "order 'scatter' is for transposed convolutions; forward, each output cell gathers"
        )
    return record(operands, chosen_region(operands.geometry, only), order)


def record(operands: Operands, region: Region, order: str = "gather") -> Trace:
    """Run the instrumented kernel over a region of the output."""
    geometry = operands.geometry
    cells, terms = prod(len(span) for span in region), geometry.terms
    size = 2 * cells * terms * operands.input.itemsize
    limit = min(LARGEST_RECORD, memory() // 4)
    if size > limit:
        raise TraceError(
            "the record of {cells} output cells with {terms} terms each is {total} terms and"
            " {size} MB, more than the {limit} MB allowed; trace a part, for instance"
            " only={example} (one output cell), or use a smaller input",
            cells=cells,
            terms=terms,
            total=cells * terms,
            size=size >> 20,
            limit=limit >> 20,
            example=(0,) * len(geometry.output_shape),
        )
    from stepconv.kernels import textbook  # Numba loads when a kernel is first needed

    dtype = operands.input.dtype
    products = np.empty((cells, terms), dtype)
    sums = np.empty((cells, terms), dtype)
    ones = (1,) * (3 - geometry.rank)
    spans = [len(span) for span in region]
    output = np.empty((*spans[:2], *ones, *spans[2:]), dtype)
    kernel = textbook.convolve_transposed if geometry.transposed else textbook.convolve
    kernel(
        operands.input[region[0].start : region[0].stop],
        operands.weight,
        operands.bias,
        operands.sources,
        operands.walk([0] * len(ones) + [span.start for span in region[2:]]),
        np.arange(region[1].start, region[1].stop),
        output,
        products,
        sums,
    )
    # Whoever changes an array after the call must not change what the record says.
    return Trace(operands.copied(), region, order, output, products, sums)


def _check_order(order: Any) -> None:
    if not isinstance(order, str) or order not in ORDERS:
        raise SpecError("order {order} is neither 'gather' nor 'scatter'", order=shown(order))


def _uses(axis: Axis, span: range) -> Array:
    """Count how often each input position lies under a tap, over a span of outputs."""
    counts = np.zeros(axis.input_size + 1, dtype=np.int64)  # the last cell collects the zeros
    starts = np.arange(span.start, span.stop) * axis.step
    for tap in range(axis.kernel_size):
        np.add.at(counts, axis.source_at(starts + tap * axis.dilation), 1)
    return counts[:-1]


def _seeing(axis: Axis, span: range, position: int) -> list[int]:
    """Return the outputs of a span whose window holds an input position."""
    starts = np.arange(span.start, span.stop) * axis.step
    seen = np.zeros(len(span), dtype=bool)
    for tap in range(axis.kernel_size):
        seen |= axis.source_at(starts + tap * axis.dilation) == position
    return [int(place) + span.start for place in np.flatnonzero(seen)]


def _verify_placement(placement: Placement) -> None:
    geometry = placement.trace.geometry
    products, sums = placement.products.reshape(-1), placement.sums.reshape(-1)
    with np.errstate(all="ignore"):
        expected = multiplied(placement.values.reshape(-1), placement.weights.reshape(-1))
        if geometry.transposed:  # an inserted zero adds nothing, even to an infinite weight
            nothing = np.broadcast_to(placement.missing, placement.products.shape).reshape(-1)
            expected = np.where(nothing, expected.dtype.type(0), expected)
        running = np.concatenate([np.zeros(1, sums.dtype), sums[:-1]]) + products
        output = sums[-1] + placement.bias
    facts = {"index": placement.index, "cell": placement.output_index}
    # Python 3.14 and, with it, Numba find infinities in complex products that others call nan.
    odd = ~np.isfinite(expected) & ~np.isfinite(products) & (products.dtype.kind == "c")
    if not _same(products[~odd], expected[~odd]):
        raise TraceError(
            "placement {index} (output {cell}): a product is not value times weight", **facts
        )
    if not _same(sums, running):
        raise TraceError(
            "placement {index} (output {cell}): a partial sum is not the one before plus the"
            " product",
            **facts,
        )
    if not _same(np.asarray(output), np.asarray(placement.output)):
        raise TraceError("placement {index} (output {cell}): sum plus bias is not it", **facts)


def _same(one: Array, other: Array) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind in "fc"))


def _close(mine: Array, other: Array, products: Array) -> Array:
    """Where two outputs agree: integers exactly, others as far as the order of a sum decides.

    Adding `products` in any order is off by at most their number times the rounding of
    the sum of their sizes, however small the sum itself.
    """
    if mine.dtype.kind not in "fc":
        return np.asarray(mine == other)
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.abs(products).sum(axis=1).reshape(mine.shape) + np.abs(mine)
        room = 4 * np.finfo(mine.dtype).eps * (products.shape[1] + 1) * sizes
        near = np.abs(mine - other) <= room
    alike = (mine == other) | (np.isnan(mine) & np.isnan(other))
    return np.asarray(near | alike)
