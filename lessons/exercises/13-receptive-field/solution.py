"""The receptive field of a stack of layers."""


def receptive_field(layers):
    """Return how many input cells one output cell spans."""
    field, jump = 1, 1
    for kernel_size, stride, dilation in layers:
        field += dilation * (kernel_size - 1) * jump
        jump *= stride
    return field
