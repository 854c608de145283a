"""``stepconv exercise``, as a student uses it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stepconv.classroom.exercises import exercise, exercises
from tests.commands import ROOT, clean_environment, done, program, run

WRONG = Path(__file__).parent / "data" / "submissions"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of one's own, without any progress."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCONV_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def solution(name: str) -> str:
    return exercise(name).solution


def test_start_brings_the_starter_and_what_to_do(here: Path) -> None:
    out = done("exercise", "start", "conv1d")
    assert "conv1d.py" in out
    assert (here / "conv1d.py").read_text() == exercise("conv1d").starter
    assert "## Examples" in (here / "conv1d.md").read_text(encoding="utf-8")


def test_start_takes_a_folder_and_the_language(here: Path) -> None:
    done("exercise", "start", "3", "作业 一", "--lang", "zh")
    text = (here / "作业 一" / "conv1d_padding.md").read_text(encoding="utf-8")
    assert "四周补零" in text


def test_start_never_overwrites(here: Path) -> None:
    (here / "conv1d.py").write_text("mine")
    (here / "conv1d.md").write_text("my notes")
    result = run("exercise", "start", "conv1d")
    assert result.status == 2
    assert "stepconv exercise reset conv1d" in result.err.replace("\n", " ")
    assert (here / "conv1d.py").read_text() == "mine"
    (here / "conv1d.py").unlink()
    done("exercise", "start", "conv1d")
    assert (here / "conv1d.md").read_text() == "my notes"


def test_a_starter_left_as_it_is_fails_politely() -> None:
    done("exercise", "start", "conv1d")
    result = run("exercise", "check", "conv1d")
    assert (result.status, result.err) == (1, "")
    assert "0 of 8 cases are right" in result.out
    assert "stepconv exercise hint conv1d" in result.out


def test_every_failing_case_is_told_with_its_mistake_and_its_replay(here: Path) -> None:
    (here / "conv1d_stride.py").write_bytes(
        (WRONG / "conv1d-stride" / "stride_ignored.py").read_bytes()
    )
    result = run("exercise", "check", "conv1d_stride.py")
    assert result.status == 1
    failed = result.out.count("\ncase ")
    assert failed == result.out.count("stepconv trace") == result.out.count("\n  expected ") >= 6
    assert "case 1 of 8" in result.out
    data = json.loads(run("exercise", "check", "conv1d_stride.py", "--json").out)
    cases = [case for case in data["cases"] if not case["passed"]]
    assert len(cases) == failed
    assert all(case["mistakes"][0] == ["stride_ignored"] for case in cases)
    for case in cases:
        assert case["remarks"][0].split(":")[0] in result.out
        assert case["given"]["stride"] > 1
        assert case["replay"].startswith("stepconv trace")


def test_success_is_remembered_and_leads_on(here: Path) -> None:
    (here / "conv1d.py").write_text(solution("conv1d"))
    out = done("exercise", "check", "conv1d")
    assert "8 of 8 cases are right" in out
    assert "next: stepconv exercise start conv1d-stride" in out
    rows = json.loads(done("exercise", "list", "--json"))
    assert [row["id"] for row in rows if row["passed"]] == ["conv1d"]
    assert "passed" in done("exercise")


def test_check_alone_takes_what_was_begun(here: Path) -> None:
    done("exercise", "start", "im2col", "work")
    data = json.loads(run("exercise", "check", "--json").out)
    assert data["exercise"] == "im2col"
    (here / "work" / "im2col.py").write_text(solution("im2col"))
    assert json.loads(done("exercise", "check", "--json"))["passed"] is True


def test_a_file_of_another_name_is_checked_as_told(here: Path) -> None:
    (here / "mine.py").write_text(solution("conv2d"))
    assert json.loads(done("exercise", "check", "conv2d", "mine.py", "--json"))["passed"] is True


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["check", "mine.py"], "stepconv exercise check NAME mine.py"),
        (["check", "my work/sol.py"], "stepconv exercise check NAME 'my work/sol.py'"),
        (["check", "conv1d_strid.py"], "stepconv exercise check conv1d-stride conv1d_strid.py"),
        (["check", "notes.txt"], "stepconv exercise check NAME notes.txt"),
        (["reset", "mine.py"], "stepconv exercise reset NAME mine.py"),
        (["hint", "mine.py"], "stepconv exercise hint NAME"),
        (["solution", "mine.py"], "stepconv exercise solution NAME"),
    ],
)
def test_a_file_in_the_place_of_a_name_is_answered_with_the_whole_call(
    here: Path, arguments: list[str], command: str
) -> None:
    (here / "notes.txt").write_text("")
    result = run("exercise", *arguments)
    assert (result.status, result.out) == (2, "")
    error = " ".join(result.err.split())
    assert f"{arguments[1]} is called after no exercise" in error
    assert f"`{command}`" in error
    assert "`stepconv exercise list`" in error


def test_another_seed_gives_other_cases(here: Path) -> None:
    (here / "conv1d.py").write_text(solution("conv1d"))
    first, second = (
        json.loads(done("exercise", "check", "conv1d", "--seed", seed, "--json"))["cases"]
        for seed in ("1", "2")
    )
    assert first[:5] == second[:5]
    assert first[5:] != second[5:]


def test_hints_come_one_more_at_a_time() -> None:
    counts = [done("exercise", "hint", "conv1d").count("hint ") for _ in range(4)]
    assert counts == [1, 2, 3, 3]
    assert len(json.loads(done("exercise", "hint", "conv1d", "--json"))["hints"]) == 3


def test_the_solution_waits_for_success_or_for_giving_up(here: Path) -> None:
    result = run("exercise", "solution", "conv1d")
    assert result.status == 2
    assert "--give-up" in result.err
    assert done("exercise", "solution", "conv1d", "--give-up") == solution("conv1d")
    (here / "im2col.py").write_text(solution("im2col"))
    done("exercise", "check", "im2col")
    assert json.loads(done("exercise", "solution", "im2col", "--json"))["solution"]


def test_reset_keeps_what_was_there(here: Path) -> None:
    done("exercise", "start", "conv1d")
    for text in ("first", "second"):
        (here / "conv1d.py").write_text(text)
        done("exercise", "reset", "conv1d")
    assert (here / "conv1d.py").read_text() == exercise("conv1d").starter
    assert (here / "conv1d.py.1").read_text() == "first"
    assert (here / "conv1d.py.2").read_text() == "second"


def test_what_once_passed_stays_earned_after_a_reset(here: Path) -> None:
    done("exercise", "start", "conv1d")
    (here / "conv1d.py").write_text(solution("conv1d"))
    for _again in range(2):
        done("exercise", "check", "conv1d")
        done("exercise", "reset", "conv1d")
        done("exercise", "reset", "conv1d")
        assert run("exercise", "check", "--json").status == 1  # it is the one to go on with
        assert "begun again" in done("exercise")
        assert "重新开始" in done("exercise", "--lang", "zh")
        assert done("exercise", "solution", "conv1d") == solution("conv1d")
        (here / "conv1d.py").write_bytes((here / "conv1d.py.1").read_bytes())
    done("exercise", "check", "conv1d")
    assert "begun again" not in done("exercise")


def test_a_reset_of_what_never_passed_earns_nothing() -> None:
    done("exercise", "start", "conv1d")
    done("exercise", "solution", "conv1d", "--give-up")
    done("exercise", "reset", "conv1d")
    assert run("exercise", "solution", "conv1d").status == 2
    (row, *_others) = json.loads(done("exercise", "--json"))
    assert (row["passed"], row["passed_before"], row["solved"]) == (False, False, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chekc"], "did you mean check?"),
        (["dance"], "there are start, check"),
        (["start", "conv1d-strid"], "did you mean conv1d-stride?"),
        (["check", "conv1d"], "stepconv exercise start conv1d"),
        (["check", "conv1d", "none.py"], "none.py cannot be read"),
        (["reset", "conv1d"], "conv1d.py is not here"),
        (["check", "conv1d", "--seed", "x"], "--seed"),
        (["start", "conv1d", "file/below"], "cannot be made"),
    ],
)
def test_slips_are_answered_with_what_to_do(here: Path, arguments: list[str], words: str) -> None:
    (here / "file").write_text("in the way")
    result = run("exercise", *arguments)
    assert (result.status, result.out) == (2, "")
    assert words in " ".join(result.err.split())
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def conv1d(input, weight)\n", "line 1"),
        ("import torch\n", "imports torch, which is not there"),
        ("x = 1\n", "defines no function conv1d"),
        ("def conv1d(input): return input\n", "raised TypeError"),
        ("def conv1d(input, weight):\n    return weight[9]\n", "in line 2"),
        ("def conv1d(input, weight):\n    print('look', len(input))\n", "look 5"),
        ("def conv1d(input, weight): return None\n", "is there a return"),
        ("", "defines no function"),
    ],
)
def test_files_that_do_not_run_are_told_why(here: Path, code: str, words: str) -> None:
    (here / "conv1d.py").write_text(code)
    result = run("exercise", "check", "conv1d")
    assert (result.status, result.err) == (1, "")
    assert words in " ".join(result.out.split())


@pytest.mark.parametrize("arguments", [["--lang", "zh"], ["--ascii"], ["--width", "60"]])
def test_pages_fit_every_screen(here: Path, arguments: list[str]) -> None:
    for name in ("conv1d-channels", "im2col", "receptive-field"):
        wrong = sorted((WRONG / name).glob("*.py"))[0]
        result = run("exercise", "check", name, str(wrong), *arguments)
        assert result.status == 1
        for line in result.out.splitlines():
            copied = line.strip().startswith(("stepconv ", "'", "--"))
            assert copied or len(line) <= 80
        if "--ascii" in arguments:
            assert result.out.isascii()
    assert len(done("exercise", *arguments).splitlines()) >= len(exercises())


@pytest.mark.slow
def test_watch_checks_again_when_the_file_is_saved_and_ends_with_ctrl_c(here: Path) -> None:
    file = here / "conv1d.py"
    file.write_text(exercise("conv1d").starter)
    environment = clean_environment(
        {"PYTHONPATH": str(ROOT), "STEPCONV_DATA_DIR": str(here / "data")}
    )
    with subprocess.Popen(
        program("exercise", "check", "conv1d", "--watch"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as watching:
        assert watching.stdout is not None
        os.set_blocking(watching.stdout.fileno(), False)
        seen = _until(watching, "0 of 8 cases are right")
        file.write_text(solution("conv1d"))
        seen += _until(watching, "8 of 8 cases are right")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 0
    assert seen.count("cases are right") == 2


def _until(watching: subprocess.Popen[bytes], words: str) -> str:
    """Read until `words` have come."""
    assert watching.stdout is not None
    seen = ""
    end = time.monotonic() + 60
    while words not in seen:
        assert time.monotonic() < end, seen
        seen += (watching.stdout.read() or b"").decode()
        time.sleep(0.05)
    return seen


def test_the_list_comes_without_the_compiler() -> None:
    code = (
        "import sys; from stepconv.cli import main; main(['exercise'])\n"
        "sys.exit('numba' in sys.modules)"
    )
    environment = clean_environment({"PYTHONPATH": str(ROOT)})
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
