"""Convolution arithmetic: the relations and figures of Dumoulin & Visin, arXiv:1603.07285.

Letters as there: input i, kernel k, stride s, padding p, dilation d, output o; primes
for the transposed convolution. Each relation is held against `output_shape` and against
the shape of a computed result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from stepconv import Axis, ConvSpec, conv, conv2d, conv_transpose2d, output_shape, trace

SIZES, KERNELS, STRIDES = st.integers(1, 12), st.integers(1, 6), st.integers(1, 4)


def size(i: int, k: int, **arguments: Any) -> int:
    """Output size along one axis, as foretold and as computed."""
    foretold = output_shape((1, i), (1, 1, k), **arguments)
    computed = conv(np.ones((1, i), int), np.ones((1, 1, k), int), **arguments)
    assert computed.shape == foretold
    return foretold[-1]


@given(SIZES, KERNELS)
def test_relation_1_no_padding_unit_stride(i: int, k: int) -> None:
    assume(k <= i)
    assert size(i, k) == i - k + 1


@given(SIZES, KERNELS, st.integers(0, 4))
def test_relation_2_padding_unit_stride(i: int, k: int, p: int) -> None:
    assume(k <= i + 2 * p)
    assert size(i, k, padding=p) == i - k + 2 * p + 1


@given(SIZES, st.integers(0, 3))
def test_relation_3_half_padding_keeps_the_size(i: int, half: int) -> None:
    k = 2 * half + 1
    assert size(i, k, padding=k // 2) == i
    assert size(i, k, padding="same") == i


@given(SIZES, KERNELS)
def test_relation_4_full_padding_enlarges(i: int, k: int) -> None:
    assert size(i, k, padding=k - 1) == size(i, k, padding="full") == i + (k - 1)


@given(SIZES, KERNELS, STRIDES)
def test_relation_5_strides(i: int, k: int, s: int) -> None:
    assume(k <= i)
    assert size(i, k, stride=s) == (i - k) // s + 1


@given(SIZES, KERNELS, STRIDES, st.integers(0, 4))
def test_relation_6_strides_and_padding(i: int, k: int, s: int, p: int) -> None:
    assume(k <= i + 2 * p)
    assert size(i, k, stride=s, padding=p) == (i + 2 * p - k) // s + 1


@given(SIZES, KERNELS, STRIDES)
def test_relation_7_pooling_is_sized_alike(i: int, k: int, s: int) -> None:
    """Average pooling is a convolution with equal weights."""
    assume(k <= i)
    image = np.random.default_rng(i).standard_normal((1, i))
    pooled = conv(image, np.full((1, 1, k), 1 / k), stride=s)
    means = [image[0, at : at + k].mean() for at in range(0, i - k + 1, s)]
    assert pooled[0] == pytest.approx(means)
    assert pooled.shape[-1] == (i - k) // s + 1


@given(SIZES, KERNELS)
def test_relation_8_transposed_of_no_padding(i_: int, k: int) -> None:
    assert size(i_, k, transposed=True) == i_ + (k - 1)
    assert Axis(i_, k, transposed=True).border == (k - 1, k - 1)  # p' = k − 1
    assert size(size(i_, k, transposed=True), k) == i_


@given(SIZES, KERNELS, st.integers(0, 4))
def test_relation_9_transposed_of_padding(i_: int, k: int, p: int) -> None:
    assume(i_ + (k - 1) - 2 * p >= 1)
    assert size(i_, k, padding=p, transposed=True) == i_ + (k - 1) - 2 * p
    assert Axis(i_, k, pad=(p, p), transposed=True).border == (k - p - 1, k - p - 1)


@given(SIZES, st.integers(0, 3))
def test_relation_10_transposed_of_half_padding_keeps_the_size(i_: int, half: int) -> None:
    k = 2 * half + 1
    assert size(i_, k, padding=k // 2, transposed=True) == i_


@given(SIZES, KERNELS)
def test_relation_11_transposed_of_full_padding_shrinks(i_: int, k: int) -> None:
    assume(i_ - (k - 1) >= 1)
    assert size(i_, k, padding=k - 1, transposed=True) == i_ - (k - 1)


@given(SIZES, KERNELS, STRIDES)
def test_relation_12_transposed_strides(i_: int, k: int, s: int) -> None:
    assert size(i_, k, stride=s, transposed=True) == s * (i_ - 1) + k
    # The input is stretched: s − 1 zeros between its values.
    axis = Axis(i_, k, stride=s, transposed=True)
    stretched = axis.source[k - 1 : axis.layout_size - (k - 1)]
    assert len(stretched) == i_ + (i_ - 1) * (s - 1)


@given(SIZES, KERNELS, STRIDES, st.integers(0, 4))
def test_relation_13_transposed_strides_and_padding(i_: int, k: int, s: int, p: int) -> None:
    assume(s * (i_ - 1) + k - 2 * p >= 1)
    assert size(i_, k, stride=s, padding=p, transposed=True) == s * (i_ - 1) + k - 2 * p


@given(SIZES, KERNELS, STRIDES, st.integers(0, 4))
def test_relation_14_extra_cells_restore_every_size(i: int, k: int, s: int, p: int) -> None:
    assume(k <= i + 2 * p)
    o = size(i, k, stride=s, padding=p)
    a = (i + 2 * p - k) % s
    restored: dict[str, Any] = {"stride": s, "padding": p, "transposed": True}
    assert size(o, k, output_padding=a, **restored) == s * (o - 1) + a + k - 2 * p == i
    assert size(o, k, output_size=i, **restored) == i


@given(SIZES, KERNELS, STRIDES, st.integers(0, 4), st.integers(1, 4))
def test_relation_15_dilation(i: int, k: int, s: int, p: int, d: int) -> None:
    effective = k + (k - 1) * (d - 1)
    assume(effective <= i + 2 * p)
    assert size(i, k, stride=s, padding=p, dilation=d) == (i + 2 * p - effective) // s + 1
    assert Axis(i, k, dilation=d).span == effective


# -- the figures: square, one channel


@dataclass(frozen=True)
class Figure:
    name: str
    i: int
    k: int
    s: int
    p: int
    o: int
    border: int
    """p', the border around the input of the transposed convolution."""
    d: int = 1
    a: int = 0
    """Extra row and column of the transposed convolution."""
    stretched: int | None = None

    @property
    def layer(self) -> dict[str, Any]:
        return {"stride": self.s, "padding": self.p, "dilation": self.d}


FIGURES = [
    Figure("no padding", 4, 3, 1, 0, o=2, border=2),
    Figure("arbitrary padding", 5, 4, 1, 2, o=6, border=1),
    Figure("half padding", 5, 3, 1, 1, o=5, border=1),
    Figure("full padding", 5, 3, 1, 2, o=7, border=0),
    Figure("strides", 5, 3, 2, 0, o=2, border=2, stretched=3),
    Figure("padding and strides", 5, 3, 2, 1, o=3, border=1, stretched=5),
    Figure("padding and strides, odd", 6, 3, 2, 1, o=3, border=1, a=1, stretched=5),
    Figure("dilation", 7, 3, 1, 0, o=3, border=4, d=2),
]
BY_NAME = pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)


@BY_NAME
def test_figures(figure: Figure) -> None:
    image = np.arange(figure.i**2).reshape(1, figure.i, figure.i)
    kernel = np.arange(1, figure.k**2 + 1).reshape(1, 1, figure.k, figure.k)
    output = conv2d(image, kernel, **figure.layer)
    assert output.shape == (1, figure.o, figure.o)
    record = trace(image, kernel, **figure.layer)
    assert len(record) == figure.o**2
    assert record.products.shape[1] == figure.k**2
    assert record.verify() == 0


@BY_NAME
def test_figures_transposed(figure: Figure) -> None:
    image = np.arange(1, figure.o**2 + 1).reshape(1, figure.o, figure.o)
    kernel = np.arange(1, figure.k**2 + 1).reshape(1, 1, figure.k, figure.k)
    output = conv_transpose2d(image, kernel, output_padding=figure.a, **figure.layer)
    assert output.shape == (1, figure.i, figure.i)
    record = trace(
        image, kernel, transposed=True, output_padding=figure.a, order="scatter", **figure.layer
    )
    assert len(record) == figure.o**2
    assert record.verify() == 0
    for axis in record.geometry.axes:
        assert axis.border == (figure.border, figure.border + figure.a)
        inside = axis.layout_size - sum(axis.border)
        assert inside == (figure.stretched or figure.o)


def test_the_odd_figure_leaves_its_last_row_and_column_unused() -> None:
    spec = ConvSpec((3, 3), stride=2, padding=1)
    for axis in spec.bind((1, 6, 6)).axes:
        # The last placement ends on the last cell: what is left over is the border's far side.
        assert axis.leftover == 1
        assert axis.source[-1 - axis.leftover] == 5
        assert axis.unused.tolist() == []
    for axis in ConvSpec((3, 3), stride=2).bind((1, 6, 6)).axes:
        assert axis.unused.tolist() == [5]


NUMERICAL = np.array(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
)
KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])


def test_the_numerical_figure() -> None:
    record = trace(NUMERICAL[None], KERNEL[None, None])
    assert record.output[0].tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]


def test_the_numerical_figure_with_padding_and_strides() -> None:
    output = conv2d(NUMERICAL[None], KERNEL[None, None], stride=2, padding=1)
    assert output[0].tolist() == [[6, 17, 3], [8, 17, 13], [6, 4, 4]]


def test_average_pooling_of_the_numerical_figure() -> None:
    pooled = conv2d(NUMERICAL[None], np.full((1, 1, 3, 3), 1 / 9))
    assert np.round(pooled[0], 1).tolist() == [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]]


def test_max_pooling_reads_the_same_windows() -> None:
    record = trace(NUMERICAL[None], np.ones((1, 1, 3, 3), int))
    largest = [int(placement.values.max()) for placement in record.placements]
    assert np.reshape(largest, (3, 3)).tolist() == [[3, 3, 3], [3, 3, 3], [3, 2, 3]]


def test_two_channels_to_three() -> None:
    """Each of the 3 outputs sums over both inputs: 18 products."""
    record = trace(np.ones((2, 5, 5), int), np.ones((3, 2, 3, 3), int), stride=2, padding=1)
    assert record.output.shape == (3, 3, 3)
    assert record.products.shape == (27, 18)
    assert record.output[:, 1, 1].tolist() == [18, 18, 18]


def test_the_sparse_matrix() -> None:
    """4x16: each row holds the kernel at one placement, 9 entries of 16."""
    record = trace(np.zeros((1, 4, 4), int), np.arange(1, 10).reshape(1, 1, 3, 3))
    rows = np.zeros((4, 16), int)
    for row, placement in enumerate(record.placements):
        for term in placement.terms:
            assert term.input is not None
            rows[row, np.ravel_multi_index(term.input[2:], (4, 4))] = term.weight
    assert rows[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    assert np.count_nonzero(rows, axis=1).tolist() == [9, 9, 9, 9]
    starts = [int(np.flatnonzero(row)[0]) for row in rows]
    assert starts == [0, 1, 4, 5]
