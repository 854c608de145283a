"""From the table of a scene to the scene."""

from __future__ import annotations

import json
from typing import Any

from stepconv.arrays import read_array
from stepconv.arrays.axes import rank_of, with_input_axes, with_weight_axes
from stepconv.arrays.nested import parse_json
from stepconv.arrays.origin import Origin
from stepconv.arrays.text import parse_text
from stepconv.classroom.answers import Array
from stepconv.classroom.problem import Problem
from stepconv.classroom.run import Run
from stepconv.documents import Section
from stepconv.errors import InputError, StepconvError
from stepconv.lessons.expressions import Expression
from stepconv.lessons.prose import VIEWS
from stepconv.lessons.scenes import ConvolutionScene, ProgramScene, Scene, SizesScene, StackScene
from stepconv.receptive import parse_layers, receptive_field
from stepconv.record.trace import ORDERS
from stepconv.samples import scene as sample_scene

ARGUMENTS = (
    "stride",
    "padding",
    "dilation",
    "groups",
    "padding_mode",
    "transposed",
    "output_padding",
    "output_size",
)
"""Those of `stepconv.trace` that a scene may give."""


def read_scene(name: str, section: Section) -> Scene:
    """Return the scene that a table describes.

    Raises
    ------
    InputError
        With file and place.
    """
    base = {
        "id": name,
        "where": f"{section.document}, {section.place}",
        "titles": section.localized("title", {}),
        "expect": _expected(section),
        "within": section.number("expect_within", 1e-6),
    }
    if "program" in section:
        scene: Scene = ProgramScene(**base, program=_program(section, name))
    elif "layers" in section:
        scene = _stack(section, base)
    elif "input_shape" in section:
        scene = _sizes(section, base)
    else:
        scene = _convolution(section, base)
    section.finish()
    return scene


def _expected(section: Section) -> tuple[tuple[Expression, Any], ...]:
    table = section.section("expect", None)
    if table is None:
        return ()
    found = []
    for key in table.names:
        try:
            found.append((Expression(key), table.value(key)))
        except InputError as reason:
            raise section.refused("expect", reason) from reason
    return tuple(found)


def _program(section: Section, name: str) -> str:
    program: str = section.text("program").strip("\n") + "\n"
    try:
        compile(program, name, "exec")
    except (SyntaxError, ValueError) as error:
        raise section.refused(
            "program",
            InputError(
                "line {line} is no Python: {reason}",
                line=getattr(error, "lineno", None) or 1,
                reason=getattr(error, "msg", error),
            ),
        ) from error
    return program


def _stack(section: Section, base: dict[str, Any]) -> StackScene:
    layers = section.text("layers")
    try:
        specs = tuple(parse_layers(layers))
        receptive_field(specs)
    except StepconvError as reason:
        raise section.refused("layers", reason) from reason
    return StackScene(**base, layers=layers, specs=specs)


def _sizes(section: Section, base: dict[str, Any]) -> SizesScene:
    shapes = [_shape(section, key) for key in ("input_shape", "weight_shape")]
    arguments = _arguments(section)
    try:
        run = Problem.of_shapes(shapes[0], shapes[1], arguments).run
        _ = run.output_shape
    except StepconvError as reason:
        raise section.refused("", reason) from reason
    return SizesScene(**base, run=run)


def _shape(section: Section, key: str) -> tuple[int, ...]:
    sizes = section.value(key)
    whole = isinstance(sizes, list) and all(type(one) is int and one >= 0 for one in sizes)
    if not whole or not 2 <= len(sizes) <= 5:
        raise section.refused(
            key, InputError("{value} is no shape; write one such as [3, 64, 128]", value=sizes)
        )
    if key == "weight_shape" and len(sizes) < 3:
        raise section.refused(
            key,
            InputError(
                "{value} has no kernel; two axes are for channels, the rest the kernel's",
                value=sizes,
            ),
        )
    return tuple(sizes)


def _convolution(section: Section, base: dict[str, Any]) -> ConvolutionScene:
    run, order = _from_sample(section) if "sample" in section else (None, "gather")
    run = _own(section, run)
    order = section.choice("order", ORDERS, order)
    if order == "scatter" and not run.transposed:
        reason = InputError("scatter is for transposed convolutions; add transposed = true")
        raise section.refused("order", reason)
    step = section.whole("step", None)
    scene = ConvolutionScene(
        **base, run=run, order=order, view=section.choice("view", VIEWS, None), step=step
    )
    try:
        steps = scene.steps
    except StepconvError as reason:
        raise section.refused("", reason) from reason
    if step is not None and not 1 <= step <= steps:
        raise section.refused(
            "step", InputError("there is no step {step}; there are {steps}", step=step, steps=steps)
        )
    return scene


def _from_sample(section: Section) -> tuple[Run, str]:
    name = section.text("sample")
    try:
        found = sample_scene(name)
    except InputError as reason:
        raise section.refused("sample", reason) from reason
    options = dict(found.options)
    order = options.pop("order", "gather")
    return Run(found.input, found.weight, found.bias, options), order


def _own(section: Section, sample: Run | None) -> Run:
    """Return the run that a scene's own keys describe, on top of a sample's where it has one."""
    arguments = _arguments(section)
    if sample is not None and "output_size" in arguments:
        sample = sample.changed(output_padding=0)
    options = {**(sample.options if sample else {}), **arguments}
    weight = _array(section, "weight", sample.weight if sample else None)
    image = _array(section, "input", sample.input if sample else None)
    bias = None if sample is None else sample.bias
    if "bias" in section:
        bias = _array(section, "bias", None)
    rank = section.whole("rank", sample.rank if sample else None)
    if rank not in (None, 1, 2, 3):
        raise section.refused("rank", InputError("the rank is {rank}, not 1, 2 or 3", rank=rank))
    key = "weight"
    try:
        # A kernel of three axes may be a weight of rank 1; over a row it can be nothing else.
        rank = rank or (1 if weight.ndim == 3 > image.ndim else rank_of(weight))
        weight = with_weight_axes(weight, rank, bool(options.get("transposed")))
        key = "input"
        image = with_input_axes(image, rank)
    except StepconvError as reason:
        raise section.refused(key, reason) from reason
    return Run(image, weight, bias, options)


def _array(section: Section, key: str, default: Array | None) -> Array:
    """Return the array under a key, or `default`, where there is one."""
    if default is not None and key not in section:
        return default
    value, what = section.value(key), "kernel" if key == "weight" else key
    try:
        if isinstance(value, str) and value.startswith("@"):
            return read_array(value, what=what)
        if isinstance(value, str):
            return parse_text(value, Origin(what))
        return parse_json(json.dumps(value), Origin(what))
    except InputError as reason:
        raise section.refused(key, reason) from reason
    except TypeError as error:  # a date, or a table with one
        raise section.refused(
            key, InputError("this is no array; write numbers such as [1, 2, 3]")
        ) from error


def _arguments(section: Section) -> dict[str, Any]:
    return {name: section.value(name) for name in ARGUMENTS if name in section}
