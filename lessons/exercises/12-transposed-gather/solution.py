"""An output cell collects what the taps bring it."""


def output_cell(input, weight, stride, padding, position):
    """Return the sum over the taps that meet an input cell here."""
    total = 0.0
    for tap in range(len(weight)):
        place = position + padding - tap
        if place % stride == 0 and 0 <= place // stride < len(input):
            total += input[place // stride] * weight[tap]
    return total
