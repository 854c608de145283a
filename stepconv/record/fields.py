"""What every written record holds, and how one that was read is checked.

A record that was read is not believed. Its description and arrays go through the
same checks as anyone's, and the computation is run again (`rerun`); the formats then
compare every product and every sum with what was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, prod
from typing import Any, NoReturn

import numpy as np

from stepconv.errors import InputError, StepconvError
from stepconv.geometry import Geometry
from stepconv.operands import Array, prepare
from stepconv.record.region import Region
from stepconv.record.trace import ORDERS, Trace, record
from stepconv.spec import ConvSpec
from stepconv.values import shown

FORMAT = 1
DTYPES = ("int64", "float16", "float32", "float64", "complex64", "complex128")
NOT_FINITE = ("nan", "inf", "-inf")

_LARGEST_ARRAY = 2**48


def description(trace: Trace) -> dict[str, Any]:
    """Return all but the arrays: JSON types, enough to run the computation again.

    >>> from stepconv import trace
    >>> record = trace([[1, 2, 3]], [[[1, 1]]], only=(0, slice(0, 1)))
    >>> description(record)["region"], description(record)["dtype"]
    ([[0, 1], [0, 1], [0, 1]], 'int64')
    """
    axes = trace.geometry.axes
    # An output_size that was asked for stands in the geometry alone.
    extra = [axis.output_padding for axis in axes]
    return {
        "format": FORMAT,
        "spec": trace.spec.arguments() | {"output_padding": extra},
        "dtype": trace.operands.dtype.name,
        "order": trace.order,
        "region": [[span.start, span.stop] for span in trace.region],
        "input_shape": list(trace.geometry.input_shape),
    }


def arrays(trace: Trace) -> dict[str, Array]:
    """Return what goes into the computation, in the dtype of its result."""
    given = {"input": trace.input, "weight": trace.weight, "bias": trace.bias}
    return {name: array.astype(trace.operands.dtype) for name, array in given.items()}


def rerun(fields: Any, input: Array, weight: Array, bias: Array | None) -> Trace:
    """Run again what `fields`, as `description` wrote them, say about these arrays."""
    spec = _spec(member(fields, "spec", "", dict))
    order = _choice(fields, "order", ORDERS)
    spans = member(fields, "region", "", list)
    try:
        operands = prepare(input, weight, bias, **spec)
        kernel = list(operands.spec.kernel_size)
        expect(member(fields["spec"], "kernel_size", "spec."), kernel, "spec.kernel_size")
        if order == "scatter" and not operands.spec.transposed:
            _refuse_choice("order", order, ("gather",))
        return record(operands, _region(spans, operands.geometry), order)
    except InputError:
        raise
    except StepconvError as error:
        raise InputError(
            "the record's spec and its arrays do not go together: {reason}", reason=error
        ) from error


# -- single fields ---------------------------------------------------------------------------


def member(fields: Any, name: str, place: str = "", kind: type = object) -> Any:
    """Return ``fields[name]``, which must be there and of type `kind`."""
    if not isinstance(fields, dict):
        raise InputError(
            "the record has {found} where a JSON object with {name} must stand",
            found=shown(fields),
            name=f"{place}{name}",
        )
    if name not in fields:
        raise InputError("the record has no {name}; save the trace again", name=f"{place}{name}")
    value = fields[name]
    if not isinstance(value, kind):
        raise InputError(
            "{place} is {found}; it must be a JSON {kind}",
            place=f"{place}{name}",
            found=shown(value),
            kind="object" if kind is dict else "array",
        )
    return value


def check_format(fields: Any) -> None:
    """Refuse what a later version may have written."""
    _choice(fields, "format", (FORMAT,))


def dtype_of(fields: Any) -> np.dtype[Any]:
    """Return the dtype that a description names."""
    name: str = _choice(fields, "dtype", DTYPES)
    return np.dtype(name)


def expect(found: Any, expected: Any, place: str) -> None:
    """Raise InputError at the first place where `found` is not what JSON makes of `expected`."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            expect(member(found, name, f"{place}."), value, f"{place}.{name}")
    elif isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            differ(place, found, expected)
        for k, (one, other) in enumerate(zip(found, expected, strict=True)):
            expect(one, other, f"{place}[{k}]")
    elif isinstance(found, bool) or found != expected:
        differ(place, found, expected)


def differ(place: str, found: Any, expected: Any) -> NoReturn:
    """Refuse a record that does not hold what its own numbers give."""
    raise InputError(
        "{place} is {found}; the record's own input and weight give {expected}: it was changed"
        " or damaged, so save the trace again",
        place=place,
        found=shown(found),
        expected=shown(expected),
    )


def _choice(fields: Any, name: str, choices: Sequence[Any]) -> Any:
    value = member(fields, name)
    if isinstance(value, bool) or value not in choices:
        _refuse_choice(name, value, choices)
    return value


def _refuse_choice(place: str, value: Any, choices: Sequence[Any]) -> NoReturn:
    raise InputError(
        "{place} is {found}; this version of stepconv reads {choices}",
        place=place,
        found=shown(value),
        choices=", ".join(map(repr, choices)),
    )


def _spec(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments but for kernel_size, which the weight carries."""
    names = ConvSpec.__dataclass_fields__
    for name in fields:
        if name not in names:
            raise InputError(
                "the record's spec has {found}, which is not one of {names}",
                found=shown(name),
                names=", ".join(names),
            )
    return {name: member(fields, name, "spec.") for name in names if name != "kernel_size"}


def _region(spans: list[Any], geometry: Geometry) -> Region:
    batch = 1 if geometry.batch is None else geometry.batch
    sizes = (batch, geometry.out_channels, *geometry.output_size)
    if len(spans) != len(sizes) or not all(map(_is_span, spans, sizes)):
        raise InputError(
            "region is {found}; for each of (N, C_out, *spatial) it must be [start, stop] within"
            " the output {shape}",
            found=shown(spans),
            shape=sizes,
        )
    return tuple(range(start, stop) for start, stop in spans)


def _is_span(span: Any, size: int) -> bool:
    if not isinstance(span, list) or len(span) != 2 or not _are_whole(span):
        return False
    return 0 <= span[0] <= span[1] <= size and (size == 0 or span[0] < span[1])


def _are_whole(values: list[Any]) -> bool:
    return all(type(value) is int for value in values)  # True and False are not


# -- arrays as nested lists ----------------------------------------------------------------------


def plain(array: Any) -> Any:
    """Return an array, or a single number, as JSON types.

    Floats are those of the dtype exactly, as float64 has them; NaN and infinities
    are "nan", "inf", "-inf"; complex numbers are [real, imaginary].

    >>> plain(np.array([1, np.inf])), plain(np.complex64(1 - 2j))
    ([1.0, 'inf'], [1.0, -2.0])
    """
    values = np.asarray(array)
    if values.dtype.kind == "c":
        values = np.stack([values.real, values.imag], axis=-1)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return _spelled(values.tolist())
    return values.tolist()


def _spelled(values: Any) -> Any:
    if isinstance(values, list):
        return [_spelled(value) for value in values]
    return values if np.isfinite(values) else str(values)


def parsed(data: Any, dtype: np.dtype[Any], place: str, shape: Any = None) -> Array:
    """Return the array that `plain` turned into `data`; its shape where lists cannot tell."""
    pairs = (2,) if dtype.kind == "c" else ()
    part = np.dtype(f"f{dtype.itemsize // 2}") if pairs else dtype
    if shape is None:
        shape = _depths(data)
        shape = shape[: len(shape) - len(pairs)]
    leaves: list[Any] = []
    _collect(data, (*shape, *pairs), place, leaves)
    numbers = [_number(leaf, part) for leaf in leaves]
    if None in numbers:
        k = numbers.index(None)
        where = np.unravel_index(k, (*shape, *pairs))
        raise InputError(
            "{place} is {found}, which is not a number of dtype {dtype}",
            place=place + "".join(f"[{index}]" for index in where),
            found=shown(leaves[k]),
            dtype=dtype,
        )
    return np.array(numbers, part).view(dtype).reshape(shape)


def shape_of(fields: Any) -> list[int]:
    """Return input_shape, which lists cannot tell of an empty batch."""
    shape = member(fields, "input_shape", "", list)
    known = _are_whole(shape) and len(shape) <= 5 and min(shape, default=0) >= 0
    # Even beside an axis of none, NumPy does not take others of any length.
    if not known or prod(max(size, 1) for size in shape) > _LARGEST_ARRAY:
        raise InputError(
            "input_shape is {found}; it must be a list of at most 5 whole numbers",
            found=shown(shape),
        )
    return list(shape)


def _depths(data: Any) -> tuple[int, ...]:
    """Return the lengths of the lists, down to the first entry's."""
    shape: list[int] = []
    while isinstance(data, list) and len(shape) < 7:
        shape.append(len(data))
        data = data[0] if data else None
    return tuple(shape)


def _collect(data: Any, shape: Sequence[int], place: str, into: list[Any]) -> None:
    if not shape:
        into.append(data)
        return
    if not isinstance(data, list) or len(data) != shape[0]:
        raise InputError(
            "{place} is {found}; it must be a list of {count}",
            place=place,
            found=shown(data),
            count=shape[0],
        )
    if len(shape) == 1:
        into.extend(data)
        return
    for k, part in enumerate(data):
        _collect(part, shape[1:], f"{place}[{k}]", into)


def _number(leaf: Any, dtype: np.dtype[Any]) -> Any:
    """Return a leaf as a number that `dtype` holds exactly, None where it is none."""
    if dtype.kind == "i":
        return leaf if type(leaf) is int and -(2**63) <= leaf < 2**63 else None
    if isinstance(leaf, str) and leaf in NOT_FINITE:
        return float(leaf)
    if type(leaf) not in (int, float):
        return None
    try:
        value = float(leaf)
    except OverflowError:
        return None
    with np.errstate(over="ignore"):
        exact = isfinite(value) and value == leaf and float(dtype.type(value)) == value
    return value if exact else None
