"""A kernel that takes larger steps."""

import numpy as np


def conv1d(input, weight, stride):
    """Return one sum of products for every `stride`-th place."""
    placements = (len(input) - len(weight)) // stride + 1
    output = np.zeros(placements)
    for placement in range(placements):
        start = placement * stride
        for tap in range(len(weight)):
            output[placement] += input[start + tap] * weight[tap]
    return output
