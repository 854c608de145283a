"""From the texts of the command line to a layer: arrays with their axes, and arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from stepconv.arrays import read_array
from stepconv.arrays.axes import rank_of, with_input_axes, with_weight_axes
from stepconv.cli import values
from stepconv.cli.options import LayerOptions
from stepconv.errors import InputError, ShapeError, StepconvError
from stepconv.files import shown
from stepconv.functional import output_shape
from stepconv.record import Trace, trace
from stepconv.samples import Scene, sample, scene

Array = NDArray[Any]

EXAMPLE = "@hand-worked"
"""The scene shown where nothing is named."""


@dataclass(frozen=True, eq=False)
class Layer:
    """What a command convolves.

    Attributes
    ----------
    input, weight : ndarray
        With all their axes.
    bias : ndarray or None
    arguments : Mapping
        Those of `stepconv.conv` that are not at their defaults.
    order : str
        The order that a scene asks for, else "gather".
    given : (ndarray, ndarray) or None
        Input and kernel before axes were added, where the rank was read off the kernel.
    """

    input: Array
    weight: Array
    bias: Array | None
    arguments: Mapping[str, Any]
    order: str
    given: tuple[Array, Array] | None = None

    @property
    def rank(self) -> int:
        """Axes along which the kernel moves."""
        return self.weight.ndim - 2

    def trace(self, *, order: str | None = None, only: str | None = None) -> Trace:
        """Run the layer and keep the record."""
        part = None if only is None else values.only(only, self.rank)
        try:
            return trace(
                self.input,
                self.weight,
                self.bias,
                **self.arguments,
                order=order or self.order,
                only=part,
            )
        except ShapeError as error:
            if self.given is None:
                raise
            raise _hinted(error, *self.given, self.arguments) from None


def read_layer(
    input: str | None, kernel: str | None, bias: str | None, rank: str | None, layer: LayerOptions
) -> Layer:
    """Read what the arguments and options of a command name.

    Without a kernel the input must be a scene, which brings everything along; what is
    given besides takes its place.
    """
    if [input, kernel, bias].count("-") > 1:
        raise InputError("standard input (-) can be read once; give the others as files")
    asked = None if rank is None else _rank(rank)
    arguments = layer.arguments()
    if kernel is None:
        return _of_scene(_scene(input or EXAMPLE), bias, asked, arguments)
    image = read_array(input or "", what="input")
    taps = read_array(kernel, what="kernel")
    moves = asked or rank_of(taps)
    try:
        axes = with_input_axes(image, moves)
        weight = with_weight_axes(taps, moves, bool(arguments.get("transposed")))
    except ShapeError as error:
        raise error if asked else _hinted(error, image, taps, arguments) from None
    return Layer(
        input=axes,
        weight=weight,
        bias=None if bias is None else read_array(bias, what="bias"),
        arguments=arguments,
        order="gather",
        given=None if asked else (image, taps),
    )


def _scene(name: str) -> Scene:
    if not name.startswith("@"):
        raise InputError(
            'no kernel is given: name one after the input, such as stepconv trace "1 1 1 1" "1 1 1"'
        )
    found = sample(name)
    if found.kind != "scene":
        raise InputError(
            "no kernel is given: @{name} is an array alone, so name a kernel after it, such as"
            ' @sobel-x or "1 0 -1"',
            name=found.name,
        )
    return scene(name)


def _of_scene(
    example: Scene, bias: str | None, rank: int | None, arguments: Mapping[str, Any]
) -> Layer:
    if rank not in (None, example.rank):
        raise InputError(
            "@{name} is of rank {own}, not {rank}; leave --rank out",
            name=example.name,
            own=example.rank,
            rank=rank,
        )
    own = dict(example.options)
    order = own.pop("order", "gather")
    if "output_size" in arguments:
        own.pop("output_padding", None)
    return Layer(
        input=example.input,
        weight=example.weight,
        bias=example.bias if bias is None else read_array(bias, what="bias"),
        arguments={**own, **arguments},
        order=order,
    )


def _rank(text: str) -> int:
    rank = values.whole("--rank", text)
    if rank not in (1, 2, 3):
        raise InputError("--rank {rank} is not 1, 2 or 3", rank=rank)
    return rank


def _hinted(
    error: ShapeError, image: Array, kernel: Array, arguments: Mapping[str, Any]
) -> StepconvError:
    """Add to `error` how these arrays would fit, where there is a way."""
    transposed = bool(arguments.get("transposed"))
    for rank in range(kernel.ndim - 1, 0, -1):
        if _fits(image, kernel, rank, arguments):
            return InputError(
                "{error}. If the kernel is the weight {weight} of a rank-{rank} layer, add"
                " --rank {rank}",
                error=error,
                weight=with_weight_axes(kernel, rank, transposed).shape,
                rank=rank,
            )
    if kernel.ndim == 1 and _fits(image, kernel[None], 2, arguments):
        return InputError(
            '{error}. To move a kernel of one row along rows and columns, write "{kernel}"',
            error=error,
            kernel=shown(str(kernel[None].tolist())),
        )
    return error


def _fits(image: Array, kernel: Array, rank: int, arguments: Mapping[str, Any]) -> bool:
    """Whether the arrays make a layer of this rank."""
    try:
        weight = with_weight_axes(kernel, rank, bool(arguments.get("transposed")))
        output_shape(with_input_axes(image, rank).shape, weight.shape, **arguments)
    except StepconvError:
        return False
    return True
