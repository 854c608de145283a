"""Asking line by line: what is typed or piped in, and what is said of it."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable
from unittest import mock

import pytest

from stepconv.bundled import bundled_folder
from stepconv.classroom import questions as practice
from stepconv.cli.asking import Answered, ask, show_step
from stepconv.cli.output import Output
from stepconv.errors import InputError
from stepconv.lessons.asked import Asked, Practised
from stepconv.lessons.attempt import Attempt
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.loader import load_lesson
from stepconv.lessons.progress import RIGHT, SHOWN
from stepconv.lessons.scenes import ConvolutionScene
from stepconv.lessons.stepping import step_of
from stepconv.views.screen import Screen
from tests.ptys import Pty, pseudo_terminal


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return load_lesson(bundled_folder() / "01-one-product")


def asked_of(
    question: Asked,
    typed: str,
    *,
    replay: Callable[[Output, Attempt], None] | None = None,
    width: int = 80,
) -> tuple[Answered, str]:
    """Ask with standard input that holds `typed`; return how it was left, and what was printed."""
    screen = Screen(io.StringIO(), color="never", width=width)
    output = Output(screen, screen)
    shown = None if replay is None else lambda attempt: replay(output, attempt)
    with mock.patch("sys.stdin", io.StringIO(typed)):
        answered = ask(question, output, title="Question 1 of 6", replay=shown)
    assert isinstance(screen.stream, io.StringIO)
    return answered, screen.stream.getvalue()


def test_a_right_answer_ends_it(lesson: Lesson) -> None:
    answered, text = asked_of(lesson.questions["places"], "2\n3\n")
    assert (answered.left, answered.attempt.outcome, answered.attempt.tries) == ("", RIGHT, 0)
    assert "Question 1 of 6" in text
    assert "Your answer: 2\nRight: 2" in text


def test_wrong_answers_are_counted_and_named(lesson: Lesson) -> None:
    answered, text = asked_of(lesson.questions["first-sum"], "22\n\n9\n21\n")
    assert (answered.attempt.outcome, answered.attempt.tries) == (RIGHT, 2)
    assert "22 is not it." in text
    assert "The kernel was turned" in text


def test_hints_come_in_steps_and_end(lesson: Lesson) -> None:
    for word in ("h", "?", "？"):
        _answered, text = asked_of(lesson.questions["places"], f"{word}\n" * 3)
        assert text.index("Hint 1 of 2") < text.index("Hint 2 of 2")
        assert text.count("There are no more hints.") == 1


def test_giving_up_skipping_and_quitting(lesson: Lesson) -> None:
    question = lesson.questions["places"]
    answered, text = asked_of(question, "x\n")
    assert answered.attempt.outcome == SHOWN
    assert "The answer is 2" in text
    assert asked_of(question, "s\n")[0] == Answered(Attempt(), "skipped")
    assert asked_of(question, " q \n")[0] == Answered(Attempt(), "quit")
    assert asked_of(question, "")[0] == Answered(Attempt(), "quit")


def test_an_answer_without_an_end_of_line_counts(lesson: Lesson) -> None:
    assert asked_of(lesson.questions["places"], "2")[0].attempt.outcome == RIGHT


def test_options_are_answered_by_letters(lesson: Lesson) -> None:
    answered, text = asked_of(lesson.questions["kept"], "d\nz\nb\n")
    assert (answered.attempt.outcome, answered.attempt.tries) == (RIGHT, 1)
    assert "A  the first and the second" in text
    assert "d is not it." in text
    assert "none of the options" in text


def test_the_replay_opens_where_the_answer_goes_wrong(lesson: Lesson) -> None:
    question = lesson.questions["second-products"]
    assert isinstance(question.scene, ConvolutionScene)
    trace = question.scene.trace

    def replay(output: Output, attempt: Attempt) -> None:
        assert attempt.verdict is not None
        assert attempt.verdict.cell is not None
        show_step(output, trace, step_of(trace, attempt.verdict.cell))

    _answered, text = asked_of(question, "r\n1 2 3\nr\n", replay=replay)
    assert "There is nothing to step through yet" in text
    assert "r shows where it goes wrong" in text
    assert "y2 =  4" in text
    assert "r shows" not in asked_of(question, "1 2 3\n")[1]


def test_a_question_of_practice_is_asked_alike() -> None:
    question = Practised(practice.question("padding", kind="row", seed=1))
    answered, text = asked_of(question, f"two\nh\n{question.right_answer}\n")
    assert (answered.attempt.outcome, answered.attempt.hints) == (RIGHT, 1)
    assert "cannot be read" in text


def test_input_that_is_no_text_is_said(lesson: Lesson) -> None:
    screen = Screen(io.StringIO())
    bytes_ = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n"), encoding="utf-8")
    with mock.patch("sys.stdin", bytes_), pytest.raises(InputError, match="not text"):
        ask(lesson.questions["places"], Output(screen, screen))


def test_on_a_terminal_the_keys_are_told_and_the_replay_is_the_engines(lesson: Lesson) -> None:
    question = lesson.questions["first-sum"]
    assert isinstance(question.scene, ConvolutionScene)
    trace = question.scene.trace

    def type_along(pty: Pty) -> None:
        pty.until("h a hint", "Your answer:")
        pty.type("22\nr\n")
        pty.until("placement 1 of 2", "q quit")
        pty.type("q")
        pty.wait(lambda: pty.raw.count(b"Your answer:") == 3, "the question once more")
        pty.type("21\n")

    with pseudo_terminal() as pty, contextlib.ExitStack() as stack:
        stdin, stdout = map(stack.enter_context, pty.streams())
        stack.enter_context(mock.patch("sys.stdin", stdin))
        stack.enter_context(mock.patch.dict(os.environ, TERM="xterm"))
        output = Output(Screen(stdout), Screen(stdout))
        person = threading.Thread(target=type_along, args=(pty,))
        person.start()
        answered = ask(question, output, replay=lambda _attempt: show_step(output, trace, 0))
        person.join(60)
        assert answered.attempt.outcome == RIGHT
        assert pty.settings() == pty.before
