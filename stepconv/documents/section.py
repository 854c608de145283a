"""Section: one table of a document, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stepconv.documents.kinds import (
    are_tables,
    are_texts,
    is_flag,
    is_number,
    is_table,
    is_text,
    is_whole,
    written,
)
from stepconv.documents.slips import nearest
from stepconv.errors import InputError, Word
from stepconv.files import shown
from stepconv.language import LANGUAGES

Localized = dict[str, str]
"""A text in each language: ``{"en": …, "zh": …}``."""


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
        return self._of_kind(key, default, is_text, Word("a text in quotes"))

    def whole(self, key: str, default: Any = _MISSING) -> Any:
        """Return a whole number."""
        return self._of_kind(key, default, is_whole, Word("a whole number"))

    def number(self, key: str, default: Any = _MISSING) -> Any:
        """Return a whole number or a decimal."""
        return self._of_kind(key, default, is_number, Word("a number"))

    def flag(self, key: str, default: Any = _MISSING) -> Any:
        """Return true or false."""
        return self._of_kind(key, default, is_flag, Word("true or false"))

    def texts(self, key: str, default: Any = _MISSING) -> Any:
        """Return a list of texts, none of them empty, as a tuple."""
        found = self._of_kind(key, default, are_texts, Word("a list of texts in quotes"))
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
        found = self._of_kind(key, default, is_table, Word("a table, such as { en = …, zh = … }"))
        return self._inside(found, key) if isinstance(found, dict) else found

    def sections(self, key: str) -> dict[str, Section]:
        """Return the tables that a table holds, by name, in the order of the file."""
        outer = self.section(key, None)
        return {} if outer is None else {name: outer.section(name) for name in outer.names}

    def items(self, key: str, default: Any = _MISSING) -> Any:
        """Return a list of tables, as a tuple."""
        found = self._of_kind(key, default, are_tables, Word("a list of tables"))
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
