"""The matrix of a convolution as a picture, and the frames and overviews it is part of."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from rich.console import RenderableType

from stepconv import Trace, TraceError, show, trace
from stepconv.samples import scene
from stepconv.views.frame import VIEWS, Frame, views_of
from stepconv.views.matrices.unrolled import Unrolled
from stepconv.views.matrices.view import MatrixView
from stepconv.views.overview import Overview, page
from stepconv.views.theme import Look
from tests import snapshot

PLAIN, COLOR = Look(color=False), Look()


def record_of(name: str, **more: Any) -> Trace:
    example = scene(name)
    return trace(example.input, example.weight, example.bias, **{**example.options, **more})


def line() -> Trace:
    return trace([[1, 2, 3, 4]], [[[1, 2, 3]]])


def floats() -> Trace:
    weight = np.array([[[0.5, -1.25]], [[2.0, 0.125]]])
    return trace([[1.5, 2.0, -3.0, 4.0]], weight, bias=[0.5, -1.0], padding=1)


PICTURES = {
    "line": lambda look: MatrixView(line(), look),
    "line-step": lambda look: MatrixView(line(), look, index=1, term=1),
    "line-names": lambda look: MatrixView(line(), look, names=True),
    "line-transpose": lambda look: MatrixView(line(), look, transpose=True),
    "sparse": lambda look: MatrixView(record_of("sparse-matrix"), look, index=2, term=4),
    "sparse-names": lambda look: MatrixView(record_of("sparse-matrix"), look, names=True),
    "sparse-transpose": lambda look: MatrixView(record_of("sparse-matrix"), look, transpose=True),
    "floats": lambda look: MatrixView(floats(), look, index=7),
    "reflect": lambda look: MatrixView(record_of("padding-reflect"), look, index=0),
    "unused": lambda look: MatrixView(trace([[1, 2, 3, 4]], [[[5, 6]]], stride=3), look),
    "stamp": lambda look: MatrixView(record_of("hand-worked-transposed"), look, index=1, term=2),
    "transposed": lambda look: MatrixView(record_of("strides-transposed", order="gather"), look),
    "forward-of-transposed": lambda look: MatrixView(
        record_of("hand-worked-transposed"), look, transpose=True
    ),
    "digit-height": lambda look: MatrixView(record_of("digit-edges"), look, index=10, height=18),
    "digit-low": lambda look: MatrixView(record_of("digit-edges"), look, index=10, height=8),
    "channels": lambda look: MatrixView(record_of("channels-2-to-3"), look, index=12, names=True),
    "volume": lambda look: MatrixView(record_of("volume"), look, index=5),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(name: str) -> None:
    for width in (60, 80, 120) if name in ("sparse", "channels") else (80,):
        snapshot.check(f"matrix-{name}-{width}-plain", snapshot.plain(PICTURES[name](PLAIN), width))


@pytest.mark.parametrize("name", ["line-step", "sparse", "stamp", "unused"])
def test_pictures_in_color(name: str) -> None:
    snapshot.check(f"matrix-{name}-80-color", snapshot.colored(PICTURES[name](COLOR)))


@pytest.mark.parametrize("name", ["line-step", "line-transpose", "sparse", "digit-height"])
def test_pictures_in_ascii(name: str) -> None:
    text = snapshot.plain(PICTURES[name](Look(color=False, ascii=True)))
    assert text.isascii()
    snapshot.check(f"matrix-{name}-80-ascii", text)


# -- what is shown holds


@pytest.mark.parametrize(
    "name", ["digit-edges", "padding-circular", "grouped", "volume", "padding-strides-transposed"]
)
def test_the_vectors_are_those_of_the_matrix(name: str) -> None:
    record = record_of(name, order="gather")
    unrolled = Unrolled(record)
    x, product = unrolled.vectors
    assert (unrolled.matrix @ np.array(x)).tolist() == product
    assert product == record.sums[:, -1].tolist()
    turned = Unrolled(record, transpose=True)
    y, back = turned.vectors
    assert y == product
    assert (np.array(y) @ unrolled.matrix.toarray()).tolist() == back


@pytest.mark.parametrize(
    "name", ["digit-edges", "padding-reflect", "grouped", "hand-worked-transposed", "dilation"]
)
def test_a_term_is_at_its_entry(name: str) -> None:
    record = record_of(name)
    seen = 0
    for index in range(0, len(record), 3):
        for number, term in enumerate(record[index].terms):
            unrolled = Unrolled(record, index, number)
            if unrolled.hit is None:
                assert term.input is None or term.output is None
                continue
            row, column = unrolled.hit
            values = [unrolled.matrix.value[k] for k in unrolled.entries(row)[column]]
            assert term.weight in values
            assert unrolled.vectors[0][column] == term.value
            assert column in unrolled.active or record.order == "scatter"
            seen += 1
    assert seen > 5


def test_a_part_leaves_out_what_was_not_traced() -> None:
    record = trace([[1, 2, 3, 4]], [[[1, 2]]], only=(0, slice(1, 3)))
    assert Unrolled(record, 0).vectors == ([1, 2, 3, 4], [None, 8, 11])
    text = snapshot.plain(MatrixView(record, PLAIN, index=1))
    assert " ▸ y3   11" in text


def test_every_sample_has_its_own_vectors() -> None:
    record = trace([[[1, 2]], [[3, 4]]], [[[1, 1]]])
    assert Unrolled(record).vectors == ([1, 2], [3])
    assert Unrolled(record, 1).vectors == ([3, 4], [7])


@pytest.mark.parametrize("height", range(1, 30))
def test_it_keeps_to_its_height(height: int) -> None:
    for name in ("digit-edges", "hand-worked-transposed", "padding-reflect"):
        text = snapshot.plain(MatrixView(record_of(name), PLAIN, index=2, term=0, height=height))
        assert len(text.splitlines()) <= height


def test_complex_numbers() -> None:
    text = snapshot.plain(MatrixView(trace([[1 + 2j, 3]], [[[1j, 2]]]), PLAIN, index=0))
    assert "y1 = (0+1j)·(1+2j) + (2+0j)·(3+0j)" in text


# -- frames and overviews


def test_frames_of_every_view() -> None:
    record = record_of("digit-edges")
    texts = {view: snapshot.plain(Frame(record, 10, PLAIN, view=view)) for view in VIEWS}
    assert len(set(texts.values())) == 3
    assert all(text.startswith("conv2d   input (1, 1, 8, 8)") for text in texts.values())
    bare = snapshot.plain(Frame(record, 10, PLAIN, header=False))
    assert texts["steps"].endswith(bare)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["hand-worked", "digit-edges", "grouped", "volume"])
def test_frames_keep_to_their_height(name: str, view: str) -> None:
    record = record_of(name)
    for height in (20, 22, 30):
        for term in (None, 2):
            for width in (60, 80):
                frame = Frame(record, 2, PLAIN, view=view, term=term, height=height)
                assert len(snapshot.plain(frame, width).splitlines()) <= height


@pytest.mark.parametrize("name", ["hand-worked-transposed", "strides-transposed", "grouped"])
def test_channels_of_stamps(name: str) -> None:
    record = record_of(name)
    if record.spec.transposed:
        record = record_of(name, order="scatter")
    for view in views_of(record):
        for channel in (0, 1, 5):
            assert snapshot.plain(Frame(record, 1, PLAIN, view=view, channel=channel))


overview = partial(Overview, hints=True)

OVERVIEWS = {
    "digit": lambda look: overview(record_of("digit-edges"), look),
    "channels": lambda look: overview(record_of("channels-2-to-3"), look),
    "grouped": lambda look: overview(record_of("grouped"), look),
    "volume": lambda look: overview(record_of("volume"), look),
    "reflect": lambda look: overview(record_of("padding-reflect"), look),
    "unused": lambda look: overview(
        trace(np.ones((1, 6, 6), int), np.ones((1, 1, 3, 3), int), stride=2), look
    ),
    "transposed": lambda look: overview(record_of("padding-strides-odd-transposed"), look),
    "stamps": lambda look: overview(
        record_of("padding-strides-odd-transposed", order="scatter"), look
    ),
    "batch": lambda look: overview(
        trace(np.arange(40).reshape(2, 5, 2, 2), np.ones((5, 5, 1, 1), int)), look
    ),
    "part": lambda look: overview(record_of("digit-edges", only=(0, 0, slice(2, 4))), look),
    "wide": lambda look: overview(
        trace(np.arange(900).reshape(1, 30, 30), np.ones((1, 1, 3, 3), int), padding=1), look
    ),
    "line": lambda look: overview(record_of("hand-worked"), look),
    "matrix": lambda look: overview(record_of("hand-worked"), look, view="matrix"),
    "steps": lambda look: overview(record_of("no-padding"), look, view="steps"),
    "empty": lambda look: overview(trace(np.ones((0, 1, 3)), np.ones((1, 1, 2))), look),
}  # fmt: skip


@pytest.mark.parametrize("name", OVERVIEWS)
def test_overviews(name: str) -> None:
    for width in (60, 80, 120) if name in ("digit", "channels") else (80,):
        text = snapshot.plain(OVERVIEWS[name](PLAIN), width)
        snapshot.check(f"overview-{name}-{width}-plain", text)


@pytest.mark.parametrize("name", ["digit", "transposed", "unused"])
def test_overviews_in_color(name: str) -> None:
    snapshot.check(f"overview-{name}-80-color", snapshot.colored(OVERVIEWS[name](COLOR)))


@pytest.mark.parametrize("name", OVERVIEWS)
def test_overviews_in_ascii(name: str) -> None:
    assert snapshot.plain(OVERVIEWS[name](Look(color=False, ascii=True))).isascii()


def test_many_output_channels_are_counted() -> None:
    record = trace(np.ones((1, 3, 3)), np.ones((9, 1, 2, 2)))
    text = snapshot.plain(Overview(record, PLAIN))
    assert "output 2×2: 8 of 9 slices" in text
    assert "kernels not drawn: 5" in text


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((6, 6), "  the last placement ends 1 short of the end"),
        ((5, 7), None),
        ((7, 6), "  columns: the last placement ends 1 short of the end"),
    ],
)
def test_what_the_last_placement_misses(size: tuple[int, int], words: str | None) -> None:
    record = trace(np.ones((1, *size)), np.ones((1, 1, 3, 3)), stride=2, padding=1)
    told = [
        line for line in snapshot.plain(Overview(record, PLAIN)).splitlines() if "short" in line
    ]
    assert told == ([words] if words else [])


# -- for library users


def test_show_prints(capsys: pytest.CaptureFixture[str]) -> None:
    record = record_of("hand-worked")
    show(record)
    assert "y1 = 2" in capsys.readouterr().out
    show(record, step=-1, view="steps")
    assert "placement 4 of 4" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["no-padding", "digit-edges", "sentences"])
def test_show_speaks_of_no_options_of_the_command(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(record_of(name))
    assert "--" not in capsys.readouterr().out
    assert "--step" in snapshot.plain(overview(record_of(name), PLAIN))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"step": 4}, "there is no step 4: the trace has 4"), ({"view": "film"}, "'film' is not one")],
)
def test_show_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=message):
        show(record_of("hand-worked"), **options)


def test_the_view_that_suits() -> None:
    def text(drawn: RenderableType) -> str:
        return snapshot.plain(drawn)

    rank1, rank2 = record_of("hand-worked"), record_of("no-padding")
    assert text(page(rank1, PLAIN, step=0)) == text(Frame(rank1, 0, PLAIN, view="table"))
    assert text(page(rank2, PLAIN, step=0)) == text(Frame(rank2, 0, PLAIN, view="steps"))
    assert text(page(rank2, PLAIN)) == text(Overview(rank2, PLAIN))
