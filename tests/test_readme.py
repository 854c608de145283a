"""What the README files show is what the program does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepconv
from stepconv.functional import register_overloads
from tools import readme


@pytest.mark.parametrize("path", readme.READMES, ids=lambda path: path.name)
def test_every_screen_is_what_the_command_prints(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(readme.SCREEN.findall(text)) >= 6
    assert readme.refreshed(text) == text, "python tools/readme.py update"


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.compiled
@pytest.mark.slow
def test_the_compiled_example_counts_as_numpy_does() -> None:
    register_overloads()  # Numba's entry point does it where stepconv is installed
    names: dict[str, Any] = {"conv2d": stepconv.conv2d}
    exec(compile(python_blocks(readme.READMES[0])[1], "README.md", "exec"), names)
    images = np.random.default_rng(0).integers(0, 50, (3, 1, 8, 8)).astype(float)
    kernel = np.ones((1, 1, 3, 3))
    expected = int((stepconv.conv2d(images, kernel, padding=1) > 100).sum())
    assert 0 < names["edges"](images, kernel) == expected


@pytest.mark.parametrize("path", readme.READMES, ids=lambda path: path.name)
def test_the_library_example_prints_what_its_comments_say(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _in_numba = python_blocks(path)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, path.name, "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"^print\(.*\)\s+#\s*(.*)$", code, re.MULTILINE)
    assert [line.endswith(said) for line, said in zip(promised, printed, strict=True)] == [True] * 3
    assert (tmp_path / "record.json").is_file()


def test_the_table_of_grades_is_one_that_was_made() -> None:
    english = readme.READMES[0].read_text("utf-8")
    (table,) = re.findall(r"^```text\n(.*?)^```", english, re.DOTALL | re.MULTILINE)
    made = readme.ROOT / "tests" / "snapshots" / "grade-class.txt"
    assert made.read_text("utf-8").startswith(table)


def test_both_readmes_show_the_same_commands() -> None:
    command = re.compile(
        r"^(?:\$ )?((?:echo .* )?stepconv (?!COMMAND|runs)\w+ .*|pip install .*)$", re.MULTILINE
    )
    english, chinese = (
        command.findall(path.read_text("utf-8").replace(" --lang zh", ""))
        for path in readme.READMES
    )
    assert chinese == english


def test_every_picture_is_what_the_command_draws() -> None:
    assert readme.drawn() == {
        name: (readme.ROOT / name).read_text("utf-8") for name in readme.PICTURES
    }, "python tools/readme.py pictures"


def test_every_linked_file_is_there() -> None:
    lessons = readme.ROOT / "lessons"
    for path in (*readme.READMES, *lessons.glob("README*"), *lessons.glob("exercises/README*")):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
            if not target.startswith("https://"):
                assert (path.parent / target).is_file(), f"{path}: {target}"


def test_each_readme_leads_to_those_of_its_own_language() -> None:
    for path, others in zip(readme.READMES, ("README.md", "README.zh-CN.md"), strict=True):
        for folder in ("lessons", "lessons/exercises"):
            assert f"]({folder}/{others})" in path.read_text("utf-8")
