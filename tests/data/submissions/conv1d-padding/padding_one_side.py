"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight, padding):
    padded = np.concatenate([np.zeros(padding), input])
    placements = len(padded) - len(weight) + 1
    return np.array([(padded[p : p + len(weight)] * weight).sum() for p in range(placements)])
