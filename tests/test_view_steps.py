"""The step views: screens a person has looked at, and what must hold of every screen."""

from __future__ import annotations

import gettext
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv import TraceError, language, trace
from stepconv.language import using_language
from stepconv.record import Placement, Stamp, Trace
from stepconv.samples import sample, scene
from stepconv.views.header import Header
from stepconv.views.parts.board import Board, Panel
from stepconv.views.parts.grid import Cell, Grid
from stepconv.views.steps.ledger import Entry, Ledger
from stepconv.views.steps.slices import input_grids, output_grid
from stepconv.views.steps.stamp import StampView
from stepconv.views.steps.stamping import Stamping
from stepconv.views.steps.step import StepView
from stepconv.views.steps.work import Matrix, Work
from stepconv.views.theme import Look
from tests.snapshot import check, colored, console, plain
from tests.strategies import Layer, layers

MARKS, COLORS = Look(color=False), Look(color=True)
LINES = 19
"""What the player leaves of 24 lines."""

View = StepView | StampView


def digit() -> Trace:
    image, kernel = sample("digit").array, sample("sobel-x").array
    return trace(image[None, None], kernel[None, None], padding=1)


def of_scene(name: str, **options: Any) -> Trace:
    found = scene(name)
    return trace(found.input, found.weight, found.bias, **{**found.options, **options})


def integers(*shape: int, seed: int = 0, low: int = -4, high: int = 9) -> Any:
    return np.random.default_rng(seed).integers(low, high, shape)


def floats(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).round(4)


def volume() -> Trace:
    return trace(integers(1, 2, 4, 4, 4), integers(1, 2, 3, 3, 3, seed=1), [5], padding=1)


def reflected() -> Trace:
    kernel = integers(1, 1, 3, 3, seed=1)
    return trace(integers(1, 1, 4, 5), kernel, padding=2, padding_mode="reflect", stride=2)


def cropped_stamps() -> Trace:
    return of_scene("padding-strides-odd-transposed", order="scatter")


def deep_stamps() -> Trace:
    return trace(
        integers(1, 2, 2, 2, 2),
        integers(2, 2, 2, 2, 2, seed=1),
        [3, 5],
        stride=2,
        padding=(1, 0, 0),
        transposed=True,
        order="scatter",
    )


def view(record: Trace, index: int, look: Look = MARKS, **more: Any) -> View:
    kind = StampView if record.order == "scatter" else StepView
    return kind(record, index, look, **more)


# -- screens --------------------------------------------------------------------------------

SCREENS: dict[str, Callable[[], View]] = {
    "step-digit": lambda: view(digit(), 10),
    "step-digit-term": lambda: view(digit(), 10, term=5, height=LINES),
    "step-digit-corner-term": lambda: view(digit(), 0, term=3, height=LINES),
    "step-digit-short": lambda: view(digit(), 34, term=8, height=12),
    "step-strides-unused": lambda: view(
        trace(integers(1, 1, 6, 6), integers(1, 1, 2, 2), stride=3), 3
    ),
    "step-reflect-term": lambda: view(reflected(), 0, term=2),
    "step-dilation": lambda: view(of_scene("dilation"), 4),
    "step-channels": lambda: view(of_scene("channels-2-to-3"), 13),
    "step-channels-term": lambda: view(of_scene("channels-2-to-3"), 13, term=12, height=LINES),
    "step-channels-second": lambda: view(of_scene("channels-2-to-3"), 13, channel=1, height=40),
    "step-grouped": lambda: view(of_scene("grouped"), 12, term=5),
    "step-depthwise": lambda: view(of_scene("depthwise"), 5, height=LINES),
    "step-many-channels": lambda: view(
        trace(integers(2, 64, 6, 6), integers(3, 64, 3, 3, seed=1), [1, 2, 3], padding=1),
        3 * 36 + 60,
        term=9 * 33 + 4,
        height=LINES,
    ),
    "step-floats-7x7": lambda: view(
        trace(floats(1, 1, 9, 9), floats(1, 1, 7, 7, seed=1), floats(1, seed=2), padding=3),
        40,
        term=24,
        height=LINES,
    ),
    "step-5x5": lambda: view(
        trace(integers(1, 1, 9, 9), integers(1, 1, 5, 5, seed=1), padding=2), 40, term=12
    ),
    "step-large": lambda: view(
        trace(integers(1, 1, 40, 40), integers(1, 1, 3, 3, seed=1), padding=1), 820, height=LINES
    ),
    "step-region": lambda: view(
        trace(integers(4, 5, 5), integers(3, 4, 3, 3, seed=1), only=np.s_[2, 1:3, :2]), 1, height=24
    ),
    "step-volume": lambda: view(volume(), 21),
    "step-volume-term": lambda: view(volume(), 21, term=40, height=LINES),
    "step-rank1": lambda: view(of_scene("hand-worked"), 2),
    "step-rank1-causal": lambda: view(of_scene("causal"), 2, term=1),
    "step-rank1-long": lambda: view(
        trace(integers(1, 1, 40), integers(1, 1, 25, seed=1), padding=12), 20, term=20, height=LINES
    ),
    "step-transposed": lambda: view(of_scene("padding-strides-odd-transposed"), 14),
    "step-transposed-term": lambda: view(
        of_scene("padding-strides-odd-transposed"), 14, term=5, height=LINES
    ),
    "stamp-cropped": lambda: view(cropped_stamps(), 4),
    "stamp-cropped-term": lambda: view(cropped_stamps(), 4, term=3, height=LINES),
    "stamp-first-term": lambda: view(cropped_stamps(), 0, term=0),
    "stamp-last": lambda: view(
        trace(integers(1, 2, 2), [[[[1, 2], [3, 4]]]], [7], transposed=True, order="scatter"), 3
    ),
    "stamp-rank1": lambda: view(of_scene("hand-worked-transposed", order="scatter"), 1, term=1),
    "stamp-volume": lambda: view(deep_stamps(), 15, channel=1),
    "stamp-volume-term": lambda: view(deep_stamps(), 9, term=12, height=LINES),
    "stamp-region": lambda: view(
        trace(
            integers(1, 2, 5, 5),
            integers(2, 2, 3, 3, seed=1),
            stride=2,
            transposed=True,
            order="scatter",
            only=np.s_[0, 1, 2:6, 3:9],
        ),
        37,
    ),
}


@pytest.mark.parametrize("name", SCREENS)
def test_screens_at_80_columns(name: str) -> None:
    check(f"{name}-80-marks", plain(SCREENS[name]()))


@pytest.mark.parametrize("width", [60, 120])
@pytest.mark.parametrize("name", ["step-digit-term", "step-volume-term", "stamp-cropped-term"])
def test_screens_at_other_widths(name: str, width: int) -> None:
    check(f"{name}-{width}-marks", plain(SCREENS[name](), width))


@pytest.mark.parametrize(
    ("name", "record", "index", "term"),
    [
        ("step-digit", digit, 10, 4),
        ("step-reflect", reflected, 1, 2),
        ("step-transposed", lambda: of_scene("padding-strides-odd-transposed"), 14, 3),
        ("stamp-cropped", cropped_stamps, 4, 3),
    ],
)
def test_screens_in_color(name: str, record: Callable[[], Trace], index: int, term: int) -> None:
    check(f"{name}-80-color", colored(view(record(), index, COLORS, term=term)))


@pytest.mark.parametrize("name", ["reflect", "transposed"])
def test_screens_in_ascii(name: str) -> None:
    record = reflected() if name == "reflect" else of_scene("padding-strides-odd-transposed")
    text = plain(view(record, 8, Look(color=False, ascii=True), term=2))
    assert text.isascii()
    check(f"step-{name}-80-ascii", text)


# -- what holds of every screen -----------------------------------------------------------


def record_of(layer: Layer, order: str) -> Trace:
    image, weight, bias = layer.arrays()
    arguments = layer.arguments | ({"order": order} if layer.transposed else {})
    return trace(image, weight, bias, **arguments)


SOME = layers(batches=(None, 1, 2))


@given(SOME, st.data())
def test_nothing_leaves_the_screen(layer: Layer, data: st.DataObject) -> None:
    record = record_of(layer, data.draw(st.sampled_from(["gather", "scatter"])))
    index = data.draw(st.integers(0, len(record) - 1))
    terms = record[index].terms
    term = data.draw(st.none() | st.integers(0, len(terms) - 1))
    width = data.draw(st.sampled_from([60, 80, 120]))
    height = data.draw(st.none() | st.integers(1, 40))
    look = data.draw(st.builds(Look, color=st.booleans(), ascii=st.booleans()))
    with using_language(data.draw(st.sampled_from(["en", "zh"]))):
        lines = view(record, index, look, term=term, height=height).lines(width)
    assert all(line.cell_len <= width for line in lines)
    assert height is None or len(lines) <= height


class FullWidth(gettext.NullTranslations):
    """Messages in characters of two cells, about as long as they are in English."""

    def gettext(self, message: str) -> str:
        return re.sub(
            r"\{[^}]*\}|[A-Za-z_]+",
            lambda found: found[0] if found[0][0] == "{" else "文" * -(-len(found[0]) // 2),
            message,
        )


@pytest.mark.parametrize("width", [60, 80])
def test_words_of_wide_characters_fit(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_catalogue", lambda _language: FullWidth())
    for make in SCREENS.values():
        lines = make().lines(width)
        assert "文" in "".join(line.plain for line in lines)
        assert all(line.cell_len <= width for line in lines)


@given(SOME, st.data())
def test_color_and_marks_tell_the_same_numbers(layer: Layer, data: st.DataObject) -> None:
    record = record_of(layer, data.draw(st.sampled_from(["gather", "scatter"])))
    index = data.draw(st.integers(0, len(record) - 1))
    term = data.draw(st.none() | st.integers(0, len(record[index].terms) - 1))
    marks, colors = (
        [line.plain for line in view(record, index, look, term=term).lines(240)]
        for look in (MARKS, COLORS)
    )
    assert numbers(marks) == numbers(colors)


def numbers(lines: list[str]) -> list[str]:
    """Numbers in the order of the screen, the legend's samples left out."""
    shown = [line for line in lines if not re.search("7[′×+] [a-z]", line)]
    return [found for line in shown for found in re.findall(r"-?\d+", line)]


@given(layers(batches=(None, 1, 2)), st.data())
def test_windows_show_what_the_placement_sums(layer: Layer, data: st.DataObject) -> None:
    record = record_of(layer, "gather")
    index = data.draw(st.integers(0, len(record) - 1))
    channel = data.draw(st.integers(0, record.geometry.group_inputs - 1))
    step = record[index]
    assert isinstance(step, Placement)
    shown = []
    for grid in input_grids(step, COLORS, channel):
        rows, columns = (range(size) for size in grid.field.shape)
        cells = [cell for row in grid.field.draw(rows, columns) for cell in row]
        shown += [cell for cell in cells if cell.role.startswith("window")]
    expected = step.values[channel].reshape(-1).tolist()
    kinds = step.kinds().reshape(-1)
    assert [cell.text.rstrip(" ") for cell in shown] == [
        {"padding": "·", "inserted": "∘"}.get(kind, str(value) + "′" * (kind == "border"))
        for value, kind in zip(expected, kinds, strict=True)
    ]


@given(layers(batches=(None, 1, 2)), st.data())
def test_the_output_is_shown_as_far_as_it_is_filled(layer: Layer, data: st.DataObject) -> None:
    record = record_of(layer, "gather")
    index = data.draw(st.integers(0, len(record) - 1))
    step = record[index]
    assert isinstance(step, Placement)
    grid = output_grid(step, COLORS)
    rows, columns = (range(size) for size in grid.field.shape)
    cells = [cell for row in grid.field.draw(rows, columns) for cell in row]
    texts = [cell.text.rstrip("+ ") for cell in cells]
    slice_size = len(texts)
    first = index // slice_size * slice_size
    values = record.batched_output.reshape(-1)[first : first + slice_size].tolist()
    filled = index - first + 1
    assert texts == [str(value) for value in values[:filled]] + ["∙"] * (slice_size - filled)


@given(layers(transposed=True, batches=(None, 1, 2)), st.data())
def test_stamps_tell_what_the_output_holds(layer: Layer, data: st.DataObject) -> None:
    """Held against stamping in plain Python, term after term."""
    record = record_of(layer, "scatter")
    index = data.draw(st.integers(0, len(record) - 1))
    step = record[index]
    assert isinstance(step, Stamp)
    term = data.draw(st.none() | st.integers(0, len(step.terms) - 1))
    stamping = Stamping(step, term, data.draw(st.integers(0, 5)))
    sample_number, channel = step.input_index[0], stamping.channel
    before = held_after(record, index, sample_number, channel)
    depth = data.draw(st.sampled_from(stamping.spans[0]))
    sums, touched = stamping.held(depth, *stamping.spans[1:])
    for r, row in enumerate(stamping.spans[1]):
        for c, column in enumerate(stamping.spans[2]):
            place: tuple[int, ...] = (depth, row, column)
            assert bool(touched[r, c]) == (place in before)
            assert sums[r, c] == before.get(place, 0)
    for tap in np.ndindex(*stamping.shape):
        place = tuple(int(at[k]) for at, k in zip(stamping.landings, tap, strict=True))
        inside = all(p in span for p, span in zip(place, stamping.spans, strict=True))
        assert bool(stamping.inside[tap]) == inside
        assert stamping.products[tap] == step.value * stamping.weights[tap]
        if inside:
            assert stamping.before[tap] == before.get(place, 0)
            assert stamping.after[tap] == before.get(place, 0) + stamping.products[tap]


def held_after(record: Trace, steps: int, n: int, channel: int) -> dict[tuple[int, ...], int]:
    """What one output channel holds after the first stamps, by position of three axes."""
    held: dict[tuple[int, ...], int] = {}
    for number in range(steps):
        for term in record[number].terms:
            if term.output and term.output[:2] == (n, channel):
                place = (0,) * (5 - len(term.output)) + term.output[2:]
                held[place] = held.get(place, 0) + int(term.product)
    return held


# -- what a screen says ---------------------------------------------------------------------


def test_a_step_fits_between_header_and_keys_of_a_small_terminal() -> None:
    for term in (None, 4):
        lines = view(digit(), 10, term=term, height=LINES).lines(80)
        assert len(lines) <= LINES
        assert not any("…" in line.plain for line in lines)  # nothing is cropped


def test_terms_are_told_in_words() -> None:
    assert "term 6 of 9: 15·-2 = -30, running -13 → -43; input [0,0,1,3], weight [0,0,1,2]" in (
        plain(view(digit(), 10, term=5))
    )
    assert "; padding zero, weight [0,0,0,0]" in plain(view(digit(), 0, term=0))
    assert "a copy of input [0,0,2,2], weight [0,0,0,0]" in plain(view(reflected(), 0, term=0))
    inserted = plain(view(of_scene("padding-strides-odd-transposed"), 14, term=5))
    assert "term 6 of 9: no product, running stays 25; inserted zero, weight" in inserted


def test_indices_are_those_of_the_arrays_given() -> None:
    text = plain(view(trace(integers(1, 3, 3), integers(1, 1, 2, 2)), 3, term=0))
    assert "fills output [0, 1, 1]" in text
    assert "input [0,1,1], weight [0,0,0,0]" in text


def test_products_and_sums_are_not_shown_before_their_term() -> None:
    record = of_scene("channels-2-to-3")
    assert "products" in plain(view(record, 4, term=0))
    for term in range(18):
        text = plain(view(record, 4, term=term))
        assert f"term {term + 1} of 18" in text
        assert ("bias          0        80" in text) == (term == 17)


def test_the_channel_goes_round() -> None:
    record = of_scene("channels-2-to-3")
    assert plain(view(record, 4, channel=3)) == plain(view(record, 4, channel=1))
    stamps = deep_stamps()
    assert plain(view(stamps, 4, channel=2)) == plain(view(stamps, 4, channel=0))


def test_still_pictures_work_out_every_channel_but_long_ones_show_one() -> None:
    assert plain(view(of_scene("channels-2-to-3"), 4)).count("products") == 2
    many = trace(integers(5, 3, 3), integers(1, 5, 2, 2))
    assert plain(view(many, 0)).count("products") == 1


def test_bias_is_added_at_the_last_stamp() -> None:
    record = trace(integers(1, 2, 2), [[[[1, 2], [3, 4]]]], [7], transposed=True, order="scatter")
    assert "bias" not in plain(view(record, 2))
    assert "bias" not in plain(view(record, 3, term=2))
    last = plain(view(record, 3))
    assert "last stamp of this channel: + bias 7 on every cell" in last
    for value in record.output.reshape(-1):
        assert str(value) in last


def test_stamps_outside_the_traced_channels_say_so() -> None:
    record = trace(
        integers(2, 3),
        integers(2, 1, 2, seed=1),
        groups=2,
        transposed=True,
        order="scatter",
        only=0,
    )
    assert "no output channel of this group is traced" in plain(view(record, 5))
    assert "no output channel" not in plain(view(record, 2))


def test_a_view_refuses_the_other_order_and_terms_that_are_not_there() -> None:
    with pytest.raises(TraceError, match="StampView"):
        StepView(cropped_stamps(), 0, MARKS)
    with pytest.raises(TraceError, match="StepView"):
        StampView(digit(), 0, MARKS)
    with pytest.raises(IndexError, match="term 9 of a sum that has 9"):
        StepView(digit(), 0, MARKS, term=9)
    with pytest.raises(IndexError, match="term 9 of a stamp that has 9"):
        StampView(cropped_stamps(), 0, MARKS, term=9)
    with pytest.raises(IndexError):
        StepView(digit(), 64, MARKS)


# Not compiled, the kernel is NumPy's scalars, which warn where compiled code does not.
@pytest.mark.filterwarnings("ignore:invalid value encountered in scalar:RuntimeWarning")
def test_numbers_that_are_not_finite_are_shown() -> None:
    image = np.array([[[np.nan, 1.5, np.inf, -np.inf, 2.0]]])
    text = plain(view(trace(image, [[[0.5, 2.0]]], padding=1), 3, term=1))
    assert "nan" in text
    assert "inf" in text


# -- the pieces -------------------------------------------------------------------------------


def test_columns_do_not_move_from_step_to_step() -> None:
    record = digit()
    for places in ("output 8×8", "kernel", "products", "running"):
        found = {
            line.index(places)
            for index in range(len(record))
            for line in plain(view(record, index)).splitlines()
            if places in line and not line.lstrip().startswith("term")
        }
        assert len(found) == 1


def test_grids_say_what_is_cropped_and_keep_the_cursor() -> None:
    rows = [[Cell(str(10 * r + c)) for c in range(10)] for r in range(10)]
    grid = Grid(rows, MARKS, focus=(range(1, 9), range(1, 9)), cursor=(7, 7), max_rows=3)
    text = plain(grid, 20)
    assert "77" in text
    assert "… rows 7–9 of 10  columns 6–9 of 10" in plain(grid, 22) or "rows 7–9 of 10" in text


def test_boards_leave_out_slices_that_do_not_fit() -> None:
    grids = [Grid([[Cell(f"{k}0"), Cell(f"{k}1")]], MARKS, title=f"depth {k}") for k in range(3)]
    board = Board([Panel(["input"], grids, cursor=2)], MARKS)
    text = "\n".join(line.plain for line in board.lines(16))
    assert "21" in text
    assert "slice 3 of 3" in text


def test_ledgers_keep_cursor_and_bias() -> None:
    entries = [Entry(f"channel {k}", "1", str(k + 1)) for k in range(30)]
    entries.append(Entry("bias", "5", "35"))
    book = Ledger(entries, 17, 3, MARKS, most=80)
    lines = [line.plain for line in book.lines(6)]
    assert len(lines) == 6
    assert any(line.startswith("▸ channel 17") for line in lines)
    assert "parts 17–19 of 30" in lines[-2]
    assert lines[-1].split() == ["bias", "5", "35"]
    assert len(book.lines()) < 30
    narrow = Ledger(entries, 17, 3, MARKS, most=book.width - 1)
    assert narrow.width < book.width
    assert narrow.lines()[-1].plain.split() == ["bias", "35"]


def test_work_is_stacked_where_it_is_too_wide() -> None:
    cells = [[Cell(f"{10 * r + c}") for c in range(8)] for r in range(3)]
    work = Work(
        [Matrix("one", cells, 2), Matrix("other", cells, 2, sign="×")], MARKS, cursor=(2, 7)
    )
    wide = [line.plain for line in work.lines(80)]
    assert len(wide) == 4
    assert "×" in wide[2]
    stacked = [line.plain for line in work.lines(40, room=3)]
    assert stacked == [
        "  one     20 21 22 23 24 25 26 27 ",
        "× other   20 21 22 23 24 25 26 27 ",
        "… row 3 of 3",
    ]


@pytest.mark.parametrize(("order", "width"), [("gather", 80), ("gather", 120), ("scatter", 120)])
def test_a_frame_of_a_16x16_grid_takes_16_milliseconds_at_most(order: str, width: int) -> None:
    record = trace(
        floats(1, 1, 16, 16),
        floats(1, 1, 3, 3, seed=1),
        padding=1,
        transposed=order == "scatter",
        order=order,
    )
    screen = console(width, color=True)
    spent = []
    for index in range(100, 125):
        start = time.process_time()
        with screen.capture():
            screen.print(Header(record, COLORS))
            screen.print(view(record, index, COLORS, term=4, height=36))
        spent.append(time.process_time() - start)
    traced = sys.gettrace() is not None  # by coverage, which takes its own time
    assert min(spent) < (0.16 if traced else 0.016)
