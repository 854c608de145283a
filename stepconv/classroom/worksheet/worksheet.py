"""Worksheet: what all sheets of a class have in common, and each student's questions."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from stepconv.classroom.topics import LEVELS, TOPICS, generate
from stepconv.classroom.topics.searches import SEARCHES
from stepconv.classroom.worksheet.parts import parts_of
from stepconv.classroom.worksheet.question import Question
from stepconv.errors import InputError
from stepconv.files import shown

MOST_QUESTIONS = 20
WORKED = tuple(one.name for one in TOPICS if one not in SEARCHES)
"""The topics with steps to work; a search for a setting has none, and is for practice."""

_SCHEME = "stepconv-worksheet-1"
"""Part of every draw: changed when the same seed shall give other numbers."""
_ROUNDS = 200_000
"""Of the digest of the seed: a tenth of a second, so that guessing seeds takes long."""
_LETTERS = "bcdfghjkmnpqrstvwxyz"
"""Of a worksheet's id: no vowels, so no words; no digits, which spreadsheets would change."""


@dataclass(frozen=True)
class Worksheet:
    """Sheets on the same topics, with other numbers for each student.

    Attributes
    ----------
    seed : str
        Who knows it can make the sheets again, and the key; so it stays with the key, and the
        sheets carry the `id`, from which it cannot be found other than by guessing.
    topics : tuple of str
        Taken in turn.
    level : int
    count : int
        Questions of a sheet.

    Examples
    --------
    >>> sheet = Worksheet("a seed kept with the key", ("padding", "stride"), count=3)
    >>> sheet.id, [question.topic for question in sheet.questions("2026001")]
    ('gdmv-jxsn', ['padding', 'stride', 'padding'])
    """

    seed: str
    topics: tuple[str, ...]
    level: int = 1
    count: int = 4

    def __post_init__(self) -> None:
        """Raise InputError where there is no such topic or level, or the count is too large."""
        for topic in self.topics:
            if topic not in WORKED:
                raise InputError(
                    'there is no topic "{topic}" for a worksheet; the topics are {topics}',
                    topic=shown(topic),
                    topics=", ".join(WORKED),
                )
        if not self.topics:
            raise InputError(
                "no topic is named; name some of {topics}, with commas between them",
                topics=", ".join(WORKED),
            )
        if self.level not in LEVELS:
            raise InputError(
                "level {level} is not one of {levels}",
                level=self.level,
                levels=", ".join(map(str, LEVELS)),
            )
        if not 1 <= self.count <= MOST_QUESTIONS:
            raise InputError(
                "{count} questions are asked for; a sheet has 1 to {most}",
                count=self.count,
                most=MOST_QUESTIONS,
            )

    @cached_property
    def id(self) -> str:
        """Eight letters that stand on every sheet and in every answer file."""
        number = int.from_bytes(self._digest("id")[:8], "big")
        letters = ""
        for _round in range(8):
            number, letter = divmod(number, len(_LETTERS))
            letters += _LETTERS[letter]
        return f"{letters[:4]}-{letters[4:]}"

    def questions(self, student: str) -> tuple[Question, ...]:
        """Return the questions of the student with this id."""
        return tuple(self._question(student, number) for number in range(1, self.count + 1))

    def _question(self, student: str, number: int) -> Question:
        topic = self.topics[(number - 1) % len(self.topics)]
        drawn = self._digest("question", student, str(number))
        problem = generate(topic, self.level, int.from_bytes(drawn[:6], "big"))
        return Question(
            number, topic, problem, parts_of(problem, int.from_bytes(drawn[6:10], "big"))
        )

    def _digest(self, *what: str) -> bytes:
        return hashlib.sha256(self._root + "\0".join(what).encode("utf-8")).digest()

    @cached_property
    def _root(self) -> bytes:
        about = "\0".join([_SCHEME, *self.topics, str(self.level), str(self.count)])
        seed = self.seed.encode("utf-8", "surrogatepass")
        return hashlib.pbkdf2_hmac("sha256", seed, about.encode("utf-8"), _ROUNDS)


def drawn_seed() -> str:
    """Return a seed that nobody can guess."""
    return secrets.token_hex(16)


def guessable(seed: str) -> bool:
    """Whether a seed is short enough to be found by trying.

    >>> guessable("7"), guessable("a sentence of some words")
    (True, False)
    """
    return len(set(seed)) < 8 or len(seed) < 12


def topics_of(text: str) -> tuple[str, ...]:
    """Read topics, written with commas between them.

    >>> topics_of("padding, stride")
    ('padding', 'stride')
    """
    names: Sequence[str] = text.replace("，", ",").replace("、", ",").split(",")
    return tuple(name.strip().lower() for name in names if name.strip())
