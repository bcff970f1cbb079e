"""The daemon's database as a `db_write` plugin sees it: numbered sets of SQL statements."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct, json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clnwire.host.rules.dialect import HostDialect
    from clnwire.host.write_barrier import WriteBarrier


_CREATES_VARS: Final = re.compile(r"\s*CREATE\s+TABLE\s+vars\b", re.IGNORECASE)
PRAGMA: Final = "PRAGMA foreign_keys = ON;"
BEGIN: Final = "BEGIN TRANSACTION;"
COMMIT: Final = "COMMIT;"


class _WriteParams(Struct):
    data_version: int
    writes: Sequence[str]


class _Params2019(Struct):
    writes: Sequence[str]


class Database:
    """Sends `db_write` one set at a time and counts the data version.

    While a set is being written no other hook or command is started.
    """

    data_version: int
    """The version of the last set sent: a u32 that wraps around."""

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[object]],
        barrier: WriteBarrier,
        dialect: HostDialect,
    ) -> None:
        self.data_version = 0
        self._send, self._barrier, self._dialect = send, barrier, dialect
        self._encode = json.Encoder().encode
        self._has_versions = False

    async def begin(self) -> None:
        """Sends the `PRAGMA` that old daemons send at each start, before the first set."""
        if not self._dialect.counts_writes:
            async with self._barrier.hold():
                await self._send(self._encode(_Params2019([PRAGMA])))

    async def write(self, writes: Sequence[str], data_version: int | None = None) -> int:
        """Sends one set and returns its version: `data_version`, by default the next one."""
        async with self._barrier.hold():
            version = self.data_version + 1 if data_version is None else data_version
            self.data_version = version & 0xFFFF_FFFF
            self._has_versions |= any(map(_CREATES_VARS.match, writes))
            await self._send(self._params(writes))
            return self.data_version

    async def write_version(self) -> None:
        """Sends a set that changes only the version, as the daemon does when it stops.

        Sends nothing unless an earlier set created the table `vars`: the statement would fail.
        """
        if self._has_versions:
            version = (self.data_version + 1) & 0xFFFF_FFFF
            await self.write([f"UPDATE vars SET intval={version} WHERE name='data_version'"])

    def _params(self, writes: Sequence[str]) -> bytes:
        if self._dialect.counts_writes:
            return self._encode(_WriteParams(self.data_version, writes))
        return self._encode(_Params2019([BEGIN, *writes, COMMIT]))
