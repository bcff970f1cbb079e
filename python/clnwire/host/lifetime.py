"""Whether a host has ended, and why."""

from __future__ import annotations

import asyncio

from msgspec import Struct


class Stopped(Struct, frozen=True):
    """Why a host has ended."""

    reason: str
    failed: bool
    """Whether the daemon would have exited with an error."""


class Life:
    """The host's lifetime, which ends with the first reason given."""

    def __init__(self) -> None:
        self._stopped: Stopped | None = None
        self._event = asyncio.Event()

    def finish(self, reason: str, *, failed: bool) -> None:
        """Marks the host as ended. Later calls have no effect."""
        if self._stopped is None:
            self._stopped = Stopped(reason, failed)
            self._event.set()

    async def wait(self) -> Stopped:
        """Waits until the host has ended, and returns why."""
        await self._event.wait()
        assert self._stopped is not None
        return self._stopped
