"""Ways out of the sandbox that were found by looking for them, behind every wall there is."""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from stepconv.classroom.exercises import check, exercise
from stepconv.classroom.grading.code import grade_code
from stepconv.classroom.grading.gradebook import gradebook
from stepconv.classroom.sandbox import Limits, Outcome, Protections, run as running, run_submission
from stepconv.classroom.sandbox.calls import call_filter
from stepconv.classroom.sandbox.process import Ended, _ended
from stepconv.classroom.sandbox.transport import read_value
from stepconv.classroom.sandbox.trial import _tried
from stepconv.classroom.sandbox.walls import Wall, walls
from tests.hostile import RIGHT

LIMITS = Limits(seconds=20, case_seconds=8, memory=300 << 20)
RIGHT_1D = RIGHT + "\nconv1d = right\n"
LINUX = sys.platform == "linux"


@cache
def tried(wall: Wall) -> tuple[str, ...] | None:
    return _tried(wall, LIMITS)


@pytest.fixture(params=walls(), ids=str)
def wall(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Wall | None:
    """Each wall that may work here, in use; None where it does not work."""
    held = tried(request.param)
    if held is None:
        return None
    chosen = (request.param, Protections(held, request.param.means))
    monkeypatch.setattr(running, "chosen_wall", lambda _limits: chosen)
    one: Wall = request.param
    return one


def outcome(
    folder: Path,
    code: str,
    cases: Sequence[Mapping[str, Any]] = ({"x": 1},),
    limits: Limits = LIMITS,
) -> Outcome:
    file = folder / "work.py"
    file.write_text(code, encoding="utf-8")
    return run_submission(file, "f", cases, limits=limits)


def forged(shape: str, data: bytes = b"") -> bytes:
    """Return an archive whose header claims a shape."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data
        file.writestr("value.npy", content)
    return buffer.getvalue()


IMPOSSIBLE = (
    "(0, 9223372036854775807)",
    "(9223372036854775808, 0)",
    "(0, 99999999999999999999999999)",
    "(4611686018427387904, 4611686018427387904, 0)",
    "(4294967296, 4294967296, 4294967296, 0)",
)


@pytest.mark.parametrize("shape", IMPOSSIBLE)
def test_an_empty_array_of_impossible_axes_is_no_value(shape: str) -> None:
    assert read_value(forged(shape), 1000) is None


def test_an_empty_array_of_possible_axes_is_a_value() -> None:
    found = read_value(forged("(3, 0, 2)"), 1000)
    assert found is not None
    assert found.shape == (3, 0, 2)


def test_a_forged_result_does_not_stop_the_class(tmp_path: Path) -> None:
    blob = forged(IMPOSSIBLE[1])
    start, result = {"case": -1, "size": 0}, {"case": 0, "size": len(blob)}
    said = b"".join(json.dumps(one).encode() + b"\n" for one in (start, result)) + blob
    (tmp_path / "forger.py").write_text(
        f"""
for descriptor in range(3, 30):
    try: os.write(descriptor, {said!r})
    except OSError: pass
os._exit(0)
"""
    )
    (tmp_path / "honest.py").write_text(RIGHT_1D)
    report = grade_code([tmp_path], exercise("conv1d"))
    assert {one.student: one.total == one.most for one in report.graded} == {
        "forger": False,
        "honest": True,
    }


REACHES = """
import ctypes, os, resource, socket, sys
library = ctypes.CDLL(None, use_errno=True)

def works(call):
    try: return call() >= 0
    except OSError: return False

def namespace():
    child = os.fork()
    if child == 0:
        made = library.unshare(0x10000000 | 0x20000)
        os._exit(10 + made)
    return -1 if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 10 else 0

def f(x):
    reached = [name for name, call in {
        "memory in a file without a place": lambda: os.memfd_create("x"),
        "shared memory of System V": lambda: library.shmget(0, 4096, 0o1600),
        "a queue of System V": lambda: library.msgget(0, 0o1600),
        "a semaphore of System V": lambda: library.semget(0, 1, 0o1600),
        "a namespace": namespace,
        "a mount": lambda: library.mount(b"x", b"/tmp", b"tmpfs", 0, None),
        "a socket": lambda: socket.socket().fileno(),
        "a socket in the file system": lambda: socket.socket(socket.AF_UNIX).fileno(),
        "another process": lambda: library.ptrace(16, os.getppid(), 0, 0),
    }.items() if works(call)]
    print(*reached, sep="; ")
    return len(reached)
"""


def test_calls_that_no_convolution_needs_are_refused(wall: Wall | None, tmp_path: Path) -> None:
    if wall is None or call_filter() is None:
        return
    found = outcome(tmp_path, REACHES).results[0]
    assert found.value is not None, found.problem
    assert found.value == 0, found.stdout


def test_no_rights_are_gained_by_programs_that_lend_them(wall: Wall | None, tmp_path: Path) -> None:
    """Such as sudo."""
    if wall is None or not LINUX:
        return
    code = """
def f(x):
    with open("/proc/self/status") as file:
        return int(dict(line.split(":", 1) for line in file)["NoNewPrivs"])
"""
    found = outcome(tmp_path, code).results[0]
    assert found.value == 1, found.problem


def test_memory_that_processes_share_is_counted(wall: Wall | None, tmp_path: Path) -> None:
    """Three hold 150 MB each, of which a process may have 300, and all together 300."""
    if wall is None or not LINUX:
        return
    code = """
import mmap, os, time
def f(x):
    for _ in range(3):
        if os.fork() == 0:
            held = mmap.mmap(-1, 150 << 20)
            for start in range(0, 150 << 20, 4096): held[start] = 1
            time.sleep(30)
    time.sleep(30)
"""
    found = outcome(tmp_path, code).results[0]
    assert found.problem is not None
    assert found.problem.code == "memory"


def test_memory_is_counted_where_the_first_thread_has_ended(
    wall: Wall | None, tmp_path: Path
) -> None:
    """Linux tells nothing of such a process by its own number."""
    if wall is None or call_filter() is None:
        return
    code = """
import ctypes, mmap, os, platform, threading, time
def hold():
    time.sleep(0.5)
    held = mmap.mmap(-1, 90 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for start in range(0, 90 << 20, 4096): held[start] = 1
    time.sleep(30)
def f(x):
    for _ in range(4):
        if os.fork() == 0:
            threading.Thread(target=hold).start()
            ctypes.CDLL(None).syscall(60 if platform.machine() == "x86_64" else 93, 0)
    time.sleep(30)
"""
    found = outcome(tmp_path, code).results[0]
    assert found.problem is not None
    assert found.problem.code == "memory"


@pytest.mark.parametrize(
    "how",
    ['open("x", "wb"); os.unlink("x")', 'open(f"in/{number}", "wb"); os.chmod("in", 0o300)'],
    ids=["without a name", "in a folder that cannot be read"],
)
def test_files_are_counted_however_they_hide(wall: Wall | None, tmp_path: Path, how: str) -> None:
    """A file may hold 1 MB here, the folder 4: it writes 8 at most."""
    if wall is None or not LINUX:
        return
    first, then = how.split("; ")
    code = f"""
import os, time
def f(x):
    os.mkdir("in")
    held = []
    for number in range(8):
        file = {first}
        {then}
        held.append(file)
        file.write(b"x" * 1_000_000)
        file.flush()
    time.sleep(30)
"""
    limits = Limits(seconds=4, case_seconds=2, memory=300 << 20, file=1 << 20)
    found = outcome(tmp_path, code, limits=limits).results[0]
    assert found.problem is not None
    assert found.problem.code == "disk", str(found.problem)


def test_nothing_stays_of_one_submission_for_the_next(wall: Wall | None, tmp_path: Path) -> None:
    if wall is None:
        return
    code = """
import glob, os, tempfile
def f(x):
    found = len(glob.glob(os.path.expanduser("~/left*")) + glob.glob(tempfile.gettempdir() + "/l*"))
    for folder in (os.path.expanduser("~"), tempfile.gettempdir()):
        open(os.path.join(folder, "left behind"), "w").close()
    return found
"""
    assert [outcome(tmp_path, code).results[0].value for _ in range(2)] == [0, 0]


def test_a_submission_that_stops_itself_is_ended(wall: Wall | None, tmp_path: Path) -> None:
    if wall is None:
        return
    code = "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGSTOP)\n"
    found = outcome(tmp_path, code, limits=Limits(seconds=20, case_seconds=1)).results[0]
    assert found.problem is not None
    # The first process of a namespace is one that only others can stop: then it returns None.
    assert found.problem.code in ("time", "nothing")


def test_what_reaches_other_programs_may_leave_some_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It could end the one that looks for what is left: so that is not promised."""

    def process(*given: Any) -> Ended:
        given[-1](json.dumps({"held": ["time", "files"]}).encode())
        return Ended("", 0, alone=True)

    monkeypatch.setattr("stepconv.classroom.sandbox.trial.run_process", process)
    assert _tried(Wall(), LIMITS) == ("time", "files")


@pytest.mark.parametrize(
    ("busy", "excess", "late", "starved"),
    [
        (4.9, "stopped", True, False),
        (2.5, "stopped", True, True),
        (2.5, "total_time", False, True),
        (4.9, "total_time", False, False),
        (0.1, None, False, False),
        (0.1, "memory", False, False),
    ],
)
def test_who_had_to_wait_for_a_processor_is_told_from_who_used_it(
    busy: float, excess: str | None, late: bool, starved: bool
) -> None:
    said = json.dumps({"excess": excess, "status": 0, "busy": busy}).encode()
    assert _ended(said, late, True, 5.0).starved == starved


def test_who_waits_until_time_is_up_is_seen_not_to_work(tmp_path: Path) -> None:
    if not LINUX:
        return
    code = "import time\ndef f(x): time.sleep(30)\n"
    limits = Limits(seconds=3, case_seconds=1.5)
    assert outcome(tmp_path, code, limits=limits).starved
    assert not outcome(tmp_path, "def f(x): return x\n").starved


def test_what_was_slow_because_others_ran_is_run_again_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "honest.py").write_text(RIGHT_1D)
    (tmp_path / "slow.py").write_text("def conv1d(input, weight): return [0]\n")
    (tmp_path / "starved.py").write_text(RIGHT_1D)
    order: list[str] = []

    def check_on_a_busy_machine(one: Any, path: Path, **options: Any) -> Any:
        report = check(one, path, **options)
        order.append(path.stem)
        if path.stem == "starved" and order.count("starved") == 1:
            nothing = tuple(replace(case, got=None) for case in report.cases)
            return replace(report, cases=nothing, starved=True)
        return report

    monkeypatch.setattr("stepconv.classroom.grading.code.check", check_on_a_busy_machine)
    report = grade_code([tmp_path], exercise("conv1d"), jobs=2)
    assert [one.total == one.most for one in report.graded] == [True, False, True]
    assert [one.student for one in report.graded] == ["honest", "slow", "starved"]
    assert len(order) == 4
    assert order[-1] == "starved"


def test_modules_of_a_submission_do_not_take_the_place_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("numpy", "json", "struct", "sitecustomize", "usercustomize", "resource"):
        (folder / f"{name}.py").write_text("raise SystemExit\n")
    (folder / "conv1d.py").write_text(RIGHT_1D)
    report = grade_code([tmp_path], exercise("conv1d"))
    assert report.graded[0].total == report.graded[0].most


def test_no_line_is_named_where_none_is_known(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_bytes(b"def f(x): return x\0")
    found = run_submission(file, "f", [{"x": 1}]).problem
    assert found is not None
    kinds = ("SyntaxError", "ValueError")  # the latter up to Python 3.11.3
    assert str(found).startswith(tuple(f"importing the file raised {kind}: " for kind in kinds))
    assert "line 0" not in str(found)


NAMES = ("=1+1", "@SUM(1)", "-x", "a\x1b[31mb", "a\nb", "a\u202eb", "a\u2028b", "学生", "a\udcffb")


def test_names_of_files_harm_no_report(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(RIGHT_1D)
    report = grade_code([tmp_path], exercise("conv1d"))
    assert [one.total for one in report.graded] == [one.most for one in report.graded]
    text = gradebook(report)
    text.encode()
    lines = text.lstrip("\ufeff").split("\r\n")
    assert len(lines) == len(NAMES) + 2
    assert not any(line[:1] in "=@-+" for line in lines[:-1])
    assert not any(char in text for char in "\x1b\u202e\u2028\udcff")


def machine_code(program: Sequence[tuple[int, int, int, int]], data: bytes) -> int:
    """Run a filter as the kernel does; return what it decides."""
    place, held = 0, 0
    while True:
        code, yes, no, operand = program[place]
        place += 1
        if code == 0x06:
            return operand
        if code == 0x20:
            (held,) = struct.unpack_from("<I", data, operand)
        elif code == 0x54:
            held &= operand
        else:
            met = held == operand if code == 0x15 else held >= operand
            place += yes if met else no


@pytest.mark.parametrize(
    ("machine", "number", "argument", "allowed"),
    [
        ("x86_64", 0, 0, True),  # read
        ("x86_64", 41, 2, False),  # socket
        ("x86_64", 41 + 0x40000000, 2, False),
        ("x86_64", 56, 0x11, True),  # clone: fork, a thread, a namespace
        ("x86_64", 56, 0x3D0F00, True),
        ("x86_64", 56, 0x10000011, False),
        ("x86_64", 435, 0, False),  # clone3
        ("x86_64", 157, 15, True),  # prctl: name a thread, hide what it holds
        ("x86_64", 157, 4, False),
        ("aarch64", 63, 0, True),
        ("aarch64", 41, 0, False),  # pivot_root
        ("aarch64", 198, 2, False),
        ("aarch64", 220, 0x11, True),
        ("aarch64", 220, 0x10000011, False),
    ],
)
def test_the_filter_refuses_what_it_should_alone(
    machine: str, number: int, argument: int, allowed: bool
) -> None:
    program = call_filter(machine)
    assert program is not None
    ours = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
    data = struct.pack("<IIQQ", number, ours[machine], 0, argument)
    assert (machine_code(program, data) == 0x7FFF0000) == allowed
    foreign = struct.pack("<IIQQ", number, 0x40000003, 0, argument)
    assert machine_code(program, foreign) == 0x80000000
