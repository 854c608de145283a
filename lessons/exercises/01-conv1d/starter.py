"""Slide a kernel along a row, with two loops. The instructions are in conv1d.md."""

import numpy as np


def conv1d(input, weight):
    """Return the result for a row `input`, shape (L,), and a kernel `weight`, shape (k,)."""
    placements = ...  # how many times does the kernel fit?
    output = np.zeros(len(input))
    return output
