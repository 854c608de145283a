"""Where numbers come from, as errors name it, and how many of them are taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _

MAX_NUMBERS = 50_000_000
MAX_BYTES = 16 * MAX_NUMBERS + 10_000  # complex128, and room for a header
MAX_TEXT_BYTES = 200_000_000
MAX_AXES = 32  # the most that every supported NumPy takes


@dataclass(frozen=True)
class Origin:
    """What is being read and from where; an error's ``{origin}``.

    Attributes
    ----------
    what : str
        "input", "kernel" or "bias"; any other word is shown as it is.
    name : str
        The file's name, "-" for standard input, "" for numbers given as text.

    >>> print(Origin("kernel", "sobel.csv"))
    kernel from sobel.csv
    """

    what: str
    name: str = ""

    def __str__(self) -> str:
        words = {"input": _("input"), "kernel": _("kernel"), "bias": _("bias")}
        what = words.get(self.what, self.what)
        if not self.name:
            return what
        name = _("standard input") if self.name == "-" else shown(self.name, 200)
        return _("{what} from {name}").format(what=what, name=name)

    @property
    def keys(self) -> tuple[str, ...]:
        """The names under which a file of several arrays holds this one."""
        return {"kernel": ("weight", "kernel")}.get(self.what, (self.what,))


def check_count(shape: Sequence[int], origin: Origin) -> None:
    """Refuse a `shape` with no numbers, or with more than `MAX_NUMBERS`."""
    count = math.prod(shape)
    if count == 0:
        raise InputError(
            "{origin}: an array of shape {shape} holds no numbers; give at least one",
            origin=origin,
            shape=tuple(shape),
        )
    if count > MAX_NUMBERS:
        raise InputError(
            "{origin}: {count} numbers are more than the {limit} that are read; give a part",
            origin=origin,
            count=count,
            limit=MAX_NUMBERS,
        )
