"""The `logging` handler. A separate module, since it is imported only if `logging` is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from clnwire.errors import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire._wire.levels import LogLevel


class DaemonHandler(logging.Handler):
    """Writes records to the daemon's log, each at the closest level."""

    has_set_level: ClassVar[bool] = False
    """Whether the root logger's level is INFO because of these handlers."""

    def __init__(
        self, log: Callable[[str, LogLevel], object], only_if: Callable[[], bool] | None
    ) -> None:
        super().__init__()
        self._log = log
        if only_if is not None:
            self.addFilter(lambda record: only_if())

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record. Failures to format it are reported on stderr, as `logging` does."""
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        except BaseException as failure:
            # `handleError` would call the `__str__` of the arguments again, and raise again.
            text = f"{record.pathname}:{record.lineno}: no text: {describe_error(failure)}"
        self._log(text, _level(record.levelno))


def is_bridged(record: logging.LogRecord) -> bool:
    """Whether a `DaemonHandler` receives the record."""
    logger: logging.Logger | None = logging.getLogger(record.name)
    while logger is not None:
        if any(isinstance(handler, DaemonHandler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _level(number: int) -> LogLevel:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    if number >= logging.INFO:
        return "info"
    return "debug" if number >= logging.DEBUG else "trace"
