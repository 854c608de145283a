"""The gradebook: a line for each student, as CSV that spreadsheets open safely."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from stepconv.classroom.grading.marks import Graded, Report, explained, plain
from stepconv.classroom.worksheet.csvtext import safe
from stepconv.language import _


def gradebook(report: Report) -> str:
    """Return a report as CSV: marks in all, by question, mistakes, reasons, and notes.

    >>> print(gradebook(Report("sheet", (Graded("7", "=Ada", "", ()),))).splitlines()[1])
    7,'=Ada,0,0,,,,
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    questions = report.questions
    heads = [safe(f"question {name}") for name in questions]
    writer.writerow(
        ["student", "name", "total", "most", *heads, "mistakes", "reasons", "notes", "file"]
    )
    for one in report.graded:
        marks = [plain(one.question(name)) for name in questions]
        told = [one.student, one.name, plain(one.total), plain(one.most), *marks]
        mistakes = dict.fromkeys(explained(mark.mistakes) for mark in one.marks if mark.mistakes)
        told += [
            "; ".join(mistakes),
            " | ".join(_reasons(one)),
            " | ".join(one.all_notes),
            one.file,
        ]
        writer.writerow([safe(cell) if isinstance(cell, str) else cell for cell in told])
    return "\ufeff" + stream.getvalue()


def _reasons(one: Graded) -> Iterator[str]:
    """Tell the marks of each part that is not simply right."""
    for mark, reason in one.reasons:
        yield f"{mark.label} {plain(mark.marks)}/{plain(mark.most)}: {reason}"
    if one.missing:
        yield _("nothing written: {parts}").format(parts=_(", ").join(one.missing))
