"""ExerciseList: the exercises and how far each has come; CheckedFile: what a check found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.classroom.exercises import CheckedCase, Exercise, Report
from stepconv.classroom.exercises.workbook import Standing
from stepconv.files import shown
from stepconv.language import _
from stepconv.views.parts.columns import columns
from stepconv.views.parts.layout import flow, indented
from stepconv.views.theme import Look

INDENT = 2
MOST_LINES = 8
"""Lines of an array or of what was printed."""


class ExerciseList:
    """The exercises, one on a line.

    Parameters
    ----------
    exercises : sequence of Exercise
    standings : Mapping
        By id.
    look : Look
    """

    def __init__(
        self, exercises: Sequence[Exercise], standings: Mapping[str, Standing], look: Look
    ) -> None:
        self.exercises = exercises
        self.standings = standings
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = [
            [str(one.number), one.id, standing_text(self.standings[one.id]), one.summary]
            for one in self.exercises
        ]
        width, roles = options.max_width, ("label", "key", "done", "input")
        yield from columns([], rows, self.look, width, align="><<<", roles=roles, gap=2)
        yield Text()
        note = _(
            "stepconv exercise start NAME begins one, in this folder or the one named after it"
        )
        style = self.look.style("note")
        yield from indented(flow([note], width - INDENT, style), INDENT)


def standing_text(found: Standing) -> str:
    """Return in a word how far an exercise has come.

    >>> standing_text(Standing()), standing_text(Standing("conv1d.py", hints=1))
    ('', 'begun')
    >>> standing_text(Standing("conv1d.py", passed_before=True))
    'begun again'
    """
    if found.passed:
        return _("passed")
    if found.passed_before:
        return _("begun again")
    return _("begun") if found.file else ""


class CheckedFile:
    """What a check found: every case that is not right, with what it was given.

    Parameters
    ----------
    report : Report
    look : Look
    next_exercise : Exercise, optional
        What to go on with when all is right.
    """

    def __init__(self, report: Report, look: Look, next_exercise: Exercise | None = None) -> None:
        self.report = report
        self.look = look
        self.next_exercise = next_exercise

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, report = options.max_width, self.report
        yield Text.assemble(
            (report.exercise.id, self.look.style("title")), "   ", report.exercise.signature
        )
        if report.problem is not None:
            yield Text()
            yield from self._flow(str(report.problem), width, "error")
        else:
            for number, case in enumerate(report.cases, 1):
                if not case.passed:
                    yield Text()
                    yield from self._case(number, case, width)
        yield Text()
        yield from self._verdict(width)

    def _case(self, number: int, case: CheckedCase, width: int) -> Iterator[Text]:
        head = _("case {number} of {count}").format(number=number, count=len(self.report.cases))
        yield Text(head, self.look.style("title"))
        rows = [(name, _lines(value, width - 18)) for name, value in case.case.given.items()]
        rows.append((_("expected"), _lines(case.case.expected, width - 18)))
        if case.got is not None:
            rows.append((_("got"), _lines(case.got, width - 18)))
        if case.printed.strip():
            rows.append((_("printed"), _cut(case.printed.rstrip().splitlines(), width - 18)))
        names = max(cell_len(name) for name, _text in rows)
        for name, lines in rows:
            for k, line in enumerate(lines):
                label = "" if k else name
                style = self.look.style("label")
                text = Text(" " * INDENT, no_wrap=True, overflow="crop")
                label += " " * (names + 2 - cell_len(label))
                yield text.append(label, style).append(self.look.plain(line))
        if case.reason is not None:
            yield from self._flow(str(case.reason), width, "error")
        elif case.got is not None:
            yield from self._found(case, width)
        yield from _command(case.case.replay, width, self.look)

    def _found(self, case: CheckedCase, width: int) -> Iterator[Text]:
        """Say what the wrong result shows."""
        facts, ways = case.remarks.facts, case.remarks.ways
        for fact in facts:
            yield from self._flow(fact, width, "sum")
        if len(ways) > 1:
            yield from self._flow(_("any of these would give it:"), width, "note")
        for way in ways:
            yield from self._flow(way, width, "sum")

    def _verdict(self, width: int) -> Iterator[Text]:
        report = self.report
        right = len(report.cases) - len(report.failed)
        text = _("{right} of {count} cases are right")
        yield from self._flow(
            text.format(right=right, count=len(report.cases)),
            width,
            "done" if report.passed else "title",
        )
        if report.passed and self.next_exercise is not None:
            text = _("next: stepconv exercise start {name}").format(name=self.next_exercise.id)
            yield from self._flow(text, width, "note")
        elif not report.passed:
            if report.problem is None:
                text = _("the command below each case shows how what is expected comes about")
                yield from self._flow(text, width, "note")
            text = _("stepconv exercise hint {name} gives a hint").format(name=report.exercise.id)
            yield from self._flow(text, width, "note")
        if not report.protections.complete:
            yield from self._flow(str(report.protections), width, "note")

    def _flow(self, text: str, width: int, role: str) -> list[Text]:
        style = self.look.style(role)
        return indented(flow([self.look.plain(text)], width - INDENT, style), INDENT)


def _lines(value: Any, width: int) -> list[str]:
    """Return a value as Python shows it, cut where it is long."""
    if isinstance(value, np.ndarray):
        with np.printoptions(threshold=400, edgeitems=4, suppress=True, precision=6):
            text = np.array2string(value, max_line_width=max(width, 20))
            return _cut([line for line in text.splitlines() if line], width)
    return _cut([str(value)], width)


def _cut(lines: list[str], width: int) -> list[str]:
    kept = [shown(line, max(width, 20)) for line in lines[:MOST_LINES]]
    return [*kept, "…"] if len(lines) > MOST_LINES else kept


def _command(command: str, width: int, look: Look) -> list[Text]:
    """Set a command on lines that can be copied together."""
    lines = [""]
    for word in shlex.split(command):
        quoted = shlex.quote(word)
        if lines[-1] and len(lines[-1]) + len(quoted) + 1 > width - 2 * INDENT - 2:
            lines.append(quoted)
        else:
            lines[-1] += (" " if lines[-1] else "") + quoted
    ends = [" \\"] * (len(lines) - 1) + [""]
    texts = [line + end for line, end in zip(lines, ends, strict=True)]
    # Longer words than a line are left whole: in one piece they can be copied.
    return [Text(" " * INDENT + text, look.style("key"), overflow="ignore") for text in texts]
