"""Every figure the source articles print, reproduced to the digits printed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepconv import ConvSpec, Placement, conv, conv1d, conv2d, functional, output_shape, trace
from tests.helpers import Array, seed_tables

PRINTED = [name for name, table in seed_tables().items() if "weight" in table]


def operands(name: str) -> tuple[Array, Array, dict[str, Any], Array]:
    table = seed_tables()[name]
    return (
        np.array(table["input"]),
        np.array(table["weight"]),
        table["arguments"],
        np.array(table["output"]),
    )


def test_every_table_is_used() -> None:
    worked = {"sentences", "bias", "shape-conv1d", "matrix-form", "receptive-field", "ranks-agree"}
    assert set(seed_tables()) == worked | set(PRINTED)


@pytest.mark.parametrize("name", PRINTED)
def test_figures_with_all_their_numbers(name: str) -> None:
    image, weight, arguments, expected = operands(name)
    function = getattr(functional, seed_tables()[name]["function"])
    output = function(image, weight, **arguments)
    assert output.dtype == np.int64
    assert output.tolist() == expected.tolist()


@pytest.mark.parametrize("name", PRINTED)
def test_traces_of_the_figures(name: str) -> None:
    image, weight, arguments, expected = operands(name)
    record = trace(image, weight, **arguments)
    assert record.verify() == 0
    assert record.output.tolist() == expected.tolist()
    assert [placement.sum for placement in record.placements] == expected.reshape(-1).tolist()


def test_the_columns_of_the_hand_worked_convolution() -> None:
    """One column for each placement, one product for each weight, padding as rows of 0."""
    image, weight, arguments, _ = operands("hand-worked-padding-1")
    record = trace(image, weight, **arguments)
    columns = [[(t.value, t.weight, t.product) for t in step.terms] for step in record]
    one, nothing = (1, 1, 1), (0, 1, 0)
    assert columns == [
        [nothing, one, one],
        [one, one, one],
        [one, one, one],
        [one, one, nothing],
    ]
    first, last = record[0], record[-1]
    assert isinstance(first, Placement)
    assert isinstance(last, Placement)
    assert (first.terms[0].kind, first.terms[0].input) == ("padding", None)
    assert (last.terms[2].kind, last.terms[2].input) == ("padding", None)


def test_padding_by_the_whole_size_tiles_the_image() -> None:
    image, weight, arguments, _ = operands("padding-circular-4")
    tiled = np.tile(image, (1, 1, 3, 3))
    assert np.array_equal(conv2d(image, weight, **arguments), tiled)


# -- the sentences


def sentences() -> tuple[Array, Array]:
    """The words as (sentence, vector, word), and what the article's layer made of them."""
    table = seed_tables()["sentences"]
    words = np.array(table["words"])
    assert words.shape == (6, 5, 3)
    return np.moveaxis(words, 2, 1), np.array(table["output"])


def recovered_weight() -> Array:
    """Solve 24 equations in 6 unknowns for each of the 8 kernels."""
    words, output = sentences()
    windows = np.stack([words[:, :, at : at + 2] for at in range(4)], axis=1).reshape(24, 6)
    printed = np.moveaxis(output, 1, 2).reshape(24, 8)
    solved, _, rank, _ = np.linalg.lstsq(windows, printed)
    assert rank == 6
    assert np.abs(windows @ solved - printed).max() < 1e-4
    return np.ascontiguousarray(solved.T).reshape(seed_tables()["sentences"]["weight_shape"])


def test_the_sentences_give_what_the_article_printed() -> None:
    words, printed = sentences()
    output = conv1d(words, recovered_weight())
    assert output.shape == printed.shape == (6, 8, 4)
    # The words stand there with 4 decimals, the output with 5 significant digits: what the
    # rounding of the words does to a sum of 6 products comes on top.
    rounding = 0.5e-4 * np.abs(recovered_weight()).sum(axis=(1, 2))
    last_digit = 10.0 ** (np.floor(np.log10(np.abs(printed))) - 4)
    assert np.all(np.abs(output - printed) <= rounding[None, :, None] + last_digit / 2)
    assert np.abs(output - printed).max() < 1e-4


def test_the_trace_of_the_sentences() -> None:
    words, printed = sentences()
    record = trace(words, recovered_weight())
    record.verify()
    assert len(record) == 4 * 8 * 6  # placements, kernels, sentences
    assert record.products.shape == (192, 6)
    assert np.abs(record.output - printed).max() < 1e-4
    first = record[0]
    assert isinstance(first, Placement)
    assert first.values.tolist() == words[0, :, :2].tolist()


def test_words_as_channels_need_their_axes_moved() -> None:
    words = np.array(seed_tables()["sentences"]["words"])
    with pytest.raises(ValueError, match=r"3 stands last: channels come before.*moveaxis"):
        conv1d(words, recovered_weight())


# -- the others


def test_the_bias_shows_in_the_border() -> None:
    table = seed_tables()["bias"]
    printed = np.array(table["output"])
    output = conv2d(np.array(table["input"]), [[[[-0.1175]]]], [0.5259], **table["arguments"])
    assert np.all(output[0, 0, [0, -1], :] == 0.5259)
    assert np.all(output[0, 0, :, [0, -1]] == 0.5259)
    # Both constants are rounded to 4 decimals, and the weight is multiplied by up to 16.
    assert np.abs(output - printed).max() <= 0.5e-4 * 16 + 0.5e-4 + 0.5e-4
    record = trace(np.array(table["input"]), [[[[-0.1175]]]], [0.5259], **table["arguments"])
    corner = record[0]
    assert isinstance(corner, Placement)
    assert (corner.sum, corner.bias, corner.output) == (0, 0.5259, 0.5259)


def test_the_bias_table_determines_weight_and_bias() -> None:
    table = seed_tables()["bias"]
    inside = np.array(table["output"])[0, 0, 1:5, 1:5].reshape(-1)
    (weight, bias), *_ = np.linalg.lstsq(
        np.stack([np.arange(1.0, 17.0), np.ones(16)], axis=1), inside
    )
    assert round(float(weight), 4) == -0.1175
    assert round(float(bias), 4) == 0.5259
    output = conv2d(np.array(table["input"]), [[[[weight]]]], [bias], **table["arguments"])
    assert np.abs(output - np.array(table["output"])).max() < 1e-4


def test_the_sizes_of_the_worked_formula() -> None:
    table = seed_tables()["shape-conv1d"]
    shapes = table["input_shape"], table["weight_shape"]
    assert output_shape(*shapes, **table["arguments"]) == tuple(table["output_shape"])
    (length,) = ConvSpec(4, stride=2).bind(*shapes).axes
    assert length.formula() == "⌊(128 + 0 + 0 − 1·(4 − 1) − 1) / 2⌋ + 1 = 63"
    signal = np.ones(table["input_shape"], np.float32)
    assert conv1d(signal, np.ones(table["weight_shape"], np.float32), stride=2).shape == (3, 32, 63)


def test_the_convolution_as_a_matrix_from_its_record() -> None:
    """Each placement of the trace is a row of K; transposed, the stamps are its columns."""
    table = seed_tables()["matrix-form"]
    shape, kernel = table["input_shape"], np.arange(1, 10).reshape(table["weight_shape"])
    image = np.arange(16).reshape(shape) ** 2
    matrix = np.zeros(table["matrix_shape"], int)
    for row, placement in enumerate(trace(image, kernel).placements):
        for term in placement.terms:
            assert term.input is not None
            matrix[row, np.ravel_multi_index(term.input, shape)] += term.weight
    assert np.array_equal(matrix @ image.reshape(16), conv2d(image, kernel).reshape(4))
    small = np.array([[[[1, 10], [100, 1000]]]])
    enlarged = functional.conv_transpose2d(small, kernel)
    assert enlarged.shape == tuple(shape)
    assert np.array_equal(matrix.T @ small.reshape(4), enlarged.reshape(16))
    assert not np.array_equal(
        functional.conv_transpose2d(conv2d(image, kernel), kernel), image
    )  # it restores the size, not the values


def test_receptive_fields_by_looking_back_through_the_layers() -> None:
    table = seed_tables()["receptive-field"]
    assert fields(table["stacked_dilations"]) == table["fields"]
    assert fields([1, 1, 1]) == table["plain_fields"]
    assert [ConvSpec(3, dilation=d).bind((1, 99)).axes[0].span for d in (1, 2, 4)] == [3, 5, 9]


def fields(dilations: list[int]) -> list[int]:
    """Extent of the input that the middle of the output sees, after each layer."""
    impulse, found = np.zeros((1, 31), int), []
    impulse[0, 15] = 1
    for dilation in dilations:
        impulse = conv1d(impulse, np.ones((1, 1, 3), int), padding="same", dilation=dilation)
        found.append(int(np.ptp(np.flatnonzero(impulse))) + 1)
    return found


def test_ranks_agree_on_a_signal_of_100() -> None:
    signal = np.random.default_rng(0).standard_normal(100)
    line = conv(signal[None], np.ones((1, 1, 3)), padding="same").reshape(100)
    row = conv(signal[None, None], np.ones((1, 1, 1, 3)), padding="same").reshape(100)
    slab = conv(signal[None, None, None], np.ones((1, 1, 1, 1, 3)), padding="same").reshape(100)
    assert np.array_equal(line, row)
    assert np.array_equal(line, slab)
    assert line == pytest.approx(np.convolve(signal, np.ones(3), mode="same"))


@pytest.mark.parametrize("rank", [2, pytest.param(3, marks=pytest.mark.compiled)])
def test_ranks_agree_on_100_each_way(rank: int) -> None:
    """A kernel of ones sums its neighbourhood, whatever carries it; the rank is the kernel's."""
    size = (100,) * rank
    image = np.random.default_rng(rank).integers(-9, 10, size)
    output = conv(image[None], np.ones((1, 1, *(3,) * rank), int), padding="same")[0]
    assert output.shape == size
    expected = image
    for axis in range(rank):
        lines = np.moveaxis(expected, axis, -1).reshape(-1, 1, 100)
        sums = conv1d(lines, np.ones((1, 1, 3), int), padding="same")
        expected = np.moveaxis(sums.reshape(size), -1, axis)
    assert np.array_equal(output, expected)


def test_ranks_agree_in_the_record() -> None:
    signal = np.arange(100) % 7
    line = trace(signal[None], np.ones((1, 1, 3), int), padding="same")
    row = trace(signal[None, None], np.ones((1, 1, 1, 3), int), padding="same")
    assert np.array_equal(line.products, row.products)
    assert np.array_equal(line.sums, row.sums)
    image = np.add.outer(signal, signal)[None]
    square = trace(image, np.ones((1, 1, 3, 3), int), padding="same", only=np.s_[0, 40:50, :])
    assert square.verify() == 0
    whole = conv2d(image, np.ones((1, 1, 3, 3), int), padding="same")
    assert np.array_equal(square.output, whole[:, 40:50])
