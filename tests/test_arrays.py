"""What people give for an input or a kernel, and what they are told when it cannot be read."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from stepconv.arrays import numbers, origin, paths, read_array
from stepconv.errors import InputError
from stepconv.samples import sample


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(source: str, **options: Any) -> str:
    """Return what is said when `source` is refused."""
    with pytest.raises(InputError) as caught:
        read_array(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(("input", "kernel", "bias", "there is no sample", "@"))
    return message


def read_or_refuse(source: str, stdin: bytes | bytearray) -> None:
    """Check that `source` gives an array fit to use, or an error that can be shown."""
    try:
        array = read_array(source, stdin=io.BytesIO(stdin))
    except InputError as refused:
        message = str(refused)
    else:
        message = f"{array.ndim} axes, {array.dtype.kind}"
        assert array.size
    assert message.isprintable()
    assert not message.startswith("0 axes")


def same(array: NDArray[Any], expected: Any, dtype: type) -> bool:
    return array.dtype == dtype and array.tolist() == expected


# ------------------------------------------------------------------ text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 1 1 1", [1, 1, 1, 1]),
        ("7", [7]),
        ("-1", [-1]),
        (" 1,2 ,3 , 4  5\t6 ", [1, 2, 3, 4, 5, 6]),
        ("+1 -2 003", [1, -2, 3]),
        ("1 2; 3 4", [[1, 2], [3, 4]]),
        ("1 2\n3 4\n", [[1, 2], [3, 4]]),
        ("1 2\r\n\r\n3 4", [[1, 2], [3, 4]]),
        ("1 2;\n3 4;", [[1, 2], [3, 4]]),
        ("1;2;3", [[1], [2], [3]]),
        ("1 2; 3 4 | 5 6; 7 8", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
        ("1 2 | 3 4", [[[1, 2]], [[3, 4]]]),
        ("1 2\n3 4\n|\n5 6\n7 8\n", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
        ("１，２；３　４", [[1, 2], [3, 4]]),
        ("1、2、−3", [1, 2, -3]),
        ("－１ ＋２｜3 4", [[[-1, 2]], [[3, 4]]]),
        ("9223372036854775807 -9223372036854775808", [2**63 - 1, -(2**63)]),
        ("[1, 2]", [1, 2]),
        ("[[1，2]，[3，4]]", [[1, 2], [3, 4]]),
        ("[[[[1]]]]", [[[[1]]]]),
    ],
)
def test_integers_as_text(text: str, expected: Any) -> None:
    assert same(read_array(text), expected, np.int64)


@pytest.mark.parametrize(
    ("text", "expected", "dtype"),
    [
        ("1 2.", [1.0, 2.0], np.float64),
        (".5 1e-3 -2E2", [0.5, 0.001, -200.0], np.float64),
        ("[1, 2.5]", [1.0, 2.5], np.float64),
        ("1e20", [1e20], np.float64),
        ("1+2j 3", [1 + 2j, 3 + 0j], np.complex128),
        ("-1.5e1j", [-15j], np.complex128),
        ("[true, false]", [True, False], np.bool_),
        ("[true, 2]", [1, 2], np.int64),
    ],
)
def test_other_numbers_as_text(text: str, expected: Any, dtype: type) -> None:
    assert same(read_array(text), expected, dtype)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("", ["nothing to read", '"1 2 3"']),
        (" \n", ["nothing to read"]),
        ("1 2 x 4", ['"x"', "row 1, number 3", "spaces or commas"]),
        ("1 2; 3 4y", ['"4y"', "row 2, number 2"]),
        ("1 2 | 3 4; 5 z", ['"z"', "slice 2, row 2, number 2"]),
        ("1_000", ['"1_000"']),
        ("1 ٣", ['"٣"', "number 2"]),
        ("5²", ['"5²"']),
        ("1.2.3", ['"1.2.3"']),
        ("1 2; 3", ["row 2 is 1 long", "row 1 is 2", "same length"]),
        ("1 2 | 3", ["slice 2, row 1 is 1 long"]),
        ("1 2 | 3 4; 5 6", ["slice 2 is 2 rows high", "slice 1 is 1"]),
        ("1,,2", ["row 1, number 2 is missing"]),
        ("1 2,", ["row 1, number 3 is missing"]),
        ("1 2;; 3 4", ["row 2 is empty"]),
        (";1", ["row 1 is empty"]),
        ("1 | | 2", ["slice 2 is empty"]),
        ("1 2 |", ["slice 2 is empty"]),
        ("1 nan", ['"nan"', "number 2", "finite", ".npy"]),
        ("-Infinity", ['"-Infinity"', "finite"]),
        ("1e999", ["1e999", "1.8e308"]),
        ("1 1e999j", ["1e999j", "number 2"]),
        ("9223372036854775808", ["9223372036854775808", "64 bits", "1e20"]),
        ("9" * 5000, ["1.8e308"]),
        ("–1 2", ['"–1"', "dash", "write -1"]),
        ("abc", ['"abc"', "neither numbers nor a file", "@digit"]),
        ("data2.dat", ["neither numbers nor a file"]),
        ("1/3 2/3", ['"1/3 2/3"', "neither"]),
        ("digits", ["did you mean @digit?"]),
        ("x" * 500, ["x…"]),
        ("1 \x1b[31m", [r"\x1b[31m"]),
        ("1 \udc80", [r"\udc80"]),
        ("1 {word}", ["{word}"]),
    ],
)
def test_text_refused(text: str, facts: list[str]) -> None:
    message = refusal(text)
    for fact in facts:
        assert fact in message


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("[1 2]", ["line 1, column 4", "[[1, 2], [3, 4]]"]),
        ("[1, 2", ["no JSON list"]),
        ("[1] [2]", ["column 5"]),
        ("[]", ["(0,)", "no numbers"]),
        ("[[], []]", ["(2, 0)"]),
        ("[[1, 2], [3]]", ["[1] has 1", "[0] has 2"]),
        ("[[[1], [2]], [[3], [4, 5]]]", ["[1][1] has 2", "[0][0] has 1"]),
        ("[[1, 2], 3]", ["[1] stands 3", "[0] has a list"]),
        ("[1, [2]]", ["[1] stands […]", "not a number"]),
        ('[1, "2"]', ['[1] stands "2"']),
        ("[[1], [null]]", ["[1][0] stands null"]),
        ('[{"a": 1}]', ["[0] stands {…}"]),
        ("[NaN]", ["NaN", "finite"]),
        ("[1, -Infinity]", ["-Infinity"]),
        ("[1, 1e999]", ["[1]", "1.8e308"]),
        ("[[1], [9223372036854775808]]", ["9223372036854775808 ([1][0])", "64 bits"]),
        ("[1" + "0" * 5000 + "]", ["thousands of digits"]),
        ("[" * 33 + "1" + "]" * 33, ["deeper than 32"]),
        ("[" * 200_000, ["deeper than 32"]),
        ('{"weight": [1], "b": [2]}', ['no "input"', "weight, b", "colon"]),
        ("{}", ["only {}"]),
        ('{"input": "x"}', ['the JSON holds "x"', "list of numbers"]),
        ('{"input": 1e999}', ["([])", "1.8e308"]),
        ('["a/b"]', ['[0] stands "a/b"']),
    ],
)
def test_json_refused(text: str, facts: list[str]) -> None:
    message = refusal(text)
    for fact in facts:
        assert fact in message


def test_error_names_what_was_asked_for() -> None:
    assert refusal("1 x", what="kernel").startswith("kernel: ")
    assert refusal("1 x", what="bias").startswith("bias: ")


def test_error_reads_in_the_language_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as caught:
        read_array("1 2 | 3 x", what="kernel", stdin=None)
    for module in (origin, numbers):
        monkeypatch.setattr(module, "_", str.upper if module is origin else translated)
    assert str(caught.value).startswith('KERNEL: "x" (slice: 2, row: 1, number: 2) is')


def translated(template: str) -> str:
    """Stand in for a catalogue: another wording with the same fields."""
    return template.replace(" {", ": {")


def test_more_numbers_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origin, "MAX_NUMBERS", 3)
    assert read_array("1 2 3").size == 3
    for source in ("1 2; 3 4", "[1, 2, 3, 4]"):
        message = refusal(source)
        assert "4 numbers" in message
        assert "the 3 that are read" in message


# -------------------------------------------------------------- round trips

_INTEGERS = arrays.arrays(np.int64, arrays.array_shapes(max_dims=3, max_side=4))
_REALS = arrays.arrays(
    np.float64,
    arrays.array_shapes(max_dims=3, max_side=4),
    elements=st.floats(allow_nan=False, allow_infinity=False),
)
_COMPLEX = arrays.arrays(
    np.complex128,
    arrays.array_shapes(max_dims=3, max_side=4),
    elements=st.complex_numbers(allow_nan=False, allow_infinity=False),
)


def as_text(array: NDArray[Any], comma: str, row: str) -> str:
    """Write an array of one to three axes in the grammar of `read_array`."""
    if array.ndim == 3:
        return " | ".join(as_text(part, comma, row) for part in array)
    rows = array if array.ndim == 2 else array[None]
    return row.join(comma.join(str(number).strip("()") for number in line) for line in rows)


@given(
    st.one_of(_INTEGERS, _REALS, _COMPLEX),
    st.sampled_from([" ", ",", ", ", "，", "\t"]),
    st.sampled_from([";", "; ", "\n", ";\n", "；"]),
)
def test_text_round_trip(array: NDArray[Any], comma: str, row: str) -> None:
    read = read_array(as_text(array, comma, row))
    # One row is one axis, so axes of length 1 in front may be gone.
    expected = array[0] if array.ndim == 3 and len(array) == 1 else array
    expected = expected[0] if expected.ndim == 2 and len(expected) == 1 else expected
    assert read.dtype == array.dtype
    assert read.shape == expected.shape
    assert np.array_equal(read, expected)


@given(arrays.arrays(st.sampled_from([np.int64, np.float64, np.bool_]), arrays.array_shapes()))
def test_json_round_trip(array: NDArray[Any]) -> None:
    finite = np.where(np.isfinite(array), array, np.ones_like(array))
    read = read_array(json.dumps(finite.tolist()))
    assert read.dtype == array.dtype
    assert np.array_equal(read, finite)


_NUMBERISH = st.text(st.sampled_from("0123456789 .,;|-+eEj[]{}\":\n\t，；−naif@/x\0'"), max_size=40)


@given(st.one_of(st.text(max_size=40), _NUMBERISH))
def test_any_text_gives_numbers_or_an_input_error(text: str) -> None:
    read_or_refuse(text, text.encode("utf-8", "surrogatepass"))


# -------------------------------------------------------------- NumPy's files


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([1, 2], ">i2"),
        np.array([1 + 2j], np.complex64),
        np.array([True, False]),
        np.array([0.5], np.float16),
        np.array([np.nan, np.inf]),
        np.arange(24, dtype=np.uint8).reshape(1, 2, 3, 4),
    ],
)
def test_npy(array: NDArray[Any]) -> None:
    np.save("a.npy", array)
    np.savez("a.npz", only=array)
    np.savez_compressed("b.npz", first=array, other=[1])
    buffer = io.BytesIO()
    np.save(buffer, array)
    buffer.seek(0)
    for read in (
        read_array("a.npy"),
        read_array("-", stdin=buffer),
        read_array("a.npz"),
        read_array("b.npz:first"),
    ):
        assert read.dtype == array.dtype.newbyteorder("=")
        assert read.dtype.isnative
        assert read.flags.writeable
        assert np.array_equal(read, array, equal_nan=array.dtype.kind == "f")


def test_npy_of_one_number_and_with_newer_headers() -> None:
    np.save("a.npy", 5)
    assert read_array("a.npy").tolist() == [5]
    for version in ((2, 0), (3, 0)):
        with open("b.npy", "wb") as stream:
            np.lib.format.write_array(stream, np.arange(3), version)
        assert read_array("b.npy").tolist() == [0, 1, 2]


def test_an_upper_case_suffix_and_a_colon_in_a_name() -> None:
    Path("A.TXT").write_text("1 2")
    assert read_array("A.TXT").tolist() == [1, 2]
    np.savez("a.npz:b", x=[1])  # numpy appends .npz
    assert read_array("a.npz:b.npz").tolist() == [1]


def header(shape: tuple[int, ...], descr: Any = "<f8") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def raw_header(text: str, version: bytes = b"\1\0") -> bytes:
    return np.lib.format.MAGIC_PREFIX + version + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (b"", ["no whole .npy"]),
        (b"not numpy", ["no whole .npy", "numpy.save"]),
        (header((3,)) + b"\0" * 23, ["(3,)", "24 bytes", "cut short"]),
        (header((10**6, 10**6)), ["1000000000000 numbers", "50000000"]),
        (header((2**63 - 1,) * 32), ["numbers are more"]),
        (header((2**63,)), ["no whole .npy"]),
        (header((-1, -8)) + b"\0" * 64, ["no whole .npy"]),
        (header((1,) * 33) + b"\0" * 8, ["no whole .npy"]),
        (header((0, 3)), ["(0, 3)", "no numbers"]),
        (header((0, 10**15)), ["no numbers"]),
        (header((40_000_000,)), ["320000000 bytes", "cut short"]),
        (header((1,), "|O") + pickle.dumps([1]), ["pickle", "any code", "astype(float)"]),
        (pickle.dumps(np.ones(3)), ["no whole .npy"]),
        (header((1,), "<U3") + b"\0" * 12, ["<U3", "not of numbers"]),
        (header((1,), [("a", "<i4")]) + b"\0" * 4, ["not of numbers"]),
        (header((1,), "<M8[s]") + b"\0" * 8, ["not of numbers"]),
        (raw_header("{'descr': '<f8'}"), ["no whole .npy"]),
        (raw_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1L,)}"), ["cut short"]),
        (raw_header("("), ["no whole .npy"]),
        (raw_header("(" * 5000), ["no whole .npy"]),
        (raw_header("-" * 9000), ["no whole .npy"]),
        (raw_header("{'descr': '\\q', 'fortran_order': False, 'shape': ()}"), ["no whole .npy"]),
        (raw_header("1" * 9000, b"\7\7"), ["no whole .npy"]),
    ],
)
def test_npy_refused(content: bytes, facts: list[str]) -> None:
    Path("a.npy").write_bytes(content)
    with zipfile.ZipFile("a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    for source in ("a.npy", "a.npz"):
        message = refusal(source)
        assert message.startswith(f"input from {source}: ")
        for fact in facts:
            assert fact in message


def test_npy_of_longdouble() -> None:
    np.save("a.npy", np.ones(2, np.longdouble))
    if np.dtype(np.longdouble) == np.float64:  # as on Windows and some ARM systems
        assert same(read_array("a.npy"), [1.0, 1.0], np.float64)
    else:
        assert "save it as float64" in refusal("a.npy")


def test_objects_are_not_unpickled(capsys: pytest.CaptureFixture[str]) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return print, ("the pickle ran",)

    np.save("a.npy", np.array([Payload()], object), allow_pickle=True)
    np.savez("a.npz", np.array([Payload()], object))
    Path("b.npy").write_bytes(pickle.dumps(Payload()))
    for source in ("a.npy", "a.npz", "b.npy"):
        refusal(source)
    assert capsys.readouterr().out == ""


def test_npz_chooses_by_name() -> None:
    np.savez("record.npz", input=[1], weight=[2], bias=[3], output=[4])
    assert read_array("record.npz").tolist() == [1]
    assert read_array("record.npz", what="kernel").tolist() == [2]
    assert read_array("record.npz", what="bias").tolist() == [3]
    assert read_array("record.npz:output").tolist() == [4]
    assert 'no array "x", only input, weight' in refusal("record.npz:x")
    np.savez("two.npz", a=[1], b=[2])
    message = refusal("two.npz", what="kernel")
    assert "a, b" in message
    assert "file.npz:a" in message


def test_npz_damaged() -> None:
    Path("bad.npz").write_bytes(b"PK\3\4 and no more")
    assert "no whole .npz archive" in refusal("bad.npz")
    with zipfile.ZipFile("empty.npz", "w") as archive:
        archive.writestr("readme.txt", "")
    assert "holds no arrays" in refusal("empty.npz")
    np.savez("flipped.npz", a=np.arange(1000))
    content = bytearray(Path("flipped.npz").read_bytes())
    content[5000] ^= 1
    Path("flipped.npz").write_bytes(content)
    assert "no whole .npz archive" in refusal("flipped.npz")


# ------------------------------------------------------------------ tables


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("1;2\r\n3;4\r\n", [[1, 2], [3, 4]]),
        ("1\t2\n\n3\t4", [[1, 2], [3, 4]]),
        (" 1 , 2 \n 3 , 4 ", [[1, 2], [3, 4]]),
        ('"1","2"\n"3","4"', [[1, 2], [3, 4]]),
        ("1,2,3\n", [1, 2, 3]),
        ("1\n2\n3\n", [[1], [2], [3]]),
        ("1 2\n3 4\n", [[1, 2], [3, 4]]),
        ("１，２\n", [1, 2]),
    ],
)
def test_csv(content: str, expected: Any) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        Path("a.csv").write_bytes(content.encode(encoding))
        assert same(read_array("a.csv"), expected, np.int64)


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        ("", ["nothing to read"]),
        ("\t\n", ["nothing to read"]),
        ("x,y\n1,2\n", ["row 1", '"x,y"', "header", "remove"]),
        ("高;宽\n1;2\n", ['"高;宽"', "header"]),
        ("1,y\n3,4\n", ['"y"', "row 1, number 2"]),
        ("1,,3\n", ["row 1, number 2 is missing"]),
        (",\n1,2\n", ["row 1, number 1 is missing"]),
        ("1,2\n3\n", ["row 2 is 1 long"]),
        ("1;2,5\n3;4\n", ['"2,5"', "decimal comma", "write 2.5"]),
        ('1,"2\n', ["table cannot be read"]),
        ("1," + "9" * 140_000, ["table cannot be read"]),
        ("1,\0", [r"\x00"]),
    ],
)
def test_csv_refused(content: str, facts: list[str]) -> None:
    Path("a.csv").write_text(content)
    message = refusal("a.csv")
    assert message.startswith("input from a.csv: ")
    for fact in facts:
        assert fact in message


def test_txt_and_json() -> None:
    Path("a.txt").write_text("1 2; 3 4")
    assert read_array("a.txt").tolist() == [[1, 2], [3, 4]]
    Path("b.txt").write_text("[[1, 2]]")
    assert read_array("b.txt").tolist() == [[1, 2]]
    Path("a.json").write_text('{"input": [1], "weight": [2], "卷积核": [3.5], "x": 4}')
    assert read_array("a.json").tolist() == [1]
    assert read_array("a.json", what="kernel").tolist() == [2]
    assert read_array("a.json:卷积核").tolist() == [3.5]
    assert read_array("a.json:x").tolist() == [4]
    assert 'no "bias"' in refusal("a.json", what="bias")
    assert 'no "y"' in refusal("a.json:y")
    Path("b.json").write_text("[1]")
    assert 'named "y"' in refusal("b.json:y")


def test_text_in_another_encoding() -> None:
    for name in ("a.txt", "a.csv", "a.json"):
        Path(name).write_bytes("1 输".encode("gbk"))
        assert "byte 2 is not UTF-8" in refusal(name)
    Path("b.txt").write_bytes(b"\xff\xfe1\0 ")
    assert "not UTF-8" in refusal("b.txt")


# ------------------------------------------------------------------ images


def test_grey_images() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    Image.fromarray(pixels).save("grey.png")
    assert same(read_array("grey.png"), pixels.tolist(), np.int64)
    Image.fromarray(pixels).convert("LA").save("alpha.png")
    assert same(read_array("alpha.png"), pixels.tolist(), np.int64)
    Image.fromarray(pixels.astype(np.uint16) * 257).save("deep.png")
    assert same(read_array("deep.png"), (pixels.astype(int) * 257).tolist(), np.int64)
    Image.fromarray(pixels > 90).save("bits.png")
    assert same(read_array("bits.png"), ((pixels > 90) * 255).tolist(), np.int64)
    Image.fromarray(np.full((4, 5), 77, np.uint8)).save("flat.jpg")
    assert same(read_array("flat.jpg"), [[77] * 5] * 4, np.int64)


def test_colour_images() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    expected = np.moveaxis(pixels, -1, 0).tolist()
    for mode in ("RGB", "RGBA"):
        Image.fromarray(pixels).convert(mode).save("colour.png")
        assert same(read_array("colour.png"), expected, np.int64)
    Image.fromarray(pixels).quantize(8).save("palette.png")
    assert same(read_array("palette.png"), expected, np.int64)
    for suffix in ("jpg", "jpeg"):
        Image.fromarray(pixels).save(f"colour.{suffix}", quality=100)
        assert read_array(f"colour.{suffix}").shape == (3, 2, 4)


def test_a_turned_photograph_is_set_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    Image.fromarray(np.zeros((2, 5), np.uint8)).save("turned.jpg", exif=exif)
    assert read_array("turned.jpg").shape == (5, 2)


def test_image_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (2, 2)).save("a.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert 'pip install "stepconv[image]"' in refusal("a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_image_damaged(suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40), dtype=np.uint8)
    Image.fromarray(noise).save(f"a.{suffix}")
    whole = Path(f"a.{suffix}").read_bytes()
    for content in (b"", b"text", whole[:200], whole[: len(whole) // 2]):
        Path(f"a.{suffix}").write_bytes(content)
        assert "no whole PNG or JPEG" in refusal(f"a.{suffix}")


@pytest.mark.parametrize(
    ("side", "fact"),
    [(8_000, "64000000 numbers"), (10_000, "too many pixels"), (60_000, "too many pixels")],
)
def test_image_that_claims_to_be_huge(side: int, fact: str) -> None:
    Image.new("L", (1, 1)).save("a.png")
    content = bytearray(Path("a.png").read_bytes())
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    Path("a.png").write_bytes(content)
    assert fact in refusal("a.png")


# ------------------------------------------------- files, standard input, samples


def test_missing_files() -> None:
    Path("digits.csv").write_text("1")
    message = refusal("digit.csv")
    assert message.startswith("input from digit.csv: there is no such file")
    assert "did you mean digits.csv?" in message
    assert "check the name" in refusal("zzz.npy")
    assert "no folder no/where" in refusal("no/where/x.npy", what="kernel")
    assert "no such file" in refusal("zzz.npz:a")


def test_what_is_no_file() -> None:
    Path("folder.txt").mkdir()
    assert "this is a folder" in refusal("folder.txt")
    assert "this is a folder" in refusal(".")
    os.mkfifo("pipe.txt")
    assert "a device or a pipe" in refusal("pipe.txt")
    Path("a.dat").write_text("1")
    message = refusal("a.dat")
    assert "the suffix must be one of .npy" in message
    assert ".jpeg" in message
    assert "cannot be read" in refusal("a\0.txt")
    assert "cannot be read" in refusal("x" * 300 + ".txt")
    assert "Not a directory" in refusal("a.dat/b.txt")


def test_a_file_named_like_a_number_needs_its_folder() -> None:
    Path("1").mkdir()
    Path("2").write_text("7")
    assert read_array("1").tolist() == [1]
    assert "this is a folder" in refusal("./1")
    assert "the suffix must be" in refusal("./2")


def test_unreadable_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.txt").write_text("1")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert refusal("a.txt") == "input from a.txt: the file cannot be read: Permission denied"


def test_files_larger_than_the_limit_are_not_read() -> None:
    for name, limit in (("a.txt", origin.MAX_TEXT_BYTES), ("a.npy", origin.MAX_BYTES)):
        with open(name, "wb") as stream:
            stream.truncate(limit + 1)
        message = refusal(name)
        assert f"{limit + 1} bytes" in message
        assert str(limit) in message


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_array("-", stdin=io.BytesIO(b"1 2\n3 4\n")).tolist() == [[1, 2], [3, 4]]
    assert read_array("-", stdin=io.StringIO("\ufeff[1, 2.5]")).tolist() == [1, 2.5]
    record = b'{"input": [1], "weight": [2]}'
    assert read_array("-", what="kernel", stdin=io.BytesIO(record)).tolist() == [2]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("１；２".encode())))
    assert read_array("-").tolist() == [[1], [2]]


def test_standard_input_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("-", stdin=io.BytesIO()).startswith(
        "input from standard input: there is nothing"
    )
    assert "not UTF-8" in refusal("-", stdin=io.BytesIO(b"\xa3\xac"))
    assert "no whole .npy" in refusal("-", stdin=io.BytesIO(b"\x93NUMPY"))
    assert "cut short" in refusal("-", stdin=io.BytesIO(header((9,))))
    closed = io.BytesIO()
    closed.close()
    assert "cannot be read" in refusal("-", stdin=closed)
    monkeypatch.setattr(paths, "MAX_TEXT_BYTES", 10)
    assert "more than the 10 bytes" in refusal("-", stdin=io.BytesIO(b"1 " * 20))
    monkeypatch.setattr(sys, "stdin", None)
    assert "closed" in refusal("-")


def test_samples_as_arrays() -> None:
    array = read_array("@digit")
    assert array.shape == (8, 8)
    array[0, 0] = 99  # a copy: the sample is not changed
    assert sample("digit").array[0, 0] == 0
    assert read_array("@sobel-x", what="kernel").tolist() == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    assert read_array("@Box").shape == (3, 3)
    assert read_array("@sentences").shape == (6, 3, 5)
    message = refusal("@sentences", what="kernel")
    assert "@sentences is a scene" in message
    assert "cannot be the kernel" in message
    assert "did you mean @digit?" in refusal("@digt")
    assert "no sample @zzz; `stepconv samples`" in refusal("@zzz")
    assert "no sample @;" in refusal("@")


# ------------------------------------------------------------------ damage


def _contents() -> dict[str, list[bytes]]:
    """Return whole files of every kind, by suffix."""

    def saved(save: Callable[..., Any], *args: Any, **options: Any) -> bytes:
        buffer = io.BytesIO()
        save(buffer, *args, **options)
        return buffer.getvalue()

    picture = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
    return {
        ".npy": [saved(np.save, np.arange(6).reshape(2, 3)), saved(np.save, np.ones(3) * 1j)],
        ".npz": [saved(np.savez, a=np.arange(3)), saved(np.savez_compressed, a=np.ones(3))],
        ".png": [saved(picture.convert(mode).save, "PNG") for mode in ("L", "RGBA", "P", "I;16")],
        ".jpg": [saved(picture.convert(mode).save, "JPEG") for mode in ("L", "RGB", "CMYK")],
        ".json": [b'{"input": [[1, 2], [3, 4.5]]}', b"[true, false]"],
        ".csv": [b'1,2,"3"\n4,5,6\n', b"1;2\n3;4"],
        ".txt": [b"1 2; 3 4 | 5 6; 7 8", "1 2".encode("utf-16")],
    }


@given(st.data())
def test_damaged_files_give_numbers_or_an_input_error(data: st.DataObject) -> None:
    contents = _contents()
    suffix = data.draw(st.sampled_from(sorted(contents)))
    content = bytearray(data.draw(st.sampled_from([*contents[suffix], b""])))
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 3))
        content[start : start + length] = data.draw(st.binary(max_size=4))
    name = f"damaged{suffix}"
    Path(name).write_bytes(content)
    for source in (name, "-"):
        read_or_refuse(source, content)


def test_an_archive_compressed_as_numpy_never_does_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.npz"
    npy = io.BytesIO()
    np.save(npy, np.arange(3))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("input.npy", npy.getvalue())
    with pytest.raises(InputError, match=r"no whole \.npz archive"):
        read_array(str(path))
