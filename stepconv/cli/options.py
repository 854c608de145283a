"""The options that several commands share, each declared once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer

from stepconv.cli import values


def _(message: str) -> str:
    """Mark `message` for the catalogue; it is translated when the help is shown."""
    return message


Input = Annotated[
    str | None,
    typer.Argument(
        metavar="INPUT",
        help=_(
            'numbers ("1 2 3", rows "1 2; 3 4", JSON lists), a file, - for standard input, or a'
            " sample such as @digit; a scene such as @strides, alone, brings its kernel and options"
            " along"
        ),
    ),
]
Kernel = Annotated[
    str | None,
    typer.Argument(metavar="KERNEL", help=_("the same; its axes decide the rank")),
]
Bias = Annotated[
    str | None,
    typer.Option("--bias", metavar="NUMBERS", help=_("one number for each output channel")),
]
Rank = Annotated[
    str | None,
    typer.Option(
        "--rank",
        metavar="1|2|3",
        help=_("axes the kernel moves along, where it has axes for channels as well"),
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_("print JSON"))]
Save = Annotated[
    list[str] | None,
    typer.Option(
        "--save",
        metavar="FILE",
        help=_("write a picture: .txt, .md, .html or .svg; may be repeated"),
    ),
]


@dataclass(frozen=True)
class LayerOptions:
    """What describes a layer, as given on the command line; None where not given."""

    stride: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("cells between placements: 2, or 2,1 by axis")),
    ] = None
    padding: Annotated[
        str | None,
        typer.Option(
            metavar="N|RULE",
            help=_(
                "cells added on each side: 1, 1,2 by axis, 1:2 before:after; or valid, same,"
                " same_lower, full, causal. Transposed: cells cropped"
            ),
        ),
    ] = None
    dilation: Annotated[
        str | None, typer.Option(metavar="N", help=_("cells between taps: 2, or 2,1 by axis"))
    ] = None
    groups: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("blocks of channels that do not see one another")),
    ] = None
    padding_mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help=_("what the padding holds: zeros, reflect, replicate, circular, symmetric"),
        ),
    ] = None
    transposed: Annotated[bool, typer.Option("--transposed", help=_("convolve transposed"))] = False
    output_padding: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("transposed: cells added after the result")),
    ] = None
    output_size: Annotated[
        str | None,
        typer.Option(metavar="N", help=_("transposed: the size wanted, instead of the above")),
    ] = None

    def arguments(self) -> dict[str, Any]:
        """Return the options that were given, as the library's arguments."""
        found: dict[str, Any] = {}
        for name in ("stride", "dilation", "output_padding", "output_size"):
            text = getattr(self, name)
            if text is not None:
                found[name] = values.per_axis("--" + name.replace("_", "-"), text)
        if self.padding is not None:
            found["padding"] = values.padding(self.padding)
        if self.groups is not None:
            found["groups"] = values.whole("--groups", self.groups)
        if self.padding_mode is not None:
            found["padding_mode"] = self.padding_mode.strip().lower()
        if self.transposed:
            found["transposed"] = True
        return found


def with_layer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` the options of `LayerOptions`, which reach it as one argument, `layer`."""
    signature = inspect.signature(command, eval_str=True)
    hints = get_type_hints(LayerOptions, include_extras=True)
    options = [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=hints[one.name],
        )
        for one in fields(LayerOptions)
    ]

    @functools.wraps(command)
    def taking(**given: Any) -> Any:
        layer = LayerOptions(**{one.name: given.pop(one.name) for one in options})
        return command(layer=layer, **given)

    own = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in signature.parameters.values()
        if one.name != "layer"
    ]
    at = next((k for k, one in enumerate(own) if one.name in ("bias", "save")), len(own))
    parameters = [*own[:at], *options, *own[at:]]
    taking.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {one.name: one.annotation for one in parameters}
    return taking
