"""Convolutions on NumPy arrays, with torch.nn.functional's names and meaning.

What torch, and the articles this package follows, call a convolution is a
cross-correlation: the kernel is not turned. Transposed convolutions turn it.
Sizes follow Dumoulin & Visin, arXiv:1603.07285.

Shapes below: N samples, C_in and C_out channels, `*spatial` one, two or three
axes. An input without N is one sample, and so is the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stepconv.errors import DtypeError, ShapeError
from stepconv.operands import Array, Operands, check_weight_axes, prepare
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
    return _forward(1, input, weight, bias, stride, padding, dilation, groups, padding_mode, out)


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
    return _forward(2, input, weight, bias, stride, padding, dilation, groups, padding_mode, out)


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
    return _forward(3, input, weight, bias, stride, padding, dilation, groups, padding_mode, out)


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
    return _transposed(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation, output_size, out
    )


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
) -> Array:
    """Convolve along two axes, transposed.

    As `conv_transpose1d`, with input (N, C_in, H, W) or (C_in, H, W) and weight
    (C_in, C_out/groups, kh, kw).

    Examples
    --------
    >>> conv_transpose2d(np.ones((1, 2, 2)), np.ones((1, 1, 2, 2)), stride=2).shape
    (1, 4, 4)
    """
    return _transposed(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation, output_size, out
    )


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
) -> Array:
    """Convolve along three axes, transposed.

    As `conv_transpose1d`, with input (N, C_in, D, H, W) or (C_in, D, H, W) and weight
    (C_in, C_out/groups, kd, kh, kw).

    Examples
    --------
    >>> conv_transpose3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2)), padding=1).shape
    (1, 1, 1, 1)
    """
    return _transposed(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation, output_size, out
    )


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
) -> Array:
    """Convolve along as many axes as the kernel has.

    Whatever class carries a kernel, its number of spatial axes decides the rank.
    Parameters as for `conv1d` and, where `transposed`, `conv_transpose1d`.

    Examples
    --------
    >>> conv([[1, 2, 3]], [[[1, 1]]])
    array([[3, 5]])
    """
    return run(
        prepare(
            input,
            weight,
            bias,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            padding_mode=padding_mode,
            transposed=transposed,
            output_padding=output_padding,
            output_size=output_size,
        ),
        out,
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


def run(operands: Operands, out: Array | None = None) -> Array:
    """Compute prepared operands, into `out` where given."""
    if out is None:
        return operands.narrowed(_filled(_scratch(operands), operands))
    target = _checked_out(out, operands)
    if _is_direct(target, operands):
        _filled(target, operands)
    else:
        target[...] = operands.narrowed(_filled(_scratch(operands), operands))
    return out


def _scratch(operands: Operands) -> Array:
    return np.empty(operands.geometry.output_shape, operands.input.dtype)


def _filled(target: Array, operands: Operands) -> Array:
    """Let the kernel fill `target`, contiguous and of the dtype computed in."""
    from stepconv.kernels import textbook  # Numba loads when a kernel is first needed

    geometry = operands.geometry
    kernel = textbook.convolve_transposed if geometry.transposed else textbook.convolve
    kernel(
        operands.input,
        operands.weight,
        operands.bias,
        operands.sources,
        operands.walk(),
        np.arange(geometry.out_channels),
        target.reshape(
            operands.input.shape[0],
            geometry.out_channels,
            *(1,) * (3 - geometry.rank),
            *geometry.output_size,
        ),
    )
    return target


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
) -> Array:
    operands = prepare(
        input,
        weight,
        bias,
        rank=rank,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_mode=padding_mode,
    )
    return run(operands, out)


def _transposed(
    rank: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Ints,
    padding: Padding,
    output_padding: Ints,
    groups: int,
    dilation: Ints,
    output_size: Ints | None,
    out: Array | None,
) -> Array:
    operands = prepare(
        input,
        weight,
        bias,
        rank=rank,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        transposed=True,
        output_padding=output_padding,
        output_size=output_size,
    )
    return run(operands, out)


def _checked_out(out: Any, operands: Operands) -> Array:
    """Return the plain array behind `out`, where it can hold the result."""
    shape = operands.geometry.output_shape
    if not isinstance(out, np.ndarray):
        raise DtypeError(
            "out is a {kind}; it must be a NumPy array of shape {shape} and dtype {dtype}",
            kind=type(out).__name__,
            shape=shape,
            dtype=operands.dtype,
        )
    if out.shape != shape:
        raise ShapeError(
            "out {got} does not hold the result {shape}; use numpy.empty({shape}, '{dtype}')",
            got=out.shape,
            shape=shape,
            dtype=operands.dtype,
        )
    if out.dtype != operands.dtype or not out.flags.writeable:
        raise DtypeError(
            "out must be a writeable array of dtype {dtype}; it is {state} {got}",
            dtype=operands.dtype,
            state="writeable" if out.flags.writeable else "read-only",
            got=out.dtype,
        )
    return np.asarray(out)  # a subclass may shape and index in its own way


def _is_direct(out: Array, operands: Operands) -> bool:
    """Whether a kernel may write straight into `out`."""
    return (
        out.flags.c_contiguous
        and out.flags.aligned
        and out.dtype.isnative
        and out.dtype == operands.input.dtype
        and not any(
            np.may_share_memory(out, array)
            for array in (operands.input, operands.weight, operands.bias)
        )
    )
