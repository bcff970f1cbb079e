"""The daemon's quiet: while `db_write` runs, nothing else is served."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Quiet:
    """One holds it at a time; the others go on when nobody does."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._wanted = 0

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None, None]:
        """Within, nobody passes `over`."""
        self._wanted += 1
        self._idle.clear()
        try:
            async with self._lock:
                yield
        finally:
            self._wanted -= 1
            if not self._wanted:
                self._idle.set()

    async def over(self) -> None:
        """Waits until nobody keeps it. Suspends nobody if that is so."""
        while self._wanted:
            await self._idle.wait()
