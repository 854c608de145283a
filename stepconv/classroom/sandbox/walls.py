"""Walls: programs of the system that take the network, other files and other programs away."""

from __future__ import annotations

import os
import shutil
import site
import sys
from dataclasses import dataclass
from pathlib import Path

from stepconv.classroom.sandbox.scratch import Scratch, numpy_folders, python_program

FIRST_USER = 2_000_000_000
"""Numbers from here on belong to no account; a submission that root starts gets one of them."""


@dataclass(frozen=True)
class Wall:
    """A way to start a submission.

    Attributes
    ----------
    means : str
        "bwrap", "unshare", or "" for none.
    program : str
        Where that program is.
    drops : bool
        Whether the submission, started by root, becomes a user of its own.
    reads : bool
        Whether that user may read everything: needed where Python lies in root's home.
    """

    means: str = ""
    program: str = ""
    drops: bool = False
    reads: bool = False

    def command(self, scratch: Scratch, inner: list[str]) -> list[str]:
        """Return the command that runs `inner` behind this wall."""
        if self.means == "bwrap":
            return [self.program, *_bubble(scratch, self.drops), "--", *inner]
        if self.means == "unshare":
            own = [] if os.getuid() == 0 else ["--user", "--map-current-user"]
            apart = ["--mount", "--mount-proc", "--pid", "--net", "--ipc", "--fork"]
            return [self.program, *own, *apart, "--kill-child", "--", *inner]
        return inner


def walls() -> list[Wall]:
    """Return the walls that may work here, the best first; only a trial tells which do.

    None of them leaves a submission with the rights of root outside of a bubble.
    """
    found = {
        means: program
        for means in ("bwrap", "unshare")
        if sys.platform == "linux" and (program := shutil.which(means))
    }
    bubble = [("bwrap", found["bwrap"])] if "bwrap" in found else []
    others = [("unshare", found["unshare"])] if "unshare" in found else []
    others.append(("", ""))
    if os.getuid() != 0:
        return [Wall(*one) for one in bubble + others]
    return [
        *(Wall(*one, drops) for one in bubble for drops in (True, False)),
        *(Wall(*one, True, reads) for reads in (False, True) for one in others),
    ]


def _bubble(scratch: Scratch, drops: bool) -> list[str]:
    """Return bubblewrap's options: Python, NumPy and the scratch folder are all that is there."""
    options = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    options += ["--unshare-cgroup-try", "--die-with-parent"]
    if os.getuid() != 0:
        options.append("--unshare-user")
    options += ["--cap-drop", "ALL"]
    if drops:
        options += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    options += ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(name):
            options += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            options += ["--ro-bind", name, name]
    for name in ("/etc/ld.so.cache", "/etc/alternatives", "/nix/store"):
        options += ["--ro-bind-try", name, name]
    base = os.path.realpath(sys.base_prefix)
    if not base.startswith("/usr/") and base != "/usr":
        options += _bound(Path(base), "--ro-bind")
    for folder in site.getsitepackages([sys.base_prefix, base]):
        if os.path.isdir(folder):  # whatever else is installed beside Python
            options += ["--tmpfs", folder]
    for library in numpy_folders():
        options += _bound(library, "--ro-bind")
    options += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]
    options += _bound(scratch.folder, "--ro-bind") + _bound(scratch.home, "--bind")
    return [*options, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(scratch.home)]


def _bound(folder: Path, how: str) -> list[str]:
    """Return what puts a folder in its place; folders above it would be root's alone."""
    above = [str(one) for one in reversed(folder.parents) if one.name]
    made = [word for one in above for word in ("--dir", one)]
    return [*made, how, str(folder), str(folder)]


def inner_command(scratch: Scratch, channel: int) -> list[str]:
    """Return the command of the program that imports the submission."""
    flags = ["-I", "-S", "-B", "-X", "utf8"]
    return [python_program(), *flags, str(scratch.runner), str(scratch.task), str(channel)]
