"""A whole lesson as a page of HTML: whole in itself, light or dark, and fit for paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from rich.style import Style
from rich.terminal_theme import TerminalTheme

from stepconv.language import _, language
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
from stepconv.lessons.questions import Question
from stepconv.views.drawing import FONTS, PALETTE, css, spans
from stepconv.views.export import drawn_lines
from stepconv.views.lessons.question import question_title
from stepconv.views.lessons.scene import SceneView
from stepconv.views.lessons.whole import answer_spans
from stepconv.views.theme import Look

# As in the dark one, each colour is ink on the ground and a ground under black ink.
LIGHT = TerminalTheme(
    (250, 250, 248),
    (36, 41, 47),
    [
        (20, 22, 26),
        (205, 70, 80),
        (52, 140, 70),
        (176, 130, 0),
        (60, 125, 215),
        (165, 90, 195),
        (20, 140, 155),
        (87, 96, 106),
    ],
    [
        (110, 118, 128),
        (215, 80, 90),
        (60, 150, 80),
        (186, 140, 10),
        (40, 105, 205),
        (175, 100, 205),
        (30, 150, 165),
        (255, 255, 255),
    ],
)

_TAGS = {"bold": "strong", "em": "em", "code": "code"}
_SIDES = {"<": "left", "^": "center", ">": "right"}

_STYLE = f"""
:root {{ color-scheme: light dark;
  --ink: #24292f; --ground: #fff; --box: #fafaf8; --rule: #d0d4d9; }}
body {{ margin: 0 auto; padding: 1.5em; max-width: 52rem; color: var(--ink);
  background: var(--ground); font: 1rem/1.65 system-ui, "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", "Noto Sans", sans-serif; }}
h1, h2 {{ line-height: 1.3; margin: 1.8em 0 .6em; }}
pre {{ margin: 0; padding: .9em 1em; overflow-x: auto; background: var(--box);
  border: 1px solid var(--rule); border-radius: 6px; font: .82rem/1.4 {FONTS};
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
pre i {{ display: inline-block; font-style: normal; white-space: pre; }}
code {{ font-family: {FONTS}; font-size: .9em; }}
figure {{ margin: 1.2em 0; }}
figcaption {{ font-weight: 600; margin-bottom: .4em; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .25em .9em .25em 0; border-bottom: 1px solid var(--rule); text-align: left; }}
.question {{ margin: 1.5em 0; padding: .2em 1.2em; border-left: 4px solid #148c9b; }}
.question h3 {{ margin: .6em 0; font-size: 1rem; }}
"""
_DARK = """:root { --ink: #d4d8e0; --ground: #16181d; --box: #1e2127; --rule: #3a3f4a; }"""
_PRINT = """@page { margin: 18mm; }
body { max-width: none; padding: 0; font-size: 10.5pt; }
pre { white-space: pre-wrap; font-size: 7.8pt; }
figure, .question, table { break-inside: avoid; }
h1, h2 { break-after: avoid; }"""


def webpage(lesson: Lesson, width: int, *, ascii: bool, answers: bool) -> str:
    """Return the lesson in the current language."""
    page = _Page(lesson, Look(color=True, ascii=ascii), width)
    body = "\n".join(page.body(answers=answers))
    tag = {"zh": "zh-CN"}.get(language(), language())
    return f"""<!DOCTYPE html>
<html lang="{tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(lesson.title)}</title>
<style>{_STYLE}{page.rules(LIGHT)}
@media screen and (prefers-color-scheme: dark) {{
{_DARK}
{page.rules(PALETTE)}
}}
@media print {{
{_PRINT}
}}
</style>
</head>
<body>
{body}
</body>
</html>
"""


class _Page:
    """The body, and the classes of the styles that occur in it."""

    def __init__(self, lesson: Lesson, look: Look, width: int) -> None:
        self.lesson = lesson
        self.look = look
        self.width = width
        self.styles: dict[Style, str] = {}

    def rules(self, palette: TerminalTheme) -> str:
        """Return what the classes look like on the ground of `palette`."""
        return "\n".join(
            f".{name} {{ {css(style, palette)} }}" for style, name in self.styles.items()
        )

    def body(self, *, answers: bool) -> Iterator[str]:
        blocks = self.lesson.blocks()
        outline = Outline(blocks)
        for block in blocks:
            yield from self._block(block, outline)
        if answers and outline.asked_at:
            yield f"<h2>{escape(_('Answers'))}</h2>\n<ol>"
            for name in outline.asked_at:
                yield f"<li>{_running(answer_spans(self.lesson.questions[name]))}</li>"
            yield "</ol>"

    def _block(self, block: Block, outline: Outline) -> Iterator[str]:
        match block:
            case Heading():
                yield f"<h{block.level}>{_running(block.text)}</h{block.level}>"
            case Paragraph():
                yield f"<p>{_running(block.text)}</p>"
            case Items():
                yield _items(block)
            case Code():
                yield f"<pre>{escape(block.text, quote=False)}</pre>"
            case Table():
                yield _table(block)
            case SceneMarker():
                yield self._scene(block)
            case QuestionMarker():
                question = self.lesson.questions[block.question]
                yield _question(question, question_title(outline, block.question))
            case PageBreak():
                return

    def _scene(self, block: SceneMarker) -> str:
        scene = self.lesson.scenes[block.scene]
        view = SceneView(scene, self.look, view=block.view, step=block.step, titled=False)
        lines = drawn_lines(view, self.look, self.width)
        body = "\n".join(spans(line, self._attribute) for line in lines)
        caption = f"<figcaption>{escape(scene.title, quote=False)}</figcaption>\n"
        return f"<figure>\n{caption if scene.title else ''}<pre>{body}</pre>\n</figure>"

    def _attribute(self, style: Style | None) -> str:
        if style is None or not css(style, PALETTE):
            return ""
        name = self.styles.setdefault(style, f"s{len(self.styles)}")
        return f'class="{name}"'


def _running(text: Spans) -> str:
    return "".join(map(_span, text))


def _span(span: Span) -> str:
    inner = escape(span.text, quote=False)
    tag = _TAGS.get(span.kind)
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _items(block: Items) -> str:
    items = "\n".join(f"<li>{_running(item)}</li>" for item in block.items)
    if block.first is None:
        return f"<ul>\n{items}\n</ul>"
    return f'<ol start="{block.first}">\n{items}\n</ol>'


def _table(block: Table) -> str:
    head = _row(block.header, block.align, "th")
    rows = "\n".join(_row(row, block.align, "td") for row in block.rows)
    return f"<table>\n<thead>\n{head}\n</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _row(cells: Sequence[Spans], align: str, tag: str) -> str:
    inner = "".join(
        f'<{tag} style="text-align:{_SIDES[side]}">{_running(cell)}</{tag}>'
        for cell, side in zip(cells, align, strict=True)
    )
    return f"<tr>{inner}</tr>"


def _question(question: Question, title: str) -> str:
    lines = [f"<h3>{escape(title)}</h3>", f"<p>{_running(question.ask)}</p>"]
    if question.options:
        options = "\n".join(f"<li>{_running(option.text)}</li>" for option in question.options)
        lines.append(f'<ol type="A">\n{options}\n</ol>')
    return '<section class="question">\n' + "\n".join(lines) + "\n</section>"
