"""The samples: their numbers, sizes and titles, and that every scene is what it says."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stepconv import trace
from stepconv.errors import InputError
from stepconv.language import using_language
from stepconv.samples import Scene, nearest, sample, samples, scene

SEED = json.loads((Path(__file__).parent / "data" / "seed_tables.json").read_text("utf-8"))
TABLES = SEED["tables"]
SCENES = [found.name for found in samples() if found.kind == "scene"]


def pads(options: Any, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the cells to add before and after each axis, for stride 1 where it is named."""
    padding, dilation = options.get("padding", 0), options.get("dilation", 1)
    reach = [dilation * (length - 1) for length in kernel]
    if padding == "same":
        return [(r // 2, r - r // 2) for r in reach]
    if padding == "causal":
        return [(r, 0) for r in reach]
    return [(padding, padding) for _ in sizes]


def direct(x: NDArray[Any], w: NDArray[Any], options: Any) -> NDArray[Any]:
    """Convolve by the definition, one output number after another."""
    kernel = w.shape[2:]
    modes = {"zeros": "constant", "replicate": "edge", "circular": "wrap"}
    mode: Any = options.get("padding_mode", "zeros")
    border = [(0, 0), (0, 0), *pads(options, x.shape[2:], kernel)]
    x = np.pad(x, border, mode=modes.get(mode, mode))
    stride, dilation = options.get("stride", 1), options.get("dilation", 1)
    spans = [dilation * (length - 1) + 1 for length in kernel]
    sizes = [(n - span) // stride + 1 for n, span in zip(x.shape[2:], spans, strict=True)]
    groups = options.get("groups", 1)
    inside, outside = x.shape[1] // groups, len(w) // groups
    y = np.zeros((len(x), len(w), *sizes), np.result_type(x, w))
    for n, c, *position in np.ndindex(*y.shape):
        first = c // outside * inside
        window: list[Any] = [n, slice(first, first + inside)]
        window += [
            slice(p * stride, p * stride + span, dilation)
            for p, span in zip(position, spans, strict=True)
        ]
        y[(n, c, *position)] = np.sum(x[tuple(window)] * w[c])
    return y


def transposed(x: NDArray[Any], w: NDArray[Any], options: Any) -> NDArray[Any]:
    """Stamp the kernel, times each input number, on the output; then crop (one channel)."""
    stride, dilation = options.get("stride", 1), options.get("dilation", 1)
    crop, extra = options.get("padding", 0), options.get("output_padding", 0)
    spans = [dilation * (length - 1) + 1 for length in w.shape[2:]]
    whole = [(n - 1) * stride + s + extra for n, s in zip(x.shape[2:], spans, strict=True)]
    y = np.zeros((1, 1, *whole), np.result_type(x, w))
    for position in np.ndindex(*x.shape[2:]):
        stamp = tuple(
            slice(p * stride, p * stride + span, dilation)
            for p, span in zip(position, spans, strict=True)
        )
        y[0, 0][stamp] += x[0, 0][position] * w[0, 0]
    cropped: NDArray[Any] = y[0, 0][tuple(slice(crop, size - crop) for size in whole)]
    return cropped[None, None]


def output(shown: Scene, *, turned: bool = False) -> NDArray[Any]:
    axes = tuple(range(2, shown.weight.ndim))
    weight = np.flip(shown.weight, axes) if turned else shown.weight
    options = dict(shown.options)
    y = (transposed if options.pop("transposed", False) else direct)(shown.input, weight, options)
    return y if shown.bias is None else y + shown.bias.reshape(-1, *(1 for _ in axes))


# ------------------------------------------------------------------ all samples


def test_order_and_names() -> None:
    kinds = [found.kind for found in samples()]
    assert kinds == sorted(kinds, key=["input", "kernel", "scene"].index)
    names = [name for found in samples() for name in (found.name, *found.aliases)]
    assert len(set(names)) == len(names)
    required = (
        "ramp4x4 ramp8x8 ones4 digit step impulse rgb4x4 cube4x4x4 identity3x3 box3x3 box5x5 "
        "gaussian3x3 gaussian5x5 sobel-x sobel-y laplacian laplacian8 sharpen difference "
        "average3 ones3"
    )
    assert set(required.split()) <= set(names)


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text)


def test_titles_are_short_and_in_both_languages() -> None:
    for found in samples():
        assert found.title == found.titles["en"]
        with using_language("zh"):
            chinese = found.title
        assert chinese == found.titles["zh"]
        assert found.title.isascii()
        assert any("一" <= mark <= "鿿" for mark in chinese), chinese
        assert max(columns(found.title), columns(chinese)) < 50
    with using_language("zh"):
        assert scene("hand-worked").title == sample("hand-worked").title


def test_arrays_are_whole_and_cannot_be_changed() -> None:
    for found in samples():
        assert found.array.size
        assert found.array.dtype in (np.int64, np.float64)
        with pytest.raises(ValueError, match="read-only"):
            found.array[...] = 0
    for name in SCENES:
        with pytest.raises(ValueError, match="read-only"):
            scene(name).weight[...] = 0
        with pytest.raises(TypeError):
            scene(name).options["stride"] = 3  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ones4", [1, 1, 1, 1]),
        ("step", [0, 0, 0, 0, 1, 1, 1, 1]),
        ("ramp4x4", [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]),
        ("identity", [[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
        ("box", [[1, 1, 1]] * 3),
        ("gaussian", [[1, 2, 1], [2, 4, 2], [1, 2, 1]]),
        ("sobel-x", [[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
        ("difference", [1, 0, -1]),
        ("average3", [1 / 3] * 3),
    ],
)
def test_numbers(name: str, expected: Any) -> None:
    assert sample(name).array.tolist() == expected


def test_relations_between_samples() -> None:
    assert np.array_equal(sample("sobel-y").array, sample("sobel-x").array.T)
    assert np.array_equal(sample("gaussian5x5").array[0], [1, 4, 6, 4, 1])
    assert sample("gaussian5x5").array.sum() == 256
    assert np.isclose(sample("average3x3").array.sum(), 1)
    for name in ("laplacian", "laplacian8", "sobel-x", "difference"):
        assert sample(name).array.sum() == 0
    assert sample("sharpen").array.sum() == sample("emboss").array.sum() == 1
    assert sample("impulse7x7").array.sum() == sample("impulse7x7").array[3, 3] == 1
    assert sample("step8x8").array.tolist() == [sample("step").array.tolist()] * 8
    assert sample("ramp8x8").array.ravel().tolist() == list(range(1, 65))
    digit = sample("digit")
    assert "Optical Recognition of Handwritten Digits" in digit.source
    assert digit.array.sum(axis=1).tolist() == [28, 58, 39, 32, 30, 35, 43, 29]
    assert sample("rgb4x4").array.shape == (3, 4, 4)
    assert sample("cube").array.shape == (4, 4, 4)


def test_names_are_forgiving() -> None:
    for name in ("sobel-x", "@sobel-x", "Sobel_X", " sobel "):
        assert sample(name).name == "sobel-x"
    assert scene("@HAND_WORKED").name == "hand-worked"
    assert nearest("gausian3x3")[0] == "gaussian3x3"
    assert nearest("x" * 10_000) == []


def test_unknown_names() -> None:
    with pytest.raises(InputError, match=r"no sample @sobel-z; did you mean @sobel-"):
        sample("sobel-z")
    with pytest.raises(InputError, match=r"no sample @wavelet; `stepconv samples` lists"):
        sample("wavelet")
    with pytest.raises(InputError, match="did you mean @hand-worked"):
        scene("handworked")
    with pytest.raises(InputError, match="@digit is an array, not a scene"):
        scene("digit")


# ------------------------------------------------------------------ scenes


@pytest.mark.parametrize("name", SCENES)
def test_scene_runs_and_gives_what_the_definition_gives(name: str) -> None:
    shown = scene(name)
    assert shown.input.ndim == shown.weight.ndim == shown.rank + 2
    assert sample(name).array is shown.input
    record = trace(shown.input, shown.weight, shown.bias, **shown.options)
    expected = output(shown)
    assert record.output.shape == expected.shape
    assert np.allclose(record.output, expected, rtol=1e-12)


UNTURNABLE = "hand-worked padding- bias-border average-pooling pointwise"


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in SCENES
        if not name.startswith(tuple(UNTURNABLE.split())) or name.startswith("padding-strides")
    ],
)
def test_a_turned_kernel_shows_in_every_channel(name: str) -> None:
    shown = scene(name)
    right, wrong = output(shown), output(shown, turned=True)
    for channel in range(right.shape[1]):
        assert not np.allclose(right[:, channel], wrong[:, channel])


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("hand-worked-valid", "hand-worked-valid"),
        ("hand-worked", "hand-worked-padding-1"),
        ("hand-worked-stride", "hand-worked-padding-1-stride-2"),
        ("padding-zeros", "padding-zeros"),
        ("padding-reflect", "padding-reflect"),
        ("padding-replicate", "padding-replicate"),
        ("padding-circular", "padding-circular"),
        ("padding-circular-4", "padding-circular-4"),
    ],
)
def test_scenes_of_the_article(name: str, table: str) -> None:
    shown, printed = scene(name), TABLES[table]
    assert shown.input.tolist() == printed["input"]
    assert shown.weight.tolist() == printed["weight"]
    assert output(shown).tolist() == printed["output"]


def test_bias_border() -> None:
    assert np.allclose(output(scene("bias-border")), TABLES["bias"]["output"], rtol=0, atol=2e-4)


def test_sentences_give_the_numbers_the_article_prints() -> None:
    shown, printed = scene("sentences"), TABLES["sentences"]
    assert shown.input.shape == (6, 3, 5)
    assert shown.weight.shape == (8, 3, 2)
    assert np.array_equal(shown.input, np.moveaxis(np.array(printed["words"]), 2, 1))
    expected = np.array(printed["output"])
    each_tap = [
        np.einsum("oc,ncl->nol", shown.weight[..., k], shown.input[..., k : k + 4])
        for k in range(2)
    ]
    assert expected.shape == (6, 8, 4)
    # The article's weights were printed nowhere; what remains is rounding at four decimals.
    assert np.abs(sum(each_tap) - expected).max() < 5e-5


def test_circular_and_symmetric_borders() -> None:
    ramp = sample("ramp4x4").array
    assert np.array_equal(output(scene("padding-circular-4"))[0, 0], np.tile(ramp, (3, 3)))
    assert np.array_equal(output(scene("padding-symmetric")), output(scene("padding-replicate")))
    wide = output(scene("padding-symmetric-2"))[0, 0]
    assert wide[0].tolist() == [6, 5, 5, 6, 7, 8, 8, 7]


# name: input, kernel, stride, padding, dilation, output, output_padding of the transposed
FIGURES = {
    "no-padding": (4, 3, 1, 0, 1, 2, 0),
    "arbitrary-padding": (5, 4, 1, 2, 1, 6, 0),
    "half-padding": (5, 3, 1, 1, 1, 5, 0),
    "full-padding": (5, 3, 1, 2, 1, 7, 0),
    "strides": (5, 3, 2, 0, 1, 2, 0),
    "padding-strides": (5, 3, 2, 1, 1, 3, 0),
    "padding-strides-odd": (6, 3, 2, 1, 1, 3, 1),
    "dilation": (7, 3, 1, 0, 2, 3, 0),
}


@pytest.mark.parametrize("name", FIGURES)
def test_sizes_of_the_figures(name: str) -> None:
    """Relations 6, 14 and 15 of arXiv:1603.07285."""
    i, k, s, p, d, o, a = FIGURES[name]
    span = k + (k - 1) * (d - 1)
    assert o == (i + 2 * p - span) // s + 1
    assert a == (i + 2 * p - span) % s
    assert i == s * (o - 1) + a + span - 2 * p
    forward, back = scene(name), scene(f"{name}-transposed")
    for shown, size, result in ((forward, i, o), (back, o, i)):
        assert shown.input.shape == (1, 1, size, size)
        assert shown.weight.shape == (1, 1, k, k)
        assert output(shown).shape == (1, 1, result, result)
        assert shown.options.get("stride", 1) == s
        assert shown.options.get("padding", 0) == p
        assert shown.options.get("dilation", 1) == d
        assert "1603.07285" in shown.source
    assert back.options["transposed"]
    assert "transposed" not in forward.options
    assert back.options.get("output_padding", 0) == a


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("numerical-no-padding", [[12, 12, 17], [10, 17, 19], [9, 6, 14]]),
        ("numerical-padding-strides", [[6, 17, 3], [8, 17, 13], [6, 4, 4]]),
        ("average-pooling", [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]]),
    ],
)
def test_numerical_figures(name: str, expected: Any) -> None:
    assert output(scene(name))[0, 0].round(1).tolist() == expected


def test_shapes_of_the_other_scenes() -> None:
    shapes = {
        "channels-2-to-3": ((1, 2, 5, 5), (3, 2, 3, 3), (1, 3, 3, 3)),
        "sparse-matrix": ((1, 1, 4, 4), (1, 1, 3, 3), (1, 1, 2, 2)),
        "grouped": ((1, 4, 3, 3), (4, 2, 2, 2), (1, 4, 2, 2)),
        "depthwise": ((1, 3, 4, 4), (3, 1, 2, 2), (1, 3, 3, 3)),
        "pointwise": ((1, 3, 4, 4), (2, 3, 1, 1), (1, 2, 4, 4)),
        "volume": ((1, 1, 3, 4, 4), (1, 1, 2, 2, 2), (1, 1, 2, 3, 3)),
        "causal": ((1, 1, 8), (1, 1, 3), (1, 1, 8)),
        "same-even": ((1, 1, 6), (1, 1, 4), (1, 1, 6)),
        "hand-worked-transposed": ((1, 1, 4), (1, 1, 3), (1, 1, 6)),
        "digit-edges": ((1, 1, 8, 8), (1, 1, 3, 3), (1, 1, 8, 8)),
    }
    for name, expected in shapes.items():
        shown = scene(name)
        assert (shown.input.shape, shown.weight.shape, output(shown).shape) == expected
    assert output(scene("hand-worked-transposed")).ravel().tolist() == [1, 2, 3, 3, 2, 1]
    assert scene("hand-worked-transposed").options["order"] == "scatter"


def test_digits_differ_within_a_window() -> None:
    windows = np.lib.stride_tricks.sliding_window_view(scene("dilation").input[0, 0], (3, 3))
    assert all(len(set(window.ravel())) == 9 for row in windows for window in row)
