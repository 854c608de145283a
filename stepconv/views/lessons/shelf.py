"""Shelf: the list of lessons with how far each has come; CheckReport: what a check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.language import _
from stepconv.lessons.progress import Progress
from stepconv.lessons.shelf import Head
from stepconv.views.parts.columns import columns
from stepconv.views.parts.layout import flow, indented
from stepconv.views.theme import Look

if TYPE_CHECKING:
    from stepconv.lessons.checker import Report

INDENT = 2


class Shelf:
    """The lessons, one on a line, those of each folder together.

    Parameters
    ----------
    heads : sequence of Head
    progress : Mapping
        By id, of the lessons that were begun.
    look : Look
    """

    def __init__(self, heads: Sequence[Head], progress: Mapping[str, Progress], look: Look) -> None:
        self.heads = heads
        self.progress = progress
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        for number, (folder, heads) in enumerate(groupby(self.heads, _folder)):
            if number:
                yield Text()
                yield from flow([self.look.plain(str(folder))], width, self.look.style("label"))
            rows = [self._row(head) for head in heads]
            roles = ["label", "key", "done", "input"]
            if not self.progress:
                rows, roles = [[*row[:2], row[3]] for row in rows], [*roles[:2], roles[3]]
            align = ">".ljust(len(roles), "<")
            yield from columns([], rows, self.look, width, align=align, roles=roles, gap=2)
        yield Text()
        for hint in self._hints():
            yield from indented(flow([hint], width - INDENT, self.look.style("note")), INDENT)

    def _row(self, head: Head) -> list[str]:
        return [str(head.number), head.id, state(self.progress.get(head.id), head), head.title]

    def _hints(self) -> list[str]:
        ends = [head for head in self.heads if not self._finished(head)]
        hints = [_("stepconv lesson ID begins a lesson, or goes on where you left it")]
        if ends and self.progress:
            hints.append(_("next: stepconv lesson {name}").format(name=ends[0].id))
        return hints

    def _finished(self, head: Head) -> bool:
        found = self.progress.get(head.id)
        return found is not None and found.finished


def state(progress: Progress | None, head: Head) -> str:
    """Return in a few words how far a lesson has come.

    >>> from stepconv.lessons.shelf import shelf
    >>> head = shelf()[0]
    >>> state(None, head), state(Progress(finished=True), head)
    ('', 'done')
    >>> state(Progress(answers={head.questions[0]: "right"}), head)
    'begun, 1 of 6 right'
    """
    if progress is None:
        return ""
    word = _("done") if progress.finished else _("begun")
    right = progress.right(head.questions) if progress.answers else 0
    if not right:
        return word
    text = _("{state}, {right} of {count} right")
    return text.format(state=word, right=right, count=len(head.questions))


def _folder(head: Head) -> Path:
    return head.folder.parent


class CheckReport:
    """What is wrong with some lessons, one paragraph each, or how much is right.

    Parameters
    ----------
    report : Report
    look : Look
    """

    def __init__(self, report: Report, look: Look) -> None:
        self.report = report
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, report = options.max_width, self.report
        for problem in report.problems:
            for number, line in enumerate(flow([self.look.plain(str(problem))], width - INDENT)):
                yield Text(" " * INDENT if number else "- ").append_text(line)
        counts = _(
            "lessons {lessons}, scenes {scenes}, questions {questions}, results in the prose"
            " {results}"
        ).format(
            lessons=report.lessons,
            scenes=report.scenes,
            questions=report.questions,
            results=report.results,
        )
        verdict = (
            _("problems {count}").format(count=len(report.problems))
            if report.problems
            else _("all is well")
        )
        style = self.look.style("error" if report.problems else "done")
        summary = _("{counts}: {verdict}").format(counts=counts, verdict=verdict)
        yield from flow([summary], width, style)
