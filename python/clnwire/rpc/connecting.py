"""The client for programs that are not plugins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from clnwire._wire.environment import program_name
from clnwire.rpc._caller import CallOrigin
from clnwire.rpc.blocking import MAX_CONNECTIONS, Rpc

if TYPE_CHECKING:
    from types import TracebackType

    from clnwire.rpc.awaitable import AwaitableRpc


class _Connected(Rpc):
    """A client that closes its connections at the end of a `with` block."""

    def __enter__(self) -> Rpc:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.hang_up()

    async def __aenter__(self) -> AwaitableRpc:
        return self.aio

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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

    def no_handler(method: str, *, blocking: bool) -> CallOrigin:
        del method, blocking
        return origin

    return _Connected(no_handler, max_connections=max_connections)
