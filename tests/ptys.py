"""A pseudo-terminal to run programs in, and the screen that a person would see."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TextIO

from rich.cells import get_character_cell_size

from tests.commands import ROOT, clean_environment

PATIENCE = 60
"""Seconds within which a screen has to become what is expected."""

_DRAWN = b"\x1b[?2026l"  # with which every screen ends
_ESCAPE = re.compile(r"\x1b\[([?]?)([0-9;]*)([A-Za-z])")


class Screen:
    """As much of a terminal as stepconv speaks to: cursor, clearing, modes; colours are dropped."""

    def __init__(self, columns: int, rows: int) -> None:
        self.modes: set[str] = {"25"}
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Begin anew at another size."""
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _row in range(rows)]
        self.row = self.column = 0

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def feed(self, text: str) -> None:
        """Take what a program wrote."""
        while text:
            if found := _ESCAPE.match(text):
                self._obey(*found.groups())
                text = text[found.end() :]
            else:
                self._put(text[0])
                text = text[1:]

    def _obey(self, private: str, numbers: str, letter: str) -> None:
        values = [int(one or 0) for one in numbers.split(";")]
        if private:
            change = self.modes.add if letter == "h" else self.modes.discard
            change(numbers)
        elif letter == "H":
            # As in any terminal, positions outside are taken to its edge.
            self.row = min(max(values[0], 1), self.rows) - 1
            self.column = min(max(values[1] if len(values) > 1 else 1, 1), self.columns) - 1
        elif letter == "K":
            start = 0 if values[0] == 2 else self.column
            self.cells[self.row][start:] = [" "] * (self.columns - start)
        elif letter == "J":
            whole = values[0] == 2
            self.cells[self.row][0 if whole else self.column :] = [" "] * (
                self.columns - (0 if whole else self.column)
            )
            for row in range(0 if whole else self.row + 1, self.rows):
                self.cells[row] = [" "] * self.columns

    def _put(self, character: str) -> None:
        if character == "\n":
            self.row = min(self.row + 1, self.rows - 1)
        elif character == "\r":
            self.column = 0
        elif self.column < self.columns and self.row < self.rows:
            self.cells[self.row][self.column] = character
            size = get_character_cell_size(character)
            if size == 2 and self.column + 1 < self.columns:
                self.cells[self.row][self.column + 1] = ""
            self.column += size


class Pty:
    """A pseudo-terminal: what is written to it is on `screen`, what is typed can be read."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.master, self.slave = os.openpty()
        self.screen = Screen(columns, rows)
        self.raw = b""
        self._lock = threading.Lock()
        self.resize(columns, rows)
        self.before = self.settings()
        self._open = True
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def settings(self) -> list[Any]:
        """The terminal's settings now."""
        return termios.tcgetattr(self.slave)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as dragging a window does."""
        with self._lock:
            self.screen.resize(columns, rows)
            fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Type."""
        os.write(self.master, text.encode())

    def until(self, *texts: str) -> str:
        """Wait until all of `texts` are on the screen, and return it."""
        return self.wait(lambda: all(text in self.screen.text for text in texts), texts)

    def wait(self, condition: Callable[[], bool], what: object) -> str:
        """Wait for `condition`, and return the screen."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"{what} did not come:\n{self.screen.text}"
            time.sleep(0.01)
        return self.screen.text

    def streams(self) -> tuple[TextIO, TextIO]:
        """Return files to read from and to write to, as sys.stdin and sys.stdout are."""
        return (
            open(os.dup(self.slave), encoding="utf-8"),
            open(os.dup(self.slave), "w", encoding="utf-8"),
        )

    def hang_up(self) -> None:
        """Go away, as when a window is closed."""
        if self._open:
            self._open = False
            self._reader.join()
            os.close(self.slave)
            os.close(self.master)

    close = hang_up

    def _read(self) -> None:
        rest = b""
        while self._open:
            if not select.select([self.master], [], [], 0.02)[0]:
                continue
            data = rest + os.read(self.master, 65536)
            with self._lock:
                # A sequence, or a character, may be cut in two.
                cut = re.search(rb"\x1b[^A-Za-z]*$|[\xc0-\xff][\x80-\xbf]*$", data)
                whole = data[: cut.start()] if cut else data
                with contextlib.suppress(UnicodeDecodeError):
                    if cut and data[cut.start()] != 0x1B:
                        data.decode()
                        whole = data
                rest = data[len(whole) :]
                self.raw += whole
                self.screen.feed(whole.decode())


class Transcript:
    """Screens as they were seen, one below the other, under what was typed."""

    def __init__(self, pty: Pty) -> None:
        self.pty = pty
        self.parts: list[str] = []

    def type(self, text: str) -> None:
        """Type, and take down the screen that follows."""
        before = self.pty.screen.text
        self.pty.type(text)
        self.pty.wait(lambda: self.pty.screen.text != before, f"an answer to {text!r}")
        self.see(text)

    def see(self, text: str = "") -> None:
        """Take down the screen, once it is drawn and stays."""
        size = -1
        while size != len(self.pty.raw) or not self.pty.raw.endswith(_DRAWN):
            size = len(self.pty.raw)
            time.sleep(0.03)
        name = text.replace("\r", " enter").replace("\x1b[C", "→") or "begin"
        self.parts.append(f"===== {name}\n{self.pty.screen.text.rstrip()}\n")


@contextlib.contextmanager
def pseudo_terminal(columns: int = 80, rows: int = 24) -> Iterator[Pty]:
    """Open a pseudo-terminal for a while."""
    pty = Pty(columns, rows)
    try:
        yield pty
    finally:
        pty.close()


@contextlib.contextmanager
def started(
    pty: Pty, *arguments: str, environment: Mapping[str, str] | None = None, job: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command line on a pseudo-terminal, as a login shell's program or, `job`, its job.

    Only a job can be stopped and go on: there has to be a shell to tell of it.
    """
    code = (
        "import fcntl, os, signal, sys, termios\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
        f"child = os.fork() if {job} else 0\n"
        "if child:\n"
        "    while not os.WIFEXITED(os.waitpid(child, os.WUNTRACED)[1]):\n"
        "        pass\n"
        "    os._exit(0)\n"
        f"if {job}:\n"
        "    os.setpgid(0, 0)\n"
        "    os.tcsetpgrp(0, os.getpid())\n"
        "signal.signal(signal.SIGTTOU, signal.SIG_DFL)\n"
        "from stepconv.cli import main\n"
        "sys.exit(main())\n"
    )
    more = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **(environment or {})}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=clean_environment(more),
        stdin=pty.slave,
        stdout=pty.slave,
        stderr=pty.slave,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
