"""Reading: one placement up to one of its terms, as arrays of (channel, depth, row, column)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.record import Placement
from stepconv.views.parts.figures import figures
from stepconv.views.steps.slices import Triple, embed

Array = NDArray[Any]


class Reading:
    """What a placement tells when its terms up to `term` are summed, or all.

    A *part* is what one channel, or in rank 3 one depth slice of a channel, adds.

    Parameters
    ----------
    placement : Placement
    term : int, optional
        The current term; without it the sum is complete.
    channel : int, optional
        Which of the input channels summed over is looked at where there is no term,
        counted from 0 and round again.

    Attributes
    ----------
    channel, depth : int
        The part looked at: an input channel of the sum, a tap along the depth.
    tap : (int, int, int) or None
        The tap of the current term.

    Examples
    --------
    >>> from stepconv import trace
    >>> reading = Reading(trace([[1, 2, 3]], [[[1, 10]]])[1], term=0)
    >>> reading.shape, reading.tap, int(reading.sum), reading.finished
    ((1, 1, 1, 2), (0, 0, 0), 2, False)
    """

    def __init__(
        self, placement: Placement, term: int | None = None, channel: int | None = None
    ) -> None:
        geometry = placement.trace.geometry
        if term is not None and not 0 <= term < geometry.terms:
            raise IndexError(f"term {term} of a sum that has {geometry.terms}")
        self.placement = placement
        self.trace = placement.trace
        self.figures = figures(self.trace)
        self.term = term
        taps = [axis.kernel_size for axis in geometry.embedded]
        self.shape = (geometry.group_inputs, *taps)
        self.channel, self.depth = (channel or 0) % geometry.group_inputs, 0
        self.tap: Triple | None = None
        if term is not None:
            self.channel, *tap = map(int, np.unravel_index(term, self.shape))
            self.tap = embed(tap)
            self.depth = self.tap[0]

    # -- how far the sum has come ---------------------------------------------------------

    @property
    def finished(self) -> bool:
        """Whether every term is summed."""
        return self.term is None or self.term == self.trace.geometry.terms - 1

    @property
    def sum(self) -> Any:
        """The sum so far."""
        return self.sums.reshape(-1)[-1 if self.term is None else self.term]

    def reached(self, number: int) -> bool:
        """Whether the sum has come to a term."""
        return self.term is None or number <= self.term

    @property
    def parts(self) -> int:
        """How many parts are summed."""
        return self.shape[0] * self.shape[1]

    @property
    def part(self) -> int:
        """Which of them is looked at."""
        return self.channel * self.shape[1] + self.depth

    # -- arrays -----------------------------------------------------------------------------

    @cached_property
    def kinds(self) -> Array:
        """What lies under each tap: (depth, row, column)."""
        return self.placement.kinds().reshape(self.shape[1:])

    @cached_property
    def values(self) -> Array:
        """The values under the kernel."""
        return self.placement.values.reshape(self.shape)

    @cached_property
    def weights(self) -> Array:
        """The kernel as the window meets it."""
        return self.placement.weights.reshape(self.shape)

    @cached_property
    def products(self) -> Array:
        """The recorded products."""
        return self.placement.products.reshape(self.shape)

    @cached_property
    def sums(self) -> Array:
        """The recorded partial sums."""
        return self.placement.sums.reshape(self.shape)

    def is_term(self, kind: str) -> bool:
        """Whether a tap over this kind of cell makes a product.

        A zero that a transposed convolution inserts, or puts around, makes none.
        """
        return kind == "input" or not self.trace.geometry.transposed
