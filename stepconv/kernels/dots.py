"""Outputs of few pixels: the weights are read as they lie.

Where a layer has one pixel, or a batch of them a handful, there is nothing to spread the work of
packing over: to lay the weights out takes several times as long as to multiply them. Such are the
layers that weigh channels by their means ("squeeze and excitation"), the branch of DeepLab that
sees the whole image, and a classifier that is written as a convolution. There the result is a
product of two matrices, whose rows both lie in memory as they are needed::

    weight    output × term       a row for each output channel, as it was given
    patches   pixel × term        what the kernel sees at each pixel: a row of the input where it
                                  sees all of it, else copied together, padding included

    for block in blocks of 4 output channels:
        for piece in terms:                   its weights stay in the first cache
            for tile in pixels, 6 at a time:
                for terms in piece, a vector at a time: multiply-adds

A sum runs along the vectors, and over their lanes at the end of each piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.geometry import Axis, Geometry, Indices
from stepconv.kernels.cutting import BAND_BYTES
from stepconv.kernels.drivers import allocate, emitted, inlined, lanes
from stepconv.kernels.emit import Code, Value
from stepconv.kernels.host import host
from stepconv.kernels.listing import Tables
from stepconv.kernels.lowering import driver
from stepconv.kernels.reading import cells, flattened
from stepconv.kernels.small import direct_cycles, runs_cycles
from stepconv.kernels.tiled import TiledPlan

Array = NDArray[Any]
Axes = tuple[Axis, Axis, Axis]

#: Output channels and pixels of a tile: 24 sums in 32 registers, 12 in 16.
ROWS, PIXELS = 4, 6 if host().registers == 32 else 3
#: Pixels of a sample up to which it is asked which way takes less time.
MOST_PIXELS = 256
#: Terms of a piece of a sum: its weights stay in the first cache, and a sum in a lane is short.
PIECE = 1024

# Cycles of a product of vectors, to begin and store a tile, for each number of a patch that is
# copied together, and for each weight that another family would pack; as those of
# `stepconv.kernels.runs`. With 16 registers a step loads 7 vectors for 12 products, not 10 for 24.
_STEP, _TILE, _COPIED, _PACKED = (
    (0.49, 54.0, 1.1, 0.28) if host().registers == 32 else (0.56, 54.0, 2.5, 0.6)
)
#: Samples whose runs are counted together.
_TOGETHER = 16

(
    GROUPS,
    GROUP_OUTPUTS,
    TERMS,
    TAPS,
    IMAGE,  # cells of an input channel
    SAMPLES,
    TOGETHER,  # samples of a unit
    PLANE,  # pixels of a sample
    SHARES,  # units that share the output channels of a group; channels of each but the last
    SHARE_ROWS,
    IN_PLACE,
    PATCH_STEP,  # numbers from one pixel's patch to the next
    SOURCES_AT,  # for each pixel of a sample, where each tap reads in a channel, or -1
    CELLS_AT,  # of each pixel of a unit: its cell in the output, behind that of the first
    BIASES_AT,  # in scratch: the biases of a tile's rows, over and over; totals, [pixel][row]
    TOTALS_AT,
    SCRATCH,
) = range(17)


@driver
def convolve(
    settings: Any,
    tables: Any,
    input: Any,
    weight: Any,
    bias: Any,
    output: Any,
    first: int,
    stop: int,
) -> None:
    """Compute the units from `first` to before `stop`."""
    scratch = allocate(settings[SCRATCH], output)
    groups, outputs = settings[GROUPS], settings[GROUP_OUTPUTS]
    terms, plane = settings[TERMS], settings[PLANE]
    for unit in range(first, stop):
        rest, share = divmod(unit, settings[SHARES])
        batch, group = divmod(rest, groups)
        sample = batch * settings[TOGETHER]
        samples = min(settings[TOGETHER], settings[SAMPLES] - sample)
        start = (sample * groups + group) * terms
        if settings[IN_PLACE] == 0:
            gather(settings, tables, input, scratch, sample, samples, group)
            start = 0
        begin = share * settings[SHARE_ROWS]
        end = outputs if share == settings[SHARES] - 1 else begin + settings[SHARE_ROWS]
        for block in range(begin, end, ROWS):
            row = min(block, end - ROWS)  # the last rows with some before them
            done = group * outputs + row
            for number in range(max(lanes(bias), ROWS)):
                scratch[settings[BIASES_AT] + number] = bias[done + number % ROWS]
            cell = ((sample * groups + group) * outputs + row) * plane
            for term in range(0, terms, PIECE):
                sweep(
                    settings,
                    tables,
                    input,
                    scratch,
                    start,
                    weight,
                    done * terms,
                    output,
                    cell,
                    term,
                    samples * plane,
                )


@inlined
def sweep(
    settings: Any,
    tables: Any,
    input: Any,
    scratch: Any,
    start: int,
    weight: Any,
    weight_at: int,
    output: Any,
    cell: int,
    term: int,
    pixels: int,
) -> None:
    """Move tiles over the pixels of a unit for one piece of the sums, from `term` on."""
    pixel = 0
    while pixel < pixels:
        left = pixels - pixel
        if left >= PIXELS:
            tile(
                PIXELS, settings, tables, input, scratch, start, weight, weight_at, output, cell,
                term, pixel,
            )  # fmt: skip
            pixel += PIXELS
        elif left >= 2:
            tile(
                2, settings, tables, input, scratch, start, weight, weight_at, output, cell, term,
                pixel,
            )  # fmt: skip
            pixel += 2
        else:
            tile(
                1, settings, tables, input, scratch, start, weight, weight_at, output, cell, term,
                pixel,
            )  # fmt: skip
            pixel += 1


@inlined
def gather(
    settings: Any, tables: Any, input: Any, scratch: Any, first: int, samples: int, group: int
) -> None:
    """Copy together what the kernel sees at each pixel of some samples."""
    taps, image = settings[TAPS], settings[IMAGE]
    channels = settings[TERMS] // taps
    patch = 0
    for sample in range(first, first + samples):
        for pixel in range(settings[PLANE]):
            listed = settings[SOURCES_AT] + pixel * taps
            at = patch
            start = (sample * settings[GROUPS] + group) * channels * image
            for _channel in range(channels):
                for tap in range(taps):
                    source = tables[listed + tap]
                    scratch[at + tap] = input[start + source] if source >= 0 else 0
                at += taps
                start += image
            patch += settings[PATCH_STEP]


@emitted
def tile(
    code: Code,
    pixels: int,
    settings: Value,
    tables: Value,
    input: Value,
    scratch: Value,
    start: Value,
    weight: Value,
    weight_at: Value,
    output: Value,
    cell: Value,
    term: Value,
    pixel: Value,
) -> None:
    """Add up a piece of the sums of some pixels, and store them with the last.

    The patches begin at input[start] or scratch[start]; the output of a unit's first pixel and the
    tile's first channel is output[cell].
    """
    in_place = code.compare(code.load_one(settings, IN_PLACE), "!=", 0)
    step, terms = code.load_one(settings, PATCH_STEP), code.load_one(settings, TERMS)
    patches = code.move(code.builder.select(in_place, input, scratch), start)
    patches = code.move(patches, code.add(code.multiply(step, pixel), term))
    weights = code.move(weight, code.add(weight_at, term))
    x = [code.move(patches, code.multiply(step, number)) for number in range(pixels)]
    w = [code.move(weights, code.multiply(terms, number)) for number in range(ROWS)]
    left = code.subtract(terms, term)
    sums = multiply(code, x, w, code.least(left, PIECE))
    begins, ends = code.compare(term, "==", 0), code.compare(left, "<=", PIECE)
    totals = code.move(code.move(scratch, code.load_one(settings, TOTALS_AT)), pixel)
    totals = code.move(totals, code.multiply(pixel, ROWS - 1))
    biases = code.move(scratch, code.load_one(settings, BIASES_AT))
    for place in range(0, len(sums), code.lanes):
        some = sums[place : place + code.lanes]
        total = code.lane_sums(some + [code.zero()] * (code.lanes - len(some)))
        # What stood there before the first piece is of no use, not even to be multiplied by 0.
        known = code.builder.select(begins, code.zero(), code.load(totals, place))
        own = code.builder.select(ends, code.load(biases, place % ROWS), code.zero())
        total = code.sum(code.sum(known, total), own)
        code.store_first(total, len(some), totals, place)
    plane = code.load_one(settings, PLANE)
    cells = code.move(code.move(tables, code.load_one(settings, CELLS_AT)), pixel)
    with code.when(ends):
        for number in range(pixels):
            place = code.move(output, code.add(cell, code.load_one(cells, number)))
            for row in range(ROWS):
                code.store_one(code.load_one(totals, number * ROWS + row), place)
                place = code.move(place, plane)


def multiply(code: Code, x: Sequence[Value], w: Sequence[Value], count: Value) -> list[Value]:
    """Emit the sums of `count` products of each line of `x` with each of `w`, lane by lane."""
    none = [code.zero()] * (len(x) * len(w))

    def added(load: Callable[[Value], Value], sums: Sequence[Value]) -> list[Value]:
        # One vector of weights at a time: 12 sums, 3 of pixels and it are 16 registers.
        sums, pixels = list(sums), [load(line) for line in x]
        for row, line in enumerate(w):
            weights = load(line)
            for number, pixel in enumerate(pixels):
                place = number * len(w) + row
                sums[place] = code.multiply_add(pixel, weights, sums[place])
        return sums

    def whole() -> list[Value]:
        with code.loop(vectors, *none) as loop:
            at = code.multiply(loop.index, code.lanes)
            loop.next(*added(lambda line: code.load(line, at), loop.values))
        return loop.results

    def rest() -> list[Value]:
        mask = code.first(left)
        return added(lambda line: code.load_masked(code.move(line, done), mask), sums)

    vectors = code.floor(count, code.lanes)
    sums = code.choose(code.compare(vectors, ">", 0), whole, lambda: none)
    done = code.multiply(vectors, code.lanes)
    left = code.subtract(count, done)
    return code.choose(code.compare(left, ">", 0), rest, lambda: sums)


class DotsPlan(TiledPlan):
    """Dot products of weights and patches; see the module."""

    def __init__(
        self, geometry: Geometry, dtype: np.dtype[Any], axes: Axes, threads: int, in_place: bool
    ) -> None:
        samples = 1 if geometry.batch is None else geometry.batch
        outputs, terms, groups = geometry.group_outputs, geometry.terms, geometry.groups
        plane = prod(axis.output_size for axis in axes)
        lanes = host().lanes(dtype.itemsize)
        step = groups * terms if in_place else _apart(terms, lanes)
        numbers = plane * (max(step if not in_place else terms, ROWS) + ROWS)
        together = min(samples, max(1, BAND_BYTES // (numbers * dtype.itemsize)))
        batches = -(-samples // together)
        together = -(-samples // batches)
        blocks = outputs // ROWS
        each = -(-blocks // (min(threads, blocks) if groups * batches % threads else 1))
        shares = -(-blocks // each)
        tables = Tables()
        samples_apart = np.arange(together)[:, None] * (geometry.out_channels * plane)
        biases_at = 0 if in_place else together * plane * step
        settings = {
            GROUPS: groups,
            GROUP_OUTPUTS: outputs,
            TERMS: terms,
            TAPS: terms // geometry.group_inputs,
            IMAGE: cells(axes),
            SAMPLES: samples,
            TOGETHER: together,
            PLANE: plane,
            SHARES: shares,
            SHARE_ROWS: each * ROWS,
            IN_PLACE: in_place,
            PATCH_STEP: step,
            SOURCES_AT: 0 if in_place else tables.add(_sources(axes)),
            CELLS_AT: tables.add((samples_apart + np.arange(plane)).ravel()),
            BIASES_AT: biases_at,
            TOTALS_AT: biases_at + max(lanes, ROWS),
            SCRATCH: biases_at + max(lanes, ROWS) + together * plane * ROWS + lanes,
        }
        super().__init__(
            convolve,
            None,
            dtype,
            groups * batches * shares,
            settings,
            tables.array(),
            (),
            0,
            0,
            settings[SCRATCH],
        )


def plan(
    geometry: Geometry, dtype: np.dtype[Any], threads: int, once: bool = False
) -> DotsPlan | None:
    """Return a plan where that takes less time than runs or vectors of pixels.

    With `once`, than to pack the weights for these, too.
    """
    axes = geometry.embedded
    plane = prod(axis.output_size for axis in axes)
    if geometry.transposed or geometry.group_outputs < ROWS or plane > MOST_PIXELS:
        return None
    in_place = all(
        axis.kernel_size == axis.input_size and axis.dilation == 1 and axis.pad == (0, 0)
        for axis in axes
    )
    patch = _apart(geometry.terms, host().lanes(dtype.itemsize))
    if not in_place and plane * (patch + ROWS) * dtype.itemsize > BAND_BYTES:
        return None
    if geometry.batch == 0:
        return None
    others = _others(geometry, dtype, axes)
    if once:
        others += _PACKED * prod(geometry.weight_shape)
    if _cycles(geometry, dtype, plane, in_place) > others:
        return None
    return DotsPlan(geometry, dtype, axes, threads, in_place)


def _apart(terms: int, lanes: int) -> int:
    """Return how far apart copied patches lie: a line of the cache more than they take.

    A power of two apart they would fall on the same lines.
    """
    return (-(-terms // lanes) + 1) * lanes


def _cycles(geometry: Geometry, dtype: np.dtype[Any], plane: int, in_place: bool) -> float:
    """Cycles of all tiles."""
    pixels = plane * (1 if geometry.batch is None else geometry.batch)
    full, left = divmod(pixels, PIXELS)
    tiles = full + left // 2 + left % 2
    steps = -(-geometry.terms // host().lanes(dtype.itemsize)) * ROWS
    each = steps * pixels * _STEP + tiles * -(-geometry.terms // PIECE) * _TILE
    copied = 0.0 if in_place else pixels * geometry.terms * _COPIED
    return geometry.groups * (-(-geometry.group_outputs // ROWS) * each + copied)


def _others(geometry: Geometry, dtype: np.dtype[Any], axes: Axes) -> float:
    """Cycles of the families that pack weights: `small` and `direct`."""
    samples = 1 if geometry.batch is None else geometry.batch
    together = min(samples, _TOGETHER)
    axes = flattened(axes)
    runs = runs_cycles(geometry, axes, dtype, together)
    planes = geometry.groups * samples * axes[0].output_size
    return planes * min(runs, direct_cycles(geometry, axes, dtype))


def _sources(axes: Axes) -> Indices:
    """Return for each pixel where each tap reads in a channel, -1 where it sees padding."""
    z, y, x = (
        axis.source[
            np.arange(axis.output_size)[:, None] * axis.step
            + np.arange(axis.kernel_size) * axis.dilation
        ]
        for axis in axes
    )
    height, width = axes[1].input_size, axes[2].input_size
    rows = []
    for deep, high, wide in product(z, y, x):
        place = (deep[:, None, None] * height + high[:, None]) * width + wide
        missing = (deep[:, None, None] < 0) | (high[:, None] < 0) | (wide < 0)
        rows.append(np.where(missing, -1, place).ravel())
    return np.concatenate(rows)
