"""One layer, all contestants: prepared, checked against one another, timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv import functional, layers
from stepconv.bench.layers import Layer
from stepconv.bench.peers import Maker, Peer
from stepconv.bench.timing import Effort, ratio, take_turns
from stepconv.kernels.peak import peak
from stepconv.kernels.pool import get_num_threads, set_num_threads

Array = NDArray[Any]
Call = Callable[[], Any]

OURS = ("layer", "function")

# Largest difference over largest value: ten times what different orders of summation and
# Winograd's transforms make of it.
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}


@dataclass(frozen=True)
class Row:
    """What was measured for a layer.

    Attributes
    ----------
    layer : Layer
    seconds : mapping
        Of a call, for "layer", "function" and each peer that can compute it.
    ratios : mapping
        For each peer, this package's time by the peer's: as layer or as function, see `Peer.rival`.
    peak : float
        Operations a second that the cores could do, measured beside the layer.
    error : float
        Largest difference of any two results, by the largest value.
    """

    layer: Layer
    seconds: Mapping[str, float]
    ratios: Mapping[str, float]
    peak: float
    error: float

    @property
    def share(self) -> float:
        """Operations a second of the layer by the peak; Winograd's can exceed 1."""
        return self.layer.operations / self.seconds["layer"] / self.peak

    @property
    def agrees(self) -> bool:
        """Whether all results are the same but for rounding."""
        return self.error <= TOLERANCE[self.layer.dtype]


def contest(
    rows: Sequence[Layer],
    peers: Sequence[Peer],
    effort: Effort,
    threads: int = 1,
    begun: Callable[[Layer], object] = lambda layer: None,
) -> Iterator[Row]:
    """Measure the layers one by one, each on `threads` threads; `begun` is told of each."""
    with ExitStack() as stack:
        stack.enter_context(_threads(threads))
        makers = {peer: stack.enter_context(peer.open(threads)) for peer in peers}
        for layer in rows:
            begun(layer)
            yield _row(layer, makers, effort, threads)


def ours(layer: Layer, image: Array, weight: Array, bias: Array) -> dict[str, Call]:
    """Return this package's two contestants: weights kept packed, and packed in the call."""
    rank = len(layer.kernel)
    arguments = layer.arguments | {"algorithm": layer.algorithm}
    transposed = arguments.pop("transposed")
    name = f"conv_transpose{rank}d" if transposed else f"conv{rank}d"
    function = getattr(functional, name)
    kind = getattr(layers, f"ConvTranspose{rank}d" if transposed else f"Conv{rank}d")
    kept = kind(layer.in_channels, layer.out_channels, layer.kernel, **arguments, rng=0)
    kept.weight, kept.bias = weight, bias
    return {
        "layer": lambda: kept(image),
        "function": lambda: function(image, weight, bias, **arguments),
    }


def _row(layer: Layer, makers: Mapping[Peer, Maker], effort: Effort, threads: int) -> Row:
    arrays = layer.draw()
    calls = ours(layer, *arrays)
    for peer, make in makers.items():
        call = make(layer, *arrays)
        if call is not None:
            calls[peer.name] = call
    error = _difference([call() for call in calls.values()])
    roof = peak(np.dtype(layer.dtype)) * threads
    times = take_turns(calls, effort, threads=threads)
    ratios = {
        peer.name: ratio(times, peer.rival(layer), peer.name)
        for peer in makers
        if peer.name in times
    }
    seconds = {name: median(found) for name, found in times.items()}
    return Row(layer, seconds, ratios, max(roof, peak(np.dtype(layer.dtype)) * threads), error)


def _difference(results: Sequence[Any]) -> float:
    """Return the largest difference of the results from the first, by the largest value."""
    flat = [np.asarray(result).reshape(-1) for result in results]
    largest = float(np.abs(flat[0]).max())
    return max(float(np.abs(one - flat[0]).max()) for one in flat) / largest


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = get_num_threads()
    set_num_threads(threads)
    try:
        yield
    finally:
        set_num_threads(before)
