"""The scenes of a lesson: a convolution, its sizes, a stack of layers, or a program."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

from stepconv.classroom.run import Run
from stepconv.documents import Localized
from stepconv.errors import InputError
from stepconv.files import shown
from stepconv.geometry import Geometry
from stepconv.language import language
from stepconv.lessons.expressions import Expression, Names, Scope
from stepconv.lessons.names import ProgramNames, RunNames, StackNames
from stepconv.receptive import ReceptiveField, receptive_field
from stepconv.record import Trace, trace
from stepconv.spec import ConvSpec


@dataclass(frozen=True, eq=False, kw_only=True)
class BaseScene:
    """What all scenes have.

    Attributes
    ----------
    id : str
        Its name in the lesson.
    where : str
        File and place, for errors.
    titles : Mapping
        The title in each language; empty where it has none.
    expect : tuple of (Expression, value)
        What the author believes.
    within : float
        How far a believed number may lie from the computed one.
    """

    id: str
    where: str
    titles: Localized = field(default_factory=dict)
    expect: tuple[tuple[Expression, Any], ...] = ()
    within: float = 1e-6

    @property
    def title(self) -> str:
        """The title in the current language, or ""."""
        return self.titles.get(language(), "")

    @property
    def name(self) -> str:
        """The name that expressions use, where a - would be a minus."""
        return self.id.replace("-", "_")


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvolutionScene(BaseScene):
    """A convolution with its numbers, to be stepped through.

    Attributes
    ----------
    run : Run
        Its input, weight, bias and options.
    order : {"gather", "scatter"}
        How the steps of a transposed one are told.
    view : {"table", "steps", "matrix"} or None
        How it is shown first; None leaves it to the engine.
    step : int or None
        The step shown first, from 1.
    """

    run: Run
    order: str = "gather"
    view: str | None = None
    step: int | None = None

    @property
    def steps(self) -> int:
        """How many steps there are, without taking any; this binds the layer to its shapes."""
        geometry = self.run.geometry
        scatter = self.order == "scatter"
        return prod(geometry.input_shape if scatter else geometry.output_shape)

    @cached_property
    def trace(self) -> Trace:
        """The record, computed when it is first asked for."""
        if self.order == "gather":
            return self.run.trace
        run = self.run
        return trace(run.input, run.weight, run.bias, **run.options, order=self.order)

    @cached_property
    def names(self) -> Names:
        """What expressions can ask of it."""
        return RunNames(self.run)


@dataclass(frozen=True, eq=False, kw_only=True)
class SizesScene(BaseScene):
    """A convolution without numbers: its sizes, by the formula. `run` holds shapes alone."""

    run: Run

    @property
    def geometry(self) -> Geometry:
        """The axes."""
        return self.run.geometry

    @property
    def spec(self) -> ConvSpec:
        """The description."""
        return self.run.spec

    @cached_property
    def names(self) -> Names:
        """What expressions can ask of it."""
        return RunNames(self.run, hollow=True)


@dataclass(frozen=True, eq=False, kw_only=True)
class StackScene(BaseScene):
    """Layers one upon the other, and what they see."""

    layers: str
    specs: tuple[ConvSpec, ...]

    @cached_property
    def fields(self) -> tuple[ReceptiveField, ...]:
        """The receptive field after each layer."""
        return receptive_field(self.specs)

    @cached_property
    def names(self) -> Names:
        """What expressions can ask of it."""
        return StackNames(self.fields)


@dataclass(frozen=True, eq=False, kw_only=True)
class ProgramScene(BaseScene):
    """A Python program, run once, with the rights of whoever reads the lesson."""

    program: str

    @property
    def printed(self) -> str:
        """What the program prints."""
        return self._run[0]

    @property
    def variables(self) -> Mapping[str, Any]:
        """What it leaves behind: its variables, without modules and functions."""
        return self._run[1]

    @cached_property
    def names(self) -> Names:
        """What expressions can ask of it: its variables."""
        return ProgramNames(lambda: self.variables)

    @cached_property
    def _run(self) -> tuple[str, dict[str, Any]]:
        variables: dict[str, Any] = {"__name__": f"lesson.{self.name}"}
        output = io.StringIO()
        try:
            with contextlib.redirect_stdout(output):
                exec(compile(self.program, self.id, "exec"), variables)
        except (Exception, SystemExit) as error:  # a program of somebody else: it may raise any
            raise InputError(
                "line {line} of the program {scene} fails with {kind}: {reason}",
                scene=self.id,
                line=_line(error, self.id),
                kind=type(error).__name__,
                reason=shown(str(error)),
            ) from error
        kept = {
            name: value
            for name, value in variables.items()
            if not name.startswith("_") and not callable(value) and not _is_module(value)
        }
        return output.getvalue(), kept


Scene = ConvolutionScene | SizesScene | StackScene | ProgramScene


def scope_of(scenes: Mapping[str, Scene], own: Scene | None = None) -> Scope:
    """Return what the names of a lesson's expressions mean; those of one `own` scene, bare too."""
    names = {scene.name: scene.names for scene in scenes.values()}
    return Scope(names, None if own is None else own.names)


def _line(error: BaseException, name: str) -> int:
    """Return the last line of the program itself that led to an error."""
    if isinstance(error, SyntaxError) and error.filename == name:
        return error.lineno or 1
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == name
    ]
    return (lines or [1])[-1] or 1


def _is_module(value: Any) -> bool:
    return type(value).__name__ == "module"
