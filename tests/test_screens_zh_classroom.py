"""Lessons and the classroom in Chinese: they fit, and nothing is left in English but names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stepconv.bundled import bundled_folder
from stepconv.classroom.facts import facts_about
from stepconv.classroom.mistakes import MISTAKES, Mistake
from stepconv.classroom.problem import Problem
from stepconv.classroom.questions import kinds_for, question
from stepconv.classroom.topics import TOPICS
from stepconv.language import using_language
from stepconv.lessons.shelf import lesson_folders
from tests.commands import done, run
from tests.test_cli_grade import hand_in
from tests.test_lesson_pages import Reader, first
from tests.test_screens_zh import assert_fits, english

CHINESE = ("--lang", "zh", "--color", "never")
WIDTHS = (60, 80, 120)
SCREENS = [
    ("lesson", "--help"),
    ("lessons", "--help"),
    ("practice", "--help"),
    ("exercise", "--help"),
    ("worksheet", "--help"),
    ("grade", "--help"),
    ("lessons",),
    ("lesson", "one-product", "--print", "--answers"),
    ("practice", "--list"),
    ("exercise", "list"),
    ("worksheet", "--topics", "list"),
]
SETTINGS = {"input", "weight", "bias", "stride", "dilation", "numpy", "torch"}
ACTIONS = {"list", "check", "start", "hint", "solution", "reset"}
ON_SCREENS = ACTIONS | {topic.name for topic in TOPICS} | {"id", "name", "key"}
# Names of people, programs and what stands in their code; and terms given beside the Chinese one.
NAMES = """
    Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d AlexNet ByteNet Irwin Keras MobileNet
    NumPy Numba OpenCV Python PyTorch SciPy Sobel TensorFlow WaveNet Winograd Xception Gradescope
    conv conv2 convolve correlate filter2D float32 mirror mod False tap gridding im2col
    in_channels out_channels kernel_size padding_mode
"""
OF_THE_SYSTEM = "No such file or directory"
BAD_LESSON = """
id = "bad"
title = { en = "One", zh = "One" }
summary = { en = "One" }
rows = ["x"]
colour = 3

[scenes.a]
title = { en = "A", zh = "甲" }
input = [1, 1, 1, 1]
weight = [1, 1, 1]
strid = 2

[questions.q]
kind = "numbr"
ask = { en = "How many", zh = "几" }
answer = "output_shape[2]"
hints = { en = ["a"], zh = ["甲"] }
"""
ERRORS = (
    ("lesson", "pading"),
    ("lesson", "99"),
    ("lesson", "padding", "--page", "0"),
    ("lesson", "t", "--print"),
    ("lesson", "sizes", "--lessons", "nowhere"),
    ("lessons", "chek"),
    ("lessons", "list", "more"),
    ("practice", "strid"),
    ("practice", "--count", "0"),
    ("exercise", "chek"),
    ("exercise", "start", "conv"),
    ("exercise", "check", "conv1d"),
    ("exercise", "solution", "conv1d"),
    ("worksheet", "--topics", "strid"),
    ("worksheet", "--roster", "nobody.csv"),
    ("worksheet", "--count", "0"),
    ("grade", "nothing", "--key", "nowhere"),
    ("grade", "nothing", "--exercise", "conv1d"),
    ("grade", "nothing", "--jobs", "0"),
)
IN_ERRORS = {"strid", "chek", "pading", "conv", "nothing", "nowhere", "nobody", "key", "id"}


@pytest.fixture(autouse=True)
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no progress yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPCONV_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def shown(*arguments: str, width: int = 80, stdin: str = "") -> str:
    """Return what a command prints in Chinese, its exit status being 0 or 1."""
    result = run(*arguments, *CHINESE, "--width", str(width), stdin=stdin)
    assert result.status in (0, 1), result
    assert result.err == ""
    assert_fits(result.out, width)
    return result.out


def left_in_english(text: str, *names: str) -> set[str]:
    """Return the English words of `text`, commands and ``code`` left out."""
    text = " ".join(text.split()) if text.startswith("错误") else text
    text = re.sub(
        OF_THE_SYSTEM + r"|`[^`\n]+`|stepconv [a-z]+ .*|\\?\[\w+\\?: \d+\\?\]|\w+\.\w+", " ", text
    )
    return english(text) - SETTINGS - set(names)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("arguments", SCREENS, ids=" ".join)
def test_screens_fit_and_are_chinese(arguments: tuple[str, ...], width: int) -> None:
    text = shown(*arguments, width=width)
    names = {one.name for one in lesson_folders(bundled_folder())}
    names |= {one.name for one in (bundled_folder() / "exercises").iterdir()}
    words = {word for name in (*names, *ON_SCREENS) for word in name.split("-")}
    assert left_in_english(text, *words, *NAMES.split()) == set()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
@pytest.mark.parametrize(
    "keys",
    [("?",), ("t",), ("n", "9", "enter"), ("n", "2", "enter"), ("n", "h", "h", "x"), ("end",)],
    ids=" ".join,
)
def test_frames_of_a_lesson_are_chinese(keys: tuple[str, ...], size: tuple[int, int]) -> None:
    text = Reader(first(), size, "zh").press(*keys)
    assert_fits(text, size[0])
    assert left_in_english(text, "English") == set()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(one.name, marks=[pytest.mark.compiled] if "engine" in one.name else [])
        for one in lesson_folders(bundled_folder())
    ],
)
def test_prose_of_every_lesson_is_chinese(name: str) -> None:
    done("lesson", name[3:], "--save", "lesson.md", "--answers", *CHINESE)
    text = Path("lesson.md").read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```|\\", "", text, flags=re.DOTALL | re.MULTILINE)
    assert left_in_english(prose, *NAMES.split(), "kernel") == set()


def test_what_is_wrong_with_a_lesson_is_said_in_chinese(learner: Path) -> None:
    folder = learner / "01-bad"
    folder.mkdir()
    (folder / "lesson.toml").write_text(BAD_LESSON, encoding="utf-8")
    (folder / "en.md").write_text("# One\n\n{{ a.outpt }}\n\n::: scene b\n", encoding="utf-8")
    (folder / "zh.md").write_text("# One\n\n{{ a.output }\n\n> x\n", encoding="utf-8")
    text = shown("lessons", "check", ".")
    for said in ("缺少 ", "是不是想写 stride？", "是不是想写 number？", "没有键 ", "在同一行"):
        assert said in text
    assert text.splitlines()[-1].startswith("课 1，")
    words = "bad lesson toml title summary rows scenes questions zh en md kind numbr strid colour"
    words += " number numbers shape set choice scene id"
    assert left_in_english(text, *words.split()) == set()


@pytest.mark.parametrize("mistake", MISTAKES, ids=repr)
def test_mistakes_are_explained_in_chinese(mistake: Mistake) -> None:
    with using_language("zh"):
        told = [mistake.name, mistake.explanation, mistake.advice]
    for text in told:
        assert re.search(r"[\u4e00-\u9fff]", text), text
        assert english(text) <= SETTINGS | {"Keras", "padding_mode", "out", "in"}


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_questions_and_hints_are_chinese(topic: str) -> None:
    for kind in kinds_for(topic):
        for level in (1, 2, 3):
            asked = question(topic, level, seed=4, kind=kind.name)
            with using_language("zh"):
                given = [part for line in asked.given for part in line]
                told = [asked.ask, asked.form, kind.title(), *asked.hints, *given]
            assert english("\n".join(told)) <= SETTINGS | {"padding_mode"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([[[13, 9, 5, 1]]], "次序"),
        ([[[1, 5, 9]]], "还缺 1 个"),
        ([[[1, 5, 9, 13, 17]]], "多出 1 个"),
        ([[[2, 10, 18, 26]]], "2 倍"),
        ([[[1, 5, 8, 13]]], "只有一个数不对"),
        ([[[-1, -5, -9, -13]]], "正负号"),
        ([[[3, 7, 11, 15]]], "每个数都差 +2"),
    ],
)
def test_facts_about_an_answer_are_chinese(answer: list[list[list[int]]], said: str) -> None:
    problem = Problem([[[1, 5, 9, 13]]], [[[1]]])
    with using_language("zh"):
        told = " ".join(fact.text for fact in facts_about(problem, problem.numbers(answer)))
    assert said in told
    assert english(told) == set(), told


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("topic", ["padding", "groups", "two-dimensions", "transposed", "sizes"])
def test_practice_is_chinese(topic: str, width: int) -> None:
    lines = "1 2 3\nx 1\nh\nh\nh\nh\nh\nh\nc\nx\n"
    arguments = ("practice", topic, "--seed", "1", "--count", "1")
    text = shown(*arguments, width=width, stdin=lines)
    assert "答案是 " in text
    assert left_in_english(text) == set()


@pytest.mark.parametrize("width", WIDTHS)
def test_an_exercise_is_chinese(width: int) -> None:
    texts = [shown("exercise", "start", "conv1d", width=width)]
    texts += [shown("exercise", "check", "conv1d", width=width)]
    texts += [shown("exercise", "hint", "conv1d", width=width)]
    labels = [line for line in texts[1].splitlines() if line.startswith(("  weight", "  应为"))]
    assert len({len(line.split("[")[0].encode("gbk")) for line in labels}) == 1
    words = {"conv1d", "NAME", "watch", "def", "return", "check", "add"}
    assert left_in_english("\n".join(texts), *words) == set()
    page = Path("conv1d.md").read_text(encoding="utf-8")
    assert left_in_english(re.sub(r"```.*?```", "", page, flags=re.DOTALL)) == set()


def test_worksheets_and_grades_are_chinese(learner: Path) -> None:
    (learner / "class.csv").write_text("id,name\n1,小明\n2,李雷\n3,韩梅梅\n4,小红\n", "utf-8")
    topics = "padding,two-dimensions,channels,bias,groups,transposed,three-dimensions,sizes,shapes"
    told = shown("worksheet", "--roster", "class.csv", "--seed", "0", "--topics", topics)
    codes = re.findall(r"[a-z]{4}-[a-z]{4}", told)
    assert codes
    assert left_in_english(told, *codes[0].split("-"), "sheets", "key") == set()
    for page in ("sheets/1/worksheet-1.md", "key/1.md"):
        text = re.sub(r"```.*?```", "", Path(page).read_text(encoding="utf-8"), flags=re.DOTALL)
        assert left_in_english(text, *codes[0].split("-"), "conv", "transpose1d") == set()

    hand_in({"2": "padding_ignored", "3": "flip"})
    Path("back/answers-4.json").write_text("[]", encoding="utf-8")
    for width in WIDTHS:
        text = shown("grade", "back", "--reasons", width=width)
        assert "漏掉了填充" in text
        known = {"padding_ignored", "flip", "back", "answers", "json", *codes[0].split("-")}
        parts = {"size", "products", "output", "padded", "sums", "full", "span", "stamp", "shape"}
        assert left_in_english(text, *known, *parts, "Keras") == set()


@pytest.mark.parametrize("arguments", ERRORS, ids=" ".join)
def test_errors_are_chinese(arguments: tuple[str, ...]) -> None:
    result = run(*arguments, *CHINESE, "--width", "80")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("错误：")
    assert_fits(result.err, 80)
    names = {word for topic in TOPICS for word in topic.name.split("-")}
    words = {word for one in lesson_folders(bundled_folder()) for word in one.name.split("-")}
    assert left_in_english(result.err, *IN_ERRORS, *names, *words) == set()
