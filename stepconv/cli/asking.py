"""Asking a question line by line: on a terminal, or of a script that writes to standard input.

Whoever answers gets hints, a verdict that names the mistake, and the replay. The rules are
those of `stepconv.lessons.attempt`; here they meet lines of text.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rich.console import RenderableType
from rich.text import Text

from stepconv.cli.output import Output
from stepconv.cli.replay import replay
from stepconv.errors import InputError
from stepconv.language import _
from stepconv.lessons.asked import Asked
from stepconv.lessons.attempt import Attempt
from stepconv.record import Trace
from stepconv.views.frame import Frame, views_of
from stepconv.views.lessons.question import HintView, QuestionView, VerdictView

Replay = Callable[[Attempt], None]
"""Shows where an attempt goes wrong; see `show_step`."""

Told = Callable[[Attempt], None]
"""Called behind what is said of an answer, such as to add to it."""


@dataclass(frozen=True)
class Answered:
    """How a question was left: as the attempt stands, passed over, or with the wish to stop."""

    attempt: Attempt
    left: Literal["", "skipped", "quit"] = ""


def ask(
    asked: Asked,
    output: Output,
    *,
    title: str = "",
    view: RenderableType | None = None,
    replay: Replay | None = None,
    told: Told | None = None,
) -> Answered:
    """Ask a question until it is answered, shown, passed over, or nobody is there any more.

    Parameters
    ----------
    asked : Asked
        The question, its hints, and what judges an answer.
    output : Output
        Where it is asked; answers come from standard input. Where that is no terminal the
        answers are printed, so that the output can be read by itself.
    title : str
        Which question it is.
    view : renderable, optional
        What shows the question, instead of its words and options alone.
    replay : callable, optional
        Called with a wrong attempt when the reader wants to see where it goes wrong.
    told : callable, optional
        Called with the attempt after every verdict.

    Raises
    ------
    InputError
        Where standard input is not text.
    """
    asking = _Asking(asked, output, replay, told)
    asking.show(view or QuestionView(asked, output.screen.look, title=title))
    asking.explain()
    attempt = Attempt()
    while not attempt.outcome:
        line = asking.line()
        word = "q" if line is None else _word(line)
        if word == "q":
            return Answered(attempt, "quit")
        if word == "s":
            return Answered(attempt, "skipped")
        attempt = asking.answer(attempt, word)
    return Answered(attempt)


def show_step(output: Output, trace: Trace, step: int) -> None:
    """Replay `trace` from `step` on a terminal; elsewhere print that step."""
    if _interactive(output):
        replay(trace, output.screen, view=None, delay=None, start=step)
    else:
        output.screen.show(Frame(trace, step, output.screen.look, view=views_of(trace)[0]))


class _Asking:
    """What is printed and read while one question is asked."""

    def __init__(
        self, asked: Asked, output: Output, replay: Replay | None, told: Told | None
    ) -> None:
        self.asked = asked
        self.output = output
        self.replay = replay
        self.told = told

    def show(self, view: RenderableType) -> None:
        """Print something and a blank line."""
        self.output.screen.show(view)
        self.output.screen.write("\n")

    def explain(self) -> None:
        """Say what can be typed, to a person."""
        if sys.stdin.isatty():
            keys = _("h a hint   s skip   x show the answer   q quit")
            self.output.screen.show(Text(keys, self.output.screen.look.style("note")))

    def line(self) -> str | None:
        """Read a line; None where there are no more."""
        screen = self.output.screen
        screen.write(screen.look.plain(_("Your answer: ")))
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError as error:
            raise InputError("standard input is not text; give answers in UTF-8") from error
        if not line or not sys.stdin.isatty():  # what a person types is echoed by the terminal
            screen.write(line.rstrip("\r\n") + "\n")
        return line or None

    def answer(self, attempt: Attempt, word: str) -> Attempt:
        """Return the attempt after a line that was typed, and show what is to be said."""
        if word in ("h", "?"):
            return self._hint(attempt)
        if word == "r":
            return self._step(attempt)
        after = attempt.give_up() if word == "x" else attempt.submit(word, self.asked)
        if after is not attempt:
            self.show(VerdictView(self.asked, after, self.output.screen.look))
            if self.told is not None:
                self.told(after)
            if after.wrong and self._can_step(after):
                self.note(_("r shows where it goes wrong"))
        return after

    def note(self, text: str) -> None:
        """Print a remark."""
        self.show(Text(text, self.output.screen.look.style("note")))

    def _hint(self, attempt: Attempt) -> Attempt:
        after = attempt.hint(self.asked)
        if after.hints == attempt.hints:
            self.note(_("There are no more hints."))
        if after.hints:
            self.show(HintView(self.asked, after.hints, self.output.screen.look))
        return after

    def _step(self, attempt: Attempt) -> Attempt:
        if self.replay is None or not self._can_step(attempt):
            self.note(_("There is nothing to step through yet: answer first."))
        else:
            self.replay(attempt)
        return attempt

    def _can_step(self, attempt: Attempt) -> bool:
        verdict = attempt.verdict
        readable = verdict is not None and not verdict.unreadable
        return self.replay is not None and attempt.wrong and readable


def _word(line: str) -> str:
    """Return a line without what surrounds it, and a full-width letter as the key it stands for."""
    word = line.strip()
    return unicodedata.normalize("NFKC", word).lower() if len(word) == 1 else word


def _interactive(output: Output) -> bool:
    return output.screen.is_terminal and sys.stdin.isatty() and os.environ.get("TERM") != "dumb"
