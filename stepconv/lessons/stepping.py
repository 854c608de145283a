"""Where in a trace an output cell is made."""

from __future__ import annotations

from stepconv.record import Stamp, Trace


def step_of(trace: Trace, cell: tuple[int, ...]) -> int:
    """Return the step that makes output `cell`; in scatter order the first stamp that reaches it.

    >>> from stepconv import trace
    >>> step_of(trace([[[1, 2, 3]]], [[[1, 1]]]), (0, 0, 1))
    1
    >>> step_of(trace([[[1, 2, 3]]], [[[1, 1]]], transposed=True, order="scatter"), (0, 0, 3))
    2
    """
    if trace.order == "gather":
        return trace.cell(cell)
    reaching = (
        index
        for index, step in enumerate(trace)
        if isinstance(step, Stamp) and any(term.output == cell for term in step.terms)
    )
    return next(reaching, 0)


def inside(trace: Trace, cell: tuple[int, ...]) -> tuple[int, ...]:
    """Return `cell` or, where the output is smaller, the nearest one there is.

    >>> from stepconv import trace
    >>> inside(trace([[1, 2, 3]], [[[1, 1]]]), (0, 0, 9))
    (0, 0, 1)
    """
    sizes = (len(span) for span in trace.region)
    return tuple(min(place, size - 1) for place, size in zip(cell, sizes, strict=True))
