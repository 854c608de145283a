"""The replay as a pure state machine: a key, or time, turns one state into the next.

It knows how many steps there are and what the keys mean; drawing and reading keys are
others' work, so every behaviour here is a table of states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepconv.record import Trace

SPEEDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds a step, among which faster and slower choose."""

MOST_DIGITS = 12


@dataclass(frozen=True)
class Counts:
    """How many steps a trace has, and how they are made up.

    Attributes
    ----------
    samples, channels, positions : int
        Steps run through samples, then channels, then positions: output channels in
        gather order, input channels in scatter order.
    taps : int
        Terms that a step has with one channel of the other side.
    others : tuple of int
        For each channel, how many channels of the other side it meets.
    scatter : bool
        Whether steps are stamps, whose channel is an input channel.
    """

    samples: int
    channels: int
    positions: int
    taps: int
    others: tuple[int, ...]
    scatter: bool = False

    @classmethod
    def of(cls, trace: Trace) -> Counts:
        """Count the steps of `trace`.

        >>> from stepconv import trace
        >>> Counts.of(trace([[1, 1, 1, 1]], [[[1, 1, 1]]], padding=1)).steps
        4
        """
        geometry, region = trace.geometry, trace.region
        taps = prod(geometry.kernel_size)
        if trace.order != "scatter":
            channels = len(region[1])
            positions = prod(len(span) for span in region[2:])
            others = (geometry.group_inputs,) * channels
            return cls(len(region[0]), channels, positions, taps, others)
        others = tuple(
            sum(c // geometry.group_outputs == own // geometry.group_inputs for c in region[1])
            for own in range(geometry.in_channels)
        )
        positions = prod(geometry.input_size)
        return cls(len(region[0]), geometry.in_channels, positions, taps, others, scatter=True)

    @property
    def steps(self) -> int:
        """How many steps there are in all."""
        return self.samples * self.channels * self.positions

    def channel(self, index: int) -> int:
        """Which channel a step belongs to, counted from 0."""
        return index // self.positions % self.channels

    def terms(self, index: int) -> int:
        """How many terms a step has."""
        return self.others[self.channel(index)] * self.taps


@dataclass(frozen=True)
class Player:
    """One state of the replay.

    Attributes
    ----------
    counts : Counts
        At least one step.
    views : tuple of str
        The views that ``v`` runs through.
    index : int
        The step shown, from 0.
    term : int or None
        The term shown within it; None for the whole sum.
    other : int
        The channel of the other side that is shown where no term chooses one.
    view : str
    delay : float
        Seconds a step while playing.
    playing, help, done : bool
        Whether time moves on, the keys are explained, the replay is over.
    typed : str or None
        Digits of the step to go to, while they are being typed.
    refused : str or None
        The number typed last, where there is no such step.
    waited : float
        Seconds since the last step; two states that differ in it alone look the same.

    Examples
    --------
    >>> player = Player(Counts(samples=1, channels=1, positions=4, taps=3, others=(1,)))
    >>> player.press("right").press("down").press("down").index, player.press("end").index
    (1, 3)
    """

    counts: Counts
    views: tuple[str, ...] = ("table", "steps", "matrix")
    index: int = 0
    term: int | None = None
    other: int = 0
    view: str = "steps"
    delay: float = 1.0
    playing: bool = False
    help: bool = False
    done: bool = False
    typed: str | None = None
    refused: str | None = None
    waited: float = field(default=0.0, compare=False)

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return self.counts.steps

    @property
    def terms(self) -> int:
        """How many terms the step shown has."""
        return self.counts.terms(self.index)

    @property
    def shown(self) -> int:
        """Which channel of the other side is shown, counted within the group from 0."""
        if self.term is not None:
            return self.term // self.counts.taps
        return max(min(self.other, self.counts.others[self.counts.channel(self.index)] - 1), 0)

    @property
    def wait(self) -> float | None:
        """Seconds until time changes the state; None where it does not."""
        return max(self.delay - self.waited, 0.0) if self._moving else None

    def tick(self, elapsed: float) -> Player:
        """Return the state after `elapsed` seconds: at most one step further."""
        if not self._moving:
            return self
        waited = self.waited + elapsed
        if waited < self.delay:
            return replace(self, waited=waited)
        moved = self._next_step() if self.term is None else self._next_term()
        ended = (moved.index, moved.term) == (self.index, self.term)
        # What is left over is kept, for an even pace, but never so much as to rush.
        return replace(
            moved, playing=not ended, waited=0.0 if ended else min(waited - self.delay, self.delay)
        )

    def press(self, key: str) -> Player:
        """Return the state after `key`; a key without a meaning changes nothing."""
        if key == "ctrl-c":
            return replace(self, done=True)
        if self.help:
            return replace(self, help=False)
        if self.typed is not None:
            return self._type(self.typed, key)
        action = _KEYS.get(key)
        return self if action is None else action(replace(self, refused=None))

    # -- what the keys do -------------------------------------------------------------

    @property
    def _moving(self) -> bool:
        return self.playing and not self.help and self.typed is None

    def _to(self, index: int, term: int | None = None) -> Player:
        """Show a step; one that does not exist changes nothing."""
        if not 0 <= index < self.steps:
            return self
        if term is not None and not 0 <= term < self.counts.terms(index):
            term = None  # a stamp of which nothing is traced has no terms
        return replace(self, index=index, term=term, waited=0.0)

    def _next_step(self) -> Player:
        return self._to(self.index + 1)

    def _previous_step(self) -> Player:
        return self._to(self.index - 1)

    def _first(self) -> Player:
        return self._to(0)

    def _last(self) -> Player:
        return self._to(self.steps - 1)

    def _next_term(self) -> Player:
        following = 0 if self.term is None else self.term + 1
        if following < self.terms:
            return self._to(self.index, following)
        return self._to(self.index + 1, 0)

    def _previous_term(self) -> Player:
        if self.term is None:
            return self
        if self.term:
            return self._to(self.index, self.term - 1)
        if not self.index:
            return self._to(0)
        return self._to(self.index - 1, self.counts.terms(self.index - 1) - 1)

    def _channel(self, step: int, *, output: bool) -> Player:
        """Move to the next or previous channel of a side, at the same position."""
        if output == self.counts.scatter:
            here, most = self.shown + step, self.counts.others[self.counts.channel(self.index)]
            return replace(self, other=here, term=None) if 0 <= here < most else self
        if not 0 <= self.counts.channel(self.index) + step < self.counts.channels:
            return self
        return self._to(self.index + step * self.counts.positions)

    def _sample(self, step: int) -> Player:
        return self._to(self.index + step * self.counts.positions * self.counts.channels)

    def _toggle(self) -> Player:
        at_end = not self.playing and self.term is None and self.index == self.steps - 1
        start = self._first() if at_end else self
        return replace(start, playing=not self.playing, waited=0.0)

    def _faster(self) -> Player:
        return replace(self, delay=max((s for s in SPEEDS if s < self.delay), default=self.delay))

    def _slower(self) -> Player:
        return replace(self, delay=min((s for s in SPEEDS if s > self.delay), default=self.delay))

    def _next_view(self) -> Player:
        at = self.views.index(self.view) + 1 if self.view in self.views else 0
        return replace(self, view=self.views[at % len(self.views)])

    def _type(self, typed: str, key: str) -> Player:
        """Take a key while a number is being typed."""
        if key == "escape":
            return replace(self, typed=None)
        if key == "backspace":
            return replace(self, typed=typed[:-1])
        if key == "enter":
            return self._go(typed)
        if key in _DIGITS and len(typed) < MOST_DIGITS:
            return replace(self, typed=typed + key)
        return self

    def _go(self, typed: str) -> Player:
        state = replace(self, typed=None)
        if not typed:
            return state
        if not 1 <= int(typed) <= self.steps:
            return replace(state, refused=typed)
        return state._to(int(typed) - 1)


_DIGITS = tuple("0123456789")


def _keys(names: str, action: Callable[[Player], Player]) -> dict[str, Callable[[Player], Player]]:
    return dict.fromkeys(names.split(), action)


_KEYS: dict[str, Callable[[Player], Player]] = {
    **_keys("right n", Player._next_step),
    **_keys("left p", Player._previous_step),
    **_keys("down", Player._next_term),
    **_keys("up", Player._previous_term),
    **_keys("home ^", Player._first),
    **_keys("end $", Player._last),
    **_keys("space", Player._toggle),
    **_keys("+ =", Player._faster),
    **_keys("- _", Player._slower),
    **_keys("c", lambda state: state._channel(1, output=True)),
    **_keys("C", lambda state: state._channel(-1, output=True)),
    **_keys("i", lambda state: state._channel(1, output=False)),
    **_keys("I", lambda state: state._channel(-1, output=False)),
    **_keys("b", lambda state: state._sample(1)),
    **_keys("B", lambda state: state._sample(-1)),
    **_keys("v", Player._next_view),
    **_keys("g", lambda state: replace(state, typed="")),
    **_keys("?", lambda state: replace(state, help=True)),
    **_keys("q escape", lambda state: replace(state, done=True)),
}
