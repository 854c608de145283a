"""Worksheets: the class list, each student's numbers, the sheets, the key, the folders."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run
from stepconv.classroom.worksheet.answersheet import csv_form, json_form
from stepconv.classroom.worksheet.blanks import blanks
from stepconv.classroom.worksheet.given import grids, kernels, layer_text
from stepconv.classroom.worksheet.issue import check_folders, issue
from stepconv.classroom.worksheet.key import Key, make_key, read_key
from stepconv.classroom.worksheet.markdown import markdown
from stepconv.classroom.worksheet.notation import MOST_NUMBERS, read_answer, written
from stepconv.classroom.worksheet.page import Beside, Grid, Heading, Listing, Paragraph
from stepconv.classroom.worksheet.parts import SIZES, parts_of
from stepconv.classroom.worksheet.question import Question
from stepconv.classroom.worksheet.roster import Student, read_roster
from stepconv.classroom.worksheet.sheet import key_page, sheet_page
from stepconv.classroom.worksheet.webpage import html
from stepconv.classroom.worksheet.worksheet import (
    WORKED,
    Worksheet,
    drawn_seed,
    guessable,
    topics_of,
)
from stepconv.errors import InputError
from stepconv.language import using_language
from stepconv.views.classroom.keytable import worked
from tests import snapshot

SHEET = Worksheet("7", ("padding", "stride", "bias", "transposed"))
LI, ADA = Student("7", "Li Wei"), Student("8", "Ada *Lovelace* <b>")


def roster(folder: Path, data: str | bytes) -> Path:
    path = folder / "class.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refused(folder: Path, data: str | bytes) -> str:
    with pytest.raises(InputError) as error:
        read_roster(roster(folder, data))
    return str(error.value)


# -- the class list


@pytest.mark.parametrize(
    "data",
    [
        "id,name\n1,Ada\n2,李伟\n",
        b"\xef\xbb\xbf" + "id,name\r\n1,Ada\r\n2,李伟\r\n".encode(),
        "id,name\n1,Ada\n2,李伟\n".encode("utf-16"),
        "id,name\n1,Ada\n2,李伟\n".encode("utf-16-le"),
        "学号,姓名\n1,Ada\n2,李伟\n".encode("gb18030"),
        'sep=;\n"Name";"Student ID"\n"Ada";1\n"李伟";2\n',
        "name\tid\textra\nAda\t 1 \tx\n\n李伟\t2\n",
        "ID, Full Name\n1,Ada\n2,李伟\n,\n",
    ],
    ids=["plain", "mark", "utf-16", "utf-16 bare", "gbk", "semicolons", "tabs", "blanks"],
)
def test_class_lists_as_spreadsheets_write_them_are_read(data: str | bytes, tmp_path: Path) -> None:
    assert read_roster(roster(tmp_path, data)) == (Student("1", "Ada"), Student("2", "李伟"))


def test_names_may_hold_quotes_and_occur_twice(tmp_path: Path) -> None:
    text = 'id,name\n1,"O\'Hara, ""Sean"""\n2,Li Wei\n3,Li Wei\n4\n'
    names = [student.name for student in read_roster(roster(tmp_path, text))]
    assert names == ['O\'Hara, "Sean"', "Li Wei", "Li Wei", ""]


def test_what_is_wrong_with_a_class_list_is_said_with_its_line(tmp_path: Path) -> None:
    assert "line 4: the id is empty" in refused(tmp_path, "id,name\n1,A\n2,B\n,C\n")
    assert 'line 3: the id "1" is on line 2 already' in refused(tmp_path, "id\n1\n 1 \n")
    assert "no column id; it has number one" in refused(tmp_path, "number one,x\n")
    assert "is empty" in refused(tmp_path, "\n\n")
    assert "no student" in refused(tmp_path, "id,name\n")
    assert "101 characters" in refused(tmp_path, "id\n" + "x" * 101)
    assert "cannot be printed" in refused(tmp_path, "id\na\x07b\n")
    assert "not text in UTF-8" in refused(tmp_path, b"id,name\n1,J\xe9r\xf4me\n")
    assert "5001 students" in refused(tmp_path, "id\n" + "\n".join(map(str, range(5001))))


def test_missing_folder_and_device_are_no_class_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_roster(tmp_path / "missing.csv")
    with pytest.raises(InputError, match="no ordinary file"):
        read_roster(tmp_path)
    link = tmp_path / "link.csv"
    link.symlink_to(roster(tmp_path, "id\n1\n"))
    with pytest.raises(InputError, match="symbolic link"):
        read_roster(link)


@given(st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=8, unique=True))
def test_file_names_are_safe_and_tell_ids_apart(ids: list[str]) -> None:
    names = [Student(id).file_name for id in ids]
    assert len({name.lower() for name in names}) == len(ids)
    for name in names:
        assert re.fullmatch(r"[\w-]{1,60}", name)
        assert not name.startswith((".", "-"))


@pytest.mark.parametrize("id", ["../x", "/etc/passwd", "con", "COM1", ".", "..", "a b", "A", "李"])
def test_ids_like_paths_or_devices_give_other_names(id: str) -> None:
    name = Student(id).file_name
    assert name.lower() != id.lower()
    assert not set(name) & set("/\\. ")


# -- the questions


def test_the_same_seed_gives_the_same_questions() -> None:
    assert SHEET.id == "tvph-hthm"  # on every machine
    again = Worksheet("7", SHEET.topics).questions("7")
    for one, other in zip(SHEET.questions("7"), again, strict=True):
        assert one.parts == other.parts
        assert np.array_equal(one.problem.run.input, other.problem.run.input)


def test_other_students_and_other_seeds_have_other_numbers() -> None:
    several = [
        [question.problem.run.input.tolist() for question in sheet.questions(student)]
        for sheet in (SHEET, Worksheet("8", SHEET.topics))
        for student in ("7", "8")
    ]
    assert all(one != other for k, one in enumerate(several) for other in several[:k])
    assert SHEET.id != Worksheet("8", SHEET.topics).id


@pytest.mark.parametrize("topic", WORKED)
@pytest.mark.parametrize("level", [1, 3])
def test_every_topic_gives_a_sheet_and_a_key(topic: str, level: int) -> None:
    sheet = Worksheet("1", (topic,), level, 1)
    questions = sheet.questions("7")
    page = markdown(sheet_page(sheet.id, LI, questions))
    assert "## Question 1" in page
    for part in questions[0].parts:
        assert f"[{part.code}: {part.marks:g}]" in page.replace("\\", "")
    solved = markdown(key_page(sheet.id, LI, questions, worked))
    for part in questions[0].parts:
        answer = written(np.asarray(part.asked(questions[0].problem.run)))
        assert f"In the answer file: {answer}" in solved.replace("\\", "")


def test_what_cannot_be_a_worksheet_is_refused() -> None:
    for topics, level, count, reason in [
        (("pading",), 1, 1, "no topic"),
        (("find-padding",), 1, 1, "no topic"),
        ((), 1, 1, "no topic is named"),
        (("padding",), 4, 1, "level 4"),
        (("padding",), 1, 0, "0 questions"),
        (("padding",), 1, 21, "21 questions"),
    ]:
        with pytest.raises(InputError, match=reason):
            Worksheet("7", topics, level, count)


def test_topics_may_be_written_with_chinese_commas() -> None:
    assert topics_of(" Padding，stride、bias,, ") == ("padding", "stride", "bias")


def test_drawn_seeds_cannot_be_guessed() -> None:
    assert len({drawn_seed() for _ in range(20)}) == 20
    assert not guessable(drawn_seed())
    assert guessable("2026")
    assert guessable("aaaaaaaaaaaaaaaa")


# -- the page


PROBLEMS = (
    Problem([[[2, 1, 1, 6, 1]]], [[[4, 5, 2]]], options={"padding": 1}),
    Problem([[[1, 2, 0], [3, 1, 4]]], [[[2, 1], [0, 3]], [[1, 4], [2, 2]]], [5, 7], {"stride": 1}),
    Problem([[[[1, 2, 3], [4, 0, 6], [7, 8, 2]]]], [[[[1, 0], [2, 3]]]]),
    Problem([[[3, 0, 8]]], [[[1, 2, 4]]], options={"transposed": True, "stride": 2, "padding": 1}),
    Problem.of_shapes((4, 8, 27), (16, 8, 2), {"padding": 1, "dilation": 2}),
)
QUESTIONS = tuple(
    Question(number, "any", problem, parts_of(problem, 1))
    for number, problem in enumerate(PROBLEMS, start=1)
)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sheet(language: str) -> None:
    with using_language(language):
        text = markdown(sheet_page("bcdf-ghjk", LI, QUESTIONS))
    snapshot.check(f"worksheet-{language}", text)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_key(language: str) -> None:
    with using_language(language):
        text = markdown(key_page("bcdf-ghjk", LI, QUESTIONS, worked))
    snapshot.check(f"worksheet-key-{language}", text)


def test_the_sheet_in_chinese_asks_the_same_of_the_same_numbers() -> None:
    english = list(sheet_page(SHEET.id, LI, QUESTIONS))
    with using_language("zh"):
        chinese = list(sheet_page(SHEET.id, LI, QUESTIONS))
    assert [type(block) for block in chinese] == [type(block) for block in english]
    for one, other in zip(english, chinese, strict=True):
        assert _rows(one) == _rows(other)


def _rows(block: object) -> list[tuple[tuple[str, ...], ...]]:
    found = block.grids if isinstance(block, Beside) else (block,)
    return [grid.rows for grid in found if isinstance(grid, Grid)]


def test_a_sheet_holds_no_answer_and_no_seed() -> None:
    sheet = Worksheet("a seed nobody knows", ("padding", "channels", "bias"))
    questions = sheet.questions("7")
    page = markdown(sheet_page(sheet.id, LI, questions))
    forms = json_form(sheet.id, LI, questions), csv_form(sheet.id, LI, questions)
    for text in (page, *forms):
        assert sheet.seed not in text
    tables = [grid for block in sheet_page(sheet.id, LI, questions) for grid in _rows(block)]
    for question in questions:
        output = np.asarray(question.problem.run.output)
        for row in output.reshape(-1, output.shape[-1]):
            cells = tuple(f"{value:g}" for value in row)
            assert all(cells != written_row for table in tables for written_row in table)


def test_empty_tables_do_not_tell_the_size_of_an_answer() -> None:
    for topic in WORKED:
        (question,) = Worksheet("3", (topic,), 2, 1).questions("x")
        for part in question.parts:
            if part.code not in ("output", "full", "padded"):
                continue
            size = np.asarray(part.asked(question.problem.run)).shape[-1]
            for block in blanks(question.problem.run, part):
                assert all(len(rows[0]) > size for rows in _rows(block))


def test_empty_tables_of_a_volume_tell_their_depth() -> None:
    volume = Problem(np.ones((1, 1, 3, 2, 2)), np.ones((1, 1, 2, 2, 1)), options={"padding": 1})
    for part in parts_of(volume, 0):
        titles = [
            grid.title
            for block in blanks(volume.run, part)
            for grid in (block.grids if isinstance(block, Beside) else ())
        ]
        wanted = [f"{part.title}, depth {number + 1}" for number in range(len(titles))]
        assert titles == wanted
        assert titles or part.code in SIZES


def test_arrays_are_titled_by_channel_and_depth() -> None:
    planes = grids(np.arange(8).reshape(1, 2, 2, 1, 2), 3, "input", "channel {number}")
    assert [grid.title for grid in planes] == [
        "input, channel 1, depth 1",
        "input, channel 1, depth 2",
        "input, channel 2, depth 1",
        "input, channel 2, depth 2",
    ]
    run = Run(np.ones((1, 4, 3)), np.ones((2, 2, 2)), options={"groups": 2})
    assert [grid.labels for grid in kernels(run)] == [
        ("input channel 1", "input channel 2"),
        ("input channel 3", "input channel 4"),
    ]


def test_a_layer_is_described_by_what_matters() -> None:
    run = Run(
        np.ones((1, 1, 5, 5)),
        np.ones((1, 1, 2, 2)),
        options={"stride": (2, 1), "padding": (1, 1), "padding_mode": "reflect", "dilation": 1},
    )
    assert layer_text(run) == "conv2d: stride (2, 1), padding 1, padding_mode reflect"


# -- Markdown and HTML


class Outline(HTMLParser):
    """Tags opened and closed, and what they hold."""

    VOID = ("meta",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_printed_sheet_is_closed_html_without_scripts_or_addresses() -> None:
    with using_language("zh"):
        text = html(sheet_page(SHEET.id, ADA, SHEET.questions("8")), "a <title>", "zh")
    outline = Outline(text)
    assert outline.open == []
    tags = {tag for tag, _attributes in outline.seen}
    assert not tags & {"script", "link", "img", "iframe", "object", "b"}
    assert all("src" not in found and "href" not in found for _tag, found in outline.seen)
    assert not re.search(r"https?:|url\(|@import", text)
    assert ("html", {"lang": "zh-CN"}) in outline.seen
    assert any("Ada *Lovelace* <b>" in data for data in outline.text)
    assert "@page" in text
    assert "break-inside: avoid" in text


def test_rows_of_a_printed_table_are_alike_in_length() -> None:
    text = html(sheet_page(SHEET.id, LI, SHEET.questions("7")), "x", "en")
    for table in re.findall(r"<table.*?</table>", text):
        rows = re.findall(r"<tr>(.*?)</tr>", table)
        assert len({len(re.findall(r"<t[dh]", row)) for row in rows}) == 1


def test_names_do_not_change_the_markup_of_a_sheet() -> None:
    text = markdown([Heading("a | b", 1), Paragraph("*x* <b> `y` [z](u) # 1"), Listing("```\nx")])
    assert text.startswith("# a \\| b\n\n\\*x\\* \\<b\\> \\`y\\` \\[z\\](u) \\# 1\n\n````text\n```")


# -- how answers are written


@given(
    st.lists(st.integers(-999, 999), min_size=12, max_size=12),
    st.sampled_from([(12,), (3, 4), (2, 3, 2), (1, 1, 12), (1, 3, 4), (1, 2, 3, 2)]),
)
def test_written_answers_are_read_back(numbers: list[int], shape: tuple[int, ...]) -> None:
    array = np.reshape(numbers, shape)
    again = read_answer(written(array))
    assert again is not None
    bare = tuple(size for size in shape if size > 1)
    assert again.shape == bare
    assert np.array_equal(again.reshape(-1), numbers)


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ("1 2 3", [1, 2, 3]),
        ("1,2,3", [1, 2, 3]),
        (" [1, -2.0, 3] ", [1, -2, 3]),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("1 2;3 4;", [[1, 2], [3, 4]]),
        ("1 2\n3 4\n", [[1, 2], [3, 4]]),
        ("１，２、−３；４ ５ ６", [[1, 2, -3], [4, 5, 6]]),
        ("1 2; 3 4 | 5 6; 7 8", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
        ("(3, 32, 63)", [3, 32, 63]),
        (7, [7]),
        (2.5, [2.5]),
        (["1", 2, 3.0], [1, 2, 3]),
        ([[1, 2], ["3", "4"]], [[1, 2], [3, 4]]),
    ],
)
def test_answers_may_be_written_in_many_ways(given: object, numbers: list[object]) -> None:
    answer = read_answer(given)
    assert answer is not None
    assert answer.tolist() == numbers


@pytest.mark.parametrize("given", ["", "  ", None, [], ";", "|", "[]"])
def test_an_empty_answer_is_none(given: object) -> None:
    assert read_answer(given) is None


@pytest.mark.parametrize(
    "given",
    [
        "one two",
        "NaN",
        "inf",
        float("nan"),
        float("inf"),
        1e300,
        10**400,
        True,
        [True],
        {"a": 1},
        [None, 1],
        [[1, 2], [3]],
        "1 2; 3",
        "1e5",
        "9" * 16,
        "1 " * (MOST_NUMBERS + 1),
        "1" * 50_000,
        [[[[[[[[1]]]]]]]],
        "\x00",
        "=1+1",
    ],
    ids=lambda given: f"{type(given).__name__} {str(given)[:12]!r}",
)
def test_what_is_no_answer_is_refused_with_a_reason(given: object) -> None:
    with pytest.raises(InputError) as error:
        read_answer(given)
    assert 10 < len(str(error.value)) < 300


# -- the folders


def issued(folder: Path, sheet: Worksheet = SHEET, *students: Student) -> Key:
    key = make_key(sheet, students or (LI, ADA))
    check_folders(folder / "sheets", folder / "key", sheet.id, force=False)
    issue(key, folder / "sheets", folder / "key", worked)
    return key


def test_each_student_has_a_folder_and_the_key_lies_elsewhere(tmp_path: Path) -> None:
    issued(tmp_path)
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert names == [
        "key/7.html",
        "key/7.md",
        "key/8.html",
        "key/8.md",
        "key/key.json",
        "sheets/7/answers-7.csv",
        "sheets/7/answers-7.json",
        "sheets/7/worksheet-7.html",
        "sheets/7/worksheet-7.md",
        "sheets/8/answers-8.csv",
        "sheets/8/answers-8.json",
        "sheets/8/worksheet-8.html",
        "sheets/8/worksheet-8.md",
        "sheets/worksheet.json",
    ]
    if os.name == "posix":
        assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_the_key_read_again_asks_the_same(tmp_path: Path) -> None:
    sheet = Worksheet("5", WORKED, 3, len(WORKED))
    key = issued(tmp_path, sheet, LI)
    again = read_key(tmp_path / "key")
    assert again.to_json() == key.to_json()
    for one, other in zip(sheet.questions("7"), again.questions("7"), strict=True):
        assert one.parts == other.parts
        for part in one.parts:
            first, second = (np.asarray(part.asked(each.problem.run)) for each in (one, other))
            assert np.array_equal(first, second)


def test_the_answer_forms_name_worksheet_student_and_parts() -> None:
    questions = SHEET.questions("7")
    data = json.loads(json_form(SHEET.id, LI, questions))
    assert (data["worksheet"], data["student"]) == (SHEET.id, "7")
    assert all(value == "" for parts in data["answers"].values() for value in parts.values())
    rows = list(csv.reader(io.StringIO(csv_form(SHEET.id, LI, questions).lstrip("\ufeff"))))
    asked = [[number, part] for number, parts in data["answers"].items() for part in parts]
    assert [row[:2] for row in rows[4:]] == asked


def test_writing_again_adds_students_and_keeps_answers_that_are_filled_in(tmp_path: Path) -> None:
    issued(tmp_path, SHEET, LI)
    filled = tmp_path / "sheets" / "7" / "answers-7.json"
    filled.write_text("mine", encoding="utf-8")
    key = make_key(SHEET, (LI, ADA))
    check_folders(tmp_path / "sheets", tmp_path / "key", SHEET.id, force=False)
    result = issue(key, tmp_path / "sheets", tmp_path / "key", worked)
    assert result.kept == (str(filled),)
    assert result.others == ()
    alone = issue(make_key(SHEET, (LI,)), tmp_path / "sheets", tmp_path / "key", worked)
    assert alone.others == (str(tmp_path / "sheets" / "8"),)
    assert filled.read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "sheets" / "8" / "answers-8.json").exists()


def test_the_sheets_of_another_seed_are_not_written_over(tmp_path: Path) -> None:
    issued(tmp_path)
    other = Worksheet("8", SHEET.topics)
    with pytest.raises(InputError, match="another seed"):
        check_folders(tmp_path / "sheets", tmp_path / "key", other.id, force=False)
    check_folders(tmp_path / "sheets", tmp_path / "key", other.id, force=True)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="not of a worksheet"):
        check_folders(tmp_path / "sheets", tmp_path / "key", SHEET.id, force=False)
    with pytest.raises(InputError, match="no folder"):
        check_folders(tmp_path / "sheets" / "thesis.tex", tmp_path / "key", "x", force=True)


@pytest.mark.parametrize("key", ["sheets", "sheets/key", "sheets/../sheets/a/key", ".", "link"])
def test_the_key_never_lies_with_the_sheets(key: str, tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "sheets")
    with pytest.raises(InputError, match="inside the other"):
        check_folders(tmp_path / "sheets", tmp_path / key, SHEET.id, force=True)


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path) -> None:
    def fails(_problem: object) -> str:
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        issue(make_key(SHEET, (LI,)), tmp_path / "sheets", tmp_path / "key", fails)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "other"}',
        "x" * 10,
        "[" * 100_000,
        '{"format": 1, "students": 3}',
    ],
)
def test_a_damaged_key_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(text)
    with pytest.raises(InputError, match="no key of this version"):
        read_key(tmp_path)
    with pytest.raises(InputError, match="is missing"):
        read_key(tmp_path / "nowhere")


def test_a_damaged_question_of_the_key_is_refused(tmp_path: Path) -> None:
    text = issued(tmp_path).to_json()
    (tmp_path / "key" / "key.json").write_text(text.replace('"input":', '"inputs":'))
    with pytest.raises(InputError, match="question 1 of the key is damaged"):
        read_key(tmp_path / "key").questions("7")
