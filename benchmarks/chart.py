"""Draw what ``stepconv bench --json`` measured as a picture.

Run ``python benchmarks/chart.py REPORT.json PICTURE.svg``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log10
from pathlib import Path
from xml.sax.saxutils import escape

from stepconv.bench.contest import Row
from stepconv.bench.layers import CLASSES
from stepconv.bench.report import Report, from_json

WIDTH, LEFT, RIGHT = 760, 250, 20
TOP, LINE, GAP, BOTTOM = 84, 14, 7, 60
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
PEERS = ("torch", "onnxruntime")

# One picture for light and dark pages; the marks differ in shape as well as in colour.
STYLE = """
  text { font: 11px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .note, .tick { fill: #59636e; }
  .kind { font-weight: 600; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .even { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 4 3; }
  .torch { fill: #bc4c00; }
  .onnxruntime { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note, .tick { fill: #9198a1; }
    .grid { stroke: #30363d; }
    .even { stroke: #9198a1; }
    .torch { fill: #f0883e; }
    .onnxruntime { fill: #58a6ff; }
  }
"""


@dataclass(frozen=True)
class Scale:
    """Ratios from left to right, each doubling as wide as the next."""

    least: float
    most: float

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Scale:
        """Return the scale that all `ratios` fit, from one tick to another."""
        low = max(tick for tick in TICKS if tick <= min([*ratios, 0.5]) or tick == TICKS[0])
        high = min(tick for tick in TICKS if tick >= max([*ratios, 2]) or tick == TICKS[-1])
        return cls(low, high)

    def at(self, ratio: float) -> float:
        """Return where a ratio stands; one outside stands at the edge.

        >>> Scale(0.1, 10).at(1) == (LEFT + WIDTH - RIGHT) / 2
        True
        """
        inside = min(max(ratio, self.least), self.most)
        share = log10(inside / self.least) / log10(self.most / self.least)
        return LEFT + share * (WIDTH - LEFT - RIGHT)


def chart(report: Report) -> str:
    """Return the picture, an SVG."""
    known = [row for row in report.rows if any(peer in row.ratios for peer in PEERS)]
    rows = sorted(known, key=lambda row: CLASSES.index(row.layer.kind))
    ratios = [row.ratios[peer] for row in rows for peer in PEERS if peer in row.ratios]
    scale = Scale.of(ratios)
    lines = list(_rows(rows, scale))
    groups = len(list(groupby(row.layer.kind for row in rows)))
    end = TOP + len(rows) * LINE + groups * GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {end + BOTTOM}"'
        f' width="{WIDTH}" height="{end + BOTTOM}" role="img">',
        f"<style>{STYLE}</style>",
        *_heading(report),
        *_grid(scale, end),
        *lines,
        *_footing(report, end),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _heading(report: Report) -> Iterator[str]:
    threads = "one thread" if report.threads == 1 else f"{report.threads} threads"
    yield _text(16, 24, f"Time of stepconv by the time of others, {threads}", "title")
    yield _text(16, 42, "left of 1 stepconv is faster; one line a layer", "note")
    for number, peer in enumerate(PEERS):
        if peer in report.peers:
            kind = {"torch": "function", "onnxruntime": "layer, weights kept packed"}[peer]
            x = LEFT + 190 * number
            yield _mark(peer, x, 56)
            yield _text(x + 9, 60, f"{peer} {report.versions[peer].partition('+')[0]} ({kind})")


def _grid(scale: Scale, end: float) -> Iterator[str]:
    for tick in TICKS:
        if scale.least <= tick <= scale.most:
            x = scale.at(tick)
            kind = "even" if tick == 1 else "grid"
            yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{end}"/>'
            yield _text(x, TOP - 10, f"{tick:g}", "tick", "middle")


def _rows(rows: Sequence[Row], scale: Scale) -> Iterator[str]:
    y = float(TOP)
    for kind, members in groupby(rows, key=lambda row: row.layer.kind):
        y += GAP
        for number, row in enumerate(members):
            y += LINE
            if not number:
                yield _text(16, y, kind, "kind")
            yield _text(LEFT - 10, y, row.layer.title, "", "end")
            for peer in PEERS:
                if peer in row.ratios:
                    yield _mark(peer, scale.at(row.ratios[peer]), y - 4)


def _footing(report: Report, end: float) -> Iterator[str]:
    machine, versions = report.machine, report.versions
    means = []
    for peer in PEERS:
        overall = report.overall(peer)
        if overall:
            means.append(f"{overall.mean:.2f} to {peer} over {overall.count} layers")
    yield _text(16, end + 24, f"Geometric mean: {'; '.join(means)}")
    about = (
        f"{machine['processor']}, {machine['float32 lanes']} float32 lanes, {machine['date']},"
        f" stepconv {versions['stepconv']}, Numba {versions['numba']}"
    )
    yield _text(16, end + 42, about, "note")


def _mark(peer: str, x: float, y: float) -> str:
    if peer == "torch":
        return f'<circle class="{peer}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    points = f"{x:.1f},{y - 5:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + 5:.1f} {x - 5:.1f},{y:.1f}"
    return f'<polygon class="{peer}" points="{points}"/>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, help="what stepconv bench --json printed")
    parser.add_argument("picture", type=Path, help="the SVG to write")
    arguments = parser.parse_args()
    report = from_json(json.loads(arguments.report.read_text(encoding="utf-8")))
    arguments.picture.write_text(chart(report), encoding="utf-8")


if __name__ == "__main__":
    main()
