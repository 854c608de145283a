"""The record: every product and partial sum to the bit, every question against brute force."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from stepconv import (
    ConvSpec,
    Placement,
    SpecError,
    Stamp,
    Term,
    Trace,
    TraceError,
    conv,
    conv1d,
    trace,
)
from tests.helpers import Array, numbers, padded, pairs, per_axis, same_bits, times
from tests.strategies import Layer, layers

DTYPES = ("f4", "f8", "c8", "c16", "i8")


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Without compilation the kernels are NumPy, which warns of nan and overflow."""
    with np.errstate(all="ignore"):
        yield


def batched(layer: Layer, image: Array) -> Array:
    return image if layer.batched else image[None]


def placements(record: Trace) -> list[Placement]:
    return list(record.placements)


def stamps(record: Trace) -> list[Stamp]:
    found = [step for step in record if isinstance(step, Stamp)]
    assert len(found) == len(record)
    return found


# -- to the bit


def added_in_order(image: Array, weight: Array, layer: Layer) -> Iterator[tuple[Array, Array]]:
    """Products and partial sums of each output cell: by channel, then as the window is read."""
    arguments, rank = layer.arguments, layer.rank
    border = pairs(arguments, image.shape[2:], weight.shape[2:])
    laid_out = padded(image, border, arguments["padding_mode"])
    strides, dilations = (per_axis(arguments[name], rank) for name in ("stride", "dilation"))
    starts = [
        range(0, size - d * (k - 1), s)
        for size, k, s, d in zip(
            laid_out.shape[2:], weight.shape[2:], strides, dilations, strict=True
        )
    ]
    for n, channel, *corner in product(range(len(image)), range(len(weight)), *starts):
        first = channel // (len(weight) // layer.groups) * weight.shape[1]
        total, products, sums = image.dtype.type(0), [], []
        for c, *tap in np.ndindex(*weight.shape[1:]):
            place = (at + d * k for at, d, k in zip(corner, dilations, tap, strict=True))
            products.append(times(laid_out[n, first + c, *place], weight[channel, c, *tap]))
            total += products[-1]
            sums.append(total)
        yield np.array(products), np.array(sums)


@given(layers(transposed=False), st.sampled_from(DTYPES))
def test_forward_sums_are_plain_additions_one_after_the_other(layer: Layer, dtype: str) -> None:
    image, weight, bias = layer.arrays(dtype)
    record = trace(image, weight, bias, **layer.arguments)
    expected = list(added_in_order(batched(layer, image), weight, layer))
    assert len(record) == len(expected) == len(record.products)
    for row, (products, sums) in enumerate(expected):
        assert same_bits(record.products[row], products)
        assert same_bits(record.sums[row], sums)
    biases = np.zeros(layer.out_channels, dtype) if bias is None else bias
    cells = [
        np.asarray(sums[-1] + biases[placement.channel])
        for (_, sums), placement in zip(expected, placements(record), strict=True)
    ]
    assert same_bits(record.output.reshape(-1), np.array(cells, dtype=dtype))


def stamped_in_order(
    image: Array, weight: Array, layer: Layer, cell: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...], Any, Any]]:
    """(input, weight index, product, sum) of one output cell, inputs in ascending order."""
    arguments = layer.arguments
    n, channel, *position = cell
    share = weight.shape[1]
    first = channel // share * (weight.shape[0] // layer.groups)
    total, found = image.dtype.type(0), []
    for c in range(first, first + weight.shape[0] // layer.groups):
        for place in np.ndindex(*image.shape[2:]):
            taps = [
                divmod(o + before - i * s, d)
                for o, (before, _), i, s, d in zip(
                    position,
                    arguments["padding"],
                    place,
                    arguments["stride"],
                    arguments["dilation"],
                    strict=True,
                )
            ]
            if all(
                not odd and 0 <= tap < k
                for (tap, odd), k in zip(taps, weight.shape[2:], strict=True)
            ):
                index = (c, channel % share, *(tap for tap, _ in taps))
                term = times(image[n, c, *place], weight[index])
                total += term
                found.append(((n, c, *place), index, term, total))
    return found


@given(layers(transposed=True), st.sampled_from(DTYPES))
def test_transposed_sums_add_the_inputs_in_ascending_order(layer: Layer, dtype: str) -> None:
    image, weight, bias = layer.arrays(dtype)
    record = trace(image, weight, bias, **layer.arguments)
    biases = np.zeros(layer.out_channels, dtype) if bias is None else bias
    for placement in placements(record):
        expected = stamped_in_order(batched(layer, image), weight, layer, placement.output_index)
        row = record.cell(placement.output_index)
        real = [term for term in placement.terms if term.input is not None]
        assert [(t.input, t.weight_index) for t in real] == [(i, w) for i, w, _, _ in expected]
        for term, (_, _, one, total) in zip(real, expected, strict=True):
            assert same_bits(record.products[row, term.number], one)
            assert same_bits(record.sums[row, term.number], total)
        total = expected[-1][3] if expected else np.dtype(dtype).type(0)
        assert same_bits(record.sums[row, -1], total)
        assert np.all(record.products[row][[t.input is None for t in placement.terms]] == 0)
        cell = record.batched_output[placement.output_index]
        assert same_bits(cell, total + biases[placement.channel])


@given(layers(), st.sampled_from([*DTYPES, "f2", "?", "u8"]))
def test_the_output_is_the_textbook_kernels_to_the_bit(layer: Layer, dtype: str) -> None:
    image, weight, bias = layer.arrays(dtype)
    record = trace(image, weight, bias, **layer.arguments)
    output = conv(image, weight, bias, **layer.arguments, algorithm="textbook")
    assert same_bits(record.output, output)
    difference = record.verify()
    assert record.output.dtype.kind in "fc" or difference == 0


def test_verify_allows_a_sum_that_cancels_the_rounding_of_its_terms() -> None:
    rng = np.random.default_rng(7)
    image = rng.standard_normal((64, 6)).astype("f4") * 1000
    weight = np.ones((1, 64, 1), "f4")
    image[-1] = -image[:-1].sum(axis=0)
    record = trace(image, weight)
    assert np.abs(record.output).max() < 0.1
    record.verify()


@given(layers(transposed=True), st.sampled_from(DTYPES))
def test_stamping_one_input_after_the_other_gives_the_sums_recorded(
    layer: Layer, dtype: str
) -> None:
    image, weight, _ = layer.arrays(dtype)
    record = trace(image, weight, **layer.arguments, order="scatter")
    so_far = np.zeros(record.batched_output.shape, record.products.dtype)
    for stamp in stamps(record):
        assert same_bits(stamp.products.reshape(-1), np.array([*stamped(stamp)], dtype))
        for j, channel in enumerate(stamp.output_channels):
            for tap in np.ndindex(*layer.weight_shape[2:]):
                place = stamp.landing(tap)
                if place is not None:
                    cell = (stamp.input_index[0], channel, *place)
                    so_far[cell] += stamp.products[j, *tap]
                    assert same_bits(so_far[cell], stamp.sums[j, *tap])
                else:
                    assert stamp.sums[j, *tap] == 0
    assert same_bits(so_far, record.batched_output)


def stamped(stamp: Stamp) -> Iterator[Any]:
    value = stamp.trace.batched_input[stamp.input_index]
    for weight in stamp.weights.reshape(-1):
        yield times(value, weight)


@given(layers(transposed=True))
def test_scatter_and_gather_hold_the_same_terms(layer: Layer) -> None:
    image, weight, bias = layer.arrays()
    gather = trace(image, weight, bias, **layer.arguments)
    scatter = trace(image, weight, bias, **layer.arguments, order="scatter")
    assert same_bits(gather.output, scatter.output)

    def facts(term: Term) -> tuple[Any, ...]:
        place = (term.output, term.input, term.weight_index)
        return (*place, term.value, term.weight, term.product, term.sum)

    collected = [facts(t) for p in placements(gather) for t in p.terms if t.input is not None]
    stamped_terms = [facts(t) for s in stamps(scatter) for t in s.terms if t.output is not None]
    assert sorted(collected) == sorted(stamped_terms)
    again = [facts(t) for p in placements(scatter) for t in p.terms if t.input is not None]
    assert again == collected
    assert len(scatter) == image.size


# -- where terms lie


def kinds_laid_out(layer: Layer) -> Array:
    """What lies at every laid-out position, drawn as an array."""
    spec = ConvSpec(layer.weight_shape[2:], **layer.arguments)
    axes = spec.bind(layer.input_shape, layer.weight_shape).axes
    if not layer.transposed:
        outside = "padding" if layer.arguments["padding_mode"] == "zeros" else "border"
        inside = np.full(layer.input_shape[-layer.rank :], "input", object)
        return np.pad(inside, [axis.pad for axis in axes], constant_values=outside)
    stretched = [(axis.input_size - 1) * axis.stride + 1 for axis in axes]
    inside = np.full(stretched, "inserted", object)
    inside[tuple(slice(None, None, axis.stride) for axis in axes)] = "input"
    reach = [axis.span - 1 for axis in axes]
    wide = np.pad(
        inside,
        [(r, r + axis.output_padding) for r, axis in zip(reach, axes, strict=True)],
        constant_values="padding",
    )
    return wide[
        tuple(slice(a.pad[0], size - a.pad[1]) for a, size in zip(axes, wide.shape, strict=True))
    ]


@given(layers())
def test_every_term_says_what_lies_under_its_tap(layer: Layer) -> None:
    image, weight, _ = layer.arrays()
    record = trace(image, weight, **layer.arguments)
    drawn = kinds_laid_out(layer)
    for placement in placements(record):
        under = drawn[np.ix_(*placement.windows)]
        assert np.array_equal(placement.kinds(), under)
        kinds = np.broadcast_to(under, placement.products.shape).reshape(-1)
        assert [term.kind for term in placement.terms] == kinds.tolist()
        for term in placement.terms:
            assert (term.input is None) == (term.kind in {"padding", "inserted"})


@given(layers())
def test_fields_of_terms_and_placements(layer: Layer) -> None:
    image, weight, bias = layer.arrays()
    record = trace(image, weight, bias, **layer.arguments)
    output = batched(layer, conv(image, weight, bias, **layer.arguments))
    images = batched(layer, image)
    assert len(record) == output.size == len(placements(record))
    for count, (place, placement) in enumerate(
        zip(np.ndindex(*output.shape), placements(record), strict=True)
    ):
        assert (placement.index, placement.output_index) == (count, place)
        assert (placement.channel, placement.position) == (place[1], place[2:])
        assert placement.output == output[place] == placement.sum + placement.bias
        assert placement.bias == (0 if bias is None else bias[place[1]])
        assert list(placement.input_channels) == group_inputs(layer, place[1])
        running = 0
        for number, term in enumerate(placement.terms):
            assert (term.placement, term.number, term.output) == (count, number, place)
            assert term.weight == weight[term.weight_index]
            assert term.value == (0 if term.input is None else images[term.input])
            assert term.product == term.value * term.weight
            running += term.product
            assert term.sum == running
            assert all(type(x) is int for x in (term.value, term.weight, term.product, term.sum))
        assert placement.sum == running
        for name in ("values", "weights", "products", "sums"):
            array = np.broadcast_to(getattr(placement, name), placement.products.shape)
            singular = {"values": "value", "weights": "weight", "products": "product"}
            own = [getattr(term, singular.get(name, "sum")) for term in placement.terms]
            assert array.reshape(-1).tolist() == own


def group_inputs(layer: Layer, channel: int) -> list[int]:
    count = layer.input_shape[-layer.rank - 1] // layer.groups
    group = channel // (layer.out_channels // layer.groups)
    return list(range(group * count, (group + 1) * count))


@given(layers(transposed=True, batches=(None, 1)))
def test_fields_of_stamps(layer: Layer) -> None:
    image, weight, _ = layer.arrays()
    record = trace(image, weight, **layer.arguments, order="scatter")
    images = batched(layer, image)
    output = record.batched_output
    for count, (place, stamp) in enumerate(
        zip(np.ndindex(*images.shape), stamps(record), strict=True)
    ):
        assert (stamp.index, stamp.input_index, stamp.position) == (count, place, place[2:])
        assert stamp.value == images[place]
        assert [place[1] in group_inputs(layer, c) for c in stamp.output_channels] == (
            [True] * layer.weight_shape[1]
        )
        assert stamp.products.tolist() == (images[place] * stamp.weights).tolist()
        for number, term in enumerate(stamp.terms):
            assert (term.placement, term.number, term.input) == (count, number, place)
            assert term.kind == "input"
            assert term.weight == weight[term.weight_index]
            assert term.product == term.value * term.weight
            assert (term.sum is None) == (term.output is None)
            if term.output is not None:
                tap = term.weight_index[2:]
                assert stamp.landing(tap) == term.output[2:]
                assert output[term.output] is not None
            else:
                assert stamp.landing(term.weight_index[2:]) is None


def test_a_term_reads_as_what_it_is() -> None:
    record = trace([[1, 2, 3]], [[[1, 10]]], padding=1, padding_mode="replicate")
    assert record[0].terms == (
        Term(0, 0, (0, 0, 0), (0, 0, 0), "border", (0, 0, 0), 1, 1, 1, 1),
        Term(0, 1, (0, 0, 0), (0, 0, 0), "input", (0, 0, 1), 1, 10, 10, 11),
    )
    turned = trace([[1, 2]], [[[1, 10]]], stride=2, transposed=True)
    assert turned[1].terms == (
        Term(1, 0, (0, 0, 1), (0, 0, 0), "input", (0, 0, 1), 1, 10, 10, 10),
        Term(1, 1, (0, 0, 1), None, "inserted", (0, 0, 0), 0, 1, 0, 10),
    )


def test_a_cropped_product_has_no_output_and_no_sum() -> None:
    record = trace([[2]], [[[1, 10, 100]]], padding=1, transposed=True, order="scatter")
    (stamp,) = stamps(record)
    assert [(t.output, t.product, t.sum) for t in stamp.terms] == [
        (None, 2, None),
        ((0, 0, 0), 20, 20),
        (None, 200, None),
    ]
    assert stamp.products.tolist() == [[2, 20, 200]]


def test_cropped_products_of_infinities_do_not_warn() -> None:
    record = trace([[np.inf]], [[[0.0, 1.0]]], padding=((1, 0),), transposed=True, order="scatter")
    (stamp,) = stamps(record)
    with np.errstate(all="raise"):
        assert np.isnan(stamp.products[0, 0])
    assert stamp.terms[0].output is None


def test_numbers_are_pythons_own_where_they_are_as_wide() -> None:
    for dtype, kind in [("i4", int), ("f8", float), ("c16", complex), ("f4", np.float32)]:
        record = trace(np.ones((1, 3), dtype), np.ones((1, 1, 2), dtype), np.ones(1, dtype))
        first = placements(record)[0]
        term = first.terms[0]
        shown = (term.value, term.weight, term.product, term.sum)
        for number in (*shown, first.sum, first.bias, first.output):
            assert type(number) is kind


# -- steps


def test_steps_run_by_sample_channel_and_position() -> None:
    record = trace(np.ones((2, 1, 3)), np.ones((2, 1, 2)))
    indices = [step.output_index for step in record if isinstance(step, Placement)]
    assert indices == list(product(range(2), range(2), range(2)))
    assert len(record) == 8


def test_negative_indices_count_from_the_end() -> None:
    record = trace(np.ones((1, 5)), np.ones((1, 1, 2)))
    for back in range(1, 5):
        assert record[-back].index == 4 - back
    assert record[np.int64(2)].index == 2


@pytest.mark.parametrize("index", [4, -5, 10**30])
def test_indices_beyond_the_end(index: int) -> None:
    record = trace(np.ones((1, 5)), np.ones((1, 1, 2)))
    with pytest.raises(IndexError, match="of a trace that has 4"):
        record[index]


@pytest.mark.parametrize("index", [1.0, "1", None, (0, 0)])
def test_indices_that_are_no_numbers(index: Any) -> None:
    with pytest.raises(TypeError):
        trace(np.ones((1, 5)), np.ones((1, 1, 2)))[index]


def test_an_empty_batch_has_no_steps() -> None:
    record = trace(np.ones((0, 1, 4)), np.ones((1, 1, 2)))
    assert len(record) == 0
    assert list(record) == []
    assert record.output.shape == (0, 1, 3)
    assert record.verify() == 0
    assert record.coverage().shape == (0, 1, 4)
    with pytest.raises(IndexError):
        record[0]


@given(layers(batches=(None, 1, 2)), st.data())
def test_at_finds_the_placement_of_a_cell(layer: Layer, data: st.DataObject) -> None:
    image, weight, _ = layer.arrays()
    record = trace(image, weight, **layer.arguments)
    count = data.draw(st.integers(0, len(record) - 1))
    placement = placements(record)[count]
    found = record.at(*placement.output_index)
    assert (found.index, found.output_index) == (count, placement.output_index)
    assert found.terms == placement.terms


@pytest.mark.parametrize(
    "cell",
    [(0, 0), (0, 0, 4), (0, 1, 0), (1, 0, 0), (0, 0, -1), (0, 0, 0, 0), (0, 0, 1.0), (0, 0, "1")],
)
def test_at_refuses_cells_that_are_not_there(cell: Any) -> None:
    record = trace(np.ones((1, 5)), np.ones((1, 1, 2)))
    shown = re.escape(str(cell))
    with pytest.raises(TraceError, match=rf"{shown} is not in the traced region \[0:1, 0:1, 0:4\]"):
        record.at(*cell)


def test_texts() -> None:
    record = trace([[1, 2, 3]], [[[1, 1]]])
    assert repr(record) == "Trace(conv1d, input (1, 3), output (1, 2), 2 placements)"
    assert repr(record[1]) == "Placement(1, output[0, 0, 1] = 5)"
    scatter = trace([[1, 2]], [[[1, 1]]], transposed=True, order="scatter")
    assert repr(scatter[1]) == "Stamp(1, input[0, 0, 1] = 2)"
    tenth = trace(np.array([[0.1]], "f4"), np.array([[[1]]], "f4"))
    assert repr(tenth[0]) == "Placement(0, output[0, 0, 0] = 0.1)"


# -- a part of the output


@st.composite
def regions(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """An index of whole numbers, from either end, and of slices, of the leading axes."""
    count = draw(st.integers(0, len(shape)))
    index: list[Any] = []
    for size in shape[:count]:
        start = draw(st.integers(0, size - 1))
        stop = draw(st.integers(start + 1, size))
        index.append(
            draw(
                st.sampled_from(
                    [
                        start,
                        start - size,
                        slice(start, stop),
                        slice(start - size, None),
                        slice(stop),
                    ]
                )
            )
        )
    return tuple(index)


@given(layers(batches=(None, 1, 2)), st.data())
def test_a_part_of_the_record_is_a_slice_of_the_whole(layer: Layer, data: st.DataObject) -> None:
    image, weight, bias = layer.arrays("f8")
    whole = trace(image, weight, bias, **layer.arguments)
    only = data.draw(regions(whole.output.shape))
    part = trace(image, weight, bias, **layer.arguments, only=only)
    solid = tuple(slice(k, k + 1 or None) if isinstance(k, int) else k for k in only)
    assert same_bits(part.output, whole.output[solid])
    rows = np.arange(len(whole)).reshape(whole.output.shape)[solid].reshape(-1)
    assert same_bits(part.products, whole.products[rows])
    assert same_bits(part.sums, whole.sums[rows])
    part.verify()
    for mine, row in zip(placements(part), rows, strict=True):
        theirs = placements(whole)[row]
        assert mine.output_index == theirs.output_index
        assert [t.input for t in mine.terms] == [t.input for t in theirs.terms]
        assert part.at(*mine.output_index).index == mine.index


def test_one_number_is_the_first_axis() -> None:
    image, weight = np.arange(12).reshape(2, 2, 3), np.ones((3, 2, 2), int)
    whole = conv1d(image, weight)
    assert np.array_equal(trace(image, weight, only=1).output, whole[1:2])
    assert np.array_equal(trace(image, weight, only=np.s_[:, 2]).output, whole[:, 2:3])
    assert np.array_equal(trace(image[0], weight, only=2).output, whole[0, 2:3])
    assert np.array_equal(trace(image[0], weight, only=np.s_[:, 1:]).output, whole[0, :, 1:])


@given(layers(transposed=True, batches=(None, 2)), st.data())
def test_stamps_land_only_in_the_part_traced(layer: Layer, data: st.DataObject) -> None:
    image, weight, _ = layer.arrays()
    whole = trace(image, weight, **layer.arguments)
    only = data.draw(regions(whole.output.shape))
    part = trace(image, weight, **layer.arguments, only=only, order="scatter")
    landed = [t for s in stamps(part) for t in s.terms if t.output is not None]
    gathered = [t for p in placements(part) for t in p.terms if t.input is not None]
    assert sorted((t.output, t.input, t.product, t.sum) for t in landed) == sorted(
        (t.output, t.input, t.product, t.sum) for t in gathered
    )
    totals = np.zeros(part.batched_output.shape, int)
    for term in landed:
        assert term.output is not None
        place: Any = [o - span.start for o, span in zip(term.output, part.region, strict=True)]
        totals[tuple(place)] += term.product
    assert np.array_equal(totals, part.batched_output)


@pytest.mark.parametrize(
    ("only", "words"),
    [
        ((0, 0, 9), "only=[0, 0, 9] is outside the output: an axis has 4 cells"),
        ((slice(None), 0, 9), "only=[:, 0, 9] is outside the output: an axis has 4 cells"),
        ((0, 0, -5), "outside the output: an axis has 4 cells"),
        ((0, 0, 0, 0), "names 4 axes; the output (1, 1, 4) has 3"),
        (np.s_[0, 0, ::2], "only=[0, 0, ::2] has a step; name a solid region"),
        (np.s_[0, 0, ::-1], "has a step"),
        (np.s_[0, 0, 3:1], "names nothing: an axis of the output has 4 cells"),
        (np.s_[0, 0, 9:], "only=[0, 0, 9:] names nothing: an axis of the output has 4 cells"),
        (..., "is not made of whole numbers and slices"),
        ([0, 0], "is not made of whole numbers and slices"),
        (True, "is not made of whole numbers and slices"),
        (0.0, "is not made of whole numbers and slices"),
        ("all", "only='all' is not made of whole numbers and slices"),
        (np.s_[:1.5], "is not made of whole numbers and slices"),
        (np.array([0, 1]), "is not made of whole numbers and slices"),
    ],
)
def test_regions_that_are_none(only: Any, words: str) -> None:
    with pytest.raises(TraceError) as caught:
        trace(np.ones((1, 1, 5)), np.ones((1, 1, 2)), only=only)
    assert words in str(caught.value)


def test_axes_of_a_region_are_counted_as_the_output_has_them() -> None:
    with pytest.raises(TraceError, match=r"names 3 axes; the output \(1, 4\) has 2"):
        trace(np.ones((1, 5)), np.ones((1, 1, 2)), only=(0, 0, 0))


# -- questions


def all_terms(record: Trace) -> list[Term]:
    return [term for placement in record.placements for term in placement.terms]


@given(layers(batches=(None, 1, 2)), st.data())
def test_coverage_counts_the_terms_of_each_cell(layer: Layer, data: st.DataObject) -> None:
    image, weight, _ = layer.arrays()
    only = data.draw(regions(conv(image, weight, **layer.arguments).shape))
    record = trace(image, weight, **layer.arguments, only=only)
    counted = np.zeros(record.batched_input.shape, int)
    for term in all_terms(record):
        if term.input is not None:
            counted[term.input] += 1
    assert np.array_equal(record.coverage(), counted.reshape(image.shape))


@given(layers(batches=(None, 1, 2)), st.data())
def test_using_an_input_cell(layer: Layer, data: st.DataObject) -> None:
    image, weight, _ = layer.arrays()
    only = data.draw(regions(conv(image, weight, **layer.arguments).shape))
    record = trace(image, weight, **layer.arguments, only=only)
    cell = tuple(data.draw(st.integers(0, size - 1)) for size in record.batched_input.shape)
    assert record.using(input=cell) == [t for t in all_terms(record) if t.input == cell]


@given(layers(batches=(None, 1, 2)), st.data())
def test_using_a_weight(layer: Layer, data: st.DataObject) -> None:
    image, weight, _ = layer.arrays()
    record = trace(image, weight, **layer.arguments)
    own = tuple(data.draw(st.integers(0, size - 1)) for size in weight.shape)
    expected = [t for t in all_terms(record) if t.weight_index == own]
    if layer.transposed:  # nothing is stamped where no input lies
        expected = [t for t in expected if t.input is not None]
    assert record.using(weight=own) == expected


def test_an_input_cell_in_a_border_is_used_again() -> None:
    record = trace([[5, 6]], [[[1, 1]]], padding=1, padding_mode="replicate")
    assert record.coverage().tolist() == [[3, 3]]
    assert [t.kind for t in record.using(input=(0, 0, 0))] == ["border", "input", "input"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({}, "name one cell"),
        ({"input": (0, 0, 0), "weight": (0, 0, 0)}, "name one cell"),
        ({"input": (0, 0, 5)}, "input (0, 0, 5) has no such cell: its shape is (1, 1, 5)"),
        ({"input": (0, 0, -1)}, "input (0, 0, -1) has no such cell"),
        ({"input": (0, 0)}, "input (0, 0) has no such cell"),
        ({"input": 3}, "input 3 has no such cell"),
        ({"input": (0, 0, 1.0)}, "input (0, 0, 1.0) has no such cell"),
        ({"input": "abc"}, "input 'abc' has no such cell"),
        ({"weight": (0, 0, 2)}, "weight (0, 0, 2) has no such cell: its shape is (1, 1, 2)"),
        ({"weight": (0, 0, None)}, "weight (0, 0, None) has no such cell"),
    ],
)
def test_questions_about_cells_that_are_not_there(question: dict[str, Any], words: str) -> None:
    record = trace(np.ones((1, 5)), np.ones((1, 1, 2)))
    with pytest.raises(TraceError) as caught:
        record.using(**question)
    assert words in str(caught.value)


# -- how large a record may be


def test_a_record_too_large_is_refused_before_memory_is_taken() -> None:
    image, weight = np.ones((1, 1200, 1200)), np.ones((1, 1, 11, 11))
    tracemalloc.start()
    try:
        with pytest.raises(TraceError) as caught:
            trace(image, weight)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000
    message = str(caught.value)
    cells = 1190 * 1190
    for fact in (f"{cells} output cells", "121 terms each", f"{cells * 121} terms", "2614 MB"):
        assert fact in message
    only = re.search(r"only=(\([0-9, ]*\))", message)
    assert only is not None
    record = trace(image, weight, only=eval(only[1]))
    assert len(record) == 1
    assert record.output.tolist() == [[[121.0]]]


@pytest.mark.parametrize("image", [np.ones((1, 6)), np.ones((2, 1, 6))])
def test_the_limit_is_on_the_part_traced(image: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell of 3 terms takes 3 products and 3 sums of 8 bytes."""
    monkeypatch.setattr(import_module("stepconv.record.trace"), "LARGEST_RECORD", 2 * 3 * 8)
    weight = np.ones((1, 1, 3))
    with pytest.raises(TraceError, match="trace a part, for instance") as caught:
        trace(image, weight)
    only = re.search(r"only=(\([0-9, ]*\))", str(caught.value))
    assert only is not None
    assert len(trace(image, weight, only=eval(only[1]))) == 1
    with pytest.raises(TraceError, match="record of 2 output cells with 3 terms each is 6 terms"):
        trace(image[:1], weight, only=(*(0,) * (image.ndim - 1), slice(2)))


def test_the_limit_follows_the_memory_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("stepconv.record.trace"), "memory", lambda: 4 * 47)
    with pytest.raises(TraceError):
        trace(np.ones((1, 3)), np.ones((1, 1, 3)))


# -- the order of steps


@pytest.mark.parametrize("order", ["scatterr", "", None, 1, ["gather"], np.array(["a", "b"])])
def test_orders_that_are_none(order: Any) -> None:
    with pytest.raises(SpecError, match="is neither 'gather' nor 'scatter'"):
        trace(np.ones((1, 5)), np.ones((1, 1, 2)), order=order)


def test_forward_there_is_no_scatter() -> None:
    with pytest.raises(SpecError, match="'scatter' is for transposed convolutions"):
        trace(np.ones((1, 5)), np.ones((1, 1, 2)), order="scatter")


# -- the record keeps


def test_the_record_does_not_follow_its_arguments() -> None:
    image, weight, bias = np.ones((1, 5)), np.ones((1, 1, 2)), np.ones(1)
    record = trace(image, weight, bias)
    for array in (image, weight, bias):
        array[...] = 7
    assert placements(record)[0].values.tolist() == [[1.0, 1.0]]
    assert record.verify() == 0


def test_nothing_in_the_record_can_be_written_to() -> None:
    record = trace(np.ones((1, 5)), np.ones((1, 1, 2)), np.ones(1))
    arrays = (record.input, record.batched_input, record.weight, record.bias, record.output)
    for array in (*arrays, record.products, record.sums, record.batched_output):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 7


def test_arrays_come_back_in_the_shapes_given() -> None:
    image, weight = np.random.default_rng(0).standard_normal((3, 2, 5)), np.ones((4, 2, 3))
    whole, single = trace(image, weight), trace(image[0], weight)
    assert np.array_equal(whole.input, image)
    assert np.array_equal(whole.batched_input, image)
    assert np.array_equal(single.input, image[0])
    assert np.array_equal(single.batched_input, image[:1])
    assert whole.output.shape == whole.batched_output.shape == (3, 4, 3)
    assert (single.output.shape, single.batched_output.shape) == ((4, 3), (1, 4, 3))
    for record in (whole, single):
        assert np.array_equal(record.weight, weight)
        assert record.bias.tolist() == [0.0] * 4


def test_float16_records_are_kept_in_float32() -> None:
    image = np.array([[0.1, 60000, 60000]], np.float16)
    record = trace(image, np.ones((1, 1, 2), np.float16))
    assert record.products.dtype == record.sums.dtype == np.float32
    assert record.output.dtype == np.float16
    with np.errstate(all="raise"):
        assert record.output.tolist() == [[60000.0, np.inf]]
        assert record.verify() == 0


# -- verify


@pytest.mark.compiled  # a kernel that is NumPy would warn too
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_verify_accepts_what_is_not_finite(dtype: str, transposed: bool) -> None:
    rng = np.random.default_rng(8)
    image, weight = numbers(rng, (2, 9), dtype), numbers(rng, (2, 2, 3), dtype)
    image[0, 2], image[1, 5], weight[1, 0, 1] = np.nan, np.inf, -np.inf
    record = trace(image, weight, padding=1, transposed=transposed)
    assert not np.isfinite(record.output).all()
    with np.errstate(all="raise"):
        assert record.verify() < 1e-5


def tampered(record: Trace, **changes: tuple[tuple[int, ...], Any]) -> Trace:
    """Return the trace with one number of `output`, `products` or `sums` replaced."""
    arrays = {
        "output": record.batched_output.reshape(
            *record.batched_output.shape[:2], *(1,) * (3 - record.spec.rank), -1
        ).copy(),
        "products": record.products.copy(),
        "sums": record.sums.copy(),
    }
    for name, (place, value) in changes.items():
        arrays[name][place] = value
    return Trace(record.operands, record.region, record.order, **arrays)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"products": ((1, 0), 99)},
            "placement 1 (output (0, 0, 1)): a product is not value times",
        ),
        ({"sums": ((1, 0), 99)}, "placement 1 (output (0, 0, 1)): a partial sum is not"),
        ({"output": ((0, 0, 0, 0, 1), 99)}, "placement 1 (output (0, 0, 1)): sum plus bias is not"),
    ],
)
def test_verify_finds_a_number_that_is_wrong(
    dtype: str, transposed: bool, change: dict[str, Any], words: str
) -> None:
    rng = np.random.default_rng(9)
    record = trace(
        numbers(rng, (1, 5), dtype), numbers(rng, (1, 1, 3), dtype), transposed=transposed
    )
    assert tampered(record).verify() < 1e-5
    with pytest.raises(TraceError) as caught:
        tampered(record, **change).verify()
    assert words in str(caught.value)


def test_verify_holds_integers_to_the_last_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 2**53 floats cannot tell neighbours apart."""
    record = trace([[2**60 + 1]], [[[1]]])
    module = import_module("stepconv.record.trace")
    monkeypatch.setattr(module, "run", lambda operands: np.array([[2**60]]))
    with pytest.raises(
        TraceError, match=rf"{2**60 + 1} at \(0, 0, 0\) is not the kernel's {2**60}"
    ):
        record.verify()


def test_verify_allows_the_kernel_its_rounding_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = trace([[1.0, 2.0]], [[[1.0, 1.0]]])
    module = import_module("stepconv.record.trace")
    near, far = np.array([[3.0 + 1e-15]]), np.array([[3.0 + 1e-12]])
    monkeypatch.setattr(module, "run", lambda operands: near)
    assert 0 < record.verify() < 2e-15
    monkeypatch.setattr(module, "run", lambda operands: far)
    with pytest.raises(TraceError, match="is not the kernel's"):
        record.verify()


@given(layers(batches=(2,)), st.data())
def test_verify_compares_the_part_with_the_same_part(layer: Layer, data: st.DataObject) -> None:
    image, weight, bias = layer.arrays("f4")
    shape = conv(image, weight, bias, **layer.arguments).shape
    only = data.draw(regions(shape))
    assume(only)
    assert trace(image, weight, bias, **layer.arguments, only=only).verify() < 1e-3
