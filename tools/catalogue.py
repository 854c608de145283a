"""Keep the translations in step with the source.

    python tools/catalogue.py update     read the messages from the source into the .po
    python tools/catalogue.py compile    write the .mo that the program reads
    python tools/catalogue.py check      say what is missing or wrong

A message is the text in ``_("…")`` or ``Word("…")``, and the template of an error. What is
new in the source arrives in the .po without a translation; what has gone from the source
goes from the .po as well. Nothing is guessed from similar messages.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from stepconv import errors

PACKAGE = Path(errors.__file__).parent
PO = PACKAGE / "locale" / "zh_CN" / "LC_MESSAGES" / "stepconv.po"
MO = PO.with_suffix(".mo")

KEYWORDS = {
    "_": None,
    "Word": None,
    **{
        name: None
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.StepconvError)
    },
}


def source_messages() -> dict[str, list[str]]:
    """Return every message of the source, each with the files that it stands in."""
    found: dict[str, list[str]] = {}
    rows = extract_from_dir(PACKAGE, method_map=[("**.py", "python")], keywords=KEYWORDS)
    for name, _line, message, _comments, _context in sorted(rows, key=lambda row: row[:2]):
        files = found.setdefault(str(message), [])
        if name not in files:
            files.append(name)
    return found


def translations() -> Catalog:
    """Read the .po."""
    with PO.open("rb") as file:
        return read_po(file, locale="zh_CN", domain="stepconv", abort_invalid=True)


def compiled() -> Catalog:
    """Read the .mo."""
    with MO.open("rb") as file:
        return read_mo(file)


def texts(catalogue: Catalog) -> dict[str, str]:
    """Return the translation of each message that has one, the header left out."""
    return {str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string}


def fields(message: str) -> set[str]:
    """Return the placeholders of `message`, as written.

    >>> sorted(fields("kernel {kernel}, {size:>3} {{braces}}"))
    ['{kernel}', '{size:>3}']
    """
    parts = string.Formatter().parse(message)
    return {
        "{" + name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "") + "}"
        for _text, name, spec, conversion in parts
        if name is not None
    }


def update() -> None:
    """Write the .po anew: the messages of the source, with the translations there are."""
    old = translations() if PO.exists() else Catalog(locale="zh_CN")
    new = Catalog(
        locale="zh_CN",
        domain="stepconv",
        project="stepconv",
        version="",
        msgid_bugs_address="stepconv contributors",
        header_comment=old.header_comment,  # the glossary
        creation_date=old.creation_date,
        revision_date=old.revision_date,
        last_translator="stepconv contributors",
        language_team="zh_CN",
        fuzzy=False,
    )
    for message, files in source_messages().items():
        before = old.get(message)
        new.add(
            message,
            before.string if before else "",
            locations=[(name, 0) for name in files],
            flags=before.flags if before else (),
            user_comments=before.user_comments if before else (),
        )
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, new, width=100, include_lineno=False)


def problems() -> Iterator[str]:
    """Say, one line each, what keeps the catalogue from being complete and right."""
    source, catalogue = source_messages(), translations()
    entries = {str(entry.id): entry for entry in catalogue if entry.id}
    for message in source:
        if message not in entries:
            yield f"not in the catalogue: {message!r}"
    for message, entry in entries.items():
        translation = str(entry.string)
        if message not in source:
            yield f"no longer in the source: {message!r}"
        elif not translation:
            yield f"not translated: {message!r}"
        elif entry.fuzzy:
            yield f"marked fuzzy: {message!r}"
        elif fields(translation) != fields(message):
            yield f"other placeholders than the source: {message!r} -> {translation!r}"
    if catalogue.obsolete:
        yield f"{len(catalogue.obsolete)} obsolete entries; run: python tools/catalogue.py update"
    if not MO.exists() or texts(compiled()) != texts(catalogue):
        yield "the .mo is not that of the .po; run: python tools/catalogue.py compile"


def main(arguments: list[str]) -> int:
    """Run the command that `arguments` name."""
    match arguments:
        case ["update"]:
            update()
        case ["compile"]:
            with MO.open("wb") as file:
                write_mo(file, translations())
        case ["check"]:
            found = list(problems())
            print("\n".join(found) or "complete")
            return 1 if found else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
