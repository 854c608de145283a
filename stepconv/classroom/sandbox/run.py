"""Running a submission: its function on every case, whatever it does."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stepconv.classroom.sandbox.limits import MEGABYTE, Limits
from stepconv.classroom.sandbox.outcome import CaseResult, Outcome, Protections, Reason
from stepconv.classroom.sandbox.process import Ended, run_process
from stepconv.classroom.sandbox.scratch import scratch_folder
from stepconv.classroom.sandbox.submission import copy_submission
from stepconv.classroom.sandbox.transport import Received, write_cases
from stepconv.classroom.sandbox.trial import chosen_wall
from stepconv.classroom.sandbox.walls import Wall
from stepconv.errors import InputError

MOST_STARTS = 8
"""Processes started for one submission: each case that ends one costs a start."""


def protections(limits: Limits | None = None) -> Protections:
    """Return what keeps a submission locked in on this machine, tried out once."""
    _check_system()
    return chosen_wall(limits or Limits())[1]


def run_submission(
    path: str | Path,
    function: str,
    cases: Sequence[Mapping[str, Any]],
    limits: Limits | None = None,
    require_isolation: bool = False,
    main: str | None = None,
) -> Outcome:
    r"""Run a function of a student's file on every case, in a process locked in.

    The file is copied into a scratch folder; what it returns comes back as plain arrays. A
    case that ends the process costs that case alone: the others run in a new one.

    Parameters
    ----------
    path : path-like
        A Python file, or a folder of them with one called after the function.
    function : str
        The function to call.
    cases : sequence of mapping
        Its arguments by name: arrays, numbers, texts, lists.
    limits : Limits, optional
    require_isolation : bool
        Whether to refuse where a protection is missing.
    main : str, optional
        Another name that the file in a folder may have.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        If there is no such file, it is no ordinary one, or isolation is required and missing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "work.py")
    ...     _ = file.write_text("def double(x):\n    return 2 * x\n")
    ...     run_submission(file, "double", [{"x": 4}]).results[0].value
    array(8)
    """
    _check_system()
    limits = limits or Limits()
    wall, ensured = chosen_wall(limits)
    if require_isolation and not ensured.complete:
        raise InputError(
            "{protections}; install bubblewrap (bwrap) where the system allows it, or leave"
            " --require-isolation out",
            protections=ensured,
        )
    mains = (main or f"{function}.py", f"{function}.py")
    work = _Work(Path(path), function, mains, cases, limits, wall)
    results: list[CaseResult] = []
    rest: Reason | None = None
    starved = False
    end = time.monotonic() + limits.seconds
    for _ in range(MOST_STARTS):
        left = end - time.monotonic()
        if left <= 0:
            rest = work.reason("total_time")
            break
        received, ended = work.run(len(results), left)
        starved = starved or ended.starved
        if not received.loaded:
            rest = work.completed(received.problem or work.why(received, ended))
            break
        while (found := received.results.get(len(results))) is not None:
            problem = None if found.problem is None else work.completed(found.problem)
            results.append(replace(found, problem=problem))
        if len(results) < len(cases):
            results.append(CaseResult(problem=work.completed(work.why(received, ended))))
        if len(results) == len(cases):
            break
    missing = CaseResult(problem=rest or work.reason("not_reached"))
    problem = None if results else rest
    results += [missing] * (len(cases) - len(results))
    return Outcome(tuple(results), ensured, problem, starved)


def _check_system() -> None:
    if sys.platform == "win32":
        raise InputError(
            "students' code is run on Linux and macOS alone: Windows has no limits for a process;"
            " use WSL there"
        )


@dataclass(frozen=True, eq=False)
class _Work:
    """A submission with its cases, and the processes that it is run in."""

    path: Path
    function: str
    mains: tuple[str, ...]
    cases: Sequence[Mapping[str, Any]]
    limits: Limits
    wall: Wall

    def run(self, first: int, seconds: float) -> tuple[Received, Ended]:
        """Run the cases from `first` on in one process."""
        most = self.limits.value
        received = Received(self.function, len(self.cases), most)
        with scratch_folder() as scratch:
            task = {
                "submission": str(copy_submission(self.path, self.mains, scratch.code)),
                "function": self.function,
                "arrays": str(scratch.arrays),
                "cases": write_cases(self.cases, scratch.arrays),
                "first": first,
                "value": most,
            }
            ended = run_process(scratch, self.wall, task, self.limits, seconds, received.take)
        return received, ended

    def why(self, received: Received, ended: Ended) -> Reason:
        """Return why a process ended before its time."""
        if received.broken:
            return Reason(received.broken)
        if ended.excess in ("time", "total_time", "memory", "processes", "disk", "start"):
            return Reason(ended.excess)
        if ended.status == -signal.SIGXCPU:
            return Reason("time")
        if ended.status < 0:
            names = {one.value: one.name for one in signal.Signals}
            return Reason("crashed", {"signal": names.get(-ended.status, -ended.status)})
        return Reason("ended", {"status": ended.status})

    def reason(self, code: str) -> Reason:
        """Return the reason of a code, with what its text names."""
        return self.completed(Reason(code))

    def completed(self, reason: Reason) -> Reason:
        """Return a reason with the limits that its text may name."""
        limits = self.limits
        named = {
            "seconds": f"{limits.case_seconds:g}",
            "total": f"{limits.seconds:g}",
            "megabytes": limits.memory // MEGABYTE,
            "disk": limits.disk // MEGABYTE,
            "processes": limits.processes,
            "most": limits.value,
        }
        return replace(reason, values={**named, **reason.values})
