"""What is kept of practice from one session to the next: the schedule, in the user's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stepconv.classroom.practice.course import Course
from stepconv.classroom.practice.schedule import Schedule
from stepconv.errors import InputError
from stepconv.home import State, read_state, set_aside, update_state

NAME = "practice"
"""The state of `stepconv.home` that holds it."""


class Keeper:
    """Keeps the schedule as long as that can be done; where it cannot, practice goes on.

    Attributes
    ----------
    problem : InputError or None
        Why nothing is kept.
    aside : Path or None
        Where a file was put that could not be understood.
    """

    def __init__(self) -> None:
        self.problem: InputError | None = None
        self.aside: Path | None = None

    def schedule(self) -> Schedule:
        """Return the schedule as it was left."""
        found = [Schedule()]

        def read() -> None:
            self.aside = set_aside(NAME)
            found.append(Schedule.read(read_state(NAME)))

        self._try(read)
        return found[-1]

    def keep(self, topic: str, outcome: str) -> None:
        """Put one question more into the schedule kept, whatever others put there meanwhile."""

        def change(state: State) -> None:
            state.update(Schedule.read(state).after(topic, outcome).written())

        self._try(lambda: update_state(NAME, change))

    def follow(self, before: Course, after: Course) -> None:
        """Keep the questions that were closed between two states of a session."""
        for result in after.results[len(before.results) :]:
            self.keep(result.topic, result.outcome)

    def _try(self, work: Callable[[], object]) -> None:
        if self.problem is not None:
            return
        try:
            work()
        except InputError as error:
            self.problem = error
