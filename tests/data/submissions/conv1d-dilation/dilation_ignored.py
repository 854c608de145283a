"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight, dilation):
    return np.correlate(input, weight, mode="valid")
