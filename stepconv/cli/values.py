"""What options say, read from their text.

Only the grammar is checked here: the rules behind the values are the library's.
"""

from __future__ import annotations

import math
import re
import unicodedata

from stepconv.errors import InputError
from stepconv.files import shown

Pair = tuple[int, int]

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]*")


def whole(option: str, text: str) -> int:
    """Read one whole number.

    >>> whole("--groups", " 2")
    2
    """
    plain = _plain(text)
    if not _WHOLE.fullmatch(plain):
        raise InputError(
            '{option} "{text}" is not a whole number, such as 2', option=option, text=shown(text)
        )
    return int(plain)


def per_axis(option: str, text: str) -> int | tuple[int, ...]:
    """Read one whole number, or one for each axis.

    >>> per_axis("--stride", "2"), per_axis("--stride", "2,1")
    (2, (2, 1))
    """
    numbers = _numbers(text)
    if numbers is None:
        raise InputError(
            '{option} "{text}" is neither a whole number, such as 2, nor one for each axis, such'
            " as 2,1",
            option=option,
            text=shown(text),
        )
    return numbers[0] if len(numbers) == 1 else numbers


def padding(text: str) -> str | int | tuple[int | Pair, ...]:
    """Read a rule's name, a number, one for each axis, or before:after pairs.

    >>> padding("same"), padding("1"), padding("1,2"), padding("1:2"), padding("1:2,0:1")
    ('same', 1, (1, 2), ((1, 2),), ((1, 2), (0, 1)))
    """
    plain = _plain(text)
    if _WORD.fullmatch(plain):
        return plain.replace("-", "_")
    sides = [_numbers(part, ":") for part in _parts(plain)]
    axes = tuple(side for side in sides if side is not None and len(side) <= 2)
    if not axes or len(axes) < len(sides):
        raise InputError(
            '--padding "{text}" is not understood: give 1, one for each axis (1,2), before:after'
            " (1:2, or 1:2,0:1 by axis), or a rule such as same",
            text=shown(text),
        )
    if axes == (axes[0],) and len(axes[0]) == 1:
        return axes[0][0]
    return tuple(side[0] if len(side) == 1 else (side[0], side[1]) for side in axes)


def shape(option: str, text: str) -> tuple[int, ...]:
    """Read a shape.

    >>> shape("--input", "3,64,128"), shape("--input", "(3, 64, 128)")
    ((3, 64, 128), (3, 64, 128))
    """
    sizes = _numbers(_plain(text).removeprefix("(").removesuffix(")").removesuffix(","))
    if sizes is None:
        raise InputError(
            '{option} "{text}" is not a shape, such as 3,64,128', option=option, text=shown(text)
        )
    return sizes


def only(text: str, rank: int) -> tuple[int | slice, ...]:
    """Read the part of the output to trace, written as an index of (N, C_out, *spatial).

    As with the arrays, the axes left out are the first ones.

    >>> only("0,3,:2,1:", rank=2)
    (0, 3, slice(None, 2, None), slice(1, None, None))
    >>> only("1,:2", rank=2)
    (slice(None, None, None), slice(None, None, None), 1, slice(None, 2, None))
    """
    index: list[int | slice] = []
    for part in _parts(_plain(text).removeprefix("[").removesuffix("]")) or [""]:
        ends = part.split(":")
        if not all(_WHOLE.fullmatch(end) or (not end and len(ends) == 2) for end in ends):
            raise InputError(
                '--only "{text}" is not a part of the output: give one number or first:stop for'
                " each axis, counted from 0, such as 0,3,:2,:2",
                text=shown(text),
            )
        numbers = [int(end) if end else None for end in ends]
        first = numbers[0]
        index.append(slice(*numbers) if len(ends) > 1 or first is None else first)
    return (slice(None),) * (rank + 2 - len(index)) + tuple(index)


def steps(text: str, count: int) -> range:
    """Read a placement, or the first and the last of a range, as indices from 0.

    >>> steps("3", 4), steps("2:4", 4), steps("2:", 4)
    (range(2, 3), range(1, 4), range(1, 4))
    """
    first, colon, last = _plain(text).partition(":")
    ends = [first or "1", last or str(count)] if colon else [first, first]
    if not all(_WHOLE.fullmatch(end) for end in ends) or text.strip() == ":":
        raise InputError(
            '--step "{text}" is neither a placement, such as 3, nor a range, such as 2:5',
            text=shown(text),
        )
    if not count:
        raise InputError("--step {text}: there is no placement at all", text=shown(text))
    start, stop = int(ends[0]), int(ends[1])
    if start > stop and colon and first and last:
        raise InputError(
            "--step {text} ends before it begins; write {stop}:{start}",
            text=shown(text),
            stop=stop,
            start=start,
        )
    if not 1 <= start <= stop <= count:
        raise InputError(
            "--step {text} is out of range: the placements are numbered 1 to {count}",
            text=shown(text),
            count=count,
        )
    return range(start - 1, stop)


def seconds(text: str) -> float:
    """Read a time.

    >>> seconds("0.5")
    0.5
    """
    try:
        value = float(_plain(text))
    except ValueError:
        value = math.nan
    if not 0.01 <= value <= 3600:
        raise InputError(
            '--delay "{text}" is not a time: give seconds from 0.01 to 3600, such as 0.5',
            text=shown(text),
        )
    return value


def _plain(text: str) -> str:
    """Return `text` without blanks, and with the ASCII forms of full-width characters."""
    same = unicodedata.normalize("NFKC", text).replace("\N{MINUS SIGN}", "-").replace("、", ",")
    return re.sub(r"\s*([,:])\s*", r"\1", same.strip())


def _parts(text: str) -> list[str]:
    """Split at commas or, where there are none, at blanks."""
    return text.split(",") if "," in text else text.split()


def _numbers(text: str, separator: str = "") -> tuple[int, ...] | None:
    plain = _plain(text)
    parts = plain.split(separator) if separator else _parts(plain)
    if not parts or not all(_WHOLE.fullmatch(part) for part in parts):
        return None
    return tuple(int(part) for part in parts)
