"""What all tests share: how hypothesis draws, and folders for compiled code and for progress."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The first call of a kernel compiles it, so no example has a deadline.
settings.register_profile(
    "default",
    deadline=None,
    max_examples=50,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("few", settings.get_profile("default"), max_examples=8)
settings.register_profile("many", settings.get_profile("default"), max_examples=1000)
settings.load_profile("default")

# These change the machine code but not the key under which Numba caches it.
_FLAGS = ("NUMBA_BOUNDSCHECK", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT")


def pytest_configure(config: pytest.Config) -> None:
    """Give this run, and every process it starts, one folder of compiled kernels.

    The folder is named after the kernels' source, because Numba does not see an edit
    in another file that a cached function uses (numba#1833).
    """
    if "NUMBA_CACHE_DIR" not in os.environ:
        folder = config.cache.mkdir(f"numba-{_digest(config.rootpath / 'stepconv')}")
        os.environ["NUMBA_CACHE_DIR"] = str(folder)

    # A shell makes what it starts in the background deaf to Ctrl-C, and so all that this starts.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    # Nobody's own progress is read or touched; each worker of xdist has a folder to itself.
    folder_of_progress = tempfile.TemporaryDirectory(prefix="stepconv-tests-")
    config.add_cleanup(folder_of_progress.cleanup)
    os.environ["STEPCONV_DATA_DIR"] = folder_of_progress.name


def _digest(package: Path) -> str:
    sources = [*sorted((package / "kernels").rglob("*.py")), package / "version.py"]
    flags = [f"{name}={os.environ.get(name, '')}" for name in _FLAGS]
    content = b"\0".join([*(path.read_bytes() for path in sources), *map(str.encode, flags)])
    return hashlib.sha256(content).hexdigest()[:16]
