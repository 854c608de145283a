"""Paragraphs: parts made one text, and text broken into lines, in any script."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len

from stepconv.language import _

# Chinese breaks between any two characters, but not behind what opens a clause, nor before
# what closes one.
_WIDE = r"\u2e80-\uffef"
_PIECES = re.compile(rf"\s+|[（《“(\[]*(?:[{_WIDE}]|[^\s{_WIDE}]+)[，。；：、！？）》”…)\],;:]*")


def wrapped(text: str, width: int) -> str:
    r"""Break `text` into lines no wider than `width`, but for words that are longer themselves.

    Such words are paths above all, which are to be copied in one piece.

    >>> wrapped("a/very/long/path is missing", 10)
    'a/very/long/path\nis missing'
    >>> wrapped("错误：（步幅）是零，a。", 8)
    '错误：\n（步幅）\n是零，\na。'
    """
    lines, gap = [""], ""
    for piece in _PIECES.findall(text):
        if piece.isspace():
            gap = " "
        elif lines[-1] and cell_len(lines[-1] + gap + piece) > width:
            lines.append(piece)
            gap = ""
        else:
            lines[-1] += (gap if lines[-1] else "") + piece
            gap = ""
    return "\n".join(lines)


def listed(parts: Iterable[str]) -> str:
    """Write parts one after the other.

    >>> listed(["sample 0", "channel 1"])
    'sample 0, channel 1'
    """
    return _(", ").join(parts)


def sentences(parts: Iterable[str]) -> str:
    """Write sentences one after the other; a Chinese full stop brings its own blank."""
    return " ".join(parts).replace("。 ", "。")
