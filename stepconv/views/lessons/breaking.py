"""Breaking: styled text set in lines, words and Chinese characters alike."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from rich.text import Text

# Chinese breaks between any two characters, but not behind what opens a clause, nor before
# what closes one. Some that open are wide themselves, and must not count as characters.
_WIDE = r"\u2e80-\uffef"
_OPEN, _CLOSE = r"（《“‘(\[", r"，。；：、！？）》”’…)\],.;:!?"
_PIECES = re.compile(
    rf"\s+|[{_OPEN}]*(?:[{_WIDE}](?<![{_OPEN}])|[^\s{_WIDE}“”‘…]+|[“”‘…]+)[{_CLOSE}]*"
)


def broken(text: Text, width: int) -> list[Text]:
    """Break `text` into lines no wider than `width`, styles kept.

    Between words, and between Chinese characters; a word longer than a line is cut.

    >>> [line.plain for line in broken(Text("one two three"), 8)]
    ['one two', 'three']
    >>> [line.plain for line in broken(Text("卷积核（kernel）移动。"), 8)]
    ['卷积核', '（kernel', '）移动。']
    """
    lines: list[Text] = []
    start = end = 0
    for first, last in _pieces(text.plain, max(width, 2)):
        if end > start and cell_len(text.plain[start:last]) > width:
            lines.append(text[start:end])
            start = first
        elif end == start:
            start = first
        end = last
    if end > start or not lines:
        lines.append(text[start:end])
    for line in lines:
        line.no_wrap, line.overflow = True, "crop"
    return lines


def _pieces(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Yield where each piece that stays in one begins and ends, blanks left out."""
    for found in _PIECES.finditer(text):
        if found[0].isspace():
            continue
        start = found.start()
        for part in chop_cells(found[0], width):
            yield start, start + len(part)
            start += len(part)
