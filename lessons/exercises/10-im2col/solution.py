"""Every window of an image as a column."""

import numpy as np


def im2col(input, kernel_size, stride, padding):
    """Return (C * kh * kw, placements)."""
    (high, wide), (down, right), (above, left) = kernel_size, stride, padding
    padded = np.pad(input, ((0, 0), (above, above), (left, left)))
    columns = []
    for top in range(0, padded.shape[1] - high + 1, down):
        for start in range(0, padded.shape[2] - wide + 1, right):
            columns.append(padded[:, top : top + high, start : start + wide].reshape(-1))
    return np.stack(columns, axis=1)
