"""A usual mistake, kept for the tests."""

import numpy as np


def output_size(input_size, kernel_size, stride, padding, dilation):
    room = input_size + 2 * padding - dilation * (kernel_size - 1) - 1
    return int(np.ceil(room / stride)) + 1
