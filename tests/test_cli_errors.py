"""What the command line refuses: one paragraph on stderr, status 2, nothing else."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from stepconv import record
from tests.commands import process, run


def refused(*arguments: str, stdin: str = "") -> str:
    """Run a command that must be refused properly; return the words of the error."""
    result = run(*arguments, stdin=stdin)
    assert result.status == 2
    assert result.out == ""
    assert re.match(r"error:\s", result.err)
    assert result.err.endswith("\n")
    assert "Traceback" not in result.err
    lines = result.err.splitlines()
    assert all(lines), "more than one paragraph"
    assert all(cell_len(line) <= 80 or " " not in line for line in lines)
    return " ".join(result.err.split()).removeprefix("error: ")


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        # numbers
        ("'1 2 x' '1 1'", "input x"),
        ("'1 2' '1 y'", "kernel y"),
        ("'1 2; 3' '1'", "input row"),
        ("'[[1, 2], [3]]' '1'", "input"),
        ("'' '1'", "input"),
        ("'1 2' ''", "kernel"),
        ("'[]' '1'", "input"),
        ("'1 nan' '1'", "input nan"),
        ("'1 2' 'inf'", "kernel inf"),
        ("'1 1e999' '1'", "input 1e999"),
        ("99999999999999999999 '1'", "input 99999999999999999999"),
        ("'1 2 3' '1 1' --bias 'x'", "bias x"),
        ("'[\"a\"]' '1'", "input"),
        ("'1 2' '[[1], 2'", "kernel"),
        # what is named
        ("@digitt @sobel-x", "@digitt @digit"),
        ("@digit @sobelx", "@sobelx @sobel-x"),
        ("@digit", "@digit kernel"),
        ("'1 2 3'", "kernel"),
        ("@digit @no-padding", "@no-padding scene"),
        ("missing.npy '1'", "missing.npy"),
        ("'1 2' .", "kernel"),
        # stride, padding, dilation, groups
        ("'1 2 3' '1 1' --stride 0", "stride 0 1"),
        ("'1 2 3' '1 1' --stride -1", "stride -1"),
        ("'1 2 3' '1 1' --stride x", "--stride x whole"),
        ("'1 2 3' '1 1' --stride 1.5", "--stride 1.5"),
        ("'1 2 3' '1 1' --stride 1,2", "stride 2 values rank-1"),
        ("'1 2 3' '1 1' --stride 99999999999", "stride 99999999999 at most"),
        ("'1 2 3' '1 1' --stride 99999999999999999999999", "--stride 999"),
        ("'1 2 3' '1 1' --padding -1", "padding -1 at least 0"),
        ("'1 2 3' '1 1' --padding x1", "--padding x1"),
        ("'1 2 3' '1 1' --padding sme", "sme same valid"),
        ("'1 2 3' '1 1' --padding 1:2:3", "--padding 1:2:3"),
        ("'1 2 3' '1 1' --padding 1,2", "padding 2 values"),
        ("'1 2 3' '1 1' --padding 999999999999", "padding 999999999999"),
        ("'1 2 3' '1 1' --padding 2000000000", "4000000002 MB padding"),
        ("'1 2; 3 4' '1 1; 1 1' --padding causal", "causal rank 2"),
        ("'1 2 3' '1 1' --dilation 0", "dilation 0"),
        ("'1 2 3' '1 1' --dilation 9", "kernel dilation 9 spans 10 3"),
        ("'1 2 3' '1 1 1 1'", "kernel 4 padded input 3"),
        ("'1 2 3' '1 1' --groups 0", "groups 0"),
        ("'1 2 3' '1 1' --groups 2", "groups 2"),
        ("'1 2 3' '1 1' --groups two", "--groups two whole"),
        ("'1 2 3' '1 1' --padding-mode edge", "edge replicate"),
        ("'1 2 3' '1 1' --padding 3 --padding-mode reflect", "padding 3 reflect 2"),
        # transposed
        ("'1 2 3' '1 1' --output-padding 1", "output_padding 1 transposed"),
        ("'1 2 3' '1 1' --output-size 4", "output_size 4 transposed"),
        ("'1 2 3' '1 1' --transposed --output-padding 1", "output_padding 1 stride 1"),
        ("'1 2 3' '1 1' --transposed --stride 2 --output-size 9", "output_size 9 6 7"),
        ("'1 2 3' '1 1' --transposed --padding same", "same transposed"),
        ("'1 2 3' '1 1' --transposed --padding-mode reflect", "reflect transposed"),
        ("'1 2 3' '1 1' --transposed --padding 9", "padding 9 4"),
        ("'1 2 3' '1 1' --order scatter", "scatter transposed"),
        ("'1 2 3' '1 1' --order sideways", "sideways gather scatter"),
        # axes
        ("'1 2 3' '1 1; 1 1'", "input 1 axes"),
        ("'1 2 3' '1 1' --rank 0", "--rank 0"),
        ("'1 2 3' '1 1' --rank 4", "--rank 4"),
        ("'1 2 3' '1 1' --rank two", "--rank two"),
        ("'1 2 3' '1 1' --rank 2", "input (3,) 1 axes 2"),
        ("'1 2; 3 4' '1 1' --rank 2", "kernel (2,) 1 axes 2"),
        ("@hand-worked --rank 2", "@hand-worked rank 1"),
        ("'1 2 3' '[[[[[[1]]]]]]'", "kernel 6 axes"),
        ("'1 2; 3 4' '1 1'", "2 channels [[1, 1]]"),
        ("'1 2 3; 4 5 6' '[[[1, 1], [1, 1]]]'", "weight (1, 2, 2) --rank 1"),
        ("@sentences '[[[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]]]'", "spans"),
        ("'1 2 3' '1 1' --bias '1 2'", "bias (2,) 1"),
        # saved records
        ("nowhere.json", "nowhere.json kernel"),
        ("nowhere.npz --stride 2", "nowhere.npz no kernel options out"),
        ("nowhere.csv --only 0", "nowhere.csv no kernel options out"),
        # steps, parts, views
        ("'1 2 3' '1 1' --step 0", "--step 0 1 to 2"),
        ("'1 2 3' '1 1' --step 3", "--step 3 1 to 2"),
        ("'1 2 3' '1 1' --step 2:1", "--step 2:1"),
        ("'1 2 3' '1 1' --step x", "--step x"),
        ("'1 2 3' '1 1' --only 5", "5"),
        ("'1 2 3' '1 1' --only ::2", "--only ::2"),
        ("'1 2 3' '1 1' --only x", "--only x"),
        ("'1 2 3' '1 1' --only 0,0,0,0", "4 axes"),
        ("'1 2 3' '1 1' --view picture", "picture table"),
        ("'1 2 3' '1 1' --play --delay 0", "--delay 0"),
        ("'1 2 3' '1 1' --delay soon", "--delay soon"),
        ("'1 2 3' '1 1' --json --step 1", "--json --step"),
        ("'1 2 3' '1 1' --json --play", "--json --play"),
        # the command line itself
        ("1 2 3", "2 3 quotes"),
        ("'1 2' '1' --strid 2", "--strid --stride"),
        ("'1 2' '1' --frobnicate", "--frobnicate --help"),
        ("'1 2' '1' --stride", "--stride value"),
        ("'1 2' '1' -x", "-x"),
        ("'1 2' '1' --lang", "--lang value"),
        ("'1 2' '1' --lang fr", "--lang fr en, zh"),
        ("'1 2' '1' --color blue", "--color blue auto"),
        ("'1 2' '1' --width 10", "--width 10 60"),
        ("'1 2' '1' --width many", "--width many"),
        ("'1 2' '1' --json=yes", "--json"),
        ("- -", "standard input once"),
        ("'1 2' '1' --save picture.gif", "picture.gif .svg .json"),
        ("'1 2' '1' --save picture", "picture .svg"),
        ("'1 2' '1' --save nowhere/picture.svg", "nowhere"),
        ("'1 2' '1' --save nowhere/record.json", "nowhere"),
    ],
)
def test_trace_refuses(
    arguments: str, facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = refused("trace", *shlex.split(arguments))
    missing = [fact for fact in facts.split() if fact not in words]
    assert not missing, words
    assert os.listdir(tmp_path) == []


def test_a_weight_taken_for_a_kernel_of_three_axes_is_explained() -> None:
    weight = json.dumps(np.ones((8, 3, 2), int).tolist())
    words = refused("trace", "@sentences", weight)
    assert "weight (8, 3, 2) of a rank-1 layer, add --rank 1" in words
    assert run("trace", "@sentences", weight, "--rank", "1").status == 0


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ("shape", "--input --weight"),
        ("shape --input 3,64,128", "--weight"),
        ("shape --input x --weight 1,1,1", "--input x"),
        ("shape --input 3,64,128 --weight 32", "--weight 3 to 5"),
        ("shape --input 3,64,128 --weight 32,63,4", "64 channels 63"),
        ("shape --input 128,64 --weight 32,64,4", "64"),
        ("shape --input 3,64,2 --weight 32,64,4", "4 2"),
        ("shape --input 3,64,128 --weight 32,64,4 --stride 0", "stride 0"),
        ("shape --input 3,64,128 --weight 32,64,4 --save x.json", "x.json .svg"),
        ("shape --input -3,64,128 --weight 32,64,4", "-3"),
        ("shape 3,64,128", "3,64,128"),
        ("receptive", "layers"),
        ("receptive x", "x"),
        ("receptive 3,q=2", "3,q=2"),
        ("receptive 0", "0"),
        ("receptive '3 3x3x3 3x3'", "3x3"),
        ("matrix '1 2 3' '1 1' --step 5", "--step 5 1 to 2"),
        ("matrix '1 2 3'", "kernel"),
        ("matrix '1 2 3' '1 1' --transpose --save x.png", "x.png"),
        ("samples digitt", "@digitt @digit"),
        ("samples a b", "b"),
        ("frobnicate", "frobnicate trace"),
        ("trace1", "trace1 trace"),
        ("'1 2 3' '1 1'", "1 2 3 trace"),
        ("--frobnicate", "--frobnicate"),
        ("--width", "--width"),
    ],
)
def test_the_others_refuse(
    arguments: str, facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = refused(*shlex.split(arguments))
    missing = [fact for fact in facts.split() if fact not in words]
    assert not missing, words
    assert os.listdir(tmp_path) == []


# -- files


def saved_array(array: np.ndarray[Any, Any]) -> bytes:
    """Return the bytes of a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


CONTENTS = {
    "empty.txt": b"",
    "garbage.txt": b"\xff\xfe\x00\x01\x02",
    "words.csv": b"a,b\n1,2\n",
    "ragged.csv": b"1,2\n3\n",
    "broken.json": b"[1, 2",
    "deep.json": b"[" * 100_000,
    "object.json": b'{"other": [1]}',
    "broken.npy": b"\x93NUMPY garbage",
    "broken.npz": b"PK garbage",
    "broken.png": b"\x89PNG garbage",
    "unknown.xyz": b"1 2 3",
    "pickled.npy": saved_array(np.array([{"a": 1}], dtype=object)),
    "cut.npy": saved_array(np.arange(100))[:-50],
    "words.npy": saved_array(np.array(["a", "b"])),
    "huge.npy": saved_array(np.zeros(1)).replace(b"(1,), }         ", b"(9999999999,), }"),
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("place", ["input", "kernel", "bias"])
def test_files_that_hold_no_numbers(name: str, place: str, tmp_path: Path) -> None:
    path = str(tmp_path / name)
    Path(path).write_bytes(CONTENTS[name])
    arguments = {
        "input": [path, "1 1"],
        "kernel": ["1 2 3", path],
        "bias": ["1 2 3", "1 1", "--bias", path],
    }[place]
    words = refused("trace", *arguments, "--save", str(tmp_path / "out.svg"))
    assert words.startswith(place)
    assert os.listdir(tmp_path) == [name]


def test_not_a_number_in_a_file_travels(tmp_path: Path) -> None:
    np.save(tmp_path / "nan.npy", np.array([1.0, np.nan, 3.0]))
    result = run("trace", str(tmp_path / "nan.npy"), "1 1", "--json")
    assert result.status == 0
    assert json.loads(result.out)["output"] == [[["nan", "nan"]]]


def test_an_existing_file_survives_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "kept.svg"
    path.write_text("precious")
    refused("trace", "1 2 3", "1 1", "--stride", "0", "--save", str(path))
    with mock.patch("os.replace", side_effect=PermissionError(13, "no")):
        words = refused("trace", "1 2 3", "1 1", "--save", str(path))
    assert "kept.svg" in words
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["kept.svg"]


def test_a_folder_is_no_file_to_save_to(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    assert "folder.json" in refused(
        "trace", "1 2 3", "1 1", "--save", str(tmp_path / "folder.json")
    )


# -- too large


def test_integer_overflow_is_refused() -> None:
    words = refused("trace", "9000000000000000000 9000000000000000000", "1 1")
    assert "int64" in words


def test_a_record_that_is_too_large(tmp_path: Path) -> None:
    np.save(tmp_path / "wide.npy", np.zeros((2400, 2400), np.uint8))
    words = refused("trace", str(tmp_path / "wide.npy"), "@box5x5")
    assert "MB" in words
    assert "only" in words
    part = run("trace", str(tmp_path / "wide.npy"), "@box5x5", "--only", ":2,:2")
    assert part.status == 0


def test_a_matrix_that_is_too_large(tmp_path: Path) -> None:
    np.save(tmp_path / "wide.npy", np.zeros((1100, 1100), np.float32))
    assert "MB" in refused("matrix", str(tmp_path / "wide.npy"), "@box5x5")


def test_no_memory_is_one_sentence() -> None:
    with (
        mock.patch.object(record, "trace", side_effect=MemoryError),
        mock.patch("stepconv.cli.layer.trace", side_effect=MemoryError),
    ):
        assert "memory" in refused("trace", "1 2 3", "1 1")


# -- interruptions


def test_an_interruption_is_quiet() -> None:
    with mock.patch("stepconv.cli.layer.trace", side_effect=KeyboardInterrupt):
        result = run("trace", "1 2 3", "1 1")
    assert (result.status, result.out, result.err) == (130, "", "")


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        (BrokenPipeError(32, "Broken pipe"), 0, ""),
        (OSError(28, "No space left on device"), 2, "cannot be written: No space left on device"),
    ],
)
def test_output_that_cannot_be_written(problem: OSError, status: int, words: str) -> None:
    with mock.patch("stepconv.cli.show.json.dumps", side_effect=problem):
        result = run("samples", "--json")
    assert (result.status, result.out) == (status, "")
    assert words in result.err
    assert bool(result.err) == bool(words)


# -- anything


@given(st.lists(st.text(max_size=12), max_size=5))
def test_no_arguments_give_a_traceback(arguments: list[str]) -> None:
    words = [text.replace("\x00", "0") for text in arguments]
    result = run("trace", *words)
    assert result.status in (0, 2)
    assert (result.status == 2) == result.err.startswith("error:")
    assert "Traceback" not in result.err


def test_errors_of_a_real_process() -> None:
    result = process("trace", "1 2 3", "1 1", "--stride", "0")
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.startswith(b"error: stride")
