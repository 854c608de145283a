"""A usual mistake, kept for the tests."""


def output_size(input_size, kernel_size, stride, padding, dilation):
    return (input_size - dilation * (kernel_size - 1) - 1) // stride + 1
