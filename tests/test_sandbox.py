"""The sandbox: what comes back of honest submissions, and of clumsy ones."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepconv.classroom.sandbox import (
    PROTECTIONS,
    Limits,
    Outcome,
    Protections,
    protection_text,
    protections,
    run,
    run_submission,
)
from stepconv.classroom.sandbox.process import run_process, sweep
from stepconv.classroom.sandbox.scratch import remove, scratch_folder
from stepconv.classroom.sandbox.transport import Received, read_value
from stepconv.classroom.sandbox.trial import chosen_wall
from stepconv.classroom.sandbox.walls import Wall, walls
from stepconv.errors import InputError
from stepconv.language import using_language

QUICK = Limits(seconds=30, case_seconds=10)
HASTY = Limits(seconds=8, case_seconds=1)
"""For those that do not end by themselves."""

ROW: Sequence[Mapping[str, Any]] = [{"x": np.arange(3)}]


def outcome(
    tmp_path: Path, code: str, cases: Sequence[Mapping[str, Any]] = ROW, limits: Limits = QUICK
) -> Outcome:
    """Run `code`, which defines f."""
    file = tmp_path / "work.py"
    file.write_text(code, encoding="utf-8")
    return run_submission(file, "f", cases, limits=limits)


def reasons(found: Outcome) -> list[str | None]:
    return [None if one.problem is None else one.problem.code for one in found.results]


def test_values_arrive_as_plain_arrays(tmp_path: Path) -> None:
    code = "def f(x, n=1, mode=''):\n    return [[1, 2], [3, 4.5]] if mode else x * n"
    cases = [{"x": np.arange(3.0), "n": 2}, {"x": np.arange(2), "mode": "rows"}]
    found = outcome(tmp_path, code, cases)
    assert [type(one.value) for one in found.results] == [np.ndarray, np.ndarray]
    np.testing.assert_array_equal(found.results[0].value, [0.0, 2.0, 4.0])
    np.testing.assert_array_equal(found.results[1].value, [[1, 2], [3, 4.5]])


def test_arguments_are_what_was_given(tmp_path: Path) -> None:
    code = """
def f(x, pair, text, number):
    assert type(pair) is list and type(text) is str and type(number) is int
    x[0] = 9
    return [x.sum(), *pair, number]
"""
    given = {"x": np.ones(2, np.int64), "pair": [1, 2], "text": "a", "number": np.int64(7)}
    found = outcome(tmp_path, code, [given, given])
    assert [one.value.tolist() for one in found.results if one.value is not None] == [
        [10, 1, 2, 7],
        [10, 1, 2, 7],  # what the first call did to its input is not seen by the second
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise ValueError('no')", "raised"),
        ("return None", "nothing"),
        ("return 'text'", "not_numbers"),
        ("return [[1], [2, 3]]", "not_numbers"),
        ("return np.array([1, None])", "not_numbers"),
        ("return np.zeros(10**6)", "too_large"),
        ("import sys; sys.exit(0)", "exit"),
        ("import os; os._exit(0)", "ended"),
        ("import ctypes; ctypes.string_at(0)", "crashed"),
        ("import scipy", "module"),
        ("import stepconv", "module"),
        ("return x +", "syntax"),
    ],
)
def test_a_failing_call_has_its_reason(tmp_path: Path, body: str, code: str) -> None:
    found = outcome(tmp_path, f"import numpy as np\ndef f(x):\n    {body}\n")
    assert reasons(found) == [code]
    assert str(found.results[0].problem)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def g(x): return x", "missing"),
        ("f = 3", "not_callable"),
        ("1 / 0\ndef f(x): return x", "import"),
        ("def f(x) return x", "syntax"),
        ("\0", "import_elsewhere"),
        ("import torch", "module"),
        ("import os; os._exit(0)", "ended"),
        ("while True: pass", "time"),
    ],
)
def test_a_file_that_cannot_be_imported_has_one_reason(
    tmp_path: Path, code: str, reason: str
) -> None:
    found = outcome(tmp_path, code, limits=HASTY if reason == "time" else QUICK)
    assert found.problem is not None
    assert found.problem.code == reason
    assert reasons(found) == [reason]


def test_the_line_of_an_error_is_told(tmp_path: Path) -> None:
    found = outcome(tmp_path, "def f(x):\n    y = 1\n    return x[10]\n")
    assert str(found.results[0].problem).endswith("in line 3")


ODD_LINES = ("-3", "0", "None", "'two'", "2.5", "10**30", "[1]", "object()")


@pytest.mark.parametrize("line", ODD_LINES)
def test_a_syntax_error_that_the_code_raises_is_its_own(tmp_path: Path, line: str) -> None:
    throw = f"error = SyntaxError('odd'); error.lineno = {line}; raise error"
    called = outcome(tmp_path, f"def f(x):\n    {throw}\n").results[0].problem
    assert str(called).startswith("raised SyntaxError: odd")
    assert str(called).endswith("in line 2")
    imported = outcome(tmp_path, f"x = 1\n{throw}\n").problem
    assert str(imported).startswith("importing the file raised SyntaxError: odd")
    assert str(imported).endswith("in line 2")


def test_a_file_is_not_blamed_for_code_that_it_has_read_in_a_call(tmp_path: Path) -> None:
    problem = outcome(tmp_path, "def f(x):\n    return eval('x +')\n").results[0].problem
    assert str(problem).startswith("raised SyntaxError: ")
    assert str(problem).endswith("in line 2")


def test_a_module_beside_the_file_that_python_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("\n\nx = (\n")
    (tmp_path / "f.py").write_text("import helper\ndef f(x): return x\n")
    problem = run_submission(tmp_path, "f", ROW, limits=QUICK).problem
    assert str(problem).startswith("importing the file raised SyntaxError: ")
    assert str(problem).endswith("(helper.py, line 3) in line 1")


def test_a_case_that_ends_the_process_costs_that_case_alone(tmp_path: Path) -> None:
    code = """
import os
def f(n):
    print("case", n)
    if n == 1: os._exit(7)
    if n == 3:
        while True: pass
    return n
"""
    found = outcome(tmp_path, code, [{"n": n} for n in range(5)], HASTY)
    assert reasons(found) == [None, "ended", None, "time", None]
    assert "status 7" in str(found.results[1].problem)
    assert found.results[4].stdout == "case 4\n"


def test_a_file_may_use_what_modules_use(tmp_path: Path) -> None:
    code = """
from __future__ import annotations
from dataclasses import dataclass
from typing import NamedTuple
@dataclass
class Window:
    start: int = 2
class Pair(NamedTuple):
    one: int
def f(x): return Window().start + Pair(1).one
if __name__ == "__main__": 1 / 0
"""
    assert outcome(tmp_path, code).results[0].value == 3


def test_too_many_ends_do_not_go_on_for_ever(tmp_path: Path) -> None:
    code = "import os\ndef f(n): os._exit(1)"
    found = outcome(tmp_path, code, [{"n": n} for n in range(20)])
    assert reasons(found)[0] == "ended"
    assert reasons(found)[-1] == "not_reached"


def test_time_for_all_cases_together_ends(tmp_path: Path) -> None:
    code = "import time\ndef f(n): time.sleep(0.7)\n"
    limits = Limits(seconds=2, case_seconds=1)
    begun = time.monotonic()
    found = outcome(tmp_path, code, [{"n": n} for n in range(10)], limits)
    assert time.monotonic() - begun < 8
    assert reasons(found)[-1] == "total_time"


def test_nothing_of_the_environment_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_SECRET", "key")
    code = """
import os
def f(x):
    home = os.environ["HOME"]
    assert os.getcwd() == home and os.listdir(home) == []
    open("note", "w").write("mine")
    return int("GRADER_SECRET" in os.environ)
"""
    found = outcome(tmp_path, code)
    assert reasons(found) == [None]
    assert found.results[0].value == 0


def test_modules_beside_the_file_in_a_folder_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "f.py").write_text("from helper import twice\ndef f(x): return twice(x)")
    (folder / "helper.py").write_text("def twice(x): return 2 * x")
    found = run_submission(folder, "f", ROW, QUICK)
    np.testing.assert_array_equal(found.results[0].value, [0, 2, 4])


def test_the_file_in_a_folder_may_have_a_name_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "my_f.py").write_text("from other import f")
    (folder / "other.py").write_text("def f(x): return x")
    found = run_submission(folder, "f", ROW, QUICK, main="my_f.py")
    np.testing.assert_array_equal(found.results[0].value, [0, 1, 2])
    with pytest.raises(InputError, match=r"call the one to check f\.py"):
        run_submission(folder, "f", ROW, QUICK)


@pytest.mark.parametrize("name", ["a b.py", "a\nb.py", "作业 一.py", "-x.py", "a'b\".py"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("def f(x): return x")
    np.testing.assert_array_equal(run_submission(file, "f", ROW, QUICK).results[0].value, [0, 1, 2])


def test_files_that_are_no_submission_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "key.py"
    secret.write_text("def f(x): return x")
    link = tmp_path / "link.py"
    link.symlink_to(secret)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "f.py").symlink_to(secret)
    (tmp_path / "large.py").write_bytes(b"#" * 3_000_000)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "empty").mkdir()
    for path, words in [
        (link, "symbolic link"),
        (folder, "symbolic link"),
        (tmp_path / "large.py", "too large"),
        (tmp_path / "pipe.py", "no ordinary file"),
        (tmp_path / "none.py", "cannot be read"),
        (tmp_path / "empty", "holds 0 Python files"),
    ]:
        with pytest.raises(InputError, match=words):
            run_submission(path, "f", ROW, QUICK)


def test_what_is_missing_is_said_and_can_be_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "chosen_wall", lambda limits: (Wall(), Protections(("time",))))
    found = outcome(tmp_path, "def f(x): return x")
    assert found.protections.missing == PROTECTIONS[1:]
    assert protection_text("network") in str(found.protections)
    with using_language("zh"):
        assert str(found.protections)
    with pytest.raises(InputError, match="require-isolation"):
        run_submission(tmp_path / "work.py", "f", ROW, QUICK, require_isolation=True)


def test_protections_are_those_that_were_tried() -> None:
    held = protections(QUICK).held
    assert {"time", "leftovers"} <= set(held) <= set(PROTECTIONS)


@pytest.mark.parametrize(
    "wall", walls(), ids=lambda wall: f"{wall.means or 'none'}-{wall.drops}-{wall.reads}"
)
def test_every_wall_either_runs_python_or_is_passed_over(wall: Wall, tmp_path: Path) -> None:
    """A wall that does not work here fails at its start: no case is lost without a word."""
    received = Received("f", 1, 1000)
    with scratch_folder() as scratch:
        scratch.code.joinpath("work.py").write_text("def f(x): return x")
        np.savez(scratch.arrays)
        task = {
            "submission": str(scratch.code / "work.py"),
            "function": "f",
            "arrays": str(scratch.arrays),
            "cases": [{"x": 5}],
            "first": 0,
            "value": 1000,
        }
        ended = run_process(scratch, wall, task, QUICK, 5, received.take)
    assert (0 in received.results) == (ended.status == 0)
    if wall == chosen_wall(QUICK)[0]:
        assert received.results[0].value == 5


def test_a_scratch_folder_goes_whatever_is_in_it(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("stays")
    folder = tmp_path / "scratch"
    folder.mkdir()
    (folder / "link").symlink_to(kept)
    closed = folder / "closed"
    closed.mkdir()
    (closed / "file").write_text("goes")
    closed.chmod(0)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1100):  # deeper than Python's recursion
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    remove(folder)
    assert not folder.exists()
    assert (kept / "file").read_text() == "stays"


@pytest.mark.parametrize("by", ["environment", "place"])
def test_processes_whose_watcher_was_ended_are_found_by_what_they_hold(by: str) -> None:
    with scratch_folder() as scratch:
        home = str(scratch.home)
        environment = {"HOME": home} if by == "environment" else {}
        place = home if by == "place" else "/"
        with subprocess.Popen(
            ["/bin/sleep", "60"], env=environment, cwd=place, start_new_session=True
        ) as left:
            while not Path(f"/proc/{left.pid}/cmdline").read_bytes().startswith(b"/bin/sleep"):
                time.sleep(0.01)
            sweep(scratch)
            assert left.wait(5) == -signal.SIGKILL


# -- what a process sends ----------------------------------------------------------------


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def archive(content: bytes, method: int = zipfile.ZIP_STORED, name: str = "value.npy") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr(name, content)
    return buffer.getvalue()


def header(text: str) -> bytes:
    body = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"PK",
        npz(other=np.arange(3)),
        npz(value=np.array([None], dtype=object)),
        npz(value=np.array(["text"])),
        npz(value=np.zeros(2, dtype="M8[s]")),
        npz(value=np.zeros(2, dtype=[("a", "i4")])),
        npz(value=np.zeros(1000)),
        archive(b"\0" * 10_000_000, zipfile.ZIP_DEFLATED),
        archive(header("{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000,)}")),
        archive(header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}") + b"\0" * 8),
        archive(header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"\0" * 8),
        archive(header("{'descr': '<f8', 'fortran_order': False, 'shape': (2**70,)}")),
        archive(header("__import__('os').abort()")),
        archive(header("(" * 110)),
        archive(b"\x93NUMPY\x09\x00"),
        npz(value=np.arange(3))[:-30],
    ],
)
def test_forged_results_are_no_values(blob: bytes) -> None:
    assert read_value(blob, 1000) is None


def test_random_bytes_never_break_the_reading() -> None:
    good = npz(value=np.arange(9))
    random = np.random.default_rng(1)
    for _ in range(300):
        blob = bytearray(good)
        for place in random.integers(0, len(blob), 3):
            blob[place] = random.integers(0, 256)
        value = read_value(bytes(blob), 1000)
        assert value is None or type(value) is np.ndarray


@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b"[" * 70_000,
        b'{"case": 0}\n',
        b'{"case": true, "size": 0}\n',
        b'{"case": -1, "size": -5}\n',
        b'{"case": -1, "size": 99999999999}\n',
        b'{"case": 0, "size": 0, "problem": null}\n',  # a result before the import
        b'{"case": -1, "size": 0}\n{"case": 5, "size": 0}\n',
        b'{"case": -1, "size": 0}\n{"case": -1, "size": 0}\n',
    ],
)
def test_what_is_no_message_is_not_understood(data: bytes) -> None:
    received = Received("f", 1, 1000)
    received.take(data)
    assert received.broken
    assert not received.results
    assert received.take(data) is False


@pytest.mark.parametrize(
    "problem",
    [
        '{"code": "time"}',
        '{"code": "raised", "error": 1, "line": 1}',
        '{"code": "raised", "error": "E", "line": -1}',
        '{"code": "raised", "error": "E", "line": 1%s}' % ("0" * 400),
        '{"code": "raised", "error": "E", "line": true}',
        '{"code": ["raised"]}',
        '"raised"',
        "7",
    ],
)
def test_a_problem_that_is_made_up_is_no_problem_of_ours(problem: str) -> None:
    received = Received("f", 1, 1000)
    received.take(b'{"case": -1, "size": 0}\n')
    received.take(b'{"case": 0, "size": 0, "problem": %s}\n' % problem.encode())
    found = received.results[0].problem
    assert found is not None
    assert found.code == "garbled"


def test_words_of_a_submission_can_be_printed_anywhere() -> None:
    received = Received("f", 1, 1000)
    received.take(b'{"case": -1, "size": 0}\n')
    error = b'{"code": "raised", "error": "\\ud800\\u001b[2J", "line": 1}'
    received.take(b'{"case": 0, "size": 0, "stdout": "\\ud800", "problem": %s}\n' % error)
    result = received.results[0]
    assert str(result.problem).isprintable()
    assert (str(result.problem) + result.stdout).encode()


def test_a_folder_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Path.iterdir

    def refused(folder: Path) -> Any:
        if folder == tmp_path:
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(InputError, match=r"cannot be read: Permission denied"):
        run_submission(tmp_path, "f", [])
