"""The functions: torch's names, order and layout, and one implementation behind all ranks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import stepconv
from stepconv import ShapeError, conv, conv1d, conv_transpose1d, functional, output_shape
from tests.helpers import Array, reference
from tests.strategies import Layer, layers

FORWARD = [functional.conv1d, functional.conv2d, functional.conv3d]
TRANSPOSED = [
    functional.conv_transpose1d,
    functional.conv_transpose2d,
    functional.conv_transpose3d,
]
Function = Callable[..., Array]


@pytest.mark.parametrize("function", FORWARD)
def test_arguments_stand_in_torchs_order(function: Function) -> None:
    names = "input weight bias stride padding dilation groups padding_mode out algorithm"
    assert list(inspect.signature(function).parameters) == names.split()


@pytest.mark.parametrize("function", TRANSPOSED)
def test_transposed_arguments_stand_in_torchs_order(function: Function) -> None:
    names = "input weight bias stride padding output_padding groups dilation output_size out"
    names += " algorithm"
    assert list(inspect.signature(function).parameters) == names.split()


@pytest.mark.parametrize("function", [*FORWARD, *TRANSPOSED])
def test_defaults_are_torchs(function: Function) -> None:
    parameters = inspect.signature(function).parameters
    expected = {
        "bias": None,
        "stride": 1,
        "padding": 0,
        "dilation": 1,
        "groups": 1,
        "padding_mode": "zeros",
        "output_padding": 0,
        "output_size": None,
        "out": None,
        "algorithm": "auto",
    }
    defaults = {
        name: p.default for name, p in parameters.items() if name not in {"input", "weight"}
    }
    assert defaults == {name: expected[name] for name in defaults}


@given(layers())
def test_functions_and_conv_are_one(layer: Layer) -> None:
    image, weight, bias = layer.arrays()
    arguments = {k: v for k, v in layer.arguments.items() if k != "transposed"}
    function = (TRANSPOSED if layer.transposed else FORWARD)[layer.rank - 1]
    output = function(image, weight, bias, **arguments)
    assert np.array_equal(output, conv(image, weight, bias, **layer.arguments))
    assert np.array_equal(output, reference(image, weight, bias, **layer.arguments))
    assert output.shape == output_shape(layer.input_shape, layer.weight_shape, **layer.arguments)


def test_positional_arguments() -> None:
    image, weight = np.arange(24).reshape(1, 2, 12), np.arange(6).reshape(2, 1, 3)
    output = conv1d(image, weight, [1, 2], 2, 1, 2, 2, "circular")
    arguments: dict[str, Any] = {
        "stride": 2,
        "padding": 1,
        "dilation": 2,
        "groups": 2,
        "padding_mode": "circular",
    }
    assert np.array_equal(output, reference(image, weight, [1, 2], **arguments))
    enlarged = conv_transpose1d(image, weight, [1, 2], 3, 1, 1, 2, 2)
    arguments = {"stride": 3, "padding": 1, "output_padding": 1, "groups": 2, "dilation": 2}
    assert np.array_equal(enlarged, reference(image, weight, [1, 2], transposed=True, **arguments))


@pytest.mark.parametrize("function", [*FORWARD, *TRANSPOSED])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_name_promises_the_rank(function: Function, axes: int) -> None:
    rank = int(function.__name__[-2])
    image, weight = np.ones((1, *(4,) * axes)), np.ones((1, 1, *(2,) * axes))
    if axes == rank:
        assert function(image, weight).ndim == rank + 1
        return
    with pytest.raises(ShapeError, match=f"has {axes + 2} axes; {function.__name__} takes"):
        function(image, weight)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_kernel_decides_the_rank(rank: int) -> None:
    image = np.ones((2, *(4,) * rank))
    assert conv(image, np.ones((3, 2, *(2,) * rank))).shape == (3, *(3,) * rank)


def test_output_size_instead_of_output_padding() -> None:
    image, weight = np.arange(1, 4).reshape(1, 3), np.array([[[1, 10, 100]]])
    wide = conv_transpose1d(image, weight, stride=2, padding=1, output_size=6)
    assert np.array_equal(wide, conv_transpose1d(image, weight, None, 2, 1, 1))
    assert wide.shape == (1, 6)
    assert conv(image, weight, stride=2, padding=1, transposed=True, output_size=5).shape == (1, 5)


def test_extra_cells_hold_what_reaches_them_and_not_zeros() -> None:
    """output_padding uncovers stamps that the crop would have taken."""
    image, weight = np.array([[1, 2]]), np.array([[[1, 10, 100]]])
    assert conv_transpose1d(image, weight, stride=2).tolist() == [[1, 10, 102, 20, 200]]
    assert conv_transpose1d(image, weight, None, 2, 1).tolist() == [[10, 102, 20]]
    assert conv_transpose1d(image, weight, None, 2, 1, 1).tolist() == [[10, 102, 20, 200]]
    assert conv_transpose1d(image, weight, None, 2, 0, 1).tolist() == [[1, 10, 102, 20, 200, 0]]


def test_the_kernel_is_not_turned_forward_and_is_turned_transposed() -> None:
    impulse, weight = np.array([[0, 0, 1, 0, 0]]), np.array([[[1, 2, 3]]])
    assert conv1d(impulse, weight).tolist() == [[3, 2, 1]]
    assert conv_transpose1d(impulse, weight, padding=1).tolist() == [[0, 1, 2, 3, 0]]


def test_results_are_new_arrays() -> None:
    image = np.ones((1, 4))
    output = conv1d(image, np.ones((1, 1, 1)))
    assert not np.shares_memory(output, image)
    output[...] = 5
    assert image.max() == 1


def test_public_names_are_these_functions() -> None:
    for function in [*FORWARD, *TRANSPOSED, functional.conv, functional.output_shape]:
        assert getattr(stepconv, function.__name__) is function
