"""What stands in the place of a page: the contents, the keys, and the end of a lesson."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from stepconv.language import _
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.outline import Entry
from stepconv.lessons.progress import RIGHT, SHOWN
from stepconv.lessons.session import Session
from stepconv.views.lessons.breaking import broken
from stepconv.views.parts.columns import columns
from stepconv.views.theme import Look


def contents_lines(session: Session, titles: Sequence[Text], look: Look, room: int) -> list[Text]:
    """Return the table of contents, as much of it around the chosen entry as fits.

    `titles` are those of the entries.
    """
    entries = session.outline.entries
    lines = [Text(_("Contents"), look.style("title")), Text()]
    most = max(room - len(lines), 1)
    first = min(max(session.cursor - most // 2, 0), max(len(entries) - most, 0))
    for number in range(first, min(first + most, len(entries))):
        lines.append(_entry(session, entries[number], titles[number], look, number))
    return lines


def _entry(session: Session, entry: Entry, title: Text, look: Look, number: int) -> Text:
    page = sum(start <= entry.at for start in session.starts)
    chosen = number == session.cursor
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(look.plain("▸ ") if chosen else "  ", look.style("key"))
    line.append(f"{page:>3}  ", look.style("label")).append_text(title)
    if chosen:
        line.stylize(look.style("strong"))
    marks = "".join(_mark(session.attempt(name).outcome) for name in entry.questions)
    return line.append("  " + look.plain(marks), look.style("right"))


def _mark(outcome: str) -> str:
    return {RIGHT: "✓", SHOWN: "−"}.get(outcome, "·")


def help_lines(look: Look, width: int) -> list[Text]:
    """Explain the keys."""
    keys = [
        ("→ n " + _("space"), _("next page, or further down on a long one")),
        ("← p", _("the page before")),
        ("↑ ↓", _("up and down on a long page")),
        ("Home End", _("first and last page")),
        ("r", _("step through the scene; after a wrong answer, to where it goes wrong")),
        ("w", _("step through the work that gives your wrong answer")),
        ("s", _("another scene of the page to step through")),
        ("h", _("a hint; again for the next one")),
        ("x", _("give up: show the answer")),
        ("t", _("contents")),
        ("l", _("the other language")),
        ("q Esc", _("quit; you can go on later where you were")),
    ]
    return [
        Text(_("Keys"), look.style("title")),
        Text(),
        *columns([], keys, look, width, align="<<", roles=("key", "input"), gap=2),
        Text(),
        *broken(Text(_("Answers are typed and sent with enter."), look.style("note")), width),
    ]


def ending_lines(
    session: Session, lesson: Lesson, look: Look, width: int, following: str
) -> Iterator[Text]:
    """Yield what stands behind the last block: how the questions went, and what comes next."""
    title = lesson.head.titles[session.language]
    yield from broken(
        Text(_("The end of: {title}").format(title=title), look.style("title")), width
    )
    yield Text()
    outcomes = {name: session.attempt(name).outcome for name in lesson.questions}
    missing = [name for name, outcome in outcomes.items() if not outcome]
    right = sum(outcome == RIGHT for outcome in outcomes.values())
    if outcomes:
        text = _("You answered {right} of {count} questions.").format(
            right=right, count=len(outcomes)
        )
        yield from broken(Text(text), width)
    if missing:
        pages = map(str, sorted(_page_of(session, name) for name in missing))
        text = _("Still open, on page: {pages}").format(pages=", ".join(pages))
        yield from broken(Text(text), width)
    yield Text()
    text = _("That was the last lesson. stepconv lessons lists them all.")
    if following:
        text = _("Enter goes on with: {title}").format(title=following)
    yield from broken(Text(text), width)


def _page_of(session: Session, question: str) -> int:
    return sum(start <= session.outline.asked_at[question] for start in session.starts)
