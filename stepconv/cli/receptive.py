"""``stepconv receptive``."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepconv.cli.options import Json, Save, _
from stepconv.errors import InputError
from stepconv.language import _ as translated

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.cli.output import Output
    from stepconv.receptive import ReceptiveField
    from stepconv.views.theme import Look


def receptive(
    context: typer.Context,
    layers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LAYERS",
            help=_(
                "kernel sizes, each with s= stride, d= dilation, p= padding, t transposed as"
                ' needed: "3 3,d=2 3x5,s=2"'
            ),
        ),
    ] = None,
    save: Save = None,
    json: Json = False,
) -> None:
    """Work out what one output cell sees of the input, layer by layer."""
    from stepconv.cli.show import check_suffixes, show
    from stepconv.receptive import parse_layers, receptive_field

    output: Output = context.obj
    check_suffixes(save)
    if not layers:
        raise InputError(
            "no layers are given: {example}", example='stepconv receptive "3 3,d=2 3,d=4"'
        )
    text = " ".join(layers)
    fields = receptive_field(parse_layers(text))

    def page(look: Look) -> RenderableType:
        from stepconv.views.facts.fields import Fields

        return Fields(fields, look)

    title = translated(_("receptive field: {layers}")).format(layers=text)
    data = [_data(field) for field in fields] if json else None
    show(output, page, save=save, title=title, data=data)


def _data(field: ReceptiveField) -> dict[str, Any]:
    """Return the field of one layer as JSON types; jumps below 1 as text, such as 1/2."""
    return {
        "layer": field.spec.arguments(),
        "size": list(field.size),
        "touched": list(field.touched),
        "jump": [_number(jump) for jump in field.jump],
        "start": list(field.start),
        "formula": [field.formula(axis) for axis in range(len(field.size))],
    }


def _number(value: Fraction) -> int | str:
    return value.numerator if value.denominator == 1 else str(value)
