"""The textbook kernels against a reference that shares nothing with them: numbers of every type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numba import njit

from stepconv import conv, conv1d, conv2d, conv_transpose1d, conv_transpose2d, trace
from stepconv.kernels.compiling import compiled
from stepconv.operands import prepare
from tests.helpers import NUMPY_MODES, Array, numbers, padded, reference, result_dtype
from tests.strategies import MODES, Layer, layers

INTEGERS = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
FLOATS = ("f2", "f4", "f8", "c8", "c16")


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Without compilation the kernels are NumPy, which warns of nan and overflow."""
    with np.errstate(all="ignore"):
        yield


def assert_agrees(output: Array, expected: Array, terms: int = 32) -> None:
    """Agree exactly in integers, else within the rounding of a sum."""
    assert output.dtype == expected.dtype
    assert output.shape == expected.shape
    if output.dtype.kind == "i":
        assert np.array_equal(output, expected)
        return
    tolerance = 8 * float(np.finfo(output.dtype).eps) * terms
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(1.0, float(finite.max(initial=0)))
    assert np.allclose(output, expected, rtol=0, atol=tolerance * scale, equal_nan=True)


@given(layers(), st.sampled_from([*INTEGERS, *FLOATS[1:]]))
def test_any_layer_in_any_type(layer: Layer, dtype: str) -> None:
    image, weight, bias = layer.arrays(dtype)
    expected = reference(image, weight, bias, **layer.arguments)
    assert_agrees(conv(image, weight, bias, **layer.arguments), expected)


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
@pytest.mark.parametrize("transposed", [False, True])
def test_types_of_results(dtype: str, transposed: bool) -> None:
    rng = np.random.default_rng(0)
    image, weight = numbers(rng, (2, 4, 5), dtype), numbers(rng, (4, 2, 3), dtype)
    bias = numbers(rng, (4,), dtype)
    output = conv(image, weight, bias, 2, 1, groups=2, transposed=transposed)
    if dtype in INTEGERS:
        assert output.dtype == np.int64
    else:
        assert output.dtype == np.dtype(dtype)
    wide = [array.astype("f4") if dtype == "f2" else array for array in (image, weight, bias)]
    expected = reference(*wide, stride=2, padding=1, groups=2, transposed=transposed)
    assert_agrees(output, expected.astype(output.dtype), terms=6)


@pytest.mark.parametrize(("one", "other"), list(product(["?", "i4", "u8", *FLOATS], repeat=2)))
def test_types_mix_as_numpy_promotes(one: str, other: str) -> None:
    rng = np.random.default_rng(1)
    image, weight = numbers(rng, (2, 9), one), numbers(rng, (3, 2, 3), other)
    output = conv1d(image, weight)
    assert output.dtype == result_dtype(image, weight)
    wide = np.result_type(np.float32, output.dtype) if output.dtype == "f2" else output.dtype
    expected = reference(image.astype(wide), weight.astype(wide))
    assert_agrees(output, expected.astype(output.dtype), terms=6)


def test_the_bias_takes_part_in_the_promotion() -> None:
    output = conv1d([[1, 2, 3]], [[[1, 1]]], [0.5])
    assert output.dtype == np.float64
    assert output.tolist() == [[3.5, 5.5]]


def test_a_float_kernel_is_not_cut_to_the_integers_of_the_data() -> None:
    assert conv1d([[1, 2, 3]], [[[0.5, 0.5]]]).tolist() == [[1.5, 2.5]]


def test_lists_are_taken_as_numpy_takes_them() -> None:
    assert conv1d([[1, 2]], [[[1]]]).dtype == np.int64
    assert conv1d([[1, 2.0]], [[[1]]]).dtype == np.float64
    assert conv1d([[True, False]], [[[True]]]).dtype == np.int64
    assert conv1d([[1j, 2]], [[[1]]]).dtype == np.complex128


def test_float16_is_summed_in_float32() -> None:
    """In float16 alone 2048 + 1 is 2048."""
    image = np.array([[2048, 1, 1, 1]], np.float16)
    output = conv1d(image, np.ones((1, 1, 4), np.float16))
    assert output.dtype == np.float16
    assert output.item() == np.float16(2051)


def test_float16_beyond_its_range_is_infinite() -> None:
    output = conv1d(np.full((1, 2), 60000, np.float16), np.ones((1, 1, 2), np.float16))
    assert output.tolist() == [[np.inf]]


# -- arrays of any make


def arrangements(array: Array) -> dict[str, Array]:
    """The same numbers, laid out in memory in every way there is."""
    strided = np.zeros([2 * size for size in array.shape], array.dtype)
    everyother = strided[tuple(slice(None, None, 2) for _ in array.shape)]
    everyother[...] = array
    backwards = np.flip(np.ascontiguousarray(np.flip(array)))
    read_only = array.copy()
    read_only.flags.writeable = False
    raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
    unaligned = raw.view(array.dtype).reshape(array.shape)
    unaligned[...] = array
    arranged = {
        "strided": everyother,
        "backwards": backwards,
        "fortran": np.asfortranarray(array),
        "transposed axes": np.ascontiguousarray(array.T).T,
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "little-endian": array.astype(array.dtype.newbyteorder("<")),
        "read-only": read_only,
        "unaligned": unaligned,
    }
    assert not everyother.flags.c_contiguous
    assert any(stride < 0 for stride in backwards.strides)
    assert not unaligned.flags.aligned
    return arranged


@pytest.mark.parametrize("dtype", ["i4", "f4", "f8", "c16"])
@pytest.mark.parametrize("transposed", [False, True])
def test_memory_layouts(dtype: str, transposed: bool) -> None:
    rng = np.random.default_rng(2)
    image, weight = numbers(rng, (2, 2, 5, 4), dtype), numbers(rng, (2, 2, 3, 2), dtype)
    bias = numbers(rng, (2,), dtype)
    expected = conv(image, weight, bias, transposed=transposed)
    assert_agrees(expected, reference(image, weight, bias, transposed=transposed))
    kept = image.copy(), weight.copy(), bias.copy()
    for name, arranged in arrangements(image).items():
        output = conv(arranged, weight, bias, transposed=transposed)
        assert np.array_equal(output, expected), name
        assert output.flags.c_contiguous
        assert output.dtype.isnative
    for name, arranged in arrangements(weight).items():
        assert np.array_equal(conv(image, arranged, bias, transposed=transposed), expected), name
    for name, arranged in arrangements(bias).items():
        assert np.array_equal(conv(image, weight, arranged, transposed=transposed), expected), name
    for array, before in zip((image, weight, bias), kept, strict=True):
        assert np.array_equal(array, before)
        assert array.flags.writeable


def test_broadcast_arrays() -> None:
    image = np.broadcast_to(np.float64(2), (1, 3, 6))
    assert np.array_equal(conv1d(image, np.ones((1, 3, 2))), np.full((1, 1, 5), 12.0))
    several, _ = np.broadcast_arrays(np.ones((1, 6)), np.ones((3, 6)))  # warns where written to
    assert np.array_equal(conv1d(several, np.ones((1, 3, 6))), [[18.0]])


def test_memory_maps(tmp_path: Path) -> None:
    path = tmp_path / "image.npy"
    np.save(path, np.arange(12.0).reshape(2, 6))
    mapped = np.load(path, mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    weight = np.ones((1, 2, 3))
    output = conv1d(mapped, weight)
    assert type(output) is np.ndarray
    assert np.array_equal(output, reference(np.load(path), weight))


def test_a_matrix_is_the_array_it_holds() -> None:
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1, 2, 3]])
    output = conv1d(matrix, [[[1, 1]]])
    assert type(output) is np.ndarray
    assert output.tolist() == [[3, 5]]


def test_a_masked_array_with_nothing_masked_is_its_data() -> None:
    assert conv1d(np.ma.array([[1, 2, 3]]), [[[1, 1]]]).tolist() == [[3, 5]]


def test_empty_batches() -> None:
    output = conv2d(np.zeros((0, 3, 5, 5), np.float32), np.zeros((4, 3, 3, 3), np.float32))
    assert output.shape == (0, 4, 3, 3)
    assert output.dtype == np.float32
    assert conv_transpose1d(np.zeros((0, 1, 2)), np.zeros((1, 1, 2))).shape == (0, 1, 3)


@given(layers(batches=(2,)))
def test_a_batch_is_its_samples(layer: Layer) -> None:
    image, weight, bias = layer.arrays()
    output = conv(image, weight, bias, **layer.arguments)
    for sample, one in zip(image, output, strict=True):
        assert np.array_equal(conv(sample, weight, bias, **layer.arguments), one)


# -- numbers that are none


def test_nan_reaches_every_window_that_holds_it() -> None:
    image = np.zeros((1, 7))
    image[0, 3] = np.nan
    output = conv1d(image, np.ones((1, 1, 3)))
    assert np.isnan(output[0]).tolist() == [False, True, True, True, False]


def test_infinities_travel_as_in_arithmetic() -> None:
    image = np.array([[np.inf, 1.0, -np.inf]])
    assert conv1d(image, [[[1.0, 1.0]]]).tolist() == [[np.inf, -np.inf]]
    assert np.isnan(conv1d(image, [[[1.0, 1.0, 1.0]]])).all()
    assert np.isnan(conv1d(image, [[[0.0]]])[0]).tolist() == [True, False, True]


def test_padding_is_a_zero_like_any_other() -> None:
    """0 times infinity is nan, in the border too: the border belongs to the sum."""
    output = conv1d([[1.0, 2.0]], [[[np.inf, 1.0]]], padding=1)
    assert np.isnan(output[0, 0])
    assert output[0, 1:].tolist() == [np.inf, np.inf]


def test_an_inserted_zero_adds_nothing() -> None:
    """Nothing is stamped between two inputs, so an infinite weight does not reach there."""
    output = conv_transpose1d([[1.0, 2.0]], [[[np.inf, 1.0]]], stride=3)
    assert output.tolist() == [[np.inf, 1.0, 0.0, np.inf, 2.0]]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_nan_and_infinity_agree_with_the_reference(dtype: str, transposed: bool) -> None:
    rng = np.random.default_rng(3)
    image, weight = numbers(rng, (1, 2, 6, 6), dtype), numbers(rng, (2, 2, 3, 3), dtype)
    image[0, 0, 1, 2], image[0, 1, 4, 4], image[0, 1, 0, 5] = np.nan, np.inf, -np.inf
    expected = reference(image, weight, padding=1, transposed=transposed)
    assert np.isnan(expected).any()
    output = conv(image, weight, padding=1, transposed=transposed)
    assert np.array_equal(np.isnan(output), np.isnan(expected))
    assert_agrees(output, expected)


# -- integers that do not fit


def test_large_integers_are_exact() -> None:
    image = np.array([[2**53 + 1, -(2**53)]])
    assert conv1d(image, [[[1, 1]]]).item() == 1
    assert conv1d(np.array([[2**62]]), [[[1]]], [2**62 - 1]).item() == 2**63 - 1
    assert conv1d(np.array([[2**63 - 1]], np.uint64), [[[1]]]).item() == 2**63 - 1


@pytest.mark.parametrize(
    ("image", "weight", "bias"),
    [
        ([[2**62, 2**62]], [[[1, 1]]], None),
        ([[2**32]], [[[2**31]]], None),
        ([[-(2**32)]], [[[2**31]]], None),
        ([[2**62]], [[[1]]], [2**62]),
        ([[-(2**63)]], [[[-1]]], None),
        (np.array([[2**63]], np.uint64), [[[1]]], None),
        ([[1]], np.array([[[2**64 - 1]]], np.uint64), None),
    ],
)
@pytest.mark.parametrize("call", [conv1d, conv_transpose1d, trace])
def test_integer_sums_that_could_wrap_are_refused(
    call: Callable[..., Any], image: Any, weight: Any, bias: Any
) -> None:
    with pytest.raises(ValueError, match=r"int64.*float64"):
        call(np.asarray(image), np.asarray(weight), bias)


def test_integers_with_floats_are_floats_and_do_not_wrap() -> None:
    assert conv1d(np.array([[2**62, 2**62]]), [[[1.0, 1.0]]]).item() == 2.0**63


# -- out=


def call_into(out: Array) -> Array:
    return conv1d(np.arange(6.0).reshape(1, 1, 6), np.ones((1, 1, 3)), out=out)


EXPECTED = np.array([[[3.0, 6.0, 9.0, 12.0]]])


def test_out_is_what_is_returned() -> None:
    out = np.full((1, 1, 4), np.nan)
    assert call_into(out) is out
    assert np.array_equal(out, EXPECTED)


@pytest.mark.parametrize("name", ["strided", "backwards", "fortran", "unaligned"])
def test_out_of_any_layout(name: str) -> None:
    out = arrangements(np.full((1, 1, 4), np.nan))[name]
    assert call_into(out) is out
    assert np.array_equal(out, EXPECTED)


def test_out_leaves_its_surroundings_alone() -> None:
    whole = np.full((3, 3, 8), -1.0)
    call_into(whole[1:2, 1:2, 2:6])
    assert np.array_equal(whole[1:2, 1:2, 2:6], EXPECTED)
    assert (whole == -1).sum() == whole.size - 4


def test_out_in_a_subclass(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "out", np.float64, "w+", shape=(1, 1, 4))
    assert call_into(mapped) is mapped
    assert np.array_equal(mapped, EXPECTED)
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(np.zeros((1, 4)))
    assert conv1d(np.arange(6.0)[None], np.ones((1, 1, 3)), out=matrix) is matrix
    assert np.array_equal(matrix, EXPECTED[0])


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_out_may_overlap_the_operands(shift: int, transposed: bool) -> None:
    rng = np.random.default_rng(4)
    memory = rng.standard_normal(40)
    image = memory[shift : shift + 10].reshape(1, 1, 10)
    weight = rng.standard_normal((1, 1, 3))
    expected = reference(image.copy(), weight, padding=1, transposed=transposed)
    out = memory[:10].reshape(1, 1, 10)
    assert np.shares_memory(out, image)
    conv(image, weight, padding=1, transposed=transposed, out=out)
    assert_agrees(out, expected)


def test_out_may_be_the_weight_or_the_bias() -> None:
    image, weight = np.arange(8.0).reshape(1, 1, 8), np.array([[[1.0, 2.0, 3.0]]])
    expected = conv1d(image, weight, stride=3, padding=1)
    assert np.array_equal(conv1d(image, weight, stride=3, padding=1, out=weight), expected)
    bias = np.array([5.0])
    single = bias.reshape(1, 1, 1)
    expected = conv1d(image[..., :3], np.ones((1, 1, 3)), bias.copy())
    assert np.array_equal(conv1d(image[..., :3], np.ones((1, 1, 3)), bias, out=single), expected)


def test_out_in_float16_and_in_int64() -> None:
    half = np.zeros((1, 4), np.float16)
    conv1d(np.arange(6, dtype=np.float16)[None], np.ones((1, 1, 3), np.float16), out=half)
    assert half.tolist() == [[3.0, 6.0, 9.0, 12.0]]
    whole = np.zeros((1, 4), np.int64)
    conv1d(np.arange(6, dtype=np.int8)[None], np.ones((1, 1, 3), bool), out=whole)
    assert whole.tolist() == [[3, 6, 9, 12]]


@given(layers(), st.sampled_from(["f4", "f8", "i8", "c16"]))
def test_out_holds_what_a_new_array_would(layer: Layer, dtype: str) -> None:
    image, weight, bias = layer.arrays(dtype)
    expected = conv(image, weight, bias, **layer.arguments)
    out = np.full_like(expected, 7)
    assert conv(image, weight, bias, **layer.arguments, out=out) is out
    assert np.array_equal(out, expected)


# -- borders, threads, operands


@pytest.mark.parametrize("mode", MODES)
def test_borders_are_numpys(mode: str) -> None:
    image = np.arange(1, 17).reshape(1, 4, 4)
    output = conv2d(image, np.ones((1, 1, 1, 1), int), padding=2, padding_mode=mode)
    assert mode in NUMPY_MODES
    assert np.array_equal(output, padded(image, ((2, 2), (2, 2)), mode))


def test_many_threads_at_once() -> None:
    rng = np.random.default_rng(5)
    calls = [
        (rng.standard_normal((2, 2, 8, 8)), rng.standard_normal((2, 2, 3, 3))) for _ in range(16)
    ]
    expected = [conv2d(image, weight, padding=1) for image, weight in calls]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda call: conv2d(call[0], call[1], padding=1), calls * 4))
    for k, output in enumerate(found):
        assert np.array_equal(output, expected[k % len(calls)])


def test_a_kernel_meets_one_kind_of_arrays() -> None:
    """Read-only or not, strided or not: one compiled version of a kernel serves all."""
    image, weight = np.ones((2, 3, 6, 6)), np.ones((4, 3, 3, 3))
    for arranged in (image, *arrangements(image).values()):
        operands = prepare(arranged, weight, None)
        for array in (operands.input, operands.weight, operands.bias, *operands.sources):
            assert array.flags.c_contiguous
            assert array.flags.aligned
            assert array.dtype.isnative
            assert not array.flags.writeable
        assert operands.input.shape == (2, 3, 1, 6, 6)
        assert operands.weight.shape == (4, 3, 1, 3, 3)


def test_float16_is_computed_in_float32_and_others_as_they_are() -> None:
    for dtype, computed in [("f2", "f4"), ("f4", "f4"), ("c8", "c8"), ("?", "i8"), ("u8", "i8")]:
        image, weight = np.ones((1, 3), dtype), np.ones((1, 1, 2), dtype)
        operands = prepare(image, weight, None)
        assert operands.input.dtype == operands.weight.dtype == operands.bias.dtype == computed


def test_conv_transpose_of_a_stride_beyond_the_kernel_leaves_gaps() -> None:
    output = conv_transpose2d([[[1, 2], [3, 4]]], np.ones((1, 1, 1, 1), int), stride=3)
    assert output[0].tolist() == [[1, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]


@pytest.mark.compiled  # without compilation Numba keeps nothing
def test_a_function_that_cannot_be_kept_on_disk_is_compiled_all_the_same() -> None:
    """Where Numba finds no folder for its cache it refuses at once: here, for want of a file."""
    names: dict[str, Any] = {}
    exec("def double(x):\n    return 2 * x", names)
    with pytest.raises(RuntimeError, match="cannot cache"):
        njit(cache=True)(names["double"])
    for _time in range(2):
        kernel: Any = compiled(names["double"])
        assert kernel(21) == 42
        assert sum(kernel.stats.cache_hits.values()) == 0
