"""A plugin's process: writes its stdin, reads frames from its stdout, and reaps it.

The event loop's callbacks read and write the pipes directly, without tasks or streams, to deliver
frames with little delay.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Protocol, TypeAlias

from clnwire import program
from clnwire._core import Frame, Framer, MalformedError
from clnwire._wire.environment import HOST, LIGHTNINGD_PLUGIN, PLUGIN_PID
from clnwire.host.errors import HostError

Cut: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""Takes a message for a plugin and returns the chunks to write instead; a pipe may split a message
across reads. The function may return nothing and prepend the message to a later one."""

PAUSE: Final = 0.01
"""Seconds between two chunks, so that a waiting plugin reads them separately."""
READ_SIZE: Final = 1 << 16
"""Bytes per read: the default capacity of a pipe on Linux."""
SHOWN: Final = 40
"""The number of bytes of malformed output that an error shows."""
LAST_READS: Final = 16
"""The maximum number of reads after the plugin's end: together 1 MiB, the largest pipe capacity an
unprivileged process can set on Linux. Without this limit, a child of the plugin that keeps writing
to the pipe could block the host for ever."""
EOF_GRACE: Final = 1.0
"""Seconds between a closed stdout and SIGKILL, so that a plugin can exit with its own status."""


class Child(Protocol):
    """The part of `subprocess.Popen` that the host uses."""

    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> IO[bytes] | None: ...
    @property
    def stdout(self) -> IO[bytes] | None: ...
    def wait(self) -> int:
        """Blocks until the child has ended. Returns the exit status; called in its own thread."""
        ...

    def kill(self) -> None:
        """Kills the child."""


class PluginProcess:
    """A running child process. Not thread-safe: use it in the event loop that created it.

    With `owns_group` the child leads a process group, which is killed when the child ends.

    `on_frame` is called for each frame; `on_malformed` once if the output is not JSON, with the
    text at the fault; `on_exit` once, after all output was read, with `subprocess`'s return code.
    """

    def __init__(
        self,
        popen: Child,
        framer: Framer,
        *,
        on_frame: Callable[[Frame], None],
        on_malformed: Callable[[MalformedError, str], None],
        on_exit: Callable[[int], None],
        owns_group: bool = False,
    ) -> None:
        assert popen.stdin is not None
        assert popen.stdout is not None
        self._popen, self._framer = popen, framer
        self._on_frame, self._on_malformed, self._on_exit = on_frame, on_malformed, on_exit
        self._owns_group = owns_group
        self._loop = asyncio.get_running_loop()
        self._stdin, self._stdout = popen.stdin, popen.stdout
        self._waiting = bytearray()
        self._closing = False
        self._reading = True
        self._fed = 0
        self._exited: asyncio.Future[int] = self._loop.create_future()
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        self._loop.add_reader(self._stdout.fileno(), self._readable)
        threading.Thread(target=self._reap, name="clnwire-reaper", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit status; a negative number is a signal; `None` while the process runs."""
        return self._exited.result() if self._exited.done() else None

    def send(self, data: bytes) -> None:
        """Writes data without blocking; queues what the pipe does not accept yet.

        Data is dropped once stdin is closed, by the host or by the plugin.
        """
        if self._closing:
            return
        if self._waiting:
            self._waiting += data
            return
        written = self._write(data)
        if written < len(data):
            self._waiting += memoryview(data)[written:]
            self._loop.add_writer(self._stdin.fileno(), self._writable)

    def close_stdin(self) -> None:
        """Closes the plugin's stdin after the queued data is written."""
        if not self._closing:
            self._closing = True
            if not self._waiting:
                self._stdin.close()

    def stop_reading(self) -> None:
        """Stops reading stdout."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._stdout.fileno())

    def kill(self) -> None:
        """Sends SIGKILL. `on_exit` is called after the process was reaped."""
        self.stop_reading()
        self._kill()

    async def exited(self, timeout: float | None = None) -> int:
        """The exit status, once it has ended. Raises `TimeoutError` after `timeout` seconds."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._exited), timeout)
        except asyncio.TimeoutError:
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s") from None

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._stdin.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError:
            # The plugin has closed its stdin: drop the data, as the daemon does.
            return len(data)

    def _writable(self) -> None:
        del self._waiting[: self._write(self._waiting)]
        if not self._waiting:
            self._loop.remove_writer(self._stdin.fileno())
            if self._closing:
                self._stdin.close()

    def _readable(self) -> None:
        data = self._read()
        if data:
            self._take(data)
        elif data is not None:
            self.stop_reading()
            self._loop.call_later(EOF_GRACE, self._kill_if_running)

    def _read(self) -> bytes | None:
        """The next bytes; `None` if there are none yet, empty at the end."""
        try:
            return os.read(self._stdout.fileno(), READ_SIZE)
        except BlockingIOError:
            return None

    def _take(self, data: bytes) -> None:
        """Passes on the frames that the data completes. An incomplete last frame is dropped."""
        framer = self._framer
        framer.feed(data)
        self._fed += len(data)
        try:
            for frame in framer:
                if frame.fault is not None:
                    self._lose(frame.fault, frame.fault.near)
                    break
                self._on_frame(frame)
                if not self._reading:
                    break
            else:
                if (fault := framer.pending_fault) is not None:
                    raise fault
        except MalformedError as error:
            near = data[max(0, error.offset - (self._fed - len(data))) :][:SHOWN]
            self._lose(error, near.decode("utf-8", "replace"))

    def _lose(self, error: MalformedError, near: str) -> None:
        self.stop_reading()
        self._on_malformed(error, near)

    def _kill_if_running(self) -> None:
        if not self._exited.done():
            self._kill()

    def _kill(self) -> None:
        if self._owns_group:
            self._kill_group()
        self._popen.kill()

    def _kill_group(self) -> None:
        # The whole group may have ended. macOS then reports EPERM if only zombies are left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)

    def _reap(self) -> None:
        """Waits for the child, in its own thread: asyncio has no portable way to do so."""
        code = self._popen.wait()
        if self._owns_group:
            # A group's id is not reused while the group has members, and rarely right afterwards,
            # so this does not kill another group.
            self._kill_group()
        try:
            self._loop.call_soon_threadsafe(self._ended, code)
        except RuntimeError:
            # The loop was closed before the plugin ended.
            return

    def _ended(self, code: int) -> None:
        for _ in range(LAST_READS):
            data = self._read() if self._reading else None
            if not data:
                # The end, or only a child of the plugin still holds the pipe open.
                break
            self._take(data)
        self.stop_reading()
        if not self._stdin.closed:
            self._loop.remove_writer(self._stdin.fileno())
            self._stdin.close()
        self._stdout.close()
        self._closing = True
        self._waiting.clear()
        self._exited.set_result(code)
        self._on_exit(code)


class ChunkedWriter:
    """Writes to a plugin in the order of the calls."""

    def __init__(self, process: PluginProcess, cut: Cut | None) -> None:
        self._process, self._cut = process, cut
        self._waiting: deque[bytes] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False

    def send(self, message: bytes) -> None:
        """Writes a message, or queues its chunks if there is a `cut` function."""
        if self._cut is None:
            self._process.send(message)
            return
        self._waiting.extend(self._cut(message))
        if self._timer is None:
            self._next()

    def close(self) -> None:
        """Closes the plugin's stdin after the queued chunks are written."""
        self._closing = True
        if self._timer is None:
            self._process.close_stdin()

    def _next(self) -> None:
        self._timer = None
        if self._waiting:
            self._process.send(self._waiting.popleft())
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self._next)
        elif self._closing:
            self._process.close_stdin()


def spawn(
    argv: Sequence[str],
    *,
    cwd: str | Path | None,
    env: Mapping[str, str],
    stderr: int | IO[bytes] | None = None,
    own_group: bool = False,
) -> subprocess.Popen[bytes]:
    """Starts a plugin as the daemon does, with stdin and stdout as pipes.

    `stderr` is inherited by default. With `own_group` the plugin leads a session and process
    group. Raises `HostError` with the reason if the process cannot be started.
    """
    # With this Python's folder first, `#!/usr/bin/env python3` finds the packages of the host's
    # virtual environment even if the environment is not activated.
    search = os.pathsep.join((str(Path(sys.executable).parent), env.get("PATH", os.defpath)))
    environment = {**env, LIGHTNINGD_PLUGIN: "1", "PATH": search, HOST: f"{os.getpid()} {cwd}"}
    # If the host itself runs in a plugin, it inherits that plugin's pid in this variable, which
    # would mark the new plugin as a mere child process.
    environment.pop(PLUGIN_PID, None)
    try:
        return subprocess.Popen(
            argv,
            bufsize=0,
            cwd=cwd,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=own_group,
        )
    except OSError as error:
        raise HostError(program.why_not_started(argv[0], error)) from None


def ending(code: int) -> str:
    """Describes how a process ended, as a predicate: `exited with status 1`."""
    if code >= 0:
        return f"exited with status {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
