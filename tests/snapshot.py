"""Screens as text, compared with files that a person has looked at.

`STEPCONV_UPDATE_SNAPSHOTS=1` writes the files anew; look at what it changed.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style

from stepconv.views.theme import THEME

FOLDER = Path(__file__).parent / "snapshots"


def check(name: str, text: str) -> None:
    """Compare `text` with tests/snapshots/<name>.txt."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("STEPCONV_UPDATE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.exists(), f"{path.name} is missing; write it with STEPCONV_UPDATE_SNAPSHOTS=1"
    assert text == path.read_text(encoding="utf-8")


def console(width: int = 80, *, color: bool = False) -> Console:
    """Return a console that owes nothing to where the tests run."""
    return Console(
        width=width,
        theme=THEME,
        color_system="truecolor" if color else None,
        highlight=False,
        force_terminal=False,
        file=io.StringIO(),
        legacy_windows=False,
        _environ={},
    )


def plain(renderable: RenderableType, width: int = 80) -> str:
    """Return what is printed without colour, which must fit, without blanks at line ends."""
    screen = console(width)
    lines = screen.render_lines(renderable, pad=False)
    texts = ["".join(segment.text for segment in line).rstrip() for line in lines]
    assert all(cell_len(text) <= width for text in texts), "a line is wider than the screen"
    return "".join(f"{text}\n" for text in texts)


def colored(renderable: RenderableType, width: int = 80) -> str:
    """Return what is printed with colour: under each line a letter for each cell's style.

    The key of the letters stands at the end.
    """
    screen = console(width, color=True)
    letters: dict[Style, str] = {}
    drawn = []
    for line in screen.render_lines(renderable, pad=False):
        text = "".join(segment.text for segment in line)
        assert cell_len(text.rstrip()) <= width, "a line is wider than the screen"
        drawn.append(text.rstrip())
        styles = "".join(_letter(segment, letters) * segment.cell_length for segment in line)
        if styles.strip():
            drawn.append(styles.rstrip())
    drawn += ["", *(f"{letter} = {style}" for style, letter in letters.items())]
    return "".join(f"{line}\n" for line in drawn)


def _letter(segment: Segment, letters: dict[Style, str]) -> str:
    style = segment.style
    if not style or not (style.bgcolor or style.underline or segment.text.strip()):
        return " "
    return letters.setdefault(style, chr(ord("a") + len(letters)))
