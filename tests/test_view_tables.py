"""The hand-worked table, the sums written out, sizes, receptive fields, the samples."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from rich.text import Text

from stepconv import receptive_field, trace
from stepconv.errors import ShapeError
from stepconv.receptive import parse_layers
from stepconv.record import Trace
from stepconv.samples import sample, samples, scene
from stepconv.spec import ConvSpec
from stepconv.views.facts.catalogue import Catalogue, SamplePicture
from stepconv.views.facts.fields import Fields
from stepconv.views.facts.sizes import Sizes, unused
from stepconv.views.table.handtable import HandTable
from stepconv.views.table.worked import WorkedSums
from stepconv.views.theme import Look
from tests import snapshot

PLAIN, ASCII, COLOR = Look(color=False), Look(color=False, ascii=True), Look()
TRANSPOSED: dict[str, Any] = {"transposed": True, "stride": 2}


def lines_of(view: Any, width: int) -> list[Text]:
    """Return what a view yields, before the console could cut or break it."""
    screen = snapshot.console(width)
    lines = list(view.__rich_console__(screen, screen.options))
    assert all(isinstance(line, Text) for line in lines)
    return lines


def sizes(input_shape: tuple[int, ...], weight_shape: tuple[int, ...], **options: Any) -> Sizes:
    spec = ConvSpec(weight_shape[2:], **options)
    return Sizes(spec.bind(input_shape, weight_shape), spec, PLAIN)


# -- traces to look at


def hand_worked(**options: Any) -> Trace:
    return trace([[1, 1, 1, 1]], [[[1, 1, 1]]], **options)


def counted(kernel: Any = (1, 10, 100), **options: Any) -> Trace:
    return trace([[1, 2, 3]], [[list(kernel)]], **options)


def two_channels(**options: Any) -> Trace:
    return trace([[1, 2, 3, 4], [5, 6, 7, 8]], [[[1, 2, 3], [0, -1, 1]]], **options)


def sentences(**options: Any) -> Trace:
    found = scene("sentences")
    return trace(found.input, found.weight, **options)


def long_input() -> Trace:
    return trace([np.arange(40) % 7], [[[1, 0, -1]]], padding=1)


def digit(**options: Any) -> Trace:
    return trace(sample("digit").array[None], sample("sobel-x").array[None, None], **options)


def drawn(record: Trace, look: Look = PLAIN, **options: Any) -> HandTable:
    return HandTable(record, look, hints=True, **options)


TABLES: dict[str, Callable[[], Trace]] = {
    "valid": hand_worked,
    "padding": lambda: hand_worked(padding=1),
    "stride": lambda: hand_worked(padding=1, stride=2),
    "bias": lambda: hand_worked(padding=1, bias=[10]),
    "reflect": lambda: trace([[1, 2, 3, 4]], [[[1, 2, 3]]], padding=1, padding_mode="reflect"),
    "dilation": lambda: trace([[1, 2, 3, 4, 5, 6]], [[[1, 2, 3]]], dilation=2),
    "unused": lambda: trace([[1, 2, 3, 4, 5, 6]], [[[1, 2]]], stride=3),
    "far-apart": lambda: trace([np.arange(60)], [[[1, 10]]], dilation=20, stride=15),
    "two-channels": lambda: two_channels(bias=[-3]),
    "grouped": lambda: trace([[1, 2], [3, 4]], [[[1, 10]], [[2, 20]]], groups=2),
    "sentences": lambda: sentences(only=np.s_[0, :2]),
    "floats": lambda: trace([[0.5, -1.25, 2]], [[[0.1, 0.02]]], bias=[0.25]),
    "part": lambda: trace([np.arange(9)], [[[1, -1]]], only=np.s_[0, 3:5]),
    "gather": lambda: counted(**TRANSPOSED),
    "scatter": lambda: counted(order="scatter", **TRANSPOSED),
    "gather-crop": lambda: counted(padding=1, output_padding=1, **TRANSPOSED),
    "scatter-crop": lambda: counted(padding=1, output_padding=1, order="scatter", **TRANSPOSED),
    "scatter-bias": lambda: counted(padding=1, bias=[5], order="scatter", **TRANSPOSED),
    "scatter-channels": lambda: trace(
        [[1, 2], [3, 4]], [[[1, 10]], [[2, 20]]], order="scatter", **TRANSPOSED
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_whole_tables_look_as_before(name: str) -> None:
    snapshot.check(f"handtable-{name}-80-plain", snapshot.plain(drawn(TABLES[name]())))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_table_comes_in_bands(width: int) -> None:
    snapshot.check(f"handtable-long-{width}-plain", snapshot.plain(drawn(long_input()), width))


STEPS: dict[str, tuple[Callable[[], Trace], dict[str, Any]]] = {
    "step": (TABLES["padding"], {"current": 1}),
    "term": (TABLES["padding"], {"current": 1, "term": 1}),
    "bias": (TABLES["bias"], {"current": 0, "term": 2}),
    "reflect": (TABLES["reflect"], {"current": 0, "term": 0}),
    "long": (long_input, {"current": 20}),
    "channels": (lambda: two_channels(bias=[-3]), {"current": 1, "term": 4}),
    "sentences": (sentences, {"current": 5, "term": 2, "height": 14}),
    "tall": (
        lambda: trace([np.arange(4)], [[np.arange(20)]], padding=9),
        {"current": 2, "term": 12, "height": 16},
    ),
    "gather": (TABLES["gather-crop"], {"current": 5, "term": 1}),
    "gather-zero": (TABLES["gather-crop"], {"current": 1, "term": 1}),
    "scatter": (TABLES["scatter-crop"], {"current": 1, "term": 1}),
    "scatter-bias": (TABLES["scatter-bias"], {"current": 1}),
    "scatter-channels": (TABLES["scatter-channels"], {"current": 2, "term": 0}),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_of_the_table_look_as_before(name: str) -> None:
    build, options = STEPS[name]
    made = build()
    snapshot.check(f"handtable-step-{name}-80-plain", snapshot.plain(drawn(made, **options)))
    snapshot.check(
        f"handtable-step-{name}-80-color", snapshot.colored(drawn(made, COLOR, **options))
    )


def test_the_table_in_ascii() -> None:
    whole = drawn(TABLES["gather-crop"](), ASCII)
    step = drawn(TABLES["reflect"](), ASCII, current=0, term=1)
    snapshot.check("handtable-80-ascii", snapshot.plain(whole) + "\n" + snapshot.plain(step))


def test_the_table_of_the_article_is_the_one_promised() -> None:
    text = snapshot.plain(drawn(hand_worked(padding=1)))
    assert text.startswith(
        """\
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
    )


# -- what the table says is what the record holds


def random_trace(seed: int) -> Trace | None:
    """Return a small integer trace of rank 1 with random options, None where they do not fit."""
    draw = np.random.default_rng(seed)
    groups = int(draw.integers(1, 3))
    ins, outs = groups * int(draw.integers(1, 3)), groups * int(draw.integers(1, 3))
    length, kernel = int(draw.integers(1, 9)), int(draw.integers(1, 4))
    options: dict[str, Any] = {
        "stride": int(draw.integers(1, 4)),
        "padding": int(draw.integers(0, 3)),
        "dilation": int(draw.integers(1, 3)),
        "groups": groups,
        "bias": draw.integers(-9, 9, outs) if seed % 2 else None,
    }
    shape = (outs, ins // groups, kernel)
    if seed % 3 == 0:
        shape = (ins, outs // groups, kernel)
        options |= {"transposed": True, "order": "scatter" if seed % 2 else "gather"}
    else:
        modes = ("zeros", "reflect", "replicate", "circular", "symmetric")
        options["padding_mode"] = modes[seed % 5]
    try:
        image = draw.integers(-9, 9, (2, ins, length))
        return trace(image, draw.integers(-9, 9, shape), **options)
    except ShapeError:
        return None


TRACES = {seed: one for seed in range(60) if (one := random_trace(seed)) is not None}


@pytest.fixture(params=TRACES)
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Trace:
    monkeypatch.setattr("stepconv.views.table.handtable.MOST_LINES", 10_000)
    return TRACES[request.param]


def outputs_in(text: str) -> list[int]:
    """The outputs of a table in the order of their names; all tables have their own y1."""
    found = [(int(n), int(value)) for n, value in re.findall(r"y(\d+)\+? = +(-?\d+)", text)]
    return [value for _n, value in found]


def test_every_output_stands_in_the_table(made: Trace) -> None:
    text = snapshot.plain(drawn(made), width=120)
    assert sorted(outputs_in(text)) == sorted(made.batched_output.reshape(-1).tolist())


def test_every_product_stands_in_the_table(made: Trace) -> None:
    text = snapshot.plain(drawn(made), width=120)
    factors = re.findall(r"(-?\d+)·w(\d+) = +(-?\d+)", text)
    terms = [term for placement in made.placements for term in placement.terms]
    if made.geometry.transposed:
        terms = [term for term in terms if term.input is not None]
    shown = sorted((int(value), int(name), int(number)) for value, name, number in factors)
    held = sorted((term.value, term.weight_index[-1] + 1, term.product) for term in terms)
    if made.order == "scatter":  # cropped products are shown, and are in no sum
        missing = list(shown)
        for one in held:
            missing.remove(one)
        assert len(missing) == sum(term.sum is None for step in made for term in step.terms)
    else:
        assert shown == held


def test_a_step_shows_what_is_done_and_nothing_that_is_to_come(made: Trace) -> None:
    for index in range(len(made)):
        step = made[index]
        if not step.terms:
            continue
        text = snapshot.plain(drawn(made, current=index, term=0), width=120)
        products = re.findall(r"<\S*?(-?\d+)·w\d+ = +(-?\d+)>", text.replace("< ", "<"))
        if not made.geometry.transposed:
            assert [int(number) for _value, number in products] == [step.terms[0].product]
        assert f"term 1 of {len(step.terms)}" in text


# -- screens of every width


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("look", [PLAIN, ASCII, COLOR])
def test_tables_fit_the_screen(width: int, look: Look) -> None:
    for made in [*TRACES.values()][::3]:
        last = len(made) - 1
        views = [drawn(made, look), drawn(made, look, current=last, term=0)]
        for view in [*views, WorkedSums(made, look), WorkedSums(made, look, current=1, term=1)]:
            for line in lines_of(view, width):
                assert line.cell_len <= width, line.plain
                assert line.plain.isascii() or not look.ascii, line.plain


def test_a_step_ends_with_what_its_marks_mean() -> None:
    text = snapshot.plain(drawn(two_channels(), current=0, term=4))
    assert text.splitlines()[-1] == (
        "  [ ] window   < > this term   ▸ being filled   ∙ still to come"
    )


@pytest.mark.parametrize("height", [6, 10, 14, 20])
def test_steps_keep_to_their_height(height: int) -> None:
    for build, options in STEPS.values():
        view = drawn(build(), **(options | {"height": height}))
        lines = lines_of(view, 80)
        assert len(lines) <= max(height, 8)
        assert any("<" in line.plain or "[" in line.plain for line in lines)


def test_narrow_screens_leave_out_notes_then_values_then_factors() -> None:
    made = trace([[1 + 2j, 2.25]], [[[1.5, 1j]]], padding=1)
    texts = [snapshot.plain(drawn(made), width) for width in (80, 60, 52, 40)]
    assert ["padding" in text for text in texts] == [True, False, False, False]
    assert ["x1   1.00" in text for text in texts] == [True, True, False, False]
    assert ["·w1" in text for text in texts] == [True, True, True, False]


class FullWidth(gettext.NullTranslations):
    """Every Latin letter outside placeholders twice as wide, as if in Chinese."""

    def gettext(self, message: str) -> str:
        parts = re.split(r"(\{.*?\})", message)
        table = {ord(c): ord(c) + 0xFEE0 for c in map(chr, range(ord("A"), ord("z") + 1))}
        return "".join(p if p.startswith("{") else p.translate(table) for p in parts)


def test_columns_stand_straight_in_wide_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepconv.language._catalogue", lambda language: FullWidth())
    for name, build in TABLES.items():
        rules, ends = set(), set()
        for line in lines_of(drawn(build()), 120):
            assert line.cell_len <= 120, name
            text = line.plain
            if "──" in text:
                rules.add(Text(text[: text.index("─")]).cell_len)
            if match := re.search(r"1·w1 = +\d", text):
                ends.add(Text(text[: match.end()]).cell_len)
        assert len(rules) <= 1, name
    snapshot.check("handtable-step-wide-letters", snapshot.plain(drawn(counted(), current=0)))


# -- odd traces


def test_an_empty_batch_has_no_table() -> None:
    text = snapshot.plain(drawn(trace(np.zeros((0, 1, 4)), [[[1, 1]]])))
    assert text == "  nothing to show: the output is empty\n"


def test_numbers_that_are_none_are_shown_as_they_are() -> None:
    text = snapshot.plain(drawn(trace([[1, np.nan, np.inf]], [[[1, -1]]])))
    assert "nan·w2 =  nan" in text
    assert "inf·w2 = -inf" in text


def test_a_stamp_on_channels_that_were_not_traced() -> None:
    made = trace(
        np.ones((2, 3)), np.ones((2, 1, 2)), groups=2, order="scatter", transposed=True, only=0
    )
    assert "no output channel that was traced" in snapshot.plain(drawn(made, current=4))


def test_the_output_channel_of_a_stamp_is_chosen() -> None:
    made = trace([[1, 2]], [[[1, 10], [2, 20]]], order="scatter", transposed=True)
    assert "output channel 0" in snapshot.plain(drawn(made, current=1))
    assert "20" in snapshot.plain(drawn(made, current=1, channel=1))
    text = snapshot.plain(drawn(made, current=1, term=3))
    assert "output channel 1" in text
    assert "<2·w2 = 40>" in text


def test_many_tables_end_with_how_to_see_the_others() -> None:
    text = snapshot.plain(drawn(sentences()))
    assert "40 more tables" in text
    assert "--only N,C" in text


def test_many_columns_end_with_how_to_see_the_others() -> None:
    text = snapshot.plain(drawn(trace([np.arange(100)], [[[1]]])), width=120)
    assert "36 more columns: --step A:B  --play" in text


def test_an_endless_table_stops() -> None:
    lines = lines_of(drawn(trace(np.ones((90, 50)), np.ones((4, 90, 3)))), 80)
    assert len(lines) == 400
    assert "and more" in lines[-1].plain


# -- sums written out

SUMS: dict[str, tuple[Callable[[], Trace], dict[str, Any]]] = {
    "digit": (lambda: digit(padding=1), {}),
    "digit-bias": (lambda: digit(padding=1, bias=[3]), {"limit": 3}),
    "digit-term": (lambda: digit(padding=1), {"current": 10, "term": 4, "limit": 6}),
    "reflect": (TABLES["reflect"], {}),
    "transposed": (lambda: counted(bias=[-4], **TRANSPOSED), {}),
    "channels": (lambda: two_channels(bias=[-3]), {}),
    "channels-term": (lambda: two_channels(bias=[-3]), {"current": 1, "term": 3}),
    "large-kernel": (
        lambda: trace(
            np.arange(2 * 81).reshape(2, 9, 9) / 8, np.arange(2 * 49).reshape(1, 2, 7, 7) / 4
        ),
        {"limit": 2},
    ),
    "many-channels": (lambda: trace(np.ones((9, 3)), np.ones((1, 9, 2))), {}),
    "volume": (lambda: trace(scene("volume").input, scene("volume").weight), {"limit": 4}),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_look_as_before(name: str) -> None:
    build, options = SUMS[name]
    text = snapshot.plain(WorkedSums(build(), PLAIN, **options))
    snapshot.check(f"sums-{name}-80-plain", text)


def test_sums_in_color() -> None:
    view = WorkedSums(digit(padding=1), COLOR, current=10, term=4, limit=3)
    snapshot.check("sums-digit-80-color", snapshot.colored(view))


def worked(text: str) -> Iterator[tuple[int, int]]:
    """For each line of a sum what its products add up to, and what it says they do."""
    for line in text.splitlines():
        if match := re.search(r"^(.*?) = +(-?\d+)", line):
            products = re.findall(r"(-?\d+)′?·(-?\d+)", match[1])
            yield sum(int(a) * int(b) for a, b in products), int(match[2])


def test_every_sum_adds_up(made: Trace) -> None:
    text = snapshot.plain(WorkedSums(made, PLAIN, limit=None), width=200)
    lines = list(worked(text))
    several = made.geometry.group_inputs > 1
    blocks = made.geometry.group_inputs + several
    assert len(lines) == len(made.products) * blocks
    for first in range(0, len(lines), blocks):
        one = lines[first : first + blocks]
        assert all(sum == said for sum, said in (one[:-1] if several else one))
        if several:
            assert one[-1][1] == sum(said for _sum, said in one[:-1])


def test_sums_past_the_limit_are_counted() -> None:
    made = digit(padding=1)
    lines = snapshot.plain(WorkedSums(made, PLAIN, limit=5)).splitlines()
    assert "  … 59 more output cells" in lines
    text = snapshot.plain(WorkedSums(made, PLAIN, limit=5, hints=True))
    assert "… 59 more output cells: --step A:B  --play" in text


# -- sizes

SHAPES: dict[str, Callable[[], Sizes]] = {
    "conv1d": lambda: sizes((3, 64, 128), (32, 64, 4), stride=2),
    "conv2d-same": lambda: sizes(
        (3, 30, 31), (8, 3, 3, 5), stride=(2, 4), padding="same", dilation=(2, 1)
    ),
    "conv3d": lambda: sizes((1, 2, 9, 9, 9), (4, 1, 3, 3, 3), groups=2, padding=1, stride=2),
    "transposed": lambda: sizes(
        (1, 8, 4, 4), (8, 4, 3, 3), padding=1, output_padding=1, **TRANSPOSED
    ),
    "transposed-even": lambda: sizes((8, 4), (8, 4, 4), padding=1, **TRANSPOSED),
    "transposed-sparse": lambda: sizes((1, 10), (1, 1, 2), transposed=True, stride=12),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("width", [60, 80])
def test_sizes_look_as_before(name: str, width: int) -> None:
    view = SHAPES[name]()
    assert all(line.cell_len <= width for line in lines_of(view, width))
    snapshot.check(f"sizes-{name}-{width}-plain", snapshot.plain(view, width))


def test_sizes_in_color_and_ascii() -> None:
    view = SHAPES["transposed"]()
    ascii = Sizes(view.geometry, view.spec, ASCII)
    assert snapshot.plain(ascii).isascii()
    color = Sizes(view.geometry, view.spec, COLOR)
    snapshot.check("sizes-transposed-80-color", snapshot.colored(color))


def test_the_cost_of_a_well_known_layer() -> None:
    text = snapshot.plain(sizes((1, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3))
    assert "64·3·7·7 = 9,408" in text
    assert "1·64·112·112·3·7·7 = 118,013,952" in text


def test_the_cost_counts_the_terms_of_the_record() -> None:
    image, kernel = np.ones((2, 4, 6)), np.ones((6, 2, 3))
    made = trace(image, kernel, groups=2, stride=2)
    view = sizes(image.shape, kernel.shape, groups=2, stride=2)
    assert f" = {made.products.size}" in snapshot.plain(view)


@pytest.mark.parametrize("kernel", [(3,), (4,), (2, 3), (5, 4)])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 1), (2, 2), (2, 3), (6, 4)])
def test_the_cost_counts_the_terms_that_reach_a_transposed_output(
    kernel: tuple[int, ...], stride: int, dilation: int
) -> None:
    image, weight = np.ones((2, *(9,) * len(kernel))), np.ones((2, 1, *kernel))
    options: dict[str, Any] = {"stride": stride, "dilation": dilation, "transposed": True}
    counts = {
        sum(term.kind == "input" for term in placement.terms)
        for placement in trace(image, weight, **options, only=0)
    }
    text = snapshot.plain(sizes(image.shape, weight.shape, **options))
    (line,) = (line for line in text.splitlines() if "terms of one sum" in line)
    assert line.endswith(f" = {max(counts)}")


def test_huge_axes_are_worked_out_by_arithmetic() -> None:
    huge = 2**31 - 1
    spec = ConvSpec((3, 3), stride=(huge, 10), padding=1)
    geometry = spec.bind((1, 1, huge, huge), (1, 1, 3, 3))
    assert "7 of every 10" in snapshot.plain(Sizes(geometry, spec, PLAIN))
    spec = ConvSpec((huge,), stride=huge, transposed=True)
    geometry = spec.bind((1, 1, 2), (1, 1, huge))
    assert str(2 * huge) in snapshot.plain(Sizes(geometry, spec, PLAIN))


def test_unused_cells_are_the_ones_no_term_uses() -> None:
    made = trace([np.arange(11)], [[[1, 1]]], stride=4)
    cells = np.flatnonzero(made.coverage()[0] == 0)
    assert unused(made.geometry.axes[0]) == "2–3, 6–7, 10"
    assert cells.tolist() == [2, 3, 6, 7, 10]


# -- receptive fields

STACKS = {
    "dilated": "3 3,d=2 3,d=4",
    "strided": "3,s=2 3,s=2 3",
    "plane": "3x5,s=2 3x3",
    "enlarging": "4,s=2,p=1,t 4,s=2,p=1,t 3,p=1",
    "holes": "3,d=3 3,d=3",
    "wide": "7,d=10 7,d=10",
}


def fields(stack: str, look: Look = PLAIN) -> Fields:
    return Fields(receptive_field(parse_layers(stack)), look)


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("width", [60, 80])
def test_fields_look_as_before(name: str, width: int) -> None:
    view = fields(STACKS[name])
    assert all(line.cell_len <= width for line in lines_of(view, width))
    snapshot.check(f"fields-{name}-{width}-plain", snapshot.plain(view, width))


def test_fields_in_color_and_ascii() -> None:
    assert snapshot.plain(fields("3 3,d=2", ASCII)).isascii()
    snapshot.check("fields-dilated-80-color", snapshot.colored(fields(STACKS["dilated"], COLOR)))


@pytest.mark.parametrize(
    "stack", ["3", "3 3", "3,d=2 3,d=3", "5,s=3 2", "3,s=2,t 4", "2,s=3,t 3,d=2"]
)
def test_the_drawing_marks_the_cells_touched(stack: str) -> None:
    field = receptive_field(parse_layers(stack))[-1]
    rows = [line for line in snapshot.plain(fields(stack)).splitlines() if "█" in line]
    assert len(rows) == len(stack.split()) + 1
    assert rows[0].count("█") == 1
    assert rows[-1].count("█") + rows[-1].count("·") == field.size[0]
    assert rows[-1].count("█") <= field.touched[0]


# -- samples


def test_the_catalogue_lists_every_sample() -> None:
    text = snapshot.plain(Catalogue(samples(), PLAIN), width=120)
    for one in samples():
        assert re.search(rf"@{one.name} .*{re.escape(one.title)}", text)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_catalogue_fits_the_screen(width: int) -> None:
    views: list[Any] = [Catalogue(samples(), ASCII)]
    for view in views + [SamplePicture(one, ASCII) for one in samples()]:
        for line in lines_of(view, width):
            assert line.cell_len <= width, line.plain
            assert line.plain.isascii(), line.plain


@pytest.mark.parametrize("name", ["ones4", "digit", "cube4x4x4", "hand-worked", "sentences"])
def test_pictures_of_samples_look_as_before(name: str) -> None:
    snapshot.check(f"sample-{name}-80-plain", snapshot.plain(SamplePicture(sample(name), PLAIN)))


@pytest.mark.parametrize("one", samples(), ids=lambda one: one.name)
def test_pictures_hold_the_numbers_of_the_sample(one: Any) -> None:
    text = snapshot.plain(SamplePicture(one, PLAIN), width=120)
    assert "…" not in text
    if one.array.dtype.kind == "i":
        shown = re.findall(r"(?<![\d.])-?\d+(?![\d.])", text)
        for number in one.array.reshape(-1).tolist():
            assert str(number) in shown
