"""Parts of an output, and single cells of it, as a caller names them."""

from __future__ import annotations

from typing import Any

from stepconv.errors import TraceError
from stepconv.geometry import Geometry
from stepconv.values import several, shown, whole_number

Index = tuple[int, ...]
Region = tuple[range, ...]


def chosen_region(geometry: Geometry, only: Any) -> Region:
    """Turn `only` into a range for each of (N, C_out, *spatial)."""
    batch = 1 if geometry.batch is None else geometry.batch
    shape = (batch, geometry.out_channels, *geometry.output_size)
    given = () if only is None else only if isinstance(only, tuple) else (only,)
    if geometry.batch is None:
        given = (slice(None), *given)
    if len(given) > len(shape):
        raise TraceError(
            "only={only} names {count} axes; the output {shape} has {axes}",
            only=show_index(only),
            count=len(given) - (geometry.batch is None),
            shape=geometry.output_shape,
            axes=len(geometry.output_shape),
        )
    given += (slice(None),) * (len(shape) - len(given))
    return tuple(_span(one, size, only) for one, size in zip(given, shape, strict=True))


def show_index(index: Any) -> str:
    """Write an index of integers and slices as one writes it: ``[0, :, 1:]``.

    >>> show_index((0, slice(None), slice(1, None))), show_index("rows")
    ('[0, :, 1:]', "'rows'")
    """
    if not isinstance(index, tuple | int | slice):
        return shown(index)
    parts = index if isinstance(index, tuple) else (index,)
    return "[" + ", ".join(map(_show_part, parts)) + "]"


def _show_part(part: Any) -> str:
    if not isinstance(part, slice):
        return shown(part)
    ends = ["" if end is None else shown(end) for end in (part.start, part.stop, part.step)]
    return ":".join(ends if ends[2] else ends[:2])


def show_region(region: Region) -> str:
    """Write a region as an index: ``[0:1, 3:4, 0:2]``."""
    return "[" + ", ".join(f"{span.start}:{span.stop}" for span in region) + "]"


def whole_numbers(index: Any) -> Index:
    """Return `index` as plain ints, empty where it is anything but whole numbers."""
    numbers = [whole_number(k) for k in several(index) or ()]
    return tuple(k for k in numbers if k is not None) if None not in numbers else ()


def checked_index(name: str, index: Any, shape: tuple[int, ...]) -> Index:
    """Return `index` as plain ints; TraceError where an array of `shape` has no such cell."""
    place = whole_numbers(index)
    if len(place) != len(shape) or any(
        not 0 <= k < size for k, size in zip(place, shape, strict=True)
    ):
        raise TraceError(
            "{name} {index} has no such cell: its shape is {shape}",
            name=name,
            index=shown(index),
            shape=shape,
        )
    return place


def _span(one: Any, size: int, only: Any) -> range:
    if isinstance(one, slice):
        return _solid(one, size, only)
    place = whole_number(one)
    if place is None:
        raise TraceError(
            "only={only} is not made of whole numbers and slices", only=show_index(only)
        )
    if not -size <= place < size:
        raise TraceError(
            "only={only} is outside the output: an axis has {size} cells",
            only=show_index(only),
            size=size,
        )
    return range(place % size, place % size + 1)


def _solid(one: slice, size: int, only: Any) -> range:
    ends = [end for end in (one.start, one.stop, one.step) if end is not None]
    if any(whole_number(end) is None for end in ends):
        raise TraceError(
            "only={only} is not made of whole numbers and slices", only=show_index(only)
        )
    if one.step not in (None, 1):
        raise TraceError("only={only} has a step; name a solid region", only=show_index(only))
    span = range(size)[one]
    if not span and size:
        raise TraceError(
            "only={only} names nothing: an axis of the output has {size} cells",
            only=show_index(only),
            size=size,
        )
    return span
