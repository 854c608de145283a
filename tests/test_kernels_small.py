"""Bands of rows for small maps: each row in one of them, with the input that it sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from stepconv.geometry import Axis, Geometry
from stepconv.kernels import cutting, small
from stepconv.kernels.small_bands import RowBands, row_bands
from tests.strategies import MODES

pytestmark = pytest.mark.compiled

COLUMNS = Axis(9, 3, pad=(1, 1))


def cut(rows: Axis, most: int) -> RowBands | None:
    return row_bands((Axis(1, 1), rows, COLUMNS), lambda layout: layout.channel <= most)


@st.composite
def row_axes(draw: st.DrawFn) -> Axis:
    kernel, dilation, size = (draw(st.integers(1, most)) for most in (4, 9, 40))
    before, after = (draw(st.integers(0, min(9, size - 1))) for _side in range(2))
    size = max(size, dilation * (kernel - 1) + 1 - before - after)
    return Axis(
        size,
        kernel,
        draw(st.integers(1, 3)),
        dilation,
        (before, after),
        draw(st.sampled_from(MODES)),
    )


@settings(max_examples=150)
@given(row_axes(), st.integers(60, 800))
def test_each_row_is_in_one_band_and_sees_its_input(axis: Axis, most: int) -> None:
    bands = cut(axis, most)
    if bands is None:
        return
    assert sorted(np.concatenate(bands.outputs)) == list(range(axis.output_size))
    assert bands.layout.channel <= most
    if bands.sources is None:
        return
    for band, (outputs, lines) in enumerate(zip(bands.outputs, bands.lines, strict=True)):
        assert outputs[0] == band * bands.corner_step
        for row, line in zip(outputs, lines, strict=True):
            taps = np.arange(axis.kernel_size)
            assert max(line + taps) < bands.layout.rows
            shown = bands.sources[band * bands.source_step + line + taps]
            assert list(shown) == list(axis.source[row + taps * axis.dilation])


def test_families_where_rows_that_follow_one_another_would_need_more() -> None:
    axis = Axis(33, 3, dilation=6, pad=(6, 6))
    bands = cut(axis, 2 * 8 * 11 + 16)  # two families of 8 rows of 11 columns
    assert bands is not None
    assert bands.count == 3
    assert list(bands.outputs[0]) == sorted([*range(0, 33, 6), *range(1, 33, 6)])


def test_none_where_not_even_a_row_fits() -> None:
    assert cut(Axis(9, 3), 10) is None


@settings(max_examples=40)
@given(row_axes(), st.integers(200, 2000), st.integers(2, 3))
def test_a_multiple_of_bands_where_threads_want_one(axis: Axis, most: int, threads: int) -> None:
    axes = (Axis(1, 1), axis, COLUMNS)
    bands = row_bands(axes, lambda layout: layout.channel <= most, threads)
    if bands is None:
        return
    assert bands.count % threads == 0
    assert sorted(np.concatenate(bands.outputs)) == list(range(axis.output_size))


def test_threads_have_bands_of_their_own_where_the_input_outweighs_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(small, "_direct_cycles", lambda *_: np.inf)  # small on any host
    monkeypatch.setattr(small, "SOME_ROWS_BYTES", cutting.BAND_BYTES)  # three bands on any host
    axis = Axis(56, 3, 2, pad=(1, 1))
    geometry = Geometry((axis, axis), 1, 128, 128, 1)
    made = [small.plan(geometry, np.dtype(np.float32), threads) for threads in (1, 2)]
    assert [plan.units for plan in made if plan] == [3, 4]
