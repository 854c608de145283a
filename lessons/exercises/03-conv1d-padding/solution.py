"""A row with zeros on both sides."""

import numpy as np


def conv1d(input, weight, padding):
    """Return one sum of products for each placement on the padded row."""
    padded = np.zeros(len(input) + 2 * padding)
    padded[padding : padding + len(input)] = input
    placements = len(padded) - len(weight) + 1
    output = np.zeros(placements)
    for placement in range(placements):
        for tap in range(len(weight)):
            output[placement] += padded[placement + tap] * weight[tap]
    return output
