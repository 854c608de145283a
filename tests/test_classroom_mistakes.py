"""Each mistake is held against a witness that does not use stepconv: NumPy, or the definition."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from stepconv.classroom.asked import (
    AllProducts,
    AllSums,
    Cell,
    Positions,
    Row,
    Seen,
    Window,
    the_padded_input,
    the_shape,
    the_size,
)
from stepconv.classroom.mistakes import CODES, MISTAKES, Mistake, mistake, wrong_answers
from stepconv.classroom.problem import Problem, Run
from stepconv.classroom.topics import LEVELS, TOPICS, generate
from stepconv.errors import InputError
from stepconv.language import using_language
from tests.helpers import Array, reference

X = np.array([[[3, 1, 4, 1, 5, 9, 2, 6]]])
W = np.array([[[2, -1, 3]]])
IMAGE = np.array([[[[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8], [9, 7, 9, 3], [2, 3, 8, 4]]]])
PLANE = np.array([[[[1, 2, 3], [4, 5, -6]]]])
PAIR = np.array([[[3, 1, 4, 1], [5, 9, 2, 6]]])
PAIR_WEIGHT = np.array([[[2, -1], [1, 3]], [[1, 4], [-2, 5]], [[3, 3], [1, -4]]])
BIAS = np.array([10, 20, 30])
FOUR = np.arange(1, 13).reshape(1, 4, 3) ** 2 % 11
FOUR_WEIGHT = np.array([[[2, -1], [1, 3]], [[1, 4], [-2, 5]], [[3, 3], [1, -4]], [[5, 1], [2, 2]]])
STAMPED = {"transposed": True, "stride": 2}
T_WEIGHT = np.array([[[2, -1], [1, 3]], [[1, 4], [-2, 5]]])


def dealt(output: Array) -> Array:
    """Grouped by hand, input channel c in group c mod 2."""
    first = reference(FOUR[:, [0, 2]], FOUR_WEIGHT[:2])
    second = reference(FOUR[:, [1, 3]], FOUR_WEIGHT[2:])
    return np.concatenate([first, second], axis=1)


def outputs_dealt() -> Array:
    """Output channel o sees the block o mod 2."""
    blocks = FOUR[:, :2], FOUR[:, 2:]
    each = [reference(blocks[o % 2], FOUR_WEIGHT[o : o + 1]) for o in range(4)]
    return np.concatenate(each, axis=1)


def stretched(pad: int) -> Array:
    """X with a zero between its values, and `pad` zeros around them."""
    row = np.zeros(2 * X.size - 1, int)
    row[::2] = X[0, 0]
    return np.pad(row, pad)


def stamped() -> Array:
    """The transposed convolution of X with W and stride 2, nothing cut off."""
    return np.convolve(stretched(0), W[0, 0])


def bordered(numpy: Any) -> Any:
    return np.correlate(np.pad(X[0, 0], 2, numpy), W[0, 0])


def kept_apart(order: list[tuple[int, int]]) -> Array:
    each = [
        reference(PAIR[:, c : c + 1], PAIR_WEIGHT[o : o + 1, c : c + 1], BIAS[o : o + 1])
        for o, c in order
    ]
    return np.concatenate(each, axis=1)


def row(x: Array, w: Array, **options: Any) -> Problem:
    return Problem(x, w, options=options)


PLAIN = reference(PAIR, PAIR_WEIGHT)
SPACES = (0, 1, 2)
BY_FILTER = [(o, c) for o in SPACES for c in (0, 1)]
BY_CHANNEL = [(o, c) for c in (0, 1) for o in SPACES]

WITNESSES: dict[str, tuple[Problem, Callable[[], Any]]] = {
    "flip": (row(X, W), lambda: np.convolve(X[0, 0], W[0, 0], "valid")),
    "padding_ignored": (row(X, W, padding=2), lambda: np.correlate(X[0, 0], W[0, 0])),
    "padding_one_side:before": (
        row(X, W, padding=2),
        lambda: np.correlate(np.pad(X[0, 0], (2, 0)), W[0, 0]),
    ),
    "padding_one_side:after": (
        row(X, W, padding=2),
        lambda: np.correlate(np.pad(X[0, 0], (0, 2)), W[0, 0]),
    ),
    "padding_one_side:swapped": (
        row(X, np.array([[[2, -1, 3, 5]]]), padding="same"),
        lambda: np.correlate(np.pad(X[0, 0], (2, 1)), [2, -1, 3, 5]),
    ),
    "padding_total": (
        row(X, W, padding=2),
        lambda: np.correlate(np.pad(X[0, 0], (1, 1)), W[0, 0]),
    ),
    **{
        f"mode_confused:{mode}": (
            row(X, W, padding=2, padding_mode="zeros" if mode != "zeros" else "circular"),
            partial(bordered, numpy),
        )
        for mode, numpy in {
            "zeros": "constant",
            "reflect": "reflect",
            "replicate": "edge",
            "circular": "wrap",
            "symmetric": "symmetric",
        }.items()
    },
    "stride_ignored": (row(X, W, stride=3), lambda: np.correlate(X[0, 0], W[0, 0])),
    "stride_as_gap": (row(X, W, stride=2), lambda: np.correlate(X[0, 0], W[0, 0])[::3]),
    "dilation_ignored": (row(X, W, dilation=2), lambda: np.correlate(X[0, 0], W[0, 0])),
    "dilation_as_gap": (
        row(X, W, dilation=2),
        lambda: np.correlate(X[0, 0], [2, 0, 0, -1, 0, 0, 3]),
    ),
    "stride_dilation_swapped": (
        row(X, W, stride=3, dilation=2),
        lambda: np.correlate(X[0, 0], [2, 0, 0, -1, 0, 0, 3])[::2],
    ),
    "ceil": (
        row(X, W, stride=2),
        lambda: np.correlate(np.append(X[0, 0], 0), W[0, 0])[::2],
    ),
    "axes_swapped:settings": (
        row(IMAGE, PLANE, stride=(2, 1)),
        lambda: reference(IMAGE, PLANE, stride=(1, 2)),
    ),
    "axes_swapped:kernel": (
        row(IMAGE, PLANE),
        lambda: reference(IMAGE, PLANE.transpose(0, 1, 3, 2)),
    ),
    "axes_swapped:input": (
        row(IMAGE, PLANE),
        lambda: reference(IMAGE.transpose(0, 1, 3, 2), PLANE),
    ),
    "axes_swapped:everything": (
        row(IMAGE, PLANE, stride=(2, 1)),
        lambda: reference(IMAGE, PLANE, stride=(2, 1)).transpose(0, 1, 3, 2),
    ),
    "channels_independent:by filter": (
        Problem(PAIR, PAIR_WEIGHT, BIAS),
        lambda: kept_apart(BY_FILTER),
    ),
    "channels_independent:by channel": (
        Problem(PAIR, PAIR_WEIGHT, BIAS),
        lambda: kept_apart(BY_CHANNEL),
    ),
    "bias_forgotten": (Problem(PAIR, PAIR_WEIGHT, BIAS), lambda: PLAIN),
    "bias_per_pair:channel": (
        Problem(PAIR, PAIR_WEIGHT, BIAS),
        lambda: PLAIN + 2 * BIAS[:, None],
    ),
    "bias_per_pair:tap": (Problem(PAIR, PAIR_WEIGHT, BIAS), lambda: PLAIN + 4 * BIAS[:, None]),
    "groups_order:inputs": (
        row(FOUR, FOUR_WEIGHT, groups=2),
        lambda: dealt(FOUR),
    ),
    "groups_order:outputs": (row(FOUR, FOUR_WEIGHT, groups=2), outputs_dealt),
    "groups_order:left out": (
        row(FOUR, FOUR_WEIGHT, groups=2),
        lambda: reference(FOUR[:, :2] + FOUR[:, 2:], FOUR_WEIGHT),
    ),
    "transposed_no_flip": (row(X, W, **STAMPED), lambda: np.correlate(stretched(2), W[0, 0])),
    "transposed_weight": (
        row(PAIR, T_WEIGHT, **STAMPED),
        lambda: reference(PAIR, T_WEIGHT.transpose(1, 0, 2), **STAMPED),
    ),
    "padding_ignored:transposed": (row(X, W, padding=2, **STAMPED), stamped),
    "padding_total:transposed": (row(X, W, padding=2, **STAMPED), lambda: stamped()[1:-1]),
    "padding_one_side:start": (row(X, W, padding=2, **STAMPED), lambda: stamped()[2:]),
    "padding_one_side:end": (row(X, W, padding=2, **STAMPED), lambda: stamped()[:-2]),
    "transposed_pads:to the input": (
        row(X, W, padding=2, **STAMPED),
        lambda: np.convolve(stretched(2), W[0, 0], "valid"),
    ),
    "transposed_pads:to the result": (
        row(X, W, padding=1, **STAMPED),
        lambda: np.pad(stamped(), 1),
    ),
    "output_padding_ignored": (
        row(X, W, padding=1, output_padding=1, **STAMPED),
        lambda: stamped()[1:-1],
    ),
    "output_padding_zeros:zeros": (
        row(X, W, padding=1, output_padding=1, **STAMPED),
        lambda: np.append(stamped()[1:-1], 0),
    ),
    "output_padding_zeros:before": (
        row(X, W, output_padding=1, **STAMPED),
        lambda: np.append(0, stamped()),
    ),
    "transposed_inverse": (
        Problem(
            np.correlate(X[0, 0], W[0, 0])[None, None], W, options={"transposed": True}, origin=X
        ),
        lambda: X,
    ),
    "layout_channels_last:output": (
        Problem(PAIR, PAIR_WEIGHT),
        lambda: PLAIN.transpose(0, 2, 1),
    ),
    "layout_channels_last:input": (
        row(PAIR[:, :, :2], PAIR_WEIGHT, padding=1),
        lambda: reference(PAIR[:, :, :2].transpose(0, 2, 1), PAIR_WEIGHT, padding=1),
    ),
    "missing_axis": (Problem(PAIR, PAIR_WEIGHT, exact_shape=True), lambda: PLAIN[0]),
    "extra_axis": (Problem(PAIR, PAIR_WEIGHT, exact_shape=True), lambda: PLAIN[None]),
}


def named(one: Mistake) -> str:
    return f"{one.code}:{one.variant}" if one.variant else one.code


def test_every_mistake_has_a_witness() -> None:
    assert set(WITNESSES) == {named(one) for one in MISTAKES}


@pytest.mark.parametrize("name", WITNESSES)
def test_mistakes_give_what_their_witness_gives(name: str) -> None:
    problem, witness = WITNESSES[name]
    one = mistake(*name.split(":"))
    wrong = one.apply(problem.run)
    assert wrong is not None
    expected = np.asarray(witness())
    assert wrong.output.reshape(-1).tolist() == expected.reshape(-1).tolist()
    if expected.ndim > 1:
        assert wrong.output.shape == expected.shape
    assert not np.array_equal(wrong.output, problem.answer)


@pytest.mark.parametrize("name", WITNESSES)
def test_mistakes_leave_the_right_run_alone(name: str) -> None:
    problem, _witness = WITNESSES[name]
    before = problem.run.input.copy(), problem.run.weight.copy(), dict(problem.run.options)
    wrong = mistake(*name.split(":")).apply(problem.run)
    assert wrong is not None
    assert wrong.output_shape == wrong.output.shape
    after = problem.run.input, problem.run.weight, dict(problem.run.options)
    assert all(np.array_equal(one, other) for one, other in zip(before[:2], after[:2], strict=True))
    assert before[2] == after[2]


def test_a_named_even_kernel_pads_before_where_same_pads_after() -> None:
    # keras#1092: "same" with an even kernel, the extra zero on the other side.
    problem = row(np.array([[[1, 2, 3]]]), np.array([[[1, 10]]]), padding="same")
    wrong = mistake("padding_one_side", "swapped").apply(problem.run)
    assert problem.answer.tolist() == [[[21, 32, 3]]]
    assert wrong is not None
    assert wrong.output.tolist() == [[[10, 21, 32]]]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("flip", row(X, np.array([[[2]]]))),
        ("flip", row(X, W, transposed=True)),
        ("padding_total", row(X, W, padding=1)),
        ("padding_ignored", row(X, W)),
        ("padding_total", row(X, W, transposed=True, padding=1)),
        ("mode_confused", row(X, W)),
        ("stride_as_gap", row(X, W)),
        ("dilation_as_gap", row(X, W)),
        ("stride_dilation_swapped", row(X, W, stride=2, dilation=2)),
        ("ceil", row(X, W)),
        ("ceil", row(X, W, stride=5)),
        ("axes_swapped", row(X, W, stride=2)),
        ("channels_independent", row(X, W)),
        ("bias_forgotten", row(X, W)),
        ("bias_per_pair", Problem(X, np.array([[[2]]]), [1])),
        ("groups_order", row(PAIR, PAIR_WEIGHT)),
        ("transposed_no_flip", row(X, W)),
        ("transposed_weight", row(X, W, transposed=True)),
        ("transposed_pads", row(X, W, transposed=True)),
        ("output_padding_zeros", row(X, W, transposed=True)),
        ("transposed_inverse", row(X, W, transposed=True)),
        ("layout_channels_last", row(X, W)),
    ],
)
def test_mistakes_do_not_apply_where_they_change_nothing(code: str, problem: Problem) -> None:
    applied = [one.apply(problem.run) for one in MISTAKES if one.code == code]
    assert applied
    assert applied == [None] * len(applied)


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_unbatched_layers_go_wrong_like_batched_ones(topic: str) -> None:
    problem = generate(topic, 3, 4)
    run = problem.run
    if not problem.about_output:
        return
    alone = run.changed(input=run.input[0], origin=None)
    for one in MISTAKES:
        batched, unbatched = one.apply(run.changed(origin=None)), one.apply(alone)
        if one.code == "missing_axis":
            assert unbatched is None
        elif batched is None:
            assert unbatched is None, one
        else:
            assert unbatched is not None, one
            whole, part = batched.output, unbatched.output
            assert whole.reshape(part.shape).tolist() == part.tolist(), one


@pytest.mark.parametrize("language", ["en", "zh"])
def test_mistakes_speak(language: str) -> None:
    with using_language(language):
        said = [one.words() for one in MISTAKES]
    assert all(text and text.strip() == text for words in said for text in words)
    assert len({words.explanation for words in said}) >= len(CODES)


def test_wrong_answers_are_each_mistake_once() -> None:
    problem = Problem(X, W, [5], {"padding": 2, "stride": 2})
    found = wrong_answers(problem)
    assert all(not problem.same(answer, problem.answer) for _mistakes, answer in found)
    assert {one.code for (one,), _answer in found} == {
        "padding_ignored",
        "padding_one_side",
        "padding_total",
        "mode_confused",
        "stride_ignored",
        "stride_as_gap",
        "stride_dilation_swapped",
        "ceil",
        "flip",
        "bias_forgotten",
        "bias_per_pair",
    }


def test_sizes_of_large_layers_take_no_memory() -> None:
    huge = Problem.of_shapes((64, 512, 224, 224), (512, 512, 3, 3), {"padding": 1, "stride": 2})
    found = {one[0].code: answer.tolist() for one, answer in wrong_answers(huge)}
    assert huge.answer.tolist() == [64, 512, 112, 112]
    assert found["channels_independent"] == [64, 512 * 512, 112, 112]
    assert found["layout_channels_last"] == [64, 112, 112, 512]
    assert found["missing_axis"] == [512, 112, 112]
    assert found["ceil"] == [64, 512, 113, 113]


def test_figures_of_the_source_article() -> None:
    # Its Conv1d(64, 32, 4, stride=2) on (3, 64, 128), and its row of ones.
    article = Problem.of_shapes((3, 64, 128), (32, 64, 4), {"stride": 2})
    assert article.answer.tolist() == [3, 32, 63]
    ones = row(np.ones((1, 1, 4), int), np.ones((1, 1, 3), int), padding=1)
    ignored = mistake("padding_ignored").apply(ones.run)
    assert ones.answer.tolist() == [[[2, 3, 3, 2]]]
    assert ignored is not None
    assert ignored.output.tolist() == [[[3, 3]]]


def test_output_size_is_the_output_padding_it_stands_for() -> None:
    problem = Problem(X, W, options={"transposed": True, "stride": 2, "output_size": 18})
    assert problem.run.options["output_padding"] == (1,)
    assert problem.answer.shape == (1, 1, 18)


def test_runs_tell_their_steps() -> None:
    run = Run(X, W, np.array([5]), {"padding": 1, "stride": 2})
    assert np.asarray(the_padded_input(run)).tolist() == [[[0, 3, 1, 4, 1, 5, 9, 2, 6, 0]]]
    assert np.asarray(AllProducts()(run)).tolist() == [
        [0, -3, 3],
        [2, -4, 3],
        [2, -5, 27],
        [18, -2, 18],
    ]
    assert np.asarray(AllSums()(run)).tolist() == [0, 1, 24, 34]
    assert np.asarray(Row()(run)).tolist() == [5, 6, 29, 39]
    assert np.asarray(Cell((0, 0, 2))(run)).tolist() == 29
    assert np.asarray(Seen((0, 0, 3))(run)).tolist() == [[9, 2, 6]]
    assert np.asarray(Window((0, 0, 0))(run)).tolist() == [-1, 0, 1]
    assert np.asarray(Positions((0, 0, 0))(run)).tolist() == [1, 2]
    assert the_size(run) == (4,)
    assert the_shape(run) == (1, 1, 4)


def test_padded_input_of_a_transposed_layer_has_its_zeros_inserted() -> None:
    run = Run(np.array([[[3, 4]]]), W, options=STAMPED)
    assert run.padded.tolist() == [[[0, 0, 3, 0, 4, 0, 0]]]


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_shapes_of_wrong_runs_are_known_before_they_are_computed(topic: str) -> None:
    for level in LEVELS:
        problem = generate(topic, level, 11)
        for one in MISTAKES:
            wrong = one.apply(problem.run)
            if wrong is not None and np.prod(wrong.output_shape) < 1000:
                assert wrong.output_shape == wrong.output.shape


def test_unknown_codes_are_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="padding_total"):
        mistake("padding_totel")
