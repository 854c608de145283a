"""What is wrong with a lesson is found, and said so that its author can mend it."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from stepconv.bundled import bundled_folder
from stepconv.classroom.mistakes import wrong_answers
from stepconv.errors import InputError
from stepconv.language import using_language
from stepconv.lessons.checker import check
from stepconv.lessons.format import Code, texts
from stepconv.lessons.functions import FUNCTIONS
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.loader import load_lesson
from stepconv.lessons.names import OF_NUMBERS, OF_SIZES
from stepconv.lessons.questions import answer_text
from stepconv.lessons.scene_reader import ARGUMENTS
from stepconv.lessons.shelf import shelf
from tests.commands import done, run
from tests.helpers import DATA

SMALL = DATA / "lessons" / "01-small"
BROKEN: dict[str, dict[str, Any]] = tomllib.loads(
    (DATA / "lessons" / "broken.toml").read_text(encoding="utf-8")
)


def spoiled(folder: Path, edit: dict[str, Any]) -> Path:
    """Copy the small lesson, with one edit made to it."""
    copy = shutil.copytree(SMALL, folder / "01-small")
    files = edit["file"] if isinstance(edit["file"], list) else [edit["file"]]
    for name in files:
        if "find" not in edit:
            (copy / name).unlink()
            continue
        text = (copy / name).read_text(encoding="utf-8")
        assert edit["find"] in text, "the edit no longer applies"
        (copy / name).write_text(text.replace(edit["find"], edit["put"], 1), encoding="utf-8")
    return copy


def test_small_lesson_is_in_order() -> None:
    report = check([SMALL])
    assert report.problems == ()
    assert (report.lessons, report.scenes, report.questions) == (1, 6, 5)
    assert report.results == 2 * 8


@pytest.mark.parametrize("name", BROKEN)
def test_broken_copy_is_refused_with_place_and_fix(name: str, tmp_path: Path) -> None:
    edit = BROKEN[name]
    problems = [str(one) for one in check([spoiled(tmp_path, edit).parent]).problems]
    said = [one for one in problems if all(fact in one for fact in edit["says"])]
    assert said, problems
    assert len(problems) == 1 + edit.get("also", 0), problems
    with using_language("zh"):
        assert all(str(one) for one in check([tmp_path]).problems)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_copy_ends_in_no_traceback_and_status_1(name: str, tmp_path: Path) -> None:
    spoiled(tmp_path, BROKEN[name])
    result = run("lessons", "check", str(tmp_path))
    assert (result.status, result.err) == (1, "")


def test_several_faults_are_all_reported(tmp_path: Path) -> None:
    copy = shutil.copytree(SMALL, tmp_path / "01-small")
    names = ["belief-contradicted", "question-of-no-kind", "title-too-wide", "answer-misspelt"]
    text = (copy / "lesson.toml").read_text(encoding="utf-8")
    for name in names:
        text = text.replace(BROKEN[name]["find"], BROKEN[name]["put"])
    (copy / "lesson.toml").write_text(text, encoding="utf-8")
    problems = [str(one) for one in check([tmp_path]).problems]
    for name in names:
        assert any(all(fact in one for fact in BROKEN[name]["says"]) for one in problems), problems


def test_lesson_with_a_fault_is_not_loaded(tmp_path: Path) -> None:
    copy = spoiled(tmp_path, BROKEN["unknown-key-of-a-scene"])
    with pytest.raises(InputError, match="did you mean step"):
        load_lesson(copy)


def test_two_lessons_with_one_id_are_found(tmp_path: Path) -> None:
    for number in ("01", "02"):
        shutil.copytree(SMALL, tmp_path / f"{number}-small")
    [problem] = check([tmp_path]).problems
    assert 'both have the id "small"' in str(problem)
    with pytest.raises(InputError, match="both have the id"):
        shelf([tmp_path])


def test_folder_without_its_file_is_found(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "01-small")
    (tmp_path / "02-empty").mkdir()
    problems = [str(one) for one in check([tmp_path]).problems]
    assert any("02-empty/lesson.toml: there is no such file" in one for one in problems)


def test_folder_with_no_lessons_is_bad_input(tmp_path: Path) -> None:
    result = run("lessons", "check", str(tmp_path))
    assert result.status == 2
    assert "holds no lessons" in " ".join(result.err.split())
    assert run("lessons", "check", str(tmp_path / "none")).status == 2


def test_check_says_what_it_checked() -> None:
    assert "lessons 1, scenes 6, questions 5" in done("lessons", "check", str(SMALL))
    facts = json.loads(done("lessons", "check", str(SMALL), "--json"))
    assert facts == {"problems": [], "lessons": 1, "scenes": 6, "questions": 5, "results": 16}


READMES = ("README.md", "README.zh-CN.md")


@pytest.mark.parametrize("name", READMES)
def test_worked_example_of_the_readme_holds(name: str, tmp_path: Path) -> None:
    readme = (bundled_folder() / name).read_text(encoding="utf-8")
    found = re.findall(r"^`01-edges/(\S+)`\n\n(`{3,4})\w+\n(.*?)^\2$", readme, re.DOTALL | re.M)
    assert [file for file, _fence, _text in found] == ["lesson.toml", "en.md", "zh.md"]
    (tmp_path / "01-edges").mkdir()
    for file, _fence, text in found:
        (tmp_path / "01-edges" / file).write_text(text, encoding="utf-8")
    report = check([tmp_path])
    assert report.problems == ()
    assert "edges" in done("lessons", "--lessons", str(tmp_path))


def test_readme_tells_the_same_keys_in_both_languages() -> None:
    keys = [
        re.findall(r"^\| (.+?) \|", (bundled_folder() / name).read_text("utf-8"), re.MULTILINE)
        for name in READMES
    ]
    named = [[key for key in found if key.startswith("`")] for found in keys]
    assert named[0] == named[1]
    assert set(ARGUMENTS) <= set(re.findall(r"`(\w+)`", " ".join(named[0])))


@pytest.mark.parametrize("name", READMES)
def test_readme_tells_every_name_and_function_of_expressions(name: str) -> None:
    readme = (bundled_folder() / name).read_text(encoding="utf-8")
    part = re.split(r"^## (?:Expressions|表达式)$", readme, flags=re.MULTILINE)[1]
    code = " ".join(re.findall(r"`([^`]+)`", part.split("\n## ")[0]))
    assert {*OF_SIZES, *OF_NUMBERS, *FUNCTIONS} <= set(re.findall(r"\w+", code))


def test_list_shows_own_lessons_beside_the_bundled(tmp_path: Path) -> None:
    shutil.copytree(SMALL, tmp_path / "01-small")
    listed = json.loads(done("lessons", "--lessons", str(tmp_path), "--json"))
    assert [one["id"] for one in listed[-2:]] == [shelf()[-1].id, "small"]
    assert "小小的一课" in done("lessons", "list", "--lessons", str(tmp_path), "--lang", "zh")


# -- the bundled lessons -----------------------------------------------------------------------

LESSONS = {head.id: head.folder for head in shelf()}

ROWS = {
    "hand-worked Conv1d": {"one-product": "valid padded strided", "transposed-by-hand": "ones"},
    "text as channels": {"channels": "moved sentences table recovered"},
    "Conv1d beside Conv2d": {"two-dimensions": "channels picture"},
    "every parameter": {"one-engine": "classes"},
    "padding arithmetic": {"padding": "row arbitrary half full"},
    "the four padding modes": {"padding": "zeros reflect replicate circular tiles"},
    "bias": {"bias": "border"},
    "sizes": {"sizes": "article", "three-dimensions": "scan clip"},
    "1-D kernel on 2-D data": {"two-dimensions": "channels", "one-engine": "full-height stacked"},
    "dilation": {"dilation": "plane plain doubling gridding"},
    "transposed convolution": {"transposed-by-hand": "down up back"},
    "transposed sizes": {"transposed-sizes": "between seven volume pairs"},
    "other convolutions": {"groups": "grouped depthwise pointwise across through"},
    "the three ranks compared": {"three-dimensions": "ranks", "one-engine": "signal row slab"},
    "why Conv1d took a 2-D feature map": {"one-engine": "puzzle lines planes volumes"},
}
"""What the source articles show, row by row; the lessons that cover it, and by which scenes."""

GUIDE = """
    no-padding arbitrary-padding half-padding full-padding strides padding-strides
    padding-strides-odd dilation no-padding-transposed arbitrary-padding-transposed
    half-padding-transposed full-padding-transposed strides-transposed
    padding-strides-transposed padding-strides-odd-transposed
    numerical-no-padding numerical-padding-strides average-pooling
"""
"""The animated and the numerical cases of the convolution arithmetic guide, and pooling."""


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request: pytest.FixtureRequest) -> Lesson:
    return load_lesson(LESSONS[request.param])


@pytest.mark.compiled  # without the compiler lesson 12 alone takes a minute
def test_bundled_lessons_are_in_order() -> None:
    report = check([bundled_folder()])
    assert [str(one) for one in report.problems] == []
    assert report.lessons == 14


@pytest.mark.parametrize("row", ROWS)
def test_every_row_of_the_articles_is_covered_by_scenes_of_a_lesson(row: str) -> None:
    for name, scenes in ROWS[row].items():
        found = load_lesson(LESSONS[name])
        assert any(one.startswith(row) for one in found.rows), name
        assert set(scenes.split()) <= set(found.scenes), name


def test_every_case_of_the_guide_is_a_scene_of_some_lesson() -> None:
    tables = "".join((folder / "lesson.toml").read_text("utf-8") for folder in LESSONS.values())
    shown = set(re.findall(r'^sample = "@([a-z0-9-]+)"$', tables, re.MULTILINE))
    assert set(GUIDE.split()) - shown == set()


def test_every_lesson_has_scenes_and_three_questions(lesson: Lesson) -> None:
    assert lesson.scenes
    assert len(lesson.questions) >= 3


def test_every_question_accepts_the_computed_answer(lesson: Lesson) -> None:
    for question in lesson.questions.values():
        assert question.judge(question.right_answer).right, question.id


def test_every_question_rejects_the_answers_of_typical_mistakes(lesson: Lesson) -> None:
    for question in lesson.questions.values():
        if question.problem is None:
            continue
        for (mistake, *_rest), answer in wrong_answers(question.problem):
            text = answer_text(question.kind, answer)
            verdict = question.judge(text)
            assert not verdict.right, (question.id, mistake.code, text)


def test_every_listed_mistake_is_named(lesson: Lesson) -> None:
    for question in lesson.questions.values():
        wrong = wrong_answers(question.problem) if question.problem else []
        for code in question.mistakes:
            given = [answer_text(question.kind, a) for (m, *_), a in wrong if m.code == code]
            diagnoses = [question.judge(text).diagnosis for text in given]
            codes = {c for d in diagnoses if d for one in d.explanations for c in one.codes}
            assert code in codes, (question.id, code, given)


def test_every_wrong_option_says_why(lesson: Lesson) -> None:
    for question in lesson.questions.values():
        for letter, option in zip("ABCDEFGH", question.options, strict=False):
            verdict = question.judge(letter.lower())
            assert verdict.right == option.right
            assert verdict.why


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_result_is_filled_in(lesson: Lesson, language: str) -> None:
    with using_language(language):
        blocks = [block for block in lesson.blocks() if not isinstance(block, Code)]
    words = [span for block in blocks for spans in texts(block) for span in spans]
    text = " ".join(span.text for span in words if span.kind != "code")
    assert not re.search(r"\{\{|\}\}|array\(|np\.\w+\(", text)
