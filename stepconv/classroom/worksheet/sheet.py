"""The page of a sheet, and the page of the key to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run
from stepconv.classroom.worksheet.blanks import axis_names, blanks
from stepconv.classroom.worksheet.given import given_blocks, grids, tables
from stepconv.classroom.worksheet.notation import written
from stepconv.classroom.worksheet.page import Block, Heading, Line, Listing, Paragraph, Points
from stepconv.classroom.worksheet.parts import SIZES, Part
from stepconv.classroom.worksheet.question import Question
from stepconv.classroom.worksheet.roster import Student
from stepconv.language import _

Worked = Callable[[Problem], str]
"""How the engine's own tables of a problem are drawn, as lines of text."""


def sheet_page(id: str, student: Student, questions: Sequence[Question]) -> Iterator[Block]:
    """Return the page that a student gets."""
    yield Heading(_("Convolutions by hand"), 1)
    yield from _head(id, student)
    yield Points(
        (
            _(
                "Each step counts; behind it stand its name in the answer file and its marks. An"
                " error costs marks once: what follows from it is judged by what you wrote before."
            ),
            _(
                "The tables have more cells than you need. Placements, rows, columns and channels"
                " are counted from 1."
            ),
            _(
                "In the answer file, write numbers with blanks between them, a semicolon at the"
                " end of a row, and a bar | between one table of rows and the next:"
                " 1 2; 3 4 | 5 6; 7 8. A ? stands for a number that you leave out."
            ),
        )
    )
    for question in questions:
        yield _title(question)
        yield from given_blocks(question)
        for part in question.parts:
            yield Paragraph(task(question, part), task=True)
            yield from blanks(question.problem.run, part)


def key_page(
    id: str, student: Student, questions: Sequence[Question], worked: Worked
) -> Iterator[Block]:
    """Return the page of the key: each answer, and the engine's own table."""
    yield Heading(_("Key: convolutions by hand"), 1)
    yield from _head(id, student)
    for question in questions:
        yield _title(question)
        yield from given_blocks(question)
        for part in question.parts:
            yield Paragraph(task(question, part), task=True)
            value = np.asarray(part.asked(question.problem.run))
            if part.code not in SIZES:
                yield tables(grids(value, question.problem.run.rank, "", _("channel {number}")))
            yield Paragraph(_("In the answer file: {answer}").format(answer=written(value)))
        if text := worked(question.problem):
            if question.problem.run.weight.shape[:2] != (1, 1):
                yield Paragraph(_("In the engine's table, channels are counted from 0:"))
            yield Listing(text)


def task(question: Question, part: Part) -> str:
    """Say what a part asks: its letter in front, its name and its marks behind."""
    text = _TASKS[part.code](question.problem.run, part)
    return _("({letter}) {task} [{code}: {marks:g}]").format(
        letter=question.letter(part), task=text, code=part.code, marks=part.marks
    )


def _title(question: Question) -> Heading:
    return Heading(
        _("Question {number} (marks: {marks:g})").format(
            number=question.number, marks=question.marks
        )
    )


def _head(id: str, student: Student) -> Iterator[Block]:
    if student.name:
        yield Paragraph(_("Name: {name}").format(name=student.name))
    else:
        yield Line(_("Name:"))
    yield Paragraph(_("Student: {id}. Worksheet: {worksheet}.").format(id=student.id, worksheet=id))


def _cell(names: Sequence[str], channel: str, place: Sequence[int], several: bool) -> str:
    """Name a cell: its channel, where there are several, and its position, from 1."""
    words = [channel.format(number=place[1] + 1)] * several
    words += [f"{name} {number + 1}" for name, number in zip(names, place[2:], strict=True)]
    return _(", ").join(words)


def _singular(rank: int) -> list[str]:
    return [_("depth"), _("row"), _("column")][-rank:]


def _products_task(run: Run, part: Part) -> str:
    names = [_("placement")] if run.rank == 1 else _singular(run.rank)
    several = run.geometry.output_shape[-run.rank - 1] > 1
    cell = _cell(names, _("output channel {number}"), part.cell, several)
    return _(
        "Write down the products for the output cell at {cell}, in the order of the kernel's"
        " weights."
    ).format(cell=cell)


def _stamp_task(run: Run, part: Part) -> str:
    names = [_("position")] if run.rank == 1 else _singular(run.rank)
    several = run.input.shape[-run.rank - 1] > 1
    cell = _cell(names, _("input channel {number}"), part.cell, several)
    return _(
        "Write down what the input cell at {cell} adds to the result: its value times the kernel."
    ).format(cell=cell)


def _per_axis(single: str, several: str, run: Run) -> str:
    return single if run.rank == 1 else several.format(axes=_(", ").join(axis_names(run.rank)))


_TASKS: dict[str, Callable[[Run, Part], str]] = {
    "padded_size": lambda run, _part: _per_axis(
        _("How long is the input with its padding?"),
        _("How large is the input with its padding: {axes}?"),
        run,
    ),
    "span": lambda run, _part: _per_axis(
        _("How many cells does the kernel span, from its first tap to its last?"),
        _("How many cells does the kernel span, from its first tap to its last: {axes}?"),
        run,
    ),
    "full_size": lambda run, _part: _per_axis(
        _("How long is the result before anything is cropped or added at its end?"),
        _("How large is the result before anything is cropped or added at its end: {axes}?"),
        run,
    ),
    "size": lambda run, _part: _per_axis(
        _("How long is the output?"), _("How large is the output: {axes}?"), run
    ),
    "shape": lambda _run, _part: _("What is the whole shape of the output?"),
    "padded": lambda _run, _part: _("Write down the padded input."),
    "products": _products_task,
    "stamp": _stamp_task,
    "full": lambda run, _part: (
        _("Write down the result before anything is cropped, without the bias.")
        if run.bias is not None
        else _("Write down the result before anything is cropped.")
    ),
    "sums": lambda _run, _part: _("Write down the sums of all placements, before the bias."),
    "output": lambda _run, _part: _("Write down the output."),
}
