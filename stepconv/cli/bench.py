"""``stepconv bench``."""

from __future__ import annotations

import json as json_text
import os
from typing import TYPE_CHECKING, Annotated

import typer

from stepconv.cli import values
from stepconv.cli.options import Json, _
from stepconv.errors import InputError
from stepconv.language import _ as translated

if TYPE_CHECKING:
    from stepconv.bench.layers import Layer
    from stepconv.bench.report import Report
    from stepconv.cli.output import Output


def bench(
    context: typer.Context,
    layer: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS", help=_('only layers of such a name or kind: "resnet 3x3", depthwise')
        ),
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("threads for each contestant; 1 where not given")),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help=_("measure for a shorter time, less exactly"))
    ] = False,
    json: Json = False,
) -> None:
    """Measure this package beside the peers that are installed."""
    output: Output = context.obj
    count = _threads(threads)
    from stepconv.bench.layers import chosen
    from stepconv.kernels.compiling import JIT

    layers = chosen(layer)
    if not JIT:
        raise InputError(
            "there are no compiled kernels to measure while NUMBA_DISABLE_JIT is set; unset it"
        )
    report = _measured(output, layers, count, quick, shown=not json)
    if json:
        output.screen.write(json_text.dumps(report.to_json(), indent=1) + "\n")
    if not all(row.agrees for row in report.rows):
        raise typer.Exit(1)


def _measured(
    output: Output, layers: tuple[Layer, ...], threads: int, quick: bool, *, shown: bool
) -> Report:
    """Measure the layers; print each line when it is known."""
    from stepconv.bench import peers, report
    from stepconv.bench.contest import contest
    from stepconv.bench.timing import FULL, QUICK
    from stepconv.views.facts.benchtable import BenchTable

    machine, rivals, rows = report.machine(), peers.installed(), []
    screen, progress = output.screen, _Progress(output, len(layers))
    table = BenchTable(
        [one.title for one in layers], [one.name for one in rivals], screen.look, screen.width
    )
    if shown:
        screen.show(table.head())
    try:
        for row in contest(layers, rivals, QUICK if quick else FULL, threads, progress.begin):
            progress.wipe()
            rows.append(row)
            if shown:
                screen.show(table.row(row))
    finally:
        progress.wipe()
    found = report.Report(machine, report.versions(rivals), threads, quick, rows)
    if shown:
        screen.show(table.end(found))
    return found


def _threads(text: str | None) -> int:
    count = 1 if text is None else values.whole("--threads", text)
    cores = os.cpu_count() or 1
    if not 1 <= count <= cores:
        raise InputError(
            "--threads {count} is not between 1 and {cores}, the processors of this machine",
            count=count,
            cores=cores,
        )
    return count


class _Progress:
    """Which layer is being measured, said to a person alone."""

    def __init__(self, output: Output, count: int) -> None:
        self._screen = output.errors
        self._count = count
        self._begun = 0

    def begin(self, layer: Layer) -> None:
        self._begun += 1
        if self._screen.is_terminal:
            text = translated(_("{number} of {count}: {layer} …"))
            note = text.format(number=self._begun, count=self._count, layer=layer.title)
            self._screen.write(self._screen.look.plain(note))

    def wipe(self) -> None:
        if self._screen.is_terminal:
            self._screen.write("\r\x1b[K")
