"""Layout: lines put beside one another, broken where they are too long, shared out in short space."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, chop_cells
from rich.text import Text


def beside(blocks: Sequence[Sequence[Text]], widths: Sequence[int], gap: int) -> list[Text]:
    """Put blocks of lines next to one another, each as wide as its width says.

    >>> [line.plain for line in beside([[Text("a"), Text("b")], [Text("c")]], [2, 1], gap=1)]
    ['a  c', 'b']
    """
    lines = []
    for number in range(max(map(len, blocks), default=0)):
        line = Text(no_wrap=True, overflow="crop")
        at = 0
        for block, width in zip(blocks, widths, strict=True):
            if number < len(block):
                line.append(" " * (at - line.cell_len))
                line.append_text(block[number])
            at += width + gap
        lines.append(line)
    return lines


def flow(parts: Sequence[str], width: int, style: str = "", *, gap: int = 3) -> list[Text]:
    """Set parts one after the other, on as many lines as they need.

    A part that is longer than a line is broken between its words.

    >>> [line.plain for line in flow(["one", "two", "three and more"], 10)]
    ['one   two', 'three and', 'more']
    """
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1]) + gap + cell_len(part) <= width:
            lines[-1] += " " * gap + part
        elif cell_len(part) <= width:
            lines.append(part)
        elif " " in part:
            lines += [line.plain for line in flow(part.split(" "), width, gap=1)]
        else:
            lines += chop_cells(part, max(width, 2))
    return [Text(line, style, no_wrap=True, overflow="crop") for line in lines]


def indented(lines: Sequence[Text], indent: int) -> list[Text]:
    """Move lines to the right."""
    blank = " " * indent
    return [Text(blank, no_wrap=True, overflow="crop").append_text(line) for line in lines]


def allot(most: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Share out `room`: to each its least, then evenly, to none more than its most.

    >>> allot([30, 8, 50], [5, 5, 5], 60)
    [26, 8, 26]
    """
    given = [min(one, room // len(least)) for one in least]
    while (spare := room - sum(given)) > 0:
        hungry = [k for k, one in enumerate(most) if given[k] < one]
        if not hungry:
            break
        for k in hungry:
            given[k] += min(most[k] - given[k], max(spare // len(hungry), 1), room - sum(given))
    return given


def shorten(most: Sequence[int], least: Sequence[int], order: Sequence[int], room: int) -> list[int]:
    """Take lines away until `room` is enough: from each in turn down to its least.

    >>> shorten([1, 10, 4], [0, 3, 2], [0, 2, 1], room=9)
    [0, 7, 2]
    """
    given = list(most)
    for k in order:
        given[k] -= min(max(sum(given) - room, 0), given[k] - least[k])
    return given
