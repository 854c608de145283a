"""A kernel whose taps are further apart."""

import numpy as np


def conv1d(input, weight, dilation):
    """Return one sum of products for each placement of the stretched kernel."""
    span = dilation * (len(weight) - 1) + 1
    output = np.zeros(len(input) - span + 1)
    for placement in range(len(output)):
        for tap in range(len(weight)):
            output[placement] += input[placement + tap * dilation] * weight[tap]
    return output
