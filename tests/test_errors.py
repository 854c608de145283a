"""Every refusal of the core: its type, the value, the rule with its numbers, and the fix."""

from __future__ import annotations

import ast
import inspect
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from stepconv import (
    ConvSpec,
    DtypeError,
    ShapeError,
    SpecError,
    StepconvError,
    conv,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    functional,
    operands,
    output_shape,
    spec,
)
from stepconv.language import using_language


@dataclass(frozen=True)
class Slip:
    """A call that must fail, and what its sentence must say."""

    name: str
    call: Callable[[], object]
    kind: type[StepconvError]
    says: tuple[str, ...]


def ones(*shape: int) -> Any:
    return np.ones(shape)


def slips() -> Iterator[Slip]:
    yield from descriptions()
    yield from paddings()
    yield from shapes()
    yield from channels()
    yield from sizes()
    yield from numbers()
    yield from outs()


def descriptions() -> Iterator[Slip]:
    def refused(name: str, says: tuple[str, ...], **arguments: Any) -> Slip:
        arguments = {"kernel_size": 3} | arguments
        return Slip(name, lambda: ConvSpec(**arguments), SpecError, says)

    yield refused("kernel of no axes", ("kernel_size () has 0 axes", "1, 2 or 3"), kernel_size=())
    yield refused("4 axes", ("(3, 3, 3, 3) has 4 axes", "1, 2 or 3"), kernel_size=(3,) * 4)
    yield refused("empty kernel", ("kernel_size is 0; it must be at least 1",), kernel_size=0)
    yield refused("kernel text", ("kernel_size is '3'", "whole number"), kernel_size="3")
    for name in ("stride", "dilation", "groups"):
        yield refused(f"{name} 0", (f"{name} is 0; it must be at least 1",), **{name: 0})
        yield refused(f"{name} -2", (f"{name} is -2; it must be at least 1",), **{name: -2})
        yield refused(f"{name} 1.5", (f"{name} is 1.5", "whole number (an int)"), **{name: 1.5})
        yield refused(f"{name} None", (f"{name} is None", "whole number"), **{name: None})
        yield refused(f"{name} True", (f"{name} is True", "whole number"), **{name: True})
        yield refused(
            f"{name} huge", (f"{name} is {2**31}", f"at most {2**31 - 1}"), **{name: 2**31}
        )
        yield refused(f"{name} 10^5000", ("10^5000", f"at most {2**31 - 1}"), **{name: 10**5000})
    for name in ("stride", "dilation", "output_padding"):
        yield refused(
            f"{name} of two axes for one",
            (f"{name} (2, 2) has 2 values", "rank-1 kernel moves along 1", "one for each axis"),
            **{name: (2, 2), "transposed": True},
        )
        yield refused(
            f"{name} empty", (f"{name} () has 0 values",), **{name: (), "transposed": True}
        )
    yield refused(
        "three strides for two axes",
        ("stride (2, 2, 2) has 3 values", "moves along 2"),
        kernel_size=(3, 3),
        stride=(2, 2, 2),
    )
    yield refused("nested stride", ("stride is [2]", "whole number"), stride=[[2]])
    yield refused("groups for each axis", ("groups is (1, 1)",), groups=(1, 1))
    yield refused("transposed text", ("transposed is 'yes'", "True or False"), transposed="yes")
    yield refused(
        "border unknown",
        ("padding_mode 'mirror' is not one of", "zeros, reflect, replicate, circular, symmetric"),
        padding_mode="mirror",
    )
    yield refused("border None", ("padding_mode None is not one of",), padding_mode=None)
    yield refused(
        "border transposed",
        ("padding_mode 'reflect' is for forward convolutions", "zeros alone"),
        padding_mode="reflect",
        transposed=True,
    )
    yield refused(
        "output_padding forward",
        ("output_padding (1,) is for transposed convolutions", "leave it 0"),
        output_padding=1,
    )
    yield refused(
        "output_padding negative", ("output_padding is -1", "at least 0"), output_padding=-1
    )
    yield refused(
        "output_padding too large",
        (
            "output_padding 2 must be less than the stride 2 or the dilation 1",
            "between two strides",
        ),
        stride=2,
        output_padding=2,
        transposed=True,
    )


def paddings() -> Iterator[Slip]:
    def refused(name: str, says: tuple[str, ...], padding: Any, **arguments: Any) -> Slip:
        arguments = {"kernel_size": 3, "padding": padding} | arguments
        return Slip(f"padding {name}", lambda: ConvSpec(**arguments), SpecError, says)

    yield refused("negative", ("padding is -1; it must be at least 0",), -1)
    yield refused("half", ("padding is 0.5", "whole number"), 0.5)
    yield refused(
        "of two axes for one",
        ("padding (1, 2) has 2 values", "moves along 1", "(before, after) pair for each axis"),
        (1, 2),
    )
    yield refused("empty", ("padding () has 0 values",), ())
    yield refused("triple", ("padding (1, 2, 3) is not a (before, after) pair",), [[1, 2, 3]])
    yield refused("pair of text", ("padding is 'a'",), [["a", 1]])
    yield refused(
        "unknown rule",
        ("padding 'Same' is not a rule", "valid, same, same_lower, full, causal"),
        "Same",
    )
    yield refused(
        "rule transposed",
        ("padding 'same' is for forward convolutions", "cropped from each end: give numbers"),
        "same",
        transposed=True,
    )
    yield refused(
        "causal in the plane",
        ("'causal' is for rank 1", "this kernel has rank 2", "(before, after) pairs"),
        "causal",
        kernel_size=(3, 3),
    )


def shapes() -> Iterator[Slip]:
    def refused(name: str, call: Callable[[], object], *says: str) -> Slip:
        return Slip(name, call, ShapeError, says)

    yield refused(
        "missing channel axis",
        lambda: conv1d(ones(9), ones(1, 1, 3)),
        "the channel axis is missing from input (9,)",
        "conv1d takes (N, C, L) or (C, L)",
        "input[None]",
    )
    yield refused(
        "missing channel axis of an image",
        lambda: conv2d(ones(8, 8), ones(1, 1, 3, 3)),
        "missing from input (8, 8): conv2d takes (N, C, H, W) or (C, H, W)",
        "input[None]",
    )
    yield refused(
        "channel axis missing from a batch",
        lambda: conv2d(ones(32, 8, 9), ones(4, 1, 3, 3)),
        "input (32, 8, 9) is read as (C, H, W): 32 channels",
        "wants 1",
        "input[:, None]",
    )
    yield refused(
        "channel axis missing from a transposed batch",
        lambda: conv_transpose1d(ones(6, 5), ones(1, 4, 3)),
        "input (6, 5) is read as (C, L): 6 channels",
        "input[:, None]",
    )
    yield refused(
        "no axes",
        lambda: conv2d(5.0, ones(1, 1, 3, 3)),
        "input () has 0 axes, fewer than the kernel's own",
        "conv2d takes (N, C, H, W) or (C, H, W)",
    )
    yield refused(
        "extra axis",
        lambda: conv1d(ones(1, 1, 8, 8), ones(1, 1, 3)),
        "input (1, 1, 8, 8) has 4 axes, too many",
        "conv1d takes (N, C, L) or (C, L)",
        "drop an axis, or use a kernel with more axes",
    )
    yield refused(
        "extra axis of a volume",
        lambda: conv3d(ones(1, 1, 1, 4, 4, 4), ones(1, 1, 3, 3, 3)),
        "has 6 axes, too many; conv3d takes (N, C, D, H, W)",
    )
    yield refused(
        "weight of another rank",
        lambda: conv2d(ones(1, 8, 8), ones(1, 1, 3)),
        "weight (1, 1, 3) has 3 axes; conv2d takes (C_out, C_in/groups, k, k)",
    )
    yield refused(
        "transposed weight of another rank",
        lambda: conv_transpose2d(ones(1, 8, 8), ones(1, 1, 3)),
        "has 3 axes; conv_transpose2d takes (C_in, C_out/groups, k, k)",
    )
    yield refused(
        "a bare kernel",
        lambda: conv(ones(1, 8, 8), ones(3, 3)),
        "weight (3, 3) has 2 axes",
        "3 (rank 1), 4 (rank 2) or 5 (rank 3): two for channels and one for each axis",
    )
    yield refused("a weight of 6 axes", lambda: output_shape((1, 8), (1,) * 6), "has 6 axes")
    yield refused(
        "a weight of no values",
        lambda: conv1d(ones(1, 8), ones(1, 0, 3)),
        "(1, 0, 3) holds no values",
    )
    yield refused(
        "a kernel of no values",
        lambda: output_shape((1, 8), (1, 1, 0)),
        "weight (1, 1, 0) holds no values: each axis needs at least 1",
    )
    yield refused(
        "an input of no values",
        lambda: conv1d(ones(1, 0), ones(1, 1, 3)),
        "input (1, 0) holds no values: each spatial axis needs at least one cell",
    )
    yield refused(
        "a shape that is none",
        lambda: output_shape(5, (1, 1, 3)),  # type: ignore[arg-type]  # which is what is tested
        "input shape 5 is not a sequence",
    )
    yield refused(
        "a weight shape that is none",
        lambda: output_shape((1, 8), None),  # type: ignore[arg-type]  # which is what is tested
        "weight shape None is not a sequence of whole numbers, such as (1, 1, 8)",
    )
    yield Slip(
        "a size that is none",
        lambda: output_shape((1, 8.0), (1, 1, 3)),  # type: ignore[arg-type]  # which is what is tested
        SpecError,
        ("input size is 8.0", "whole number"),
    )
    yield Slip(
        "a negative size",
        lambda: output_shape((1, -8), (1, 1, 3)),
        SpecError,
        ("input size is -8; it must be at least 0",),
    )
    yield refused(
        "bind: weight of another rank",
        lambda: ConvSpec(3).bind((1, 8), (1, 1, 3, 3)),
        "weight (1, 1, 3, 3) has 4 axes; conv1d takes (C_out, C_in/groups, k)",
    )
    yield refused(
        "bind: another kernel",
        lambda: ConvSpec((3, 3)).bind((1, 8, 8), (1, 1, 5, 3)),
        "weight (1, 1, 5, 3) carries a kernel of 5x3; the description says 3x3",
    )
    yield refused(
        "bind: no channels of a weight",
        lambda: ConvSpec(3).bind((1, 8), (0, 1, 3)),
        "weight (0, 1, 3) holds no values",
    )


def channels() -> Iterator[Slip]:
    def refused(name: str, call: Callable[[], object], *says: str) -> Slip:
        return Slip(name, call, ShapeError, says)

    yield refused(
        "channels last",
        lambda: conv2d(ones(1, 32, 32, 3), ones(8, 3, 3, 3)),
        "input (1, 32, 32, 3) has 32 channels where weight (8, 3, 3, 3) wants 3",
        "3 stands last: channels come before the spatial axes",
        "numpy.moveaxis(input, -1, 1)",
    )
    yield refused(
        "channels last without a batch",
        lambda: conv1d(ones(5, 3), ones(8, 3, 2)),
        "numpy.moveaxis(input, -1, 0)",
    )
    yield refused(
        "channels last transposed",
        lambda: conv_transpose1d(ones(2, 5, 3), ones(3, 8, 2)),
        "wants 3",
        "numpy.moveaxis(input, -1, 1)",
    )
    yield refused(
        "all channels in a grouped weight",
        lambda: conv1d(ones(4, 9), ones(8, 4, 3), groups=2),
        "weight (8, 4, 3) carries all 4 input channels",
        "with groups=2 a kernel sees 4/2 of them: its second axis must be 2",
    )
    yield refused(
        "weight as (C_in, C_out)",
        lambda: conv1d(ones(4, 9), ones(4, 6, 3)),
        "weight (4, 6, 3) looks like (C_in, C_out, …)",
        "takes (C_out, 4, …)",
        "weight.swapaxes(0, 1)",
    )
    yield refused(
        "transposed weight as (C_out, C_in)",
        lambda: conv_transpose1d(ones(4, 9), ones(6, 4, 3)),
        "weight (6, 4, 3) looks like (C_out, C_in/groups, …)",
        "takes (C_in, C_out/groups, …), here (4, 6, 3)",
        "weight.swapaxes(0, 1)",
    )
    yield refused(
        "transposed grouped weight as (C_out, C_in)",
        lambda: conv_transpose1d(ones(4, 9), ones(6, 2, 3), groups=2),
        "here (4, 3, 3)",
        "group by group",
    )
    yield refused(
        "groups forgotten",
        lambda: conv2d(ones(1, 6, 8, 8), ones(6, 1, 3, 3)),
        "input (1, 6, 8, 8) has 6 channels",
        "weight (6, 1, 3, 3) with groups=1 is made for 1",
        "groups=6 would fit",
    )
    yield refused(
        "channels that do not match",
        lambda: conv1d(ones(3, 9), ones(8, 2, 3)),
        "input (3, 9) has 3 channels, weight (8, 2, 3) is made for 2",
        "second axis times groups=1",
        "change one of the two",
    )
    yield refused(
        "transposed channels that do not match",
        lambda: conv_transpose1d(ones(3, 9), ones(5, 2, 3)),
        "input (3, 9) has 3 channels, weight (5, 2, 3) is made for 5",
        "(C_in, C_out/groups, …)",
    )
    yield refused(
        "no channels", lambda: conv1d(ones(0, 9), ones(1, 1, 3)), "input (0, 9) has 0 channels"
    )
    yield refused(
        "no channels to describe",
        lambda: ConvSpec(3).bind((0, 9)),
        "input (0, 9) has 0 channels",
        "at least 1",
    )
    yield refused(
        "outputs not dealt out",
        lambda: conv1d(ones(4, 9), ones(3, 2, 3), groups=2),
        "out_channels 3 cannot be dealt out to groups=2",
        "choose a number of groups that divides it",
    )
    yield refused(
        "inputs not dealt out",
        lambda: conv_transpose1d(ones(3, 9), ones(3, 2, 3), groups=2),
        "in_channels 3 cannot be dealt out to groups=2",
    )
    yield refused(
        "groups where there are none",
        lambda: conv1d(ones(3, 9), ones(4, 3, 3), groups=2),
        "input (3, 9) has 3 channels, weight (4, 3, 3) with groups=2 is made for 6",
        "groups=1 would fit",
    )
    for shape in [(), (1,), (8, 1), (1, 8), (8, 1, 1)]:
        yield refused(
            f"bias {shape}",
            lambda shape=shape: conv1d(ones(3, 9), ones(8, 3, 3), ones(*shape)),  # type: ignore[misc]  # mypy does not infer a lambda's default
            f"bias {shape} must hold one number for each of the 8 output channels",
            "its shape must be (8,)",
        )
    yield refused(
        "bias of a transposed group",
        lambda: conv_transpose1d(ones(4, 9), ones(4, 3, 3), ones(4), groups=2),
        "bias (4,)",
        "its shape must be (6,)",
    )


def sizes() -> Iterator[Slip]:
    def refused(name: str, call: Callable[[], object], *says: str) -> Slip:
        return Slip(name, call, ShapeError, says)

    yield refused(
        "kernel larger than the padded input",
        lambda: conv2d(ones(1, 5, 5), ones(1, 1, 5, 5), padding=1, dilation=2),
        "kernel 5x5 with dilation 2 spans 9x9, more than the padded input 7x7",
        "add padding or lower the dilation",
    )
    yield refused(
        "kernel larger on one axis",
        lambda: conv2d(ones(1, 2, 9), ones(1, 1, 3, 3), dilation=(1, 2)),
        "kernel 3x3 with dilation 1x2 spans 3x5, more than the padded input 2x9",
    )
    for mode, most in [("reflect", 3), ("circular", 4), ("symmetric", 4)]:
        yield refused(
            f"more than {mode} can copy",
            lambda mode=mode: conv1d(ones(1, 4), ones(1, 1, 3), padding=5, padding_mode=mode),  # type: ignore[misc]  # mypy does not infer a lambda's default
            f"padding 5 is too much for padding_mode '{mode}' on the length axis of 4",
            f"at most {most} cells can be copied",
            "use less padding or 'replicate'",
        )
    yield refused(
        "more than reflect can copy on one axis",
        lambda: conv2d(
            ones(1, 8, 3), ones(1, 1, 1, 1), padding=((0, 7), (0, 3)), padding_mode="reflect"
        ),
        "padding 3 is too much",
        "on the columns axis of 3: at most 2",
    )
    yield refused(
        "everything cropped",
        lambda: conv_transpose1d(ones(1, 2), ones(1, 1, 3), padding=2),
        "padding (2,) crops all of the 4 cells that the stamps cover (output 0)",
        "use less padding",
    )
    yield refused(
        "output_size out of reach",
        lambda: conv_transpose2d(
            ones(1, 5, 5), ones(1, 1, 3, 3), stride=2, padding=1, output_size=(9, 11)
        ),
        "output_size 11 is out of reach on the columns axis",
        "an input of 5 gives 9 to 10",
    )
    yield refused(
        "output_size too small",
        lambda: conv_transpose1d(ones(1, 5), ones(1, 1, 3), stride=2, output_size=10),
        "output_size 10 is out of reach on the length axis: an input of 5 gives 11 to 12",
    )
    yield Slip(
        "output_size forward",
        lambda: conv(ones(1, 5), ones(1, 1, 3), output_size=5),
        SpecError,
        ("output_size 5 is for transposed convolutions", "the sizes follow from the input"),
    )
    yield Slip(
        "output_size and output_padding",
        lambda: conv_transpose1d(
            ones(1, 5), ones(1, 1, 3), stride=2, output_padding=1, output_size=12
        ),
        SpecError,
        ("output_size 12 and output_padding (1,) both choose the size; give one",),
    )
    yield Slip(
        "output_size 0",
        lambda: conv_transpose1d(ones(1, 5), ones(1, 1, 3), output_size=0),
        SpecError,
        ("output_size is 0; it must be at least 1",),
    )
    yield refused(
        "an output larger than memory",
        lambda: conv3d(ones(1, 1, 1, 1), ones(1, 1, 1, 1, 1), padding=2**20),
        "input (1, 1, 1, 1), output (1, 2097153, 2097153, 2097153)",
        "more than half of the",
        "lower the padding, raise the stride or use a smaller input",
    )
    yield refused(
        "index maps larger than memory",
        lambda: conv1d(ones(1, 1), ones(1, 1, 1), padding=2**31 - 1, stride=2**31 - 1),
        "output (1, 3) and the index maps",
        "MB",
    )


def numbers() -> Iterator[Slip]:
    def refused(name: str, value: Any, *says: str, kind: type[StepconvError] = DtypeError) -> Slip:
        return Slip(name, lambda: conv1d(value, ones(1, 1, 2)), kind, ("input", *says))

    fix = "numpy.asarray(input, dtype=numpy.float64)"
    yield refused("objects", np.array([[1, 2, 3]], object), "dtype object", "up to float64", fix)
    yield refused("None", None, "dtype object")
    yield refused("texts", [["1", "2"]], "dtype <U1", fix)
    yield refused("bytes", b"123", "dtype |S3")
    yield refused("dates", np.zeros((1, 3), "M8[s]"), "dtype datetime64[s]")
    yield refused("durations", np.zeros((1, 3), "m8[s]"), "dtype timedelta64[s]")
    yield refused("records", np.zeros((1, 3), "i4,f4"), "dtype [('f0', '<i4'), ('f1', '<f4')]")
    yield refused("integers beyond 64 bits", [[2**70, 1, 1]], "dtype object")
    yield refused("integers beyond floats", [[0.5, 10**400]], "dtype object")
    if np.dtype(np.longdouble).itemsize > 8:  # on some systems it is float64
        name = np.dtype(np.longdouble).name
        yield refused("long doubles", np.ones((1, 3), np.longdouble), f"dtype {name}", fix)
        yield refused("long complex", np.ones((1, 3), np.clongdouble), "up to complex128")
    yield refused("ragged", [[1, 2, 3], [1, 2]], "is ragged", "the same length", kind=ShapeError)
    masked = np.ma.array([[1, 2, 3]], mask=[[False, True, True]])
    yield refused("masked cells", masked, "has 2 masked cells", "input.filled(0)")
    for name, call in {
        "weight": lambda: conv1d(ones(1, 5), [[["a"]]]),
        "bias": lambda: conv1d(ones(1, 5), ones(1, 1, 3), np.array([None])),
    }.items():
        yield Slip(f"{name} of objects", call, DtypeError, (f"{name} is of dtype", "float64"))
    yield Slip(
        "unsigned integers beyond int64",
        lambda: conv1d(np.array([[2**63]], np.uint64), [[[1]]]),
        DtypeError,
        (f"{2**63} does not fit int64", "use float64"),
    )
    yield Slip(
        "sums beyond int64",
        lambda: conv1d([[2**40, 2**40]], [[[2**23, 2**23]]]),
        DtypeError,
        (f"the sums could reach {2**64}, beyond int64", "convert the input to float64"),
    )


def outs() -> Iterator[Slip]:
    def refused(name: str, out: Any, kind: type[StepconvError], *says: str) -> Slip:
        return Slip(
            f"out {name}", lambda: conv1d(ones(1, 6), ones(1, 1, 3), out=out), kind, ("out", *says)
        )

    read_only = np.zeros((1, 4))
    read_only.flags.writeable = False
    yield refused("a list", [[0.0] * 4], DtypeError, "is a list", "shape (1, 4)", "dtype float64")
    yield refused(
        "of another shape",
        np.zeros((4, 1)),
        ShapeError,
        "(4, 1) does not hold the result (1, 4)",
        "numpy.empty((1, 4), 'float64')",
    )
    yield refused(
        "of another dtype",
        np.zeros((1, 4), int),
        DtypeError,
        "must be a writeable array of dtype float64; it is writeable int64",
    )
    yield refused("of another byte order", np.zeros((1, 4), ">f8"), DtypeError, "writeable >f8")
    yield refused("read-only", read_only, DtypeError, "it is read-only float64")


SLIPS = list(slips())


def caught(slip: Slip) -> StepconvError:
    with pytest.raises(slip.kind) as found:
        slip.call()
    return found.value


@pytest.mark.parametrize("slip", SLIPS, ids=[slip.name for slip in SLIPS])
def test_the_sentence(slip: Slip) -> None:
    error = caught(slip)
    assert type(error) is slip.kind
    message = str(error)
    for words in slip.says:
        assert words in message
    assert "\n" not in message
    assert len(message) < 400
    assert not any(mark in message for mark in "{}")


@pytest.mark.parametrize("slip", SLIPS, ids=[slip.name for slip in SLIPS])
def test_it_pickles_and_reads_in_chinese(slip: Slip) -> None:
    error = caught(slip)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    with using_language("zh"):
        assert str(error)


def templates(module: ModuleType) -> set[str]:
    """Every sentence that a module can raise."""
    tree = ast.parse(inspect.getsource(module))
    calls = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    return {ast.literal_eval(call.args[0]) for call in calls if isinstance(call, ast.Call)}


@pytest.mark.parametrize("module", [spec, operands, functional], ids=lambda module: module.__name__)
def test_no_sentence_goes_untested(module: ModuleType) -> None:
    raised = {caught(slip).template for slip in SLIPS}
    assert templates(module) - raised == set()


def test_all_are_value_errors() -> None:
    for slip in SLIPS:
        assert isinstance(caught(slip), ValueError)
