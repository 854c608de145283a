"""Which lesson is meant: by number, id, folder, or the beginning of an id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepconv.documents import nearest
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.lessons.progress import Progress
from stepconv.lessons.shelf import Head


def chosen_lesson(name: str, heads: Sequence[Head]) -> Head:
    """Return the lesson that `name` means.

    Raises
    ------
    InputError
        Where it means none, or several; with the nearest right name.

    Examples
    --------
    >>> from stepconv.lessons.shelf import shelf
    >>> [chosen_lesson(name, shelf()).id for name in ("2", "02", "siz", "02-sizes")]
    ['sizes', 'sizes', 'sizes', 'sizes']
    """
    word = name.strip().lower()
    for head in heads:
        if word in (head.id, head.folder.name) or _is_number(word, head.number):
            return head
    found = [head for head in heads if word and head.id.startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            '"{name}" is the beginning of several lessons: {names}; write more of it',
            name=shown(name),
            names=", ".join(head.id for head in found),
        )
    if near := nearest(word, [head.id for head in heads]):
        raise InputError(
            'there is no lesson "{name}"; did you mean {near}?', name=shown(name), near=near
        )
    raise InputError('there is no lesson "{name}"; `stepconv lessons` lists them', name=shown(name))


def next_unfinished(heads: Sequence[Head], progress: Mapping[str, Progress]) -> Head:
    """Return the first lesson that was not read to its end; the first where all were."""
    left = [head for head in heads if not progress.get(head.id, Progress()).finished]
    return (left or list(heads))[0]


def _is_number(word: str, number: int) -> bool:
    return word.isdecimal() and word.isascii() and len(word) < 4 and int(word) == number
