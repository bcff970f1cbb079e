"""Writing to the daemon's log, directly and through `logging`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from clnwire._wire.levels import COMMON_LEVELS, CURRENT_LEVELS, LogLevel, check_level
from clnwire.errors import ClnwireError, sendable

if TYPE_CHECKING:
    import logging
    import traceback
    from collections.abc import Callable
    from types import TracebackType

    from clnwire._core import Driver
    from clnwire._wire.dialect import Dialect

# `os.path` because importing pathlib takes time at each start.
_OWN_CODE: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120


LONGEST_REASON: Final = 10_000
"""Characters of a failure's reason. A longer one is cut, so that the place after it is not."""


class Log:
    """Writes lines to the daemon's log: `plugin.log("text")`, `plugin.log.warning("text")`.

    Each line of a text (ended by `\\n` or `\\r\\n`) becomes an entry. A line of more than 262,144
    bytes, for which lightningd aborts, is cut, with a note of how much is missing. If a message's
    `__str__` raises, the entry names its type. While the plugin does not run, lines go to stderr.
    Thread-safe.
    """

    __slots__ = ("_driver", "_levels")

    def __init__(self) -> None:
        self._driver: Driver | None = None
        self._levels = COMMON_LEVELS

    def __repr__(self) -> str:
        return f"<Log to {'stderr' if self._driver is None else 'the daemon'}>"

    def connect(self, driver: Driver | None) -> None:
        """Sends lines to the daemon from now on; `None` sends them to stderr."""
        self._driver = driver
        self._levels = COMMON_LEVELS

    def use(self, dialect: Dialect) -> None:
        """Maps levels to those that a daemon of this dialect knows."""
        self._levels = CURRENT_LEVELS if dialect.has_trace else COMMON_LEVELS

    def __call__(self, message: object, level: LogLevel = "info") -> None:
        """Writes each line of `str(message)` to the log.

        Raises `UsageError` for an unknown level.
        """
        check_level(level)
        driver, known = self._driver, self._levels[level]
        for line in _lines(sendable(message)):
            if driver is None:
                sys.stderr.write(f"{level}: {line}\n")
            else:
                driver.log(known, line)

    def trace(self, message: object) -> None:
        """Logs below `debug`. Sent as `debug` to daemons before v24.05, and before `getmanifest`,
        when the daemon's release is unknown."""
        self(message, "trace")

    def debug(self, message: object) -> None:
        """Logs details for developers."""
        self(message, "debug")

    def info(self, message: object) -> None:
        """Logs what the node's operator may want to know."""
        self(message, "info")

    def warn(self, message: object) -> None:
        """Logs something unexpected; the daemon shows the level as `UNUSUAL`."""
        self(message, "warn")

    warning = warn
    """The same, as `logging` names it."""

    def error(self, message: object) -> None:
        """Logs a failure; the daemon shows the level as `**BROKEN**`."""
        self(message, "error")

    critical = error
    """The same, as `logging` names it: the daemon has no higher level."""

    def exception(self, message: object, error: BaseException | None = None) -> None:
        """Logs `message` and the traceback of `error`, at level `error`.

        The default of `error` is the exception that is being handled.
        """
        self(message, "error")
        if error is None:
            error = sys.exc_info()[1]
        if error is not None:
            self(_formatted(error), "error")


def _lines(text: str) -> list[str]:
    """The lines of a text. `str.splitlines` would also split at form feeds and others."""
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def log_failure(
    log: Log, reason: str, error: BaseException, function: Callable[..., object] | None = None
) -> None:
    """Logs the reason and the place in the author's code in one line, then the traceback.

    If all frames are clnwire's own, the place is that of `function`, and the traceback is logged
    only for unforeseen errors, at level `debug`.
    """
    frames = author_frames(error.__traceback__)
    place = _place_of(function) if frames is None else _place_in(frames)
    head, *rest = reason.split("\n", 1)
    if len(head) > LONGEST_REASON:
        missing = len(head) - LONGEST_REASON
        head = f"{head[:LONGEST_REASON]} [... {missing} more characters]"
    log.error("\n".join((f"{head}{place}", *rest)))
    if frames is not None:
        log.error(_formatted(error))
    elif not isinstance(error, ClnwireError):
        log.debug(_formatted(error))


def _place_in(frames: TracebackType) -> str:
    """The innermost place in the file of the first frame."""
    file, line = frames.tb_frame.f_code.co_filename, 0
    frame: TracebackType | None = frames
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == file:
            line = frame.tb_lineno
        frame = frame.tb_next
    return f" ({os.path.basename(file)}:{line})"  # noqa: PTH119


def _place_of(function: Callable[..., object] | None) -> str:
    code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    if code is None:
        return ""
    return f" ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"  # noqa: PTH119


def _formatted(error: BaseException) -> str:
    """The formatted traceback, each part starting at the first frame that is not clnwire's."""
    try:
        import traceback

        parts = traceback.TracebackException.from_exception(error)
        _begin_at_author(parts)
        return "".join(parts.format())
    except BaseException as failure:  # Formatting a NameError's suggestions runs author code.
        return f"no traceback: formatting it failed with {type(failure).__name__}"


def _begin_at_author(parts: traceback.TracebackException) -> None:
    """Drops leading frames of clnwire, and causes that have no other frames.

    If all frames of the exception itself are clnwire's, they stay.
    """
    if _drop_own_frames(parts):
        for name in ("__cause__", "__context__"):
            before = getattr(parts, name)
            if before is not None and not _drop_own_frames(before):
                setattr(parts, name, None)
            elif before is not None:
                _begin_at_author(before)


def _drop_own_frames(parts: traceback.TracebackException) -> bool:
    """Drops the leading frames of clnwire, and returns whether frames are left; else keeps all."""
    for number, frame in enumerate(parts.stack):
        if not frame.filename.startswith(_OWN_CODE):
            del parts.stack[:number]
            return True
    return False


def author_frames(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that is not clnwire's; `None` if it has none."""
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OWN_CODE):
        frames = frames.tb_next
    return frames


def bridge_logging(log: Log, only_if: Callable[[], bool] | None = None) -> logging.Handler | None:
    """Adds a handler to the root logger that writes records to the daemon's log, and returns it.

    Returns `None` if the plugin has not imported `logging`, whose import takes longer than that of
    all of clnwire. Sets the root logger to INFO unless the plugin has set a level or a handler; the
    daemon filters again by its `--log-level`. `only_if`, if given, is called for each record on the
    thread that logs it, and decides whether the record is this plugin's.
    """
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    from clnwire._runtime.logging_handler import DaemonHandler

    root = logging.getLogger()
    handler = DaemonHandler(log, only_if)
    if root.level == logging.WARNING and not root.handlers:
        root.setLevel(logging.INFO)
        DaemonHandler.has_set_level = True
    root.addHandler(handler)
    return handler


def end_bridge(handler: logging.Handler) -> None:
    """Removes the handler of `bridge_logging`; the last one resets the root logger's level."""
    import logging

    from clnwire._runtime.logging_handler import DaemonHandler

    root = logging.getLogger()
    root.removeHandler(handler)
    if any(isinstance(each, DaemonHandler) for each in root.handlers):
        return
    if DaemonHandler.has_set_level and root.level == logging.INFO:
        root.setLevel(logging.WARNING)
    DaemonHandler.has_set_level = False
