"""Grades: a class as a table, each student's reasons, and what the class got wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.classroom.grading.marks import Codes, Graded, Mark, Report, explained, plain
from stepconv.classroom.grading.summary import Summary
from stepconv.classroom.mistakes import mistake
from stepconv.classroom.sandbox import protection_text
from stepconv.language import _
from stepconv.views.parts.columns import columns
from stepconv.views.parts.layout import flow, indented
from stepconv.views.parts.paragraph import listed
from stepconv.views.theme import Look

INDENT = 2
MOST_QUESTIONS = 10
"""Questions that have a column each; a table of more is no longer read."""
LEAST_LAST = 20
"""Columns for the mistakes, the last ones of the table."""


class Grades:
    """A table of the class, then the reasons, what could not be graded, and the summary.

    Parameters
    ----------
    report : Report
    summary : Summary
    look : Look
    reasons : bool
        Tell for each student why marks are missing.
    """

    def __init__(
        self, report: Report, summary: Summary, look: Look, *, reasons: bool = False
    ) -> None:
        self.report = report
        self.summary = summary
        self.look = look
        self.reasons = reasons

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        parts = [self._table(width)]
        if self.reasons:
            parts += [self._reasons(one, width) for one in self.report.graded]
        else:
            parts.append(self._notes(width))
        parts += [self._ungraded(width), self._missing(width)]
        if len(self.report.graded) > 1:
            parts += [self._mistakes(width), self._items(width)]
        for number, lines in enumerate(part for part in parts if part):
            yield from [Text()] * bool(number)
            yield from lines

    # -- the class ----------------------------------------------------------------------

    def _table(self, width: int) -> list[Text]:
        graded = self.report.graded
        if not graded:
            return [Text(_("Nothing was graded."))]
        questions = self.report.questions
        if len(questions) > MOST_QUESTIONS or self._before(questions) > width - LEAST_LAST:
            questions = ()
        named = any(one.name for one in graded)
        heads = [_("student"), *[_("name")] * named, _("marks"), _("of"), *questions, _("mistakes")]
        rows = [self._row(one, questions, named) for one in graded]
        align = "<" + "<" * named + ">>" + ">" * len(questions) + "<"
        roles = ["key", *["input"] * named, "sum", "label", *["input"] * len(questions), "input"]
        told = _("graded: {title}").format(title=self.report.title)
        title = Text(self.look.plain(told), self.look.style("title"))
        body = columns(heads, rows, self.look, width, align=align, roles=roles, gap=2)
        return [title, *body]

    def _before(self, questions: Sequence[str]) -> int:
        """Columns of the screen in front of the mistakes, with a column for each question."""
        ids, names = (
            max(cell_len(text) for text in texts)
            for texts in zip(*((one.student, one.name) for one in self.report.graded), strict=True)
        )
        return INDENT + ids + min(names, 20) + 15 + 5 * len(questions)

    def _row(self, one: Graded, questions: Sequence[str], named: bool) -> list[str]:
        shown = one.name if cell_len(one.name) <= 20 else one.name[:12] + "…"
        told = [one.student, *[shown] * named]
        if not one.file:
            blank = [""] * len(questions)
            return [*told, "0", str(plain(one.most)), *blank, _("nothing handed in")]
        marks = [str(plain(one.question(name))) for name in questions]
        mistakes = dict.fromkeys(explained(mark.mistakes) for mark in one.marks if mark.mistakes)
        words = [*mistakes, *[_("see notes")] * bool(one.all_notes)]
        return [*told, str(plain(one.total)), str(plain(one.most)), *marks, listed(words)]

    # -- one student --------------------------------------------------------------------

    def _reasons(self, one: Graded, width: int) -> list[Text]:
        name = f"{one.student}  {one.name}".strip()
        head = f"{name}   {plain(one.total)}/{plain(one.most)}"
        lines = [Text(self.look.plain(head), self.look.style("title"))]
        lines += self._paragraphs(one.all_notes, width, INDENT, "note")
        if one.file:
            lines += self._marks(one, width)
        return lines

    def _marks(self, one: Graded, width: int) -> list[Text]:
        """Tell what is not simply right; a reason once, and what is missing in one line."""
        lines: list[Text] = []
        for mark, reason in one.reasons:
            lines += self._mark(mark, reason, width)
        if one.missing:
            text = _("nothing written: {parts}").format(parts=listed(one.missing))
            lines += self._paragraphs([text], width, INDENT)
        return lines or self._paragraphs([_("Everything is right.")], width, INDENT)

    def _mark(self, mark: Mark, reason: str, width: int) -> Iterator[Text]:
        head = f"{mark.label}  {plain(mark.marks)}/{plain(mark.most)}"
        yield from indented([Text(head, self.look.style("key"))], INDENT)
        if mark.given and mark.verdict != "follows":
            given = _("given: {value}").format(value=mark.given)
            expected = _("expected: {value}").format(value=mark.expected)
            yield from self._paragraphs([given, expected], width, 2 * INDENT)
        yield from self._paragraphs([reason], width, 2 * INDENT)

    def _paragraphs(
        self, texts: Sequence[str], width: int, indent: int, role: str = "input"
    ) -> list[Text]:
        lines = []
        for text in texts:
            lines += flow([self.look.plain(text)], width - indent, self.look.style(role))
        return indented(lines, indent)

    # -- around it ----------------------------------------------------------------------

    def _notes(self, width: int) -> list[Text]:
        noted = [one for one in self.report.graded if one.file and one.all_notes]
        texts = [f"{one.student}: {note}" for one in noted for note in one.all_notes]
        head = [Text(_("notes"), self.look.style("title"))]
        return head + self._paragraphs(texts, width, INDENT) if texts else []

    def _ungraded(self, width: int) -> list[Text]:
        found = self.report.ungraded
        if not found:
            return []
        head = [Text(_("not graded"), self.look.style("title"))]
        return head + self._paragraphs([f"{one}: {why}" for one, why in found], width, INDENT)

    def _missing(self, width: int) -> list[Text]:
        if not self.report.missing:
            return []
        lacking = "; ".join(protection_text(code) for code in self.report.missing)
        text = _("Not ensured on this machine while the code ran: {lacking}.")
        return flow([self.look.plain(text.format(lacking=lacking))], width, self.look.style("note"))

    def _mistakes(self, width: int) -> list[Text]:
        if not self.summary.mistakes:
            return []
        rows = [
            [explained(found), str(count), _names(found)] for found, count in self.summary.mistakes
        ]
        heads = [_("mistake"), _("students"), ""]
        return columns(heads, rows, self.look, width, align="<><", gap=2)

    def _items(self, width: int) -> list[Text]:
        summary = self.summary
        text = _("{count} of {all} handed in; mean {mean} of {most}").format(
            count=summary.handed_in,
            all=summary.students,
            mean=round(summary.mean, 2),
            most=plain(round(summary.most, 2)),
        )
        lines = flow([self.look.plain(text)], width)
        heads = [_("question"), _("mean"), _("of"), _("all right"), _("tells")]
        rows = [
            [
                item.question,
                f"{item.mean:.2f}",
                str(plain(round(item.most, 2))),
                str(item.right),
                "—" if item.discrimination is None else f"{item.discrimination:+.2f}",
            ]
            for item in summary.items
        ]
        lines += columns(heads, rows, self.look, width, align="<>>>>")
        if summary.telling:
            most = _("question {name} tells most").format(name=summary.telling)
            lines += flow([self.look.plain(most)], width)
        told = _(
            "tells: the correlation of a question's marks with those of all the others, from −1"
            " to 1; the higher, the better it parts good work from poor."
        )
        return [*lines, *flow([self.look.plain(told)], width, self.look.style("note"))]


def _names(found: Sequence[Codes]) -> str:
    """Name explanations in words."""
    together = (_(" together with ").join(mistake(code).name for code in codes) for codes in found)
    return _("; or ").join(together)
