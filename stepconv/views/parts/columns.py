"""Columns: a small table of texts, its last column broken where the line is too short."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from stepconv.views.parts.layout import flow
from stepconv.views.theme import Look

LEAST_LAST = 12
"""Width below which a last column is not broken but cut."""


def columns(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    look: Look,
    width: int,
    *,
    align: str,
    roles: Sequence[str] = (),
    indent: int = 2,
    gap: int = 3,
) -> list[Text]:
    """Set `rows` below `heads`, each column as wide as its widest text.

    Parameters
    ----------
    heads : sequence of str
        May be empty.
    rows : sequence of sequences of str
    look : Look
    width : int
        Cells of the screen.
    align : str
        For each column ``<`` or ``>``.
    roles : sequence of str, optional
        For each column the role of its texts; by default they are plain.

    >>> for line in columns(["k", "size"], [["3", "15"]], Look(), 20, align=">>"):
    ...     print(line.plain)
      k   size
      3     15
    """
    lines = [list(heads), *rows] if heads else list(rows)
    lines = [[look.plain(text) for text in line] for line in lines]
    sizes = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    before = indent + sum(sizes[:-1]) + gap * (len(sizes) - 1)
    room = max(width - before, LEAST_LAST)
    drawn = []
    for number, line in enumerate(lines):
        styles = [look.style(role) for role in roles or ["input"] * len(sizes)]
        if heads and number == 0:
            styles = [look.style("label")] * len(sizes)
        last = [line[-1]]
        if sizes[-1] > room:  # three blanks part what is better not broken
            last = [part.plain for part in flow(line[-1].split(" " * 3), room)]
        texts = [_fill(t, s, a) for t, s, a in zip(line[:-1], sizes, align, strict=False)]
        for text in last or [""]:
            out = Text(" " * indent, no_wrap=True, overflow="ellipsis")
            for part, style in zip(texts, styles, strict=False):
                out.append(part, style).append(" " * gap)
            out.append(_fill(text, min(sizes[-1], room), align[-1]), styles[-1])
            out.rstrip()
            drawn.append(out)
            texts = [" " * cell_len(text) for text in texts]
    return drawn


def _fill(text: str, width: int, align: str) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if align == ">" else text + blanks
