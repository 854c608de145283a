"""Drawn problems: the same everywhere, small enough for paper, and no mistake hidden."""

from __future__ import annotations

import hashlib
import json
from itertools import combinations

import numpy as np
import pytest

from stepconv.classroom.asked import the_output, the_size
from stepconv.classroom.drawing import Draw
from stepconv.classroom.mistakes import CODES, MISTAKES
from stepconv.classroom.problem import Problem, Search
from stepconv.classroom.topics import LEVELS, TOPICS, Topic, generate, told_apart
from stepconv.classroom.topics.searches import one_padding, with_padding
from stepconv.errors import InputError
from tests.helpers import Array

ALIKE_AS_SIZES = {"padding_total", "padding_one_side"}
EACH = [(topic, level) for topic in TOPICS for level in LEVELS]
IDS = [f"{topic.name}-{level}" for topic, level in EACH]
PINNED_DRAWS = [502, 614, 979, 217, 758, 532]
PINNED_PROBLEMS = "eae725029f8d7cc08e07b7c3cbde0cc0d3144ff127b25b0971cf1d1fea6001ea"
PINNED_STRIDE = [[[7, 5, 0, 9, 3, 9, 7, 3, 6, 3]]]


def fingerprint(problem: Problem) -> str:
    run = problem.run
    hollow = not any(run.input.strides)
    said = [
        run.input.shape if hollow else run.input.tolist(),
        run.weight.shape if hollow else run.weight.tolist(),
        None if run.bias is None else run.bias.tolist(),
        sorted(run.options.items()),
        problem.answer.tolist(),
    ]
    return json.dumps(said)


def test_draws_are_those_of_pcg64_and_no_generator() -> None:
    draw = Draw(7, "padding")
    assert [draw.below(1000) for _ in range(6)] == PINNED_DRAWS
    assert Draw(3, "a").below(2**40) != Draw(3, "b").below(2**40)
    assert Draw("3", "a").below(2**40) == Draw(3, "a").below(2**40)


def test_bounded_draws_are_even() -> None:
    draw = Draw("even")
    counts = np.bincount([draw.below(6) for _ in range(6000)], minlength=6)
    assert counts.min() > 880
    assert counts.max() < 1120


def test_a_seed_gives_the_same_problem_on_every_machine() -> None:
    said = [fingerprint(generate(topic.name, level, 1)) for topic, level in EACH]
    assert hashlib.sha256("\n".join(said).encode()).hexdigest() == PINNED_PROBLEMS
    assert generate("stride", 2, 9).run.input.tolist() == PINNED_STRIDE


def test_seeds_give_different_problems() -> None:
    said = {fingerprint(generate("padding", 1, seed)) for seed in range(50)}
    assert len(said) == 50


@pytest.mark.parametrize(("topic", "level"), EACH, ids=IDS)
def test_no_mistake_hides_in_a_drawn_problem(topic: Topic, level: int) -> None:
    for seed in range(3):
        hold_apart(topic, level, seed)


@pytest.mark.slow
@pytest.mark.parametrize(("topic", "level"), EACH, ids=IDS)
def test_no_mistake_hides_in_2000_drawn_problems(topic: Topic, level: int) -> None:
    for seed in range(100, 100 + -(-2000 // len(EACH))):
        hold_apart(topic, level, seed)


def hold_apart(topic: Topic, level: int, seed: int) -> None:
    """Compare the truth and all wrong answers with one another, pair by pair."""
    problem = generate(topic.name, level, seed)
    answers: list[tuple[str, Array]] = [("", problem.answer)]
    for one in MISTAKES:
        wrong = one.apply(problem.run)
        if wrong is None or isinstance(problem, Search):
            continue
        answer = problem.read(wrong)
        assert answer is not None, one
        invisible = one.code in ("missing_axis", "extra_axis") and not problem.exact_shape
        unmoved = not problem.about_output and answer.tolist() == problem.answer.tolist()
        if not invisible and not unmoved:
            answers.append((one.code, answer))
    for (code, answer), (other, known) in combinations(answers, 2):
        alike = not problem.about_output and {code, other} == ALIKE_AS_SIZES
        if code != other and not alike:
            assert not problem.same(answer, known), (topic.name, level, seed, code, other)
    shown = told_apart(problem)
    assert shown is not None
    assert shown >= set(topic.focus[level - 1])


@pytest.mark.parametrize(("topic", "level"), EACH, ids=IDS)
def test_problems_can_be_done_by_hand(topic: Topic, level: int) -> None:
    problem = generate(topic.name, level, 5)
    run = problem.run
    if problem.asked is not the_output:
        assert max(run.input.shape) <= 50
        return
    assert np.abs(run.input).max() * np.abs(run.weight).max() <= 81
    assert np.abs(run.output).max() <= 200
    assert 2 <= run.output.size <= 20
    assert run.trace.products.size <= 220


def test_first_level_has_no_negative_numbers() -> None:
    for topic in TOPICS:
        run = generate(topic.name, 1, 2).run
        assert run.input.min() >= 0
        assert run.weight.min() >= 0


def test_every_mistake_is_the_focus_of_some_topic() -> None:
    assert {code for topic in TOPICS for codes in topic.focus for code in codes} == set(CODES)


def test_topics_have_names_and_titles_of_their_own() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert len({topic.title() for topic in TOPICS}) == len(TOPICS)


def test_unknown_topics_and_levels_are_refused() -> None:
    with pytest.raises(InputError, match="one of padding"):
        generate("pading")
    with pytest.raises(InputError, match="none of 1, 2 and 3"):
        generate("padding", level=4)
    with pytest.raises(InputError, match="none of 1, 2 and 3"):
        generate("padding", level=True)


def test_any_setting_that_leads_there_is_right() -> None:
    # With stride 3 paddings 1 and 2 both give (10 + 2p − 3) // 3 + 1 = 4.
    shapes = Problem.of_shapes((1, 1, 10), (1, 1, 3), {"stride": 3, "padding": 1}, the_size)
    search = Search(shapes, one_padding, with_padding, range(8))
    right = [int(one) for one in search.candidates if search.right(one)]
    assert search.answer.item() == 1
    assert right == [1, 2]


def test_settings_that_do_not_fit_are_refused() -> None:
    for topic in ("find-padding", "find-kernel"):
        with pytest.raises(InputError, match="does not fit"):
            generate(topic, 2, 3).right(np.array([-1.5]))
