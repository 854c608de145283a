"""Arrays made ready for a kernel: checked, of one dtype, contiguous, five axes.

Kernels have no bounds checks. Whatever reaches one has come through `prepare`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepconv.errors import DtypeError, ShapeError
from stepconv.fitting import function_name
from stepconv.geometry import Geometry
from stepconv.spec import ConvSpec
from stepconv.values import Ints

Array = NDArray[Any]


@dataclass(frozen=True)
class Operands:
    """Input (N, C_in, D, H, W), weight (·, ·, kd, kh, kw) and bias (C_out,) of one dtype.

    `dtype` is the result's; the arrays carry the one computed in, which differs for
    float16 alone. All are read-only: no kernel writes to one, and Numba, which compiles
    anew for each mix of writeable and read-only arrays, meets one mix only.
    """

    spec: ConvSpec
    geometry: Geometry
    input: Array
    weight: Array
    bias: Array
    dtype: np.dtype[Any]

    @property
    def sources(self) -> tuple[Array, Array, Array]:
        """The index maps of the three axes."""
        first, second, third = self.geometry.embedded
        return first.source, second.source, third.source

    def narrowed(self, result: Array) -> Array:
        """Return a result in the dtype promised; float16 ends at 65504, beyond lies inf."""
        with np.errstate(over="ignore"):
            return result.astype(self.dtype, copy=False)

    def copied(self) -> Operands:
        """Return the same in arrays of its own, which no caller can change."""
        return replace(
            self,
            input=_readonly(self.input.copy()),
            weight=_readonly(self.weight.copy()),
            bias=_readonly(self.bias.copy()),
        )

    def walk(self, origin: Sequence[int] = (0, 0, 0)) -> Array:
        """Steps, dilations and first output position, as the textbook kernels read them."""
        axes = self.geometry.embedded
        rows = [[axis.step for axis in axes], [axis.dilation for axis in axes], list(origin)]
        return np.array(rows, dtype=np.int64)


def as_array(name: str, value: ArrayLike) -> Array:
    """Return `value` as an array of numbers that can be convolved.

    Subclasses are taken for the plain array they hold: a ``numpy.matrix`` has two axes
    in every operation, and a masked array would lose its mask without a word, so one with
    masked cells is refused.

    Raises
    ------
    DtypeError
        For anything but bool, integers, floats to 64 and complex numbers to 128 bits,
        and for masked cells.
    ShapeError
        For nested sequences of unequal length.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise ShapeError(
            "{name} is ragged: all its rows must have the same length", name=name
        ) from None
    if array.dtype.kind not in "biufc" or array.dtype.itemsize > (
        16 if array.dtype.kind == "c" else 8
    ):
        raise DtypeError(
            "{name} is of dtype {dtype}; give bool, integers, floats up to float64 or complex"
            " numbers up to complex128, for instance numpy.asarray({name}, dtype=numpy.float64)",
            name=name,
            dtype=array.dtype,
        )
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DtypeError(
            "{name} has {count} masked cells, and a sum over the others alone is no convolution;"
            " say what they hold with {name}.filled(0)",
            name=name,
            count=int(np.count_nonzero(np.ma.getmaskarray(value))),
        )
    return array


def prepare(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    *,
    rank: int | None = None,
    output_size: Ints | None = None,
    **arguments: Any,
) -> Operands:
    """Check the operands of a convolution and lay them out for the kernels.

    `arguments` are `ConvSpec`'s but for kernel_size, which the weight carries; `rank`
    is the one the caller's name promises.
    """
    image, kernels = as_array("input", input), as_array("weight", weight)
    offsets = None if bias is None else as_array("bias", bias)
    check_weight_axes(kernels.shape, rank, transposed=arguments.get("transposed") is True)
    spec = ConvSpec(kernels.shape[2:], **arguments)
    geometry = spec.bind(image.shape, kernels.shape, output_size)
    check_bias(offsets, geometry.out_channels)
    dtype = result_dtype(image, kernels, offsets)
    working = np.dtype(np.float32) if dtype == np.float16 else dtype
    check_memory(geometry, working.itemsize)
    batch = 1 if geometry.batch is None else geometry.batch
    sizes = (1,) * (3 - geometry.rank)
    operands = Operands(
        spec=spec,
        geometry=geometry,
        input=_contiguous(image, working).reshape(
            batch, geometry.in_channels, *sizes, *geometry.input_size
        ),
        weight=_contiguous(kernels, working).reshape(
            *kernels.shape[:2], *sizes, *geometry.kernel_size
        ),
        bias=(
            _readonly(np.zeros(geometry.out_channels, working))
            if offsets is None
            else _contiguous(offsets, working)
        ),
        dtype=dtype,
    )
    if working == np.int64:
        _check_integer_range(operands)
    return operands


def result_dtype(*arrays: Array | None) -> np.dtype[Any]:
    """Return what NumPy promotes the arrays to; int64 for any mix of integers and bool."""
    given = [array for array in arrays if array is not None]
    if all(array.dtype.kind in "biu" for array in given):
        for array in given:
            if array.dtype == np.uint64 and array.size and int(array.max()) > _INT64_MAX:
                raise DtypeError(
                    "{value} does not fit int64, in which integers are summed; use float64",
                    value=int(array.max()),
                )
        return np.dtype(np.int64)
    return np.result_type(*(array.dtype for array in given)).newbyteorder("=")


def check_weight_axes(
    shape: tuple[int, ...], rank: int | None = None, *, transposed: bool = False
) -> None:
    """Refuse a weight from which no kernel can be read, or none of the rank promised."""
    if rank is None and not 3 <= len(shape) <= 5:
        raise ShapeError(
            "weight {shape} has {got} axes; a convolution takes 3 (rank 1), 4 (rank 2) or 5"
            " (rank 3): two for channels and one for each axis the kernel moves along",
            shape=shape,
            got=len(shape),
        )
    if rank is not None and len(shape) != rank + 2:
        kernel = ", ".join("k" * rank)
        raise ShapeError(
            "weight {shape} has {got} axes; {name} takes {wanted}",
            shape=shape,
            got=len(shape),
            name=function_name(rank, transposed=transposed),
            wanted=f"(C_in, C_out/groups, {kernel})"
            if transposed
            else f"(C_out, C_in/groups, {kernel})",
        )
    if 0 in shape:
        raise ShapeError("weight {shape} holds no values: each axis needs at least 1", shape=shape)


def check_bias(bias: Array | None, out_channels: int) -> None:
    """Refuse a bias that is not one number for each output channel."""
    if bias is not None and bias.shape != (out_channels,):
        raise ShapeError(
            "bias {shape} must hold one number for each of the {channels} output channels:"
            " its shape must be ({channels},)",
            shape=bias.shape,
            channels=out_channels,
        )


def check_memory(geometry: Geometry, itemsize: int = 8) -> None:
    """Refuse arrays and index maps that fill half of this machine's memory, before taking any."""
    arrays = (geometry.input_shape, geometry.weight_shape, geometry.output_shape)
    need = sum(map(prod, arrays)) * itemsize
    need += sum(axis.layout_size for axis in geometry.axes) * _MAP_BYTES
    if need > memory() // 2:
        raise ShapeError(
            "input {input}, output {output} and the index maps between them take {need} MB, more"
            " than half of the {memory} MB of memory of this machine; lower the padding, raise"
            " the stride or use a smaller input",
            input=geometry.input_shape,
            output=geometry.output_shape,
            need=need >> 20,
            memory=memory() >> 20,
        )


def memory() -> int:
    """Return the bytes of memory of this machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 1 << 34


_INT64_MAX = 2**63 - 1
_MAP_BYTES = 64  # a laid-out position while its index map is made and put into a plan: int64s


def _contiguous(array: Array, dtype: np.dtype[Any]) -> Array:
    return _readonly(np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"]))


def _readonly(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _check_integer_range(operands: Operands) -> None:
    """Refuse integer sums that could leave int64, where they would wrap without a word."""

    def largest(array: Array) -> int:
        return max(-int(array.min()), int(array.max())) if array.size else 0

    worst = largest(operands.input) * largest(operands.weight) * operands.geometry.terms
    if worst + largest(operands.bias) > _INT64_MAX:
        raise DtypeError(
            "the sums could reach {worst}, beyond int64; convert the input to float64",
            worst=worst,
        )
