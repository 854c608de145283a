"""A usual mistake, kept for the tests."""

import numpy as np


def conv2d(input, weight, stride, padding):
    (right, down), (left, above) = stride, padding
    padded = np.pad(input, ((above, above), (left, left)))
    rows = (padded.shape[0] - weight.shape[0]) // down + 1
    columns = (padded.shape[1] - weight.shape[1]) // right + 1
    output = np.zeros((rows, columns))
    for row in range(rows):
        for column in range(columns):
            top, start = row * down, column * right
            window = padded[top : top + weight.shape[0], start : start + weight.shape[1]]
            output[row, column] = (window * weight).sum()
    return output
