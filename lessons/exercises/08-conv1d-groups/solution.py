"""Blocks of channels that do not see one another."""

import numpy as np


def conv1d(input, weight, groups):
    """Return (C_out, L_out): each output channel sums over the input channels of its block."""
    length = input.shape[1]
    kernels, block, taps = weight.shape
    output = np.zeros((kernels, length - taps + 1))
    for kernel in range(kernels):
        first = kernel // (kernels // groups) * block
        for placement in range(length - taps + 1):
            window = input[first : first + block, placement : placement + taps]
            output[kernel, placement] = (window * weight[kernel]).sum()
    return output
