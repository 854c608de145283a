"""Within a line of prose: bold, emphasis, code and expressions; and how lines are joined."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.lessons.format import Span, SpanKind, Spans

Refuse = Callable[[InputError], InputError]
"""Makes the error of a reason: it knows the place."""

EXPRESSION = r"\{\{.*?\}\}"

# An expression is taken whole, so that a product in it is not read as emphasis.
_INLINE = re.compile(
    rf"""
      \\(?P<escaped>[\\`*{{|#_\[<>!-])
    | (?P<expression>{EXPRESSION})
    | `(?P<code>[^`]+)`
    | \*\*(?P<bold>(?!\s)(?:{EXPRESSION}|[^*])+?(?<!\s))\*\*
    | \*(?P<em>(?![\s*])(?:{EXPRESSION}|[^*])+?(?<![\s*]))\*
    """,
    re.VERBOSE,
)
_UNKNOWN = re.compile(r"!?\[[^\]]*\]\([^)]*\)|</?[A-Za-z]+(\s[^<>]*=[^<>]*)?/?>|\*\*")


def inline(text: str, refuse: Refuse) -> Spans:
    """Return a line of text as spans; `refuse` makes the error of a reason.

    >>> [(span.text, span.kind) for span in inline("2 * 3, `x` and **{{ a * b }}**", lambda e: e)]
    [('2 * 3, ', 'text'), ('x', 'code'), (' and ', 'text'), ('{{ a * b }}', 'bold')]
    """
    spans: list[Span] = []

    def add(piece: str, kind: SpanKind = "text") -> None:
        if piece and spans and spans[-1].kind == kind:
            spans[-1] = Span(spans[-1].text + piece, kind)
        elif piece:
            spans.append(Span(piece, kind))

    end = 0
    for found in _INLINE.finditer(text):
        _check_unknown(text[end : found.start()], refuse)
        add(text[end : found.start()])
        kind = found.lastgroup or "expression"
        add(found[kind], kind if kind in ("code", "bold", "em") else "text")  # type: ignore[arg-type]  # narrowed by the test
        end = found.end()
    _check_unknown(text[end:], refuse)
    add(text[end:])
    return tuple(spans)


def _check_unknown(text: str, refuse: Refuse) -> None:
    if "{{" in text or "}}" in text:
        raise refuse(
            InputError(
                "an expression stands between {open} and {close}, on one line; one"
                " of the two is missing",
                open="{{",
                close="}}",
            )
        )
    found = _UNKNOWN.search(text)
    if found:
        raise refuse(
            InputError(
                "{found} is not understood; there are **bold**, *emphasis* and `code`, no links,"
                " pictures or HTML",
                found=shown(found[0]),
            )
        )


def joined(lines: list[str]) -> str:
    """Join the lines of a paragraph: by a blank, but not within Chinese.

    >>> joined(["one", "two"]), joined(["卷积，", "Conv1d", "与卷积", "核"])
    ('one two', '卷积，Conv1d 与卷积核')
    """
    text = ""
    for line in lines:
        text += (" " if text and _parted(text[-1], line[0]) else "") + line
    return text


def _parted(before: str, after: str) -> bool:
    wide = [unicodedata.east_asian_width(mark) in "WF" for mark in (before, after)]
    marks = [
        w and unicodedata.category(m)[0] in "PZ" for w, m in zip(wide, before + after, strict=True)
    ]
    return not all(wide) and not any(marks)
