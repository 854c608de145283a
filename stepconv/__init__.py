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

_NAMES = {
    "functional": "conv conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"
    " output_shape",
    "bound": "get_num_threads set_num_threads",
    "layers": "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d",
    "record": "Placement Stamp Term Trace trace",
    "matrix": "UnrolledMatrix unrolled_matrix",
    "receptive": "receptive_field",
    "spec": "ConvSpec",
    "geometry": "Axis Geometry",
    "views": "show",
    "errors": "DtypeError InputError ShapeError SpecError StepconvError TraceError",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME)

if TYPE_CHECKING:  # the same names, for type checkers and editors
    from stepconv.bound import (
        get_num_threads as get_num_threads,
        set_num_threads as set_num_threads,
    )
    from stepconv.errors import (
        DtypeError as DtypeError,
        InputError as InputError,
        ShapeError as ShapeError,
        SpecError as SpecError,
        StepconvError as StepconvError,
        TraceError as TraceError,
    )
    from stepconv.functional import (
        conv as conv,
        conv1d as conv1d,
        conv2d as conv2d,
        conv3d as conv3d,
        conv_transpose1d as conv_transpose1d,
        conv_transpose2d as conv_transpose2d,
        conv_transpose3d as conv_transpose3d,
        output_shape as output_shape,
    )
    from stepconv.geometry import Axis as Axis, Geometry as Geometry
    from stepconv.layers import (
        Conv1d as Conv1d,
        Conv2d as Conv2d,
        Conv3d as Conv3d,
        ConvTranspose1d as ConvTranspose1d,
        ConvTranspose2d as ConvTranspose2d,
        ConvTranspose3d as ConvTranspose3d,
    )
    from stepconv.matrix import UnrolledMatrix as UnrolledMatrix, unrolled_matrix as unrolled_matrix
    from stepconv.receptive import receptive_field as receptive_field
    from stepconv.record import (
        Placement as Placement,
        Stamp as Stamp,
        Term as Term,
        Trace as Trace,
        trace as trace,
    )
    from stepconv.spec import ConvSpec as ConvSpec
    from stepconv.views import show as show


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'stepconv' has no attribute {name!r}")
    value = getattr(import_module(f"stepconv.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
