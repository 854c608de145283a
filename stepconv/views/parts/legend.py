"""Legend: what the marks, or the colours, of a picture mean."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from stepconv.language import _
from stepconv.views.theme import Look

GAP = "   "


def legend(roles: Iterable[str], look: Look) -> Text:
    """Return one line that names the roles which occur, each under its mark or in its style.

    >>> legend(["window", "pending"], Look(color=False)).plain
    '[ ] window   ∙ still to come'
    """
    line = Text(no_wrap=True, overflow="ellipsis")
    for item in _items(roles, look):
        line.append(GAP * bool(line)).append_text(item)
    return line


def legend_lines(roles: Iterable[str], look: Look, width: int, indent: int = 2) -> list[Text]:
    """Return the legend on as many lines as it needs.

    >>> lines = legend_lines(["window", "pending"], Look(color=False), width=20)
    >>> [line.plain for line in lines]
    ['  [ ] window', '  ∙ still to come']
    """
    lines: list[Text] = []
    for item in _items(roles, look):
        if lines and lines[-1].cell_len + len(GAP) + item.cell_len <= width:
            lines[-1].append(GAP).append_text(item)
        else:
            line = Text(" " * indent, no_wrap=True, overflow="ellipsis")
            lines.append(line.append_text(item))
    return lines


def _items(roles: Iterable[str], look: Look) -> Iterable[Text]:
    present = set(roles)
    for role, (glyph, name) in _names().items():
        if role not in present:
            continue
        before, after = look.marks(role)
        mark = glyph or f"{before} {after}".strip()
        if mark:
            item = Text().append(look.plain(mark), look.style(role))
            yield item.append(" " + name, look.style("note"))
        else:
            yield Text(f" {name} ", style=look.style(role))


def _names() -> dict[str, tuple[str, str]]:
    """Role, its glyph where it has one of its own, and its name in the current language."""
    return {
        "window": ("", _("window")),
        "stamped": ("", _("stamp")),
        "current": ("", _("this term")),
        "fills": ("", _("being filled")),
        "padding": ("·", _("padding")),
        "border": ("7′", _("copy at the border")),
        "inserted": ("∘", _("inserted zero")),
        "unused": ("7×", _("not used")),
        "cropped": ("×", _("cropped")),
        "extra": ("7+", _("added by output_padding")),
        "pending": ("∙", _("still to come")),
    }
