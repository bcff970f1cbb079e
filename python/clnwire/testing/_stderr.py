"""Passes on what a plugin's process writes to stderr, and keeps the end of it for errors."""

import asyncio
import os
from contextlib import suppress
from typing import Final

from clnwire._wire.foreign import printable

KEPT_BYTES: Final = 1 << 16
"""The most bytes to keep."""
SHOWN_LINES: Final = 12
"""The last lines that an error shows."""
STDERR: Final = 2
"""This process's stderr, which pytest captures."""
LAST_READS: Final = 16
"""The most reads at once: a child of the plugin may write for ever."""


class LastLines:
    """A pipe for a process's stderr. Use it in the loop that created it."""

    plugin: str
    """The name of the plugin that has the pipe."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self._kept = b""
        self._ours, self.theirs = os.pipe()
        """`theirs` is the end for the process."""
        os.set_blocking(self._ours, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._ours, self._read)

    def _read(self) -> bool:
        """Reads once; returns whether there may be more."""
        try:
            data = os.read(self._ours, KEPT_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._loop.remove_reader(self._ours)
            return False
        self._kept = (self._kept + data)[-KEPT_BYTES:]
        with suppress(OSError):
            os.write(STDERR, data)
        return True

    def close_theirs(self) -> None:
        """Closes the process's end in this process, so that the pipe ends with the process."""
        os.close(self.theirs)

    async def text(self) -> str:
        """The last lines."""
        self._drain()
        lines = self._kept.decode("utf-8", "replace").rstrip().splitlines()[-SHOWN_LINES:]
        return printable("\n".join(lines))

    async def close(self) -> None:
        """Passes on the rest, and closes the pipe."""
        self._drain()
        self._loop.remove_reader(self._ours)
        os.close(self._ours)

    def _drain(self) -> None:
        for _ in range(LAST_READS):
            if not self._read():
                return
