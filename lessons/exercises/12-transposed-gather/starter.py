"""One cell of a transposed convolution. The instructions are in transposed_gather.md."""


def output_cell(input, weight, stride, padding, position):
    """Return the number at `position` of the transposed convolution of a row (L,) by (k,)."""
    total = 0.0
    return total
