"""``stepconv lessons``: the list with progress, and the way back to the beginning."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from rich.cells import cell_len

from stepconv.lessons.progress import RIGHT, SHOWN, progress, save_answer, save_place
from stepconv.lessons.shelf import shelf
from tests import snapshot
from tests.commands import done, process, run
from tests.helpers import DATA

SMALL = DATA / "lessons" / "01-small"


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path) -> Iterator[None]:
    with mock.patch.dict(os.environ, STEPCONV_DATA_DIR=str(tmp_path / "data")):
        yield


def begin_some() -> None:
    save_place("one-product", (3, 0), finished=True)
    save_answer("one-product", "places", RIGHT)
    save_place("sizes", (1, 0))
    for question in ("keep", "odd-size", "gone-since"):
        save_answer("sizes", question, RIGHT)
    save_place("channels", (1, 0))
    save_answer("channels", "which", SHOWN)


def test_list_names_every_lesson_in_order() -> None:
    lines = done("lessons").splitlines()
    assert [line.split()[:2] for line in lines[:14]] == [
        [str(head.number), head.id] for head in shelf()
    ]
    assert done("lessons", "list") == done("lessons")


def test_list_shows_how_far_each_lesson_has_come() -> None:
    begin_some()
    first, second, third, fourth, *_rest = done("lessons").splitlines()
    assert "done, 1 of 6 right" in first
    assert "begun, 2 of 6 right" in second
    assert "begun  " in third
    assert "begun" not in fourth
    assert "next: stepconv lesson sizes" in done("lessons")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_list_with_progress_looks_as_before(language: str) -> None:
    begin_some()
    snapshot.check(f"lessons-begun-{language}", done("lessons", "--lang", language))


def test_list_comes_though_a_lesson_that_was_begun_is_broken(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "01-small")
    save_answer("small", "cells", RIGHT)
    file = tmp_path / "01-small" / "lesson.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n[scenes.open\n", encoding="utf-8")
    listed = done("lessons", "--lessons", str(tmp_path)).splitlines()
    assert ["1", "small", "begun"] in [line.split()[:3] for line in listed]


def test_progress_is_in_the_json_too() -> None:
    begin_some()
    listed = json.loads(done("lessons", "--json"))
    assert [one["finished"] for one in listed[:3]] == [True, False, False]
    assert [one["begun"] for one in listed[1:4]] == [True, True, False]
    assert [one["right"] for one in listed[:4]] == [1, 2, 0, 0]
    assert [one["questions"] for one in listed[:2]] == [6, 6]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_line_is_wider_than_the_screen(width: int, language: str) -> None:
    begin_some()
    text = done("lessons", "--width", str(width), "--lang", language)
    assert max(map(cell_len, text.splitlines())) <= width
    assert all(head.id in text for head in shelf())


def test_list_in_ascii() -> None:
    begin_some()
    assert done("lessons", "--ascii").isascii()


def test_own_lessons_stand_below_with_their_folder(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "mine" / "01-small")
    text = done("lessons", "--lessons", str(tmp_path / "mine"))
    lines = text.splitlines()
    assert lines[14:16] == ["", str(tmp_path / "mine")]
    assert lines[16].split()[:2] == ["1", "small"]


def test_reset_forgets_all_or_one() -> None:
    begin_some()
    assert "forgotten: sizes" in done("lessons", "reset", "2")
    rest = ["one-product", "channels"]
    assert list(progress()) == rest
    assert json.loads(done("lessons", "reset", "--json")) == {"forgotten": rest}
    assert progress() == {}
    assert "no progress" in done("lessons", "reset")


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["lists"], ["lists", "did you mean list?"]),
        (["xyz"], ["xyz", "list, check, reset"]),
        (["list", "sizes"], ["sizes", "one argument too many"]),
        (["reset", "sices"], ["sices", "did you mean sizes?"]),
        (["--lessons", "/no/such/folder"], ["/no/such/folder", "cannot be read"]),
        (["--lesson", "x"], ["--lesson", "--lessons"]),
    ],
)
def test_what_cannot_be_done_is_refused(arguments: list[str], facts: list[str]) -> None:
    result = run("lessons", *arguments)
    assert (result.status, result.out) == (2, "")
    said = " ".join(result.err.split())
    assert all(fact in said for fact in facts), said


@pytest.mark.slow
def test_list_takes_less_than_three_tenths_of_a_second() -> None:
    """Of the processor's time: what else runs here must not count."""
    taken = []
    for _repeat in range(3):
        before = os.times()
        assert process("lessons").returncode == 0
        after = os.times()
        user = after.children_user - before.children_user
        taken.append(user + after.children_system - before.children_system)
    assert min(taken) < 0.3
