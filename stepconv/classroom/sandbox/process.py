"""One process of a submission: started, listened to, ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepconv.classroom.sandbox.calls import call_filter
from stepconv.classroom.sandbox.limits import Limits
from stepconv.classroom.sandbox.scratch import Scratch, python_program
from stepconv.classroom.sandbox.walls import FIRST_USER, Wall, inner_command

CHUNK = 1 << 16
GRACE = 5.0
"""Seconds that the launcher is given to end everything, before it is ended itself."""

STARVED = 0.8
"""Who was given less of the time until it was up may not have had a processor to itself."""

SWEEPS = 100
"""How often processes are looked for that start others while they are ended."""


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes
    ----------
    excess : str
        The code of what it used too much, or "".
    status : int
        Its exit status; negative where a signal ended it.
    alone : bool
        Whether no process is left that could still send something.
    starved : bool
        Whether time was up though processors had worked for it only for a part of it.
    """

    excess: str
    status: int
    alone: bool = True
    starved: bool = False


def run_process(
    scratch: Scratch,
    wall: Wall,
    task: dict[str, Any],
    limits: Limits,
    seconds: float,
    take: Callable[[bytes], bool],
) -> Ended:
    """Run a task in a scratch folder, handing what it sends to `take` until all has ended.

    `take` returns whether a case was done, which starts the time of the next one.
    """
    user = FIRST_USER + scratch.folder.stat().st_ino % 10**9 if wall.drops else None
    most = {
        "seconds": seconds,
        "memory": limits.memory,
        "file": limits.file,
        "disk": limits.disk,
        "processes": limits.processes,
    }
    own = {
        "user": user,
        "reads": wall.reads,
        "library": str(scratch.library),
        "filter": call_filter(),
    }
    scratch.task.write_text(json.dumps({**task, **most, **own}), encoding="utf-8")
    if user is not None:
        scratch.hand_over(user)
    reader, writer = os.pipe()
    try:
        order = {
            "command": wall.command(scratch, inner_command(scratch, writer)),
            "environment": scratch.environment(),
            "home": str(scratch.home),
            "channel": writer,
        }
        try:
            launcher = _launched({**order, **most}, writer)
        finally:
            os.close(writer)
        try:
            return _listen(launcher, reader, limits.case_seconds, seconds, take)
        finally:
            _end(launcher, scratch)
    finally:
        os.close(reader)


_LAUNCHER = str(Path(__file__).with_name("launcher.py"))


def _launched(order: dict[str, Any], channel: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [python_program(), "-I", "-S", _LAUNCHER, json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[channel],
        start_new_session=True,  # an interrupt in the terminal reaches it through us alone
    )


def _listen(
    launcher: subprocess.Popen[bytes],
    reader: int,
    case_seconds: float,
    seconds: float,
    take: Callable[[bytes], bool],
) -> Ended:
    """Hand on what arrives, until the launcher says how it ended."""
    assert launcher.stdout is not None
    begun = time.monotonic()
    end = begun + seconds + GRACE
    due = time.monotonic() + case_seconds
    late = False
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        selector.register(launcher.stdout, selectors.EVENT_READ)
        while time.monotonic() < end:
            ready = [key.fd for key, _ in selector.select(min(max(due - time.monotonic(), 0), 1))]
            if reader in ready:
                data = os.read(reader, CHUNK)
                if not data:
                    selector.unregister(reader)
                elif take(data):
                    due = time.monotonic() + case_seconds
            elif launcher.stdout.fileno() in ready:
                part = os.read(launcher.stdout.fileno(), CHUNK)
                if not part:
                    break
                said += part
            if time.monotonic() > due and not late:
                late = True
                due = end
                _stop(launcher)
    passed = time.monotonic() - begun
    return _ended(said, late, _drained(reader, take), passed)


def _drained(reader: int, take: Callable[[bytes], bool], most: int = 1 << 26) -> bool:
    """Hand on what is left to read; return whether nobody holds the other end any more."""
    os.set_blocking(reader, False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(most // CHUNK):
            data = os.read(reader, CHUNK)
            if not data:
                return True
            take(data)
    return False


def _ended(said: bytes, late: bool, alone: bool, passed: float) -> Ended:
    try:
        told = json.loads(said)
        excess, status = told["excess"] or "", int(told["status"])
        starved = (late or excess == "total_time") and told["busy"] < STARVED * passed
    except (ValueError, KeyError, TypeError):
        return Ended("time" if late else "start", 0, False)  # the launcher itself was ended
    if 128 < status <= 128 + 64:
        status = 128 - status  # as bwrap, unshare and shells tell of a signal
    return Ended("time" if late else excess, status, alone, starved)


def _stop(launcher: subprocess.Popen[bytes]) -> None:
    """Ask the launcher to end all: it does so when its standard input is closed."""
    assert launcher.stdin is not None
    with contextlib.suppress(OSError):
        launcher.stdin.close()


def _end(launcher: subprocess.Popen[bytes], scratch: Scratch) -> None:
    """Make sure that the launcher has ended, and with it all else."""
    _stop(launcher)
    try:
        launcher.wait(GRACE)
    except subprocess.TimeoutExpired:
        launcher.kill()
        launcher.wait()
    if launcher.stdout is not None:
        launcher.stdout.close()
    if launcher.returncode < 0:  # it was ended, and could not end what it started
        sweep(scratch)


def sweep(scratch: Scratch) -> None:
    """End every process that has the scratch folder in its environment or works in it (Linux)."""
    mark = os.fsencode(scratch.folder)
    for _attempt in range(SWEEPS):
        found = [name for name in _processes() if _belongs(name, mark)]
        for name in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(name), signal.SIGKILL)
        if not found:
            return


def _processes() -> list[str]:
    with contextlib.suppress(OSError):
        return [name for name in os.listdir("/proc") if name.isdecimal()]
    return []


def _belongs(process: str, mark: bytes) -> bool:
    with contextlib.suppress(OSError):
        place = os.fsencode(os.readlink(f"/proc/{process}/cwd"))
        return place.startswith(mark) or mark in Path("/proc", process, "environ").read_bytes()
    return False
