"""Grading: marks that follow through, odd answer files, whose is whose, reports and summaries."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv.classroom.asked import the_size
from stepconv.classroom.exercises import exercise
from stepconv.classroom.grading.answersheets import grade_answers
from stepconv.classroom.grading.code import grade_code
from stepconv.classroom.grading.gradebook import gradebook
from stepconv.classroom.grading.gradescope import results, write_results
from stepconv.classroom.grading.marking import mark_question
from stepconv.classroom.grading.marks import Graded, Mark, Report, halves
from stepconv.classroom.grading.summary import summarize
from stepconv.classroom.mistakes import MISTAKES, mistake
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run
from stepconv.classroom.worksheet.csvtext import safe
from stepconv.classroom.worksheet.issue import issue
from stepconv.classroom.worksheet.key import make_key
from stepconv.classroom.worksheet.notation import written
from stepconv.classroom.worksheet.parts import parts_of
from stepconv.classroom.worksheet.question import Question
from stepconv.classroom.worksheet.roster import Student
from stepconv.classroom.worksheet.worksheet import WORKED, Worksheet
from stepconv.errors import InputError
from stepconv.language import using_language

PADDED = Problem([[[2, 1, 1, 6, 1]]], [[[4, 5, 2]]], [3], {"padding": 1})
STAMPED = Problem(
    [[[3, 1, 8]]], [[[1, 2, 4]]], [10], {"transposed": True, "stride": 2, "padding": 1}
)
SIZES = Problem.of_shapes(
    (1, 1, 20), (1, 1, 3), {"padding": 2, "dilation": 3, "stride": 2}, asked=the_size
)


def question(problem: Problem, pick: int = 1) -> Question:
    return Question(1, "any", problem, parts_of(problem, pick))


def answers_of(asked: Question, run: Run | None = None) -> dict[str, Any]:
    """Return what one writes who does everything as `run` does."""
    run = run or asked.problem.run
    return {part.code: written(np.asarray(part.asked(run))) for part in asked.parts}


def marked(problem: Problem, **changes: Any) -> dict[str, Mark]:
    """Mark right answers with changes among them; None leaves a part out."""
    asked = question(problem)
    answers = {**answers_of(asked), **changes}
    given = {code: value for code, value in answers.items() if value is not None}
    return {mark.part: mark for mark in mark_question(asked, given)}


def verdicts(marks: Mapping[str, Mark]) -> dict[str, str]:
    return {code: mark.verdict for code, mark in marks.items()}


# -- marks


@pytest.mark.parametrize("problem", [PADDED, STAMPED, SIZES], ids=["padded", "stamped", "sizes"])
def test_right_answers_have_all_the_marks(problem: Problem) -> None:
    marks = marked(problem).values()
    assert {mark.verdict for mark in marks} == {"right"}
    assert [mark.marks for mark in marks] == [mark.most for mark in marks]


def test_channels_of_volumes_are_right_as_the_key_writes_them() -> None:
    values = np.arange(36).reshape(1, 2, 2, 3, 3)
    volumes = Problem(values, np.arange(32).reshape(2, 2, 2, 2, 2), [1, 2], {"padding": 1})
    assert {
        mark.verdict for mark in mark_question(question(volumes), answers_of(question(volumes)))
    } == {"right"}


@pytest.mark.parametrize("problem", [PADDED, STAMPED, SIZES], ids=["padded", "stamped", "sizes"])
def test_nothing_written_has_no_marks(problem: Problem) -> None:
    marks = mark_question(question(problem), {})
    assert {(mark.verdict, mark.marks) for mark in marks} == {("missing", 0.0)}


def test_a_wrong_padded_input_costs_its_own_marks_alone() -> None:
    asked = question(PADDED)
    run = PADDED.run.changed(input=np.array([[[0, 0, 2, 1, 1, 6, 1]]]), padding=0)
    marks = {mark.part: mark for mark in mark_question(asked, answers_of(asked, run))}
    assert marks["padded"].marks < 2
    assert {marks[code].verdict for code in ("products", "sums", "output")} == {"follows"}
    assert sum(mark.most - mark.marks for mark in marks.values()) == 2 - marks["padded"].marks


@pytest.mark.parametrize("padded", ["0 0 0", "0 0 0 0 0 0 0", "5 5 5 5 5 5 5"])
def test_nothing_follows_from_a_padded_input_that_holds_no_input(padded: str) -> None:
    value = np.array([[padded.split()]], dtype=np.int64)
    run = PADDED.run.changed(input=value, padding=0)
    answers = {**answers_of(question(PADDED, 0), run), "padded": padded}
    marks = {mark.part: mark for mark in mark_question(question(PADDED, 0), answers)}
    assert [marks[code].marks for code in ("padded", "products", "sums", "output")] == [0, 0, 0, 0]


@pytest.mark.parametrize("padded", ["0 2 1 1 6 1", "0 2 1 7 6 1 0", "0 0 2 1 1 6 1 0", "1 1 6 1 0"])
def test_a_padded_input_with_a_slip_is_worked_on_with(padded: str) -> None:
    value = np.array([[padded.split()]], dtype=np.int64)
    run = PADDED.run.changed(input=value, padding=0)
    answers = {**answers_of(question(PADDED, 0), run), "padded": padded}
    marks = {mark.part: mark for mark in mark_question(question(PADDED, 0), answers)}
    assert marks["output"].verdict == "follows"


def test_the_output_follows_from_sums_with_many_slips() -> None:
    sums = np.asarray(PADDED.run.changed(bias=None).output)
    slips = sums + np.array([1, 0, 2, -1, 3])
    marks = marked(PADDED, sums=written(slips), output=written(slips + 3))
    assert (marks["sums"].marks, marks["output"].marks) == (0, 3)


def test_nothing_follows_from_sums_of_which_none_is_right() -> None:
    run = STAMPED.run
    nothing = {"stamp": "0 0 0", "full": "0 0 0 0 0 0 0", "output": "10 10 10 10 10"}
    assert written(np.asarray(run.output)).count(" ") == 4
    marks = mark_question(question(STAMPED), nothing)
    assert sum(mark.marks for mark in marks) == 0


def test_a_mistake_made_throughout_is_paid_for_once() -> None:
    asked = question(PADDED)
    for code in ("padding_ignored", "flip"):
        wrong = mistake(code).apply(PADDED.run)
        assert wrong is not None
        marks = mark_question(asked, answers_of(asked, wrong))
        lost = [mark for mark in marks if mark.marks < mark.most]
        assert [mark.mistakes for mark in lost] == [((code,),)]
        assert {mark.verdict for mark in marks} >= {"mistake", "follows"}


def test_a_mistake_in_the_end_alone_brings_half_the_marks() -> None:
    marks = marked(PADDED, output="13 16 22 37 30")
    assert (marks["output"].verdict, marks["output"].marks) == ("partly", 1.5)
    forgotten = marked(PADDED, output=written(PADDED.run.changed(bias=None).output))
    assert forgotten["output"].mistakes == (("bias_forgotten",),)
    assert forgotten["output"].marks == 1.5


def test_a_second_mistake_is_named_by_itself() -> None:
    asked = question(PADDED)
    turned = mistake("flip").apply(PADDED.run)
    assert turned is not None
    answers = answers_of(asked, turned)
    answers["output"] = answers["sums"]
    marks = {mark.part: mark for mark in mark_question(asked, answers)}
    assert marks["output"].mistakes == (("bias_forgotten",),)
    assert "Going by what stands in" in marks["output"].reason


def test_products_and_sums_are_worked_on_with() -> None:
    wrong = marked(PADDED, products="8 5 99", sums="12 112 21 36 29", output="15 115 24 39 32")
    assert verdicts(wrong) == {
        "padded": "right",
        "size": "right",
        "products": "partly",
        "sums": "follows",
        "output": "follows",
    }
    assert wrong["output"].reason == "Right, going by what stands in products."


def test_sums_before_cropping_are_worked_on_with() -> None:
    right = answers_of(question(STAMPED))
    full = [int(number) for number in right["full"].split()]
    full[2] += 50
    output = [int(number) for number in right["output"].split()]
    output[1] += 50
    marks = marked(STAMPED, full=full, output=output)
    assert marks["full"].verdict == "partly"
    assert marks["output"].verdict == "follows"


def test_wrong_lengths_are_worked_on_with() -> None:
    marks = marked(SIZES, padded_size="22", size=(22 - 7) // 2 + 1)
    assert marks["padded_size"].mistakes
    assert marks["size"].verdict in ("right", "follows")
    marks = marked(SIZES, span=[3], size=str((24 - 3) // 2 + 1))
    assert marks["size"].verdict == "follows"


def test_what_is_written_later_tells_explanations_apart() -> None:
    problem = Problem.of_shapes((1, 1, 20), (1, 1, 4), {"padding": 2, "stride": 2}, the_size)
    alike = mark_question(question(problem), {"size": "9"})[-1]
    assert alike.verdict == "mistake"
    full = Problem([[[3, 1, 4, 1, 5, 9]]], [[[2, 7]]], options={"padding": 2, "stride": 2})
    asked = question(full)
    for one in MISTAKES:
        wrong = one.apply(full.run)
        if wrong is None or wrong.finish:
            continue
        answers = {"size": answers_of(asked, wrong)["size"]}
        answers["output"] = answers_of(asked, wrong)["output"]
        for mark in mark_question(asked, answers):
            if mark.mistakes:
                assert (one.code,) in mark.mistakes


def test_one_slip_costs_half_a_mark_and_is_pointed_at() -> None:
    mark = marked(PADDED, output="15 18 24 39 33")["output"]
    assert (mark.marks, mark.most) == (2.0, 3.0)
    assert mark.reason == "4 of 5 numbers are right; wrong: number 5."


def test_a_few_right_numbers_among_wrong_ones_bring_nothing() -> None:
    mark = marked(PADDED, output="15 0 0 0 0")["output"]
    assert (mark.marks, mark.verdict) == (0.0, "wrong")


def test_an_output_that_a_mistake_makes_one_row_is_not_read_as_rows() -> None:
    options = {"stride": (3, 2), "dilation": (2, 2), "padding": ((1, 0), (0, 1))}
    grid = Problem(np.arange(18).reshape(1, 1, 6, 3) ** 2, [[[[2], [3]]]], options=options)
    wrong = mistake("axes_swapped", "input").apply(grid.run)
    assert wrong is not None
    assert (grid.run.output_shape, wrong.output_shape) == ((1, 1, 2, 2), (1, 1, 1, 4))
    asked = question(grid)
    answers = {
        part.code: written(np.asarray(part.asked(wrong)))
        for part in asked.parts
        if part.code != "products"  # of a cell that the wrong output does not have
    }
    marks = {mark.part: mark for mark in mark_question(asked, answers)}
    assert marks["output"].verdict == "follows"
    (*_others, output) = mark_question(asked, {"output": answers["output"]})
    assert output.mistakes == (("axes_swapped",),)


def test_whole_numbers_may_be_written_as_decimals_and_in_one_row() -> None:
    problem = Problem([[[1, 2, 0], [3, 1, 4]]], [[[2, 1], [0, 3]], [[1, 4], [2, 2]]])
    asked = question(problem)
    flat = " ".join(f"{value:.1f}" for value in problem.answer.reshape(-1))
    (mark,) = (mark for mark in mark_question(asked, {"output": flat}) if mark.part == "output")
    assert mark.verdict == "right"


def test_a_question_mark_leaves_one_number_out() -> None:
    mark = marked(PADDED, output="15 ? 24 39 32")["output"]
    assert (mark.verdict, mark.marks, mark.most) == ("partly", 2.0, 3.0)
    assert mark.reason == "4 of 5 numbers are right; not answered: number 2."
    assert mark.given == "15 ? 24 39 32"
    mark = marked(PADDED, output="15 ？ 24 39 33")["output"]
    assert mark.reason == "3 of 5 numbers are right; wrong: number 5; not answered: number 2."
    assert marked(PADDED, output=[15, "?", 24, "？", 32])["output"].given == "15 ? 24 ? 32"
    for nothing in ("?", "? ? ? ? ?", ["?", "?"]):
        mark = marked(PADDED, output=nothing)["output"]
        assert (mark.verdict, mark.reason) == ("missing", "Nothing is written.")
    assert marked(PADDED, output="15 ?? 24 39 32")["output"].verdict == "unreadable"


@pytest.mark.parametrize("code", ["padded", "products", "sums"])
def test_a_number_left_out_costs_its_own_part_alone(code: str) -> None:
    right = answers_of(question(PADDED))[code]
    marks = marked(PADDED, **{code: "? " + right.split(" ", 1)[1]})
    assert marks[code].verdict in ("partly", "wrong")
    assert {mark.verdict for mark in marks.values() if mark.part != code} == {"right"}


def test_what_is_wrong_beside_a_number_left_out_is_worked_on_with() -> None:
    marks = marked(PADDED, sums="12 16 ? 36 29", output="15 19 24 39 32")
    assert marks["sums"].reason.endswith("wrong: number 2; not answered: number 3.")
    assert marks["output"].verdict == "follows"
    padded = "0 2 1 1 6 ? 1"
    run = PADDED.run.changed(input=np.array([[[0, 2, 1, 1, 6, 1, 1]]]), padding=0)
    marks = marked(PADDED, **(answers_of(question(PADDED), run) | {"padded": padded}))
    assert marks["output"].verdict == "follows"
    # Of another length nobody knows which number is left out, so nothing follows.
    marks = marked(PADDED, sums="12 ? 21 36", output="15 19 24 39 32")
    assert marks["output"].verdict == "partly"


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.one_of(st.integers(-9, 9), st.text(max_size=3), st.none()), max_size=8),
    st.lists(st.one_of(st.integers(-9, 30), st.just("?")), min_size=1, max_size=9),
    st.lists(st.sampled_from(["?", "0", "2", "15", ";", "|"]), max_size=12).map(" ".join),
    st.lists(st.lists(st.integers(-9, 99), max_size=4), max_size=4),
    st.lists(st.integers(-20, 200), min_size=1, max_size=9).map(
        lambda row: " ".join(map(str, row))
    ),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.data())
def test_no_answer_stops_the_marking(data: st.DataObject) -> None:
    asked = data.draw(st.sampled_from(EVERY_KIND))
    answers = {part.code: data.draw(JUNK, label=part.code) for part in asked.parts}
    marks = mark_question(asked, answers)
    assert [mark.part for mark in marks] == [part.code for part in asked.parts]
    assert all(0 <= mark.marks <= mark.most and mark.reason for mark in marks)


EVERY_KIND = [*Worksheet("junk", WORKED, 2, len(WORKED)).questions("x")] + [
    question(problem) for problem in (PADDED, STAMPED, SIZES)
]


@pytest.mark.parametrize("asked", EVERY_KIND, ids=lambda asked: asked.topic + str(asked.parts[0]))
def test_every_mistake_made_throughout_is_marked_without_a_crash(asked: Question) -> None:
    most = sum(part.marks for part in asked.parts)
    for one in MISTAKES:
        run = one.apply(asked.problem.run)
        if run is None or run.finish:
            continue
        try:
            answers = answers_of(asked, run)
        except (ValueError, IndexError):  # a part that the wrong run does not have
            continue
        marks = mark_question(asked, answers)
        wrong = [mark for mark in marks if mark.verdict not in ("right", "follows")]
        assert len(wrong) < len(marks), (one, marks)
        assert sum(mark.marks for mark in marks) >= most / 2


# -- answer files

SHEET = Worksheet("7", ("padding", "stride", "bias"), 1, 3)
CLASS = tuple(Student(f"00{number}", f"Student {number}") for number in range(1, 6))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    issue(make_key(SHEET, CLASS), folder / "sheets", folder / "key", lambda _problem: "")
    return folder / "key"


def filled(student: str = "001", /, **changes: Any) -> dict[str, Any]:
    """Return a student's answer file with everything right, and changes to its fields."""
    asked = SHEET.questions(student)
    answers = {str(one.number): answers_of(one) for one in asked}
    data = {
        "format": "stepconv-answers-1",
        "worksheet": SHEET.id,
        "student": student,
        "name": "x",
        "answers": answers,
    }
    return {name: value for name, value in (data | changes).items() if value is not ...}


def graded(key: Path, folder: Path, data: Any, name: str = "answers-001.json") -> Report:
    text = data if isinstance(data, str | bytes) else json.dumps(data)
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return grade_answers([path], key)


def as_csv(data: Mapping[str, Any], delimiter: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([[name, data[name], ""] for name in ("format", "worksheet", "student")])
    writer.writerow(["question", "part", "answer"])
    for number, parts in data["answers"].items():
        writer.writerows([[number, part, value] for part, value in parts.items()])
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(filled()),
        json.dumps(filled()).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(filled()).encode(),
        as_csv(filled()),
        as_csv(filled(), ";").encode("utf-16"),
        "\ufeff" + as_csv(filled(), "\t"),
        as_csv(filled()).replace("student,001", "student,1"),
    ],
    ids=["json", "json utf-16", "json mark", "csv", "csv utf-16", "csv tabs", "zeros lost"],
)
def test_answer_files_in_every_form_have_the_same_marks(
    data: str | bytes, key: Path, tmp_path: Path
) -> None:
    for name in ("answers-001.json", "answers-001.csv"):
        if name.endswith("json") == (data[:1] in ("{", b"{")) or isinstance(data, bytes):
            (one,) = graded(key, tmp_path, data, name).graded
            assert (one.student, one.total, one.notes) == ("001", one.most, ())


def test_a_row_of_answers_may_go_on_in_the_cells_beside_it_and_below(
    key: Path, tmp_path: Path
) -> None:
    text = as_csv(filled())
    for one in SHEET.questions("001"):
        answer = answers_of(one)["output"]
        if ";" in answer:
            rows = answer.split("; ")
            cells = [",".join(row.split()) for row in rows]
            plain = "\r\n".join(f"{one.number},output,{row}" for row in cells)
        else:
            plain = f"{one.number},output," + ",".join(answer.split())
        text = text.replace(f"{one.number},output,{answer}", plain)
    (one_student,) = graded(key, tmp_path, text, "answers-001.csv").graded
    assert one_student.total == one_student.most


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"format": ...}, "does not name its format"),
        ({"worksheet": ...}, "does not name its worksheet"),
        ({"student": ...}, "names no student; its name tells"),
        ({"name": ...}, None),
        ({"student": None}, "names no student"),
        ({"worksheet": 7}, "are to worksheet 7"),
    ],
)
def test_a_missing_field_is_made_up_for_where_that_is_safe(
    changes: dict[str, Any], note: str | None, key: Path, tmp_path: Path
) -> None:
    (one,) = graded(key, tmp_path, filled(**changes)).graded
    assert [note in text for text in one.notes] == ([True] if note else [])  # type: ignore[operator]  # None only where there are no notes
    assert one.total == (0 if changes == {"worksheet": 7} else one.most)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (filled(answers=...), "has no answers"),
        (filled(answers=[1, 2]), "holds no questions"),
        (filled(answers={"1": "7", "9": {}, "2": {"outputs": "1"}}), "not in the form"),
        (filled(format="stepconv-answers-2"), 'format "stepconv-answers-2"'),
        (filled(format=["x"]), "format"),
        (filled(worksheet="bcdf-ghjk"), "are to worksheet bcdf-ghjk"),
        (json.dumps(filled())[:-40], "is not JSON: line 1"),
        ("[" * 100_000, "is not an answer file"),
        ('{"a": ' * 50_000, "is not JSON"),
        ("", "is not an answer file"),
        ("{}", "does not name its format"),
        (b"\xff\xfe\x00\xd8", "not text in UTF-8"),
        (b"\x80\x81\x82\x83", "not text in UTF-8"),
        ("x" * (2**20 + 1), "at most 1048576 are read"),
        ('{"answers": 1' + "0" * 5000 + "}", "is not JSON"),
    ],
)
def test_a_malformed_file_has_no_marks_and_a_reason(
    data: Any, note: str, key: Path, tmp_path: Path
) -> None:
    report = graded(key, tmp_path, data)
    (one,) = report.graded
    assert one.total == 0
    assert note in " ".join(one.notes)
    assert report.ungraded == ()


@pytest.mark.parametrize("part", ["padded", "size", "products", "output"])
@pytest.mark.parametrize(
    "value", [..., None, "", True, {"x": 1}, "NaN", 1e999, "=1+1", [[1], [2, 3]], "9" * 50_000]
)
def test_a_part_that_is_missing_or_odd_costs_its_own_marks(
    part: str, value: Any, key: Path, tmp_path: Path
) -> None:
    data = filled()
    del data["answers"]["1"][part]
    if value is not ...:
        data["answers"]["1"][part] = value
    (one,) = graded(key, tmp_path, data).graded
    (lost,) = (mark for mark in one.marks if mark.marks < mark.most)
    assert (lost.question, lost.part, lost.marks) == ("1", part, 0.0)
    assert lost.verdict in ("missing", "unreadable")
    assert len(lost.reason) < 400


def test_ids_that_a_spreadsheet_would_compute_come_back(tmp_path: Path) -> None:
    odd = (Student("=1+1", "=2"), Student("-7", "x"))
    issue(make_key(SHEET, odd), tmp_path / "sheets", tmp_path / "key", lambda _problem: "")
    for student in odd:
        name = student.file_name
        form = (tmp_path / "sheets" / name / f"answers-{name}.csv").read_text("utf-8-sig")
        rows = csv.reader(io.StringIO(form, newline=""))
        assert not any(cell[:1] in ("=", "-") for row in rows for cell in row)
        (tmp_path / "any.csv").write_text(form.replace("1,size,", "1,size,3"), encoding="utf-8")
        (one,) = grade_answers([tmp_path / "any.csv"], tmp_path / "key").graded
        assert one.student == student.id


def test_a_file_of_junk_gives_few_notes(key: Path, tmp_path: Path) -> None:
    data = filled()
    data["answers"]["1"] |= {f"junk{number}": "1" for number in range(5000)}
    (one,) = graded(key, tmp_path, data).graded
    assert (one.total, len(one.notes)) == (one.most, 9)
    assert one.notes[-1] == "and 4992 more like these"


@given(data=st.data())
def test_no_file_stops_the_grading(data: st.DataObject, key: Path) -> None:
    text = json.dumps(filled()) if data.draw(st.booleans()) else as_csv(filled())
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 40, len(text))))
    junk = data.draw(st.binary(max_size=12))
    path = key.parent / "answers-001.json"
    path.write_bytes(text[:start].encode() + junk + text[end:].encode())
    report = grade_answers([path], key)
    assert len(report.graded) + len(report.ungraded) == 1


def test_the_answers_of_another_student_are_noticed(key: Path, tmp_path: Path) -> None:
    copied = filled("002") | {"student": "001"}
    (one,) = graded(key, tmp_path, copied).graded
    assert one.total < one.most / 2
    assert any("fit the numbers of 002" in note for note in one.all_notes)
    assert "fit the numbers of 002" in gradebook(Report("", (one,)))
    assert "002" not in json.dumps([results(one)["output"], results(one)["tests"]])
    (one,) = graded(key, tmp_path, filled("002"), "answers-001.json").graded
    assert (one.student, one.total) == ("002", one.most)
    assert one.notes == ("the file is called after 001, and names the student 002",)


def test_files_of_nobody_are_told_and_the_others_graded(key: Path, tmp_path: Path) -> None:
    (tmp_path / "answers-001.json").write_text(json.dumps(filled()))
    (tmp_path / "stranger.json").write_text(json.dumps(filled("001", student="999")))
    (tmp_path / "list.csv").write_text("a,b\n1,2\n")
    (tmp_path / "link.json").symlink_to(key / "key.json")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    report = grade_answers([tmp_path], key)
    reasons = {Path(file).name: reason for file, reason in report.ungraded}
    assert "not among those of worksheet" in reasons["stranger.json"]
    assert "symbolic link" in reasons["link.json"]
    assert "no ordinary file" in reasons["pipe.json"]
    assert set(reasons) == {"stranger.json", "list.csv", "link.json", "pipe.json"}
    assert [one.student for one in report.graded] == [student.id for student in CLASS]
    assert [one.total == one.most for one in report.graded] == [True, *[False] * 4]
    assert report.graded[1].notes == ("no answer file",)


def test_of_two_files_the_filled_one_counts_and_contradictions_do_not(
    key: Path, tmp_path: Path
) -> None:
    sheets = key.parent / "sheets"
    blank = (sheets / "001" / "answers-001.csv").read_bytes()
    (tmp_path / "answers-001.csv").write_bytes(blank)
    (tmp_path / "answers-001.json").write_text(json.dumps(filled()))
    assert grade_answers([tmp_path], key).graded[0].total == 22
    (tmp_path / "answers-001.csv").write_text(as_csv(filled()))
    assert grade_answers([tmp_path], key).graded[0].total == 22
    other = filled()
    other["answers"]["1"]["size"] = "1"
    (tmp_path / "answers-001.csv").write_text(as_csv(other))
    (one, *_rest) = grade_answers([tmp_path], key).graded
    assert one.total == 0
    assert "2 files with different answers" in one.notes[0]
    (tmp_path / "answers-001.csv").write_text("{")
    (one, *_rest) = grade_answers([tmp_path], key).graded
    assert one.total == 22
    assert "answers-001.csv" in one.notes[0]


def test_empty_forms_are_not_handed_in(key: Path) -> None:
    report = grade_answers([key.parent / "sheets"], key)
    assert {(one.file, one.notes) for one in report.graded} == {("", ("the answer file is empty",))}
    assert summarize(report).handed_in == 0


def test_names_that_a_learning_platform_gives_are_understood(key: Path, tmp_path: Path) -> None:
    for name in ("Doe_123_answers-001.json", "answers-001 (1).json", "answers-001-2.json"):
        report = graded(key, tmp_path, "{", name)
        assert [one.student for one in report.graded] == ["001"], name


def test_grading_again_and_in_several_processes_gives_the_same(tmp_path: Path) -> None:
    sheet = Worksheet("3", ("valid", "sizes"), 1, 2)
    many = tuple(Student(str(number)) for number in range(101))
    issue(make_key(sheet, many), tmp_path / "sheets", tmp_path / "key", lambda _problem: "")
    for student in many[:30]:
        form = tmp_path / "sheets" / student.id / f"answers-{student.id}.json"
        data = json.loads(form.read_text("utf-8"))
        for one in sheet.questions(student.id):
            data["answers"][str(one.number)] = answers_of(one)
        form.write_text(json.dumps(data), encoding="utf-8")
    with using_language("en"):
        reports = [grade_answers([tmp_path / "sheets"], tmp_path / "key", jobs=n) for n in (1, 2)]
    texts = [json.dumps(report.to_json()) for report in reports]
    assert texts[0] == texts[1]
    assert gradebook(reports[0]) == gradebook(reports[1])
    assert [one.total for one in reports[0].graded] == [one.most for one in reports[0].graded][
        :30
    ] + [0] * 71


# -- reports


def made_up(*rows: tuple[str, list[float]], **changes: Any) -> Report:
    graded = tuple(
        Graded(
            student,
            f"Name {student}",
            "file",
            tuple(
                Mark(
                    str(k), "output", "output", marks, 4.0, "right" if marks == 4 else "wrong", "x"
                )
                for k, marks in enumerate(several, start=1)
            ),
        )
        for student, several in rows
    )
    return replace(Report("sheet", graded), **changes)


def test_no_cell_of_a_gradebook_is_a_formula() -> None:
    for text in (
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "＝1",
        "=cmd|' /C calc'!A0",
    ):
        assert safe(text).startswith("'")
    report = made_up(("=HYPERLINK(1)", [4.0]), ("-7", [2.5]))
    rows = list(csv.reader(io.StringIO(gradebook(report).lstrip("\ufeff"))))
    assert [row[0] for row in rows[1:]] == ["'=HYPERLINK(1)", "'-7"]
    assert rows[2][2:5] == ["2.5", "4", "2.5"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_the_gradebook_tells_reasons_and_mistakes(key: Path, tmp_path: Path) -> None:
    data = filled("005")
    wrong = mistake("padding_ignored").apply(SHEET.questions("005")[0].problem.run)
    data["answers"]["1"] = answers_of(SHEET.questions("005")[0], wrong)
    del data["answers"]["2"]
    report = graded(key, tmp_path, data, "answers-005.json")
    (row,) = csv.DictReader(io.StringIO(gradebook(report).lstrip("\ufeff")))
    assert row["student"] == "005"
    assert row["mistakes"] == "padding_ignored"
    assert "1 padded" in row["reasons"]
    assert row["reasons"].endswith("nothing written: 2 size, 2 products, 2 output")


def test_discrimination_is_the_correlation_with_the_rest() -> None:
    report = made_up(("a", [4, 4, 0]), ("b", [3, 2, 4]), ("c", [0, 1, 1]), ("d", [1, 0, 2]))
    summary = summarize(report)
    own, rest = [4, 3, 0, 1], [4, 6, 2, 2]
    expected = np.corrcoef(own, rest)[0, 1]
    assert summary.items[0].discrimination == pytest.approx(expected, abs=5e-4)
    assert summary.telling == "1"
    assert (summary.mean, summary.handed_in) == (5.5, 4)


def test_sheets_with_more_to_earn_count_with_all_of_it() -> None:
    short, long = made_up(("a", [4])), made_up(("b", [4, 2]))
    both = summarize(Report("x", (*short.graded, *long.graded)))
    assert (both.mean, both.most) == (5, (4 + 8) / 2)


def test_no_discrimination_where_it_is_not_defined() -> None:
    assert summarize(made_up(("a", [4, 1]), ("b", [3, 2]))).items[0].discrimination is None
    alike = summarize(made_up(("a", [4, 1]), ("b", [4, 2]), ("c", [4, 3])))
    assert [item.discrimination for item in alike.items] == [None, None]
    assert alike.telling == ""
    assert summarize(Report("x", ())).items == ()


def test_a_student_counts_once_for_a_mistake() -> None:
    report = made_up(("a", [2, 2, 4]), ("b", [2, 4, 4]))
    wrong = tuple(
        replace(
            one,
            marks=tuple(
                replace(mark, mistakes=(("flip",),)) if mark.marks < 4 else mark
                for mark in one.marks
            ),
        )
        for one in report.graded
    )
    assert summarize(replace(report, graded=wrong)).mistakes == (((("flip",),), 2),)


def test_results_have_the_fields_that_gradescope_documents(tmp_path: Path) -> None:
    report = made_up(("a/b", [4, 1.5]), ("c", [0, 0]))
    data = results(report.graded[0])
    assert set(data) <= {
        "score", "execution_time", "output", "output_format", "test_output_format",
        "test_name_format", "visibility", "stdout_visibility", "extra_data", "tests", "leaderboard",
    }  # fmt: skip
    assert data["score"] == 5.5
    assert [(test["number"], test["score"], test["max_score"]) for test in data["tests"]] == [
        ("1.1", 4, 4),
        ("2.1", 1.5, 4),
    ]
    assert {test["status"] for test in data["tests"]} == {"passed", "failed"}
    for test in data["tests"]:
        assert set(test) <= {
            "score", "max_score", "status", "name", "name_format", "number", "output",
            "output_format", "tags", "visibility", "extra_data",
        }  # fmt: skip
    assert write_results(report, tmp_path / "out") == 2
    assert len(list((tmp_path / "out").iterdir())) == 2
    with pytest.raises(InputError, match="2 students are graded; name a folder"):
        write_results(report, tmp_path / "results.json")
    alone = replace(report, graded=report.graded[:1])
    assert write_results(alone, tmp_path / "results.json") == 1
    assert json.loads((tmp_path / "results.json").read_text("utf-8")) == data


@pytest.mark.parametrize(("marks", "down"), [(1.5, 1.5), (1.99, 1.5), (2.0, 2.0), (0.3, 0.0)])
def test_marks_are_rounded_down_to_halves(marks: float, down: float) -> None:
    assert halves(marks) == down


# -- code


def test_code_is_graded_case_by_case_and_one_broken_file_stops_nobody(tmp_path: Path) -> None:
    first = exercise("conv1d")
    right = (first.folder / "solution.py").read_text("utf-8")
    (tmp_path / "ada.py").write_text(right, encoding="utf-8")
    (tmp_path / "bob.py").write_text("def conv1d(:\n", encoding="utf-8")
    (tmp_path / "李 伟").mkdir()
    (tmp_path / "李 伟" / "conv1d.py").write_text(right, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "eve.py").symlink_to(first.folder / "solution.py")
    told: list[tuple[int, int]] = []
    report = grade_code([tmp_path], first, jobs=2, told=lambda done, all: told.append((done, all)))
    by_name = {one.student: one for one in report.graded}
    assert sorted(by_name) == ["ada", "bob", "empty", "eve", "李 伟"]
    assert by_name["ada"].total == by_name["ada"].most == by_name["李 伟"].total
    assert [by_name[name].total for name in ("bob", "empty", "eve")] == [0, 0, 0]
    assert all(by_name[name].notes for name in ("bob", "empty", "eve"))
    assert told[-1] == (5, 5)
    assert len({one.most for one in report.graded}) == 1


def test_code_with_a_known_mistake_is_told_which(tmp_path: Path) -> None:
    first = exercise("conv1d")
    path = tmp_path / "flipped.py"
    path.write_text(
        "import numpy as np\n"
        "def conv1d(input, weight):\n"
        "    return np.convolve(np.asarray(input).reshape(-1), np.asarray(weight).reshape(-1),"
        " 'valid')\n",
        encoding="utf-8",
    )
    (one,) = grade_code([path], first).graded
    assert one.total < one.most
    assert any(("flip",) in mark.mistakes for mark in one.marks)
    with pytest.raises(InputError, match="is missing"):
        grade_code([tmp_path / "nowhere"], first)


def failed_cases(*reasons: str) -> Graded:
    """Return marks for cases, one for each reason; "" is right."""
    marks = (
        Mark(str(k), "", f"case {k}", float(not why), 1.0, "unreadable" if why else "right", why)
        for k, why in enumerate(reasons, start=1)
    )
    return Graded("7", "Ada", "ada.py", tuple(marks))


def test_cases_that_fail_for_one_reason_are_told_together() -> None:
    def told(*reasons: str) -> list[tuple[str, float, str]]:
        return [(one.label, one.most, why) for one, why in failed_cases(*reasons).reasons]

    assert told(*["no"] * 7) == [("case 1", 1, "no"), ("cases 2-7", 6, "As in case 1.")]
    assert told("", "no", "", "no") == [("case 2", 1, "no"), ("case 4", 1, "As in case 2.")]
    assert told("no", "late", "no", "late", "no", "late", "late", "late", "") == [
        ("case 1", 1, "no"),
        ("cases 3, 5", 2, "As in case 1."),
        ("case 2", 1, "late"),
        ("cases 4, 6-8", 4, "As in case 2."),
    ]
    everything = gradebook(Report("conv1d", (failed_cases(*["no"] * 7),)))
    assert "case 1 0/1: no | cases 2-7 0/6: As in case 1." in everything


def test_a_file_that_cannot_be_read_is_one_reason_for_all_cases(tmp_path: Path) -> None:
    path = tmp_path / "ada.py"
    path.write_text("def conv1d(input, weight)\n")
    (one,) = grade_code([path], exercise("conv1d")).graded
    assert len(one.marks) == 8
    assert [mark.label for mark, _reason in one.reasons] == ["case 1", "cases 2-8"]
    with using_language("zh"):
        assert [mark.label for mark, _reason in one.reasons][1] == "用例 2-8"
