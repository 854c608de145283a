"""How roles look: a style where there is colour, a mark where there is none.

A role says what a cell is at this step; views speak of roles, never of colours. Each
role that matters has a mark, so that nothing is told by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.theme import Theme

STYLES = {
    "title": "bold",
    "note": "dim",
    "label": "dim",
    "formula": "cyan",
    "rule": "dim",
    "input": "none",
    "kernel": "bright_blue",
    "padding": "dim",
    "border": "magenta",
    "inserted": "dim",
    "unused": "dim strike",
    "window": "black on cyan",
    "window.padding": "bright_white on bright_black",
    "window.inserted": "bright_white on bright_black",
    "window.border": "black on magenta",
    "current": "bold black on yellow",
    "product": "none",
    "sum": "bold",
    "bias": "bold magenta",
    "done": "green",
    "fills": "bold black on green",
    "stamped": "black on cyan",
    "pending": "dim",
    "cropped": "dim strike",
    "extra": "magenta",
    "key": "bold",
    "strong": "bold",
    "emphasis": "italic",
    "code": "cyan",
    "right": "bold green",
    "wrong": "bold yellow",
    "error": "bold red",
}

THEME = Theme({f"stepconv.{role}": style for role, style in STYLES.items()})

_ASCII = str.maketrans(
    {
        "·": ".",
        "∙": ".",
        "∘": "o",
        "×": "x",
        "−": "-",
        "▸": ">",
        "…": "~",
        "─": "-",
        "│": "|",
        "┼": "+",
        "←": "<",
        "→": ">",
        "↑": "^",
        "↓": "v",
        "⌊": "floor(",
        "⌋": ")",
        "⌈": "ceil(",
        "⌉": ")",
        "–": "-",
        "′": "'",
        "█": "#",
        "░": ".",
        "—": "--",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "≈": "~",
        "°": " degrees",
        "✓": "+",
    }
)


@dataclass(frozen=True)
class Look:
    """What the screen can show: colour or marks, Unicode or ASCII.

    >>> Look(color=False).marks("window")
    ('[', ']')
    >>> Look(ascii=True).plain("2 × 3")
    '2 x 3'
    """

    color: bool = True
    ascii: bool = False

    def marks(self, role: str) -> tuple[str, str]:
        """Return what stands before and after a cell of this role; blanks where colour tells it."""
        if role == "fills":
            return self.plain("▸"), " "
        if self.color:
            return " ", " "
        if role.startswith("window") or role == "stamped":
            return "[", "]"
        if role == "current":
            return "<", ">"
        return " ", " "

    def style(self, role: str) -> str:
        """Return the name of the role's style in `THEME`."""
        return f"stepconv.{role}"

    def formula(self, text: str) -> str:
        """Return `text`, where · multiplies and → leads on, in the characters this screen has."""
        return self.plain(text.replace("·", "*").replace("→", "->") if self.ascii else text)

    def plain(self, text: str) -> str:
        """Return `text` in the characters this screen has."""
        return text.translate(_ASCII) if self.ascii else text
