"""Practised: how a session of practice went, and the topics there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.classroom.mistakes import mistake
from stepconv.classroom.practice.course import Codes
from stepconv.classroom.practice.schedule import Schedule
from stepconv.classroom.practice.summary import Summary
from stepconv.classroom.topics import TOPICS, topic
from stepconv.language import _
from stepconv.views.lessons.breaking import broken
from stepconv.views.parts.columns import columns
from stepconv.views.theme import Look


class Practised:
    """The summary of a session: by topic, by mistake, and what to do next."""

    def __init__(self, summary: Summary, look: Look) -> None:
        self.summary = summary
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, found = options.max_width, self.summary
        if not found.asked:
            yield from self._said(_("No question was answered."), width)
            return
        text = _(
            "Questions: {count}. Right at once: {right}; with hints: {helped}; not right at first:"
            " {missed}."
        )
        counts = text.format(
            count=found.asked, right=found.right, helped=found.helped, missed=found.missed
        )
        yield from self._said(counts, width, "title")
        yield Text()
        yield from self._topics(width)
        if found.mistakes or found.unexplained:
            yield Text()
            yield from self._mistakes(width)
        yield from self._next(width)

    def _topics(self, width: int) -> list[Text]:
        heads = [_("asked"), _("right"), _("hints"), _("wrong"), _("topic")]
        rows = [
            [
                str(row.asked),
                *(str(count or "") for count in (row.right, row.helped, row.missed)),
                topic(row.topic).title(),
            ]
            for row in self.summary.rows
        ]
        return columns(heads, rows, self.look, width, align=">>>><")

    def _mistakes(self, width: int) -> list[Text]:
        rows = [[str(count), _named(codes)] for codes, count in self.summary.mistakes]
        if self.summary.unexplained:
            rows.append([str(self.summary.unexplained), _("wrong answers of another kind")])
        heads = [_("times"), _("mistake")]
        return columns(heads, rows, self.look, width, align="><")

    def _next(self, width: int) -> Iterator[Text]:
        found = self.summary
        told = [_("read again: stepconv lesson {id}").format(id=name) for name in found.lessons]
        if found.level is not None:
            text = _("all right at once: try stepconv practice --level {level}")
            told.append(text.format(level=found.level))
        if told:
            yield Text()
        for text in told:
            yield from self._said(text, width, "note")

    def _said(self, text: str, width: int, role: str = "input") -> list[Text]:
        return broken(Text(self.look.plain(text), self.look.style(role)), width)


class TopicList:
    """The topics, what is asked about them, and how each stands."""

    def __init__(self, schedule: Schedule, look: Look) -> None:
        self.schedule = schedule
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = [[one.name, standing_text(self.schedule, one.name), one.title()] for one in TOPICS]
        roles, width = ("key", "done", "input"), options.max_width
        yield from columns([], rows, self.look, width, align="<<<", roles=roles, gap=2)
        yield Text()
        note = _("stepconv practice TOPIC asks about one; topics that went wrong come back sooner")
        yield from broken(Text(self.look.plain(note), self.look.style("note")), width)


def standing_text(schedule: Schedule, name: str) -> str:
    """Return in a word how a topic stands.

    >>> standing_text(Schedule().after("bias", "wrong"), "bias"), standing_text(Schedule(), "bias")
    ('in 2 questions', '')
    """
    standing = schedule.standings.get(name)
    if standing is None:
        return ""
    left = standing.due - schedule.turn
    return _("in {count} questions").format(count=left) if left > 0 else _("due")


def _named(explanations: Codes) -> str:
    """Name mistakes in words: those made together, and alternatives."""
    alternatives: Sequence[str] = [
        _(" together with ").join(mistake(code).name for code in codes) for codes in explanations
    ]
    return _("; or ").join(alternatives)
