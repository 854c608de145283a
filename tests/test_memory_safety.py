"""No kernel reads or writes outside the arrays it was given, not even by one number.

`guards` runs kernels on arrays that lie against protected pages, in a process of its own:
there, a step outside is a segmentation fault.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(os.name != "posix", reason="pages are protected by mprotect"),
]

SCRIPT = Path(__file__).parent / "guards.py"
DRAWN = 530
# What must have been run of them, so that none is left out by mistake.
LEAST = {
    "textbook": DRAWN,
    "rows": 200,
    "direct": 200,
    "depthwise_channels": 20,
    "depthwise3": 3,
    "depthwise": 60,
    "stamps": 20,
    "mosaic": 20,
    "phases": 60,
    "dots": 40,
    "swapped": 20,
    "small": 10,
    "in_turn": 10,
    "winograd": 25,
    "conv": DRAWN,
}


def guarded(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Pages are to catch what happens, not Numba's own checks, where they are on.
    settings = {"PYTHONMALLOC": "debug", "NUMBA_BOUNDSCHECK": "0"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env=os.environ | settings | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.slow
@pytest.mark.parametrize("lanes", ["16", "8", "4"])
def test_no_family_steps_outside(lanes: str) -> None:
    result = guarded(lanes, str(DRAWN), STEPCONV_LANES=lanes)  # other convolutions for each
    lines = result.stderr.splitlines()
    assert result.returncode == 0, [line for line in lines if "Segmentation" not in line][-3:]
    ran = json.loads(result.stdout)
    # Rows of several vectors, in place; and what needs masks.
    wanted = LEAST | ({"wide": 4, "masked": 25} if lanes == "16" else {})
    assert {name: ran[name] for name, least in wanted.items() if ran[name] < least} == {}


@pytest.mark.parametrize("fault", ["ReadsAfter", "ReadsBefore", "WritesAfter", "WritesInput"])
def test_the_guards_catch_a_step_of_one_byte(fault: str) -> None:
    result = guarded("1", "3", fault)
    assert result.returncode == -signal.SIGSEGV, result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"{fault}: float")


def test_the_guards_catch_an_overrun_of_scratch() -> None:
    result = guarded("1", "3", "OverrunsScratch")
    assert result.returncode == -signal.SIGABRT
    assert "bad trailing pad byte" in result.stderr


@pytest.mark.parametrize(
    ("fault", "error"), [("LeavesHole", "error nan"), ("ReadsEmptyScratch", "error 7.2e+08")]
)
def test_the_guards_catch_what_is_not_written(fault: str, error: str) -> None:
    result = guarded("1", "3", fault)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"AssertionError: {error}"
