"""Whatever is given, a function answers or refuses in one sentence; nothing else is raised."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv import ConvSpec, StepconvError, conv, functional, output_shape, trace
from stepconv.operands import memory as real_memory
from stepconv.values import PADDING_MODES, PADDING_RULES
from tests.strategies import Layer, layers

ARGUMENTS = (
    "stride",
    "padding",
    "dilation",
    "groups",
    "padding_mode",
    "transposed",
    "output_padding",
    "output_size",
)

GOOD = ("?", "i1", "u8", "f2", "f4", ">f8", "c16")
BAD = ("g", "G", "S2", "U2", "O", "M8[s]", "m8[s]", "i4,f4")


@pytest.fixture(autouse=True, scope="module")
def _small_machine() -> Iterator[None]:
    """A machine of 2 MB: what is drawn too large is refused, and what is not is quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("stepconv.operands"), "memory", lambda: 2**21)
        patch.setattr(import_module("stepconv.record.trace"), "LARGEST_RECORD", 2**22)
        yield


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Without compilation the kernels are NumPy, which warns of nan and overflow."""
    with np.errstate(all="ignore"):
        yield


def numbers() -> st.SearchStrategy[Any]:
    """Draw small and huge ones, whole and not, in every wrapping that NumPy and Python have."""
    small = st.integers(-3, 6)
    huge = st.sampled_from([2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400])
    wrapped = st.builds(
        lambda kind, value: kind(value),
        st.sampled_from([np.int8, np.int64, np.float16, np.float64, np.complex64, np.array]),
        small,
    )
    unsigned = st.sampled_from([np.uint8(1), np.uint64(2), np.True_, np.array(2.5), np.array([2])])
    return st.one_of(small, huge, wrapped, unsigned, st.floats(), st.booleans())


def things() -> st.SearchStrategy[Any]:
    """Draw anything that somebody might pass for an argument, nested too."""
    words = st.sampled_from([*PADDING_RULES, *PADDING_MODES, "", "1", "{value}", "gather"])
    odd = st.sampled_from([None, ..., b"\x01\x02", {}, {1, 2}, range(3), slice(1), object(), "ab"])
    single = st.one_of(numbers(), words, odd, st.text(max_size=3))
    return st.recursive(
        single,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.lists(st.integers(-1, 3), max_size=4).map(np.array),
        ),
        max_leaves=4,
    )


def arrays() -> st.SearchStrategy[Any]:
    """Draw arrays that a convolution may take, and many that it may not."""
    dtypes = st.sampled_from(
        [
            "?",
            "i1",
            "u8",
            "f2",
            "f4",
            ">f8",
            "c16",
            "g",
            "G",
            "S2",
            "U2",
            "O",
            "M8[s]",
            "m8[s]",
            "i4,f4",
        ]
    )
    shapes = st.lists(st.integers(0, 4), max_size=6)
    made = st.builds(lambda shape, dtype: np.zeros(shape, dtype), shapes, dtypes)
    return st.one_of(
        made,
        made.map(np.ma.masked_array),
        things(),
        st.lists(st.lists(st.lists(numbers(), max_size=3), max_size=3), max_size=3),
    )


def answers_or_refuses(call: Callable[[], object]) -> None:
    try:
        call()
    except StepconvError as error:
        message = str(error)
        assert message
        assert "\n" not in message
        assert len(message) < 600


@given(st.dictionaries(st.sampled_from(["kernel_size", *ARGUMENTS[:-1]]), things()))
def test_any_description(arguments: dict[str, Any]) -> None:
    answers_or_refuses(lambda: ConvSpec(**{"kernel_size": 3} | arguments))


@given(layers(), st.dictionaries(st.sampled_from(ARGUMENTS), things(), max_size=2))
def test_any_argument_in_a_good_call(layer: Layer, wild: dict[str, Any]) -> None:
    image, weight, bias = layer.arrays()
    arguments = layer.arguments | wild
    answers_or_refuses(lambda: conv(image, weight, bias, **arguments))
    answers_or_refuses(lambda: trace(image, weight, bias, **arguments))
    answers_or_refuses(lambda: output_shape(image.shape, weight.shape, **arguments))


@given(layers(), st.sampled_from(["input", "weight", "bias", "out"]), arrays())
def test_any_array_in_a_good_call(layer: Layer, name: str, wild: Any) -> None:
    image, weight, bias = layer.arrays()
    operands = {"input": image, "weight": weight, "bias": bias, "out": None} | {name: wild}
    answers_or_refuses(lambda: conv(**operands, **layer.arguments))
    del operands["out"]
    answers_or_refuses(lambda: trace(**operands, **layer.arguments))


@given(arrays(), arrays(), arrays(), st.dictionaries(st.sampled_from(ARGUMENTS), things()))
def test_any_call(image: Any, weight: Any, bias: Any, arguments: dict[str, Any]) -> None:
    answers_or_refuses(lambda: conv(image, weight, bias, **arguments))
    for name in ("conv1d", "conv_transpose2d"):
        function = getattr(functional, name)
        answers_or_refuses(lambda function=function: function(image, weight, bias))  # type: ignore[misc]  # mypy does not infer a lambda's default


@given(
    things() | st.lists(numbers(), max_size=6),
    things() | st.lists(numbers(), max_size=6),
    st.dictionaries(st.sampled_from(ARGUMENTS), things(), max_size=2),
)
def test_any_shapes(input_shape: Any, weight_shape: Any, arguments: dict[str, Any]) -> None:
    answers_or_refuses(lambda: output_shape(input_shape, weight_shape, **arguments))
    answers_or_refuses(lambda: ConvSpec(3).bind(input_shape, weight_shape))
    answers_or_refuses(lambda: ConvSpec(3, transposed=True).bind(input_shape, None, weight_shape))


@given(layers(batches=(None, 1)), things(), things())
def test_any_region_and_order(layer: Layer, only: Any, order: Any) -> None:
    image, weight, bias = layer.arrays()
    answers_or_refuses(lambda: trace(image, weight, bias, **layer.arguments, only=only))
    answers_or_refuses(lambda: trace(image, weight, bias, **layer.arguments, order=order))


@given(layers(batches=(None, 1)), things(), st.lists(things(), max_size=5))
def test_any_question(layer: Layer, cell: Any, place: list[Any]) -> None:
    image, weight, _ = layer.arrays()
    record = trace(image, weight, **layer.arguments)
    answers_or_refuses(lambda: record.using(input=cell))
    answers_or_refuses(lambda: record.using(weight=cell))
    answers_or_refuses(lambda: record.using(input=place))
    answers_or_refuses(lambda: record.at(*place[:2], *place[2:]) if len(place) > 1 else None)


# -- large requests

LARGEST = 2**31 - 1


@pytest.mark.parametrize(
    ("image", "weight", "arguments"),
    [
        ((1, 1), (1, 1, 1), {"padding": LARGEST}),
        ((1, 1), (1, 1, 1), {"padding": LARGEST, "stride": LARGEST}),
        ((1, 1), (1, 1, 2), {"padding": LARGEST, "dilation": LARGEST}),
        ((1, 1), (1, 1, 2), {"padding": "full", "dilation": LARGEST}),
        ((1, 1, 1, 1), (1, 1, 1, 1, 1), {"padding": LARGEST}),
        ((1, 2), (1, 1, 2), {"transposed": True, "stride": LARGEST}),
        ((1, 1), (1, 1, 2), {"transposed": True, "dilation": LARGEST}),
        ((1, 2, 2), (1, 1, 2, 2), {"transposed": True, "stride": LARGEST, "dilation": LARGEST}),
        ((1, 2), (1, 1, 1), {"transposed": True, "stride": LARGEST, "padding": LARGEST // 4}),
        ((1, 2**18), (1, 1, 1), {}),
    ],
)
def test_more_than_the_memory_is_refused_at_once(
    image: tuple[int, ...], weight: tuple[int, ...], arguments: dict[str, Any]
) -> None:
    operands = np.broadcast_to(1.0, image), np.ones(weight)
    tracemalloc.start()
    started = time.perf_counter()
    try:
        for call in (conv, trace):
            with pytest.raises(StepconvError, match="more than half of the 2 MB of memory"):
                call(*operands, **arguments)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10**6
    assert time.perf_counter() - started < 5


def test_broadcast_arrays_larger_than_memory_are_not_copied() -> None:
    vast = np.broadcast_to(np.int8(1), (1, 10**9))
    with pytest.raises(StepconvError, match="more than half"):
        conv(vast, np.ones((1, 1, 1)), stride=10**9)
    with pytest.raises(StepconvError, match="more than half"):
        conv(np.ones((10**6, 1)), np.broadcast_to(1.0, (10**6, 10**6, 1)))


def test_the_memory_counted_is_the_memory_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes the check takes no more than it counts, index maps and all."""
    monkeypatch.setattr(import_module("stepconv.operands"), "memory", lambda: 2**28)
    size = 2**20
    conv(np.ones((1, 8)), np.ones((1, 1, 1)))  # compiled before memory is counted
    for arguments in (
        {"padding": size // 2, "stride": size // 4},
        {"padding": ((0, size),), "padding_mode": "replicate", "stride": size // 4},
    ):
        tracemalloc.start()
        try:
            conv(np.ones((1, 8)), np.ones((1, 1, 1)), **arguments)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 64 * (size + 8) + 10**5


@given(layers(), st.booleans())
def test_no_index_leaves_its_array(layer: Layer, whole: bool) -> None:
    """Kernels check no bounds: every place they compute from the maps lies inside."""
    spec = ConvSpec(layer.weight_shape[2:], **layer.arguments)
    for axis in spec.bind(layer.input_shape, layer.weight_shape).embedded:
        last = (axis.output_size - 1) * axis.step + (axis.kernel_size - 1) * axis.dilation
        assert last < len(axis.source) == axis.layout_size
        assert axis.source.min() >= -1
        assert axis.source.max() < axis.input_size


@pytest.mark.parametrize("failure", [ValueError, OSError, AttributeError])
def test_the_memory_of_a_machine_that_does_not_tell(
    failure: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> int:
        raise failure(name)

    monkeypatch.setattr("os.sysconf", refuse, raising=False)
    assert real_memory() == 2**34


def test_the_memory_of_this_machine() -> None:
    assert 2**28 < real_memory() < 2**50
