"""Checking a student's file once, or whenever it is saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.classroom.exercises import CheckedCase, Exercise, Report
    from stepconv.cli.output import Output
    from stepconv.views.theme import Look

GLANCE = 0.3
"""Seconds between looks at a file that is watched."""


class Check:
    """One check of a file, which can be repeated."""

    def __init__(
        self, output: Output, one: Exercise, path: Path, seed: int, isolated: bool, json: bool
    ) -> None:
        self.output, self.one, self.path = output, one, path
        self.seed, self.isolated, self.json = seed, isolated, json

    def __call__(self) -> bool:
        """Check, show what was found, remember it; return whether all is right."""
        from stepconv.classroom.exercises import check, workbook
        from stepconv.cli.show import show
        from stepconv.cli.waiting import compiling

        with compiling(self.output.errors):
            report = check(self.one, self.path, seed=self.seed, require_isolation=self.isolated)
            data = report_data(report) if self.json else None
            _remarks(report)
        if report.passed:
            workbook.note(self.one, passed=True)

        def page(look: Look) -> RenderableType:
            from stepconv.views.classroom.exercises import CheckedFile

            return CheckedFile(report, look, workbook.following(self.one))

        show(self.output, page, save=None, title="stepconv exercise", data=data)
        return report.passed


def _remarks(report: Report) -> None:
    """Work out what wrong results show while somebody is told that it may take a moment."""
    for case in report.failed:
        _ = case.remarks


def watch(output: Output, path: Path, check: Callable[[], bool]) -> None:
    """Check whenever the file has changed, until Ctrl-C."""
    seen: tuple[int, int] | None = None
    try:
        while True:
            stamp = _stamp(path)
            if stamp is not None and stamp != seen:
                seen = stamp
                try:
                    check()
                except InputError as error:  # such as a file too large; it may be saved again
                    output.errors.write(_("error: ") + f"{error}\n")
                output.note(
                    _("waiting for {path} to be saved; Ctrl-C ends").format(
                        path=shown(str(path), 200)
                    )
                )
            time.sleep(GLANCE)
    except KeyboardInterrupt:
        output.note("")


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is saved; None while an editor has it away."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def report_data(report: Report) -> dict[str, Any]:
    """Return what a check found as JSON types."""
    return {
        "exercise": report.exercise.id,
        "passed": report.passed,
        "score": report.score,
        "problem": None if report.problem is None else str(report.problem),
        "protections": {
            "held": list(report.protections.held),
            "missing": list(report.protections.missing),
        },
        "cases": [_case_data(case) for case in report.cases],
    }


def _case_data(case: CheckedCase) -> dict[str, Any]:
    diagnosis = case.diagnosis
    codes = [] if diagnosis is None else [list(one.codes) for one in diagnosis.explanations]
    return {
        "passed": case.passed,
        "given": {name: _plain(value) for name, value in case.case.given.items()},
        "expected": _plain(case.case.expected),
        "got": None if case.got is None else _plain(case.got),
        "reason": None if case.reason is None else str(case.reason),
        "mistakes": codes,
        "remarks": list(case.remarks.all),
        "printed": case.printed,
        "replay": case.case.replay,
    }


def _plain(value: Any) -> Any:
    """Return an array as nested lists; what JSON has no number for, as text."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if (isinstance(value, float) and value - value != 0) or isinstance(value, complex):
        return str(value)
    return value
