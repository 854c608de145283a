"""Transposed convolutions of a single pixel, whose weights take the input's place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepconv
from stepconv.geometry import Axis, Geometry
from stepconv.kernels import plan as plans, swapped
from tests.plans import arrays_for, computed, expected

pytestmark = pytest.mark.compiled

CASES: dict[str, tuple[tuple[int, ...], int | None, int, int]] = {
    "an image of noise": ((4, 4), 16, 100, 64),
    "one sample": ((4, 4), 1, 30, 20),
    "no batch": ((3, 5), None, 7, 9),
    "a line": ((9,), 3, 17, 33),
    "a volume": ((2, 3, 4), 5, 40, 6),
    "a kernel of 1": ((1, 1), 9, 12, 50),
    "many samples": ((2, 2), 130, 16, 16),
    "cropped": ((4, 5), 9, 20, 30),
    "one cell": ((3, 3), 20, 64, 70),
}
PADS = {"cropped": ((1, 1), (0, 3)), "one cell": ((1, 1), (1, 1))}


def geometry_of(name: str) -> Geometry:
    kernel, batch, inputs, outputs = CASES[name]
    pads = PADS.get(name, ((0, 0),) * len(kernel))
    sizes = zip(kernel, pads, strict=True)
    axes = tuple(Axis(1, size, stride=3, pad=pad, transposed=True) for size, pad in sizes)
    return Geometry(axes, batch, inputs, outputs, 1)


@pytest.mark.parametrize("dtype", ["f4", pytest.param("f8", marks=pytest.mark.slow)])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_against_the_textbook(name: str, threads: int, dtype: str) -> None:
    geometry = geometry_of(name)
    arrays = arrays_for(geometry, dtype)
    output = computed(swapped.plan, geometry, arrays, threads)
    tolerance = 8 * float(np.finfo(dtype).eps) * geometry.in_channels
    np.testing.assert_allclose(output, expected(geometry, arrays), rtol=0, atol=tolerance)


@pytest.mark.parametrize("threads", [1, 2])
def test_functions_and_layers(threads: int) -> None:
    rng = np.random.default_rng(1)
    noise, weight, bias = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((64, 100, 1, 1), (100, 128, 4, 4), (128,))
    )
    layer = stepconv.ConvTranspose2d(100, 128, 4)
    layer.weight, layer.bias = weight, bias
    exact = np.einsum("nc,cokl->nokl", noise[:, :, 0, 0], weight, dtype=np.float64)
    before = stepconv.get_num_threads()
    stepconv.set_num_threads(threads)
    try:
        results = {
            "function": stepconv.conv_transpose2d(noise, weight, bias),
            "layer": layer(noise),
        }
        plain = stepconv.conv_transpose2d(noise, weight)
    finally:
        stepconv.set_num_threads(before)
    for result in results.values():
        np.testing.assert_allclose(result, exact + bias[:, None, None], rtol=0, atol=1e-4)
    np.testing.assert_allclose(plain, exact, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("axis", "more"),
    [
        (Axis(2, 4, transposed=True), {}),  # pixels whose taps overlap
        (Axis(1, 4, dilation=2, transposed=True), {}),  # cells that meet no tap
        (Axis(1, 4, stride=2, output_padding=1, transposed=True), {}),
        (Axis(1, 4, transposed=True), {"groups": 2}),
        (Axis(1, 4, transposed=True), {"batch": 0}),
        (Axis(1, 1), {}),
        (Axis(1, 20000, transposed=True), {}),  # a list of too many pixels
    ],
)
def test_what_is_left_to_others(axis: Axis, more: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"batch": 2, "in_channels": 4, "out_channels": 6, "groups": 1}
    geometry = Geometry((axis,), **arguments | more)
    assert swapped.plan(geometry, np.dtype(np.float32), 1) is None


def test_no_bias_warns() -> None:
    noise, weight = np.ones((2, 8, 1, 1), np.float32), np.ones((8, 3, 4, 4), np.float32)
    weight[0, 1] = np.inf
    with np.errstate(all="raise"):
        result = stepconv.conv_transpose2d(noise, weight, np.array([0, -np.inf, 1], np.float32))
    assert np.isnan(result[:, 1]).all()
    assert (result[:, 0] == 8).all()
    assert (result[:, 2] == 9).all()


def test_it_is_chosen() -> None:
    geometry = geometry_of("an image of noise")
    for dtype in ("f4", "f8"):
        plan = plans.choose(geometry, np.dtype(dtype), "auto", 1)
        assert isinstance(plan, swapped.SwappedPlan)
