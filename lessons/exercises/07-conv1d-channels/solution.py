"""Several channels in, several out."""

import numpy as np


def conv1d(input, weight, bias):
    """Return (C_out, L_out): each output channel sums over all input channels."""
    channels, length = input.shape
    kernels, _, taps = weight.shape
    output = np.zeros((kernels, length - taps + 1))
    for kernel in range(kernels):
        for placement in range(length - taps + 1):
            total = bias[kernel]
            for channel in range(channels):
                for tap in range(taps):
                    total += input[channel, placement + tap] * weight[kernel, channel, tap]
            output[kernel, placement] = total
    return output
