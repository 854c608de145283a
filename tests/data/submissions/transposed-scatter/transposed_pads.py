"""A usual mistake, kept for the tests."""

import numpy as np


def conv_transpose1d(input, weight, stride, padding):
    output = np.zeros((len(input) - 1) * stride + len(weight) + 2 * padding)
    for cell in range(len(input)):
        for tap in range(len(weight)):
            output[padding + cell * stride + tap] += input[cell] * weight[tap]
    return output
