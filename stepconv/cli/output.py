"""Where a command prints its results, and where its errors."""

from __future__ import annotations

from dataclasses import dataclass

from stepconv.views.screen import Screen


@dataclass(frozen=True)
class Output:
    """The two screens of a command."""

    screen: Screen
    errors: Screen

    def note(self, text: str) -> None:
        """Say something that is no result, to a person alone: never into a file or a pipe."""
        if self.errors.is_terminal:
            self.errors.write(self.errors.look.plain(text) + "\n")
