"""Which kernels compute a call, and that calls seen before are checked as strictly as the first."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import stepconv
from stepconv import (
    ConvSpec,
    DtypeError,
    ShapeError,
    SpecError,
    bound,
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose2d,
)
from stepconv.kernels import plan as plans
from stepconv.kernels.host import host
from tests.helpers import numbers, reference, same_bits
from tests.strategies import Layer, layers

RNG = np.random.default_rng(21)

compiled = pytest.mark.compiled


def chosen(
    input: tuple[int, ...],
    weight: tuple[int, ...],
    dtype: str = "f4",
    algorithm: str = "auto",
    **arguments: Any,
) -> str:
    geometry = ConvSpec(weight[2:], **arguments).bind(input, weight)
    return type(plans.choose(geometry, np.dtype(dtype), algorithm, 1)).__name__


# -- the family


@compiled
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_families(dtype: str) -> None:
    dense = (1, 64, 56, 56), (64, 64, 3, 3), dtype
    assert chosen((1, 3, 56, 56), (64, 3, 3, 3), dtype) == "DirectPlan"
    assert chosen((1, 256, 14, 14), (64, 256, 3, 3), dtype) == "SmallPlan"
    assert chosen(*dense, algorithm="direct") in ("DirectPlan", "SmallPlan")
    assert chosen(*dense, algorithm="winograd").startswith("Winograd")
    assert chosen(*dense, algorithm="textbook") == "TextbookPlan"
    few = chosen((1, 2, 4, 2), (2, 1, 3, 3), dtype, groups=2, padding=1)
    many = chosen((1, 64, 5, 5), (64, 1, 5, 5), dtype, groups=64, padding=2)
    assert (few, many) == ("Depthwise3Plan", "DepthwiseChannelsPlan")
    wide = "Depthwise3Plan" if host().masks else "DepthwisePlan"
    assert chosen((1, 64, 56, 56), (64, 1, 3, 3), dtype, groups=64, padding=1) == wide
    assert chosen((1, 1, 56, 56), (1, 1, 3, 3), dtype, padding=1) == wide
    assert chosen((1, 64, 56, 56), (64, 1, 5, 5), dtype, groups=64) == "DepthwisePlan"
    assert chosen((1, 1, 56, 56), (1, 1, 5, 5), dtype) == "DepthwisePlan"
    assert chosen((1, 64, 8, 8), (64, 32, 4, 4), dtype, transposed=True).startswith("Phase")


@compiled
@pytest.mark.parametrize("dtype", ["i8", "c8", "c16"])
def test_other_numbers_take_the_textbook(dtype: str) -> None:
    assert chosen((1, 64, 8, 8), (64, 64, 3, 3), dtype) == "TextbookPlan"


@compiled
def test_algorithms_agree() -> None:
    image, weight = numbers(RNG, (2, 16, 20, 20), "f4"), numbers(RNG, (8, 16, 3, 3), "f4")
    plain = conv2d(image, weight, padding=1, algorithm="textbook")
    for algorithm in ("auto", "direct", "winograd"):
        found = conv2d(image, weight, padding=1, algorithm=algorithm)
        assert np.abs(found - plain).max() < 2e-4
        layer = stepconv.Conv2d(16, 8, 3, padding=1, bias=False, algorithm=algorithm)
        layer.weight = weight
        assert np.array_equal(layer(image), found)


@pytest.mark.parametrize("value", ["fast", "", None, 3, ["auto"], b"auto"])
def test_an_algorithm_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(SpecError, match="is not one of auto, textbook, direct, winograd"):
        conv1d(np.ones((1, 1, 4)), np.ones((1, 1, 2)), algorithm=value)
    with pytest.raises(SpecError, match="is not one of auto, textbook, direct, winograd"):
        conv_transpose2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2)), algorithm=value)


@compiled
@pytest.mark.parametrize(
    ("weight", "arguments", "says"),
    [
        ((4, 4, 5, 5), {}, "the kernel is 5x5"),
        ((4, 4, 3, 3), {"stride": 2}, "stride (2, 2)"),
        ((4, 4, 3, 3), {"dilation": 2}, "dilation (2, 2)"),
        ((4, 2, 3, 3), {"groups": 2}, "groups 2"),
        ((4, 4, 3, 3), {"transposed": True}, "transposed: use 'auto'"),
    ],
)
def test_winograd_says_why_it_does_not_apply(
    weight: tuple[int, ...], arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(SpecError) as caught:
        conv(np.ones((1, 4, 9, 9)), np.ones(weight), **arguments, algorithm="winograd")
    assert says in str(caught.value)


@compiled
@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
def test_fast_kernels_are_for_floats(algorithm: str) -> None:
    with pytest.raises(DtypeError, match="computes in float32 and float64, not in int64"):
        conv2d(np.ones((1, 1, 9, 9), int), np.ones((1, 1, 3, 3), int), algorithm=algorithm)


def test_without_compiled_code_all_is_textbook() -> None:
    code = """
import numpy as np
from stepconv import conv2d, Conv2d, set_num_threads
set_num_threads(4)
x, w = np.ones((1, 2, 5, 5), "f4"), np.ones((2, 2, 3, 3), "f4")
for algorithm in ("auto", "textbook", "direct", "winograd"):
    print(conv2d(x, w, algorithm=algorithm).sum(), Conv2d(2, 2, 3, algorithm=algorithm)(x).shape)
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (result.stdout, result.stderr) == ("324.0 (1, 2, 3, 3)\n" * 4, "")


# -- plans


@given(layers(), st.sampled_from(["f4", "f8"]), st.integers(1, 4))
def test_any_cut_of_the_units_gives_the_same(layer: Layer, dtype: str, pieces: int) -> None:
    """Units may run in any order, in pieces of any size."""
    image, weight, bias = layer.arrays(dtype)
    one = bound.Bound(
        ConvSpec(weight.shape[2:], **layer.arguments).bind(image.shape, weight.shape),
        np.dtype(dtype),
    )
    offsets = np.zeros(one.geometry.out_channels, dtype) if bias is None else bias
    packed = one.pack(weight.ravel())
    whole = np.full(one.shape, np.nan, dtype)
    one.plan.run(image.ravel(), packed, offsets, whole.ravel(), 0, one.plan.units)
    parts = np.full(one.shape, np.nan, dtype)
    cuts = sorted({0, one.plan.units, *(one.plan.units * k // pieces for k in range(pieces))})
    for first, stop in reversed(list(pairwise(cuts))):
        one.plan.run(image.ravel(), packed, offsets, parts.ravel(), first, stop)
    assert same_bits(parts, whole)


def test_plans_are_made_once() -> None:
    geometry = ConvSpec(3).bind((1, 2, 30), (2, 2, 3))
    again = ConvSpec(3).bind((1, 2, 30), (2, 2, 3))
    dtype = np.dtype("f4")
    assert plans.choose(geometry, dtype, "auto", 1) is plans.choose(again, dtype, "auto", 1)
    assert plans.choose(geometry, dtype, "auto", 1) is not plans.choose(
        geometry, dtype, "textbook", 1
    )


# -- calls seen before


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    bound._seen.clear()


IMAGE, WEIGHT = numbers(RNG, (1, 2, 9, 9), "f4"), numbers(RNG, (4, 2, 3, 3), "f4")


def test_what_equals_one_but_is_no_int_is_refused_the_second_time_too() -> None:
    for _ in range(2):
        conv2d(IMAGE, WEIGHT, stride=1, padding=1, dilation=1, groups=1)
        conv2d(IMAGE, WEIGHT, stride=(1, 1), padding=((1, 1), (1, 1)))
    ones = (1.0, True, np.True_, "1", 1 + 0j, (1.0, 1.0), (True, True), np.array([1.0]))
    wrong: dict[str, tuple[Any, ...]] = dict.fromkeys(("stride", "padding", "dilation"), ones)
    wrong |= {"groups": ones, "padding_mode": (["zeros"], b"zeros", 0, ("zeros",))}
    for name, values in wrong.items():
        for value in values:
            arguments: dict[str, Any] = {name: value}
            with pytest.raises(SpecError):
                conv2d(IMAGE, WEIGHT, **arguments)


def test_transposed_calls_are_as_strict() -> None:
    weight = WEIGHT.swapaxes(0, 1).copy()
    for _ in range(2):
        conv_transpose2d(IMAGE, weight, stride=1)
        conv_transpose2d(IMAGE, weight, stride=(1, 1), padding=((1, 1), (1, 1)))
    for value in (1.0, True, "1", (1.0, 1.0), (True, 1), (np.True_, 1), "(1, 1)"):
        with pytest.raises(SpecError):
            conv_transpose2d(IMAGE, weight, stride=value)  # type: ignore[arg-type]  # the point


def test_a_kind_is_not_mistaken_for_another() -> None:
    weight = WEIGHT[:2]
    for _ in range(2):
        assert conv2d(IMAGE, weight).shape == conv(IMAGE, weight).shape == (1, 2, 7, 7)
        turned = conv(IMAGE, weight, transposed=True)
        assert conv_transpose2d(IMAGE, weight).shape == turned.shape == (1, 2, 11, 11)


def test_a_rank_is_not_mistaken_for_another() -> None:
    image, weight = np.ones((2, 3, 4, 5), "f4"), np.ones((2, 3, 2, 2), "f4")
    conv2d(image, weight)
    conv2d(image, weight)
    for function in (conv1d, conv3d):
        with pytest.raises(ShapeError):
            function(image, weight)


def test_shapes_are_checked_each_time() -> None:
    conv2d(IMAGE, WEIGHT)
    for image in (IMAGE[:, :1], IMAGE[..., :2], IMAGE[0, 0]):
        with pytest.raises(ShapeError):
            conv2d(np.ascontiguousarray(image), WEIGHT)
    with pytest.raises(ShapeError):
        conv2d(IMAGE, np.ones((4, 3, 3, 3), "f4"))


def test_a_bias_is_checked_each_time() -> None:
    bias = np.ones(4, "f4")
    expected = conv2d(IMAGE, WEIGHT) + 1
    conv2d(IMAGE, WEIGHT, bias)
    for good in (bias, bias.tolist(), np.ones(8, "f4")[::2], bias.astype(">f4"), bias.astype("i1")):
        assert np.allclose(conv2d(IMAGE, WEIGHT, good), expected, atol=1e-5)
    for wrong in (np.ones(3, "f4"), np.ones((4, 1), "f4"), np.ones((), "f4"), 1.0):
        with pytest.raises(ShapeError):
            conv2d(IMAGE, WEIGHT, wrong)
    assert conv2d(IMAGE, WEIGHT, bias.astype("f8")).dtype == np.float64
    assert conv2d(IMAGE, WEIGHT, bias.astype("c8")).dtype == np.complex64


def test_memory_in_any_order_and_of_any_kind() -> None:
    expected = conv2d(IMAGE, WEIGHT)
    conv2d(IMAGE, WEIGHT)
    raw = np.zeros(IMAGE.nbytes + 1, np.uint8)
    unaligned = raw[1:].view("f4").reshape(IMAGE.shape)
    unaligned[...] = IMAGE
    frozen = IMAGE.copy()
    frozen.flags.writeable = False
    kinds = [unaligned, frozen, np.asfortranarray(IMAGE), IMAGE.astype(">f4"), IMAGE.tolist()]
    kinds += [
        IMAGE[..., ::-1][..., ::-1],
        np.ma.array(IMAGE),
        np.moveaxis(IMAGE, 1, 3).copy().transpose(0, 3, 1, 2),
    ]
    for image in kinds:
        found = conv2d(image, WEIGHT)
        assert np.allclose(found, expected, atol=1e-5)
        assert type(found) is np.ndarray
    half = conv2d(IMAGE.astype("f2"), WEIGHT.astype("f2"))
    assert half.dtype == np.float16
    assert conv2d(IMAGE.astype("f8"), WEIGHT).dtype == np.float64


def test_integers_are_checked_for_overflow_each_time() -> None:
    image, weight = np.ones((1, 1, 4), np.int64), np.ones((1, 1, 2), np.int64)
    for _ in range(2):
        assert conv1d(image, weight).tolist() == [[[2, 2, 2]]]
        with pytest.raises(DtypeError, match="beyond int64"):
            conv1d(image * 2**62, weight * 2)


def test_out_is_checked_each_time() -> None:
    expected = conv2d(IMAGE, WEIGHT)
    for _ in range(3):
        out = np.zeros_like(expected)
        assert conv2d(IMAGE, WEIGHT, out=out) is out
        assert np.array_equal(out, expected)
        with pytest.raises(ShapeError):
            conv2d(IMAGE, WEIGHT, out=out[0])
        with pytest.raises(DtypeError):
            conv2d(IMAGE, WEIGHT, out=out.astype("f8"))
        with pytest.raises(DtypeError):
            conv2d(IMAGE, WEIGHT, out=out.tolist())


def test_out_may_be_the_input_each_time() -> None:
    weight = numbers(RNG, (2, 2, 3, 3), "f4")
    expected = conv2d(IMAGE, weight, padding=1)
    for _ in range(3):
        image = IMAGE.copy()
        conv2d(image, weight, padding=1, out=image)
        assert np.array_equal(image, expected)


def test_results_do_not_share_memory() -> None:
    first, second = conv2d(IMAGE, WEIGHT), conv2d(IMAGE, WEIGHT)
    assert not np.shares_memory(first, second)
    assert first.flags.owndata
    assert first.flags.writeable


def test_what_is_remembered_is_bounded() -> None:
    for size in range(3, 700):
        conv1d(np.ones((1, 1, size), "f4"), np.ones((1, 1, 2), "f4"), algorithm="textbook")
    assert 0 < len(bound._seen) <= 512


def test_very_long_axes_are_not_remembered() -> None:
    conv1d(np.ones((1, 1, 100_000), "f4"), np.ones((1, 1, 2), "f4"))
    assert not bound._seen


def test_the_number_of_threads_starts_afresh() -> None:
    conv2d(IMAGE, WEIGHT)
    assert bound._seen
    stepconv.set_num_threads(stepconv.get_num_threads())
    assert not bound._seen


@given(layers(), st.sampled_from(["f4", "f8", "c8"]))
def test_the_second_call_is_the_first(layer: Layer, dtype: str) -> None:
    image, weight, bias = layer.arrays(dtype)
    first = conv(image, weight, bias, **layer.arguments)
    assert same_bits(conv(image, weight, bias, **layer.arguments), first)
    other = conv(-image, weight, bias, **layer.arguments)
    tolerance = 1e-3 if dtype != "f8" else 1e-9
    assert np.allclose(other, reference(-image, weight, bias, **layer.arguments), atol=tolerance)


@compiled
def test_many_threads_meet_new_calls_at_once() -> None:
    sizes = list(range(8, 40)) * 4
    expected = {
        size: reference(IMAGE[..., :1, :1] * np.ones((1, 2, size, size), "f4"), WEIGHT)
        for size in set(sizes)
    }

    def call(size: int) -> bool:
        image = IMAGE[..., :1, :1] * np.ones((1, 2, size, size), "f4")
        return np.allclose(conv2d(image, WEIGHT), expected[size], atol=1e-4)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(call, sizes))
