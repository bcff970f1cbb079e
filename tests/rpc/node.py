"""A daemon's socket for clients: the host in a thread of its own, with the commands of a test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from clnwire.host import Host


class Node:
    """A host that serves its socket until the test ends."""

    def __init__(self, register: Callable[[Host], object]) -> None:
        self._register = register
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with Host() as host:
            self.host, self.path = host, host.rpc_path
            self._register(host)
            await host.start_all([])
            self._ready.set()
            await self._stop.wait()

    def hang_up(self) -> None:
        """Ends all connections, as a daemon that starts anew does."""

        async def end() -> None:
            assert self.host._socket is not None
            await self.host._socket.close()
            await self.host._socket.open()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)

    @property
    def callers(self) -> int:
        """How many connections are open."""
        assert self.host._socket is not None
        return len(self.host._socket._connections)

    def __enter__(self) -> Node:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *error: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)


GETINFO = {
    "id": "02" + "ab" * 32,
    "alias": "SILENTARTIST",
    "color": "02abab",
    "num_peers": 1,
    "num_pending_channels": 0,
    "num_active_channels": 2,
    "num_inactive_channels": 0,
    "version": "v26.06",
    "lightning-dir": "/tmp/x",
    "blockheight": 110,
    "network": "regtest",
    "fees_collected_msat": 18446744073709551615,
    "address": [],
    "binding": [],
    "a-member-of-tomorrow": {"x": 1},
}


def echo(host: Host) -> None:
    """The commands of most tests."""
    host.command("getinfo")(GETINFO)
    host.command("echo")(lambda params: params)
