"""Sends copies from the proxy to the writer process through a pipe, without ever blocking.

Copies that the pipe does not take are queued in memory, up to a limit. Beyond the limit they are
dropped, and the capture notes how many bytes are missing. A slow disk thus neither delays the
forwarding nor fills the memory.
"""

import os
import select
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

HEADER: Final = struct.Struct("<QBI")
"""Nanoseconds since the start, the kind, and how many bytes follow."""
TO_PLUGIN: Final = 0
FROM_PLUGIN: Final = 1
GAP: Final = 2
"""Added to a direction: what follows is the number of bytes that were left out."""
FINISHED: Final = 4
"""The kind of the last record, which only a proxy that was not killed writes."""
LIMIT: Final = 64
"""The default limit in MiB: several minutes of a busy node's traffic."""
PIPE_SIZE: Final = 1 << 20
"""The largest pipe that Linux gives an unprivileged process by default."""


class Tap:
    """The pipe's write end, and the queue of copies that it has not taken.

    `on_waiting` is called when the queue becomes non-empty (with `True`) or empty; `complain` gets
    a line about what is not recorded. `limit` is in bytes.
    """

    def __init__(
        self,
        descriptor: int,
        start_ns: int,
        *,
        on_waiting: Callable[[bool], object],
        complain: Callable[[str], object],
        limit: int,
    ) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._start_ns, self._limit = start_ns, limit
        self._on_waiting, self._complain = on_waiting, complain
        self._waiting: deque[bytearray] = deque()
        self._waiting_bytes = 0
        self._left_out = [0, 0]
        self._is_full = False
        self._open = True

    def take(self, kind: int, at_ns: int, data: bytes) -> None:
        """Takes a copy of what went in a direction. Never blocks, never raises."""
        # After the queue was full, half of it must be written before it takes more: few large gaps
        # are better than many small ones.
        limit = self._limit // 2 if self._is_full else self._limit
        if self._waiting_bytes + len(data) > limit:
            self._leave_out(kind, len(data))
            return
        self._is_full = False
        if any(self._left_out):
            self._close_gaps(at_ns)
        self._put(at_ns, kind, data)

    def writable(self) -> None:
        """Writes as much of the queue as the pipe takes."""
        while self._waiting:
            data = self._waiting[0]
            written = self._try(data)
            if written is None:
                return
            self._waiting_bytes -= written
            if written < len(data):
                del data[:written]
                return
            self._waiting.popleft()
        self._on_waiting(False)

    def finish(self, at_ns: int, seconds: float) -> None:
        """Writes the queue for at most `seconds`, and closes the pipe. Only this method blocks."""
        deadline = time.monotonic() + seconds
        self._close_gaps(at_ns)
        self._put(at_ns, FINISHED, b"")
        while self._waiting and (left := deadline - time.monotonic()) > 0:
            select.select([], [self.descriptor], [], left)
            self.writable()
        self.close()

    def close(self) -> None:
        """Drops the queue, and closes the pipe."""
        if self._open:
            self._open = False
            self._waiting.clear()
            self._waiting_bytes = 0
            self._on_waiting(False)
            os.close(self.descriptor)

    def broken(self) -> None:
        """Closes the tap after the writer has exited, which has said why. Forwarding goes on."""
        if self._open:
            self.close()
            self._complain("the recording has ended; what passes is forwarded all the same")

    def _put(self, at_ns: int, kind: int, data: bytes) -> None:
        if not self._open:
            return
        header = HEADER.pack(at_ns - self._start_ns, kind, len(data))
        if self._waiting:
            self._wait(header + data)
            return
        written = self._try(header, data)
        if written is not None and written < len(header) + len(data):
            self._on_waiting(True)
            self._wait((header + data)[written:])

    def _try(self, *parts: bytes | bytearray) -> int | None:
        """How much was written; `None` if the writer has exited."""
        try:
            return os.writev(self.descriptor, parts)
        except BlockingIOError:
            return 0
        except OSError:
            self.broken()
            return None

    def _wait(self, data: bytes) -> None:
        if self._waiting and len(self._waiting[-1]) < PIPE_SIZE // 2:
            self._waiting[-1] += data
        else:
            self._waiting.append(bytearray(data))
        self._waiting_bytes += len(data)

    def _leave_out(self, kind: int, count: int) -> None:
        if not self._is_full:
            self._is_full = True
            self._complain(
                f"the disk is slower than the traffic: {self._limit >> 20} MiB wait for it, and "
                "what comes now is forwarded but not recorded"
            )
        self._left_out[kind] += count

    def _close_gaps(self, at_ns: int) -> None:
        """Records how many bytes were dropped, before any further copy."""
        for kind, count in enumerate(self._left_out):
            if count:
                self._left_out[kind] = 0
                self._put(at_ns, kind + GAP, str(count).encode())


def widen(descriptor: int) -> None:
    """Enlarges a pipe on Linux. Other descriptors stay as they are."""
    if sys.platform == "linux":
        import fcntl

        # Fails if this is not a pipe, or if the user's pipes have reached their total limit.
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
