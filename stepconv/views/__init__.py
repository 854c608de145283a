"""What a trace looks like in a terminal, and on paper.

A view is a Rich renderable that reads the record and computes nothing. `show` prints,
`save_picture` writes a file; both load what they need when they are called.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from stepconv.views.export import save_picture

if TYPE_CHECKING:
    from stepconv.record import Trace

__all__ = ["save_picture", "show"]


def show(trace: Trace, step: int | None = None, *, view: str | None = None) -> None:
    """Print a trace on the terminal: all of it, or one step.

    Parameters
    ----------
    trace : Trace
    step : int, optional
        Which step, as in ``trace[step]``.
    view : {"table", "steps", "matrix"}, optional
        By default the table worked by hand for rank 1, the picture of the step for one
        step of a higher rank, and the arrays with their sums for all of it.

    Raises
    ------
    TraceError
        When there is no such step or view.

    Examples
    --------
    >>> from stepconv import trace
    >>> show(trace([[1, 2, 3]], [[[1, 1]]]))
    conv1d   input (1, 3)   weight (1, 1, 2)   stride 1   padding 0
    length  ⌊(3 + 0 + 0 − 1·(2 − 1) − 1) / 1⌋ + 1 = 2
    <BLANKLINE>
      input     placement 1   placement 2
      x1 1       1·w1 = 1
      x2 2       2·w2 = 2      2·w1 = 2
      x3 3                     3·w2 = 3
                ───────────   ───────────
      sum          y1 = 3        y2 = 5
    <BLANKLINE>
      kernel   w1 = 1   w2 = 1
    """
    from stepconv.views.overview import page
    from stepconv.views.screen import Screen

    screen = Screen(sys.stdout)
    screen.show(page(trace, screen.look, step=step, view=view))
