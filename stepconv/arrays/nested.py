"""JSON to arrays: nested lists, alone or under a key."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.arrays.numbers import fits, misfit
from stepconv.arrays.origin import MAX_AXES, Origin, check_count
from stepconv.errors import InputError
from stepconv.files import shown


def parse_json(text: str, origin: Origin, key: str = "") -> NDArray[Any]:
    """Read nested lists, or the list that an object holds under `key`.

    Without a `key`, "input" is looked for (for a kernel "weight" or "kernel", for a
    bias "bias").

    >>> parse_json("[[1, 2], [3, 4.5]]", Origin("input"))
    array([[1. , 2. ],
           [3. , 4.5]])
    """
    data = _load(text, origin)
    if key or isinstance(data, dict):
        data = _under(key, data, origin)
    leaves, shape = _flatten(data, origin)
    return np.array(leaves, _dtype(leaves)).reshape(shape or (1,))


def _load(text: str, origin: Origin) -> Any:
    def refuse(constant: str) -> None:
        raise InputError(
            "{origin}: {constant} is not taken from JSON, only finite numbers are; write a "
            "number, or put the array in a .npy file",
            origin=origin,
            constant=constant,
        )

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InputError(
            "{origin}: this is no JSON list at line {line}, column {column}, near "
            '"{near}"; write [[1, 2], [3, 4]], or plainly 1 2; 3 4',
            origin=origin,
            line=error.lineno,
            column=error.colno,
            near=shown(text[max(error.pos - 8, 0) : error.pos + 8].strip()),
        ) from error
    except RecursionError as error:
        raise _too_deep(origin) from error
    except InputError:
        raise
    except ValueError as error:  # Python's limit on the digits of an integer
        raise InputError(
            "{origin}: an integer here has thousands of digits; integers end at 64 bits",
            origin=origin,
        ) from error


def _too_deep(origin: Origin) -> InputError:
    return InputError(
        "{origin}: the lists are nested deeper than {limit} levels; an array has one level "
        "for each axis",
        origin=origin,
        limit=MAX_AXES,
    )


def _under(key: str, data: Any, origin: Origin) -> Any:
    """Return what the object `data` holds under `key`, or under the first of the usual names."""
    if not isinstance(data, dict):
        raise InputError(
            '{origin}: the JSON is no object, so nothing in it is named "{key}"; leave the '
            "name out",
            origin=origin,
            key=shown(key),
        )
    names = (key,) if key else origin.keys
    for name in names:
        if name in data:
            return data[name]
    raise InputError(
        '{origin}: the JSON object has no "{key}", only {names}; put the name after a colon, '
        "as in file.json:input",
        origin=origin,
        key=shown(names[0]),
        names=shown(", ".join(data) or "{}"),
    )


def _flatten(data: Any, origin: Origin) -> tuple[list[Any], tuple[int, ...]]:
    """Return the numbers in `data` and its shape, level by level, or say where it is uneven."""
    level = [data]
    shape: tuple[int, ...] = ()
    while isinstance(level[0], list):
        if len(shape) == MAX_AXES:
            raise _too_deep(origin)
        _check_level(level, shape, origin)
        shape += (len(level[0]),)
        check_count(shape, origin)
        level = [entry for entries in level for entry in entries]
    for k, leaf in enumerate(level):
        _check_leaf(leaf, k, shape, origin)
    return level, shape


def _check_level(level: list[Any], shape: tuple[int, ...], origin: Origin) -> None:
    first = len(level[0])
    for k, entries in enumerate(level):
        if not isinstance(entries, list):
            raise InputError(
                "{origin}: at {place} stands {entry} where {first} has a list; all need the "
                "same depth",
                origin=origin,
                place=_place(k, shape),
                entry=_described(entries),
                first=_place(0, shape),
            )
        if len(entries) != first:
            raise InputError(
                "{origin}: the list at {place} has {count} entries and the one at {first} has "
                "{expected}; all need as many",
                origin=origin,
                place=_place(k, shape),
                count=len(entries),
                first=_place(0, shape),
                expected=first,
            )


def _check_leaf(leaf: Any, k: int, shape: tuple[int, ...], origin: Origin) -> None:
    if not isinstance(leaf, int | float) and not shape:
        raise InputError(
            "{origin}: the JSON holds {entry} where a list of numbers should stand",
            origin=origin,
            entry=_described(leaf),
        )
    if not isinstance(leaf, int | float):
        raise InputError(
            "{origin}: at {place} stands {entry}, which is not a number; every entry needs to "
            "be one, at the same depth",
            origin=origin,
            place=_place(k, shape),
            entry=_described(leaf),
        )
    if not fits(leaf):
        raise misfit(leaf, str(leaf), _place(k, shape), origin)


def _described(entry: Any) -> str:
    """Return an entry as JSON has it; the inside of lists and objects is left out."""
    if isinstance(entry, list):
        return "[…]"
    return "{…}" if isinstance(entry, dict) else shown(json.dumps(entry, ensure_ascii=False), 30)


def _place(k: int, shape: tuple[int, ...]) -> str:
    """Return the index of entry `k` of a level, written as Python indexes it.

    >>> _place(5, (2, 3))
    '[1][2]'
    """
    return "".join(f"[{index}]" for index in np.unravel_index(k, shape)) or "[]"


def _dtype(leaves: list[Any]) -> type[np.generic]:
    kinds = set(map(type, leaves))
    if float in kinds:
        return np.float64
    return np.int64 if int in kinds else np.bool_
