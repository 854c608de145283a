"""The size formula."""


def output_size(input_size, kernel_size, stride, padding, dilation):
    """Return how many placements there are along one axis."""
    span = dilation * (kernel_size - 1) + 1
    return (input_size + 2 * padding - span) // stride + 1
