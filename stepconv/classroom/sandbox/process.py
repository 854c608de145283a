"""One process of a submission: started, listened to, ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepconv.classroom.sandbox.limits import Limits
from stepconv.classroom.sandbox.scratch import Scratch, python_program
from stepconv.classroom.sandbox.walls import FIRST_USER, Wall, inner_command

CHUNK = 1 << 16
GRACE = 5.0
"""Seconds that the launcher is given to end everything, before it is ended itself."""


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
    """

    excess: str
    status: int
    alone: bool = True


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
    user = FIRST_USER + scratch.folder.stat().st_ino % 10**9
    task = task | {
        "user": user if wall.drops else None,
        "reads": wall.reads,
        "seconds": seconds,
        "memory": limits.memory,
        "file": limits.file,
        "processes": limits.processes,
        "library": str(scratch.library),
    }
    scratch.task.write_text(json.dumps(task), encoding="utf-8")
    if wall.drops:
        scratch.hand_over(user)
    reader, writer = os.pipe()
    try:
        order = {
            "command": wall.command(scratch, inner_command(scratch, writer)),
            "environment": scratch.environment(),
            "folder": str(scratch.home),
            "home": str(scratch.home),
            "channel": writer,
            "seconds": seconds,
            "memory": limits.memory,
            "processes": limits.processes,
            "disk": limits.disk,
        }
        launcher = subprocess.Popen(
            [python_program(), "-I", "-S", _LAUNCHER, json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[writer],
            start_new_session=True,  # so that an interrupt in the terminal reaches it through us
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    try:
        return _listen(launcher, reader, limits.case_seconds, seconds, take)
    finally:
        os.close(reader)
        _end(launcher)


_LAUNCHER = str(Path(__file__).with_name("launcher.py"))


def _listen(
    launcher: subprocess.Popen[bytes],
    reader: int,
    case_seconds: float,
    seconds: float,
    take: Callable[[bytes], bool],
) -> Ended:
    """Hand on what arrives, until the launcher says how it ended."""
    assert launcher.stdout is not None
    end = time.monotonic() + seconds + GRACE
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
    return _ended(said, late, _drained(reader, take))


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


def _ended(said: bytes, late: bool, alone: bool) -> Ended:
    try:
        told = json.loads(said)
        excess, status = told["excess"] or "", int(told["status"])
    except (ValueError, KeyError, TypeError):
        return Ended("time" if late else "start", 0, False)  # the launcher itself was ended
    if status > 128:
        status = 128 - status  # as bwrap, unshare and shells tell of a signal
    return Ended("time" if late else excess, status, alone)


def _stop(launcher: subprocess.Popen[bytes]) -> None:
    """Ask the launcher to end all: it does so when its standard input is closed."""
    assert launcher.stdin is not None
    with contextlib.suppress(OSError):
        launcher.stdin.close()


def _end(launcher: subprocess.Popen[bytes]) -> None:
    """Make sure that the launcher has ended, and with it all else."""
    _stop(launcher)
    try:
        launcher.wait(GRACE)
    except subprocess.TimeoutExpired:
        launcher.kill()
        launcher.wait()
    if launcher.stdout is not None:
        launcher.stdout.close()
    if sys.platform == "linux" and launcher.returncode < 0:
        sweep(launcher.pid)


def sweep(session: int) -> None:
    """End what still runs in a session whose leader was ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
