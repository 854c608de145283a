"""``stepconv shape``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stepconv.cli import values
from stepconv.cli.options import Json, LayerOptions, Save, _, with_layer_options
from stepconv.errors import InputError
from stepconv.language import _ as translated

if TYPE_CHECKING:
    from rich.console import RenderableType

    from stepconv.cli.output import Output
    from stepconv.geometry import Geometry
    from stepconv.spec import ConvSpec
    from stepconv.views.theme import Look


@with_layer_options
def shape(
    context: typer.Context,
    layer: LayerOptions,
    input: Annotated[
        str | None,
        typer.Option(metavar="SHAPE", help=_("(N, C_in, …) or (C_in, …), such as 3,64,128")),
    ] = None,
    weight: Annotated[
        str | None,
        typer.Option(
            metavar="SHAPE",
            help=_("(C_out, C_in/groups, …), transposed (C_in, C_out/groups, …)"),
        ),
    ] = None,
    save: Save = None,
    json: Json = False,
) -> None:
    """Work out the sizes of a convolution, axis by axis."""
    from stepconv.cli.show import check_suffixes, show
    from stepconv.views.parts.paragraph import listed

    output: Output = context.obj
    check_suffixes(save)
    if input is None or weight is None:
        raise InputError(
            "two shapes are needed: {example}",
            example="stepconv shape --input 3,64,128 --weight 32,64,4",
        )
    geometry, spec = _bound(values.shape("--input", input), values.shape("--weight", weight), layer)

    def page(look: Look) -> RenderableType:
        from stepconv.views.facts.sizes import Sizes

        return Sizes(geometry, spec, look)

    shapes = [
        translated(_("input {shape}")).format(shape=geometry.input_shape),
        translated(_("weight {shape}")).format(shape=geometry.weight_shape),
    ]
    title = listed([spec.name, *shapes])
    show(output, page, save=save, title=title, data=_data(geometry) if json else None)


def _bound(
    input: tuple[int, ...], weight: tuple[int, ...], layer: LayerOptions
) -> tuple[Geometry, ConvSpec]:
    from stepconv.spec import ConvSpec

    if not 3 <= len(weight) <= 5:
        raise InputError(
            "--weight {shape} has {got} axes; a weight has 3 to 5: two for the channels, then one"
            " for each way the kernel moves",
            shape=weight,
            got=len(weight),
        )
    arguments = layer.arguments()
    size = arguments.pop("output_size", None)
    spec = ConvSpec(weight[2:], **arguments)
    return spec.bind(input, weight, size), spec


def _data(geometry: Geometry) -> dict[str, Any]:
    """Return the sizes as JSON types."""
    from stepconv.geometry import AXIS_NAMES

    return {
        "input": list(geometry.input_shape),
        "weight": list(geometry.weight_shape),
        "output": list(geometry.output_shape),
        "axes": [
            {
                "axis": name,
                "input": axis.input_size,
                "before": axis.pad[0],
                "after": axis.pad[1],
                "kernel": axis.kernel_size,
                "stride": axis.stride,
                "dilation": axis.dilation,
                "output_padding": axis.output_padding,
                "output": axis.output_size,
                "formula": axis.formula(),
            }
            for name, axis in zip(AXIS_NAMES[geometry.rank], geometry.axes, strict=True)
        ],
    }
