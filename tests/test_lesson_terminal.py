"""Lessons in a pseudo-terminal: read through in each language, left in every way, gone on with."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import pytest
from rich.cells import cell_len

from stepconv.bundled import bundled_folder
from stepconv.cli import main
from stepconv.cli.lesson_run import Keeper
from stepconv.lessons.loader import load_lesson
from stepconv.lessons.progress import Progress, save_place
from stepconv.lessons.reading import Reading
from stepconv.lessons.session import Session
from tests import snapshot
from tests.commands import clean_environment, process, run
from tests.helpers import DATA
from tests.ptys import Pty, Transcript, pseudo_terminal, started
from tests.test_lesson_pages import LESSONS

LESSON = ("lesson", "one-product")


@pytest.fixture
def pty() -> Iterator[Pty]:
    with pseudo_terminal() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where progress is kept."""
    return tmp_path / "data"


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    return {"STEPCONV_DATA_DIR": str(folder)}


def kept(folder: Path) -> dict[str, object]:
    state = json.loads((folder / "lessons.json").read_text())
    found: dict[str, object] = state["lessons"]["one-product"]
    return found


def assert_restored(pty: Pty) -> None:
    pty.wait(lambda: pty.raw.endswith(b"\x1b[?1049l"), "the ordinary screen")
    assert pty.settings() == pty.before
    assert pty.screen.modes == {"25"}
    assert b"Traceback" not in pty.raw


# -- a whole lesson, as a new reader goes through it

ANSWERS = {
    "places": ["3\r", "h", "2\r"],
    "first-sum": ["22\r", "r", "q", "w", "q", "h", "h", "21\r"],
    "second-products": ["2 -4\r", "2 -4 6\r"],
    "padded-places": ["4\r"],
    "kept": ["d\r", "b\r"],
    "all-together": ["16 22\r", "r", "q", "x"],
}
"""What is typed at each question of the first lesson: slips, hints, replays, giving up."""


def page_of(pty: Pty) -> tuple[int, int]:
    """Which page is shown, and how many there are; zeros while the screen is being drawn."""
    below = "\n".join(pty.screen.text.splitlines()[-2:])
    found = re.search(r"(\d+)\D+(\d+)", below)
    return (int(found[1]), int(found[2])) if found else (0, 0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_whole_lesson_from_the_first_page_to_the_last(
    pty: Pty, folder: Path, environment: dict[str, str], language: str
) -> None:
    transcript = Transcript(pty)
    arguments = (*LESSON, "--lang", language)
    with started(pty, *arguments, environment=environment) as reading:
        pty.until("1", "q ")
        transcript.see()
        for typed in ANSWERS.values():
            while "_" not in pty.screen.text.splitlines()[-3]:
                transcript.type("\x1b[C")
            for keys in typed:
                transcript.type(keys)
        while page_of(pty)[0] < page_of(pty)[1]:
            transcript.type("\x1b[C")
        pty.type("q")
        assert reading.wait(30) == 0
    assert_restored(pty)
    assert kept(folder)["finished"] is True
    outcomes = dict.fromkeys(ANSWERS, "right") | {"all-together": "shown"}
    assert kept(folder)["answers"] == outcomes
    snapshot.check(f"lesson-one-product-{language}", "\n".join(transcript.parts))


# -- leaving, and going on


def test_the_place_and_the_answers_are_found_again(
    pty: Pty, folder: Path, environment: dict[str, str]
) -> None:
    with started(pty, *LESSON, environment=environment) as reading:
        pty.until("page 1 of 14")
        pty.type("\x1b[C")
        pty.until("Question 1 of 6")
        pty.type("2\r")
        pty.until("Right: 2")
        pty.type("\x1b[C")
        pty.until("page 3 of 14")
        reading.send_signal(signal.SIGKILL)
        reading.wait(30)
    assert kept(folder)["answers"] == {"places": "right"}
    pty.resize(80, 24)
    with started(pty, *LESSON, environment=environment) as reading:
        pty.until("page 3 of 14", "1 of 6 questions right")
        pty.type("\x1b[D")
        pty.until("Right: 2")
        pty.type("q")
        assert reading.wait(30) == 0


def test_a_page_can_be_chosen_and_progress_forgotten(
    pty: Pty, folder: Path, environment: dict[str, str]
) -> None:
    with started(pty, *LESSON, "--page", "99", environment=environment) as reading:
        pty.until("The end of: One product at a time")
        pty.type("q")
        assert reading.wait(30) == 0
    assert kept(folder)["finished"] is True
    with started(pty, *LESSON, "--restart", environment=environment) as reading:
        pty.until("page 1 of 14")
        pty.type("q")
        assert reading.wait(30) == 0
    assert kept(folder) == {"place": [1, 0], "finished": False}


def test_enter_at_the_end_opens_the_next_lesson_in_the_same_language(
    pty: Pty, environment: dict[str, str]
) -> None:
    with started(pty, *LESSON, "--page", "99", environment=environment) as reading:
        pty.until("Enter goes on with: ")
        pty.type("l")
        pty.until("一次一个乘积")
        pty.type("\r")
        pty.wait(lambda: page_of(pty)[0] == 1, "the first page")
        pty.until("输出有多长")
        pty.type("q")
        assert reading.wait(30) == 0
    assert_restored(pty)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_give_the_terminal_back(
    pty: Pty, environment: dict[str, str], number: signal.Signals
) -> None:
    with started(pty, *LESSON, environment=environment) as reading:
        pty.until("page 1 of 14")
        reading.send_signal(number)
        assert reading.wait(30) == 128 + number
        assert_restored(pty)


def test_a_terminal_that_goes_away_ends_it(environment: dict[str, str]) -> None:
    with pseudo_terminal() as pty, started(pty, *LESSON, environment=environment) as reading:
        pty.until("page 1 of 14")
        pty.hang_up()
        assert reading.wait(30) in (0, 128 + signal.SIGHUP)


def test_a_new_size_keeps_the_place(pty: Pty, environment: dict[str, str]) -> None:
    with started(pty, *LESSON, environment=environment) as reading:
        pty.until("page 1 of 14")
        pty.type("\x1b[C\x1b[C")
        pty.until("Four ones under a kernel of three")
        pty.resize(40, 12)
        pty.until("Four ones under a kernel of three", "↓ more below")
        pty.resize(20, 5)
        pty.until("The terminal is")
        pty.resize(120, 40)
        pty.until("Four ones under a kernel of three", "page 3 of 14", "l 中文")
        pty.type("q")
        assert reading.wait(30) == 0
    assert_restored(pty)


def test_a_replay_leads_back_to_the_page(pty: Pty, environment: dict[str, str]) -> None:
    with started(pty, *LESSON, "--page", "3", environment=environment) as reading:
        pty.until("page 3 of 14")
        pty.type("r")
        pty.until("placement 1 of 2", "q back to the lesson")
        pty.type("\x1b[C")
        pty.until("placement 2 of 2")
        pty.type("q")
        pty.until("page 3 of 14")
        pty.type("q")
        assert reading.wait(30) == 0
    assert_restored(pty)


def test_reading_in_this_process(pty: Pty, folder: Path, environment: dict[str, str]) -> None:
    """As the others, but where coverage can see it."""

    def type_along() -> None:
        pty.until("page 1 of 14")
        pty.type("\x1b[C")
        pty.until("Question 1 of 6")
        pty.type("3\r")
        pty.until("3 is not it.")
        pty.type("x")
        pty.until("The answer is 2")
        pty.type("\x1b[C\x1b[C")
        pty.until("Question 2 of 6")
        pty.type("22\r")
        pty.until("22 is not it.")
        pty.type("r")
        pty.until("y1 = 21", "q back to the lesson")
        pty.type("q")
        pty.until("22 is not it.")
        pty.type("w")
        pty.until("y1 = 22", "q back (this was your way)")
        pty.type("q")
        pty.until("22 is not it.")
        pty.type("\x1b[D")
        pty.until("page 3 of 14")
        pty.type("r")
        pty.until("q back to the lesson")
        pty.type("q")
        pty.until("page 3 of 14")
        pty.type("\x1b[F")
        pty.until("The end of")
        pty.type("\r")
        pty.until("How long is the output?", "page 1 of")
        pty.type("q")

    stdin, stdout = pty.streams()
    person = threading.Thread(target=type_along)
    with (
        stdin,
        stdout,
        mock.patch.dict(os.environ, {**clean_environment(), **environment}, clear=True),
        mock.patch("sys.stdin", stdin),
        mock.patch("sys.stdout", stdout),
    ):
        person.start()
        assert main(["lesson", "1"]) == 0
    person.join(60)
    assert_restored(pty)
    assert kept(folder)["answers"] == {"places": "shown"}


# -- progress that cannot be kept


def test_a_folder_that_cannot_be_written_is_said_and_no_reason_to_stop(
    pty: Pty, folder: Path, environment: dict[str, str]
) -> None:
    folder.write_text("a file where the folder should be")
    with started(pty, *LESSON, environment=environment) as reading:
        pty.until("page 1 of 14", "Progress is not kept")
        pty.type("\x1b[C2\r")
        pty.until("Right: 2")
        pty.type("q")
        assert reading.wait(30) == 0
    assert_restored(pty)


def test_damaged_progress_is_set_aside_and_said(
    pty: Pty, folder: Path, environment: dict[str, str]
) -> None:
    folder.mkdir()
    (folder / "lessons.json").write_text("{damaged")
    with started(pty, *LESSON, environment=environment) as reading:
        pty.until("page 1 of 14", "Your progress could not be read")
        pty.type("q")
        assert reading.wait(30) == 0
    assert (folder / "lessons.json.damaged-1").read_text() == "{damaged"
    assert kept(folder)["place"] == [1, 0]


def test_what_is_refused_once_is_not_tried_again(folder: Path, environment: dict[str, str]) -> None:
    with mock.patch.dict(os.environ, environment):
        folder.write_text("{")
        keeper = Keeper("one-product")
        assert keeper.begin(restart=True) == Progress()
        assert "STEPCONV_DATA_DIR" in keeper.remark
        folder.unlink()
        session = Session(Reading.of(load_lesson(bundled_folder() / "01-one-product")))
        keeper.keep_place(session)
        assert not folder.exists()


def test_damage_is_said_once(folder: Path, environment: dict[str, str]) -> None:
    with mock.patch.dict(os.environ, environment):
        folder.mkdir()
        (folder / "lessons.json").write_text("{")
        assert "lessons.json.damaged-1" in said_by(Keeper("one-product"))
        assert said_by(Keeper("one-product")) == ""


def said_by(keeper: Keeper) -> str:
    keeper.begin(restart=False)
    return keeper.remark


# -- without a terminal


def test_without_a_name_it_is_the_first_unfinished_lesson(
    folder: Path, environment: dict[str, str]
) -> None:
    with mock.patch.dict(os.environ, environment):
        save_place("one-product", (9, 0), finished=True)
        save_place("sizes", (9, 0))
    assert run("lesson", environment=environment).out.startswith("How long is the output?")
    (folder / "lessons.json").unlink()
    (folder / "lessons.json").mkdir()
    assert run("lesson", environment=environment).out.startswith("One product at a time")


def test_a_pipe_gets_the_whole_lesson(environment: dict[str, str]) -> None:
    printed = process("lesson", "1", environment=environment)
    assert (printed.returncode, printed.stderr) == (0, b"")
    text = printed.stdout.decode()
    assert "One product at a time" in text
    assert "What you can do now" in text
    assert "Question 6 of 6" in text
    assert "Answers" not in text
    assert not os.path.exists(environment["STEPCONV_DATA_DIR"])


@pytest.mark.parametrize("name", LESSONS)
def test_every_lesson_prints_with_its_answers(name: str, environment: dict[str, str]) -> None:
    for language in ("en", "zh"):
        options = ("--print", "--answers", "--lang", language, "--width", "60")
        result = run("lesson", name, *options, environment=environment)
        assert (result.status, result.err) == (0, "")
        assert "{{" not in result.out
        assert max(map(cell_len, result.out.splitlines())) <= 60


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lesson", "paddin"), "Padding"),
        (("lesson", "pading"), "did you mean padding?"),
        (("lesson", "one"), "one-product, one-engine"),
        (("lesson", "99"), "stepconv lessons"),
        (("lesson", "1", "--page", "0"), "pages are counted from 1"),
        (("lesson", "1", "--print", "--page", "2"), "leave them out"),
        (("lesson", "1", "--save", "x.pdf"), "has no suffix"),
        (("lesson", "1", "--lessons", "/nowhere/at/all"), "/nowhere/at/all"),
        (("lesson", "small", "--lessons", str(DATA / "lessons" / "01-small")), "A small lesson"),
    ],
)
def test_what_cannot_be_read_says_what_can(
    arguments: tuple[str, ...], said: str, environment: dict[str, str]
) -> None:
    result = run(*arguments, environment=environment)
    assert said in " ".join((result.out + result.err).split())
    assert result.status == (2 if result.err else 0)
    assert "Traceback" not in result.err


# -- saved


def test_a_lesson_is_saved_in_every_format(tmp_path: Path, environment: dict[str, str]) -> None:
    paths = [tmp_path / f"lesson.{suffix}" for suffix in ("txt", "md", "html")]
    options = [part for path in paths for part in ("--save", str(path))]
    result = run("lesson", "channels", *options, "--answers", environment=environment)
    assert (result.status, result.out, result.err) == (0, "", "")
    text, markdown, page = (path.read_text("utf-8") for path in paths)
    for found in (text, markdown, page):
        assert "Several channels" in found
        assert "(6, 8, 4)" in found
        assert "Answers" in found
    assert markdown.startswith("# Several channels\n")
    assert "| axis of the weight | meaning |\n|---|---|" in markdown
    assert markdown.count("```") % 2 == 0


def test_the_page_of_html_is_whole_in_itself(tmp_path: Path, environment: dict[str, str]) -> None:
    path = tmp_path / "lesson.html"
    run("lesson", "dilation", "--save", str(path), "--lang", "zh", environment=environment)
    page = path.read_text("utf-8")
    assert '<html lang="zh-CN">' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "http" not in page
    checker = Balanced()
    checker.feed(page)
    assert checker.open == []
    assert checker.figures > 5
    used = set(re.findall(r'class="(s\d+)"', page))
    assert used == set(re.findall(r"^\.(s\d+) {", page, flags=re.MULTILINE))


class Balanced(HTMLParser):
    """Checks that every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.figures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.figures += tag == "figure"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
