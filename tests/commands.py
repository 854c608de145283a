"""Running the command line from tests, in this process or in one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from stepconv.cli import main

ROOT = Path(__file__).parent.parent
_UNSET = ("COLUMNS", "FORCE_COLOR", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "NO_COLOR")


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str


def run(*arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> Result:
    """Run the command line in this process, in English unless told otherwise."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, clean_environment(environment), clear=True),
        mock.patch("sys.stdin", io.StringIO(stdin)),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = main(list(arguments))
    return Result(status, out.getvalue(), err.getvalue())


def done(*arguments: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run a command that must succeed without a word on stderr; return what it printed."""
    result = run(*arguments, environment=environment, stdin=stdin)
    assert (result.status, result.err) == (0, ""), result
    return result.out


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment that says nothing of language, colour or width."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return kept | {"LANG": "C.UTF-8", "TERM": "xterm"} | dict(more or {})


def program(*arguments: str) -> list[str]:
    """Return the command that runs the command line in a process of its own."""
    code = "import sys; from stepconv.cli import main; sys.exit(main())"
    return [sys.executable, "-X", "utf8", "-c", code, *arguments]


def process(
    *arguments: str, environment: Mapping[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own, with pipes on all sides."""
    more = {"PYTHONPATH": str(ROOT), **(environment or {})}
    return subprocess.run(
        program(*arguments),
        env=clean_environment(more),
        input=stdin,
        capture_output=True,
        check=False,
        timeout=120,
    )
