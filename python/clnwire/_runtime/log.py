"""The daemon's log: lines written to it by name, and what goes through `logging`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from clnwire._wire.levels import COMMON_LEVELS, CURRENT_LEVELS, LogLevel, check_level
from clnwire.errors import sendable

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from types import TracebackType

    from clnwire._core import Driver
    from clnwire._wire.dialect import Dialect

# Not pathlib, which costs time at each start.
_OWN_CODE: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120


class Log:
    """Writes lines to the daemon's log: `plugin.log("text")`, `plugin.log.warning("text")`.

    Each line of a text, ended by `\\n` or `\\r\\n`, becomes an entry; a line of more than 262,144
    bytes, at which lightningd aborts, is cut and says how much is missing. From any thread. While
    the plugin does not run, lines go to stderr. A message whose `__str__` fails is named by its
    type.
    """

    __slots__ = ("_driver", "_levels")

    def __init__(self) -> None:
        self._driver: Driver | None = None
        self._levels = COMMON_LEVELS

    def __repr__(self) -> str:
        return f"<Log to {'stderr' if self._driver is None else 'the daemon'}>"

    def connect(self, driver: Driver | None) -> None:
        """From now on lines go to the daemon."""
        self._driver = driver
        self._levels = COMMON_LEVELS

    def use(self, dialect: Dialect) -> None:
        """From now on lines have the levels that this daemon knows."""
        self._levels = CURRENT_LEVELS if dialect.has_trace else COMMON_LEVELS

    def __call__(self, message: object, level: LogLevel = "info") -> None:
        """Raises `UsageError` for a level that the daemon does not know."""
        check_level(level)
        driver, known = self._driver, self._levels[level]
        for line in _lines(sendable(message)):
            if driver is None:
                sys.stderr.write(f"{level}: {line}\n")
            else:
                driver.log(known, line)

    def trace(self, message: object) -> None:
        """Finer than `debug`. Logged as `debug` before `getmanifest` has told the daemon's age, and
        by daemons before v24.05."""
        self(message, "trace")

    def debug(self, message: object) -> None:
        """For developers."""
        self(message, "debug")

    def info(self, message: object) -> None:
        """What the node's operator may want to know."""
        self(message, "info")

    def warn(self, message: object) -> None:
        """Something unusual (the daemon calls it so)."""
        self(message, "warn")

    warning = warn
    """The same, as `logging` names it."""

    def error(self, message: object) -> None:
        """Something broken (the daemon calls it so)."""
        self(message, "error")

    critical = error
    """The same: the daemon has no higher level."""

    def exception(self, message: object, error: BaseException | None = None) -> None:
        """`message` and the traceback of `error`, at level `error`.

        Without `error` it is the exception that is being handled, if there is one.
        """
        self(message, "error")
        if error is None:
            error = sys.exc_info()[1]
        if error is not None:
            self(_formatted(error), "error")


def _lines(text: str) -> list[str]:
    """Not `splitlines`, which takes a form feed for the end of a line."""
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def _formatted(error: BaseException) -> str:
    """The traceback from the author's own frame on."""
    try:
        import traceback

        frames = _without_own_frames(error.__traceback__)
        return "".join(traceback.format_exception(type(error), error, frames))
    except BaseException as failure:  # Suggestions for a misspelt name run the author's code.
        return f"no traceback: formatting it failed with {type(failure).__name__}"


def _without_own_frames(frames: TracebackType | None) -> TracebackType | None:
    """Drops the frames of clnwire that called the author's code, unless there are no others."""
    return _foreign(frames) or frames


def has_foreign_frames(frames: TracebackType | None) -> bool:
    """Whether code that is not clnwire's took part."""
    return _foreign(frames) is not None


def _foreign(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OWN_CODE):
        frames = frames.tb_next
    return frames


def bridge_logging(log: Log, only_if: Callable[[], bool] | None = None) -> logging.Handler | None:
    """Sends what goes through `logging` to the daemon, and gives the handler that does so.

    Does nothing if the plugin has not imported `logging`, which costs more than all of clnwire.
    The root logger is set to INFO unless the plugin has chosen a level or a handler itself; the
    daemon filters once more by its own `--log-level`. `only_if` is asked about each record, in the
    thread that it comes from; without it all of the process's are the plugin's.
    """
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    from clnwire._runtime.logging_handler import DaemonHandler

    root = logging.getLogger()
    handler = DaemonHandler(log, only_if)
    if root.level == logging.WARNING and not root.handlers:
        root.setLevel(logging.INFO)
    root.addHandler(handler)
    return handler
