"""Submissions that try to harm, to cheat or to hang, and what is to become of each.

Each defines ``conv1d(input, weight)``. ``{key}`` stands for a file beside the grader, ``{folder}``
for where that lies, ``{port}`` for a server of its; a submission tells by what it returns how far
it got.
"""

from __future__ import annotations

from dataclasses import dataclass

RIGHT = """
import numpy as np
def right(input, weight):
    steps = range(len(input) - len(weight) + 1)
    return np.array([(input[p : p + len(weight)] * weight).sum() for p in steps])
"""


@dataclass(frozen=True)
class Hostile:
    """A submission, and the codes that may be the reasons why it fails; "" for a wrong value.

    `passes`: it is right besides, so it passes, and what it did must come to nothing. `needs`: the
    protection that alone keeps it from doing harm; where that is missing, it is said.
    """

    name: str
    code: str
    reasons: tuple[str, ...] = ("",)
    passes: bool = False
    needs: str = ""


HOSTILE = (
    Hostile(
        "endless loop",
        "def conv1d(input, weight):\n    while True: pass",
        ("time", "total_time"),
    ),
    Hostile(
        "loop that catches all",
        """
def conv1d(input, weight):
    while True:
        try:
            while True: pass
        except BaseException: pass
""",
        ("time", "total_time"),
    ),
    Hostile(
        "sleep",
        "import time\ndef conv1d(input, weight): time.sleep(1000)",
        ("time", "total_time"),
    ),
    Hostile(
        "signals ignored",
        """
import os, signal, time
def conv1d(input, weight):
    for number in range(1, 65):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    time.sleep(1000)
""",
        ("time", "total_time"),
    ),
    Hostile(
        "memory bomb",
        """
def conv1d(input, weight):
    held = []
    while True: held.append(bytearray(10_000_000))
""",
        ("memory", "crashed"),
    ),
    Hostile(
        "memory bomb in a child",
        """
import os, time
def conv1d(input, weight):
    for _ in range(8):
        if os.fork() == 0:
            held = []
            while True: held.append(bytearray(b"x" * 10_000_000))
    time.sleep(1000)
""",
        ("memory", "time", "total_time", "crashed", "raised_elsewhere", "raised"),
    ),
    Hostile(
        "fork bomb",
        """
import os
def conv1d(input, weight):
    while True:
        try: os.fork()
        except OSError: pass
""",
        ("processes", "time", "total_time", "garbled", "memory"),
    ),
    Hostile(
        "fork bomb at import",
        """
import os
while True:
    try: os.fork()
    except OSError: pass
""",
        ("processes", "time", "total_time", "garbled", "memory"),
    ),
    Hostile(
        "endless output",
        """
def conv1d(input, weight):
    while True: print("spam " * 1000)
""",
        ("time", "total_time", "raised", "disk"),
    ),
    Hostile(
        "endless output that catches all",
        """
import os
def conv1d(input, weight):
    while True:
        try: os.write(1, b"spam" * 1000)
        except BaseException: pass
""",
        ("time", "total_time", "disk"),
    ),
    Hostile(
        "one gigabyte printed",
        'def conv1d(input, weight): print("x" * 10**9)',
        ("memory", "raised"),
    ),
    Hostile(
        "disk filled",
        """
def conv1d(input, weight):
    for number in range(10**6):
        with open(f"file{{number}}", "wb") as file: file.write(b"x" * 10**7)
""",
        ("disk", "raised", "time"),
    ),
    Hostile(
        "folders without end",
        """
import os
def conv1d(input, weight):
    while True:
        os.mkdir("d")
        os.chdir("d")
""",
        ("disk", "time", "raised", "raised_elsewhere", "memory"),
    ),
    Hostile(
        "files without end",
        """
def conv1d(input, weight):
    for number in range(10**9): open(f"file{{number}}", "w").close()
""",
        ("disk", "time", "raised"),
    ),
    Hostile(
        "huge array",
        "import numpy as np\ndef conv1d(input, weight): return np.zeros(10**12)",
        ("memory", "raised"),
    ),
    Hostile(
        "large array",
        "import numpy as np\ndef conv1d(input, weight): return np.zeros(10**7)",
        ("too_large",),
    ),
    Hostile(
        "endless axes",
        "import numpy as np\ndef conv1d(input, weight): return np.broadcast_to(1, (2**50,))",
        ("too_large", "memory", "not_numbers"),
    ),
    Hostile(
        "texts",
        "def conv1d(input, weight): return ['1'] * (len(input) - len(weight) + 1)",
        ("not_numbers",),
    ),
    Hostile(
        "objects",
        "import numpy as np\ndef conv1d(input, weight): return np.array([print], dtype=object)",
        ("not_numbers",),
    ),
    Hostile(
        "not a number",
        "def conv1d(i, w): ...\ndef conv1d(input, weight):\n"
        "    return [float('nan')] * (len(input) - len(weight) + 1)",
    ),
    Hostile("raises at import", "raise KeyboardInterrupt", ("import",)),
    Hostile(
        "raises at call",
        "def conv1d(input, weight): raise GeneratorExit",
        ("raised",),
    ),
    Hostile(
        "an error that cannot be shown",
        """
class Bad(BaseException):
    def __str__(self): raise SystemExit
def conv1d(input, weight): raise Bad
""",
        ("raised",),
    ),
    Hostile("exits at import", "import sys; sys.exit(0)", ("exit",)),
    Hostile("exits", "def conv1d(input, weight): exit()", ("raised", "exit")),
    Hostile(
        "ends Python",
        "import os\ndef conv1d(input, weight): os._exit(0)",
        ("ended", "not_reached"),
    ),
    Hostile(
        "crashes Python",
        "import ctypes\ndef conv1d(input, weight): ctypes.string_at(1)",
        ("crashed", "not_reached"),
    ),
    Hostile(
        "recursion",
        "def conv1d(input, weight): return conv1d(input, weight)",
        ("raised", "crashed"),
    ),
    Hostile(
        "threads left behind",
        RIGHT
        + """
import threading, time
def conv1d(input, weight):
    if threading.active_count() == 1:
        threading.Thread(target=time.sleep, args=(1000,)).start()
    return right(input, weight)
""",
        passes=True,
    ),
    Hostile(
        "daemon left behind",
        RIGHT
        + """
import os, time
def conv1d(input, weight):
    if len(weight) == 3 and os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for descriptor in range(3, 50):
                try: os.close(descriptor)
                except OSError: pass
            time.sleep(1000)
        os._exit(0)
    return right(input, weight)
""",
        passes=True,
    ),
    Hostile(
        "daemon in another place",
        RIGHT
        + """
import os, subprocess, sys
def conv1d(input, weight):
    code = "import os, time; os.chdir('/'); os.setsid(); time.sleep(1000)"
    subprocess.Popen([sys.executable, "-S", "-c", code], env={{}}, start_new_session=False)
    return right(input, weight)
""",
        passes=True,
    ),
    Hostile(
        "deletes what it can",
        RIGHT
        + """
import os, shutil
def conv1d(input, weight):
    for path in ({folder!r}, os.path.dirname(__file__), os.path.expanduser("~")):
        shutil.rmtree(path, ignore_errors=True)
    return [0.5]
""",
        needs="files",
    ),
    Hostile(
        "writes where it should not",
        """
import os
def conv1d(input, weight):
    written = 0
    for path in ({folder!r}, os.path.dirname(__file__), "/usr", "/etc", "/root", "/dev/shm"):
        try:
            with open(os.path.join(path, "planted"), "w") as file: file.write("x")
        except OSError: continue
        written += 1
    return [-written - 0.5]
""",
        needs="files",
    ),
    Hostile(
        "reads the key",
        """
def conv1d(input, weight):
    with open({key!r}) as file: return [float(word) for word in file.read().split()]
""",
        ("raised",),
        needs="files",
    ),
    Hostile(
        "looks for the key among processes",
        """
import glob
def conv1d(input, weight):
    found = 0
    for name in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(name, "rb") as file: found += b"GRADER_SECRET" in file.read()
        except OSError: continue
    return [-found - 0.5]
""",
        needs="strangers",
    ),
    Hostile(
        "kills whom it can",
        """
import os, signal
def conv1d(input, weight):
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(-1, signal.SIGKILL)
    return [-0.5]
""",
        ("raised", "crashed", "ended", "start", "not_reached"),
    ),
    Hostile(
        "patches NumPy",
        """
import numpy as np
np.array_equal = np.allclose = np.all = np.testing.assert_allclose = lambda *a, **k: True
np.ndarray_eq = True
np.asarray = lambda *a, **k: None
np.savez = lambda *a, **k: None
np.load = lambda *a, **k: {{}}
def conv1d(input, weight): return [0.5]
""",
    ),
    Hostile(
        "patches the builtins",
        """
import builtins, json, os, sys
builtins.len = builtins.all = builtins.open = builtins.isinstance = lambda *a, **k: True
json.dumps = lambda *a, **k: '{{"case": 0, "size": 0, "passed": true}}'
sys.modules["numpy"] = sys
def conv1d(input, weight): return [0.5]
""",
        ("garbled", "ended", "raised", "raised_elsewhere", "import", "import_elsewhere"),
    ),
    Hostile(
        "equals everything",
        """
import numpy as np
class Right(np.ndarray):
    def __eq__(self, other): return np.ones(np.shape(other), bool)
    def __array__(self, *a, **k): return self
    def all(self, *a, **k): return True
    shape = property(lambda self: Everything())
class Everything(tuple):
    def __eq__(self, other): return True
def conv1d(input, weight): return np.full(len(input) - len(weight) + 1, 0.5).view(Right)
""",
        ("", "not_numbers"),
    ),
    Hostile(
        "forges results",
        """
import json, os, sys
message = json.dumps({{"case": 0, "size": 0, "problem": None, "passed": True, "score": 1}})
for descriptor in range(3, 30):
    try: os.write(descriptor, message.encode() + b"\\n" + b"[true]\\n" * 9)
    except OSError: pass
def conv1d(input, weight): return [0.5]
""",
        ("garbled",),
    ),
    Hostile(
        "floods the channel",
        """
import os
for descriptor in range(3, 30):
    try:
        while True: os.write(descriptor, b"x" * 65536)
    except OSError: pass
def conv1d(input, weight): return [0.5]
""",
        ("garbled", "flood", "time", "total_time"),
    ),
    Hostile(
        "opens a socket",
        """
import socket
def conv1d(input, weight):
    socket.create_connection(("127.0.0.1", {port}), timeout=1).close()
    return [-1.5]
""",
        ("raised",),
        needs="network",
    ),
    Hostile(
        "raises its limits",
        """
import resource
def conv1d(input, weight):
    for what in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_CPU):
        resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return [-0.5]
""",
        ("raised",),
    ),
    Hostile(
        "becomes another program",
        'import os\ndef conv1d(input, weight): os.execv("/bin/sleep", ["sleep", "1000"])',
        ("time", "total_time"),
    ),
    Hostile(
        "links out of its home",
        """
import os
def conv1d(input, weight):
    os.symlink({key!r}, "link")
    os.rename("link", f".printed-{{os.getpid()}}")
    return [-0.5]
""",
    ),
)
