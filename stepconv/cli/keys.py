"""What a terminal sends for keys, turned into their names."""

from __future__ import annotations

import re
import unicodedata

# Modifiers (";5" for control) are dropped: control and right is right.
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~])")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|O?)")

_SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "[H": "home",
    "[F": "end",
    "[1~": "home",
    "[7~": "home",
    "[4~": "end",
    "[8~": "end",
    "[3~": "backspace",
    "[5~": "pageup",
    "[6~": "pagedown",
}
_CONTROLS = {
    "\r": "enter",
    "\n": "enter",
    " ": "space",
    "\x7f": "backspace",
    "\b": "backspace",
    "\x03": "ctrl-c",
    "\x1b": "escape",
}
WINDOWS = {
    "H": "up",
    "P": "down",
    "M": "right",
    "K": "left",
    "G": "home",
    "O": "end",
    "I": "pageup",
    "Q": "pagedown",
}
"""The second code of those keys for which a Windows console sends two."""


def decode(data: bytes, *, final: bool = False) -> tuple[list[str], bytes]:
    r"""Return the names of the keys in `data`, and the bytes that are not a whole key yet.

    Printable keys are their own names; sequences without a name are dropped.

    Parameters
    ----------
    data : bytes
        What was read from the terminal.
    final : bool
        Nothing more is coming: an escape that begins no sequence is the escape key.

    Examples
    --------
    >>> decode(b"\x1b[C\x1b[1;5Dq\x1b")
    (['right', 'left', 'q'], b'\x1b')
    >>> decode(b"\x1b", final=True)
    (['escape'], b'')
    """
    keys: list[str] = []
    while data:
        if found := _SEQUENCE.match(data):
            name = _SEQUENCES.get(_bare(found[0]))
            keys += [name] if name else []
            data = data[found.end() :]
        elif not final and _UNFINISHED.fullmatch(data):
            break
        else:
            size = _character_size(data)
            if len(data) < size and not final:
                break
            keys += key(data[:size].decode("utf-8", errors="ignore"))
            data = data[size:]
    return keys, data


def key(character: str) -> list[str]:
    r"""Return the name of the key for one character, in a list that may be empty.

    The full-width characters of an input method are the keys they stand for.

    >>> key("\r"), key("？"), key("\x01")
    (['enter'], ['?'], [])
    """
    if character in _CONTROLS:
        return [_CONTROLS[character]]
    plain = unicodedata.normalize("NFKC", character)
    return [plain] if plain.isprintable() and len(plain) == 1 else []


def _bare(sequence: bytes) -> str:
    """Return a sequence without its escape and its modifiers."""
    text = sequence[1:].decode("ascii").replace("O", "[", 1)
    return re.sub(r"(?:(?<=\[)1)?;\d+(?=[A-Z~]$)", "", text)


def _character_size(data: bytes) -> int:
    """Return how many bytes the first character has, by UTF-8's first byte."""
    first = data[0]
    return 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
