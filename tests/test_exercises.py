"""Exercises: solutions pass, starters fail politely, usual mistakes are named."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepconv.bundled import bundled_folder
from stepconv.classroom.exercises import (
    Exercise,
    FieldCase,
    LayerCase,
    check,
    exercise,
    exercises,
    read_exercise,
)
from stepconv.classroom.exercises.kinds import ASKS
from stepconv.classroom.exercises.reading import ARGUMENTS
from stepconv.classroom.exercises.workbook import instructions
from stepconv.classroom.sandbox import Limits
from stepconv.errors import InputError
from stepconv.language import using_language
from tests.commands import done

WRONG = sorted((Path(__file__).parent / "data" / "submissions").glob("*/*.py"))
PATIENT = Limits(seconds=60, case_seconds=20)

every = pytest.mark.parametrize("one", exercises(), ids=lambda one: one.id)


def test_there_are_those_that_a_course_needs() -> None:
    wanted = """conv1d conv1d-stride conv1d-padding conv1d-padding-modes conv1d-dilation output-size
        conv1d-channels conv1d-groups conv2d im2col transposed-scatter transposed-gather
        receptive-field"""
    assert [one.id for one in exercises()] == wanted.split()
    assert [one.number for one in exercises()] == list(range(1, 14))


@every
def test_the_solution_passes(one: Exercise) -> None:
    for seed in (0, 5):
        report = check(one, one.folder / "solution.py", seed=seed, limits=PATIENT)
        assert report.problem is None
        assert [(case.case.given, case.got, case.reason) for case in report.failed] == []
        assert (report.passed, report.score) == (True, 1.0)


@every
def test_the_starter_alone_fails_with_values_rather_than_errors(one: Exercise) -> None:
    report = check(one, one.folder / "starter.py", limits=PATIENT)
    assert not report.passed
    assert report.score < 0.5
    assert [str(case.reason) for case in report.cases if case.reason is not None] == []


@pytest.mark.parametrize("file", WRONG, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_usual_mistake_is_named(file: Path) -> None:
    report = check(exercise(file.parent.name), file, limits=PATIENT)
    assert not report.passed
    if file.parent.name == "receptive-field":
        word = file.stem.split("_")[0]
        named = [case for case in report.failed if any(word in text for text in case.remarks.all)]
        assert len(named) == len(report.failed) > 0
        return
    codes = [
        [explanation.codes for explanation in case.diagnosis.explanations]
        for case in report.failed
        if case.diagnosis is not None
    ]
    named_by = [found for found in codes if (file.stem,) in found]
    assert len(named_by) >= 2, codes
    assert all(one.remarks.ways for one in report.failed if one.diagnosis and one.diagnosis.codes)


def test_every_exercise_with_a_layer_has_a_wrong_solution_among_the_data() -> None:
    assert {file.parent.name for file in WRONG} == {one.id for one in exercises()}


@every
def test_a_seed_draws_the_same_cases_and_another_others(one: Exercise) -> None:
    first, again, other = one.cases(3), one.cases(3), one.cases(4)
    assert len(first) == len(one.fixed) + one.draws.count == len(other)
    texts = [[str(case.given) for case in cases] for cases in (first, again, other)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


@every
def test_no_seed_goes_without_its_cases(one: Exercise) -> None:
    for seed in range(40):
        assert len(one.cases(seed)) == len(one.fixed) + one.draws.count


@every
def test_the_function_is_given_what_it_takes(one: Exercise) -> None:
    for case in one.cases(1):
        assert tuple(case.given) == one.arguments
    texts = [one.starter, one.solution]
    assert all(f"def {one.function}({', '.join(one.arguments)}):" in text for text in texts)


@every
def test_the_replay_gives_what_is_expected(one: Exercise) -> None:
    for case in one.cases(2):
        program, *words = shlex.split(case.replay)
        assert program == "stepconv"
        if "--step" in words:  # where it opens; the record is one
            at = words.index("--step")
            assert int(words[at + 1]) == case.given["position"] + 1
            del words[at : at + 2]
        shown = json.loads(done(*words, "--json"))
        assert _replayed(case, shown) == case.expected.tolist()


def _replayed(case: Any, shown: Any) -> Any:
    """Read off the JSON of a replay what the function was asked for."""
    if isinstance(case, FieldCase):
        return shown[-1]["size"][0]
    assert isinstance(case, LayerCase)
    if "input_size" in case.given:
        return shown["output"][2]
    if "kernel_size" in case.given:  # the windows, which a trace holds term by term
        columns: dict[tuple[int, ...], list[int]] = {}
        for placement in shown["placements"]:
            values = [term["value"] for term in placement["terms"]]
            columns[tuple(placement["output"])] = values
        return np.array(list(columns.values())).T.tolist()
    output = np.asarray(shown["output"])
    if case.position is not None:
        return output[(0, 0, *case.position)].tolist()
    return output[0, 0].tolist() if case.bare else output[0].tolist()


@every
def test_both_languages_say_everything(one: Exercise) -> None:
    assert len(one.hints) >= 2
    for language in ("en", "zh"):
        with using_language(language):
            assert one.title
            assert one.summary
            text = instructions(one)
            assert text.startswith("# ")
            assert one.function in text
            assert "→" in text
            assert one.id in text


def test_a_result_of_the_wrong_shape_is_wrong_though_its_numbers_are_right(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_text(
        "import numpy as np\ndef conv1d(input, weight):\n"
        "    return np.correlate(input, weight, 'valid')[None]"
    )
    report = check(exercise("conv1d"), file, limits=PATIENT)
    assert report.score == 0
    assert report.failed[0].remarks.facts == (
        "the numbers are right, the shape is (1, 3) rather than (3,)",
    )


# The first case of conv1d has the output 421 842 1684, that of output-size 63.
@pytest.mark.parametrize(
    ("name", "value", "facts"),
    [
        ("conv1d", "right[:-1]", ["the shape is (2,); it should be (3,)"]),
        ("conv1d", "np.append(right, 5)", ["The first 3 numbers are right; then come 1"]),
        ("conv1d", "right[:1]", ["the shape is (1,); it should be (3,)"]),
        ("conv1d", "np.ones((2, 4))", ["the shape is (2, 4); it should be (3,)"]),
        ("conv1d", "np.ones((3, 1))", ["the shape is (3, 1); it should be (3,)"]),
        ("conv1d", "np.full(5, np.nan)", ["the shape is (5,); it should be (3,)", "Some of"]),
        ("conv1d", "right[:, None]", ["the numbers are right, the shape is (3, 1) rather"]),
        ("conv1d", "7", ["this is one number; the shape should be (3,)"]),
        ("output-size", "[63]", ["the number is right, but in an array of shape (1,)"]),
        ("output-size", "[9, 8]", ["the shape is (2,); one number is asked for"]),
        ("receptive-field", "[9, 8]", ["the shape is (2,); one number is asked for"]),
    ],
)
def test_a_wrong_shape_is_told_once(name: str, value: str, facts: list[str]) -> None:
    case = exercise(name).fixed[0]
    got = np.asarray(eval(value, {"np": np, "right": case.expected}))
    remarks = case.remarks(got)
    assert remarks.ways == ()
    assert len(remarks.facts) == len(facts)
    for text, begin in zip(remarks.facts, facts, strict=True):
        assert text.startswith(begin)


def test_a_mistake_that_changes_the_size_is_named_beside_the_shape() -> None:
    case = exercise("conv1d-padding").fixed[0]
    assert case.given["padding"] > 0
    valid = np.correlate(case.given["input"], case.given["weight"], "valid")
    remarks = case.remarks(valid)
    assert [text.split(";")[0] for text in remarks.facts] == [f"the shape is {valid.shape}"]
    assert [way.split(":")[0] for way in remarks.ways] == ["padding left out"]


@pytest.mark.parametrize("value", ["np.nan", "np.inf", "1e300", "1j", "10**18"])
def test_odd_numbers_are_wrong_and_can_be_talked_about(tmp_path: Path, value: str) -> None:
    file = tmp_path / "work.py"
    file.write_text(
        "import numpy as np\ndef conv1d(input, weight):\n"
        f"    return np.full(len(input) - len(weight) + 1, {value})"
    )
    report = check(exercise("conv1d"), file, limits=PATIENT)
    assert report.score == 0
    for case in report.failed:
        assert case.diagnosis is None or not case.diagnosis.correct
        assert isinstance(case.remarks.all, tuple)


def test_rounding_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "work.py"
    file.write_text(
        "import numpy as np\ndef conv1d(input, weight):\n"
        "    wide = input.astype(np.float32), weight.astype(np.float32)\n"
        "    return np.correlate(*wide, 'valid')"
    )
    assert check(exercise("conv1d"), file, limits=PATIENT).passed


# -- reading ------------------------------------------------------------------------------

GOOD = (exercises()[0].folder / "exercise.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "conv1d"', 'id = "other"', "the folder is called 01-conv1d"),
        ("function = ", "functoin = ", "functoin"),
        ('asks = "output"', 'asks = "outptu"', "did you mean output"),
        ('["input", "weight"]', '["input", "kernel"]', '"kernel" is none of'),
        ('weight = "1 10 100"', 'weigth = "1 10 100"', "weigth"),
        ('input = "1 2 4 8 16"', 'input = "1 two"', "exercise.toml, cases"),
        ('input = "1 2 4 8 16"', "input = [[1, 2], [3]]", "not of one length"),
        ('input = "1 2 4 8 16"', 'input = "1"', "cases"),
        ('topics = ["valid"]', 'topics = ["vaild"]', "there is no topic"),
        ('topics = ["valid"]', "topics = []", "topics"),
        ("levels = [1, 2]", "levels = [9]", "a level is one of"),
        ("levels = [1, 2]", "level = [1]", "level"),
        ("count = 3", 'count = "3"', "whole number"),
        ("[hints]", "[hint]", "hints"),
    ],
)
def test_a_slip_of_an_author_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    folder = tmp_path / "01-conv1d"
    folder.mkdir()
    (folder / "exercise.toml").write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_exercise(folder)
    assert words in str(caught.value)
    assert "01-conv1d/exercise.toml" in str(caught.value)


def test_names_are_forgiving_but_not_made_up() -> None:
    assert exercise("Conv1d_Stride.py").id == "conv1d-stride"
    assert exercise("02").id == "conv1d-stride"
    with pytest.raises(InputError, match="did you mean conv1d-stride"):
        exercise("conv1d-strid")
    with pytest.raises(InputError, match="exercise list"):
        exercise("quantum")


# -- how an exercise is written

READMES = ("README.md", "README.zh-CN.md")


def readme(name: str) -> str:
    return (bundled_folder() / "exercises" / name).read_text(encoding="utf-8")


def example(name: str) -> str:
    (found,) = re.findall(r"^```toml\n(.*?)^```$", readme(name), re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("name", READMES)
def test_example_of_the_readme_is_an_exercise(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "02-conv1d-stride"
    shutil.copytree(exercise("conv1d-stride").folder, folder)
    (folder / "exercise.toml").write_text(example(name), encoding="utf-8")
    report = check(read_exercise(folder), folder / "solution.py", limits=PATIENT)
    assert (report.passed, len(report.cases)) == (True, 4)


@pytest.mark.parametrize("name", READMES)
def test_readme_tells_every_file_argument_and_question(name: str) -> None:
    text = readme(name)
    assert {*re.findall(r"[a-z_]+", " ".join(ARGUMENTS)), "layers"} <= set(
        re.findall(r"[a-z_]+", text.split("- `arguments`")[1])
    )
    assert {*ASKS, "field"} <= set(re.findall(r'`"(\w+)"`', text))
    for file in exercise("conv1d").folder.iterdir():
        assert f"`{file.name}`" in text or file.name == "__pycache__"


def test_readme_says_the_same_in_both_languages() -> None:
    code = [sorted(re.findall(r"`([^`\n]+)`", readme(name))) for name in READMES]
    assert code[0] == code[1]
    assert tomllib.loads(example(READMES[0])) == tomllib.loads(example(READMES[1]))


@pytest.mark.parametrize("folder", [bundled_folder(), bundled_folder() / "exercises"])
def test_readmes_name_each_other(folder: Path) -> None:
    for name, other in (READMES, READMES[::-1]):
        assert f"]({other})" in (folder / name).read_text(encoding="utf-8").split("\n\n")[1]
