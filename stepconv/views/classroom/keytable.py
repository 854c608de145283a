"""The engine's own tables, as lines of text for the key of a worksheet."""

from __future__ import annotations

import io

from stepconv.classroom.problem import Problem
from stepconv.classroom.worksheet.parts import is_of_sizes
from stepconv.views.facts.sizes import Sizes
from stepconv.views.overview import Overview
from stepconv.views.screen import Screen

WIDTH = 96
"""Letters across a printed page."""


def worked(problem: Problem) -> str:
    """Return a problem worked through by the engine; sizes as their formula.

    >>> problem = Problem([[[1, 1, 1, 1]]], [[[1, 1, 1]]])
    >>> worked(problem).splitlines()[-3].split()
    ['sum', 'y1', '=', '3', 'y2', '=', '3']
    """
    run = problem.run
    screen = Screen(io.StringIO(), color="never", width=WIDTH, environ={})
    if is_of_sizes(problem):
        return screen.text(Sizes(run.geometry, run.spec, screen.look))
    return screen.text(Overview(run.trace, screen.look))
