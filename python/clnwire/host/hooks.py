"""Calls hooks and judges the answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from clnwire.host.answers import AnswerError, judge
from clnwire.host.errors import FatalAnswerError, HostError
from clnwire.host.filters import wants
from clnwire.host.journal import LogEntry
from clnwire.host.texts import rpc_command_event, text_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clnwire.host.commands import Command
    from clnwire.host.plugin import Plugin
    from clnwire.host.registry import Plugins

T = TypeVar("T")


class Hooks:
    """The daemon's hooks. `timeout` in seconds; the daemon has none."""

    def __init__(
        self, plugins: Plugins, remark: Callable[[LogEntry], None], timeout: float | None
    ) -> None:
        self._plugins, self._remark, self._timeout = plugins, remark, timeout

    async def call(self, name: str, payload: object, timeout: float | None) -> Any:
        """The answer of the plugin that has the hook, for an event that its filters let through.

        Raises `FatalAnswerError`, `PluginDiedError`, `TimeoutError`, `HostError`.
        """
        found = self._plugins.hooked(name)
        if found is None:
            raise HostError(self._plugins.why_not_hooked(name))
        plugin, hook = found
        if hook.filters and not wants(hook, payload):
            return {"result": "continue"}
        return await self._ask(plugin, name, text_of(payload), timeout=timeout)

    async def ask_rpc_command(self, command: Command) -> object:
        """The answer to the hook `rpc_command`; `None` if no plugin wants to be asked."""
        found = self._plugins.hooked("rpc_command")
        if found is None or found[0].death is not None:
            return None
        plugin, hook = found
        if hook.filters and command.method not in hook.filters:
            return None
        return await self._ask(plugin, hook.name, rpc_command_event(command), caller=command.token)

    async def _ask(
        self,
        plugin: Plugin,
        name: str,
        payload: bytes,
        *,
        caller: bytes | None = None,
        timeout: float | None = None,
    ) -> Any:
        future = plugin.request(name, payload, caller=caller)
        limit = self._timeout if timeout is None else timeout
        if limit is None:
            reply = await future
        else:
            reply = await bounded(future, limit, f"hook {name} was not answered")
        try:
            verdict = judge(name, reply)
        except AnswerError as error:
            raise FatalAnswerError(plugin.name, name, str(error)) from None
        if verdict.remark is not None:
            self._remark(LogEntry(plugin.name, "unusual", verdict.remark))
        return verdict.answer


async def bounded(waiting: Awaitable[T], seconds: float | None, what: str) -> T:
    """Waits for so many seconds. Raises `TimeoutError`, which says what did not come."""
    try:
        return await asyncio.wait_for(waiting, seconds)
    except asyncio.TimeoutError:
        raise TimeoutError(f"{what} within {seconds:g} s") from None
