"""ConvSpec: what a description keeps, prints, refuses to mix up, and becomes with shapes."""

from __future__ import annotations

import dataclasses
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv import ConvSpec, ShapeError, output_shape
from stepconv.values import PADDING_MODES, PADDING_RULES, by, shown, whole_number
from tests.helpers import pairs
from tests.strategies import Layer, layers

# -- normal form


def test_defaults() -> None:
    spec = ConvSpec(3)
    assert spec.kernel_size == spec.kernel_size == (3,)
    assert spec.stride == spec.dilation == (1,)
    assert spec.padding == ((0, 0),)
    assert (spec.groups, spec.padding_mode, spec.transposed) == (1, "zeros", False)
    assert spec.output_padding == (0,)


@pytest.mark.parametrize("value", [2, (2, 2), [2, 2], (2,), np.int64(2), np.array([2, 2])])
def test_one_number_or_one_for_each_axis(value: Any) -> None:
    spec = ConvSpec((3, 3), stride=value, dilation=value)
    assert spec.stride == spec.dilation == (2, 2)
    assert all(type(number) is int for number in spec.stride)


@pytest.mark.parametrize("value", [(3, 5), [3, 5], np.array([3, 5]), (np.int8(3), np.uint64(5))])
def test_kernel_sizes_of_any_sequence(value: Any) -> None:
    assert ConvSpec(value).kernel_size == (3, 5)


@pytest.mark.parametrize(
    ("given_padding", "kept"),
    [
        (1, ((1, 1), (1, 1))),
        ((1, 2), ((1, 1), (2, 2))),
        (((0, 1), (2, 3)), ((0, 1), (2, 3))),
        (((0, 1),), ((0, 1), (0, 1))),
        ([1, (2, 3)], ((1, 1), (2, 3))),
        (np.array([[0, 1], [2, 3]]), ((0, 1), (2, 3))),
        ("same", "same"),
    ],
)
def test_padding_is_pairs_or_a_rule(given_padding: Any, kept: Any) -> None:
    assert ConvSpec((3, 3), padding=given_padding).padding == kept


def test_equal_descriptions_are_one_key() -> None:
    one, other = ConvSpec((3, 3), stride=2, padding=1), ConvSpec([3, 3], (2, 2), ((1, 1), (1, 1)))
    assert one == other
    assert len({one, other, ConvSpec((3, 3), stride=2)}) == 2


def test_a_description_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ConvSpec(3).stride = (2,)  # type: ignore[misc]  # which is what is tested


def test_replace_and_pickle() -> None:
    spec = ConvSpec((3, 3), padding=((0, 1), (2, 2)), groups=2)
    assert dataclasses.replace(spec, stride=(2, 2)) == ConvSpec(
        (3, 3), 2, ((0, 1), (2, 2)), groups=2
    )
    assert pickle.loads(pickle.dumps(spec)) == spec


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (ConvSpec(3), "ConvSpec(kernel_size=(3,), stride=(1,))"),
        (
            ConvSpec((3, 5), 2, 1, 3, 4, "reflect"),
            "ConvSpec(kernel_size=(3, 5), stride=(2, 2), padding=(1, 1), dilation=(3, 3),"
            " groups=4, padding_mode='reflect')",
        ),
        (
            ConvSpec(2, padding="causal"),
            "ConvSpec(kernel_size=(2,), stride=(1,), padding='causal')",
        ),
        (
            ConvSpec(3, 2, ((0, 1),), transposed=True, output_padding=1),
            "ConvSpec(kernel_size=(3,), stride=(2,), padding=((0, 1),), output_padding=(1,),"
            " transposed=True)",
        ),
    ],
)
def test_it_prints_what_builds_it(spec: ConvSpec, text: str) -> None:
    assert repr(spec) == text
    assert eval(text) == spec


@pytest.mark.parametrize(("rank", "transposed"), [(r, t) for r in (1, 2, 3) for t in (False, True)])
def test_name_and_rank(rank: int, transposed: bool) -> None:
    spec = ConvSpec((3,) * rank, transposed=transposed)
    assert spec.rank == rank
    assert spec.name == f"conv{'_transpose' if transposed else ''}{rank}d"


@given(layers())
def test_arguments_in_json_rebuild_it(layer: Layer) -> None:
    spec = ConvSpec(layer.weight_shape[2:], **layer.arguments)
    assert ConvSpec(**json.loads(json.dumps(spec.arguments()))) == spec


# -- rules


@given(
    st.sampled_from(PADDING_RULES),
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_rules_become_pairs(rule: str, size: int, kernel: int, stride: int, dilation: int) -> None:
    spec = ConvSpec(kernel, stride, rule, dilation)
    expected = pairs({"padding": rule, "stride": stride, "dilation": dilation}, (size,), (kernel,))
    assert spec.pads((size,)) == expected


@given(
    st.sampled_from(["same", "same_lower"]),
    st.integers(1, 20),
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_same_rounds_up_and_puts_the_odd_cell_where_it_says(
    rule: str, size: int, kernel: int, stride: int, dilation: int
) -> None:
    (axis,) = ConvSpec(kernel, stride, rule, dilation).bind((1, size)).axes
    assert axis.output_size == -(-size // stride)
    before, after = axis.pad
    odd = after - before if rule == "same" else before - after
    assert odd in (0, 1)
    if before or after:  # no more than needed: one cell less and a placement is lost
        span = dilation * (kernel - 1) + 1
        assert (size + before + after - 1 - span) // stride + 1 < axis.output_size


def test_the_odd_cell_of_an_even_kernel() -> None:
    assert ConvSpec(4, padding="same").pads((9,)) == ((1, 2),)
    assert ConvSpec(4, padding="same_lower").pads((9,)) == ((2, 1),)


def test_causal_looks_only_back() -> None:
    assert ConvSpec(3, dilation=4, padding="causal").pads((10,)) == ((8, 0),)


# -- shapes


def test_bind_without_a_weight_means_one_output_channel_a_group() -> None:
    assert ConvSpec(3, groups=2).bind((4, 9)).output_shape == (2, 7)
    assert ConvSpec(3, groups=2, transposed=True).bind((4, 9)).output_shape == (2, 11)


def test_batch_and_no_batch() -> None:
    spec = ConvSpec((2, 2))
    assert spec.bind((5, 3, 4, 4), (7, 3, 2, 2)).output_shape == (5, 7, 3, 3)
    assert spec.bind((3, 4, 4), (7, 3, 2, 2)).output_shape == (7, 3, 3)
    assert spec.bind((0, 3, 4, 4), (7, 3, 2, 2)).output_shape == (0, 7, 3, 3)


@pytest.mark.parametrize("size", [9, 10])
def test_output_size_chooses_the_output_padding(size: int) -> None:
    spec = ConvSpec(3, stride=2, padding=1, transposed=True)
    (axis,) = spec.bind((1, 5), output_size=size).axes
    assert (axis.output_size, axis.output_padding) == (size, size - 9)
    assert output_shape((1, 5), (1, 1, 3), 2, 1, transposed=True, output_size=[size]) == (1, size)


def test_output_size_for_each_axis() -> None:
    spec = ConvSpec((3, 3), stride=(2, 3), transposed=True)
    geometry = spec.bind((1, 4, 4), output_size=(10, 12))
    assert geometry.output_size == (10, 12)
    assert [axis.output_padding for axis in geometry.axes] == [1, 0]


@given(layers(batches=(None, 1, 2)))
def test_output_shape_is_binds(layer: Layer) -> None:
    geometry = ConvSpec(layer.weight_shape[2:], **layer.arguments).bind(
        layer.input_shape, layer.weight_shape
    )
    assert geometry.input_shape == layer.input_shape
    assert geometry.weight_shape == layer.weight_shape
    assert output_shape(layer.input_shape, layer.weight_shape, **layer.arguments) == (
        geometry.output_shape
    )


def test_bind_holds_the_weight_against_the_description() -> None:
    with pytest.raises(ShapeError, match="carries a kernel of 5x5; the description says 3x3"):
        ConvSpec((3, 3)).bind((1, 9, 9), (1, 1, 5, 5))


def test_modes_are_torchs_and_symmetric() -> None:
    assert set(PADDING_MODES) == {"zeros", "reflect", "replicate", "circular", "symmetric"}


# -- words for values


def test_sizes_as_people_write_them() -> None:
    assert by((3,)) == "3"
    assert by((3, 5, 7)) == "3x5x7"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        (-3, -3),
        (np.uint8(3), 3),
        (np.array(3), 3),
        (True, None),
        (np.True_, None),
        (3.0, None),
        (np.float32(3), None),
        (np.array([3]), None),
        (np.array(3.0), None),
        ("3", None),
        (None, None),
    ],
)
def test_whole_numbers(value: Any, number: int | None) -> None:
    assert whole_number(value) == number
    assert number is None or type(whole_number(value)) is int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (np.float64(0.5), "0.5"),
        ("same", "'same'"),
        (np.True_, "True"),
        pytest.param(10**5000, "10^5000", id="10^5000"),
        ([10**5000, -(10**5000)], "[10^5000, -10^5000]"),
        (np.zeros((2, 2)), "array([[0., 0.], [0., 0.]])"),
    ],
)
def test_values_in_messages(value: Any, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("value", ["x" * 9999, list(range(9999)), np.arange(9999.0), [[[[[[1]]]]]]])
def test_long_values_are_cut(value: Any) -> None:
    assert len(shown(value)) < 100
    assert "\n" not in shown(value)
