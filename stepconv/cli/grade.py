"""``stepconv grade``."""

from __future__ import annotations

import json as json_text
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepconv.cli import values
from stepconv.cli.options import Json, _
from stepconv.cli.progress import Progress
from stepconv.errors import InputError
from stepconv.language import _ as translated

if TYPE_CHECKING:
    from stepconv.classroom.grading.marks import Report
    from stepconv.cli.output import Output

FEW = 3
"""Students whose reasons are told without being asked for."""


def grade(
    context: typer.Context,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help=_("answer files or Python files, or folders of them; a folder is a whole class"),
        ),
    ],
    key: Annotated[
        str, typer.Option(metavar="FOLDER", help=_("the key that stepconv worksheet wrote"))
    ] = "key",
    exercise: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=_("grade code: submissions to this exercise")),
    ] = None,
    seed: Annotated[
        str,
        typer.Option(metavar="N", help=_("code: draws cases that the student's check has not")),
    ] = "1",
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help=_("write a gradebook"))
    ] = None,
    gradescope: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help=_("write results.json as Gradescope takes it; a folder for several students"),
        ),
    ] = None,
    reasons: Annotated[
        bool, typer.Option("--reasons", help=_("tell for each student where marks were lost"))
    ] = False,
    jobs: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("how many at a time; as many as there are processors")),
    ] = None,
    require_isolation: Annotated[
        bool,
        typer.Option("--require-isolation", help=_("code: refuse to run what cannot be locked in")),
    ] = False,
    json: Json = False,
) -> None:
    """Grade answer files, or code."""
    output: Output = context.obj
    _check_file(csv)
    from stepconv.classroom.grading.gradebook import gradebook
    from stepconv.classroom.grading.gradescope import write_results
    from stepconv.classroom.grading.summary import summarize
    from stepconv.files import write_atomically
    from stepconv.views.classroom.grades import Grades

    files, workers = [Path(path) for path in paths], _jobs(jobs)
    # One results.json is of one submission, though it comes in a folder.
    alone = gradescope is not None and gradescope.lower().endswith(".json")
    with Progress(output, translated(_("{done} of {all} graded"))) as progress:
        if exercise is None:
            from stepconv.classroom.grading.answersheets import grade_answers
            from stepconv.classroom.grading.submission import answer_files

            files = list(answer_files(files)) if alone else files
            report = grade_answers(files, Path(key), jobs=workers, told=progress)
        else:
            report = _code(files, exercise, seed, workers, require_isolation, alone, progress)
    summary = summarize(report)
    if csv is not None:
        write_atomically(csv, gradebook(report).encode("utf-8"))
    if gradescope is not None:
        write_results(report, Path(gradescope))
    if json:
        data = report.to_json() | {"summary": summary.to_json()}
        text = json_text.dumps(data, ensure_ascii=output.screen.look.ascii, indent=1)
        output.screen.write(text + "\n")
    else:
        told = reasons or len(report.graded) <= FEW
        output.screen.show(Grades(report, summary, output.screen.look, reasons=told))
    if report.ungraded:
        raise typer.Exit(1)


def _code(
    files: list[Path],
    name: str,
    seed: str,
    jobs: int,
    require_isolation: bool,
    alone: bool,
    progress: Progress,
) -> Report:
    from stepconv.classroom.exercises import exercise
    from stepconv.classroom.grading.code import grade_code

    return grade_code(
        files,
        exercise(name),
        seed=values.whole("--seed", seed),
        jobs=jobs,
        require_isolation=require_isolation,
        entire=alone,
        told=progress,
    )


def _jobs(text: str | None) -> int:
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    count = values.whole("--jobs", text)
    if not 1 <= count <= 256:
        raise InputError("--jobs {count} is not between 1 and 256", count=count)
    return count


def _check_file(path: str | None) -> None:
    """Refuse a gradebook that cannot be written, before all the work."""
    if path is not None and not Path(path).absolute().parent.is_dir():
        raise InputError(
            "--csv {path}: there is no folder {folder}; make it first",
            path=path,
            folder=Path(path).parent,
        )
