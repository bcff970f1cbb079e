"""The daemon's database as a `db_write` plugin sees it: numbered sets of SQL statements."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from msgspec import json

if TYPE_CHECKING:
    from clnwire.host.rules.dialect import HostDialect

_CREATES_VARS: Final = re.compile(r"\s*CREATE\s+TABLE\s+vars\b", re.IGNORECASE)
PRAGMA: Final = "PRAGMA foreign_keys = ON;"
BEGIN: Final = "BEGIN TRANSACTION;"
COMMIT: Final = "COMMIT;"


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


class Database:
    """Sends `db_write` one set at a time and counts the data version.

    While a set is being written no other hook or command is started.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[object]],
        barrier: WriteBarrier,
        dialect: HostDialect,
    ) -> None:
        self.data_version = 0
        """The version of the last set, unless a plugin refused it: a u32 that wraps around."""
        self._send, self._barrier, self._dialect = send, barrier, dialect
        self._has_versions = False

    async def begin(self) -> None:
        """Sends the `PRAGMA` that old daemons send at each start, before the first set."""
        if not self._dialect.counts_writes:
            async with self._barrier.hold():
                await self._send(json.encode({"writes": [PRAGMA]}))

    async def write(self, writes: Sequence[str], data_version: int | None = None) -> int:
        """Sends one set and returns its version: `data_version`, by default the next one."""
        async with self._barrier.hold():
            version = self.data_version + 1 if data_version is None else data_version
            version &= 0xFFFF_FFFF
            params: dict[str, object] = {"writes": [BEGIN, *writes, COMMIT]}
            if self._dialect.counts_writes:
                params = {"data_version": version, "writes": writes}
            has_versions = self._has_versions or any(map(_CREATES_VARS.match, writes))
            # The daemon does not survive a refusal, so that nothing is committed after one.
            self._has_versions = False
            await self._send(json.encode(params))
            self.data_version, self._has_versions = version, has_versions
            return version

    async def write_version(self) -> None:
        """Sends a set that changes only the version, as the daemon does when it stops.

        Sends nothing unless an earlier set created the table `vars`: the statement would fail.
        """
        if self._has_versions:
            version = (self.data_version + 1) & 0xFFFF_FFFF
            await self.write([f"UPDATE vars SET intval={version} WHERE name='data_version'"])
