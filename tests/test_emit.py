"""Building blocks of emitted code that deal numbers out and weave them together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepconv.kernels.drivers import emitted
from stepconv.kernels.emit import Code
from stepconv.kernels.lowering import driver

pytestmark = pytest.mark.compiled


@emitted
def turned(code: Code, count: int, lanes: int, numbers: Any, dealt: Any, woven: Any) -> None:
    """Deal `count` vectors out, and weave what comes of it."""
    own = Code(code.builder, code.itemsize, lanes=lanes)
    parts = own.deal([own.load(numbers, i * lanes) for i in range(count)])
    for i, (part, again) in enumerate(zip(parts, own.weave(parts), strict=True)):
        own.store(part, dealt, i * lanes)
        own.store(again, woven, i * lanes)


def turns(of: int, wide: int) -> Any:
    count, lanes = of, wide

    @driver
    def run(numbers: Any, dealt: Any, woven: Any) -> None:
        turned(count, lanes, numbers, dealt, woven)

    return run


@pytest.mark.parametrize(
    ("count", "lanes"), [(1, 16), (2, 16), (3, 2), (3, 16), (4, 8), (5, 4), (6, 8), (8, 4)]
)
def test_every_nth_number_there_and_back(count: int, lanes: int) -> None:
    numbers = np.arange(count * lanes, dtype=np.float32)
    dealt, woven = np.empty_like(numbers), np.empty_like(numbers)
    turns(count, lanes)(numbers, dealt, woven)
    assert dealt.tolist() == np.concatenate([numbers[i::count] for i in range(count)]).tolist()
    assert woven.tolist() == numbers.tolist()
