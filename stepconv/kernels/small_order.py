"""In which order the tiles of `stepconv.kernels.small` are summed.

With 32 registers a tile is summed from end to end, block after block. But where the weights of a
block are many, they would come from the second cache or the third for each tile. So a long sum is
done part by part, a group of tiles at a time; between its parts the sums wait in scratch, and
meanwhile the weights of the next part are asked for::

    for block in blocks of output channels:
        for group in groups of tiles:
            for part in channels:                 its weights and pixels stay in the first cache
                for tile in group:
                    for channel in part, for tap: multiply-adds

With 16 registers a tile has 6 single pixels, and what it reads for each product is twice as much.
There all sums are done so, and the pixels of kernels of 1, which are read in their place, are cut
into stretches that all blocks pass over in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from stepconv.geometry import Geometry
from stepconv.kernels.host import host
from stepconv.kernels.small_tiles import SINGLE, Shape

#: Bytes of the pixels and totals of a group of tiles: more than the first cache, 32 KB on Zen 3,
#: since those of a tile overlap. 24 to 100 do alike within 3 %; with 6 the 3x3 layers take 4 %
#: longer. For runs, of the totals alone.
GROUP_BYTES = 48 * 1024 if SINGLE else 112 * 1024
#: Bytes of a block's weights from which on runs are summed part by part. With 590 KB (3x3 512@7)
#: that takes off 12 %, with 295 KB 2 to 5; with 147 and 74 it is alike or 1 % slower.
PARTED_BYTES = 200 * 1024
#: The same where several bands read the input in its place. With 147 KB (vgg 3x3 128@112) that
#: takes 0.8 % longer on a quiet machine, up to 7 % less on a busy one, or in float64.
PARTED_IN_PLACE_BYTES = 128 * 1024
#: Bytes of pixels read in their place that all blocks pass over in turn: for the second cache.
STRETCH_BYTES = 200 * 1024
#: More tiles than there are.
_ALL = 1 << 40


@dataclass(frozen=True)
class Order:
    """In which order the tiles of a block are summed.

    Attributes
    ----------
    group : int
        Tiles that are summed part by part; all, where a part is the whole sum.
    stretch : int
        Tiles that all blocks pass over in turn.
    part : int
        Channels of a part.
    ahead : int
        Numbers from weights to those that are asked for meanwhile: those of the next part.
    totals : int
        Numbers of scratch in which the sums of a group wait.
    totals_step : int
        Numbers from one tile's sums to the next's, where they wait.
    """

    group: int
    stretch: int
    part: int
    ahead: int
    totals: int
    totals_step: int

    def passes(self, tiles: int) -> int:
        """Return how often so many tiles pass over the weights of a block."""
        return -(-tiles // min(self.group, self.stretch))


def order(
    geometry: Geometry,
    dtype: np.dtype[Any],
    shape: Shape,
    span: int,
    flat: bool,
    several: bool = False,
) -> Order:
    """Choose the order of the tiles; `span` are the channels after which a sum is cut.

    The pixels may be read in their place: `flat`, where a kernel of 1 reads them as one row, or
    `several`, in more than one band.
    """
    block = shape.wide * host().lanes(dtype.itemsize)
    tile = shape.pixels * block
    channel = prod(geometry.kernel_size) * block
    if not SINGLE:
        least = PARTED_IN_PLACE_BYTES if several else PARTED_BYTES
        if flat or geometry.group_inputs * channel * dtype.itemsize < least:
            return Order(_ALL, _ALL, geometry.group_inputs, 0, tile, 0)
        group = max(1, GROUP_BYTES // (tile * dtype.itemsize))
        return Order(group, _ALL, span, span * channel, group * tile, tile)
    pixels = shape.pixels * dtype.itemsize
    group = max(1, GROUP_BYTES // (span * pixels + tile * dtype.itemsize))
    stretch = max(1, STRETCH_BYTES // (geometry.group_inputs * pixels)) if flat else _ALL
    return Order(group, stretch, span, 0, group * tile, tile)
