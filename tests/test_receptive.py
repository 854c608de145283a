"""Receptive fields: against the facts, against convolved impulses, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from stepconv import Conv2d, ConvSpec, ConvTranspose1d, InputError, SpecError, conv, receptive_field
from stepconv.receptive import LARGEST_WORK, parse_layers


def sizes(layers: Any, name: str = "size") -> list[int]:
    return [getattr(field, name)[0] for field in receptive_field(layers)]


def dilated(*dilations: int) -> list[dict[str, int]]:
    return [{"kernel_size": 3, "dilation": d} for d in dilations]


def test_plain_layers_grow_by_addition_and_dilated_ones_by_doubling() -> None:
    assert sizes([3, 3, 3]) == [3, 5, 7]
    assert sizes(dilated(1, 2, 4)) == sizes(dilated(1, 2, 4), "touched") == [3, 7, 15]


def test_dilation_two_after_a_plain_layer() -> None:
    field = receptive_field([(3, 3), ConvSpec((3, 3), dilation=2)])[-1]
    assert (field.size, field.touched, field.taps) == ((7, 7), (7, 7), 9)
    alone = receptive_field([ConvSpec((3, 3), dilation=2)])[-1]
    assert (alone.size, alone.touched) == ((5, 5), (3, 3))


def test_equal_dilations_leave_holes() -> None:
    # Wang et al., arXiv:1702.08502: 3x3 layers of dilation 2 see one cell in four.
    assert sizes(dilated(2, 2, 2)) == [5, 9, 13]
    assert sizes(dilated(2, 2, 2), "touched") == [3, 5, 7]


def test_known_networks() -> None:
    wavenet = [{"kernel_size": 2, "dilation": 2**i, "padding": "causal"} for i in range(10)]
    last = receptive_field(wavenet)[-1]
    assert (last.size, last.touched, last.start) == ((1024,), (1024,), (-1023,))
    pool = {"kernel_size": 2, "stride": 2}
    vgg16 = [3, 3, pool, 3, 3, pool, *[3, 3, 3, pool] * 3]
    last = receptive_field(vgg16)[-1]
    assert (last.size, last.jump) == ((212,), (Fraction(32),))
    alexnet = parse_layers("11,s=4,p=2 3,s=2 5,p=2 3,s=2 3,p=1 3,p=1 3,p=1 3,s=2")
    assert sizes(alexnet)[-1] == 195
    assert receptive_field(alexnet)[-1].jump == (Fraction(32),)


def test_transposed_layers_enlarge() -> None:
    up = ConvSpec(4, stride=2, padding=1, transposed=True)
    fields = receptive_field([3, up, up])
    assert [field.jump[0] for field in fields] == [1, Fraction(1, 2), Fraction(1, 4)]
    assert [field.phases[0] for field in fields] == [1, 2, 4]
    assert [field.size[0] for field in fields] == [3, 4, 5]
    down = receptive_field([up, ConvSpec(4, stride=2, padding=1)])[-1]
    assert down.jump == (Fraction(1),)
    assert (down.phases, down.size, down.start) == ((1,), (3,), (-1,))


def test_outputs_between_the_stamps_see_nothing() -> None:
    field = receptive_field([ConvSpec(1, stride=3, padding=1, transposed=True)])[-1]
    assert (field.size, field.touched, field.start) == ((1,), (1,), (None,))
    blind = receptive_field([ConvSpec(1, stride=2, transposed=True), ConvSpec(1, 2, (1,))])[-1]
    assert (blind.size, blind.touched, blind.start) == ((0,), (0,), (None,))


def test_axes_go_their_own_ways() -> None:
    layers = [ConvSpec((1, 3), stride=(1, 2)), ConvSpec((3, 3), dilation=(2, 1), padding=(0, 1))]
    field = receptive_field(layers)[-1]
    assert field.size == (5, 7)
    assert field.touched == (3, 7)
    assert field.jump == (Fraction(1), Fraction(2))
    assert field.start == (0, -2)
    assert field.jump_before == field.jump
    assert (field.size_before, field.phases_before) == ((1, 3), (1, 1))
    assert field.formula(0) == "1 + (3 − 1)·2·1 = 5"
    assert field.formula(1) == "3 + (3 − 1)·2 = 7"


def test_every_way_to_give_a_layer() -> None:
    spec = ConvSpec((3, 3), stride=2)
    ways = [spec, Conv2d(1, 1, 3, stride=2, rng=0), {"kernel_size": (3, 3), "stride": 2}]
    ways += [{"kernel_size": 3, "stride": (2, 2)}, (3, 3), [3, 3], np.array([3, 3]), 3, np.int64(3)]
    fields = receptive_field(ways)
    assert [field.spec for field in fields[:4]] == [spec] * 4
    assert [field.spec for field in fields[4:]] == [ConvSpec((3, 3))] * 5
    assert receptive_field(iter([3]))[0].spec == ConvSpec(3)
    up = ConvTranspose1d(1, 1, 2, stride=2, rng=0)
    assert receptive_field([up])[0].spec == up.spec


@st.composite
def stacks(draw: st.DrawFn) -> list[ConvSpec]:
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        transposed = draw(st.booleans())
        stride, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
        pad = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        kernel = draw(st.integers(1, 4))
        layers.append(ConvSpec(kernel, stride, (pad,), dilation, transposed=transposed))
    return layers


@given(stacks())
def test_against_convolved_impulses(layers: list[ConvSpec]) -> None:
    last = receptive_field(layers)[-1]
    size, jump, phases = last.size[0], last.jump[0], last.phases[0]
    # Long enough that one period of outputs in the middle third is far from the borders.
    n = 6 * size + 6 * ceil(jump * phases) + 60
    seen = np.eye(n)[:, None]
    for layer in layers:
        arguments = layer.arguments()
        kernel = np.ones((1, 1, *arguments.pop("kernel_size")))
        seen = np.minimum(conv(seen, kernel, **arguments), 1)
    first = ceil(n / 3 / jump / phases) * phases
    fields = [np.flatnonzero(seen[:, 0, first + k]) for k in range(phases)]
    assert size == max(int(np.ptp(cells)) + 1 if len(cells) else 0 for cells in fields)
    assert last.touched[0] == max(len(cells) for cells in fields)
    if len(fields[0]):
        assert last.start[0] is not None
        assert last.start[0] + first * jump == fields[0][0]
    else:
        assert last.start == (None,)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)), min_size=1))
def test_formulas_are_true(layers: list[tuple[int, int, int]]) -> None:
    specs = [ConvSpec(k, stride=s, dilation=d) for k, s, d in layers[:8]]
    for field in receptive_field(specs):
        text = field.formula(ascii=True)
        assert text is not None
        calculation, size = text.split(" = ")
        assert eval(calculation) == int(size) == field.size[0]
        assert field.formula() == text.replace("-", "−").replace("*", "·")


def test_formulas_where_they_do_not_hold() -> None:
    up = ConvSpec(3, stride=2, transposed=True)
    fields = receptive_field([3, up, 3, ConvSpec(3, stride=2), 3])
    assert [field.formula() is None for field in fields] == [False, True, True, True, False]
    assert fields[-1].formula() == f"{fields[-2].size[0]} + (3 − 1)·1 = {fields[-1].size[0]}"


def test_same_padding_with_a_stride_leaves_the_start_open() -> None:
    fields = receptive_field([ConvSpec(3, padding="same"), ConvSpec(3, 2, "same"), 3])
    assert [field.start for field in fields] == [(-1,), (None,), (None,)]
    assert [field.size for field in fields] == [(3,), (5,), (9,)]
    up = ConvSpec(3, stride=2, transposed=True)
    with pytest.raises(SpecError, match="layer 2: with 'same' padding and stride 2"):
        receptive_field([up, ConvSpec(3, 2, "same")])


def test_layers_on_the_command_line() -> None:
    assert parse_layers("3 3,d=2 3x5,s=2,p=1 4,s=2,t") == [
        ConvSpec((3, 3)),
        ConvSpec((3, 3), dilation=2),
        ConvSpec((3, 5), stride=2, padding=1),
        ConvSpec((4, 4), stride=2, transposed=True),
    ]
    assert parse_layers(" 3,p=same,d=1 \n 2,s=4 ") == [
        ConvSpec(3, padding="same"),
        ConvSpec(2, stride=4),
    ]
    assert parse_layers("2x2x2,p=0x1x2,s=1x2x3,t")[0].padding == ((0, 0), (1, 1), (2, 2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no layers; give for instance 3 3,d=2"),
        ("3 3,q=2", r"layer 2 \('3,q=2'\): 'q=2' is not understood"),
        ("3,s", "'s' is not understood"),
        ("3,s=", "'s=' is not understood"),
        ("3,s=-1", "'s=-1' is not understood"),
        ("3,s=same", "'s=same' is not understood"),
        ("3,p=half", "'p=half' is not understood"),
        ("3,s=2,s=2", "'s=2' is not understood"),
        ("3,t=1", "'t=1' is not understood"),
        ("3,t,t", "'t' is not understood"),
        ("3,", "'' is not understood"),
        (",s=2", "'' is not understood"),
        ("3x", "'3x' is not understood"),
        ("3x3x3x3", "'3x3x3x3' is not understood"),
        ("٣", "is not understood"),
        ("9" * 5000, r"9\.\.\.9+'\): '9"),
        ("3,s=0", r"layer 1 \('3,s=0'\): stride is 0"),
        ("0", "kernel_size is 0"),
        ("3,s=2x2", "stride .* has 2 values"),
        ("3,p=same,t", "for forward convolutions"),
        ("3x3 3 3x3x3", r"layer 1 \('3x3'\) moves along 2 axes and another along 3"),
        ("3 9999999999", r"layer 2 \('9999999999'\): kernel_size is 9999999999; .* at most"),
    ],
)
def test_what_the_command_line_refuses(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_layers(text)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], r"there are no layers; give for instance \[3, 3\]"),
        (3, "layers is 3; give a list"),
        ("3 3", "layers is '3 3'; give a list"),
        ({"kernel_size": 3}, "give a list"),
        ([3, "3"], "layer 2: kernel_size"),
        ([3, 2.5], "layer 2: kernel_size is 2.5; it must be a whole number"),
        ([3, None], "layer 2: kernel_size is None"),
        ([ConvSpec(3), (3, 3)], "layer 1 moves along 1 axes and another along 2"),
        ([(3, 3), {"kernel_size": 3, "size": 2}], "layer 2 has 'size', which is not one of"),
        ([{"stride": 2}], "layer 1 has no kernel_size"),
        ([{"kernel_size": 3, "stride": (1, 2)}], "layer 1: stride .* has 2 values"),
    ],
)
def test_what_is_no_stack(layers: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        receptive_field(layers)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([3, 2**31 - 1], "layer 2: following its receptive field takes .* more than the 33554432"),
        ([1000] * 1000, "following"),
        pytest.param(
            [ConvSpec(4, stride=2, transposed=True)] * 40, "following", marks=pytest.mark.slow
        ),
        ([ConvSpec(2, stride=2)] * 40, r"layer \d+: its receptive fields may span"),
        ([ConvSpec(2, dilation=2**31 - 1)], "layer 1: its receptive fields may span 2147483"),
        ([ConvSpec(1, stride=2**31 - 1)], "may span"),
    ],
)
def test_endless_work_is_refused_with_numbers(layers: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        receptive_field(layers)


def test_deep_stacks_are_not() -> None:
    field = receptive_field([(3, 3)] * 1000)[-1]
    assert (field.size, prod(field.touched)) == ((2001, 2001), 2001**2)
    assert LARGEST_WORK > 1000 * 3
