"""QuestionView: a question as it stands, with the hints asked for and what is said of an answer."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from stepconv.classroom.diagnosis import Diagnosis
from stepconv.files import shown
from stepconv.language import _
from stepconv.lessons.asked import Asked, Verdict
from stepconv.lessons.attempt import Attempt
from stepconv.lessons.format import Spans
from stepconv.lessons.outline import Outline
from stepconv.lessons.progress import RIGHT
from stepconv.lessons.questions import LETTERS
from stepconv.views.lessons.breaking import broken
from stepconv.views.lessons.prose import characters, styled
from stepconv.views.parts.paragraph import sentences
from stepconv.views.theme import Look

INDENT = 2
MOST_EXPLANATIONS = 3
"""How many mistakes that cannot be told apart are named; more help nobody."""


class QuestionView:
    """A question, its options, and how an attempt at it stands.

    Parameters
    ----------
    asked : Asked
    look : Look
    title : str
        Which question it is, such as "Question 2 of 5".
    attempt : Attempt, optional
        A fresh one by default.
    """

    def __init__(
        self, asked: Asked, look: Look, *, title: str = "", attempt: Attempt | None = None
    ) -> None:
        self.asked = asked
        self.look = look
        self.title = title
        self.attempt = attempt or Attempt()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, asked, look = options.max_width, self.asked, self.look
        if self.title:
            title = Text(look.plain("── "), look.style("rule"))
            yield title.append(self.title, look.style("title"))
        yield from broken(styled(asked.ask, look), width)
        for letter, option in zip(LETTERS, asked.options, strict=False):
            yield from _hung(f"{letter}  ", styled(option.text, look), look, width)
        for number in range(1, self.attempt.hints + 1):
            yield Text()
            yield HintView(asked, number, look)
        if self.attempt.outcome or self.attempt.verdict is not None:
            yield Text()
            yield VerdictView(asked, self.attempt, look)


class HintView:
    """One hint, by its number from 1."""

    def __init__(self, asked: Asked, number: int, look: Look) -> None:
        self.asked = asked
        self.number = number
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        hints = self.asked.hints
        lead = _("Hint {number} of {count}: ").format(number=self.number, count=len(hints))
        text = Text(lead, self.look.style("label"))
        text = Text().append_text(text).append_text(styled(hints[self.number - 1], self.look))
        yield from broken(text, options.max_width)


class VerdictView:
    """What is said of an attempt: right, wrong and why, or the answer where it was asked for."""

    def __init__(self, asked: Asked, attempt: Attempt, look: Look) -> None:
        self.asked = asked
        self.attempt = attempt
        self.look = look

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, attempt, answer = options.max_width, self.attempt, self.asked.right_answer
        if attempt.outcome == RIGHT:
            yield from self._head(_("Right: {answer}").format(answer=answer), "right", width)
            yield from self._because(attempt.verdict.why if attempt.verdict else (), width)
        elif attempt.outcome:
            text = _("The answer is {answer}").format(answer=answer)
            yield from self._head(text, "title", width)
            right = next((option.why for option in self.asked.options if option.right), ())
            yield from self._because(right, width)
        elif attempt.verdict is not None:
            yield from self._wrong(attempt.verdict, width)

    def _wrong(self, verdict: Verdict, width: int) -> Iterator[Text]:
        if verdict.problem is not None:
            text = _("That cannot be read: {problem}").format(problem=verdict.problem)
            yield from self._head(text, "wrong", width)
            return
        text = _("{answer} is not it.").format(answer=shown(self.attempt.answer, 40))
        yield from self._head(text, "wrong", width)
        yield from self._because(verdict.why, width)
        if verdict.diagnosis is not None:
            single = not set(self.asked.right_answer) & set(" ,;")
            for reason in reasons(verdict.diagnosis, single=single):
                mark = "- " if reason.startswith("- ") else ""
                words = Text(characters(reason.removeprefix(mark), self.look))
                yield from _hung(mark, words, self.look, width, 0)

    def _head(self, text: str, role: str, width: int) -> list[Text]:
        return broken(Text(characters(text, self.look), self.look.style(role)), width)

    def _because(self, why: Spans, width: int) -> list[Text]:
        return broken(styled(why, self.look), width) if why else []


def _hung(mark: str, text: Text, look: Look, width: int, indent: int = INDENT) -> Iterator[Text]:
    """Yield a text with `mark` before its first line."""
    head = Text(" " * indent).append(mark, look.style("key"))
    for line in broken(text, width - indent - len(mark)):
        yield head.append_text(line)
        head = Text(" " * (indent + len(mark)))


def question_title(outline: Outline, name: str) -> str:
    """Say in the current language which of a lesson's questions one is."""
    names = list(outline.asked_at)
    return _("Question {number} of {count}").format(number=names.index(name) + 1, count=len(names))


def reasons(diagnosis: Diagnosis, *, single: bool = False) -> list[str]:
    """Say in the current language what a wrong answer shows, a paragraph for each thing.

    By how much a `single` number is off is not said: it would be the answer.
    """
    found = diagnosis.explanations
    if not found:
        facts = [fact.text for fact in diagnosis.facts if not (single and fact.code == "one_cell")]
        return facts or [_("No common slip gives this answer. Work it out once more.")]
    told = [
        sentences(mistake.explanation for mistake in explanation.mistakes)
        for explanation in found[:MOST_EXPLANATIONS]
    ]
    if len(found) == 1:
        return [*told, sentences(mistake.advice for mistake in found[0].mistakes)]
    head = _("Several slips give this answer, and it does not show which one was made:")
    names = [
        _(" and ").join(mistake.name for mistake in explanation.mistakes)
        for explanation in found[:MOST_EXPLANATIONS]
    ]
    named = _("{name}: {explanation}")
    pairs = zip(names, told, strict=True)
    return [head, *("- " + named.format(name=name, explanation=text) for name, text in pairs)]
