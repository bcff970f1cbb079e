"""Runs the load generator in a process of its own, and ends whatever that starts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from clnwire.bench.load.figures import Report
from clnwire.errors import ClnwireError

if TYPE_CHECKING:
    from collections.abc import Generator

    from clnwire.bench.load.job import Job

RPC_FILE: Final = "lightning-rpc"
KEPT: Final = 64
"""The last lines of stderr to keep."""
_LONGEST_LINE: Final = 4096


class LoadError(ClnwireError):
    """The job cannot be measured, or not on this machine."""


class PluginFailedError(LoadError):
    """The plugin died, was silent for too long, or answered wrongly; the message says which."""

    def __init__(self, reason: str, stderr: list[str]) -> None:
        super().__init__(reason)
        self.stderr = stderr
        """The last lines of the plugin's stderr."""


class _Outcome(Struct):
    report: Report | None = None
    plugin: str | None = None
    impossible: str | None = None


def measure(job: Job) -> Report:
    """Does the job, and waits for its end. Raises `LoadError` and `PluginFailedError`.

    Ends all processes that it started, also when an exception is raised.
    """
    if sys.platform != "linux":
        raise LoadError("the load generator needs Linux")
    child = subprocess.Popen(
        _command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A new session keeps Ctrl-C from the child, and marks the processes for `end_session`.
        start_new_session=True,
    )
    try:
        with _Tail(child) as tail:
            output = _talk(child, msgspec.json.encode(job))
    finally:
        child.kill()
        end_session(child.pid)
        child.wait()
    return _report(output, tail.lines, child.returncode)


def _command() -> list[str]:
    """The child's command. The child uses this process's `sys.path`, in any directory."""
    child = "from clnwire.bench.load._child import main; main()"
    code = f"import sys; sys.path[:] = {sys.path!r}; {child}"
    return [sys.executable, "-c", code]


def _talk(child: subprocess.Popen[bytes], job: bytes) -> bytes:
    assert child.stdin is not None
    assert child.stdout is not None
    # If the child dies early, its output is incomplete, and `_report` raises for it.
    with suppress(BrokenPipeError), child.stdin:
        child.stdin.write(job)
    with child.stdout:
        return child.stdout.read()


def _report(output: bytes, stderr: list[str], status: int) -> Report:
    try:
        outcome = msgspec.json.decode(output, type=_Outcome)
    except msgspec.MsgspecError:
        said = f": {stderr[-1]}" if stderr else ""
        raise LoadError(f"the load generator died (status {status}){said}") from None
    if outcome.plugin is not None:
        raise PluginFailedError(outcome.plugin, stderr)
    if outcome.report is None:
        raise LoadError(outcome.impossible or "the load generator said nothing")
    return outcome.report


class _Tail:
    """Reads the stderr that a process and its plugin share, and keeps its last lines."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stderr is not None
        self._stream: IO[bytes] = child.stderr
        self._kept: deque[bytes] = deque(maxlen=KEPT)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> _Tail:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A process that the plugin left behind may hold stderr open; `measure` ends it next.
        self._thread.join(0.5)

    def _read(self) -> None:
        with self._stream:
            while line := self._stream.readline(_LONGEST_LINE):
                self._kept.append(line)

    @property
    def lines(self) -> list[str]:
        found = (line.decode(errors="replace").rstrip() for line in list(self._kept))
        return [line for line in found if line]


def end_session(leader: int) -> None:
    """Kills all processes of a session, in any process group."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            # After the name, which may contain any character: state, parent, group, session.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader:
                os.kill(int(folder.name), signal.SIGKILL)


@contextmanager
def daemon_folder() -> Generator[Path, None, None]:
    """A daemon's directory with a silent socket: some plugins connect to it at their start."""
    with tempfile.TemporaryDirectory(prefix="clnwire-load-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with socket.socket(socket.AF_UNIX) as daemon:
            daemon.bind(str(folder / RPC_FILE))
            daemon.listen()
            yield folder
