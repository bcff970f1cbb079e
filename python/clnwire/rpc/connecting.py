"""The client for programs that are not plugins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from clnwire._wire.environment import program_name
from clnwire.rpc._caller import MAX_CONNECTIONS, CallOrigin, RpcCaller
from clnwire.rpc.blocking import Rpc

if TYPE_CHECKING:
    from clnwire.rpc.awaitable import AwaitableRpc


class _Connected(Rpc):
    """A client that closes its connections at the end of a `with` block."""

    def __enter__(self) -> Rpc:
        return self

    def __exit__(self, *raised: object) -> None:
        self.hang_up()

    async def __aenter__(self) -> AwaitableRpc:
        return self.aio

    async def __aexit__(self, *raised: object) -> None:
        self.hang_up()


def connect(
    path: str | os.PathLike[str], *, name: str | None = None, max_connections: int = MAX_CONNECTIONS
) -> _Connected:
    """A client of the daemon whose socket (`lightning-rpc`) is at `path`.

    ```python
    with connect("/home/me/.lightning/regtest/lightning-rpc") as rpc:
        print(rpc.getinfo().id)
    ```

    `async with` gives the awaitable form. `name` is a part of the calls' ids, which the daemon
    logs; the default is the program's name. The first call opens the first connection: `connect`
    itself raises nothing if there is no daemon.
    """
    origin = CallOrigin(os.fspath(path), name or program_name("clnwire"))

    def before_call(method: str, *, blocking: bool) -> CallOrigin:
        return origin

    return _Connected(RpcCaller(before_call, max_connections))
