"""A usual mistake, kept for the tests."""

import numpy as np


def conv1d(input, weight, padding, padding_mode):
    modes = {"zeros": "constant", "replicate": "edge", "circular": "wrap", "reflect": "symmetric"}
    padded = np.pad(input, padding, mode=modes[padding_mode])
    return np.correlate(padded, weight, mode="valid")
