"""Progress in lessons: kept after every page and answer, and never a reason to stop."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from stepconv.lessons.progress import (
    RIGHT,
    SHOWN,
    Progress,
    progress,
    reset,
    save_answer,
    save_place,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Iterator[Path]:
    with mock.patch.dict(os.environ, STEPCONV_DATA_DIR=str(tmp_path)):
        yield tmp_path


def test_nothing_is_begun_at_first() -> None:
    assert progress() == {}


def test_places_and_answers_are_kept_by_lesson() -> None:
    save_place("sizes", (3, 1))
    save_answer("sizes", "how-many", RIGHT)
    save_place("bias", (0, 0), finished=True)
    assert progress() == {
        "sizes": Progress((3, 1), {"how-many": RIGHT}),
        "bias": Progress((0, 0), {}, finished=True),
    }


def test_going_back_does_not_undo_what_was_reached() -> None:
    save_place("sizes", (9, 0), finished=True)
    save_place("sizes", (1, 0))
    assert progress()["sizes"].finished
    save_answer("sizes", "q", SHOWN)
    assert progress()["sizes"].right(["q"]) == 0
    save_answer("sizes", "q", RIGHT)
    save_answer("sizes", "q", SHOWN)
    assert progress()["sizes"].answers == {"q": RIGHT}


def test_reset_forgets_the_lessons_named_or_all() -> None:
    for name in ("sizes", "bias", "padding"):
        save_place(name, (1, 0))
    assert reset(["sizes", "never-begun"]) == ["sizes"]
    assert set(progress()) == {"bias", "padding"}
    assert reset() == ["bias", "padding"]
    assert progress() == {}


@pytest.mark.parametrize(
    "state",
    [
        {"lessons": 3},
        {"lessons": {"sizes": []}},
        {"lessons": {"sizes": {"place": "three", "answers": [1], "finished": "yes"}}},
        {"lessons": {"sizes": {"place": [-1, 0], "answers": {"q": 7}}}},
        {"lessons": {"sizes": {"place": [1.5, None, 2]}}},
    ],
)
def test_a_file_edited_by_hand_begins_anew_where_it_makes_no_sense(
    folder: Path, state: object
) -> None:
    (folder / "lessons.json").write_text(json.dumps(state))
    assert all(found == Progress() for found in progress().values())
    save_place("sizes", (2, 0))
    save_answer("sizes", "q", RIGHT)
    assert progress()["sizes"] == Progress((2, 0), {"q": RIGHT})


def test_what_a_newer_version_keeps_is_kept(folder: Path) -> None:
    (folder / "lessons.json").write_text('{"lessons": {"sizes": {"stars": 5}}, "theme": "dark"}')
    save_place("sizes", (2, 0))
    kept = json.loads((folder / "lessons.json").read_text())
    assert (kept["theme"], kept["lessons"]["sizes"]["stars"]) == ("dark", 5)
