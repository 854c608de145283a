"""What commands do with a page: print it, save it, or print its data as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepconv.cli.output import Output
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _
from stepconv.views.export import PICTURES, save_picture

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.views.theme import Look

Page = Callable[["Look"], "RenderableType"]

PICTURE_WIDTH = 80
"""Columns of a picture where no width was asked for."""


def check_suffixes(save: Sequence[str] | None, suffixes: Sequence[str] = PICTURES) -> None:
    """Refuse files of an unknown format, before anything is computed."""
    for path in save or ():
        if Path(path).suffix.lower() not in suffixes:
            raise InputError(
                '--save "{path}" has no suffix that tells the format; end it in {suffixes}',
                path=shown(path, 200),
                suffixes=", ".join(suffixes),
            )


def show(
    output: Output, page: Page, *, save: Sequence[str] | None, title: str, data: Any = None
) -> None:
    """Save a page where asked to, then print it, or its `data` instead where there is any."""
    for path in save or ():
        save_page(output, page, path, title)
    if data is None:
        output.screen.show(page(output.screen.look))
    else:
        output.screen.write(json.dumps(data, ensure_ascii=output.screen.look.ascii) + "\n")


def save_page(output: Output, page: Page, path: str, title: str) -> None:
    """Write a page as a still picture, and say so to a person."""
    width = output.screen.chosen_width or PICTURE_WIDTH
    save_picture(page, path, width=width, ascii=output.screen.look.ascii, title=title)
    tell_saved(output, path)


def tell_saved(output: Output, path: str) -> None:
    """Say that a file is written."""
    output.note(_("{path} is written").format(path=shown(path, 200)))
