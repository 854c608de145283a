"""Where tiles read: rows that become one row, end to end, and the input in its place."""

from __future__ import annotations

import numpy as np
import pytest

from stepconv.geometry import Axis
from stepconv.kernels.host import host
from stepconv.kernels.reading import MOST_COVERED, flattened, readable

ONE = Axis(1, 1)
COVERED = [
    (Axis(20, 3), Axis(8, 8)),
    (Axis(20, 3, 2, pad=(2, 1)), Axis(8, 8, 3)),
    (Axis(20, 3, 2, 3, (1, 4)), Axis(1, 1)),
    (Axis(20, 3, 1, 2, (3, 3), "reflect"), Axis(1, 1)),
    (Axis(9, 2, mode="circular", pad=(1, 0)), Axis(1, 1)),
]
APART = [
    (Axis(20, 3), Axis(8, 7)),
    (Axis(20, 3), Axis(8, 8, pad=(1, 0))),
    (Axis(20, 3, dilation=2), Axis(8, 8)),
    (Axis(20, 3, pad=(1, 1), mode="replicate"), Axis(8, 8)),
    (Axis(20, 3), Axis(MOST_COVERED + 1, MOST_COVERED + 1)),
]


@pytest.mark.parametrize(("y", "x"), COVERED)
@pytest.mark.parametrize("z", [ONE, Axis(5, 2, pad=(1, 0))])
def test_rows_that_the_kernel_covers_are_one(z: Axis, y: Axis, x: Axis) -> None:
    deep, none, line = flattened((z, y, x))
    assert (deep, none) == (z, ONE)
    assert line.output_size == y.output_size

    def seen(axis: Axis) -> list[list[int]]:
        places = np.arange(axis.output_size)[:, None] * axis.step
        taps: list[list[int]] = axis.source[places + np.arange(axis.kernel_size) * axis.dilation]
        return np.asarray(taps).tolist()  # type: ignore[no-any-return]

    columns = range(x.input_size)
    rows = [
        [tap * x.input_size + column if tap >= 0 else -1 for tap in taps for column in columns]
        for taps in seen(y)
    ]
    assert seen(line) == rows


@pytest.mark.parametrize(("y", "x"), APART)
def test_others_stay_as_they_are(y: Axis, x: Axis) -> None:
    assert flattened((ONE, y, x)) == (ONE, y, x)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("axis", "channels", "there"),
    [
        (Axis(64, 3), 300, True),
        (Axis(256, 1), 300, True),
        (Axis(16000, 3), 128, host().registers == 32),  # channels lie more than a page apart
        (Axis(1 << 18, 3), 128, False),  # they crowd the cache
        (Axis(64, 3, 2), 300, False),
        (Axis(64, 3, pad=(0, 1)), 300, False),
    ],
)
def test_where_vectors_of_pixels_are_read_in_place(axis: Axis, channels: int, there: bool) -> None:
    assert readable((ONE, ONE, axis), 4, channels) == there
