"""The program between the grader and a submission: starts it, watches it, leaves nothing of it.

It imports nothing of stepconv, since it has to start quickly. It ends the submission when that
takes too much, and when whoever started it closes its standard input or has gone. Every process
of the submission becomes a child of this one in the end, however it hid itself (Linux), so that
all can be found. Usage: python -I -S launcher.py TASK; its result is a line of JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
DEEPEST = 30
GLANCE, LOOK = 0.005, 0.05
"""Seconds between looks at whether it has ended, and at what it uses."""


def main() -> None:
    """Start what the task names, and say on standard output how it ended."""
    task = json.loads(sys.argv[1])
    linux = sys.platform == "linux"
    if linux:
        library = ctypes.CDLL(None)
        library.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        library.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # nobody reads or writes its descriptors
    try:
        child = subprocess.Popen(
            task["command"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=task["environment"],
            cwd=task["home"],
            pass_fds=[task["channel"]],
            start_new_session=True,
        )
    except OSError as error:
        print(json.dumps({"excess": "start", "status": error.errno}))
        return
    os.close(task["channel"])
    spent: dict[int, float] = {}
    try:
        excess = watch(child, task, spent)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        end_all(child)
    told = {"excess": excess, "status": child.returncode, "busy": sum(spent.values())}
    print(json.dumps(told))


def watch(
    child: subprocess.Popen[bytes], task: Mapping[str, Any], spent: dict[int, float]
) -> str | None:
    """Wait until it has ended, or until it takes too much: return of what.

    What each process was seen to spend of processors' time goes to `spent`.
    """
    end = time.monotonic() + task["seconds"]
    due = time.monotonic()
    while child.poll() is None:
        if select.select([0], [], [], GLANCE)[0]:
            return "stopped"
        now = time.monotonic()
        if now > end:
            return "total_time"
        if now > due:
            excess = used(task, spent)
            if excess is not None:
                return excess
            due = time.monotonic() + LOOK
    return None


def used(task: Mapping[str, Any], spent: dict[int, float]) -> str | None:
    """Return of what the processes together use too much, or None."""
    # The wall has processes of its own beside those of the submission.
    family = list(descendants())
    spent.update((process, busy(process)) for process in family)
    if len(family) > task["processes"] + 4:
        return "processes"
    if sum(map(resident, family)) > task["memory"]:
        return "memory"
    if weight(task["home"], task["disk"]) + nameless(family) > task["disk"]:
        return "disk"
    return None


def threads(process: int) -> list[str]:
    """Return where Linux tells of the threads of a process.

    Of the process itself it tells nothing once the first has ended, whatever the others hold.
    """
    folder = f"/proc/{process}/task"
    with contextlib.suppress(OSError):
        return [f"{folder}/{thread}" for thread in os.listdir(folder)]
    return []


def resident(process: int) -> int:
    """Return the bytes of memory that a process has, but for the files that it reads."""
    for thread in threads(process):
        try:
            with open(f"{thread}/status", encoding="utf-8", errors="replace") as stream:
                lines = dict(line.split(":", 1) for line in stream if ":" in line)
        except OSError:
            continue
        if "RssAnon" in lines:
            # What processes share counts for each: who shares it could also leave it.
            return sum(int(lines[name].split()[0]) << 10 for name in ("RssAnon", "RssShmem"))
    return 0


def nameless(family: Iterable[int]) -> int:
    """Return how many bytes the files hold that are open but in no folder any more."""
    found = {}
    for thread in (thread for process in family for thread in threads(process)):
        with contextlib.suppress(OSError):
            for name in os.listdir(f"{thread}/fd"):
                with contextlib.suppress(OSError):
                    about = os.stat(f"{thread}/fd/{name}")
                    if stat.S_ISREG(about.st_mode) and about.st_nlink == 0:
                        found[about.st_dev, about.st_ino] = about.st_blocks * 512
    return sum(found.values())


def busy(process: int) -> float:
    """Return the seconds that processors have worked for a process."""
    try:
        with open(f"/proc/{process}/stat", "rb") as stream:
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def weight(folder: str, most: int) -> int:
    """Return about how many bytes a folder holds, a block for each name included.

    Counting ends above `most`. Folders in one another below `DEEPEST` count as more, since they
    take long to remove, and so does one that cannot be looked into.
    """
    found = 0
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        if depth > DEEPEST:
            return most + 1
        try:
            entries = os.scandir(place)
        except PermissionError:
            return most + 1
        except OSError:
            continue
        with entries, contextlib.suppress(OSError):
            for entry in entries:
                found += 4096
                with contextlib.suppress(OSError):
                    found += entry.stat(follow_symlinks=False).st_blocks * 512
                if found > most:
                    return found
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, depth + 1))
    return found


def descendants() -> Iterator[int]:
    """Yield every process below this one (none where there is no /proc)."""
    parents = {}
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir("/proc"):
            if name.isdecimal():
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:
                    # The name of a program is in parentheses and may hold anything.
                    parents[int(name)] = int(stream.read().rpartition(b")")[2].split()[1])
    below = {os.getpid()}
    while True:
        more = {process for process, parent in parents.items() if parent in below} - below
        if not more:
            return
        yield from more
        below |= more


def end_all(child: subprocess.Popen[bytes]) -> None:
    """End every process below this one, until none is left."""
    while True:
        family = list(descendants())
        for stop in (signal.SIGSTOP, signal.SIGKILL):  # stopped ones start no others meanwhile
            for process in family:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process, stop)
        if child.poll() is None:
            child.kill()
            child.wait()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            if family:
                time.sleep(GLANCE)
                continue
        if not family:
            return


if __name__ == "__main__":
    main()
