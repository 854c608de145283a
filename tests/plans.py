"""Running a plan of one kernel family by itself, and the textbook to hold it against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stepconv.geometry import Geometry
from stepconv.kernels import plain, rows
from stepconv.kernels.plan import Plan, TextbookPlan
from stepconv.spec import ConvSpec
from tests.helpers import Array

Family = Callable[[Geometry, Any, int], Plan | None]


def transposed(input_shape: Any, weight_shape: Any, **arguments: Any) -> Geometry:
    """Bind a transposed convolution to shapes."""
    spec = ConvSpec(tuple(weight_shape[2:]), transposed=True, **arguments)
    return spec.bind(input_shape, weight_shape)


def arrays_for(geometry: Geometry, dtype: Any, seed: int = 0) -> list[Array]:
    """Draw an input, a weight and a bias."""
    rng = np.random.default_rng(seed)
    shapes = (geometry.input_shape, geometry.weight_shape, (geometry.out_channels,))
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


class RowsPlan:
    """What compiled functions call, as if it were a plan: one unit."""

    units = 1
    apart = False

    def __init__(self, geometry: Geometry) -> None:
        axes = geometry.embedded
        self.groups = geometry.groups
        self.mode = plain.MODES.index(next((a.mode for a in axes if a.mode != "zeros"), "zeros"))
        self.axes = np.zeros((plain.ROWS, 3), np.int64)
        for k, axis in enumerate(axes):
            self.axes[:, k] = (
                axis.stride, axis.dilation, *axis.pad, 0, 0,
                axis.input_size, axis.kernel_size, axis.output_size,
            )  # fmt: skip
        sizes, taps, cells = self.axes[[plain.INPUT, plain.TAPS, plain.OUTPUT]].tolist()
        batch = 1 if geometry.batch is None else geometry.batch
        self.shapes = (
            (batch, geometry.in_channels, *sizes),
            (*geometry.weight_shape[:2], *taps),
            (batch, geometry.out_channels, *cells),
        )

    def pack(self, weight: Array) -> Array:
        return weight

    def run(
        self, input: Array, packed: Array, bias: Array, output: Array, first: int, stop: int
    ) -> None:
        flat = zip((input, packed, output), self.shapes, strict=True)
        image, weight, cells = (array.reshape(shape) for array, shape in flat)
        rows.forward(image, weight, bias, cells, self.axes, self.groups, self.mode)

    def work(self, input: Array, packed: Array, bias: Array, output: Array) -> tuple[Any, ...]:
        return self.run, input, packed, bias, output


def rows_plan(geometry: Geometry, dtype: Any, threads: int) -> RowsPlan | None:
    return None if geometry.transposed else RowsPlan(geometry)


def computed(family: Family, geometry: Geometry, arrays: list[Array], threads: int = 1) -> Array:
    """Return the output of a family, unit by unit; cells it did not write are nan."""
    image, weight, bias = arrays
    plan = family(geometry, image.dtype, threads)
    assert plan is not None
    output = np.full(geometry.output_shape, np.nan, image.dtype)
    packed = plan.pack(weight.reshape(-1))
    for unit in range(plan.units):
        plan.run(image.reshape(-1), packed, bias, output.reshape(-1), unit, unit + 1)
    return output


def expected(geometry: Geometry, arrays: list[Array]) -> Array:
    """Return the textbook's output in float64."""
    image, weight, bias = (array.astype(np.float64).reshape(-1) for array in arrays)
    output = np.empty(geometry.output_shape)
    plan = TextbookPlan(geometry, output.dtype)
    plan.run(image, weight, bias, output.reshape(-1), 0, plan.units)
    return output


def times_written(family: Family, geometry: Geometry, threads: int) -> Array:
    """Return how many units of a plan wrote to each cell of the output."""
    image, weight, bias = arrays_for(geometry, np.float32)
    plan = family(geometry, image.dtype, threads)
    assert plan is not None
    packed, written = plan.pack(weight.reshape(-1)), np.zeros(geometry.output_shape, int)
    for unit in range(plan.units):
        output = np.full(geometry.output_shape, np.nan, np.float32)
        plan.run(image.reshape(-1), packed, bias, output.reshape(-1), unit, unit + 1)
        written += ~np.isnan(output)
    return written


def assert_agrees(family: Family, geometry: Geometry, dtype: str, threads: int = 1) -> None:
    """Hold a family's output against the textbook's."""
    arrays = arrays_for(geometry, dtype)
    output = computed(family, geometry, arrays, threads)
    tolerance = 8 * float(np.finfo(dtype).eps) * geometry.terms
    np.testing.assert_allclose(output, expected(geometry, arrays), rtol=0, atol=tolerance)
