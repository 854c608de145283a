"""Whole: all of a lesson below one another, as it is printed on paper."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.text import Text

from stepconv.language import _
from stepconv.lessons.format import Block, PageBreak, QuestionMarker, SceneMarker, Span, Spans
from stepconv.lessons.lesson import Lesson
from stepconv.lessons.outline import Outline
from stepconv.lessons.questions import Question
from stepconv.views.lessons.breaking import broken
from stepconv.views.lessons.prose import WIDEST, Prose, styled
from stepconv.views.lessons.question import QuestionView, question_title
from stepconv.views.lessons.scene import SceneView
from stepconv.views.theme import Look


class Whole:
    """A lesson in the current language: prose, scenes, questions and, where asked for, answers.

    Parameters
    ----------
    lesson : Lesson
    look : Look
    answers : bool
        Whether the answers stand at the end.
    """

    def __init__(self, lesson: Lesson, look: Look, *, answers: bool = False) -> None:
        self.lesson = lesson
        self.look = look
        self.answers = answers

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        blocks = self.lesson.blocks()
        outline = Outline(blocks)
        written = [block for block in blocks if not isinstance(block, PageBreak)]
        for number, block in enumerate(written):
            if number:
                yield Text()
            yield self._part(block, outline)
        if self.answers and outline.asked_at:
            yield from self._key(outline, min(options.max_width, WIDEST))

    def _part(self, block: Block, outline: Outline) -> RenderableType:
        lesson, look = self.lesson, self.look
        match block:
            case SceneMarker():
                scene = lesson.scenes[block.scene]
                titled = bool(scene.title)
                return SceneView(scene, look, view=block.view, step=block.step, titled=titled)
            case QuestionMarker():
                title = question_title(outline, block.question)
                question = lesson.questions[block.question]
                return Constrain(QuestionView(question, look, title=title), WIDEST)
            case PageBreak():
                return Text()
            case _:
                return Prose(block, look)

    def _key(self, outline: Outline, width: int) -> Iterator[Text]:
        yield from [Text(), Text(_("Answers"), self.look.style("title")), Text()]
        for number, name in enumerate(outline.asked_at, 1):
            line = Text(f"  {number:>2}  ")
            text = styled(answer_spans(self.lesson.questions[name]), self.look)
            for piece in broken(text, width - line.cell_len):
                yield line.append_text(piece)
                line = Text(" " * 6)


def answer_spans(question: Question) -> Spans:
    """Return the answer to a question and, for a choice, why."""
    answer = Span(question.right_answer, "bold")
    for option in question.options:
        if option.right:
            return (answer, Span("  "), *option.text, Span(" – "), *option.why)
    return (answer,)
