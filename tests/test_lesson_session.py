"""Reading a lesson as a table of states: keys, pages, questions, languages, contents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import pytest

from stepconv.classroom.diagnosis import Diagnosis, Explanation
from stepconv.classroom.run import Run
from stepconv.lessons.attempt import Attempt
from stepconv.lessons.format import (
    Block,
    Heading,
    PageBreak,
    Paragraph,
    QuestionMarker,
    SceneMarker,
    Span,
    Spans,
)
from stepconv.lessons.outline import Outline
from stepconv.lessons.paging import page_starts
from stepconv.lessons.progress import RIGHT, SHOWN
from stepconv.lessons.reading import Reading
from stepconv.lessons.session import Replay, Session


@dataclass(frozen=True)
class Said:
    right: bool
    unreadable: bool = False
    cell: tuple[int, ...] | None = None
    problem: None = None
    why: Spans = ()
    diagnosis: Diagnosis | None = None


@dataclass(frozen=True)
class Option:
    right: bool
    text: Spans = ()
    why: Spans = ()


@dataclass(frozen=True)
class Sum:
    """A question whose answer is 12."""

    options: tuple[Option, ...] = ()
    hints: tuple[Spans, ...] = ((Span("vague"),), (Span("plain"),))
    ask: Spans = ()
    right_answer: str = "12"

    def judge(self, text: str) -> Said:
        if self.options:
            return Said(text == "B")
        return Said(text == "12", unreadable=not text.isdecimal(), cell=(0, 0, 1))


def heading(text: str) -> Heading:
    return Heading(1, 1, (Span(text),))


def paragraph(text: str = "…") -> Paragraph:
    return Paragraph(1, (Span(text),))


ENGLISH: tuple[Block, ...] = (
    heading("One"),  # 0
    paragraph(),
    SceneMarker(1, "valid"),
    SceneMarker(1, "sizes"),
    SceneMarker(1, "padded"),
    QuestionMarker(1, "sum"),  # 5
    PageBreak(1),
    heading("Two"),
    paragraph(),
    paragraph(),
    QuestionMarker(1, "which"),  # 10
)
CHINESE: tuple[Block, ...] = (
    heading("一"),  # 0
    SceneMarker(1, "valid"),
    SceneMarker(1, "sizes"),
    SceneMarker(1, "padded"),
    QuestionMarker(1, "sum"),
    PageBreak(1),  # 5
    heading("二"),
    paragraph(),
    paragraph(),
    paragraph(),
    QuestionMarker(1, "which"),  # 10
)
READING = Reading(
    outlines={"en": Outline(ENGLISH), "zh": Outline(CHINESE)},
    questions={"sum": Sum(), "which": Sum(options=(Option(False), Option(True)))},
    stepped={"valid", "padded"},
    followed=True,
)
STARTS = (0, 5, 7, 10, 11)
"""Pages: one with two scenes, one with a question, a text, the other question, the end."""


def at_page(page: int, starts: tuple[int, ...] = STARTS) -> Session:
    return Session(READING, at=starts[page], starts=starts, room=20)


def pressed(session: Session, *keys: str) -> Session:
    return reduce(Session.press, keys, session)


# -- pages


def test_pages_go_forth_and_back_and_stop_at_both_ends() -> None:
    start = at_page(0)
    for key in ("right", "n", "space", "pagedown", "enter"):
        assert start.press(key).page == 1
    for key in ("left", "p", "backspace", "pageup"):
        assert at_page(2).press(key).page == 1
        assert start.press(key) == start
    assert (start.press("end").page, at_page(4).press("home").page) == (4, 0)
    assert at_page(4).at_end
    assert at_page(4).blocks == ()
    assert at_page(4).press("right") == at_page(4)


def test_a_page_too_long_is_scrolled_before_the_next_one() -> None:
    long = replace(at_page(0), overflow=25)
    once = long.press("space")
    assert (once.page, once.scroll) == (0, 19)
    assert (once.press("space").page, once.press("space").scroll) == (0, 25)
    assert pressed(once, "space", "space").page == 1
    assert pressed(long, "down", "down", "up").scroll == 1
    assert pressed(long, "up").scroll == 0
    assert pressed(once, "right", "right", "left").scroll == 0


def test_a_key_without_a_meaning_changes_nothing() -> None:
    for page in range(len(STARTS)):
        assert pressed(at_page(page), "z", "Z", "f9", "é", "卷") == at_page(page)


@pytest.mark.parametrize("key", ["q", "escape", "ctrl-c"])
def test_leaving(key: str) -> None:
    assert at_page(2).press(key).done
    assert not at_page(2).press(key).follow


def test_enter_at_the_end_asks_for_the_next_lesson_if_there_is_one() -> None:
    assert at_page(4).press("enter").follow
    last = replace(READING, followed=False)
    assert not replace(at_page(4), reading=last).press("enter").done


def test_another_size_keeps_the_block_on_the_page() -> None:
    session = replace(at_page(2), scroll=3, overflow=9).fitted((0, 2, 4, 6, 9, 11), 10, 2)
    assert (session.at, session.page, session.scroll, session.overflow) == (6, 3, 2, 2)


# -- where pages begin


def test_a_page_holds_as_much_as_fits() -> None:
    blocks = (paragraph(),) * 6
    assert page_starts(blocks, [3] * 6, 11) == (0, 3, 6)
    assert page_starts(blocks, [3] * 6, 10) == (0, 2, 4, 6)
    assert page_starts(blocks, [30] * 6, 10) == (0, 1, 2, 3, 4, 5, 6)
    assert page_starts((), [], 10) == (0, 0)


def test_a_page_break_and_a_question_end_the_page() -> None:
    blocks = (paragraph(), PageBreak(1), paragraph(), QuestionMarker(1, "sum"), paragraph())
    assert page_starts(blocks, [1, 0, 1, 1, 1], 50) == (0, 2, 4, 5)
    assert page_starts((PageBreak(1), paragraph(), PageBreak(1)), [0, 1, 0], 50) == (0, 1, 3)


def test_a_heading_and_a_colon_stay_with_what_follows() -> None:
    blocks = (paragraph(), heading("Two"), paragraph("see here:"), SceneMarker(1, "valid"))
    assert page_starts(blocks, [4, 1, 1, 6], 12) == (0, 1, 4)
    assert page_starts(blocks, [4, 1, 1, 6], 15) == (0, 4)


# -- questions


def test_an_answer_is_typed_and_judged() -> None:
    typed = pressed(at_page(1), "1", "3", "backspace", "2")
    assert typed.attempt("sum").typed == "12"
    right = typed.press("enter").attempt("sum")
    assert (right.outcome, right.tries, right.answer, right.typed) == (RIGHT, 0, "12", "")


def test_a_wrong_answer_stays_open_and_is_stepped_through() -> None:
    wrong = pressed(at_page(1), "7", "enter")
    assert (wrong.attempt("sum").wrong, wrong.attempt("sum").tries) == (True, 1)
    assert wrong.press("r").replay == Replay(question="sum")
    assert wrong.press("r").returned() == wrong
    assert pressed(wrong, "1", "2", "enter").attempt("sum").outcome == RIGHT
    assert pressed(wrong, "1", "2", "enter", "r").replay is None


def test_the_wrong_work_can_be_stepped_through_where_it_is_known() -> None:
    wrong = pressed(at_page(1), "7", "enter")
    assert wrong.press("w") == wrong
    run = Run(np.ones((1, 1, 2)), np.ones((1, 1, 1)))
    known = Diagnosis(correct=False, explanations=(Explanation((), run, run.output),))
    said = Said(False, cell=(0, 0, 1), diagnosis=known)
    explained = replace(wrong, attempts={"sum": replace(wrong.attempt("sum"), verdict=said)})
    assert explained.press("w").replay == Replay(question="sum", mistaken=True)


def test_what_cannot_be_read_is_no_wrong_answer_and_can_be_mended() -> None:
    odd = pressed(at_page(1), "1", "space", ";", "enter").attempt("sum")
    assert (odd.typed, odd.tries) == ("1 ;", 0)
    assert odd.verdict is not None
    assert odd.verdict.unreadable


def test_a_blank_answer_is_none() -> None:
    assert at_page(1).press("enter").attempt("sum") == Attempt()


def test_space_and_escape_belong_to_the_answer_only_while_one_is_typed() -> None:
    typed = pressed(at_page(1), "1", "space", "2")
    assert typed.attempt("sum").typed == "1 2"
    assert typed.press("escape").attempt("sum").typed == ""
    assert typed.press("right").page == 2
    assert at_page(1).press("space").page == 2
    assert at_page(1).press("escape").done


def test_within_an_answer_x_is_typed_and_h_still_hints() -> None:
    typed = pressed(at_page(1), *"3x32")
    assert typed.attempt("sum") == Attempt(typed="3x32")
    assert typed.press("h").attempt("sum") == Attempt(typed="3x32", hints=1)


def test_hints_come_one_by_one_and_end() -> None:
    session = at_page(1)
    counts = []
    for _press in range(3):
        session = session.press("h")
        counts.append(session.attempt("sum").hints)
    assert counts == [1, 2, 2]
    assert session.page == 1


def test_giving_up_shows_the_answer_and_ends_the_question() -> None:
    shown = pressed(at_page(1), "7", "enter", "x")
    assert shown.attempt("sum").outcome == SHOWN
    assert pressed(shown, "1", "2", "enter").attempt("sum").outcome == SHOWN
    assert shown.press("h") == shown


def test_letters_choose_and_do_nothing_else() -> None:
    choosing = at_page(3).press("a").press("b")
    assert choosing.attempt("which").typed == "B"
    assert choosing.press("enter").attempt("which").outcome == RIGHT
    assert choosing.press("c").attempt("which").typed == "B"
    assert choosing.press("3").attempt("which").typed == "B"


def test_a_question_can_be_skipped_and_stays_open() -> None:
    assert at_page(1).press("right").attempt("sum") == Attempt()


def test_feedback_is_scrolled_into_sight() -> None:
    long = replace(at_page(1), overflow=9)
    assert pressed(long, "7", "enter").fitted(STARTS, 20, 14).scroll == 14
    assert pressed(long, "7").fitted(STARTS, 20, 9).scroll == 0


def test_an_endless_answer_is_cut() -> None:
    assert len(pressed(at_page(1), *"1" * 1000).attempt("sum").typed) == 400


# -- scenes


def test_scenes_of_the_page_are_stepped_through_in_turn() -> None:
    session = at_page(0)
    assert session.scenes == ("valid", "padded")
    assert session.press("r").replay == Replay("valid")
    assert pressed(session, "s", "r").replay == Replay("padded")
    assert pressed(session, "s", "s", "r").replay == Replay("valid")
    assert pressed(session, "s", "right").focus == 0


def test_without_a_scene_there_is_nothing_to_step_through() -> None:
    assert at_page(2).press("r") == at_page(2)
    assert pressed(at_page(2), "s") == at_page(2)


# -- the other language


def test_the_other_language_shows_the_same_place() -> None:
    for english, chinese in [(0, 0), (1, 0), (2, 1), (5, 4), (7, 6), (9, 8), (10, 10), (11, 11)]:
        switched = Session(READING, at=english, starts=tuple(range(12))).press("l")
        assert (switched.language, switched.at) == ("zh", chinese)
    back = replace(at_page(0), language="zh", at=9, starts=tuple(range(12))).press("l")
    assert (back.language, back.at) == ("en", 9)


def test_the_other_language_keeps_what_was_answered() -> None:
    switched = pressed(at_page(1), "7", "enter", "l")
    assert switched.attempt("sum").tries == 1


@pytest.mark.parametrize("blocks", [ENGLISH, CHINESE])
def test_a_place_is_found_again(blocks: tuple[Block, ...]) -> None:
    outline = Outline(blocks)
    assert [outline.find(place) for place in outline.places] == list(range(len(blocks) + 1))
    assert outline.find((99, 0)) == len(blocks)
    assert Outline(()).find((3, 1)) == 0


# -- contents and help


def test_the_contents_lead_anywhere() -> None:
    opened = at_page(3).press("t")
    assert (opened.overlay, opened.cursor) == ("contents", 1)
    assert [entry.questions for entry in opened.outline.entries] == [("sum",), ("which",)]
    there = pressed(opened, "up", "up", "enter")
    assert (there.overlay, there.page) == ("", 0)
    assert pressed(opened, "down", "down", "enter").page == 2
    assert pressed(opened, "x", "escape") == replace(opened, overlay="")


def test_help_goes_away_with_any_key() -> None:
    assert pressed(at_page(1), "?").overlay == "help"
    assert pressed(at_page(1), "?", "q") == at_page(1)
    assert pressed(at_page(1), "?", "down", "down", "up").cursor == 1
    assert pressed(at_page(1), "?", "down", "x") == at_page(1)
    assert pressed(at_page(1), "?", "ctrl-c").done
