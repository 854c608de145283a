"""What stepconv raises: each error says what was given, which rule it breaks, and the fix.

An error keeps its template and its values apart, so that it reads in whichever
language is current when it is shown.
"""

from __future__ import annotations

from stepconv.language import _


class StepconvError(ValueError):
    """Any input that stepconv refuses.

    >>> print(StepconvError("stride is {stride}; it must be at least 1", stride=0))
    stride is 0; it must be at least 1
    """

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template)
        self.template = template
        self.values = values

    def __str__(self) -> str:
        return _(self.template).format(**self.values)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.template, self.values)


class Word(str):
    """A message among the values of an error: it reads in the language of the error.

    >>> print(StepconvError("the {name} axis", name=Word("length")))
    the length axis
    """

    def __format__(self, spec: str) -> str:
        return format(_(str(self)), spec)


class SpecError(StepconvError):
    """A convolution that cannot be described: a bad stride, padding, group count, …"""


class ShapeError(StepconvError):
    """Arrays whose shapes do not fit the convolution or one another."""


class DtypeError(StepconvError):
    """Numbers of a type that cannot be convolved."""


class InputError(StepconvError):
    """Text or a file from which no numbers can be read, or to which none can be written."""


class TraceError(StepconvError):
    """A record that would be too large, or that a question asked of it does not fit."""


def _rebuild(kind: type[StepconvError], template: str, values: dict[str, object]) -> StepconvError:
    return kind(template, **values)
