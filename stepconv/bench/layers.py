"""The convolutions that are measured: layers of well-known networks, and the smallest there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod, sqrt
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.geometry import Geometry
from stepconv.spec import ConvSpec

Array = NDArray[Any]
Sizes = tuple[int, ...]

CLASSES = (
    "dense",
    "1x1",
    "stem",
    "depthwise",
    "image",
    "grouped",
    "conv1d",
    "conv3d",
    "transposed",
    "dilated",
    "tiny",
    "float64",
    "winograd",
)


@dataclass(frozen=True)
class Layer:
    """One row of the table: `size` is the input's spatial size, `kind` one of `CLASSES`."""

    name: str
    kind: str
    in_channels: int
    size: Sizes
    out_channels: int
    kernel: Sizes
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    transposed: bool = False
    batch: int = 1
    dtype: str = "float32"
    algorithm: str = "auto"

    @property
    def title(self) -> str:
        """The name as tables show it, with batch, dtype and algorithm where they are not usual.

        >>> replace(TABLE[1], batch=8, dtype="float64").title
        'resnet 3x3 64@56 N8 f64'
        """
        parts = [self.name]
        parts += [f"N{self.batch}"] * (self.batch > 1)
        parts += ["f64"] * (self.dtype == "float64")
        parts += ["wino"] * (self.algorithm == "winograd")
        return " ".join(parts)

    @property
    def arguments(self) -> dict[str, Any]:
        """What describes the layer beside its shapes, as arguments of `stepconv.conv`."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
            "transposed": self.transposed,
        }

    @cached_property
    def geometry(self) -> Geometry:
        """The layer bound to its shapes."""
        spec = ConvSpec(self.kernel, **self.arguments)
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        weight = (first, second // self.groups, *self.kernel)
        return spec.bind((self.batch, self.in_channels, *self.size), weight)

    @property
    def operations(self) -> int:
        """Floating-point operations, a multiply-add counted as two, padding as if it were input.

        >>> TABLE[1].operations
        231211008
        """
        geometry = self.geometry
        if self.transposed:  # what a crop takes away is counted
            cells, terms = geometry.input_shape, geometry.group_outputs * prod(self.kernel)
        else:
            cells, terms = geometry.output_shape, geometry.terms
        return 2 * prod(cells) * terms

    def draw(self) -> tuple[Array, Array, Array]:
        """Draw input, weight and bias: alike in every process, sums of about 1, no denormals."""
        generator = np.random.default_rng(crc32(self.title.encode()))
        geometry = self.geometry

        def normal(*shape: int) -> Array:
            return generator.standard_normal(shape, np.float32)

        image, weight = normal(*geometry.input_shape), normal(*geometry.weight_shape)
        weight /= np.float32(sqrt(geometry.terms))
        bias = normal(self.out_channels)
        return image.astype(self.dtype), weight.astype(self.dtype), bias.astype(self.dtype)


def _all() -> Iterator[Layer]:
    yield from _NETWORKS
    yield from (replace(_named(name), batch=8) for name in _BATCHED)
    yield from (replace(_named(name), dtype="float64", kind="float64") for name in _DOUBLE)
    for name, batch in _WINOGRAD:
        yield replace(_named(name), batch=batch, algorithm="winograd", kind="winograd")


def _named(name: str) -> Layer:
    return next(layer for layer in _NETWORKS if layer.name == name)


def _square(name: str, kind: str, c: int, size: int, k: int, kernel: int, **more: Any) -> Layer:
    return Layer(name, kind, c, (size, size), k, (kernel, kernel), **more)


_NETWORKS = (
    _square("resnet 7x7s2 3-64@224", "stem", 3, 224, 64, 7, stride=2, padding=3),
    _square("resnet 3x3 64@56", "dense", 64, 56, 64, 3, padding=1),
    _square("resnet 3x3 128@28", "dense", 128, 28, 128, 3, padding=1),
    _square("resnet 3x3 256@14", "dense", 256, 14, 256, 3, padding=1),
    _square("resnet 3x3 512@7", "dense", 512, 7, 512, 3, padding=1),
    _square("resnet 3x3s2 128@56", "stem", 128, 56, 128, 3, stride=2, padding=1),
    _square("resnet 1x1 256-64@56", "1x1", 256, 56, 64, 1),
    _square("resnet 1x1 64-256@56", "1x1", 64, 56, 256, 1),
    _square("resnet 1x1 1024-256@14", "1x1", 1024, 14, 256, 1),
    _square("resnet 1x1s2 512-1024@28", "1x1", 512, 28, 1024, 1, stride=2),
    _square("vgg 3x3 128@112", "dense", 128, 112, 128, 3, padding=1),
    _square("vgg 3x3 3-64@224", "stem", 3, 224, 64, 3, padding=1),
    _square("deeplab 3x3 d6 256@33", "dilated", 256, 33, 256, 3, padding=6, dilation=6),
    _square("resnext 3x3 g32 256@28", "grouped", 256, 28, 256, 3, padding=1, groups=32),
    _square("dw 3x3 32@112", "depthwise", 32, 112, 32, 3, padding=1, groups=32),
    _square("dw 3x3s2 64@112", "depthwise", 64, 112, 64, 3, stride=2, padding=1, groups=64),
    _square("dw 3x3 128@56", "depthwise", 128, 56, 128, 3, padding=1, groups=128),
    _square("dw 3x3s2 128@56", "depthwise", 128, 56, 128, 3, stride=2, padding=1, groups=128),
    _square("dw 3x3 512@14", "depthwise", 512, 14, 512, 3, padding=1, groups=512),
    _square("dw 3x3s2 512@14", "depthwise", 512, 14, 512, 3, stride=2, padding=1, groups=512),
    _square("1-1 3x3@512", "image", 1, 512, 1, 3, padding=1),
    _square("1-1 11x11@512", "image", 1, 512, 1, 11, padding=5),
    _square("1-1 3x3@1024", "image", 1, 1024, 1, 3, padding=1),
    _square("1-1 11x11@1024", "image", 1, 1024, 1, 11, padding=5),
    Layer("textcnn k3 300-100 L64", "conv1d", 300, (64,), 100, (3,), batch=32),
    Layer("textcnn k4 300-100 L64", "conv1d", 300, (64,), 100, (4,), batch=32),
    Layer("textcnn k5 300-100 L64", "conv1d", 300, (64,), 100, (5,), batch=32),
    Layer("wavenet k2 d16 64-128", "conv1d", 64, (16000,), 128, (2,), dilation=16),
    Layer("conv1d k4s2 64-32 L128", "conv1d", 64, (128,), 32, (4,), stride=2, batch=3),
    Layer("c3d 3-64@16x112x112", "conv3d", 3, (16, 112, 112), 64, (3, 3, 3), padding=1),
    Layer("unet3d 3x3x3 32@32", "conv3d", 32, (32, 32, 32), 32, (3, 3, 3), padding=1),
    _square("dcgan T k4s2 256-128@16", "transposed", 256, 16, 128, 4, stride=2, padding=1,
            transposed=True),
    _square("unet T k2s2 128-64@56", "transposed", 128, 56, 64, 2, stride=2, transposed=True),
    Layer("T1d k16s8 64-32 L1000", "transposed", 64, (1000,), 32, (16,), stride=8, padding=4,
          transposed=True),
    Layer("T3d k2s2 32-16@16", "transposed", 32, (16, 16, 16), 16, (2, 2, 2), stride=2,
          transposed=True),
    Layer("tiny k3 L4", "tiny", 1, (4,), 1, (3,)),
    _square("tiny 3x3@8", "tiny", 1, 8, 1, 3),
)  # fmt: skip

_BATCHED = (
    "resnet 7x7s2 3-64@224",
    "resnet 3x3 64@56",
    "resnet 3x3 256@14",
    "resnet 3x3 512@7",
    "resnet 1x1 256-64@56",
    "resnet 1x1 1024-256@14",
    "dw 3x3 128@56",
    "dw 3x3s2 128@56",
    "dcgan T k4s2 256-128@16",
)
_DOUBLE = (
    "resnet 3x3 64@56",
    "resnet 3x3 128@28",
    "resnet 3x3 256@14",
    "resnet 1x1 256-64@56",
    "dw 3x3 32@112",
    "dw 3x3 128@56",
    "dw 3x3s2 128@56",
    "dw 3x3 512@14",
)
# 3x3, stride 1, 64 to 256 channels, maps of 14 and more: where it is made for.
_WINOGRAD = (
    ("resnet 3x3 64@56", 1),
    ("resnet 3x3 128@28", 1),
    ("resnet 3x3 256@14", 1),
    ("vgg 3x3 128@112", 1),
    ("resnet 3x3 64@56", 8),
    ("resnet 3x3 256@14", 8),
)

TABLE: tuple[Layer, ...] = tuple(_all())


def chosen(text: str | None) -> tuple[Layer, ...]:
    """Return the layers whose title or kind holds each word of `text`; all where there is none.

    Raises
    ------
    InputError
        Where there are none.

    Examples
    --------
    >>> [layer.title for layer in chosen("winograd 64@56")]
    ['resnet 3x3 64@56 wino', 'resnet 3x3 64@56 N8 wino']
    """
    words = (text or "").lower().split()
    found = tuple(
        layer
        for layer in TABLE
        if all(word in f"{layer.title} {layer.kind}".lower() for word in words)
    )
    if not found:
        raise InputError(
            'no layer is called "{text}"; give part of a name, such as "resnet 3x3", or a kind:'
            " {kinds}",
            text=shown(text or ""),
            kinds=", ".join(CLASSES),
        )
    return found
