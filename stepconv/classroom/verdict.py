"""Verdict: what is to be said of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from stepconv.classroom.diagnosis import Diagnosis
from stepconv.errors import InputError


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdict:
    """What is to be said of an answer.

    Attributes
    ----------
    right : bool
    problem : InputError or None
        Why the answer cannot be read, and how to write it; it is neither right nor wrong then.
    diagnosis : Diagnosis or None
        Which mistakes give the wrong answer, where the question is about a convolution.
    cell : tuple of int or None
        The output cell (n, channel, *position) at which a replay opens.
    """

    right: bool
    problem: InputError | None = None
    diagnosis: Diagnosis | None = None
    cell: tuple[int, ...] | None = None

    @property
    def unreadable(self) -> bool:
        """Whether the answer could not be read."""
        return self.problem is not None
