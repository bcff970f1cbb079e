"""Stands between a daemon and its plugin: forwards every byte at once, and records a copy.

One thread polls both directions. Each byte is forwarded before it is copied, and copying never
blocks (see `tap`). A side is read only after its previous bytes have been forwarded. At most one
read per direction is therefore in memory, and a slow reader slows its writer down as without a
proxy.

The proxy passes on the end of an input, a closed reader, signals, and the plugin's exit status.
"""

import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from clnwire.captures.tap import FROM_PLUGIN, LIMIT, TO_PLUGIN, Tap, widen
from clnwire.captures.writer import become_writer
from clnwire.program import ProgramError, why_not_started

READ_SIZE: Final = 1 << 16
"""Bytes of a usual read: the default capacity of a pipe on Linux."""
MOST_READ: Final = 1 << 20
"""Bytes of a read that follows a full one: the capacity of a widened pipe."""
LAST_READS: Final = 16
"""Reads after the other side has closed: enough to drain a widened pipe."""
PASSED_ON: Final = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT")
)
DAEMON_IN: Final = 0
DAEMON_OUT: Final = 1
_GONE: Final = select.POLLERR | select.POLLHUP | select.POLLNVAL
LAST_WAIT: Final = 10.0
"""Seconds that the proxy waits at its end for the writer; then the writer goes on alone."""


class Proxy:
    """One plugin between one daemon's pipes, which are this process's stdin and stdout.

    `limit` bytes may wait to be written; `complain` gets a line about what is not recorded.
    """

    def __init__(
        self, argv: Sequence[str], complain: Callable[[str], object], *, limit: int = LIMIT << 20
    ) -> None:
        self._argv, self._complain, self._limit = argv, complain, limit
        self._popen: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._orphaned = False
        self._poll = select.poll()
        self._start_ns = time.monotonic_ns()

    def run(self, file: int, masked: Sequence[str]) -> int:
        """Runs the plugin to its end; its return code as `subprocess` gives it.

        `file` is where the capture goes, `masked` are the members to mask. Raises `ProgramError`
        if the plugin cannot be started.
        """
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)
        self._catch_signals()
        popen = self._start()
        writer = self._fork_writer(popen, file, masked)
        try:
            self._forward(popen)
        finally:
            self._finish(writer)
        return popen.wait()

    def _finish(self, writer: int) -> None:
        deadline = time.monotonic() + LAST_WAIT
        self._tap.finish(time.monotonic_ns(), LAST_WAIT)
        pause = 0.001
        while os.waitpid(writer, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                self._complain(f"the disk takes more than {LAST_WAIT:g} s; not waiting for it")
                return
            time.sleep(pause)
            pause = min(0.05, pause * 2)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            self._popen = popen = subprocess.Popen(
                self._argv,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # A terminal's signals reach the plugin once, through the proxy.
                start_new_session=True,
            )
        except OSError as error:
            raise ProgramError(why_not_started(self._argv[0], error)) from None
        assert popen.stdin is not None
        assert popen.stdout is not None
        self._plugin_in, self._plugin_out = popen.stdin.fileno(), popen.stdout.fileno()
        for number in self._early:
            popen.send_signal(number)
        return popen

    def _catch_signals(self) -> None:
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        # Without a handler, SIGCHLD would not wake the loop.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in PASSED_ON:
            # The plugin inherits ignored signals (e.g. SIGHUP under nohup), so leave them ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._pass_on)

    def _pass_on(self, number: int, frame: object) -> None:
        del frame
        if self._popen is None:
            self._early.append(number)
        elif self._popen.returncode is None:
            self._popen.send_signal(number)
        elif number in (signal.SIGTERM, signal.SIGINT):
            # The plugin has exited, but a process that it left behind keeps its pipes open.
            self._orphaned = True

    def _fork_writer(self, popen: subprocess.Popen[bytes], file: int, masked: Sequence[str]) -> int:
        reading, writing = os.pipe()
        widen(writing)
        watched = _watched(popen.pid)
        writer = os.fork()
        if writer == 0:
            signal.set_wakeup_fd(-1)
            for number in PASSED_ON:
                signal.signal(number, signal.SIG_IGN)
            for descriptor in (writing, self._plugin_in, self._plugin_out):
                os.close(descriptor)
            become_writer(reading, file, masked, watched)
        for descriptor in (reading, file, *([] if watched is None else [watched])):
            os.close(descriptor)
        self._tap = Tap(
            writing,
            self._start_ns,
            on_waiting=self._watch_tap,
            complain=self._complain,
            limit=self._limit,
        )
        return writer

    def _watch_tap(self, waiting: bool) -> None:
        if waiting:
            self._poll.register(self._tap.descriptor, select.POLLOUT)
        else:
            with suppress(KeyError):
                self._poll.unregister(self._tap.descriptor)

    def _forward(self, popen: subprocess.Popen[bytes]) -> None:
        os.set_blocking(self._plugin_in, False)
        os.set_blocking(self._plugin_out, False)
        flows = (
            Flow(TO_PLUGIN, DAEMON_IN, self._plugin_in, self._poll, self._tap, self._complain),
            Flow(FROM_PLUGIN, self._plugin_out, DAEMON_OUT, self._poll, self._tap, self._complain),
        )
        by_descriptor = {end: flow for flow in flows for end in (flow.source, flow.sink)}
        self._poll.register(self._woken, select.POLLIN)
        _unblock(DAEMON_OUT)
        while popen.returncode is None or not (flows[1].is_over or self._orphaned):
            for descriptor, events in self._poll.poll():
                flow = by_descriptor.get(descriptor)
                if flow is not None:
                    flow.take(descriptor, events)
                elif descriptor == self._woken:
                    with suppress(BlockingIOError):
                        os.read(descriptor, READ_SIZE)
                    popen.poll()
                elif events & _GONE:
                    self._tap.broken()
                else:
                    self._tap.writable()
        for flow in flows:
            flow.cut()


class Flow:
    """One direction, from the source, which is read, to the sink, which is written."""

    def __init__(
        self,
        kind: int,
        source: int,
        sink: int,
        poll: select.poll,
        tap: Tap,
        complain: Callable[[str], object],
    ) -> None:
        self.source, self.sink = source, sink
        self._kind, self._poll, self._tap, self._complain = kind, poll, tap, complain
        self._waiting = memoryview(b"")
        self._size = READ_SIZE
        self._ended = False
        """The source has reached its end."""
        self.is_over = False
        """Both ends are closed."""
        poll.register(source, select.POLLIN)
        for descriptor in (source, sink):
            # A message of 1 MB then takes few turns of the loop.
            widen(descriptor)
        # Register for no events: `poll` reports a closed reader in any case.
        poll.register(sink, 0)

    def take(self, descriptor: int, events: int) -> None:
        """Handles the events that `poll` reports for a descriptor."""
        if self.is_over:
            return
        if descriptor == self.source:
            self._readable()
        elif events & _GONE:
            self.cut()
        elif events & select.POLLOUT:
            self._writable()

    def cut(self) -> None:
        """Records what the source still holds, then closes both ends: the sink has no reader."""
        if self.is_over:
            return
        for _ in range(LAST_READS):
            if self._ended or not select.select([self.source], [], [], 0)[0]:
                break
            data = self._read()
            if not data:
                break
            self._tap.take(self._kind, time.monotonic_ns(), data)
        self._close()

    def _read(self) -> bytes | None:
        """The next bytes; `None` if there are none yet, empty at the end or after an error."""
        try:
            data = os.read(self.source, self._size)
        except BlockingIOError:
            return None
        except OSError as error:
            self._failed("read", error)
            return b""
        # A large buffer costs more than a small read, so use one only after a full read.
        self._size = MOST_READ if len(data) == self._size else READ_SIZE
        return data

    def _readable(self) -> None:
        data = self._read()
        at_ns = time.monotonic_ns()
        if not data:
            if data is not None:
                self._ended = True
                self._close()
            return
        try:
            written = os.write(self.sink, data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._failed("written", error)
            self._tap.take(self._kind, at_ns, data)
            self.cut()
            return
        self._tap.take(self._kind, at_ns, data)
        if written < len(data):
            self._waiting = memoryview(data)[written:]
            # Unregister the source: `poll` would report a hang-up of it again and again.
            self._poll.unregister(self.source)
            self._poll.modify(self.sink, select.POLLOUT)

    def _writable(self) -> None:
        try:
            self._waiting = self._waiting[os.write(self.sink, self._waiting) :]
        except BlockingIOError:
            return
        except OSError as error:
            self._failed("written", error)
            self.cut()
            return
        if not self._waiting:
            self._poll.modify(self.sink, 0)
            self._poll.register(self.source, select.POLLIN)

    def _failed(self, what: str, error: OSError) -> None:
        """Says why this direction ends. That its reader is gone is no failure."""
        if not isinstance(error, (BrokenPipeError, ConnectionResetError)):
            way = "to the plugin" if self._kind == TO_PLUGIN else "from the plugin"
            self._complain(f"the pipe {way} cannot be {what}, and ends: {error.strerror}")

    def _close(self) -> None:
        """Closes both ends, after the end of the source or the loss of the reader."""
        self.is_over = True
        for descriptor in (self.source, self.sink):
            with suppress(KeyError):
                self._poll.unregister(descriptor)
            _give_up(descriptor)


def _give_up(descriptor: int) -> None:
    """Closes a descriptor by pointing it to /dev/null, so that its number is not reused."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    with suppress(OSError):
        # Other processes may share this end, such as a shell: restore the blocking mode for them.
        os.set_blocking(descriptor, True)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _unblock(descriptor: int) -> None:
    """Makes writes to the daemon's pipe return at once.

    All processes that share the pipe's end share this mode. A terminal (shared with the shell) and
    a pipe shared with stderr therefore stay blocking. When they are full, both directions wait.
    """
    is_shared = os.isatty(descriptor)
    with suppress(OSError):
        is_shared |= os.path.sameopenfile(descriptor, 2)
    if not is_shared:
        os.set_blocking(descriptor, False)


def _watched(pid: int) -> int | None:
    """A pidfd of a process, on Linux; unlike an id, it never comes to mean another process."""
    if sys.platform == "linux":
        with suppress(OSError):
            return os.pidfd_open(pid)
    return None


def end_like(code: int) -> int:
    """Ends this process as the plugin has ended: by the same signal, or with the status given."""
    if code >= 0:
        return code
    # The plugin has dumped its own core, if any; a core of the proxy would be of no use.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        # SIGKILL has no handler to reset.
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code
