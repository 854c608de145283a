"""Hostile submissions: they gain nothing, harm nothing, and keep nobody else from their marks."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from stepconv.classroom.exercises import Report, check, exercise
from stepconv.classroom.sandbox import Limits, protections
from tests.hostile import HOSTILE, RIGHT, Hostile

LIMITS = Limits(seconds=4, case_seconds=1, memory=400 << 20)
PATIENT = Limits(seconds=30, case_seconds=10, memory=400 << 20)
"""For those that end by themselves, on a machine that may be busy."""

SECRET = "GRADER_SECRET"


@dataclass
class Surroundings:
    """What lies about the grader, and must not be touched."""

    folder: Path
    key: Path
    port: int
    scratch: Path

    def write(self, one: Hostile) -> Path:
        """Write a submission that knows where everything is."""
        file = self.folder / "submissions" / f"{one.name}.py"
        code = one.code.format(key=str(self.key), folder=str(self.folder), port=self.port)
        file.write_text(code, encoding="utf-8")
        return file

    def snapshot(self) -> dict[str, tuple[int, bytes]]:
        """Return every file with its time and content, but for the submissions."""
        return {
            str(path): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.parent.name != "submissions"
        }


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    """Lay out a class: a key, another student's file, a server, a secret in the environment."""
    monkeypatch.setenv(SECRET, SECRET)
    folder = tmp_path / "class"
    (folder / "submissions").mkdir(parents=True)
    key = folder / "key.txt"
    key.write_text("421 842 1684")
    (folder / "another.py").write_text(RIGHT)
    for path in (tmp_path, folder, key, folder / "another.py"):
        path.chmod(0o777)  # rights alone shall not be what keeps it safe
    with (
        tempfile.TemporaryDirectory() as scratch,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        Path(scratch).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", scratch)
        yield Surroundings(folder, key, server.getsockname()[1], Path(scratch))


def _left(scratch: Path) -> list[str]:
    """Return the processes and folders that submissions left behind."""
    found = [str(path) for path in scratch.iterdir()]
    for name in os.listdir("/proc"):
        if name.isdecimal() and int(name) != os.getpid():
            try:
                command = Path("/proc", name, "cmdline").read_bytes()
                environment = Path("/proc", name, "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(scratch) in command + environment:
                found.append(command.decode(errors="replace"))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("one", HOSTILE, ids=lambda one: one.name)
def test_a_hostile_submission_gains_nothing(one: Hostile, surroundings: Surroundings) -> None:
    before = surroundings.snapshot()
    file = surroundings.write(one)
    if one.needs in protections(LIMITS).missing:
        return
    limits = LIMITS if "time" in one.reasons else PATIENT
    begun = time.monotonic()
    report = check(exercise("conv1d"), file, limits=limits)
    assert time.monotonic() - begun < limits.seconds + 5
    assert report.passed == one.passes
    assert one.passes or report.score == 0, [case.got for case in report.cases]
    codes = {"" if case.reason is None else case.reason.code for case in report.cases}
    # On a busy machine any of them may run out of time first.
    assert codes <= {*one.reasons, "time", "total_time", "not_reached"}, codes
    for case in report.cases:
        str(case.reason)
        _ = case.remarks
    assert surroundings.snapshot() == before
    assert _left(surroundings.scratch) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["writes where it should not", "looks for the key among processes"]
)
def test_what_reaches_out_reaches_nothing(name: str, surroundings: Surroundings) -> None:
    """What these return counts what they reached: see their code."""
    one = next(one for one in HOSTILE if one.name == name)
    if one.needs in protections(LIMITS).missing:
        return
    report = check(exercise("conv1d"), surroundings.write(one), limits=PATIENT)
    assert [None if case.got is None else case.got.tolist() for case in report.cases] == [
        [-0.5]
    ] * len(report.cases)


@pytest.mark.slow
def test_eighty_of_a_hundred_get_their_marks_beside_twenty_hostile(
    surroundings: Surroundings, tmp_path: Path
) -> None:
    """80 honest submissions, right or wrong by turns, among 20 hostile ones, two at a time."""
    honest = {}
    for number in range(80):
        file = surroundings.folder / "submissions" / f"学生 {number}.py"
        good = number % 3 > 0
        flip = "" if good else "[::-1]"
        file.write_text(
            RIGHT + f"def conv1d(input, weight): return right(input, weight{flip})", "utf-8"
        )
        honest[file] = good
    chosen = [one for one in HOSTILE if not one.passes and not one.needs][:20]
    hostile = [surroundings.write(one) for one in chosen]
    before = surroundings.snapshot()
    files = sorted([*honest, *hostile], key=lambda file: hash(file.name) % 97)
    limits = Limits(seconds=6, case_seconds=3, memory=400 << 20)
    with ThreadPoolExecutor(2) as pool:

        def graded(file: Path) -> Report:
            return check(exercise("conv1d"), file, limits=limits)

        reports = dict(zip(files, pool.map(graded, files), strict=True))
    for file, good in honest.items():
        assert reports[file].passed == good, [str(one.reason) for one in reports[file].failed]
        if not good:
            assert [case.diagnosis and case.diagnosis.codes for case in reports[file].failed][
                :2
            ] == [("flip",), ("flip",)]
    assert not any(reports[file].passed for file in hostile)
    assert surroundings.snapshot() == before
    assert _left(surroundings.scratch) == []
