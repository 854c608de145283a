"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight):
    return np.convolve(input, weight, mode="valid")
