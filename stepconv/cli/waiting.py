"""A word while something takes long, on a terminal alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer

from stepconv.language import _
from stepconv.views.screen import Screen

PATIENCE = 0.8
"""Seconds without a word: loading a compiled kernel takes less, compiling it more."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage meanwhile.

    What is imported, Numba above all, stays: looking through it for garbage again and again
    takes a tenth of the time of a first call.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@contextmanager
def compiling(errors: Screen) -> Iterator[None]:
    """Say on `errors` that the kernel is being compiled, if that takes long; then wipe it away."""
    if not errors.is_terminal:
        yield
        return
    # The language is the caller's: the timer's thread has none of its own.
    note = errors.look.plain(_("compiling the kernel, which only the first run has to do …"))
    lock, said = Lock(), []

    def say() -> None:
        with lock:
            errors.write(f"\r{note}")
            said.append(note)

    timer = Timer(PATIENCE, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            if said:
                errors.write("\r\x1b[K")
