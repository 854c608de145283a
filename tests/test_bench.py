"""``stepconv bench``: the layers, the method, the peers, the table and the picture."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.cells import cell_len

from benchmarks import chart
from stepconv import conv
from stepconv.bench import onnx, peers, timing
from stepconv.bench.contest import Row, contest
from stepconv.bench.layers import CLASSES, TABLE, Layer, chosen
from stepconv.bench.peers import Peer
from stepconv.bench.report import Report, from_json, geometric_mean
from stepconv.bench.timing import QUICK, Effort, ratio, take_turns
from stepconv.cli import main
from stepconv.errors import InputError
from stepconv.kernels.peak import peak
from stepconv.views.facts.benchtable import BenchTable
from stepconv.views.screen import Screen
from stepconv.views.theme import Look
from tests.commands import done, process, run

TINY = tuple(layer for layer in TABLE if layer.kind == "tiny")
BRIEF = Effort(rounds=2, seconds=0.0001, most=1.0)


def report_of(*rows: Row) -> Report:
    machine = {"processor": "A & B", "float32 lanes": 16, "date": "2026-01-02", "cores": 2}
    versions = {"stepconv": "1", "numba": "2", "torch": "3+cpu", "onnxruntime": "4"}
    return Report(machine, versions, 1, True, rows)


def row_of(layer: Layer, torch: float, onnxruntime: float | None = None, error: float = 0.0) -> Row:
    ratios = {"torch": torch}
    if onnxruntime is not None:
        ratios["onnxruntime"] = onnxruntime
    return Row(layer, {"layer": 0.001, "function": 0.002, "torch": 0.004}, ratios, 1e12, error)


# -- layers


def test_the_table_has_the_layers_that_are_promised() -> None:
    titles = [layer.title for layer in TABLE]
    assert len(titles) == len(set(titles)) == 60
    usual = [layer for layer in TABLE if layer.kind not in ("float64", "winograd")]
    assert len(usual) == 46
    assert {layer.kind for layer in TABLE} == set(CLASSES)
    assert {layer.batch for layer in usual} == {1, 3, 8, 32}


@pytest.mark.parametrize("layer", TABLE, ids=lambda layer: layer.title)
def test_numbers_are_drawn_alike_and_are_no_denormals(layer: Layer) -> None:
    if layer.operations > 1e9:
        layer = replace(layer, batch=1, size=tuple(min(size, 16) for size in layer.size))
    image, weight, bias = layer.draw()
    assert image.shape == layer.geometry.input_shape
    assert weight.shape == layer.geometry.weight_shape
    assert bias.shape == (layer.out_channels,)
    assert {array.dtype.name for array in (image, weight, bias)} == {layer.dtype}
    for array, again in zip((image, weight, bias), layer.draw(), strict=True):
        assert np.array_equal(array, again)
        assert np.abs(array[array != 0]).min() > np.finfo(layer.dtype).tiny


@pytest.mark.parametrize(
    "layer",
    [
        Layer("", "dense", 4, (6, 5), 6, (3, 2), groups=2, batch=2),
        Layer("", "conv1d", 3, (9,), 2, (2,), stride=2, dilation=3),
        Layer("", "transposed", 4, (3, 2), 6, (3, 2), stride=2, groups=2, transposed=True),
    ],
    ids=["grouped", "dilated", "transposed"],
)
def test_operations_are_counted(layer: Layer) -> None:
    ones = [np.ones_like(array) for array in layer.draw()]
    multiplications = conv(ones[0], ones[1], **layer.arguments).sum()
    assert layer.operations == 2 * multiplications


def test_layers_are_chosen_by_words() -> None:
    assert chosen(None) == chosen("") == TABLE
    assert [layer.name for layer in chosen("tiny")] == ["tiny k3 L4", "tiny 3x3@8"]
    assert {layer.kind for layer in chosen("RESNET f64")} == {"float64"}
    with pytest.raises(InputError, match='no layer is called "alexnet"'):
        chosen("alexnet")


# -- timing


class Clock:
    """A clock that moves only when a call takes time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[str] = []

    def call(self, name: str, seconds: float) -> Any:
        def take() -> None:
            self.now += seconds
            self.said.append(name)

        return take


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()

    def sleep(seconds: float) -> None:
        found.now += seconds
        found.said.append("pause")

    stand_in = SimpleNamespace(perf_counter=lambda: found.now, sleep=sleep)
    monkeypatch.setattr(timing, "time", stand_in)
    return found


def test_times_are_those_of_one_call(clock: Clock) -> None:
    times = take_turns({"a": clock.call("a", 2e-6), "b": clock.call("b", 8e-3)}, QUICK)
    assert times["a"] == pytest.approx([2e-6] * 3)
    assert times["b"] == pytest.approx([8e-3] * 3)
    assert ratio(times, "a", "b") == pytest.approx(1 / 4000)


def test_contestants_take_turns_in_another_order_each_round(clock: Clock) -> None:
    take_turns({name: clock.call(name, 1.0) for name in "abc"}, Effort(3, 0.1, 100.0))
    order = clock.said[6:]  # after two calls each that find out how long they take
    turns = "".join(order[k] for k in range(0, len(order), 3))
    assert turns == "abcbcacab"
    assert order == [name for name in turns for _call in range(3)]


def test_long_calls_get_fewer_rounds(clock: Clock) -> None:
    times = take_turns({"a": clock.call("a", 1.0)}, Effort(rounds=9, seconds=0.1, most=7.0))
    assert len(times["a"]) == 2


def test_threads_of_others_are_given_time_to_rest(clock: Clock) -> None:
    take_turns({"a": clock.call("a", 0.1)}, Effort(2, 0.1, 10.0), threads=2)
    assert clock.said.count("pause") == 2
    assert clock.said[2] == "pause"


def test_a_slow_round_slows_both() -> None:
    times = {"a": [1.0, 8.0, 1.0], "b": [2.0, 16.0, 3.0]}
    assert ratio(times, "a", "b") == 0.5


# -- peers


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Read the fields of a Protocol Buffers message."""
    at = 0

    def integer() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = integer()
        value = integer()
        if key & 7 == 2:
            yield key >> 3, message[at : at + value]
            at += value
        else:
            yield key >> 3, value


def test_an_onnx_model_says_what_the_layer_is() -> None:
    layer = Layer("", "dense", 4, (300, 5), 6, (3, 2), stride=2, padding=1, dilation=2, groups=2)
    _image, weight, bias = layer.draw()
    model = dict(fields(onnx.model(layer, weight, bias)))
    graph = list(fields(model[7]))  # type: ignore[arg-type]  # a message, hence bytes
    node = next(value for number, value in graph if number == 1)
    assert isinstance(node, bytes)
    attributes = {}
    for number, value in fields(node):
        if number == 5:
            assert isinstance(value, bytes)
            parts = list(fields(value))
            attributes[parts[0][1]] = [one for number, one in parts if number in (3, 8)]
    assert dict(fields(node))[4] == b"Conv"
    assert attributes == {
        b"kernel_shape": [3, 2],
        b"strides": [2, 2],
        b"pads": [1, 1, 1, 1],
        b"dilations": [2, 2],
        b"group": [2],
    }
    tensors = [dict(fields(value)) for number, value in graph if number == 5]  # type: ignore[arg-type]
    assert [one[8] for one in tensors] == [b"w", b"b"]
    assert tensors[0][9] == weight.tobytes()
    assert tensors[1][9] == bias.tobytes()


@pytest.mark.compiled
@pytest.mark.parametrize(
    "layer",
    [
        Layer("a", "dense", 4, (9, 8), 6, (3, 2), stride=2, padding=1, dilation=2, groups=2),
        Layer("b", "conv1d", 4, (9,), 6, (3,), batch=3, dtype="float64"),
        Layer("c", "conv3d", 2, (4, 5, 6), 3, (2, 2, 2), padding=1),
        Layer(
            "d", "transposed", 4, (5, 4), 6, (3, 3), stride=2, padding=1, groups=2, transposed=True
        ),
        Layer("e", "transposed", 4, (5,), 6, (3,), dilation=2, transposed=True),
        Layer("f", "image", 1, (9, 8), 1, (3, 3), padding=1),
        *TINY,
    ],
    ids=lambda layer: layer.title,
)
def test_peers_compute_the_same(layer: Layer) -> None:
    arrays = layer.draw()
    expected = conv(*arrays, **layer.arguments)
    for peer in peers.installed():
        with peer.open(1) as make:
            call = make(layer, *arrays)
            assert call is not None or peer.name != "torch"
            if call is not None:
                result = np.asarray(call()).reshape(expected.shape)
                np.testing.assert_allclose(result, expected, atol=2e-6, err_msg=peer.name)


def test_a_peer_that_is_not_installed_is_left_out() -> None:
    assert not Peer("none", ("numpy", "no_such_module"), mock.Mock()).installed


# -- a contest


@contextmanager
def _half_a_step_off(threads: int) -> Iterator[peers.Maker]:
    yield lambda layer, *arrays: lambda: conv(*arrays, **layer.arguments) + 0.5


@contextmanager
def _nothing(threads: int) -> Iterator[peers.Maker]:
    yield lambda layer, *arrays: None


@pytest.mark.compiled
def test_both_ways_are_measured_and_compared() -> None:
    begun: list[Layer] = []
    wrong, absent = Peer("wrong", (), _half_a_step_off), Peer("absent", (), _nothing)
    rows = list(contest(TINY, [wrong, absent], BRIEF, begun=begun.append))
    assert [row.layer for row in rows] == begun == list(TINY)
    for row in rows:
        assert set(row.seconds) == {"layer", "function", "wrong"}
        assert set(row.ratios) == {"wrong"}
        assert 0.05 < row.error < 2
        assert not row.agrees
    for row in contest(TINY, [], BRIEF):
        assert row.error <= 1e-7
        assert row.agrees
        assert 0 < row.share < 0.5


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_peak_is_measured(dtype: str) -> None:
    assert 1e9 < peak(np.dtype(dtype)) < 1e13


# -- the report


def test_a_report_survives_json() -> None:
    report = report_of(row_of(TABLE[0], 0.5, 0.9), row_of(TABLE[-1], 0.25, error=1e-6))
    text = json.dumps(report.to_json())
    again = from_json(json.loads(text))
    assert again.rows == list(report.rows)
    assert json.dumps(again.to_json()) == text


def test_ratios_are_summed_up_by_kind() -> None:
    dense = [layer for layer in TABLE if layer.kind == "dense"]
    winograd = next(layer for layer in TABLE if layer.kind == "winograd")
    report = report_of(
        row_of(dense[0], 0.25, 1.0),
        row_of(dense[1], 1.0),
        row_of(TINY[0], 0.5),
        row_of(winograd, 0.1),
    )
    found = {one.kind: (one.count, one.mean, one.worst) for one in report.summaries("torch")}
    assert found["dense"] == (2, 0.5, 1.0)
    assert found["winograd"][0] == 1
    assert [one.kind for one in report.summaries("onnxruntime")] == ["dense"]
    overall = report.overall("torch")
    assert overall is not None
    assert (overall.count, overall.worst) == (3, 1.0)
    assert overall.mean == pytest.approx(0.5)
    assert report.overall("opencv") is None
    assert report.peers == ("torch", "onnxruntime")
    assert geometric_mean([4.0, 9.0]) == pytest.approx(6.0)


# -- the table


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("ascii", [False, True])
def test_the_table_fits_the_screen(width: int, ascii: bool) -> None:
    report = report_of(*(row_of(layer, 12.5, 0.034) for layer in TABLE))
    titles = [layer.title for layer in TABLE]
    table = BenchTable(titles, ["torch", "onnxruntime"], Look(color=False, ascii=ascii), width)
    stream = mock.Mock(encoding="utf-8")
    screen = Screen(stream, color="never", ascii=ascii, width=width)
    parts = [table.head(), *(table.row(row) for row in report.rows), table.end(report)]
    lines = "".join(screen.text(part) for part in parts).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert lines[1].split()[-1] == {40: "1.000", 80: "0.03", 120: "0e+00"}[width]
    assert ("--width" in "".join(lines)) == (width < 120)


def test_a_wrong_result_is_told_in_words() -> None:
    report = report_of(row_of(TABLE[0], 0.5), row_of(TABLE[1], 0.5, error=0.1))
    table = BenchTable([layer.title for layer in TABLE], ["torch"], Look(color=False), 120)
    screen = Screen(mock.Mock(encoding="utf-8"), color="never", width=120)
    end = screen.text(table.end(report))
    assert end.splitlines()[-1] == f"The results differ: {TABLE[1].title}."


@pytest.mark.parametrize(
    ("load", "threads", "busy"),
    [
        (0.1, 1, False),
        (1.2, 1, False),
        (1.8, 1, True),
        (0.3, 2, False),
        (1.0, 2, True),
        (None, 2, False),
    ],
)
def test_a_busy_machine_is_told(load: float | None, threads: int, busy: bool) -> None:
    report = report_of(row_of(TABLE[0], 0.5))
    report = replace(report, machine={**report.machine, "load": load}, threads=threads)
    assert report.disturbed == busy
    table = BenchTable([TABLE[0].title], ["torch"], Look(color=False), 120)
    text = Screen(mock.Mock(encoding="utf-8"), color="never", width=120).text(table.end(report))
    assert (f"(load {load} on 2 processors)" in text) == busy


# -- the command


@pytest.mark.compiled
def test_the_command_prints_a_table() -> None:
    with mock.patch.object(peers, "PEERS", ()):
        lines = done("bench", "--quick", "--layer", "tiny").splitlines()
    assert lines[0].split() == ["layer", "layer", "ms", "function", "ms", "peak", "error"]
    assert [line.split("  ")[1] for line in lines[1:3]] == ["tiny k3 L4", "tiny 3x3@8"]


@pytest.mark.compiled
def test_the_command_prints_json_and_fails_where_results_differ() -> None:
    wrong = Peer("wrong", ("json",), _half_a_step_off)
    with (
        mock.patch.object(peers, "PEERS", (wrong,)),
        mock.patch.object(Peer, "version", "1"),
    ):
        result = run("bench", "--quick", "--layer", "tiny L4", "--json")
    assert (result.status, result.err) == (1, "")
    data = json.loads(result.out)
    assert data["rows"][0]["layer"]["name"] == "tiny k3 L4"
    assert data["versions"]["wrong"] == "1"
    assert data["threads"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threads", "0"], "--threads 0 is not between 1 and"),
        (["--threads", "100000"], "--threads 100000 is not between 1 and"),
        (["--threads", "two"], '--threads "two" is not a whole number'),
        (["--layer", "alexnet"], 'no layer is called "alexnet"'),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: list[str], message: str) -> None:
    result = run("bench", *arguments)
    assert result.status == 2
    assert message in result.err
    assert result.out == ""


def test_there_must_be_compiled_kernels() -> None:
    result = process("bench", "--layer", "tiny", environment={"NUMBA_DISABLE_JIT": "1"})
    assert result.returncode == 2
    assert b"NUMBA_DISABLE_JIT is set" in result.stderr


@pytest.mark.compiled
def test_a_person_is_told_which_layer_is_measured() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    errors = Terminal()
    with (
        mock.patch.object(peers, "PEERS", ()),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(errors),
    ):
        assert main(["--ascii", "bench", "--quick", "--layer", "tiny"]) == 0
    said = errors.getvalue().split("\r\x1b[K")
    assert [one for one in said if one] == ["1 of 2: tiny k3 L4 ~", "2 of 2: tiny 3x3@8 ~"]
    assert errors.getvalue().endswith("\r\x1b[K")


# -- the picture


def test_the_picture_shows_every_ratio() -> None:
    rows = [row_of(layer, 0.5, 0.001 if layer.kind == "image" else 0.8) for layer in TABLE[:30]]
    picture = ElementTree.fromstring(chart.chart(report_of(*rows)))
    names = [child.tag.rpartition("}")[2] for child in picture]
    legend = 1
    assert names.count("circle") == names.count("polygon") == 30 + legend
    texts = ["".join(child.itertext()) for child in picture if child.tag.endswith("text")]
    assert set(texts) >= {layer.title for layer in TABLE[:30]}
    assert any("A & B" in text for text in texts)
    width = float(picture.attrib["width"])
    assert all(0 < float(child.attrib["cx"]) < width for child in picture if "cx" in child.attrib)
