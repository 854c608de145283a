"""Reading an exercise from its folder, strictly."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepconv.arrays import read_array
from stepconv.arrays.axes import with_input_axes, with_weight_axes
from stepconv.bundled import bundled_folder
from stepconv.classroom.exercises.cases import Case, FieldCase, LayerCase
from stepconv.classroom.exercises.drawn import Draws
from stepconv.classroom.exercises.exercise import Exercise
from stepconv.classroom.exercises.kinds import ASKS
from stepconv.classroom.problem import Problem
from stepconv.classroom.topics import LEVELS, topic
from stepconv.documents import Section, nearest, read_document
from stepconv.errors import InputError, StepconvError
from stepconv.files import shown

_FOLDER = re.compile(r"(\d\d)-([a-z0-9]+(?:-[a-z0-9]+)*)")

_OPTIONS = ("stride", "padding", "dilation", "groups", "padding_mode", "output_padding")

ARGUMENTS = ("input", "weight", "bias", *_OPTIONS, "input_size", "kernel_size", "position")
"""What a function about a layer can take."""


@cache
def exercises() -> tuple[Exercise, ...]:
    """Return the exercises that come with stepconv, in their order.

    Raises
    ------
    InputError
        If a folder among them is no exercise.

    Examples
    --------
    >>> exercises()[0].signature
    'conv1d(input, weight)'
    """
    return exercises_in(bundled_folder() / "exercises")


def exercises_in(folder: Path) -> tuple[Exercise, ...]:
    """Return the exercises in a folder, each in a folder of its own called ``NN-id``."""
    found = sorted(
        path for path in folder.iterdir() if path.is_dir() and _FOLDER.fullmatch(path.name)
    )
    return tuple(read_exercise(path) for path in found)


def exercise(name: str) -> Exercise:
    """Return the exercise called `name`, or of that number.

    >>> exercise("1").id
    'conv1d'
    """
    by_name = {one.id: one for one in exercises()}
    plain = name.strip().lower().replace("_", "-").removesuffix(".py")
    if plain in by_name:
        return by_name[plain]
    numbered = [one for one in exercises() if plain.isdecimal() and one.number == int(plain)]
    if numbered:
        return numbered[0]
    near = nearest(plain, list(by_name))
    if near:
        raise InputError(
            "there is no exercise {name}; did you mean {near}?", name=shown(name), near=near
        )
    raise InputError(
        "there is no exercise {name}; `stepconv exercise list` shows them all", name=shown(name)
    )


def read_exercise(folder: Path) -> Exercise:
    """Read an exercise from its folder ``NN-id``."""
    parts = _FOLDER.fullmatch(folder.name)
    document = read_document(folder / "exercise.toml", f"{folder.name}/exercise.toml")
    name = document.text("id")
    if parts is None or parts[2] != name:
        raise document.refused(
            "id",
            InputError(
                'the folder is called {folder}; for the id "{name}" call it {wanted}',
                folder=shown(folder.name),
                name=shown(name),
                wanted=f"01-{name}",
            ),
        )
    draws = _draws(document)
    fixed = tuple(_case(section, draws) for section in document.items("cases"))
    hints = document.localized_texts("hints")
    if len(hints["en"]) < 2:
        raise document.refused("hints", InputError("one hint is no step; write two or more"))
    found = Exercise(
        id=name,
        number=int(parts[1]),
        folder=folder,
        function=document.text("function"),
        arguments=draws.arguments,
        topics=draws.topics,
        fixed=fixed,
        draws=draws,
        titles=document.localized("title"),
        summaries=document.localized("summary"),
        all_hints=hints,
    )
    document.finish()
    return found


def _draws(document: Section) -> Draws:
    """Read what is asked, what the function takes, and the table [draws]."""
    asks = document.choice("asks", (*ASKS, "field"))
    arguments = document.texts("arguments")
    known = ("layers",) if asks == "field" else ARGUMENTS
    for name in arguments:
        if name not in known:
            raise document.refused(
                "arguments",
                InputError('"{name}" is none of {names}', name=shown(name), names=", ".join(known)),
            )
    section = document.section("draws")
    levels = tuple(section.value("levels", [1]))
    if not levels or any(level not in LEVELS for level in levels):
        raise section.refused("levels", InputError("a level is one of 1, 2 and 3"))
    draws = Draws(
        asks=asks,
        arguments=arguments,
        bare=document.choice("arrays", ("bare", "channels"), "bare") == "bare",
        rank=document.whole("rank", 1),
        transposed=document.flag("transposed", False),
        topics=section.texts("topics", ()),
        levels=levels,
        count=section.whole("count"),
    )
    if asks != "field" and not draws.topics:
        raise section.refused("topics", InputError("name a topic to draw from"))
    for name in draws.topics:
        try:
            topic(name)
        except InputError as error:
            raise section.refused("topics", error) from error
    section.finish()
    return draws


def _case(section: Section, draws: Draws) -> Case:
    """Read a case that everybody gets."""
    if draws.asks == "field":
        layers = section.text("layers")
        section.finish()
        return FieldCase(layers)
    bias = _array(section, "bias") if "bias" in section else None
    if draws.asks == "size":
        image = np.ones((1, 1, *_sizes(section, "input_size")), dtype=np.int64)
    else:
        image = with_input_axes(_array(section, "input"), draws.rank)
    if draws.asks in ("size", "columns"):  # the taps' values play no part
        taps = np.ones((1, image.shape[1], *_sizes(section, "kernel_size")), dtype=np.int64)
    else:
        taps = with_weight_axes(_array(section, "weight"), draws.rank, draws.transposed)
    options = {name: _tuples(section.value(name)) for name in _OPTIONS if name in section}
    if draws.transposed:
        options["transposed"] = True
    place = section.value("position", None)
    section.finish()
    problem = Problem(image, taps, bias, options, ASKS[draws.asks])
    try:
        case = LayerCase(problem, draws.arguments, draws.bare, _tuples(place))
        if 0 in problem.run.output_shape:
            raise section.refused("", InputError("this asks for nothing; give a larger input"))
    except StepconvError as error:
        raise section.refused("", error) from error
    return case


def _array(section: Section, key: str) -> NDArray[Any]:
    """Read an array: nested lists, or what the command line reads."""
    given = section.value(key)
    try:
        array = read_array(given) if isinstance(given, str) else np.asarray(given)
    except InputError as error:
        raise section.refused(key, error) from error
    except ValueError as error:
        raise section.refused(
            key, InputError("its rows are not of one length; make them so")
        ) from error
    if array.dtype.kind not in "iuf":
        raise section.refused(key, InputError("this is not made of numbers"))
    return array


def _sizes(section: Section, key: str) -> tuple[int, ...]:
    given = section.value(key)
    sizes = given if isinstance(given, list) else [given]
    if not all(type(size) is int and size > 0 for size in sizes):
        raise section.refused(key, InputError("give a whole number above 0, or a list of them"))
    return tuple(sizes)


def _tuples(value: Any) -> Any:
    """Return lists as tuples, however deep."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
