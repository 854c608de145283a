"""``stepconv exercise``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepconv.cli.options import Json, _
from stepconv.documents import nearest
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _ as translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from stepconv.classroom.exercises import Exercise
    from stepconv.cli.output import Output
    from stepconv.views.theme import Look

ACTIONS = ("start", "check", "hint", "solution", "reset", "list")


def exercise(
    context: typer.Context,
    action: Annotated[
        str | None,
        typer.Argument(
            metavar="start|check|hint|solution|reset|list", help=_("list is what it does alone")
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE",
            help=_("an exercise, by name or number; to check or reset also your file"),
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="PLACE",
            help=_("to start: the folder, this one by default; to check or reset: your file"),
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help=_("check again whenever the file is saved"))
    ] = False,
    give_up: Annotated[
        bool, typer.Option("--give-up", help=_("show the solution although it does not pass yet"))
    ] = False,
    seed: Annotated[
        str | None,
        typer.Option("--seed", metavar="N", help=_("draw other cases beside the fixed ones")),
    ] = None,
    require_isolation: Annotated[
        bool,
        typer.Option(
            "--require-isolation", help=_("refuse to run code that cannot be locked in here")
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Write a function, and have it checked."""
    from stepconv.classroom.exercises import workbook

    output: Output = context.obj
    if action in (None, "list"):
        _list(output, json)
        return
    if action not in ACTIONS:
        raise _no_action(action or "")
    one, file = (workbook.current(), None) if name is None else workbook.named(name, action or "")
    if action == "start":
        _start(output, one, Path(place or ".").expanduser(), json)
        return
    file = Path(place).expanduser() if place is not None else file
    if action == "check":
        from stepconv.cli import values
        from stepconv.cli.exercise_check import Check, watch as keep_checking

        drawn = 0 if seed is None else values.whole("--seed", seed)
        path = file or workbook.located(one)
        again = Check(output, one, path, drawn, require_isolation, json)
        if watch:
            keep_checking(output, path, again)
        elif not again():
            raise typer.Exit(1)
    elif action == "hint":
        _hint(output, one, json)
    elif action == "solution":
        _solution(output, one, give_up, json)
    else:
        _reset(output, one, file, json)


def _list(output: Output, json: bool) -> None:
    from stepconv.classroom.exercises import exercises, workbook

    found = exercises()
    standings = {one.id: workbook.standing(one) for one in found}

    def page(look: Look) -> RenderableType:
        from stepconv.views.classroom.exercises import ExerciseList

        return ExerciseList(found, standings, look)

    data = [
        {
            "number": one.number,
            "id": one.id,
            "title": one.title,
            "summary": one.summary,
            "signature": one.signature,
            "topics": list(one.topics),
            **vars(standings[one.id]),
        }
        for one in found
    ]
    _show(output, page, data if json else None)


def _start(output: Output, one: Exercise, folder: Path, json: bool) -> None:
    from stepconv.classroom.exercises import workbook

    file, words = workbook.start(one, folder)
    lines = [
        translated(_("{path} is yours to complete: {signature}")).format(
            path=shown(str(file), 200), signature=one.signature
        ),
        translated(_("{path} tells what to do")).format(path=shown(str(words), 200)),
        translated(
            _("stepconv exercise check {name} checks it; add --watch to check whenever you save")
        ).format(name=one.id),
    ]
    _say(output, lines, {"file": str(file), "instructions": str(words)} if json else None)


def _hint(output: Output, one: Exercise, json: bool) -> None:
    from stepconv.classroom.exercises import workbook

    shown_now = min(workbook.standing(one).hints + 1, len(one.hints))
    workbook.note(one, hints=shown_now)
    hints = one.hints[:shown_now]
    lines = [
        translated(_("hint {number} of {count}: {text}")).format(
            number=number, count=len(one.hints), text=text
        )
        for number, text in enumerate(hints, 1)
    ]
    if shown_now == len(one.hints):
        lines.append(
            translated(
                _(
                    "that was the last; stepconv exercise solution {name} --give-up shows"
                    " the solution"
                )
            ).format(name=one.id)
        )
    _say(output, lines, {"hints": list(hints), "of": len(one.hints)} if json else None)


def _solution(output: Output, one: Exercise, give_up: bool, json: bool) -> None:
    from stepconv.classroom.exercises import workbook

    if not (workbook.standing(one).unlocked or give_up):
        raise InputError(
            "the solution of {name} is shown once yours passes; --give-up shows it now, and"
            " `stepconv exercise hint {name}` helps without giving it away",
            name=one.id,
        )
    workbook.note(one, solved=True)
    if json:
        _say(output, [], {"solution": one.solution})
    else:
        output.screen.write(one.solution)


def _reset(output: Output, one: Exercise, file: Path | None, json: bool) -> None:
    from stepconv.classroom.exercises import workbook

    target, backup = workbook.reset(one, file)
    lines = [
        translated(_("{path} is as at the start; what you had is kept in {backup}")).format(
            path=shown(str(target), 200), backup=shown(str(backup), 200)
        )
    ]
    _say(output, lines, {"file": str(target), "backup": str(backup)} if json else None)


def _say(output: Output, lines: list[str], data: Any) -> None:
    def page(look: Look) -> RenderableType:
        from rich.console import Group

        from stepconv.views.parts.layout import flow

        width = output.screen.width
        return Group(*(text for line in lines for text in flow([look.plain(line)], width)))

    _show(output, page, data)


def _show(output: Output, page: Callable[[Look], RenderableType], data: Any) -> None:
    from stepconv.cli.show import show

    show(output, page, save=None, title="stepconv exercise", data=data)


def _no_action(given: str) -> InputError:
    near = nearest(given, ACTIONS)
    if near:
        return InputError(
            'there is no "stepconv exercise {action}"; did you mean {near}?',
            action=shown(given),
            near=near,
        )
    return InputError(
        'there is no "stepconv exercise {action}"; there are {actions}',
        action=shown(given),
        actions=", ".join(ACTIONS),
    )
