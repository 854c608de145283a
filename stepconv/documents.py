"""TOML that people write, read strictly: every error names file, place, rule and fix.

A lesson, an exercise or a worksheet is a small file that somebody typed. `Section` hands
out its values by kind and remembers which were asked for, so that `Section.finish` finds
the misspelt ones.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, time
from pathlib import Path
from typing import Any, Final

from stepconv.errors import InputError, Word
from stepconv.files import shown
from stepconv.language import LANGUAGES

__all__ = ["LARGEST", "Localized", "Section", "nearest", "read_document", "read_words"]

Localized = dict[str, str]
"""A text in each language: ``{"en": …, "zh": …}``."""

LARGEST = 1_000_000
"""Bytes that a document may have."""


class _Missing:
    def __repr__(self) -> str:
        return "…"


_MISSING: Final = _Missing()


class Section:
    """One table of a document, and where it stands.

    Each method takes a key and returns its value, refused where it is of another kind, or
    where the key is missing and no default is given.

    >>> section = Section({"title": "One", "strid": 2}, "lesson.toml", "scenes.valid")
    >>> section.text("title"), section.whole("stride", 1)
    ('One', 1)
    >>> section.finish()
    Traceback (most recent call last):
    stepconv.errors.InputError: lesson.toml, scenes.valid: there is no key "strid"; did you mean
    stride?
    """

    def __init__(self, table: Mapping[str, Any], document: str, place: str = "") -> None:
        self._table = table
        self._asked: dict[str, None] = {}
        self.document = document
        self.place = place

    def __contains__(self, key: str) -> bool:
        self._asked[key] = None
        return key in self._table

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that are there."""
        return tuple(self._table)

    # -- values by kind ---------------------------------------------------------------

    def value(self, key: str, default: Any = _MISSING) -> Any:
        """Return whatever stands under `key`."""
        if key in self:
            return self._table[key]
        if isinstance(default, _Missing):
            raise self.refused("", self._missing(key))
        return default

    def text(self, key: str, default: Any = _MISSING) -> Any:
        """Return a text that is not empty."""
        return self._of_kind(key, default, _is_text, Word("a text in quotes"))

    def whole(self, key: str, default: Any = _MISSING) -> Any:
        """Return a whole number."""
        return self._of_kind(key, default, _is_whole, Word("a whole number"))

    def number(self, key: str, default: Any = _MISSING) -> Any:
        """Return a whole number or a decimal."""
        return self._of_kind(key, default, _is_number, Word("a number"))

    def flag(self, key: str, default: Any = _MISSING) -> Any:
        """Return true or false."""
        return self._of_kind(key, default, _is_flag, Word("true or false"))

    def texts(self, key: str, default: Any = _MISSING) -> Any:
        """Return a list of texts, none of them empty, as a tuple."""
        found = self._of_kind(key, default, _are_texts, Word("a list of texts in quotes"))
        return tuple(found) if isinstance(found, list) else found

    def choice(self, key: str, names: Sequence[str], default: Any = _MISSING) -> Any:
        """Return one of `names`."""
        found = self.text(key, default)
        if found in names or found is default:
            return found
        near = nearest(found, names)
        if near:
            reason = InputError(
                '"{found}" is not one of {names}; did you mean {near}?',
                found=shown(found),
                names=", ".join(names),
                near=near,
            )
        else:
            reason = InputError(
                '"{found}" is not one of {names}', found=shown(found), names=", ".join(names)
            )
        raise self.refused(key, reason)

    def localized(self, key: str, default: Any = _MISSING) -> Any:
        """Return a text in each language, as a dict."""
        if key not in self and not isinstance(default, _Missing):
            return default
        section = self.section(key)
        texts = {language: section.text(language) for language in LANGUAGES}
        section.finish()
        return texts

    def localized_texts(self, key: str, default: Any = _MISSING) -> Any:
        """Return a list of texts in each language, as many in each, as a dict of tuples."""
        if key not in self and not isinstance(default, _Missing):
            return default
        section = self.section(key)
        texts = {language: section.texts(language) for language in LANGUAGES}
        section.finish()
        counts = {language: len(found) for language, found in texts.items()}
        if len(set(counts.values())) > 1:
            raise self.refused(
                key,
                InputError(
                    "{counts}; write as many in each language",
                    counts=", ".join(f"{count} {name}" for name, count in counts.items()),
                ),
            )
        return texts

    # -- tables -----------------------------------------------------------------------

    def section(self, key: str, default: Any = _MISSING) -> Any:
        """Return a table."""
        found = self._of_kind(key, default, _is_table, Word("a table, such as { en = …, zh = … }"))
        return self._inside(found, key) if isinstance(found, dict) else found

    def sections(self, key: str) -> dict[str, Section]:
        """Return the tables that a table holds, by name, in the order of the file."""
        outer = self.section(key, None)
        return {} if outer is None else {name: outer.section(name) for name in outer.names}

    def items(self, key: str, default: Any = _MISSING) -> Any:
        """Return a list of tables, as a tuple."""
        found = self._of_kind(key, default, _are_tables, Word("a list of tables"))
        if not isinstance(found, list):
            return found
        return tuple(self._inside(one, f"{key}[{k}]") for k, one in enumerate(found, 1))

    # -- the end ----------------------------------------------------------------------

    def finish(self) -> None:
        """Refuse the first key that nobody asked for, with the nearest right name."""
        for key in self._table:
            if key in self._asked:
                continue
            near = nearest(key, list(self._asked))
            if near:
                raise self.refused(
                    "",
                    InputError(
                        'there is no key "{key}"; did you mean {near}?', key=shown(key), near=near
                    ),
                )
            raise self.refused(
                "",
                InputError(
                    'there is no key "{key}"; the keys here are {keys}',
                    key=shown(key),
                    keys=", ".join(self._asked) or "–",
                ),
            )

    def refused(self, key: str, reason: Exception) -> InputError:
        """Return the error that names this document and place, or a key in it, and a reason."""
        place = self._place(key)
        if not place:
            return InputError("{document}: {reason}", document=self.document, reason=reason)
        return InputError(
            "{document}, {place}: {reason}", document=self.document, place=place, reason=reason
        )

    # -- helpers ----------------------------------------------------------------------

    def _place(self, key: str) -> str:
        return ".".join(filter(None, (self.place, key)))

    def _inside(self, table: Mapping[str, Any], key: str) -> Section:
        return Section(table, self.document, self._place(key))

    def _missing(self, key: str) -> InputError:
        """Return what to say of a key that is not there, perhaps since it is misspelt."""
        near = nearest(key, [other for other in self._table if other not in self._asked])
        if near:
            return InputError(
                '"{key}" is missing, and there is "{near}"; is that a slip?', key=key, near=near
            )
        return InputError('"{key}" is missing; add it', key=key)

    def _of_kind(self, key: str, default: Any, fits: Any, kind: Word) -> Any:
        found = self.value(key, default)
        if key not in self._table or fits(found):
            return found
        if found in ("", []):
            raise self.refused(key, InputError("this is empty; write {kind}", kind=kind))
        raise self.refused(
            key,
            InputError("{found} is not {kind}", found=shown(written(found)), kind=kind),
        )


def read_document(path: str | os.PathLike[str], name: str | None = None) -> Section:
    """Read a TOML file.

    Parameters
    ----------
    path : str or os.PathLike
    name : str, optional
        What errors call the file; its path by default.

    Raises
    ------
    InputError
        When it cannot be read, is no UTF-8 text or no TOML; with the line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "lesson.toml")
    ...     _ = file.write_text('id = "one"')
    ...     read_document(file).text("id")
    'one'
    """
    name = shown(str(path), 200) if name is None else name
    text = read_words(path, name)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(error, text, name) from error
    except RecursionError as error:
        raise InputError("{document}: this is nested too deeply", document=name) from error
    return Section(table, name)


def read_words(path: str | os.PathLike[str], name: str) -> str:
    """Read a text file; InputError, by `name`, where that cannot be done."""
    try:
        if os.path.getsize(path) > LARGEST:
            raise InputError(
                "{document}: this has more than the {most} bytes that are read; is it the right"
                " file?",
                document=name,
                most=LARGEST,
            )
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError("{document}: there is no such file; add it", document=name) from error
    except OSError as error:
        raise InputError(
            "{document}: this cannot be read: {reason}",
            document=name,
            reason=error.strerror or error,
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            "{document}, line {line}: this is not UTF-8 text; save the file as UTF-8",
            document=name,
            line=line,
        ) from error


def nearest(name: str, names: Sequence[str]) -> str:
    """Return the one of `names` that `name` may be a slip for, or "".

    >>> nearest("strid", ["stride", "padding"]), nearest("x", ["stride"])
    ('stride', '')
    """
    found = difflib.get_close_matches(name[:60], names, n=1)
    return found[0] if found else ""


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


def _syntax(error: tomllib.TOMLDecodeError, text: str, name: str) -> InputError:
    """Return the error for text that is no TOML; the line stands in Python's message."""
    reason = re.sub(r" \(at [^()]*\)$", "", str(error))
    found = re.search(r"\(at line (\d+), column (\d+)\)$", str(error))
    if found:
        return InputError(
            "{document}, line {line}, column {column}: this is not TOML: {reason}",
            document=name,
            line=int(found[1]),
            column=int(found[2]),
            reason=reason,
        )
    return InputError(
        "{document}, line {line}: this is not TOML: {reason}; something is not closed",
        document=name,
        line=text.count("\n") + 1,
        reason=reason,
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)
