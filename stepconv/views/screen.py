"""Screen: a stream to print on, and what can be shown there."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Mapping
from functools import cached_property
from typing import Literal, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from stepconv.views.theme import THEME, Look

When = Literal["auto", "always", "never"]

PLAIN_WIDTH = 80
"""Columns where there is no terminal to ask."""

_CHARACTERS = "·∙∘×−▸…─│┼←→↑↓⌊⌋⌈⌉–′█░"


class Screen:
    """Where a command prints: its width, its colours, its characters.

    Parameters
    ----------
    stream : TextIO
        Where the text goes.
    color : {"auto", "always", "never"}
        "auto" asks the environment (NO_COLOR, FORCE_COLOR, TERM), then whether the
        stream is a terminal.
    ascii : bool
        Use ASCII alone; also where the stream's encoding has no more.
    width : int, optional
        Columns; those of the terminal by default, 80 where there is none.
    environ : Mapping, optional
        The environment, `os.environ` by default.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        color: When = "auto",
        ascii: bool = False,
        width: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.stream = stream
        self.environ = os.environ if environ is None else environ
        self.is_terminal = _is_terminal(stream)
        self.look = Look(
            color=self._has_color(color), ascii=ascii or not can_encode(stream, _CHARACTERS)
        )
        self.chosen_width = width

    @property
    def width(self) -> int:
        """Columns; asked anew each time, since a terminal may be resized."""
        if self.chosen_width is not None:
            return self.chosen_width
        if self.is_terminal:
            return max(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, 20)
        columns = self.environ.get("COLUMNS", "")
        return int(columns) if columns.isdecimal() and int(columns) >= 20 else PLAIN_WIDTH

    def text(
        self, renderable: RenderableType, *, width: int | None = None, height: int | None = None
    ) -> str:
        """Return what `renderable` prints here, without blanks at the ends of lines."""
        console = self._console
        console.size = (width or self.width, height or 25)
        with console.capture() as capture:
            console.print(renderable)
        text = capture.get()
        if self.look.ascii:  # Rich marks lines that it cuts with an ellipsis of its own
            text = text.replace("…", "~")
        return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)

    def show(self, renderable: RenderableType) -> None:
        """Print `renderable`, in one piece."""
        self.write(self.text(renderable))

    def styled(self, text: str, style: str, size: int) -> str:
        """Return `text`, which is in lines already, with its first `size` characters styled."""
        message = Text.assemble((text[:size], style), text[size:])
        return self.text(message, width=10_000).rstrip("\n")

    def write(self, text: str) -> None:
        """Print `text`; what the stream cannot encode becomes question marks."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        self.stream.write(text.encode(encoding, "replace").decode(encoding))
        self.stream.flush()

    @cached_property
    def _console(self) -> Console:
        return Console(
            file=io.StringIO(),
            theme=THEME,
            color_system=self._color_system(),
            no_color=not self.look.color,
            force_terminal=self.look.color,
            force_jupyter=False,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )

    def _color_system(self) -> Literal["standard", "256", "truecolor"] | None:
        if not self.look.color:
            return None
        if self.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
            return "truecolor"
        return "256" if "256color" in self.environ.get("TERM", "") else "standard"

    def _has_color(self, when: When) -> bool:
        if when != "auto":
            return when == "always"
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return True
        return self.is_terminal and self.environ.get("TERM") not in ("dumb", "unknown")


def can_encode(stream: TextIO, text: str) -> bool:
    """Return whether `stream` can take `text`.

    >>> can_encode(io.StringIO(), "\u4e2d")
    True
    """
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # a stand-in without the method, or a closed stream
        return False
