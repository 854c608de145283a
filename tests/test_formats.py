"""Records as JSON, CSV and NPZ: there and back, and nothing false or broken is taken."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv import InputError, Trace, TraceError, trace
from stepconv.record import formats, json_format, npz_format
from tests.strategies import Layer, layers

DTYPES = ("bool", "uint8", "int64", "float16", "float32", "float64", "complex64", "complex128")


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    layer: Layer = draw(layers())
    image, weight, bias = layer.arrays(draw(st.sampled_from(DTYPES)))
    order = draw(st.sampled_from(["gather", "scatter"])) if layer.transposed else "gather"
    only = None
    if 0 not in layer.input_shape:
        only = draw(st.sampled_from([None, 0, -1, np.s_[..., :1][1:], np.s_[:1, :1]]))
    return trace(image, weight, bias, **layer.arguments, order=order, only=only)


def same(one: Trace, other: Trace) -> bool:
    """Whether two records agree in every bit."""
    names = ("input", "weight", "bias", "output", "products", "sums")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return (
        (one.geometry, one.region, one.order, one.operands.dtype)
        == (other.geometry, other.region, other.order, other.operands.dtype)
        and all(a.dtype == b.dtype and a.shape == b.shape for a, b in pairs)
        and all(a.tobytes() == b.tobytes() for a, b in pairs)
    )


@given(traces())
def test_json_there_and_back(record: Trace) -> None:
    text = record.to_json()
    again = Trace.from_json(text)
    assert same(record, again)
    assert again.to_json() == text
    assert same(Trace.from_json(json.dumps(strict(text))), record)


@given(traces())
def test_csv_there_and_back(record: Trace) -> None:
    text = record.to_csv()
    again = Trace.from_csv(text)
    assert same(record, again)
    assert again.to_csv() == text
    assert same(Trace.from_csv(text.replace("\n", "\r\n")), record)


@given(traces())
def test_npz_there_and_back(record: Trace) -> None:
    again = formats.from_npz(formats.to_npz(record))
    assert same(record, again)
    assert again.to_json() == record.to_json()


# Not compiled, the kernel is NumPy's scalars, which warn where compiled code does not.
@pytest.mark.filterwarnings("ignore:invalid value encountered in scalar:RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_every_float_survives(dtype: str) -> None:
    # -0, the smallest and the largest, what no power of two divides, NaN and infinities.
    tiny, huge = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    values = np.array([[-0.0, tiny, huge, 1 / 3, np.nan, np.inf, -np.inf, 0.1]], dtype)
    record = trace(values, np.ones((1, 1, 1), dtype))
    for again in (
        Trace.from_json(record.to_json()),
        Trace.from_csv(record.to_csv()),
        formats.from_npz(formats.to_npz(record)),
    ):
        assert again.input.tobytes() == values.astype(again.input.dtype).tobytes()
        assert again.output.dtype == dtype
        assert again.to_json() == record.to_json()


def test_integers_beyond_float64_survive() -> None:
    record = trace([[2**53 + 1, -(2**62)]], [[[1]]])
    for again in (Trace.from_json(record.to_json()), Trace.from_csv(record.to_csv())):
        assert again.input.tolist() == [[2**53 + 1, -(2**62)]]
    with pytest.raises(InputError, match="line 3, value is '9007199254740992'"):
        Trace.from_csv(
            record.to_csv().replace("input,0,0,0,9007199254740993", "input,0,0,0,9007199254740992")
        )


def test_an_output_size_that_was_asked_for_survives() -> None:
    record = trace([[1, 2]], [[[1, 1, 1]]], stride=3, transposed=True, output_size=8)
    again = Trace.from_json(record.to_json())
    assert again.output.shape == (1, 8)
    assert same(record, again)


def test_the_object_that_json_is() -> None:
    record = trace([[1, 2]], [[[3, 10]]], bias=[100], padding=((1, 0),))
    assert strict(record.to_json()) == {
        "format": 1,
        "spec": {
            "kernel_size": [2],
            "stride": [1],
            "padding": [[1, 0]],
            "dilation": [1],
            "groups": 1,
            "padding_mode": "zeros",
            "transposed": False,
            "output_padding": [0],
        },
        "dtype": "int64",
        "order": "gather",
        "region": [[0, 1], [0, 1], [0, 2]],
        "input_shape": [1, 2],
        "input": [[1, 2]],
        "weight": [[[3, 10]]],
        "bias": [100],
        "output": [[110, 123]],
        "placements": [
            {
                "output": [0, 0, 0],
                "terms": [
                    {
                        "input": None,
                        "kind": "padding",
                        "value": 0,
                        "weight": [0, 0, 0],
                        "factor": 3,
                        "product": 0,
                        "sum": 0,
                    },
                    {
                        "input": [0, 0, 0],
                        "kind": "input",
                        "value": 1,
                        "weight": [0, 0, 1],
                        "factor": 10,
                        "product": 10,
                        "sum": 10,
                    },
                ],
                "sum": 10,
                "bias": 100,
                "value": 110,
            },
            {
                "output": [0, 0, 1],
                "terms": [
                    {
                        "input": [0, 0, 0],
                        "kind": "input",
                        "value": 1,
                        "weight": [0, 0, 0],
                        "factor": 3,
                        "product": 3,
                        "sum": 3,
                    },
                    {
                        "input": [0, 0, 1],
                        "kind": "input",
                        "value": 2,
                        "weight": [0, 0, 1],
                        "factor": 10,
                        "product": 20,
                        "sum": 23,
                    },
                ],
                "sum": 23,
                "bias": 100,
                "value": 123,
            },
        ],
    }
    assert list(json_format.json_chunks(record))[-1] == "\n]}"


def test_the_table_that_csv_is() -> None:
    record = trace(np.ones((1, 2, 2)), np.full((1, 1, 2, 1), 0.5), stride=2, padding=((1, 0), 0))
    comment, table = record.to_csv().split("\n", 1)
    assert strict(comment.removeprefix("# "))["spec"]["stride"] == [2, 2]
    assert table.splitlines() == [
        "placement,output_n,output_c,output_h,output_w,term,kind,input_n,input_c,input_h,input_w,"
        "value,weight_out,weight_in,weight_h,weight_w,weight,product,sum",
        "0,0,0,0,0,0,padding,,,,,0.0,0,0,0,0,0.5,0.0,0.0",
        "0,0,0,0,0,1,input,0,0,0,0,1.0,0,0,1,0,0.5,0.5,0.5",
    ]
    stamps = trace([[1j]], [[[2.0]]], transposed=True, order="scatter").to_csv()
    assert stamps.splitlines()[1:] == [
        "placement,output_n,output_c,output_l,term,kind,input_n,input_c,input_l,"
        "value,weight_in,weight_out,weight_l,weight,product,sum",
        "0,0,0,0,0,input,0,0,0,1j,0,0,0,2+0j,0+2j,2j".replace("0+2j,", "2j,"),
    ]


@given(traces())
def test_other_programs_can_add_up_the_csv(record: Trace) -> None:
    lines = [line for line in record.to_csv().splitlines() if not line.startswith("#")]
    totals: dict[tuple[int, ...], Any] = {}
    for row in csv.DictReader(lines):
        cell = tuple(int(value) for name, value in row.items() if name.startswith("output_"))
        product = complex(row["value"]) * complex(row["weight"])
        totals[cell] = totals.get(cell, 0) + product
    for placement in record.placements:
        assert np.isclose(totals[placement.output_index], complex(placement.sum), 1e-5, 1e-5)


# -- what is refused -----------------------------------------------------------------------------


@cache
def grouped() -> Trace:
    """A record in which every number differs."""
    image = np.arange(1.0, 9.0).reshape(1, 2, 4)
    return trace(image, [[[1.0, 2.0]], [[3.0, 4.0]]], [5.0, 6.0], groups=2)


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from paths(value, (*path, key))


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Put `value` at `path`; ... removes what is there."""
    if not path:
        return value
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return data


JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 0.5, float("inf"), 10**400, 2**31 - 1, 2**40, ...),
    *("", "nan", "same", "int64", "complex64", "scatter", "reflect", "\ud800"),
    *([], [[]], [0, 0], [1, [2]], [[[1.0]]], {}, {"a": 1}, {"kernel_size": [2]}),
)


@given(st.data())
def test_broken_json_is_refused_or_true(data: st.DataObject) -> None:
    whole = strict(grouped().to_json())
    path = data.draw(st.sampled_from(list(paths(whole))[1:]))
    text = json.dumps(replaced(whole, path, data.draw(st.sampled_from(JUNK))))
    try:
        record = Trace.from_json(text)
    except InputError as error:
        told = str(error)
    else:
        # A change that leaves the numbers true, such as a stride for a single placement.
        assert record.verify() == 0
        told = record.to_json()
        assert same(Trace.from_json(told), record)
    assert told


@given(st.binary(max_size=200))
def test_any_text_at_all(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for read in (Trace.from_json, Trace.from_csv):
        with pytest.raises(InputError):
            read(text)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("region", 2), [0, None], "region is"),
        (("region", 2), 1, "region is"),
        (("input_shape",), [1, None, 4], "input_shape is .* whole numbers"),
        ((), [1], r"the record has \[1\] where a JSON object with format must stand"),
        (("format",), 2, "format is 2; this version of stepconv reads 1"),
        (("format",), ..., "the record has no format; save the trace again"),
        (("spec",), [], r"spec is \[\]; it must be a JSON object"),
        (("spec", "stride"), ..., "the record has no spec.stride"),
        (("spec", "strides"), 1, "spec has 'strides', which is not one of kernel_size"),
        (("spec", "stride"), [0], "do not go together: stride is 0"),
        (("spec", "kernel_size"), [3], r"spec.kernel_size\[0\] is 3; .* give 2"),
        (("spec", "transposed"), 1, "transposed is 1"),
        (("spec", "padding"), [[2**31 - 1, 0]], "do not go together: .* memory"),
        (("dtype",), "float128", "dtype is 'float128'; .* 'float16'"),
        (("dtype",), ["float64"], "dtype is"),
        (("dtype",), "int64", r"input\[0\]\[0\]\[0\] is 1.0, which is not a number of dtype int64"),
        (("order",), "scatter", "order is 'scatter'; .* reads 'gather'"),
        (("order",), "", "order is ''; .* reads 'gather', 'scatter'"),
        (("region",), {}, r"region is {}; it must be a JSON array"),
        (("region", 2), [0, 4], r"region is .* within the output \(1, 2, 3\)"),
        (("region", 2), [2, 2], "region is"),
        (("region", 2), [True, 2], "region is"),
        (("region", 2), [0, 2], r"output\[0\]\[0\] is .* give"),
        (("input_shape",), [2, 4], r"input is .*; it must be a list of 2"),
        (("input_shape",), [1, 2, -4], "input_shape is .* whole numbers"),
        (("input_shape",), "1, 2, 4", "input_shape is .* array"),
        (("input_shape",), [0, 2**31 - 1, 2**31 - 1, 1], "input_shape is .* whole numbers"),
        (("input", 0, 1, 3), "x", r"input\[0\]\[1\]\[3\] is 'x', which is not a number"),
        (("input", 0, 1, 3), True, r"input\[0\]\[1\]\[3\] is True"),
        (("input", 0, 1, 3), 10**400, r"input\[0\]\[1\]\[3\] is .?10\^"),
        (("input", 0, 1, 3), 2**53 + 1, r"input\[0\]\[1\]\[3\] is 9007199254740993"),
        (("input", 0, 1), [1.0], r"input\[0\]\[1\] is \[1.0\]; it must be a list of 4"),
        (("weight",), 1.0, r"do not go together: weight \(\)"),
        (("weight", 1), [[1.0]], r"weight\[1\]\[0\] is \[1.0\]; it must be a list of 2"),
        (("weight", 1, 0, 0), [1.0], r"weight\[1\]\[0\]\[0\] is \[1.0\], which is not a number"),
        (("bias",), [5.0], "do not go together: bias"),
        (("bias",), None, r"output\[0\]\[0\]\[0\] is .*; the record's own input and weight give 5"),
        (("bias",), ..., "the record has no bias"),
        (("output", 0, 0, 0), 0, r"output\[0\]\[0\]\[0\] is 0; .* give 10"),
        (("output",), ..., "the record has no output"),
        (("placements",), {}, "placements is {}; it must be a JSON array"),
        (("placements", 5), ..., "the record has 5 placements; its input and region give 6"),
        (("placements", 0, "terms", 1, "product"), 5, r"placements\[0\].terms\[1\].product is 5;"),
        (("placements", 0, "terms", 1, "sum"), 6.0, r"terms\[1\].sum is 6.0; .* give 5"),
        (("placements", 0, "terms", 1, "kind"), "border", r"terms\[1\].kind is 'border'"),
        (("placements", 0, "terms", 1, "input"), None, r"terms\[1\].input is None; .* \[0, 0, 1\]"),
        (("placements", 0, "terms", 1, "weight", 2), True, r"terms\[1\].weight\[2\] is True"),
        (("placements", 0, "terms", 1), ..., r"placements\[0\].terms is "),
        (("placements", 0, "terms", 1), 3, "has 3 where a JSON object with .*terms"),
        (("placements", 2, "value"), ..., r"the record has no placements\[2\].value"),
    ],
)
def test_what_json_must_hold(path: tuple[Any, ...], value: Any, message: str) -> None:
    data = replaced(strict(grouped().to_json()), path, value)
    with pytest.raises(InputError, match=message):
        Trace.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{", "", "the record is no JSON at line 2, column 9, near"),
        ('"format": 1,', '"format": 1', "no JSON at line 3"),
        ("5.0", "NaN", 'the record holds NaN, which JSON has not; write it as a string: "nan"'),
        ("5.0", "-Infinity", '-Infinity, .* a string: "-inf"'),
        ("5.0", "1e999", r"\] is inf, which is not a number of dtype float64"),
        ("5.0", "9" * 5000, "an integer of thousands of digits"),
        ("5.0", "[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json(old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Trace.from_json(grouped().to_json().replace(old, new, 1))


def test_numbers_may_be_spelt_otherwise() -> None:
    # As JavaScript writes them, and as spreadsheets do.
    text = grouped().to_json()
    assert "1.0" in text
    assert same(Trace.from_json(text.replace(".0", "")), grouped())
    assert same(Trace.from_csv(grouped().to_csv().replace(".0,", ",")), grouped())
    assert same(Trace.from_csv(grouped().to_csv() + "\r\n\n"), grouped())
    bare = strict(trace([[1, 2]], [[[1]]]).to_json()) | {"bias": None, "comment": "by hand"}
    assert Trace.from_json(json.dumps(bare)).bias.tolist() == [0]


def test_a_number_must_be_one_of_its_dtype() -> None:
    record = trace(np.array([[0.1]], np.float32), np.ones((1, 1, 1), np.float32))
    text = record.to_json()
    assert "0.10000000149011612" in text
    with pytest.raises(InputError, match=r"0\.1, which is not a number of dtype float32"):
        Trace.from_json(text.replace("0.10000000149011612", "0.1"))
    with pytest.raises(InputError, match=r"1e\+39, which is not a number of dtype float32"):
        Trace.from_json(text.replace("0.10000000149011612", "1e39"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[1:], "the record's first line is"),
        (lambda text: "", "the record's first line is ''"),
        (lambda text: text.replace('"dtype"', '"type"'), "the record has no dtype"),
        (lambda text: text.replace("# {", "# ", 1), "no JSON at line 1"),
        (lambda text: text.split("\n")[0], "no table under its first line"),
        (lambda text: text + "\0", "12 rows|no table|13 rows"),
        (lambda text: text.replace("placement,", "place,"), "line 2 is .* give .'placement'"),
        (lambda text: text + text.splitlines()[-1], "has 13 rows of terms; .* give 12"),
        (lambda text: "\n".join(text.splitlines()[:-1]), "has 11 rows"),
        (lambda text: text.replace("0,0,0,0,1,input,", "0,0,0,0,1,border,"), "line 4, kind is 'b"),
        (lambda text: text.replace("0,0,0,0,0,", "0,0,0,0.0,0,"), "line 3, output_l is '0.0'"),
        (lambda text: text.replace(",2.0,4.0,5.0", ",2.0,4.5,5.0"), "line 4, product is '4.5'"),
        (lambda text: text.replace(",2.0,4.0,5.0", ",2.0,four,5.0"), "product is 'four'; .* '4.0'"),
        (lambda text: text.replace(",2.0,4.0,5.0", ",2.0,4.0"), "line 4 is "),
    ],
)
def test_what_csv_must_hold(change: Callable[[str], str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Trace.from_csv(change(grouped().to_csv()))


def repacked(**changes: Any) -> bytes:
    """Return the archive of the record with other arrays in it; None leaves one out."""
    with np.load(io.BytesIO(formats.to_npz(grouped()))) as archive:
        arrays = dict(archive) | changes
    stream = io.BytesIO()
    np.savez(stream, **{name: array for name, array in arrays.items() if array is not None})
    return stream.getvalue()


def test_the_arrays_that_npz_is() -> None:
    with np.load(io.BytesIO(formats.to_npz(grouped())), allow_pickle=False) as archive:
        assert set(archive) == {*npz_format.ARRAYS, "metadata"}
        assert archive["products"].tolist() == grouped().products.tolist()
        metadata = strict(str(archive["metadata"]))
    text = strict(grouped().to_json())
    assert metadata == {name: text[name] for name in metadata}
    assert same(formats.from_npz(repacked()), grouped())
    assert same(formats.from_npz(repacked(input=grouped().input.astype(">f8"))), grouped())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sums": None}, "the record has no sums"),
        ({"metadata": None}, "the record has no metadata"),
        ({"metadata": np.array(1)}, "metadata is no text"),
        ({"metadata": np.array(["{}"])}, "metadata is no text"),
        ({"metadata": np.array("{")}, "no JSON"),
        ({"metadata": np.array("{}")}, "the record has no format"),
        ({"input": np.ones((1, 2, 4), "f4")}, "input.dtype is 'float32'; .* 'float64'"),
        ({"input": np.ones((1, 3, 4))}, "do not go together: input"),
        ({"input": np.array(None)}, "no whole .npz archive"),
        ({"bias": np.ones(3)}, "do not go together: bias"),
        ({"weight": np.ones(3)}, "do not go together: weight"),
        ({"output": np.ones((1, 2, 3))}, r"output\[0\]\[0\]\[0\] is 1.0; .* give 10.0"),
        ({"sums": np.ones((6, 2))}, r"sums\[0\]\[1\] is 1.0; .* give 5.0"),
        ({"sums": np.ones((6, 3))}, r"sums.shape is \(6, 3\)"),
        ({"products": np.ones((6, 2), "f4")}, "products.dtype is 'float32'; .* 'float64'"),
        ({"products": np.ones((6, 2), [("a", "f8")])}, "products.dtype is"),
        ({"products": np.full((6, 2), np.nan)}, r"products\[0\]\[0\] is nan; .* give 1.0"),
    ],
)
def test_what_npz_must_hold(changes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        formats.from_npz(repacked(**changes))


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=4))
def test_a_damaged_archive(place: int, junk: bytes) -> None:
    data = formats.to_npz(grouped())
    start = place % len(data)
    try:
        record = formats.from_npz(data[:start] + junk + data[start + len(junk) :])
    except InputError:
        return
    assert same(record, grouped())


@pytest.mark.parametrize("cut", [0, 1, 30, 500, -1])
def test_an_archive_cut_short(cut: int) -> None:
    with pytest.raises(InputError, match=r"no whole \.npz archive"):
        formats.from_npz(formats.to_npz(grouped())[:cut])


def test_an_archive_compressed_otherwise() -> None:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(formats.to_npz(grouped()))) as source,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive,
    ):
        for name in source.namelist():
            archive.writestr(name, source.read(name))
    with pytest.raises(InputError, match=r"no whole \.npz archive"):
        formats.from_npz(stream.getvalue())


def test_an_array_that_claims_more_than_it_has() -> None:
    stream = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
    with zipfile.ZipFile(stream, "w") as archive:
        inner = io.BytesIO()
        np.lib.format.write_array_header_1_0(inner, header)
        archive.writestr("input.npy", inner.getvalue())
    with pytest.raises(InputError, match=r"no whole \.npz archive"):
        formats.from_npz(stream.getvalue())


def test_an_archive_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    data = repacked(input=np.zeros((1, 2, 2**20)))
    monkeypatch.setattr(npz_format, "memory", lambda: 2**26)
    with pytest.raises(InputError, match="the record's input takes 16 MB"):
        formats.from_npz(data)


# -- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["record.json", "record.CSV", "record.npz", "数.json"])
def test_files_there_and_back(tmp_path: Path, name: str) -> None:
    grouped().save(tmp_path / name)
    assert same(Trace.load(tmp_path / name), grouped())
    grouped().save(str(tmp_path / name))
    assert same(Trace.load(str(tmp_path / name)), grouped())
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_byte_order_mark_is_no_harm(tmp_path: Path) -> None:
    for path, text in (
        (tmp_path / "record.csv", grouped().to_csv()),
        (tmp_path / "record.json", grouped().to_json()),
    ):
        path.write_text("\ufeff" + text.replace("\n", "\r\n"), encoding="utf-8", newline="")
        assert same(Trace.load(path), grouped())


def test_what_save_refuses(tmp_path: Path) -> None:
    for name in ("record.svg", "record", ".json"):
        with pytest.raises(InputError, match=r"does not end in .*\.save_picture\(trace, path\)"):
            grouped().save(tmp_path / name)
    with pytest.raises(InputError, match="there is no folder"):
        grouped().save(tmp_path / "folder" / "record.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("record.txt", b"1", "record.txt does not end in .json, .csv or .npz"),
        ("record.json", None, "record.json cannot be read: No such file"),
        ("record\0.json", None, "cannot be read"),
        ("record.json", b"{", r"record.json: the record is no JSON at line 1"),
        ("record.json", b"\xff", r"record.json: the record is not text in UTF-8"),
        ("record.csv", b"", r"record.csv: the record's first line is"),
        ("record.npz", b"", r"record.npz: the record is no whole .npz archive"),
    ],
)
def test_what_load_refuses(tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        Trace.load(tmp_path / name)


def test_text_that_is_too_long(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(json_format, "LARGEST_TEXT", 11)
    for write in (grouped().to_json, grouped().to_csv):
        with pytest.raises(TraceError, match=r"a record of 12 terms .* take 11; save"):
            write()
    grouped().save(tmp_path / "record.npz")
    monkeypatch.setattr(formats, "LARGEST_TEXT_FILE", 10)
    (tmp_path / "record.csv").write_text("# 3456789ab", encoding="utf-8")
    with pytest.raises(InputError, match="0 MB of text, more than the 0 MB that are read"):
        Trace.load(tmp_path / "record.csv")
