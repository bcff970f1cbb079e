"""The daemon's commands for asyncio: other tasks run until the reply is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from clnwire.commands._awaitable import AwaitableCommands
from clnwire.rpc._caller import Caller, params_text, with_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire.rpc._call import OnMessage, OnProgress, Options
    from clnwire.rpc._caller import Params

T = TypeVar("T")


class AwaitableRpc(AwaitableCommands):
    """The daemon's commands: `await plugin.rpc.aio.getinfo()`.

    As `Rpc`, with the same names and the same pool of connections; works in any event loop. A call
    that is cancelled gives its connection up; what it called for may still be carried out. A large
    reply is decoded in one go, which holds up the loop for some 2 ms a megabyte.
    """

    def __init__(self, caller: Caller, options: Options | None = None) -> None:
        self._caller, self._options = caller, options

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
        """Calls any command, and gives its result as `type`: dicts and lists unless told otherwise.

        `filter`: a template of what the result is to consist of, which the daemon trims it to.
        The others are those of `options`.
        """
        options = with_options(self._options, timeout, on_message, on_progress)
        return await self._run(method, params_text(params), type, filter, options)

    def options(
        self,
        *,
        timeout: float | None = None,
        on_message: OnMessage | None = None,
        on_progress: OnProgress | None = None,
    ) -> AwaitableRpc:
        """The same client with other settings: `await rpc.aio.options(timeout=5).getinfo()`.

        `timeout`: after so many seconds a call raises `CallTimeoutError`. `on_message(text, level)`
        and `on_progress(done, total, stage)` take what the daemon shows while it works; if one
        raises, the call ends with that. What is not given stays as it was.
        """
        chosen = with_options(self._options, timeout, on_message, on_progress)
        return AwaitableRpc(self._caller, chosen)

    async def _run(
        self,
        method: str,
        params: bytes,
        kind: Any,
        trim: object = None,
        options: Options | None = None,
    ) -> Any:
        options = options or self._options
        steps = self._caller.steps(method, params, options, trim, blocking=False)
        from clnwire.rpc._task import run
        from clnwire.rpc._text import result_of

        reply = await run(steps, None if options is None else options.timeout)
        return result_of(method, reply, kind)
