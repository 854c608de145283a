"""Timing calls that take turns, so that what slows the machine for a while slows them all."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

Call = Callable[[], object]

# Reading the clock takes some 50 ns: what is shorter than this is timed many at once.
_LEAST = 50e-6
# Idle threads of the peers keep a core busy for a while after their work, those of OpenBLAS for
# 30 ms: whoever came next would have one core less.
_PAUSE = 0.1
# Of the longest calls, in a round: one that does not count, and two that do.
_CALLS = 3


@dataclass(frozen=True)
class Effort:
    """How long is measured: rounds, seconds for each contestant in a round, and for all in all."""

    rounds: int
    seconds: float
    most: float

    def rounds_of(self, once: float) -> int:
        """Return how many rounds there is time for, where calling each once takes `once`."""
        return max(1, min(self.rounds, int(self.most / (_CALLS * once))))


FULL = Effort(rounds=9, seconds=0.02, most=20.0)
QUICK = Effort(rounds=3, seconds=0.005, most=1.0)


def take_turns(
    calls: Mapping[str, Call], effort: Effort, *, threads: int = 1
) -> dict[str, list[float]]:
    """Return for each call its median seconds in each round.

    In a round each has its turn, in another order each time: some calls that do not
    count, which fill the caches and wake the threads, then those that do.

    >>> times = take_turns({"sum": lambda: sum(range(9)), "pass": lambda: None}, QUICK)
    >>> len(times["sum"]), ratio(times, "pass", "sum") < 1
    (3, True)
    """
    once = {name: _once(call) for name, call in calls.items()}
    batches = {name: max(1, int(_LEAST / seconds)) for name, seconds in once.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    with _uncollected():
        for number in range(effort.rounds_of(sum(once.values()))):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                if threads > 1:
                    time.sleep(_PAUSE)
                call, batch = calls[name], batches[name]
                _repeat(call, batch, effort.seconds * (1 if threads > 1 else 0.2), least=1)
                times[name].append(median(_repeat(call, batch, effort.seconds, least=_CALLS - 1)))
    return times


def ratio(times: Mapping[str, list[float]], one: str, other: str) -> float:
    """Return how long `one` takes by `other`'s time: the median of the rounds' ratios."""
    return median(a / b for a, b in zip(times[one], times[other], strict=True))


def _once(call: Call) -> float:
    """Return roughly how long a call takes."""
    call()  # compiles, and lays out what is kept
    before = time.perf_counter()
    call()
    return max(time.perf_counter() - before, 1e-9)


def _repeat(call: Call, batch: int, seconds: float, *, least: int) -> list[float]:
    """Call for some seconds, and at least so many times; return the seconds of each call."""
    found: list[float] = []
    clock, end = time.perf_counter, time.perf_counter() + seconds
    while len(found) < least or clock() < end:
        before = clock()
        for _call in range(batch):
            call()
        found.append((clock() - before) / batch)
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave garbage where it is meanwhile: collecting it would count for whoever has the turn."""
    gc.collect()
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
