"""Layers keep their weights packed: never a stale pack, whatever is done to the layer."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import stepconv
from stepconv import Conv1d, Conv2d, ConvTranspose2d, SpecError, conv

RNG = np.random.default_rng(3)
IMAGE = RNG.standard_normal((2, 16, 9, 9)).astype("f4")


def expected(layer: Any, image: Any) -> Any:
    return conv(
        image,
        layer.weight,
        layer.bias,
        stride=layer.spec.stride,
        padding=layer.spec.padding,
        groups=layer.spec.groups,
        transposed=layer.transposed,
    )


def layers() -> list[Any]:
    return [
        Conv2d(16, 24, 3, padding=1, rng=1),
        Conv2d(16, 16, 3, groups=16, rng=1),
        ConvTranspose2d(16, 8, 2, stride=2, rng=1),
    ]


@pytest.mark.parametrize("layer", layers())
def test_a_weight_assigned_is_the_one_used(layer: Any) -> None:
    first = layer(IMAGE)
    assert np.array_equal(layer(IMAGE), first)
    layer.weight = 2 * layer.weight
    layer.bias = None
    assert np.allclose(layer(IMAGE), expected(layer, IMAGE), atol=1e-5)
    layer.weight = layer.weight.astype("f8")
    assert layer(IMAGE).dtype == np.float64
    assert np.allclose(layer(IMAGE), expected(layer, IMAGE))


@pytest.mark.parametrize("layer", layers())
def test_weights_handed_out_cannot_be_written_to(layer: Any) -> None:
    for array in (layer.weight, layer.bias):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            array.flags.writeable = True


@pytest.mark.parametrize("layer", layers())
@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]
)
def test_a_copy_computes_the_same_and_goes_its_own_way(
    layer: Any, duplicate: Callable[[Any], Any]
) -> None:
    output = layer(IMAGE)
    twin = duplicate(layer)
    assert repr(twin) == repr(layer)
    assert np.array_equal(twin(IMAGE), output)
    with pytest.raises(ValueError, match="read-only"):
        twin.weight[...] = 0
    twin.weight = np.zeros_like(twin.weight)
    assert not np.array_equal(twin(IMAGE), output)
    assert np.array_equal(layer(IMAGE), output)


def test_a_pickle_holds_no_packs() -> None:
    layer = Conv2d(16, 24, 3, rng=1)
    fresh = len(pickle.dumps(layer))
    layer(IMAGE)
    assert len(pickle.dumps(layer)) == fresh


@pytest.mark.compiled
@pytest.mark.parametrize("layer", layers())
def test_inputs_of_many_kinds(layer: Any) -> None:
    kinds = [IMAGE[..., :size, :] for size in (3, 4, 5, 6, 7, 8, 9)]
    kinds += [IMAGE[0], IMAGE[:0], IMAGE[..., ::2], IMAGE.swapaxes(2, 3), IMAGE.astype(">f4")]
    kinds += [IMAGE.astype("f2"), IMAGE.astype("i1"), IMAGE.astype("c8"), np.asfortranarray(IMAGE)]
    for image in kinds * 2:
        found, wanted = layer(image), expected(layer, image)
        assert found.dtype == wanted.dtype
        assert np.allclose(found, wanted, atol=1e-4)
    assert np.allclose(layer(IMAGE.tolist()), expected(layer, IMAGE.astype("f8")))


@pytest.mark.parametrize("layer", layers())
def test_out_is_filled_in_place(layer: Any) -> None:
    wanted = layer(IMAGE)
    for _ in range(2):
        out = np.full_like(wanted, np.nan)
        assert layer(IMAGE, out=out) is out
        assert np.array_equal(out, wanted)
    wide = np.zeros((*wanted.shape[:-1], 2 * wanted.shape[-1]), wanted.dtype)
    assert np.array_equal(layer(IMAGE, out=wide[..., ::2]), wanted)
    with pytest.raises(stepconv.ShapeError):
        layer(IMAGE, out=wanted[..., 1:])


def test_out_may_be_the_input() -> None:
    layer = Conv1d(4, 4, 3, padding=1, rng=0)
    image = RNG.standard_normal((2, 4, 50)).astype("f4")
    wanted = layer(image)
    for _ in range(2):
        shared = image.copy()
        assert np.array_equal(layer(shared, out=shared), wanted)


def test_a_description_replaced_is_the_one_used() -> None:
    layer = Conv1d(2, 2, 3, rng=0)
    image = np.ones((1, 2, 8), "f4")
    assert layer(image).shape == (1, 2, 6)
    layer.spec = stepconv.ConvSpec(3, stride=2)
    assert layer(image).shape == (1, 2, 3)


@pytest.mark.compiled
def test_weights_change_while_threads_compute() -> None:
    layer = Conv2d(16, 24, 3, bias=False, rng=1)
    weights = [layer.weight, -layer.weight]
    results = []
    for weight in weights:
        layer.weight = weight
        results.append(layer(IMAGE))

    def work(k: int) -> bool:
        layer.weight = weights[k % 2]
        found = layer(IMAGE)
        return any(np.array_equal(found, result) for result in results)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(400)))
    layer.weight = weights[0]
    assert np.array_equal(layer(IMAGE), results[0])


def test_the_algorithm_is_checked_and_used() -> None:
    with pytest.raises(SpecError, match="algorithm 'fast' is not one of auto, textbook"):
        Conv1d(1, 1, 3, algorithm="fast")
    layer = Conv1d(1, 1, 3, algorithm="textbook", bias=False)
    image = RNG.standard_normal((1, 40)).astype("f4")
    assert np.array_equal(layer(image), layer.trace(image).output)
