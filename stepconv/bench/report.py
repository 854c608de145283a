"""What was measured where: as JSON and back, and summed up by kind of layer."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from importlib.metadata import version
from math import exp, log
from pathlib import Path
from typing import Any

from stepconv.bench.contest import Row
from stepconv.bench.layers import CLASSES, Layer
from stepconv.bench.peers import Peer
from stepconv.kernels.host import host
from stepconv.version import __version__

FORMAT = 1

# What an idle machine does for itself.
_IDLE_LOAD = 0.5


@dataclass(frozen=True)
class Summary:
    """The ratios to one peer over the layers of one kind."""

    kind: str
    count: int
    mean: float
    worst: float


@dataclass(frozen=True)
class Report:
    """The rows that were measured, and where, and how."""

    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    threads: int
    quick: bool
    rows: Sequence[Row]

    @property
    def peers(self) -> tuple[str, ...]:
        """The peers that computed at least one layer."""
        return tuple(name for name in self.versions if any(name in row.ratios for row in self.rows))

    @property
    def disturbed(self) -> bool:
        """Whether other programs needed the cores too: then ratios are rough, or worse.

        Threads that wait for one another wait for whoever else has a core.
        """
        load, cores = self.machine.get("load") or 0.0, self.machine.get("cores") or 1
        return bool(load + self.threads > cores + _IDLE_LOAD)

    def summaries(self, peer: str) -> Iterator[Summary]:
        """Sum up the ratios to a peer, kind by kind: geometric mean and worst."""
        for kind in CLASSES:
            ratios = [
                row.ratios[peer]
                for row in self.rows
                if row.layer.kind == kind and peer in row.ratios
            ]
            if ratios:
                yield Summary(kind, len(ratios), geometric_mean(ratios), max(ratios))

    def overall(self, peer: str) -> Summary | None:
        """Sum up the ratios to a peer over the table proper: float32, the usual algorithm."""
        ratios = [
            row.ratios[peer]
            for row in self.rows
            if row.layer.kind not in ("float64", "winograd") and peer in row.ratios
        ]
        return Summary("", len(ratios), geometric_mean(ratios), max(ratios)) if ratios else None

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON types; `from_json` reads them."""
        return {
            "format": FORMAT,
            "machine": dict(self.machine),
            "versions": dict(self.versions),
            "threads": self.threads,
            "quick": self.quick,
            "rows": [
                {
                    "layer": _described(row.layer),
                    "seconds": dict(row.seconds),
                    "ratios": dict(row.ratios),
                    "peak": row.peak,
                    "share": row.share,
                    "error": row.error,
                }
                for row in self.rows
            ],
        }


def from_json(data: Mapping[str, Any]) -> Report:
    """Read a report from what `Report.to_json` gave."""
    rows = [
        Row(_layer(row["layer"]), row["seconds"], row["ratios"], row["peak"], row["error"])
        for row in data["rows"]
    ]
    return Report(data["machine"], data["versions"], data["threads"], data["quick"], rows)


def geometric_mean(ratios: Sequence[float]) -> float:
    """Return the mean that makes half as long and twice as long even out.

    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    return exp(sum(map(log, ratios)) / len(ratios))


def machine() -> dict[str, Any]:
    """Return what is known of this machine; to be asked before anything is measured.

    "load" is how many programs have been running in the last minute, where that is known.
    """
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "float32 lanes": host().lanes(4),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def versions(peers: Sequence[Peer]) -> dict[str, str]:
    """Return the versions of this package, of what it computes with, and of the peers."""
    own = {"stepconv": __version__, "numba": version("numba"), "llvmlite": version("llvmlite")}
    return own | {peer.name: peer.version for peer in peers}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _described(layer: Layer) -> dict[str, Any]:
    values = {one.name: getattr(layer, one.name) for one in fields(layer)}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items()
    }


def _layer(data: Mapping[str, Any]) -> Layer:
    values: dict[str, Any] = dict(data)
    return Layer(**values | {name: tuple(values[name]) for name in ("size", "kernel")})
