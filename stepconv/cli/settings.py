"""The options of every command, which may stand before or after its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from stepconv.errors import InputError
from stepconv.language import LANGUAGES, _, language_of

When = Literal["auto", "always", "never"]
COLORS: tuple[When, ...] = ("auto", "always", "never")
NARROWEST, WIDEST = 60, 1000


@dataclass(frozen=True)
class Settings:
    """What the options of every command say, as given."""

    lang: str | None = None
    color: When = "auto"
    ascii: bool = False
    width: str | None = None
    version: bool = False

    def language(self, environment: Mapping[str, str]) -> str:
        """Return the language chosen, or the environment's where none is, or no such one."""
        return self.lang if self.lang in LANGUAGES else language_of(environment)

    def check(self) -> None:
        """Raise InputError where a value is not one of those there are."""
        if self.lang not in (None, *LANGUAGES):
            raise InputError(
                '--lang "{value}" is not one of {choices}',
                value=self.lang,
                choices=", ".join(LANGUAGES),
            )
        if self.color not in COLORS:
            raise InputError(
                '--color "{value}" is not one of {choices}',
                value=self.color,
                choices=", ".join(COLORS),
            )
        if self.width is not None:
            self.columns()

    def columns(self) -> int | None:
        """Return the width asked for, None where none is."""
        if self.width is None:
            return None
        if not self.width.isdecimal() or not NARROWEST <= int(self.width) <= WIDEST:
            raise InputError(
                '--width "{value}" is not a number of columns from {least} to {most}',
                value=self.width,
                least=NARROWEST,
                most=WIDEST,
            )
        return int(self.width)


def lift(arguments: Sequence[str]) -> tuple[Settings, list[str]]:
    """Take the options of every command out of `arguments`, wherever they stand.

    >>> lift(["trace", "--lang", "zh", "1 2", "--ascii", "1", "--", "--ascii"])[1]
    ['trace', '1 2', '1', '--', '--ascii']
    """
    settings = Settings()
    rest: list[str] = []
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument == "--":
            return settings, [*rest, argument, *left]
        name, equals, value = argument.partition("=")
        if argument in ("--ascii", "--version"):
            settings = _with(settings, argument, True)
        elif name not in ("--lang", "--color", "--width"):
            rest.append(argument)
        elif equals or left:
            settings = _with(settings, name, value if equals else left.pop(0))
        else:
            raise InputError("{option} needs a value", option=name)
    return settings, rest


def _with(settings: Settings, option: str, value: Any) -> Settings:
    return replace(settings, **{option.removeprefix("--"): value})


def explained() -> list[tuple[str, str]]:
    """Return the options as --help shows them, in the current language."""
    return [
        ("--lang en|zh", _("the language; that of the environment where not given")),
        ("--color auto|always|never", _("colour; NO_COLOR and FORCE_COLOR count too")),
        ("--ascii", _("ASCII characters alone")),
        ("--width N", _("columns to use")),
        ("--version", _("the version")),
        ("-h, --help", _("this text")),
    ]
