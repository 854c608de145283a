"""A row whose surroundings are made up in four ways."""

import numpy as np


def conv1d(input, weight, padding, padding_mode):
    """Return one sum of products for each placement on the padded row."""
    length = len(input)
    padded = np.zeros(length + 2 * padding)
    for cell in range(len(padded)):
        place = cell - padding
        if padding_mode == "circular":
            place %= length
        elif padding_mode == "replicate":
            place = min(max(place, 0), length - 1)
        elif padding_mode == "reflect":
            place = abs(place)
            place = length - 1 - abs(length - 1 - place)
        if 0 <= place < length:
            padded[cell] = input[place]
    placements = len(padded) - len(weight) + 1
    return np.array([padded[p : p + len(weight)] @ weight for p in range(placements)])
