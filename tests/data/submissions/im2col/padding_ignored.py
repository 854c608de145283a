"""A usual mistake, kept for the tests."""

import numpy as np


def im2col(input, kernel_size, stride, padding):
    (high, wide), (down, right) = kernel_size, stride
    columns = []
    for top in range(0, input.shape[1] - high + 1, down):
        for start in range(0, input.shape[2] - wide + 1, right):
            columns.append(input[:, top : top + high, start : start + wide].reshape(-1))
    return np.stack(columns, axis=1)
