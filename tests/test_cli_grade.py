"""``stepconv worksheet`` and ``stepconv grade``, as a teacher uses them."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from stepconv.classroom.exercises import exercise
from stepconv.classroom.grading.following import value_of
from stepconv.classroom.mistakes import mistake
from stepconv.classroom.worksheet.key import read_key
from stepconv.classroom.worksheet.notation import written
from stepconv.cli.output import Output
from stepconv.cli.progress import Progress
from stepconv.views.screen import Screen
from tests import snapshot
from tests.commands import done, process, run

CLASS = "id,name\n1,Ada\n2,李伟\n3,Sean\n4,Zoë\n"
WRONG = {"2": "padding_ignored", "3": "flip"}


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class.csv").write_text(CLASS, encoding="utf-8")
    return tmp_path


def hand_out(*more: str) -> str:
    return done("worksheet", "--roster", "class.csv", "--seed", "7", "--topics", "padding", *more)


def hand_in(wrong: Mapping[str, str] = WRONG) -> None:
    """Fill in all forms but the last, some with a mistake made throughout."""
    key = read_key(Path("key"))
    Path("back").mkdir(exist_ok=True)
    for student in key.students[:-1]:
        data = json.loads(Path(f"sheets/{student.id}/answers-{student.id}.json").read_text("utf-8"))
        for question in key.questions(student.id):
            work = question.problem.run
            if student.id in wrong:
                work = mistake(wrong[student.id]).apply(work) or work
            values = {part.code: value_of(part, work) for part in question.parts}
            data["answers"][str(question.number)] = {
                code: "" if value is None else written(value) for code, value in values.items()
            }
        text = json.dumps(data, ensure_ascii=False)
        Path(f"back/answers-{student.id}.json").write_text(text, encoding="utf-8")


def test_from_the_class_list_to_the_gradebook(teacher: Path) -> None:
    assert "the sheets (4) are in sheets, the key is in key" in hand_out("--count", "2")
    hand_in()
    told = done("grade", "back", "--csv", "grades.csv", "--gradescope", "results")
    snapshot.check("grade-class", told)
    with open("grades.csv", encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["student"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[0]["total"] == rows[0]["most"]
    assert rows[1]["mistakes"] == "padding_ignored"
    assert rows[3]["notes"] == "no answer file"
    assert sorted(path.name for path in Path("results").iterdir()) == [
        f"{number}.json" for number in range(1, 5)
    ]


def test_reasons_are_told_for_a_few_students_or_when_asked_for(teacher: Path) -> None:
    hand_out("--count", "1")
    hand_in()
    assert "padding left out" in done("grade", "back/answers-2.json")
    assert "padding left out" in done("grade", "back", "--reasons")
    told = done("grade", "back", "--reasons", "--width", "60")
    assert max(map(len, told.splitlines())) <= 60


def test_the_same_marks_again_as_json(teacher: Path) -> None:
    hand_out("--count", "2")
    hand_in()
    first = done("grade", "back", "--json")
    assert first == done("grade", "back", "--json", "--jobs", "2")
    data = json.loads(first)
    assert data["format"] == "stepconv-grades-1"
    assert data["students"][0]["total"] == 16
    assert data["summary"]["mistakes"][0]["students"] == 1
    assert data["summary"]["handed_in"] == 3


def test_a_file_of_nobody_is_told_and_the_status_says_so(teacher: Path) -> None:
    hand_out("--count", "1")
    hand_in()
    Path("back/other.json").write_text("{}", encoding="utf-8")
    result = run("grade", "back")
    assert result.status == 1
    assert "not graded" in result.out
    assert "neither the file nor its name tells which student it is of" in " ".join(
        result.out.split()
    )


def test_the_seed_of_the_key_is_used_again_and_a_new_one_cannot_be_guessed(teacher: Path) -> None:
    done("worksheet", "--roster", "class.csv")
    seed = read_key(Path("key")).worksheet.seed
    assert len(seed) == 32
    sheet = Path("sheets/1/worksheet-1.md").read_text("utf-8")
    assert seed not in sheet
    (teacher / "class.csv").write_text(CLASS + "5,New\n", encoding="utf-8")
    done("worksheet", "--roster", "class.csv")
    assert Path("sheets/1/worksheet-1.md").read_text("utf-8") == sheet
    assert Path("sheets/5/worksheet-5.md").exists()


def test_without_a_roster_there_is_one_sheet(teacher: Path) -> None:
    assert "the sheets (1) are in" in done("worksheet", "--seed", "x", "--count", "1")
    assert Path("sheets/sheet/worksheet-sheet.html").exists()


def test_sheets_come_in_the_language_of_the_teacher(teacher: Path) -> None:
    hand_out("--count", "1", "--lang", "zh")
    page = Path("sheets/1/worksheet-1.html").read_text("utf-8")
    assert '<html lang="zh-CN">' in page


def test_the_worksheet_as_json(teacher: Path) -> None:
    data = json.loads(hand_out("--json"))
    assert (data["students"], data["count"], data["topics"]) == (4, 4, ["padding"])
    assert data["worksheet"] == read_key(Path("key")).id


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["worksheet", "--roster", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["worksheet", "--topics", "pading"], 'no topic "pading"'),
        (["worksheet", "--level", "9"], "level 9 is not one of 1, 2, 3"),
        (["worksheet", "--count", "many"], "is not a whole number"),
        (["worksheet", "--seed", " "], "--seed is empty"),
        (["worksheet", "--key", "sheets/key"], "one inside the other"),
        (["grade", "back"], "key is missing; give with --key"),
        (["grade", "nowhere", "--key", "made"], "nowhere is missing"),
        (["grade", "class.csv", "--key", "made", "--jobs", "0"], "--jobs 0 is not between"),
        (["grade", "class.csv", "--key", "made", "--csv", "no/where.csv"], "there is no folder no"),
        (["grade", "class.csv", "--exercise", "conv9d"], "there is no exercise conv9d"),
        (["grade", "nowhere.py", "--exercise", "conv1d"], "nowhere.py is missing"),
        (["grade", "x" * 300, "--key", "made"], "is missing"),
        (["grade", "x" * 300, "--exercise", "conv1d"], "is missing"),
        (["grade", "back", "--key", "x" * 300], "is missing"),
        (["worksheet", "--roster", "x" * 300], "cannot be read"),
        (["worksheet", "--out", "x" * 300], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    arguments: list[str], reason: str, teacher: Path
) -> None:
    hand_out("--count", "1", "--key", "made", "--out", "there")
    before = sorted(teacher.rglob("*"))
    result = run(*arguments)
    assert (result.status, result.out) == (2, "")
    assert reason in " ".join(result.err.split())
    assert sorted(teacher.rglob("*")) == before


def test_another_worksheet_is_written_over_only_by_force(teacher: Path) -> None:
    hand_out("--count", "1")
    old = Path("sheets/1/worksheet-1.md").read_bytes()
    again = ["worksheet", "--roster", "class.csv", "--seed", "8", "--topics", "padding"]
    result = run(*again)
    assert result.status == 2
    assert "--force" in result.err
    assert Path("sheets/1/worksheet-1.md").read_bytes() == old
    done(*again, "--force")
    assert Path("sheets/1/worksheet-1.md").read_bytes() != old


def test_code_is_graded_in_a_process_of_its_own(teacher: Path) -> None:
    folder = Path("code")
    folder.mkdir()
    first = exercise("conv1d")
    shutil.copy(first.folder / "solution.py", folder / "ada.py")
    shutil.copy(first.folder / "starter.py", folder / "bob.py")
    data = json.loads(done("grade", "code", "--exercise", "conv1d", "--json", "--jobs", "2"))
    assert [one["student"] for one in data["students"]] == ["ada", "bob"]
    ada, bob = data["students"]
    assert ada["total"] == ada["most"] > bob["total"]
    assert data == json.loads(done("grade", "code", "--exercise", "conv1d", "--json"))


def test_one_submission_in_a_folder_gives_one_results_json(teacher: Path) -> None:
    folder = Path("submission")
    folder.mkdir()
    shutil.copy(exercise("conv1d").folder / "solution.py", folder / "conv1d.py")
    (folder / "helper.py").write_text("", encoding="utf-8")
    done("grade", "submission", "--exercise", "conv1d", "--gradescope", "results.json")
    data = json.loads(Path("results.json").read_text("utf-8"))
    assert data["score"] == len(data["tests"])
    hand_out("--count", "1")
    hand_in()
    shutil.copy("back/answers-2.json", folder / "answers.json")
    done("grade", "submission", "--gradescope", "results.json")
    assert json.loads(Path("results.json").read_text("utf-8"))["extra_data"]["student"] == "2"
    result = run("grade", "back", "--gradescope", "results.json")
    assert result.status == 2
    assert "3 students are graded; name a folder" in " ".join(result.err.split())


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_alone_and_wiped_away() -> None:
    for stream, drawn in ((Terminal(), True), (io.StringIO(), False)):
        screen = Screen(stream, color="never", environ={})
        with Progress(Output(screen, screen), "{done} of {all} graded") as progress:
            progress(1, 2)
            progress(2, 2)
        assert ("1 of 2 graded" in stream.getvalue()) == drawn
        assert stream.getvalue().endswith("\r\x1b[K") == drawn


def test_the_topics_can_be_listed(teacher: Path) -> None:
    assert "padding-modes" in done("worksheet", "--topics", "list")
    assert not Path("sheets").exists()


@pytest.mark.slow
def test_a_class_of_two_hundred_is_graded_side_by_side(teacher: Path) -> None:
    many = "id\n" + "\n".join(map(str, range(200)))
    (teacher / "class.csv").write_text(many, encoding="utf-8")
    hand_out("--count", "4")
    hand_in({str(number): "flip" for number in range(0, 200, 3)})
    back, key = str(teacher / "back"), str(teacher / "key")
    result = process("grade", back, "--key", key, "--jobs", "2", "--json")
    assert result.returncode == 0
    students = json.loads(result.stdout)["students"]
    assert len(students) == 200
    full = {int(one["student"]) for one in students if one["total"] == one["most"]}
    assert full == {number for number in range(199) if number % 3}  # the last hands in nothing
