"""How long a host lives, and why it ends."""

from __future__ import annotations

import asyncio

from msgspec import Struct


class Stopped(Struct, frozen=True):
    """Why a host has ended."""

    reason: str
    failed: bool
    """Whether the daemon would have exited with an error."""


class Life:
    """The host's lifetime. It ends once, with the first reason given."""

    def __init__(self) -> None:
        self._stopped: Stopped | None = None
        self._event = asyncio.Event()

    @property
    def stopped(self) -> Stopped | None:
        """Why it has ended; `None` while it has not."""
        return self._stopped

    def finish(self, reason: str, *, failed: bool) -> None:
        """It ends here."""
        if self._stopped is None:
            self._stopped = Stopped(reason, failed)
            self._event.set()

    async def wait(self) -> Stopped:
        """Waits for the end."""
        await self._event.wait()
        assert self._stopped is not None
        return self._stopped
