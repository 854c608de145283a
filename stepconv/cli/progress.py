"""How far long work is, on a terminal alone."""

from __future__ import annotations

import time
from types import TracebackType

from stepconv.cli.output import Output

BAR, PAUSE = 20, 0.1
"""Cells of the bar; seconds between two pictures of it."""


class Progress:
    """A bar on stderr, drawn anew as work goes on, and wiped away at its end.

    Parameters
    ----------
    output : Output
    text : str
        With ``{done}`` and ``{all}`` in it.
    least : int
        Steps below which there is no bar.
    """

    def __init__(self, output: Output, text: str, least: int = 2) -> None:
        self._screen = output.errors
        self._text = text
        self._least = least
        self._drawn = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._drawn:
            self._screen.write("\r\x1b[K")

    def __call__(self, done: int, all: int) -> None:
        """Show that `done` of `all` steps are done."""
        now = time.monotonic()
        if not self._screen.is_terminal or all < self._least or now - self._drawn < PAUSE:
            return
        self._drawn = now
        full = BAR * done // all
        bar = "█" * full + "░" * (BAR - full)
        text = self._text.format(done=done, all=all)
        self._screen.write(self._screen.look.plain(f"\r{bar} {text}"))
