"""Several channels. The instructions are in conv1d_channels.md."""

import numpy as np


def conv1d(input, weight, bias):
    """Return (C_out, L_out) for input (C_in, L), weight (C_out, C_in, k) and bias (C_out,)."""
    channels, length = input.shape
    kernels, _, taps = weight.shape
    output = np.zeros((kernels, length - taps + 1))
    return output
