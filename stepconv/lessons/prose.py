"""The prose of a lesson, from Markdown to blocks. What is not understood is refused.

Headings of two levels, paragraphs, lists, fenced code, tables, a line of dashes that ends
a page, and the markers `::: scene NAME` and `::: question NAME`. Within a line: bold,
emphasis, code, and `{{ expressions }}`, which stay as they are here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stepconv.documents import nearest
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.lessons.format import (
    Block,
    Code,
    Heading,
    Items,
    PageBreak,
    Paragraph,
    QuestionMarker,
    SceneMarker,
    Spans,
    Table,
)
from stepconv.lessons.inline import EXPRESSION, inline, joined

VIEWS = ("table", "steps", "matrix")

_ITEM = re.compile(r"(?P<mark>[-*]|(?P<number>\d{1,3})[.)])\s+(?P<text>\S.*)")
_BREAK = re.compile(r"-{3,}\s*")
_RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_FENCE = "```"


def parse(text: str, document: str) -> tuple[tuple[Block, ...], list[InputError]]:
    r"""Read the prose of one language: its blocks, and what is not understood.

    Examples
    --------
    >>> (heading, text), problems = parse("# One\n\nA *kernel*\nmoves.", "en.md")
    >>> heading.level, [span.text for span in text.text], problems
    (1, ['A ', 'kernel', ' moves.'], [])
    """
    reader = _Reader(text, document)
    return tuple(reader.blocks()), reader.problems


class _Reader:
    """Goes through the lines once; `_at` is the next one, counted from 0."""

    def __init__(self, text: str, document: str) -> None:
        self._lines = text.splitlines()
        self._document = document
        self._at = 0
        self.problems: list[InputError] = []

    def blocks(self) -> Iterator[Block]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if not line.strip():
                self._at += 1
                continue
            try:
                yield self._block(line)
            except InputError as problem:
                self.problems.append(problem)
                self._to_next_blank()

    def _to_next_blank(self) -> None:
        """Leave out what belongs to a block that was not understood."""
        while self._at < len(self._lines) and self._lines[self._at].strip():
            self._at += 1

    def _block(self, line: str) -> Block:
        if line.startswith(_FENCE):
            return self._code(line)
        if line.startswith(":::"):
            return self._marker(line)
        if _BREAK.fullmatch(line):
            self._at += 1
            return PageBreak(self._at)
        if line.startswith("#"):
            return self._heading(line)
        if line.startswith("|"):
            return self._table()
        if _ITEM.fullmatch(line.rstrip()):
            return self._items()
        if line[0] in " \t>":
            raise self._refused(
                InputError(
                    "a line begins with blanks or >; begin it at the margin, and keep lists"
                    " to one level"
                )
            )
        return self._paragraph()

    def _heading(self, line: str) -> Heading:
        found = re.fullmatch(r"(#{1,2})\s+(\S.*)", line.rstrip())
        if not found:
            raise self._refused(
                InputError("a heading is # or ##, a blank and its text; there are two levels")
            )
        spans = self._inline(found[2])
        self._at += 1
        return Heading(self._at, len(found[1]), spans)

    def _paragraph(self) -> Paragraph:
        first, lines = self._at, []
        while self._at < len(self._lines) and not self._begins_other(self._lines[self._at]):
            lines.append(self._lines[self._at].strip())
            self._at += 1
        return Paragraph(first + 1, self._inline(joined(lines), first))

    def _begins_other(self, line: str) -> bool:
        starts = (_FENCE, ":::", "#", "|")
        return not line.strip() or line.startswith(starts) or bool(_BREAK.fullmatch(line))

    def _items(self) -> Items:
        first, number = self._at, None
        items: list[Spans] = []
        while self._at < len(self._lines):
            found = _ITEM.fullmatch(self._lines[self._at].rstrip())
            if not found:
                break
            start, lines = self._at, [found["text"]]
            if not items and found["number"]:
                number = int(found["number"])
            if bool(found["number"]) != (number is not None):
                raise self._refused(InputError("a list has bullets or numbers, not both"))
            self._at += 1
            lines += self._continued()
            items.append(self._inline(joined(lines), start))
        return Items(first + 1, tuple(items), number)

    def _continued(self) -> list[str]:
        """Take the lines that go on with an item: those that begin with a blank."""
        lines: list[str] = []
        while self._at < len(self._lines) and re.match(r"[ \t]+\S", self._lines[self._at]):
            line = self._lines[self._at].strip()
            if _ITEM.fullmatch(line):
                raise self._refused(InputError("a list within a list; keep lists to one level"))
            lines.append(line)
            self._at += 1
        return lines

    def _code(self, line: str) -> Code:
        first, language = self._at, line.removeprefix(_FENCE).strip()
        self._at += 1
        lines: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.rstrip() == _FENCE:
                return Code(first + 1, "\n".join(lines), language)
            lines.append(line)
        self._at = first
        raise self._refused(InputError("the code that begins here has no closing ```; add it"))

    def _table(self) -> Table:
        first = self._at
        while self._at < len(self._lines) and self._lines[self._at].startswith("|"):
            self._at += 1
        lines, self._at = self._lines[first : self._at], first
        if len(lines) < 3 or not _RULE.fullmatch(lines[1]):
            raise self._refused(
                InputError("a table is a header, a line such as |---|---:|, and rows below it")
            )
        rows = []
        for line in lines:
            rows.append([self._inline(c) for c in _cells(line)] if line is not lines[1] else [])
            if line is not lines[1] and len(rows[-1]) != len(rows[0]):
                raise self._refused(
                    InputError(
                        "this row has {count} cells and the header {first}; all rows need as many",
                        count=len(rows[-1]),
                        first=len(rows[0]),
                    )
                )
            self._at += 1
        align = "".join(map(_alignment, _cells(lines[1])))
        return Table(
            first + 1,
            tuple(rows[0]),
            tuple(map(tuple, rows[2:])),
            align[: len(rows[0])].ljust(len(rows[0]), "<"),
        )

    def _marker(self, line: str) -> SceneMarker | QuestionMarker:
        words = line.removeprefix(":::").split()
        if len(words) < 2 or words[0] not in ("scene", "question"):
            raise self._refused(InputError("a marker is `::: scene NAME` or `::: question NAME`"))
        kind, name, *options = words
        if kind == "question" and options:
            raise self._refused(
                InputError(
                    "{found}: a question's marker has nothing after the name",
                    found=shown(" ".join(options)),
                )
            )
        given = dict(map(self._option, options))
        self._at += 1
        if kind == "question":
            return QuestionMarker(self._at, name)
        step = given.get("step")
        return SceneMarker(
            self._at, name, view=given.get("view"), step=None if step is None else int(step)
        )

    def _option(self, word: str) -> tuple[str, str]:
        key, equals, value = word.partition("=")
        if equals and key == "view" and value in VIEWS:
            return key, value
        if equals and key == "step" and value.isdecimal() and int(value) > 0:
            return key, value
        near = nearest(word.partition("=")[0], ("step", "view"))
        if near and near != key:
            raise self._refused(
                InputError(
                    '"{word}" is not understood; did you mean {near}=?', word=shown(word), near=near
                )
            )
        raise self._refused(
            InputError(
                '"{word}" is not understood; after the name may stand step=3 and view=, one of'
                " {views}",
                word=shown(word),
                views=", ".join(VIEWS),
            )
        )

    def _inline(self, text: str, line: int | None = None) -> Spans:
        return inline(text, lambda reason: self._refused(reason, line))

    def _refused(self, reason: InputError, line: int | None = None) -> InputError:
        return InputError(
            "{document}, line {line}: {reason}",
            document=self._document,
            line=(self._at if line is None else line) + 1,
            reason=reason,
        )


def _cells(row: str) -> list[str]:
    r"""Return the cells of a table's row; a | in code, in an expression or after \ is none."""
    parts = re.findall(rf"(?:\\.|`[^`]*`|{EXPRESSION}|[^|])+|\|", row.strip().strip("|") + " ")
    cells = [""]
    for part in parts:
        cells = [*cells, ""] if part == "|" else [*cells[:-1], cells[-1] + part]
    return [cell.strip() for cell in cells]


def _alignment(cell: str) -> str:
    if cell.endswith(":"):
        return "^" if cell.startswith(":") else ">"
    return "<"
