"""``stepconv matrix``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepconv.cli import values
from stepconv.cli.options import (
    Bias,
    Input,
    Json,
    Kernel,
    LayerOptions,
    Rank,
    Save,
    _,
    with_layer_options,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.cli.output import Output
    from stepconv.record import Trace
    from stepconv.views.theme import Look


@with_layer_options
def matrix(
    context: typer.Context,
    layer: LayerOptions,
    input: Input = None,
    kernel: Kernel = None,
    bias: Bias = None,
    rank: Rank = None,
    transpose: Annotated[
        bool, typer.Option("--transpose", help=_("show the transpose of the matrix"))
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help=_("write which weight an entry is, not its value"))
    ] = False,
    step: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("work out the row of one placement, counted from 1")),
    ] = None,
    save: Save = None,
    json: Json = False,
) -> None:
    """Show the matrix by which a convolution multiplies its flattened input."""
    from stepconv.cli.layer import read_layer
    from stepconv.cli.show import check_suffixes, show
    from stepconv.cli.waiting import compiling, uncollected
    from stepconv.views.export import describe

    output: Output = context.obj
    check_suffixes(save)
    read = read_layer(input, kernel, bias, rank, layer)
    with uncollected(), compiling(output.errors):
        record = read.trace(order="gather")
    index = None if step is None else values.steps(step, len(record)).start

    def page(look: Look) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        from stepconv.views.header import Header
        from stepconv.views.matrices.view import MatrixView

        view = MatrixView(record, look, index=index, transpose=transpose, names=names)
        return Group(Header(record, look), Text(), view)

    data = _data(record, transpose) if json else None
    show(output, page, save=save, title=describe(record), data=data)


def _data(record: Trace, transpose: bool) -> dict[str, Any]:
    """Return the matrix as JSON types; an entry is [row, column, place of the weight, value]."""
    from stepconv.record.fields import plain
    from stepconv.views.matrices.unrolled import matrix_of

    matrix = matrix_of(record).T if transpose else matrix_of(record)
    entries = zip(
        matrix.row.tolist(),
        matrix.column.tolist(),
        matrix.weight_index.tolist(),
        plain(matrix.value),
        strict=True,
    )
    return {
        "shape": list(matrix.shape),
        "rows": list(matrix.row_shape),
        "columns": list(matrix.column_shape),
        "entries": [list(entry) for entry in entries],
    }
