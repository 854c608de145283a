"""``stepconv lesson``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from stepconv.cli import values
from stepconv.cli.lessons import Folders, folders_of
from stepconv.cli.options import _
from stepconv.errors import InputError

if TYPE_CHECKING:
    from stepconv.cli.output import Output
    from stepconv.lessons.lesson import Lesson
    from stepconv.lessons.shelf import Head

SAVED = (".txt", ".md", ".html")


def lesson(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help=_("its name, the beginning of it, or its number; else the first unfinished one"),
        ),
    ] = None,
    folders: Folders = None,
    page: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("begin with this page, not with the one you left")),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help=_("forget your progress in it and begin anew"))
    ] = False,
    whole: Annotated[
        bool, typer.Option("--print", help=_("print all of it, as it is done without a terminal"))
    ] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help=_("printed or saved: the answers at the end"))
    ] = False,
    save: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help=_("write all of it: .txt, .md or .html; may be repeated")
        ),
    ] = None,
) -> None:
    """Read a lesson: pages, scenes to step through, questions."""
    from stepconv.cli.show import check_suffixes
    from stepconv.lessons.shelf import shelf

    output: Output = context.obj
    check_suffixes(save, SAVED)
    start = None if page is None else _page(page)
    heads = shelf(folders_of(folders))
    head = _chosen(name, heads)
    if save or whole or answers or not _interactive(output):
        if restart or start is not None:
            raise InputError(
                "--page and --restart are for reading on a terminal; leave them out to print"
            )
        _print(output, head, save or [], answers=answers, whole=whole)
        return
    _read(output, head, heads, start, restart=restart)


def _page(text: str) -> int:
    number = values.whole("--page", text)
    if number < 1:
        raise InputError("--page {number}: pages are counted from 1", number=number)
    return number


def _chosen(name: str | None, heads: Sequence[Head]) -> Head:
    from stepconv.lessons.choosing import chosen_lesson, next_unfinished
    from stepconv.lessons.progress import progress

    if name is not None:
        return chosen_lesson(name, heads)
    try:
        found = progress()
    except InputError:
        found = {}  # the lesson can be read all the same
    return next_unfinished(heads, found)


def _interactive(output: Output) -> bool:
    return output.screen.is_terminal and sys.stdin.isatty() and os.environ.get("TERM") != "dumb"


def _read(
    output: Output, head: Head, heads: Sequence[Head], page: int | None, *, restart: bool
) -> None:
    """Read on a terminal, one lesson after the other as long as the next one is wanted."""
    from stepconv.cli.lesson_run import read
    from stepconv.lessons.loader import load_lesson

    for at in range(heads.index(head), len(heads)):
        following = heads[at + 1] if at + 1 < len(heads) else None
        one = load_lesson(heads[at].folder)
        if not read(one, output, page=page, restart=restart, following=following):
            return
        page, restart = None, False


def _print(output: Output, head: Head, save: Sequence[str], *, answers: bool, whole: bool) -> None:
    """Write the whole lesson to files, and print it where it is not for them alone."""
    from stepconv.cli.waiting import compiling, uncollected
    from stepconv.lessons.loader import load_lesson
    from stepconv.views.lessons.whole import Whole

    one = load_lesson(head.folder)
    screen = output.screen
    with uncollected(), compiling(output.errors):
        for path in save:
            _save(one, path, output, answers=answers)
        shown = Whole(one, screen.look, answers=answers) if whole or not save else None
        text = "" if shown is None else screen.text(shown)
    screen.write(text)


def _save(one: Lesson, path: str, output: Output, *, answers: bool) -> None:
    from stepconv.cli.show import PICTURE_WIDTH, tell_saved
    from stepconv.views.lessons.export import save_lesson

    width = output.screen.chosen_width or PICTURE_WIDTH
    save_lesson(one, path, width=width, ascii=output.screen.look.ascii, answers=answers)
    tell_saved(output, path)
