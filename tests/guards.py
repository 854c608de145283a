"""Run kernels on arrays that lie against protected pages; a step outside ends the process.

    | no access | input ............ | no access |     against the end, then against the start

Inputs, weights, biases and a plan's tables, and the output, which alone can be written to.
What kernels allocate for themselves comes from Python's debugging allocator where
PYTHONMALLOC=debug is set: that memory begins as -4e8, and an overrun is found when it is
given back. Run as a program, since what it looks for ends the process::

    python tests/guards.py SEED COUNT [FAMILY ...]

draws COUNT convolutions, runs each through every family that takes it (or those named),
compares with the textbook loops, and prints how many each family ran. What is about to
run is on the last line of stderr.
"""

from __future__ import annotations

import ctypes
import json
import math
import mmap
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from stepconv import conv
from stepconv.errors import StepconvError
from stepconv.geometry import Geometry
from stepconv.kernels import (
    depthwise_channels,
    dots,
    masked,
    mosaic,
    phase_pixels,
    phases,
    plan as plans,
    small,
)
from stepconv.kernels.compiling import compiled
from stepconv.kernels.plan import Plan, TextbookPlan
from stepconv.spec import ConvSpec
from stepconv.values import PADDING_MODES
from tests.plans import rows_plan

Array = NDArray[Any]
Family = Callable[[Geometry, Any, int], Plan | None]
Channels = tuple[int, int, int]

_libc = ctypes.CDLL(None, use_errno=True)
_NONE, _READ = 0, mmap.PROT_READ

# float32 sums of some hundred terms of about 1, and what Winograd's transforms lose.
TOLERANCE = {"float32": 2e-5, "float64": 1e-12}


def fenced(array: Array, side: str, *, readonly: bool = True) -> Array:
    """Copy `array` into pages of its own, between two that may not be touched."""
    page = mmap.PAGESIZE
    inside = -(-max(array.nbytes, 1) // page) * page
    pages = mmap.mmap(-1, inside + 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    at = page if side == "start" else page + inside - array.nbytes
    copy = np.frombuffer(pages, array.dtype, array.size, at).reshape(array.shape)
    copy[...] = array
    _protect(address, page, _NONE)
    _protect(address + page + inside, page, _NONE)
    if readonly:
        _protect(address + page, inside, _READ)
    return copy


def _protect(address: int, size: int, access: int) -> None:
    if _libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), access):
        raise OSError(ctypes.get_errno(), "mprotect")


# -- convolutions to try


@dataclass(frozen=True)
class Case:
    spec: ConvSpec
    geometry: Geometry
    dtype: str
    threads: int

    def __str__(self) -> str:
        geometry = self.geometry
        return f"{self.dtype} {geometry.input_shape} {geometry.weight_shape} {self.spec}"


def cases(seed: int, count: int) -> Iterator[Case]:
    """Draw convolutions of each sort in turn."""
    dice = random.Random(seed)
    sorts = (
        _any,
        _dense,
        _transposed,
        _pointwise,
        _depthwise,
        _any,
        _dense,
        _transposed,
        _image,
        _winograd,
        _dense,
        _depthwise3,
        _few,
        _noise,
        _last,
        _blocks,
        _same,
        _valid,
    )
    found = 0
    while found < count:
        channels, sizes, kernel, arguments = sorts[found % len(sorts)](dice)
        in_channels, out_channels, groups = channels
        weight = (out_channels, in_channels // groups, *kernel)
        if arguments.get("transposed"):
            weight = (in_channels, out_channels // groups, *kernel)
        batch = dice.choice((1, 1, 2, 3))
        try:
            spec = ConvSpec(kernel, groups=groups, **arguments)
            geometry = spec.bind((batch, in_channels, *sizes), weight)
        except StepconvError:  # the kernel finds no room, or the border is too wide for its mode
            continue
        found += 1
        yield Case(spec, geometry, dice.choice(("float32", "float64")), dice.choice((1, 2)))


Drawn = tuple[Channels, tuple[int, ...], tuple[int, ...], dict[str, Any]]


def _sizes(dice: random.Random, rank: int) -> tuple[int, ...]:
    """Draw an axis of 1, a short one, or one longer than several vectors."""
    most = {1: (1, 40, 300), 2: (1, 17, 70), 3: (1, 7, 24)}[rank]
    return tuple(dice.randint(1, dice.choice(most)) for _axis in range(rank))


def _borders(dice: random.Random, rank: int, most: int = 2) -> dict[str, Any]:
    pads = [(dice.randint(0, most), dice.randint(0, most)) for _axis in range(rank)]
    return {"padding": pads, "padding_mode": dice.choice(("zeros", *PADDING_MODES))}


def _steps(dice: random.Random, rank: int) -> dict[str, Any]:
    return {
        "stride": [dice.choice((1, 1, 1, 2, 3, 4, 5)) for _axis in range(rank)],
        "dilation": [dice.choice((1, 1, 2, 3)) for _axis in range(rank)],
    }


def _kernel(dice: random.Random, rank: int) -> tuple[int, ...]:
    return tuple(dice.choice((1, 2, 3, 3, 4, 5)) for _axis in range(rank))


def _any(dice: random.Random) -> Drawn:
    rank, groups = dice.randint(1, 3), dice.choice((1, 1, 1, 2, 3))
    channels = (
        dice.choice((1, 2, 3, 5, 17)) * groups,
        dice.choice((1, 2, 3, 5, 7, 10, 17, 33)) * groups,
    )
    arguments = _borders(dice, rank) | _steps(dice, rank)
    return (*channels, groups), _sizes(dice, rank), _kernel(dice, rank), arguments


def _dense(dice: random.Random) -> Drawn:
    """Many channels on maps of a few to some dozen cells: tiles, and the kernels for small maps."""
    channels = dice.choice((16, 17, 33, 64)), dice.choice((32, 33, 64, 70)), 1
    size = dice.choice((7, 14, 28, 33, dice.randint(1, 40)))
    side = dice.choice((1, 3, 3, 5))
    arguments = _borders(dice, 2) | {
        "stride": dice.choice((1, 1, 2, 3, 4)),
        "dilation": dice.choice((1, 1, 2, 6)),
    }
    if dice.random() < 0.3:
        arguments["padding"] = arguments["dilation"]
    return channels, (dice.randint(1, 20), size), (side, side), arguments


def _pointwise(dice: random.Random) -> Drawn:
    rank, groups = dice.randint(1, 3), dice.choice((1, 1, 2))
    channels = dice.choice((1, 3, 16, 40)) * groups, dice.choice((1, 5, 33, 64)) * groups, groups
    arguments = {"stride": dice.choice((1, 1, 2))} | (
        _borders(dice, rank, 1) if dice.random() < 0.3 else {}
    )
    return channels, _sizes(dice, rank), (1,) * rank, arguments


def _depthwise(dice: random.Random) -> Drawn:
    rank, channels = dice.choice((1, 2, 2, 2, 3)), dice.choice((2, 3, 5, 16, 33))
    times = dice.choice((1, 1, 2, 3))
    arguments = _borders(dice, rank) | _steps(dice, rank)
    kernel = (dice.choice((3, 5, 7)),) * rank if dice.random() < 0.5 else _kernel(dice, rank)
    return (channels, channels * times, channels), _sizes(dice, rank), kernel, arguments


def _depthwise3(dice: random.Random) -> Drawn:
    channels = dice.choice((2, 5, 16, 33))
    sizes = dice.randint(1, 20), dice.randint(1, dice.choice((4, 70, 70)))
    stride = dice.choice((1, 2))
    before = 1 if stride == 2 else dice.choice((0, 1))
    pads = [(before, dice.choice((0, 1, 1))) for _axis in range(2)]
    arguments = {"padding": pads, "stride": stride}
    return (channels, channels * dice.choice((1, 1, 2)), channels), sizes, (3, 3), arguments


def _image(dice: random.Random) -> Drawn:
    rank, side = dice.choice((1, 2, 2, 2)), dice.choice((1, 2, 3, 5, 8, 11))
    arguments = _borders(dice, rank, side // 2) | _steps(dice, rank)
    return (1, dice.choice((1, 1, 1, 3)), 1), _sizes(dice, rank), (side,) * rank, arguments


def _winograd(dice: random.Random) -> Drawn:
    channels = dice.choice((1, 3, 16, 33)), dice.choice((1, 5, 16, 33)), 1
    return channels, (dice.randint(1, 20), dice.randint(1, 40)), (3, 3), _borders(dice, 2, 1)


def _transposed(dice: random.Random) -> Drawn:
    rank, groups = dice.randint(1, 3), dice.choice((1, 1, 2))
    inputs, outputs = dice.choice((1, 3, 16, 33)), dice.choice((1, 2, 3, 5, 6, 17, 32, 33))
    channels = inputs * groups, outputs * groups, groups
    steps = _steps(dice, rank)
    pads = [(dice.randint(0, 2), dice.randint(0, 2)) for _axis in range(rank)]
    extra = [dice.randint(0, max(s, d) - 1) for s, d in zip(*steps.values(), strict=True)]
    arguments = {"transposed": True, "padding": pads, "output_padding": extra} | steps
    return channels, _sizes(dice, rank), _kernel(dice, rank), arguments


def _few(dice: random.Random) -> Drawn:
    """Few pixels, and sums of up to several pieces."""
    rank, groups = dice.randint(1, 3), dice.choice((1, 1, 2, 3))
    channels = dice.choice((2, 17, 130, 600)) * groups, dice.choice((4, 5, 13)) * groups, groups
    kernel = _kernel(dice, rank)
    if dice.random() < 0.3:
        return channels, kernel, kernel, {}
    most = {1: 20, 2: 6, 3: 4}[rank]
    sizes = tuple(dice.randint(1, most) for _axis in range(rank))
    return channels, sizes, kernel, _borders(dice, rank, 3) | _steps(dice, rank)


def _noise(dice: random.Random) -> Drawn:
    """A single pixel, each of whose taps is a cell of the output."""
    rank = dice.randint(1, 3)
    extra = [dice.choice((0, 0, 1)) for _axis in range(rank)]
    arguments = {
        "transposed": True,
        "stride": [more + dice.choice((1, 2)) for more in extra],
        "padding": [(0, more) for more in extra],
        "output_padding": extra,
    }
    channels = dice.choice((1, 3, 16, 100)), dice.choice((1, 2, 17, 33)), 1
    return channels, (1,) * rank, _kernel(dice, rank), arguments


def _last(dice: random.Random) -> Drawn:
    """Transposed, with few output channels, as at the end of a generator."""
    rank, groups = dice.randint(1, 3), dice.choice((1, 1, 2))
    inputs, outputs = dice.choice((3, 16, 33, 130)), dice.choice((1, 2, 3))
    sizes = tuple(dice.randint(1, {1: 150, 2: 20, 3: 7}[rank]) for _axis in range(rank))
    pads = [(dice.randint(0, 2), dice.randint(0, 2)) for _axis in range(rank)]
    strides = [dice.choice((1, 2, 2, 3, 4, 7)) for _axis in range(rank)]
    arguments = {"transposed": True, "padding": pads, "stride": strides}
    channels = inputs * groups, outputs * groups, groups
    return channels, sizes, _kernel(dice, rank), arguments


def _blocks(dice: random.Random) -> Drawn:
    """Transposed, with a kernel no larger than the stride: each pixel makes a block."""
    rank, groups = dice.randint(1, 3), dice.choice((1, 1, 2))
    strides = [dice.choice((1, 2, 2, 3, 4)) for _axis in range(rank - 1)]
    strides.append(dice.choice((1, 2, 2, 3, 4, 7)))
    kernel = tuple(dice.choice((stride, dice.randint(1, stride))) for stride in strides)
    extra = [dice.randint(0, step - size) for step, size in zip(strides, kernel, strict=True)]
    sizes = (*(dice.randint(1, 5) for _axis in range(rank - 1)), dice.randint(4, 60))
    channels = dice.choice((1, 16, 130)) * groups, dice.choice((2, 4, 5, 9)) * groups, groups
    return channels, sizes, kernel, {
        "transposed": True, "stride": strides, "output_padding": extra,
    }  # fmt: skip


def _same(dice: random.Random) -> Drawn:
    """An output as large as the input, of few channels."""
    rank, groups = dice.randint(1, 3), dice.choice((1, 1, 2, 5))
    kernel, dilation = _kernel(dice, rank), dice.choice((1, 1, 2, 3))
    reach = [dilation * (size - 1) for size in kernel]
    before = [dice.choice((each // 2, dice.randint(0, each))) for each in reach]
    pads = [(one, each - one) for one, each in zip(before, reach, strict=True)]
    channels = dice.choice((1, 3, 8, 40)) * groups, dice.choice((4, 5, 8, 17)) * groups, groups
    return channels, _sizes(dice, rank), kernel, {"padding": pads, "dilation": dilation}


def _valid(dice: random.Random) -> Drawn:
    """Neither padding nor stride: vectors of pixels are read in place, in bands and in strips."""
    rank = dice.randint(1, 3)
    most = {1: 6000, 2: 80, 3: 18}[rank]
    sizes = tuple(dice.randint(most // 2, most) for _axis in range(rank))
    channels = dice.choice((17, 40, 100)), dice.choice((4, 9)), 1
    return channels, sizes, _kernel(dice, rank), {"dilation": dice.choice((1, 1, 2))}


# -- families, and some that step outside


def families(names: list[str]) -> dict[str, Family]:
    """Return families of kernels by name, all there are where no name is given."""
    own: dict[str, Family] = {kind.__name__: kind.plan for kind in FAULTY}
    own["rows"] = rows_plan
    own["in_turn"] = _in_turn
    own["textbook"] = lambda geometry, dtype, _threads: TextbookPlan(geometry, dtype)
    return {
        name: own[name] if name in own else import_module(f"stepconv.kernels.{name}").plan
        for name in names or ("textbook", "rows", "in_turn", *plans._DIRECT, plans._WINOGRAD)
    }


def _in_turn(geometry: Geometry, dtype: np.dtype[Any], threads: int) -> Plan | None:
    """Return the plan of `small` for weights used once, where its kernel lays them out."""
    plan = small.plan(geometry, dtype, threads, once=True)
    return None if plan is None or plan._pack is not None else plan


class _Trespass(TextbookPlan):
    """The textbook loops, and then one access that is not allowed."""

    @classmethod
    def plan(cls, geometry: Geometry, dtype: np.dtype[Any], _threads: int) -> Plan:
        return cls(geometry, dtype)

    def run(
        self, input: Array, packed: Array, bias: Array, output: Array, first: int, stop: int
    ) -> None:
        super().run(input, packed, bias, output, first, stop)
        self.trespass(input, output)

    def trespass(self, input: Array, output: Array) -> None:
        raise NotImplementedError


class ReadsAfter(_Trespass):
    def trespass(self, input: Array, output: Array) -> None:
        ctypes.c_char.from_address(input.ctypes.data + input.nbytes).value  # noqa: B018


class ReadsBefore(_Trespass):
    def trespass(self, input: Array, output: Array) -> None:
        ctypes.c_char.from_address(input.ctypes.data - 1).value  # noqa: B018


class WritesInput(_Trespass):
    def trespass(self, input: Array, output: Array) -> None:
        ctypes.c_char.from_address(input.ctypes.data).value = b"\0"


class WritesAfter(_Trespass):
    def trespass(self, input: Array, output: Array) -> None:
        ctypes.c_char.from_address(output.ctypes.data + output.nbytes).value = b"\0"


class LeavesHole(_Trespass):
    def trespass(self, input: Array, output: Array) -> None:
        output[-1] = np.nan


class OverrunsScratch(_Trespass):
    def trespass(self, input: Array, output: Array) -> None:
        _overrun(64, 64)  # alignment leaves some room behind


class ReadsEmptyScratch(_Trespass):
    def trespass(self, input: Array, output: Array) -> None:
        output[-1] += _overrun(64, 0)


@compiled
def _overrun(size: int, more: int) -> Any:
    """Write behind an array of one's own; return what stood in it before."""
    scratch = np.empty(size, np.float32)
    before = scratch[0]
    for i in range(size, size + more):
        scratch[i] = 0
    return before


FAULTY = (
    ReadsAfter,
    ReadsBefore,
    WritesInput,
    WritesAfter,
    LeavesHole,
    OverrunsScratch,
    ReadsEmptyScratch,
)


# -- running them


def run(case: Case, family: Family) -> bool:
    """Run a case through a family, against both guards; return whether the family takes it."""
    dtype = np.dtype(case.dtype)
    plan = family(case.geometry, dtype, case.threads)
    if plan is None:
        return False
    input, weight, bias = _arrays(case)
    expected = _expected(case)
    plan.pack(weight.reshape(-1))  # compiled before np.empty is another
    for side in ("end", "start"):
        _fence_tables(plan, side)
        with mock.patch.object(np, "empty", partial(_fenced_empty, side)):
            packed = plan.pack(fenced(weight.reshape(-1), side))
        packed = fenced(packed, side)
        output = fenced(np.full(expected.size, np.nan, dtype), side, readonly=False)
        arrays = fenced(input.reshape(-1), side), packed, fenced(bias, side), output
        entry, *given = plan.work(*arrays)  # what threads call
        for call in (partial(plan.run, *arrays), partial(entry, *given)):
            output[:] = np.nan
            middle = plan.units // 2
            for first, stop in ((middle, plan.units), (0, middle)):
                if first < stop:
                    call(first, stop)
            _compare(output, expected, case)
    return True


def _fence_tables(plan: Plan, side: str) -> None:
    for name, value in vars(plan).items():
        if isinstance(value, np.ndarray):
            object.__setattr__(plan, name, fenced(value, side))


def _fenced_empty(side: str, shape: Any, dtype: Any = np.float64) -> Array:
    return fenced(np.full(shape, np.nan, dtype), side, readonly=False)


def run_public(case: Case) -> None:
    """Run a case through the public function, which writes into a guarded array."""
    input, weight, bias = _arrays(case)
    expected = _expected(case)
    shape = case.geometry.output_shape
    arguments = case.spec.arguments()
    del arguments["kernel_size"]
    out = fenced(np.full(shape, np.nan, case.dtype), "end", readonly=False)
    kernels = fenced(weight.reshape(case.geometry.weight_shape), "end")
    image = fenced(input.reshape(case.geometry.input_shape), "end")
    for _call in range(2):  # the second takes the short way of calls seen before
        out[...] = np.nan
        conv(image, kernels, fenced(bias, "end"), **arguments, out=out)
        _compare(out.reshape(-1), expected, case)


@lru_cache(1)  # for all families
def _arrays(case: Case) -> tuple[Array, Array, Array]:
    generator = np.random.default_rng(len(str(case)))
    geometry = case.geometry
    axes = geometry.embedded
    sizes = (geometry.batch or 1, geometry.in_channels, *(axis.input_size for axis in axes))
    shapes = (
        sizes,
        (*geometry.weight_shape[:2], *(axis.kernel_size for axis in axes)),
        (geometry.out_channels,),
    )
    input, weight, bias = (generator.standard_normal(shape).astype(case.dtype) for shape in shapes)
    weight /= np.sqrt(geometry.terms).astype(case.dtype)
    return input, weight, bias


@lru_cache(1)
def _expected(case: Case) -> Array:
    """Let the textbook loops compute in float64."""
    plan = TextbookPlan(case.geometry, np.dtype(np.float64))
    input, weight, bias = (np.asarray(array, np.float64) for array in _arrays(case))
    output = np.empty(case.geometry.output_shape).reshape(-1)
    plan.run(input.reshape(-1), plan.pack(weight.reshape(-1)), bias, output, 0, plan.units)
    return output


def _compare(output: Array, expected: Array, case: Case) -> None:
    error = float(np.abs(output - expected).max()) / max(1.0, float(np.abs(expected).max()))
    assert error <= TOLERANCE[case.dtype], f"error {error:.1e}"  # nan is no less than anything


def main(seed: int, count: int, names: list[str]) -> None:
    # Numba has no public name for it.
    import_module("numba.core.runtime._nrt_python").memsys_use_cpython_allocator()
    # The kernels for small maps, and for few pixels, wherever they can.
    small.direct_cycles = lambda *_: math.inf
    dots._others = lambda *_: math.inf
    phase_pixels.STEP = math.inf
    depthwise_channels._others = lambda *_: math.inf
    phases.cycles = lambda *_: math.inf
    masked.cycles = lambda *_: 0.0
    vars(mosaic)["SINGLE"] = False
    chosen = families(names)
    ran: Counter[str] = Counter()
    for case in cases(seed, count):
        for name, family in chosen.items():
            print(f"{name}: {case}", file=sys.stderr, flush=True)
            taken = run(case, family)
            ran[name] += taken
            ran["wide"] += taken and name == "depthwise3" and case.geometry.input_shape[-1] > 16
        if not names:
            print(f"conv: {case}", file=sys.stderr, flush=True)
            run_public(case)
            ran["conv"] += 1
    print(json.dumps(ran))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
