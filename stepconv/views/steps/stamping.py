"""Stamping: one stamp up to one of its terms, and what the output holds then."""

from __future__ import annotations

from functools import cached_property, reduce
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.record import Stamp
from stepconv.record.placement import multiplied
from stepconv.views.parts.figures import figures
from stepconv.views.steps.slices import Triple, embed
from stepconv.views.steps.walks import Walk, outer, passed

Array = NDArray[Any]


class Stamping:
    """What a stamp puts on one output channel when its terms up to `term` are placed, or all.

    Everything has three axes, whatever the rank.

    Parameters
    ----------
    stamp : Stamp
    term : int, optional
        The current term; without it all are placed.
    channel : int, optional
        Which of the stamp's output channels is looked at where there is no term, counted
        from 0 and round again.

    Attributes
    ----------
    channel : int
        The output channel looked at.
    tap : (int, int, int) or None
        The tap of the current term.
    spans : list of range
        The output positions traced, along each axis.
    landings : list of ndarray
        The output position on which each tap lands, along each axis.

    Examples
    --------
    >>> from stepconv import trace
    >>> steps = trace([[1, 2]], [[[3, 4]]], transposed=True, order="scatter")
    >>> stamping = Stamping(steps[1])
    >>> stamping.products.tolist(), stamping.before.tolist(), stamping.after.tolist()
    ([[[6, 8]]], [[[4, 0]]], [[[10, 8]]])
    """

    def __init__(self, stamp: Stamp, term: int | None = None, channel: int | None = None) -> None:
        trace = stamp.trace
        geometry = trace.geometry
        self.stamp = stamp
        self.trace = trace
        self.figures = figures(trace)
        self.axes = geometry.embedded
        self.shape = tuple(axis.kernel_size for axis in self.axes)
        self.taps = geometry.terms // geometry.group_inputs
        channels = stamp.output_channels
        self.count = len(channels) * self.taps
        if term is not None and not 0 <= term < self.count:
            raise IndexError(f"term {term} of a stamp that has {self.count}")
        self.term = term
        which = (channel or 0) if term is None else term // self.taps
        self.channel = channels[which % len(channels)]
        self.tap: Triple | None = None
        if term is not None:
            self.tap = embed([int(k) for k in np.unravel_index(term % self.taps, self.shape)])
        self.spans = [*(range(1),) * (3 - geometry.rank), *trace.region[2:]]
        self.position = embed(stamp.position)
        self.landings = [
            np.array([axis.landing(place, tap) for tap in range(axis.kernel_size)])
            for axis, place in zip(self.axes, self.position, strict=True)
        ]

    # -- the stamp --------------------------------------------------------------------------

    @property
    def placed(self) -> int:
        """How many products of the stamp lie on this channel."""
        return self.taps if self.term is None else self.term % self.taps + 1

    def reached(self, tap: Triple) -> bool:
        """Whether the product of a tap is among them."""
        return int(np.ravel_multi_index(tap, self.shape)) < self.placed

    @property
    def finished(self) -> bool:
        """Whether this was the last product for this channel of the sample."""
        last = embed([size - 1 for size in self.trace.geometry.input_size])
        group = self.trace.geometry.group_channels(self.channel)
        return (
            self.stamp.input_index[1] == group[-1]
            and self.position == last
            and self.placed == self.taps
        )

    @cached_property
    def weights(self) -> Array:
        """The kernel it stamps with."""
        share = self.trace.geometry.group_outputs
        weight = self.trace.weight[self.stamp.input_index[1], self.channel % share]
        return np.asarray(weight).reshape(self.shape)

    @cached_property
    def inside(self) -> Array:
        """Where a product lands in what is traced."""
        within = [
            (place >= span.start) & (place < span.stop)
            for place, span in zip(self.landings, self.spans, strict=True)
        ]
        return np.asarray(reduce(np.logical_and.outer, within))

    @cached_property
    def products(self) -> Array:
        """The stamp: recorded where it lands, computed where it is cropped."""
        with np.errstate(all="ignore"):
            value = np.asarray(self.trace.batched_input[self.stamp.input_index])
            products = multiplied(value, self.weights)
        products[self.inside] = self.trace.products[self._cells, self._numbers]
        return products

    @cached_property
    def after(self) -> Array:
        """What the output cells under the stamp hold after it, 0 where cropped."""
        return self._recorded(self._numbers)

    @cached_property
    def before(self) -> Array:
        """What they held before it."""
        before = self._recorded(np.maximum(self._numbers - 1, 0))
        first = np.zeros(self.shape, dtype=bool)
        first[self.inside] = self._numbers == 0
        return np.where(first, before.dtype.type(0), before)

    def _recorded(self, numbers: Array) -> Array:
        sums = np.zeros(self.shape, self.trace.sums.dtype)
        sums[self.inside] = self.trace.sums[self._cells, numbers]
        return sums

    @cached_property
    def _numbers(self) -> Array:
        """Columns of the record: the sum reads the kernel turned, so from its last tap on."""
        block = self.stamp.input_index[1] % self.trace.geometry.group_inputs
        numbers = block * self.taps + np.arange(self.taps)[::-1].reshape(self.shape)
        return numbers[self.inside]

    @cached_property
    def _cells(self) -> Array:
        """Rows of the record where the stamp lands."""
        places = np.meshgrid(*self.landings, indexing="ij")
        offsets = [
            place[self.inside] - span.start for place, span in zip(places, self.spans, strict=True)
        ]
        return self._rows(offsets)

    def _rows(self, offsets: Any) -> Array:
        """Rows of the record for offsets into what is traced of this channel."""
        n, c = (
            place - span.start
            for place, span in zip(
                (self.stamp.input_index[0], self.channel), self.trace.region[:2], strict=True
            )
        )
        sizes = [len(span) for span in self.spans]
        first = (n * len(self.trace.region[1]) + c) * prod(sizes)
        return np.asarray(first + np.ravel_multi_index(offsets, sizes))

    # -- the output -------------------------------------------------------------------------

    def held(self, depth: int, rows: range, columns: range) -> tuple[Array, Array]:
        """Tell what a part of the output held before this stamp.

        Parameters
        ----------
        depth : int
        rows, columns : range
            Output positions, within what is traced.

        Returns
        -------
        sums, touched : ndarray, (rows, columns)
            The sums then, 0 where no product had come to the cell; and whether one had.
        """
        parts = (range(depth, depth + 1), rows, columns)
        walks = [
            Walk.along(axis, part, place)
            for axis, part, place in zip(self.axes, parts, self.position, strict=True)
        ]
        block = self.stamp.input_index[1] % self.trace.geometry.group_inputs
        earlier = block * self.taps + passed(walks, lambda walk: (walk.below, walk.taps))
        touched = block * outer([walk.values for walk in walks])
        touched += passed(walks, lambda walk: (walk.values_below, walk.values))
        offsets = np.ix_(
            *(np.asarray(part) - span.start for part, span in zip(parts, self.spans, strict=True))
        )
        cells = self._rows(np.broadcast_arrays(*offsets))
        sums = self.trace.sums[cells, np.maximum(earlier - 1, 0)]
        known = touched[0] > 0
        return np.where(known, sums[0], sums.dtype.type(0)), known

    def output(self, depth: int, rows: range, columns: range) -> tuple[Array, Array]:
        """Tell what a part of the output is in the end, as `held` tells what it was."""
        starts = [span.start for span in self.trace.region]
        n, c = self.stamp.input_index[0] - starts[0], self.channel - starts[1]
        image = self.trace.batched_output[n, c].reshape([len(span) for span in self.spans])
        part = image[
            depth - self.spans[0].start,
            rows.start - self.spans[1].start : rows.stop - self.spans[1].start,
            columns.start - self.spans[2].start : columns.stop - self.spans[2].start,
        ]
        return part, np.ones(part.shape, dtype=bool)
