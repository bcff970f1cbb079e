"""Calls hooks: plugin by plugin along the chain, or all plugins at once for `db_write`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct

from clnwire.host.encoding import rpc_command_event, text_of
from clnwire.host.errors import FatalAnswerError, PluginDiedError
from clnwire.host.rules.answers import AnswerError, judge
from clnwire.host.rules.chain import (
    CONTINUE,
    decides_call,
    merge,
    next_event,
    should_continue,
    wants,
)
from clnwire.host.rules.dialect import VERSION

if TYPE_CHECKING:
    from clnwire.host.commands.commands import HostCommand
    from clnwire.host.parts import Parts
    from clnwire.host.plugins.plugin import Plugin

T = TypeVar("T")

TWO_DECIDE: Final = (
    f"lightningd {VERSION} aborts here: an earlier plugin of the chain has already replaced or "
    "answered this command; give their hooks filters with no command in common"
)


class _Event(Struct):
    """One call of a hook."""

    hook: str
    text: bytes
    caller: bytes | None = None
    """The id of the request that caused the call."""
    timeout: float | None = None


class HookCalls:
    """Calls the daemon's hooks. `timeout` is in seconds; the daemon has no time-out."""

    def __init__(self, host: Parts, timeout: float | None) -> None:
        self._host, self._timeout = host, timeout

    async def call(self, name: str, payload: object, timeout: float | None) -> Any:
        """The merged answer of the plugins that have the hook and whose filters pass the event.

        Raises `FatalAnswerError`, `PluginDiedError`, `TimeoutError`, and `HostError` if no plugin
        has the hook.
        """
        event = _Event(name, text_of(payload), timeout=timeout)
        if name == "db_write":
            return await self._ask_all(self._host.plugins.hooked(name), event)
        await self._host.barrier.wait()
        return await self._ask_in_turn(self._host.plugins.hooked(name), event)

    async def ask_rpc_command(self, command: HostCommand) -> object:
        """The answer to the hook `rpc_command`; `None` if no plugin has answered it."""
        chain = self._host.plugins.chain("rpc_command")
        if not chain:
            return None
        event = _Event("rpc_command", rpc_command_event(command), command.token)
        try:
            return await self._ask_in_turn(chain, event)
        except PluginDiedError:
            # The daemon then runs the command as if no plugin had the hook.
            return None

    async def _ask_all(self, chain: Sequence[Plugin], event: _Event) -> Any:
        """Calls all plugins at once. If one of them dies the host stops, as the daemon does."""
        asking = [self._ask(plugin, event) for plugin in chain]
        answers = await asyncio.gather(*asking, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                if isinstance(answer, PluginDiedError):
                    self._host.life.finish(f"hook {event.hook}: {answer}", failed=True)
                raise answer
        return answers[-1]

    async def _ask_in_turn(self, chain: Sequence[Plugin], event: _Event) -> Any:
        """Calls one plugin after the other until an answer ends the chain."""
        total: Any = None
        answered, died = False, None
        for plugin in chain:
            hook = plugin.manifest.hooks[event.hook]
            if hook.filters and not wants(hook, event.text):
                continue
            try:
                answer = await self._ask(plugin, event)
            except PluginDiedError as error:
                died = error
                continue
            if not should_continue(event.hook, answer):
                return answer
            if event.hook == "rpc_command" and decides_call(total) and decides_call(answer):
                raise self._fatal(plugin, event, TWO_DECIDE)
            total = merge(event.hook, total, answer) if answered else answer
            answered = True
            event.text = next_event(event.hook, event.text, answer)
        if died is not None and not answered:
            raise died
        return total if answered else dict(CONTINUE)

    async def _ask(self, plugin: Plugin, event: _Event) -> Any:
        future = plugin.request(event.hook, event.text, caller=event.caller)
        limit = self._timeout if event.timeout is None else event.timeout
        reply = await bounded(future, limit, f"hook {event.hook} was not answered")
        try:
            verdict = judge(event.hook, reply, plugin.dialect.name)
        except AnswerError as error:
            raise self._fatal(plugin, event, str(error)) from None
        if verdict.remark is not None:
            self._host.remark(plugin.name, verdict.remark, "answer")
        return verdict.answer

    def _fatal(self, plugin: Plugin, event: _Event, reason: str) -> FatalAnswerError:
        fatal = FatalAnswerError(plugin.name, event.hook, reason)
        self._host.life.finish(str(fatal), failed=True)
        return fatal


async def bounded(waiting: Awaitable[T], seconds: float | None, what: str) -> T:
    """Waits at most `seconds`; `None` is no limit. Raises `TimeoutError`; `what` is its text."""
    try:
        return await asyncio.wait_for(waiting, seconds)
    except asyncio.TimeoutError:
        raise TimeoutError(f"{what} within {seconds:g} s") from None
