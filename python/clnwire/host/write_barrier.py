"""While `db_write` runs, the daemon serves nothing else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class WriteBarrier:
    """Held by one `db_write` at a time; everything else waits until nobody holds it."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._writers = 0
        """Those that hold it or wait to hold it."""

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None, None]:
        """While held, `wait` does not return."""
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
        """Waits until nobody holds it. Does not suspend the caller if that is so already."""
        while self._writers:
            await self._idle.wait()
