"""What else computes convolutions: libraries that may be installed, and plain NumPy.

A peer is opened for a number of threads, and then asked for each layer: it answers
with a call that computes it, or None where it cannot. What a user would do once,
such as building a session, is done outside that call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from stepconv.bench import onnx
from stepconv.bench.layers import Layer

Array = NDArray[Any]
Call = Callable[[], Any]
Maker = Callable[[Layer, Array, Array, Array], Call | None]


@dataclass(frozen=True)
class Peer:
    """A library, the modules it needs, and how it is opened.

    `prepacked` says that it lays out its weights once, before it is timed.
    """

    name: str
    modules: tuple[str, ...]
    open: Callable[[int], AbstractContextManager[Maker]]
    prepacked: bool = False

    def rival(self, layer: Layer) -> str:
        """Which of this package's two times stands against it.

        What packs its weights beforehand meets a layer, which does so as well; the others
        meet the function. Winograd's weights are transformed once, since that takes long.
        """
        return "layer" if self.prepacked or layer.algorithm == "winograd" else "function"

    @property
    def installed(self) -> bool:
        """Whether it can be used here: it is there, and can be loaded."""
        try:
            for name in self.modules:
                import_module(name)
        except (ImportError, OSError):  # OSError: of libraries that it loads in turn
            return False
        return True

    @property
    def version(self) -> str:
        """Its version."""
        return str(import_module(self.modules[0]).__version__)


@contextmanager
def _torch(threads: int) -> Iterator[Maker]:
    import torch

    functional = torch.nn.functional
    names = ("conv1d", "conv2d", "conv3d")
    transposed_names = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")

    def make(layer: Layer, image: Array, weight: Array, bias: Array) -> Call:
        x, w, b = map(torch.from_numpy, (image, weight, bias))
        rank, stride, padding = len(layer.kernel), layer.stride, layer.padding
        dilation, groups = layer.dilation, layer.groups
        if layer.transposed:
            stamp = getattr(functional, transposed_names[rank - 1])
            return lambda: stamp(x, w, b, stride, padding, 0, groups, dilation)
        slide = getattr(functional, names[rank - 1])
        return lambda: slide(x, w, b, stride, padding, dilation, groups)

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield make
    finally:
        torch.set_num_threads(before)


@contextmanager
def _onnxruntime(threads: int) -> Iterator[Maker]:
    import onnxruntime

    def make(layer: Layer, image: Array, weight: Array, bias: Array) -> Call | None:
        if image.dtype != np.float32:
            return None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            onnx.model(layer, weight, bias), options, providers=["CPUExecutionProvider"]
        )
        feed = {"x": image}
        return lambda: session.run(None, feed)[0]

    yield make


@contextmanager
def _opencv(threads: int) -> Iterator[Maker]:
    import cv2

    def make(layer: Layer, image: Array, weight: Array, bias: Array) -> Call | None:
        if image.dtype != np.float32 or len(layer.kernel) != 2 or layer.transposed:
            return None
        if layer.kind == "image":
            picture, kernel, delta = image[0, 0], weight[0, 0], float(bias[0])
            border = cv2.BORDER_CONSTANT
            return lambda: cv2.filter2D(picture, -1, kernel, delta=delta, borderType=border)
        net = cv2.dnn.readNetFromONNX(np.frombuffer(onnx.model(layer, weight, bias), np.uint8))

        def forward() -> Any:
            net.setInput(image)
            return net.forward()

        return forward

    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        yield make
    finally:
        cv2.setNumThreads(before)


@contextmanager
def _scipy(threads: int) -> Iterator[Maker]:
    """One channel, one kernel, which slides by one: what scipy.signal is for; one thread."""
    from scipy.signal import correlate

    def make(layer: Layer, image: Array, weight: Array, bias: Array) -> Call | None:
        if layer.kind not in ("image", "tiny"):
            return None
        signal, kernel, offset = image[0, 0], weight[0, 0], bias[0]
        mode = "same" if layer.padding else "valid"
        return lambda: correlate(signal, kernel, mode) + offset

    yield make


@contextmanager
def _numpy(threads: int) -> Iterator[Maker]:
    """All windows copied into a matrix (im2col), which BLAS multiplies."""
    from threadpoolctl import threadpool_limits

    def make(layer: Layer, image: Array, weight: Array, bias: Array) -> Call | None:
        if layer.transposed:
            return None
        return lambda: im2col(layer, image, weight, bias)

    with threadpool_limits(threads, "blas"):
        yield make


def im2col(layer: Layer, image: Array, weight: Array, bias: Array) -> Array:
    """Convolve with NumPy alone: one matrix product for each sample and group.

    >>> from stepconv import conv
    >>> layer = Layer("", "dense", 4, (9, 9), 6, (3, 3), stride=2, padding=1, groups=2)
    >>> image, weight, bias = layer.draw()
    >>> expected = conv(image, weight, bias, **layer.arguments)
    >>> np.allclose(im2col(layer, image, weight, bias), expected, atol=1e-5)
    True
    """
    geometry, rank = layer.geometry, len(layer.kernel)
    padded = np.pad(image, [(0, 0), (0, 0), *[(layer.padding,) * 2] * rank])
    spans = tuple(axis.span for axis in geometry.axes)
    windows = sliding_window_view(padded, spans, tuple(range(2, 2 + rank)))
    steps = [slice(None, None, layer.stride)] * rank + [slice(None, None, layer.dilation)] * rank
    windows = windows[:, :, *steps]  # (N, C_in, *output, *kernel)
    windows = np.moveaxis(windows, range(-rank, 0), range(2, 2 + rank))
    matrix = windows.reshape(layer.batch, layer.groups, geometry.terms, -1)
    kernels = weight.reshape(layer.groups, geometry.group_outputs, geometry.terms)
    output: Array = (kernels @ matrix).reshape(geometry.output_shape)
    output += bias.reshape(-1, *(1,) * rank)
    return output


PEERS = (
    Peer("torch", ("torch",), _torch),
    Peer("onnxruntime", ("onnxruntime",), _onnxruntime, prepacked=True),
    Peer("opencv", ("cv2",), _opencv),
    Peer("scipy", ("scipy",), _scipy),
    # Its BLAS is held to the same number of threads by threadpoolctl.
    Peer("numpy", ("numpy", "threadpoolctl"), _numpy),
)


def installed() -> tuple[Peer, ...]:
    """Return the peers there are here."""
    return tuple(peer for peer in PEERS if peer.installed)
