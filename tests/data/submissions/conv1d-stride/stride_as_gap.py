"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight, stride):
    starts = range(0, len(input) - len(weight) + 1, stride + 1)
    return np.array([(input[p : p + len(weight)] * weight).sum() for p in starts])
