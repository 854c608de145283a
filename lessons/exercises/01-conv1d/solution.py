"""A kernel slides along a row."""

import numpy as np


def conv1d(input, weight):
    """Return one sum of products for each placement of the kernel."""
    placements = len(input) - len(weight) + 1
    output = np.zeros(placements)
    for placement in range(placements):
        for tap in range(len(weight)):
            output[placement] += input[placement + tap] * weight[tap]
    return output
