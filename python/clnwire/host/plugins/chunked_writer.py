"""Writes messages to a plugin, optionally in chunks: a pipe may split a message across reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from clnwire.host.plugins.process import PluginProcess

Cut: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""Takes a message for a plugin and returns the chunks to write instead. The function may return
nothing and prepend the message to a later one."""

PAUSE: Final = 0.01
"""Seconds between two chunks, so that a waiting plugin reads them separately."""


class ChunkedWriter:
    """Writes to a plugin in the order of the calls."""

    def __init__(self, process: PluginProcess, cut: Cut | None) -> None:
        self._process, self._cut = process, cut
        self._waiting: deque[bytes] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False

    def send(self, message: bytes) -> None:
        """Writes a message, or queues its chunks if there is a `cut` function."""
        if self._cut is None:
            self._process.send(message)
            return
        self._waiting.extend(self._cut(message))
        if self._timer is None:
            self._next()

    def close(self) -> None:
        """Closes the plugin's stdin after the queued chunks are written."""
        self._closing = True
        if self._timer is None:
            self._process.close_stdin()

    def _next(self) -> None:
        self._timer = None
        if self._waiting:
            self._process.send(self._waiting.popleft())
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self._next)
        elif self._closing:
            self._process.close_stdin()
