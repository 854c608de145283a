"""Chinese screens: letters two columns wide fit in, and nothing is left in English but names."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len

from stepconv import trace
from stepconv.cli.app import program
from stepconv.cli.help import Group
from stepconv.cli.replay import lines
from stepconv.language import _, using_language
from stepconv.player import Counts, Player
from stepconv.samples import scene
from stepconv.views.frame import views_of
from stepconv.views.screen import Screen
from tests import snapshot
from tests.commands import done, run

REFLECT = ("1 2 3; 4 5 6; 7 8 9", "1 0; 0 -1", "--padding", "same", "--padding-mode", "reflect")
TRANSPOSED = ("--transposed", "--stride", "2", "--padding", "1")
ENLARGE = "@padding-strides-odd-transposed"
SCREENS = {
    "help": ("--help",),
    "help-trace": ("trace", "--help"),
    "help-shape": ("shape", "--help"),
    "help-receptive": ("receptive", "--help"),
    "help-matrix": ("matrix", "--help"),
    "help-samples": ("samples", "--help"),
    "help-bench": ("bench", "--help"),
    "table": ("trace", "@hand-worked"),
    "table-step": ("trace", "@causal", "--step", "3"),
    "table-bias": ("trace", "1 2 3 4 5 6", "1 2", "--stride", "3", "--bias", "3"),
    "table-reflect": ("trace", "1 2 3 4", "1 2 -1", "--padding", "2", "--padding-mode", "reflect"),
    "table-gather": ("trace", "1 2 3", "1 10 100", "--transposed", "--stride", "2"),
    "table-scatter": ("trace", "@hand-worked-transposed"),
    "table-channels": ("trace", "1 2 3; 4 5 6", "1 0; 0 1", "--rank", "1"),
    "table-sentences": ("trace", "@sentences", "--step", "50"),
    "step": ("trace", "@digit", "@sobel-x", "--padding", "1", "--step", "11"),
    "step-reflect": ("trace", *REFLECT, "--step", "9"),
    "step-gather": ("trace", ENLARGE, "--step", "7"),
    "step-scatter": ("trace", ENLARGE, "--order", "scatter", "--step", "5"),
    "step-channels": ("trace", "@channels-2-to-3", "--bias", "1 2 3", "--step", "4"),
    "step-groups": ("trace", "@grouped", "--step", "3"),
    "step-volume": ("trace", "@volume", "--step", "2"),
    "step-part": ("trace", "@digit-edges", "--only", "2:5,3:6", "--step", "5"),
    "overview": ("trace", "@digit-edges"),
    "overview-gather": ("trace", ENLARGE),
    "overview-groups": ("trace", "@grouped"),
    "overview-volume": ("trace", "@volume"),
    "steps": ("trace", "@hand-worked", "--view", "steps"),
    "shape": ("shape", "--input", "3,64,128", "--weight", "32,64,4", "--stride", "2"),
    "shape-transposed": ("shape", "--input", "16,7,7", "--weight", "16,8,3,3", *TRANSPOSED),
    "receptive": ("receptive", "3 3,d=2 3,d=4"),
    "receptive-plane": ("receptive", "7,s=2 3,s=2 3x5"),
    "receptive-transposed": ("receptive", "3,t,s=2 5"),
    "matrix": ("matrix", "1 2 3 4", "1 2 3"),
    "matrix-step": ("matrix", "@sparse-matrix", "--step", "2", "--names"),
    "matrix-transpose": ("matrix", "@sparse-matrix", "--transpose"),
    "samples": ("samples",),
    "sample": ("samples", "half-padding"),
}
ERRORS = (
    ("trace", "1 2 3", "1 1 1 1 1"),
    ("trace", "1 2 3", "1 1", "--stride", "0"),
    ("trace", "1 2 x", "1"),
    ("trace", "1 2; 3", "1"),
    ("trace", "1,,2", "1"),
    ("trace", "@sobl", "1"),
    ("trace", "1 2 3"),
    ("trace", "1 2 3", "1 1", "--step", "9"),
    ("trace", "1 2 3", "1 1", "--groups", "2"),
    ("trace", "1 2 3", "1 1", "--output-padding", "1"),
    ("trace", "1 2 3", "1 1", "--transposed", "--padding", "9"),
    ("trace", "1 2 3", "1 1", "--strid", "2"),
    ("shape", "--input", "3,7,128"),
    ("shape", "--input", "3,128,64", "--weight", "32,64,4"),
    ("receptive", "3 3,z=2"),
    ("trce",),
)
PLAYED = {
    "first": "",
    "term": "right down down",
    "help": "?",
    "typed": "g 2",
    "refused": "g 9 9 enter",
    "matrix": "v v",
}

# What stays as it is written in code, and the names of people.
ALLOWED = frozenset(
    re.findall(
        r"\S+",
        """
        stepconv trace shape receptive matrix samples bench
        lesson lessons practice exercise worksheet grade
        zeros reflect replicate circular symmetric valid same same_lower full causal
        padding output_padding groups gather scatter auto always never en zh table steps
        txt md html svg json csv npz edges
        conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
        C_in C_out
        Sobel Dumoulin Visin guide to convolution arithmetic for deep learning arXiv
        Home End Esc
        """,
    )
)
IN_ERRORS = {"input", "weight", "stride", "numpy", "moveaxis", "sobl", "sobel", "strid", "trce"}
_CODE = re.compile(
    r"--[a-z-]+|\"resnet 3x3\"|depthwise|bench\.json|@[a-z0-9-]+|samples [a-z-]+|output\["
)
_WORD = re.compile(r"[A-Za-z_0-9]*[a-z]{2}[A-Za-z_0-9]*")


def english(text: str) -> set[str]:
    """Return the words of `text` that are neither code nor names; x1, C and NAME are names."""
    return set(_WORD.findall(_CODE.sub(" ", text))) - ALLOWED


def chinese(*arguments: str, width: int, ascii: bool = False) -> str:
    """Return what a command prints in Chinese."""
    more = ("--lang", "zh", "--color", "never", "--width", str(width))
    return done(*arguments, *more, *(["--ascii"] * ascii))


def frame(name: str, keys: str, width: int, height: int) -> str:
    """Return one frame of the replay of a scene in Chinese, after `keys`."""
    example = scene(name)
    record = trace(example.input, example.weight, example.bias, **example.options)
    views = views_of(record)
    player = Player(Counts.of(record), views, view=views[0])
    for key in keys.split():
        player = player.press(key)
    screen = Screen(io.StringIO(), color="never", environ={})
    with using_language("zh"):
        return "".join(f"{line}\n" for line in lines(record, player, screen, width, height))


def assert_fits(text: str, width: int) -> None:
    """No line is wider than the screen, and none is cut in the middle of a wide letter."""
    assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", SCREENS)
def test_screens(name: str, width: int) -> None:
    snapshot.check(f"zh-{name}-{width}", chinese(*SCREENS[name], width=width))


@pytest.mark.parametrize("keys", PLAYED)
def test_frames_of_the_replay(keys: str) -> None:
    snapshot.check(f"zh-play-{keys}-80", frame("digit-edges", PLAYED[keys], 80, 24))


@pytest.mark.parametrize("name", SCREENS)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_screens_fit_and_are_chinese(name: str, width: int) -> None:
    text = chinese(*SCREENS[name], width=width)
    assert_fits(text, width)
    assert english(text) == set()


@pytest.mark.parametrize("keys", PLAYED)
@pytest.mark.parametrize("name", ["hand-worked", "digit-edges", "grouped", "volume", ENLARGE[1:]])
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)])
def test_frames_fit_and_are_chinese(name: str, keys: str, size: tuple[int, int]) -> None:
    text = frame(name, PLAYED[keys], *size)
    assert_fits(text, size[0])
    assert len(text.splitlines()) == size[1]
    assert english(text) == set()


@pytest.mark.parametrize("name", SCREENS)
def test_ascii_screens_have_no_other_symbols_than_chinese_ones(name: str) -> None:
    text = chinese(*SCREENS[name], width=80, ascii=True)
    assert_fits(text, 80)
    assert {letter for letter in text if not letter.isascii() and cell_len(letter) != 2} == set()


@pytest.mark.parametrize("arguments", ERRORS, ids=" ".join)
def test_errors_are_chinese(arguments: tuple[str, ...]) -> None:
    result = run(*arguments, "--lang", "zh", "--width", "80")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("错误：")
    assert_fits(result.err, 80)
    assert english(result.err) <= IN_ERRORS


def test_every_option_is_explained_in_chinese() -> None:
    assert isinstance(program, Group)
    texts = [program.help]
    for command in program.commands.values():
        texts += [command.help, *(getattr(one, "help", None) for one in command.params)]
    assert len(texts) > 40
    for text in texts:
        assert text
        with using_language("zh"):
            assert re.search(r"[\u4e00-\u9fff]", _(text)), text
