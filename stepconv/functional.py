"""Convolutions on NumPy arrays, with torch.nn.functional's names and meaning.

What torch, and the articles this package follows, call a convolution is a
cross-correlation: the kernel is not turned. Transposed convolutions turn it.
Sizes follow Dumoulin & Visin, arXiv:1603.07285.

Shapes below: N samples, C_in and C_out channels, `*spatial` one, two or three
axes. An input without N is one sample, and so is the result.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stepconv.bound import Bound, remember, repeated
from stepconv.operands import Array, check_weight_axes, prepare
from stepconv.spec import ConvSpec
from stepconv.values import Ints, Padding, checked_shape


def conv1d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    out: Array | None = None,
    algorithm: str = "auto",
) -> Array:
    """Convolve along one axis.

    Parameters
    ----------
    input : array_like, (N, C_in, L) or (C_in, L)
        bool, integers, floats or complex numbers; any strides and byte order.
    weight : array_like, (C_out, C_in/groups, k)
        One kernel for each output channel.
    bias : array_like, (C_out,), optional
        Added once to every cell of its channel.
    stride, dilation : int or tuple of int
        Cells between placements, and between taps.
    padding : int, tuple of int, tuple of (before, after), or str
        Cells added on each side of each axis, or "valid", "same", "same_lower",
        "full", "causal".
    groups : int
        Blocks of channels that do not see one another.
    padding_mode : {"zeros", "reflect", "replicate", "circular", "symmetric"}
        What the padding holds.
    out : ndarray, optional
        Where to put the result: of its shape and dtype, with any strides. It may overlap
        the operands; a subclass is written to as the plain array it holds.
    algorithm : {"auto", "textbook", "direct", "winograd"}
        How it is computed. "auto" takes the fastest kernel whose rounding is that of a plain
        sum; "textbook" the plain loops, to the bit what a trace records; "direct" the fast
        kernels or an error; "winograd" fewer multiplications for 3x3 kernels, at the cost
        of accuracy (see `stepconv.kernels.winograd`).

    Returns
    -------
    ndarray, (N, C_out, L_out) or (C_out, L_out)
        ``L_out = ⌊(L + before + after − dilation·(k − 1) − 1) / stride⌋ + 1``. The
        dtype is NumPy's promotion of the operands'; integers and bool give int64,
        float16 is computed in float32.

    Raises
    ------
    ShapeError
        When shapes do not fit the parameters or one another.
    SpecError
        When a parameter is out of its range.
    DtypeError
        For numbers that cannot be convolved, or integer sums beyond int64.

    Examples
    --------
    >>> conv1d([[1, 1, 1, 1]], [[[1, 1, 1]]], padding=1)
    array([[2, 3, 3, 2]])
    """
    return _forward(
        1, input, weight, bias, stride, padding, dilation, groups, padding_mode, out, algorithm
    )


def conv2d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    out: Array | None = None,
    algorithm: str = "auto",
) -> Array:
    """Convolve along two axes.

    As `conv1d`, with input (N, C_in, H, W) or (C_in, H, W), weight
    (C_out, C_in/groups, kh, kw) and one size formula for each axis.

    Examples
    --------
    >>> image = np.arange(1, 17).reshape(1, 4, 4)
    >>> conv2d(image, np.ones((1, 1, 3, 3), int), stride=1)
    array([[[54, 63],
            [90, 99]]])
    """
    return _forward(
        2, input, weight, bias, stride, padding, dilation, groups, padding_mode, out, algorithm
    )


def conv3d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    out: Array | None = None,
    algorithm: str = "auto",
) -> Array:
    """Convolve along three axes.

    As `conv1d`, with input (N, C_in, D, H, W) or (C_in, D, H, W), weight
    (C_out, C_in/groups, kd, kh, kw) and one size formula for each axis.

    Examples
    --------
    >>> conv3d(np.ones((1, 3, 3, 3)), np.ones((1, 1, 2, 3, 3)))
    array([[[[18.]],
    <BLANKLINE>
            [[18.]]]])
    """
    return _forward(
        3, input, weight, bias, stride, padding, dilation, groups, padding_mode, out, algorithm
    )


def conv_transpose1d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Ints = 1,
    padding: Ints | Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    output_size: Ints | None = None,
    out: Array | None = None,
    algorithm: str = "auto",
) -> Array:
    """Convolve along one axis, transposed: each input value stamps the kernel on the output.

    The product with the transpose of `conv1d`'s matrix, hence the gradient of
    `conv1d` by its input. It restores sizes, not values.

    Parameters
    ----------
    input : array_like, (N, C_in, L) or (C_in, L)
        bool, integers, floats or complex numbers.
    weight : array_like, (C_in, C_out/groups, k)
        Input channels come first, unlike `conv1d`'s.
    bias : array_like, (C_out,), optional
        Added once to every cell of its channel.
    stride : int or tuple of int
        Output cells from one stamp to the next.
    padding : int, tuple of int, or tuple of (before, after)
        Cells cropped from each end of the result.
    output_padding : int or tuple of int
        Cells added after the result, less than the stride or the dilation.
    groups, dilation
        As for `conv1d`.
    output_size : int or tuple of int, optional
        The size wanted, instead of `output_padding`.
    out : ndarray, optional
        Where to put the result: of its shape and dtype.
    algorithm : {"auto", "textbook", "direct"}
        How it is computed.

    Returns
    -------
    ndarray, (N, C_out, L_out) or (C_out, L_out)
        ``L_out = (L − 1)·stride − before − after + dilation·(k − 1) + output_padding + 1``.

    Raises
    ------
    ShapeError, SpecError, DtypeError
        As for `conv1d`.

    Examples
    --------
    >>> conv_transpose1d([[1, 2]], [[[1, 10, 100]]], stride=2)
    array([[  1,  10, 102,  20, 200]])
    """
    said = stride, padding, output_padding, groups, dilation, output_size
    return _transposed(1, input, weight, bias, *said, out, algorithm)


def conv_transpose2d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Ints = 1,
    padding: Ints | Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    output_size: Ints | None = None,
    out: Array | None = None,
    algorithm: str = "auto",
) -> Array:
    """Convolve along two axes, transposed.

    As `conv_transpose1d`, with input (N, C_in, H, W) or (C_in, H, W) and weight
    (C_in, C_out/groups, kh, kw).

    Examples
    --------
    >>> conv_transpose2d(np.ones((1, 2, 2)), np.ones((1, 1, 2, 2)), stride=2).shape
    (1, 4, 4)
    """
    said = stride, padding, output_padding, groups, dilation, output_size
    return _transposed(2, input, weight, bias, *said, out, algorithm)


def conv_transpose3d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Ints = 1,
    padding: Ints | Padding = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
    output_size: Ints | None = None,
    out: Array | None = None,
    algorithm: str = "auto",
) -> Array:
    """Convolve along three axes, transposed.

    As `conv_transpose1d`, with input (N, C_in, D, H, W) or (C_in, D, H, W) and weight
    (C_in, C_out/groups, kd, kh, kw).

    Examples
    --------
    >>> conv_transpose3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)), padding=1).shape
    (1, 1, 1, 1)
    """
    said = stride, padding, output_padding, groups, dilation, output_size
    return _transposed(3, input, weight, bias, *said, out, algorithm)


def conv(
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
    out: Array | None = None,
    algorithm: str = "auto",
) -> Array:
    """Convolve along as many axes as the kernel has.

    Whatever class carries a kernel, its number of spatial axes decides the rank.
    Parameters as for `conv1d` and, where `transposed`, `conv_transpose1d`.

    Examples
    --------
    >>> conv([[1, 2, 3]], [[[1, 1]]])
    array([[3, 5]])
    """
    key = None
    if input.__class__ is np.ndarray is weight.__class__:
        said = repr((stride, padding, dilation, groups, padding_mode, transposed))
        said += repr((output_padding, output_size, algorithm))
        key = (None, input.dtype, input.shape, weight.shape, said)
        if (result := repeated(key, input, weight, bias, out)) is not None:
            return result
    return _checked(
        key,
        None,
        input,
        weight,
        bias,
        out,
        algorithm,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        transposed=transposed,
        output_padding=output_padding,
        output_size=output_size,
    )


def output_shape(
    input_shape: Sequence[int],
    weight_shape: Sequence[int],
    stride: Ints = 1,
    padding: Padding = 0,
    dilation: Ints = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    transposed: bool = False,
    output_padding: Ints = 0,
    output_size: Ints | None = None,
) -> tuple[int, ...]:
    """Return the shape that `conv` with these arguments would give, computing nothing.

    Examples
    --------
    >>> output_shape((3, 64, 128), (32, 64, 4), stride=2)
    (3, 32, 63)
    """
    weights = checked_shape("weight", weight_shape)
    check_weight_axes(weights)
    spec = ConvSpec(
        weights[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
        transposed=transposed,
        output_padding=output_padding,
    )
    return spec.bind(input_shape, weights, output_size).output_shape


def _forward(
    rank: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    padding_mode: str,
    out: Array | None,
    algorithm: str,
) -> Array:
    key = None
    if input.__class__ is np.ndarray is weight.__class__:
        # What most calls say is told here: `_told` takes a tenth of a small convolution's time.
        said: Any = (stride, padding, dilation, groups, padding_mode, algorithm)
        ints = (
            stride.__class__ is padding.__class__ is dilation.__class__ is groups.__class__ is int
        )
        if not (ints and padding_mode.__class__ is algorithm.__class__ is str):
            said = _told(*said)
        key = (rank, input.dtype, input.shape, weight.shape, said)
        if (result := repeated(key, input, weight, bias, out)) is not None:
            return result
    return _checked(
        key,
        rank,
        input,
        weight,
        bias,
        out,
        algorithm,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )


def _transposed(
    rank: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Ints,
    padding: Ints | Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    output_size: Ints | None,
    out: Array | None,
    algorithm: str,
) -> Array:
    key = None
    if input.__class__ is np.ndarray is weight.__class__:
        said = _told(stride, padding, output_padding, groups, dilation, output_size, algorithm)
        key = (rank, input.dtype, input.shape, weight.shape, said)
        if (result := repeated(key, input, weight, bias, out)) is not None:
            return result
    return _checked(
        key,
        rank,
        input,
        weight,
        bias,
        out,
        algorithm,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
        output_size=output_size,
        transposed=True,
    )


def _told(*parameters: Any) -> Hashable:
    """Return what tells parameters from others: 1.0 and True equal 1, and are refused."""
    for each in parameters:
        if each.__class__ is tuple:
            for number in each:
                if number.__class__ is not int:
                    return repr(parameters)
        elif each.__class__ not in _TOLD_BY_VALUE:
            return repr(parameters)
    return parameters


_TOLD_BY_VALUE = {int, str, type(None)}


def _checked(
    key: Any,
    rank: int | None,
    input: Any,
    weight: Any,
    bias: ArrayLike | None,
    out: Array | None,
    algorithm: str,
    **arguments: Any,
) -> Array:
    """Compute a call not seen before; `key` is what it is known by afterwards."""
    operands = prepare(input, weight, bias, rank=rank, **arguments)
    bound = Bound(operands.geometry, operands.input.dtype, algorithm, once=True)
    if key is not None:
        remember(key, bound, input, weight)
    return bound.run(operands, out)


def register_overloads() -> None:
    """Let functions compiled by Numba call the functions here; Numba's entry point calls this."""
    global _registered
    if not _registered:
        from stepconv.kernels import inline

        _registered = True
        names = [f"{name}{rank}d" for name in ("conv", "conv_transpose") for rank in (1, 2, 3)]
        inline.register({name: globals()[name] for name in ("conv", *names)})


_registered = False
if "numba" in sys.modules:
    register_overloads()  # where stepconv is not installed, Numba finds no entry point
