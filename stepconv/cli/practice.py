"""``stepconv practice``."""

from __future__ import annotations

import os
import secrets
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepconv.cli import values
from stepconv.cli.options import _
from stepconv.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.classroom.practice import Course, Schedule
    from stepconv.classroom.practice.keeping import Keeper
    from stepconv.cli.output import Output
    from stepconv.views.theme import Look

MOST = 10_000
"""Questions that --count may ask for; without it there is no end."""


def practice(
    context: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC",
            help=_("what to ask about, several with commas between them; else everything"),
        ),
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help=_("the same questions for the same answers, whatever was practised before"),
        ),
    ] = None,
    count: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("questions to ask; without it they do not end")),
    ] = None,
    level: Annotated[str, typer.Option(metavar="1|2|3", help=_("how hard"))] = "1",
    topics: Annotated[
        bool, typer.Option("--list", help=_("list the topics, and when each comes again"))
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help=_(
                "read answers line by line, and print a JSON object for each question, hint and"
                " verdict, at last a summary"
            ),
        ),
    ] = False,
) -> None:
    """Ask questions, name what went wrong, and come back to it."""
    from stepconv.classroom.practice import Course, Schedule
    from stepconv.classroom.practice.course import level_of, topics_of
    from stepconv.classroom.practice.keeping import Keeper

    output: Output = context.obj
    keeper = Keeper()
    if topics:
        _list(output, keeper.schedule(), json=json)
        return
    most = None if count is None else _count(count)
    course = Course(
        seed=str(secrets.randbelow(10**6)) if seed is None else seed,
        level=level_of(values.whole("--level", level)),
        topics=topics_of(topic),
        schedule=keeper.schedule() if seed is None else Schedule(),
    )
    _practise(output, course, most, keeper, json=json)


def _practise(
    output: Output, course: Course, most: int | None, keeper: Keeper, *, json: bool
) -> None:
    if json:
        from stepconv.cli.practice_json import JsonLines

        JsonLines(output, keeper, course, most).run()
    elif _interactive(output):
        from stepconv.cli.practice_run import practise

        practise(output, course, most, keeper)
    else:
        from stepconv.cli.practice_lines import TextLines

        TextLines(output, keeper, course, most).run()


def _count(text: str) -> int:
    number = values.whole("--count", text)
    if not 1 <= number <= MOST:
        raise InputError(
            "--count {number} is not from 1 to {most}; without it questions do not end",
            number=number,
            most=MOST,
        )
    return number


def _interactive(output: Output) -> bool:
    return output.screen.is_terminal and sys.stdin.isatty() and os.environ.get("TERM") != "dumb"


def _list(output: Output, schedule: Schedule, *, json: bool) -> None:
    from stepconv.classroom.questions import kinds_for
    from stepconv.classroom.topics import TOPICS
    from stepconv.cli.show import show

    def page(look: Look) -> RenderableType:
        from stepconv.views.classroom.practised import TopicList

        return TopicList(schedule, look)

    def facts(name: str) -> dict[str, Any]:
        standing = schedule.standings.get(name)
        left = None if standing is None else max(standing.due - schedule.turn, 0)
        return {"questions": [kind.name for kind in kinds_for(name)], "due_in": left}

    data = [{"topic": one.name, "title": one.title(), **facts(one.name)} for one in TOPICS]
    show(output, page, save=None, title="stepconv practice", data=data if json else None)
