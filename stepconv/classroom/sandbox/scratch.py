"""The scratch folder of a submission: all that it is given, and the only place it may write to."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stepconv.errors import InputError


@dataclass(frozen=True)
class Scratch:
    """A folder that lives as long as one process of a submission.

    `home` is the submission's own, to write to; beside it lie its code, the task and the
    program that runs them, which it may read.
    """

    folder: Path

    @property
    def home(self) -> Path:
        """Home and working directory of the submission."""
        return self.folder / "home"

    @property
    def code(self) -> Path:
        """The submission's files."""
        return self.folder / "code"

    @property
    def library(self) -> Path:
        """What can be imported beside Python's own: NumPy."""
        return self.folder / "library"

    @property
    def task(self) -> Path:
        """What is to be run."""
        return self.folder / "task.json"

    @property
    def arrays(self) -> Path:
        """The arrays given to the function."""
        return self.folder / "given.npz"

    @property
    def runner(self) -> Path:
        """The program that runs it."""
        return self.folder / "runner.py"

    def environment(self) -> dict[str, str]:
        """Return the environment of a submission: nothing of the grader's."""
        alone = ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **{f"{name}_NUM_THREADS": "1" for name in alone},
        }

    def hand_over(self, user: int) -> None:
        """Let `user` write to home and read the rest; nobody else may do either."""
        os.chown(self.home, user, user)
        for path in (self.folder, self.code, self.library):
            os.chown(path, -1, user)
            path.chmod(0o750)
        for path in (self.runner, self.task, self.arrays, *self.code.iterdir()):
            if path.exists():
                os.chown(path, -1, user)
                path.chmod(0o640)


@contextmanager
def scratch_folder() -> Iterator[Scratch]:
    """Make a scratch folder, and remove it whatever became of it."""
    scratch = Scratch(Path(os.path.realpath(tempfile.mkdtemp(prefix="stepconv-run-"))))
    try:
        for folder in (scratch.home, scratch.code, scratch.library):
            folder.mkdir()
        shutil.copyfile(Path(__file__).with_name("runner.py"), scratch.runner)
        for library in numpy_folders():
            (scratch.library / library.name).symlink_to(library)
        yield scratch
    finally:
        remove(scratch.folder)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, however deep, whatever its rights; follow no link."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        # The system's own tools walk folders deeper than Python's recursion, or any path.
        for tool in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run(
                [*tool, "--", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )


@cache
def numpy_folders() -> tuple[Path, ...]:
    """Return where NumPy and its libraries lie."""
    found = importlib.util.find_spec("numpy")
    if found is None or found.origin is None:
        raise InputError("NumPy cannot be found; install it with pip install numpy")
    package = Path(os.path.realpath(Path(found.origin).parent))
    libraries = package.with_name("numpy.libs")
    return (package, libraries) if libraries.is_dir() else (package,)


def python_program() -> str:
    """Return the Python that runs submissions: this one, without its virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
