"""Terminal: the whole screen and single keys, for as long as they are needed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, TextIO

from stepconv.cli.keys import WINDOWS, decode, key

ESCAPE_TIME = 0.05
"""Seconds within which the rest of a key's sequence comes."""

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"  # alternate screen, no cursor, cleared
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"  # a frame appears at once where this is known
_LEAVE = f"{_END}\x1b[0m\x1b[?25h\x1b[?1049l"
_GOODBYES = ("SIGTERM", "SIGHUP")


class Terminal:
    """A terminal taken over within a ``with`` block, and given back whatever happens.

    Parameters
    ----------
    stream : TextIO
        Where to draw.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.resumed = False
        """Whether the program was stopped and goes on, so that the screen is to be drawn anew."""
        self._keyboard = _Keyboard()
        self._signals: dict[int, Any] = {}

    def __enter__(self) -> Terminal:
        self.stream.flush()
        self._catch_signals()
        try:
            self._take()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self._give_back()
        finally:
            for number, handler in self._signals.items():
                signal.signal(number, handler)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, asked anew each time."""
        try:
            found = os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError):
            found = shutil.get_terminal_size()
        return (found.columns or 80, found.lines or 24)

    def draw(self, lines: Sequence[str]) -> None:
        """Show `lines`, as many as the screen has, in one go.

        Each line is cleared first: after a line as wide as the screen the cursor stands on
        its last character, which clearing to the end would take away.
        """
        rows = (f"\x1b[{row};1H\x1b[2K{line}" for row, line in enumerate(lines, 1))
        self._write(_BEGIN + "".join(rows) + _END)

    def keys(self, seconds: float) -> list[str]:
        """Wait up to `seconds` for keys, and return those pressed."""
        return self._keyboard.read(seconds)

    # -- taking over and giving back ----------------------------------------------------

    def _take(self) -> None:
        self._keyboard.take()
        self._write(_ENTER)

    def _give_back(self) -> None:
        try:
            with contextlib.suppress(OSError):  # the terminal has gone
                self._write(_LEAVE)
        finally:
            self._keyboard.give_back()

    def _write(self, text: str) -> None:
        """Write past the stream's buffer, which a signal must not enter a second time."""
        data = text.encode(self.stream.encoding or "utf-8", "replace")
        while data:
            data = data[os.write(self.stream.fileno(), data) :]

    def _catch_signals(self) -> None:
        """Make signals that would end or stop the program give the terminal back first."""
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread may
        for name in _GOODBYES:
            self._handle(name, _leave)
        self._handle("SIGTSTP", self._stop)

    def _handle(self, name: str, handler: Callable[[int, FrameType | None], Any]) -> None:
        number = getattr(signal, name, None)
        if number is not None:
            self._signals[number] = signal.signal(number, handler)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Stop as the shell asks; the next statement runs when the program goes on."""
        self._give_back()
        mine = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, mine)
        self._take()
        self.resumed = True


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if sys.platform == "win32":
    import msvcrt

    class _Keyboard:
        """Keys of a Windows console."""

        def take(self) -> None:
            os.system("")  # has the console understand escape sequences

        def give_back(self) -> None:
            pass

        def read(self, seconds: float) -> list[str]:
            end = time.monotonic() + seconds
            while not msvcrt.kbhit():
                if time.monotonic() >= end:
                    return []
                time.sleep(0.01)
            first = msvcrt.getwch()
            if first not in ("\x00", "\xe0"):
                return key(first)
            second = WINDOWS.get(msvcrt.getwch())
            return [second] if second else []

else:
    import select
    import termios
    import tty

    class _Keyboard:
        """Keys of a POSIX terminal, which come one by one and are not echoed."""

        def __init__(self) -> None:
            self.descriptor = sys.stdin.fileno()
            self.saved: list[Any] | None = None
            self.rest = b""

        def take(self) -> None:
            self.saved = termios.tcgetattr(self.descriptor)
            # Not raw: control-C and control-Z stay signals, which work even in a long loop.
            tty.setcbreak(self.descriptor, termios.TCSANOW)

        def give_back(self) -> None:
            if self.saved is not None:
                with contextlib.suppress(termios.error):  # the terminal has gone
                    termios.tcsetattr(self.descriptor, termios.TCSANOW, self.saved)

        def read(self, seconds: float) -> list[str]:
            if not self._ready(seconds):
                return []
            keys, self.rest = decode(self.rest + self._bytes())
            while self.rest:
                more = self._bytes() if self._ready(ESCAPE_TIME) else b""
                found, self.rest = decode(self.rest + more, final=not more)
                keys += found
            return keys

        def _ready(self, seconds: float) -> bool:
            return bool(select.select([self.descriptor], [], [], max(seconds, 0))[0])

        def _bytes(self) -> bytes:
            try:
                data = os.read(self.descriptor, 1024)
            except OSError as error:
                raise EOFError("the terminal was closed") from error
            if not data:
                raise EOFError("the terminal was closed")
            return data
