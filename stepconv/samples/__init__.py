"""The named inputs, kernels and scenes of ``data/samples.toml``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.language import language
from stepconv.samples.recipes import Array, array_of, data

__all__ = ["Sample", "Scene", "nearest", "sample", "samples", "scene"]


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
def _samples() -> dict[str, Sample]:
    scenes = {
        name: Sample(name, "scene", scene.input, (), scene.source, scene.titles)
        for name, scene in _scenes().items()
    }
    return _arrays("input") | _arrays("kernel") | scenes


def _arrays(kind: Literal["input", "kernel"]) -> dict[str, Sample]:
    return {
        name: Sample(
            name, kind, array_of(entry["array"]), tuple(entry.get("aliases", ())), **_labels(entry)
        )
        for name, entry in data()[f"{kind}s"].items()
    }


@cache
def _by_any_name() -> dict[str, Sample]:
    return {name: found for found in samples() for name in (found.name, *found.aliases)}


@cache
def _scenes() -> dict[str, Scene]:
    return {
        name: Scene(
            name,
            _lifted(array_of(entry["input"]), entry["rank"]),
            _lifted(array_of(entry["weight"]), entry["rank"]),
            array_of(entry["bias"]) if "bias" in entry else None,
            MappingProxyType(entry.get("options", {})),
            **_labels(entry),
        )
        for name, entry in data()["scenes"].items()
    }


def _labels(entry: Mapping[str, Any]) -> dict[str, Any]:
    source = data()["sources"][entry["source"]] if "source" in entry else ""
    titles = {"en": entry["title"], "zh": entry["title_zh"]}
    return {"source": source, "titles": MappingProxyType(titles)}


def _lifted(array: Array, rank: int) -> Array:
    return array.reshape((1,) * (rank + 2 - array.ndim) + array.shape)
