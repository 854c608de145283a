"""The program in which a submission runs: started by itself, with NumPy alone beside it.

It is copied into the scratch folder, so it imports nothing of stepconv. What it sends is
believed no more than the submission is: both live in one process. It is given no expected value.
Usage: python -I -S runner.py TASK.json DESCRIPTOR
"""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import sys
import time
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 8, 22, 38
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3, CAP_DAC_READ_SEARCH = 0x20080522, 1 << 2

HEAD = 2000
"""Characters kept of what a case prints, and of messages."""

DESCRIPTORS = 256
"""Files that a process may have open."""


def main() -> None:
    """Lock this process in, then run the cases of the task, or try the locks out."""
    with open(sys.argv[1], encoding="utf-8") as stream:
        task = json.load(stream)
    channel = int(sys.argv[2])
    os.set_inheritable(channel, False)
    lock_in(task)
    if "probe" in task:
        send(channel, probe(task), b"")
        leave_a_daemon()
    else:
        run(task, channel)
    os._exit(0)  # threads that were left behind, and what atexit holds, get no turn


def lock_in(task: Mapping[str, Any]) -> None:
    """Give up rights, then set the limits, which cannot be raised again."""
    if task["user"] is not None:
        become(task["user"], task["reads"])
    os.umask(0o077)
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(task["seconds"]) + 1),
        (resource.RLIMIT_FSIZE, task["file"]),
        (resource.RLIMIT_AS, task["memory"]),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
    ]
    running = tasks_of_user()
    if running is not None:
        limits.append((resource.RLIMIT_NPROC, running + task["processes"] - 1))
    for what, most in limits:
        try:
            resource.setrlimit(what, (most, most))
        except (OSError, ValueError):
            continue  # macOS refuses some; the probe finds out which limits hold
    if sys.platform == "linux":
        give_up_calls(task["filter"])


def give_up_calls(instructions: Sequence[Sequence[int]] | None) -> None:
    """Never gain rights again, as by sudo, and refuse the calls that the filter names."""
    import ctypes

    library = ctypes.CDLL(None)
    library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if instructions is None:
        return
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(instructions), ctypes.addressof(buffer))
    library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)


def become(user: int, reads: bool) -> None:
    """Become another user, who may read everything or not, and has no other right of root's."""
    os.setgroups([])
    os.setgid(user)
    if not reads:
        os.setuid(user)
        return
    import ctypes  # rarely needed, and slow to load

    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setuid(user)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable, the lower 32 of each, then the upper ones.
    rights = (ctypes.c_uint32 * 6)(CAP_DAC_READ_SEARCH, CAP_DAC_READ_SEARCH, 0, 0, 0, 0)
    if library.capset(header, rights) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def tasks_of_user() -> int | None:
    """Return how many threads this user runs, among those that can be seen from here."""
    mine, found = str(os.getuid()), 0
    try:
        names = [name for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:
        return None
    for name in names:
        try:
            with open(f"/proc/{name}/status", encoding="utf-8") as stream:
                lines = dict(line.split(":\t", 1) for line in stream if ":\t" in line)
        except OSError:
            continue  # it has ended meanwhile
        if lines.get("Uid", "").split("\t")[:1] == [mine]:
            found += int(lines.get("Threads", "1"))
    return found or None


def run(task: Mapping[str, Any], channel: int) -> None:
    """Import the submission and run its cases, sending each result at once."""
    sys.path.append(task["library"])
    import numpy as np

    asarray, savez, load = np.asarray, np.savez, np.load
    with load(task["arrays"], allow_pickle=False) as file:
        arrays = dict(file)
    sys.path.append(os.path.dirname(task["submission"]))
    function, problem = imported(task["submission"], task["function"])
    send(channel, {"case": -1, "problem": problem}, b"")
    if function is None:
        return
    for number in range(task["first"], len(task["cases"])):
        given = {
            name: arrays[value["array"]].copy() if isinstance(value, dict) else value
            for name, value in task["cases"][number].items()
        }
        value, problem, printed = called(function, given, task["submission"])
        blob = b""
        if problem is None:
            blob, problem = packed(value, task["value"], asarray, savez)
        send(channel, {"case": number, "problem": problem, "stdout": printed}, blob)


def imported(path: str, name: str) -> tuple[Callable[..., Any] | None, dict[str, Any] | None]:
    """Return the function of a submission, or None and the problem."""
    module = types.ModuleType("submission")
    module.__file__ = path
    sys.modules[module.__name__] = module  # dataclasses, for one, look there
    space = vars(module)
    unread: dict[str, Any] | None = None

    def execute() -> None:
        nonlocal unread
        try:
            with open(path, "rb") as stream:
                code = compile(stream.read(), path, "exec")
        except SyntaxError as error:  # of the file itself: what its code raises is told as raised
            text = f"{type(error).__name__}: {error.msg}"[:HEAD]
            unread = {"code": "syntax", "error": text, "line": error.lineno or 0}
        else:
            exec(code, space)

    _, problem, _ = called(execute, {}, path)
    problem = unread or problem
    if problem is not None:
        if problem["code"] == "raised":
            problem["code"] = "import"
        return None, problem
    if name not in space:
        return None, {"code": "missing", "name": name}
    if not callable(space[name]):
        return None, {"code": "not_callable", "name": name, "kind": type(space[name]).__name__}
    return space[name], None


def called(
    function: Callable[..., Any], given: Mapping[str, Any], path: str
) -> tuple[Any, dict[str, Any] | None, str]:
    """Return what a call gives, or its problem, and the head of what it printed."""
    file = unnamed_file()
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    os.close(file)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", write_through=True)
    value: Any = None
    problem: dict[str, Any] | None = None
    try:
        value = function(**given)
    except MemoryError:
        problem = {"code": "memory"}
    except SystemExit:
        problem = {"code": "exit"}
    except BaseException as error:  # KeyboardInterrupt and the like: whatever it raises is told
        problem = {"code": "raised", "error": described(error), "line": line_of(error, path)}
        if isinstance(error, ModuleNotFoundError) and error.name:
            problem = {"code": "module", "name": str(error.name)[:HEAD]}
    return value, problem, os.pread(1, HEAD, 0).decode("utf-8", "replace")


def unnamed_file() -> int:
    """Return a new file without a name: nobody can have put a link in its place."""
    path = os.path.join(os.environ["HOME"], f".printed-{os.getpid()}")
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        os.unlink(path)
    except OSError:  # the folder is gone, or the name is taken
        return os.open(os.devnull, os.O_RDWR)
    return file


def described(error: BaseException) -> str:
    """Return the type and message of an exception, whose own methods may fail as well."""
    kind = type(error).__name__
    try:
        text = str(error)
    except BaseException:  # the exception is the submission's own, and so is its __str__
        text = ""
    return f"{kind}: {text}"[:HEAD] if text else kind[:HEAD]


def line_of(error: BaseException, path: str) -> int:
    """Return the last line of the submission that led to `error`, 0 where there is none."""
    found = [
        number
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == path
    ]
    return found[-1] if found else 0


def packed(
    value: Any, most: int, asarray: Callable[..., Any], savez: Callable[..., Any]
) -> tuple[bytes, dict[str, Any] | None]:
    """Return a value as the bytes of an .npz file, or none and the problem."""
    if value is None:
        return b"", {"code": "nothing"}
    try:
        array = asarray(value)
        if array.dtype.kind not in "biufc":
            return b"", {"code": "not_numbers", "kind": type(value).__name__[:HEAD]}
        if array.nbytes > most:
            return b"", {"code": "too_large", "bytes": int(array.nbytes)}
        buffer = io.BytesIO()
        savez(buffer, value=asarray(array, order="C"))
    except MemoryError:
        return b"", {"code": "memory"}
    except BaseException:  # the value's own __array__ may raise anything
        return b"", {"code": "not_numbers", "kind": type(value).__name__[:HEAD]}
    return buffer.getvalue(), None


def send(channel: int, message: Mapping[str, Any], blob: bytes) -> None:
    """Send a line of JSON, and `blob` after it."""
    line = json.dumps({**message, "size": len(blob)}).encode() + b"\n"
    left = memoryview(line + blob)
    while left:
        left = left[os.write(channel, left) :]


def probe(task: Mapping[str, Any]) -> dict[str, Any]:
    """Try to do what a submission must not, harmlessly; return what was prevented."""
    import socket

    sys.path.append(task["library"])
    import numpy as np

    asked = task["probe"]
    held = ["time"] if np.add(1, 1) == 2 else []
    try:
        bytearray(task["memory"])
    except MemoryError:
        held.append("memory")
    try:
        os.kill(asked["process"], 0)
    except OSError:
        held.append("strangers")
    try:
        with open(asked["file"], encoding="utf-8"):
            pass
    except OSError:
        held.append("files")
    try:
        socket.create_connection(("127.0.0.1", asked["port"]), timeout=1).close()
    except OSError:
        held.append("network")
    if forks(task["processes"] + 1) < task["processes"] + 1:
        held.append("count")
    return {"held": held}


def forks(most: int) -> int:
    """Return how many processes could be started at a time, `most` at most; end them."""
    reader, writer = os.pipe()
    started = []
    for _ in range(most):
        try:
            child = os.fork()
        except OSError:
            break
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
        started.append(child)
    os.close(writer)
    os.close(reader)
    for child in started:
        os.waitpid(child, 0)
    return len(started)


def leave_a_daemon() -> None:
    """Leave a process behind in a session of its own; it ends by itself after some seconds."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3)
        os._exit(0)


if __name__ == "__main__":
    main()
