"""Which lessons there are: the bundled ones, and those of a teacher's own folders.

Only the head of each file is read, the keys before its first table, so that a list of
lessons costs milliseconds; the questions of a lesson are counted when they are asked for.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stepconv.bundled import bundled_folder
from stepconv.documents import Localized, Section, read_document, read_words
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import language

FILE = "lesson.toml"

_FOLDER = re.compile(r"(\d{2})-([a-z0-9]+(?:-[a-z0-9]+)*)")
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


@dataclass(frozen=True)
class Head:
    """What the list of lessons shows of one.

    Attributes
    ----------
    id : str
        Its name, unique among all lessons.
    number : int
        The number that its folder begins with.
    folder : Path
        Where its files lie.
    titles, summaries : Mapping
        In each language.
    """

    id: str
    number: int
    folder: Path
    titles: Localized
    summaries: Localized

    @property
    def title(self) -> str:
        """The title in the current language."""
        return self.titles[language()]

    @property
    def summary(self) -> str:
        """What it is about, on one line, in the current language."""
        return self.summaries[language()]

    @cached_property
    def questions(self) -> tuple[str, ...]:
        """The names of its questions, for which its whole file is read; () where it is broken."""
        try:
            found = read_document(self.folder / FILE).value("questions", {})
        except InputError:  # while it is being written the list is shown all the same
            return ()
        return tuple(found) if isinstance(found, dict) else ()


def shelf(folders: Sequence[Path] = ()) -> tuple[Head, ...]:
    """Return the heads of all lessons: the bundled ones by number, then those of `folders`.

    Raises
    ------
    InputError
        Where a folder holds no lessons, a head cannot be read, or two have one id.

    Examples
    --------
    >>> shelf()[0].id, shelf()[0].number
    ('one-product', 1)
    """
    found: dict[str, Head] = {}
    for folder in (bundled_folder(), *folders):
        for one in lesson_folders(folder):
            head = read_head(one)
            if head.id in found and found[head.id].folder.resolve() != one.resolve():
                raise twice(head, found[head.id])
            found.setdefault(head.id, head)
    return tuple(found.values())


def twice(head: Head, other: Head) -> InputError:
    """Return the error for a lesson whose id another one has."""
    return InputError(
        'the lessons in {one} and {other} both have the id "{id}"; give one of them another',
        one=shown(str(other.folder), 200),
        other=shown(str(head.folder), 200),
        id=head.id,
    )


def lesson_folders(folder: Path) -> list[Path]:
    """Return the folders of the lessons in `folder`, by number; itself, if it is a lesson.

    Raises
    ------
    InputError
        Where there are none.
    """
    if (folder / FILE).is_file():
        return [folder]
    try:
        inside = sorted(one for one in folder.iterdir() if one.is_dir())
    except OSError as error:
        raise InputError(
            "{folder} cannot be read as a folder of lessons: {reason}",
            folder=shown(str(folder), 200),
            reason=error.strerror or error,
        ) from error
    found = [one for one in inside if _FOLDER.fullmatch(one.name) or (one / FILE).is_file()]
    if not found:
        raise InputError(
            "{folder} holds no lessons; a lesson is a folder such as 01-one-product with a"
            " {file} in it",
            folder=shown(str(folder), 200),
            file=FILE,
        )
    return found


def name_of(folder: Path, file: str = FILE) -> str:
    """Return what errors call a file of a lesson: ``01-one-product/lesson.toml``."""
    return f"{shown(folder.resolve().name, 80)}/{file}"


def read_head(folder: Path) -> Head:
    """Read what the list shows, and no more."""
    name = name_of(folder)
    text = read_words(folder / FILE, name)
    found = _TABLE.search(text)
    try:
        section = Section(tomllib.loads(text[: found.start()] if found else text), name)
        if any(key not in section for key in ("id", "title", "summary")):
            section = read_document(folder / FILE, name)
    except tomllib.TOMLDecodeError:
        section = read_document(folder / FILE, name)  # says where the whole file is wrong
    return head_of(section, folder)


def head_of(section: Section, folder: Path) -> Head:
    """Return the head that the top of a lesson's file tells."""
    identity = section.text("id")
    actual = folder.resolve().name
    found = _FOLDER.fullmatch(actual)
    if not found or found[2] != identity:
        raise section.refused(
            "id",
            InputError(
                'the id is "{id}" and the folder "{folder}"; the folder of a lesson is its number,'
                " two digits, and its id, such as 01-{example}",
                id=shown(identity),
                folder=shown(actual, 80),
                example=identity if _FOLDER.fullmatch(f"01-{identity}") else "one-product",
            ),
        )
    titles, summaries = section.localized("title"), section.localized("summary")
    return Head(identity, int(found[1]), folder, titles, summaries)
