"""What a lesson consists of when it is read: the prose as blocks, ready to be drawn.

Blocks hold plain data and no results: `{{ … }}` is filled in by `stepconv.lessons.lesson`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

SpanKind = Literal["text", "bold", "em", "code"]


@dataclass(frozen=True)
class Span:
    """A piece of a line, all in one style."""

    text: str
    kind: SpanKind = "text"


Spans = tuple[Span, ...]


def plain(spans: Spans) -> str:
    """Return the text of `spans`, without its styles.

    >>> plain((Span("a "), Span("kernel", "em")))
    'a kernel'
    """
    return "".join(span.text for span in spans)


@dataclass(frozen=True)
class Heading:
    """A title: level 1 for the lesson's own, 2 for a part of it."""

    line: int
    level: int
    text: Spans


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    line: int
    text: Spans


@dataclass(frozen=True)
class Items:
    """A list; `first` is the number of its first item, None where it has bullets."""

    line: int
    items: tuple[Spans, ...]
    first: int | None = None


@dataclass(frozen=True)
class Code:
    """Lines to be shown as they stand; `language` is what follows the fence, or ""."""

    line: int
    text: str
    language: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells; `align` has "<", "^" or ">" for each column."""

    line: int
    header: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]
    align: str


@dataclass(frozen=True)
class SceneMarker:
    """Where a scene stands; `view` and `step` (from 1) where they differ from the scene's own."""

    line: int
    scene: str
    view: str | None = None
    step: int | None = None


@dataclass(frozen=True)
class QuestionMarker:
    """Where a question is asked."""

    line: int
    question: str


@dataclass(frozen=True)
class PageBreak:
    """Where a page ends, however much room is left on it."""

    line: int


Block = Heading | Paragraph | Items | Code | Table | SceneMarker | QuestionMarker | PageBreak

Fill = Callable[[str], str]
"""Fills in the `{{ … }}` of a text."""


def filled_spans(spans: Spans, fill: Fill) -> Spans:
    """Return `spans` with every text filled in."""
    return tuple(replace(span, text=fill(span.text)) for span in spans)


def filled(block: Block, fill: Fill) -> Block:
    """Return `block` with every text filled in; fenced code of a language stays as it is."""
    match block:
        case Heading() | Paragraph():
            return replace(block, text=filled_spans(block.text, fill))
        case Items():
            return replace(block, items=tuple(filled_spans(item, fill) for item in block.items))
        case Code(language=""):
            return replace(block, text=fill(block.text))
        case Table():
            return replace(
                block,
                header=tuple(filled_spans(cell, fill) for cell in block.header),
                rows=tuple(tuple(filled_spans(c, fill) for c in row) for row in block.rows),
            )
        case _:
            return block


def texts(block: Block) -> Iterator[Spans]:
    """Yield every line of running text of a block: not its code."""
    match block:
        case Heading() | Paragraph():
            yield block.text
        case Items():
            yield from block.items
        case Table():
            yield from block.header
            for row in block.rows:
                yield from row
        case _:
            return
