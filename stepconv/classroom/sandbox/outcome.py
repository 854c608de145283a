"""What came of running a submission: plain arrays, reasons, and how well it was locked in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from stepconv.language import _

Array = NDArray[Any]

_REASONS: Mapping[str, Callable[[], str]] = {
    "raised": lambda: _("raised {error} in line {line}"),
    "raised_elsewhere": lambda: _("raised {error}"),
    "syntax": lambda: _("Python cannot read the file: {error} in line {line}"),
    "import": lambda: _("importing the file raised {error} in line {line}"),
    "import_elsewhere": lambda: _("importing the file raised {error}"),
    "module": lambda: _(
        "the file imports {name}, which is not there: Python's own modules and NumPy are"
    ),
    "missing": lambda: _("the file defines no function {name}"),
    "not_callable": lambda: _("{name} is no function but {kind}"),
    "exit": lambda: _("asked Python to exit rather than return a result"),
    "nothing": lambda: _("returned None; is there a return at the end?"),
    "not_numbers": lambda: _("returned {kind}, which is no array of numbers"),
    "too_large": lambda: _("returned {bytes} bytes; {most} at most are taken"),
    "time": lambda: _("took longer than {seconds} seconds"),
    "total_time": lambda: _("no time was left: all cases together have {total} seconds"),
    "memory": lambda: _("needed more memory than the {megabytes} MB it may have"),
    "processes": lambda: _("started more processes than the {processes} it may have"),
    "disk": lambda: _("wrote more than the {disk} MB, or deeper folders, than its folder may hold"),
    "ended": lambda: _("ended Python (exit status {status}) before it returned"),
    "crashed": lambda: _("Python crashed ({signal})"),
    "flood": lambda: _("sent more than a result may hold"),
    "garbled": lambda: _("sent what is no result"),
    "not_reached": lambda: _("was not run: too many cases before it ended Python"),
    "start": lambda: _("Python could not be started for it, or it ended what watched over it"),
}

_PROTECTIONS: Mapping[str, Callable[[], str]] = {
    "time": lambda: _("it is ended after a time"),
    "memory": lambda: _("its memory is limited"),
    "count": lambda: _("the number of its processes is limited"),
    "leftovers": lambda: _("no process of it lives on"),
    "strangers": lambda: _("it cannot reach other programs"),
    "files": lambda: _("it cannot reach other files"),
    "network": lambda: _("it cannot reach the network"),
}

PROTECTIONS = tuple(_PROTECTIONS)
"""Codes of all that can keep a submission locked in."""


def protection_text(code: str) -> str:
    """Return what a protection means, in the current language.

    >>> protection_text("network")
    'it cannot reach the network'
    """
    return _PROTECTIONS[code]()


@dataclass(frozen=True)
class Reason:
    """Why there is no result: a code with its values; its text is in the current language.

    >>> print(Reason("time", {"seconds": 5}))
    took longer than 5 seconds
    """

    code: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return _REASONS[self.code]().format(**self.values)


@dataclass(frozen=True, eq=False)
class CaseResult:
    """What a submission gave for one case.

    Attributes
    ----------
    value : ndarray or None
        A plain array of numbers, None where there is none.
    problem : Reason or None
        Why there is none.
    stdout : str
        The head of what it printed meanwhile.
    """

    value: Array | None = None
    problem: Reason | None = None
    stdout: str = ""


@dataclass(frozen=True)
class Protections:
    """What kept a submission locked in, tried out on this machine.

    Attributes
    ----------
    held : tuple of str
        Codes out of `PROTECTIONS`.
    means : str
        The program that did it: "bwrap", "unshare", or "" for none.
    """

    held: tuple[str, ...]
    means: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Codes of what did not hold."""
        return tuple(code for code in PROTECTIONS if code not in self.held)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def __str__(self) -> str:
        if self.complete:
            return _("locked in: no network, no other files, no other programs")
        lacking = "; ".join(protection_text(code) for code in self.missing)
        return _("not ensured on this machine: {lacking}").format(lacking=lacking)


@dataclass(frozen=True, eq=False)
class Outcome:
    """All that came of running a submission.

    Attributes
    ----------
    results : tuple of CaseResult
        One for each case, in their order.
    protections : Protections
    problem : Reason or None
        Why no case could be run at all: what importing it raised, a missing function, …
    starved : bool
        Whether its time was up though processors had worked for it only for a part of it: it
        waited, or the machine was busy with something else.
    """

    results: tuple[CaseResult, ...]
    protections: Protections
    problem: Reason | None = None
    starved: bool = False
