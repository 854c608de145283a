"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight, groups):
    kernels, block, taps = weight.shape
    output = np.zeros((kernels, input.shape[1] - taps + 1))
    for o in range(kernels):
        for c in range(block):
            # Dealt out in turn: channel 0 to the first group, channel 1 to the second, ...
            group = o // (kernels // groups)
            output[o] += np.correlate(input[c * groups + group], weight[o, c], mode="valid")
    return output
