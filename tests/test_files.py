from __future__ import annotations

import os
from pathlib import Path

import pytest

from stepconv.errors import InputError
from stepconv.files import shown, write_atomically


def test_new_file_and_replaced_file(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    write_atomically(target, b"one")
    write_atomically(str(target), b"two")
    assert target.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_mode_follows_the_umask_and_an_old_file_keeps_its_own(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", b"")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
        (tmp_path / "new").chmod(0o604)
        write_atomically(tmp_path / "new", b"again")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(before)


def test_symbolic_link_stays_one(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_atomically(link, b"data")
    assert link.is_symlink()
    assert target.read_bytes() == b"data"


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
@pytest.mark.parametrize("step", ["os.fsync", "os.replace"])
def test_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, step: str
) -> None:
    target = tmp_path / "record.json"
    target.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(step, fail)
    expected = InputError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(expected) as caught:
        write_atomically(target, b"new")
    if isinstance(failure, OSError):
        assert "No space left on device" in str(caught.value)
        assert "record.json" in str(caught.value)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["record.json"]


def test_refused_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is a folder; name a file"):
        write_atomically(tmp_path, b"")
    with pytest.raises(InputError, match=r"there is no folder .*nowhere; make it"):
        write_atomically(tmp_path / "nowhere" / "x", b"")
    (tmp_path / "plain").write_bytes(b"kept")
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        write_atomically(tmp_path / "plain" / "x", b"")
    with pytest.raises(InputError, match="no name that a file can have"):
        write_atomically(f"{tmp_path}/nul\0", b"")
    with pytest.raises(InputError, match="File name too long"):
        write_atomically(tmp_path / ("x" * 300), b"")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="plain is read-only"):
        write_atomically(tmp_path / "plain", b"")
    assert (tmp_path / "plain").read_bytes() == b"kept"
    assert os.listdir(tmp_path) == ["plain"]


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="a device or a pipe"):
        write_atomically(pipe, b"")
    assert pipe.is_fifo()


def test_shown_is_short_and_printable() -> None:
    assert shown("数字.csv") == "数字.csv"
    assert shown("\x1b[2J\n") == r"\x1b[2J\n"
    assert shown("\udc80") == r"\udc80"
    assert shown("x" * 100) == "x" * 59 + "…"
