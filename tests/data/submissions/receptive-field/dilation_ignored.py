"""A usual mistake, kept for the tests."""


def receptive_field(layers):
    field, jump = 1, 1
    for size, stride, _dilation in layers:
        field += (size - 1) * jump
        jump *= stride
    return field
