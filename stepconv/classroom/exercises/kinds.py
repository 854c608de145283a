"""What exercises ask their function for, beside what problems ask anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepconv.classroom.asked import the_output, the_size
from stepconv.classroom.problem import Asked
from stepconv.classroom.run import Run
from stepconv.functional import conv


@dataclass(frozen=True)
class Columns:
    """Ask for the windows as columns (im2col): (C_in * taps, placements).

    The engine makes them with kernels that copy: one for each tap of each channel, 1 at that
    tap and 0 elsewhere.

    >>> run = Run(np.array([[[1, 2, 3]]]), np.array([[[1, 10]]]))
    >>> np.asarray(Columns()(run)).tolist()
    [[1, 2], [2, 3]]
    """

    def __call__(self, run: Run) -> ArrayLike:
        """Return the columns of the first sample."""
        channels, kernel = run.input.shape[1], run.weight.shape[2:]
        terms = channels * int(np.prod(kernel))
        copies = np.eye(terms, dtype=run.input.dtype).reshape(terms, channels, *kernel)
        return conv(run.input, copies, **run.options).reshape(len(run.input) * terms, -1)


ASKS: dict[str, Asked] = {
    "output": the_output,
    "cell": the_output,  # one cell of it: the case says which
    "size": the_size,
    "columns": Columns(),
}
"""What a function can be asked for, and how it is read off a run."""
