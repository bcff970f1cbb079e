"""A caller at the host's socket that waits for no particular bytes, only for whole replies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from clnwire._core import Framer
from clnwire.host import Host


class SocketCaller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._framer = Framer()

    async def ask(self, method: str, params: Any = None, **members: Any) -> Any:
        """The reply to a request, decoded."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}, **members}
        self._writer.write(json.dumps(request).encode())
        return await self.receive()

    async def receive(self) -> Any:
        """The next message, decoded."""
        while True:
            for frame in self._framer:
                return json.loads(frame.bytes)
            data = await asyncio.wait_for(self._reader.read(1 << 16), 10)
            assert data, "the host has closed the connection"
            self._framer.feed(data)


@asynccontextmanager
async def calling(host: Host) -> AsyncIterator[SocketCaller]:
    """A connection to the host."""
    reader, writer = await asyncio.open_unix_connection(host.rpc_path)
    try:
        yield SocketCaller(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()
