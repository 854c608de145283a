"""The replay in a pseudo-terminal: keys, sizes, signals, and the terminal as it was before."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from rich.cells import cell_len

from stepconv import Trace, trace
from stepconv.cli.replay import lines, replay
from stepconv.cli.terminal import Terminal
from stepconv.cli.waiting import compiling
from stepconv.language import using_language
from stepconv.player import Counts, Player
from stepconv.samples import scene
from stepconv.views.screen import Screen
from tests.ptys import Pty, pseudo_terminal, started

SOBEL = ("trace", "@digit", "@sobel-x", "--padding", "1", "--play")


def record_of(name: str) -> Trace:
    example = scene(name)
    return trace(example.input, example.weight, example.bias, **example.options)


@pytest.fixture
def pty() -> Iterator[Pty]:
    with pseudo_terminal() as opened:
        yield opened


def assert_restored(pty: Pty) -> None:
    """The settings are as before, the alternate screen is left, the cursor is back."""
    pty.wait(lambda: pty.raw.endswith(b"\x1b[?1049l"), "the ordinary screen")
    assert pty.settings() == pty.before
    assert pty.screen.modes == {"25"}
    assert pty.raw.count(b"\x1b[?1049h") == pty.raw.count(b"\x1b[?1049l") > 0
    assert b"Traceback" not in pty.raw


# -- a real process


def test_keys_of_a_whole_session(pty: Pty) -> None:
    with started(pty, *SOBEL) as process:
        first = pty.until("placement 1 of 64", "‖ 1 s", "q quit")
        assert "1049" in pty.screen.modes
        assert "25" not in pty.screen.modes
        assert pty.settings() != pty.before
        assert len(first.splitlines()) == 24
        pty.type("g11\r")
        pty.until("fills output [0, 0, 1, 2]", "sum -42")
        pty.type("\x1b[C")
        pty.until("placement 12 of 64")
        pty.type("\x1b[D\x1b[B")
        pty.until("placement 11 of 64", "term 1 of 9")
        pty.type("\x1b[A\x1b[F")
        pty.until("placement 64 of 64")
        pty.type("g99\r")
        pty.until("there is no placement 99")
        pty.type("?")
        pty.until("next placement", "faster and slower")
        pty.type("x\x1b[H")
        pty.until("placement 1 of 64", "window")
        pty.type("v")
        pty.until("[0, 0]", "∙")
        pty.type("v")
        pty.until("W is 64×64")
        pty.type("q")
        assert process.wait(30) == 0
        assert_restored(pty)


def test_playing_moves_by_itself(pty: Pty) -> None:
    with started(pty, "trace", "--play", "--delay", "0.05") as process:
        pty.until("placement 4 of 4", "‖")
        pty.type("-------- ")
        pty.until("placement 1 of 4", "▸ 8 s")
        pty.type("q")
        assert process.wait(30) == 0
    assert_restored(pty)


def test_control_c(pty: Pty) -> None:
    with started(pty, *SOBEL) as process:
        pty.until("placement 1 of 64")
        pty.type("\x03")
        assert process.wait(30) == 130
        assert_restored(pty)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_that_end_it(pty: Pty, number: signal.Signals) -> None:
    with started(pty, *SOBEL) as process:
        pty.until("placement 1 of 64")
        process.send_signal(number)
        assert process.wait(30) == 128 + number
        assert_restored(pty)


def test_a_new_size_draws_anew(pty: Pty) -> None:
    with started(pty, *SOBEL) as process:
        pty.until("placement 1 of 64", "columns the same")
        pty.resize(30, 8)
        pty.until("The terminal is 30×8")
        pty.resize(120, 40)
        text = pty.until("placement 1 of 64", "+- speed")
        assert len(text.splitlines()) == 40
        pty.resize(60, 20)
        pty.until("placement 1 of 64", "q quit")
        pty.type("q")
        assert process.wait(30) == 0


def test_stopping_and_going_on(pty: Pty) -> None:
    with started(pty, *SOBEL, job=True) as shell:
        pty.until("placement 1 of 64")
        pty.type("\x1b[C")
        pty.until("placement 2 of 64")
        taken = pty.settings()
        pty.type("\x1a")
        pty.wait(lambda: "1049" not in pty.screen.modes, "the ordinary screen")
        pty.wait(lambda: pty.settings() == pty.before, "the settings as before")
        pty.screen.resize(80, 24)
        os.killpg(os.tcgetpgrp(pty.master), signal.SIGCONT)
        pty.until("placement 2 of 64")
        assert pty.settings() == taken
        pty.type("q")
        assert shell.wait(30) == 0
    assert_restored(pty)


def test_a_terminal_that_goes_away() -> None:
    with pseudo_terminal() as pty, started(pty, *SOBEL) as process:
        pty.until("placement 1 of 64")
        pty.hang_up()
        assert process.wait(30) in (0, 128 + signal.SIGHUP)  # whichever is noticed first


def test_chinese_and_no_color(pty: Pty) -> None:
    with started(pty, *SOBEL, "--lang", "zh", environment={"NO_COLOR": "1"}) as process:
        assert "[" in pty.until("8×8", "▸")
        pty.type("q")
        assert process.wait(30) == 0
    assert b"\x1b[1m" not in pty.raw
    assert b"\x1b[30;" not in pty.raw


def test_a_dumb_terminal_gets_the_steps(pty: Pty) -> None:
    with started(pty, "trace", "--play", environment={"TERM": "dumb"}) as process:
        assert process.wait(60) == 0
    pty.wait(lambda: b"1049" not in pty.raw and b"y4" in pty.raw, "the steps")


# -- in this process


@contextmanager
def on(pty: Pty) -> Iterator[Screen]:
    """Put the standard streams on a pseudo-terminal."""
    stdin, stdout = pty.streams()
    with stdin, stdout, mock.patch("sys.stdin", stdin), mock.patch("sys.stdout", stdout):
        yield Screen(stdout, color="never")


def test_the_loop(pty: Pty) -> None:
    record = record_of("padding-strides-transposed")

    def person() -> None:
        pty.until("placement 2 of 25")
        pty.type("ccb\x1b")
        pty.wait(lambda: "1049" not in pty.screen.modes, "the end")

    with on(pty) as screen:
        thread = threading.Thread(target=person)
        thread.start()
        replay(record, screen, view="no such view", delay=None, start=1)
        thread.join()
    assert_restored(pty)


def test_an_exception_gives_the_terminal_back(pty: Pty) -> None:
    handlers = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGTSTP)]

    def fail(screen: Screen) -> None:
        with Terminal(screen.stream) as terminal:
            assert terminal.size == (80, 24)
            terminal.draw(["one", "two"])
            pty.until("one\ntwo")
            raise ZeroDivisionError

    with on(pty) as screen, pytest.raises(ZeroDivisionError):
        fail(screen)
    assert_restored(pty)
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGTSTP)] == handlers


def test_stopping_gives_the_terminal_back_meanwhile(pty: Pty) -> None:
    def look(_process: int, number: int) -> None:
        assert number == signal.SIGTSTP
        assert signal.getsignal(number) == signal.SIG_DFL
        assert_restored(pty)

    with on(pty) as screen, Terminal(screen.stream) as terminal:
        taken = pty.settings()
        with mock.patch("os.kill", side_effect=look) as kill:
            signal.raise_signal(signal.SIGTSTP)
        kill.assert_called_once()
        assert terminal.resumed
        assert pty.settings() == taken
    assert_restored(pty)


def test_a_person_is_told_what_is_written(pty: Pty, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with started(pty, "trace", "--save", str(path), "--width", "200") as process:
        assert process.wait(60) == 0
    pty.wait(lambda: f"{path} is written".encode() in pty.raw, "the note")


def test_an_exception_while_taking_over(pty: Pty) -> None:
    with (
        on(pty) as screen,
        mock.patch.object(Terminal, "_write", side_effect=[OSError(5, "gone"), None]),
        pytest.raises(OSError, match="gone"),
        Terminal(screen.stream),
    ):
        pass
    assert pty.settings() == pty.before


def test_keys_in_pieces_and_an_escape_alone(pty: Pty) -> None:
    with on(pty) as screen, Terminal(screen.stream) as terminal:
        pty.type("\x1b[")
        threading.Timer(0.01, pty.type, ["C"]).start()
        assert terminal.keys(5) == ["right"]
        pty.type("\x1b")
        assert terminal.keys(5) == ["escape"]
        assert terminal.keys(0.01) == []


def test_a_long_frame_is_cut_to_the_screen() -> None:
    record = record_of("volume")
    player = Player(Counts.of(record))
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        screen = Screen(nowhere, color="never")
        for height in (15, 16, 20, 24, 60):
            for view in ("steps", "table", "matrix"):
                shown = lines(record, Player(player.counts, view=view), screen, 80, height)
                assert len(shown) == height
                assert shown[-1].endswith("quit")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("name", ["grouped", "padding-strides-odd-transposed", "sentences"])
def test_no_line_is_wider_than_the_terminal(name: str, ascii: bool, language: str) -> None:
    record = record_of(name)
    start = Player(Counts.of(record), views=("steps", "table", "matrix"))
    states = [start, start.press("down"), start.press("space"), start.press("?"), start.press("g")]
    states.append(start.press("g").press("0").press("enter"))
    with open(os.devnull, "w", encoding="utf-8") as nowhere, using_language(language):
        screen = Screen(nowhere, color="never", ascii=ascii)
        for width in (20, 59, 60, 80, 120):
            for state in states:
                shown = lines(record, state, screen, width, 24)
                assert len(shown) == 24
                assert max(map(cell_len, shown)) <= width
                assert not ascii or language == "zh" or "".join(shown).isascii()


def test_a_matrix_that_is_too_large_is_said_and_not_shown() -> None:
    record = record_of("no-padding")
    player = Player(Counts.of(record), view="matrix")
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        mock.patch("stepconv.matrix.LARGEST_MATRIX", 10),
    ):
        shown = lines(record, player, Screen(nowhere), 80, 24)
    assert "more than the" in " ".join(shown)
    assert "placement 1 of 4" in shown[-2]


# -- a word while the kernel is compiled


def test_a_word_about_compiling(pty: Pty) -> None:
    with on(pty) as screen, mock.patch("stepconv.cli.waiting.PATIENCE", 0):
        with compiling(screen):
            pty.until("compiling")
        pty.wait(lambda: "compiling" not in pty.screen.text, "wiped away")


def test_no_word_where_it_is_quick_or_nobody_reads() -> None:
    with pseudo_terminal() as pty, on(pty) as screen:
        with compiling(screen):
            pass
        assert pty.raw == b""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        with mock.patch("stepconv.cli.waiting.Timer") as timer, compiling(Screen(nowhere)):
            pass
        timer.assert_not_called()


def test_a_command_leaves_the_terminal_alone(pty: Pty) -> None:
    with started(pty, "trace") as process:
        assert process.wait(60) == 0
    pty.wait(lambda: b"y4" in pty.raw, "the table")
    assert pty.settings() == pty.before
    assert b"1049" not in pty.raw
