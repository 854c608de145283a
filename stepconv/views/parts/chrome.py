"""What stands around a picture that fills the screen: keys, remarks, and too small a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from stepconv.language import _
from stepconv.views.parts.layout import flow
from stepconv.views.theme import Look


def key_line(keys: Sequence[tuple[int, str]], width: int) -> str:
    """Write keys on one line, those of the highest rank left out where it is too narrow.

    >>> key_line([(0, "q quit"), (2, "v view"), (1, "? help")], 16)
    'q quit   ? help'
    """
    kept = list(keys)
    while kept and sum(cell_len(text) + 3 for _rank, text in kept) - 3 > width:
        kept.remove(max(kept, key=lambda key: key[0]))
    return "   ".join(text for _rank, text in kept)


def key_table(keys: Sequence[tuple[str, str]], look: Look) -> list[Text]:
    """Explain keys, one on a line.

    >>> [line.plain for line in key_table([("q", "quit"), ("+ -", "speed")], Look())]
    ['  q    quit', '  + -  speed']
    """
    widest = max(cell_len(name) for name, _meaning in keys)
    lines = []
    for name, meaning in keys:
        line = Text("  ", no_wrap=True, overflow="ellipsis")
        line.append(look.plain(name) + " " * (widest - cell_len(name) + 2), look.style("key"))
        lines.append(line.append(look.plain(meaning)))
    return lines


def note_line(text: str, look: Look, style: str | None = None) -> Text:
    """Return one line, cut where it is too long."""
    return Text(look.plain(text), style or look.style("note"), no_wrap=True, overflow="ellipsis")


def too_small(size: tuple[int, int], least: tuple[int, int], look: Look) -> list[str]:
    """Return the screen of a terminal that is too small for anything else."""
    width, height = size
    message = _(
        "The terminal is {width}×{height}; {least_width}×{least_height} are needed. Make it"
        " larger, or press q to quit."
    ).format(width=width, height=height, least_width=least[0], least_height=least[1])
    shown = flow([look.plain(message)], max(width - 1, 2), gap=1)
    return ([line.plain for line in shown] + [""] * height)[:height]
