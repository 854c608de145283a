"""Groups of channels. The instructions are in conv1d_groups.md."""

import numpy as np


def conv1d(input, weight, groups):
    """Return (C_out, L_out) for input (C_in, L) and weight (C_out, C_in / groups, k)."""
    channels, length = input.shape
    kernels, block, taps = weight.shape
    output = np.zeros((kernels, length - taps + 1))
    return output
