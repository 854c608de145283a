"""How hypothesis draws convolutions that exist: every choice leaves room for the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.helpers import Array, numbers

MODES = ("zeros", "reflect", "replicate", "circular", "symmetric")


@dataclass(frozen=True)
class Layer:
    """Shapes and arguments of one convolution, and the seed of its numbers."""

    input_shape: tuple[int, ...]
    weight_shape: tuple[int, ...]
    arguments: dict[str, Any]
    has_bias: bool
    seed: int

    @property
    def rank(self) -> int:
        return len(self.weight_shape) - 2

    @property
    def transposed(self) -> bool:
        return bool(self.arguments.get("transposed"))

    @property
    def groups(self) -> int:
        return int(self.arguments["groups"])

    @property
    def out_channels(self) -> int:
        return self.weight_shape[1] * self.groups if self.transposed else self.weight_shape[0]

    @property
    def batched(self) -> bool:
        return len(self.input_shape) == len(self.weight_shape)

    def arrays(self, dtype: Any = np.int64) -> tuple[Array, Array, Array | None]:
        """Input, weight and bias: the same in every call."""
        rng = np.random.default_rng(self.seed)
        image, weight = (
            numbers(rng, shape, dtype) for shape in (self.input_shape, self.weight_shape)
        )
        bias = numbers(rng, (self.out_channels,), dtype) if self.has_bias else None
        return image, weight, bias


def layers(
    ranks: Sequence[int] = (1, 2, 3),
    modes: Sequence[str] = MODES,
    transposed: bool | None = None,
    batches: Sequence[int | None] = (None, 0, 1, 2),
) -> st.SearchStrategy[Layer]:
    """Layers of few cells, forward and transposed unless `transposed` says which."""
    kinds = st.booleans() if transposed is None else st.just(transposed)
    return kinds.flatmap(
        lambda kind: _transposed(ranks, batches) if kind else _forward(ranks, modes, batches)
    )


@st.composite
def _forward(
    draw: st.DrawFn, ranks: Sequence[int], modes: Sequence[str], batches: Sequence[int | None]
) -> Layer:
    rank, mode = draw(st.sampled_from(ranks)), draw(st.sampled_from(modes))
    axes = [draw(_forward_axis(rank, mode)) for _ in range(rank)]
    sizes, pads, kernel, dilation, stride = map(tuple, zip(*axes, strict=True))
    padding: Any = pads
    if mode in ("zeros", "replicate"):  # other borders have limits that a rule may pass
        rules = [pads, "same", "same_lower", "full", *(["causal"] if rank == 1 else [])]
        padding = draw(st.sampled_from(rules))
    inputs, outputs, groups = draw(_channels())
    return Layer(
        input_shape=(*draw(_batch(batches)), inputs * groups, *sizes),
        weight_shape=(outputs * groups, inputs, *kernel),
        arguments={
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "padding_mode": mode,
        },
        has_bias=draw(st.booleans()),
        seed=draw(st.integers(0, 2**16)),
    )


@st.composite
def _forward_axis(
    draw: st.DrawFn, rank: int, mode: str
) -> tuple[int, tuple[int, int], int, int, int]:
    size = draw(st.integers(1, 9 - 2 * rank))
    most = {"reflect": size - 1, "circular": size, "symmetric": size}.get(mode, 3)
    pad = (draw(st.integers(0, min(most, 3))), draw(st.integers(0, min(most, 3))))
    room = size + sum(pad)
    kernel = draw(st.integers(1, min(room, 5 - rank)))
    dilation = draw(st.integers(1, min(3, (room - 1) // (kernel - 1)) if kernel > 1 else 3))
    return size, pad, kernel, dilation, draw(st.integers(1, 3))


@st.composite
def _transposed(draw: st.DrawFn, ranks: Sequence[int], batches: Sequence[int | None]) -> Layer:
    rank = draw(st.sampled_from(ranks))
    axes = [draw(_transposed_axis(rank)) for _ in range(rank)]
    sizes, pads, kernel, dilation, stride, extra = map(tuple, zip(*axes, strict=True))
    inputs, outputs, groups = draw(_channels())
    return Layer(
        input_shape=(*draw(_batch(batches)), inputs * groups, *sizes),
        weight_shape=(inputs * groups, outputs, *kernel),
        arguments={
            "stride": stride,
            "padding": pads,
            "dilation": dilation,
            "groups": groups,
            "transposed": True,
            "output_padding": extra,
        },
        has_bias=draw(st.booleans()),
        seed=draw(st.integers(0, 2**16)),
    )


@st.composite
def _transposed_axis(draw: st.DrawFn, rank: int) -> tuple[int, tuple[int, int], int, int, int, int]:
    size, kernel = draw(st.integers(1, 6 - rank)), draw(st.integers(1, 5 - rank))
    stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    extra = draw(st.integers(0, max(stride, dilation) - 1))
    full = (size - 1) * stride + dilation * (kernel - 1) + 1 + extra
    before = draw(st.integers(0, min(full - 1, 4)))
    after = draw(st.integers(0, min(full - 1 - before, 4)))
    return size, (before, after), kernel, dilation, stride, extra


@st.composite
def _channels(draw: st.DrawFn) -> tuple[int, int, int]:
    """Input and output channels of a group, and the number of groups."""
    return draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 3))


def _batch(batches: Sequence[int | None]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.sampled_from(batches).map(lambda batch: () if batch is None else (batch,))
