"""`clnwire record` under faults: what passes through is whole, whatever happens to the capture."""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from pathlib import Path

from tests.captures.recording import ECHO, Recording, children, frames, message, script
from tests.faults.outcome import (
    AS_ASKED,
    ENDED,
    PATIENCE,
    UNHARMED,
    BrokenPromiseError,
    Faults,
    Outcome,
)
from tests.faults.strace import traced

PARTS = ("proxy", "writer")
SIZES = (1, 10, 100, 1_000, 10_000, 1, 10, 100)
MESSAGES = [message(size, method="echo", params=["x" * size]) for size in SIZES]


def run(part: str, folder: Path, faults: Faults) -> Outcome:
    """Sends messages through the proxy to a plugin that returns them, while the proxy or the writer
    of its capture is under faults. Raises `BrokenPromiseError`."""
    with Recording(folder, script(folder, ECHO)) as proxy:
        _exchange(proxy, MESSAGES[:1])
        with traced(pid_of(proxy, part), folder / "calls", faults):
            back = _exchange(proxy, MESSAGES[1:])
            proxy.stdin.close()
            status = proxy.ended()
        said = proxy.errors().strip()
    whole = back == b"".join(MESSAGES[1:])
    if not whole and not b"".join(MESSAGES[1:]).startswith(back):
        raise BrokenPromiseError(f"other bytes came back: {back!r}")
    recorded = _recorded(folder / "capture.gz")
    if whole and status == 0:
        if recorded < len(MESSAGES) and not said:
            raise BrokenPromiseError(f"only {recorded} are recorded, and nothing is said")
        return Outcome(ENDED if recorded < len(MESSAGES) else UNHARMED, said)
    if faults.ends:
        return Outcome(AS_ASKED, said)
    if not said:
        raise BrokenPromiseError(
            f"it ended with {status} after {len(back)} bytes, and said {said!r}"
        )
    return Outcome(ENDED, f"{status}: {said}")


def pid_of(proxy: Recording, part: str) -> int:
    """The process of one of `PARTS`."""
    if part == "proxy":
        return proxy.process.pid
    (pid,) = (each for each in children(proxy.process.pid) if not _is_plugin(each))
    return pid


def _is_plugin(pid: int) -> bool:
    _, program, *_ = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return program.endswith(b"/plugin.py")


def _exchange(proxy: Recording, messages: list[bytes]) -> bytes:
    """What comes back, up to an end of the proxy."""
    back = b""
    for one in messages:
        wanted = len(back) + len(one)
        with contextlib.suppress(BrokenPipeError):
            proxy.send(one)
        until = time.monotonic() + PATIENCE
        while len(back) < wanted:
            ready, _, _ = select.select([proxy.stdout], [], [], until - time.monotonic())
            if not ready:
                raise BrokenPromiseError(f"{len(back)} of {wanted} bytes came back, and no more")
            more = os.read(proxy.stdout.fileno(), 1 << 16)
            if not more:
                return back
            back += more
    return back


def _recorded(capture: Path) -> int:
    """How many messages of the daemon the capture has."""
    try:
        return len(frames(capture, "in"))
    except (OSError, ValueError, json.JSONDecodeError):
        return 0
