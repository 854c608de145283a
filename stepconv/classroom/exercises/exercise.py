"""Exercise: a function to write, as its folder describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stepconv.classroom.exercises.cases import Case
from stepconv.classroom.exercises.drawn import Draws
from stepconv.documents import Localized, read_words
from stepconv.language import language


@dataclass(frozen=True, eq=False)
class Exercise:
    """A function to write.

    Attributes
    ----------
    id : str
        Its name; the folder is ``NN-id``.
    number : int
        Its place in the order.
    folder : Path
    function : str
        What the function is called.
    arguments : tuple of str
        What it takes, by name.
    topics : tuple of str
    fixed : tuple of Case
        The cases that everybody gets.
    draws : Draws
        How further ones are drawn from a seed.
    titles, summaries : Localized
    all_hints : Mapping
        The hints in each language, the first tells least.
    """

    id: str
    number: int
    folder: Path
    function: str
    arguments: tuple[str, ...]
    topics: tuple[str, ...]
    fixed: tuple[Case, ...]
    draws: Draws
    titles: Localized
    summaries: Localized
    all_hints: Mapping[str, tuple[str, ...]]

    @property
    def title(self) -> str:
        """What it is called, in the current language."""
        return self.titles[language()]

    @property
    def summary(self) -> str:
        """One line about it, in the current language."""
        return self.summaries[language()]

    @property
    def hints(self) -> tuple[str, ...]:
        """The hints in the current language, the first tells least."""
        return self.all_hints[language()]

    @property
    def signature(self) -> str:
        """How the function is called, such as ``conv1d(input, weight)``."""
        return f"{self.function}({', '.join(self.arguments)})"

    @property
    def file(self) -> str:
        """What the student's file is called."""
        return self.id.replace("-", "_") + ".py"

    @property
    def instructions(self) -> str:
        """What is to be done, in the current language; Markdown."""
        return self._words(f"{language()}.md")

    @property
    def starter(self) -> str:
        """The file to begin with."""
        return self._words("starter.py")

    @property
    def solution(self) -> str:
        """A file that passes."""
        return self._words("solution.py")

    def cases(self, seed: int = 0) -> tuple[Case, ...]:
        """Return the fixed cases, and those drawn from `seed`: always the same for the same."""
        return self.fixed + self.draws.cases(seed)

    def _words(self, name: str) -> str:
        return read_words(self.folder / name, f"{self.folder.name}/{name}")
