"""Receptive fields: which cells of the input one output cell sees, through many layers.

Every axis is walked for itself. After each layer there is a table: the input
positions that output cells 0, 1, … see, until the table repeats a fixed number of
input cells further on. Behind forward layers it has one row, since all cells see
alike; a transposed layer multiplies the rows by its stride, because its outputs meet
the taps in turn. The next layer's table is that one, shifted and united, so that the
result is exact, holes included.

Fields are those far from the borders: the walk goes on where the input ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod
from typing import Any, NamedTuple

from stepconv.errors import InputError, SpecError, StepconvError
from stepconv.spec import ConvSpec
from stepconv.values import PADDING_RULES, shown, whole_number

LARGEST_FIELDS = 2**28
"""Input cells that the fields behind a layer may span along one axis, all phases together."""
LARGEST_WORK = 2**25
"""Steps along one axis, some 50 ns each: two seconds."""

_TAP_WORK = 8  # steps that a tap costs, whatever it sees


@dataclass(frozen=True)
class ReceptiveField:
    """What one output cell sees of the input, after one layer of a stack; axis by axis.

    Attributes
    ----------
    spec : ConvSpec
        The layer.
    size : tuple of int
        Input cells from the first to the last that an output cell sees. After
        transposed layers, of the output cell that sees furthest.
    touched : tuple of int
        How many of those are really seen: fewer where dilation leaves holes
        (gridding). After transposed layers, of the output cell that sees most.
    jump : tuple of Fraction
        Input cells from one output cell to the next; below 1 where layers enlarge.
    start : tuple of int or None
        First input cell that output cell 0 sees, negative in the padding. None where it
        sees nothing, or where "same" padding with a stride depends on the input's size.
    phases : tuple of int
        Output cells after which the fields repeat: more than 1 after transposed layers.
    size_before, jump_before, phases_before
        The same after the layer before; 1 each at the input.
    """

    spec: ConvSpec
    size: tuple[int, ...]
    touched: tuple[int, ...]
    jump: tuple[Fraction, ...]
    start: tuple[int | None, ...]
    phases: tuple[int, ...]
    size_before: tuple[int, ...]
    jump_before: tuple[Fraction, ...]
    phases_before: tuple[int, ...]

    @property
    def taps(self) -> int:
        """Cells of its own input that the layer touches, all axes together."""
        return prod(self.spec.kernel_size)

    def formula(self, axis: int = 0, *, ascii: bool = False) -> str | None:
        """Return how the size follows from the one before, numbers filled in.

        ``size + (k − 1)·dilation·jump``, the dilation left out where it is 1. None for
        a transposed layer, and behind one whose outputs do not all see alike: there it
        does not hold.

        >>> [field.formula() for field in receptive_field([3, {"kernel_size": 3, "dilation": 2}])]
        ['1 + (3 − 1)·1 = 3', '3 + (3 − 1)·2·1 = 7']
        """
        before, jump = self.size_before[axis], self.jump_before[axis]
        if self.spec.transposed or self.phases_before[axis] > 1 or not before:
            return None
        dilation = self.spec.dilation[axis]
        spread = f"·{dilation}·{jump}" if dilation > 1 else f"·{jump}"
        kernel = self.spec.kernel_size[axis]
        text = f"{before} + ({kernel} − 1){spread} = {self.size[axis]}"
        return text.replace("−", "-").replace("·", "*") if ascii else text


def receptive_field(layers: Iterable[Any]) -> tuple[ReceptiveField, ...]:
    """Follow the receptive field through a stack of layers.

    Parameters
    ----------
    layers : sequence
        The layers, the one nearest to the input first. Each is a `ConvSpec`, a layer such as
        `stepconv.Conv2d`, a kernel size, or a dict of `ConvSpec`'s arguments. A kernel
        size of one number stands for all axes.

    Returns
    -------
    tuple of ReceptiveField
        One for each layer: what a cell of its output sees of the stack's input.

    Raises
    ------
    SpecError
        When a layer cannot be described, the layers do not all move along the same
        number of axes, or the field would be too large to be followed.

    Examples
    --------
    >>> [field.size for field in receptive_field([3, 3, 3])]
    [(3,), (5,), (7,)]
    >>> dilated = [{"kernel_size": (3, 3), "dilation": d} for d in (1, 2, 4)]
    >>> [field.size for field in receptive_field(dilated)]
    [(3, 3), (7, 7), (15, 15)]
    >>> enlarged = receptive_field([ConvSpec(4, stride=2, padding=1, transposed=True)])[-1]
    >>> enlarged.size, enlarged.jump
    ((2,), (Fraction(1, 2),))
    """
    specs = _described(layers)
    paths = [tuple(path) for path in zip(*map(_steps, specs), strict=True)]
    walked = {path: list(_walk(path)) for path in paths}
    stages = zip(*(walked[path] for path in paths), strict=True)
    fields = []
    before: tuple[_Stage, ...] = (_INPUT,) * specs[0].rank
    for spec, axes in zip(specs, stages, strict=True):
        fields.append(
            ReceptiveField(
                spec,
                size=tuple(axis.size for axis in axes),
                touched=tuple(axis.touched for axis in axes),
                jump=tuple(axis.jump for axis in axes),
                start=tuple(axis.start for axis in axes),
                phases=tuple(axis.phases for axis in axes),
                size_before=tuple(axis.size for axis in before),
                jump_before=tuple(axis.jump for axis in before),
                phases_before=tuple(axis.phases for axis in before),
            )
        )
        before = axes
    return tuple(fields)


def parse_layers(text: str) -> list[ConvSpec]:
    """Read a stack of layers as the command line takes it, parted by spaces.

    A layer is its kernel, then as needed ``s=`` stride, ``d=`` dilation, ``p=`` padding and
    ``t`` for transposed, with commas between. ``3x5`` gives a number for each axis;
    one number stands for all.

    Raises
    ------
    InputError
        Naming the layer that is not understood.

    Examples
    --------
    >>> parse_layers("3 4x2,s=2,p=1")
    [ConvSpec(kernel_size=(3, 3), stride=(1, 1)),
     ConvSpec(kernel_size=(4, 2), stride=(2, 2), padding=(1, 1))]
    """
    tokens = text.split()
    if not tokens:
        raise InputError("there are no layers; give for instance {example}", example="3 3,d=2")
    layers = [_parsed(number, token) for number, token in enumerate(tokens, 1)]
    names = [f"{number} ({shown(token)})" for number, token in enumerate(tokens, 1)]
    try:
        return _stack(layers, names)
    except SpecError as error:
        raise InputError("the layers cannot be used: {reason}", reason=error) from error


# -- the layers, whatever they are given as --------------------------------------------------


def _described(layers: Iterable[Any]) -> list[ConvSpec]:
    if isinstance(layers, str | Mapping) or not isinstance(layers, Iterable):
        raise SpecError("layers is {value}; give a list of layers", value=shown(layers))
    given = [_arguments(number, layer) for number, layer in enumerate(layers, 1)]
    if not given:
        raise SpecError("there are no layers; give for instance {example}", example="[3, 3]")
    return _stack(given, [str(number) for number in range(1, len(given) + 1)])


def _arguments(number: int, layer: Any) -> ConvSpec | dict[str, Any]:
    """Return a description, or the arguments of one whose rank may still be open."""
    spec = getattr(layer, "spec", layer)
    if isinstance(spec, ConvSpec):
        return spec
    if not isinstance(layer, Mapping):
        return {"kernel_size": layer}
    known = list(ConvSpec.__dataclass_fields__)
    for name in layer:
        if name not in known:
            raise SpecError(
                "layer {layer} has {found}, which is not one of {names}",
                layer=number,
                found=shown(name),
                names=", ".join(known),
            )
    if "kernel_size" not in layer:
        raise SpecError("layer {layer} has no kernel_size; every layer needs one", layer=number)
    return dict(layer)


def _stack(layers: Sequence[ConvSpec | dict[str, Any]], names: Sequence[str]) -> list[ConvSpec]:
    """Describe all layers along the same axes; `names` is what errors call them."""
    rank = 1
    for layer, name in zip(layers, names, strict=True):
        with _naming(name):
            rank = max(rank, _rank(layer))
    specs = []
    for layer, name in zip(layers, names, strict=True):
        with _naming(name):
            spec = layer if isinstance(layer, ConvSpec) else _built(layer, rank)
        if spec.rank != rank:
            raise SpecError(
                "layer {layer} moves along {count} axes and another along {rank}; all layers of a"
                " stack move along the same axes",
                layer=name,
                count=spec.rank,
                rank=rank,
            )
        specs.append(spec)
    return specs


@contextmanager
def _naming(layer: str) -> Iterator[None]:
    try:
        yield
    except StepconvError as error:
        raise SpecError("layer {layer}: {reason}", layer=layer, reason=error) from error


def _rank(layer: ConvSpec | dict[str, Any]) -> int:
    """Return the rank that a layer asks for; one number for the kernel leaves it open."""
    if isinstance(layer, ConvSpec):
        return layer.rank
    kernel = layer["kernel_size"]
    return 1 if whole_number(kernel) is not None else ConvSpec(kernel).rank


def _built(arguments: dict[str, Any], rank: int) -> ConvSpec:
    kernel = arguments["kernel_size"]
    if whole_number(kernel) is not None:
        arguments = arguments | {"kernel_size": (kernel,) * rank}
    return ConvSpec(**arguments)


# -- the command line's spelling ---------------------------------------------------------------

_OPTIONS = {"s": "stride", "d": "dilation", "p": "padding"}
_SIZES = re.compile("[0-9]{1,10}(x[0-9]{1,10}){0,2}")


def _parsed(number: int, token: str) -> dict[str, Any]:
    kernel, *options = token.split(",")
    arguments: dict[str, Any] = {}
    for part, key, value in [(kernel, "kernel_size", _sizes(kernel)), *map(_option, options)]:
        if key is None or value is None or key in arguments:
            raise InputError(
                "layer {number} ({token}): {part} is not understood; a layer is a kernel such as"
                " 3 or 3x5, then once each s=2 (stride), d=2 (dilation), p=1 (padding) or t"
                " (transposed), with commas and no spaces between",
                number=number,
                token=shown(token),
                part=shown(part),
            )
        arguments[key] = value
    return arguments


def _option(part: str) -> tuple[str, str | None, Any]:
    """Return an option's text, its argument's name and its value; None where there is none."""
    if part == "t":
        return part, "transposed", True
    letter, equals, value = part.partition("=")
    rule = value if letter == "p" and value in PADDING_RULES else None
    return part, _OPTIONS.get(letter) if equals else None, rule or _sizes(value)


def _sizes(text: str) -> int | tuple[int, ...] | None:
    if not _SIZES.fullmatch(text):
        return None
    sizes = tuple(map(int, text.split("x")))
    return sizes if len(sizes) > 1 else sizes[0]


# -- the walk along one axis --------------------------------------------------------------------


class _Step(NamedTuple):
    """One layer along one axis; `pad` is None where it depends on the size of the input."""

    kernel: int
    stride: int
    dilation: int
    pad: int | None
    transposed: bool

    def inputs(self, output: int) -> list[int]:
        """Positions of its own input that an output position sees."""
        pad, taps = self.pad or 0, range(0, self.kernel * self.dilation, self.dilation)
        if not self.transposed:
            return [output * self.stride - pad + tap for tap in taps]
        landings = (output + pad - tap for tap in taps)
        return [landing // self.stride for landing in landings if landing % self.stride == 0]


class _Cells(NamedTuple):
    """A set of positions: `first`, and a bit for every position from there on.

    Shifting and uniting such sets runs at the speed of memory.
    """

    first: int
    bits: int

    @property
    def size(self) -> int:
        return self.bits.bit_length()


@dataclass(frozen=True)
class _Stage:
    """The table behind one layer: row r holds what output cells r, r + phases, … see.

    From one of these cells to the next the row shifts by `shift`. `known` is False where
    padding that is not known moves the whole table.
    """

    rows: tuple[_Cells, ...]
    shift: int
    known: bool = True

    @property
    def phases(self) -> int:
        return len(self.rows)

    @property
    def jump(self) -> Fraction:
        return Fraction(self.shift, self.phases)

    @property
    def size(self) -> int:
        return max(row.size for row in self.rows)

    @property
    def touched(self) -> int:
        return max(row.bits.bit_count() for row in self.rows)

    @property
    def start(self) -> int | None:
        return self.rows[0].first if self.known and self.rows[0].bits else None

    @property
    def span(self) -> int:
        """Cells from the first to the last that any row holds."""
        ends = [row.first + row.size for row in self.rows]
        return max(ends) - min(row.first for row in self.rows)

    def seen(self, positions: list[int]) -> _Cells:
        """Input positions that any of `positions` of the layer's output sees."""
        parts = []
        for position in positions:
            turns, phase = divmod(position, self.phases)
            row = self.rows[phase]
            if row.bits:
                parts.append((row.first + turns * self.shift, row.bits))
        first = min((start for start, _bits in parts), default=0)
        united = 0
        for start, bits in parts:
            united |= bits << (start - first)
        return _Cells(first, united)


_INPUT = _Stage(rows=(_Cells(first=0, bits=1),), shift=1)


def _steps(spec: ConvSpec) -> list[_Step]:
    rows = zip(spec.kernel_size, spec.stride, spec.dilation, strict=True)
    by_size = isinstance(spec.padding, str) and spec.padding.startswith("same")
    # For every other rule, and for "same" with stride 1, any size gives the same.
    pads = [before for before, _after in spec.pads((1,) * spec.rank)]
    return [
        _Step(k, s, d, None if by_size and s > 1 else pad, spec.transposed)
        for (k, s, d), pad in zip(rows, pads, strict=True)
    ]


def _walk(path: Iterable[_Step]) -> Iterator[_Stage]:
    stage, work = _INPUT, 0
    for number, step in enumerate(path, 1):
        common = 1 if step.transposed else gcd(stage.phases, step.stride)
        if step.pad is None and common > 1:
            raise SpecError(
                "layer {layer}: with 'same' padding and stride {stride} behind a transposed"
                " layer, the field depends on the size of the input; give padding as numbers",
                layer=number,
                stride=step.stride,
            )
        if step.transposed:
            phases, shift = stage.phases * step.stride, stage.shift
        else:
            phases, shift = stage.phases // common, stage.shift * (step.stride // common)
        work += phases * step.kernel * (_TAP_WORK + (stage.size >> 10))
        _check_bounds(number, work, phases * _longest(step, stage) + shift)
        rows = tuple(stage.seen(step.inputs(output)) for output in range(phases))
        stage = _Stage(rows, shift, stage.known and step.pad is not None)
        yield stage


def _longest(step: _Step, stage: _Stage) -> int:
    """Return an upper bound of the next fields' sizes."""
    span = (step.kernel - 1) * step.dilation // (step.stride if step.transposed else 1)
    return (span // stage.phases + 1) * stage.shift + stage.span


def _check_bounds(number: int, work: int, cells: int) -> None:
    if work > LARGEST_WORK:
        raise SpecError(
            "layer {layer}: following its receptive field takes {work} steps, more than the"
            " {most} allowed; use smaller kernels and strides, or fewer layers",
            layer=number,
            work=shown(work),
            most=LARGEST_WORK,
        )
    if cells > LARGEST_FIELDS:
        raise SpecError(
            "layer {layer}: its receptive fields may span {cells} input cells, more than the"
            " {most} allowed; use smaller kernels and strides, or fewer layers",
            layer=number,
            cells=shown(cells),
            most=LARGEST_FIELDS,
        )
