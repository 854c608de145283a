"""Which rows of the output make a band of `stepconv.kernels.small`, and what it shows of the input.

Usually rows that follow one another: each needs most of the input rows that the one before needs.
Where the kernel's rows are dilated, it needs none of them. So there a band holds *families*, rows
that lie a dilation apart, of which each shares its rows of the input with the next::

    dilation 6      rows 0 6 12 … of the output see rows -6 0 6 12 18 … of the input,
                    rows 1 7 13 …                   rows -5 1 7 13 19 …

In a family the kernel has no dilation. 33 rows under a kernel of 3 with dilation 6 are six
families of 8 rows of input; of rows that follow one another, 5 need 17.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from stepconv.geometry import Axis, Indices
from stepconv.kernels.bands import (
    Layout,
)

Axes = tuple[Axis, Axis, Axis]


@dataclass(frozen=True)
class RowBands:
    """Bands of output rows.

    Attributes
    ----------
    layout : Layout
    outputs : tuple of arrays
        The output rows of each band.
    lines : tuple of arrays
        Where in the band each of them begins.
    corner_step, source_step : int
        From one band to the next: first row of the output, first entry of the list of sources.
    sources : array or None
        Rows of the input, or -1, band after band; None for those of the layout.
    """

    layout: Layout
    outputs: tuple[Indices, ...]
    lines: tuple[Indices, ...]
    corner_step: int
    source_step: int
    sources: Indices | None = None

    @property
    def count(self) -> int:
        """How many bands there are."""
        return len(self.outputs)

    @property
    def filled(self) -> int:
        """Rows that are filled for all bands."""
        return self.count * self.layout.rows


def row_bands(axes: Axes, fits: Callable[[Layout], bool], multiple: int = 1) -> RowBands | None:
    """Return the largest bands that fit: families, where they take fewer rows of input.

    Their number is a multiple of `multiple`.
    """
    ways = _successive(axes, fits, multiple), _families(axes, fits, multiple)
    found = [bands for bands in ways if bands]
    return min(found, key=lambda bands: bands.filled, default=None)


def even_rows(axes: Axes, pixels: int) -> RowBands:
    """Return bands of rows that follow one another, of about so many pixels."""
    height, width = axes[1].output_size, axes[2].output_size
    rows = -(-height // -(-height * width // pixels))
    return _of_rows(axes, rows)


def _successive(axes: Axes, fits: Callable[[Layout], bool], multiple: int) -> RowBands | None:
    height, width = axes[1].output_size, axes[2].output_size
    for bands in range(1, height + 1):
        rows = -(-height // bands)
        layout = Layout.of(axes, rows, width)
        if -(-height // rows) % multiple == 0 and fits(layout):
            return _of_rows(axes, rows)
    return None


def _of_rows(axes: Axes, rows: int) -> RowBands:
    """Return bands of so many rows, but for the last."""
    height, width = axes[1].output_size, axes[2].output_size
    outputs = tuple(np.arange(y, min(y + rows, height)) for y in range(0, height, rows))
    lines = tuple(own - own[0] for own in outputs)
    return RowBands(Layout.of(axes, rows, width), outputs, lines, rows, rows)


def _families(axes: Axes, fits: Callable[[Layout], bool], multiple: int) -> RowBands | None:
    deep, rows, columns = axes
    apart, height = rows.dilation, rows.output_size
    if rows.step > 1 or apart == 1 or rows.kernel_size == 1:
        return None
    families = min(apart, height)
    high = -(-height // apart) + rows.kernel_size - 1
    plain = Layout.of((deep, replace(rows, dilation=1), columns), 1, columns.output_size)
    for bands in range(1, families + 1):
        together = -(-families // bands)
        layout = replace(plain, rows=together * high)
        if -(-families // together) % multiple == 0 and fits(layout):
            break
    else:
        return None
    bands = -(-families // together)
    y = np.arange(height)
    family, place = y % apart, y // apart
    members = [family // together == band for band in range(bands)]
    positions = np.arange(bands * together)[:, None] + np.arange(high) * apart
    sources = np.append(rows.source, -1)[np.minimum(positions, rows.layout_size)]
    return RowBands(
        layout,
        tuple(y[own] for own in members),
        tuple((family % together * high + place)[own] for own in members),
        together,
        together * high,
        sources.ravel(),
    )
