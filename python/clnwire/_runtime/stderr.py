"""Copying of `sys.stderr` to the daemon's log.

Text is intercepted in `sys.stderr` and not by a pipe at file descriptor 2. So when a write returns,
the text has been written to the original stderr and sent to the daemon, however the process ends
next. Output that bypasses `sys.stderr` (`faulthandler`, C libraries, child processes) goes to the
descriptor as before and is not logged.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from _thread import get_ident
from typing import TYPE_CHECKING, Any, Final

from clnwire._wire.environment import LOG_SHOWN_BY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType
    from typing import TextIO

    from _typeshed import ReadableBuffer

    from clnwire._core import Driver

STDERR_LEVEL: Final = "warn"
"""The level of text on stderr, such as Python's warnings."""
ERROR_LEVEL: Final = "error"
"""The level of uncaught exceptions, which end a thread or the program."""
MOST_PENDING: Final = 1 << 16
"""The most characters of an unfinished line that are buffered; more are logged as a line."""


def capture(driver: Driver) -> Capture | None:
    """Starts logging `sys.stderr`, until `close`. `None` if the program has replaced it."""
    stream = sys.stderr
    if stream is not sys.__stderr__:
        return None
    return Capture(driver, stream)


class Capture:
    """Replaces `sys.stderr` and the hooks for uncaught exceptions by logging ones."""

    def __init__(self, driver: Driver, before: TextIO | None) -> None:
        self._before = before
        self._raw = _LoggedFile(driver, before)
        self._stream = io.TextIOWrapper(
            # Without buffering, since the process may end right after a write.
            self._raw,
            encoding="utf-8",
            errors="backslashreplace",
            write_through=True,
        )
        sys.stderr = self._stream
        self._hooks: list[tuple[str, Callable[..., Any], Callable[..., Any]]] = []
        self._hook("excepthook")
        self._hook("unraisablehook")

    def close(self) -> None:
        """Logs unfinished lines, then restores `sys.stderr` and the hooks."""
        self._raw.disconnect()
        for name, before, ours in self._hooks:
            if getattr(sys, name) is ours:
                setattr(sys, name, before)
        if sys.stderr is self._stream:
            sys.stderr = self._before

    def _hook(self, name: str) -> None:
        before = getattr(sys, name)

        def hook(*args: Any) -> Any:
            with self._raw.at(ERROR_LEVEL):
                return before(*args)

        self._hooks.append((name, before, hook))
        setattr(sys, name, hook)


class _LoggedFile(io.RawIOBase):
    """Writes bytes to the original stderr, then line by line to the log."""

    name = "<stderr>"
    mode = "w"

    def __init__(self, driver: Driver, before: TextIO | None) -> None:
        self._driver: Driver | None = driver
        self._before = before
        self._is_shown = os.environ.get(LOG_SHOWN_BY) == str(os.getppid())
        self._levels: dict[int, str] = {}
        self._pending: dict[int, str] = {}
        """Thread → the start of its unfinished line. Each thread has its own: no lock is needed."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return super().fileno() if self._before is None else self._before.fileno()

    def isatty(self) -> bool:
        return self._before is not None and self._before.isatty()

    def write(self, data: ReadableBuffer, /) -> int:
        """Writes and logs the data. Never raises: a handler must not fail over a log line."""
        written = bytes(data)
        driver = self._driver
        if driver is None or driver.is_disowned:
            self._pass_on(written)
            return len(written)
        if not self._is_shown:
            self._pass_on(written)
        writer = sys._getframe().f_back  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        if not _is_logged_already(writer):
            level = self._levels.get(get_ident()) or _level(writer)
            self._log(driver, level, written.decode("utf-8", "replace"))
        return len(written)

    def _pass_on(self, data: bytes) -> None:
        """Writes to the original stderr, which may be closed, full, or without a reader."""
        with contextlib.suppress(OSError, ValueError):
            descriptor = self.fileno()
            while data:
                data = data[os.write(descriptor, data) :]

    def disconnect(self) -> None:
        """Logs unfinished lines, and nothing from then on."""
        driver, self._driver = self._driver, None
        if driver is not None:
            for thread in list(self._pending):
                _log_line(driver, STDERR_LEVEL, self._pending.pop(thread, ""))

    @contextlib.contextmanager
    def at(self, level: str) -> Generator[None, None, None]:
        """A context in which this thread's output is logged at `level`."""
        self._levels[get_ident()] = level
        try:
            yield
        finally:
            self._levels.pop(get_ident(), None)

    def _log(self, driver: Driver, level: str, text: str) -> None:
        thread = get_ident()
        *lines, rest = (self._pending.pop(thread, "") + text).split("\n")
        if len(rest) > MOST_PENDING:
            lines, rest = [*lines, rest], ""
        for line in lines:
            _log_line(driver, level, line)
        if rest:
            # A signal handler on this thread may have started a line meanwhile.
            self._pending[thread] = self._pending.get(thread, "") + rest


def _log_line(driver: Driver, level: str, line: str) -> None:
    if line := line.rstrip():
        with contextlib.suppress(Exception):
            driver.log(level, line)


def _level(writer: FrameType | None) -> str:
    """The level for text that the frame `writer` writes.

    Without a frame, the interpreter itself prints the message of a `SystemExit`: an error. So are
    uncaught exceptions of threads, recognised by a caller in `threading`. Its hook is not replaced,
    because the plugin may import `threading` at any time.
    """
    if writer is None:
        return ERROR_LEVEL
    while writer is not None:
        if (
            writer.f_code.co_name == "invoke_excepthook"
            and writer.f_globals.get("__name__") == "threading"
        ):
            return ERROR_LEVEL
        writer = writer.f_back
    return STDERR_LEVEL


def _is_logged_already(writer: FrameType | None) -> bool:
    """Whether `writer` is a `logging` handler writing a record that a `DaemonHandler` gets too."""
    if (
        writer is None
        or writer.f_code.co_name != "emit"
        or writer.f_globals.get("__name__") != "logging"
    ):
        return False
    from clnwire._runtime.logging_handler import is_bridged

    record = writer.f_locals.get("record")
    return record is not None and is_bridged(record)
