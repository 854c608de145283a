"""diagnose(): the mistake made is the one named, and nothing is named without reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from stepconv.classroom.asked import Cell, the_padded_input
from stepconv.classroom.diagnosis import diagnose, first_difference
from stepconv.classroom.drawing import Draw
from stepconv.classroom.mistakes import CODES, MISTAKES, mistake, wrong_answers
from stepconv.classroom.problem import Problem, Search
from stepconv.classroom.topics import LEVELS, TOPICS, generate
from stepconv.errors import InputError
from tests.helpers import Array

VALUES = [topic.name for topic in TOPICS if generate(topic.name, 1, 0).about_output]
ROW = Problem([[[3, 1, 4, 1, 5, 9, 2, 6]]], [[[2, -1, 3]]], [7], {"padding": 1, "stride": 2})
GRID = Problem(
    [[[[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8], [9, 7, 9, 3]]]],
    [[[[1, 2], [4, -6]]], [[[3, -1], [2, 5]]]],
    options={"padding": 1},
)


def showing(code: str) -> list[tuple[str, int]]:
    """Topics and levels whose every problem can show a mistake."""
    found = [
        (topic.name, level)
        for topic in TOPICS
        for level in LEVELS
        if code in topic.focus[level - 1] and topic.name != "find-padding"
    ]
    assert found, code
    return found


def told_first(code: str, count: int) -> None:
    topics = showing(code)
    for seed in range(count):
        topic, level = topics[seed % len(topics)]
        problem = generate(topic, level, seed)
        answers = [answer for (one,), answer in wrong_answers(problem) if one.code == code]
        assert answers, (topic, level, seed)
        for answer in answers:
            found = diagnose(problem, answer)
            assert not found.correct
            assert found.codes == (code,), (topic, level, seed, found.explanations)
            assert np.array_equal(found.explanations[0].answer, answer)


@pytest.mark.parametrize("code", CODES)
def test_a_mistake_made_is_named_first(code: str) -> None:
    told_first(code, 5)


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_a_mistake_made_is_named_first_in_200_problems(code: str) -> None:
    told_first(code, 200)


def drawn(count: int, names: list[str]) -> Iterator[tuple[Problem, Draw]]:
    for k in range(count):
        yield generate(names[k % len(names)], 1 + k // len(names) % 3, k), Draw("answer", k)


def right_ones_are_right(count: int) -> None:
    for problem, _draw in drawn(count, [topic.name for topic in TOPICS]):
        found = diagnose(problem, problem.answer)
        assert found.correct
        assert not found.explanations
        assert not found.facts
        assert found.difference is None


def test_right_answers_get_no_name() -> None:
    right_ones_are_right(100)


@pytest.mark.slow
def test_right_answers_get_no_name_in_1000() -> None:
    right_ones_are_right(1000)


def random_ones_are_unexplained(count: int) -> None:
    for problem, draw in drawn(count, VALUES):
        right = problem.answer
        blind = draw.whole(right.shape, int(right.min()), int(right.max()))
        if np.array_equal(blind, right):
            continue
        found = diagnose(problem, blind)
        assert not found.explanations, (problem, blind.tolist(), found.explanations)


def test_random_answers_get_no_name() -> None:
    random_ones_are_unexplained(60)


@pytest.mark.slow
def test_random_answers_get_no_name_in_1000() -> None:
    random_ones_are_unexplained(1000)


def two_mistakes(problem: Problem, draw: Draw) -> tuple[set[str], Array] | None:
    """Make two mistakes one after the other; None where they come to one, or to none."""
    applied = [(one, run) for one in MISTAKES if (run := one.apply(problem.run)) is not None]
    first, run = draw.pick(applied)
    second, _alone = draw.pick(applied)
    both = second.apply(run)
    if first.code == second.code or both is None:
        return None
    answer = problem.read(both)
    fewer = [problem.answer, *(problem.read(run) for _one, run in applied)]
    if answer is None or any(one is not None and problem.same(one, answer) for one in fewer):
        return None
    return {first.code, second.code}, answer


def pairs_found(count: int) -> tuple[int, int]:
    found = made = k = 0
    while made < count:
        k += 1
        problem = generate(VALUES[k % len(VALUES)], 1 + k // len(VALUES) % 3, k)
        pair = two_mistakes(problem, Draw("pair", k))
        if pair is None:
            continue
        made += 1
        codes, answer = pair
        explanations = diagnose(problem, answer).explanations
        found += any(set(one.codes) == codes for one in explanations)
        assert all(len(one.codes) == 2 for one in explanations)
    return found, made


def test_pairs_of_mistakes_are_found() -> None:
    found, made = pairs_found(20)
    assert found >= 0.8 * made


@pytest.mark.slow
def test_pairs_of_mistakes_are_found_in_nine_of_ten() -> None:
    found, made = pairs_found(200)
    assert found >= 0.9 * made


def test_what_cannot_be_told_apart_is_given_as_several() -> None:
    sizes = Problem.of_shapes((1, 1, 10), (1, 1, 5), {"padding": 2})
    found = [one.mistakes[0] for one in diagnose(sizes, (1, 1, 8)).explanations]
    assert [(one.code, one.variant) for one in found] == [
        ("padding_total", ""),
        ("padding_one_side", "before"),
        ("padding_one_side", "after"),
    ]


def test_borders_that_hold_the_same_are_both_named() -> None:
    # One cell beyond the edge, replicate and symmetric copy the same number.
    wrong = mistake("mode_confused", "replicate").apply(ROW.run)
    assert wrong is not None
    found = diagnose(ROW, wrong.output).explanations
    assert [one.mistakes[0].variant for one in found] == ["replicate", "symmetric"]


def test_a_padding_cell_too_many_is_not_called_a_rounded_size() -> None:
    asked = Problem([[[3, 1, 4, 1, 5]]], [[[2, -1]]], options={"padding": 1, "stride": 4})
    assert "ceil" in {one.code for (one,), _answer in wrong_answers(asked)}
    longer = diagnose(asked.asking(the_padded_input), [0, 3, 1, 4, 1, 5, 0, 0, 0, 0])
    assert not longer.explanations
    ceil = mistake("ceil").apply(asked.run)
    assert ceil is not None
    assert ceil.padded.tolist() == asked.run.padded.tolist()
    assert ceil.output_shape == (1, 1, 3)


def test_advice_on_sides_is_true_where_they_differ() -> None:
    asked = Problem([[[3, 1, 4, 1, 5]]], [[[2, -1, 3]]], options={"padding": ((1, 2),)})
    for (one,), answer in wrong_answers(asked):
        if one.code in ("padding_one_side", "padding_total"):
            found = diagnose(asked, answer).explanations[0].mistakes[0]
            assert "same number" not in found.advice
            assert "as many again" not in found.advice
            assert "every side" not in found.explanation


def test_pairs_are_not_guessed_from_one_number() -> None:
    asked = ROW.asking(Cell((0, 0, 1)))
    wrong = int(asked.answer) + np.arange(-30, 30)
    found = [diagnose(asked, value) for value in wrong]
    assert all(len(one.codes) == 1 for result in found for one in result.explanations)


def test_an_explanation_of_one_number_is_not_sure() -> None:
    wrong = mistake("flip").apply(ROW.run)
    assert wrong is not None
    assert diagnose(ROW, wrong.output).sure
    asked = ROW.asking(Cell((0, 0, 2)))
    found = diagnose(asked, wrong.output[0, 0, 2])
    assert found.codes == ("flip",)
    assert not found.sure


def test_a_search_explains_an_answer_by_where_it_leads() -> None:
    problem = generate("find-padding", 1, 4)
    assert isinstance(problem, Search)
    answers = {one.code: answer for (one,), answer in wrong_answers(problem)}
    found = diagnose(problem, answers["padding_total"])
    assert {code for one in found.explanations for code in one.codes} == {
        "padding_total",
        "padding_one_side",
    }
    assert found.difference is None


@pytest.mark.parametrize(
    ("problem", "change", "code"),
    [
        (ROW, lambda right: right + 3, "bias"),
        (GRID, lambda right: right + np.array([2, -5]).reshape(2, 1, 1), "bias"),
        (ROW, lambda right: right[..., ::-1], "reversed"),
        (GRID, lambda right: right[..., ::-1], "reversed"),
        (GRID, lambda right: right.transpose(0, 2, 1, 3), "transposed"),
        (ROW, lambda right: right.reshape(2, 2), "layout"),
        (GRID, lambda right: right.reshape(-1), "layout"),
        (ROW, lambda right: np.roll(right, 1), "shifted"),
        (ROW, lambda right: right[..., [1, 0, 3, 2]], "order"),
        (ROW, lambda right: -right, "sign"),
        (ROW, lambda right: 3 * right, "factor"),
        (ROW, lambda right: right + np.array([0, 0, 1, 0]), "one_cell"),
        (ROW, lambda right: right * [1, -1, 1, 1], "one_cell"),
        (ROW, lambda right: right + np.array([0, 0, 1, 2]), "up_to"),
        (ROW, lambda right: right + np.array([3, 0, 1, 2]), "some"),
        (GRID, lambda right: right + touching((5, 5)), "border"),
        (GRID, lambda right: right + np.arange(50).reshape(1, 2, 5, 5) // 25, "bias"),
        (GRID, lambda right: right + spoilt_channel(), "one_channel"),
        (ROW, lambda right: right[..., :3], "missing"),
        (ROW, lambda right: np.append(right, 4), "too_many"),
        (ROW, lambda right: right[..., :3] + 50, "count"),
        (GRID, lambda right: np.arange(50).reshape(5, 10), "shape"),
        (ROW, lambda right: right * np.nan, "not_finite"),
    ],
)
def test_facts_say_what_is_right_where_no_mistake_explains(
    problem: Problem, change: Any, code: str
) -> None:
    found = diagnose(problem, change(problem.answer))
    assert not found.correct
    assert not found.explanations
    assert found.facts[0].code == code, found.facts
    assert all(fact.text.endswith(".") and "{" not in fact.text for fact in found.facts)


def touching(size: tuple[int, int]) -> Array:
    wrong = np.zeros(size, int)
    wrong[0], wrong[-1], wrong[:, 0] = np.arange(1, 6), 2, 3
    return wrong


def spoilt_channel() -> Array:
    wrong = np.zeros((1, 2, 5, 5), int)
    wrong[0, 1] = np.arange(25).reshape(5, 5) % 7
    return wrong


def test_one_slip_is_placed_measured_and_traced_to_its_product() -> None:
    # Cell 2 sums 2 − 5 + 27, and the bias 7.
    place = [0, 0, 2]
    missing = diagnose(ROW, ROW.answer - np.array([0, 0, 27, 0]))
    assert missing.difference == (0, 0, 2)
    assert [fact.code for fact in missing.facts] == ["one_cell", "product_missing"]
    assert str(place) in missing.facts[0].text
    assert "-27" in missing.facts[0].text
    assert "[0, 2]" in missing.facts[1].text
    twice = diagnose(ROW, ROW.answer + np.array([0, 0, -5, 0]))
    assert [fact.code for fact in twice.facts] == ["one_cell", "product_twice"]


def test_several_facts_may_hold_and_never_contradict() -> None:
    for problem, draw in drawn(60, VALUES):
        answer = problem.answer.copy()
        answer.reshape(-1)[draw.below(answer.size)] += draw.pick((-2, -1, 1, 2))
        found = diagnose(problem, answer)
        if not found.explanations:
            assert "one_cell" in [fact.code for fact in found.facts]
            assert found.difference is not None


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        ([1, 2, 3], [1, 2, 3], None),
        ([[1, 2, 3]], [1, 5], (0, 1)),
        ([1, 2], [1, 2, 3], (2,)),
        ([[1, 2], [3, 4]], [[1, 2]], (1, 0)),
        ([[1, 2], [3, 4]], [[1], [3]], (0, 1)),
    ],
)
def test_results_part_at_the_first_number_that_differs(
    one: Any, other: Any, place: tuple[int, ...] | None
) -> None:
    assert first_difference(np.array(one), np.array(other)) == place


def test_leading_axes_may_be_left_out_on_paper_alone() -> None:
    assert diagnose(ROW, ROW.answer[0, 0]).correct
    assert diagnose(ROW, ROW.answer[None]).correct
    strict = Problem(ROW.run.input, ROW.run.weight, ROW.run.bias, ROW.run.options, exact_shape=True)
    assert diagnose(strict, strict.answer[0]).codes == ("missing_axis",)
    assert diagnose(strict, strict.answer[None]).codes == ("extra_axis",)


def test_answers_need_be_right_to_the_digits_asked_for() -> None:
    thirds = Problem([[[1.0, 2.0, 4.0]]], [[[1 / 3, 1 / 7]]], decimals=2)
    assert diagnose(thirds, [0.62, 1.24]).correct
    assert not diagnose(thirds, [0.62, 1.25]).correct
    assert diagnose(thirds, [0.81, 1.62]).codes == ("flip",)
    exact = Problem([[[1.0, 2.0, 4.0]]], [[[1 / 3, 1 / 7]]])
    assert not diagnose(exact, [0.62, 1.24]).correct
    assert diagnose(exact, [1 / 3 + 2 / 7, 2 / 3 + 4 / 7]).correct


def test_float32_answers_are_not_wrong_for_their_rounding() -> None:
    rng = np.random.default_rng(5)
    image, weight = rng.normal(size=(1, 3, 9)), rng.normal(size=(2, 3, 3))
    problem = Problem(image, weight)
    assert diagnose(problem, problem.answer.astype(np.float32)).correct


@pytest.mark.parametrize("wrong", [1e15, np.inf, -np.inf, np.nan])
def test_one_monstrous_number_does_not_make_the_others_near_enough(wrong: float) -> None:
    answer = ROW.answer.astype(float)
    answer[0, 0, 0] = wrong
    assert not diagnose(ROW, answer).correct
    answer[0, 0, 1:] += 1
    assert diagnose(ROW, answer).difference == (0, 0, 0)
    alone = ROW.asking(Cell((0, 0, 1)))
    assert not diagnose(alone, wrong).correct


@pytest.mark.parametrize("huge", [1e308, -1e308, 1e200])
@pytest.mark.filterwarnings("error")
def test_huge_numbers_are_diagnosed_without_a_warning(huge: float) -> None:
    for problem in (ROW, GRID):
        assert not diagnose(problem, np.full(problem.answer.shape, huge)).correct
        one = problem.answer.astype(float)
        one.flat[0] = -huge
        assert not diagnose(problem, one).correct


def test_large_problems_are_not_tried_for_pairs() -> None:
    rng = np.random.default_rng(2)
    problem = Problem(
        rng.integers(0, 9, (1, 8, 40, 40)),
        rng.integers(-4, 5, (8, 8, 3, 3)),
        options={"padding": 1},
    )
    assert not diagnose(problem, rng.integers(0, 99, (1, 8, 40, 40))).explanations


@pytest.mark.parametrize("answer", ["two", None, [[1, 2], [3]], [1, "x"], object(), {"a": 1}])
def test_what_is_no_array_of_numbers_is_refused(answer: Any) -> None:
    with pytest.raises(InputError):
        diagnose(ROW, answer)


@given(
    arrays.arrays(
        st.sampled_from([np.int64, np.float64, np.bool_, np.uint8, np.complex128]),
        arrays.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=4),
    ),
    st.sampled_from(["padding", "groups", "transposed", "sizes", "find-kernel", "shapes"]),
)
def test_no_array_of_numbers_stops_a_diagnosis(answer: Array, topic: str) -> None:
    problem = generate(topic, 2, 1)
    try:
        found = diagnose(problem, answer)
    except InputError:
        assert isinstance(problem, Search)
        return
    assert found.correct == problem.right(problem.numbers(answer))


def test_explanations_can_be_replayed_beside_the_right_run() -> None:
    wrong = mistake("stride_as_gap").apply(ROW.run)
    assert wrong is not None
    found = diagnose(ROW, wrong.output)
    assert found.explanations[0].run.trace.output.tolist() == wrong.output.tolist()
    assert found.explanations[0].run.trace.spec.stride == (3,)
