"""The load generator's job, the process that does it, and the figures that it reports."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct, field, structs

from clnwire.bench.load.messages import GETMANIFEST, Ask
from clnwire.errors import ClnwireError

RPC_FILE: Final = "lightning-rpc"
KEPT: Final = 64
"""The last lines of stderr to keep."""
_LONGEST_LINE: Final = 4096
_CHILD: Final = """
import sys
sys.path[:] = {path!r}
import signal
from clnwire import _core
# Python's own handler would not run while the native code works.
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.stdout.buffer.write(_core.measure(sys.stdin.buffer.read()))
"""
"""The program of the load generator's process. It imports only what it needs."""

Mode: TypeAlias = Literal["manifest", "start", "one", "window", "flood", "pour"]


class Job(Struct, frozen=True, kw_only=True):
    """One run of a plugin."""

    mode: Mode
    """`manifest` ends with the manifest, `start` with `init`. `one` keeps one request in flight,
    `window` a window of them. `flood` sends notifications, with a request behind each window;
    `pour` sends notifications alone, and waits until the plugin is idle."""
    command: list[str]
    """The plugin and its arguments."""
    folder: str = ""
    """Where it runs; here if empty."""
    getmanifest: str = GETMANIFEST
    early: list[Ask] = field(default_factory=list[Ask])
    """Requests between the manifest and `init`, sent one at a time."""
    init: str = ""
    requests: list[Ask] = field(default_factory=list[Ask])
    """Sent in turn; the first follows the last."""
    notification: str = ""
    """The notification of `flood` and `pour`."""
    expect: str | None = None
    """The result that each reply must have, as JSON; `None` accepts any result, but no error."""
    first: int = 1
    """The number of the first request."""
    count: int = 1_000_000_000
    """The most messages to measure."""
    seconds: float = 0.5
    """The longest time to measure."""
    warm_up: int = 2000
    """The most messages before the measured ones; they take a fifth of `seconds` at most."""
    window: int = 64
    """The number of messages in flight, or in a batch."""
    core: int | None = None
    """The processor that the plugin and the load generator run on; any if `None`."""
    patience: float = 20.0
    """Seconds without output after which the plugin counts as failed."""


class Measured(Struct, frozen=True):
    """The figures for a run's messages. Percentiles are of round trips; without any they are 0."""

    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float
    messages_per_second: float
    megabytes_per_second: float
    processor_us: float
    """The plugin's processor time per message."""
    messages: float
    """The number of messages measured; each answer was checked."""


class Figures(Measured, frozen=True):
    """One run, or the median of several, figure by figure."""

    manifest_ms: float
    """From exec to the manifest."""
    idle_memory_kb: float
    """The peak, before the first message."""
    peak_memory_kb: float


class Report(Struct, frozen=True):
    """The load generator's report on one run of a plugin."""

    manifest_ms: float
    """From exec to the manifest."""
    manifest: Raw
    """As the plugin has written it."""
    idle_memory_kb: int
    peak_memory_kb: int
    exit: str
    """How it ended."""
    figures: Measured | None = None
    """`None` in the modes `manifest` and `start`."""

    def all_figures(self) -> Figures:
        """The run's figures, including those of its start."""
        assert self.figures is not None
        return Figures(
            manifest_ms=self.manifest_ms,
            idle_memory_kb=self.idle_memory_kb,
            peak_memory_kb=self.peak_memory_kb,
            **structs.asdict(self.figures),
        )


def medians(rows: Sequence[Figures]) -> Figures:
    """Figure by figure the median of the rounds."""
    names = Figures.__struct_fields__
    return Figures(
        **{name: round(statistics.median(getattr(row, name) for row in rows), 3) for name in names}
    )


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
    """Does the job, and ends its processes. Raises `LoadError` and `PluginFailedError`."""
    if sys.platform != "linux":
        raise LoadError("the load generator needs Linux")
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD.format(path=sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A new session keeps Ctrl-C from the child, and marks the processes for `end_session`.
        start_new_session=True,
    )
    assert child.stderr is not None
    kept: deque[bytes] = deque(maxlen=KEPT)
    tail = threading.Thread(target=_tail, args=(child.stderr, kept), daemon=True)
    tail.start()
    try:
        output = _talk(child, msgspec.json.encode(job))
        # A process that the plugin left behind may hold stderr open; it is ended next.
        tail.join(0.5)
    finally:
        child.kill()
        end_session(child.pid)
        child.wait()
    lines = [line.decode(errors="replace").rstrip() for line in list(kept)]
    return _report(output, [line for line in lines if line], child.returncode)


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


def _tail(stream: IO[bytes], kept: deque[bytes]) -> None:
    """Keeps the last lines of the stderr that a process and its plugin share."""
    with stream:
        kept.extend(iter(lambda: stream.readline(_LONGEST_LINE), b""))


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
