"""Lesson: a loaded lesson, whose prose is filled in when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stepconv.errors import InputError
from stepconv.language import language
from stepconv.lessons.filling import filler
from stepconv.lessons.format import Block, Fill, filled
from stepconv.lessons.questions import Question
from stepconv.lessons.scenes import Scene, scope_of
from stepconv.lessons.shelf import Head, name_of


@dataclass(frozen=True, eq=False)
class Lesson:
    """A lesson: its scenes and questions by name, and its prose in each language.

    Attributes
    ----------
    head : Head
        What the list of lessons shows.
    rows : tuple of str
        What it covers, in free words.
    scenes, questions : Mapping
        By the names that the markers use.
    prose : Mapping
        The blocks of each language, as written: `blocks` fills them in.
    """

    head: Head
    rows: tuple[str, ...]
    scenes: Mapping[str, Scene]
    questions: Mapping[str, Question]
    prose: Mapping[str, tuple[Block, ...]] = field(repr=False)

    @property
    def id(self) -> str:
        """The lesson's name."""
        return self.head.id

    @property
    def title(self) -> str:
        """The title in the current language."""
        return self.head.title

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.head.folder

    def blocks(self, chosen: str | None = None) -> tuple[Block, ...]:
        """Return the prose of a language, the current one by default, all results filled in.

        Raises
        ------
        InputError
            With file and line, where an expression cannot be computed.
        """
        chosen = chosen or language()
        fill = filler(scope_of(self.scenes))
        return tuple(self._filled(block, fill, chosen) for block in self.prose[chosen])

    def _filled(self, block: Block, fill: Fill, chosen: str) -> Block:
        try:
            return filled(block, fill)
        except InputError as reason:
            raise InputError(
                "{document}, line {line}: {reason}",
                document=name_of(self.folder, f"{chosen}.md"),
                line=block.line,
                reason=reason,
            ) from reason
