"""How commands take their arguments and tell what they are: Typer's, in words of our own."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

import typer
from rich.console import Group as Lines
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from stepconv.cli.settings import explained
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import _, _ as translated
from stepconv.version import __version__
from stepconv.views.parts.columns import columns
from stepconv.views.parts.layout import flow, indented
from stepconv.views.theme import Look

# Translated text is given to Typer as it stands in the source, and translated here when it is
# shown, since the language may be another at each call.

_NUMBER = re.compile(r"-\s*[0-9.]")


class Command(TyperCommand):
    """A command, whose arguments may be negative numbers."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments into `ctx`; help ends the command here."""
        if _asks_for_help(args):
            _show(ctx.obj, _command_help(self, ctx, ctx.obj.screen.width))
            raise typer.Exit
        ctx.allow_extra_args = True  # refused below, in our own words
        rest = super().parse_args(ctx, [_shielded(one) for one in args])
        if rest:
            raise InputError(
                '"{extra}" is one argument too many for stepconv {command}; put a list of numbers'
                ' in quotes: "1 2 3"',
                extra=shown(" ".join(rest)),
                command=self.name,
            )
        return list(rest)


class Group(TyperGroup):
    """The program itself, which holds the commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command's name; help, the version or nothing at all end the program here."""
        if args[:1] == ["--version"]:
            ctx.obj.screen.write(f"stepconv {__version__}\n")
            raise typer.Exit
        if not args or args[0] in ("-h", "--help"):
            _show(ctx.obj, _program_help(self, ctx.obj.screen.width))
            raise typer.Exit
        return list(super().parse_args(ctx, args))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the first argument names, and the other arguments."""
        name = args[0]
        if name not in self.commands:
            near = get_close_matches(name[:40], self.commands, n=1)
            if near:
                raise InputError(
                    'there is no command "{name}"; did you mean {near}?',
                    name=shown(name),
                    near=near[0],
                )
            raise InputError(
                'there is no command "{name}"; the commands are {commands}',
                name=shown(name),
                commands=", ".join(self.commands),
            )
        return super().resolve_command(ctx, args)


def usage_error(problem: Any) -> InputError:
    """Return the error that says in our own words what Typer found wrong."""
    command = getattr(problem.ctx, "command_path", None) or "stepconv"
    option = shown(str(getattr(problem, "option_name", "")))
    near = getattr(problem, "possibilities", None)
    if near:
        return InputError(
            "there is no option {option}; did you mean {near}?",
            option=option,
            near=", ".join(sorted(near)),
        )
    if near is not None or type(problem).__name__ == "NoSuchOption":
        return InputError(
            "there is no option {option}; `{command} --help` lists them",
            option=option,
            command=command,
        )
    if option:
        return InputError("{option} needs a value", option=option)
    return InputError(
        "{problem} `{command} --help` tells more",
        problem=problem.format_message(),
        command=command,
    )


def _shielded(argument: str) -> str:
    """Return a negative number so that it is not taken for an option.

    >>> _shielded("-1 2"), _shielded("--stride")
    (' -1 2', '--stride')
    """
    return f" {argument}" if _NUMBER.match(argument) else argument


def _asks_for_help(args: list[str]) -> bool:
    own = args[: args.index("--")] if "--" in args else args
    return "--help" in own or "-h" in own


def _program_help(group: Group, width: int) -> list[Text]:
    commands = [(name, translated(one.help)) for name, one in group.commands.items() if one.help]
    return [
        _usage("stepconv", _("COMMAND [ARGUMENTS] [OPTIONS]")),
        *_paragraph(translated(group.help or ""), width),
        *_section(_("commands"), commands, width),
        *_section(_("options of every command, before or after it"), explained(), width),
        *_paragraph(_("stepconv COMMAND --help tells more."), width),
    ]


def _command_help(command: Command, ctx: Any, width: int) -> list[Text]:
    arguments: list[tuple[str, str]] = []
    options: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        text = translated(getattr(parameter, "help", None) or "")
        if parameter.param_type_name == "argument":
            arguments.append((parameter.metavar or parameter.name, text))
        else:
            options.append((" ".join(filter(None, [*parameter.opts, parameter.metavar])), text))
    usage = " ".join([*(f"[{name}]" for name, _text in arguments), _("[OPTIONS]")])
    return [
        _usage(ctx.command_path, usage),
        *_paragraph(translated(command.help or ""), width),
        *_section(_("arguments"), arguments, width),
        *_section(_("options"), options, width),
        *_section(_("options of every command, before or after it"), explained(), width),
        *_examples((command.epilog or "").splitlines(), width),
    ]


def _usage(program: str, rest: str) -> Text:
    usage = Text.assemble((_("Usage: "), "stepconv.label"), (program, "stepconv.title"))
    return usage.append(f" {rest}")


def _paragraph(text: str, width: int, style: str = "") -> list[Text]:
    return [Text(), *flow([text], width, style)]


def _examples(lines: list[str], width: int) -> list[Text]:
    if not lines:
        return []
    examples = [part for line in lines for part in flow([line], width - 2)]
    return [*_paragraph(_("examples"), width, "stepconv.title"), *indented(examples, 2)]


def _section(title: str, rows: list[tuple[str, str]], width: int) -> list[Text]:
    if not rows:
        return []
    lines = columns([], rows, Look(), width, align="<<", roles=("key", "input"), gap=2)
    return [*_paragraph(title, width, "stepconv.title"), *lines]


def _show(output: Any, page: list[Text]) -> None:
    screen = output.screen
    screen.write(screen.look.plain(screen.text(Lines(*page))))
