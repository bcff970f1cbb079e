"""The daemon's pipes, which all `Plugin`s of a process share."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from clnwire._core import Wire
from clnwire._wire.environment import LIGHTNINGD_PLUGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clnwire._core import Frame

LAST_OUTPUT: Final = 0.5
"""Seconds that the end waits for what C libraries and child processes have printed."""


class DaemonStream:
    """`plugin.stdout`: text and bytes that go to the daemon as they are, never half a write."""

    encoding = "utf-8"

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes

    @property
    def buffer(self) -> DaemonStream:
        """Itself: it takes bytes as well."""
        return self

    def write(self, text: str | bytes) -> int:
        """Writes at once."""
        self._pipes.write(text.encode() if isinstance(text, str) else bytes(text))
        return len(text)

    def flush(self) -> None:
        """Does nothing."""

    def fileno(self) -> int:
        """The descriptor of the pipe, which does not block."""
        return self._pipes.wire.output_fd

    def isatty(self) -> bool:
        """Never."""
        return False


class Pipes:
    """Reads and writes whole messages."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.stdout = DaemonStream(self)
        self.stdin = sys.stdin
        """As it was at first: the daemon's pipe, and what Python has read of it already."""
        os.register_at_fork(before=_expect_threads, after_in_child=self._in_child)

    def write(self, message: bytes) -> None:
        """Writes a message. Without a daemon it is lost."""
        try:
            self.wire.write(message)
        except BrokenPipeError:
            return

    def frames(self) -> Iterator[Frame]:
        """The messages, to the end of the input."""
        # Python may have read some of the input for whoever has asked `sys.stdin`.
        stdin: Any = self.stdin
        if waiting := stdin.buffer.peek():
            self.wire.feed(stdin.buffer.read1(len(waiting)))
        else:
            return
        while (frame := self.wire.read()) is not None:
            yield frame

    def close(self) -> None:
        """Logs the last output of others, at the end of the process."""
        try:
            self.wire.close(LAST_OUTPUT)
        except OSError:
            return

    def _in_child(self) -> None:
        # Another thread of the parent may have held a lock of the old wire.
        self.wire = Wire((self.wire.input_fd, self.wire.output_fd))


def _expect_threads() -> None:
    """Has Python 3.12 and later warn of a fork only if the plugin has threads of its own.

    The pipes have a thread that reads what others print, which a fork does not harm.
    """
    import threading
    import warnings

    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    if threading.active_count() > 1:
        cast("list[Any]", warnings.filters).pop(0)


_pipes: list[Pipes] = []


def pipes() -> Pipes:
    """The pipes; the first call takes them over."""
    if not _pipes:
        import atexit

        _pipes.append(Pipes())
        atexit.register(_pipes[0].close)
    return _pipes[0]


handling: Final[ContextVar[tuple[Any, Any, Any]]] = ContextVar(
    "handling", default=(None, None, None)
)
"""In a handler: the plugin's client, what precedes the ids of its calls (the message's id, unless
the plugin sets another), and the message."""


def is_daemons_child() -> bool:
    """Whether lightningd, or the embedded host, has started this process."""
    return bool(os.getenv(LIGHTNINGD_PLUGIN))


def original(stream: Any) -> bool:
    """Whether a plugin still uses the stream that it was given."""
    return bool(_pipes) and stream is _pipes[0].stdout
