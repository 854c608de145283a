"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight, dilation):
    spread = np.zeros((dilation + 1) * (len(weight) - 1) + 1)
    spread[:: dilation + 1] = weight
    if len(spread) > len(input):
        return np.zeros(0)
    return np.correlate(input, spread, mode="valid")
