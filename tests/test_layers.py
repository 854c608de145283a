"""Layers: torch's arguments and defaults, weights that cannot go stale, errors that say why."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import stepconv
from stepconv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    DtypeError,
    ShapeError,
    SpecError,
    TraceError,
)

FORWARD = (Conv1d, Conv2d, Conv3d)
TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


@pytest.mark.parametrize("kind", FORWARD)
def test_arguments_stand_in_torchs_order(kind: type) -> None:
    names = "in_channels out_channels kernel_size stride padding dilation groups bias padding_mode"
    assert list(inspect.signature(kind).parameters)[:9] == names.split()


@pytest.mark.parametrize("kind", TRANSPOSED)
def test_transposed_arguments_stand_in_torchs_order(kind: type) -> None:
    names = (
        "in_channels out_channels kernel_size stride padding output_padding groups bias"
        " dilation padding_mode"
    )
    assert list(inspect.signature(kind).parameters)[:10] == names.split()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            Conv2d(3, 8, 3, padding=1, rng=0),
            "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))",
        ),
        (
            Conv1d(4, 4, 3, 2, "same", 2, 4, False, "circular", 0),
            "Conv1d(4, 4, kernel_size=(3,), stride=(2,), padding='same', dilation=(2,), groups=4,"
            " padding_mode='circular', bias=False)",
        ),
        (
            ConvTranspose3d(2, 4, (1, 2, 3), 2, 0, 1, 2, rng=0),
            "ConvTranspose3d(2, 4, kernel_size=(1, 2, 3), stride=(2, 2, 2),"
            " output_padding=(1, 1, 1), groups=2)",
        ),
    ],
)
def test_repr_is_a_call_that_builds_the_layer(layer: Any, text: str) -> None:
    assert repr(layer) == text
    assert eval(text, vars(stepconv)).spec == layer.spec


@given(
    rank=st.integers(1, 3),
    transposed=st.booleans(),
    groups=st.integers(1, 2),
    batched=st.booleans(),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_layer_is_its_function(
    rank: int, transposed: bool, groups: int, batched: bool, bias: bool, seed: int
) -> None:
    kind = (TRANSPOSED if transposed else FORWARD)[rank - 1]
    arguments: dict[str, Any] = {"stride": 2, "padding": 1, "dilation": 2, "groups": groups}
    layer = kind(2, 4, 2, **arguments, bias=bias, rng=seed, dtype=np.float64)
    shape = ((3,) if batched else ()) + (2,) + (5,) * rank
    image = np.random.default_rng(seed).normal(size=shape)
    expected = stepconv.conv(image, layer.weight, layer.bias, **arguments, transposed=transposed)
    assert np.array_equal(layer(image), expected)
    assert layer.output_shape(shape) == expected.shape
    assert np.allclose(layer.trace(image).output, expected)
    out = np.empty_like(expected)
    assert layer(image, out=out) is out
    assert np.array_equal(out, expected)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv2d(4, 6, (3, 5), groups=2, rng=0), (6, 2, 3, 5)),
        (ConvTranspose2d(4, 6, (3, 5), groups=2, rng=0), (4, 3, 3, 5)),
        (Conv1d(1, 1, (3,), rng=0), (1, 1, 3)),
        (Conv3d(1, 1, np.array([2]), rng=0), (1, 1, 2, 2, 2)),  # type: ignore[arg-type]  # an array will do
    ],
)
def test_weights_are_drawn_within_torchs_bound(layer: Any, shape: tuple[int, ...]) -> None:
    bound = np.prod(shape[1:]) ** -0.5
    assert layer.weight.shape == shape
    assert layer.bias.shape == (layer.out_channels,)
    for array in (layer.weight, layer.bias):
        assert array.dtype == np.float32
        assert np.abs(array).max() <= np.float32(bound)


def test_weights_fill_the_bound() -> None:
    weight = Conv1d(1, 1000, 4, rng=0).weight
    assert -0.5 <= weight.min() < -0.49
    assert 0.49 < weight.max() <= 0.5
    assert abs(weight.mean()) < 0.02


def test_a_seed_or_a_generator_decides_the_weights() -> None:
    one, same, other = (Conv2d(2, 3, 3, rng=seed) for seed in (7, 7, 8))
    assert np.array_equal(one.weight, same.weight)
    assert not np.array_equal(one.weight, other.weight)
    generator = np.random.default_rng(7)
    assert np.array_equal(Conv2d(2, 3, 3, rng=generator).weight, one.weight)
    assert not np.array_equal(Conv2d(2, 3, 3, rng=generator).weight, one.weight)
    assert not np.array_equal(Conv2d(2, 3, 3).weight, Conv2d(2, 3, 3).weight)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_dtype_of_the_weights(dtype: str) -> None:
    layer = Conv1d(2, 3, 3, rng=0, dtype=dtype)
    assert layer.weight.dtype == dtype
    assert layer.bias is not None
    assert layer.bias.dtype == dtype
    assert layer(np.ones((2, 4), dtype)).dtype == dtype
    if np.dtype(dtype).kind == "c":
        assert (layer.weight.imag != 0).all()


def test_assigned_weights_are_copied_and_keep_their_dtype() -> None:
    layer = Conv1d(1, 1, 2, rng=0)
    mine = np.array([[[1, 10]]], dtype=">i2")
    layer.weight = mine
    layer.bias = [100]
    mine[:] = 0
    assert layer.weight.dtype == np.int16
    assert layer([[1, 2, 3]]).tolist() == [[121, 132]]
    layer.bias = None
    assert layer([[1, 2, 3]]).tolist() == [[21, 32]]
    assert repr(layer).endswith("bias=False)")


def test_weights_handed_out_can_never_be_written() -> None:
    layer = Conv1d(1, 1, 2, rng=0)
    layer.weight = np.ones((1, 1, 2))
    layer.bias = np.ones(1)
    for array in (layer.weight, layer.bias):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
        base = array
        while isinstance(base, np.ndarray):
            with pytest.raises(ValueError, match="WRITEABLE"):
                base.flags.writeable = True
            assert base.base is not None
            base = base.base
        assert isinstance(base, bytes)


def test_output_size_replaces_output_padding() -> None:
    layer = ConvTranspose1d(1, 1, 3, stride=3, output_padding=1, bias=False, rng=0)
    image = np.ones((1, 2), np.float32)
    assert layer(image).shape == layer.output_shape((1, 2)) == (1, 7)
    assert layer(image, 8).shape == layer.output_shape((1, 2), output_size=8) == (1, 8)
    assert layer.trace(image, output_size=6).output.shape == (1, 6)
    with pytest.raises(ShapeError, match="out of reach"):
        layer(image, output_size=9)


def test_traces_take_a_part_and_an_order() -> None:
    record = Conv2d(1, 2, 2, rng=0).trace(np.ones((1, 3, 3)), only=(1, 0))
    assert record.output.shape == (1, 1, 2)
    stamps = ConvTranspose1d(1, 1, 2, rng=0).trace([[1, 2, 3]], order="scatter")
    assert len(stamps) == 3
    with pytest.raises(TraceError, match="only"):
        Conv1d(1, 1, 2, rng=0).trace([[1, 2, 3]], only=(0, 9))


@pytest.mark.parametrize(
    ("kind", "arguments", "options", "error", "message"),
    [
        (Conv2d, (3, 8, 3), {"groups": 2}, SpecError, "in_channels 3 cannot be dealt out"),
        (Conv2d, (4, 9, 3), {"groups": 2}, SpecError, "out_channels 9 cannot be dealt out"),
        (ConvTranspose1d, (4, 9, 3), {"groups": 2}, SpecError, "out_channels 9 cannot"),
        (Conv2d, (0, 8, 3), {}, SpecError, "in_channels is 0; it must be between 1 and"),
        (Conv2d, (1, 10**5000, 3), {}, SpecError, r"out_channels is 10\^"),
        (Conv2d, (1.0, 8, 3), {}, SpecError, "in_channels is 1.0; it must be a whole"),
        (Conv2d, (1, True, 3), {}, SpecError, "out_channels is True; it must be a whole"),
        (Conv2d, (1, 1, (3, 3, 3)), {}, SpecError, "has 3 values, but a Conv2d moves along 2"),
        (Conv1d, (1, 1, (3, 3)), {}, SpecError, "has 2 values, but a Conv1d moves along 1"),
        (Conv1d, (1, 1, "3"), {}, SpecError, "kernel_size"),
        (Conv1d, (1, 1, 3), {"stride": 0}, SpecError, "stride is 0"),
        (ConvTranspose1d, (1, 1, 3), {"padding_mode": "reflect"}, SpecError, "reflect"),
        (Conv1d, (1, 1, 3), {"rng": -1}, SpecError, "rng is -1; it must be a seed"),
        (Conv1d, (1, 1, 3), {"rng": "x"}, SpecError, "rng is 'x'"),
        (Conv1d, (1, 1, 3), {"bias": np.ones(1)}, SpecError, "assigned to layer.bias"),
        (Conv1d, (1, 1, 3), {"dtype": int}, DtypeError, "assign whole numbers"),
        (Conv1d, (1, 1, 3), {"dtype": "nonsense"}, DtypeError, "NumPy knows"),
        (Conv1d, (1, 1, 3), {"dtype": object}, DtypeError, "object"),
        (Conv3d, (10**9, 10**9, 9), {}, ShapeError, "GB of memory"),
    ],
)
def test_what_a_constructor_refuses(
    kind: Any, arguments: tuple[Any, ...], options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        kind(*arguments, **options)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("weight", np.ones((1, 3)), ShapeError, r"weight \(1, 3\) does not fit .* \(2, 1, 3\)"),
        ("weight", None, DtypeError, "weight is of dtype object"),
        ("weight", [[[1], [1, 2]]], ShapeError, "ragged"),
        ("bias", [1], ShapeError, r"its shape must be \(2,\)"),
        ("bias", ["a", "b"], DtypeError, "bias is of dtype"),
    ],
)
def test_what_an_assignment_refuses(
    name: str, value: Any, error: type[Exception], message: str
) -> None:
    layer = Conv1d(1, 2, 3, rng=0)
    before = getattr(layer, name)
    with pytest.raises(error, match=message):
        setattr(layer, name, value)
    assert getattr(layer, name) is before
