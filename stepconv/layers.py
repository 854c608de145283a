"""Layers: a description with its weight and bias, under torch.nn's names and arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from stepconv.bound import Bound, checked_algorithm, get_num_threads
from stepconv.errors import DtypeError, ShapeError, SpecError
from stepconv.operands import Array, as_array, check_bias, memory, prepare
from stepconv.record import Trace, trace
from stepconv.spec import ConvSpec
from stepconv.values import Ints, Padding, shown, whole_number

_LARGEST = 2**31 - 1
_MOST_PACKS = 4  # each as large as the weight

Seed = int | np.random.Generator | None


@dataclass(frozen=True, slots=True)
class _Packed:
    """A layer's weight laid out for inputs of one shape and dtype."""

    spec: ConvSpec
    bound: Bound
    weight: Array


class _Kept:
    """A weight and what was packed from it: replaced together, so that no pack is stale."""

    __slots__ = ("packs", "weight")

    def __init__(self, weight: Array) -> None:
        self.weight = weight
        self.packs: dict[tuple[Any, ...], _Packed] = {}

    def keep(self, key: tuple[Any, ...], packed: _Packed) -> None:
        if len(self.packs) >= _MOST_PACKS:
            self.packs.clear()
        self.packs[key] = packed


class _Layer:
    """What all layers share.

    Attributes
    ----------
    spec : ConvSpec
        The description.
    in_channels, out_channels : int
        Channels of the input and of the result.
    algorithm : str
        How the layer is computed: see `stepconv.conv1d`.
    """

    rank: ClassVar[int]
    transposed: ClassVar[bool] = False
    _kept: _Kept
    _bias: Array | None

    def __repr__(self) -> str:
        said = repr(self.spec).removeprefix("ConvSpec(").removesuffix(")")
        said = said.removesuffix(", transposed=True")
        bias = "" if self.bias is not None else ", bias=False"
        return f"{type(self).__name__}({self.in_channels}, {self.out_channels}, {said}{bias})"

    @property
    def weight(self) -> Array:
        """The kernels, read-only: assign an array of the same shape to replace them.

        (C_out, C_in/groups, *kernel), transposed (C_in, C_out/groups, *kernel). What
        is assigned is copied and keeps its own dtype.
        """
        return self._kept.weight

    @weight.setter
    def weight(self, value: ArrayLike) -> None:
        array = as_array("weight", value)
        if array.shape != self._weight_shape:
            raise ShapeError(
                "weight {got} does not fit this layer, whose weight is {shape}",
                got=array.shape,
                shape=self._weight_shape,
            )
        self._kept = _Kept(_frozen(array))

    @property
    def bias(self) -> Array | None:
        """One number for each output channel, read-only, or None; replaced by assignment."""
        return self._bias

    @bias.setter
    def bias(self, value: ArrayLike | None) -> None:
        array = None if value is None else as_array("bias", value)
        check_bias(array, self.out_channels)
        self._bias = None if array is None else _frozen(array)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": self._kept.weight}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Copies of arrays can be written to.
        bias = None if state["_bias"] is None else _frozen(state["_bias"])
        self.__dict__ |= state | {"_kept": _Kept(_frozen(state["_kept"])), "_bias": bias}

    def _compute(
        self, input: ArrayLike, out: Array | None, output_size: Ints | None = None
    ) -> Array:
        kept, bias = self._kept, self._bias
        key = None
        if input.__class__ is np.ndarray and output_size is None:
            key = (input.dtype, input.shape, self.algorithm, get_num_threads())
            packed = kept.packs.get(key)
            if packed is not None and packed.spec is self.spec:
                plain = np.ascontiguousarray(input)
                if packed.bound.takes(plain, kept.weight, bias):
                    return packed.bound.compute(plain, packed.weight, bias, out)
        operands = prepare(input, kept.weight, bias, **self._sized(output_size))
        bound = Bound(operands.geometry, operands.input.dtype, self.algorithm)
        if key is None or bound.dtype.kind not in "fc" or kept.weight.dtype != bound.dtype:
            return bound.run(operands, out)
        packed = _Packed(self.spec, bound, bound.pack(kept.weight))
        kept.keep(key, packed)
        return bound.compute(operands.input, packed.weight, operands.bias, out)

    def _sized(self, output_size: Ints | None) -> dict[str, Any]:
        arguments = self._arguments() | {"output_size": output_size}
        if output_size is not None:
            arguments["output_padding"] = 0
        return arguments

    def _describe(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        algorithm: str,
        **arguments: Any,
    ) -> None:
        self.algorithm = checked_algorithm(algorithm)
        self.spec = ConvSpec(self._kernel(kernel_size), transposed=self.transposed, **arguments)
        self.in_channels = _channels("in_channels", in_channels, self.spec.groups)
        self.out_channels = _channels("out_channels", out_channels, self.spec.groups)

    def _kernel(self, kernel_size: Ints) -> tuple[int, ...]:
        sizes = ConvSpec(kernel_size).kernel_size
        if len(sizes) == 1:
            return sizes * self.rank
        if len(sizes) != self.rank:
            raise SpecError(
                "kernel_size {value} has {count} values, but a {name} moves along {rank};"
                " give one number or {rank}, or use the class of the kernel's own rank",
                value=sizes,
                count=len(sizes),
                name=type(self).__name__,
                rank=self.rank,
            )
        return sizes

    def _draw(self, bias: bool, rng: Seed, dtype: DTypeLike) -> None:
        """Draw weight and bias as torch does: uniformly within 1/√fan_in of 0."""
        if not isinstance(bias, bool | np.bool_):
            raise SpecError(
                "bias is {value}; it must be True or False, and its numbers are assigned to"
                " layer.bias",
                value=shown(bias),
            )
        generator = _generator(rng)
        kind = _drawn_dtype(dtype)
        _check_size(self._weight_shape)
        bound = prod(self._weight_shape[1:]) ** -0.5
        self.weight = _uniform(generator, bound, self._weight_shape, kind)
        self.bias = _uniform(generator, bound, (self.out_channels,), kind) if bias else None

    @property
    def _weight_shape(self) -> tuple[int, ...]:
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        return (first, second // self.spec.groups, *self.spec.kernel_size)

    def _arguments(self) -> dict[str, Any]:
        arguments = self.spec.arguments()
        del arguments["kernel_size"]  # the weight carries it
        return arguments


class _ForwardLayer(_Layer):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Padding = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        algorithm: str = "auto",
    ) -> None:
        self._describe(
            in_channels,
            out_channels,
            kernel_size,
            algorithm,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            padding_mode=padding_mode,
        )
        self._draw(bias, rng, dtype)

    def __call__(self, input: ArrayLike, out: Array | None = None) -> Array:
        """Convolve `input`, (N, C_in, *spatial) or (C_in, *spatial)."""
        return self._compute(input, out)

    def output_shape(self, input_shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the result for an input of `input_shape`, computing nothing."""
        return self.spec.bind(input_shape, self._weight_shape).output_shape

    def trace(self, input: ArrayLike, only: Any = None) -> Trace:
        """Record every product and sum: see `stepconv.trace`."""
        return trace(input, self.weight, self.bias, **self._arguments(), only=only)


class _TransposedLayer(_Layer):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints | Padding = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: str = "zeros",
        rng: Seed = None,
        dtype: DTypeLike = np.float32,
        algorithm: str = "auto",
    ) -> None:
        self._describe(
            in_channels,
            out_channels,
            kernel_size,
            algorithm,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            dilation=dilation,
            groups=groups,
            padding_mode=padding_mode,
        )
        self._draw(bias, rng, dtype)

    def __call__(
        self, input: ArrayLike, output_size: Ints | None = None, out: Array | None = None
    ) -> Array:
        """Convolve `input`; a given `output_size` replaces the layer's output_padding."""
        return self._compute(input, out, output_size)

    def output_shape(
        self, input_shape: Sequence[int], output_size: Ints | None = None
    ) -> tuple[int, ...]:
        """Return the shape of the result for an input of `input_shape`, computing nothing."""
        sized = self._sized(output_size)
        wanted = sized.pop("output_size")
        spec = ConvSpec(self.spec.kernel_size, **sized)
        return spec.bind(input_shape, self._weight_shape, wanted).output_shape

    def trace(
        self,
        input: ArrayLike,
        only: Any = None,
        order: str = "gather",
        output_size: Ints | None = None,
    ) -> Trace:
        """Record every product and sum, told in `order`: see `stepconv.trace`."""
        sized = self._sized(output_size)
        return trace(input, self.weight, self.bias, **sized, only=only, order=order)


class Conv1d(_ForwardLayer):
    """A convolution along one axis, with its weight and bias.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the result; multiples of `groups`.
    kernel_size : int or tuple of int
        Taps along each axis.
    stride, padding, dilation, groups, padding_mode
        As for `stepconv.conv1d`.
    bias : bool
        Whether a bias is drawn; `layer.bias` may be assigned later, or set to None.
    rng : int, numpy.random.Generator or None
        Seed, or source, of the weights: uniform within 1/√(C_in/groups · taps) of 0,
        as torch draws them, and the bias likewise.
    dtype : dtype
        Of the weights drawn: floats, or complex numbers.
    algorithm : {"auto", "textbook", "direct", "winograd"}
        As for `stepconv.conv1d`.

    Raises
    ------
    SpecError
        When a parameter is out of its range, or the channels are no multiple of `groups`.
    ShapeError, DtypeError
        When an array of another shape, or not of numbers, is assigned.

    Examples
    --------
    >>> layer = Conv1d(1, 1, 3, padding=1, bias=False, rng=0)
    >>> layer.weight = [[[1, 1, 1]]]
    >>> layer([[1, 1, 1, 1]])
    array([[2, 3, 3, 2]])
    """

    rank = 1


class Conv2d(_ForwardLayer):
    """A convolution along two axes; parameters as for `Conv1d`.

    Examples
    --------
    >>> layer = Conv2d(3, 8, 3, padding=1, rng=0)
    >>> layer
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    >>> layer.weight.shape, layer.output_shape((3, 32, 32))
    ((8, 3, 3, 3), (8, 32, 32))
    """

    rank = 2


class Conv3d(_ForwardLayer):
    """A convolution along three axes; parameters as for `Conv1d`.

    Examples
    --------
    >>> Conv3d(1, 4, (1, 3, 3), rng=0).output_shape((1, 5, 8, 8))
    (4, 5, 6, 6)
    """

    rank = 3


class ConvTranspose1d(_TransposedLayer):
    """A transposed convolution along one axis, with its weight and bias.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, bias, rng, dtype, algorithm
        As for `Conv1d`; the weight is (C_in, C_out/groups, k).
    stride, padding, output_padding, groups, dilation
        As for `stepconv.conv_transpose1d`.
    padding_mode : {"zeros"}
        There is no other for transposed convolutions.

    Raises
    ------
    SpecError, ShapeError, DtypeError
        As for `Conv1d`.

    Examples
    --------
    >>> layer = ConvTranspose1d(1, 1, 3, stride=2, bias=False, rng=0)
    >>> layer.weight = [[[1, 10, 100]]]
    >>> layer([[1, 2]])
    array([[  1,  10, 102,  20, 200]])
    >>> layer([[1, 2]], output_size=6)
    array([[  1,  10, 102,  20, 200,   0]])
    """

    rank = 1


class ConvTranspose2d(_TransposedLayer):
    """A transposed convolution along two axes; parameters as for `ConvTranspose1d`.

    Examples
    --------
    >>> ConvTranspose2d(8, 3, 4, stride=2, padding=1, rng=0).output_shape((8, 16, 16))
    (3, 32, 32)
    """

    rank = 2


class ConvTranspose3d(_TransposedLayer):
    """A transposed convolution along three axes; parameters as for `ConvTranspose1d`.

    Examples
    --------
    >>> ConvTranspose3d(2, 1, 2, stride=2, rng=0)
    ConvTranspose3d(2, 1, kernel_size=(2, 2, 2), stride=(2, 2, 2))
    """

    rank = 3


def _frozen(array: Array) -> Array:
    """Copy `array` so that no one can write to it.

    The memory is that of a bytes object: an ordinary read-only array could be made
    writeable again, and a kernel packed from it would be stale without a word.
    """
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    return np.frombuffer(native.tobytes(), native.dtype).reshape(array.shape)


def _channels(name: str, value: Any, groups: int) -> int:
    channels = whole_number(value)
    if channels is None:
        raise SpecError(
            "{name} is {value}; it must be a whole number (an int)", name=name, value=shown(value)
        )
    if not 1 <= channels <= _LARGEST:
        raise SpecError(
            "{name} is {value}; it must be between 1 and {most}",
            name=name,
            value=shown(channels),
            most=_LARGEST,
        )
    if channels % groups:
        raise SpecError(
            "{name} {channels} cannot be dealt out to groups={groups};"
            " choose a number of groups that divides it",
            name=name,
            channels=channels,
            groups=groups,
        )
    return channels


def _check_size(shape: tuple[int, ...]) -> None:
    # Drawn as float64, and scaled into a second array.
    if prod(shape) * 16 > memory():
        raise ShapeError(
            "weight {shape} is {count} numbers, more than the {memory} GB of memory of this"
            " machine hold; use fewer channels or a smaller kernel",
            shape=shape,
            count=shown(prod(shape)),
            memory=memory() >> 30,
        )


def _generator(rng: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise SpecError(
            "rng is {value}; it must be a seed (a whole number from 0), a numpy.random.Generator"
            " or None",
            value=shown(rng),
        ) from None


def _drawn_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise DtypeError(
            "dtype {value} is not one that NumPy knows; use for instance numpy.float32",
            value=shown(dtype),
        ) from None
    as_array("weight", np.empty(0, kind))
    if kind.kind not in "fc":
        raise DtypeError(
            "weights of dtype {dtype} cannot be drawn, since they lie between -1 and 1: draw"
            " floats, and assign whole numbers to layer.weight",
            dtype=kind,
        )
    return kind


def _uniform(
    rng: np.random.Generator, bound: float, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Array:
    if dtype.kind != "c":
        return rng.uniform(-bound, bound, shape).astype(dtype)
    return (rng.uniform(-bound, bound, (*shape, 2)) @ [1, 1j]).astype(dtype)
