"""Which family of kernels computes a convolution, and how its work is cut.

A *plan* is made once for a geometry: tables of where things lie, and a number of units
of work that no two of which write to the same cells. Plans hold no scratch and never
change, so that one plan may run in any number of threads at once.

A *family* is a module here with ``plan(geometry, dtype, threads)``, which returns None
where the family does not apply. (`dots` and `small` also ask whether the weights are of use `once`,
and may then read them as they lie.) The first that applies is taken; what no family computes, the
textbook loops do.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from math import prod
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from stepconv.errors import DtypeError, SpecError
from stepconv.geometry import Geometry
from stepconv.kernels.compiling import JIT
from stepconv.kernels.drivers import readable
from stepconv.kernels.textbook_plan import TextbookPlan as TextbookPlan

Array = NDArray[Any]

# In the order in which they are asked.
_DIRECT = (
    "swapped",
    "stamps",
    "mosaic",
    "phases",
    "dots",
    "depthwise_channels",
    "depthwise3",
    "depthwise",
    "masked",
    "small",
    "direct",
)
_WINOGRAD = "winograd"
_ASKING = ("dots", "small")

_FAST_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))

# Index tables grow with the axes: of plans for very long ones only a few are kept.
_KEPT_PLANS, _KEPT_LONG_PLANS = 256, 4
_KEPT_LAYOUT = 1 << 16

# Multiplications worth sharing: some 8 µs of work, against 1.2 µs to share it.
_WORTH_SHARING = 500_000


class Plan(Protocol):
    """How one convolution is computed."""

    @property
    def units(self) -> int:
        """Pieces of work; unit u writes cells that no other unit writes."""

    @property
    def apart(self) -> bool:
        """Whether a result should begin elsewhere in a page than the input (`results.apart`)."""

    def pack(self, weight: Array) -> Array:
        """Lay out a contiguous weight as `run` wants it; that may be the weight itself."""

    def run(
        self, input: Array, packed: Array, bias: Array, output: Array, first: int, stop: int
    ) -> None:
        """Compute the units from `first` to before `stop`, without the interpreter lock.

        All arrays are contiguous and of one dtype; their shapes do not matter (`flat`). Any but
        `output` may be read-only.
        """

    def work(self, input: Array, packed: Array, bias: Array, output: Array) -> tuple[Any, ...]:
        """Return what `run` calls, a specialised function, and its arguments but for the units."""


def choose(
    geometry: Geometry, dtype: np.dtype[Any], algorithm: str, threads: int, once: bool = False
) -> Plan:
    """Return the plan for a convolution of arrays of `dtype` on up to `threads` threads.

    The weights are of use for one call, where `once`, or what is packed of them is kept for many.

    Raises
    ------
    SpecError, DtypeError
        Where `algorithm` (auto, textbook, direct or winograd) does not apply.
    """
    if prod(geometry.output_shape) * geometry.terms < _WORTH_SHARING:
        threads = 1
    if sum(axis.layout_size for axis in geometry.axes) <= _KEPT_LAYOUT:
        return _kept(geometry, dtype, algorithm, threads, once)
    return _kept_long(geometry, dtype, algorithm, threads, once)


def worth_sharing(geometry: Geometry, plan: Plan) -> bool:
    """Whether a convolution is long enough to share between threads."""
    enough = prod(geometry.output_shape) * geometry.terms >= _WORTH_SHARING
    return JIT and enough and plan.units > 1


def _chosen(
    geometry: Geometry, dtype: np.dtype[Any], algorithm: str, threads: int, once: bool
) -> Plan:
    # Uncompiled, and where there is nothing to compile, every algorithm is the plain loops.
    if algorithm == "textbook" or not JIT or not readable():
        return TextbookPlan(geometry, dtype)
    if dtype in _FAST_DTYPES:
        for name in (_WINOGRAD,) if algorithm == "winograd" else _DIRECT:
            family = import_module(f"stepconv.kernels.{name}")
            more = {"once": once} if name in _ASKING else {}
            plan: Plan | None = family.plan(geometry, dtype, threads, **more)
            if plan is not None:
                return plan
    if algorithm != "auto":
        _refuse(geometry, dtype, algorithm)
    return TextbookPlan(geometry, dtype)


def _refuse(geometry: Geometry, dtype: np.dtype[Any], algorithm: str) -> NoReturn:
    if dtype not in _FAST_DTYPES:
        raise DtypeError(
            "algorithm {algorithm!r} computes in float32 and float64, not in {dtype}; use 'auto',"
            " or convert the input",
            algorithm=algorithm,
            dtype=dtype,
        )
    if algorithm == "winograd":
        raise SpecError(
            "algorithm 'winograd' is for kernels of 3x3 with stride 1, dilation 1 and groups 1, not"
            " transposed; the kernel is {kernel}, stride {stride}, dilation {dilation}, groups"
            " {groups}{transposed}: use 'auto'",
            kernel="x".join(map(str, geometry.kernel_size)),
            stride=tuple(axis.stride for axis in geometry.axes),
            dilation=tuple(axis.dilation for axis in geometry.axes),
            groups=geometry.groups,
            transposed=", transposed" if geometry.transposed else "",
        )
    raise SpecError(
        "algorithm {algorithm!r} has no kernel for this convolution; use 'auto'",
        algorithm=algorithm,
    )


_kept = lru_cache(_KEPT_PLANS)(_chosen)
_kept_long = lru_cache(_KEPT_LONG_PLANS)(_chosen)
