"""Reading: what there is of a lesson when it is read on a screen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stepconv.language import LANGUAGES
from stepconv.lessons.asked import Asked
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.outline import Outline
from stepconv.lessons.scenes import ConvolutionScene


@dataclass(frozen=True, eq=False)
class Reading:
    """What is read.

    Attributes
    ----------
    outlines : Mapping
        The prose in each language; both have the same markers and headings.
    questions : Mapping
    stepped : collection of str
        The scenes that can be stepped through.
    followed : bool
        Whether another lesson comes after this one.
    """

    outlines: Mapping[str, Outline]
    questions: Mapping[str, Asked]
    stepped: Collection[str]
    followed: bool = False

    @classmethod
    def of(cls, lesson: Lesson, *, followed: bool = False) -> Reading:
        """Return a lesson as it is read: its prose filled in, its records computed."""
        stepped = {
            name
            for name, scene in lesson.scenes.items()
            if isinstance(scene, ConvolutionScene) and len(scene.trace)
        }
        outlines = {name: Outline(lesson.blocks(name)) for name in LANGUAGES}
        return cls(outlines, lesson.questions, stepped, followed)
