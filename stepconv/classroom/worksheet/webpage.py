"""A page as HTML to be printed: no scripts, nothing from the network."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from stepconv.classroom.worksheet.page import (
    Beside,
    Block,
    Grid,
    Heading,
    Line,
    Listing,
    Paragraph,
    Points,
)

# No paper size is named, so A4 and Letter both do: 180 mm fit between their margins.
_STYLE = """
@page { margin: 15mm; }
* { box-sizing: border-box; }
body { font: 11pt/1.45 "Noto Serif", "Noto Serif CJK SC", "Songti SC", SimSun, Georgia, serif;
  color: #000; background: #fff; max-width: 180mm; margin: 8mm auto; padding: 0 4mm; }
h1 { font-size: 16pt; margin: 0 0 3mm; }
h2 { font-size: 13pt; margin: 8mm 0 2mm; border-top: .4pt solid #000; padding-top: 3mm; }
h1, h2, h2 + p, p.task { break-after: avoid; }
p, ul { margin: 0 0 2.5mm; }
p.task { font-weight: bold; margin-top: 5mm; }
p.line span { display: inline-block; min-width: 60mm; border-bottom: .6pt solid #000; }
figcaption { font-size: 9.5pt; margin: 0 0 1mm; }
.beside { display: flex; flex-wrap: wrap; gap: 4mm 10mm; margin-bottom: 3mm; }
figure { margin: 0 0 3mm; break-inside: avoid; }
table { border-collapse: collapse; font-size: 10pt; font-variant-numeric: tabular-nums; }
td, th { border: .5pt solid #555; min-width: 8mm; height: 7mm; padding: 0 1.2mm;
  text-align: center; font-weight: normal; }
th { border: none; font-size: 8.5pt; color: #333; white-space: nowrap; }
td.write { min-width: 10.5mm; height: 8mm; }
table.low td { height: 6mm; }
pre { font: 8pt/1.3 "DejaVu Sans Mono", "Noto Sans Mono CJK SC", Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 3mm; }
@media print { body { margin: 0; padding: 0; max-width: none; } }
"""


def html(blocks: Iterable[Block], title: str, language: str) -> str:
    """Return a page as one HTML document.

    Parameters
    ----------
    blocks : iterable of Block
    title : str
        Of the document.
    language : str
        "en" or "zh".

    Examples
    --------
    >>> html([Paragraph("1 < 2")], "Sums", "en").count("<p>1 &lt; 2</p>")
    1
    """
    body = "\n".join(_written(block) for block in blocks)
    tag = {"zh": "zh-CN"}.get(language, language)
    return (
        f'<!DOCTYPE html>\n<html lang="{tag}">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _written(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text, task):
            return f'<p class="task">{escape(text)}</p>' if task else f"<p>{escape(text)}</p>"
        case Points(items):
            return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"
        case Line(text):
            return f'<p class="line">{escape(text)} <span>&nbsp;</span></p>'
        case Listing(text):
            return f"<pre>{escape(text.rstrip())}</pre>"
        case Beside(grids):
            return '<div class="beside">' + "".join(map(_grid, grids)) + "</div>"
        case Grid():
            return _grid(block)


def _grid(grid: Grid) -> str:
    labels = grid.labels or (None,) * len(grid.rows)
    lines = []
    if grid.heads:
        heads = ([""] if grid.labels else []) + list(grid.heads)
        lines.append("".join(f'<th scope="col">{escape(head)}</th>' for head in heads))
    for label, row in zip(labels, grid.rows, strict=True):
        first = "" if label is None else f'<th scope="row">{escape(label)}</th>'
        lines.append(first + "".join(map(_cell, row)))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    title = f"<figcaption>{escape(grid.title)}</figcaption>" if grid.title else ""
    low = ' class="low"' if grid.low else ""
    return f"<figure>{title}<table{low}>{body}</table></figure>"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>" if text else '<td class="write"></td>'
