"""The command line: what each command takes, prints and writes."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from stepconv import InputError, Trace
from stepconv.cli import values
from stepconv.language import language
from stepconv.version import __version__
from tests.commands import ROOT, clean_environment, done, process, program, run

WORKED = """\
  input            placement 1   placement 2   placement 3   placement 4
  ·  0  padding     0·w1 = 0
  x1 1              1·w2 = 1      1·w1 = 1
  x2 1              1·w3 = 1      1·w2 = 1      1·w1 = 1
  x3 1                            1·w3 = 1      1·w2 = 1      1·w1 = 1
  x4 1                                          1·w3 = 1      1·w2 = 1
  ·  0  padding                                               0·w3 = 0
                   ───────────   ───────────   ───────────   ───────────
  sum                 y1 = 2        y2 = 3        y3 = 3        y4 = 2
"""
COMMANDS = ("trace", "shape", "receptive", "matrix", "samples")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


# -- trace: what it takes


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ("", [[[2, 3, 3, 2]]]),
        ("'1 1 1 1' '1 1 1'", [[[3, 3]]]),
        ("1,1,1,1 '[1, 1, 1]' --padding 1", [[[2, 3, 3, 2]]]),
        ("'-1 2 3' '-1 -2'", [[[-3, -8]]]),
        ("'1 2 3' '1 1' --bias -1", [[[2, 4]]]),
        ("'1 2 3' '1 1' --bias=-1", [[[2, 4]]]),
        ("'-.5 2' '-1'", [[[0.5, -2]]]),
        ("-- '-1 2 3' 1", [[[-1, 2, 3]]]),
        ("'1 2; 3 4' '1 0; 0 1'", [[[[5]]]]),
        ("'1 2; 3 4 | 5 6; 7 8' '1 0; 0 0 | 0 0; 0 1'", [[[[[9]]]]]),
        ("１，２，３ '1 1'", [[[3, 5]]]),
        ("'1 2 3 4 5' '1 1' --stride 2", [[[3, 7]]]),
        ("'1 2 3 4 5' '1 1' --dilation 3", [[[5, 7]]]),
        ("'1 2 3' '1 1' --padding 1:0", [[[1, 3, 5]]]),
        ("'1 2 3' '1 1' --padding 0:2", [[[3, 5, 3, 0]]]),
        ("'1 2 3' '1 1 1' --padding same", [[[3, 6, 5]]]),
        ("'1 2 3' '1 1' --padding causal", [[[1, 3, 5]]]),
        ("'1 2 3' '1 1' --padding same-lower", [[[1, 3, 5]]]),
        ("'1 2 3' '1 1 1' --padding 1 --padding-mode reflect", [[[5, 6, 7]]]),
        ("'1 2; 3 4' '1;1' --padding 0,1", [[[[0, 4, 6, 0]]]]),
        ("'1 2; 3 4' '[[[1, 1]], [[1, 1]]]' --rank 1 --groups 2", [[[3], [7]]]),
        ("'1 2; 3 4' '1 1; 1 1' --rank 1", [[[10]]]),
        ("'1 2 3' '1 10' --transposed --stride 2", [[[1, 10, 2, 20, 3, 30]]]),
        ("'1 2' '1 1' --transposed --stride 2 --output-padding 1", [[[1, 1, 2, 2, 0]]]),
        ("'1 2' '1 1' --transposed --stride 2 --output-size 5", [[[1, 1, 2, 2, 0]]]),
        ("'1 2; 3 4' '1 1; 1 10' --rank 1 --transposed", [[[4, 37, 42]]]),
        ("@ones4 @ones3", [[[3, 3]]]),
        ("@hand-worked --padding 0", [[[3, 3]]]),
        ("@hand-worked --bias 10", [[[12, 13, 13, 12]]]),
        ("@hand-worked '1 1'", [[[2, 2, 2]]]),
        ("@bias-border --bias 0 --only 0:1,0:1", [[[[0.0]]]]),
        ("'1 2 3 4 5 6' '1 1' --only 1:3", [[[5, 7]]]),
        ("'1 2; 3 4' '[[1, 1]]' --only 1,:", [[[[7]]]]),
        ("'1 2 3' '1 1' --only 0,0,-1", [[[5]]]),
    ],
)
def test_what_trace_takes(arguments: str, output: object) -> None:
    text = done("trace", "--json", *shlex.split(arguments))
    assert json.loads(text)["output"] == output


def test_a_scene_keeps_its_options_where_none_is_given() -> None:
    scene = ("trace", "@padding-strides-odd-transposed")
    spec = json.loads(done(*scene, "--json"))["spec"]
    assert (spec["transposed"], spec["output_padding"]) == (True, [1, 1])
    smaller = json.loads(done(*scene, "--output-size", "5", "--json"))
    assert np.shape(smaller["output"]) == (1, 1, 5, 5)


def test_the_order_is_the_scenes_or_ones_own() -> None:
    scene = ("trace", "@hand-worked-transposed", "--json")
    assert json.loads(done(*scene))["order"] == "scatter"
    assert json.loads(done(*scene, "--order", "gather"))["order"] == "gather"


def test_standard_input() -> None:
    text = done("trace", "-", "1 1", "--json", stdin="1 2 3\n")
    assert json.loads(text)["output"] == [[[3, 5]]]
    text = done("trace", "1 2; 3 4", "-", "--json", stdin="1 0\n0 1\n")
    assert json.loads(text)["output"] == [[[[5]]]]


def test_files(tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", np.arange(6.0).reshape(1, 6))
    (tmp_path / "kernel.csv").write_text("1,2\n")
    files = [str(tmp_path / name) for name in ("image.npy", "kernel.csv")]
    text = done("trace", *files, "--json")
    assert json.loads(text)["output"] == [[[2.0, 5.0, 8.0, 11.0, 14.0]]]


# -- trace: what it shows


def test_the_hand_worked_convolution() -> None:
    text = done("trace", "1 1 1 1", "1 1 1", "--padding", "1")
    assert WORKED in text
    assert done("trace") == done("trace", "@hand-worked") == text


def test_a_picture_of_higher_rank_has_arrays_and_sums() -> None:
    text = done("trace", "@digit", "@sobel-x", "--padding", "1")
    assert "input 8×8, padded to 10×10" in text
    assert "-10 -55  -9  45 -26 -19  45  29" in text
    assert re.search(r"\[1, 2\] .*13·-1 .* = -42", text)
    assert "--step A:B" in text
    assert "--step 1" in done("trace", "@no-padding")


def test_one_step() -> None:
    text = done("trace", "@digit", "@sobel-x", "--padding", "1", "--step", "11")
    assert "placement 11 of 64" in text
    assert "[ 0][ 5][13]" in text
    assert re.search(r"sum -42 +\+ bias 0 += +-42", text)


def test_several_steps_share_a_header() -> None:
    text = done("trace", "@digit", "@sobel-x", "--step", "2:4")
    assert re.findall(r"placement (\d+) of 36", text) == ["2", "3", "4"]
    assert text.count("conv2d") == 1
    assert text.startswith(done("trace", "@digit", "@sobel-x", "--step", "2"))


def test_views() -> None:
    sobel = ("trace", "@digit", "@sobel-x")
    assert "▸[0, 2]" in done(*sobel, "--step", "3", "--view", "table")
    assert "W is 36×64" in done(*sobel, "--view", "matrix")
    assert "▸ 0,2" in done(*sobel, "--view", "matrix", "--step", "3")
    steps = done("trace", "--view", "steps")
    assert re.findall(r"placement (\d) of 4", steps) == ["1", "2", "3", "4"]


def test_stamps_of_higher_rank_have_no_table() -> None:
    stamp = ("trace", "@strides-transposed", "--order", "scatter", "--step", "2")
    text = done(*stamp)
    assert "stamp 2 of 4" in text
    assert done(*stamp, "--view", "table") == text


def test_play_without_a_terminal_prints_the_steps() -> None:
    text = done("trace", "@no-padding", "--play")
    assert re.findall(r"placement (\d) of 4", text) == ["1", "2", "3", "4"]
    assert done("trace", "@no-padding", "--delay", "0.5") == text
    part = done("trace", "@no-padding", "--play", "--step", "2:3")
    assert re.findall(r"placement (\d) of 4", part) == ["2", "3"]


# -- looks


@pytest.mark.parametrize(
    "command",
    [
        "trace",
        "trace @digit @sobel-x --padding 1",
        "trace @digit @sobel-x --step 11",
        "trace @volume --play",
        "trace @padding-strides-odd-transposed --order scatter --play",
        "trace @sentences --only 0,:2,:",
        "samples",
        "samples @channels-2-to-3",
        "matrix @strides --step 2",
        "matrix @strides --transpose",
        "shape --input 3,64,128 --weight 32,64,4 --padding same",
        "shape --input 16,7,7 --weight 16,8,3,3 --transposed --stride 2",
        "receptive 3,s=2 3,t,s=2",
        *(f"{name} --help" for name in COMMANDS),
        "--help",
    ],
)
@pytest.mark.parametrize("look", ["", "--ascii", "--lang zh"])
def test_everything_fits_and_has_no_blanks_at_line_ends(command: str, look: str) -> None:
    for width in (60, 80, 120):
        text = done(*command.split(), "--width", str(width), *look.split())
        lines = text.splitlines()
        assert max(cell_len(line) for line in lines) <= width
        assert [line for line in lines if line != line.rstrip()] == []
        assert "\x1b" not in text
        assert text.endswith("\n")
        assert text.isascii() or look != "--ascii"


def test_color_tells_the_same_words() -> None:
    plain = done("samples", "digit")
    colored = done("samples", "digit", "--color", "always")
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


@pytest.mark.parametrize(
    ("environment", "arguments", "colored"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"NO_COLOR": ""}, ["--color=always"], True),
        ({"TERM": "dumb"}, ["--color", "always"], True),
    ],
)
def test_who_decides_on_color(
    environment: dict[str, str], arguments: list[str], colored: bool
) -> None:
    assert ("\x1b[" in done("trace", *arguments, environment=environment)) == colored


def test_columns_of_the_environment() -> None:
    command = ("trace", "1 2 3 4 5 6 7 8 9 10", "1 1")
    usual = done(*command)
    assert max(map(len, usual.splitlines())) <= 80
    assert max(map(len, done(*command, environment={"COLUMNS": "200"}).splitlines())) > 100
    assert done(*command, environment={"COLUMNS": "nonsense"}) == usual


def test_an_encoding_without_the_signs_gets_ascii() -> None:
    result = process("trace", environment={"PYTHONIOENCODING": "ascii"})
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"?" not in result.stdout
    assert result.stdout.decode("ascii") == done("trace", "--ascii")


# -- languages


def test_language_options_and_environment() -> None:
    chinese = done("trace", "--lang", "zh")
    assert CHINESE.search(chinese)
    assert done("--lang=zh", "trace") == chinese
    assert done("trace", environment={"LANG": "zh_CN.UTF-8"}) == chinese
    assert done("trace", "--lang", "en", environment={"LANG": "zh_CN.UTF-8"}) == done("trace")


def test_help_and_errors_are_in_the_language_too() -> None:
    assert CHINESE.search(done("trace", "--help", "--lang", "zh"))
    assert CHINESE.search(run("trace", "1 2 3", "1 1", "--stride", "0", "--lang", "zh").err)
    assert CHINESE.search(run("trace", "--no-such-option", "--lang", "zh").err)


def test_the_callers_language_stays() -> None:
    done("trace", "--lang", "zh")
    assert language() == "en"


# -- files


@pytest.mark.parametrize("suffix", [".json", ".csv", ".npz"])
def test_saving_the_record(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"record{suffix}"
    shown = done("trace", "1 2 3", "1 1", "--save", str(path))
    assert shown == done("trace", "1 2 3", "1 1")
    assert Trace.load(path).output.tolist() == [[[3, 5]]]


def test_saving_several_files_and_printing_json(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.json", "b.svg", "c.txt")]
    options = [text for path in paths for text in ("--save", str(path))]
    printed = done("trace", "1 2 3", "1 1", "--json", *options)
    assert json.loads(printed) == json.loads(paths[0].read_text("utf-8"))
    assert paths[1].read_text("utf-8").startswith("<svg")
    assert paths[2].read_text("utf-8") == done("trace", "1 2 3", "1 1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.svg", "c.txt"]


@pytest.mark.parametrize("suffix", [".json", ".csv", ".npz"])
@pytest.mark.parametrize(
    "layer",
    [
        "@digit @sobel-x --padding 1",
        "@padding-strides-odd-transposed --order scatter",
        "@grouped --only 0,1:3",
        "'1.5 2 3' '1 1' --padding 1 --padding-mode reflect --bias 0.1",
    ],
)
def test_a_saved_record_is_shown_again(tmp_path: Path, suffix: str, layer: str) -> None:
    own, path = shlex.split(layer), str(tmp_path / f"record{suffix}")
    shown = done("trace", *own, "--save", path)
    assert done("trace", path) == shown
    assert done("trace", path, "--json") == done("trace", *own, "--json")
    assert done("trace", path, "--step", "2") == done("trace", *own, "--step", "2")


def test_a_saved_picture_is_what_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "step.txt"
    command = ["trace", "@digit", "@sobel-x", "--step", "3:4", "--lang", "zh"]
    for look in ([], ["--width", "60", "--ascii"]):
        printed = done(*command, *look, "--save", str(path))
        assert path.read_text("utf-8") == printed


@pytest.mark.parametrize(
    "command", ["shape --input 1,5 --weight 1,1,3", "receptive 3", "matrix", "samples digit"]
)
def test_every_command_saves_pictures(tmp_path: Path, command: str) -> None:
    path = tmp_path / "page.txt"
    shown = done(*command.split(), "--save", str(path))
    assert path.read_text("utf-8") == shown


# -- the other commands


def test_shape() -> None:
    text = done("shape", "--input", "3,64,128", "--weight", "(32, 64, 4)", "--stride", "2")
    assert "⌊(128 + 0 + 0 − 1·(4 − 1) − 1) / 2⌋ + 1 = 63" in text
    data = json.loads(
        done(
            *("shape", "--input", "8,5,5", "--weight", "8,2,3,3", "--transposed", "--groups", "2"),
            *("--stride", "2", "--padding", "1", "--output-size", "10", "--json"),
        )
    )
    assert data["output"] == [4, 10, 10]
    assert [axis["output_padding"] for axis in data["axes"]] == [1, 1]


def test_shapes_far_too_large_to_compute() -> None:
    text = done("shape", "--input", "1,1000000000", "--weight", "1,1,3", "--stride", "10")
    assert "(1, 100000000)" in text


def test_receptive() -> None:
    assert done("receptive", "3 3,d=2 3,d=4") == done("receptive", "3", "3,d=2", "3,d=4")
    assert "7 + (3 − 1)·4·1 = 15" in done("receptive", "3 3,d=2 3,d=4")
    fields = json.loads(done("receptive", "3,s=2 4,s=2,t", "--json"))
    assert [field["jump"] for field in fields] == [[2], [1]]
    assert json.loads(done("receptive", "2,s=2,t", "--json"))[0]["jump"] == ["1/2"]


def test_matrix() -> None:
    own = ("matrix", "1 2 3 4", "1 2 3")
    assert "y1   14      1  2  3  ·" in done(*own)
    assert "w3" in done(*own, "--names")
    assert "y2 = 1·2 + 2·3 + 3·4 = 20" in done(*own, "--step", "2")
    assert "Wᵀ is 4×2" in done(*own, "--transpose")


def test_samples() -> None:
    text = done("samples")
    assert "@sobel-x" in text
    assert "@padding-strides-transposed" in text
    listed = json.loads(done("samples", "--json"))
    assert {one["kind"] for one in listed} == {"input", "kernel", "scene"}
    assert json.loads(done("samples", "@sobel-x", "--json"))["array"][0] == [1, 0, -1]
    scene = json.loads(done("samples", "hand-worked", "--json"))
    assert (scene["input"], scene["options"]) == ([[[1, 1, 1, 1]]], {"padding": 1})


@pytest.mark.parametrize("name", [one["name"] for one in json.loads(done("samples", "--json"))])
def test_every_sample_is_shown_and_every_scene_traced(name: str) -> None:
    data = json.loads(done("samples", name, "--json"))
    assert done("samples", name)
    if data["kind"] == "scene":
        assert "weight" in done("trace", f"@{name}")
        assert " 1 of " in done("trace", f"@{name}", "--step", "1", "--view", "steps")
        assert "W is " in done("matrix", f"@{name}")


# -- help and version


def test_version() -> None:
    assert done("--version") == done("trace", "--version") == f"stepconv {__version__}\n"


def test_help() -> None:
    text = done("--help")
    assert text == done() == done("-h")
    assert text.startswith("Usage: stepconv ")
    for command in COMMANDS:
        assert f"  {command} " in text
        own = done(command, "--help")
        assert own.startswith(f"Usage: stepconv {command}")
        assert own == done(command, "1 2", "--no-such", "-h")


EXAMPLES = [
    line
    for command in COMMANDS
    for line in re.findall(r"^  stepconv (.*)$", done(command, "--help"), re.MULTILINE)
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_help_work(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some write files
    assert done(*shlex.split(example))


# -- processes


def test_a_real_process() -> None:
    result = process("trace", "-", "1 1 1", "--padding", "1", stdin=b"1 1 1 1\n")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == done("trace")


def test_a_closed_pipe_is_no_error() -> None:
    with subprocess.Popen(
        program("trace", "@digit", "@sobel-x", "--view", "steps"),
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        errors = running.stderr.read()
        assert running.wait(60) == 0
    assert errors == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_is_one_sentence() -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            program("trace"),
            env=clean_environment({"PYTHONPATH": str(ROOT)}),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert result.returncode == 2
    assert result.stderr.startswith(b"error: the output cannot be written")
    assert b"Traceback" not in result.stderr


# -- values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        (" 1 , 2 ", (1, 2)),
        ("1 2", (1, 2)),
        ("1:2", ((1, 2),)),
        ("1 : 2", ((1, 2),)),
        ("1:2,3", ((1, 2), 3)),
        ("１：２", ((1, 2),)),
        ("-1", -1),
        ("−1", -1),
        ("full", "full"),
    ],
)
def test_padding_grammar(text: str, value: object) -> None:
    assert values.padding(text) == value


@pytest.mark.parametrize("bad", ["", "1:2:3", "1,,2", "x1", "1.5", "1:", ":", ",", "same,1"])
def test_bad_paddings(bad: str) -> None:
    with pytest.raises(InputError, match="not understood"):
        values.padding(bad)


@pytest.mark.parametrize("bad", ["", ":", "x", "1:2:3", "1.5", "2-3"])
def test_bad_steps(bad: str) -> None:
    with pytest.raises(InputError, match="neither a placement"):
        values.steps(bad, 9)


@pytest.mark.parametrize("bad", ["0", "10", "10:", "1:10", "0:2", "-1"])
def test_steps_out_of_range(bad: str) -> None:
    with pytest.raises(InputError, match=r"out of range.* 1 to 9"):
        values.steps(bad, 9)


def test_steps_the_wrong_way_round() -> None:
    with pytest.raises(InputError, match=r"3:2 ends before it begins; write 2:3"):
        values.steps("3:2", 9)


def test_there_is_no_step_of_nothing() -> None:
    with pytest.raises(InputError, match="no placement at all"):
        values.steps("1", 0)


@pytest.mark.parametrize("bad", ["", "0", "-1", "nan", "inf", "1e9", "soon"])
def test_bad_times(bad: str) -> None:
    with pytest.raises(InputError, match="not a time"):
        values.seconds(bad)


@pytest.mark.parametrize("bad", ["", "x", "1..2", "1:2:x", "a:b"])
def test_bad_parts(bad: str) -> None:
    with pytest.raises(InputError, match="not a part of the output"):
        values.only(bad, 2)
