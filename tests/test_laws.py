"""What holds for every convolution, on layers drawn at random; in integers, so exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv import ConvSpec, conv, trace
from tests.helpers import Array, numbers, pairs, per_axis
from tests.strategies import MODES, Layer, layers

NONEMPTY = (None, 1, 2)


def other_image(layer: Layer) -> Array:
    return numbers(np.random.default_rng(layer.seed + 1), layer.input_shape, np.int64)


@given(layers(batches=NONEMPTY), st.integers(-5, 5), st.integers(-5, 5))
def test_linear_in_the_input(layer: Layer, a: int, b: int) -> None:
    one, weight, _ = layer.arrays()
    other = other_image(layer)
    mixed = conv(a * one + b * other, weight, **layer.arguments)
    assert np.array_equal(
        mixed, a * conv(one, weight, **layer.arguments) + b * conv(other, weight, **layer.arguments)
    )


@given(layers(batches=NONEMPTY), st.integers(-5, 5))
def test_linear_in_the_weight(layer: Layer, a: int) -> None:
    image, one, _ = layer.arrays()
    other = numbers(np.random.default_rng(layer.seed + 2), layer.weight_shape, np.int64)
    assert np.array_equal(
        conv(image, a * one + other, **layer.arguments),
        a * conv(image, one, **layer.arguments) + conv(image, other, **layer.arguments),
    )


@given(layers(batches=NONEMPTY))
def test_the_bias_is_added_once_to_every_cell(layer: Layer) -> None:
    image, weight, _ = layer.arrays()
    bias = np.arange(1, layer.out_channels + 1) * 1000
    difference = conv(image, weight, bias, **layer.arguments) - conv(
        image, weight, **layer.arguments
    )
    spatial = (1,) * layer.rank
    assert np.array_equal(difference, np.broadcast_to(bias.reshape(-1, *spatial), difference.shape))


@given(layers(modes=("zeros",), transposed=False, batches=NONEMPTY))
def test_transposed_is_the_adjoint(layer: Layer) -> None:
    """⟨conv x, y⟩ = ⟨x, convᵀ y⟩, output_padding choosing among the sizes of x."""
    image, weight, _ = layer.arrays()
    output = conv(image, weight, **layer.arguments)
    seen = numbers(np.random.default_rng(layer.seed + 3), output.shape, np.int64)
    kernel, sizes = layer.weight_shape[2:], layer.input_shape[-layer.rank :]
    border, stride = pairs(layer.arguments, sizes, kernel), layer.arguments["stride"]
    dilation = layer.arguments["dilation"]
    arguments: dict[str, Any] = {
        "stride": stride,
        "padding": border,
        "dilation": dilation,
        "groups": layer.groups,
        "transposed": True,
    }
    leftover = tuple(
        (size + sum(sides) - d * (k - 1) - 1) % s
        for size, sides, d, k, s in zip(sizes, border, dilation, kernel, stride, strict=True)
    )
    back = conv(seen, weight, **arguments, output_padding=leftover)
    assert back.shape == image.shape
    assert np.sum(output * seen) == np.sum(image * back)
    assert np.array_equal(conv(seen, weight, **arguments, output_size=sizes), back)


@given(layers(modes=("zeros",), transposed=False), st.integers(0, 2))
def test_shifting_the_input_by_a_stride_shifts_the_output_by_a_cell(
    layer: Layer, axis: int
) -> None:
    axis %= layer.rank
    image, weight, bias = layer.arrays()
    arguments = layer.arguments | {
        "padding": pairs(layer.arguments, layer.input_shape[-layer.rank :], layer.weight_shape[2:])
    }
    stride = per_axis(layer.arguments["stride"], layer.rank)[axis]
    place = image.ndim - layer.rank + axis
    zeros = np.zeros_like(np.take(image, [0], place)).repeat(stride, place)
    shifted = conv(np.concatenate([zeros, image], place), weight, bias, **arguments)
    plain = conv(image, weight, bias, **arguments)
    assert shifted.shape[place] == plain.shape[place] + 1
    assert np.array_equal(np.delete(shifted, 0, place), plain)


@given(layers(modes=("circular",), transposed=False, ranks=(1, 2)), st.integers(1, 5))
def test_on_a_circle_shifts_commute(layer: Layer, by: int) -> None:
    """With unit stride and a circular border that keeps the size, rolling commutes."""
    kernel = tuple(
        min(k, size)
        for k, size in zip(layer.weight_shape[2:], layer.input_shape[-layer.rank :], strict=True)
    )
    image, weight, bias = layer.arrays()
    own: tuple[Any, ...] = (..., *map(slice, kernel))
    weight = weight[own]
    arguments: dict[str, Any] = {
        "padding": tuple(((k - 1) // 2, k // 2) for k in kernel),
        "padding_mode": "circular",
        "groups": layer.groups,
    }
    rolled = conv(np.roll(image, by, axis=-1), weight, bias, **arguments)
    assert np.array_equal(rolled, np.roll(conv(image, weight, bias, **arguments), by, axis=-1))


@given(layers(batches=NONEMPTY))
def test_groups_are_separate_convolutions_side_by_side(layer: Layer) -> None:
    image, weight, bias = layer.arrays()
    channels = image.ndim - layer.rank - 1
    single = layer.arguments | {"groups": 1}
    images = np.split(image, layer.groups, axis=channels)
    weights = np.split(weight, layer.groups, axis=0)
    biases = [None] * layer.groups if bias is None else np.split(bias, layer.groups)
    parts = [
        conv(one, own, extra, **single)
        for one, own, extra in zip(images, weights, biases, strict=True)
    ]
    assert np.array_equal(
        conv(image, weight, bias, **layer.arguments), np.concatenate(parts, axis=channels)
    )


@given(layers(ranks=(1, 2), batches=NONEMPTY))
def test_a_rank_lower_is_an_axis_of_length_one(layer: Layer) -> None:
    image, weight, bias = layer.arrays()
    embedded = embed(layer.arguments, layer.input_shape[-layer.rank :], layer.weight_shape[2:])
    wider = conv(
        np.expand_dims(image, -layer.rank - 1), np.expand_dims(weight, 2), bias, **embedded
    )
    assert np.array_equal(
        wider, np.expand_dims(conv(image, weight, bias, **layer.arguments), -layer.rank - 1)
    )


def embed(
    arguments: Mapping[str, Any], sizes: tuple[int, ...], kernel: tuple[int, ...]
) -> dict[str, Any]:
    neutral = {"stride": 1, "dilation": 1, "output_padding": 0}
    wider = {
        name: (neutral[name], *value) if name in neutral else value
        for name, value in arguments.items()
    }
    return wider | {"padding": ((0, 0), *pairs(arguments, sizes, kernel))}


@given(layers(batches=NONEMPTY))
def test_axes_may_be_swapped(layer: Layer) -> None:
    """No axis is special: turning everything around turns the result around."""
    image, weight, bias = layer.arrays()
    turned: dict[str, Any] = {
        name: value[::-1] if isinstance(value, tuple) else value
        for name, value in layer.arguments.items()
    }
    rank = layer.rank
    output = conv(image, weight, bias, **layer.arguments)
    flipped = conv(reversed_axes(image, rank), reversed_axes(weight, rank), bias, **turned)
    assert np.array_equal(reversed_axes(output, rank), flipped)


def reversed_axes(array: Array, rank: int) -> Array:
    lead = array.ndim - rank
    return np.transpose(array, (*range(lead), *reversed(range(lead, array.ndim))))


@given(layers())
def test_the_trace_is_the_kernel(layer: Layer) -> None:
    image, weight, bias = layer.arrays()
    record = trace(image, weight, bias, **layer.arguments)
    assert record.verify() == 0
    assert np.array_equal(record.output, conv(image, weight, bias, **layer.arguments))


@given(layers(modes=("zeros",), transposed=True, batches=(1,)))
def test_transposed_is_a_forward_convolution_of_the_stretched_input(layer: Layer) -> None:
    """Zeros inserted, a border of d(k−1)−p, the kernel turned and its channels swapped."""
    image, weight, _ = layer.arrays()
    spec = ConvSpec(layer.weight_shape[2:], **layer.arguments)
    axes = spec.bind(layer.input_shape, layer.weight_shape).axes
    stretched = image
    for k, axis in enumerate(axes):
        extended = np.concatenate([stretched, np.zeros_like(np.take(stretched, [0], 2 + k))], 2 + k)
        stretched = np.take(extended, axis.source, 2 + k)  # −1 takes the zero at the end
    turned = np.flip(weight, axis=tuple(range(2, weight.ndim)))
    for group, (part, own) in enumerate(
        zip(
            np.split(stretched, layer.groups, axis=1),
            np.split(turned, layer.groups, axis=0),
            strict=True,
        )
    ):
        forward = conv(part, own.swapaxes(0, 1), dilation=layer.arguments["dilation"])
        share = layer.weight_shape[1]
        output = conv(image, weight, **layer.arguments)
        assert np.array_equal(output[:, group * share : (group + 1) * share], forward)


@given(layers(transposed=False, modes=MODES, batches=(None, 1)))
def test_a_kernel_of_one_shows_the_padded_input(layer: Layer) -> None:
    """A single weight of 1, stride 1, is the padded input itself, whatever the border."""
    image = layer.arrays()[0]
    channels = image.shape[-layer.rank - 1]
    border = pairs(layer.arguments, layer.input_shape[-layer.rank :], layer.weight_shape[2:])
    shown = conv(
        image,
        np.ones((channels, 1, *(1,) * layer.rank), int),
        padding=border,
        padding_mode=layer.arguments["padding_mode"],
        groups=channels,
    )
    names = {"zeros": "constant", "replicate": "edge", "circular": "wrap"}
    mode: Any = names.get(layer.arguments["padding_mode"], layer.arguments["padding_mode"])
    lead = ((0, 0),) * (image.ndim - layer.rank)
    assert np.array_equal(shown, np.pad(image, lead + border, mode=mode))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_the_adjoint_in_floats(dtype: Any) -> None:
    rng = np.random.default_rng(7)
    image, weight = numbers(rng, (2, 4, 9, 9), dtype), numbers(rng, (6, 2, 3, 3), dtype)
    arguments: dict[str, Any] = {"stride": 2, "padding": 1, "groups": 2}
    output = conv(image, weight, **arguments)
    seen = numbers(rng, output.shape, dtype)
    back = conv(seen, weight, transposed=True, output_size=(9, 9), **arguments)
    left, right = np.sum(output * seen), np.sum(image * back)
    assert abs(left - right) <= 1e4 * np.finfo(dtype).eps
