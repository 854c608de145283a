"""Threads that share the work of one convolution.

A plan is cut into units that can be computed in any order; kernels run without the
interpreter lock, so ordinary Python threads work at the same time. Numba's own
threads are not used: OpenMP's kill a forked child, and its work queue aborts
the process when two threads enter at once.

    caller   wakes sleepers ── tickets out ─┐ takes units until none is left ── tickets in ── waits
    helper   watching ──────────────────────┴─ takes a ticket, then units until none is left

* Each thread has a share, the same in each call, and whoever is done with it helps with another, so
  that uneven units and busy processors even out.
* The caller never waits for a helper that has not begun: a helper takes a ticket, or the
  caller takes it back.
* From the tickets to the end of the wait, all is compiled code (`stepconv.kernels.spin`): sharing
  costs 0.3 µs, and nobody waits for the interpreter lock.
* One job at a time. A second thread that comes meanwhile computes alone.
* A helper watches for work for about 0.1 ms, then sleeps and costs nothing.
* After a fork the child starts its own threads; at exit they end before the interpreter does.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from math import ceil
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from stepconv.errors import SpecError

# Far more threads than any machine for which this is made; a slip is refused.
_MOST = 1024
# Pieces each thread gets, on average: enough to even out, few enough not to cost.
_PIECES = 16
# A pause takes 10 to 45 ns: watching lasts some 0.1 ms, twice what a sleeper takes to wake.
_PAUSES = 4000


class _Pool:
    """Helpers that wait for jobs."""

    def __init__(self, helpers: int) -> None:
        from stepconv.kernels import spin  # compiles, or loads from disk

        self._spin = spin
        self._cells = np.zeros(spin.WATCHING + spin.LINE * helpers, np.int64)
        self._serve = spin.server(self._cells)
        self._busy = threading.Lock()
        self._closed = False
        self._bells: list[SimpleQueue[None]] = []
        self._threads: list[threading.Thread] = []
        with suppress(RuntimeError):  # no more threads to be had: fewer helpers, or none
            for index in range(helpers):
                self._bells.append(SimpleQueue())
                thread = threading.Thread(
                    target=self._wait, args=(index,), name=f"stepconv-{index}", daemon=True
                )
                thread.start()
                self._threads.append(thread)

    def share(self, kernel: Callable[..., Any], arguments: tuple[Any, ...], units: int) -> None:
        """Call `kernel` for all units, helped where helpers are free."""
        step = max(1, units // ((len(self._threads) + 1) * _PIECES))
        helpers = min(len(self._threads), -(-units // step) - 1)
        if helpers < 1 or self._busy.locked():
            kernel(*arguments, 0, units)
            return
        shared, code = self._spin.sharer(kernel)
        with self._busy:  # held by a `with`, which no interrupt can leave locked
            self._wake(helpers)
            failed = shared(self._cells, helpers, code, step, units, arguments)
        if failed:
            raise MemoryError("a kernel found no memory for its scratch")

    def close(self) -> None:
        """End the helpers, and wait until they have ended."""
        self._closed = True
        for bell in self._bells:
            bell.put(None)
        for thread in self._threads:
            thread.join()

    def _wake(self, wanted: int) -> None:
        """Ring for those of the first helpers that do not watch, and have not been rung for.

        A helper says that it watches no longer before it asks for the interpreter lock, which the
        caller may hold meanwhile. One that has just left sleeps through this job.
        """
        watching = self._cells[self._spin.WATCHING :: self._spin.LINE].tolist()
        for watches, bell in zip(watching[:wanted], self._bells, strict=False):
            if not watches and bell.empty():
                bell.put(None)

    def _wait(self, index: int) -> None:
        """Help with jobs until the pool closes."""
        watching = self._spin.WATCHING + self._spin.LINE * index
        while not self._closed:
            self._serve(self._cells, watching, _PAUSES)
            self._bells[index].get()


_lock = threading.Lock()
_pool: _Pool | None = None
_wanted: int | None = None
_ended = False


def get_num_threads() -> int:
    """Return how many threads may work on one convolution.

    What `set_num_threads` said, else STEPCONV_NUM_THREADS, else the processors that
    this process may use.
    """
    return _default() if _wanted is None else _wanted


def set_num_threads(threads: int) -> None:
    """Let at most `threads` threads, the caller's among them, work on one convolution.

    Small convolutions are always computed by the caller alone.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    global _wanted, _pool
    checked = _checked("threads", threads)
    with _lock:
        _wanted = checked
        old, _pool = _pool, None
    if old is not None:
        old.close()


def share(kernel: Callable[..., Any], arguments: tuple[Any, ...], units: int) -> None:
    """Call ``kernel(*arguments, first, stop)`` for pieces of ``range(units)``, on several threads.

    `kernel` comes from `stepconv.kernels.compiling.specialised`, and can fail for lack of memory
    alone.
    """
    pool = _pool or _started()
    if pool is None:
        kernel(*arguments, 0, units)
    else:
        pool.share(kernel, arguments, units)


def _started() -> _Pool | None:
    global _pool
    with _lock:
        if _pool is None and not _ended and get_num_threads() > 1:
            _pool = _Pool(get_num_threads() - 1)
        return _pool


def _checked(name: str, value: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise SpecError(
            "{name} is {value}; it must be a whole number (an int)", name=name, value=repr(value)
        )
    if not 1 <= value <= _MOST:
        raise SpecError(
            "{name} is {value}; it must be between 1 and {most}",
            name=name,
            value=value,
            most=_MOST,
        )
    return int(value)


@cache
def _default() -> int:
    said = os.environ.get("STEPCONV_NUM_THREADS", "").strip()
    if not said:
        return min(_processors(), _MOST)
    return _checked("STEPCONV_NUM_THREADS", int(said) if said.isdecimal() else said)


def _processors() -> int:
    """Count the processors this process may use: its affinity, and its container's quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows
        count = os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no Linux, no quota ("max"), or another version of cgroups
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, max(1, ceil(int(quota) / int(period))))
    return count


def _after_fork() -> None:
    """Forget threads that a forked child does not have, and locks they may have held."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


def _at_exit() -> None:
    """End the helpers: one that waits in compiled code must not outlive that code."""
    global _pool, _ended
    with _lock:
        _ended = True
        old, _pool = _pool, None
    if old is not None:
        old.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
