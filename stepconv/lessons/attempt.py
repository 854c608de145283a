"""An attempt at a question as a pure state machine: typing, hints, a verdict, giving up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stepconv.lessons.asked import Asked, Verdict
from stepconv.lessons.progress import RIGHT, SHOWN
from stepconv.lessons.questions import LETTERS

LONGEST = 400
"""Characters of an answer, so that a cat on the keyboard fills no memory."""

_TYPED = frozenset("0123456789-−+.,;/()[]")
_WITHIN = frozenset(("space", "x", "X", "×", "e", "E"))
"""Keys that are part of an answer, as in 3x32 or 1e3; the second once something is typed."""


@dataclass(frozen=True)
class Attempt:
    """One state of a question.

    Attributes
    ----------
    typed : str
        What stands on the answer line.
    hints : int
        How many hints were asked for.
    tries : int
        How many answers were wrong.
    answer : str
        The last answer given.
    verdict : Verdict or None
        What was said of it.
    outcome : str
        "" while the question is open, then `RIGHT` or `SHOWN`.
    """

    typed: str = ""
    hints: int = 0
    tries: int = 0
    answer: str = ""
    verdict: Verdict | None = None
    outcome: str = ""

    @property
    def wrong(self) -> bool:
        """Whether the last answer was wrong, and the question is still open."""
        return not self.outcome and self.verdict is not None and not self.verdict.right

    def submit(self, text: str, asked: Asked) -> Attempt:
        """Have an answer judged; without a word nothing happens."""
        if self.outcome or not text.strip():
            return self
        verdict = asked.judge(text)
        return replace(
            self,
            typed=text if verdict.unreadable else "",
            answer=text.strip(),
            verdict=verdict,
            tries=self.tries + (not verdict.right and not verdict.unreadable),
            outcome=RIGHT if verdict.right else "",
        )

    def hint(self, asked: Asked) -> Attempt:
        """Ask for one hint more."""
        return self if self.outcome else replace(self, hints=min(self.hints + 1, len(asked.hints)))

    def give_up(self) -> Attempt:
        """Have the answer shown."""
        return self if self.outcome else replace(self, outcome=SHOWN, typed="", verdict=None)

    def press(self, key: str, asked: Asked) -> Attempt | None:
        """Return the state after `key`, or None where the key means nothing to a question."""
        if self.outcome:
            return None
        if key == "enter":
            return self.submit(self.typed, asked)
        if self.typed and key in ("backspace", "escape"):
            return replace(self, typed=self.typed[:-1] if key == "backspace" else "")
        if asked.options and key.upper() in letters(asked):
            return replace(self, typed=key.upper())
        if not asked.options and self._is_typed(key):
            typed = self.typed + (" " if key == "space" else key)
            return replace(self, typed=typed[:LONGEST])
        if key == "h":
            return self.hint(asked)
        if key == "x":
            return self.give_up()
        return None

    def _is_typed(self, key: str) -> bool:
        """Whether a key is part of the answer."""
        return key in _TYPED or bool(self.typed and key in _WITHIN)


def letters(asked: Asked) -> Sequence[str]:
    """Return the letters of the options, in their order."""
    return tuple(LETTERS[: len(asked.options)])
