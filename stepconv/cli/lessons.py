"""``stepconv lessons``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepconv.cli.options import Json, _
from stepconv.documents import nearest
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _ as translated

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.cli.output import Output
    from stepconv.lessons.checker import Report
    from stepconv.lessons.progress import Progress
    from stepconv.lessons.shelf import Head
    from stepconv.views.theme import Look

ACTIONS = ("list", "check", "reset")

Folders = Annotated[
    list[str] | None,
    typer.Option(
        "--lessons",
        metavar="DIR",
        help=_("lessons of your own, beside the bundled ones; may be repeated"),
    ),
]


def lessons(
    context: typer.Context,
    action: Annotated[
        str | None, typer.Argument(metavar="list|check|reset", help=_("list is what it does alone"))
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DIR|ID",
            help=_("to check: folders of lessons, or of one; to reset: lessons, all by default"),
        ),
    ] = None,
    folders: Folders = None,
    json: Json = False,
) -> None:
    """List the lessons, check those of a folder, or forget how far you came."""
    output: Output = context.obj
    given = names or []
    match action or "list":
        case "list":
            if given:
                raise InputError(
                    '"{extra}" is one argument too many for stepconv lessons list',
                    extra=shown(" ".join(given)),
                )
            _list(output, folders_of(folders), json)
        case "check":
            _check(output, [Path(one) for one in given] or None, folders_of(folders), json)
        case "reset":
            _reset(output, given, folders_of(folders), json)
        case other:
            near = nearest(other, ACTIONS)
            if near:
                raise InputError(
                    'there is no "stepconv lessons {action}"; did you mean {near}?',
                    action=shown(other),
                    near=near,
                )
            raise InputError(
                'there is no "stepconv lessons {action}"; there are {actions}',
                action=shown(other),
                actions=", ".join(ACTIONS),
            )


def folders_of(given: Sequence[str] | None) -> list[Path]:
    """Return the folders that --lessons names."""
    return [Path(one).expanduser() for one in given or ()]


def _list(output: Output, folders: Sequence[Path], json: bool) -> None:
    from stepconv.cli.show import show
    from stepconv.lessons.progress import progress
    from stepconv.lessons.shelf import shelf

    heads, found = shelf(folders), progress()

    def page(look: Look) -> RenderableType:
        from stepconv.views.lessons.shelf import Shelf

        return Shelf(heads, found, look)

    data = [_data(head, found.get(head.id)) for head in heads] if json else None
    show(output, page, save=None, title="stepconv lessons", data=data)


def _data(head: Head, progress: Progress | None) -> dict[str, Any]:
    """Return a lesson of the list as JSON types."""
    return {
        "id": head.id,
        "number": head.number,
        "title": head.title,
        "summary": head.summary,
        "folder": str(head.folder),
        "begun": progress is not None,
        "finished": progress is not None and progress.finished,
        "right": 0 if progress is None else progress.right(head.questions),
        "questions": len(head.questions),
    }


def _check(output: Output, given: list[Path] | None, folders: Sequence[Path], json: bool) -> None:
    from stepconv.bundled import bundled_folder
    from stepconv.cli.show import show
    from stepconv.lessons.checker import check

    report = check([*(given or ([] if folders else [bundled_folder()])), *folders])

    def page(look: Look) -> RenderableType:
        from stepconv.views.lessons.shelf import CheckReport

        return CheckReport(report, look)

    title = "stepconv lessons check"
    show(output, page, save=None, title=title, data=_facts(report) if json else None)
    if report.problems:
        raise typer.Exit(1)


def _facts(report: Report) -> dict[str, Any]:
    """Return what a check found as JSON types."""
    return {
        "problems": [str(problem) for problem in report.problems],
        "lessons": report.lessons,
        "scenes": report.scenes,
        "questions": report.questions,
        "results": report.results,
    }


def _reset(output: Output, names: Sequence[str], folders: Sequence[Path], json: bool) -> None:
    from stepconv.cli.show import show
    from stepconv.lessons.choosing import chosen_lesson
    from stepconv.lessons.progress import reset
    from stepconv.lessons.shelf import shelf

    heads = shelf(folders)
    forgotten = reset([chosen_lesson(name, heads).id for name in names] or None)

    def page(look: Look) -> RenderableType:
        from rich.text import Text

        if not forgotten:
            return Text(translated(_("there was no progress to forget")))
        text = translated(_("progress forgotten: {names}"))
        return Text(text.format(names=", ".join(forgotten)))

    show(output, page, save=None, title="", data={"forgotten": forgotten} if json else None)
