"""float32 results are as near to the exact ones as torch's, over the layers of the benchmark."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stepconv.bench.layers import Layer
from tests.helpers import reference
from tools import accuracy

# Between two float32 there is nothing: rounding a result costs half of 2**-23.
HALF_A_DIGIT = 2.0**-24
TIMES = 1.5

TORCH = json.loads(accuracy.RECORD.read_text())


@pytest.mark.compiled
@pytest.mark.slow
@pytest.mark.parametrize("layer", accuracy.LAYERS, ids=lambda layer: layer.title)
def test_a_result_is_as_exact_as_torchs(layer: Layer) -> None:
    assert accuracy.our_error(layer) <= max(TIMES * TORCH[layer.title], HALF_A_DIGIT)


def test_every_layer_is_recorded() -> None:
    assert list(TORCH) == [layer.title for layer in accuracy.LAYERS]
    assert len(TORCH) == 46


@pytest.mark.parametrize(
    "layer",
    [
        Layer(
            "", "dense", 4, (9, 8), 6, (3, 2), stride=2, padding=1, dilation=2, groups=2, batch=2
        ),
        Layer("", "transposed", 4, (5,), 6, (3,), stride=2, padding=1, groups=2, transposed=True),
        Layer("", "transposed", 2, (3, 4, 2), 3, (2, 2, 2), dilation=2, transposed=True),
    ],
    ids=["grouped", "transposed", "rank 3"],
)
def test_the_exact_result_is_that_of_the_definition(layer: Layer) -> None:
    arrays = layer.draw()
    doubles = (array.astype(np.float64) for array in arrays)
    expected = reference(*doubles, **layer.arguments)
    np.testing.assert_allclose(accuracy.exact(layer, *arrays), expected, atol=1e-13)
