"""Running students' code safely: a process of its own, behind the best wall there is.

`run_submission` copies a file into a scratch folder, starts it there without the grader's
environment, under limits, and takes back plain arrays. Where bubblewrap works there is no network
and no other file for it; what is not ensured on a machine is tried out and said. Without it a
submission can read what the grader's user can, the key too, and leave files behind; started by an
ordinary user without namespaces, it can reach the grader itself. That is not kept from it here.
"""

from __future__ import annotations

from stepconv.classroom.sandbox.limits import Limits
from stepconv.classroom.sandbox.outcome import (
    PROTECTIONS,
    CaseResult,
    Outcome,
    Protections,
    Reason,
    protection_text,
)
from stepconv.classroom.sandbox.run import protections, run_submission

__all__ = [
    "PROTECTIONS",
    "CaseResult",
    "Limits",
    "Outcome",
    "Protections",
    "Reason",
    "protection_text",
    "protections",
    "run_submission",
]
