"""Outline: where the blocks of a lesson's prose stand, in either language."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from stepconv.lessons.format import (
    Block,
    Heading,
    PageBreak,
    QuestionMarker,
    SceneMarker,
    Spans,
)
from stepconv.lessons.progress import Place

_LANDMARKS = (Heading, PageBreak, QuestionMarker, SceneMarker)


@dataclass(frozen=True)
class Entry:
    """A part of a lesson: where it begins, its heading, the questions asked in it."""

    at: int
    title: Spans
    questions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Outline:
    """The blocks of one language, and how to find a place among them.

    Attributes
    ----------
    blocks : tuple of Block
    """

    blocks: tuple[Block, ...]

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The place of each block, and of the end."""
        found: list[Place] = []
        landmarks = since = 0
        for block in self.blocks:
            is_landmark = isinstance(block, _LANDMARKS)
            landmarks, since = (landmarks + 1, 0) if is_landmark else (landmarks, since + 1)
            found.append((landmarks, since))
        return (*found, (landmarks + 1, 0))

    def find(self, place: Place) -> int:
        """Return the block at `place`: the last one that does not lie behind it."""
        return max(bisect_right(self.places, place) - 1, 0)

    @cached_property
    def asked_at(self) -> Mapping[str, int]:
        """The block at which each question is asked."""
        return {
            block.question: k
            for k, block in enumerate(self.blocks)
            if isinstance(block, QuestionMarker)
        }

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The table of contents."""
        starts = [k for k, block in enumerate(self.blocks) if isinstance(block, Heading)]
        return tuple(
            Entry(start, heading.text, _questions(self.blocks[start:end]))
            for start, end in zip(starts, [*starts[1:], None], strict=True)
            if isinstance(heading := self.blocks[start], Heading)
        )


def _questions(blocks: Sequence[Block]) -> tuple[str, ...]:
    return tuple(block.question for block in blocks if isinstance(block, QuestionMarker))
