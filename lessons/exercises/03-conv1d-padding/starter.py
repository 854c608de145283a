"""Let the kernel reach over both ends. The instructions are in conv1d_padding.md."""

import numpy as np


def conv1d(input, weight, padding):
    """Return the result for a row (L,) with zeros on both sides and a kernel (k,)."""
    padded = ...  # the input with zeros in front and behind
    output = np.zeros(len(input))
    return output
