"""What the plugin writes to `sys.stderr` goes to the daemon's log, and where it went before.

The text is taken from `sys.stderr`, not from a pipe at file descriptor 2: a line is where it went
before, and on its way to the daemon, when the write returns, however the process ends next. What
does not come through `sys.stderr` (`faulthandler`, C libraries, child processes) has its
descriptor as ever, and is not in the daemon's log.
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
"""For text that has no level of its own, such as Python's warnings."""
ERROR_LEVEL: Final = "error"
"""What ends a thread or the program."""
MOST_PENDING: Final = 1 << 16
"""Characters of a line without an end that are kept; then they are logged as a line."""


def capture(driver: Driver) -> Capture | None:
    """Has `sys.stderr` logged, until `close`. `None` if the program has replaced it."""
    stream = sys.stderr
    if stream is not sys.__stderr__:
        return None
    return Capture(driver, stream)


class Capture:
    """`sys.stderr` and the hooks for uncaught exceptions, while they are logged."""

    def __init__(self, driver: Driver, before: TextIO | None) -> None:
        self._before = before
        self._raw = _LoggedFile(driver, before)
        self._stream = io.TextIOWrapper(
            # What is written is not kept back: the process may end at once.
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
        """Puts everything back, after what is left of a line."""
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
    """The bytes of `sys.stderr`: to where they went before, then line by line to the log."""

    name = "<stderr>"
    mode = "w"

    def __init__(self, driver: Driver, before: TextIO | None) -> None:
        self._driver: Driver | None = driver
        self._before = before
        self._is_shown = os.environ.get(LOG_SHOWN_BY) == str(os.getppid())
        self._levels: dict[int, str] = {}
        self._pending: dict[int, str] = {}
        """Thread → what it has written of a line: one for each, so that no lock is needed."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return super().fileno() if self._before is None else self._before.fileno()

    def isatty(self) -> bool:
        return self._before is not None and self._before.isatty()

    def write(self, data: ReadableBuffer, /) -> int:
        """Never fails: a line for the log is no reason for a handler to."""
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
        """Writes to the stderr of before."""
        # It may be closed, full, or without a reader.
        with contextlib.suppress(OSError, ValueError):
            descriptor = self.fileno()
            while data:
                data = data[os.write(descriptor, data) :]

    def disconnect(self) -> None:
        """Nothing more is logged, after what is left of lines."""
        driver, self._driver = self._driver, None
        if driver is not None:
            for thread in list(self._pending):
                _put(driver, STDERR_LEVEL, self._pending.pop(thread, ""))

    @contextlib.contextmanager
    def at(self, level: str) -> Generator[None, None, None]:
        """What this thread writes is logged at this level."""
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
            _put(driver, level, line)
        if rest:
            # A signal handler may have begun a line in the meantime.
            self._pending[thread] = self._pending.get(thread, "") + rest


def _put(driver: Driver, level: str, line: str) -> None:
    if line := line.rstrip():
        with contextlib.suppress(Exception):
            driver.log(level, line)


def _level(writer: FrameType | None) -> str:
    """How bad it is that this frame writes.

    Without a frame it is Python itself, which says what `SystemExit` ends the program with. What
    ends a thread comes from `threading`, which a plugin may import at any time.
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
    """Whether a handler of `logging` writes a record that `plugin.log` gets from `logging`, too."""
    if (
        writer is None
        or writer.f_code.co_name != "emit"
        or writer.f_globals.get("__name__") != "logging"
    ):
        return False
    from clnwire._runtime.logging_handler import is_bridged

    record = writer.f_locals.get("record")
    return record is not None and is_bridged(record)
