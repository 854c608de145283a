"""The program: its commands, each in a file of its own."""

from __future__ import annotations

from typing import cast

import typer

from stepconv.cli.bench import bench
from stepconv.cli.exercise import exercise
from stepconv.cli.grade import grade
from stepconv.cli.help import Command, Group, usage_error
from stepconv.cli.lesson import lesson
from stepconv.cli.lessons import lessons
from stepconv.cli.matrix import matrix
from stepconv.cli.options import _
from stepconv.cli.output import Output
from stepconv.cli.practice import practice
from stepconv.cli.receptive import receptive
from stepconv.cli.samples import samples
from stepconv.cli.shape import shape
from stepconv.cli.trace import trace
from stepconv.cli.worksheet import worksheet

# Typer gives the class of all its usage errors no public name.
_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])

app = typer.Typer(
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
    help=_("Step through convolutions: every placement, every product and every sum."),
)

_COMMANDS = (
    (
        trace,
        _("Convolve, and show every placement, every product and every sum."),
        """\
stepconv trace "1 1 1 1" "1 1 1" --padding 1
stepconv trace @digit @sobel-x --padding 1 --step 11
stepconv trace @padding-strides-transposed --order scatter --play
stepconv trace @digit @sobel-x --save edges.svg --save edges.json""",
    ),
    (
        shape,
        _("Work out the sizes of a convolution, axis by axis, without any numbers."),
        """\
stepconv shape --input 3,64,128 --weight 32,64,4 --stride 2
stepconv shape --input 16,7,7 --weight 16,8,3,3 --transposed --stride 2""",
    ),
    (
        receptive,
        _("Work out what one output cell sees of the input, layer by layer."),
        """\
stepconv receptive "3 3,d=2 3,d=4"
stepconv receptive 7,s=2 3,s=2 3x5""",
    ),
    (
        matrix,
        _("Show the sparse matrix that a convolution is, and its transpose."),
        """\
stepconv matrix "1 2 3 4" "1 2 3"
stepconv matrix @sparse-matrix --names
stepconv matrix @sparse-matrix --transpose""",
    ),
    (
        samples,
        _("List the named inputs, kernels and scenes, or show one."),
        """\
stepconv samples
stepconv samples sobel-x""",
    ),
    (
        lesson,
        _("Read a lesson: pages, scenes to step through, questions."),
        """\
stepconv lesson
stepconv lesson one-product
stepconv lesson 4 --print
stepconv lesson padding --save padding.html --answers""",
    ),
    (
        lessons,
        _("List the lessons, check those of a folder, or forget how far you came."),
        """\
stepconv lessons
stepconv lessons check my-lessons
stepconv lessons reset sizes""",
    ),
    (
        practice,
        _("Answer questions; a mistake gets its name, and its topic comes back sooner."),
        """\
stepconv practice
stepconv practice padding --level 2
stepconv practice --seed 7 --count 10
stepconv practice --list""",
    ),
    (
        exercise,
        _("Write a function, and have it checked: what is wrong, and how it came about."),
        """\
stepconv exercise
stepconv exercise start conv1d my-work
stepconv exercise check conv1d --watch
stepconv exercise hint conv1d""",
    ),
    (
        worksheet,
        _("Write a sheet of problems for each student of a class, and the key to them."),
        """\
stepconv worksheet --roster class.csv --topics padding,stride --count 4
stepconv worksheet --seed "a long sentence" --out sheets --key key""",
    ),
    (
        grade,
        _("Grade a class: answer files, or code, with a reason for every mark."),
        """\
stepconv grade answers --key key --csv gradebook.csv
stepconv grade answers-7.json --key key
stepconv grade submissions --exercise conv1d --jobs 2""",
    ),
    (
        bench,
        _("Measure how fast this machine convolves, here and with what else is installed."),
        """\
stepconv bench --quick
stepconv bench --layer "resnet 3x3" --threads 2
stepconv bench --json > bench.json""",
    ),
)

for _command, _help, _examples in _COMMANDS:
    app.command(cls=Command, help=_help, epilog=_examples, add_help_option=False)(_command)


program = typer.main.get_command(app)


def run(arguments: list[str], output: Output) -> int:
    """Run the command that `arguments` name, and return its exit status."""
    try:
        with program.make_context("stepconv", list(arguments), obj=output) as context:
            program.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except _UsageError as problem:
        raise usage_error(problem) from None
    return 0
