"""What compiling costs and gains: each kernel's first call, and calls from inside compiled code.

    python -m benchmarks.compiled [--json FILE]

A first call runs in a process of its own, once with an empty cache folder and once with what that
left there; importing is not counted. Calls from inside a function under ``@njit`` are timed by
turns with the same calls from Python, on one thread. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np

import stepconv
from benchmarks.engine import machine
from stepconv.bench.timing import FULL, ratio, take_turns
from stepconv.functional import register_overloads

# A layer of each family: input, weight, and what else the call says.
FAMILIES: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "textbook": ("conv2d", (1, 3, 9, 9), (4, 3, 3, 3), {"algorithm": "textbook"}),
    "direct": ("conv2d", (1, 8, 60, 60), (8, 8, 3, 3), {"algorithm": "direct"}),
    "masked": ("conv2d", (1, 32, 28, 28), (32, 8, 3, 3), {"padding": 1, "groups": 4}),
    "small": ("conv2d", (1, 128, 14, 14), (256, 128, 3, 3), {"padding": 1}),
    "depthwise": ("conv2d", (1, 8, 64, 64), (8, 1, 5, 5), {"groups": 8}),
    "depthwise3": ("conv2d", (1, 64, 14, 14), (64, 1, 3, 3), {"padding": 1, "groups": 64}),
    "depthwise_channels": ("conv2d", (1, 64, 7, 7), (64, 1, 5, 5), {"padding": 2, "groups": 64}),
    "stamps": ("conv_transpose2d", (1, 32, 28, 28), (32, 1, 4, 4), {"stride": 2}),
    "mosaic": ("conv_transpose2d", (1, 32, 28, 28), (32, 16, 2, 2), {"stride": 2}),
    "phases": ("conv_transpose2d", (1, 16, 20, 20), (16, 16, 4, 4), {"stride": 2}),
    "winograd": ("conv2d", (1, 64, 56, 56), (64, 64, 3, 3), {"algorithm": "winograd"}),
}
FIRST = """
import sys, time, numpy as np, stepconv
from stepconv.kernels import (
    depthwise, depthwise3, depthwise_channels, direct, masked, mosaic, phases, small, stamps,
    winograd,
)
function, image, weight, more = eval(sys.argv[1])
arrays = np.ones(image, np.float32), np.ones(weight, np.float32)
before = time.perf_counter()
getattr(stepconv, function)(*arrays, **more)
print(time.perf_counter() - before)
"""
# A user's function, which Numba compiles each time: with the kernels that it calls, or those kept.
USER = """
import time, numba, numpy as np
from stepconv import conv2d
@numba.njit
def call(image, weight):
    return conv2d(image, weight, padding=1)
image, weight = np.ones((1, 3, 16, 16), np.float32), np.ones((4, 3, 3, 3), np.float32)
before = time.perf_counter()
call(image, weight)
print(time.perf_counter() - before)
"""
PROGRAMS: dict[str, tuple[str, ...]] = {
    name: (FIRST, repr(layer)) for name, layer in FAMILIES.items()
}
PROGRAMS["a user's function"] = (USER,)

# Input and weight of the calls from inside compiled code.
INSIDE = {
    "3x3 1-1@512": ((1, 1, 512, 512), (1, 1, 3, 3)),
    "3x3 3-16@224": ((1, 3, 224, 224), (16, 3, 3, 3)),
    "3x3 16-16@32": ((1, 16, 32, 32), (16, 16, 3, 3)),
    "3x3 64-64@56": ((1, 64, 56, 56), (64, 64, 3, 3)),
    "5x5 1-8@28": ((1, 1, 28, 28), (8, 1, 5, 5)),
}


def first_calls(runs: int = 3) -> dict[str, dict[str, float]]:
    """Return the seconds of each first call: compiled, and loaded."""
    found: dict[str, dict[str, list[float]]] = {
        name: {"compile": [], "load": []} for name in PROGRAMS
    }
    for _run in range(runs):
        for name, program in PROGRAMS.items():
            with tempfile.TemporaryDirectory() as folder:
                for kind in ("compile", "load"):
                    command = [sys.executable, "-c", *program]
                    environment = os.environ | {"NUMBA_CACHE_DIR": folder}
                    output = subprocess.check_output(command, env=environment, text=True)
                    found[name][kind].append(float(output))
    return {
        name: {kind: median(times) for kind, times in kinds.items()}
        for name, kinds in found.items()
    }


def inside() -> dict[str, float]:
    """Return the time of a call inside compiled code over the same from Python."""
    register_overloads()
    stepconv.set_num_threads(1)
    conv2d: Any = stepconv.conv2d

    @numba.njit(nogil=True)
    def compiled(image: Any, weight: Any) -> Any:
        return conv2d(image, weight, None, 1, 1)

    rng = np.random.default_rng(0)
    ratios = {}
    for name, shapes in INSIDE.items():
        image, weight = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
        calls = {
            "inside": lambda image=image, weight=weight: compiled(image, weight),
            "python": lambda image=image, weight=weight: conv2d(image, weight, None, 1, 1),
        }
        ratios[name] = ratio(take_turns(calls, FULL), "inside", "python")
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description="Time compiling, and calls in compiled code.")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    report = {"machine": machine(), "first_call_seconds": first_calls(), "inside": inside()}
    for name, times in report["first_call_seconds"].items():
        print(f"{name:18} compile {times['compile']:5.2f} s   load {times['load']:5.2f} s")
    for name, value in report["inside"].items():
        print(f"{name:18} inside compiled code over from Python: {value:5.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
