"""Practice as a pure state machine: answers, hints, looks at what went wrong, the next question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from stepconv.classroom.practice import Comparison, Course
from stepconv.classroom.practice.course import Codes
from stepconv.classroom.practice.schedule import HELPED, RIGHT, SHOWN, SKIPPED, WRONG
from stepconv.lessons.asked import Practised
from stepconv.lessons.attempt import Attempt

_TO_THE_END = 1 << 30


@dataclass(frozen=True, eq=False)
class Drill:
    """One state of practice.

    Attributes
    ----------
    course : Course
        Its question is the one asked now.
    most : int or None
        Questions to ask; endless where there is no number.
    attempt : Attempt
        How the question stands.
    wrong : tuple of Codes
        What explains each wrong answer to it.
    looked : bool
        Whether the layer was stepped through before the answer was right.
    beside : Comparison or None
        The last wrong answer beside what is right.
    overlay : {"", "help", "beside"}
    scroll, overflow, room : int
        Lines passed at the top; lines that do not fit; lines that do.
    replay, done : bool
        Whether to step through the layer now, and whether practice is over.

    Examples
    --------
    >>> drill = Drill(Course(7, topics=("padding",)), most=1)
    >>> for key in ("-", "1", "enter", "h", "x", "right"):
    ...     drill = drill.press(key)
    >>> drill.done, drill.course.results[0].outcome, drill.course.results[0].hints
    (True, 'wrong', 1)
    """

    course: Course
    most: int | None = None
    attempt: Attempt = field(default_factory=Attempt)
    wrong: tuple[Codes, ...] = ()
    looked: bool = False
    beside: Comparison | None = None
    overlay: str = ""
    scroll: int = 0
    overflow: int = 0
    room: int = 1
    replay: bool = False
    done: bool = False

    @property
    def asked(self) -> Practised:
        """The question."""
        return Practised(self.course.question)

    @property
    def outcome(self) -> str:
        """How the question went, as far as it has gone; "" where nothing was done about it."""
        attempt = self.attempt
        if attempt.tries:
            return WRONG
        if attempt.outcome == RIGHT:
            return HELPED if attempt.hints or self.looked else RIGHT
        return SHOWN if attempt.outcome else ""

    @property
    def last(self) -> bool:
        """Whether no question comes after this one."""
        return self.most is not None and self.course.number >= self.most

    @property
    def comparable(self) -> bool:
        """Whether a wrong answer was given of which there is more to show than the right way."""
        return self.beside is not None and self.beside.telling

    # -- what is done ---------------------------------------------------------------------

    def answered(self, text: str) -> Drill:
        """Have an answer judged."""
        return self.tried(self.attempt.submit(text, self.asked))

    def hinted(self) -> Drill:
        """Ask for one hint more."""
        return self.tried(self.attempt.hint(self.asked))

    def given_up(self) -> Drill:
        """Have the answer shown."""
        return self.tried(self.attempt.give_up())

    def next(self) -> Drill:
        """Go on to the next question; one that is still open is passed over."""
        outcome = self.outcome or SKIPPED
        course = self.course.closed(outcome, self.attempt.hints, self.wrong)
        return Drill(course, self.most, room=self.room, done=self.last)

    def ended(self) -> Drill:
        """Stop here; a question that was tried counts as it stands."""
        if self.done:
            return self
        return replace(self.next() if self.outcome else self, done=True)

    def seen(self) -> Drill:
        """Take down that the layer is looked at: who then answers had help."""
        return replace(self, looked=self.looked or not self.attempt.outcome)

    def tried(self, attempt: Attempt) -> Drill:
        """Take over how the attempt stands now."""
        said = attempt.hints, attempt.verdict, attempt.outcome
        if said == (self.attempt.hints, self.attempt.verdict, self.attempt.outcome):
            return replace(self, attempt=attempt)
        after = replace(self, attempt=attempt, scroll=_TO_THE_END)
        if attempt.tries == self.attempt.tries:
            return after
        verdict = attempt.verdict
        assert verdict is not None
        assert verdict.diagnosis is not None  # it was read, and was wrong
        codes = tuple(one.codes for one in verdict.diagnosis.explanations)
        beside = Comparison.of(
            self.course.question, attempt.answer, verdict.diagnosis, verdict.cell
        )
        return replace(after, wrong=(*self.wrong, codes), beside=beside)

    # -- keys -----------------------------------------------------------------------------

    def fitted(self, room: int, overflow: int) -> Drill:
        """Take over how many lines there are, and how many do not fit."""
        return replace(self, room=room, overflow=overflow, scroll=min(self.scroll, overflow))

    def returned(self) -> Drill:
        """Go on after a replay."""
        return replace(self, replay=False)

    def press(self, key: str) -> Drill:
        """Return the state after `key`; a key without a meaning changes nothing."""
        if self.done:
            return self
        if key == "ctrl-c":
            return self.ended()
        if self.overlay == "help":
            return replace(self, overlay="")
        if self.overlay:
            return self._look(key)
        attempt = self.attempt.press({"、": ","}.get(key, key), self.asked)
        if attempt is not None:
            # Enter on an empty line sends nothing, and is no wish to go on either.
            return self.tried(attempt)
        action = _KEYS.get(key)
        return self if action is None else action(self)

    def _look(self, key: str) -> Drill:
        """Walk through the cells of the comparison."""
        if key in ("escape", "q", "c", "enter"):
            return replace(self, overlay="")
        if key == "r":
            return self._step()
        steps = {"right": 1, "n": 1, "space": 1, "left": -1, "p": -1}
        if key in steps and self.beside is not None:
            return replace(self, beside=self.beside.at(self.beside.number + steps[key]))
        return self

    def _step(self) -> Drill:
        return self if self.course.question.trace is None else replace(self.seen(), replay=True)

    def _compare(self) -> Drill:
        return replace(self, overlay="beside") if self.comparable else self

    def _scroll(self, lines: int) -> Drill:
        return replace(self, scroll=min(max(self.scroll + lines, 0), self.overflow))


def _keys(names: str, action: Callable[[Drill], Drill]) -> dict[str, Callable[[Drill], Drill]]:
    return dict.fromkeys(names.split(), action)


_KEYS: dict[str, Callable[[Drill], Drill]] = {
    **_keys("right n s space enter", Drill.next),
    **_keys("down", lambda state: state._scroll(1)),
    **_keys("up", lambda state: state._scroll(-1)),
    **_keys("pagedown", lambda state: state._scroll(max(state.room - 1, 1))),
    **_keys("pageup", lambda state: state._scroll(-max(state.room - 1, 1))),
    **_keys("r", Drill._step),
    **_keys("c", Drill._compare),
    **_keys("?", lambda state: replace(state, overlay="help")),
    **_keys("q escape", Drill.ended),
}
