"""Makes log lines of what a plugin prints and logs."""

from __future__ import annotations

import logging
import sys
from typing import Any


class PluginStream:
    """Takes the place of `sys.stdout` or `sys.stderr`: each line becomes a line of the log."""

    def __init__(self, plugin: Any, level: str = "info") -> None:
        self.plugin = plugin
        self.level = level
        self.buff = ""

    def write(self, payload: str) -> None:
        """Logs the lines that are whole, if the text ends with one."""
        self.buff += payload
        if payload.endswith("\n"):
            self.flush()

    def flush(self) -> None:
        """Logs the lines that are whole."""
        *lines, rest = self.buff.split("\n")
        if not lines:
            return
        for line in lines:
            self.plugin.log(line, self.level)
        self.buff = rest


def monkey_patch(plugin: Any, stdout: bool = True, stderr: bool = False) -> None:
    """Replaces `sys.stdout` and `sys.stderr` by streams to the plugin's log, at info and warn."""
    if stdout:
        setattr(sys, "stdout", PluginStream(plugin, level="info"))  # noqa: B010 - no file.
    if stderr:
        setattr(sys, "stderr", PluginStream(plugin, level="warn"))  # noqa: B010 - no file.


class PluginLogHandler(logging.StreamHandler):  # type: ignore[type-arg]  # pyright: ignore[reportMissingTypeArgument]
    """Sends the records of `logging` to the daemon's log."""

    def __init__(self, plugin: Any) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]
        self.plugin = plugin
        self.levels = {
            logging.CRITICAL: "error",
            logging.ERROR: "error",
            logging.WARNING: "info",
            logging.INFO: "info",
            logging.DEBUG: "debug",
            logging.NOTSET: "debug",
        }
        """The level of a record → the daemon's."""

    def emit(self, record: logging.LogRecord) -> None:
        """Logs a record."""
        try:
            self.plugin.log(self.format(record), level=self.levels.get(record.levelno, "info"))
        except RecursionError:
            raise  # Handling it would recurse as well (bugs.python.org/issue36272).
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Does nothing: each record is written when it comes."""
