"""What a submission may use."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What a submission may use; beyond it, it is ended.

    Attributes
    ----------
    seconds : float
        For all cases together, the start of Python included.
    case_seconds : float
        For one case, and for importing the submission.
    memory : int
        Bytes of address space of a process, and of memory of all its processes together.
    file : int
        Bytes of a file it writes; its folder may hold four times as much.
    processes : int
        Processes and threads at a time.
    value : int
        Bytes of one result.

    Examples
    --------
    >>> Limits().seconds
    20.0
    """

    seconds: float = 20.0
    case_seconds: float = 5.0
    memory: int = 1024 * MEGABYTE
    file: int = 16 * MEGABYTE
    processes: int = 16
    value: int = 4 * MEGABYTE

    @property
    def disk(self) -> int:
        """Bytes that its folder may hold."""
        return 4 * self.file
