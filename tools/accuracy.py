"""How far float32 results lie from the exact ones, for the layers of the benchmark.

    python tools/accuracy.py record    measure torch's errors, for the test to hold ours against
    python tools/accuracy.py show      ours beside those

"Exact" is the same sum in float64, whose own error is a billionth of float32's. The error of
a result is its largest difference, by the largest value. The numbers that a layer is
computed from are drawn from a seed, so that torch need not be there when ours is tested.
"""

from __future__ import annotations

import json
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv import conv
from stepconv.bench.layers import TABLE, Layer

Array = NDArray[Any]

RECORD = Path(__file__).parent.parent / "tests" / "data" / "torch_errors.json"
# Winograd's transforms cost digits, which its documentation says; float64 is compared with nothing.
LAYERS = tuple(layer for layer in TABLE if layer.kind not in ("float64", "winograd"))


def exact(layer: Layer, image: Array, weight: Array, bias: Array) -> Array:
    """Convolve in float64: for each tap a product of matrices, added where the tap falls."""
    geometry, groups, rank = layer.geometry, layer.groups, len(layer.kernel)
    x = image.astype(np.float64).reshape(layer.batch, groups, geometry.group_inputs, *layer.size)
    w = weight.astype(np.float64).reshape(groups, -1, *weight.shape[1:])
    sizes = geometry.output_size
    if layer.transposed:
        sizes = tuple((a.input_size - 1) * a.stride + a.span for a in geometry.axes)
    else:
        pads = [(layer.padding, layer.padding)] * rank
        x = np.pad(x, [(0, 0)] * 3 + pads)
    total = np.zeros((layer.batch, groups, geometry.group_outputs, *sizes))
    for tap in product(*map(range, layer.kernel)):
        kernel = w[_last(*tap)]
        if layer.transposed:
            total[_last(*_reached(layer, tap, layer.size))] += _mixed(kernel.swapaxes(1, 2), x)
        else:
            total += _mixed(kernel, x[_last(*_reached(layer, tap, sizes))])
    total = total.reshape(layer.batch, layer.out_channels, *sizes)
    if layer.transposed and layer.padding:
        total = total[_last(*[slice(layer.padding, -layer.padding)] * rank)]
    result: Array = total + bias.astype(np.float64).reshape(-1, *(1,) * rank)
    return result


def error(result: Array, wanted: Array) -> float:
    """Return the largest difference, by the largest value."""
    return float(np.abs(result - wanted).max() / np.abs(wanted).max())


def ours(layer: Layer, image: Array, weight: Array, bias: Array) -> Array:
    """Compute a layer with this package."""
    return conv(image, weight, bias, **layer.arguments)


def torch_error(layer: Layer) -> float:
    """Return the error of torch's result."""
    from stepconv.bench.peers import PEERS

    arrays = layer.draw()
    with next(peer for peer in PEERS if peer.name == "torch").open(1) as make:
        call = make(layer, *arrays)
        assert call is not None
        return error(np.asarray(call()), exact(layer, *arrays))


def our_error(layer: Layer) -> float:
    """Return the error of this package's result."""
    arrays = layer.draw()
    return error(ours(layer, *arrays), exact(layer, *arrays))


def _reached(layer: Layer, tap: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the cells that a tap meets at `sizes` placements."""
    return tuple(
        slice(k * layer.dilation, k * layer.dilation + (n - 1) * layer.stride + 1, layer.stride)
        for k, n in zip(tap, sizes, strict=True)
    )


def _last(*index: Any) -> tuple[Any, ...]:
    """Return an index of the last axes."""
    return (..., *index)


def _mixed(kernel: Array, x: Array) -> Array:
    """Multiply (groups, outputs, inputs) with (N, groups, inputs, *cells)."""
    cells = x.shape[3:]
    mixed: Array = kernel @ x.reshape(*x.shape[:3], -1)
    return mixed.reshape(*mixed.shape[:3], *cells)


def main(command: str) -> None:
    if command == "record":
        errors = {layer.title: float(f"{torch_error(layer):.3g}") for layer in LAYERS}
        RECORD.write_text(json.dumps(errors, indent=1) + "\n")
        return
    recorded = json.loads(RECORD.read_text())
    for layer in LAYERS:
        mine, theirs = our_error(layer), recorded[layer.title]
        by = f"{mine / theirs:5.2f}" if theirs else "    -"
        print(f"{layer.title:28} ours {mine:.1e}   torch {theirs:.1e}   {by}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "show")
