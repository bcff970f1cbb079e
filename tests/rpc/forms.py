"""Both forms of the client behind one: each test runs with threads that block and with tasks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from clnwire.rpc import AwaitableRpc, Rpc, connect

Calls = Callable[[Any], Any]
"""A call, given the client: what it returns is awaited where the client is awaitable."""


class Blocking:
    """Calls from this thread, or several from threads at the same time."""

    def __init__(self, path: object, **settings: Any) -> None:
        self.rpc: Rpc = connect(path, name="test", **settings)

    def call(self, act: Calls) -> Any:
        return act(self.rpc)

    def together(self, acts: list[Calls]) -> list[Any]:
        results: list[Any] = [None] * len(acts)

        def work(place: int) -> None:
            try:
                results[place] = acts[place](self.rpc)
            except Exception as error:
                results[place] = error

        threads = [threading.Thread(target=work, args=(place,)) for place in range(len(acts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return results

    def close(self) -> None:
        self.rpc.hang_up()


class Awaitable:
    """Calls from an event loop."""

    def __init__(self, path: object, **settings: Any) -> None:
        self._connected = connect(path, name="test", **settings)
        self.rpc: AwaitableRpc = self._connected.aio
        self._runner = asyncio.new_event_loop()

    def call(self, act: Calls) -> Any:
        return self._runner.run_until_complete(act(self.rpc))

    def together(self, acts: list[Calls]) -> list[Any]:
        async def all_of_them() -> list[Any]:
            return await asyncio.gather(*(act(self.rpc) for act in acts), return_exceptions=True)

        return self._runner.run_until_complete(all_of_them())

    def close(self) -> None:
        self._connected.hang_up()
        self._runner.close()
