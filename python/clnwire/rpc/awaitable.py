"""The daemon's commands for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from clnwire.commands._awaitable import AwaitableCommands
from clnwire.rpc._caller import Client, params_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire.rpc._call import CallOptions, OnMessage, OnProgress
    from clnwire.rpc._caller import Params

T = TypeVar("T")


class AwaitableRpc(Client, AwaitableCommands):
    """The daemon's commands: `await plugin.rpc.aio.getinfo()`.

    Has the methods and exceptions of `Rpc`, and shares its pool of connections; works in any event
    loop. Cancelling a call closes its connection; the daemon may still run the command. Decoding a
    reply blocks the loop for about 2 ms per megabyte.
    """

    @overload
    async def call(
        self,
        method: str,
        params: Params = None,
        *,
        type: type[T],
        filter: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        on_message: OnMessage | None = None,
        on_progress: OnProgress | None = None,
    ) -> T: ...

    @overload
    async def call(
        self,
        method: str,
        params: Params = None,
        *,
        filter: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        on_message: OnMessage | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any: ...

    async def call(
        self,
        method: str,
        params: Params = None,
        *,
        type: Any = Any,
        filter: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        on_message: OnMessage | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any:
        """Calls any command, with the arguments and the result of `Rpc.call`."""
        options = self._with(timeout, on_message, on_progress)
        return await self._run(method, params_text(params), type, filter, options)

    async def _run(
        self,
        method: str,
        params: bytes,
        kind: Any,
        trim: object = None,
        options: CallOptions | None = None,
    ) -> Any:
        options = options or self._options
        steps = self._caller.steps(method, params, options, trim, blocking=False)
        from clnwire.rpc._task import run
        from clnwire.rpc._text import result_of

        reply = await run(steps, None if options is None else options.timeout)
        return result_of(method, reply, kind)
