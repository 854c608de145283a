"""A transposed convolution by stamping. The instructions are in transposed_scatter.md."""

import numpy as np


def conv_transpose1d(input, weight, stride, padding):
    """Return the result for a row (L,) and a kernel (k,): each input cell stamps the kernel."""
    output = np.zeros((len(input) - 1) * stride + len(weight))
    return output
