"""The helpers for tests with an event loop of their own: the same, to await."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from clnwire.testing._host import BlockingHost, RunningPlugin

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from pathlib import Path

    from typing_extensions import Unpack

    from clnwire._wire.structs import Event
    from clnwire.plugin import Plugin
    from clnwire.testing._host import StartSettings

__tracebackhide__ = True

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(
    method: Callable[Concatenate[RunningPlugin, P], T],
) -> Callable[Concatenate[AsyncPlugin, P], Coroutine[Any, Any, T]]:
    """The method as a coroutine."""

    @functools.wraps(method)
    async def wait(self: AsyncPlugin, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await in_thread(functools.partial(method, self.running, *args, **kwargs))

    return wait


async def in_thread(function: Callable[[], T]) -> T:
    """Calls the function in a thread of its own: asyncio's pool has few, which may all wait."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    future.set_running_or_notify_cancel()
    Thread(target=run, name="clnwire-wait", daemon=True).start()
    return await asyncio.wrap_future(future)


class AsyncPlugin:
    """A `RunningPlugin` whose methods are coroutines. The fixture `run_plugin_async` gives one.

    Messages leave in the order in which the coroutines take their first step. The host and a
    `Plugin` object run in threads of their own, so nothing waits for the test's loop.
    """

    running: RunningPlugin
    """The plugin, for `logs`, `published`, `calls` and the like; `running.host.answer` as well."""

    def __init__(self, running: RunningPlugin) -> None:
        self.running = running

    async def call(
        self, method: str, params: object = None, *, timeout: float | None = None
    ) -> Any:
        """Calls a method: see `BlockingHost.call`."""
        return await self.running.start_call(method, params).within(timeout)

    async def hook(
        self,
        event: Event | type[Event] | str,
        payload: object = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Calls a hook, and returns the answer: see `BlockingHost.hook`."""
        return await self.running.start_hook(event, payload).within(timeout)

    async def notify(
        self,
        event: Event | type[Event] | str,
        payload: object = None,
        *,
        origin: str | None = None,
    ) -> None:
        """Sends a notification: see `BlockingHost.notify`."""
        self.running.notify(event, payload, origin=origin)

    db_write = _awaited(RunningPlugin.db_write)
    wait_for_log = _awaited(RunningPlugin.wait_for_log)
    wait_for_topic = _awaited(RunningPlugin.wait_for_topic)
    wait_for_call = _awaited(RunningPlugin.wait_for_call)
    hang_up = _awaited(RunningPlugin.hang_up)
    kill = _awaited(RunningPlugin.kill)
    wait_ended = _awaited(RunningPlugin.wait_ended)


class RunPluginAsync:
    """Starts plugins: the fixture `run_plugin_async`."""

    def __init__(self, host: BlockingHost) -> None:
        self._host = host

    async def __call__(
        self,
        path: str | Path | Plugin,
        options: Mapping[str, object] | None = None,
        **settings: Unpack[StartSettings],
    ) -> AsyncPlugin:
        """Starts a plugin, and waits until it has answered `init`: see `BlockingHost.start`."""
        start = functools.partial(self._host.start, path, options, **settings)
        return AsyncPlugin(await in_thread(start))
