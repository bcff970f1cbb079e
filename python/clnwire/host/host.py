"""The embedded host: the daemon's plugin side, without a daemon."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import json

from clnwire import _core
from clnwire._core import Framer, IdMap
from clnwire.host import startup
from clnwire.host.builtin import register_builtin
from clnwire.host.commands import Command, CommandTable
from clnwire.host.database import Database
from clnwire.host.directory import FEATURES, Directory
from clnwire.host.dispatch import Dispatcher
from clnwire.host.errors import HostError
from clnwire.host.hooks import Hooks, bounded
from clnwire.host.journal import Journal, Journals, LogEntry, TopicEntry
from clnwire.host.manifest import Taken
from clnwire.host.names import COMMANDS, OPTIONS
from clnwire.host.options import init_options
from clnwire.host.plugin import Plugin
from clnwire.host.process import spawn
from clnwire.host.registry import Plugins
from clnwire.host.shapes import decoded
from clnwire.host.texts import result_of, started_event, text_of
from clnwire.host.unix_socket import RpcSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

A = TypeVar("A")


class Host:
    """Runs a plugin as Core Lightning does: same order, same bytes, same refusals.

    ```python
    async with Host() as host:
        await host.start("hello.py", {"greeting": "Hi"})
        print(await host.call("hello", {"name": "Rusty"}))
    ```

    Without `lightning_dir` a temporary directory is used and removed at the end. The timeouts are
    in seconds, those of the daemon by default; `None` waits for ever, as the daemon does for hooks
    and methods. `max_frame_bytes` and `max_depth` limit what a plugin or a caller may send.
    """

    logs: Journal[LogEntry]
    """The lines that plugins wrote for the daemon's log."""
    remarks: Journal[LogEntry]
    """What the daemon itself would have logged about its plugins."""
    notifications: Journal[TopicEntry]
    """What plugins published on their own topics."""

    def __init__(
        self,
        *,
        dialect: Literal["current", "2019"] = "current",
        lightning_dir: str | Path | None = None,
        network: str = "regtest",
        manifest_timeout: float | None = 120.0,
        init_timeout: float | None = 120.0,
        hook_timeout: float | None = None,
        call_timeout: float | None = None,
        shutdown_timeout: float = 30.0,
        max_frame_bytes: int = _core.DEFAULT_MAX_FRAME_BYTES,
        max_depth: int = _core.DEFAULT_MAX_DEPTH,
    ) -> None:
        if dialect != "current":
            raise HostError(f"this host speaks the current dialect only, not {dialect!r}")
        self._manifest_timeout, self._init_timeout = manifest_timeout, init_timeout
        self._call_timeout, self._shutdown_timeout = call_timeout, shutdown_timeout
        self._limits = (max_frame_bytes, max_depth)
        self._directory = Directory(lightning_dir, network)
        self._ids = IdMap()
        self._plugins = Plugins()
        self._journals = Journals(self.notify)
        self.logs, self.remarks = self._journals.logs, self._journals.remarks
        self.notifications = self._journals.notifications
        self._hooks = Hooks(self._plugins, self._journals.on_remark, hook_timeout)
        self._commands = CommandTable()
        register_builtin(self._commands, self._directory, self._plugins)
        self._dispatcher = Dispatcher(self._plugins, self._hooks, self._commands)
        self._database = Database(partial(self._hooks.call, "db_write", timeout=None))
        self._socket: RpcSocket | None = None

    async def __aenter__(self) -> Host:
        self._directory.create()
        self._socket = RpcSocket(self.rpc_path, self._dispatcher.serve, self._framer)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def rpc_path(self) -> Path:
        """The daemon's socket. It opens before the first plugin gets `init`."""
        return self._directory.rpc_path

    @property
    def plugin(self) -> Plugin:
        """The plugin that was started. Raises `HostError` if there is none."""
        plugins = self._plugins.all()
        if not plugins:
            raise HostError("no plugin has been started")
        return plugins[0]

    @property
    def data_version(self) -> int:
        """The version that the last `db_write` carried; 0 before the first."""
        return self._database.data_version

    async def start(
        self,
        path: str | Path,
        options: Mapping[str, object] | None = None,
        *,
        migrations: Sequence[Sequence[str]] = startup.MIGRATIONS,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Plugin:
        """Starts a plugin and waits until it has answered `init`.

        `options` are values as a user would write them (`"0x10"`, `"yes"`) or of Python's own
        types. `migrations` are the sets of statements that a `db_write` plugin gets before `init`;
        `env` is added to this process's environment; `stderr` is inherited unless given, as for
        `subprocess.Popen`. If the plugin disables itself, it is ended, and `plugin.disabled` says
        why.

        Raises `ManifestError`, `PluginOptionError`, `FatalAnswerError`, `PluginDiedError`, and
        `HostError` if it cannot be started at all.
        """
        plugin = self._spawn(path, env, stderr)
        try:
            await startup.ask_manifest(plugin, self._taken(), self._manifest_timeout)
            if plugin.disabled is None:
                await self._bring_up(plugin, options or {}, migrations)
        except BaseException as error:
            await self._abandon(plugin, f"was not wanted any more: {error}")
            raise
        if plugin.disabled is not None:
            await self._abandon(plugin, f"disabled itself: {plugin.disabled}")
        return plugin

    def _spawn(
        self, path: str | Path, env: Mapping[str, str] | None, stderr: int | IO[bytes] | None
    ) -> Plugin:
        if self._socket is None:
            raise HostError("enter the host first: async with Host() as host")
        self._plugins.check_room()
        argv = startup.command_line(path)
        environment = {**os.environ, **(env or {})}
        popen = spawn(argv, cwd=self._directory.path, env=environment, stderr=stderr)
        plugin = Plugin(Path(path).absolute(), self._journals, self._ids)
        plugin.run(popen, self._framer())
        self._plugins.add(plugin)
        return plugin

    async def _bring_up(
        self, plugin: Plugin, options: Mapping[str, object], migrations: Sequence[Sequence[str]]
    ) -> None:
        assert self._socket is not None
        text = init_options(plugin.name, plugin.manifest, options)
        if "db_write" in plugin.manifest.hooks:
            for writes in migrations:
                await self.db_write(writes)
        await self._socket.open()
        configuration = self._directory.configuration(startup=True)
        await startup.initialise(plugin, text, configuration, self._init_timeout)
        plugin.set_initialised()
        if plugin.disabled is None:
            self.notify("plugin_started", started_event(plugin))

    async def _abandon(self, plugin: Plugin, reason: str) -> None:
        """Ends a plugin that is not to run; the host is free for another one."""
        plugin.kill(reason)
        await plugin.process.exited()
        self._plugins.remove(plugin)

    async def stop(self) -> None:
        """Ends the plugin as the daemon does at its own end, and cleans up."""
        self._journals.ending = True
        for plugin in self._plugins.all():
            await self._end(plugin)
        if self._socket is not None:
            await self._socket.close()
        self._directory.remove()

    async def _end(self, plugin: Plugin) -> None:
        """Subscribers are told, the others see the end of their input; who stays is killed."""
        if not self.notify("shutdown", {}):
            plugin.close()
        try:
            await plugin.process.exited(self._shutdown_timeout)
        except TimeoutError:
            plugin.kill(f"did not end within {self._shutdown_timeout:g} s")
            await plugin.process.exited()

    async def call(
        self,
        method: str,
        params: object = None,
        *,
        id: str | int | None = None,  # noqa: A002 - JSON-RPC's word
        timeout: float | None = None,
    ) -> Any:
        """Gives a command, as a caller on the socket would, and gives its result, decoded.

        `id` is the caller's id, which the plugin sees in front of its own. Raises `RpcError`, with
        code -4 if the plugin ends before it answers and -32601 if nobody knows the command, and
        `TimeoutError`.
        """
        token = None if id is None else json.encode(id)
        command = Command(method, text_of({} if params is None else params), token)
        running = self._dispatcher.run(command)
        limit = self._call_timeout if timeout is None else timeout
        outcome = await bounded(running, limit, f"'{method}' was not answered")
        if outcome.error is not None:
            raise outcome.error
        if outcome.frame is not None:
            return result_of(outcome.frame)
        return decoded(outcome.result or b"null")

    def notify(self, topic: str, payload: object, *, origin: str | None = None) -> int:
        """Sends a notification to who has subscribed, and says how often it was sent.

        A native topic's payload is wrapped in its name; with `origin` (a plugin's file name) it is
        a custom notification, as it is. Subscribed to the topic and to `*`: sent twice.
        """
        return self._plugins.notify(topic, payload, origin)

    async def hook(self, name: str, payload: object, *, timeout: float | None = None) -> Any:
        """Calls a hook and gives the answer, decoded, judged as the daemon does.

        Without asking, the answer is `{"result": "continue"}` for an event that the plugin's
        filters leave out. Raises `FatalAnswerError` where the daemon would have stopped,
        `PluginDiedError`, `TimeoutError`, and `HostError` if the plugin has not got the hook.
        """
        return await self._hooks.call(name, payload, timeout)

    async def db_write(self, writes: Sequence[str], *, data_version: int | None = None) -> int:
        """Sends the hook `db_write` and gives the version that it carried: one more than the last.

        One at a time, as in the daemon. `data_version` sets the version, to repeat one or to leave
        some out. Raises as `hook` does: any answer but `continue` is fatal.
        """
        return await self._database.write(writes, data_version)

    def command(self, name: str) -> Callable[[A], A]:
        """Adds a command of the daemon: `@host.command("listpeers")`.

        A function, plain or `async`, gets the params, decoded, and returns the result or raises
        `RpcError`; anything else is the result itself: `host.command("listpeers")({"peers": []})`.
        """

        def register(answer: A) -> A:
            self._commands.register(name, answer)
            return answer

        return register

    async def wait_for_log(self, part: str, timeout: float | None = 10.0) -> LogEntry:
        """The first log line, past or to come, that contains `part`.

        Raises `TimeoutError`, and `PluginDiedError` if the plugin ends meanwhile.
        """
        return await self.logs.wait(lambda entry: part in entry.message, timeout)

    async def wait_for_notification(self, topic: str, timeout: float | None = 10.0) -> TopicEntry:
        """The first notification of a topic, past or to come, that a plugin published.

        Raises as `wait_for_log` does.
        """
        return await self.notifications.wait(lambda entry: entry.topic == topic, timeout)

    def _framer(self) -> Framer:
        return Framer(max_frame_bytes=self._limits[0], max_depth=self._limits[1])

    def _taken(self) -> Taken:
        return Taken(OPTIONS, COMMANDS | set(self._commands.names()), FEATURES)
