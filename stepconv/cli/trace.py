"""``stepconv trace``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stepconv.cli import values
from stepconv.cli.options import (
    Bias,
    Input,
    Json,
    Kernel,
    LayerOptions,
    Rank,
    _,
    with_layer_options,
)
from stepconv.errors import InputError
from stepconv.files import shown

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.cli.output import Output
    from stepconv.record import Trace
    from stepconv.views.screen import Screen
    from stepconv.views.theme import Look

RECORDS = (".json", ".csv", ".npz")


@with_layer_options
def trace(
    context: typer.Context,
    layer: LayerOptions,
    input: Input = None,
    kernel: Kernel = None,
    bias: Bias = None,
    rank: Rank = None,
    order: Annotated[
        str | None,
        typer.Option(
            metavar="gather|scatter",
            help=_("transposed: step through the output cells, or through the input cells"),
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="INDEX",
            help=_("record a part of the output: :8,:8 or, with sample and channel, 0,3,:8,:8"),
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(metavar="N|A:B", help=_("show one placement, or several, counted from 1")),
    ] = None,
    play: Annotated[
        bool, typer.Option("--play", help=_("step with the keys; ? lists them"))
    ] = False,
    delay: Annotated[
        str | None, typer.Option(metavar="SECONDS", help=_("play, a step every so many seconds"))
    ] = None,
    view: Annotated[
        str | None, typer.Option(metavar="table|steps|matrix", help=_("how to show it"))
    ] = None,
    save: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help=_(
                "write a picture (.txt, .md, .html, .svg) or the record (.json, .csv, .npz), which"
                " stepconv trace FILE shows again; may be repeated"
            ),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Convolve, keep the record, show it."""
    from stepconv.cli.waiting import compiling, uncollected
    from stepconv.views.overview import check_view

    output: Output = context.obj
    screen = output.screen
    check_view(view)
    _check(save or [], json=json, step=step, play=play or delay is not None)
    pace = None if delay is None else values.seconds(delay)
    recorded = _source(input, kernel, bias, rank, layer, order, only)
    with uncollected(), compiling(output.errors):
        record = recorded()
    steps = None if step is None else values.steps(step, len(record))
    chosen = Shown(record, view, steps)
    for path in save or []:
        chosen.save(path, output)
    if json:
        _print_json(record, screen)
    elif play or pace is not None:
        _play(chosen, screen, pace)
    else:
        for page in chosen.pages(screen.look, hints=True):
            screen.show(page)


def _source(
    input: str | None,
    kernel: str | None,
    bias: str | None,
    rank: str | None,
    layer: LayerOptions,
    order: str | None,
    only: str | None,
) -> Callable[[], Trace]:
    """Return what makes the record: a layer that is run, or a file that `--save` wrote."""
    from stepconv.cli.layer import read_layer

    if kernel is None and input is not None and Path(input).suffix.lower() in RECORDS:
        if layer.arguments() or any(text is not None for text in (bias, rank, order, only)):
            raise InputError(
                "no kernel is given, and a saved record such as {path} brings its whole layer"
                " along: name a kernel after the input, or leave the layer's options out",
                path=shown(input, 200),
            )
        return partial(_load, input)
    return partial(read_layer(input, kernel, bias, rank, layer).trace, order=order, only=only)


def _load(path: str) -> Trace:
    from stepconv.record import Trace

    try:
        return Trace.load(path)
    except InputError as error:
        raise InputError(
            "no kernel is given, so the file must hold a saved record: {error}. To convolve an"
            " array, name a kernel after it, such as @sobel-x",
            error=error,
        ) from error


@dataclass(frozen=True)
class Shown:
    """What of a record is shown: all of it, or some steps, in a view."""

    record: Trace
    view: str | None
    steps: range | None

    def pages(self, look: Look, *, hints: bool = False) -> Iterator[RenderableType]:
        """Return what to print, one after the other; with hints at the options that show more."""
        from rich.console import Group
        from rich.text import Text

        from stepconv.views.frame import Frame, views_of
        from stepconv.views.overview import Overview

        if self.steps is None:
            yield Overview(self.record, look, view=self.view or "table", hints=hints)
            return
        view = self.view or views_of(self.record)[0]
        for index in self.steps:
            first = index == self.steps[0]
            frame = Frame(self.record, index, look, view=view, header=first)
            yield frame if first else Group(Text(), frame)

    def save(self, path: str, output: Output) -> None:
        """Write the record, or the picture, to a file."""
        from rich.console import Group

        from stepconv.cli.show import save_page, tell_saved
        from stepconv.views.export import describe

        if Path(path).suffix.lower() in RECORDS:
            self.record.save(path)
            tell_saved(output, path)
        else:
            save_page(output, lambda look: Group(*self.pages(look)), path, describe(self.record))


def _check(save: list[str], *, json: bool, step: str | None, play: bool) -> None:
    """Refuse what cannot be done, before anything is computed."""
    from stepconv.cli.show import check_suffixes
    from stepconv.views.export import PICTURES

    check_suffixes(save, (*PICTURES, *RECORDS))
    if json and (play or step is not None):
        raise InputError("--json prints the whole record; leave --step, --play and --delay out")


def _print_json(record: Trace, screen: Screen) -> None:
    from stepconv.record.formats import json_chunks

    for chunk in json_chunks(record):
        screen.stream.write(chunk)
    screen.write("\n")


def _play(steps: Shown, screen: Screen, pace: float | None) -> None:
    """Replay on a terminal; elsewhere print the steps one after the other."""
    from stepconv.cli.replay import replay

    record, view = steps.record, steps.view
    interactive = screen.is_terminal and sys.stdin.isatty() and os.environ.get("TERM") != "dumb"
    if interactive and len(record):
        start = steps.steps.start if steps.steps else 0
        replay(record, screen, view=view, delay=pace, start=start)
        return
    every = steps.steps or (range(len(record)) if len(record) else None)
    for page in Shown(record, view, every).pages(screen.look):
        screen.show(page)
