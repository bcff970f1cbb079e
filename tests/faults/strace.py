"""Errors and signals at chosen system calls of a running process: strace injects them.

clnwire's Rust code makes its system calls without the C library, so a preloaded library would not
see them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.outcome import Faults

WAKEUP = re.compile(r'write\(\d+, "[^"]*", 1\) += -1 .*INJECTED')
CALL = re.compile(r"^(?:(\d+) +)?(\w+)\(", re.MULTILINE)


def can_attach() -> bool:
    """Whether strace is there, and may trace a process that is not its child."""
    if shutil.which("strace") is None:
        return False
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        tracer = subprocess.Popen(
            ["strace", "-p", str(other.pid), "-o", "/dev/null"], stderr=subprocess.PIPE, text=True
        )
        assert tracer.stderr is not None
        attached = "attached" in tracer.stderr.readline()
        other.communicate()
        tracer.communicate()
    return attached


@contextmanager
def traced(pid: int, log: Path, faults: Faults) -> Generator[None]:
    """Injects faults into a process from now on, and lists its system calls in `log`.

    In a rule, `when=N` means the N-th call of that name in each thread.
    """
    words = [word for rule in faults.rules for word in ("-e", f"inject={rule}")]
    follow = ["-f"] if faults.threads else []
    tracer = subprocess.Popen(
        ["strace", *follow, "-o", log, *words, "-p", str(pid)], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr is not None
    try:
        said = tracer.stderr.readline()
        assert "attached" in said, said
        yield
    finally:
        # It lets go of the process, and ends by itself if that has ended.
        tracer.terminate()
        tracer.communicate()


def calls(log: Path) -> dict[str, int]:
    """System call → how often the thread that makes it most often has made it."""
    counts = Counter(CALL.findall(log.read_text(errors="replace")))
    most: dict[str, int] = {}
    for (_, name), count in counts.items():
        most[name] = max(most.get(name, 0), count)
    return most


def injected(log: Path) -> bool:
    """Whether a call was changed, or a signal sent."""
    text = log.read_text(errors="replace")
    return "(INJECTED)" in text or "--- SIG" in text


def is_impossible(log: Path) -> bool:
    """Whether a byte for a wakeup pipe was refused, whose reader is the same process: a kernel
    refuses it only if the pipe is full."""
    return WAKEUP.search(log.read_text(errors="replace")) is not None
