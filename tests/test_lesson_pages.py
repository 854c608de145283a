"""Pages of lessons: nothing wider than the terminal, nothing lost, whatever its size."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, reduce

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from stepconv.bundled import bundled_folder
from stepconv.classroom.mistakes import mistake
from stepconv.language import LANGUAGES, using_language
from stepconv.lessons.format import (
    Code,
    Items,
    Paragraph,
    QuestionMarker,
    SceneMarker,
    Table,
    plain,
    texts,
)
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.loader import load_lesson
from stepconv.lessons.progress import RIGHT
from stepconv.lessons.prose import parse
from stepconv.lessons.reading import Reading
from stepconv.lessons.session import Session
from stepconv.lessons.shelf import lesson_folders
from stepconv.views.lessons.markdown import markdown
from stepconv.views.lessons.pages import FOOTER, Pages, Size
from stepconv.views.lessons.whole import Whole
from stepconv.views.screen import Screen
from stepconv.views.theme import Look
from tests import snapshot
from tests.helpers import DATA

SIZES = [(80, 24), (120, 40), (60, 20), (40, 10)]
FOLDERS = {folder.name: folder for folder in lesson_folders(bundled_folder())}
# A program of this one convolves a million numbers, which takes a minute in plain Python.
LARGE = "12-one-engine"
LESSONS = [
    pytest.param(name, marks=[pytest.mark.compiled] if name == LARGE else []) for name in FOLDERS
]


@cache
def lesson_of(name: str) -> Lesson:
    return load_lesson(FOLDERS[name])


class Reader:
    """Somebody who reads a lesson: presses keys, and sees screens."""

    def __init__(
        self,
        lesson: Lesson,
        size: tuple[int, int],
        language: str = "en",
        *,
        ascii: bool = False,
        color: bool = False,
    ) -> None:
        screen = Screen(io.StringIO(), color="always" if color else "never", ascii=ascii)
        self.size = size
        self.pages = Pages(lesson, screen, following={"en": "What comes next", "zh": "下一课"})
        reading = Reading.of(lesson, followed=True)
        self.session = self.pages.fitted(Session(reading, language=language), size)

    def press(self, *keys: str) -> str:
        self.session = reduce(
            lambda session, key: self.pages.fitted(session.press(key), self.size),
            keys,
            self.session,
        )
        return "\n".join(self.screen())

    def screen(self) -> list[str]:
        return self.pages.lines(self.session, self.size)

    def through(self) -> Iterator[list[str]]:
        """Yield every screen up to the end, going on with the space bar."""
        while True:
            yield self.screen()
            before = self.session
            self.press("space")
            if self.session == before:
                return


def first() -> Lesson:
    return lesson_of("01-one-product")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", LESSONS)
def test_pages_fit_every_terminal_and_lose_nothing(name: str, language: str) -> None:
    lesson = lesson_of(name)
    for size in SIZES:
        shown = text_of(Reader(lesson, size, language))
        for text in written(lesson, language):
            assert "".join(text.split()) in shown, (size, text)


def text_of(reader: Reader) -> str:
    """Read all of a lesson, checking each screen; return its text without blanks."""
    lines: dict[tuple[int, int], str] = {}
    width, height = reader.size
    for screen in reader.through():
        assert len(screen) == height
        assert max(map(cell_len, screen)) <= width, screen
        for number, line in enumerate(screen[: height - FOOTER], reader.session.scroll):
            lines[reader.session.page, number] = line
    return "".join("".join(lines[at].split()) for at in sorted(lines))


def written(lesson: Lesson, language: str) -> Iterator[str]:
    """Yield everything that a reader of the lesson has to see, but what is in tables."""
    with using_language(language):
        for block in lesson.blocks(language):
            match block:
                case SceneMarker():
                    yield lesson.scenes[block.scene].title
                case QuestionMarker():
                    question = lesson.questions[block.question]
                    yield plain(question.ask)
                    yield from (plain(option.text) for option in question.options)
                case Code():
                    yield from block.text.splitlines()
                case Table():
                    pass  # whose cells are broken beside one another
                case _:
                    yield from map(plain, texts(block))


# -- one screen after the other


def test_a_wrong_answer_is_named_and_moves_no_page() -> None:
    reader = Reader(first(), (80, 24))
    reader.press("end")
    pages = len(reader.session.starts)
    reader.session = reader.session.went_to(reader.session.outline.asked_at["padded-places"])
    page = reader.session.page
    assert "Question 4 of 6" in reader.press("3", "enter")
    said = reader.press("h")
    assert "3 is not it." in said
    assert "Hint 1 of 3" in said
    assert "h hint" in said
    assert (len(reader.session.starts), reader.session.page) == (pages, page)


def test_a_mistake_has_its_name() -> None:
    reader = Reader(first(), (80, 24))
    at = reader.session.outline.asked_at["all-together"]
    reader.session = reader.session.went_to(at)
    # The kernel 2 -1 3 laid on 4 1 3 and on 3 2 6, with no padding at all.
    said = reader.press("1", "6", "space", "2", "2", "enter")
    assert mistake("padding_ignored").name in said
    assert "r see where it goes wrong" in said


def test_how_much_a_single_number_is_off_is_not_told() -> None:
    reader = Reader(first(), (80, 24))
    reader.session = reader.session.went_to(reader.session.outline.asked_at["first-sum"])
    said = reader.press("3", "enter")
    assert "3 is not it." in said
    assert "off by" not in said
    assert "18" not in said


def test_a_right_answer_and_one_that_is_shown() -> None:
    reader = Reader(first(), (80, 24))
    reader.press("right")
    assert "Right: 2" in reader.press("2", "enter")
    assert "1 of 6 questions right" in reader.press("right")
    reader.press("right")
    shown = reader.press("x")
    assert "The answer is 21" in shown
    assert "1 of 6 questions right" in shown
    assert "Your answer" not in shown


def test_an_option_says_why() -> None:
    reader = Reader(first(), (80, 24))
    reader.session = reader.session.went_to(reader.session.outline.asked_at["kept"])
    said = reader.press("c", "enter")
    assert "C is not it." in said
    assert "That would be stride 3." in said
    assert "Right: B" in reader.press("b", "enter")


def test_an_answer_that_cannot_be_read_says_how_to_write_it() -> None:
    reader = Reader(first(), (80, 24))
    reader.press("right")
    assert reader.press("-", "-").endswith("enter send the answer   Esc clear it   h hint   → skip")
    said = reader.press("enter")
    assert "cannot be read" in said
    assert "Your answer: --_" in said


def test_a_page_too_long_says_so_and_scrolls() -> None:
    reader = Reader(first(), (60, 12))
    while not reader.session.overflow:
        reader.press("space")
    top = "\n".join(reader.screen())
    assert "↓ more below" in top
    assert "→ down" in top
    reader.press(*["down"] * 50)
    assert "↓ more below" not in "\n".join(reader.screen())


def test_the_contents_show_pages_and_answers() -> None:
    reader = Reader(first(), (80, 24))
    reader.press("right", "2", "enter")
    contents = reader.press("t")
    assert "▸   2  Multiply, add, move  ✓" in contents
    assert "Over the edge: padding  ·" in contents
    small = Reader(first(), (40, 10))
    assert "What you can do now" not in small.press("t")
    assert "▸" in small.press("end")
    assert "What you can do now" in "\n".join(small.screen())


def test_the_end_says_what_is_open_and_what_comes_next() -> None:
    reader = Reader(first(), (80, 24))
    reader.press("right", "2", "enter")
    end = reader.press("end")
    assert "You answered 1 of 6 questions." in end
    assert "Still open, on page: 4, 5, 7, 9, 11" in end
    assert "Enter goes on with: What comes next" in end


def test_open_questions_stand_in_the_order_of_their_pages_not_of_the_file() -> None:
    lesson = replace(first(), questions=dict(reversed(list(first().questions.items()))))
    assert "Still open, on page: 2, 4, 5, 7, 9, 11" in Reader(lesson, (80, 24)).press("end")


def test_help_explains_every_key_of_the_page() -> None:
    reader = Reader(first(), (80, 24))
    help_ = reader.press("?")
    for name in ("→ n", "r  ", "s  ", "h  ", "x  ", "t  ", "l  ", "q Esc"):
        assert name in help_


def test_help_is_read_to_its_end_on_a_small_terminal() -> None:
    reader = Reader(first(), (40, 10))
    screens = [reader.press("?")] + [reader.press("down") for _press in range(60)]
    assert "sent with enter." in screens[-1]
    assert "sent with enter." not in screens[0]
    assert all("Any key goes back." in screen for screen in screens)
    assert reader.press("up") != screens[-1]
    assert all(cell_len(line) <= 40 for screen in screens for line in screen.splitlines())
    assert "…" not in "".join(screens)


def test_a_small_terminal_says_what_it_needs() -> None:
    reader = Reader(first(), (80, 24))
    reader.size = (39, 24)
    said = " ".join(reader.screen())
    assert "40×10 are needed" in said
    assert len(reader.screen()) == 24
    reader.press("right")
    reader.size = (80, 24)
    reader.press()
    assert reader.session.page == 1


def test_colours_change_no_text() -> None:
    plain_reader, colored = Reader(first(), (80, 24)), Reader(first(), (80, 24), color=True)
    assert "\x1b[" in "\n".join(colored.screen())
    assert len(plain_reader.session.starts) == len(colored.session.starts)


@pytest.mark.parametrize("name", LESSONS)
def test_ascii_is_ascii(name: str) -> None:
    reader = Reader(lesson_of(name), (80, 24), ascii=True)
    for screen in reader.through():
        screen[-1] = screen[-1].replace("中文", "zh")
        assert "".join(screen).isascii(), [line for line in screen if not line.isascii()]


def test_the_language_changes_on_the_page() -> None:
    reader = Reader(first(), (80, 24))
    reader.press("right", "2", "enter")
    assert "相乘、相加、移动" in reader.press("t", "l", "escape", "l")
    assert reader.session.attempt("places").outcome == RIGHT
    assert "Multiply, add, move" in reader.press("l")


KEYS = [*"npqlrstwxh?abc0127;-", "up", "down", "left", "right", "space", "enter", "escape"]
KEYS += ["home", "end", "pageup", "pagedown", "backspace"]


@given(st.lists(st.sampled_from(KEYS), max_size=40), st.sampled_from([*SIZES, (60, 10)]))
def test_whatever_is_pressed_the_screen_stays_a_screen(keys: list[str], size: Size) -> None:
    reader = Reader(small(), size)
    for key in keys:
        reader.press(key)
        reader.session = replace(reader.session.returned(), done=False)
        screen = reader.screen()
        assert len(screen) == size[1]
        assert max(map(cell_len, screen)) <= size[0]
        assert reader.session.at in reader.session.starts


# -- a lesson with every kind of scene and question


@cache
def small() -> Lesson:
    return load_lesson(DATA / "lessons" / "01-small")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_scene_and_question_as_text(language: str) -> None:
    with using_language(language):
        text = snapshot.plain(Whole(small(), Look(color=False), answers=True))
    snapshot.check(f"lesson-small-{language}", text)


def test_scenes_of_a_page_are_marked_and_stepped_through_in_turn() -> None:
    reader = Reader(small(), (100, 60))
    reader.press("right")
    assert len(reader.session.scenes) == 2
    before = [line for line in reader.screen() if line.startswith("▸─")]
    after = [line for line in reader.press("s").splitlines() if line.startswith("▸─")]
    assert len(before) == len(after) == 1
    assert before != after
    assert "s another scene" in reader.screen()[-1]


@pytest.mark.parametrize("name", LESSONS)
def test_markdown_is_read_by_our_own_reader_as_it_was_written(name: str) -> None:
    lesson = lesson_of(name)
    for language in LANGUAGES:
        with using_language(language):
            text = markdown(lesson, Look(color=False), 80, answers=True)
            blocks, problems = parse(text, "saved.md")
            assert problems == []
            prose = [block for block in lesson.blocks() if isinstance(block, Paragraph | Items)]
            shown = {plain(spans) for block in blocks for spans in texts(block)}
            for block in prose:
                assert shown >= {plain(spans) for spans in texts(block)}
