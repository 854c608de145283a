"""Still pictures: what a screen shows, as a file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.segment import Segment

from stepconv.errors import InputError
from stepconv.files import shown, write_atomically
from stepconv.language import _, language
from stepconv.views.parts.paragraph import listed
from stepconv.views.theme import THEME, Look

if TYPE_CHECKING:
    from stepconv.record import Trace

PICTURES = (".txt", ".md", ".html", ".svg")
Picture = Callable[[Look], RenderableType]

_COLORED = (".html", ".svg")


def save_picture(
    picture: Trace | Picture | RenderableType,
    path: str | os.PathLike[str],
    *,
    width: int = 80,
    ascii: bool = False,
    title: str = "",
) -> None:
    """Write a still picture, in the format that the suffix of `path` names.

    Parameters
    ----------
    picture : Trace, callable or renderable
        A trace is shown whole; a callable is given the `Look` that the format has
        (colours in .html and .svg) and returns what to draw.
    path : str or os.PathLike
        A .txt, .md, .html or .svg file: written whole or not at all.
    width : int
        Columns of the picture.
    ascii : bool
        Use ASCII alone.
    title : str, optional
        Heading or title; for a trace what it is of.

    Raises
    ------
    InputError
        For another suffix, or where the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from stepconv import trace
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_picture(trace([[1, 2, 3]], [[[1, 1]]]), Path(folder, "sum.md"))
    ...     print(Path(folder, "sum.md").read_text("utf-8").splitlines()[0])
    # conv1d, input (1, 3), weight (1, 1, 2)
    """
    suffix = Path(path).suffix.lower()
    if suffix not in PICTURES:
        raise InputError(
            "{path} has no suffix of a picture; name a file ending in {suffixes}",
            path=shown(str(path), 200),
            suffixes=", ".join(PICTURES),
        )
    look = Look(color=suffix in _COLORED, ascii=ascii)
    lines = drawn_lines(_drawn(picture, look), look, width)
    text = _FORMATS[suffix](lines, title or _title(picture))
    write_atomically(path, text.encode("utf-8"))


def describe(trace: Trace) -> str:
    """Return in one line what a trace is of.

    >>> from stepconv import trace
    >>> describe(trace([[1, 2, 3]], [[[1, 1]]], padding=1))
    'conv1d, input (1, 3), weight (1, 1, 2), padding 1'
    """
    geometry, spec = trace.geometry, trace.spec
    parts = [
        spec.name,
        _("input {shape}").format(shape=geometry.input_shape),
        _("weight {shape}").format(shape=geometry.weight_shape),
    ]
    for name, value in spec.arguments().items():
        if name not in ("kernel_size", "transposed"):
            parts += _told(name, value)
    return listed(parts)


def _told(name: str, value: Any) -> list[str]:
    """Tell an argument, per-axis values that are alike as one; nothing where it changes nothing."""
    while isinstance(value, list) and all(one == value[0] for one in value):
        value = value[0]
    usual = {"stride": 1, "dilation": 1, "groups": 1, "padding_mode": "zeros"}.get(name, 0)
    return [] if value == usual else [f"{name} {value}"]


def _title(picture: Any) -> str:
    return describe(picture) if _is_trace(picture) else "stepconv"


def _is_trace(picture: Any) -> bool:
    return hasattr(picture, "geometry") and hasattr(picture, "sums")


def _drawn(picture: Any, look: Look) -> RenderableType:
    if _is_trace(picture):
        from stepconv.views.overview import Overview  # loads NumPy, which help does without

        return Overview(picture, look)
    drawn: RenderableType = picture(look) if callable(picture) else picture
    return drawn


def drawn_lines(renderable: RenderableType, look: Look, width: int) -> list[list[Segment]]:
    """Draw into lines of styled text for a file, without blanks at their ends."""
    console = Console(
        file=io.StringIO(),
        width=width,
        theme=THEME,
        color_system="truecolor" if look.color else None,
        no_color=not look.color,
        force_terminal=look.color,
        force_jupyter=False,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    lines = console.render_lines(renderable, pad=False)
    return [_stripped(line) for line in lines]


def _stripped(line: Sequence[Segment]) -> list[Segment]:
    kept = list(line)
    while kept and not kept[-1].text.strip() and not (kept[-1].style and kept[-1].style.bgcolor):
        kept.pop()
    if kept and not (kept[-1].style and kept[-1].style.bgcolor):
        kept[-1] = Segment(kept[-1].text.rstrip(), kept[-1].style)
    return kept


def _text(lines: Sequence[Sequence[Segment]], _title: str) -> str:
    return "".join("".join(segment.text for segment in line) + "\n" for line in lines)


def _markdown(lines: Sequence[Sequence[Segment]], title: str) -> str:
    return f"# {title}\n\n```text\n{_text(lines, title)}```\n"


def _svg(lines: Sequence[Sequence[Segment]], title: str) -> str:
    from stepconv.views.drawing import svg

    return svg(lines, title)


def _html(lines: Sequence[Sequence[Segment]], title: str) -> str:
    from stepconv.views.drawing import html

    return html(lines, title, {"zh": "zh-CN"}.get(language(), language()))


_FORMATS = {".txt": _text, ".md": _markdown, ".svg": _svg, ".html": _html}
