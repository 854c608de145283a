"""A usual mistake, kept for the tests."""

import numpy as np


def conv_transpose1d(input, weight, stride, padding):
    spread = np.zeros((len(input) - 1) * stride + 1)
    spread[::stride] = input
    spread = np.pad(spread, len(weight) - 1)
    full = np.correlate(spread, weight, mode="valid")
    return full[padding : len(full) - padding]
