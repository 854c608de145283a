"""Memory of large results: kept, never shared by two that are alive."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator

import numpy as np
import pytest

from stepconv import conv1d, conv2d, results
from stepconv.bound import Bound
from stepconv.geometry import Axis, Geometry

FLOAT = np.dtype(np.float32)
LARGE = results.LARGE // FLOAT.itemsize

pytestmark = pytest.mark.skipif(os.name != "posix", reason="private mappings are of POSIX")


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    results._free.clear()
    yield
    results._free.clear()


def place(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def test_a_dropped_result_makes_room_for_the_next() -> None:
    first = results.empty((2, LARGE), FLOAT)
    where = place(first)
    del first
    again = results.empty((LARGE + 5,), FLOAT)
    assert place(again) == where
    assert results._free == []


@pytest.mark.parametrize("skip", [0, 3, 520])
@pytest.mark.parametrize("shape", [(1, 12, 1024), (2, LARGE)])
def test_apart_from_the_input_in_its_page(shape: tuple[int, ...], skip: int) -> None:
    input = np.zeros(3000, FLOAT)[skip:]
    result = results.apart(input, shape, FLOAT)
    assert result.shape == shape
    assert (place(result) - place(input)) % results.PAGE == results.PAGE // 2
    result[...] = 1  # all of it is there


def test_where_rows_fill_pages_the_result_lies_apart() -> None:
    image, weight = np.ones((1, 12, 1024), FLOAT), np.ones((1, 1, 3, 3), FLOAT)
    result = conv2d(image, weight, padding=1)
    assert (result[:, 1:-1, 1:-1] == 9).all()
    axes = tuple(Axis(size, 3, pad=(1, 1)) for size in image.shape[1:])
    in_place = Bound(Geometry(axes, None, 1, 1, 1), FLOAT).plan.apart
    distance = (place(result) - place(image)) % results.PAGE
    assert distance == results.PAGE // 2 or not in_place


def test_a_view_keeps_its_memory() -> None:
    result = results.empty((2, LARGE), FLOAT)
    result[...] = 1
    row = result[1, 7:9].view(np.int32)
    del result
    gc.collect()
    results.empty((2, LARGE), FLOAT)[...] = 2
    assert np.array_equal(row.view(np.float32), [1, 1])
    del row
    assert len(results._free) == 2


@pytest.mark.parametrize("factor", [0.4, 1.5])
def test_a_piece_of_another_size_is_left(factor: float) -> None:
    del_me = results.empty((4 * LARGE,), FLOAT)
    where = place(del_me)
    del del_me
    assert place(results.empty((int(factor * 4 * LARGE),), FLOAT)) != where


def test_small_results_are_numpys() -> None:
    assert results.allocator((LARGE - 1,), FLOAT) is np.empty
    assert results.allocator((0, LARGE), FLOAT) is np.empty
    assert results.allocator((LARGE,), FLOAT) is results.empty


def test_what_waits_is_bounded() -> None:
    alive = [results.empty((LARGE + i,), FLOAT) for i in range(results.KEPT // results.LARGE + 3)]
    second = place(alive[1])
    alive.clear()
    assert sum(map(len, results._free)) <= results.KEPT
    assert len(results._free) >= results.KEPT // results.LARGE - 1
    assert place(results.empty((LARGE + 1,), FLOAT)) == second  # the smallest that fits


def test_a_piece_larger_than_all_that_may_wait_leaves_the_others_there() -> None:
    results.empty((LARGE,), FLOAT)
    results.empty((results.KEPT // FLOAT.itemsize + 1,), FLOAT)
    assert [len(piece) for piece in results._free] == [results.LARGE]


def test_the_memory_is_kept_by_the_base_of_a_result() -> None:
    result = results.empty((2, LARGE), FLOAT)
    base = result.base
    assert base is not None
    del result
    assert results._free == []
    del base
    assert len(results._free) == 1


def test_no_memory_is_numpys_error() -> None:
    with pytest.raises(MemoryError):
        results.empty((1 << 60,), FLOAT)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_writes_to_its_own() -> None:
    context = multiprocessing.get_context("fork")
    results.empty((LARGE,), FLOAT)[...] = 0  # waits, and comes back in both
    result = results.empty((LARGE,), FLOAT)
    result[...] = 1
    child = context.Process(target=result.fill, args=(2,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert result[0] == result[-1] == 1


@pytest.mark.compiled
def test_convolutions_give_such_results() -> None:
    image = np.ones((1, 1, LARGE + 2), np.float32)
    kernel = np.ones((1, 1, 3), np.float32)
    first = conv1d(image, kernel)
    assert np.all(first == 3)
    where = place(first)
    kept = first[0, 0, :5].copy()
    del first
    second = conv1d(2 * image, kernel)
    assert place(second) == where
    assert np.all(second == 6)
    assert np.array_equal(kept, [3] * 5)
