"""Threads of our own: right and alive whatever happens around them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import stepconv
from stepconv import SpecError, conv2d, get_num_threads, set_num_threads
from stepconv.kernels import pool, spin
from stepconv.kernels.compiling import compiled, specialised

pytestmark = pytest.mark.compiled

#: What the programs below begin with: a convolution large enough to be shared, and its result.
PREAMBLE = """
import os, signal, sys, threading, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import multiprocessing
import numpy as np
import stepconv
from stepconv import conv2d
from stepconv.kernels import pool, spin

stepconv.set_num_threads(3)
RNG = np.random.default_rng(0)
IMAGE = RNG.standard_normal((2, 16, 40, 40)).astype("f4")
WEIGHT = RNG.standard_normal((16, 16, 3, 3)).astype("f4")

def convolve(_=None):
    return conv2d(IMAGE, WEIGHT, padding=1)

def same(one):
    return bool(np.array_equal(one, EXPECTED))
"""


def program(body: str, timeout: float = 100, **environment: str) -> str:
    """Run a program to its end and return what it printed; no word on stderr is tolerated."""
    text = PREAMBLE + textwrap.dedent(body)
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", text],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | environment,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.fixture
def threads() -> Iterator[None]:
    before = get_num_threads()
    yield
    set_num_threads(before)


# -- how many


@pytest.mark.parametrize("value", [0, -1, 1025, True, 2.0, "2", None])
def test_a_number_of_threads_that_is_none_is_refused(value: Any, threads: None) -> None:
    before = get_num_threads()
    with pytest.raises(SpecError, match=r"^threads is "):
        set_num_threads(value)
    assert get_num_threads() == before


def test_numpys_integers_will_do(threads: None) -> None:
    set_num_threads(np.int8(3))  # type: ignore[arg-type]  # the point
    assert get_num_threads() == 3
    assert type(get_num_threads()) is int


def test_the_environment_says_how_many() -> None:
    code = "import stepconv; print(stepconv.get_num_threads())"
    for said, found in [("1", "1"), (" 7 ", "7"), ("", str(pool._processors()))]:
        environment = os.environ | {"STEPCONV_NUM_THREADS": said}
        result = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        assert result.stdout.strip() == found


@pytest.mark.parametrize("said", ["0", "many", "-2", "1.5", "99999"])
def test_a_bad_environment_is_one_sentence(said: str) -> None:
    printed = program(
        f"""
        pool._wanted = None
        os.environ["STEPCONV_NUM_THREADS"] = "{said}"
        try:
            convolve()
        except stepconv.SpecError as error:
            print(error)
        """
    )
    assert printed.startswith(f"STEPCONV_NUM_THREADS is {said if said.isdecimal() else repr(said)}")


def test_processors_are_those_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3}, raising=False)
    assert 1 <= pool._processors() <= 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert pool._processors() == 1


# -- sharing


@compiled
def visit(counts: Any, work: int, first: int, stop: int) -> None:
    """Count a visit to each unit, and take some time over it."""
    for unit in range(first, stop):
        number = 1.0
        for _ in range(work):
            number *= 0.999
        if counts[unit] < 0:
            raise MemoryError
        counts[unit] += 1 + int(number > 2)


def visits(units: int, work: int = 100) -> Any:
    counts = np.zeros(units, np.int64)
    pool.share(specialised(visit, counts, 0, 0, 0), (counts, work), units)
    return counts


@pytest.mark.parametrize("helpers", [1, 2, 7, 20])
@pytest.mark.parametrize("units", [1, 2, 3, 17, 45, 1000])
def test_each_unit_is_run_once(helpers: int, units: int, threads: None) -> None:
    set_num_threads(helpers + 1)
    for _ in range(50):
        assert (visits(units) == 1).all()


@compiled
def note(firsts: Any, first: int, stop: int) -> None:
    firsts[0] += 1
    firsts[firsts[0]] = first


def order_alone(helpers: int, step: int, units: int) -> list[int]:
    """Return where the pieces began that a caller took while no helper joined."""
    cells, firsts = np.zeros(100, np.int64), np.zeros(100, np.int64)
    shared, code = spin.sharer(specialised(note, firsts, 0, 0))
    assert not shared(cells, helpers, code, step, units, (firsts,))
    return [int(first) for first in firsts[1 : 1 + firsts[0]]]


def test_few_pieces_go_round_many_stay_together() -> None:
    assert order_alone(2, 1, 8) == [0, 3, 6, 1, 4, 7, 2, 5]
    assert order_alone(1, 3, 13) == [0, 6, 12, 3, 9]
    assert order_alone(1, 1, 40) == list(range(40))
    assert order_alone(2, 2, 50) == list(range(0, 50, 2))


def test_helpers_help(threads: None) -> None:
    set_num_threads(3)
    for _ in range(100):
        visits(300, work=100_000)
        assert pool._pool is not None
        if pool._pool._cells[spin.DONE] == 2:
            break
    else:
        pytest.fail("two helpers never joined")


def test_a_helper_that_could_not_lie_down_is_woken(threads: None) -> None:
    """It ends its watch while the caller holds the interpreter lock, until the next job begins."""
    set_num_threads(2)
    interval, joined = sys.getswitchinterval(), 0
    try:
        sys.setswitchinterval(60)  # the caller gives the lock away in jobs alone
        for _ in range(20):
            visits(300, work=100_000)
            assert pool._pool is not None
            cells, end = pool._pool._cells, time.monotonic() + 10
            while cells[spin.WATCHING]:  # of the only helper
                assert time.monotonic() < end
            visits(300, work=100_000)
            joined += int(cells[spin.DONE])
    finally:
        sys.setswitchinterval(interval)
    assert joined >= 15


def test_sharing_a_plan_changes_no_bit(threads: None) -> None:
    """Other layers may be planned otherwise for more threads, and summed in another order."""
    rng = np.random.default_rng(2)
    image = rng.standard_normal((3, 32, 30, 30)).astype("f4")
    weight = rng.standard_normal((40, 32, 3, 3)).astype("f4")
    outputs = []
    for count in (1, 2, 5):
        set_num_threads(count)
        outputs.append([conv2d(image, weight), conv2d(image, weight, algorithm="textbook")])
    for fast, plain in outputs[1:]:
        assert np.array_equal(fast, outputs[0][0])
        assert np.array_equal(plain, outputs[0][1])


@pytest.mark.parametrize("count", [1, 3])
def test_a_kernel_without_memory_is_a_memory_error(count: int, threads: None) -> None:
    set_num_threads(count)
    counts = np.zeros(64, np.int64)
    kernel = specialised(visit, counts, 0, 0, 0)
    for unit in (0, 20, 63):
        counts[unit] = -1
        with pytest.raises(MemoryError):
            pool.share(kernel, (counts, 1000), 64)
        counts[unit] = 0
    assert (visits(64) == 1).all()


def test_sixteen_threads_at_once(threads: None) -> None:
    set_num_threads(3)
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((16, 16, 3, 3)).astype("f4")
    images = [rng.standard_normal((1, 16, 48, 48)).astype("f4") for _ in range(16)]
    expected = [conv2d(image, weight) for image in images]
    with ThreadPoolExecutor(16) as callers:
        for _ in range(5):
            found = callers.map(lambda image: conv2d(image, weight), images)
            for one, other in zip(found, expected, strict=True):
                assert np.array_equal(one, other)


def test_idle_helpers_sleep(threads: None) -> None:
    set_num_threads(4)
    visits(8)
    time.sleep(0.2)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.1


def test_threads_that_cannot_be_started_are_done_without(
    monkeypatch: pytest.MonkeyPatch, threads: None
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    set_num_threads(4)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert (visits(5) == 1).all()


# -- processes


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_process_pools(method: str, tmp_path: Any) -> None:
    if method not in __import__("multiprocessing").get_all_start_methods():
        pytest.fail("this test is for systems that fork")
    path = tmp_path / "program.py"
    body = f"""
EXPECTED = convolve()
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    with ProcessPoolExecutor(2, mp_context=context) as processes:
        print(all(map(same, processes.map(convolve, range(12)))))
    print(same(convolve()))
"""
    path.write_text(PREAMBLE + body)
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", path],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "True\nTrue\n", "")


def test_fork_while_the_pool_is_at_work() -> None:
    printed = program(
        """
        import warnings; warnings.simplefilter("ignore", DeprecationWarning)
        EXPECTED = convolve()
        stop = threading.Event()
        def keep_busy():
            while not stop.is_set():
                convolve()
        busy = [threading.Thread(target=keep_busy) for _ in range(2)]
        for thread in busy: thread.start()
        for _ in range(10):
            child = os.fork()
            if not child:
                os._exit(0 if all(same(convolve()) for _ in range(5)) else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for thread in busy: thread.join()
        print(same(convolve()))
        """
    )
    assert printed == "True\n"


def test_a_forked_child_that_ends_in_the_ordinary_way() -> None:
    printed = program(
        """
        import warnings; warnings.simplefilter("ignore", DeprecationWarning)
        EXPECTED = convolve()
        child = os.fork()
        ok = same(convolve())
        if not child:
            sys.exit(not ok)
        print(ok, os.waitpid(child, 0)[1])
        """
    )
    assert printed == "True 0\n"


def test_interrupts_from_the_keyboard() -> None:
    printed = program(
        """
        EXPECTED = convolve()
        armed, caught, stop = False, 0, threading.Event()
        def interrupted(number, frame):
            # Once for each call, so that none falls into what handles the one before.
            global armed, caught
            if armed:
                armed, caught = False, caught + 1
                raise KeyboardInterrupt
        def interrupt():
            while not stop.wait(0.003):
                os.kill(os.getpid(), signal.SIGINT)
        signal.signal(signal.SIGINT, interrupted)
        nuisance = threading.Thread(target=interrupt)
        nuisance.start()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                armed = True
                convolve()
                armed = False
            except KeyboardInterrupt:
                pass
        stop.set()
        nuisance.join()
        time.sleep(0.1)
        joined = 0
        for _ in range(1000):
            convolve()
            joined += int(pool._pool._cells[spin.DONE])
        print(caught > 10, same(convolve()), joined > 0)
        """
    )
    assert printed == "True True True\n"


def test_exit_with_helpers_awake() -> None:
    for _ in range(3):
        program("convolve()")
    program("convolve(); import atexit; atexit.register(convolve)")


def test_exit_in_the_middle_of_a_job() -> None:
    program(
        """
        def work():
            while True:
                convolve()
        threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
        sys.exit()
        """
    )


def test_a_signal_ends_the_process() -> None:
    code = PREAMBLE + "print('ready', flush=True)\nwhile True: convolve()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM


def test_the_names_are_public() -> None:
    assert {"get_num_threads", "set_num_threads"} <= set(stepconv.__all__)
