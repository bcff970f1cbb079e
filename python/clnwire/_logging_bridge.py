"""The handler for `logging`, in a module of its own: it is imported only where `logging` is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.logs import Log
    from clnwire.requests import LogLevel


class DaemonHandler(logging.Handler):
    """Writes records to the daemon's log, each at the level that comes closest."""

    def __init__(self, log: Log, only_if: Callable[[], bool] | None) -> None:
        super().__init__()
        self._log = log
        if only_if is not None:
            self.addFilter(lambda record: only_if())

    def emit(self, record: logging.LogRecord) -> None:
        """Like every handler, never raises: `logging` reports its failures on stderr."""
        try:
            self._log(self.format(record), _level(record.levelno))
        except Exception:
            self.handleError(record)


def _level(number: int) -> LogLevel:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    if number >= logging.INFO:
        return "info"
    return "debug" if number >= logging.DEBUG else "trace"
