"""The command line: parse, call, show."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stepconv.cli.settings import Settings, lift
from stepconv.errors import InputError, StepconvError
from stepconv.language import _, set_language, using_language

if TYPE_CHECKING:
    from stepconv.cli.output import Output

BAD_INPUT, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the program's name; those of the process by default.

    Returns
    -------
    int
        0 done, 1 a check or an answer was wrong, 2 bad input, 130 interrupted.

    Examples
    --------
    >>> main(["shape", "--input", "3,64,128", "--weight", "32,64,4", "--json"])
    {"input": [3, 64, 128], "weight": [32, 64, 4], "output": [3, 32, 125]...}
    0
    """
    with using_language("en"):  # whoever calls this in a process keeps their own language
        return _reported(sys.argv[1:] if argv is None else argv)


def _reported(arguments: Sequence[str]) -> int:
    """Run, and turn what goes wrong into one paragraph and a status."""
    settings = Settings()
    try:
        set_language(settings.language(os.environ))
        settings, rest = lift(arguments)
        set_language(settings.language(os.environ))
        settings.check()
        return _run(settings, rest)
    except StepconvError as error:
        return _fail(error, settings)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return 0
    except OSError as error:
        problem = InputError(
            "the output cannot be written: {reason}", reason=error.strerror or error
        )
        return _fail(problem, settings)
    except MemoryError:
        problem = InputError("there is not enough memory for this; use smaller arrays")
        return _fail(problem, settings)


def _discard_output() -> None:
    """Send to nowhere what Python would still flush at exit, since nobody reads it."""
    with contextlib.suppress(OSError):  # a stand-in for sys.stdout has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(settings: Settings, arguments: list[str]) -> int:
    from stepconv.cli.app import run  # Typer and Rich load when there is something to run

    return run(["--version"] if settings.version else arguments, _output(settings))


def _output(settings: Settings) -> Output:
    from stepconv.cli.output import Output
    from stepconv.views.screen import Screen

    screens = [
        Screen(stream, color=settings.color, ascii=settings.ascii, width=settings.columns())
        for stream in (sys.stdout, sys.stderr)
    ]
    return Output(*screens)


def _fail(error: StepconvError, settings: Settings) -> int:
    """Print an error as one paragraph."""
    from stepconv.views.parts.paragraph import wrapped

    try:
        settings.check()
    except InputError:
        settings = Settings()
    screen = _output(settings).errors
    label, look = _("error: "), screen.look
    text = wrapped(look.plain(label + str(error)), screen.width)
    if look.color:
        text = screen.styled(text, look.style("error"), len(label.rstrip()))
    screen.write(text + "\n")
    return BAD_INPUT
