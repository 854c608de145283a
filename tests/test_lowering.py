"""Drivers of kernels mean in machine code what they mean in Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, strategies as st
from numba.core.errors import TypingError

import stepconv
from stepconv.kernels.drivers import allocate, emitted, inlined, lanes
from stepconv.kernels.host import host
from stepconv.kernels.lowering import driver

pytestmark = pytest.mark.compiled

FIVE = 5
config: Any = numba.config


@driver
def arithmetic(a: Any, b: Any, found: Any) -> None:
    """Everything that numbers can do."""
    found[0] = a + b * FIVE - (a - 2)
    found[1], found[2] = a // b, a % b
    found[3], found[4] = divmod(-a, b)
    found[5] = min(a, b, FIVE) - max(a, 3, b)
    found[6] = -a
    found[7] = found[8] = a if a < b else b
    found[9] += a == b
    found[9] *= FIVE // 2
    found[10] = (a > 0 and b > 0) + 2 * (a > 0 or b > 0) + 4 * (not a)
    found[11] = a != b if a <= 7 else a >= 9
    found[12], found[13] = (a, 1) if b else (2, b)


@driver
def branches(a: Any, b: Any, found: Any) -> None:
    """Everything that steers."""
    total = 0
    for i in range(a, b, 3):
        if i % 2 == 0:
            continue
        total += i
        i = 0  # the range goes on
    found[0] = total
    left = b
    while left > 0 and found[left % 4] > -5:
        left -= 2
        if left == 4 or left == 7:
            continue
        elif left < 3:
            found[1] += left
        else:
            found[2] += 1
    if FIVE == 5:
        found[3] = left
    else:
        found[99] = unheard_of  # type: ignore[name-defined]  # noqa: F821
    for i in range(b):
        for j in range(i):
            found[4] += i * j
            if j > 3:
                continue
    add(found, 5, b)
    add(found, 6, 2)
    i = 77
    for i in range(a):  # noqa: B007  # what is left of it is asked for
        pass_over(found)
    found[8] = i
    found[9] = (a > 0) if b > 0 else 2
    found[10] = (a > 0) if b > 0 else -1
    found[11], found[12] = (a > 0, 1) if b > 0 else (2, a)
    if a > 5 or (found[3] if found[3] else a > 7):
        found[13] = 1
    if (a and b) or not a:
        found[14] += 1
    found[a % 3 + 9] -= b


@inlined
def add(found: Any, place: int, count: int) -> None:
    """Count down, in a parameter."""
    while count > 0:
        count -= 1
        add_one(found, place)


@inlined
def pass_over(found: Any) -> None:
    """Do something."""
    found[7] += 1


@inlined
def add_one(found: Any, place: int) -> None:
    """Count."""
    found[place] += 1


numbers = st.integers(-60, 60)


@given(numbers, numbers.filter(bool))
def test_numbers(a: int, b: int) -> None:
    assert_same(arithmetic, a, b)


@given(numbers, numbers)
def test_flow(a: int, b: int) -> None:
    assert_same(branches, a, b)


def assert_same(lowered: Any, a: int, b: int) -> None:
    expected, found = np.ones((2, 16), np.int64)
    lowered.py_func.__wrapped__(a, b, expected)
    lowered(a, b, found)
    assert found.tolist() == expected.tolist()


@driver
def turned(numbers: Any, places: Any, count: Any) -> None:
    """Move floats through memory of its own."""
    kept = allocate(count, numbers)
    order = allocate(count, places)
    for i in range(count):
        kept[i] = numbers[i] if places[i] > 0 else 0
        order[i] = places[count - 1 - i]
    for i in range(count):
        numbers[i] = kept[order[i]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_of_its_own(dtype: Any) -> None:
    cells = np.array([0.5, 1.5, 2.5], dtype)
    turned(cells, np.array([0, 2, 1]), 3)
    assert cells.tolist() == [1.5, 2.5, 0.0]


@driver
def greedy(numbers: Any, count: Any) -> None:
    """Take two pieces of memory, of which the second may be too large."""
    some = allocate(8, numbers)
    more = allocate(count, numbers)
    some[0] = more[0] = 1


def test_no_memory() -> None:
    with pytest.raises(MemoryError, match="no memory for the scratch of a kernel"):
        greedy(np.zeros(1), 1 << 58)


@driver
def careless(numbers: Any, place: Any) -> None:
    """Write anywhere."""
    numbers[place] = 1


@pytest.mark.parametrize("place", [-1, 3, 1 << 40])
def test_indices_are_looked_at_where_wanted(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "BOUNDSCHECK", 1)
    cells = np.zeros(5)
    with pytest.raises(IndexError, match="out of bounds"):
        careless(cells[:3], place)
    careless(cells[:3], 2)
    assert cells.tolist() == [0, 0, 1, 0, 0]


def test_arrays_with_gaps_are_refused() -> None:
    with pytest.raises(TypingError, match="1d, A"):
        careless(np.zeros(6)[::2], 1)


@emitted
def shown(code: Any, numbers: Any, known: Any, unknown: Any) -> Any:
    """Tell what is known while a kernel is compiled."""
    assert isinstance(known, int)
    assert not isinstance(unknown, int)
    return code.add(code.load_one(numbers, known), unknown)


@driver
def calls(numbers: Any, number: Any) -> None:
    """Call emitted code for its value."""
    numbers[1] = shown(numbers, FIVE - 5, number) + lanes(numbers)


def test_what_is_known_reaches_emitted_code() -> None:
    cells = np.array([30, 0])
    calls(cells, 12)
    assert cells.tolist() == [30, 42 + host().lanes(8)]


CONSTANT = 100


def enclosed(number: int) -> Any:
    CONSTANT = number

    @driver
    def write(numbers: Any) -> None:
        numbers[0] = CONSTANT

    return write


def test_enclosed_names_come_before_those_of_the_module() -> None:
    cells = np.zeros(1)
    enclosed(77)(cells)
    assert cells.tolist() == [77.0]


@emitted
def counted(code: Any, numbers: Any) -> Any:
    """Count calls in the first cell, and return the number before."""
    before = code.load_one(numbers)
    code.store_one(code.add(before, 1), numbers)
    return before


@driver
def adds_in_place(numbers: Any) -> None:
    """Add to a cell whose index counts."""
    numbers[counted(numbers)] += 10


def test_the_index_of_a_cell_that_is_added_to_is_found_once() -> None:
    cells = np.array([1, 0, 0])
    adds_in_place(cells)
    assert cells.tolist() == [2, 10, 0]


@pytest.mark.parametrize("count", [-1, -8, 1 << 61, 1 << 62])
def test_numbers_that_run_over_are_no_memory(count: int) -> None:
    with pytest.raises(MemoryError):
        greedy(np.zeros(1), count)


@pytest.mark.parametrize("value", [2.9, np.zeros((2, 2)), None])
def test_other_types_are_refused(value: Any) -> None:
    with pytest.raises(TypingError):
        careless(np.zeros(3), value)
    with pytest.raises(TypingError):
        careless(value, 0)


def text(numbers: Any) -> None:
    numbers[0] = "one"


def power(numbers: Any) -> None:
    numbers[0] = numbers[0] ** 2


def stops(numbers: Any) -> None:
    for _ in range(3):
        break


def prints(numbers: Any) -> None:
    print(numbers[0])


def slices(numbers: Any) -> None:
    FIVE[0] = numbers[0]  # type: ignore[index]


def unlike(numbers: Any) -> None:
    numbers[0] = 3 and 4  # type: ignore[redundant-expr]


def renamed(numbers: Any) -> None:
    others = numbers
    others = others


def too_soon(numbers: Any) -> None:
    numbers[0] = CONSTANT  # type: ignore[used-before-def]  # noqa: F823
    CONSTANT = 1  # noqa: F841


def attribute(numbers: Any) -> None:
    numbers[0] = numbers.length


def both(numbers: Any) -> None:
    numbers[0], numbers[1] = 1, 2, 3  # type: ignore[misc]


def nothing(numbers: Any) -> None:
    numbers[0] = 5 // 0


def steps(numbers: Any) -> None:
    for i in range(3, 4, 5, 6):  # type: ignore[call-overload]
        numbers[i] = 0


def misspelt(numbers: Any) -> None:
    numbers[0] = FIVES  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "line", "said"),
    [
        (text, 1, "'one'"),
        (power, 1, "numbers[0] ** 2"),
        (stops, 2, "break"),
        (prints, 1, "print(numbers[0])"),
        (slices, 1, "FIVE[0]"),
        (misspelt, 1, "FIVES"),
        (unlike, 1, "3 and 4"),
        (renamed, 2, "others"),
        (too_soon, 1, "CONSTANT"),
        (attribute, 1, "numbers[0] = numbers.length"),
        (both, 1, "(1, 2, 3)"),
        (nothing, 1, "5 // 0"),
        (steps, 1, "range(3, 4, 5, 6)"),
    ],
)
def test_what_drivers_cannot_say(function: Callable[..., None], line: int, said: str) -> None:
    with pytest.raises(SyntaxError) as caught:
        driver(function)(np.zeros(1))
    place = f"test_lowering.py:{function.__code__.co_firstlineno + line}: no driver can say"
    assert place in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.slow  # its own cache, and a second import of everything
def test_without_sources_the_textbook_loops_compute(tmp_path: Path) -> None:
    package = tmp_path / "stepconv"
    shutil.copytree(Path(stepconv.__file__).parent, package)
    compile_all = [sys.executable, "-m", "compileall", "-q", "-b", str(package)]
    subprocess.run(compile_all, check=True)
    for source in package.rglob("*.py"):
        source.unlink()
    program = (
        "import numpy as np, stepconv; assert stepconv.__file__.endswith('.pyc');"
        " print(stepconv.conv2d(np.ones((1, 1, 8, 8), 'f4'), np.ones((1, 1, 3, 3), 'f4')).sum())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "324.0\n", "")
