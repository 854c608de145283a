"""Checks of a lesson's words: text left in the other language, code too wide for a page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.lessons.format import Code, Spans, texts
from stepconv.lessons.inline import EXPRESSION
from stepconv.lessons.loader import Draft
from stepconv.lessons.prose_checks import at_line
from stepconv.lessons.shelf import name_of
from stepconv.lessons.written import columns

WIDEST_CODE = 76
"""Columns, so that a page fits a terminal of 80."""

_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_ENGLISH = re.compile(r"(?<!\S)[A-Za-z]?[a-z]+[,.;:!?]?(?!\S)")
_RESULT = "000000"  # about as wide as what an expression becomes


def is_translated(draft: Draft) -> Iterator[InputError]:
    """Find text left in the other language, and code too wide for a page."""
    for language, blocks in draft.prose.items():
        for block in blocks:
            for spans in texts(block):
                if left_in_other(_words(spans), language):
                    yield at_line(draft, language, block.line, _left(_words(spans), language))
            if isinstance(block, Code):
                text = re.sub(EXPRESSION, _RESULT, block.text)
                for number, line in enumerate(text.splitlines(), block.line + 1):
                    if columns(line) > WIDEST_CODE:
                        reason = InputError(
                            "this line of code is {count} columns wide; at most {most} fit",
                            count=columns(line),
                            most=WIDEST_CODE,
                        )
                        yield at_line(draft, language, number, reason)
    for place, language, text in _table_texts(draft):
        if left_in_other(text, language):
            yield InputError(
                "{document}, {place}: {reason}",
                document=name_of(draft.folder),
                place=f"{place}.{language}",
                reason=_left(text, language),
            )


def left_in_other(text: str, language: str) -> bool:
    """Whether a text is in the other language: names, code and numbers are in neither.

    >>> left_in_other("the kernel moves", "zh"), left_in_other("Conv1d", "zh")
    (True, False)
    """
    chinese = bool(_CHINESE.search(text))
    if language == "zh":
        return not chinese and len(_ENGLISH.findall(text)) >= 3
    return chinese and not re.search("[A-Za-z]", text)


def _left(text: str, language: str) -> InputError:
    if language == "zh":
        return InputError(
            '"{text}" has no Chinese in it; was it left in English?', text=shown(text.strip())
        )
    return InputError(
        '"{text}" has no English in it; was it left in Chinese?', text=shown(text.strip())
    )


def _words(spans: Spans) -> str:
    """Return the running text of `spans`, without code and expressions."""
    text = " ".join(span.text for span in spans if span.kind != "code")
    return re.sub(EXPRESSION, "", text)


def _table_texts(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Yield place, language and text of everything that lesson.toml says in words."""
    if draft.head is not None:
        for language in draft.head.titles:
            yield "title", language, draft.head.titles[language]
            yield "summary", language, draft.head.summaries[language]
    for scene in draft.scenes.values():
        for language, text in scene.titles.items():
            yield f"scenes.{scene.id}.title", language, text
    for question in draft.questions.values():
        place = f"questions.{question.id}"
        for language, spans in question.asks.items():
            yield f"{place}.ask", language, _words(spans)
            for clue in question.clues[language]:
                yield f"{place}.hints", language, _words(clue)
            for k, option in enumerate(question.options, 1):
                yield f"{place}.options[{k}]", language, _words(option.texts[language])
                yield f"{place}.options[{k}].why", language, _words(option.reasons[language])
