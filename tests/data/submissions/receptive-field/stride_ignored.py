"""A usual mistake, kept for the tests."""


def receptive_field(layers):
    return 1 + sum(dilation * (size - 1) for size, stride, dilation in layers)
