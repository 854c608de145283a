"""ConvSpec: the description of a convolution, which knows no shapes and no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stepconv.errors import ShapeError, SpecError, Word
from stepconv.fitting import Fitting, function_name
from stepconv.geometry import AXIS_NAMES, Axis, Geometry
from stepconv.values import (
    Ints,
    Padding,
    Pair,
    by,
    checked_mode,
    checked_padding,
    checked_shape,
    flag,
    per_axis,
    several,
    shown,
    whole,
)


@dataclass(frozen=True)
class ConvSpec:
    """A convolution without shapes: what a layer's constructor says.

    Every per-axis value is normalised to a tuple, padding to (before, after) pairs
    or kept as a named rule. The rank is the number of axes of `kernel_size`.

    Parameters
    ----------
    kernel_size : int or tuple of int
        Taps along each axis; an int describes a rank-1 kernel.
    stride, dilation : int or tuple of int
        Cells from one placement, and from one tap, to the next; at least 1.
    padding : int, tuple of int, tuple of (before, after), or str
        Cells added on each side; or "valid" (none), "same" (output ⌈input/stride⌉, an
        odd cell goes after), "same_lower" (before), "full" (every overlap), "causal"
        (rank 1: all before). Transposed: cells cropped from each end of the result.
    groups : int
        Blocks of channels that do not see one another.
    padding_mode : {"zeros", "reflect", "replicate", "circular", "symmetric"}
        What the padding holds. "reflect" mirrors without repeating the edge,
        "symmetric" repeats it.
    transposed : bool
        A transposed convolution.
    output_padding : int or tuple of int
        Cells added after the result of a transposed convolution, which chooses among
        the sizes that one stride maps to the same input.

    Raises
    ------
    SpecError
        When a value is not a whole number, too small or too large, of the wrong
        length, or does not go with the others.

    Examples
    --------
    >>> spec = ConvSpec((3, 3), stride=2, padding=1)
    >>> spec
    ConvSpec(kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    >>> spec.bind((1, 1, 5, 5)).output_shape
    (1, 1, 3, 3)
    """

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[Pair, ...] | str
    dilation: tuple[int, ...]
    groups: int
    padding_mode: str
    transposed: bool
    output_padding: tuple[int, ...]

    def __init__(
        self,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Padding = 0,
        dilation: Ints = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
        transposed: bool = False,
        output_padding: Ints = 0,
    ) -> None:
        sizes = several(kernel_size)
        rank = 1 if sizes is None else len(sizes)
        if rank not in AXIS_NAMES:
            raise SpecError(
                "kernel_size {value} has {rank} axes; a convolution has 1, 2 or 3",
                value=shown(kernel_size),
                rank=rank,
            )
        fix = object.__setattr__  # how a frozen dataclass sets its normalised values
        fix(self, "kernel_size", per_axis("kernel_size", kernel_size, rank, 1))
        fix(self, "stride", per_axis("stride", stride, rank, 1))
        fix(self, "dilation", per_axis("dilation", dilation, rank, 1))
        fix(self, "groups", whole("groups", groups, 1))
        fix(self, "transposed", flag("transposed", transposed))
        fix(self, "padding", checked_padding(padding, rank, self.transposed))
        fix(self, "padding_mode", checked_mode(padding_mode, self.transposed))
        fix(self, "output_padding", per_axis("output_padding", output_padding, rank, 0))
        self._check_output_padding()

    @property
    def rank(self) -> int:
        """Number of axes along which the kernel moves."""
        return len(self.kernel_size)

    @property
    def name(self) -> str:
        """Name of the function that runs this description, such as "conv2d"."""
        return function_name(self.rank, transposed=self.transposed)

    def __repr__(self) -> str:
        parts = [f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        if self.padding != ((0, 0),) * self.rank:
            parts.append(f"padding={self._plain_padding()!r}")
        if any(d != 1 for d in self.dilation):
            parts.append(f"dilation={self.dilation}")
        if any(self.output_padding):
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode!r}")
        if self.transposed:
            parts.append("transposed=True")
        return f"ConvSpec({', '.join(parts)})"

    def arguments(self) -> dict[str, Any]:
        """Return the values as the plain arguments (JSON types) that build this description."""
        padding = self.padding if isinstance(self.padding, str) else [list(p) for p in self.padding]
        return {
            "kernel_size": list(self.kernel_size),
            "stride": list(self.stride),
            "padding": padding,
            "dilation": list(self.dilation),
            "groups": self.groups,
            "padding_mode": self.padding_mode,
            "transposed": self.transposed,
            "output_padding": list(self.output_padding),
        }

    def pads(self, input_size: Sequence[int]) -> tuple[Pair, ...]:
        """Return (before, after) for each axis of an input of `input_size`.

        >>> ConvSpec(4, stride=2, padding="same").pads((9,))
        ((1, 2),)
        """
        if not isinstance(self.padding, str):
            return self.padding
        spans = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        match self.padding:
            case "valid":
                return ((0, 0),) * self.rank
            case "full":
                return tuple((span, span) for span in spans)
            case "causal":
                return ((spans[0], 0),)
        pairs = []
        for size, span, stride in zip(input_size, spans, self.stride, strict=True):
            total = max((-(-size // stride) - 1) * stride + span + 1 - size, 0)
            small, large = total // 2, total - total // 2
            pairs.append((small, large) if self.padding == "same" else (large, small))
        return tuple(pairs)

    def bind(
        self,
        input_shape: Sequence[int],
        weight_shape: Sequence[int] | None = None,
        output_size: Ints | None = None,
    ) -> Geometry:
        """Bind the description to shapes.

        Parameters
        ----------
        input_shape : tuple of int
            (N, C_in, *spatial), or (C_in, *spatial) unbatched.
        weight_shape : tuple of int, optional
            (C_out, C_in/groups, *kernel), transposed (C_in, C_out/groups, *kernel).
            Without it one output channel for each group is meant.
        output_size : int or tuple of int, optional
            Transposed only: the size wanted, instead of output_padding.

        Raises
        ------
        ShapeError
            When the shapes do not fit the description or one another; the usual slips
            (channels last, a missing axis, all channels in a grouped weight, a
            transposed weight as (out, in)) are named.
        """
        inputs = checked_shape("input", input_shape)
        fitting = Fitting(self.kernel_size, self.groups, self.transposed)
        channels_axis = fitting.channels_axis(inputs)
        in_channels, sizes = inputs[channels_axis], inputs[channels_axis + 1 :]
        weights: tuple[int, ...]
        if weight_shape is None:
            weights = (in_channels, 1) if self.transposed else (self.groups, in_channels)
        else:
            weights = checked_shape("weight", weight_shape)
            fitting.check_weight(weights)
        fitting.check_channels(inputs, in_channels, weights, given=weight_shape is not None)
        if 0 in sizes:
            raise ShapeError(
                "input {shape} holds no values: each spatial axis needs at least one cell",
                shape=inputs,
            )
        axes = self._axes(sizes, output_size)
        return Geometry(
            axes=axes,
            batch=inputs[0] if channels_axis else None,
            in_channels=in_channels,
            out_channels=weights[1] * self.groups if self.transposed else weights[0],
            groups=self.groups,
        )

    # -- the rules behind bind ------------------------------------------------------

    def _axes(self, sizes: tuple[int, ...], output_size: Ints | None) -> tuple[Axis, ...]:
        pads = self.pads(sizes)
        extra = self.output_padding
        if output_size is not None:
            extra = self._output_padding_for(sizes, output_size)
        axes = tuple(
            Axis(i, k, s, d, pad, self.padding_mode, self.transposed, a)
            for i, k, s, d, pad, a in zip(
                sizes, self.kernel_size, self.stride, self.dilation, pads, extra, strict=True
            )
        )
        self._check_mode_limits(axes)
        if any(axis.output_size < 1 for axis in axes):
            self._raise_no_room(axes)
        return axes

    def _check_mode_limits(self, axes: tuple[Axis, ...]) -> None:
        if self.transposed or self.padding_mode in ("zeros", "replicate"):
            return
        edge = 1 if self.padding_mode == "reflect" else 0
        for name, axis in zip(AXIS_NAMES[self.rank], axes, strict=True):
            if max(axis.pad) > axis.input_size - edge:
                raise ShapeError(
                    "padding {padding} is too much for padding_mode {mode!r} on the {name} axis"
                    " of {size}: at most {most} cells can be copied; use less padding or"
                    " 'replicate'",
                    padding=max(axis.pad),
                    mode=self.padding_mode,
                    name=Word(name),
                    size=axis.input_size,
                    most=axis.input_size - edge,
                )

    def _raise_no_room(self, axes: tuple[Axis, ...]) -> None:
        if self.transposed:
            raise ShapeError(
                "padding {padding} crops all of the {full} cells that the stamps cover"
                " (output {size}); use less padding",
                padding=self._plain_padding(),
                full=by(axis.output_size + sum(axis.pad) for axis in axes),
                size=by(axis.output_size for axis in axes),
            )
        raise ShapeError(
            "kernel {kernel} with dilation {dilation} spans {span}, more than the padded input"
            " {padded}; add padding or lower the dilation",
            kernel=by(self.kernel_size),
            dilation=by(self.dilation) if len(set(self.dilation)) > 1 else self.dilation[0],
            span=by(axis.span for axis in axes),
            padded=by(axis.layout_size for axis in axes),
        )

    def _output_padding_for(self, sizes: tuple[int, ...], output_size: Ints) -> tuple[int, ...]:
        if not self.transposed:
            raise SpecError(
                "output_size {value} is for transposed convolutions; forward, the sizes follow"
                " from the input",
                value=shown(output_size),
            )
        if any(self.output_padding):
            raise SpecError(
                "output_size {value} and output_padding {extra} both choose the size; give one",
                value=shown(output_size),
                extra=self.output_padding,
            )
        wanted = per_axis("output_size", output_size, self.rank, 1)
        extras = []
        for name, i, k, s, d, pad, size in zip(
            AXIS_NAMES[self.rank],
            sizes,
            self.kernel_size,
            self.stride,
            self.dilation,
            self.pads(sizes),
            wanted,
            strict=True,
        ):
            least = Axis(i, k, s, d, pad, transposed=True).output_size
            most = least + max(s, d) - 1
            if not least <= size <= most:
                raise ShapeError(
                    "output_size {size} is out of reach on the {name} axis: an input of {input}"
                    " gives {least} to {most}",
                    size=size,
                    name=Word(name),
                    input=i,
                    least=least,
                    most=most,
                )
            extras.append(size - least)
        return tuple(extras)

    def _check_output_padding(self) -> None:
        if not any(self.output_padding):
            return
        if not self.transposed:
            raise SpecError(
                "output_padding {value} is for transposed convolutions; leave it 0",
                value=self.output_padding,
            )
        for extra, s, d in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if extra >= max(s, d):
                raise SpecError(
                    "output_padding {value} must be less than the stride {stride} or the"
                    " dilation {dilation}: it chooses among the sizes between two strides",
                    value=extra,
                    stride=s,
                    dilation=d,
                )

    def _plain_padding(self) -> Any:
        if isinstance(self.padding, str) or any(before != after for before, after in self.padding):
            return self.padding
        return tuple(before for before, _after in self.padding)
