"""Drawing: styled lines as SVG and as HTML, whole in themselves.

Rich can export both, but its SVG fetches a font from the network and takes every
character for one column, which presses Chinese text together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import pairwise

from rich.cells import cell_len
from rich.color import blend_rgb
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme

Line = Sequence[Segment]

# Each colour serves as ink on the dark ground and as a ground under black ink.
PALETTE = TerminalTheme(
    (30, 33, 39),
    (212, 216, 224),
    [
        (20, 22, 26),
        (224, 108, 117),
        (152, 195, 121),
        (229, 192, 123),
        (97, 160, 239),
        (205, 130, 225),
        (86, 182, 194),
        (212, 216, 224),
    ],
    [
        (80, 86, 98),
        (240, 130, 138),
        (172, 215, 141),
        (245, 212, 150),
        (130, 185, 250),
        (222, 160, 240),
        (120, 205, 215),
        (255, 255, 255),
    ],
)
FONTS = (
    "'DejaVu Sans Mono','Cascadia Mono',Menlo,Consolas,'Liberation Mono','Noto Sans Mono CJK SC',"
    "'Sarasa Mono SC','Microsoft YaHei','PingFang SC',monospace"
)

COLUMN, MARGIN = 9, 14
"""Pixels: whole ones, so that neighbouring grounds meet without a seam."""

_FONT_SIZE, _LINE = 15, 20
_WORDS = re.compile(r"\S+(?: \S+)*")
_WIDE = re.compile(r"[^\u0000-\u2fff]+")


def svg(lines: Sequence[Line], title: str) -> str:
    """Return `lines` as an SVG picture, each run of text at its own column."""
    columns = max((sum(s.cell_length for s in line) for line in lines), default=1)
    width, height = columns * COLUMN + 2 * MARGIN, len(lines) * _LINE + 2 * MARGIN
    grounds, texts = [], []
    for row, line in enumerate(lines):
        column = 0
        for segment in line:
            _ink, ground = _colors(segment.style)
            if ground:
                grounds.append(
                    f'<rect x="{_x(column)}" y="{_y(row)}" fill="{ground}"'
                    f' width="{segment.cell_length * COLUMN}" height="{_LINE}"/>'
                )
            for offset, text in _pieces(segment.text):
                texts.append(
                    f'<text x="{_x(column + offset)}" y="{_y(row) + _FONT_SIZE}"'
                    f' textLength="{cell_len(text) * COLUMN}"'
                    f' style="{_svg_css(segment.style)}">{escape(text, quote=False)}</text>'
                )
            column += segment.cell_length
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" font-family="{FONTS}"'
            f' font-size="{_FONT_SIZE}" role="img">',
            f"<title>{escape(title, quote=False)}</title>",
            f'<rect width="100%" height="100%" rx="8" fill="{PALETTE.background_color.hex}"/>',
            *grounds,
            *texts,
            "</svg>\n",
        ]
    )


def html(lines: Sequence[Line], title: str, language: str) -> str:
    """Return `lines` as a page of HTML, wide characters held to two columns."""
    body = "\n".join(spans(line, _inline) for line in lines)
    ink, ground = PALETTE.foreground_color.hex, PALETTE.background_color.hex
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{escape(title)}</title>
<style>
body {{ margin: 0; background: {ground}; color: {ink}; }}
pre {{ margin: 0; padding: 1em; font: {_FONT_SIZE}px/{_LINE}px {FONTS}; }}
i {{ display: inline-block; font-style: normal; white-space: pre; }}
</style>
</head>
<body>
<pre>{body}</pre>
</body>
</html>
"""


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Split at wider gaps and between narrow and wide characters; each with its column.

    Fonts differ in the width of a character, and so nothing long is left to them.
    """
    for words in _WORDS.finditer(text):
        start = words.start()
        parts = [words[0]] if words[0].isascii() else _parted(words[0])
        for part in parts:
            inner = part.lstrip()  # SVG drops blanks at the start
            if inner:
                yield cell_len(text[: start + len(part) - len(inner)]), inner
            start += len(part)


def _parted(text: str) -> list[str]:
    ends = sorted({0, len(text), *(end for found in _WIDE.finditer(text) for end in found.span())})
    return [text[first:last] for first, last in pairwise(ends)]


def spans(line: Line, attribute: Callable[[Style | None], str]) -> str:
    """Return a line as HTML; `attribute` gives that of a piece, "" where it needs none."""
    pieces = []
    for segment in line:
        inner = "".join(_held(part) for part in _parted(segment.text))
        own = attribute(segment.style) if segment.text else ""
        pieces.append(f"<span {own}>{inner}</span>" if own else inner)
    return "".join(pieces)


def css(style: Style | None, palette: TerminalTheme) -> str:
    """Return what CSS makes of a style: nothing where it is that of the page."""
    ink, ground = _colors(style, palette)
    rules = [] if ink == palette.foreground_color.hex else [f"color:{ink}"]
    return ";".join([*rules, *_decoration(style), *([f"background:{ground}"] if ground else [])])


def _inline(style: Style | None) -> str:
    rules = css(style, PALETTE)
    return f'style="{rules}"' if rules else ""


def _held(text: str) -> str:
    safe = escape(text, quote=False)
    return f'<i style="width:{cell_len(text)}ch">{safe}</i>' if _WIDE.fullmatch(text) else safe


def _colors(style: Style | None, palette: TerminalTheme = PALETTE) -> tuple[str, str]:
    """Return ink and ground; no ground where it is the picture's own."""
    style = style or Style.null()
    ink = style.color.get_truecolor(palette) if style.color else palette.foreground_color
    ground = palette.background_color
    if style.bgcolor:
        ground = style.bgcolor.get_truecolor(palette, foreground=False)
    if style.reverse:
        ink, ground = ground, ink
    if style.dim:
        ink = blend_rgb(ink, ground, 0.25)
    own = bool(style.bgcolor) or bool(style.reverse)
    return ink.hex, ground.hex if own else ""


def _svg_css(style: Style | None) -> str:
    return ";".join([f"fill:{_colors(style)[0]}", *_decoration(style)])


def _decoration(style: Style | None) -> list[str]:
    rules = []
    if style and style.bold:
        rules.append("font-weight:bold")
    if style and style.italic:
        rules.append("font-style:italic")
    if style and style.strike:
        rules.append("text-decoration:line-through")
    return rules


def _x(column: int) -> int:
    return MARGIN + column * COLUMN


def _y(row: int) -> int:
    return MARGIN + row * _LINE
