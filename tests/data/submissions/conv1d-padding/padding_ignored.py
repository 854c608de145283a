"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight, padding):
    placements = len(input) - len(weight) + 1
    return np.array([(input[p : p + len(weight)] * weight).sum() for p in range(placements)])
