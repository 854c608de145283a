"""Where every tap falls: a convolution bound to shapes, still without numbers.

Forward and transposed are one walk. The input is *laid out* along each axis:
forward, the padded input; transposed, the input with ``stride - 1`` zeros
inserted between its values and a border of zeros around them. The kernel then
moves over that layout: in steps of ``stride``, or, transposed, in steps of one
with the kernel turned. `Axis.source` maps each laid-out position to the input
position it shows, or to -1 for a zero.

The arithmetic is Dumoulin & Visin, "A guide to convolution arithmetic for deep
learning", arXiv:1603.07285.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

AXIS_NAMES = {1: ("length",), 2: ("rows", "columns"), 3: ("depth", "rows", "columns")}

_ASCII = str.maketrans({"⌊": "floor(", "⌋": ")", "−": "-", "·": "*"})


@dataclass(frozen=True)
class Axis:
    """One spatial axis: how long the input is, and how the kernel moves along it.

    `pad` is (before, after): cells added on each side or, for a transposed axis,
    cells cropped from each end of the result.

    >>> axis = Axis(input_size=6, kernel_size=3, stride=2, pad=(1, 1))
    >>> axis.output_size, axis.source.tolist(), axis.unused.tolist()
    (3, [-1, 0, 1, 2, 3, 4, 5, -1], [])
    >>> axis.formula()
    '⌊(6 + 1 + 1 − 1·(3 − 1) − 1) / 2⌋ + 1 = 3'
    """

    input_size: int
    kernel_size: int
    stride: int = 1
    dilation: int = 1
    pad: tuple[int, int] = (0, 0)
    mode: str = "zeros"
    transposed: bool = False
    output_padding: int = 0

    @property
    def span(self) -> int:
        """Cells from the first tap to the last: ``dilation * (kernel_size - 1) + 1``."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def step(self) -> int:
        """Laid-out cells from one placement to the next."""
        return 1 if self.transposed else self.stride

    @property
    def spread(self) -> int:
        """Laid-out cells from one input value to the next."""
        return self.stride if self.transposed else 1

    @property
    def border(self) -> tuple[int, int]:
        """Laid-out cells before the first and after the last input value.

        Negative for a transposed axis that crops more than ``span - 1``: then the
        layout begins inside the input.
        """
        before, after = self.pad
        if not self.transposed:
            return before, after
        return self.span - 1 - before, self.span - 1 - after + self.output_padding

    @property
    def layout_size(self) -> int:
        """Length of the laid-out input."""
        return (self.input_size - 1) * self.spread + 1 + sum(self.border)

    @property
    def output_size(self) -> int:
        """Placements along this axis, 0 or less where the kernel finds no room."""
        return (self.layout_size - self.span) // self.step + 1

    @property
    def leftover(self) -> int:
        """Laid-out cells at the end that the last placement does not reach."""
        return (self.layout_size - self.span) % self.step

    def source_at(self, position: Any) -> Indices:
        """Input positions shown at laid-out positions (any integer array), -1 for a zero."""
        place = np.asarray(position, dtype=np.int64) - self.border[0]
        n = self.input_size
        inside = (place >= 0) & (place <= (n - 1) * self.spread)
        if self.transposed:
            return np.where(inside & (place % self.spread == 0), place // self.spread, -1)
        match self.mode:
            case "reflect":
                return np.where(place < 0, -place, np.where(place < n, place, 2 * (n - 1) - place))
            case "symmetric":
                return np.where(
                    place < 0, -place - 1, np.where(place < n, place, 2 * n - 1 - place)
                )
            case "replicate":
                return np.clip(place, 0, n - 1)
            case "circular":
                return place % n
            case _:
                return np.where(inside, place, -1)

    @cached_property
    def source(self) -> Indices:
        """`source_at` every laid-out position: ``np.pad(np.arange(n), pad, mode)``."""
        return _frozen(self.source_at(np.arange(self.layout_size)))

    def kind_at(self, position: int) -> str:
        """What lies at a laid-out position.

        "input"; "padding", a zero of the border; "border", a copy from inside; or
        "inserted", a zero between two values of a transposed input.
        """
        place = position - self.border[0]
        if 0 <= place <= (self.input_size - 1) * self.spread:
            return "inserted" if place % self.spread else "input"
        return "padding" if self.mode == "zeros" else "border"

    def window(self, output: int) -> Indices:
        """Laid-out positions under the kernel for one output position, tap by tap."""
        return output * self.step + np.arange(self.kernel_size) * self.dilation

    def landing(self, position: int, tap: int) -> int:
        """Output position on which an input of a transposed axis lands through `tap`.

        Outside ``range(output_size)`` where the crop takes it away.
        """
        return position * self.stride + tap * self.dilation - self.pad[0]

    @cached_property
    def unused(self) -> Indices:
        """Input positions that no placement reaches."""
        reached = np.zeros(self.input_size + 1, dtype=bool)  # the last cell collects the zeros
        starts = np.arange(self.output_size) * self.step
        for tap in range(self.kernel_size):
            reached[self.source_at(starts + tap * self.dilation)] = True
        return _frozen(np.flatnonzero(~reached[:-1]))

    @property
    def phases(self) -> tuple[tuple[int, ...], ...]:
        """For each output position modulo the stride, the taps of a transposed axis that reach it.

        Phases with unlike numbers of taps are what draws checkerboards.

        >>> Axis(input_size=4, kernel_size=3, stride=2, transposed=True).phases
        ((0, 2), (1,))
        """
        return tuple(self.taps_at(phase) for phase in range(self.stride))

    def taps_at(self, output: int) -> tuple[int, ...]:
        """Taps of a transposed axis that reach an output position, were the input endless."""
        place = output + self.pad[0]
        taps = range(self.kernel_size)
        return tuple(tap for tap in taps if (place - tap * self.dilation) % self.stride == 0)

    def formula(self, *, ascii: bool = False) -> str:
        """Return the size formula with this axis' numbers filled in.

        Forward ``⌊(i + p + p − d·(k − 1) − 1) / s⌋ + 1``, transposed
        ``(i − 1)·s − p − p + d·(k − 1) + output_padding + 1``.
        """
        before, after = self.pad
        taps = f"{self.dilation}·({self.kernel_size} − 1)"
        if self.transposed:
            text = (
                f"({self.input_size} − 1)·{self.stride} − {before} − {after} + {taps}"
                f" + {self.output_padding} + 1 = {self.output_size}"
            )
        else:
            text = (
                f"⌊({self.input_size} + {before} + {after} − {taps} − 1) / {self.stride}⌋"
                f" + 1 = {self.output_size}"
            )
        return text.translate(_ASCII) if ascii else text


@dataclass(frozen=True)
class Geometry:
    """Axes, channels, groups and batch of one convolution; `batch` is None where unbatched.

    >>> rows = Axis(5, 3, pad=(1, 1))
    >>> Geometry((rows, rows), batch=None, in_channels=4, out_channels=8, groups=2).output_shape
    (8, 5, 5)
    """

    axes: tuple[Axis, ...]
    batch: int | None
    in_channels: int
    out_channels: int
    groups: int = 1

    @property
    def rank(self) -> int:
        """Number of axes along which the kernel moves."""
        return len(self.axes)

    @property
    def transposed(self) -> bool:
        """Whether the convolution is transposed."""
        return self.axes[0].transposed

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """Taps along each axis."""
        return tuple(axis.kernel_size for axis in self.axes)

    @property
    def input_size(self) -> tuple[int, ...]:
        """Input cells along each axis."""
        return tuple(axis.input_size for axis in self.axes)

    @property
    def output_size(self) -> tuple[int, ...]:
        """Output cells along each axis."""
        return tuple(axis.output_size for axis in self.axes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(N, C_in, *spatial), without N where unbatched."""
        return self._with_batch(self.in_channels, self.input_size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(N, C_out, *spatial), without N where unbatched."""
        return self._with_batch(self.out_channels, self.output_size)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(C_out, C_in/groups, *kernel), transposed (C_in, C_out/groups, *kernel)."""
        if self.transposed:
            return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    @property
    def group_inputs(self) -> int:
        """Input channels that one output channel sums over."""
        return self.in_channels // self.groups

    @property
    def group_outputs(self) -> int:
        """Output channels that see the same input channels."""
        return self.out_channels // self.groups

    @property
    def terms(self) -> int:
        """Terms of one output cell's sum: C_in/groups times the taps."""
        return self.group_inputs * prod(self.kernel_size)

    @property
    def embedded(self) -> tuple[Axis, Axis, Axis]:
        """The axes as three: leading axes of length 1 make every rank a rank-3 convolution."""
        unit = Axis(1, 1, transposed=self.transposed)
        first, second, third = (unit,) * (3 - self.rank) + self.axes
        return first, second, third

    def group_channels(self, out_channel: int) -> range:
        """Input channels that `out_channel` sums over."""
        first = out_channel // self.group_outputs * self.group_inputs
        return range(first, first + self.group_inputs)

    def _with_batch(self, channels: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
        batch = () if self.batch is None else (self.batch,)
        return (*batch, channels, *sizes)


def _frozen(indices: Indices) -> Indices:
    """Kernels trust the index maps, so that nobody may change one."""
    indices.flags.writeable = False
    return indices
