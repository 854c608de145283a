"""Of which kind a value of a document is, and how an error shows it."""

from __future__ import annotations

from datetime import date, time
from typing import Any


def is_text(value: Any) -> bool:
    """Whether it is a text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def is_whole(value: Any) -> bool:
    """Whether it is a whole number; true is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a whole number or a decimal."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_flag(value: Any) -> bool:
    """Whether it is true or false."""
    return isinstance(value, bool)


def are_texts(value: Any) -> bool:
    """Whether it is a list of texts, none of them blank."""
    return isinstance(value, list) and bool(value) and all(map(is_text, value))


def is_table(value: Any) -> bool:
    """Whether it is a table."""
    return isinstance(value, dict)


def are_tables(value: Any) -> bool:
    """Whether it is a list of tables."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def written(value: Any) -> str:
    """Return a value about as it was written.

    >>> written([True, "a"]), written({"en": "One"})
    ('[true, "a"]', '{ en = "One" }')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {written(one)}" for key, one in value.items())
        return f"{{ {inside} }}"
    return value.isoformat() if isinstance(value, date | time) else str(value)
