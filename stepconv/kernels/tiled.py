"""What plans made of tiles have in common: settings and tables, and weights packed in blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Indices
from stepconv.kernels import pool
from stepconv.kernels.compiling import specialised

Array = NDArray[Any]

#: Weights that are worth packing on several threads: some 10 µs of work.
WORTH_SHARING = 1 << 15


class TiledPlan:
    """A plan whose kernel reads settings and tables; see `stepconv.kernels.plan`.

    `convolve` and `pack` are the family's kernels. `sizes` is what `pack` is told of the weights,
    which become `blocks` blocks of `numbers` numbers each. Without `pack` weights stay as they are.
    """

    apart = False

    def __init__(
        self,
        convolve: Callable[..., Any],
        pack: Callable[..., Any] | None,
        dtype: np.dtype[Any],
        units: int,
        settings: Mapping[int, int],
        tables: Indices,
        sizes: Sequence[int],
        blocks: int,
        numbers: int,
        scratch: int,
    ) -> None:
        self.units = units
        #: Numbers that a run takes on the heap while it lasts.
        self.scratch = scratch
        self._settings = np.array([settings[field] for field in range(len(settings))], np.int64)
        self._tables = tables
        self._sizes = np.array(sizes, np.int64)
        self._blocks, self._packed = blocks, blocks * numbers
        self._convolve, self._pack = _compiled(convolve, pack, dtype)

    def pack(self, weight: Array) -> Array:
        """Lay out the weights as tiles read them."""
        if self._pack is None:
            return weight
        packed = np.empty(self._packed, weight.dtype)
        arguments = self._sizes, weight, packed
        if weight.size >= WORTH_SHARING:
            pool.share(self._pack, arguments, self._blocks)
        else:
            self._pack(*arguments, 0, self._blocks)
        return packed

    def work(self, input: Array, packed: Array, bias: Array, output: Array) -> tuple[Any, ...]:
        """Return the compiled function, and what it is given before the units."""
        return self._convolve, self._settings, self._tables, input, packed, bias, output

    @property
    def run(self) -> Callable[..., Any]:
        """What computes the units from `first` to before `stop`."""
        return partial(self._convolve, self._settings, self._tables)


@cache
def _compiled(
    convolve: Callable[..., Any], pack: Callable[..., Any] | None, dtype: np.dtype[Any]
) -> tuple[Callable[..., Any], Callable[..., Any] | None]:
    """Return `convolve` and `pack` for arrays of `dtype`."""
    numbers, tables = np.empty(0, dtype), np.empty(0, np.int64)
    return (
        specialised(convolve, tables, tables, *(numbers,) * 4, 0, 0),
        pack and specialised(pack, tables, *(numbers,) * 2, 0, 0),
    )
