"""Calls of the system that no convolution needs: a filter that Linux applies to a submission.

They reach past the limits (memory that no process is charged for, or that outlives it), past the
walls (namespaces, mounts, sockets), or into other programs. Where the filter cannot be installed,
what it would have prevented is found missing when the walls are tried.
"""

from __future__ import annotations

import platform
import sys

Instruction = tuple[int, int, int, int]
"""One of a filter: its code, how far to jump where true and where false, its operand."""

_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""As the kernel numbers them; and the column of `_REFUSED` that is theirs."""

_REFUSED = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "open_by_handle_at": (304, 265),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
_PRCTL, _SET_DUMPABLE = (157, 167), 4
_CLONE, _CLONE3 = (56, 220), 435
_NAMESPACES = 0x7E020000
"""Flags of clone that make a namespace."""

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_IF_EQUAL, _IF_AT_LEAST = 0x15, 0x35
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_FOREIGN_CALLS = 0x40000000
"""From here on x86_64 numbers the calls of x32, a second way to each."""


def call_filter(machine: str | None = None) -> list[Instruction] | None:
    """Return the filter for this system, None where there is none for it.

    >>> call_filter("x86_64")[0]
    (32, 0, 0, 4)
    >>> call_filter("vax") is None
    True
    """
    if machine is None:
        machine = platform.machine() if sys.platform == "linux" and sys.maxsize > 1 << 32 else ""
    if machine not in _MACHINES:
        return None
    number, column = _MACHINES[machine]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _MACHINE),
        (_IF_EQUAL, 1, 0, number),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    program += _refused(_IF_AT_LEAST, _FOREIGN_CALLS, _EPERM)
    for numbers in _REFUSED.values():
        program += _refused(_IF_EQUAL, numbers[column], _EPERM)
    # Its flags lie in memory, where no filter can look; the C library then uses clone.
    program += _refused(_IF_EQUAL, _CLONE3, _ENOSYS)
    # A process could hide from its watcher what it holds.
    program += [
        (_IF_EQUAL, 0, 4, _PRCTL[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_IF_EQUAL, 0, 1, _SET_DUMPABLE),
        (_RETURN, 0, 0, _FAIL | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return [
        *program,
        (_IF_EQUAL, 0, 4, _CLONE[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_AND, 0, 0, _NAMESPACES),
        (_IF_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _FAIL | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _refused(condition: int, number: int, error: int) -> list[Instruction]:
    return [(condition, 0, 1, number), (_RETURN, 0, 0, _FAIL | error)]
