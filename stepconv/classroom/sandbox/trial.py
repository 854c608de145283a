"""Trying out, before any submission is run, what keeps one locked in on this machine."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from functools import cache
from pathlib import Path

from stepconv.classroom.sandbox.limits import Limits
from stepconv.classroom.sandbox.outcome import PROTECTIONS, Protections
from stepconv.classroom.sandbox.process import run_process
from stepconv.classroom.sandbox.scratch import scratch_folder
from stepconv.classroom.sandbox.walls import Wall, walls
from stepconv.errors import InputError

_TRIAL_SECONDS = 20.0


@cache
def chosen_wall(limits: Limits) -> tuple[Wall, Protections]:
    """Return the wall to use here, and what it really prevents.

    A wall that is installed may still not work: a container may forbid namespaces. So a
    program that tries to do what a submission must not is run behind each, the best first; the
    first in which Python starts is taken, and what that program failed to do is what holds.

    Raises
    ------
    InputError
        If Python cannot be started at all.
    """
    for wall in walls():
        held = _tried(wall, limits)
        if held is not None:
            return wall, Protections(held, wall.means)
    raise InputError(
        "a submission cannot be locked in here: Python with NumPy does not start in a process of"
        " its own with fewer rights; install bubblewrap (bwrap), and do not run them as root"
    )


def _tried(wall: Wall, limits: Limits) -> tuple[str, ...] | None:
    """Return what holds behind this wall, None where Python does not start there."""
    said = bytearray()

    def take(data: bytes) -> bool:
        said.extend(data)
        return False

    with scratch_folder() as scratch, tempfile.TemporaryDirectory() as folder:
        # Readable for everybody: rights alone do not keep one student from another's files.
        Path(folder).chmod(0o755)
        file = Path(folder, "another's file")
        file.write_text("not to be read", encoding="utf-8")
        file.chmod(0o644)
        with socket.create_server(("127.0.0.1", 0)) as server:
            asked = {"process": os.getpid(), "file": str(file), "port": server.getsockname()[1]}
            ended = run_process(
                scratch,
                wall,
                {"probe": asked},
                Limits(**{**vars(limits), "case_seconds": _TRIAL_SECONDS}),
                _TRIAL_SECONDS,
                take,
            )
    try:
        told = json.loads(said)["held"]
    except (ValueError, KeyError, TypeError):
        return None
    # It leaves a daemon behind, which would hold the channel open for seconds. One that can
    # reach other programs can end the one that would find it.
    alone = ended.alone and "strangers" in told
    held = {*told, *(("leftovers",) if alone else ())}
    return tuple(code for code in PROTECTIONS if code in held)
