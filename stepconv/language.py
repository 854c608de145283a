"""The language of everything stepconv says.

English is the source: a message is its own key. ``locale/`` holds the other
catalogues. The current language lives in a context variable, so that two
threads, or a test and the code around it, never change each other's.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "zh")

_current: ContextVar[str] = ContextVar("stepconv_language", default="en")


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    folder = Path(__file__).parent / "locale"
    return gettext.translation("stepconv", folder, languages=["zh_CN"])


def _(message: str) -> str:
    """Return `message` in the current language, or itself where it has no translation."""
    return _catalogue(_current.get()).gettext(message)


def language() -> str:
    """Return the current language, one of `LANGUAGES`."""
    return _current.get()


def set_language(language: str) -> None:
    """Make `language` ("en" or "zh") the current one."""
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
    _current.set(language)


@contextmanager
def using_language(language: str) -> Iterator[None]:
    """Use `language` within a ``with`` block."""
    before = _current.get()
    set_language(language)
    try:
        yield
    finally:
        set_language(before)


def language_of(environment: Mapping[str, str]) -> str:
    """Choose the language from LANGUAGE, LC_ALL, LC_MESSAGES or LANG: the first set decides."""
    variables = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    first = next((environment[name] for name in variables if environment.get(name)), "")
    for name in first.split(":"):
        if name[:2].lower() in LANGUAGES:
            return name[:2].lower()
        if name in ("C", "POSIX") or name.startswith("C."):
            break
    return "en"
