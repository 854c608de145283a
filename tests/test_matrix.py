"""The matrix of a convolution: its product is the convolution, its transpose the transposed one."""

from __future__ import annotations

import csv
import io
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from stepconv import DtypeError, ShapeError, SpecError, conv, matrix, trace, unrolled_matrix
from stepconv.errors import StepconvError

MODES = ("zeros", "reflect", "replicate", "circular", "symmetric")


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[tuple[int, ...], np.ndarray, dict[str, Any]]:
    """Draw an input shape (C_in, *spatial), a whole-numbered weight and the arguments."""
    rank = draw(st.integers(1, 3))
    transposed = draw(st.booleans())
    groups = draw(st.integers(1, 2))

    def per_axis(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(least, most)) for _ in range(rank))

    stride, dilation = per_axis(1, 3), per_axis(1, 2)
    pad = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(rank))
    arguments: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups}
    arguments |= {"padding": pad, "transposed": transposed}
    if transposed:
        most = [max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)]
        arguments["output_padding"] = tuple(draw(st.integers(0, m)) for m in most)
    else:
        arguments["padding_mode"] = draw(st.sampled_from(MODES))
    channels = groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    if not transposed:
        channels = channels[1] * groups, channels[0] // groups
    shape = (channels[0] if transposed else channels[1] * groups, *per_axis(1, 4))
    size = (*channels, *per_axis(1, 3))
    weight = np.random.default_rng(draw(st.integers(0, 99))).integers(-9, 10, size)
    return shape, weight, arguments


@given(convolutions(), st.integers(0, 99))
def test_the_product_is_the_convolution(drawn: Any, seed: int) -> None:
    shape, weight, arguments = drawn
    image = np.random.default_rng(seed).integers(-9, 10, shape)
    try:
        expected = conv(image, weight, **arguments)
    except ShapeError:
        with pytest.raises(ShapeError):
            unrolled_matrix(shape, weight, **arguments)
        assume(False)
    unrolled = unrolled_matrix(shape, weight, **arguments)
    assert unrolled.shape == (expected.size, image.size)
    assert np.array_equal(unrolled @ image.reshape(-1), expected.reshape(-1))
    assert np.array_equal(unrolled.toarray() @ image.reshape(-1), expected.reshape(-1))
    # The gradient by the input: what the chain rule of every framework multiplies with.
    ones = np.ones(expected.size, int)
    assert np.array_equal(unrolled.T @ ones, unrolled.toarray().sum(axis=0))
    assert np.array_equal(ones @ unrolled, unrolled.T @ ones)


@given(convolutions())
def test_a_transposed_convolution_is_the_transpose(drawn: Any) -> None:
    shape, weight, arguments = drawn
    assume(not arguments["transposed"])
    arguments |= {"padding_mode": "zeros"}
    try:
        forward = unrolled_matrix(shape, weight, **arguments)
    except ShapeError:
        assume(False)
    arguments["transposed"] = True
    del arguments["padding_mode"]
    back = unrolled_matrix(
        forward.row_shape, weight, **arguments, output_size=forward.column_shape[1:]
    )
    transpose = forward.T
    assert back.shape == transpose.shape
    assert (back.row_shape, back.column_shape) == (transpose.row_shape, transpose.column_shape)
    for name in ("row", "column", "value", "weight_index"):
        assert np.array_equal(getattr(back, name), getattr(transpose, name))


@given(convolutions())
def test_rows_are_the_terms_of_the_trace(drawn: Any) -> None:
    shape, weight, arguments = drawn
    try:
        unrolled = unrolled_matrix(shape, weight, **arguments)
    except ShapeError:
        assume(False)
    record = trace(np.ones(shape, int), weight, **arguments)
    for row, placement in enumerate(record.placements):
        expected = [
            (int(np.ravel_multi_index(term.input[1:], shape)), term.weight_index, term.weight)
            for term in placement.terms
            if term.input is not None
        ]
        assert [entry[1:] for entry in unrolled.row_terms(row)] == expected
        assert all(entry.row == row for entry in unrolled.row_terms(row))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_sums_agree_to_the_bit(dtype: str) -> None:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(3, 2, 3, 3)).astype(dtype)
    image = rng.normal(size=(2, 6, 6)).astype(dtype)
    unrolled = unrolled_matrix((2, 6, 6), weight, padding=1)
    product = unrolled @ image.reshape(-1)
    assert product.dtype == dtype
    assert product.tobytes() == trace(image, weight, padding=1).output.tobytes()


def test_several_columns_at_once() -> None:
    unrolled = unrolled_matrix((5, 1, 4), [[[1.0, 2.0]]])
    assert unrolled.geometry.batch is None
    batch = np.arange(12).reshape(3, 4)
    expected = conv(batch[:, None], [[[1.0, 2.0]]])[:, 0]
    assert np.array_equal(unrolled @ batch.T, expected.T)
    assert np.array_equal(batch @ unrolled.T, expected)


def test_the_matrix_of_the_article() -> None:
    unrolled = unrolled_matrix((1, 4, 4), np.arange(1, 10).reshape(1, 1, 3, 3))
    assert unrolled.shape == (4, 16)
    assert len(unrolled) == 36
    assert (unrolled.T @ np.ones(4)).shape == (16,)
    assert unrolled.toarray()[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]


def test_entries_on_one_cell_add_up() -> None:
    unrolled = unrolled_matrix((1, 2), [[[1, 10, 100]]], padding=1, padding_mode="replicate")
    assert len(unrolled) == 6
    assert unrolled.toarray().tolist() == [[11, 100], [1, 110]]
    assert [entry.column for entry in unrolled.row_terms(0)] == [0, 0, 1]


def test_a_kernel_that_meets_only_padding() -> None:
    unrolled = unrolled_matrix((1, 1), [[[1]]], padding=1, stride=2, transposed=False)
    assert (unrolled.shape, len(unrolled), bool(unrolled)) == ((2, 1), 0, True)
    assert (unrolled @ [3]).tolist() == [0, 0]
    assert unrolled.row_terms(1) == []
    assert unrolled.to_csv() == "row,column,weight,value\n"


def test_zero_weights_keep_their_entries() -> None:
    assert len(unrolled_matrix((1, 3), [[[0, 1]]])) == 4


def test_infinities_travel_in_silence() -> None:
    unrolled = unrolled_matrix((1, 2), [[[np.inf, 1.0]]])
    assert np.isnan(unrolled @ [0, 1]).all()


@pytest.mark.parametrize("value", [1.5, 0.1 + 1j, -3])
def test_csv_holds_the_entries(value: complex) -> None:
    unrolled = unrolled_matrix((1, 3), [[[1, value]]])
    rows = list(csv.DictReader(io.StringIO(unrolled.to_csv())))
    assert [int(row["row"]) for row in rows] == unrolled.row.tolist() == [0, 0, 1, 1]
    assert [int(row["column"]) for row in rows] == [0, 1, 1, 2]
    assert [int(row["weight"]) for row in rows] == [0, 1, 0, 1]
    assert [complex(row["value"]) for row in rows] == [1, value, 1, value]


def test_nothing_can_be_written() -> None:
    unrolled = unrolled_matrix((1, 3), [[[1, 2]]])
    for array in (unrolled.row, unrolled.column, unrolled.value, unrolled.T.weight_index):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert repr(unrolled).startswith("UnrolledMatrix(geometry=")


@pytest.mark.parametrize("shape", [(1, 4), (3,), (2, 2, 2), (), (3, 0, 1)])
def test_what_a_product_refuses(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"does not fit the 3x4 matrix, which takes \(4,\)"):
        unrolled_matrix((1, 4), [[[1, 2]]]) @ np.ones(shape)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m @ (["a"] * 4), DtypeError, "x is of dtype"),
        (lambda m: m @ ([2**62] * 4), DtypeError, "beyond int64"),
        (lambda m: m.row_terms(3), ShapeError, "row 3 is not in the matrix, whose rows are 0 to 2"),
        (lambda m: m.row_terms(-1), ShapeError, "row -1 is not"),
    ],
)
def test_what_a_matrix_refuses(call: Any, error: type[Exception], message: str) -> None:
    unrolled = unrolled_matrix((1, 4), [[[1, 2]]])
    with pytest.raises(error, match=message):
        call(unrolled)


@pytest.mark.parametrize(
    ("shape", "weight", "arguments", "error", "message"),
    [
        ((1, 4), [[1, 2]], {}, ShapeError, "weight .* has 2 axes; a convolution takes 3"),
        ((1, 4), [[["a"]]], {}, DtypeError, "weight is of dtype"),
        ((1, 4), [[[1, 2]]], {"stride": 0}, SpecError, "stride is 0"),
        ((1, 1), [[[1, 2]]], {}, ShapeError, "spans 2"),
        ((2, 4), [[[1, 2]]], {}, ShapeError, "channels"),
        ((4,), [[[1, 2]]], {}, ShapeError, "channel axis is missing"),
        ((1, 4), [[[1, 2]]], {"output_size": 9}, SpecError, "transposed"),
    ],
)
def test_what_unrolling_refuses(
    shape: Any, weight: Any, arguments: Any, error: type[StepconvError], message: str
) -> None:
    with pytest.raises(error, match=message):
        unrolled_matrix(shape, weight, **arguments)


def test_sizes_are_refused_before_memory_is_taken() -> None:
    with pytest.raises(ShapeError, match="MB, more than the"):  # too many output cells
        unrolled_matrix((1, 10**9), [[[1]]])
    with pytest.raises(ShapeError, match="would hold 8980000000 numbers"):  # too many entries
        unrolled_matrix((1000, 1000), np.broadcast_to(1, (1000, 1000, 9)), padding=4)
    unrolled = unrolled_matrix((1, 10**5), [[[1]]])
    with pytest.raises(ShapeError, match="the 100000x100000 matrix would hold 10000000000"):
        unrolled.toarray()


def test_the_limit_counts_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "LARGEST_MATRIX", 96 * 20)
    assert prod(unrolled_matrix((1, 2), np.ones((3, 1, 1))).shape) == 12
    with pytest.raises(ShapeError, match="would hold 22 numbers"):
        unrolled_matrix((1, 2), np.ones((11, 1, 1)))
