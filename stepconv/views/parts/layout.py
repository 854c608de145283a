"""Layout: lines beside one another, broken where too long, and shared out in short space."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, chop_cells
from rich.text import Text

from stepconv.views.parts.paragraph import wrapped


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

    A part that is longer than a line is broken between its words, and a word if need be.

    >>> [line.plain for line in flow(["one", "two", "three and more"], 10)]
    ['one   two', 'three and', 'more']
    """
    lines: list[str] = []
    for part in parts:
        if lines and cell_len(lines[-1]) + gap + cell_len(part) <= width:
            lines[-1] += " " * gap + part
        elif cell_len(part) <= width:
            lines.append(part)
        else:
            broken = wrapped(part, width).split("\n")
            lines += [piece for line in broken for piece in chop_cells(line, max(width, 2))]
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


def shorten(most: Sequence[int], turns: Sequence[tuple[int, int]], room: int) -> list[int]:
    """Take lines away until `room` is enough: from each in its turn, down to a least.

    >>> shorten([1, 10, 4], [(0, 0), (2, 2), (1, 3)], room=9)
    [0, 7, 2]
    """
    given = list(most)
    for part, least in turns:
        given[part] -= min(max(sum(given) - room, 0), max(given[part] - least, 0))
    return given


@dataclass(frozen=True)
class Part:
    """Some lines of a screen: how many there would be, and how they are drawn in fewer.

    `turns` are the rounds in which it gives lines away, with the least it keeps in each.
    """

    most: int
    draw: Callable[[int], Sequence[Text]]
    turns: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, lines: Sequence[Text], turns: Mapping[int, int] | None = None) -> Part:
        """Return a part whose last lines are cut where there is no room."""
        return cls(len(lines), lambda room: lines[:room], turns or {})


def stack(parts: Sequence[Part], room: int | None) -> list[Text]:
    """Draw parts below one another in `room` lines."""
    rooms: Sequence[int] = [part.most for part in parts]
    if room is not None:
        turns = sorted(
            (round, k, least) for k, part in enumerate(parts) for round, least in part.turns.items()
        )
        rooms = shorten(rooms, [(k, least) for _round, k, least in turns], room)
    lines = [
        line for part, space in zip(parts, rooms, strict=True) if space for line in part.draw(space)
    ]
    return lines[:room]
