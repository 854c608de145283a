"""Reading a lesson from its folder, strictly: every problem with file, place and fix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from keyword import iskeyword
from pathlib import Path

from stepconv.documents import Section, read_document, read_words
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import LANGUAGES
from stepconv.lessons.format import Block
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.prose import parse
from stepconv.lessons.question_reader import read_question
from stepconv.lessons.questions import Question
from stepconv.lessons.scene_reader import read_scene
from stepconv.lessons.scenes import Scene
from stepconv.lessons.shelf import FILE, Head, head_of, name_of

Problems = list[InputError]

PROSE = tuple(f"{language}.md" for language in LANGUAGES)


@dataclass
class Draft:
    """What could be read of a lesson, and what could not.

    Attributes
    ----------
    folder : Path
    problems : list of InputError
        In the order in which they were found.
    head, rows, scenes, questions, prose
        As in `Lesson`, without what is broken; `head` is None where that is.
    broken : set of str
        The scenes and questions that could not be read: to be left out of further complaints.
    tables_read, prose_read : bool
        Whether lesson.toml is known at all, and every block of the prose: where not, nothing is
        said of what may be missing.
    results : int
        How many expressions the checks have computed.
    """

    folder: Path
    problems: Problems = field(default_factory=list)
    head: Head | None = None
    rows: tuple[str, ...] = ()
    scenes: dict[str, Scene] = field(default_factory=dict)
    questions: dict[str, Question] = field(default_factory=dict)
    prose: dict[str, tuple[Block, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    tables_read: bool = False
    prose_read: bool = True
    results: int = 0

    def lesson(self) -> Lesson:
        """Return the lesson; the first problem is raised where there is one."""
        if self.problems:
            raise self.problems[0]
        assert self.head is not None
        return Lesson(self.head, self.rows, self.scenes, self.questions, self.prose)

    @contextmanager
    def noting(self, broken: str | None = None) -> Iterator[None]:
        """Take down a problem instead of raising it; `broken` is what it makes unusable."""
        try:
            yield
        except InputError as problem:
            self.problems.append(problem)
            self.broken.update({broken} if broken else ())


def load_lesson(folder: Path) -> Lesson:
    """Read a lesson.

    Raises
    ------
    InputError
        At the first thing that is wrong: file, place, and what to do.

    Examples
    --------
    >>> from stepconv.lessons.shelf import shelf
    >>> lesson = load_lesson(shelf()[0].folder)
    >>> lesson.id, type(lesson.blocks()[0]).__name__
    ('one-product', 'Heading')
    """
    return read_draft(folder).lesson()


def read_draft(folder: Path) -> Draft:
    """Read what can be read of a lesson, and take down all that is wrong."""
    draft = Draft(folder)
    with draft.noting():
        _read_tables(draft, read_document(folder / FILE, name_of(folder)))
        draft.tables_read = True
    for language, file in zip(LANGUAGES, PROSE, strict=True):
        with draft.noting():
            text = read_words(folder / file, name_of(folder, file))
            draft.prose[language], problems = parse(text, name_of(folder, file))
            draft.problems += problems
            draft.prose_read &= not problems
    return draft


def _read_tables(draft: Draft, section: Section) -> None:
    with draft.noting():
        _ = [key in section for key in ("id", "title", "summary")]  # known, whatever comes first
        draft.head = head_of(section, draft.folder)
    with draft.noting():
        draft.rows = section.texts("rows", ())
    with draft.noting():
        for name, table in section.sections("scenes").items():
            with draft.noting(name):
                _check_name(table, name, draft.scenes)
                draft.scenes[name] = read_scene(name, table)
    with draft.noting():
        for name, table in section.sections("questions").items():
            if table.value("scene", None) in draft.broken:
                draft.broken.add(name)
                continue
            with draft.noting(name):
                _check_name(table, name, draft.questions)
                draft.questions[name] = read_question(name, table, draft.scenes)
    with draft.noting():
        section.finish()


def _check_name(table: Section, name: str, others: Mapping[str, object]) -> None:
    """Refuse a name that expressions could not write, or that another already has."""
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name) or iskeyword(name):
        raise table.refused(
            "",
            InputError(
                '"{name}" is no name; use small letters and digits with - or _ between, such as'
                " {example}",
                name=shown(name),
                example="padding-one",
            ),
        )
    plain = name.replace("-", "_")
    if any(other.replace("-", "_") == plain for other in others):
        raise table.refused("", InputError('the name "{name}" is given twice', name=name))
