"""The user's folder: where it is, and progress that two runs, a crash or damage never lose."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from stepconv import home
from stepconv.errors import InputError
from stepconv.home import data_folder, read_state, set_aside, update_state
from tests.commands import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder that is not there yet."""
    with mock.patch.dict(os.environ, STEPCONV_DATA_DIR=str(tmp_path / "data")):
        yield tmp_path / "data"


# -- where it is


def folder_with(platform: str = "linux", **environment: str) -> Path:
    with mock.patch.dict(os.environ, environment, clear=True), mock.patch("sys.platform", platform):
        return data_folder()


def test_the_folder_is_chosen_by_the_environment(tmp_path: Path) -> None:
    own, shared, at_home = (str(tmp_path / name) for name in ("own", "shared", "home"))
    assert folder_with(STEPCONV_DATA_DIR=own, XDG_DATA_HOME=shared) == tmp_path / "own"
    assert folder_with(XDG_DATA_HOME=shared, HOME=at_home) == tmp_path / "shared/stepconv"
    usual = tmp_path / "home/.local/share/stepconv"
    assert folder_with(XDG_DATA_HOME="relative", HOME=at_home) == usual
    assert folder_with(HOME=at_home) == usual
    mac = tmp_path / "home/Library/Application Support/stepconv"
    assert folder_with("darwin", HOME=at_home) == mac
    windows = folder_with("win32", HOME=at_home, LOCALAPPDATA=str(tmp_path / "local"))
    assert windows == tmp_path / "local/stepconv"


def test_no_home_at_all_is_said() -> None:
    with (
        mock.patch("pathlib.Path.home", side_effect=RuntimeError),
        pytest.raises(InputError, match="STEPCONV_DATA_DIR"),
    ):
        folder_with()


# -- reading and writing


def test_what_was_changed_is_read_again(folder: Path) -> None:
    assert read_state("lessons") == {}
    assert not folder.exists()
    assert update_state("lessons", lambda state: state.update(page=1)) == {"page": 1}
    update_state("lessons", lambda state: state.update(title="卷积"))
    assert read_state("lessons") == {"page": 1, "title": "卷积"}
    assert read_state("practice") == {}


def test_a_change_that_fails_changes_nothing(folder: Path) -> None:
    update_state("lessons", lambda state: state.update(page=1))

    def fail(state: home.State) -> None:
        state["page"] = 2
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        update_state("lessons", fail)
    assert read_state("lessons") == {"page": 1}
    update_state("lessons", lambda state: state.update(page=3))
    assert read_state("lessons") == {"page": 3}


@pytest.mark.parametrize("content", [b"", b'{"page": 1', b"[1, 2]", b"\xff\xfe", b"[" * 100_000])
def test_damage_is_set_aside_and_not_lost(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "lessons.json").write_bytes(content)
    assert read_state("lessons") == {}
    assert (folder / "lessons.json").read_bytes() == content
    update_state("lessons", lambda state: state.update(page=1))
    assert (folder / "lessons.json.damaged-1").read_bytes() == content
    (folder / "lessons.json").write_bytes(b"again")
    assert set_aside("lessons") == folder / "lessons.json.damaged-2"
    assert (folder / "lessons.json.damaged-2").read_bytes() == b"again"
    assert (set_aside("lessons"), read_state("lessons")) == (None, {})


def test_a_folder_that_cannot_be_written_is_said(folder: Path) -> None:
    folder.parent.joinpath("data").write_text("a file where the folder should be")
    assert read_state("lessons") == {}
    with pytest.raises(InputError, match=r"lessons\.json cannot be written: .*STEPCONV_DATA_DIR"):
        update_state("lessons", lambda state: None)


def test_a_state_that_cannot_be_read_is_left_alone(folder: Path) -> None:
    (folder / "lessons.json").mkdir(parents=True)
    for attempt in (read_state, set_aside, lambda name: update_state(name, lambda state: None)):
        with pytest.raises(InputError, match=r"lessons\.json cannot be read: "):
            attempt("lessons")
    assert (folder / "lessons.json").is_dir()


# -- several runs, and their end


def run_python(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment)


def test_processes_that_write_at_once_lose_nothing(folder: Path) -> None:
    code = (
        "import sys\n"
        "from stepconv.home import update_state\n"
        "def count(name):\n"
        "    update_state('lessons', lambda state: state.update({name: state.get(name, 0) + 1}))\n"
        "for _ in range(25):\n"
        "    count(sys.argv[1])\n"
        "    count('all')\n"
    )
    names = ["one", "two", "three"]
    assert [process.wait(60) for process in [run_python(code, name) for name in names]] == [0] * 3
    assert read_state("lessons") == {"all": 75, "one": 25, "two": 25, "three": 25}


@pytest.mark.parametrize("at", ["os.fsync", "os.replace"])
def test_a_process_killed_while_it_writes_leaves_the_state_before(folder: Path, at: str) -> None:
    update_state("lessons", lambda state: state.update(page=1))
    code = (
        "import os, signal\n"
        f"{at} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from stepconv.home import update_state\n"
        "update_state('lessons', lambda state: state.update(page=2))\n"
    )
    assert run_python(code).wait(60) == -signal.SIGKILL
    assert read_state("lessons") == {"page": 1}
    update_state("lessons", lambda state: state.update(page=3))
    assert json.loads((folder / "lessons.json").read_text()) == {"page": 3}


def test_a_lock_that_is_never_given_back_is_said(folder: Path) -> None:
    with (
        home._locked(folder / "lessons.json"),
        mock.patch("stepconv.home.PATIENCE", 0.05),
        pytest.raises(InputError, match="in use by another stepconv"),
    ):
        update_state("lessons", lambda state: None)


def test_a_drive_without_locks_still_keeps_progress(folder: Path) -> None:
    refusal = OSError(37, "No locks available")
    with mock.patch("fcntl.flock", side_effect=refusal):
        update_state("lessons", lambda state: state.update(page=1))
    assert read_state("lessons") == {"page": 1}
