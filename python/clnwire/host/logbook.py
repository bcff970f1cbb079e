"""Prints the log in the daemon's format: time, level, source and text."""

import datetime
from contextlib import suppress
from typing import Final, TextIO

from clnwire._wire.foreign import printable
from clnwire._wire.levels import ALIASES, SCALE

_SHOWN: Final = {"broken": "**BROKEN**"}
_COLOURS: Final = {"trace": "2", "debug": "2", "unusual": "33", "broken": "1;31"}
_IO_COLOURS: Final = {"IO_OUT": "36", "IO_IN": "35"}


class Logbook:
    """Writes log lines of at least `level` to a stream, optionally with ANSI colours."""

    def __init__(self, stream: TextIO, *, level: str = "info", colours: bool = False) -> None:
        self._stream, self._colours = stream, colours
        self._least = SCALE.index(level)

    def write(self, level: str, source: str, message: str) -> None:
        """Writes an entry, each line with a prefix; `source` is `lightningd` or `plugin-<name>`."""
        level = ALIASES.get(level, level)
        if SCALE.index(level) >= self._least:
            shown = _SHOWN.get(level, level.upper())
            self._lines(shown, source, message, _COLOURS.get(level))

    def trace(self, direction: str, plugin: str, frame: bytes) -> None:
        """Writes a frame. To the daemon, `in` (to the plugin) is `IO_OUT`, `out` is `IO_IN`."""
        shown = "IO_OUT" if direction == "in" else "IO_IN"
        text = frame.decode("utf-8", "replace")
        self._lines(shown, f"plugin-{plugin}", text, _IO_COLOURS[shown])

    def _lines(self, shown: str, source: str, message: str, colour: str | None) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
        for line in message.split("\n"):
            text = f"{shown:<7} {source}: {printable(line)}"
            if self._colours and colour is not None:
                text = f"\x1b[{colour}m{text}\x1b[0m"
            # A closed pipe or a full disk must not stop the plugins.
            with suppress(OSError):
                self._stream.write(f"{stamp} {text}\n")
                self._stream.flush()
