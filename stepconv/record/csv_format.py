"""The record as CSV: a comment with what runs it again, then a row for each term."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from stepconv.errors import InputError
from stepconv.geometry import Geometry
from stepconv.record import fields
from stepconv.record.fields import differ, plain
from stepconv.record.json_format import check_length, described, dumps, rerun
from stepconv.record.trace import Trace
from stepconv.values import shown

_AXES = {1: "l", 2: "hw", 3: "dhw"}


def to_csv(trace: Trace) -> str:
    """Return the record as CSV: a comment line, the names, a row for each term.

    >>> from stepconv import trace
    >>> print(to_csv(trace([[2, 5]], [[[3, 1]]])))
    # {"format": 1, ...}
    placement,output_n,output_c,output_l,term,kind,input_n,...,weight,product,sum
    0,0,0,0,0,input,0,0,0,2,0,0,0,3,6,6
    0,0,0,0,1,input,0,0,1,5,0,0,1,1,5,11
    """
    check_length(trace)
    arrays = {name: plain(array) for name, array in fields.arrays(trace).items()}
    text = io.StringIO()
    text.write(f"# {dumps(fields.description(trace) | arrays)}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_columns(trace.geometry))
    writer.writerows(_rows(trace))
    return text.getvalue()


def from_csv(text: str) -> Trace:
    """Rebuild a trace from `to_csv`'s text.

    Raises
    ------
    InputError
        When the text is no such CSV, or the computation gives anything else than what
        is written down: it names the first place.

    Examples
    --------
    >>> from stepconv import trace
    >>> from_csv(to_csv(trace([[2, 5]], [[[3, 1]]]))).output
    array([[11]])
    """
    comment, _newline, table = text.partition("\n")
    if not comment.startswith("#"):
        raise InputError(
            "the record's first line is {found}; it must be the comment, # {{…}}, that carries the"
            " input and the weight",
            found=shown(comment),
        )
    try:
        names, *rows = filter(None, csv.reader(io.StringIO(table, newline="")))
    except (csv.Error, ValueError) as error:
        raise InputError(
            "the record has no table under its first line; save the trace again"
        ) from error
    trace = rerun(described(comment.removeprefix("#")))
    columns = _columns(trace.geometry)
    if names != columns:
        differ("line 2", names, columns)
    if len(rows) != trace.products.size:
        raise InputError(
            "the record has {found} rows of terms; its input and region give {expected}",
            found=len(rows),
            expected=trace.products.size,
        )
    for line, (row, expected) in enumerate(zip(rows, _rows(trace), strict=True), 3):
        if row != expected:
            _compare_rows(row, expected, line, trace)
    return trace


def _columns(geometry: Geometry) -> list[str]:
    axes = _AXES[geometry.rank]
    channels = ("in", "out") if geometry.transposed else ("out", "in")
    return [
        "placement",
        *(f"output_{axis}" for axis in ("n", "c", *axes)),
        "term",
        "kind",
        *(f"input_{axis}" for axis in ("n", "c", *axes)),
        "value",
        *(f"weight_{axis}" for axis in (*channels, *axes)),
        "weight",
        "product",
        "sum",
    ]


def _rows(trace: Trace) -> Iterator[list[str]]:
    blank = [""] * len(trace.region)
    for placement in trace.placements:
        for term in placement.terms:
            yield [
                str(placement.index),
                *map(str, placement.output_index),
                str(term.number),
                term.kind,
                *(blank if term.input is None else map(str, term.input)),
                _text(term.value),
                *map(str, term.weight_index),
                _text(term.weight),
                _text(term.product),
                _text(term.sum),
            ]


def _text(number: Any) -> str:
    """Write a number exactly: integers plainly, floats as float64 has them, 1+2j."""
    return str(np.asarray(number).item()).strip("()")


def _compare_rows(row: list[str], expected: list[str], line: int, trace: Trace) -> None:
    """Accept numbers spelt in another way, as 1 for 1.0, and nothing else."""
    read = {"i": int, "f": float, "c": complex}[trace.products.dtype.kind]
    names = _columns(trace.geometry)
    if len(row) != len(names):
        differ(f"line {line}", row, expected)
    for name, found, right in zip(names, row, expected, strict=True):
        if found == right:
            continue
        try:
            same = name in ("value", "weight", "product", "sum") and read(found) == read(right)
        except ValueError:
            same = False
        if not same:
            differ(f"line {line}, {name}", found, right)
