"""``stepconv exercise``."""

from __future__ import annotations

import time
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

    from stepconv.classroom.exercises import CheckedCase, Exercise, Report
    from stepconv.cli.output import Output
    from stepconv.views.theme import Look

ACTIONS = ("start", "check", "hint", "solution", "reset", "list")

GLANCE = 0.3
"""Seconds between looks at a file that is watched."""


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
    one, file = (workbook.current(), None) if name is None else workbook.named(name)
    if action == "start":
        _start(output, one, Path(place or ".").expanduser(), json)
        return
    file = Path(place).expanduser() if place is not None else file
    if action == "check":
        from stepconv.cli import values

        drawn = 0 if seed is None else values.whole("--seed", seed)
        path = file or workbook.located(one)
        again = _Check(output, one, path, drawn, require_isolation, json)
        if watch:
            _watch(output, path, again)
        elif not again():
            raise typer.Exit(1)
    elif action == "hint":
        _hint(output, one, json)
    elif action == "solution":
        _solution(output, one, give_up, json)
    else:
        _reset(output, one, file, json)


class _Check:
    """One check of a file, which can be repeated."""

    def __init__(
        self, output: Output, one: Exercise, path: Path, seed: int, isolated: bool, json: bool
    ) -> None:
        self.output, self.one, self.path = output, one, path
        self.seed, self.isolated, self.json = seed, isolated, json

    def __call__(self) -> bool:
        """Check, show what was found, remember it; return whether all is right."""
        from stepconv.classroom.exercises import check, workbook
        from stepconv.cli.waiting import compiling

        with compiling(self.output.errors):
            report = check(self.one, self.path, seed=self.seed, require_isolation=self.isolated)
            data = _report_data(report) if self.json else None
            _remarks(report)
        if report.passed:
            workbook.note(self.one, passed=True)

        def page(look: Look) -> RenderableType:
            from stepconv.views.classroom.exercises import CheckedFile

            return CheckedFile(report, look, workbook.following(self.one))

        _show(self.output, page, data)
        return report.passed


def _remarks(report: Report) -> None:
    """Work out what wrong results show while somebody is told that it may take a moment."""
    for case in report.failed:
        _ = case.remarks


def _watch(output: Output, path: Path, check: Callable[[], bool]) -> None:
    """Check whenever the file has changed, until Ctrl-C."""
    seen: tuple[int, int] | None = None
    try:
        while True:
            stamp = _stamp(path)
            if stamp is not None and stamp != seen:
                seen = stamp
                try:
                    check()
                except InputError as error:  # such as a file too large; it may be saved again
                    output.errors.write(translated(_("error: ")) + f"{error}\n")
                output.note(
                    translated(_("waiting for {path} to be saved; Ctrl-C ends")).format(
                        path=shown(str(path), 200)
                    )
                )
            time.sleep(GLANCE)
    except KeyboardInterrupt:
        output.note("")


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is saved; None while an editor has it away."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _report_data(report: Report) -> dict[str, Any]:
    """Return what a check found as JSON types."""
    return {
        "exercise": report.exercise.id,
        "passed": report.passed,
        "score": report.score,
        "problem": None if report.problem is None else str(report.problem),
        "protections": {
            "held": list(report.protections.held),
            "missing": list(report.protections.missing),
        },
        "cases": [_case_data(case) for case in report.cases],
    }


def _case_data(case: CheckedCase) -> dict[str, Any]:
    diagnosis = case.diagnosis
    codes = [] if diagnosis is None else [list(one.codes) for one in diagnosis.explanations]
    return {
        "passed": case.passed,
        "given": {name: _plain(value) for name, value in case.case.given.items()},
        "expected": _plain(case.case.expected),
        "got": None if case.got is None else _plain(case.got),
        "reason": None if case.reason is None else str(case.reason),
        "mistakes": codes,
        "remarks": list(case.remarks),
        "printed": case.printed,
        "replay": case.case.replay,
    }


def _plain(value: Any) -> Any:
    """Return an array as nested lists; what JSON has no number for, as text."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if (isinstance(value, float) and value - value != 0) or isinstance(value, complex):
        return str(value)
    return value


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

    if not (workbook.standing(one).passed or give_up):
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
