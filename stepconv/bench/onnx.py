"""An ONNX model of one convolution, written without the onnx package.

An ONNX file is a Protocol Buffers message: fields one after another, each a number
and a kind in one integer, then an integer, or a length and that many bytes. A message
within a message is bytes. The field numbers are those of onnx.proto3:
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.bench.layers import Layer

Array = NDArray[Any]

_FLOAT, _INT, _INTS = 1, 2, 7  # a tensor's element type; kinds of attributes
_IR_VERSION, _OPSET = 8, 17


def model(layer: Layer, weight: Array, bias: Array) -> bytes:
    """Return the model: input "x", weights and bias within, output "y"; float32."""
    rank = len(layer.kernel)
    node = _message(
        (1, "x"), (1, "w"), (1, "b"), (2, "y"),
        (4, "ConvTranspose" if layer.transposed else "Conv"),
        (5, _ints("kernel_shape", layer.kernel)),
        (5, _ints("strides", [layer.stride] * rank)),
        (5, _ints("pads", [layer.padding] * 2 * rank)),
        (5, _ints("dilations", [layer.dilation] * rank)),
        (5, _message((1, "group"), (3, layer.groups), (20, _INT))),
    )  # fmt: skip
    graph = _message(
        (1, node),
        (2, "convolution"),
        (5, _tensor("w", weight)),
        (5, _tensor("b", bias)),
        (11, _value("x", layer.geometry.input_shape)),
        (12, _value("y", layer.geometry.output_shape)),
    )
    return _message((1, _IR_VERSION), (7, graph), (8, _message((1, ""), (2, _OPSET))))


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _message((1, name), *((8, value) for value in values), (20, _INTS))


def _tensor(name: str, array: Array) -> bytes:
    values = np.ascontiguousarray(array, "<f4").tobytes()
    return _message(*((1, size) for size in array.shape), (2, _FLOAT), (8, name), (9, values))


def _value(name: str, shape: Sequence[int]) -> bytes:
    sizes = _message(*((1, _message((1, size))) for size in shape))
    return _message((1, name), (2, _message((1, _message((1, _FLOAT), (2, sizes))))))


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    r"""Write the fields of one message.

    >>> _message((1, 300), (2, "x"))
    b'\x08\xac\x02\x12\x01x'
    """
    written = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            written += _varint(number << 3) + _varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            written += _varint(number << 3 | 2) + _varint(len(data)) + data
    return bytes(written)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
