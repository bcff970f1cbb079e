"""Stands between a daemon and its plugin: forwards every byte at once, and records a copy.

One thread, one `poll`: a byte is forwarded before it is copied, and the copy never waits (see
`tap`). A side is read only when all it said before has been passed on, so no more than one read a
direction waits in memory, and who reads slowly slows the other side down as without a proxy.

Each end is passed on as it happens: the end of an input, a reader that is gone, signals, and the
plugin's exit status.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from clnwire.captures.tap import FROM_PLUGIN, LIMIT, TO_PLUGIN, Tap, widen
from clnwire.captures.writer import become_writer
from clnwire.program import ProgramError, why_not_started

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clnwire.captures.redaction import Redaction

READ_SIZE: Final = 1 << 16
"""As many bytes as a pipe holds on Linux unless it is told otherwise."""
MOST_READ: Final = 1 << 20
"""Bytes of a read that follows a full one: as many as a widened pipe holds."""
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
"""Seconds that the end waits for a disk; after that the writer is left to itself."""


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

    def run(self, file: int, redaction: Redaction | None) -> int:
        """Runs the plugin to its end; its return code as `subprocess` gives it.

        `file` is where the capture goes. Raises `ProgramError` if the plugin cannot be started.
        """
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)
        self._catch_signals()
        popen = self._start()
        writer = self._fork_writer(popen, file, redaction)
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
                # What a terminal sends to all of its group comes to the plugin once, from us.
                start_new_session=True,
            )
        except OSError as error:
            raise ProgramError(why_not_started(self._argv[0], error)) from None
        for number in self._early:
            popen.send_signal(number)
        return popen

    def _catch_signals(self) -> None:
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        # Without a handler nothing would wake the loop up.
        signal.signal(signal.SIGCHLD, _note)
        for number in PASSED_ON:
            # What is ignored, as under nohup, the plugin ignores, too.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._pass_on)

    def _pass_on(self, number: int, frame: object) -> None:
        del frame
        if self._popen is None:
            self._early.append(number)
        elif self._popen.returncode is None:
            self._popen.send_signal(number)
        elif number in (signal.SIGTERM, signal.SIGINT):
            # The plugin is gone, and only a process that it left behind keeps its pipes open.
            self._orphaned = True

    def _fork_writer(
        self, popen: subprocess.Popen[bytes], file: int, redaction: Redaction | None
    ) -> int:
        assert popen.stdin is not None
        assert popen.stdout is not None
        reading, writing = os.pipe()
        widen(writing)
        watched = _watched(popen.pid)
        writer = os.fork()
        if writer == 0:
            signal.set_wakeup_fd(-1)
            for number in PASSED_ON:
                signal.signal(number, signal.SIG_IGN)
            for descriptor in (writing, popen.stdin.fileno(), popen.stdout.fileno()):
                os.close(descriptor)
            become_writer(reading, file, redaction, watched)
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
        assert popen.stdin is not None
        assert popen.stdout is not None
        plugin_in, plugin_out = popen.stdin.fileno(), popen.stdout.fileno()
        os.set_blocking(plugin_in, False)
        os.set_blocking(plugin_out, False)
        flows = (
            Flow(TO_PLUGIN, DAEMON_IN, plugin_in, self._poll, self._tap),
            Flow(FROM_PLUGIN, plugin_out, DAEMON_OUT, self._poll, self._tap),
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
                    _drain(descriptor)
                    popen.poll()
                else:
                    self._tap_event(events)
        for flow in flows:
            flow.cut()

    def _tap_event(self, events: int) -> None:
        if events & _GONE:
            self._tap.broken()
        else:
            self._tap.writable()


class Flow:
    """One direction, from who speaks to who listens."""

    def __init__(self, kind: int, source: int, sink: int, poll: select.poll, tap: Tap) -> None:
        self.source, self.sink = source, sink
        self._kind, self._poll, self._tap = kind, poll, tap
        self._waiting = memoryview(b"")
        self._size = READ_SIZE
        self._ended = False
        """All has been read."""
        self.is_over = False
        """Nothing more can pass."""
        poll.register(source, select.POLLIN)
        for descriptor in (source, sink):
            # A message of 1 MB passes in few turns then.
            widen(descriptor)
        # No event is asked for: that nobody reads any more is told in any case.
        poll.register(sink, 0)

    def take(self, descriptor: int, events: int) -> None:
        """Does what `poll` says can be done."""
        if self.is_over:
            return
        if descriptor == self.source:
            self._readable()
        elif events & _GONE:
            self.cut()
        elif events & select.POLLOUT:
            self._writable()

    def cut(self) -> None:
        """Nobody listens: who speaks is told so, and the last words are recorded."""
        if self.is_over:
            return
        for _ in range(LAST_READS):
            if self._ended or not _has_input(self.source):
                break
            data = self._read()
            if not data:
                break
            self._tap.take(self._kind, time.monotonic_ns(), data)
        self._close()

    def _read(self) -> bytes | None:
        """`None` if there is nothing yet. A terminal that is gone is the end, too."""
        try:
            data = os.read(self.source, self._size)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        # Room for a large read costs more than a small read does.
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
        except OSError:
            self._tap.take(self._kind, at_ns, data)
            self.cut()
            return
        self._tap.take(self._kind, at_ns, data)
        if written < len(data):
            self._waiting = memoryview(data)[written:]
            # Unregistered, for a side that has hung up would be reported all the time.
            self._poll.unregister(self.source)
            self._poll.modify(self.sink, select.POLLOUT)

    def _writable(self) -> None:
        try:
            self._waiting = self._waiting[os.write(self.sink, self._waiting) :]
        except BlockingIOError:
            return
        except OSError:
            self.cut()
            return
        if not self._waiting:
            self._poll.modify(self.sink, 0)
            self._poll.register(self.source, select.POLLIN)

    def _close(self) -> None:
        """Closes both ends: the one has no more to say, or the other does not listen."""
        self.is_over = True
        for descriptor in (self.source, self.sink):
            with suppress(KeyError):
                self._poll.unregister(descriptor)
            _give_up(descriptor)


def _give_up(descriptor: int) -> None:
    """Closes it for the other side, and keeps its number from being used for something else."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    with suppress(OSError):
        # Who has the same end, such as the next command of a shell, finds it as it was.
        os.set_blocking(descriptor, True)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _has_input(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return any(events & select.POLLIN for _, events in poll.poll(0))


def _note(number: int, frame: object) -> None:
    """That a child has ended is found out in the loop."""


def _drain(descriptor: int) -> None:
    with suppress(BlockingIOError):
        os.read(descriptor, READ_SIZE)


def _unblock(descriptor: int) -> None:
    """Lets writes to the daemon's pipe return at once.

    The mode belongs to the pipe's end, not to us: where others have the same one, such as the
    shell a terminal or stderr a common pipe, it stays as it is. If it is full then, it holds up
    both directions.
    """
    if not (os.isatty(descriptor) or _is_same(descriptor, 2)):
        os.set_blocking(descriptor, False)


def _is_same(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False


def _watched(pid: int) -> int | None:
    """A descriptor of a process, if this system has such: it cannot come to mean another one."""
    if sys.platform == "linux":
        with suppress(OSError):
            return os.pidfd_open(pid)
    return None


def end_like(code: int) -> int:
    """Ends this process as the plugin has ended: by the same signal, or with the status given."""
    if code >= 0:
        return code
    # The plugin has left its core, if any; ours says nothing.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        # SIGKILL is no signal that could be handled otherwise.
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code
