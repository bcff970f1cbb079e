"""Delays hooks and commands while `db_write` runs, as in the daemon."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class WriteBarrier:
    """Held by one `db_write` at a time. All other calls wait until no `db_write` holds it."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._writers = 0
        """The number of tasks that hold the barrier or wait to hold it."""

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None, None]:
        """Holds the barrier within the context. While held, `wait` does not return."""
        self._writers += 1
        self._idle.clear()
        try:
            async with self._lock:
                yield
        finally:
            self._writers -= 1
            if not self._writers:
                self._idle.set()

    async def wait(self) -> None:
        """Waits until no task holds the barrier. Returns without suspending if none does."""
        while self._writers:
            await self._idle.wait()
