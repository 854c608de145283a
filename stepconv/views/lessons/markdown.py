"""A whole lesson as Markdown: its prose as it was written, results filled in, scenes as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stepconv.language import _
from stepconv.lessons.format import (
    Block,
    Code,
    Heading,
    Items,
    PageBreak,
    Paragraph,
    QuestionMarker,
    SceneMarker,
    Span,
    Spans,
    Table,
)
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.outline import Outline
from stepconv.lessons.questions import LETTERS
from stepconv.views.export import drawn_lines
from stepconv.views.lessons.question import question_title
from stepconv.views.lessons.scene import SceneView
from stepconv.views.lessons.whole import answer_spans
from stepconv.views.theme import Look

_SPECIAL = re.compile(r"([\\`*<\[|]|(?<!\w)_|_(?!\w))")  # within a word _ is a letter
_LEADING = re.compile(r"^(\s*)([-+>#]|\d+[.)])")
_RULES = {"<": "---", "^": ":---:", ">": "---:"}


def markdown(lesson: Lesson, look: Look, width: int, *, answers: bool) -> str:
    """Return the lesson in the current language."""
    blocks = lesson.blocks()
    outline = Outline(blocks)
    parts = [part for block in blocks for part in _block(block, lesson, outline, look, width)]
    if answers and outline.asked_at:
        parts.append("## " + _("Answers"))
        names = enumerate(outline.asked_at, 1)
        parts.append(
            "\n".join(f"{k}. {running(answer_spans(lesson.questions[name]))}" for k, name in names)
        )
    return "\n\n".join(parts) + "\n"


def running(spans: Spans) -> str:
    r"""Return running text as Markdown.

    >>> print(running((Span("2 * 3 is "), Span("a_b", "code"), Span(" here", "bold"))))
    2 \* 3 is `a_b`** here**
    """
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    if span.kind == "code":
        fence = "``" if "`" in span.text else "`"
        return f"{fence}{span.text}{fence}"
    mark = {"bold": "**", "em": "*"}.get(span.kind, "")
    return mark + _SPECIAL.sub(r"\\\1", span.text) + mark


def _block(block: Block, lesson: Lesson, outline: Outline, look: Look, width: int) -> Iterator[str]:
    match block:
        case Heading():
            yield "#" * block.level + " " + running(block.text)
        case Paragraph():
            yield _LEADING.sub(r"\1\\\2", running(block.text))
        case Items():
            first = block.first
            marks = ["-" if first is None else f"{first + k}." for k in range(len(block.items))]
            items = zip(marks, block.items, strict=True)
            yield "\n".join(f"{mark} {running(item)}" for mark, item in items)
        case Code():
            yield _fenced(block.text, block.language)
        case Table():
            yield "\n".join(_table(block))
        case SceneMarker():
            scene = lesson.scenes[block.scene]
            if scene.title:
                yield running((Span(scene.title, "bold"),))
            view = SceneView(scene, look, view=block.view, step=block.step, titled=False)
            lines = drawn_lines(view, look, width)
            text = "\n".join("".join(segment.text for segment in line) for line in lines)
            yield _fenced(text, "text")
        case QuestionMarker():
            yield from _question(lesson, outline, block.question)
        case PageBreak():
            return


def _question(lesson: Lesson, outline: Outline, name: str) -> Iterator[str]:
    question = lesson.questions[name]
    title = (Span(question_title(outline, name), "bold"), Span("  "))
    yield running((*title, *question.ask))
    if question.options:
        options = zip(LETTERS, question.options, strict=False)
        yield "\n".join(f"- **{letter}**  {running(one.text)}" for letter, one in options)


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"


def _table(block: Table) -> Iterator[str]:
    yield _row(block.header)
    yield "|" + "|".join(_RULES[side] for side in block.align) + "|"
    yield from map(_row, block.rows)


def _row(cells: Sequence[Spans]) -> str:
    return "| " + " | ".join(map(running, cells)) + " |"
