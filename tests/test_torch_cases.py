"""240 random layers that torch computed, through every door: functions, conv and traces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepconv import conv, functional, trace
from tests.helpers import Array, Case, torch_cases

CASES = [pytest.param(case, id=case.name) for case in torch_cases()]
WITHIN = {np.float64: 1e-10, np.float32: 2e-5}


def by_function(case: Case) -> Array:
    function: Callable[..., Array] = getattr(functional, case.function)
    return function(case.input, case.weight, case.bias, **case.arguments)


def by_conv(case: Case) -> Array:
    return conv(case.input, case.weight, case.bias, transposed=case.transposed, **case.arguments)


def by_trace(case: Case) -> Array:
    record = trace(case.input, case.weight, case.bias, transposed=case.transposed, **case.arguments)
    assert record.verify() <= WITHIN[record.output.dtype.type] * np.abs(case.output).max()
    return record.output


def assert_agrees(output: Array, case: Case, dtype: Any) -> None:
    assert output.dtype == dtype
    assert output.shape == case.output.shape
    worst = np.abs(output - case.output).max()
    assert worst <= WITHIN[dtype] * np.abs(case.output).max()


def test_the_table_covers_all_six_functions() -> None:
    assert len(CASES) == 240
    assert {case.function for case in torch_cases()} == {
        *(f"conv{rank}d" for rank in (1, 2, 3)),
        *(f"conv_transpose{rank}d" for rank in (1, 2, 3)),
    }


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES)
def test_functions(case: Case, dtype: Any) -> None:
    given = case.cast(dtype)
    output = by_function(given)
    assert_agrees(output, case, dtype)
    assert np.array_equal(by_conv(given), output)


@pytest.mark.parametrize("case", CASES)
def test_traces(case: Case) -> None:
    assert_agrees(by_trace(case), case, np.float64)


@pytest.mark.parametrize("case", CASES[::6])
def test_traces_in_float32(case: Case) -> None:
    assert_agrees(by_trace(case.cast(np.float32)), case, np.float32)
