"""ConvSpec: the description of a convolution, which knows no shapes and no numbers."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any, NoReturn

import numpy as np

from stepconv.errors import ShapeError, SpecError
from stepconv.geometry import AXIS_NAMES, Axis, Geometry

PADDING_MODES = ("zeros", "reflect", "replicate", "circular", "symmetric")
PADDING_RULES = ("valid", "same", "same_lower", "full", "causal")

Ints = int | Sequence[int]
Pair = tuple[int, int]
Padding = str | int | Sequence[int | Sequence[int]]

_LARGEST = 2**31 - 1
_LAYOUT = {1: "L", 2: "H, W", 3: "D, H, W"}


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
        fix(self, "kernel_size", _per_axis("kernel_size", kernel_size, rank, 1))
        fix(self, "stride", _per_axis("stride", stride, rank, 1))
        fix(self, "dilation", _per_axis("dilation", dilation, rank, 1))
        fix(self, "groups", _whole("groups", groups, 1))
        fix(self, "transposed", _flag("transposed", transposed))
        fix(self, "padding", _padding(padding, rank, self.transposed))
        fix(self, "padding_mode", _padding_mode(padding_mode, self.transposed))
        fix(self, "output_padding", _per_axis("output_padding", output_padding, rank, 0))
        self._check_output_padding()

    @property
    def rank(self) -> int:
        """Number of axes along which the kernel moves."""
        return len(self.kernel_size)

    @property
    def name(self) -> str:
        """Name of the function that runs this description, such as "conv2d"."""
        return f"conv_transpose{self.rank}d" if self.transposed else f"conv{self.rank}d"

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
        channels_axis = self._check_input_axes(inputs)
        in_channels, sizes = inputs[channels_axis], inputs[channels_axis + 1 :]
        weights: tuple[int, ...]
        if weight_shape is None:
            weights = (in_channels, 1) if self.transposed else (self.groups, in_channels)
        else:
            weights = checked_shape("weight", weight_shape)
            self._check_weight_axes(weights)
        self._check_channels(inputs, in_channels, weights, given=weight_shape is not None)
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

    def _check_input_axes(self, inputs: tuple[int, ...]) -> int:
        """Return which axis of the input counts the channels."""
        rank, got = self.rank, len(inputs)
        if got in (rank + 1, rank + 2):
            return got - rank - 1
        layout = _LAYOUT[rank]
        facts = {"shape": inputs, "got": got, "name": self.name, "layout": layout}
        if got == rank:
            raise ShapeError(
                "the channel axis is missing from input {shape}: {name} takes (N, C, {layout}) or"
                " (C, {layout}); add it with input[None]",
                **facts,
            )
        if got < rank:
            raise ShapeError(
                "input {shape} has {got} axes, fewer than the kernel's own;"
                " {name} takes (N, C, {layout}) or (C, {layout})",
                **facts,
            )
        raise ShapeError(
            "input {shape} has {got} axes, too many; {name} takes (N, C, {layout}) or"
            " (C, {layout}): drop an axis, or use a kernel with more axes",
            **facts,
        )

    def _check_weight_axes(self, weights: tuple[int, ...]) -> None:
        layout = "(C_in, C_out/groups" if self.transposed else "(C_out, C_in/groups"
        kernel = ", ".join("k" * self.rank) + ")"
        if len(weights) != self.rank + 2:
            raise ShapeError(
                "weight {shape} has {got} axes; {name} takes {wanted}",
                shape=weights,
                got=len(weights),
                name=self.name,
                wanted=f"{layout}, {kernel}",
            )
        if weights[2:] != self.kernel_size:
            raise ShapeError(
                "weight {shape} carries a kernel of {kernel}; the description says {wanted}",
                shape=weights,
                kernel=by(weights[2:]),
                wanted=by(self.kernel_size),
            )
        if 0 in weights:
            raise ShapeError(
                "weight {shape} holds no values: each axis needs at least 1", shape=weights
            )

    def _check_channels(
        self, inputs: tuple[int, ...], in_channels: int, weights: tuple[int, ...], *, given: bool
    ) -> None:
        if in_channels == 0:
            raise ShapeError("input {input} has 0 channels; it needs at least 1", input=inputs)
        expected = weights[0] if self.transposed else weights[1] * self.groups
        if not given or in_channels == expected:
            self._check_groups(in_channels, in_channels if self.transposed else weights[0])
            return
        facts = {
            "input": inputs,
            "weight": weights,
            "channels": in_channels,
            "groups": self.groups,
            "expected": expected,
        }
        if inputs[-1] == expected:
            raise ShapeError(
                "input {input} has {channels} channels where weight {weight} wants {expected},"
                " and {expected} stands last: channels come before the spatial axes here;"
                " use numpy.moveaxis(input, -1, {axis})",
                axis=len(inputs) - self.rank - 1,
                **facts,
            )
        if self.transposed:
            self._raise_transposed_channels(facts, weights)
        self._raise_forward_channels(facts, weights)

    def _raise_transposed_channels(
        self, facts: dict[str, Any], weights: tuple[int, ...]
    ) -> NoReturn:
        share, odd = divmod(weights[0], self.groups)
        if weights[1] * self.groups == facts["channels"] and not odd:
            raise ShapeError(
                "weight {weight} looks like (C_out, C_in/groups, …), but a transposed convolution"
                " takes (C_in, C_out/groups, …), here {wanted}: use weight.swapaxes(0, 1), group"
                " by group where there are several",
                wanted=(facts["channels"], share, *weights[2:]),
                **facts,
            )
        self._raise_missing_channel_axis(facts)
        raise ShapeError(
            "input {input} has {channels} channels, weight {weight} is made for {expected};"
            " a transposed weight is (C_in, C_out/groups, …)",
            **facts,
        )

    def _raise_forward_channels(self, facts: dict[str, Any], weights: tuple[int, ...]) -> NoReturn:
        channels = facts["channels"]
        if self.groups > 1 and weights[1] == channels and channels % self.groups == 0:
            raise ShapeError(
                "weight {weight} carries all {channels} input channels, but with groups={groups}"
                " a kernel sees {channels}/{groups} of them: its second axis must be {share}",
                share=channels // self.groups,
                **facts,
            )
        if self.groups == 1 and weights[0] == channels and weights[1] > 1:
            raise ShapeError(
                "weight {weight} looks like (C_in, C_out, …), as a transposed convolution takes"
                " it; for an input of {channels} channels this one takes (C_out, {channels}, …):"
                " use weight.swapaxes(0, 1)",
                **facts,
            )
        fitting, odd = divmod(channels, weights[1])
        if fitting and not odd and weights[0] % fitting == 0:
            raise ShapeError(
                "input {input} has {channels} channels, weight {weight} with groups={groups} is"
                " made for {expected}; groups={fitting} would fit",
                fitting=fitting,
                **facts,
            )
        self._raise_missing_channel_axis(facts)
        raise ShapeError(
            "input {input} has {channels} channels, weight {weight} is made for {expected}"
            " (its second axis times groups={groups}); change one of the two",
            **facts,
        )

    def _raise_missing_channel_axis(self, facts: dict[str, Any]) -> None:
        """Refuse (N, *spatial), which was read as (C, *spatial)."""
        if facts["expected"] == 1 and len(facts["input"]) == self.rank + 1:
            raise ShapeError(
                "input {input} is read as (C, {layout}): {channels} channels, where weight"
                " {weight} wants 1; if the first axis counts samples, add the channel axis with"
                " input[:, None]",
                layout=_LAYOUT[self.rank],
                **facts,
            )

    def _check_groups(self, in_channels: int, first: int) -> None:
        for name, channels in (("in_channels", in_channels), ("out_channels", first)):
            if channels % self.groups:
                raise ShapeError(
                    "{name} {channels} cannot be dealt out to groups={groups};"
                    " choose a number of groups that divides it",
                    name=name,
                    channels=channels,
                    groups=self.groups,
                )

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
                    name=name,
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
        wanted = _per_axis("output_size", output_size, self.rank, 1)
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
                    name=name,
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


def by(sizes: Iterable[int]) -> str:
    """Write sizes as people do: ``5x5``."""
    return "x".join(str(size) for size in sizes)


class _Brief(reprlib.Repr):
    """Values in messages: on one line, of bounded length."""

    def __init__(self) -> None:
        super().__init__()
        self.maxother = self.maxstring = 60

    def repr_int(self, x: int, level: int) -> str:
        if abs(x) < 10**20:
            return repr(x)
        # Python refuses to print more than 4300 digits.
        return f"{'-' if x < 0 else ''}10^{int(log10(abs(x)))}"


_BRIEF = _Brief()


def shown(value: object) -> str:
    """Write any value for a message: on one line, shortened where it is long.

    >>> shown(np.int64(3)), shown("same"), shown([0] * 100), shown(10**100)
    ('3', "'same'", '[0, 0, 0, 0, 0, 0, ...]', '10^100')
    """
    if isinstance(value, np.generic):
        value = value.item()
    return " ".join(_BRIEF.repr(value).split())


def whole_number(value: object) -> int | None:
    """Return `value` as an int, or None where it is not one; True and False are not.

    >>> whole_number(np.int8(3)), whole_number(3.0), whole_number(True)
    (3, None, None)
    """
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        return None
    try:
        return operator.index(value)
    except TypeError:  # arrays have __index__, whatever they hold
        return None


def _whole(name: str, value: Any, least: int) -> int:
    number = whole_number(value)
    if number is None:
        raise SpecError(
            "{name} is {value}; it must be a whole number (an int)", name=name, value=shown(value)
        )
    if number < least:
        raise SpecError(
            "{name} is {value}; it must be at least {least}",
            name=name,
            value=shown(number),
            least=least,
        )
    if number > _LARGEST:
        raise SpecError(
            "{name} is {value}; it must be at most {most}",
            name=name,
            value=shown(number),
            most=_LARGEST,
        )
    return number


def several(value: object) -> tuple[Any, ...] | None:
    """Return the values of a sequence or array, None where `value` is a single one.

    >>> several([1, 2]), several(np.array([1, 2])), several("12"), several(12)
    ((1, 2), (np.int64(1), np.int64(2)), None, None)
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return tuple(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(value)
    return None


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise SpecError(
            "{name} is {value}; it must be True or False", name=name, value=shown(value)
        )
    return bool(value)


def _per_axis(name: str, value: Any, rank: int, least: int) -> tuple[int, ...]:
    values = several(value)
    if values is None:
        return (_whole(name, value, least),) * rank
    if len(values) not in (1, rank):
        raise SpecError(
            "{name} {value} has {count} values; a rank-{rank} kernel moves along {rank}:"
            " give one number, or one for each axis",
            name=name,
            value=shown(values),
            count=len(values),
            rank=rank,
        )
    numbers = tuple(_whole(name, one, least) for one in values)
    return numbers * rank if len(numbers) == 1 else numbers


def _padding(value: Any, rank: int, transposed: bool) -> tuple[Pair, ...] | str:
    if isinstance(value, str):
        return _padding_rule(value, rank, transposed)
    per_axis = several(value)
    if per_axis is None:
        per_axis = (value,)
    if len(per_axis) not in (1, rank):
        raise SpecError(
            "padding {value} has {count} values for a kernel that moves along {rank}: give one"
            " number, one for each axis, or a (before, after) pair for each axis",
            value=shown(per_axis),
            count=len(per_axis),
            rank=rank,
        )
    pairs = tuple(_padding_pair(one) for one in per_axis)
    return pairs * rank if len(pairs) == 1 else pairs


def _padding_pair(value: Any) -> Pair:
    sides = several(value)
    if sides is None:
        number = _whole("padding", value, 0)
        return number, number
    if len(sides) != 2:
        raise SpecError(
            "padding {value} is not a (before, after) pair; give two numbers", value=shown(sides)
        )
    return _whole("padding", sides[0], 0), _whole("padding", sides[1], 0)


def _padding_rule(value: str, rank: int, transposed: bool) -> str:
    if value not in PADDING_RULES:
        raise SpecError(
            "padding {value} is not a rule; give numbers or one of {rules}",
            value=shown(value),
            rules=", ".join(PADDING_RULES),
        )
    if transposed:
        raise SpecError(
            "padding {value} is for forward convolutions; transposed, padding is the number of"
            " cells cropped from each end: give numbers",
            value=shown(value),
        )
    if value == "causal" and rank != 1:
        raise SpecError(
            "padding 'causal' is for rank 1, where one axis is time; this kernel has rank {rank}:"
            " give (before, after) pairs",
            rank=rank,
        )
    return value


def _padding_mode(value: Any, transposed: bool) -> str:
    if not isinstance(value, str) or value not in PADDING_MODES:
        raise SpecError(
            "padding_mode {value} is not one of {modes}",
            value=shown(value),
            modes=", ".join(PADDING_MODES),
        )
    if transposed and value != "zeros":
        raise SpecError(
            "padding_mode {value} is for forward convolutions; a transposed one pads with zeros"
            " alone",
            value=shown(value),
        )
    return str(value)


def checked_shape(name: str, shape: Any) -> tuple[int, ...]:
    """Return the shape of `name` as plain ints."""
    sizes = several(shape)
    if sizes is None:
        raise ShapeError(
            "{name} shape {value} is not a sequence of whole numbers, such as (1, 1, 8)",
            name=name,
            value=shown(shape),
        )
    return tuple(_whole(f"{name} size", size, 0) for size in sizes)
