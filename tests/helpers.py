"""Independent references: convolutions by their definition, and the figures to hold them against.

Nothing here uses stepconv. Forward, the input is padded by ``np.pad`` and windows are
cut from it; transposed, every input cell stamps its kernel on a full-sized result, which
is then cropped. Layers are plain mappings of torch's argument names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Pairs = tuple[tuple[int, int], ...]

DATA = Path(__file__).parent / "data"
NUMPY_MODES = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
    "symmetric": "symmetric",
}


def per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * rank if len(values) == 1 else values


def pairs(arguments: Mapping[str, Any], sizes: Sequence[int], kernel: Sequence[int]) -> Pairs:
    """Return (before, after) for each axis, named rules worked out."""
    rank, padding = len(sizes), arguments.get("padding", 0)
    if not isinstance(padding, str):
        given = [padding] * rank if isinstance(padding, int) else list(padding)
        given *= rank if len(given) == 1 else 1
        return tuple((one, one) if isinstance(one, int) else tuple(one) for one in given)
    found = []
    for size, taps, stride, dilation in zip(
        sizes,
        kernel,
        per_axis(arguments.get("stride", 1), rank),
        per_axis(arguments.get("dilation", 1), rank),
        strict=True,
    ):
        reach = dilation * (taps - 1)
        wanted = -(-size // stride)
        total = max(0, (wanted - 1) * stride + reach + 1 - size)
        found.append(
            {
                "valid": (0, 0),
                "full": (reach, reach),
                "causal": (reach, 0),
                "same": (total // 2, total - total // 2),
                "same_lower": (total - total // 2, total // 2),
            }[padding]
        )
    return tuple(found)


def reference(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, **arguments: Any
) -> Array:
    """Convolve by the definition: `arguments` are ``stepconv.conv``'s."""
    image, kernels = np.asarray(input), np.asarray(weight)
    dtype = result_dtype(image, kernels, None if bias is None else np.asarray(bias))
    unbatched = image.ndim == kernels.ndim - 1
    batched = (image[None] if unbatched else image).astype(dtype)
    compute = _transposed if arguments.get("transposed") else _forward
    result = compute(batched, kernels.astype(dtype), arguments)
    if bias is not None:
        result += np.asarray(bias).astype(dtype).reshape(-1, *(1,) * (kernels.ndim - 2))
    return result[0] if unbatched else result


def result_dtype(*arrays: Array | None) -> np.dtype[Any]:
    kinds = [array.dtype for array in arrays if array is not None]
    if all(dtype.kind in "biu" for dtype in kinds):
        return np.dtype(np.int64)
    return np.result_type(*kinds).newbyteorder("=")


def padded(image: Array, border: Pairs, mode: str) -> Array:
    """Pad the spatial axes, the last ones, by ``np.pad``."""
    widths = ((0, 0),) * (image.ndim - len(border)) + border
    return np.pad(image, widths, mode=NUMPY_MODES[mode])  # type: ignore[call-overload, no-any-return]  # its stub wants a literal mode


def _forward(image: Array, kernels: Array, arguments: Mapping[str, Any]) -> Array:
    rank, taps = kernels.ndim - 2, kernels.shape[2:]
    border = pairs(arguments, image.shape[2:], taps)
    laid_out = padded(image, border, arguments.get("padding_mode", "zeros"))
    strides = per_axis(arguments.get("stride", 1), rank)
    dilations = per_axis(arguments.get("dilation", 1), rank)
    groups = arguments.get("groups", 1)
    starts = [
        range(0, size - d * (k - 1), s)
        for size, k, s, d in zip(laid_out.shape[2:], taps, strides, dilations, strict=True)
    ]
    shape = (len(image), len(kernels), *map(len, starts))
    result = np.zeros(shape, image.dtype)
    for n, channel, *place in np.ndindex(*shape):
        first = channel // (len(kernels) // groups) * kernels.shape[1]
        window = laid_out[
            n,
            first : first + kernels.shape[1],
            *(
                slice(span[o], span[o] + d * (k - 1) + 1, d)
                for span, o, k, d in zip(starts, place, taps, dilations, strict=True)
            ),
        ]
        result[n, channel, *place] = np.sum(window * kernels[channel])
    return result


def _transposed(image: Array, kernels: Array, arguments: Mapping[str, Any]) -> Array:
    rank, taps = kernels.ndim - 2, kernels.shape[2:]
    strides = per_axis(arguments.get("stride", 1), rank)
    dilations = per_axis(arguments.get("dilation", 1), rank)
    extras = per_axis(arguments.get("output_padding", 0), rank)
    groups = arguments.get("groups", 1)
    full = [
        (size - 1) * s + d * (k - 1) + 1 + extra
        for size, k, s, d, extra in zip(
            image.shape[2:], taps, strides, dilations, extras, strict=True
        )
    ]
    share = kernels.shape[1]
    result = np.zeros((len(image), share * groups, *full), image.dtype)
    for n, channel, *place in np.ndindex(*image.shape):
        first = channel // (image.shape[1] // groups) * share
        stamped = result[
            n,
            first : first + share,
            *(
                slice(i * s, i * s + d * (k - 1) + 1, d)
                for i, s, d, k in zip(place, strides, dilations, taps, strict=True)
            ),
        ]
        stamped += image[n, channel, *place] * kernels[channel]
    crop = pairs(arguments, image.shape[2:], taps)
    kept = (slice(b, size - a) for (b, a), size in zip(crop, full, strict=True))
    return result[:, :, *kept]


@dataclass(frozen=True)
class Case:
    """A call, and the output that somebody else printed for it."""

    name: str
    function: str
    input: Array
    weight: Array
    bias: Array | None
    arguments: dict[str, Any] = field(repr=False)
    output: Array

    @property
    def transposed(self) -> bool:
        return "transpose" in self.function

    def cast(self, dtype: Any) -> Case:
        """Return the same with operands of another dtype; the output as it is."""
        bias = None if self.bias is None else self.bias.astype(dtype)
        operands = self.input.astype(dtype), self.weight.astype(dtype), bias
        return Case(self.name, self.function, *operands, self.arguments, self.output)


@cache
def torch_cases() -> tuple[Case, ...]:
    """Return what torch computed in float64 for 240 random layers."""
    table = json.loads((DATA / "torch_cases.json").read_text(encoding="utf-8"))
    with np.load(DATA / "torch_cases.npz") as arrays:
        return tuple(
            Case(
                name=f"{row['id']}-{row['function']}",
                function=row["function"],
                input=arrays[f"{row['id']}.input"],
                weight=arrays[f"{row['id']}.weight"],
                bias=arrays[f"{row['id']}.bias"] if row["bias"] else None,
                arguments=row["arguments"],
                output=arrays[f"{row['id']}.output"],
            )
            for row in table
        )


@cache
def seed_tables() -> dict[str, dict[str, Any]]:
    """Return the figures that the source articles print, by name."""
    text = (DATA / "seed_tables.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["tables"])


def same_bits(one: ArrayLike, other: ArrayLike) -> bool:
    """Whether two arrays are alike to the sign of zero; one nan is like another."""
    first, second = np.asarray(one), np.asarray(other)
    if first.dtype != second.dtype or first.shape != second.shape:
        return False
    if first.dtype.kind == "c":
        return same_bits(first.real, second.real) and same_bits(first.imag, second.imag)
    if first.dtype.kind != "f":
        return np.array_equal(first, second)
    alike = np.array_equal(first, second, equal_nan=True)
    numbers = ~np.isnan(first)
    return alike and np.array_equal(np.signbit(first[numbers]), np.signbit(second[numbers]))


def times(one: Any, other: Any) -> Any:
    """Multiply two NumPy scalars, complex ones by the schoolbook: each step rounded."""
    if one.dtype.kind != "c":
        return one * other
    real = one.real * other.real - one.imag * other.imag
    imag = one.real * other.imag + one.imag * other.real
    product = np.zeros((), one.dtype)
    product.real, product.imag = real, imag
    return product[()]


def numbers(
    rng: np.random.Generator, shape: Sequence[int], dtype: Any = np.float64, largest: int = 9
) -> Array:
    """Draw an array: integers within ±`largest`, or standard normal floats."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -largest, largest + 1, shape).astype(dtype)
    drawn: Any = rng.standard_normal(shape)
    if dtype.kind == "c":
        drawn = drawn + 1j * rng.standard_normal(shape)
    return np.asarray(drawn).astype(dtype)
