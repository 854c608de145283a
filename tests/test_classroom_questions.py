"""Questions of practice: answerable, judged, and hinted at out of their own numbers."""

from __future__ import annotations

import pytest

from stepconv.classroom.mistakes import mistake, wrong_answers
from stepconv.classroom.questions import KINDS, Question, kinds_for, question
from stepconv.classroom.questions.wording import written
from stepconv.classroom.topics import LEVELS, TOPICS
from stepconv.errors import InputError

EACH = [(topic.name, kind.name) for topic in TOPICS for kind in kinds_for(topic.name)]


def asked(topic: str, kind: str) -> list[Question]:
    return [question(topic, level, seed, kind) for level in LEVELS for seed in range(2)]


def test_every_topic_can_be_asked_about() -> None:
    assert all(kinds_for(topic.name) for topic in TOPICS)
    named = {name for kind in KINDS for name in kind.topics}
    assert named == {topic.name for topic in TOPICS}


@pytest.mark.parametrize(("topic", "kind"), EACH)
def test_the_right_answer_as_it_is_written_is_right(topic: str, kind: str) -> None:
    for one in asked(topic, kind):
        assert one.judge(one.right_answer).right, one
        assert one.form


@pytest.mark.parametrize(("topic", "kind"), EACH)
def test_questions_show_their_numbers_and_hints_fill_theirs_in(topic: str, kind: str) -> None:
    for one in asked(topic, kind):
        names = [name for name, _text in one.given]
        assert len(set(names)) == len(names)
        assert one.ask.endswith("?")
        said = [one.ask, *one.hints, *(text for _name, text in one.given)]
        assert all(text and "{" not in text for text in said)
        assert len(one.hints) >= 2
        assert len(set(one.hints)) == len(one.hints)


@pytest.mark.parametrize(("topic", "kind"), EACH)
def test_wrong_answers_get_their_name_and_a_place(topic: str, kind: str) -> None:
    one = question(topic, 1, 3, kind)
    found = wrong_answers(one.problem)
    assert found, "nothing can be got wrong here"
    for (made,), answer in found:
        verdict = one.judge(written(answer, ", " if kind in ("size", "shape") else "; "))
        assert not verdict.right
        if verdict.unreadable:  # axes of length 1 in front cannot be typed
            continue
        assert verdict.diagnosis is not None
        codes = [codes for one in verdict.diagnosis.explanations for codes in one.codes]
        layout = made.code in ("layout_channels_last", "axes_swapped")
        assert made.code in codes or layout, (made, answer)
        if one.trace is not None:
            assert verdict.cell is not None
            assert one.trace.at(*verdict.cell)


def test_a_question_is_drawn_the_same_again() -> None:
    first, again = question("stride", 2, 5), question("stride", 2, 5)
    assert (first.kind, first.ask, first.given) == (again.kind, again.ask, again.given)
    assert {question("stride", 1, seed).kind for seed in range(20)} == {
        "row",
        "cell",
        "window",
        "seen",
    }


def test_a_replay_opens_where_the_answer_goes_wrong() -> None:
    one = question("padding", 1, 1, "row")
    numbers = one.right_answer.split()
    numbers[2] = "999"
    verdict = one.judge(" ".join(numbers))
    assert verdict.cell == (0, 0, 2)
    assert one.trace is not None
    assert one.trace.at(*verdict.cell).output == one.problem.answer[0, 0, 2]


def test_a_replay_of_an_output_too_long_opens_where_the_two_part() -> None:
    one = question("stride", 1, 3, "row")
    wrong = mistake("stride_ignored").apply(one.problem.run)
    assert wrong is not None
    verdict = one.judge(written(wrong.output))
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.codes == ("stride_ignored",)
    assert verdict.cell == (0, 0, 1)


def test_a_question_about_one_cell_opens_its_replay_there() -> None:
    one = question("dilation", 1, 1, "cell")
    assert one.cell is not None
    assert one.judge("-5000").cell == one.cell


def test_sizes_have_nothing_to_replay() -> None:
    one = question("sizes", 3, 1)
    assert one.trace is None
    assert one.judge("1, 2, 3").cell is None


@pytest.mark.parametrize("text", ["({}, {})", "{}x{}", "{} {}", "（{}，{}）", "[{}, {}]", "{}×{},"])
def test_sizes_may_be_written_as_people_write_them(text: str) -> None:
    one = question("sizes", 2, 1)
    assert one.judge(text.format(*one.right_answer.split(", "))).right


def test_a_grid_may_be_written_in_one_row() -> None:
    one = question("two-dimensions", 1, 1, "row")
    assert ";" in one.right_answer
    assert one.judge(one.right_answer.replace(";", " ")).right


def test_positions_may_come_in_any_order_and_twice() -> None:
    one = question("stride", 1, 5, "seen")
    backwards = one.right_answer.split()[::-1]
    assert one.judge(" ".join([*backwards, backwards[0]])).right


@pytest.mark.parametrize("text", ["", "two", "1;;2", "nan", "[1, [2]]"])
@pytest.mark.parametrize("topic", ["padding", "sizes", "find-padding", "find-kernel"])
def test_what_cannot_be_read_is_no_wrong_answer(topic: str, text: str) -> None:
    verdict = question(topic, 1, 2).judge(text)
    assert not verdict.right
    assert verdict.unreadable == (verdict.diagnosis is None)
    assert verdict.unreadable or text == "nan"


def test_answers_are_written_in_practice_as_in_lessons() -> None:
    shape = question("shapes", 2, 5)
    sizes = shape.right_answer.strip("()").split(", ")
    assert shape.judge("（" + "，".join(sizes) + "）").right
    assert shape.judge("*".join(sizes)).right
    cell = question("stride", 1, 5, "cell")
    assert cell.judge(f"{2 * int(cell.right_answer)}/2").right
    assert cell.judge("1 2").unreadable
    assert not question("stride", 1, 5, "seen").judge("none").unreadable


def test_kinds_that_do_not_fit_a_topic_are_refused() -> None:
    with pytest.raises(InputError, match="one of size"):
        question("sizes", kind="row")
    with pytest.raises(InputError, match="no topic"):
        question("cooking")
