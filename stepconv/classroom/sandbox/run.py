"""Running a submission: its function on every case, whatever it does."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stepconv.classroom.sandbox.limits import MEGABYTE, Limits
from stepconv.classroom.sandbox.outcome import CaseResult, Outcome, Protections, Reason
from stepconv.classroom.sandbox.process import Ended, run_process
from stepconv.classroom.sandbox.scratch import Scratch, scratch_folder
from stepconv.classroom.sandbox.submission import copy_submission
from stepconv.classroom.sandbox.transport import Received, write_cases
from stepconv.classroom.sandbox.trial import chosen_wall
from stepconv.classroom.sandbox.walls import Wall
from stepconv.errors import InputError

NOTHING: Mapping[str, object] = {}

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
    results: dict[int, CaseResult] = {}
    end = time.monotonic() + limits.seconds
    for _ in range(MOST_STARTS):
        left = end - time.monotonic()
        if left <= 0:
            return _outcome(results, cases, ensured, _reason("total_time", limits))
        received, ended = _run_once(Path(path), function, cases, len(results), limits, left, wall)
        if not received.loaded:
            problem = received.problem or _why(received, ended)
            problem = _reason(problem.code, limits, problem.values)
            return _outcome(results, cases, ensured, problem, not results)
        while (number := len(results)) < len(cases) and number in received.results:
            found = received.results[number]
            results[number] = replace(found, problem=_with_limits(found.problem, limits))
        if len(results) == len(cases):
            break
        results[len(results)] = CaseResult(problem=_with_limits(_why(received, ended), limits))
        if len(results) == len(cases):
            break
    return _outcome(results, cases, ensured, Reason("not_reached"))


def _check_system() -> None:
    if sys.platform == "win32":
        raise InputError(
            "students' code is run on Linux and macOS alone: Windows has no limits for a process;"
            " use WSL there"
        )


def _outcome(
    results: Mapping[int, CaseResult],
    cases: Sequence[Mapping[str, Any]],
    ensured: Protections,
    rest: Reason,
    nothing: bool = False,
) -> Outcome:
    """Return the results, `rest` being why those that are missing are."""
    missing = CaseResult(problem=rest)
    found = tuple(results.get(number, missing) for number in range(len(cases)))
    return Outcome(found, ensured, rest if nothing else None)


def _why(received: Received, ended: Ended) -> Reason:
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


def _with_limits(reason: Reason | None, limits: Limits) -> Reason | None:
    return None if reason is None else _reason(reason.code, limits, reason.values)


def _reason(code: str, limits: Limits, values: Mapping[str, object] = NOTHING) -> Reason:
    """Return a reason with the limits that its text may name."""
    named = {
        "seconds": f"{limits.case_seconds:g}",
        "total": f"{limits.seconds:g}",
        "megabytes": limits.memory // MEGABYTE,
        "disk": limits.disk // MEGABYTE,
        "processes": limits.processes,
        "most": limits.value,
    }
    return Reason(code, {**named, **values})


def _run_once(
    path: Path,
    function: str,
    cases: Sequence[Mapping[str, Any]],
    first: int,
    limits: Limits,
    seconds: float,
    wall: Wall,
) -> tuple[Received, Ended]:
    """Run the cases from `first` on in one process."""
    received = Received(function, len(cases), limits.value)
    with scratch_folder() as scratch:
        task = _task(scratch, path, function, cases) | {"first": first, "value": limits.value}
        ended = run_process(scratch, wall, task, limits, seconds, received.take)
    return received, ended


def _task(
    scratch: Scratch, path: Path, function: str, cases: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "submission": str(copy_submission(path, f"{function}.py", scratch.code)),
        "function": function,
        "arrays": str(scratch.arrays),
        "cases": write_cases(cases, scratch.arrays),
    }
