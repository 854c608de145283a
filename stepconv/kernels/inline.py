"""Convolutions inside compiled code: the public functions, called from a function under ``@njit``.

The arguments are those of the functions in Python: arrays of bool, integers, floats or
complex numbers, ints or tuples of ints, (before, after) pairs, the named paddings,
`bias` and `out` or None. Forward convolutions of float32 and float64 run on the tiles of
`stepconv.kernels.direct` (`stepconv.kernels.rows`), all others on the loops of
`stepconv.kernels.plain`: on the caller's thread, without the interpreter lock where the caller gave
it up; a ``prange`` loop may call it. What does not fit raises ValueError, and arguments of the
wrong types raise Numba's TypingError.

>>> import numpy as np
>>> from numba import njit
>>> from stepconv import conv2d
>>> from stepconv.functional import register_overloads
>>> register_overloads()  # needless where stepconv is installed: Numba's entry point does it
>>> @njit
... def edges(frames, kernel, threshold):
...     found = 0
...     for n in range(len(frames)):
...         found += np.sum(np.abs(conv2d(frames[n], kernel)) > threshold)
...     return found
>>> frames = np.zeros((5, 1, 8, 8))
>>> frames[:, :, :, 4:] = 1.0
>>> int(edges(frames, np.array([[[[-1.0, 1.0]]]]), 0.5))
40

Modules compiled ahead of time (``numba.pycc``) find no kernels: those are made for the machine that
they run on. Two differences from Python: integer sums wrap beyond int64 without a word, and of the
algorithms there are "auto" and "textbook".

Numba finds this by itself where stepconv is installed (entry point ``numba_extensions``), or
where it is imported before `stepconv.functional` is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload, register_jitable
from numba.np.numpy_support import as_dtype, from_dtype

from stepconv.kernels import plain, rows
from stepconv.kernels.linking import by_name


def register(functions: dict[str, Callable[..., Any]]) -> None:
    """Let compiled code call the functions, given by name: conv, conv1d, …"""
    for name, function in functions.items():
        if name == "conv":
            overload(function)(_conv)
        elif name.startswith("conv_transpose"):
            overload(function)(_conv_transpose(int(name[-2])))
        else:
            overload(function)(_conv_forward(int(name[-2])))


# -- the signatures --------------------------------------------------------------------


def _conv_forward(rank: int) -> Callable[..., Any]:
    def typed(
        input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
        padding_mode="zeros", out=None, algorithm="auto",
    ):  # fmt: skip
        texts = padding, padding_mode, algorithm
        compute = _computation(input, weight, bias, out, rank, False, *texts)

        def convolve(
            input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1,
            padding_mode="zeros", out=None, algorithm="auto",
        ):  # fmt: skip
            return compute(input, weight, bias, stride, padding, dilation, groups, 0, None, out)

        return convolve

    return typed


def _conv_transpose(rank: int) -> Callable[..., Any]:
    def typed(
        input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
        dilation=1, output_size=None, out=None, algorithm="auto",
    ):  # fmt: skip
        texts = padding, "zeros", algorithm
        compute = _computation(input, weight, bias, out, rank, True, *texts)

        def convolve(
            input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
            dilation=1, output_size=None, out=None, algorithm="auto",
        ):  # fmt: skip
            return compute(
                input, weight, bias, stride, padding, dilation, groups,
                output_padding, output_size, out,
            )  # fmt: skip

        return convolve

    return typed


def _conv(
    input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros",
    transposed=False, output_padding=0, output_size=None, out=None, algorithm="auto",
):  # fmt: skip
    turned = _constant("transposed", transposed)
    texts = padding, padding_mode, algorithm
    compute = _computation(input, weight, bias, out, None, turned, *texts)

    def convolve(
        input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros",
        transposed=False, output_padding=0, output_size=None, out=None, algorithm="auto",
    ):  # fmt: skip
        return compute(
            input, weight, bias, stride, padding, dilation, groups, output_padding, output_size, out
        )

    return convolve


# -- types -------------------------------------------------------------------------------


def _computation(
    input: Any,
    weight: Any,
    bias: Any,
    out: Any,
    rank: int | None,
    transposed: bool,
    padding: Any,
    padding_mode: Any,
    algorithm: Any,
) -> Any:
    """Check the types of the arguments, and return the function that computes with them."""
    for name, value in (("input", input), ("weight", weight)):
        if not isinstance(value, types.Array):
            raise TypingError(f"{name} is {value}; in compiled code it must be an array")
    rank = weight.ndim - 2 if rank is None else rank
    if rank not in (1, 2, 3) or weight.ndim != rank + 2 or input.ndim not in (rank + 1, rank + 2):
        raise TypingError(
            f"input has {input.ndim} axes and weight {weight.ndim}; a convolution of rank {rank}"
            f" takes {rank + 1} or {rank + 2}, and {rank + 2}"
        )
    bias = None if _is_none(bias) else bias
    if bias is not None and not (isinstance(bias, types.Array) and bias.ndim == 1):
        raise TypingError(f"bias is {bias}; it must be an array of one axis, or None")
    kind = _result_kind([input, weight] if bias is None else [input, weight, bias])
    out = None if _is_none(out) else out
    if out is not None and not (
        isinstance(out, types.Array) and (out.ndim, out.dtype) == (input.ndim, kind) and out.mutable
    ):
        raise TypingError(
            f"out is {out}; it must be a writeable array of {kind} with {input.ndim} axes"
        )
    algorithm = _constant("algorithm", algorithm)
    if algorithm not in ("auto", "textbook"):
        raise TypingError("algorithm in compiled code must be 'auto' or 'textbook'")
    fast = algorithm == "auto" and not transposed and kind in (types.float32, types.float64)
    mode = _choice("padding_mode", padding_mode, plain.MODES)
    rule = _choice("padding", padding, plain.RULES) if _is_text(padding) else plain.NUMBERS
    facts = rank, input.ndim == rank + 2, transposed, bias is not None, out is not None
    return _compute(kind, mode, rule, fast, *facts)


def _is_none(kind: Any) -> bool:
    if isinstance(kind, types.Omitted):
        return kind.value is None
    return kind is None or isinstance(kind, types.NoneType)


def _is_text(kind: Any) -> bool:
    return isinstance(kind, str | types.UnicodeType | types.StringLiteral)


def _constant(name: str, kind: Any) -> Any:
    """Return the value of an argument that must be known when the caller is compiled.

    Numba offers types without their literal values first: refused, it tries again with.
    """
    if isinstance(kind, types.Omitted):
        return kind.value
    if isinstance(kind, types.Literal):
        return kind.literal_value
    if isinstance(kind, str | bool):
        return kind
    raise TypingError(f"{name} must be written as a constant in the call")


def _choice(name: str, kind: Any, choices: tuple[str, ...]) -> int:
    value = _constant(name, kind)
    if value not in choices:
        raise TypingError(f"{name} {value!r} is not one of {', '.join(choices)}")
    return choices.index(value)


def _result_kind(arrays: list[Any]) -> Any:
    """Return the type computed in: NumPy's promotion, int64 for any mix of integers and bool."""
    dtypes = [as_dtype(array.dtype) for array in arrays]
    if all(dtype.kind in "biu" for dtype in dtypes):
        return types.int64
    dtype = np.result_type(*dtypes)
    if dtype.kind not in "fc" or dtype.itemsize < 4:
        raise TypingError(f"{dtype} is not computed in compiled code; convert to float32")
    return from_dtype(dtype)


# -- the computation ---------------------------------------------------------------------


@cache
def _compute(
    kind: Any,
    mode: int,
    rule: int,
    fast: bool,
    rank: int,
    batched: bool,
    transposed: bool,
    has_bias: bool,
    has_out: bool,
) -> Any:
    """Return the whole computation for arguments of these types.

    What does not depend on them is compiled apart, and kept on disk.
    """
    dtype = as_dtype(kind)
    five, shape, weights_five = _FIVE[rank, batched], _SHAPE[rank, batched], _FIVE[rank, True]
    first = 3 - rank
    forward = _ROWS if fast else _FORWARD

    def compute(
        input, weight, bias, stride, padding, dilation, groups, output_padding, output_size, out
    ):
        images, kernels = _as_five(input, dtype, five), _as_five(weight, dtype, weights_five)
        axes = np.zeros((plain.ROWS, 3), np.int64)
        _put(axes[plain.STRIDE], first, stride)
        _put(axes[plain.DILATION], first, dilation)
        _put(axes[plain.EXTRA], first, output_padding)
        _put(axes[plain.WANTED], first, output_size)
        _put_padding(axes, first, padding)
        for k in range(3):
            axes[plain.INPUT, k], axes[plain.TAPS, k] = images.shape[2 + k], kernels.shape[2 + k]
        _MEASURE(axes, first, mode, rule, transposed)
        channels = kernels.shape[1] * groups if transposed else kernels.shape[0]
        _CHECK_CHANNELS(images.shape[1], kernels.shape[0], kernels.shape[1], groups, transposed)
        offsets = np.zeros(channels, dtype)
        if has_bias:
            if len(bias) != channels:
                raise ValueError("bias must hold one number for each output channel")
            for c in range(channels):
                offsets[c] = bias[c]
        sizes = axes[plain.OUTPUT]
        output = np.empty((images.shape[0], channels, sizes[0], sizes[1], sizes[2]), dtype)
        if transposed:
            _TRANSPOSED(images, kernels, offsets, output, axes, groups)
        else:
            forward(images, kernels, offsets, output, axes, groups, mode)
        result = output.reshape(shape(output.shape))
        if has_out:
            if out.shape != result.shape:
                raise ValueError("out does not have the shape of the result")
            out[...] = result
            return out
        return result

    return register_jitable(compute)


_ROWS, _FORWARD = by_name(rows, "forward"), by_name(plain, "forward")
_TRANSPOSED = by_name(plain, "transposed")
_MEASURE, _CHECK_CHANNELS = by_name(plain, "measure"), by_name(plain, "check_channels")

# Shapes of arrays as five axes, and back, for each rank, batched or not.
_FIVE: dict[tuple[int, bool], Any] = {
    (1, True): register_jitable(lambda s: (s[0], s[1], 1, 1, s[2])),
    (2, True): register_jitable(lambda s: (s[0], s[1], 1, s[2], s[3])),
    (3, True): register_jitable(lambda s: (s[0], s[1], s[2], s[3], s[4])),
    (1, False): register_jitable(lambda s: (1, s[0], 1, 1, s[1])),
    (2, False): register_jitable(lambda s: (1, s[0], 1, s[1], s[2])),
    (3, False): register_jitable(lambda s: (1, s[0], s[1], s[2], s[3])),
}
_SHAPE: dict[tuple[int, bool], Any] = {
    (1, True): register_jitable(lambda s: (s[0], s[1], s[4])),
    (2, True): register_jitable(lambda s: (s[0], s[1], s[3], s[4])),
    (3, True): register_jitable(lambda s: (s[0], s[1], s[2], s[3], s[4])),
    (1, False): register_jitable(lambda s: (s[1], s[4])),
    (2, False): register_jitable(lambda s: (s[1], s[3], s[4])),
    (3, False): register_jitable(lambda s: (s[1], s[2], s[3], s[4])),
}


def _as_five(array: Any, dtype: Any, five: Any) -> Any:
    """Return an array as a contiguous one of `dtype` and five axes."""


@overload(_as_five)
def _as_five_typed(array, dtype, five):
    if array.layout == "C" and array.dtype == dtype.dtype:
        return lambda array, dtype, five: array.reshape(five(array.shape))

    def converted(array, dtype, five):
        copy = np.empty(array.shape, dtype)
        copy[...] = array
        return copy.reshape(five(array.shape))

    return converted


def _put(row: Any, first: int, value: Any) -> None:
    """Write an int, or one for each axis, to the cells from `first` on; None leaves them."""


@overload(_put)
def _put_typed(row, first, value):
    if _is_none(value) or _is_text(value):
        return lambda row, first, value: None
    if isinstance(value, types.Integer):

        def put_one(row, first, value):
            for k in range(first, 3):
                row[k] = value

        return put_one
    if isinstance(value, types.UniTuple) and isinstance(value.dtype, types.Integer):

        def put_each(row, first, value):
            if len(value) != 1 and len(value) != 3 - first:
                raise ValueError("give one number, or one for each axis of the kernel")
            for k in range(first, 3):
                row[k] = value[k - first if len(value) > 1 else 0]

        return put_each
    raise TypingError(f"{value} where an int, or a tuple of ints, is wanted")


def _put_padding(axes: Any, first: int, value: Any) -> None:
    """Write what stands before and after each axis; a named padding is worked out later."""


@overload(_put_padding)
def _put_padding_typed(axes, first, value):
    pair = value.dtype if isinstance(value, types.UniTuple) else None
    if not isinstance(pair, types.UniTuple):

        def put_numbers(axes, first, value):
            _put(axes[plain.BEFORE], first, value)
            _put(axes[plain.AFTER], first, value)

        return put_numbers
    if pair.count != 2 or not isinstance(pair.dtype, types.Integer):
        raise TypingError(f"padding is {value}; it must hold (before, after) pairs of ints")

    def put_pairs(axes, first, value):
        if len(value) != 1 and len(value) != 3 - first:
            raise ValueError("padding must hold a (before, after) pair for each axis")
        for k in range(first, 3):
            before, after = value[k - first if len(value) > 1 else 0]
            axes[plain.BEFORE, k], axes[plain.AFTER, k] = before, after

    return put_pairs
