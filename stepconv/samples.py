"""The named inputs, kernels and scenes of ``data/samples.toml``."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import language

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Sample:
    """An array with a name. A scene's array is its input.

    Attributes
    ----------
    name : str
        What follows the ``@``.
    kind : {"input", "kernel", "scene"}
    array : numpy.ndarray
        Read-only.
    aliases : tuple of str
        Other names for the same sample.
    source : str
        Where the numbers come from, or "".
    titles : Mapping
        The title in each language.
    """

    name: str
    kind: Literal["input", "kernel", "scene"]
    array: Array
    aliases: tuple[str, ...] = ()
    source: str = ""
    titles: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        """What the sample is, in the current language."""
        return self.titles[language()]


@dataclass(frozen=True, eq=False)
class Scene:
    """A whole example: ``trace(scene.input, scene.weight, scene.bias, **scene.options)``.

    Attributes
    ----------
    name : str
    input : numpy.ndarray
        Shape ``(N, C_in, *spatial)``, read-only.
    weight : numpy.ndarray
        Shape ``(C_out, C_in/groups, *kernel)``, transposed ``(C_in, C_out/groups, *kernel)``;
        read-only.
    bias : numpy.ndarray or None
        Shape ``(C_out,)``.
    options : Mapping
        Those arguments of `stepconv.trace` that differ from its defaults.
    source : str
        Where the example comes from, or "".
    titles : Mapping
        The title in each language.
    """

    name: str
    input: Array
    weight: Array
    bias: Array | None
    options: Mapping[str, Any]
    source: str = ""
    titles: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        """What the scene shows, in the current language."""
        return self.titles[language()]

    @property
    def rank(self) -> int:
        """The number of axes along which the kernel moves."""
        return self.weight.ndim - 2


def samples() -> tuple[Sample, ...]:
    """Return all samples: inputs, kernels and scenes, simple ones first.

    >>> [sample.name for sample in samples()][:3]
    ['ones4', 'step', 'impulse']
    """
    return tuple(_samples().values())


def sample(name: str) -> Sample:
    """Return the sample called `name`, with or without the ``@``.

    Raises
    ------
    InputError
        If there is none of that name.

    Examples
    --------
    >>> sample("@sobel-x").array.tolist()
    [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    """
    found = _by_any_name().get(_plain(name))
    if found is not None:
        return found
    near = nearest(name)
    if near:
        raise InputError(
            "there is no sample @{name}; did you mean {near}?",
            name=shown(_plain(name)),
            near=", ".join(f"@{other}" for other in near),
        )
    raise InputError(
        "there is no sample @{name}; `stepconv samples` lists them all", name=shown(_plain(name))
    )


def scene(name: str) -> Scene:
    """Return the scene called `name`, with or without the ``@``.

    Raises
    ------
    InputError
        If there is none of that name, or it is an input or a kernel alone.

    Examples
    --------
    >>> scene("hand-worked").options
    mappingproxy({'padding': 1})
    """
    found = sample(name)
    if found.kind != "scene":
        raise InputError(
            "@{name} is an array, not a scene with input and kernel; `stepconv samples` lists "
            "the scenes",
            name=found.name,
        )
    return _scenes()[found.name]


def nearest(name: str) -> list[str]:
    """Return up to three names of samples that `name` may be a slip for.

    >>> nearest("sobelx")
    ['sobel-x', 'sobel', 'sobel-y']
    """
    plain = _plain(name)
    if len(plain) > 40:
        return []
    return difflib.get_close_matches(plain, _by_any_name(), cutoff=0.75)


def _plain(name: str) -> str:
    return name.strip().removeprefix("@").lower().replace("_", "-")


@cache
def _data() -> dict[str, Any]:
    with open(Path(__file__).parent / "data" / "samples.toml", "rb") as stream:
        return tomllib.load(stream)


@cache
def _samples() -> dict[str, Sample]:
    scenes = {
        name: Sample(name, "scene", scene.input, (), scene.source, scene.titles)
        for name, scene in _scenes().items()
    }
    return _arrays("input") | _arrays("kernel") | scenes


def _arrays(kind: Literal["input", "kernel"]) -> dict[str, Sample]:
    return {
        name: Sample(
            name, kind, _array(entry["array"]), tuple(entry.get("aliases", ())), **_labels(entry)
        )
        for name, entry in _data()[f"{kind}s"].items()
    }


@cache
def _by_any_name() -> dict[str, Sample]:
    return {name: found for found in samples() for name in (found.name, *found.aliases)}


@cache
def _scenes() -> dict[str, Scene]:
    return {
        name: Scene(
            name,
            _lifted(_array(entry["input"]), entry["rank"]),
            _lifted(_array(entry["weight"]), entry["rank"]),
            _array(entry["bias"]) if "bias" in entry else None,
            MappingProxyType(entry.get("options", {})),
            **_labels(entry),
        )
        for name, entry in _data()["scenes"].items()
    }


def _labels(entry: Mapping[str, Any]) -> dict[str, Any]:
    source = _data()["sources"][entry["source"]] if "source" in entry else ""
    titles = {"en": entry["title"], "zh": entry["title_zh"]}
    return {"source": source, "titles": MappingProxyType(titles)}


def _array(entry: Any) -> Array:
    """Return the read-only array that an entry lists, names, or has a recipe for."""
    if isinstance(entry, str):
        data = _data()
        return _array((data["inputs"] | data["kernels"])[entry]["array"])
    if isinstance(entry, dict):
        array = _RECIPES[entry["recipe"]](entry.get("size", ()))
    else:
        array = np.array(entry)
    array.flags.writeable = False
    return array


def _lifted(array: Array, rank: int) -> Array:
    return array.reshape((1,) * (rank + 2 - array.ndim) + array.shape)


def _ramp(size: Sequence[int]) -> Array:
    return np.arange(1, math.prod(size) + 1).reshape(size)


def _digits(size: Sequence[int]) -> Array:
    """Digits that never repeat within a 3x3 or a 2x2x2 window."""
    steps = (5, 1, 3)[-len(size) :]
    ramps = np.indices(size).reshape(len(size), -1)
    return ((np.array(steps) @ ramps + 1) % 10).reshape(size)


def _step(size: Sequence[int]) -> Array:
    return np.broadcast_to(np.arange(size[-1]) >= size[-1] // 2, size).astype(np.int64)


def _impulse(size: Sequence[int]) -> Array:
    array = np.zeros(size, np.int64)
    array[tuple(length // 2 for length in size)] = 1
    return array


def _binomial(size: Sequence[int]) -> Array:
    """Products of binomial coefficients, the integers nearest to a Gaussian's shape."""
    rows = [np.array([math.comb(length - 1, k) for k in range(length)]) for length in size]
    product: Array = reduce(np.multiply.outer, rows)
    return product


def _sentences(_size: Sequence[int]) -> Array:
    """The article's words, the parts of a word vector moved to the channel axis."""
    return np.moveaxis(np.array(_data()["article"]["words"]), -1, 1)


def _recovered(_size: Sequence[int]) -> Array:
    """The weights the article does not print, from its input and output by least squares.

    Each output channel has 24 equations in 6 unknowns; what remains is rounding.
    """
    words = _sentences(())
    output = np.array(_data()["article"]["output"])
    length = words.shape[-1] - output.shape[-1] + 1
    windows = np.lib.stride_tricks.sliding_window_view(words, length, axis=-1)
    equations = np.moveaxis(windows, 2, 1).reshape(-1, words.shape[1] * length)
    results = np.moveaxis(output, 1, -1).reshape(-1, output.shape[1])
    weight = np.linalg.lstsq(equations, results, rcond=None)[0]
    return weight.T.reshape(output.shape[1], words.shape[1], length)


_RECIPES: Mapping[str, Callable[[Sequence[int]], Array]] = {
    "ramp": _ramp,
    "digits": _digits,
    "ones": lambda size: np.ones(size, np.int64),
    "average": lambda size: np.full(size, 1 / math.prod(size)),
    "step": _step,
    "impulse": _impulse,
    "binomial": _binomial,
    "sentences": _sentences,
    "recovered": _recovered,
}
