"""The functions inside compiled code, held against themselves outside."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
import numpy as np
import pytest

import stepconv
from stepconv import functional
from stepconv.functional import (
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from tests.helpers import numbers, same_bits

pytestmark = [pytest.mark.compiled, pytest.mark.slow]

njit: Any = numba.njit
functional.register_overloads()

RNG = np.random.default_rng(11)


def compiled(call: Callable[..., Any]) -> Any:
    return njit(nogil=True)(call)


def check(call: Any, *arrays: Any) -> None:
    """Hold a call that is compiled against the same in Python, which takes the textbook kernels."""
    names = {name: value for name, value in call.__globals__.items() if name.startswith("conv")}
    chosen = {name: textbook(function) for name, function in names.items()}
    twin = FunctionType(call.__code__, call.__globals__ | chosen)
    assert alike(compiled(call)(*arrays), twin(*arrays))


def alike(output: Any, expected: Any) -> bool:
    """Whether two results are the same: to the bit, but for floats, which are summed otherwise."""
    if output.dtype not in (np.float32, np.float64):
        return same_bits(output, expected)
    if (output.dtype, output.shape) != (expected.dtype, expected.shape):
        return False
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=1)
    tolerance = 32 * np.finfo(output.dtype).eps * largest
    return np.allclose(output, expected, rtol=0, atol=tolerance, equal_nan=True)


def textbook(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments, **options: function(*arguments, **options, algorithm="textbook")


def arrays(rank: int, size: int = 7, dtype: Any = "f4", batch: int | None = 2) -> tuple[Any, ...]:
    shape = (() if batch is None else (batch,)) + (4,) + (size,) * rank
    return (
        numbers(RNG, shape, dtype),
        numbers(RNG, (6, 4, *(3, 2, 2)[:rank]), dtype),
        numbers(RNG, (6,), dtype),
    )


FORWARD = [
    (1, lambda x, w, b: conv1d(x, w)),
    (1, lambda x, w, b: conv1d(x, w, b, 2, (1,), 2)),
    (1, lambda x, w, b: conv1d(x, w, None, padding="causal", dilation=2)),
    (1, lambda x, w, b: conv1d(x, w, b, padding=((3, 1),), padding_mode="circular")),
    (2, lambda x, w, b: conv2d(x, w, b, padding=1)),
    (2, lambda x, w, b: conv2d(x, w, b, stride=(2, 3), padding=((0, 2), (1, 0)), dilation=(1, 2))),
    (2, lambda x, w, b: conv2d(x, w, padding="same", padding_mode="reflect")),
    (2, lambda x, w, b: conv2d(x, w, padding="same_lower", stride=2, padding_mode="replicate")),
    (2, lambda x, w, b: conv2d(x, w, padding="full", padding_mode="symmetric")),
    (3, lambda x, w, b: conv3d(x, w, b, padding="valid")),
    (3, lambda x, w, b: conv3d(x, w, b, stride=(1, 2, 1), padding=1, padding_mode="circular")),
    (2, lambda x, w, b: conv(x, w, b, padding=(1, 0))),
]
TRANSPOSED = [
    (1, lambda x, w, b: conv_transpose1d(x, w)),
    (1, lambda x, w, b: conv_transpose1d(x, w, stride=3, padding=((1, 2),), output_padding=2)),
    (2, lambda x, w, b: conv_transpose2d(x, w, stride=2, padding=1, dilation=2)),
    (2, lambda x, w, b: conv_transpose2d(x, w, stride=(2, 1), output_size=(16, 8))),
    (2, lambda x, w, b: conv_transpose2d(x, w, None, 4, 0, (3, 0))),
    (3, lambda x, w, b: conv_transpose3d(x, w, stride=2, padding=(0, 1, 0))),
    (1, lambda x, w, b: conv(x, w, stride=2, transposed=True, output_padding=1)),
]


@pytest.mark.parametrize(("rank", "call"), FORWARD, ids=range(len(FORWARD)))
def test_forward(rank: int, call: Any) -> None:
    check(call, *arrays(rank))


@pytest.mark.parametrize(("rank", "call"), TRANSPOSED, ids=range(len(TRANSPOSED)))
def test_transposed(rank: int, call: Any) -> None:
    image, weight, bias = arrays(rank)
    check(call, image, weight.swapaxes(0, 1), bias)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_textbook_to_the_bit(dtype: str) -> None:
    image, weight, bias = arrays(2, dtype=dtype)
    call = compiled(lambda x, w, b: conv2d(x, w, b, 2, 1, algorithm="textbook"))
    expected = conv2d(image, weight, bias, 2, 1, algorithm="textbook")
    assert same_bits(call(image, weight, bias), expected)


def test_many_channels() -> None:
    image, weight = numbers(RNG, (1, 64, 30, 50), "f4"), numbers(RNG, (40, 64, 3, 3), "f4")
    check(lambda x, w: conv2d(x, w, padding=1), image, weight)


@pytest.mark.parametrize("function", [conv2d, conv_transpose2d])
@pytest.mark.parametrize("groups", [2.0, 1 + 0j])
def test_groups_that_are_no_integer(function: Any, groups: Any) -> None:
    image, weight = np.ones((2, 5, 5)), np.ones((2, 1, 3, 3))
    call = compiled(lambda x, w, groups: function(x, w, groups=groups))
    with pytest.raises(numba.TypingError):
        call(image, weight, groups)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_unbatched(rank: int) -> None:
    check(lambda x, w, b: conv(x, w, b, padding=1), *arrays(rank, batch=None))


def test_groups_known_when_it_runs() -> None:
    image, bias = arrays(2)[::2]

    @compiled
    def forward(image: Any, weight: Any, bias: Any, groups: Any) -> Any:
        return conv2d(image, weight, bias, groups=groups)

    @compiled
    def back(image: Any, weight: Any, bias: Any, groups: Any) -> Any:
        return conv_transpose2d(image, weight, bias, groups=groups)

    for groups in (1, 2):
        weight = numbers(RNG, (6, 4 // groups, 3, 3), "f4")
        expected = conv2d(image, weight, bias, groups=groups, algorithm="textbook")
        assert alike(forward(image, weight, bias, groups), expected)
        weight = numbers(RNG, (4, 6 // groups, 3, 3), "f4")
        expected = conv_transpose2d(image, weight, bias, groups=groups, algorithm="textbook")
        assert alike(back(image, weight, bias, groups), expected)


@pytest.mark.parametrize("dtypes", ["f8 f4", "i1 u2", "? ?", "f4 i8", "c8 f4"])
def test_dtypes_are_numpys(dtypes: str) -> None:
    one, other = dtypes.split()
    image, weight = numbers(RNG, (2, 9), one), numbers(RNG, (3, 2, 3), other)
    check(lambda x, w: conv1d(x, w, padding=1), image, weight)


def test_arrays_laid_out_in_any_way() -> None:
    image, weight, bias = arrays(2)
    image.flags.writeable = False
    call = compiled(lambda x, w, b: conv2d(x, w, b))
    for one in (np.asfortranarray(image), image[:, ::-1].swapaxes(2, 3)):
        expected = conv2d(one, weight[..., ::-1], bias, algorithm="textbook")
        assert alike(call(one, weight[..., ::-1], bias), expected)


def test_what_is_not_finite_travels_as_in_the_textbook() -> None:
    image, weight, _ = arrays(1)
    image[0, 0, 2], weight[0, 0, 1], weight[1, 1, 0] = np.inf, np.nan, np.inf
    check(lambda x, w: conv1d(x, w, padding=2), image, weight)
    check(lambda x, w: conv_transpose1d(x, w, stride=2), image, weight.swapaxes(0, 1))


def test_out() -> None:
    image, weight, bias = arrays(2)
    expected = conv2d(image, weight, bias, algorithm="textbook")

    @compiled
    def into(image: Any, weight: Any, bias: Any, out: Any) -> Any:
        return conv2d(image, weight, bias, out=out)

    out = np.zeros_like(expected)
    into(image, weight, bias, out)
    assert alike(out, expected)
    wide = np.zeros((*expected.shape, 2), expected.dtype)
    into(image, weight, bias, wide[..., 1])
    assert alike(wide[..., 1], expected)
    with pytest.raises(ValueError, match="out does not have the shape"):
        into(image, weight, bias, out[1:])
    with pytest.raises(numba.TypingError, match=r"out is .* must be a writeable array of float32"):
        into(image, weight, bias, out.astype("f8"))


def test_out_may_be_the_input() -> None:
    image = numbers(RNG, (2, 1, 40), "f8")
    weight = numbers(RNG, (1, 1, 3), "f8")
    expected = conv1d(image, weight, padding=1, algorithm="textbook")
    compiled(lambda x, w: conv1d(x, w, padding=1, out=x))(image, weight)
    assert alike(image, expected)


def test_in_a_parallel_loop() -> None:
    frames, weight = numbers(RNG, (12, 3, 9, 9), "f4"), numbers(RNG, (5, 3, 3, 3), "f4")

    def convolve(frames: Any, weight: Any) -> Any:
        results = np.empty((len(frames), 5, 9, 9), np.float32)
        for n in numba.prange(len(frames)):
            results[n] = conv2d(frames[n], weight, padding=1)
        return results

    each = njit(parallel=True)(convolve)
    assert alike(each(frames, weight), conv2d(frames, weight, padding=1, algorithm="textbook"))


def test_the_lock_is_given_up() -> None:
    """While one thread convolves, another one counts."""
    image, weight = np.ones((1, 64, 64, 64), "f4"), np.ones((64, 64, 3, 3), "f4")
    call = compiled(lambda x, w: conv2d(x, w, padding=1))
    call(image[:, :, :4, :4], weight)
    thread = threading.Thread(target=call, args=(image, weight))
    thread.start()
    count = 0
    while thread.is_alive():
        count += 1
    assert count > 1000


# One compiled version of each serves all of these.
forward: Any = compiled(
    lambda x, w, stride=1, padding=0, dilation=1, groups=1: conv2d(
        x, w, None, stride, padding, dilation, groups
    )
)
back: Any = compiled(
    lambda x, w, stride=1, padding=0, extra=0, size=0: conv_transpose2d(
        x, w, None, stride, padding, extra, 1, 1, (size, size)
    )
)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stride": 0}, "at least 1"),
        ({"dilation": -1}, "at least 1"),
        ({"groups": 0}, "at least 1"),
        ({"groups": 2}, "do not fit one another"),
        ({"padding": -1}, "between 0 and"),
        ({"padding": 2**62}, "between 0 and"),
        ({"dilation": 2**40}, "between 0 and"),
        ({"dilation": 4}, "spans more than the padded input"),
    ],
)
def test_numbers_that_do_not_fit(arguments: dict[str, int], words: str) -> None:
    image, weight, _ = arrays(2)
    with pytest.raises(ValueError, match=words):
        forward(image, weight, **arguments)
    with pytest.raises(stepconv.StepconvError):  # in other words
        conv2d(image, weight, **arguments)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"extra": 1}, "out of reach"),
        ({"stride": 2, "size": 99}, "out of reach"),
        ({"stride": 2, "size": 4}, "out of reach"),
        ({"stride": 2, "size": 16, "extra": 1}, "both choose"),
        ({"padding": 9}, "crops all"),
        ({"size": -1}, "between 0 and"),
    ],
)
def test_transposed_numbers_that_do_not_fit(arguments: dict[str, int], words: str) -> None:
    image, weight, _ = arrays(2)
    with pytest.raises(ValueError, match=words):
        back(image, weight[:4], **arguments)


def test_shapes_that_do_not_fit() -> None:
    image, weight, _ = arrays(2)
    for one, other, words in [
        (image[:, :, :0], weight, "holds no values"),
        (image[:, :2], weight, "do not fit one another"),
        (image, weight[:0], "must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            forward(np.ascontiguousarray(one), other)
    with pytest.raises(ValueError, match="do not fit one another"):
        back(image, weight)
    empty = forward(image[:0], weight)
    assert empty.shape == (0, 6, 5, 6)


ERRORS: list[tuple[Any, str]] = [
    (lambda x, w: conv2d(x, w, padding=(1, 2, 3)), "give one number, or one for each axis"),
    (lambda x, w: conv2d(x, w, padding=((1, 2), (3, 4), (5, 6))), "pair for each axis"),
    (lambda x, w: conv2d(x, w, padding=7, padding_mode="reflect"), "more padding than cells"),
    (lambda x, w: conv2d(x, w, padding="causal"), "rank 1"),
    (lambda x, w: conv2d(x, w, x[0, 0, 0]), "one number for each output channel"),
    (lambda x, w: conv_transpose2d(x, w[:4], padding="same"), "transposed, padding must be"),
    (lambda x, w: conv(x, w, output_padding=1), "for transposed"),
    (lambda x, w: conv(x, w[:4], transposed=True, padding_mode="reflect"), "for forward"),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=range(len(ERRORS)))
def test_what_does_not_fit_raises(call: Any, words: str) -> None:
    image, weight, _ = arrays(2)
    with pytest.raises(ValueError, match=words):
        compiled(call)(image, weight)
    with pytest.raises(stepconv.StepconvError):
        call(image, weight)


TYPES: list[tuple[Any, str]] = [
    (lambda x, w: conv2d(x, 3), "weight is"),
    (lambda x, w: conv2d(x[0, 0], w), "input has 2 axes"),
    (lambda x, w: conv1d(x, w), "rank 1 takes 2 or 3, and 3"),
    (lambda x, w: conv2d(x, w, w), "bias is"),
    (lambda x, w: conv2d(x, w, stride=x[0, 0, 0, 0]), "an int, or a tuple of ints"),
    (lambda x, w: conv2d(x, w, padding="some"), "'some' is not one of valid, same"),
    (lambda x, w: conv2d(x, w, padding_mode="edge"), "'edge' is not one of zeros"),
    (lambda x, w: conv2d(x, w, algorithm="winograd"), "'auto' or 'textbook'"),
    (lambda x, w: conv2d(x.astype(np.float16), w.astype(np.float16)), "convert to float32"),
]


@pytest.mark.parametrize(("call", "words"), TYPES, ids=range(len(TYPES)))
def test_arguments_of_other_types_are_refused_when_compiled(call: Any, words: str) -> None:
    image, weight, _ = arrays(2)
    with pytest.raises(numba.TypingError, match=words):
        compiled(call)(image, weight)


def test_a_script_that_imports_in_either_order() -> None:
    for imports in ("import numba; from stepconv import conv1d", "from stepconv import conv1d"):
        code = f"""
import numpy as np
{imports}
from stepconv.functional import register_overloads
register_overloads()  # stands for Numba's entry point, where stepconv is not installed
import numba
@numba.njit
def f(x, w): return conv1d(x, w).sum()
print(f(np.ones((1, 4)), np.ones((1, 1, 2))))
"""
        result = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert (result.stdout, result.stderr) == ("6.0\n", "")


def test_the_entry_point_names_a_function() -> None:
    import tomllib
    from importlib import import_module
    from pathlib import Path

    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    module, name = tomllib.loads(text)["project"]["entry-points"]["numba_extensions"]["init"].split(
        ":"
    )
    assert callable(getattr(import_module(module), name))
