"""Numbers written as text, rows of a table, and the bytes that either came from."""

from __future__ import annotations

import codecs
import csv
import re
from typing import Any

from numpy.typing import NDArray

from stepconv.arrays.nested import parse_json
from stepconv.arrays.numbers import assemble, convert
from stepconv.arrays.origin import Origin
from stepconv.errors import InputError
from stepconv.files import shown

# Full-width ASCII, as Chinese keyboards write it, the ideographic space and comma, and
# the real minus sign. NFKC would do more harm: it turns 5² into 52.
_TO_ASCII = {0xFF01 + i: chr(0x21 + i) for i in range(94)}
_TO_ASCII |= {ord("　"): " ", ord("、"): ",", ord("−"): "-"}

_SEPARATOR = re.compile(r"\s*,\s*|\s+")


def parse_text(text: str, origin: Origin) -> NDArray[Any]:
    """Read numbers parted by spaces or commas, rows by ``;`` or new lines, slices by ``|``.

    Text that begins with a bracket is read as JSON.

    >>> parse_text("1 2; 3 4", Origin("input")).shape
    (2, 2)
    >>> parse_text("1 2; 3 4 | 5 6; 7 8", Origin("input")).shape
    (2, 2, 2)
    """
    text = text.translate(_TO_ASCII)
    if not text.strip():
        raise InputError(
            '{origin}: there is nothing to read; give numbers such as "1 2 3"', origin=origin
        )
    if text.lstrip().startswith(("[", "{")):
        return parse_json(text, origin)
    return assemble([_rows(part, k, origin) for k, part in enumerate(text.split("|"), 1)], origin)


def _rows(part: str, number: int, origin: Origin) -> list[list[str]]:
    """Return the words of one slice; new lines may be blank, and a row may end in ``;``."""
    lines = [line.strip().removesuffix(";") for line in part.splitlines() if line.strip()]
    rows = [row.strip() for line in lines for row in line.split(";")]
    if not rows:
        raise InputError(
            "{origin}: slice {slice} is empty; a | stands between two slices only",
            origin=origin,
            slice=number,
        )
    if "" in rows:
        raise InputError(
            "{origin}: row {row} is empty; a ; stands between two rows only",
            origin=origin,
            row=rows.index("") + 1,
        )
    return [_SEPARATOR.split(row) for row in rows]


def parse_csv(text: str, origin: Origin) -> NDArray[Any]:
    r"""Read a table whose fields are parted by tabs, semicolons or commas.

    >>> parse_csv("1;2\n3;4", Origin("input")).tolist()
    [[1, 2], [3, 4]]
    """
    text = text.translate(_TO_ASCII)
    separator = next((mark for mark in "\t;," if mark in text), None)
    if separator is None or not text.strip():
        return parse_text(text, origin)
    try:
        table = list(csv.reader(text.splitlines(), delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(
            "{origin}: the table cannot be read ({reason}); save it again as plain CSV",
            origin=origin,
            reason=error,
        ) from error
    rows = [[field.strip() for field in row] for row in table if "".join(row).strip() or row[1:]]
    if len(rows) > 1 and all(convert(field) is None for field in rows[0]) and any(rows[0]):
        raise InputError(
            '{origin}: row 1 is a header ("{names}"), not numbers; remove that line',
            origin=origin,
            names=shown(separator.join(rows[0])),
        )
    return assemble([rows], origin)


def decode(raw: bytes, origin: Origin) -> str:
    """Return `raw` as text: UTF-8, with or without a byte order mark, or UTF-16 with one."""
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return raw.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            "{origin}: byte {position} is not UTF-8 text; save the file as UTF-8, or give it "
            "the suffix of what it is",
            origin=origin,
            position=error.start,
        ) from error
