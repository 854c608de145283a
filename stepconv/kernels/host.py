"""What the machine that runs the kernels can do: how wide its vectors are, and how many it holds.

LLVM knows, and Numba asks it: the processor's features as one string. From them
follow the lanes of a vector (how many numbers one instruction works on) and the
size of the register tiles in `stepconv.kernels.tiles` and `stepconv.kernels.small_tiles`. With 16
registers the order of the loops is another too, so that tiles read from the first cache.

=================  ==========  =========  ============
vectors            bytes       registers  float32 lanes
=================  ==========  =========  ============
AVX-512            64          32         16
AVX2, AVX          32          16         8
SSE                16          16         4
NEON (64-bit ARM)  16          32         4
=================  ==========  =========  ============

STEPCONV_LANES=16, 8 or 4 (float32 lanes) chooses another row: code for narrow vectors runs
on wide machines too, which is how all rows are tested on one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from numba.core.registry import cpu_target


@dataclass(frozen=True)
class Host:
    """Vectors of a machine.

    >>> Host(vector_bytes=32, registers=16, masks=False).lanes(4)
    8
    """

    vector_bytes: int
    registers: int
    #: Whether loads, stores and compressions under a mask are single instructions.
    masks: bool

    def lanes(self, itemsize: int) -> int:
        """Numbers of `itemsize` bytes in a vector."""
        return self.vector_bytes // itemsize


def host_of(triple: str, features: str, lanes: int | None = None) -> Host:
    """Choose the row of the table above; `lanes` overrides what the features say.

    >>> host_of("x86_64-unknown-linux-gnu", "+avx,+avx2,-avx512f")
    Host(vector_bytes=32, registers=16, masks=False)
    >>> host_of("aarch64-apple-darwin", "+neon").registers
    32
    """
    present = set(features.split(","))
    arm = triple.startswith(("aarch64", "arm64"))
    if lanes is None:
        # vl and dq: masked operations on parts of a register, and float logic.
        if {"+avx512f", "+avx512vl", "+avx512dq"} <= present:
            lanes = 16
        else:
            lanes = 8 if "+avx" in present else 4
    return Host(
        vector_bytes=4 * lanes,
        registers=32 if arm or lanes == 16 else 16,
        masks=lanes == 16,
    )


@cache
def host() -> Host:
    """Return the row for this process."""
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    wanted = os.environ.get("STEPCONV_LANES", "")
    return host_of(triple, features, int(wanted) if wanted in ("4", "8", "16") else None)
