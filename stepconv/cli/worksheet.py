"""``stepconv worksheet``."""

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
from stepconv.files import shown
from stepconv.language import _ as translated

if TYPE_CHECKING:
    from stepconv.classroom.worksheet.issue import Issued
    from stepconv.classroom.worksheet.key import Key
    from stepconv.classroom.worksheet.worksheet import Worksheet
    from stepconv.cli.output import Output

DEFAULT_TOPICS = "valid,padding,stride,bias"
WORTH_TELLING = 20
"""Students from which on one is told how far the work is."""


def worksheet(
    context: typer.Context,
    roster: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help=_("the class, a CSV file whose first line is id,name; without it, one sheet"),
        ),
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help=_(
                "what the numbers come from; keep it to yourself. Without it that of the key"
                " folder, or one that nobody can guess"
            ),
        ),
    ] = None,
    topics: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help=_("with commas between them, taken in turn; --topics list names them all"),
        ),
    ] = DEFAULT_TOPICS,
    level: Annotated[str, typer.Option(metavar="1|2|3", help=_("how hard"))] = "1",
    count: Annotated[str, typer.Option(metavar="N", help=_("questions of a sheet"))] = "4",
    out: Annotated[
        str, typer.Option(metavar="FOLDER", help=_("for the sheets, a folder for each student"))
    ] = "sheets",
    key: Annotated[
        str, typer.Option(metavar="FOLDER", help=_("for the key, which grading needs"))
    ] = "key",
    force: Annotated[
        bool, typer.Option("--force", help=_("write over another worksheet in these folders"))
    ] = False,
    json: Json = False,
) -> None:
    """Write a sheet for each student of a class, and the key."""
    output: Output = context.obj
    from stepconv.classroom.worksheet.issue import check_folders
    from stepconv.classroom.worksheet.key import make_key
    from stepconv.classroom.worksheet.roster import Student, read_roster
    from stepconv.classroom.worksheet.worksheet import Worksheet, topics_of

    if topics == "list":
        _list_topics(output)
        return
    students = (Student("sheet"),) if roster is None else read_roster(Path(roster))
    sheets, folder = Path(out), Path(key)
    sheet = Worksheet(
        _seed(seed, folder, force),
        topics_of(topics),
        values.whole("--level", level),
        values.whole("--count", count),
    )
    check_folders(sheets, folder, sheet.id, force=force)
    issued = _written(output, make_key(sheet, students), sheets, folder)
    if json:
        output.screen.write(json_text.dumps(_data(sheet, issued, len(students))) + "\n")
    else:
        _tell(output, sheet, issued, len(students))
    _warn(output, sheet, issued)


def _list_topics(output: Output) -> None:
    from stepconv.classroom.topics import topic
    from stepconv.classroom.worksheet.worksheet import WORKED
    from stepconv.views.parts.columns import columns

    rows = [[name, topic(name).title()] for name in WORKED]
    look = output.screen.look
    lines = columns([], rows, look, output.screen.width, align="<<", roles=["key", "input"])
    output.screen.write("".join(output.screen.text(line) for line in lines))


def _seed(given: str | None, folder: Path, force: bool) -> str:
    """Return the seed that is given, or that of the key that is there, or a new one."""
    from stepconv.classroom.worksheet.key import FILE, read_key
    from stepconv.classroom.worksheet.worksheet import drawn_seed

    if given is not None:
        if not given.strip():
            raise InputError("--seed is empty; give a text, or leave it out")
        return given.strip()
    if os.path.isfile(folder / FILE) and not force:
        return read_key(folder).worksheet.seed
    return drawn_seed()


def _written(output: Output, key: Key, sheets: Path, folder: Path) -> Issued:
    from stepconv.classroom.worksheet.issue import issue
    from stepconv.views.classroom.keytable import worked

    with Progress(output, translated(_("sheet {done} of {all}")), WORTH_TELLING) as progress:
        return issue(
            key, sheets, folder, worked, lambda number, _s: progress(number, len(key.students))
        )


def _tell(output: Output, sheet: Worksheet, issued: Issued, count: int) -> None:
    lines = [
        translated(
            _("Worksheet {id}: the sheets ({count}) are in {sheets}, the key is in {key}.")
        ).format(id=sheet.id, count=count, sheets=issued.sheets, key=issued.key),
        translated(
            _(
                "Hand out each student's folder: the sheet to print, and an answer file to fill in"
                " (.json or .csv). Grade what comes back, a folder of answer files, with"
            )
        ),
        f"  stepconv grade FOLDER --key {issued.key}",
    ]
    output.screen.show("\n".join(lines))


def _warn(output: Output, sheet: Worksheet, issued: Issued) -> None:
    from stepconv.classroom.worksheet.worksheet import guessable

    if issued.kept:
        text = translated(
            _("Answers are filled in already, so these files stay as they were: {files}")
        )
        output.note(text.format(files=", ".join(shown(name, 200) for name in issued.kept)))
    if issued.others:
        text = translated(_("These folders are of no student of this class: {folders}"))
        output.note(text.format(folders=", ".join(shown(name, 200) for name in issued.others)))
    if guessable(sheet.seed):
        output.note(
            translated(
                _(
                    "A seed as short as this can be found by trying, and with it the key; where"
                    " that matters, leave --seed out, and a longer one is drawn."
                )
            )
        )


def _data(sheet: Worksheet, issued: Issued, count: int) -> dict[str, object]:
    return {
        "worksheet": sheet.id,
        "topics": list(sheet.topics),
        "level": sheet.level,
        "count": sheet.count,
        "students": count,
        "sheets": str(issued.sheets),
        "key": str(issued.key),
        "kept": list(issued.kept),
        "others": list(issued.others),
    }
