"""Practice: what is missed comes back sooner, both ways stand side by side, and keys lead on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from stepconv.bundled import bundled_folder
from stepconv.classroom.drawing import Draw
from stepconv.classroom.mistakes import CODES, wrong_answers
from stepconv.classroom.practice import OUTCOMES, Comparison, Course, Result, Schedule
from stepconv.classroom.practice.course import level_of, topics_of
from stepconv.classroom.practice.keeping import Keeper
from stepconv.classroom.practice.schedule import AFTER_MISS, LONGEST, NEW
from stepconv.classroom.practice.summary import ABOUT, LESSONS, Summary
from stepconv.classroom.problem import Search
from stepconv.classroom.questions import KINDS, Question, kinds_for, question
from stepconv.classroom.questions.wording import written
from stepconv.classroom.topics import LEVELS, TOPICS
from stepconv.errors import InputError
from stepconv.lessons.drill import Drill
from stepconv.views.classroom.beside import Beside
from stepconv.views.classroom.given import Given
from stepconv.views.theme import Look
from tests import snapshot

NAMES = [one.name for one in TOPICS]
EACH = [(topic, kind.name) for topic in NAMES for kind in kinds_for(topic)]

histories = st.lists(st.tuples(st.sampled_from(NAMES[:6]), st.sampled_from(OUTCOMES)), max_size=25)
topic_lists = st.integers(1, 6).map(lambda count: NAMES[:count])


def after(history: list[tuple[str, str]]) -> Schedule:
    schedule = Schedule()
    for topic, outcome in history:
        schedule = schedule.after(topic, outcome)
    return schedule


def returns(schedule: Schedule, topic: str, topics: list[str], seed: int, most: int = 80) -> int:
    """How many questions lie between now and the next on `topic`, all others being right."""
    for count in range(most):
        found = schedule.next(topics, Draw(seed, schedule.turn))
        if found == topic:
            return count
        schedule = schedule.after(found, "right")
    return most


# -- the schedule


@given(histories, topic_lists, st.integers(0, 50), st.data())
def test_what_is_missed_never_comes_later_than_what_is_known(
    history: list[tuple[str, str]], topics: list[str], seed: int, data: st.DataObject
) -> None:
    schedule, topic = after(history), data.draw(st.sampled_from(topics))
    distances = [
        returns(schedule.after(topic, outcome), topic, topics, seed)
        for outcome in ("wrong", "helped", "right")
    ]
    assert distances == sorted(distances)


@pytest.mark.parametrize("outcome", ["wrong", "shown", "skipped"])
@pytest.mark.parametrize("topic", NAMES)
def test_a_missed_topic_comes_back_after_two_others(topic: str, outcome: str) -> None:
    schedule = Schedule()
    assert returns(schedule.after(topic, outcome), topic, NAMES, 1) == AFTER_MISS
    assert returns(schedule.after(topic, "helped"), topic, NAMES, 1) == AFTER_MISS + 1
    assert returns(schedule.after(topic, "right"), topic, NAMES, 1) == 3 * AFTER_MISS


@given(histories, topic_lists, st.integers(0, 50))
def test_no_topic_comes_twice_in_a_row_unless_it_is_the_only_one(
    history: list[tuple[str, str]], topics: list[str], seed: int
) -> None:
    schedule = after(history)
    found = schedule.next(topics, Draw(seed))
    assert found in topics
    assert len(topics) == 1 or found != schedule.last


@given(histories, st.integers(0, 50))
def test_whatever_was_missed_every_topic_comes_once_it_goes_well(
    history: list[tuple[str, str]], seed: int
) -> None:
    schedule = after(history)
    assert all(returns(schedule, topic, NAMES[:6], seed) < 80 for topic in NAMES[:6])


@given(st.integers(0, 50), st.lists(st.sampled_from(OUTCOMES), min_size=54, max_size=54))
def test_every_topic_comes_however_it_goes(seed: int, outcomes: list[str]) -> None:
    schedule = Schedule()
    for outcome in outcomes:
        topic = schedule.next(NAMES, Draw(seed, schedule.turn))
        schedule = schedule.after(topic, outcome)
    assert set(schedule.standings) == set(NAMES)


def test_what_is_always_known_comes_ever_more_seldom() -> None:
    schedule, gaps = Schedule(), []
    for _turn in range(6):
        schedule = schedule.after("bias", "right")
        gaps.append(schedule.standings["bias"].gap)
    assert gaps == [6, 12, 24, 48, 48, 48]
    assert schedule.after("bias", "wrong").standings["bias"].gap == AFTER_MISS


def test_new_topics_come_in_about_the_order_of_teaching() -> None:
    firsts = {Schedule().next(NAMES, Draw(seed)) for seed in range(60)}
    assert firsts == set(NAMES[:NEW])


@given(histories)
def test_a_schedule_is_read_as_it_was_written(history: list[tuple[str, str]]) -> None:
    schedule = after(history)
    assert Schedule.read(json.loads(json.dumps(schedule.written()))) == schedule


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "turn": anything,
            "last": anything,
            "topics": anything
            | st.dictionaries(
                st.sampled_from(NAMES),
                st.fixed_dictionaries({}, optional={"gap": anything, "due": anything}),
            ),
        },
    )
)
def test_a_file_edited_by_hand_does_no_harm(state: dict[str, object]) -> None:
    schedule = Schedule.read(state)
    assert schedule.next(NAMES, Draw(1)) in NAMES
    changed = schedule.after("bias", "right")
    assert changed.turn == schedule.turn + 1
    assert 1 <= changed.standings["bias"].gap <= LONGEST


# -- kept between sessions


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STEPCONV_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def test_what_was_missed_yesterday_comes_back_today(folder: Path) -> None:
    yesterday = Keeper()
    for topic, outcome in [("stride", "wrong"), ("bias", "right"), ("valid", "right")]:
        yesterday.keep(topic, outcome)
    today = Course(1, schedule=Keeper().schedule())
    assert today.topic == "stride"
    assert yesterday.problem is None


def test_two_sessions_at_once_keep_the_answers_of_both(folder: Path) -> None:
    one, other = Keeper(), Keeper()
    one.keep("bias", "right")
    other.keep("stride", "wrong")
    one.keep("valid", "right")
    schedule = Keeper().schedule()
    assert schedule.turn == 3
    assert set(schedule.standings) == {"bias", "stride", "valid"}


def test_a_damaged_file_is_set_aside(folder: Path) -> None:
    folder.mkdir()
    (folder / "practice.json").write_text("[damaged")
    keeper = Keeper()
    assert keeper.schedule() == Schedule()
    assert keeper.aside is not None
    assert keeper.aside.read_text() == "[damaged"


def test_where_nothing_can_be_kept_practice_goes_on(folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    keeper = Keeper()
    assert keeper.schedule() == Schedule()
    keeper.keep("bias", "right")
    assert "STEPCONV_DATA_DIR" in str(keeper.problem)


# -- the questions of a session


def test_the_same_seed_and_outcomes_ask_the_same_questions() -> None:
    def asked(seed: int | str) -> list[tuple[str, str, str, str]]:
        course = Course(seed)
        for number in range(6):
            course = course.closed(OUTCOMES[number % 3])
        return [(one.topic, one.kind, one.seed, one.outcome) for one in course.results]

    assert asked("7") == asked(7)
    assert asked(7) != asked(8)


def test_questions_of_a_session_differ_from_one_another() -> None:
    course = Course(3, topics=("padding",))
    given_numbers = []
    for _number in range(4):
        given_numbers.append(course.question.given)
        course = course.closed("right")
    assert len(set(given_numbers)) == 4


def test_topics_are_named_with_commas_of_any_kind() -> None:
    assert topics_of("stride，padding") == ("padding", "stride")
    assert topics_of(None) == tuple(NAMES)
    with pytest.raises(InputError, match="padding"):
        topics_of("pading")


@pytest.mark.parametrize("level", [0, 4, -1])
def test_there_are_three_levels(level: int) -> None:
    with pytest.raises(InputError, match="1, 2 and 3"):
        level_of(level)


# -- both ways side by side


@pytest.mark.parametrize(("topic", "kind"), EACH)
def test_both_ways_show_the_numbers_they_lead_to(topic: str, kind: str) -> None:
    one = question(topic, 2, 4, kind)
    compared = 0
    for _mistakes, answer in wrong_answers(one.problem):
        text = written(answer, ", " if kind in ("size", "shape") else "; ")
        verdict = one.judge(text)
        if verdict.unreadable or verdict.diagnosis is None:
            continue
        found = Comparison.of(one, text, verdict.diagnosis, verdict.cell)
        if found is None:
            continue
        compared += 1
        assert found.wrong is not None
        if one.trace is None:
            assert found.cell is None
            assert found.wrong.output_shape != found.right.output_shape
            continue
        assert found.cell is not None
        placement = found.placement()
        assert placement is None or placement.output == found.right.output[found.cell]
        mistaken = found.mistaken()
        if mistaken is not None and found.has_cell:
            assert mistaken.output == found.wrong.output[found.cell]
    assert compared, "no mistake can be shown"


@pytest.mark.parametrize("topic", [topic for topic, kind in EACH if kind == "row"])
def test_whole_outputs_are_compared_from_the_first_number_that_differs(topic: str) -> None:
    one = question(topic, 1, 2, "row")
    for _mistakes, answer in wrong_answers(one.problem):
        verdict = one.judge(written(answer))
        if verdict.diagnosis is None or verdict.diagnosis.correct:
            continue
        found = Comparison.of(one, written(answer), verdict.diagnosis, verdict.cell)
        assert found is not None
        assert found.wrong is not None
        assert found.cell is not None
        before = found.cells[: found.number]
        right, wrong = found.right.output, found.wrong.output
        assert all(right[cell] == wrong[cell] for cell in before)
        if found.has_cell and found.placement() is not None:
            assert right[found.cell] != wrong[found.cell]


def test_a_cell_too_many_is_shown_as_one_that_is_not_there() -> None:
    one = next(
        one
        for seed in range(20)
        if "ceil" in [codes[0].code for codes, _answer in wrong_answers(row(seed).problem)]
        for one in [row(seed)]
    )
    answer = next(a for codes, a in wrong_answers(one.problem) if codes[0].code == "ceil")
    verdict = one.judge(written(answer))
    assert verdict.diagnosis is not None
    found = Comparison.of(one, written(answer), verdict.diagnosis, verdict.cell)
    assert found is not None
    assert found.placement() is None
    assert found.mistaken() is not None
    assert found.number == one.problem.answer.size


def row(seed: int) -> Question:
    return question("stride", 1, seed, "row")


def test_a_number_that_nothing_explains_stands_beside_the_right_one() -> None:
    one = question("padding", 1, 1, "row")
    numbers = one.right_answer.split()
    numbers[2] = "999"
    text = " ".join(numbers)
    verdict = one.judge(text)
    assert verdict.diagnosis is not None
    found = Comparison.of(one, text, verdict.diagnosis, verdict.cell)
    assert found is not None
    assert found.telling
    assert found.cell == (0, 0, 2)
    assert found.written is not None
    assert found.written.item() == 999
    assert found.mistaken() is None
    assert found.at(0).written is not None


def test_a_comparison_of_one_number_is_known_to_tell_it() -> None:
    cell, row = question("padding", 1, 1, "cell"), question("padding", 1, 1, "row")
    for one, tells in ((cell, True), (row, False)):
        answer = written(wrong_answers(one.problem)[0][1])
        verdict = one.judge(answer)
        assert verdict.diagnosis is not None
        found = Comparison.of(one, answer, verdict.diagnosis, verdict.cell)
        assert found is not None
        assert found.tells == tells


def test_where_a_kernel_is_wanted_the_right_one_is_not_shown() -> None:
    one = question("find-kernel", 1, 1)
    answer = written(np.flip(one.problem.answer, -1))
    verdict = one.judge(answer)
    assert verdict.diagnosis is not None
    found = Comparison.of(one, answer, verdict.diagnosis, verdict.cell)
    assert found is not None
    assert isinstance(one.problem, Search)
    assert not found.tells
    placement = found.placement()
    assert placement is not None
    assert placement.weights.reshape(-1).tolist() == [int(n) for n in answer.split()]
    assert found.seen is not None
    assert found.cell is not None
    assert found.seen == one.problem.seen[found.cell]
    assert placement.output != found.seen


@pytest.mark.parametrize(("width", "together"), [(80, True), (60, True), (40, False), (30, False)])
def test_both_ways_stand_side_by_side_or_below_one_another(width: int, together: bool) -> None:
    one = question("padding", 1, 1, "row")
    verdict = one.judge("20 11 16 12")
    assert verdict.diagnosis is not None
    found = Comparison.of(one, "20 11 16 12", verdict.diagnosis, verdict.cell)
    assert found is not None
    lines = snapshot.plain(Beside(found, Look(color=False)), width).splitlines()
    sums = [line for line in lines if "sum" in line]
    assert [line.split() for line in sums] == (
        [["sum", "19", "sum", "20"]] if together else [["sum", "19"], ["sum", "20"]]
    )
    assert sum("▸ x" in line for line in lines) == 3, "what differs is marked, also without colour"


def test_channels_stand_beside_their_kernels_where_there_is_room() -> None:
    lines = (("input channel 1", "1 -2"), ("input channel 2", "3 4"), ("kernel 1", "5 6"))
    wide = snapshot.plain(Given(lines, Look(color=False), inputs=2), 60).splitlines()
    narrow = snapshot.plain(Given(lines, Look(color=False), inputs=2), 30).splitlines()
    assert wide == [
        "  input channel 1  1 -2    kernel 1  5 6",
        "  input channel 2  3  4",
    ]
    assert [line.split()[0] for line in narrow] == ["input", "input", "kernel"]


# -- keys


def drilled(*keys: str, **options: object) -> Drill:
    drill = Drill(Course(7, topics=("padding",)), **options)  # type: ignore[arg-type]  # by name
    for key in keys:
        drill = drill.press(key)
    return drill


def right(drill: Drill) -> Drill:
    for key in drill.asked.right_answer:
        drill = drill.press("space" if key == " " else key)
    return drill.press("enter")


@pytest.mark.parametrize(
    ("keys", "outcome"),
    [
        ((), "right"),
        (("h",), "helped"),
        (("r",), "helped"),
        (("9", "9", "enter"), "wrong"),
        (("9", "9", "enter", "h"), "wrong"),
    ],
)
def test_an_answer_counts_as_it_came_about(keys: tuple[str, ...], outcome: str) -> None:
    drill = drilled(*keys).returned()
    closed = right(drill).press("right")
    assert [one.outcome for one in closed.course.results] == [outcome]
    assert closed.course.number == 2
    assert not closed.attempt.outcome


@pytest.mark.parametrize(
    ("keys", "outcome"), [("x", "shown"), ("hx", "shown"), ("", "skipped"), ("h", "skipped")]
)
def test_what_is_not_answered_is_shown_or_passed_over(keys: str, outcome: str) -> None:
    assert drilled(*keys, "right").course.results[0].outcome == outcome


def test_looking_after_the_answer_is_no_help() -> None:
    drill = right(drilled()).press("r").returned().press("right")
    assert drill.course.results[0].outcome == "right"


@pytest.mark.parametrize("key", ["q", "escape", "ctrl-c"])
def test_leaving_counts_a_question_only_if_it_was_tried(key: str) -> None:
    assert drilled(key).done
    assert not drilled("h", key).course.results
    assert [one.outcome for one in drilled("9", "9", "enter", key).course.results] == ["wrong"]
    assert [one.outcome for one in right(drilled()).press(key).course.results] == ["right"]


def test_escape_empties_the_line_before_it_leaves() -> None:
    drill = drilled("9", "escape")
    assert (drill.attempt.typed, drill.done) == ("", False)


def test_the_last_question_ends_it() -> None:
    assert drilled("x", "right", most=1).done
    assert not drilled("x", "right", most=2).done


def test_chinese_commas_part_numbers() -> None:
    assert drilled("1", "、", "2").attempt.typed == "1,2"


def test_an_answer_that_cannot_be_read_is_no_wrong_one() -> None:
    drill = drilled("1", "-", "enter")
    assert drill.attempt.verdict is not None
    assert drill.attempt.verdict.unreadable
    assert not drill.wrong
    assert right(replace(drill, attempt=replace(drill.attempt, typed=""))).outcome == "right"


def test_a_comparison_is_walked_through_and_left() -> None:
    drill = Drill(Course(3, topics=("padding",)))
    one = drill.course.question
    assert one.kind == "row"
    (_mistake, answer), *_more = wrong_answers(one.problem)
    drill = drill.answered(written(answer)).press("c")
    assert drill.overlay == "beside"
    assert drill.beside is not None
    here = drill.beside.number
    drill = drill.press("right")
    assert drill.beside is not None
    assert drill.beside.number == here + 1
    assert drill.press("left").press("q").overlay == ""
    assert drill.press("r").replay
    assert not drilled("c").overlay, "there is nothing to compare yet"


def test_any_key_leaves_the_help() -> None:
    assert drilled("?").overlay == "help"
    assert drilled("?", "q").overlay == ""


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            ["1", "-", " ", "enter", "h", "x", "c", "r", "right", "left", "?", "escape", "up", "z"]
        ),
        max_size=25,
    )
)
def test_no_keys_lead_astray(keys: list[str]) -> None:
    drill = drilled(*keys, most=4)
    assert len(drill.course.results) <= 4
    assert all(one.outcome in OUTCOMES for one in drill.course.results)


# -- the summary


def test_every_topic_and_every_mistake_of_its_own_has_a_lesson() -> None:
    ids = {folder.name[3:] for folder in bundled_folder().glob("[0-9][0-9]-*")}
    assert set(LESSONS) == set(NAMES)
    assert set(LESSONS.values()) | set(ABOUT.values()) <= ids
    assert set(ABOUT) <= set(CODES)


def test_a_summary_counts_by_topic_and_by_mistake() -> None:
    ignored, flip = (("padding_ignored",),), (("flip",),)
    results = [
        Result("padding", "row", 1, "1", "wrong", 0, (ignored, ())),
        Result("padding", "cell", 1, "2", "right"),
        Result("bias", "row", 1, "3", "helped", 2),
        Result("valid", "row", 1, "4", "wrong", 0, (flip, flip)),
        Result("sizes", "size", 1, "5", "skipped"),
    ]
    found = Summary.of(results)
    assert [(row.topic, row.asked, row.right, row.helped, row.missed) for row in found.rows] == [
        ("valid", 1, 0, 0, 1),
        ("padding", 2, 1, 0, 1),
        ("bias", 1, 0, 1, 0),
        ("sizes", 1, 0, 0, 1),
    ]
    assert found.mistakes == ((flip, 2), (ignored, 1))
    assert found.unexplained == 1
    assert found.lessons == ("one-product", "padding", "sizes", "the-flip")
    assert (found.asked, found.right, found.helped, found.missed) == (5, 1, 1, 3)
    assert found.level is None


@pytest.mark.parametrize("level", LEVELS)
def test_who_knows_everything_is_sent_to_the_next_level(level: int) -> None:
    results = [Result("bias", "row", level, str(k), "right") for k in range(3)]
    assert Summary.of(results).level == (level + 1 if level < 3 else None)
    assert Summary.of(results[:2]).level is None


def test_every_kind_of_question_comes_in_practice() -> None:
    assert {kind for _topic, kind in EACH} == {kind.name for kind in KINDS}
