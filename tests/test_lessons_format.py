"""Prose, expressions, scenes, questions and answers of lessons."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv.classroom.answers import KINDS, canonical, read_answer, same
from stepconv.classroom.run import Run
from stepconv.documents import Section
from stepconv.errors import InputError
from stepconv.language import using_language
from stepconv.lessons.equation_checks import false_equations
from stepconv.lessons.expressions import Expression, Scope
from stepconv.lessons.filling import filler
from stepconv.lessons.format import (
    Block,
    Code,
    Heading,
    Items,
    PageBreak,
    Paragraph,
    QuestionMarker,
    SceneMarker,
    Span,
    Table,
    plain,
)
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.loader import load_lesson
from stepconv.lessons.names import OF_NUMBERS, OF_SIZES, RunNames
from stepconv.lessons.prose import parse
from stepconv.lessons.scene_reader import read_scene
from stepconv.lessons.scenes import (
    ConvolutionScene,
    ProgramScene,
    Scene,
    SizesScene,
    StackScene,
)
from stepconv.lessons.shelf import Head, lesson_folders, read_head, shelf
from stepconv.lessons.written import written
from stepconv.record import trace
from tests.commands import ROOT
from tests.helpers import DATA

SMALL = DATA / "lessons" / "01-small"


def blocks(text: str) -> tuple[Block, ...]:
    found, problems = parse(text, "en.md")
    assert problems == []
    return found


def refusal(text: str) -> str:
    found, problems = parse(text, "en.md")
    assert found == ()
    return str(problems[0])


def scene(**table: Any) -> Scene:
    return read_scene("one", Section(table, "lesson.toml", "scenes.one"))


def convolution(**table: Any) -> ConvolutionScene:
    found = scene(**table)
    assert isinstance(found, ConvolutionScene)
    return found


@pytest.fixture(scope="module")
def small() -> Lesson:
    return load_lesson(SMALL)


# -- prose -------------------------------------------------------------------------------------


def test_every_kind_of_block_is_read() -> None:
    text = """# One

A line
and its end.

- a
- b
  and more

3. c
4. d

```python
x = {1: "a"}

y
```

| a | b |
|---|--:|
| 1 | `x|y` |

---
::: scene valid step=3 view=matrix
::: question how-many
"""
    found = blocks(text)
    assert found[0] == Heading(1, 1, (Span("One"),))
    assert found[1] == Paragraph(3, (Span("A line and its end."),))
    assert found[2] == Items(6, ((Span("a"),), (Span("b and more"),)))
    assert found[3] == Items(10, ((Span("c"),), (Span("d"),)), 3)
    assert found[4] == Code(13, 'x = {1: "a"}\n\ny', "python")
    cells = ((Span("1"),), (Span("x|y", "code"),))
    assert found[5] == Table(19, ((Span("a"),), (Span("b"),)), (cells,), "<>")
    assert found[6:] == (
        PageBreak(23),
        SceneMarker(24, "valid", "matrix", 3),
        QuestionMarker(25, "how-many"),
    )


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("a **b** *c* `d`", [("a ", "text"), ("b", "bold"), (" ", "text"), ("c", "em"),
                             (" ", "text"), ("d", "code")]),
        ("2 * 3 * 4", [("2 * 3 * 4", "text")]),
        ("{{ 2 * a * b }} and *{{ a * b }}*", [("{{ 2 * a * b }} and ", "text"),
                                              ("{{ a * b }}", "em")]),
        (r"\*a\* and \`", [("*a* and `", "text")]),
        ("**总和**是", [("总和", "bold"), ("是", "text")]),
        ("a < b and c > d, x[0](1)"[:16], [("a < b and c > d,", "text")]),
    ],
)  # fmt: skip
def test_marks_within_a_line(text: str, spans: list[tuple[str, str]]) -> None:
    [paragraph] = blocks(text)
    assert isinstance(paragraph, Paragraph)
    assert [(span.text, span.kind) for span in paragraph.text] == spans


def test_chinese_lines_are_joined_without_a_blank() -> None:
    [paragraph] = blocks("卷积核\n移动，\nConv1d\n也是。")
    assert isinstance(paragraph, Paragraph)
    assert plain(paragraph.text) == "卷积核移动，Conv1d 也是。"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("### three", "line 1: a heading is # or ##"),
        ("#none", "a heading is # or ##"),
        ("> quoted", "begins with blanks or >"),
        ("  indented", "begins with blanks or >"),
        ("- a\n  - b", "line 2: a list within a list"),
        ("- a\n1. b", "line 2: a list has bullets or numbers"),
        ("```\ncode", "line 1: the code that begins here"),
        ("| a |\n| b |", "line 1: a table is a header"),
        ("| a | b |\n|---|---|\n| 1 |", "line 3: this row has 1 cells and the header 2"),
        ("::: scene", "a marker is"),
        ("::: picture x", "a marker is"),
        ("::: question x y", "y: a question's marker has nothing"),
        ("::: scene x step=0", '"step=0" is not understood'),
        ("::: scene x stp=1", "did you mean step=?"),
        ("see [this](http://x)", "no links"),
        ("![this](x.png)", "no links"),
        ("a <br> b", "no links"),
        ("a **b", "no links"),
        ("{{ a", "one of the two is missing"),
        ("a }}", "one of the two is missing"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(text: str, says: str) -> None:
    assert says in refusal(text)
    assert refusal(text).startswith("en.md, line ")


def test_every_fault_of_a_page_is_reported() -> None:
    _found, problems = parse("### a\n\ntext\n\n::: scenes x\n\n> b\n", "en.md")
    assert [str(one)[:13] for one in problems] == [
        "en.md, line 1",
        "en.md, line 5",
        "en.md, line 7",
    ]


# -- expressions -------------------------------------------------------------------------------

RUN = Run(np.array([[[3, 1, 4, 1]]]), np.array([[[2, 1]]]), np.array([1]), {"padding": 1})
SCOPE = Scope({"valid": RunNames(RUN)}, RunNames(RUN))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("2 * 3 + 1", 7),
        ("-7 // 2", -4),
        ("7 % 4 ** 1", 3),
        ("1 / 4", 0.25),
        ("2 < 3 <= 3", True),
        ("2 in stride or 1 in stride", True),
        ("not (1 == 2 and 3 == 3)", True),
        ("output[0, 0, 1]", 8),
        ("valid.output[0][0][-1]", 3),
        ("output[0, 0, 1:3]", [8, 7]),
        ("output_shape", (1, 1, 5)),
        ("padding[0]", (1, 1)),
        ("sum(output)", 32),
        ("max(output) - min(1, 2, 0)", 10),
        ("len(output[0, 0])", 5),
        ("prod(output_shape)", 5),
        ("round(2 / 3, 2)", 0.67),
        ("round(input / 3)", [[[1, 0, 1, 0]]]),
        ("abs(-3) + abs(-2.5)", 5.5),
        ("all(output == valid.output)", True),
        ("any(output > 100)", False),
        ("terms", 10),
        ("products[0]", [0, 3]),
        ("sums[1, 1]", 7),
        ("padded[0, 0]", [0, 3, 1, 4, 1, 0]),
        ("coverage", [[[2, 2, 2, 2]]]),
        ("matrix.shape", (5, 4)),
        ("matrix.T[0]", [1, 2, 0, 0, 0]),
        ("bias", [1]),
        ("unused", [[]]),
        ("kernel_size", (2,)),
        ('"−" in formula[0]', True),
    ],
)
def test_expression_comes_to(source: str, value: Any) -> None:
    found = Expression(source).value(SCOPE)
    assert np.array_equal(np.asarray(found), np.asarray(value)), found
    assert isinstance(found, type(value) | np.ndarray | np.generic)


@pytest.mark.parametrize("name", [*OF_SIZES, *OF_NUMBERS])
def test_every_name_of_a_convolution_can_be_written(name: str) -> None:
    text = written(Expression(name).value(SCOPE))
    assert text
    assert not any(word in text for word in ("array", "np.", "Fraction", "["))


@pytest.mark.parametrize(
    "source",
    [
        "__import__('os')",
        "().__class__",
        "output.__class__",
        "output.tolist()",
        "valid.output.tofile('x')",
        "(lambda: 1)()",
        "[x for x in output]",
        "{1: 2}",
        "f'{1}'",
        "(x := 1)",
        "open",
        "eval('1')",
        "output.shape.__class__",
        "valid.run",
        "valid._run",
        "1 if 2 else 3",
        "output[0].__init__",
        "print(1)",
        "max(output, key=len)",
        "len(*output)",
        "b'x'",
        "1j ** 2",
        "1 << 3",
        "",
        "1 +",
        "x" * 501,
        "(" * 300,
        "9 ** 9 ** 9",
        "2 ** 100000",
        "'x' * 10 ** 9",
        "[0] * 10 ** 9",
        "1 / 0",
        "output[9]",
        "output['x']",
        "output + formula",
        "output_shape.T",
        "len(1)",
        "valid",
    ],
)
def test_what_is_no_plain_arithmetic_is_refused(source: str) -> None:
    with pytest.raises(InputError) as refused:
        Expression(source).value(SCOPE)
    assert str(refused.value).startswith("`")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("outptu", "did you mean output?"),
        ("vald.output", "there is no vald here; did you mean valid?"),
        ("valid.outptu", "the scene valid has no outptu; did you mean output?"),
        ("maxx(output)", "there is no function maxx; there are abs"),
        ("valid", "valid is a scene; say what of it, as in valid.output"),
        ("output.dtype.name", "there are shape, size, T"),
        ("output.dtype", "only arrays have .dtype"),
    ],
)
def test_refusal_of_an_expression_says_what_is_right(source: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        Expression(source).value(SCOPE)
    assert says in str(refused.value)


def test_scene_called_like_a_name_is_still_reached() -> None:
    other = Run(np.array([[[1, 2]]]), np.array([[[1]]]))
    scope = Scope({"padded": RunNames(other)}, RunNames(RUN))
    assert Expression("padded.output").value(scope).tolist() == [[[1, 2]]]
    assert Expression("padded").value(scope).tolist() == [[[0, 3, 1, 4, 1, 0]]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        (1 / 3, "0.333333"),
        (-0.0, "0"),
        (1e-9, "1e-09"),
        (123456789, "123456789"),
        (2.0, "2"),
        (float("nan"), "nan"),
        (True, "True"),
        (np.bool_(False), "False"),
        (Fraction(1, 2), "1/2"),
        (1 + 2j, "1+2j"),
        (1.5 - 2j, "1.5-2j"),
        ("zeros", "zeros"),
        ((6, 3, 5), "(6, 3, 5)"),
        ((4,), "(4,)"),
        ([3, 7, 15], "3, 7, 15"),
        ([], "none"),
        ([[0, 5], []], "0, 5; none"),
        (np.array([[[2, 3, 3, 2]]]), "2 3 3 2"),
        (np.array([[[1, 2], [3, 4]]]), "1 2; 3 4"),
        (np.array([[[1], [2]], [[3], [4]]]), "1; 2 | 3; 4"),
        (np.zeros((1, 0), int), "none"),
        (np.array(7), "7"),
        (np.arange(16).reshape(2, 2, 2, 2), "[0 1; 2 3 | 4 5; 6 7, 8 9; 10 11 | 12 13; 14 15]"),
    ],
)
def test_results_are_written_as_a_learner_reads_them(value: Any, text: str) -> None:
    assert written(value) == text


def test_all_digits_are_shown_where_they_are_asked_for() -> None:
    fill = filler(Scope({}))
    assert fill("{{ 0.1 + 0.2 }} {{ exact(0.1 + 0.2) }}") == "0.3 0.30000000000000004"
    with using_language("zh"):
        assert fill("{{ 1 / 3 }}") == "0.333333"


WORDS = """
    output valid valid.output 1 2.5 - + * ** / // % ( ) [ ] , : sum max len round exact == < in
    not 'x' stride output_shape unused formula @ .T .shape padding None matrix products
"""
MARKS = r"""
    #_ ##_ ###_ -_ 1._ |_a|_b_|n |---|---|n ``` n nn :::_x --- ** * ` {{ }} _ a 卷 ， \ | [x](y)
"""


def spread(marks: list[str]) -> str:
    return "".join(marks).replace("_", " ").replace("n", "\n")


@given(st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join) | st.text(max_size=20))
def test_any_expression_has_a_value_or_is_refused(source: str) -> None:
    with contextlib.suppress(InputError):
        written(Expression(source).value(SCOPE))


@given(st.lists(st.sampled_from(MARKS.split()), max_size=25).map(spread) | st.text(max_size=60))
def test_any_prose_is_read_or_refused(text: str) -> None:
    _found, problems = parse(text, "en.md")
    assert all(str(one).startswith("en.md, line ") for one in problems)


@given(
    st.sampled_from(KINDS[:-1]),
    st.text(max_size=20) | st.text("0123456789-+./,; []()xe×−１|", max_size=15),
)
def test_any_answer_is_read_or_refused(kind: str, text: str) -> None:
    with contextlib.suppress(InputError):
        read_answer(kind, text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("2·3 + 1 = 7 and (6 − 1)×2 = 10", []),
        ("(6 − 1)·2 = 11 cells", ["(6 − 1)·2 = 11 is not true: it is 10"]),
        ("o = 5 - 3 + 1 = 4.", ["5 - 3 + 1 = 4 is not true: it is 3"]),
        ("1/3 = 0.33 and 2/3 = 0.66", ["2/3 = 0.66 is not true: it is 0.666667"]),
        ("⌊7 / 2⌋ = 3, padding = 1, 2x + 1 = 4, i − 3 + 1 = 9, 2 + 2 = 4 + 1", []),
        ("{{ a }} + 1 + 1 = 3, f(1 + 1) = 5, 1 + 1 = 2k, (1 + 1 = 3", []),
        ("共 2 + 2 = 5 格", ["2 + 2 = 5 is not true: it is 4"]),
    ],
)
def test_equations_of_plain_numbers_must_be_true(text: str, wrong: list[str]) -> None:
    assert [str(one) for one in false_equations(text)] == wrong


# -- scenes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "input_shape", "weight_shape"),
    [
        ({"input": [1, 1, 1, 1], "weight": [1, 1, 1]}, (1, 1, 4), (1, 1, 3)),
        ({"input": "1 2; 3 4", "weight": "1 2; 3 4"}, (1, 1, 2, 2), (1, 1, 2, 2)),
        ({"input": "@digit", "weight": "@sobel-x"}, (1, 1, 8, 8), (1, 1, 3, 3)),
        ({"input": [[1, 2], [3, 4]], "weight": [[[1], [1]]]}, (1, 2, 2), (1, 2, 1)),
        ({"input": [[1, 2], [3, 4]], "weight": [[1], [1]], "rank": 1}, (1, 2, 2), (1, 2, 1)),
        ({"sample": "@sentences"}, (6, 3, 5), (8, 3, 2)),
        ({"sample": "@hand-worked", "weight": [1, 2]}, (1, 1, 4), (1, 1, 2)),
    ],
)
def test_missing_axes_of_a_scene_are_added(
    table: dict[str, Any], input_shape: tuple[int, ...], weight_shape: tuple[int, ...]
) -> None:
    run = convolution(**table).run
    assert run.input.shape == input_shape
    assert run.weight.shape == weight_shape


def test_keys_of_a_scene_change_its_sample() -> None:
    found = convolution(sample="@hand-worked", stride=2, bias=[10])
    assert found.trace.output.tolist() == [[[12, 13]]]


def test_scene_says_how_it_is_shown() -> None:
    found = convolution(sample="@hand-worked-transposed", order="scatter", view="steps", step=4)
    assert (found.order, found.view, found.step, found.steps) == ("scatter", "steps", 4, 4)
    assert len(found.trace) == 4
    assert found.title == ""


def test_sizes_need_no_memory() -> None:
    found = scene(input_shape=[64, 512, 900, 900], weight_shape=[512, 512, 3, 3], stride=2)
    assert isinstance(found, SizesScene)
    assert found.names.get("output_shape") == (64, 512, 449, 449)
    assert "output" not in found.names.known


def test_stack_tells_the_field_of_each_layer() -> None:
    found = scene(layers="3 3,d=2 3x5")
    assert isinstance(found, StackScene)
    assert found.names.get("fields") == [3, 7, (9, 11)]


def test_program_runs_when_it_is_first_needed_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    found = scene(program="import math\ncount = 3\nprint('three', count)\ndef f(): pass")
    assert isinstance(found, ProgramScene)
    assert found.printed == "three 3\n"
    assert dict(found.variables) == {"count": 3}
    assert found.variables is found.variables
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("program", ["x = 1\n1 / 0", "import sys\nsys.exit(3)"])
def test_failing_program_is_an_error_of_the_lesson(program: str) -> None:
    found = scene(program=program)
    assert isinstance(found, ProgramScene)
    with pytest.raises(InputError, match="line 2 of the program one fails"):
        _ = found.printed


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"weight": [1]}, '"input" is missing'),
        ({"input": [1], "weight": []}, "holds no numbers"),
        ({"input": ["a"], "weight": [1]}, "not a number"),
        ({"input": {"a": 1}, "weight": [1]}, "one.input"),
        ({"input": [1], "weight": [1, 1]}, "one: "),
        ({"input": [1, 2], "weight": [1], "stride": 0}, "stride is 0"),
        ({"input": [1, 2], "weight": [1], "stride": "2"}, "stride"),
        ({"input": [1, 2], "weight": [1], "padding_mode": "mirror"}, "mirror"),
        ({"input": [1, 2], "weight": [1], "order": "scatter"}, "scatter"),
        ({"input": [1, 2], "weight": [1], "rank": 4}, "1, 2 or 3"),
        ({"input": [1, 2], "weight": [1], "view": "tabel"}, "did you mean table?"),
        ({"input": [1, 2], "weight": [1], "step": 3}, "there is no step 3; there are 2"),
        ({"sample": "@digit"}, "@digit is an array"),
        ({"sample": "@hand-wroked"}, "did you mean @hand-worked"),
        ({"input_shape": [3], "weight_shape": [1, 1, 1]}, "no shape"),
        ({"input_shape": [3, 4], "weight_shape": [1, 3]}, "no kernel"),
        ({"input_shape": [3, 4], "weight_shape": [1, 2, 2]}, "lesson.toml, scenes.one: "),
        ({"input_shape": [3, 4]}, '"weight_shape" is missing'),
        ({"layers": "3 x"}, "one.layers"),
        ({"program": "1 +"}, "line 1 is no Python"),
        ({"input": [1], "weight": [1], "expect": {"outptu[": 1}}, "one.expect"),
    ],
)
def test_scene_that_cannot_be_is_refused_with_its_place(table: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as refused:
        scene(**table)
    assert str(refused.value).startswith("lesson.toml, scenes.one")
    assert says in str(refused.value)


# -- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "7", 7),
        ("number", " -2.5 ", -2.5),
        ("number", "−3", -3),
        ("number", "１２", 12),
        ("number", "1/4", 0.25),
        ("number", "6/3", 2),
        ("number", "[5]", 5),
        ("numbers", "2 3 3 2", [2, 3, 3, 2]),
        ("numbers", "2, 3，3、2", [2, 3, 3, 2]),
        ("numbers", "1 2; 3 4", [[1, 2], [3, 4]]),
        ("numbers", "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("numbers", "1/2 -1/4", [0.5, -0.25]),
        ("numbers", "7", [7]),
        ("shape", "3, 32, 63", [3, 32, 63]),
        ("shape", "(3, 32, 63)", [3, 32, 63]),
        ("shape", "3×32×63", [3, 32, 63]),
        ("shape", "3x32x63", [3, 32, 63]),
        ("shape", "（3，32，63）", [3, 32, 63]),
        ("shape", "[3 32 63]", [3, 32, 63]),
        ("shape", "(5,)", [5]),
        ("set", "7 5 7", [5, 7]),
        ("set", "{7, 5}", [5, 7]),
        ("set", "none", []),
        ("set", "没有", []),
    ],
)
def test_answer_is_read_as_people_type_it(kind: str, text: str, value: Any) -> None:
    found = read_answer(kind, text)
    assert same(found, canonical(kind, value)), found


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("number", ""),
        ("number", "seven"),
        ("number", "1 2"),
        ("number", "1/0"),
        ("number", "1//2"),
        ("number", "nan"),
        ("number", "9" * 400),
        ("numbers", "1 2; 3"),
        ("numbers", "1 a"),
        ("shape", "3, x"),
        ("shape", "3.5, 2"),
        ("shape", ""),
        ("shape", "-3, 4"),
        ("set", "some"),
    ],
)
def test_answer_that_cannot_be_read_is_refused_with_a_reason(kind: str, text: str) -> None:
    with pytest.raises(InputError) as refused:
        read_answer(kind, text)
    assert "your answer" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "right", "decimals", "equal"),
    [
        (3, 3, None, True),
        (3.0, 3, None, True),
        (3.0000001, 3, None, True),
        (3.001, 3, None, False),
        (0.33, 1 / 3, None, False),
        (0.33, 1 / 3, 2, True),
        (0.34, 1 / 3, 2, False),
        (0.335, 0.33, 2, True),
        ([1, 2], [1, 2, 3], None, False),
        ([1, 2], [2, 1], None, False),
        ([[1, 2]], [1, 2], None, False),
    ],
)
def test_answers_are_one_within_the_rounding_asked_for(
    given: Any, right: Any, decimals: int | None, equal: bool
) -> None:
    assert same(np.asarray(given), np.asarray(right), decimals) is equal


# -- questions ---------------------------------------------------------------------------------


def test_right_answers_are_right(small: Lesson) -> None:
    given = {"cells": "7,6,9", "one-cell": "13.0", "shape": "3 32 63", "seen": "15 7 3"}
    for name, text in given.items():
        assert small.questions[name].judge(text).right, name
        assert small.questions[name].judge(small.questions[name].right_answer).right
    assert small.questions["which"].right_answer == "A"


@pytest.mark.parametrize("text", ["a", "A", " a. ", "Ａ", "(a)"])
def test_option_is_chosen_by_its_letter(small: Lesson, text: str) -> None:
    verdict = small.questions["which"].judge(text)
    assert verdict.right
    assert plain(verdict.why).startswith("There it meets")


def test_wrong_option_says_why(small: Lesson) -> None:
    with using_language("zh"):
        verdict = small.questions["which"].judge("b")
    assert not verdict.right
    assert not verdict.unreadable
    assert plain(verdict.why) == "一格可以在几个位置之下。"


@pytest.mark.parametrize("text", ["", "c", "ab", "1", "è"])
def test_what_is_no_option_is_not_counted_as_wrong(small: Lesson, text: str) -> None:
    verdict = small.questions["which"].judge(text)
    assert verdict.unreadable
    assert "from A to B" in str(verdict.problem)


def test_wrong_answer_names_the_mistake_and_where_it_shows(small: Lesson) -> None:
    verdict = small.questions["cells"].judge("5 9 6")
    assert not verdict.right
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.codes == ("flip",)
    assert verdict.cell == (0, 0, 0)
    assert small.questions["cells"].judge("7 6 8").cell == (0, 0, 2)
    assert small.questions["one-cell"].judge("3").cell == (0, 0, 0)
    shape = small.questions["shape"].judge("3, 32, 125")
    assert shape.diagnosis is not None
    assert "stride_ignored" in shape.diagnosis.codes
    assert shape.cell is None


def test_answer_that_cannot_be_read_is_no_wrong_answer(small: Lesson) -> None:
    verdict = small.questions["cells"].judge("7 6 x")
    assert verdict.unreadable
    assert not verdict.right
    assert verdict.diagnosis is None


def test_question_reads_in_the_current_language(small: Lesson) -> None:
    question = small.questions["shape"]
    assert plain(question.ask) == "Which shape has the output?"
    with using_language("zh"):
        assert plain(question.ask) == "输出是什么形状？"
        assert plain(question.hints[0]) == "只有最后一个轴要用公式。"


# -- lessons -----------------------------------------------------------------------------------


def test_prose_is_filled_in_with_results(small: Lesson) -> None:
    found = small.blocks("en")
    texts = [plain(block.text) for block in found if isinstance(block, Paragraph)]
    assert "The output is 7 6 9, the largest 9." in texts
    assert "The first sum is 3." in texts
    [code] = [block for block in found if isinstance(block, Code)]
    assert code.text == "fields 3, 7, 15"
    [table] = [block for block in found if isinstance(block, Table)]
    assert [plain(row[1]) for row in table.rows] == ["2 3 3 2", "(3, 32, 63)"]
    with using_language("zh"):
        assert small.blocks() == small.blocks("zh")


def test_scenes_agree_with_the_engine(small: Lesson) -> None:
    found = small.scenes["padded-one"]
    assert isinstance(found, ConvolutionScene)
    direct = trace([[[3, 1, 4, 1]]], [[[2, 1]]], [10], padding=1)
    assert np.array_equal(found.trace.output, direct.output)


def test_head_is_read_without_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "03-short"
    folder.mkdir()
    head = 'id = "short"\ntitle.en = "Short"\ntitle.zh = "短"\nsummary = {en = "S", zh = "短"}\n'
    (folder / "lesson.toml").write_text(head + "[scenes.x]\nthis is no TOML", encoding="utf-8")
    assert read_head(folder) == Head("short", 3, folder, {"en": "Short", "zh": "短"},
                                     {"en": "S", "zh": "短"})  # fmt: skip
    with pytest.raises(InputError, match="line 6"):
        load_lesson(folder)


def test_title_may_be_a_table_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "03-short"
    folder.mkdir()
    text = 'id = "short"\n[title]\nen = "Short"\nzh = "短"\n[summary]\nen = "S"\nzh = "短"\n'
    (folder / "lesson.toml").write_text(text, encoding="utf-8")
    assert read_head(folder).titles["zh"] == "短"


def test_bundled_lessons_stand_in_order() -> None:
    assert [head.number for head in shelf()] == list(range(1, 15))
    assert all(head.folder.name.endswith(head.id) for head in shelf())
    assert lesson_folders(SMALL) == [SMALL]


def test_list_of_lessons_loads_neither_numba_nor_numpy() -> None:
    code = (
        "import sys; from stepconv.cli import main; main(['lessons']);"
        "sys.exit(' '.join({'numba', 'numpy', 'llvmlite'} & set(sys.modules)) or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert "One product at a time" in found.stdout
