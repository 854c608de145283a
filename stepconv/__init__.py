"""stepconv: convolutions, step by step.

The functions carry torch's names and meaning, on NumPy arrays:

>>> import numpy as np
>>> from stepconv import conv2d, trace
>>> conv2d(np.ones((1, 3, 3)), np.ones((1, 1, 2, 2)))
array([[[4., 4.],
        [4., 4.]]])

`trace` runs the same loops and keeps every product:

>>> record = trace([[1, 1, 1, 1]], [[[1, 1, 1]]], padding=1)
>>> [term.product for term in record[0].terms]
[0, 1, 1]

Public names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stepconv.version import __version__ as __version__

_HOME = {
    "conv": "functional",
    "conv1d": "functional",
    "conv2d": "functional",
    "conv3d": "functional",
    "conv_transpose1d": "functional",
    "conv_transpose2d": "functional",
    "conv_transpose3d": "functional",
    "output_shape": "functional",
    "Conv1d": "layers",
    "Conv2d": "layers",
    "Conv3d": "layers",
    "ConvTranspose1d": "layers",
    "ConvTranspose2d": "layers",
    "ConvTranspose3d": "layers",
    "trace": "record",
    "Trace": "record",
    "Placement": "record",
    "Stamp": "record",
    "Term": "record",
    "unrolled_matrix": "matrix",
    "UnrolledMatrix": "matrix",
    "receptive_field": "receptive",
    "ConvSpec": "spec",
    "Axis": "geometry",
    "Geometry": "geometry",
    "show": "views",
    "StepconvError": "errors",
    "SpecError": "errors",
    "ShapeError": "errors",
    "DtypeError": "errors",
    "InputError": "errors",
    "TraceError": "errors",
}

__all__ = sorted(_HOME)  # noqa: PLE0605  # a list, though computed

if TYPE_CHECKING:  # the same names again, for type checkers and editors
    from stepconv.errors import (
        DtypeError,
        InputError,
        ShapeError,
        SpecError,
        StepconvError,
        TraceError,
    )
    from stepconv.functional import (
        conv,
        conv1d,
        conv2d,
        conv3d,
        conv_transpose1d,
        conv_transpose2d,
        conv_transpose3d,
        output_shape,
    )
    from stepconv.geometry import Axis, Geometry
    from stepconv.layers import (
        Conv1d,
        Conv2d,
        Conv3d,
        ConvTranspose1d,
        ConvTranspose2d,
        ConvTranspose3d,
    )
    from stepconv.matrix import UnrolledMatrix, unrolled_matrix
    from stepconv.receptive import receptive_field
    from stepconv.record import Placement, Stamp, Term, Trace, trace
    from stepconv.spec import ConvSpec
    from stepconv.views import show


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'stepconv' has no attribute {name!r}")
    value = getattr(import_module(f"stepconv.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
