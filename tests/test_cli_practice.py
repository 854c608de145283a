"""stepconv practice as students meet it: over lines, as JSON, and in a pseudo-terminal."""

from __future__ import annotations

import io
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from stepconv.classroom.mistakes import wrong_answers
from stepconv.classroom.practice import Course
from stepconv.classroom.questions import KINDS, Question
from stepconv.classroom.questions.wording import written
from stepconv.classroom.topics import TOPICS
from stepconv.language import using_language
from stepconv.lessons.drill import Drill
from stepconv.views.classroom.practice import PracticePages
from stepconv.views.screen import Screen
from tests import snapshot
from tests.commands import done, process, run
from tests.ptys import Pty, Transcript, pseudo_terminal, started

SEED = "student"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return {"STEPCONV_DATA_DIR": str(folder)}


def flat(text: str) -> str:
    """Text without the way its lines are broken."""
    return " ".join(text.split())


def mistaken(one: Question) -> tuple[str, str, str]:
    """A wrong answer that just one mistake explains: as typed, the mistake's code and words."""
    for (mistake,), answer in wrong_answers(one.problem):
        text = written(answer, ", " if one.kind in ("size", "shape") else "; ")
        diagnosis = one.judge(text).diagnosis
        if diagnosis is not None and [found.codes for found in diagnosis.explanations] == [
            (mistake.code,)
        ]:
            return text, mistake.code, diagnosis.explanations[0].mistakes[0].explanation
    raise AssertionError("no mistake is the only one to explain its answer")


def session(count: int, level: int = 1) -> list[tuple[Question, tuple[str, str, str]]]:
    """The questions of a session in which each is got wrong at first, with the wrong answers."""
    course, asked = Course(SEED, level), []
    for _number in range(count):
        asked.append((course.question, mistaken(course.question)))
        course = course.closed("wrong")
    return asked


# -- a student's ten questions


@pytest.mark.parametrize("level", [1, 2, 3])
def test_ten_questions_with_deliberate_mistakes_each_named(
    environment: dict[str, str], level: int
) -> None:
    asked = session(10, level)
    lines = [line for one, (wrong, *_named) in asked for line in (wrong, one.right_answer)]
    printed = done(
        *("practice", "--seed", SEED, "--count", "10", "--level", str(level)),
        environment=environment,
        stdin="\n".join(lines),
    )
    parts = re.split(r"── Question \d+ of 10", printed)[1:]
    assert len(parts) == 10
    for (one, (wrong, _code, words)), part in zip(asked, parts, strict=True):
        text = flat(part)
        assert flat(one.ask) in text
        assert "is not it." in text
        assert wrong in flat(part) or len(wrong) > 60
        assert words in text, one
        assert f"Right: {one.right_answer}" in text
    assert "Right at once: 0; with hints: 0; not right at first: 10." in flat(printed)
    assert max(map(cell_len, printed.splitlines())) <= 80


def test_a_program_is_told_the_same(environment: dict[str, str]) -> None:
    asked = session(10)
    lines = [line for one, (wrong, *_named) in asked for line in (wrong, "h", one.right_answer)]
    found = objects("--seed", SEED, "--count", "10", environment=environment, lines=lines)
    kinds = [one["type"] for one in found]
    assert kinds == ["question", "verdict", "hint", "verdict"] * 10 + ["summary"]
    wrongs = [one for one in found if one["type"] == "verdict" and not one["right"]]
    for (one, (_wrong, code, words)), verdict in zip(asked, wrongs, strict=True):
        (explanation,) = verdict["explanations"]
        assert [part["code"] for part in explanation] == [code]
        assert explanation[0]["explanation"] == words
        assert verdict["beside"] is not None
        if one.trace is not None:
            assert verdict["beside"]["right"] != verdict["beside"]["wrong"]
    summary = found[-1]
    assert (summary["asked"], summary["missed"]) == (10, 10)
    assert sum(one["count"] for one in summary["mistakes"]) == 10
    assert summary["lessons"]


def objects(*arguments: str, environment: dict[str, str], lines: list[str]) -> list[dict[str, Any]]:
    printed = done(
        "practice", "--json", *arguments, environment=environment, stdin="\n".join(lines)
    )
    return [json.loads(line) for line in printed.splitlines()]


def test_a_program_can_look_pass_over_and_stop(environment: dict[str, str]) -> None:
    found = objects(
        *("padding", "--seed", "5"),
        environment=environment,
        lines=["c", "r", "s", "two", "h", "q", "never read"],
    )
    kinds = ["question", "comparison", "step", "question", "verdict", "hint", "summary"]
    assert [one["type"] for one in found] == kinds
    comparison, step, verdict, summary = found[1], found[2], found[4], found[6]
    assert comparison["beside"] is None
    terms = step["step"]["terms"]
    assert sum(term["product"] for term in terms) == step["step"]["sum"]
    assert verdict["problem"]
    assert not verdict["right"]
    assert (summary["asked"], summary["missed"]) == (1, 1)


def test_all_right_leads_on_to_the_next_level(environment: dict[str, str]) -> None:
    course, lines = Course(SEED), []
    for _number in range(4):
        lines.append(course.question.right_answer)
        course = course.closed("right")
    printed = done(
        "practice", "--seed", SEED, "--count", "4", environment=environment, stdin="\n".join(lines)
    )
    assert "Right at once: 4; with hints: 0; not right at first: 0." in flat(printed)
    assert "stepconv practice --level 2" in printed


# -- over lines


def test_the_end_of_the_lines_ends_it_with_a_summary(environment: dict[str, str]) -> None:
    first = Course(SEED).question
    for stdin, count in [("", 0), ("h\n", 0), (first.right_answer, 1), ("999999 1", 1)]:
        printed = done("practice", "--seed", SEED, environment=environment, stdin=stdin)
        said = f"Questions: {count}." if count else "No question was answered."
        assert said in printed, stdin


def test_hints_come_in_steps_and_then_there_are_no_more(environment: dict[str, str]) -> None:
    one = Course(SEED).question
    stdin = "h\n" * (len(one.hints) + 1) + "x\nq\n"
    printed = flat(done("practice", "--seed", SEED, environment=environment, stdin=stdin))
    for number, hint in enumerate(one.hints, 1):
        assert f"Hint {number} of {len(one.hints)}: {flat(hint)}" in printed
    assert "There are no more hints." in printed
    assert f"The answer is {one.right_answer}" in printed


def test_a_wrong_answer_is_replayed_where_it_goes_wrong(environment: dict[str, str]) -> None:
    one = Course(5, topics=("padding",)).question
    wrong, *_named = mistaken(one)
    printed = done(
        *("practice", "padding", "--seed", "5"), environment=environment, stdin=f"{wrong}\nr\n"
    )
    assert "the right way" in printed
    assert "▸y" in printed, "the replay shows the output cell that is being filled"


def test_sizes_are_compared_by_their_formulas(environment: dict[str, str]) -> None:
    one = Course(5, topics=("sizes",)).question
    wrong, *_named = mistaken(one)
    printed = done(
        *("practice", "sizes", "--seed", "5"),
        environment=environment,
        stdin=f"{wrong}\nr\n999\nr\n",
    )
    formula = one.problem.run.geometry.axes[0].formula()
    assert formula in printed
    assert printed.count("the right way") == 1
    assert "No common slip gives this answer" in printed


def test_full_width_digits_and_commas_are_numbers(environment: dict[str, str]) -> None:
    one = Course(SEED).question
    wide = one.right_answer.translate({ord(k): chr(ord(k) + 0xFEE0) for k in "0123456789,;-"})
    wide = wide.replace(" ", "，" if " " in wide and "；" not in wide else "　")
    printed = done(
        *("practice", "--seed", SEED, "--count", "1", "--lang", "zh"),
        environment=environment,
        stdin=f"ｈ\n{wide}\n",
    )
    assert one.right_answer in printed
    with using_language("zh"):
        assert flat(one.hints[0]) in flat(printed)


@pytest.mark.parametrize("text", ["two", "1 2;3", "[[1", "1e999", "nan", "9" * 400, "∞", "1;;2"])
def test_what_cannot_be_read_ends_nothing(text: str, environment: dict[str, str]) -> None:
    answer = Course(SEED).question.right_answer
    result = run(
        *("practice", "--seed", SEED, "--count", "1"),
        environment=environment,
        stdin=f"{text}\n{answer}\n",
    )
    assert (result.status, result.err) == (0, "")
    assert f"Right: {answer}" in result.out


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_bytes_that_are_no_text_do_no_harm(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    result = process("practice", *arguments, environment=environment, stdin=b"\xff\xfe\xff\nx\n")
    # In UTF-8 mode Python lets them through, and they are no answer; else they are refused.
    assert result.returncode in (0, 2)
    said = (b"cannot be read", b'"problem": "', b"UTF-8")
    assert any(text in result.stdout + result.stderr for text in said)
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [("--ascii",), ("--width", "60"), ("--lang", "zh", "--width", "60")]
)
def test_nothing_is_wider_than_the_screen_or_beyond_its_characters(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    lines = [line for _one, (wrong, *_named) in session(8, 3) for line in (wrong, "h", "r", "x")]
    printed = done(
        *("practice", "--seed", SEED, "--level", "3", "--count", "8", *arguments),
        environment=environment,
        stdin="\n".join(lines),
    )
    # What is typed is shown as it was typed.
    own = [line for line in printed.splitlines() if not re.match("Your answer|你的答案", line)]
    assert max(map(cell_len, own)) <= (60 if "--width" in arguments else 80)
    if "--ascii" in arguments:
        assert printed.isascii()


# -- topics, and what is kept


def test_topics_are_listed_with_when_each_comes_again(environment: dict[str, str]) -> None:
    assert all(one.name in done("practice", "--list", environment=environment) for one in TOPICS)
    done("practice", "stride", "--count", "1", environment=environment, stdin="x\n")
    assert re.search(r"stride +in 2 questions", done("practice", "--list", environment=environment))
    found = json.loads(done("practice", "--list", "--json", environment=environment))
    assert {one["topic"]: one["due_in"] for one in found}["stride"] == 2
    assert [one["topic"] for one in found] == [one.name for one in TOPICS]


def test_yesterdays_misses_come_back_and_a_seed_pays_no_heed(environment: dict[str, str]) -> None:
    def topics(*arguments: str, answers: int) -> list[str]:
        found = objects(*arguments, environment=environment, lines=["x"] * answers)
        return [one["topic"] for one in found if one["type"] == "question"]

    topics("transposed", "--count", "1", answers=1)
    assert topics("--count", "3", answers=3)[2] == "transposed"
    now = topics("--seed", SEED, "--count", "3", answers=3)
    assert now == topics("--seed", SEED, "--count", "3", answers=3)
    assert now[0] == Course(SEED).topic


def test_several_topics_are_asked_in_turn(environment: dict[str, str]) -> None:
    found = objects(
        "bias,sizes", "--count", "4", "--seed", "1", environment=environment, lines=["x"] * 4
    )
    topics = [one["topic"] for one in found if one["type"] == "question"]
    assert sorted(topics) == ["bias", "bias", "sizes", "sizes"]
    assert topics[0] != topics[1]


def test_where_nothing_can_be_kept_it_is_said(folder: Path, environment: dict[str, str]) -> None:
    folder.write_text("a file where the folder should be")
    printed = done("practice", "--count", "1", environment=environment, stdin="x\n")
    assert "What you practise is not kept" in flat(printed)
    assert "STEPCONV_DATA_DIR" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pading",), "padding"),
        (("padding,strid",), "stride"),
        (("",), "there is no topic"),
        (("--count", "0"), "--count 0 is not from 1 to"),
        (("--count", "many"), "not a whole number"),
        (("--level", "4"), "level 4 is none of 1, 2 and 3"),
        (("--level", "x"), "not a whole number"),
        (("--sed", "1"), "--seed"),
    ],
)
def test_bad_options_say_what_is_good(
    arguments: tuple[str, ...], said: str, environment: dict[str, str]
) -> None:
    result = run("practice", *arguments, environment=environment)
    assert result.status == 2
    assert said in flat(result.err)
    assert not result.out


# -- on a terminal


@pytest.fixture
def pty() -> Iterator[Pty]:
    with pseudo_terminal() as opened:
        yield opened


def assert_restored(pty: Pty) -> None:
    pty.wait(lambda: b"\x1b[?1049l" in pty.raw, "the ordinary screen")
    assert pty.settings() == pty.before
    assert pty.screen.modes == {"25"}
    assert b"Traceback" not in pty.raw


def left(pty: Pty) -> bytes:
    """What was written since the terminal was given back, without colours."""
    _screens, between, after = pty.raw.rpartition(b"\x1b[?1049l")
    return re.sub(rb"\x1b\[[0-9;]*m", b"", after) if between else b""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_three_questions_on_a_terminal(
    pty: Pty, environment: dict[str, str], language: str
) -> None:
    arguments = ("practice", "--seed", "9", "--count", "3", "--lang", language)
    course = Course(9)
    transcript = Transcript(pty)
    with started(pty, *arguments, environment=environment) as practising:
        pty.until("1", "q ")
        transcript.see()
        wrong, *_named = mistaken(course.question)
        for keys in (wrong + "\r", "h", "c", "\x1b[C", "r", "q", "q"):
            transcript.type(keys)
        transcript.type(course.question.right_answer + "\r")
        transcript.type("\x1b[C")
        course = course.closed("wrong")
        transcript.type("h")
        transcript.type(course.question.right_answer + "\r")
        transcript.type("\r")
        transcript.type("?")
        transcript.type("q")
        transcript.type("x")
        pty.type("\x1b[C")
        assert practising.wait(30) == 0
    assert_restored(pty)
    pty.wait(lambda: b"stepconv lesson" in left(pty), "the summary")
    transcript.parts.append(f"===== →\n{left(pty).decode()}".replace("\r\n", "\n"))
    snapshot.check(f"practice-{language}", "\n".join(transcript.parts))


@pytest.mark.parametrize("size", [(120, 40), (60, 20), (40, 12)])
def test_a_new_size_keeps_the_question(
    pty: Pty, environment: dict[str, str], size: tuple[int, int]
) -> None:
    with started(pty, "practice", "padding", environment=environment) as practising:
        pty.until("Question 1")
        pty.type("999\r")
        pty.until("is not it")
        pty.resize(*size)
        pty.until("Question 1", "q quit")
        pty.resize(20, 5)
        pty.until("The terminal is")
        pty.resize(80, 24)
        pty.until("is not it")
        pty.type("q")
        assert practising.wait(30) == 0
    assert_restored(pty)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_give_the_terminal_back(
    pty: Pty, folder: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    with started(pty, "practice", "padding", environment=environment) as practising:
        pty.until("Question 1")
        pty.type("x\x1b[C")
        pty.until("Question 2")
        practising.send_signal(number)
        assert practising.wait(30) == 128 + number
    assert_restored(pty)
    if number == signal.SIGINT:
        pty.wait(lambda: b"Questions: 1." in left(pty), "the summary")
    kept = json.loads((folder / "practice.json").read_text())
    assert kept["topics"]["padding"]["gap"] == 2


def test_a_terminal_that_goes_away_ends_it(environment: dict[str, str]) -> None:
    with (
        pseudo_terminal() as pty,
        started(pty, "practice", environment=environment) as practising,
    ):
        pty.until("Question 1")
        pty.hang_up()
        assert practising.wait(30) in (0, 128 + signal.SIGHUP)


# -- a page of each kind of question


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_a_question_of_each_kind_and_what_is_said_of_a_mistake(kind: str) -> None:
    topic = next(one.topics[-1] for one in KINDS if one.name == kind)
    seed = next(s for s in range(100) if Course(s, topics=(topic,)).question.kind == kind)
    pages = PracticePages(Screen(io.StringIO(), color="never"))
    drill = Drill(Course(seed, topics=(topic,)))
    (_mistake, answer), *_more = wrong_answers(drill.course.question.problem)
    text = written(answer, ", " if kind in ("size", "shape") else "; ")
    shown = []
    for state in (drill, drill.answered(text), drill.answered(text).hinted().given_up()):
        shown.append("\n".join(pages.lines(pages.fitted(state, (80, 24)), (80, 24))))
    snapshot.check(f"practice-kind-{kind}", "\n=====\n".join(shown) + "\n")
