"""Schedule: which topic comes next, those missed sooner than those known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from stepconv.classroom.drawing import Draw

RIGHT, HELPED, WRONG, SHOWN, SKIPPED = OUTCOMES = ("right", "helped", "wrong", "shown", "skipped")
"""How a question went: right at once; right, but with hints; a wrong answer given at least
once; the answer asked for; passed over."""

AFTER_MISS, AFTER_HELP, AFTER_FIRST, LONGEST = 2, 3, 6, 48
"""Questions on other topics before one comes again: after a miss, after hints, after it was
right the first time; and at most, however often it was right."""

NEW = 3
"""Topics not asked yet come in the order of teaching; one of so many is drawn."""

EVERY = 3
"""Of so many questions one is on a new topic, however much is due, while there are new ones."""


@dataclass(frozen=True)
class Standing:
    """How one topic stands: the gap last given to it, and the turn from which it is due."""

    gap: int
    due: int


@dataclass(frozen=True)
class Schedule:
    """What was asked when, and what is due.

    Attributes
    ----------
    turn : int
        Questions answered so far.
    standings : Mapping
        For each topic that was asked about, how it stands.
    last : str
        The topic of the last question, which does not come twice in a row.

    Examples
    --------
    >>> schedule = Schedule().after("stride", "wrong").after("bias", "right")
    >>> schedule.after("valid", "right").next(["valid", "padding", "stride", "bias"], Draw(1))
    'stride'
    """

    turn: int = 0
    standings: Mapping[str, Standing] = field(default_factory=lambda: MappingProxyType({}))
    last: str = ""

    def next(self, topics: Sequence[str], draw: Draw) -> str:
        """Return the topic to ask about, one of `topics`, which are in the order of teaching.

        What is due comes first, the longest overdue before all; then what is new; then what
        will be due soonest. Who misses everything still sees every topic: see `EVERY`.
        """
        known = [name for name in topics if name in self.standings and name != self.last]
        known.sort(key=lambda name: (self.standings[name].due, topics.index(name)))
        new = [name for name in topics if name not in self.standings]
        is_due = bool(known) and self.standings[known[0]].due <= self.turn
        if new and (not is_due or self.turn % EVERY == EVERY - 1):
            return draw.pick(new[:NEW])
        return known[0] if known else topics[0]

    def after(self, topic: str, outcome: str) -> Schedule:
        """Return the schedule after a question on `topic` that went so."""
        before = self.standings.get(topic)
        turn, gap = self.turn + 1, AFTER_MISS
        if outcome == RIGHT:
            gap = AFTER_FIRST if before is None else min(2 * before.gap, LONGEST)
        elif outcome == HELPED:
            gap = AFTER_HELP
        standings = {**self.standings, topic: Standing(gap, turn + gap)}
        return replace(self, turn=turn, standings=MappingProxyType(standings), last=topic)

    # -- as it is kept ------------------------------------------------------------------

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Schedule:
        """Return the schedule kept in `state`; what it cannot be is as if it were not there."""
        turn, topics, last = (state.get(name) for name in ("turn", "topics", "last"))
        found = topics.items() if isinstance(topics, dict) else ()
        standings = {name: _standing(one) for name, one in found}
        return cls(
            _count(turn) or 0,
            MappingProxyType({name: one for name, one in standings.items() if one is not None}),
            last if isinstance(last, str) else "",
        )

    def written(self) -> dict[str, Any]:
        """Return it as JSON types.

        >>> Schedule.read(Schedule().after("bias", "wrong").written()).standings["bias"]
        Standing(gap=2, due=3)
        """
        topics = {name: {"gap": one.gap, "due": one.due} for name, one in self.standings.items()}
        return {"turn": self.turn, "last": self.last, "topics": topics}


def _standing(found: Any) -> Standing | None:
    if not isinstance(found, dict):
        return None
    gap, due = _count(found.get("gap")), _count(found.get("due"))
    return None if not gap or due is None else Standing(min(gap, LONGEST), due)


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return int(value) if whole and 0 <= value < 2**53 else None
