"""A usual mistake, kept for the tests."""


def output_cell(input, weight, stride, padding, position):
    total = 0
    for tap in range(len(weight)):
        place = position + padding - tap
        if place % stride == 0 and 0 <= place // stride < len(input):
            total += input[place // stride] * weight[len(weight) - 1 - tap]
    return total
