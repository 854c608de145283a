"""Compiled kernels on disk: kept, never stale, and no error whatever happens to the files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from stepconv.kernels import (
    cache,
    depthwise_channels,
    direct,
    masked,
    mosaic,
    phases,
    small_loops,
    stamps,
    textbook_plan,
)
from stepconv.kernels.small_loops import NARROW, NONE, WIDER
from stepconv.kernels.small_tiles import NARROW_SHAPES, SHAPES
from stepconv.kernels.tiles import TILE_ROWS

pytestmark = [pytest.mark.compiled, pytest.mark.slow]

ROOT = Path(__file__).parent.parent

#: Compiles one small function, or loads it, and says which.
PROGRAM = """
import numpy as np
from stepconv.kernels.compiling import compiled
from stepconv.kernels.textbook import convolve
from sample import twice
assert twice(np.array([4.0]))[0] == 8.0
assert twice(np.array([4], "i4"))[0] == 8
hits, misses = (sum(count.values()) for count in (twice.stats.cache_hits, twice.stats.cache_misses))
print(hits, misses)
"""
SAMPLE = """
from stepconv.kernels.compiling import compiled
from stepconv.kernels.helper import FACTOR

@compiled
def twice(values):
    return values * FACTOR
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the package, whose sources may be changed."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(
        ROOT / "stepconv", folder / "stepconv", ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "stepconv/kernels/helper.py").write_text("FACTOR = 2\n")
    (folder / "sample.py").write_text(SAMPLE)
    return folder


def start(package: Path, program: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-B", "-c", program],
        cwd=package,
        env=os.environ | {"PYTHONPATH": str(package)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    return out.strip()


def run(package: Path, folder: Path | None, program: str = PROGRAM, **environment: str) -> str:
    if folder is not None:
        environment["NUMBA_CACHE_DIR"] = str(folder)
    return finish(start(package, program, **environment))


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.nbc"))


def test_the_second_process_loads(package: Path, tmp_path: Path) -> None:
    assert run(package, tmp_path) == "0 2"
    assert len(files(tmp_path)) == 2
    assert run(package, tmp_path) == "2 0"
    assert len(files(tmp_path)) == 2


def test_an_edit_in_any_file_of_the_kernels_compiles_anew(package: Path, tmp_path: Path) -> None:
    """What Numba's own cache misses: the edit is in a file that only lends a number."""
    helper = package / "stepconv/kernels/helper.py"
    three = PROGRAM.replace("== 8", "== 12")
    assert run(package, tmp_path) == "0 2"
    try:
        helper.write_text("FACTOR = 3\n")
        assert run(package, tmp_path, three) == "0 2"
        assert run(package, tmp_path, three) == "2 0"
    finally:
        helper.write_text("FACTOR = 2\n")
    assert run(package, tmp_path) == "2 0"


SHARED = """
import sys
import numpy as np, stepconv
stepconv.set_num_threads(2)
for said in sys.argv[1:]:
    batch, channels, size = map(int, said.split(","))
    rng = np.random.default_rng(size)
    shapes = (batch, channels, size, size), (channels, channels, 3, 3)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    exact = stepconv.conv2d(*(a.astype(np.float64) for a in arrays), padding=1)
    assert np.abs(stepconv.conv2d(*arrays, padding=1) - exact).max() < 1e-3, size
"""


def test_kernels_compiled_in_different_processes_do_not_meet_under_one_name(tmp_path: Path) -> None:
    """Threads get a kernel by its address, which is looked up by name when it is first shared.

    Maps of 7 and 14 take one kernel, of 8 another; the first here is too small to share.
    """
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    for maps in (["2,64,14"], ["2,64,8"], ["1,32,7", "2,64,8", "2,64,14"]):
        subprocess.run([sys.executable, "-c", SHARED, *maps], env=environment, check=True)


def test_kernels_have_names_of_their_own() -> None:
    ways = product(SHAPES + NARROW_SHAPES, (NONE, NARROW, WIDER), *[(False, True)] * 3)
    kernels = [small_loops.kernel(*way) for way in ways]
    kernels += [depthwise_channels.kernel(run) for run in (7, 14)]
    for size, family in product(range(2, TILE_ROWS + 1), (direct, phases, stamps)):
        kernels += family.kernel(size), family.packer(size)
    kernels += [masked.kernel(size) for size in range(2, TILE_ROWS + 1)]
    kernels += [mosaic.kernel(*way) for way in ((4, 2, 2), (4, 2, 3), (2, 2, 2), (2, 3, 3))]
    kernels += [textbook_plan._FORWARD, textbook_plan._TRANSPOSED]
    assert len({kernel.py_func.__qualname__ for kernel in kernels}) == len(kernels)


def test_another_version_compiles_anew(package: Path, tmp_path: Path) -> None:
    version = package / "stepconv/version.py"
    before = version.read_text()
    run(package, tmp_path)
    try:
        version.write_text('"""Version."""\n\n__version__ = "99.0"\n')
        assert run(package, tmp_path) == "0 2"
    finally:
        version.write_text(before)


USER = """
import numpy as np
from numba import njit
from stepconv import conv2d

@njit(cache=True)
def inner(image, kernel):
    return conv2d(image, kernel, padding=1)

@njit(cache=True)
def total(image, kernel):
    return inner(image, kernel).sum()

@njit(cache=True)
def doubled(image, kernel):
    return total(image, kernel) * 2

def hits_and_misses(function):
    assert np.sum(function(np.ones((1, 3, 3)), np.ones((1, 1, 3, 3)))) in (49, 98)
    counts = function.stats.cache_hits, function.stats.cache_misses
    return " ".join(str(sum(count.values())) for count in counts)
"""
UFUNC = """
from numba import guvectorize
from script import *

@guvectorize("(f8[:,:],f8[:,:],f8[:,:])", "(m,n),(k,l)->(m,n)", cache=True)
def each(image, kernel, result):
    result[...] = conv2d(image[None], kernel.copy()[None, None], padding=1)[0]
"""


def use(package: Path, folder: Path, statement: str, **environment: str) -> str:
    for name, text in (("script.py", USER), ("ufunc.py", UFUNC)):
        if not (folder / name).exists():  # to Numba one written again is another
            (folder / name).write_text(text)
    program = f"import sys; sys.path.insert(0, {str(folder)!r})\nfrom script import *\n{statement}"
    return run(package, folder, program, **environment)


def test_functions_that_users_keep_find_the_kernels_they_name(
    package: Path, tmp_path: Path
) -> None:
    """Kernels are not in a user's file, but found when it is read: those of this version alone."""
    version = package / "stepconv/version.py"
    before = version.read_text()
    # Each is compiled where the one before was read from disk, and then read alone.
    for name in ("inner", "total", "doubled"):
        for counts in ("0 1", "1 0"):
            assert use(package, tmp_path, f"print(hits_and_misses({name}))") == counts
    for path in tmp_path.glob("kernels-*"):  # of these kernels are compiled again
        shutil.rmtree(path)
    assert use(package, tmp_path, "print(hits_and_misses(doubled))") == "1 0"
    try:
        version.write_text('"""Version."""\n\n__version__ = "99.0"\n')
        assert use(package, tmp_path, "print(hits_and_misses(doubled))") == "0 1"
        for name in ("doubled", "total", "inner"):  # the others were compiled with it
            assert use(package, tmp_path, f"print(hits_and_misses({name}))") == "1 0"
    finally:
        version.write_text(before)
    assert use(package, tmp_path, "print(hits_and_misses(doubled))") == "0 1"


def test_kept_ufuncs_find_the_kernels_of_an_upgrade(package: Path, tmp_path: Path) -> None:
    """Numba reads a part of them whatever their kernels are."""
    # Lanes that no cell keeps may overflow, and a ufunc would warn of them.
    statement = "from ufunc import *; np.seterr(all='ignore'); "
    statement += "print(each(np.ones((2, 3, 3)), np.ones((3, 3))).sum(), hits_and_misses(total))"
    version = package / "stepconv/version.py"
    before = version.read_text()
    assert use(package, tmp_path, statement) == "98.0 0 1"
    assert use(package, tmp_path, statement) == "98.0 1 0"
    try:
        version.write_text('"""Version."""\n\n__version__ = "99.0"\n')
        assert use(package, tmp_path, statement) == "98.0 0 1"
    finally:
        version.write_text(before)


def test_kernels_know_nothing_of_their_callers_settings(package: Path, tmp_path: Path) -> None:
    program = """
import numpy as np
from numba import njit
from stepconv import conv_transpose2d
from stepconv.kernels import plain

@njit(fastmath=True, error_model="numpy", boundscheck=True)
def call(image, kernel):
    return conv_transpose2d(image, kernel)

call(np.ones((1, 3, 3)), np.ones((1, 1, 3, 3)))
(code,) = plain.transposed.inspect_llvm().values()
print(" fast " in code, "fadd" in code or "fmul" in code)
"""
    assert run(package, tmp_path, program) == "False True"


@pytest.mark.parametrize(
    "setting", ["NUMBA_OPT=1", "NUMBA_BOUNDSCHECK=1", "STEPCONV_LANES=4", "NUMBA_CPU_NAME=generic"]
)
def test_settings_that_change_the_code_compile_anew(
    package: Path, tmp_path: Path, setting: str
) -> None:
    name, value = setting.split("=")
    run(package, tmp_path)
    assert run(package, tmp_path, **{name: value}) == "0 2"
    assert run(package, tmp_path) == "2 0"


def test_folders_of_old_code_do_not_pile_up(package: Path, tmp_path: Path) -> None:
    for age in range(9):
        old = tmp_path / f"kernels-{age}"
        old.mkdir()
        (old / "f.nbc").write_bytes(b"old")
        os.utime(old, (time.time() - 1000 * age,) * 2)
    (tmp_path / "of somebody else").mkdir()
    run(package, tmp_path)
    kept = {path.name for path in tmp_path.iterdir()}
    assert len(kept) == 5
    assert {"kernels-0", "kernels-1", "kernels-2", "of somebody else"} < kept


@pytest.mark.parametrize("harm", ["empty", "short", "changed", "other", "folder"])
def test_damaged_files_are_compiled_anew(package: Path, tmp_path: Path, harm: str) -> None:
    run(package, tmp_path)
    for path in files(tmp_path):
        content = path.read_bytes()
        path.unlink()
        match harm:
            case "empty":
                path.write_bytes(b"")
            case "short":
                path.write_bytes(content[: len(content) // 2])
            case "changed":
                path.write_bytes(content[:-100] + bytes(100))
            case "other":
                path.write_text("an error page of some proxy" * 100)
            case "folder":
                path.mkdir()
    assert run(package, tmp_path) == "0 2"
    assert run(package, tmp_path) == ("0 2" if harm == "folder" else "2 0")


def test_eight_processes_start_at_once_on_an_empty_folder(package: Path, tmp_path: Path) -> None:
    processes = [start(package, PROGRAM, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(8)]
    for process in processes:
        hits, misses = map(int, finish(process).split())
        assert hits + misses == 2
    assert len(files(tmp_path)) == 2
    assert len(list(tmp_path.rglob("*.*"))) == 2, "no file half written is left"
    assert run(package, tmp_path) == "2 0"


@pytest.mark.parametrize("place", ["/proc/stepconv", "/dev/null/folder"])
def test_a_folder_that_cannot_be_made(package: Path, place: str) -> None:
    if not Path("/proc/self").exists():
        pytest.fail("this test is for Linux")
    assert run(package, Path(place)) == "0 2"


def test_files_can_be_read_by_all_whom_the_mask_allows(package: Path, tmp_path: Path) -> None:
    run(package, tmp_path, "import os; os.umask(0o022)\n" + PROGRAM)
    assert {path.stat().st_mode & 0o777 for path in files(tmp_path)} == {0o644}


def test_a_folder_that_can_only_be_read(package: Path, tmp_path: Path) -> None:
    """Run as root no folder is closed, so the test for it is made to say that it is."""
    run(package, tmp_path)
    closed = """
import tempfile
def refuse(*arguments, **options): raise PermissionError(13, "closed")
tempfile.TemporaryFile = refuse
"""
    assert run(package, tmp_path, closed + PROGRAM) == "2 0"


def test_a_disk_that_is_full(package: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: writing fails in the middle."""
    program = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))\n" + PROGRAM
    )
    assert run(package, tmp_path, program) == "0 2"
    assert list(tmp_path.rglob("*.*")) == []
    assert run(package, tmp_path) == "0 2"


def test_a_folder_removed_meanwhile(package: Path, tmp_path: Path) -> None:
    program = (
        "import shutil\nfrom stepconv.kernels import cache\nshutil.rmtree(cache.folder())\n"
        + PROGRAM
    )
    run(package, tmp_path)
    assert run(package, tmp_path, program) == "0 2"
    assert run(package, tmp_path) == "2 0"


def test_without_the_variable_it_is_the_users_cache_folder(package: Path, tmp_path: Path) -> None:
    environment = {
        "NUMBA_CACHE_DIR": "",
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "c"),
    }
    assert run(package, None, **environment) == "0 2"
    assert len(files(tmp_path)) == 2
    assert run(package, None, **environment) == "2 0"
    # Where there is none, it is beside the sources.
    environment |= {"HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"}
    assert run(package, None, **environment) == "0 2"
    assert len(files(package / "stepconv/kernels/__pycache__")) == 2
    shutil.rmtree(package / "stepconv/kernels/__pycache__")


@pytest.fixture
def fresh() -> Iterator[None]:
    cache.stamp.cache_clear()
    yield
    cache.stamp.cache_clear()


def test_without_sources_the_version_stands_for_them(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    before = cache.stamp()
    cache.stamp.cache_clear()
    monkeypatch.setattr(cache, "__file__", "/nowhere/stepconv.zip/kernels/cache.py")
    assert cache.stamp() != before
