"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight, bias):
    rows = [
        sum(np.correlate(input[c], kernel[c], mode="valid") for c in range(len(input)))
        for kernel in weight
    ]
    return np.array(rows)
