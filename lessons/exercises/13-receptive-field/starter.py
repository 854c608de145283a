"""The receptive field. The instructions are in receptive_field.md."""


def receptive_field(layers):
    """Return how many input cells one output cell spans, for [kernel_size, stride, dilation]s."""
    field = 1
    for kernel_size, stride, dilation in layers:
        pass
    return field
