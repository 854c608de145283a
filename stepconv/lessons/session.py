"""A lesson being read, as a pure state machine: a key turns one state into the next.

It knows the blocks of the prose, what the questions say of an answer, and on which blocks
pages begin; drawing, measuring and keeping progress are others' work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from stepconv.lessons.attempt import Attempt
from stepconv.lessons.format import Block, QuestionMarker, SceneMarker
from stepconv.lessons.outline import Outline
from stepconv.lessons.progress import Place
from stepconv.lessons.reading import Reading

_TO_THE_END = 1 << 30


@dataclass(frozen=True)
class Replay:
    """What is to be stepped through: a scene, or what a question is about.

    That of a question opens where the answer goes wrong; `mistaken`, it is the work that gives
    this answer.
    """

    scene: str = ""
    question: str = ""
    mistaken: bool = False


@dataclass(frozen=True)
class Session:
    """One state of a lesson that is read.

    Attributes
    ----------
    reading : Reading
    language : str
    at : int
        The block with which the page begins; behind the last block stands the end.
    starts : tuple of int
        The blocks with which pages begin, in this language and on this terminal.
    scroll, overflow, room : int
        Lines passed at the top of the page; lines that do not fit; lines that do.
    focus : int
        Which of the page's scenes is stepped through next.
    attempts : Mapping
        For each question that was begun, how it stands.
    overlay : {"", "help", "contents"}
    cursor : int
        The entry chosen in the contents; the lines passed at the top of the help.
    replay : Replay or None
        What is to be stepped through now, before the page is shown again.
    done, follow : bool
        Whether the reading is over, and whether the next lesson is wanted.
    """

    reading: Reading
    language: str = "en"
    at: int = 0
    starts: tuple[int, ...] = (0,)
    scroll: int = 0
    overflow: int = 0
    room: int = 1
    focus: int = 0
    attempts: Mapping[str, Attempt] = field(default_factory=lambda: MappingProxyType({}))
    overlay: str = ""
    cursor: int = 0
    replay: Replay | None = None
    done: bool = False
    follow: bool = False

    # -- where one is -------------------------------------------------------------------

    @property
    def outline(self) -> Outline:
        """The prose in the current language."""
        return self.reading.outlines[self.language]

    @property
    def page(self) -> int:
        """The number of the page, from 0."""
        return max(sum(start <= self.at for start in self.starts) - 1, 0)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What stands on the page; nothing at the end."""
        return self.outline.blocks[self.starts[self.page] : self.page_end]

    @property
    def page_end(self) -> int:
        """The block behind the last one of the page."""
        page = self.page
        return self.starts[page + 1] if page + 1 < len(self.starts) else len(self.outline.blocks)

    @property
    def at_end(self) -> bool:
        """Whether the page is the one behind the last block."""
        return self.at >= len(self.outline.blocks)

    @property
    def place(self) -> Place:
        """Where one is, whatever the language and the terminal."""
        return self.outline.places[min(self.at, len(self.outline.blocks))]

    @property
    def question(self) -> str | None:
        """The question asked on the page."""
        asked = (block.question for block in self.blocks if isinstance(block, QuestionMarker))
        return next(asked, None)

    @property
    def mistaken(self) -> str:
        """The question of the page, where it can be shown at which cell the answer goes wrong."""
        name = self.question
        verdict = None if name is None else self.attempt(name).verdict
        wrong = verdict is not None and not verdict.right and verdict.cell is not None
        return name if name is not None and wrong else ""

    @property
    def explained(self) -> str:
        """The question of the page, where the wrong work that gives the answer is known."""
        name = self.mistaken
        verdict = self.attempt(name).verdict if name else None
        diagnosis = None if verdict is None else verdict.diagnosis
        return name if diagnosis is not None and diagnosis.explanations else ""

    @property
    def scenes(self) -> tuple[str, ...]:
        """The scenes on the page that can be stepped through."""
        return tuple(scene for _at, scene in self._scenes)

    @property
    def focused(self) -> int | None:
        """The block of the scene that is stepped through, where there are several to choose."""
        scenes = self._scenes
        return scenes[self.focus % len(scenes)][0] if len(scenes) > 1 else None

    @property
    def _scenes(self) -> list[tuple[int, str]]:
        return [
            (k, block.scene)
            for k, block in enumerate(self.blocks, self.starts[self.page])
            if isinstance(block, SceneMarker) and block.scene in self.reading.stepped
        ]

    def attempt(self, question: str) -> Attempt:
        """How a question stands."""
        return self.attempts.get(question, Attempt())

    # -- what others tell it --------------------------------------------------------------

    def fitted(self, starts: Sequence[int], room: int, overflow: int) -> Session:
        """Take over where pages begin, how many lines one has, and how many are too many."""
        page = max(sum(start <= self.at for start in starts) - 1, 0)
        return replace(
            self,
            starts=tuple(starts),
            at=starts[page],
            room=room,
            overflow=overflow,
            scroll=min(self.scroll, overflow),
        )

    def returned(self) -> Session:
        """Go on after a replay."""
        return replace(self, replay=None)

    def went_to(self, at: int) -> Session:
        """Show the page on which a block stands."""
        inside = min(max(at, 0), len(self.outline.blocks))
        page = max(sum(start <= inside for start in self.starts) - 1, 0)
        return replace(self, at=self.starts[page], scroll=0, focus=0)

    # -- keys -----------------------------------------------------------------------------

    def press(self, key: str) -> Session:
        """Return the state after `key`; a key without a meaning changes nothing."""
        if key == "ctrl-c":
            return replace(self, done=True)
        if self.overlay == "help":
            moves = {"up": -1, "down": 1}
            if key in moves:
                return replace(self, cursor=max(self.cursor + moves[key], 0))
            return replace(self, overlay="", cursor=0)
        if self.overlay:
            return self._choose(key)
        if (answered := self._answer(key)) is not None:
            return answered
        action = _KEYS.get(key)
        return self if action is None else action(self)

    def _answer(self, key: str) -> Session | None:
        """Let the question of the page have the key, if it is one of its own."""
        name = self.question
        if name is None:
            return None
        before = self.attempt(name)
        after = before.press(key, self.reading.questions[name])
        if after is None:
            return None
        said = (after.hints, after.verdict, after.outcome) != (
            before.hints,
            before.verdict,
            before.outcome,
        )
        attempts = MappingProxyType({**self.attempts, name: after})
        return replace(self, attempts=attempts, scroll=_TO_THE_END if said else self.scroll)

    def _next(self) -> Session:
        """Go on: to the lines that did not fit, then to the next page."""
        if self.scroll < self.overflow:
            return self._scroll(max(self.room - 1, 1))
        if self.page + 1 < len(self.starts):
            return self.went_to(self.starts[self.page + 1])
        return self

    def _back(self) -> Session:
        return self.went_to(self.starts[max(self.page - 1, 0)])

    def _scroll(self, lines: int) -> Session:
        return replace(self, scroll=min(max(self.scroll + lines, 0), self.overflow))

    def _enter(self) -> Session:
        if self.at_end and self.reading.followed:
            return replace(self, done=True, follow=True)
        return self._next()

    def _switch(self) -> Session:
        """Show the same place in the other language."""
        languages = list(self.reading.outlines)
        other = languages[(languages.index(self.language) + 1) % len(languages)]
        at = self.reading.outlines[other].find(self.place)
        return replace(self, language=other, at=at, starts=(0,))

    def _step(self) -> Session:
        """Step through what an answer went wrong on, or else through a scene of the page."""
        if self.mistaken:
            return replace(self, replay=Replay(question=self.mistaken))
        scenes = self.scenes
        if not scenes:
            return self
        return replace(self, replay=Replay(scene=scenes[self.focus % len(scenes)]))

    def _step_mistake(self) -> Session:
        """Step through the work that gives the wrong answer."""
        name = self.explained
        return replace(self, replay=Replay(question=name, mistaken=True)) if name else self

    def _next_scene(self) -> Session:
        return replace(self, focus=(self.focus + 1) % max(len(self.scenes), 1))

    # -- contents -------------------------------------------------------------------------

    def _contents(self) -> Session:
        entries = self.outline.entries
        here = max(sum(entry.at <= self.at for entry in entries) - 1, 0)
        return replace(self, overlay="contents", cursor=here)

    def _choose(self, key: str) -> Session:
        entries = self.outline.entries
        moves = {"up": -1, "down": 1, "home": -len(entries), "end": len(entries)}
        if key in moves:
            cursor = min(max(self.cursor + moves[key], 0), len(entries) - 1)
            return replace(self, cursor=cursor)
        if key == "enter" and entries:
            return replace(self.went_to(entries[self.cursor].at), overlay="")
        return replace(self, overlay="") if key in ("escape", "q", "t") else self


def _keys(
    names: str, action: Callable[[Session], Session]
) -> dict[str, Callable[[Session], Session]]:
    return dict.fromkeys(names.split(), action)


_KEYS: dict[str, Callable[[Session], Session]] = {
    **_keys("right n space pagedown", Session._next),
    **_keys("left p backspace pageup", Session._back),
    **_keys("enter", Session._enter),
    **_keys("down", lambda state: state._scroll(1)),
    **_keys("up", lambda state: state._scroll(-1)),
    **_keys("home", lambda state: state.went_to(0)),
    **_keys("end", lambda state: state.went_to(len(state.outline.blocks))),
    **_keys("r", Session._step),
    **_keys("w", Session._step_mistake),
    **_keys("s", Session._next_scene),
    **_keys("t", Session._contents),
    **_keys("l", Session._switch),
    **_keys("?", lambda state: replace(state, overlay="help", cursor=0)),
    **_keys("q escape", lambda state: replace(state, done=True)),
}
