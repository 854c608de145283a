"""Legend: what the marks, or the colours, of a picture mean."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from stepconv.language import _
from stepconv.views.theme import Look


def legend(roles: Iterable[str], look: Look) -> Text:
    """Return one line that names the roles which occur, each under its mark or in its style.

    >>> legend(["window", "pending"], Look(color=False)).plain
    '[ ] window   ∙ still to come'
    """
    present = set(roles)
    line = Text(no_wrap=True, overflow="ellipsis")
    for role, (mark, name) in _names().items():
        if role not in present:
            continue
        if line:
            line.append("   ")
        before, after = look.marks(role)
        if not mark and before.strip():
            mark = f"{before} {after}".rstrip()
        if mark:
            line.append(look.plain(mark), look.style(role))
            line.append(" " + name, look.style("note"))
        else:
            line.append(f" {name} ", look.style(role))
    return line


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
