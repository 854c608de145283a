"""Where tiles read: from a band that was filled, or the input in its place.

To fill a band takes 2 to 8 % of the time of a layer, 3 % of most. It can be saved where nothing is
multiplied that is not a number of the input:

- Kernels of 1 with stride 1 and no padding: each output cell sees the one input cell in its
  place, and whatever the rank, the pixels are one row.
- In `stepconv.kernels.small` most others: a run leaves out the taps under which it sees padding
  (`stepconv.kernels.runs`), and its pixels are read one by one, so that they may be a stride apart.
- In `stepconv.kernels.direct`, whose vectors take neighbours: those without padding and stride.

Rows that the kernel covers from end to end are one long row first (`flattened`).

The input as it lies has its price, though: its numbers come from further away, so that tiles ask
for them ahead; and channels that lie a large power of two apart are crowded in the caches.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod

import numpy as np

from stepconv.geometry import Axis, Indices
from stepconv.kernels.bands import Layout
from stepconv.kernels.emit import PAGE_BYTES
from stepconv.kernels.host import host

Axes = tuple[Axis, Axis, Axis]

# Places in a cache for lines with the same low bits of their address, and the bytes after which
# those repeat. Of the second cache, 1 MB on Zen 4: with 4 times as many channels as there are
# places for theirs, maps of 128 and 256 columns take 10 to 20 % longer in place than from a band,
# with twice as many 3 % less; rows of less than four lines the processor foresees (3-D on 32
# columns: 4 % less). With 16 registers, whose tiles read from it, of the first cache: maps of 64,
# 112 and 128 columns take 4 to 9 % longer, those of 28 and 56 up to 5 % less (Zen 4 with AVX2).
_WAYS, _WAY_BYTES, _CROWD, _SHORT_BYTES = (
    (8, 128 * 1024, 2, 256) if host().registers == 32 else (8, 4096, 1, 0)
)


@dataclass(frozen=True)
class Reading:
    """Where tiles read: in a band, or the input in its place.

    Attributes
    ----------
    channel, sample, plane, row, pixel : int
        Numbers from one channel to the next, and from one sample; from one depth of the output,
        where in place; from one line of the band, or where in place one row of the output; and from
        one pixel.
    offsets : tuple of arrays
        Where each tap reads; in a band, after each number of planes that have been replaced.
    """

    channel: int
    sample: int
    plane: int
    row: int
    pixel: int
    offsets: tuple[Indices, ...]

    @classmethod
    def of_band(cls, layout: Layout, channels: int) -> Reading:
        """Read a band of so many channels."""
        turns = range(layout.axes[0].kernel_size)
        return cls(
            layout.channel,
            channels * layout.channel,
            0,
            layout.pitch,
            1,
            tuple(layout.turned(turn) for turn in turns),
        )

    @classmethod
    def in_place(cls, axes: Axes, channels: int) -> Reading:
        """Read samples of so many channels."""
        deep, rows, columns = axes
        z, y, x = (np.arange(axis.kernel_size) * axis.dilation - axis.border[0] for axis in axes)
        width, plane = columns.input_size, rows.input_size * columns.input_size
        return cls(
            cells(axes),
            channels * cells(axes),
            plane * deep.step,
            width * rows.step,
            columns.step,
            ((z[:, None, None] * plane + y[:, None] * width + x).ravel(),),
        )


#: Columns that a kernel may cover, for rows to become one: so many phases has the stride.
MOST_COVERED = 1024


def in_place(axes: Axes) -> bool:
    """Whether each output cell sees the one input cell in its place, so that no band is needed."""
    return all(axis.kernel_size == 1 and axis.stride == 1 and axis.pad == (0, 0) for axis in axes)


def flattened(axes: Axes) -> Axes:
    """Make rows one row, end to end, where that is the same convolution.

    The pixels, where each output cell sees the one input cell in its place; and rows that the
    kernel covers from end to end, as where it passes over a sentence, a row of numbers a word.

    >>> z, y, x = flattened((Axis(1, 1), Axis(64, 3), Axis(300, 300)))
    >>> y.output_size, x.output_size, x.kernel_size, x.stride
    (1, 62, 900, 300)
    """
    if in_place(axes):
        return Axis(1, 1), Axis(1, 1), Axis(cells(axes), 1)
    z, y, x = axes
    width = x.input_size
    one_line = width == 1 or (y.dilation == 1 and y.mode == "zeros")
    if width > MOST_COVERED or x.kernel_size != width or x.border != (0, 0) or not one_line:
        return axes
    before, after = y.border
    pad = before * width, after * width
    line = Axis(
        y.input_size * width, y.kernel_size * width, y.stride * width, y.dilation, pad, y.mode
    )
    return z, Axis(1, 1), line


def readable(axes: Axes, itemsize: int, channels: int) -> bool:
    """Whether vectors of pixels can be read in the input of so many channels, and do well there.

    Without padding and stride the input looks as its band would. On Zen 4 layers take 1 to 8 % less
    time in place, with bands of `stepconv.kernels.cutting.PLACE_BYTES`. Zen 3 knows the places of
    few pages at once: where channels lie more than one apart, larger kernels do better with a band.
    """
    if any(axis.step > 1 or axis.pad != (0, 0) for axis in axes):
        return False
    if in_place(axes) or cells(axes) * itemsize <= PAGE_BYTES:
        return True
    return host().registers == 32 and not crowded(axes, itemsize, channels)


def cells(axes: Axes) -> int:
    """Cells of one channel of the input."""
    return prod(axis.input_size for axis in axes)


def crowded(axes: Axes, itemsize: int, rows: int) -> bool:
    """Whether so many rows of channels of the input get into each other's way in a cache.

    Where channels lie a large power of two apart, their lines are all kept in the same few places.
    """
    places = _WAYS * (_WAY_BYTES // gcd(cells(axes) * itemsize, _WAY_BYTES))
    return axes[2].input_size * itemsize >= _SHORT_BYTES and rows > _CROWD * places
