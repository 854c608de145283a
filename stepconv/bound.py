"""A convolution bound to shapes, a dtype and a plan: what a call runs once its operands are sound.

Checking operands takes some 20 µs, more than a small convolution. So calls are remembered:
where functions are called again with plain arrays of the same shapes and float
dtype and the same parameters, everything that was checked holds again, and the plan
is at hand. What a key leaves open (memory order, alignment, the bias, `out`) is looked
at in each call.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from stepconv.errors import DtypeError, ShapeError, SpecError
from stepconv.geometry import Geometry
from stepconv.kernels import pool
from stepconv.operands import Array, Operands
from stepconv.results import allocator, apart
from stepconv.values import shown

ALGORITHMS = ("auto", "textbook", "direct", "winograd")

_MOST_CALLS = 512
_MOST_CELLS = 1 << 16  # of all axes: a plan's tables grow with them

_seen: dict[Hashable, Bound] = {}


class Bound:
    """A convolution of known shapes and dtype.

    `pack` lays out a contiguous weight for it, `compute` takes what `pack` returns.
    """

    __slots__ = (
        "_apart",
        "_bias_shape",
        "_empty",
        "_no_bias",
        "_run",
        "_shared",
        "_units",
        "dtype",
        "geometry",
        "pack",
        "plan",
        "shape",
    )

    def __init__(
        self,
        geometry: Geometry,
        dtype: np.dtype[Any],
        algorithm: str = "auto",
        once: bool = False,
    ) -> None:
        from stepconv.kernels import plan as plans  # Numba loads when a kernel is first needed

        self.geometry = geometry
        self.dtype = np.dtype(
            dtype.char
        )  # the one object of its kind: `takes` compares by identity
        self.shape = geometry.output_shape
        self._empty = allocator(self.shape, self.dtype)
        checked = checked_algorithm(algorithm)
        self.plan = plans.choose(geometry, dtype, checked, pool.get_num_threads(), once)
        self.pack, self._run, self._units = self.plan.pack, self.plan.run, self.plan.units
        self._apart = self.plan.apart
        self._shared = plans.worth_sharing(geometry, self.plan)
        self._bias_shape = (geometry.out_channels,)
        self._no_bias = np.zeros(self._bias_shape, dtype)
        self._no_bias.flags.writeable = False

    def takes(self, input: Array, weight: Array, bias: object) -> bool:
        """Whether plain arrays of this shape can go to the kernel as they are."""
        return (
            input.dtype is self.dtype is weight.dtype
            and (input.flags.carray or _is_ready(input))
            and (weight.flags.carray or _is_ready(weight))
            and (
                bias is None
                or (
                    bias.__class__ is np.ndarray
                    and bias.dtype is self.dtype
                    and bias.shape == self._bias_shape
                    and (bias.flags.carray or _is_ready(bias))
                )
            )
        )

    def compute(self, input: Array, packed: Array, bias: Array | None, out: Any = None) -> Array:
        """Compute into a new array, or into `out`, which may overlap the operands.

        The operands must be contiguous and of this dtype.
        """
        if out is None:
            if self._apart:
                target = apart(input, self.shape, self.dtype)
            else:
                target = self._empty(self.shape, self.dtype)
        else:
            target = _checked_out(out, self.shape, self.dtype)
            if not _is_direct(target, input, packed, bias):
                target[...] = self.compute(input, packed, bias)
                return out  # type: ignore[no-any-return]  # checked
        run, units = self._run, self._units
        bias = self._no_bias if bias is None else bias
        if self._shared:
            kernel, *arguments = self.plan.work(input, packed, bias, target)
            pool.share(kernel, tuple(arguments), units)
        else:
            run(input, packed, bias, target, 0, units)
        return target if out is None else out

    def run(self, operands: Operands, out: Any = None) -> Array:
        """Compute prepared operands of this geometry and dtype."""
        arrays = operands.input, self.pack(operands.weight), operands.bias
        if operands.dtype == self.dtype:
            return self.compute(*arrays, out)
        if out is None:
            return operands.narrowed(self.compute(*arrays))
        target = _checked_out(out, self.shape, operands.dtype)
        target[...] = operands.narrowed(self.compute(*arrays))
        return out  # type: ignore[no-any-return]  # checked


def run(operands: Operands) -> Array:
    """Compute prepared operands."""
    return Bound(operands.geometry, operands.input.dtype, once=True).run(operands)


def _is_ready(array: Array) -> bool:
    """Whether a kernel can read `array`; writeable ones that it can are `carray`, in one look."""
    return array.flags.c_contiguous and array.flags.aligned


def checked_algorithm(value: Any) -> str:
    """Refuse what is none of `ALGORITHMS`."""
    if not isinstance(value, str) or value not in ALGORITHMS:
        raise SpecError(
            "algorithm {value} is not one of {names}",
            value=shown(value),
            names=", ".join(ALGORITHMS),
        )
    return value


def repeated(key: Hashable, input: Array, weight: Array, bias: Any, out: Any) -> Array | None:
    """Compute a call like one seen before; None where there was none, or this must be checked."""
    bound = _seen.get(key)
    if bound is None:
        return None
    if not bound.takes(input, weight, bias):
        input, weight = np.ascontiguousarray(input), np.ascontiguousarray(weight)
        if not bound.takes(input, weight, bias):
            return None
    return bound.compute(input, bound.pack(weight), bias, out)


def remember(key: Hashable, bound: Bound, input: Array, weight: Array) -> None:
    """Let `repeated` find the convolution that a checked call came to."""
    # Whether integer sums may overflow is for each call to see.
    if bound.dtype.kind in "fc" and input.dtype is bound.dtype is weight.dtype:
        if len(_seen) >= _MOST_CALLS:
            _seen.clear()
        if sum(axis.layout_size for axis in bound.geometry.axes) <= _MOST_CELLS:
            _seen[key] = bound


def _checked_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return the plain array behind `out`, where it can hold a result of `shape` and `dtype`."""
    if not isinstance(out, np.ndarray):
        raise DtypeError(
            "out is a {kind}; it must be a NumPy array of shape {shape} and dtype {dtype}",
            kind=type(out).__name__,
            shape=shape,
            dtype=dtype,
        )
    if out.shape != shape:
        raise ShapeError(
            "out {got} does not hold the result {shape}; use numpy.empty({shape}, '{dtype}')",
            got=out.shape,
            shape=shape,
            dtype=dtype,
        )
    if out.dtype != dtype or not out.flags.writeable:
        raise DtypeError(
            "out must be a writeable array of dtype {dtype}; it is {state} {got}",
            dtype=dtype,
            state="writeable" if out.flags.writeable else "read-only",
            got=out.dtype,
        )
    return np.asarray(out)  # a subclass may shape and index in its own way


def _is_direct(out: Array, *operands: Array | None) -> bool:
    """Whether a kernel may write straight into `out`."""
    return (
        out.flags.c_contiguous
        and out.flags.aligned
        and out.dtype.isnative
        and not any(array is not None and np.may_share_memory(out, array) for array in operands)
    )


def get_num_threads() -> int:
    """Return how many threads may work on one convolution.

    What `set_num_threads` said, else the environment variable STEPCONV_NUM_THREADS, else
    the processors that this process may use.
    """
    return pool.get_num_threads()


def set_num_threads(threads: int) -> None:
    """Let at most `threads` threads, the caller's among them, work on one convolution.

    Small convolutions are always computed by the caller alone.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    pool.set_num_threads(threads)
    _seen.clear()  # plans are cut for a number of threads
