"""Threads that share the work of one convolution.

A plan is cut into units that can be computed in any order; kernels run without the
interpreter lock, so ordinary Python threads work at the same time. Numba's own
threads are not used: OpenMP's kill a forked child, and its work queue aborts
the process when two threads enter at once.

    caller   job made ── tickets ─┐  takes units until none is left ── closes the tickets ── waits
    helper          watching ─────┴─ takes a ticket, then units until none is left ── says so

* Whoever is free takes the next few units, so that uneven units and busy processors even out.
* The caller never waits for a helper that has not begun: a ticket is taken by a helper, or
  taken back by the caller, and ``list.pop`` decides which.
* One job at a time. A second thread that comes meanwhile computes alone.
* A helper watches for work for about 0.1 ms, then sleeps and costs nothing.
* After a fork the child starts its own threads; at exit they end before the interpreter does.

The bookkeeping leans on single operations of lists, iterators and queues, which Python never
interrupts, and its one lock is held by a ``with``: an interrupt from the keyboard may come at any
time and leaves nothing behind.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from math import ceil
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from stepconv.errors import SpecError

Run = Callable[[int, int], object]

# Far more threads than any machine for which this is made; a slip is refused.
_MOST = 1024
# Pieces each thread gets, on average: enough to even out, few enough not to cost (1 µs each).
_PIECES = 8
# A pause takes 10 to 45 ns: watching lasts some 0.1 ms, twice what a sleeper takes to wake.
_PAUSES = 4000
# A helper that sees a job waits 1 µs more before it asks for the interpreter lock: by then the
# caller has given it up for its own first units, and neither has to sleep for it.
_GRACE = 30

# What the cells that threads watch count, each in a cache line of its own.
_JOBS, _DONE = 0, 8


class _Job:
    """Units that are handed out piece by piece to whoever takes part."""

    def __init__(self, run: Run, units: int, helpers: int) -> None:
        self._run = run
        self._units = units
        self._step = max(1, units // ((helpers + 1) * _PIECES))
        self._starts: Iterator[int] = iter(range(0, units, self._step))
        pieces = len(range(0, units, self._step))
        self._tickets = list(range(min(helpers, pieces - 1)))
        self.invited = len(self._tickets)
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    def work(self) -> None:
        """Compute pieces until none is left."""
        while (first := next(self._starts, -1)) >= 0:
            self._run(first, min(first + self._step, self._units))

    def help(self) -> bool:
        """Work where a ticket is left; whether one was."""
        try:
            self._tickets.pop()
        except IndexError:
            return False
        failure = None
        try:
            self.work()
        except BaseException as error:  # the caller's to raise, whatever it is
            self.stop()
            failure = error
        self._done.put(failure)
        return True

    def stop(self) -> None:
        """Hand out no more pieces."""
        self._starts = iter(())

    def close(self) -> int:
        """Take back the tickets left; return how many helpers take part."""
        left = 0
        with suppress(IndexError):
            while True:
                self._tickets.pop()
                left += 1
        return self.invited - left

    def wait(self, helping: int) -> BaseException | None:
        """Wait until those who help are done; return what went wrong with one."""
        failures = [self._done.get() for _ in range(helping)]
        return next((failure for failure in failures if failure is not None), None)


class _Pool:
    """Helpers that wait for jobs."""

    def __init__(self, helpers: int) -> None:
        from stepconv.kernels import spin  # compiles, or loads from disk

        self._watch, self._change = spin.watch, spin.change
        self._cells = np.zeros(16, np.int64)
        self._change(self._cells, _JOBS)  # compiled here, not in the first job
        self._watch(self._cells, _JOBS, 0, 0, 0)
        self._job: _Job | None = None
        self._busy = threading.Lock()
        self._closed = False
        self._bells: list[SimpleQueue[None]] = []
        self._asleep: set[int] = set()
        self._threads: list[threading.Thread] = []
        with suppress(RuntimeError):  # no more threads to be had: fewer helpers, or none
            for index in range(helpers):
                self._bells.append(SimpleQueue())
                thread = threading.Thread(
                    target=self._serve, args=(index,), name=f"stepconv-{index}", daemon=True
                )
                thread.start()
                self._threads.append(thread)

    def share(self, run: Run, units: int) -> None:
        """Compute ``run(first, stop)`` over all units, helped where helpers are free."""
        job = _Job(run, units, len(self._threads))
        if not job.invited or self._busy.locked():
            job.work()
            return
        with self._busy:
            failure = None
            try:
                self._publish(job)
                job.work()
            finally:
                job.stop()
                failure = self._collect(job)
            if failure is not None:
                raise failure

    def close(self) -> None:
        """End the helpers, and wait until they have ended."""
        self._closed = True
        self._wake(len(self._threads))
        for thread in self._threads:
            thread.join()

    def _publish(self, job: _Job) -> None:
        self._job = job
        self._wake(job.invited)

    def _wake(self, wanted: int) -> None:
        # The count first: who is about to sleep looks at it again.
        self._change(self._cells, _JOBS)
        for index in range(wanted):
            if index in self._asleep:
                self._asleep.discard(index)
                self._bells[index].put(None)

    def _collect(self, job: _Job) -> BaseException | None:
        """Wait for the helpers of `job`: for a while awake, since they are about to end."""
        helping = job.close()
        if helping:
            done = int(self._cells[_DONE])
            self._watch(self._cells, _DONE, done, _PAUSES, 0)
        self._job = None
        return job.wait(helping)

    def _serve(self, index: int) -> None:
        """Help with jobs until the pool closes."""
        seen = 1  # `__init__` counted one
        while not self._closed:
            now = self._watch(self._cells, _JOBS, seen, _PAUSES, _GRACE)
            if now == seen:
                self._asleep.add(index)
                if self._cells[_JOBS] == seen and not self._closed:
                    self._bells[index].get()
                self._asleep.discard(index)
                continue
            seen = now
            job = self._job
            if job is not None and job.help():
                self._change(self._cells, _DONE)
            del job  # a helper asleep must not keep a caller's arrays


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


def share(run: Run, units: int) -> None:
    """Compute ``run(first, stop)`` over ``range(units)``, in pieces, on several threads.

    `run` must release the interpreter lock; its first exception is raised here.
    """
    pool = _pool or _started()
    if pool is None:
        run(0, units)
    else:
        pool.share(run, units)


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
