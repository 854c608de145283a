"""Two axes. The instructions are in conv2d.md."""

import numpy as np


def conv2d(input, weight, stride, padding):
    """Return the result for input (H, W) and weight (kh, kw); stride and padding by axis."""
    height, width = input.shape
    output = np.zeros((height, width))
    return output
