"""Measure what a person waits for, and what keeping the record costs.

Run ``python benchmarks/engine.py [--json FILE]``; see README.md for the method.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from stepconv import trace
from stepconv.kernels import textbook
from stepconv.operands import Operands, prepare
from stepconv.views.frame import Frame
from stepconv.views.theme import THEME, Look

LAYERS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "conv1d 1x8x512, 8 kernels of 5": ((1, 8, 512), (8, 8, 5), {"padding": 2}),
    "conv2d 1x3x32x32, 8 kernels of 3x3": ((1, 3, 32, 32), (8, 3, 3, 3), {"padding": 1}),
    "conv2d 1x16x16x16, 16 kernels of 3x3": ((1, 16, 16, 16), (16, 16, 3, 3), {}),
    "conv3d 1x2x8x12x12, 4 kernels of 3x3x3": ((1, 2, 8, 12, 12), (4, 2, 3, 3, 3), {}),
    "conv_transpose2d 1x8x12x12, 8 of 4x4, stride 2": (
        (1, 8, 12, 12),
        (8, 8, 4, 4),
        {"stride": 2, "padding": 1, "transposed": True},
    ),
}


def seconds(command: list[str], runs: int, warm: int, **environment: str) -> list[float]:
    """Time a whole process, some uncounted runs first."""
    taken = []
    for _run in range(warm + runs):
        before = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=os.environ | environment)
        taken.append(time.perf_counter() - before)
    return taken[warm:]


def processes() -> dict[str, float]:
    """Median times of the commands a person starts."""
    program = [sys.executable, "-m", "stepconv"]
    trace_one = [*program, "trace", "1 1 1 1", "1 1 1", "--padding", "1"]
    first = []
    for _run in range(5):
        with tempfile.TemporaryDirectory() as folder:
            first += seconds(trace_one, 1, 0, NUMBA_CACHE_DIR=folder)
    return {
        "help_s": statistics.median(seconds([*program, "--help"], 15, 2)),
        "trace_warm_s": statistics.median(seconds(trace_one, 15, 2)),
        "trace_first_s": statistics.median(first),
    }


def kernel_call(operands: Operands, *record: Any) -> Callable[[], None]:
    """Bind a textbook kernel to its arguments, with or without the arrays of a record."""
    geometry = operands.geometry
    kernel = textbook.convolve_transposed if geometry.transposed else textbook.convolve
    sizes = (1,) * (3 - geometry.rank) + geometry.output_size
    output = np.empty((operands.input.shape[0], geometry.out_channels, *sizes), operands.dtype)
    channels, walk, sources = np.arange(geometry.out_channels), operands.walk(), operands.sources
    arrays = operands.input, operands.weight, operands.bias
    return lambda: kernel(*arrays, sources, walk, channels, output, *record)


def elapsed(call: Callable[[], None]) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def record_ratios() -> dict[str, float]:
    """For each layer: time of the instrumented kernel over the plain one, pair by pair."""
    rng, ratios = np.random.default_rng(0), {}
    for name, (input_shape, weight_shape, arguments) in LAYERS.items():
        operands = prepare(
            rng.normal(size=input_shape), rng.normal(size=weight_shape), None, **arguments
        )
        geometry = operands.geometry
        cells = int(np.prod(geometry.output_shape))
        products = np.empty((cells, geometry.terms))
        plain = kernel_call(operands)
        recording = kernel_call(operands, products, np.empty_like(products))
        plain(), recording()  # compile, and touch the pages of the record
        pairs = [(elapsed(recording), elapsed(plain)) for _run in range(31)]
        ratios[name] = statistics.median(one / other for one, other in pairs)
    return ratios


def bytes_a_term() -> float:
    """Bytes the record takes for one term, for the dtype where it is most."""
    sizes = []
    for dtype in ("float32", "float64", "int64", "complex64", "complex128"):
        record = trace(np.ones((1, 64), dtype), np.ones((1, 1, 3), dtype))
        sizes.append((record.products.nbytes + record.sums.nbytes) / record.products.size)
    return max(sizes)


def frames() -> dict[str, float]:
    """Median milliseconds to draw one frame of a 16x16 grid."""
    image, kernel = np.arange(256).reshape(1, 1, 16, 16), np.arange(9).reshape(1, 1, 3, 3)
    small = image[:, :, :8, :8]
    traces = {
        "forward": trace(image, kernel, padding=1),
        "gather": trace(small, kernel, stride=2, padding=1, output_padding=1, transposed=True),
        "scatter": trace(
            small, kernel, stride=2, padding=1, output_padding=1, transposed=True, order="scatter"
        ),
    }
    found = {}
    for name, record in traces.items():
        console = Console(
            file=io.StringIO(),
            width=120,
            theme=THEME,
            force_terminal=True,
            color_system="truecolor",
        )
        times = []
        for index in range(len(record)):
            before = time.perf_counter()
            console.print(Frame(record, index, Look()))
            times.append(time.perf_counter() - before)
        found[name] = statistics.median(times) * 1000
    return found


def machine() -> dict[str, Any]:
    names = [
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    packages = ("stepconv", "numba", "llvmlite", "numpy", "rich", "typer")
    return {
        "date": date.today().isoformat(),
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    ratios, drawn = record_ratios(), frames()
    figures = {
        **processes(),
        "record_over_textbook": ratios,
        "bytes_a_term": bytes_a_term(),
        "frame_16x16_ms": drawn,
    }
    table = Table("figure", "measured", "to reach", title="stepconv, the engine")
    table.add_row("stepconv --help", f"{figures['help_s']:.3f} s", "0.25 s")
    table.add_row("stepconv trace, cache warm", f"{figures['trace_warm_s']:.3f} s", "0.7 s")
    table.add_row("stepconv trace, first run ever", f"{figures['trace_first_s']:.2f} s", "4 s")
    for name, ratio in ratios.items():
        table.add_row(f"record / textbook: {name}", f"{ratio:.2f}", "3")
    table.add_row("bytes a term", f"{figures['bytes_a_term']:.0f}", "32")
    for name, took in drawn.items():
        table.add_row(f"frame of a 16x16 grid, {name}", f"{took:.1f} ms", "16 ms")
    Console().print(table)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(
            json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
