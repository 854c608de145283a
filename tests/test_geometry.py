"""Axis and Geometry: where taps fall, held against np.pad and against counting by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv import Axis, ConvSpec, Geometry
from tests.helpers import NUMPY_MODES, Array
from tests.strategies import Layer, layers


def axes_of(layer: Layer) -> tuple[Axis, ...]:
    spec = ConvSpec(layer.weight_shape[2:], **layer.arguments)
    return spec.bind(layer.input_shape, layer.weight_shape).axes


def laid_out(axis: Axis) -> list[int]:
    """Lay the input positions out by hand: padded, or with zeros inserted and a border."""
    positions = np.arange(axis.input_size)
    if not axis.transposed:
        if axis.mode == "zeros":
            return [-1] * axis.pad[0] + positions.tolist() + [-1] * axis.pad[1]
        return list(np.pad(positions, axis.pad, mode=NUMPY_MODES[axis.mode]))  # type: ignore[call-overload]  # its stub wants a literal mode
    spread = [-1] * ((axis.input_size - 1) * axis.stride + 1)
    spread[:: axis.stride] = positions.tolist()
    reach = axis.dilation * (axis.kernel_size - 1)
    border = [-1] * reach + spread + [-1] * (reach + axis.output_padding)
    return border[axis.pad[0] : len(border) - axis.pad[1]]


@given(layers())
def test_source_is_the_input_laid_out(layer: Layer) -> None:
    for axis in axes_of(layer):
        assert axis.source.tolist() == laid_out(axis)
        assert axis.layout_size == len(laid_out(axis))


@given(layers())
def test_output_size_counts_the_placements_that_fit(layer: Layer) -> None:
    for axis in axes_of(layer):
        starts = range(0, len(laid_out(axis)) - axis.span + 1, axis.step)
        assert axis.output_size == len(starts)
        assert axis.leftover == len(laid_out(axis)) - axis.span - starts[-1]


@given(layers())
def test_windows_step_over_the_layout(layer: Layer) -> None:
    for axis in axes_of(layer):
        for output in range(axis.output_size):
            window = axis.window(output)
            assert window[0] == output * axis.step
            assert np.diff(window).tolist() == [axis.dilation] * (axis.kernel_size - 1)
            assert window[-1] < axis.layout_size
            assert axis.source_at(window).tolist() == [laid_out(axis)[p] for p in window]


@given(layers())
def test_unused_positions_lie_under_no_window(layer: Layer) -> None:
    for axis in axes_of(layer):
        windows = [axis.window(output) for output in range(axis.output_size)]
        seen = {laid_out(axis)[p] for window in windows for p in window}
        assert axis.unused.tolist() == sorted(set(range(axis.input_size)) - seen)


@given(layers())
def test_kinds_follow_the_layout(layer: Layer) -> None:
    for axis in axes_of(layer):
        first = axis.border[0]
        last = first + (axis.input_size - 1) * axis.spread
        for position, source in enumerate(laid_out(axis)):
            kind = axis.kind_at(position)
            if source < 0:
                assert kind == ("inserted" if first <= position <= last else "padding")
            elif first <= position <= last:
                assert kind == "input"
            else:
                assert kind == "border"


@given(layers(transposed=True))
def test_a_stamp_lands_where_the_turned_window_finds_it(layer: Layer) -> None:
    for axis in axes_of(layer):
        gathered = {
            (int(source), axis.kernel_size - 1 - tap, output)
            for output in range(axis.output_size)
            for tap, source in enumerate(axis.source_at(axis.window(output)))
            if source >= 0
        }
        stamped = {
            (position, tap, axis.landing(position, tap))
            for position in range(axis.input_size)
            for tap in range(axis.kernel_size)
            if 0 <= axis.landing(position, tap) < axis.output_size
        }
        assert gathered == stamped


@given(layers(transposed=True))
def test_phases_name_the_taps_of_each_output(layer: Layer) -> None:
    for axis in axes_of(layer):
        assert len(axis.phases) == axis.stride
        assert sorted(tap for phase in axis.phases for tap in phase) == list(
            range(axis.kernel_size)
        )
        for position in range(axis.input_size):
            for tap in range(axis.kernel_size):
                output = axis.landing(position, tap)
                assert tap in axis.phases[output % axis.stride]


def test_uneven_phases_draw_a_checkerboard() -> None:
    assert Axis(4, 3, stride=2, transposed=True).phases == ((0, 2), (1,))
    assert Axis(4, 4, stride=2, transposed=True).phases == ((0, 2), (1, 3))
    assert Axis(4, 2, stride=3, transposed=True).phases == ((0,), (1,), ())


@given(layers())
def test_the_formula_works_out(layer: Layer) -> None:
    """Read as Python, the text gives the size it ends in."""
    for axis in axes_of(layer):
        text = axis.formula(ascii=True)
        assert text.isascii()
        expression, result = text.split(" = ")
        assert int(result) == axis.output_size
        assert eval(expression, {"floor": np.floor}) == axis.output_size
        for number in (axis.input_size, *axis.pad, axis.kernel_size, axis.dilation, axis.stride):
            assert str(number) in expression


@pytest.mark.parametrize(
    ("axis", "text"),
    [
        (Axis(4, 3, pad=(1, 1)), "⌊(4 + 1 + 1 − 1·(3 − 1) − 1) / 1⌋ + 1 = 4"),
        (Axis(9, 3, 2, 3, (0, 2)), "⌊(9 + 0 + 2 − 3·(3 − 1) − 1) / 2⌋ + 1 = 3"),
        (
            Axis(4, 3, 2, 2, (1, 0), transposed=True, output_padding=1),
            "(4 − 1)·2 − 1 − 0 + 2·(3 − 1) + 1 + 1 = 11",
        ),
    ],
)
def test_formulas(axis: Axis, text: str) -> None:
    assert axis.formula() == text
    plain = text.replace("⌊", "floor(").replace("⌋", ")").replace("−", "-").replace("·", "*")
    assert axis.formula(ascii=True) == plain


def test_size_is_not_positive_where_the_kernel_finds_no_room() -> None:
    assert Axis(2, 3).output_size == 0
    assert Axis(2, 5).output_size < 0


def test_a_crop_deeper_than_the_kernel_begins_inside_the_input() -> None:
    axis = Axis(5, 2, stride=1, pad=(3, 0), transposed=True)
    assert axis.border == (-2, 1)
    assert axis.source.tolist() == [2, 3, 4, -1]
    assert axis.unused.tolist() == [0, 1]


def test_index_maps_are_read_only() -> None:
    axis = Axis(4, 3, pad=(1, 1))
    for array in (axis.source, axis.unused):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 99


# -- several axes


def geometry(**changes: Any) -> Geometry:
    given_values: dict[str, Any] = {
        "axes": (Axis(5, 3), Axis(6, 2, stride=2)),
        "batch": 2,
        "in_channels": 4,
        "out_channels": 6,
        "groups": 2,
    }
    return Geometry(**given_values | changes)


def test_shapes() -> None:
    forward = geometry()
    assert forward.rank == 2
    assert not forward.transposed
    assert forward.kernel_size == (3, 2)
    assert (forward.input_size, forward.output_size) == ((5, 6), (3, 3))
    assert forward.input_shape == (2, 4, 5, 6)
    assert forward.output_shape == (2, 6, 3, 3)
    assert forward.weight_shape == (6, 2, 3, 2)
    assert forward.terms == 2 * 3 * 2


def test_shapes_without_a_batch() -> None:
    assert geometry(batch=None).input_shape == (4, 5, 6)
    assert geometry(batch=None).output_shape == (6, 3, 3)


def test_shapes_transposed() -> None:
    axes = (Axis(5, 3, transposed=True), Axis(6, 2, stride=2, transposed=True))
    backward = geometry(axes=axes)
    assert backward.transposed
    assert backward.output_shape == (2, 6, 7, 12)
    assert backward.weight_shape == (4, 3, 3, 2)


def test_channels_are_dealt_out_in_blocks() -> None:
    dealt = geometry()
    assert (dealt.group_inputs, dealt.group_outputs) == (2, 3)
    channels = [list(dealt.group_channels(c)) for c in range(6)]
    assert channels == [[0, 1]] * 3 + [[2, 3]] * 3


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_leading_axes_of_one_make_any_rank_three(rank: int) -> None:
    own = tuple(Axis(4 + k, 2, pad=(1, 0)) for k in range(rank))
    embedded = geometry(axes=own).embedded
    assert embedded[3 - rank :] == own
    for axis in embedded[: 3 - rank]:
        assert (axis.input_size, axis.kernel_size, axis.output_size) == (1, 1, 1)
        assert axis.source.tolist() == [0]


@given(st.integers(1, 6), st.sampled_from(["reflect", "symmetric", "circular"]))
def test_borders_reach_their_limit(size: int, mode: str) -> None:
    most = size - 1 if mode == "reflect" else size
    (axis,) = ConvSpec(1, padding=most, padding_mode=mode).bind((1, size)).axes
    expected: Array = np.pad(np.arange(size), most, mode=NUMPY_MODES[mode])  # type: ignore[call-overload]  # its stub wants a literal mode
    assert axis.source.tolist() == expected.tolist()
