"""The daemon's commands for blocking code: a call returns when its reply has come."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, overload

from clnwire.commands._blocking import BlockingCommands
from clnwire.rpc._caller import Client, params_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire.rpc._call import CallOptions, OnMessage, OnProgress
    from clnwire.rpc._caller import Params
    from clnwire.rpc.awaitable import AwaitableRpc

T = TypeVar("T")


class Rpc(Client, BlockingCommands):
    """The daemon's commands: `plugin.rpc.getinfo()`, `plugin.rpc.call("getinfo")`.

    Each command that clnwire knows is a method. It takes parameters by position or by name and
    returns a Struct; parameters that are left out or `None` are not sent. Calls may be made from
    any thread, several at a time; each uses a connection of the pool alone.

    All calls raise `RpcError` with the daemon's code, message and data; `ReplyError` if the result
    does not fit its type; `CallTimeoutError`; `ConnectionLostError` if the daemon cannot be reached
    or hangs up; `NotReadyError` before `init`; `DeadlockError` if the daemon is waiting for the
    handler that makes the call.
    """

    @cached_property
    def aio(self) -> AwaitableRpc:
        """The same commands for asyncio: `await plugin.rpc.aio.getinfo()`."""
        from clnwire.rpc.awaitable import AwaitableRpc

        return AwaitableRpc(self._caller, self._options)

    @overload
    def call(
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
    def call(
        self,
        method: str,
        params: Params = None,
        *,
        filter: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        on_message: OnMessage | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any: ...

    def call(
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
        """Calls any command and returns its result as `type`; without one, as dicts and lists.

        `filter`: a template of the members that the daemon is to return. The other arguments are
        those of `options`.
        """
        options = self._with(timeout, on_message, on_progress)
        return self._run(method, params_text(params), type, filter, options)

    def hang_up(self) -> None:
        """Closes all connections; calls in flight raise `ConnectionLostError`."""
        self._caller.hang_up()

    def _run(
        self,
        method: str,
        params: bytes,
        kind: Any,
        trim: object = None,
        options: CallOptions | None = None,
    ) -> Any:
        options = options or self._options
        steps = self._caller.steps(method, params, options, trim, blocking=True)
        from clnwire.rpc._text import result_of
        from clnwire.rpc._waiting import run

        return result_of(method, run(steps, None if options is None else options.timeout), kind)
