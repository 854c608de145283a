"""Summary: how a session went, by topic and by mistake, and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stepconv.classroom.practice.course import Codes, Result
from stepconv.classroom.practice.schedule import HELPED, RIGHT
from stepconv.classroom.topics import LEVELS, TOPICS

LESSONS = {
    "valid": "one-product",
    "padding": "padding",
    "padding-modes": "padding",
    "stride": "sizes",
    "dilation": "dilation",
    "channels": "channels",
    "bias": "bias",
    "groups": "groups",
    "two-dimensions": "two-dimensions",
    "three-dimensions": "three-dimensions",
    "transposed": "transposed-by-hand",
    "transposed-channels": "transposed-by-hand",
    "there-and-back": "transposed-by-hand",
    "sizes": "sizes",
    "transposed-sizes": "transposed-sizes",
    "shapes": "channels",
    "find-padding": "sizes",
    "find-kernel": "one-product",
}
"""For each topic the lesson to read."""

ABOUT = {
    "flip": "the-flip",
    "layout_channels_last": "one-engine",
    "missing_axis": "one-engine",
    "extra_axis": "one-engine",
}
"""Mistakes that have a lesson of their own, whatever the topic."""


@dataclass(frozen=True)
class Row:
    """How the questions on one topic went; `missed` are those not right, nor with hints."""

    topic: str
    asked: int
    right: int
    helped: int
    missed: int


@dataclass(frozen=True)
class Summary:
    """How a session went.

    Attributes
    ----------
    rows : tuple of Row
        A topic each, in the order of teaching.
    mistakes : tuple of (Codes, int)
        What explains wrong answers, and how many; the most frequent first.
    unexplained : int
        Wrong answers that no mistake explains.
    lessons : tuple of str
        Ids of lessons to read.
    level : int or None
        A level to try next, since all was right at once.
    """

    rows: tuple[Row, ...]
    mistakes: tuple[tuple[Codes, int], ...]
    unexplained: int
    lessons: tuple[str, ...]
    level: int | None

    @classmethod
    def of(cls, results: Sequence[Result]) -> Summary:
        """Sum up.

        >>> went = [Result("bias", "row", 1, "7", how) for how in ("right", "shown")]
        >>> Summary.of(went).rows, Summary.of(went).lessons
        ((Row(topic='bias', asked=2, right=1, helped=0, missed=1),), ('bias',))
        """
        answers = [codes for one in results for codes in one.wrong]
        counts = Counter(codes for codes in answers if codes)
        rows = tuple(_row(one.name, results) for one in TOPICS)
        rows = tuple(row for row in rows if row.asked)
        missed = [LESSONS[row.topic] for row in rows if row.missed]
        named = [
            ABOUT[code]
            for explanations, _count in counts.most_common()
            if len(explanations) == 1
            for code in explanations[0]
            if code in ABOUT
        ]
        level = max((one.level for one in results), default=LEVELS[-1])
        perfect = len(results) > 2 and all(one.outcome == RIGHT for one in results)
        return cls(
            rows,
            tuple(counts.most_common()),
            sum(not codes for codes in answers),
            tuple(dict.fromkeys([*missed, *named])),
            level + 1 if perfect and level < LEVELS[-1] else None,
        )

    @property
    def asked(self) -> int:
        """Questions in all."""
        return sum(row.asked for row in self.rows)

    @property
    def right(self) -> int:
        """Right at once."""
        return sum(row.right for row in self.rows)

    @property
    def helped(self) -> int:
        """Right with hints."""
        return sum(row.helped for row in self.rows)

    @property
    def missed(self) -> int:
        """Wrong at first, shown, or passed over."""
        return sum(row.missed for row in self.rows)


def _row(topic: str, results: Sequence[Result]) -> Row:
    outcomes = Counter(one.outcome for one in results if one.topic == topic)
    asked, right, helped = outcomes.total(), outcomes[RIGHT], outcomes[HELPED]
    return Row(topic, asked, right, helped, asked - right - helped)
