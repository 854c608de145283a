"""How fast this machine multiplies and adds: the roof under which every kernel works.

Chains of multiply-adds in registers, nothing loaded and nothing stored. One chain
waits for its own result (4 cycles), so that many run side by side; more than the
registers hold would go through memory.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.lowering import driver

# Two units of a latency of four cycles need 8; of 32 registers two hold factor and term.
_CHAINS = 24 if host().registers == 32 else 12
# Passes at a time: some 50 µs, so that reading the clock counts for nothing.
_PASSES = 20_000


@emitted
def _chains(code: Code, numbers: Value, passes: Value) -> None:
    """Emit the chains: factor and term, then where each chain begins, stand in `numbers`."""
    factor, term = code.splat(code.load_one(numbers, 0)), code.splat(code.load_one(numbers, 1))
    sums = [code.load(numbers, 2 + chain) for chain in range(_CHAINS)]
    with code.loop(passes, *sums) as loop:
        loop.next(*(code.multiply_add(value, factor, term) for value in loop.values))
    total = loop.results[0]
    for value in loop.results[1:]:
        total = code.sum(total, value)
    code.store(total, numbers)  # or LLVM would drop what nobody reads


@driver
def _run(numbers: Any, passes: Any) -> None:
    _chains(numbers, passes)


def peak(dtype: np.dtype[Any], seconds: float = 0.002) -> float:
    """Return the operations a second of one core, a multiply-add counted as two.

    The best of as many tries as fit in `seconds`: whatever disturbs only slows.
    """
    lanes = host().lanes(dtype.itemsize)
    numbers = np.full(2 + _CHAINS + lanes, 0.25, dtype)  # x/4 + 1/4 tends to 1/3: no denormals
    _run(numbers, 1)
    best, end = float("inf"), time.perf_counter() + seconds
    while True:
        before = time.perf_counter()
        _run(numbers, _PASSES)
        after = time.perf_counter()
        best = min(best, after - before)
        if after > end:
            return 2 * _PASSES * _CHAINS * lanes / best
