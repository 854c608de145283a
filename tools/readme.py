"""Fill the screens of the README files with what the commands really print.

    python tools/readme.py update     run each command and write its output below it
    python tools/readme.py pictures   draw the pictures of docs/ again
    python tools/readme.py check      say which screen is out of date

A screen is a block marked ``console`` whose first line is ``$ stepconv …``, or
``$ echo "…" | stepconv …`` for a command that is answered.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path
from unittest import mock

from stepconv.cli import main as stepconv

ROOT = Path(__file__).resolve().parent.parent
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
SCREEN = re.compile(
    r"^```console\n\$ ((?:echo [^\n|]*\| )?stepconv [^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)

PICTURES = {
    "docs/step.svg": "trace @digit @sobel-x --padding 1 --step 11",
    "docs/step.zh-CN.svg": "trace @digit @sobel-x --padding 1 --step 11 --lang zh",
}


def run(command: str) -> str:
    """Return what ``stepconv …`` prints, at 80 columns without colour, for somebody new to it."""
    answers, _pipe, program = command.rpartition(" | ")
    answered = io.StringIO("".join(f"{line}\n" for line in shlex.split(answers)[1:]))
    printed = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as progress,
        mock.patch.dict(os.environ, {"STEPCONV_DATA_DIR": progress}),
        mock.patch("sys.stdin", answered),
        contextlib.redirect_stdout(printed),
    ):
        status = stepconv([*shlex.split(program)[1:], "--width", "80", "--color", "never"])
    if status:
        raise SystemExit(f"{command}: exit status {status}")
    return printed.getvalue().rstrip("\n") + "\n"


def refreshed(text: str) -> str:
    """Return `text` with every screen as the command prints it now."""
    return SCREEN.sub(
        lambda found: f"```console\n$ {found[1]}\n{run(found[1])}```",
        text,
    )


def drawn() -> dict[str, str]:
    """Return each of `PICTURES` as its command saves it now."""
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, command in PICTURES.items():
            path = Path(folder, Path(name).name)
            run(f"stepconv {command} --save {shlex.quote(str(path))}")
            found[name] = path.read_text(encoding="utf-8")
    return found


def stale() -> list[str]:
    """Return the names of the files whose screens are out of date."""
    texts = {path: path.read_text(encoding="utf-8") for path in READMES}
    return [path.name for path, text in texts.items() if refreshed(text) != text]


def main() -> None:
    """Run the verb given on the command line."""
    match sys.argv[1:]:
        case ["update"]:
            for path in READMES:
                path.write_text(refreshed(path.read_text(encoding="utf-8")), encoding="utf-8")
        case ["pictures"]:
            for name, picture in drawn().items():
                (ROOT / name).write_text(picture, encoding="utf-8")
        case ["check"]:
            if names := stale():
                raise SystemExit(f"out of date: {', '.join(names)}; python tools/readme.py update")
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
