"""The loops of `stepconv.kernels.small` around its tiles, and the layout of its weights.

::

    for unit in units:                            samples, a group, depths, a band of rows
        for depth in unit:                        its planes of the input: filled, or where they lie
            for block in blocks of 32 channels:
                for tile in the band's list:      in the order of `stepconv.kernels.small_order`
"""

from __future__ import annotations

from functools import cache
from typing import Any

from stepconv.kernels.bands import ANY_STRIDE, STEP_Z, fill
from stepconv.kernels.drivers import allocate, inlined, lanes
from stepconv.kernels.lowering import driver
from stepconv.kernels.small_tiles import (
    FIRST_RUN,
    PART,
    SMALL_SETTINGS,
    Shape,
    small_tile,
)
from stepconv.kernels.tiles import CHANNELS, IN_PLACE, PLANE, TAPS, pack_block

# Settings, after those of the tiles.
(
    GROUPS,
    GROUP_OUTPUTS,
    IMAGE,  # cells of an input channel
    OUT_DEPTH,
    DEPTHS,  # depths of a unit; how many units they make; depth taps whose planes the next shares
    SLABS,
    KNOWN,
    OUT_HEIGHT,
    OUT_WIDTH,
    SAMPLES,
    TOGETHER,  # samples of a unit
    BANDS,
    CORNER_STEP,  # from one band to the next: rows of the output, of the list of sources
    SOURCE_STEP,
    SHARES,  # a unit computes every SHARES-th block
    BLOCK,  # output channels of a tile
    SAMPLE_STEP,  # numbers from one sample's band to the next's
    PLANE_STEP,  # in the input read in its place, from one depth and row of the output to the next
    ROW_STEP,
    PIXEL_STEP,  # from one pixel of a run to the next; in the output
    CELL_STEP,
    LISTS_AT,  # of each depth: where the begins and ends of the tiles' records stand, band after
    # band, then the same for fewer samples
    STRETCH,  # numbers of the records that all blocks pass over in turn, and of a group of tiles
    GROUP,
    BIASES_AT,
    TOTALS_STEP,  # numbers of scratch from one tile's totals to the next's
    ROOM_AT,  # where in scratch the weights of a part are laid out, if they are
    SCRATCH,
) = range(SMALL_SETTINGS, SMALL_SETTINGS + 28)


#: The strides, from the least to the most, under which a kernel fills bands: each takes its time to
#: compile.
Strides = tuple[int, int]
NONE, NARROW, WIDER = (0, 0), (1, 2), (3, ANY_STRIDE)


@cache
def kernel(shape: Shape, fills: Strides, apart: bool, dealt: bool, in_turn: bool) -> Any:
    """Return the kernel for tiles of a shape, which `fills` bands under some strides, or none.

    With `apart` the pixels of a run need not follow one another, as where the input has a stride:
    else the innermost loop would count its steps at run time, which takes up to a tenth longer.
    With `dealt` they do not in the output, as those of a phase of a transposed convolution. With
    `in_turn` the weights are as they were given, and laid out in scratch part by part.
    """
    run, runs, wide = shape
    least, most = fills

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
        compute(
            run,
            runs,
            wide,
            settings[PIXEL_STEP] if apart else 1,
            settings[CELL_STEP] if dealt else 1,
            in_turn,
            least,
            most,
            scratch,
            settings,
            tables,
            input,
            weight,
            bias,
            output,
            first,
            stop,
        )

    return convolve


@inlined
def compute(
    run: int,
    runs: int,
    wide: int,
    pixel_step: int,
    cell_step: int,
    in_turn: bool,
    least: int,
    most: int,
    scratch: Any,
    settings: Any,
    tables: Any,
    input: Any,
    weight: Any,
    bias: Any,
    output: Any,
    first: int,
    stop: int,
) -> None:
    """Compute units of work; see the module."""
    groups, outputs = settings[GROUPS], settings[GROUP_OUTPUTS]
    image = settings[CHANNELS] * settings[IMAGE]
    block, plane = settings[BLOCK], settings[PLANE]
    blocks = (outputs + block - 1) // block
    terms = settings[CHANNELS] * settings[TAPS]
    biases_at = settings[BIASES_AT]
    for unit in range(first, stop):
        rest, share = divmod(unit, settings[SHARES])
        rest, band = divmod(rest, settings[BANDS])
        rest, slab = divmod(rest, settings[SLABS])
        batch, group = divmod(rest, groups)
        sample, y = batch * settings[TOGETHER], band * settings[CORNER_STEP]
        together = min(settings[TOGETHER], settings[SAMPLES] - sample)
        known = 0
        top = slab * settings[DEPTHS]
        for z in range(top, min(top + settings[DEPTHS], settings[OUT_DEPTH])):
            start = (sample * groups + group) * image
            turn = z * settings[STEP_Z] if settings[KNOWN] > 0 else 0
            if most > 0 and settings[IN_PLACE] == 0:
                for other in range(together):
                    at = other * settings[SAMPLE_STEP]
                    row = band * settings[SOURCE_STEP]
                    fill(
                        least,
                        most,
                        scratch,
                        at,
                        input,
                        start,
                        settings,
                        tables,
                        z,
                        row,
                        0,
                        known,
                        turn,
                    )
                    start += groups * image
                start = 0
                known = settings[KNOWN]
            else:
                start += z * settings[PLANE_STEP] + y * settings[ROW_STEP]
            corner = (z * settings[OUT_HEIGHT] + y) * settings[OUT_WIDTH]
            listed = tables[settings[LISTS_AT] + z] + 2 * band
            if together < settings[TOGETHER]:
                listed += 2 * settings[BANDS]
            last = tables[listed + 1]
            for stretch in range(tables[listed], last, settings[STRETCH]):
                end = min(stretch + settings[STRETCH], last)
                for each in range(share, blocks, settings[SHARES]):
                    done = group * outputs + each * block
                    valid = min(block, outputs - each * block)
                    for channel in range(valid):
                        scratch[biases_at + channel] = bias[done + channel]
                    at = (group * blocks + each) * terms * block
                    if in_turn:
                        at = done * terms
                    sweep(
                        run,
                        runs,
                        wide,
                        pixel_step,
                        cell_step,
                        in_turn,
                        settings,
                        tables,
                        stretch,
                        end,
                        input,
                        scratch,
                        start,
                        weight,
                        at,
                        output,
                        (sample * groups * outputs + done) * plane + corner,
                        valid,
                    )


@inlined
def sweep(
    run: int,
    runs: int,
    wide: int,
    pixel_step: int,
    cell_step: int,
    in_turn: bool,
    settings: Any,
    tables: Any,
    begin: int,
    end: int,
    input: Any,
    scratch: Any,
    start: int,
    weight: Any,
    weight_at: int,
    output: Any,
    cell: int,
    valid: int,
) -> None:
    """Compute the tiles of some records for one block of output channels, group after group."""
    biases_at = settings[BIASES_AT]
    for first in range(begin, end, settings[GROUP]):
        last = min(first + settings[GROUP], end)
        for part in range(0, settings[CHANNELS], settings[PART]):
            totals_at = biases_at + settings[BLOCK]
            at = weight_at
            if in_turn:
                lay_out(settings, weight, weight_at, part, valid, scratch)
                at = settings[ROOM_AT] - part * settings[TAPS] * settings[BLOCK]
            for record in range(first, last, FIRST_RUN + 3 * runs):
                small_tile(
                    run,
                    runs,
                    wide,
                    pixel_step,
                    cell_step,
                    in_turn,
                    settings,
                    tables,
                    record,
                    input,
                    scratch,
                    start,
                    weight,
                    at,
                    biases_at,
                    output,
                    cell,
                    valid,
                    part,
                    totals_at,
                )
                totals_at += settings[TOTALS_STEP]


@inlined
def lay_out(settings: Any, weight: Any, start: int, part: int, valid: int, scratch: Any) -> None:
    """Lay out the weights of a block for the channels of a part: [channel][tap][channel out]."""
    taps, block = settings[TAPS], settings[BLOCK]
    terms = settings[CHANNELS] * taps
    count = min(settings[PART], settings[CHANNELS] - part) * taps
    for vector in range(block // lanes(weight)):
        pack_block(
            lanes(weight),
            weight,
            start + vector * lanes(weight) * terms + part * taps,
            terms,
            count,
            valid - vector * lanes(weight),
            scratch,
            settings[ROOM_AT] + vector * lanes(weight),
            block,
        )


@driver
def pack(sizes: Any, weight: Any, packed: Any, first: int, stop: int) -> None:
    """Lay out weights [output][term] as [group][block][term][channel], absent ones as 0.

    `sizes` are the outputs of a group, the terms of each, and the channels of a block; a unit is a
    block.
    """
    outputs, terms, block = sizes[0], sizes[1], sizes[2]
    blocks = (outputs + block - 1) // block
    for unit in range(first, stop):
        group, number = divmod(unit, blocks)
        for vector in range(block // lanes(weight)):
            channel = number * block + vector * lanes(weight)
            pack_block(
                lanes(weight),
                weight,
                (group * outputs + channel) * terms,
                terms,
                terms,
                outputs - channel,
                packed,
                unit * block * terms + vector * lanes(weight),
                block,
            )
