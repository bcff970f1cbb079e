"""The daemon's log: lines written to it by name, and what goes through `logging`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from clnwire.requests import EVERYWHERE, TODAY, LogLevel, check_level

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from clnwire._core import Driver
    from clnwire.dialect import Dialect


class Log:
    """Writes lines to the daemon's log: `plugin.log("text")`, `plugin.log.warn("text")`.

    A text of several lines becomes several entries. From any thread. While the plugin does not
    run, lines go to stderr.
    """

    __slots__ = ("_driver", "_levels")

    def __init__(self) -> None:
        self._driver: Driver | None = None
        self._levels = EVERYWHERE

    def connect(self, driver: Driver | None) -> None:
        """From now on lines go to the daemon."""
        self._driver = driver
        self._levels = EVERYWHERE

    def use(self, dialect: Dialect) -> None:
        """From now on lines have the levels that this daemon knows."""
        self._levels = TODAY if dialect.has_trace else EVERYWHERE

    def __call__(self, message: object, level: LogLevel = "info") -> None:
        """Raises `UsageError` for a level that the daemon does not know."""
        check_level(level)
        driver, known = self._driver, self._levels[level]
        for line in str(message).splitlines():
            if driver is None:
                sys.stderr.write(f"{level}: {line}\n")
            else:
                # Half a surrogate pair (a file name, say) is no JSON; the line matters more.
                driver.log(known, line.encode("utf-8", "replace").decode())

    def trace(self, message: str) -> None:
        """Finer than `debug`, which it becomes with a daemon before v24.05, or before it is known
        that the daemon is not."""
        self(message, "trace")

    def debug(self, message: str) -> None:
        """For developers."""
        self(message, "debug")

    def info(self, message: str) -> None:
        """What the node's operator may want to know."""
        self(message, "info")

    def warn(self, message: str) -> None:
        """Something unusual (the daemon calls it so)."""
        self(message, "warn")

    def error(self, message: str) -> None:
        """Something broken (the daemon calls it so)."""
        self(message, "error")

    def exception(self, message: str, error: BaseException) -> None:
        """`message` and the traceback of `error`, at level `error`."""
        import traceback

        self(message, "error")
        self("".join(traceback.format_exception(error)), "error")


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
    from clnwire._logging_bridge import DaemonHandler

    root = logging.getLogger()
    handler = DaemonHandler(log, only_if)
    if root.level == logging.WARNING and not root.handlers:
        root.setLevel(logging.INFO)
    root.addHandler(handler)
    return handler
