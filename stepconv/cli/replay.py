"""The replay on a terminal: keys to states, states to frames."""

from __future__ import annotations

import time
from dataclasses import replace

from rich.console import Group
from rich.text import Text

from stepconv.cli.terminal import Terminal
from stepconv.errors import StepconvError
from stepconv.language import _
from stepconv.player import Counts, Player
from stepconv.record import Trace
from stepconv.views.frame import Frame, views_of
from stepconv.views.parts.chrome import key_line, key_table, note_line, too_small
from stepconv.views.parts.paragraph import wrapped
from stepconv.views.screen import Screen

NARROWEST, LOWEST = 60, 15
"""The smallest terminal in which a step can be shown."""

POLL = 0.1
"""Seconds after which a new size of the terminal is noticed at the latest."""


def replay(
    trace: Trace, screen: Screen, *, view: str | None, delay: float | None, start: int = 0
) -> None:
    """Step through `trace` until the user quits.

    Parameters
    ----------
    trace : Trace
        With at least one step.
    screen : Screen
        A terminal, whose colours and characters are used.
    view : str, optional
        The view to begin with.
    delay : float, optional
        Seconds a step: plays from the start.
    start : int
        The step to begin with.
    """
    views = views_of(trace)
    player = Player(Counts.of(trace), views, index=start, view=view if view in views else views[0])
    if delay is not None:
        player = replace(player, delay=delay, playing=True)
    try:
        with Terminal(screen.stream) as terminal:
            run(trace, screen, terminal, player)
    except EOFError:
        return  # the terminal was closed: there is nobody left to show anything to


def run(
    trace: Trace, screen: Screen, terminal: Terminal, player: Player, leave: str | None = None
) -> None:
    """Step through `trace` on a terminal that is taken over already, until the user quits.

    `leave` says where that leads, if not out of the program.
    """
    drawn: object = None
    last = time.monotonic()
    while not player.done:
        size = terminal.size
        if terminal.resumed or drawn != (player, size):
            terminal.resumed = False
            terminal.draw(lines(trace, player, screen, *size, leave=leave))
            drawn = (player, size)
        wait = POLL if player.wait is None else min(player.wait, POLL)
        keys = terminal.keys(wait)
        now = time.monotonic()
        player, last = player.tick(now - last), now
        for key in keys:
            player = player.press(key)


def lines(
    trace: Trace,
    player: Player,
    screen: Screen,
    width: int,
    height: int,
    leave: str | None = None,
) -> list[str]:
    """Return the lines of the frame for one state of the player."""
    leave = leave or _("quit")
    if screen.chosen_width is not None:
        width = min(width, screen.chosen_width)
    if width < NARROWEST or height < LOWEST:
        return too_small((width, height), (NARROWEST, LOWEST), screen.look)
    footer = [_progress(trace, player), _keys(player, width, leave)]
    if player.help:
        body = _help(screen, width, height, leave)
    else:
        body = _body(trace, player, screen, width, height - len(footer))
    most = height - len(footer)
    if len(body) > most:
        body = [
            *body[: most - 1],
            _note(screen, _("… the terminal is too low for the rest"), width),
        ]
    body += [""] * (most - len(body))
    look = screen.look
    return [
        *body,
        _note(screen, footer[0], width, look.style("title")),
        _note(screen, footer[1], width),
    ]


def _body(trace: Trace, player: Player, screen: Screen, width: int, height: int) -> list[str]:
    """The step; or why it cannot be shown so, as where its matrix would be too large."""
    frame = Frame(
        trace,
        player.index,
        screen.look,
        view=player.view,
        term=player.term,
        channel=player.shown,
        height=height,
    )
    try:
        return screen.text(frame, width=width).splitlines()
    except StepconvError as error:
        return wrapped(screen.look.plain(str(error)), width).splitlines()


def _progress(trace: Trace, player: Player) -> str:
    """The line that says where one is and what goes on."""
    if player.typed is not None:
        return _("go to placement (1–{count}): {typed}_   enter goes, escape does not").format(
            count=player.steps, typed=player.typed
        )
    if player.refused is not None:
        return _("there is no placement {number}: they are numbered 1 to {count}").format(
            number=player.refused, count=player.steps
        )
    name = _("placement {number} of {count}")
    if trace.order == "scatter":
        name = _("stamp {number} of {count}")
    parts = [name.format(number=player.index + 1, count=player.steps)]
    if player.term is not None:
        parts.append(
            _("term {number} of {count}").format(number=player.term + 1, count=player.terms)
        )
    sign = "▸" if player.playing else "‖"
    parts.append(_("{sign} {delay} s a step").format(sign=sign, delay=f"{player.delay:g}"))
    return "   ".join(parts)


def _keys(player: Player, width: int, leave: str) -> str:
    """The line of keys, those that matter least left out where it is narrow."""
    counts = player.counts
    outputs, inputs = counts.channels, max(counts.others, default=1)
    if counts.scatter:
        outputs, inputs = inputs, outputs
    parts = [
        (0, "←→ " + _("placement")),
        (1, "↑↓ " + _("term")),
        (3, _("space") + " " + (_("pause") if player.playing else _("play"))),
        (8, "+- " + _("speed")),
        (4, "g " + _("go to")),
        *([(5, "c " + _("channel"))] if outputs > 1 else []),
        *([(6, "i " + _("input channel"))] if inputs > 1 else []),
        *([(7, "b " + _("sample"))] if counts.samples > 1 else []),
        (6, "v " + _("view")),
        (2, "? " + _("help")),
        (0, "q " + leave),
    ]
    return key_line(parts, width)


def _help(screen: Screen, width: int, height: int, leave: str) -> list[str]:
    keys = [
        ("→ n", _("next placement")),
        ("← p", _("previous placement")),
        ("↓ ↑", _("next and previous term: one product at a time")),
        ("Home ^, End $", _("first and last placement")),
        ("g", _("go to a placement by its number, then enter")),
        (_("space"), _("play and pause")),
        ("+ -", _("faster and slower")),
        ("c C", _("next and previous output channel")),
        ("i I", _("next and previous input channel")),
        ("b B", _("next and previous sample")),
        ("v", _("the next view: steps, table, matrix")),
        ("q Esc", leave),
    ]
    lines = [Text(_("Keys")), Text(), *key_table(keys, screen.look)]
    if height > len(keys) + 6:
        lines += [Text(), Text(_("Any key goes back."), screen.look.style("note"))]
    text = screen.text(Group(*lines), width=width)
    return [screen.look.plain(line) for line in text.splitlines()]


def _note(screen: Screen, text: str, width: int, style: str | None = None) -> str:
    plain = text.replace("‖", "||") if screen.look.ascii else text
    return screen.text(note_line(plain, screen.look, style), width=width).rstrip("\n")
