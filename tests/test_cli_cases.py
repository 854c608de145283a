"""Torch's 240 layers, and every figure of the articles, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import done
from tests.helpers import Array, Case, seed_tables, torch_cases

MANY_TERMS = 8000


def marked(case: Case) -> Any:
    """Return a layer as a parameter: slow where its record is long to read and write."""
    terms = case.output.size * case.weight[0].size
    marks = [pytest.mark.slow] if terms > MANY_TERMS else []
    return pytest.param(case, id=case.name, marks=marks)


CASES = [marked(case) for case in torch_cases()]
FIGURES = {name: table for name, table in seed_tables().items() if "weight" in table}


def options(arguments: dict[str, Any]) -> list[str]:
    """Write a layer's arguments as options."""
    found = []
    for name, value in arguments.items():
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        found += ["--" + name.replace("_", "-"), text]
    return found


def saved(folder: Path, **arrays: Array | None) -> dict[str, str]:
    """Save arrays as files, and return their names."""
    paths = {name: folder / f"{name}.npy" for name, array in arrays.items() if array is not None}
    for name, path in paths.items():
        np.save(path, np.asarray(arrays[name]))
    return {name: str(path) for name, path in paths.items()}


@pytest.mark.parametrize("case", CASES)
def test_torch_layers(case: Case, tmp_path: Path) -> None:
    files = saved(tmp_path, input=case.input, weight=case.weight, bias=case.bias)
    bias = ["--bias", files["bias"]] if "bias" in files else []
    transposed = ["--transposed"] if case.transposed else []
    rank = ["--rank", str(case.weight.ndim - 2)]
    text = done(
        *("trace", files["input"], files["weight"], "--json"),
        *bias,
        *transposed,
        *rank,
        *options(case.arguments),
    )
    record = json.loads(text)
    output = np.array(record["output"]).reshape(case.output.shape)
    np.testing.assert_allclose(output, case.output, atol=1e-10 * np.abs(case.output).max())
    assert len(record["placements"]) == case.output.size
    assert [one["value"] for one in record["placements"]] == output.reshape(-1).tolist()


@pytest.mark.parametrize("name", FIGURES)
def test_figures_with_all_their_numbers(name: str) -> None:
    table = FIGURES[name]
    rank = str(np.ndim(table["weight"]) - 2)
    text = done(
        *("trace", json.dumps(table["input"]), json.dumps(table["weight"]), "--json"),
        *("--rank", rank),
        *options(table["arguments"]),
    )
    assert json.loads(text)["output"] == table["output"]


def test_the_sentences() -> None:
    table = seed_tables()["sentences"]
    output = np.array(json.loads(done("trace", "@sentences", "--json"))["output"])
    printed = np.array(table["output"])
    assert output.shape == (6, 8, 4)
    assert np.abs(output - printed).max() < 1e-3


def test_the_worked_size() -> None:
    text = done("shape", "--input", "3,64,128", "--weight", "32,64,4", "--stride", "2", "--json")
    assert json.loads(text)["output"] == [3, 32, 63]


@pytest.mark.parametrize(
    ("layers", "size", "touched"),
    [("3 3,d=2", 7, 7), ("3 3,d=2 3,d=4", 15, 15), ("3 3 3", 7, 7), ("3,d=2", 5, 3)],
)
def test_receptive_fields(layers: str, size: int, touched: int) -> None:
    last = json.loads(done("receptive", layers, "--json"))[-1]
    assert (last["size"], last["touched"]) == ([size], [touched])


def test_the_matrix_form() -> None:
    data = json.loads(done("matrix", "@sparse-matrix", "--json"))
    assert (data["shape"], len(data["entries"])) == ([4, 16], 36)
    turned = json.loads(done("matrix", "@sparse-matrix", "--transpose", "--json"))
    assert turned["shape"] == [16, 4]
    flipped = sorted([column, row, *rest] for row, column, *rest in data["entries"])
    assert sorted(turned["entries"]) == flipped
