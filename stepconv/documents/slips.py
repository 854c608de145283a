"""Slips of the pen."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def nearest(name: str, names: Sequence[str]) -> str:
    """Return the one of `names` that `name` may be a slip for, or "".

    >>> nearest("strid", ["stride", "padding"]), nearest("x", ["stride"])
    ('stride', '')
    """
    found = difflib.get_close_matches(name[:60], names, n=1)
    return found[0] if found else ""
