"""Layers of other networks than those of `stepconv bench`, beside torch and onnxruntime.

    python -m benchmarks.more [--threads N] [--layer TEXT] [--draw N] [--seed N] [--json FILE]

The table of `stepconv bench` is what kernels are tuned for. These are here to find where that went
wrong: other widths, batches, single pixels, few outputs; and with ``--draw`` layers that nobody
chose, drawn at random. Measured in the same way; see README.md.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from stepconv.bench import peers, report
from stepconv.bench.contest import contest
from stepconv.bench.layers import Layer
from stepconv.bench.timing import Effort
from stepconv.errors import StepconvError

EFFORT = Effort(rounds=5, seconds=0.02, most=10.0)
PEERS = ("torch", "onnxruntime")

# Name, channels in and out, size, kernel, and what else: rank 2 where the size is one number.
_Sizes = int | tuple[int, ...]
_LAYERS: tuple[tuple[str, int, int, _Sizes, _Sizes, dict[str, int]], ...] = (
    ("textcnn 3x300 1-100 L64", 1, 100, (64, 300), (3, 300), {"batch": 32}),
    ("ssd 3x3 256@10", 256, 256, 10, 3, {"padding": 1}),
    ("ssd 3x3 128@5", 128, 128, 5, 3, {"padding": 1, "batch": 4}),
    ("segformer 7x7s4 3-64@256", 3, 64, 256, 7, {"stride": 4, "padding": 3}),
    ("fsrcnn 3x3 12@128", 12, 12, 128, 3, {"padding": 1}),
    ("keypoint 1x1 256-17@64", 256, 17, 64, 1, {}),
    ("3x3 48@20", 48, 48, 20, 3, {"padding": 1, "batch": 4}),
    ("dw 4x4s4 64@64", 64, 64, 64, 4, {"stride": 4, "groups": 64}),
    ("lenet 5x5 6-16@14", 6, 16, 14, 5, {}),
    ("lenet 5x5 6-16@14", 6, 16, 14, 5, {"batch": 64}),
    ("mnist 3x3 1-32@28", 1, 32, 28, 3, {"batch": 64}),
    ("mnist 3x3 32-64@26", 32, 64, 26, 3, {"batch": 64}),
    ("cifar 3x3 16@32", 16, 16, 32, 3, {"padding": 1, "batch": 32}),
    ("cifar 3x3 128@16", 128, 128, 16, 3, {"padding": 1, "batch": 8}),
    ("cifar 3x3 64@8", 64, 64, 8, 3, {"padding": 1, "batch": 32}),
    ("cifar 3x3 512@4", 512, 512, 4, 3, {"padding": 1, "batch": 8}),
    ("cifar 3x3 512@2", 512, 512, 2, 3, {"padding": 1, "batch": 32}),
    ("alexnet 11x11s4 3-64@224", 3, 64, 224, 11, {"stride": 4, "padding": 2}),
    ("alexnet 5x5 64-192@27", 64, 192, 27, 5, {"padding": 2}),
    ("mobilenet 3x3s2 3-32@224", 3, 32, 224, 3, {"stride": 2, "padding": 1}),
    ("mobilenet 1x1 24-144@56", 24, 144, 56, 1, {}),
    ("mobilenet 1x1 96-16@112", 96, 16, 112, 1, {}),
    ("mobilenet 1x1 960-320@7", 960, 320, 7, 1, {}),
    ("densenet 3x3 128-32@28", 128, 32, 28, 3, {"padding": 1}),
    ("yolo 3x3 128@80", 128, 128, 80, 3, {"padding": 1}),
    ("yolo 3x3 512-1024@13", 512, 1024, 13, 3, {"padding": 1}),
    ("go 3x3 256@19", 256, 256, 19, 3, {"padding": 1}),
    ("atari 8x8s4 4-32@84", 4, 32, 84, 8, {"stride": 4, "batch": 8}),
    ("diffusion 3x3 320@64", 320, 320, 64, 3, {"padding": 1}),
    ("diffusion 3x3 640@32", 640, 640, 32, 3, {"padding": 1}),
    ("diffusion 3x3 1280@16", 1280, 1280, 16, 3, {"padding": 1}),
    ("diffusion 3x3 1280@8", 1280, 1280, 8, 3, {"padding": 1}),
    ("vit 16x16s16 3-768@224", 3, 768, 224, 16, {"stride": 16}),
    ("convnext 4x4s4 3-96@224", 3, 96, 224, 4, {"stride": 4}),
    ("convnext 2x2s2 96-192@56", 96, 192, 56, 2, {"stride": 2}),
    ("convnext dw 7x7 96@56", 96, 96, 56, 7, {"padding": 3, "groups": 96}),
    ("convnext dw 7x7 384@14", 384, 384, 14, 7, {"padding": 3, "groups": 384}),
    ("convnext dw 7x7 768@7", 768, 768, 7, 7, {"padding": 3, "groups": 768}),
    ("efficientnet dw 5x5 240@28", 240, 240, 28, 5, {"padding": 2, "groups": 240}),
    ("shufflenet 1x1 g3 240@28", 240, 240, 28, 1, {"groups": 3}),
    ("resnext 3x3 g32 128@56", 128, 128, 56, 3, {"padding": 1, "groups": 32}),
    ("regnet 3x3 g8 64@56", 64, 64, 56, 3, {"padding": 1, "groups": 8}),
    ("deeplab 3x3 d2 256@64", 256, 256, 64, 3, {"padding": 2, "dilation": 2}),
    ("deeplab 3x3 d4 512@65", 512, 512, 65, 3, {"padding": 4, "dilation": 4}),
    ("deeplab 3x3 d12 256@33", 256, 256, 33, 3, {"padding": 12, "dilation": 12}),
    ("deeplab 3x3 d18 2048-256@33", 2048, 256, 33, 3, {"padding": 18, "dilation": 18}),
    ("head 1x1 256-21@65", 256, 21, 65, 1, {}),
    ("head 1x1 64-2@256", 64, 2, 256, 1, {}),
    ("head 3x3 64-3@128", 64, 3, 128, 3, {"padding": 1}),
    ("excite 1x1 256-16@1", 256, 16, 1, 1, {}),
    ("excite 1x1 1152-48@1", 1152, 48, 1, 1, {"batch": 8}),
    ("classifier 1x1 2048-1000@1", 2048, 1000, 1, 1, {}),
    ("classifier 7x7 256-512@7", 256, 512, 7, 7, {}),
    ("classifier 3x3 512@3", 512, 512, 3, 3, {}),
    ("spectrogram k400s160 1-514", 1, 514, (16000,), 400, {"stride": 160}),
    ("m5 k80s4 1-256 L16000", 1, 256, (16000,), (80,), {"stride": 4}),
    ("wav2vec k10s5 1-512", 1, 512, (16000,), 10, {"stride": 5}),
    ("wav2vec k128 g16 768 L50", 768, 768, (50,), 128, {"padding": 64, "groups": 16}),
    ("whisper k3 80-384 L3000", 80, 384, (3000,), 3, {"padding": 1}),
    ("quartznet dw k33 256 L800", 256, 256, (800,), (33,), {"padding": 16, "groups": 256}),
    ("conformer dw k31 256 L400", 256, 256, (400,), 31, {"padding": 15, "groups": 256}),
    ("tdnn k5 512 L300", 512, 512, (300,), 5, {}),
    ("hifigan k11 d5 32 L8192", 32, 32, (8192,), 11, {"padding": 25, "dilation": 5}),
    ("conv1d 1 256-512 L1000", 256, 512, (1000,), 1, {}),
    ("3x3x3 512@2x7x7", 512, 512, (2, 7, 7), 3, {"padding": 1}),
    ("3x3x3 16@24", 16, 16, (24, 24, 24), 3, {"padding": 1}),
    ("dcgan T k4 100-512@1", 100, 512, 1, 4, {"transposed": True}),
    ("dcgan T k4 100-512@1", 100, 512, 1, 4, {"transposed": True, "batch": 64}),
    ("dcgan T k4s2 512-256@4", 512, 256, 4, 4,
     {"transposed": True, "stride": 2, "padding": 1, "batch": 16}),
    ("dcgan T k4s2 64-3@32", 64, 3, 32, 4, {"transposed": True, "stride": 2, "padding": 1}),
    ("vae T k3s2 512-256@2", 512, 256, 2, 3,
     {"transposed": True, "stride": 2, "padding": 1, "batch": 64}),
    ("vae T k4s2 32-1@14", 32, 1, 14, 4,
     {"transposed": True, "stride": 2, "padding": 1, "batch": 128}),
    ("fsrcnn T k9s3 56-1@64", 56, 1, 64, 9, {"transposed": True, "stride": 3, "padding": 4}),
    ("3dgan T k4s2 64-1@16", 64, 1, (16, 16, 16), 4,
     {"transposed": True, "stride": 2, "padding": 1}),
    ("fcn T k64s32 21@8", 21, 21, 8, 64, {"transposed": True, "stride": 32, "padding": 16}),
    ("unet T k2s2 64-32@128", 64, 32, 128, 2, {"transposed": True, "stride": 2}),
    ("hifigan T k16s8 512-256 L50", 512, 256, (50,), 16,
     {"transposed": True, "stride": 8, "padding": 4}),
)  # fmt: skip


def layers() -> Iterator[Layer]:
    """Return the layers."""
    for name, inputs, outputs, size, kernel, more in _LAYERS:
        sizes = (size, size) if isinstance(size, int) else size
        kernels = (kernel,) * len(sizes) if isinstance(kernel, int) else kernel
        arguments: dict[str, Any] = more
        yield Layer(name, name.split()[0], inputs, sizes, outputs, kernels, **arguments)


# What is drawn: channels, sizes of maps and sides of kernels by rank.
_CHANNELS = (
    1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 30, 32, 40, 48, 64, 72, 96, 100, 128, 160, 192, 256, 320,
    384, 512, 768, 1024,
)  # fmt: skip
_SIDES = {
    1: (16, 50, 100, 128, 256, 400, 1000, 3000, 8000),
    2: (*range(1, 11), 12, 13, 14, 16, 19, 20, 24, 28, 32, 40, 56, 64, 80, 100, 112, 128, 160, 224),
    3: (4, 7, 8, 12, 16, 24, 32, 48),
}
_KERNELS = {
    1: (1, 2, 3, 3, 4, 5, 7, 9, 16, 31),
    2: (1, 1, 2, 3, 3, 3, 3, 4, 5, 7, 11),
    3: (1, 1, 2, 3, 3, 3, 3, 4, 5),
}
_MOST_CELLS, _OPERATIONS = 5_000_000, (1e5, 4e8)


def drawn(count: int, seed: int) -> Iterator[Layer]:
    """Draw layers of any rank: channels and sizes as networks have them, put together at random."""
    dice = random.Random(seed)
    while count:
        layer = _draw(dice)
        try:
            geometry = layer.geometry
        except StepconvError:  # the kernel finds no room, or nothing is left of the output
            continue
        shapes = geometry.input_shape, geometry.weight_shape, geometry.output_shape
        least, most = _OPERATIONS
        if least < layer.operations < most and max(map(prod, shapes)) < _MOST_CELLS:
            count -= 1
            yield layer


def _draw(dice: random.Random) -> Layer:
    rank, transposed = dice.choice((1, 1, 2, 2, 2, 2, 2, 3)), dice.random() < 0.2
    inputs, outputs = dice.choice(_CHANNELS), dice.choice(_CHANNELS)
    if dice.random() < 0.4:
        outputs = inputs
    sort = dice.choices(("dense", "depthwise", "grouped"), (0.7, 0.15, 0.15))[0]
    groups = {"dense": 1, "depthwise": inputs, "grouped": dice.choice((2, 4, 8, 16, 32))}[sort]
    if sort == "depthwise":
        outputs = inputs
    size, kernel = ((dice.choice(of[rank]),) * rank for of in (_SIDES, _KERNELS))
    stride = dice.choice((1, 1, 1, 2, 2, 3, 4))
    dilation = 1 if transposed else dice.choice((*[1] * 8, 2, 4))
    padding = dice.choice((0, 1, 1)) * (dilation * (kernel[0] - 1) // 2)
    batch = dice.choice((1, 1, 1, 1, 2, 4, 8, 16, 32, 64))
    parts = [("T " if transposed else "") + "x".join(map(str, kernel))]
    parts += [f"{sign}{value}" for sign, value in (("s", stride), ("d", dilation)) if value > 1]
    parts += [f"p{padding}"] * (padding > 0) + [f"g{groups}"] * (groups > 1)
    name = f"{' '.join(parts)} {inputs}-{outputs}@{'x'.join(map(str, size))}"
    return Layer(
        name, "drawn", inputs, size, outputs, kernel, stride, padding, dilation, groups, transposed,
        batch,
    )  # fmt: skip


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layer", default="")
    parser.add_argument("--draw", type=int, default=0, help="so many layers at random instead")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    machine = report.machine()
    rivals = [peer for peer in peers.installed() if peer.name in PEERS]
    own = drawn(options.draw, options.seed) if options.draw else layers()
    chosen = [layer for layer in own if options.layer in layer.title]
    rows = []
    print(
        "time, ms, and as a share of each peer's".ljust(44), *(f"{one.name:>12}" for one in rivals)
    )
    for row in contest(chosen, rivals, EFFORT, options.threads):
        rows.append(row)
        shares = [f"{row.ratios[one.name]:12.2f}" for one in rivals if one.name in row.ratios]
        print(f"{row.layer.title:38}{1000 * row.seconds['function']:9.3f}", *shares, flush=True)
    found = report.Report(machine, report.versions(rivals), options.threads, False, rows)
    for name in found.peers:
        ratios = [row.ratios[name] for row in rows if name in row.ratios]
        within, near = (sum(one <= most for one in ratios) for most in (1, 1.1))
        mean = report.geometric_mean(ratios)
        print(f"{name}: mean {mean:.2f}, at most 1: {within}, 1.1: {near}, of {len(ratios)}")
    if options.json:
        options.json.write_text(json.dumps(found.to_json(), indent=1) + "\n")


if __name__ == "__main__":
    main()
