"""Move the kernel by more than one cell. The instructions are in conv1d_stride.md."""

import numpy as np


def conv1d(input, weight, stride):
    """Return the result for a row (L,) and a kernel (k,) that moves by `stride` cells."""
    placements = ...  # fewer than with stride 1
    output = np.zeros(len(input))
    return output
