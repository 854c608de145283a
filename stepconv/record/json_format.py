"""The record as JSON; its keys are listed in `stepconv.record.formats`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stepconv.errors import InputError, TraceError
from stepconv.record import fields
from stepconv.record.fields import expect, member, parsed, plain
from stepconv.record.placement import Placement
from stepconv.record.trace import Trace
from stepconv.values import shown

LARGEST_TEXT = 2_000_000
"""Terms that a record may have as text, where each takes some 150 bytes."""


def to_json(trace: Trace) -> str:
    """Return the record as one JSON object, a line for each placement.

    >>> from stepconv import trace
    >>> record = json.loads(to_json(trace([[2, 5]], [[[3, 1]]])))
    >>> record["output"], record["placements"][0]["terms"][1]["product"]
    ([[11]], 5)
    """
    return "".join(json_chunks(trace))


def json_chunks(trace: Trace) -> Iterator[str]:
    """Yield the parts of `to_json`, so that they need not all stand in memory."""
    check_length(trace)
    arrays = {name: plain(array) for name, array in fields.arrays(trace).items()}
    head = fields.description(trace) | arrays | {"output": plain(trace.output)}
    yield "{\n"
    for name, value in head.items():
        yield f"{dumps(name)}: {dumps(value)},\n"
    yield '"placements": ['
    for k, placement in enumerate(trace.placements):
        yield (",\n" if k else "\n") + dumps(_placement(placement))
    yield "\n]}"


def from_json(text: str) -> Trace:
    """Rebuild a trace from `to_json`'s text.

    Raises
    ------
    InputError
        When the text is no such JSON, or the computation gives anything else than what
        is written down: it names the first place.

    Examples
    --------
    >>> from stepconv import trace
    >>> text = to_json(trace([[2, 5]], [[[3, 1]]]))
    >>> from_json(text)
    Trace(conv1d, input (1, 2), output (1, 1), 1 placements)
    >>> from_json(text.replace('"product": 5', '"product": 6'))
    Traceback (most recent call last):
    stepconv.errors.InputError: placements[0].terms[1].product is 6; ... give 5: ...
    """
    record = described(text)
    found = member(record, "placements", "", list)
    trace = rerun(record)
    expect(member(record, "output"), plain(trace.output), "output")
    if len(found) != len(trace.products):
        raise InputError(
            "the record has {found} placements; its input and region give {expected}",
            found=len(found),
            expected=len(trace.products),
        )
    for k, (one, placement) in enumerate(zip(found, trace.placements, strict=True)):
        expected = _placement(placement)
        if one != expected or dumps(one) != dumps(expected):
            expect(one, expected, f"placements[{k}]")
    return trace


def _placement(placement: Placement) -> dict[str, Any]:
    given = (placement.values, placement.weights, placement.products, placement.sums)
    columns = [plain(array.reshape(-1)) for array in given]
    terms = []
    for term, value, weight, product, running in zip(placement.terms, *columns, strict=True):
        terms.append(
            {
                "input": None if term.input is None else list(term.input),
                "kind": term.kind,
                "value": value,
                "weight": list(term.weight_index),
                "factor": weight,
                "product": product,
                "sum": running,
            }
        )
    return {
        "output": list(placement.output_index),
        "terms": terms,
        "sum": plain(placement.sum),
        "bias": plain(placement.bias),
        "value": plain(placement.output),
    }


def rerun(record: Any) -> Trace:
    """Run again what a JSON object with the arrays as lists describes."""
    dtype = fields.dtype_of(record)
    input = parsed(member(record, "input"), dtype, "input", fields.shape_of(record))
    weight = parsed(member(record, "weight"), dtype, "weight")
    given = member(record, "bias")
    bias = None if given is None else parsed(given, dtype, "bias")
    return fields.rerun(record, input, weight, bias)


def dumps(value: Any) -> str:
    """Return strict JSON on one line."""
    return json.dumps(value, allow_nan=False)


def described(text: str) -> Any:
    """Read what `text`, strict JSON, says about a record of this format."""
    record = _loads(text)
    fields.check_format(record)
    return record


def _loads(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise InputError(
            "the record holds {constant}, which JSON has not; write it as a string: {name}",
            constant=constant,
            name=f'"{constant.replace("Infinity", "inf").replace("NaN", "nan")}"',
        )

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InputError(
            "the record is no JSON at line {line}, column {column}, near {near}; save the trace"
            " again",
            line=error.lineno,
            column=error.colno,
            near=shown(text[max(error.pos - 8, 0) : error.pos + 8].strip()),
        ) from error
    except RecursionError as error:
        raise InputError("the record's lists are nested too deeply to be a trace") from error
    except InputError:
        raise
    except ValueError as error:  # Python's limit on the digits of an integer
        raise InputError(
            "the record holds an integer of thousands of digits; integers end at 64 bits"
        ) from error


def check_length(trace: Trace) -> None:
    """Refuse to write a record as text that no one would read."""
    if trace.products.size > LARGEST_TEXT:
        raise TraceError(
            "a record of {terms} terms is too long for JSON or CSV, which take {most}; save it as"
            " .npz, or trace a part with only=",
            terms=trace.products.size,
            most=LARGEST_TEXT,
        )
