"""Each input cell stamps the kernel on the output."""

import numpy as np


def conv_transpose1d(input, weight, stride, padding):
    """Return the stamps added up, cropped by `padding` on each side."""
    output = np.zeros((len(input) - 1) * stride + len(weight))
    for cell in range(len(input)):
        for tap in range(len(weight)):
            output[cell * stride + tap] += input[cell] * weight[tap]
    return output[padding : len(output) - padding]
