"""What stands below a page: the answer line, where one is, and the keys."""

from __future__ import annotations

from rich.text import Text

from stepconv.language import _
from stepconv.lessons.attempt import Attempt
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.progress import RIGHT
from stepconv.lessons.questions import Question
from stepconv.lessons.session import Session
from stepconv.views.parts.chrome import key_line, note_line
from stepconv.views.theme import Look


def footer(session: Session, lesson: Lesson, look: Look, width: int, remark: str) -> list[Text]:
    """Return the three lines below a page."""
    name = session.question
    question = lesson.questions[name] if name is not None and not session.overlay else None
    attempt = session.attempt(name) if name is not None else Attempt()
    first = note_line(remark, look)
    if question is not None and not attempt.outcome:
        first = _answer_line(question, attempt, look)
    keys = _keys(session, attempt)
    if session.overlay == "contents":
        keys = _contents_keys()
    elif session.overlay == "help":
        keys = [(1, "↑↓ " + _("scroll")), (0, _("Any key goes back."))]
    elif question is not None and attempt.typed and not attempt.outcome:
        keys = _typing_keys()
    return [
        first,
        note_line(key_line(_where(session, lesson), width), look, look.style("title")),
        note_line(key_line(keys, width), look),
    ]


def _answer_line(question: Question, attempt: Attempt, look: Look) -> Text:
    line = Text(_("Your answer: "), look.style("label"), no_wrap=True, overflow="ellipsis")
    if attempt.typed:
        # The end of a long answer is where one is typing.
        return line.append(attempt.typed[-40:] + "_", look.style("strong"))
    return line.append("_  ", look.style("strong")).append(look.plain(_form(question.kind)))


def _form(kind: str) -> str:
    """Say how an answer is typed."""
    return {
        "number": _("a number, then enter"),
        "numbers": _("numbers parted by blanks, rows by ;, then enter"),
        "shape": _("numbers such as 3, 32, 63, then enter"),
        "set": _("numbers in any order, parted by blanks, then enter"),
        "choice": _("a letter, then enter"),
    }[kind]


def _where(session: Session, lesson: Lesson) -> list[tuple[int, str]]:
    """Say which page this is, and how the questions stand; with ranks, as for keys."""
    parts = [
        (3, lesson.head.titles[session.language]),
        (
            0,
            _("page {number} of {count}").format(
                number=session.page + 1, count=len(session.starts)
            ),
        ),
    ]
    if lesson.questions:
        right = sum(session.attempt(name).outcome == RIGHT for name in lesson.questions)
        text = _("{right} of {count} questions right")
        parts.append((2, text.format(right=right, count=len(lesson.questions))))
    if session.scroll < session.overflow and not session.overlay:
        parts.append((1, _("↓ more below")))
    return parts


def _keys(session: Session, attempt: Attempt) -> list[tuple[int, str]]:
    """Return the keys that do something now, each with the rank in which it is left out."""
    is_open = session.question is not None and not attempt.outcome
    more = session.scroll < session.overflow
    keys = [(0, "→ " + (_("down") if more else _("skip") if is_open else _("next")))]
    if session.at_end:
        keys = [(0, _("enter") + " " + _("next lesson"))] if session.reading.followed else []
    keys.append((4, "← " + _("back")))
    if is_open:
        keys += [(1, "h " + _("hint")), (3, "x " + _("show the answer"))]
    if session.mistaken:
        keys.append((1, "r " + _("see where it goes wrong")))
        if session.explained:
            keys.append((2, "w " + _("your way")))
    elif session.scenes:
        keys.append((1, "r " + _("step through")))
    if len(session.scenes) > 1:
        keys.append((6, "s " + _("another scene")))
    if session.overflow:
        keys.append((7, "↑↓ " + _("scroll")))
    return [
        *keys,
        (8, "t " + _("contents")),
        (9, "l " + {"en": "中文", "zh": "English"}[session.language]),
        (5, "? " + _("help")),
        (0, "q " + _("quit")),
    ]


def _typing_keys() -> list[tuple[int, str]]:
    return [
        (0, _("enter") + " " + _("send the answer")),
        (1, "Esc " + _("clear it")),
        (3, "h " + _("hint")),
        (2, "→ " + _("skip")),
    ]


def _contents_keys() -> list[tuple[int, str]]:
    return [
        (0, "↑↓ " + _("choose")),
        (0, _("enter") + " " + _("go there")),
        (0, "q " + _("back to the page")),
    ]
