"""The embedded host: runs plugins as the daemon does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import json

from clnwire import _core
from clnwire._core import Frame, Framer
from clnwire.host.commands.builtin import Builtin
from clnwire.host.commands.commands import CommandTable, Delivery, HostCommand
from clnwire.host.commands.configs import Configs
from clnwire.host.commands.dispatch import Dispatcher
from clnwire.host.commands.plugin_command import PluginCommand
from clnwire.host.commands.unix_socket import CallerConnection, RpcSocket
from clnwire.host.database import Database, WriteBarrier
from clnwire.host.directory import FEATURES, Directory
from clnwire.host.encoding import result_of, text_of
from clnwire.host.errors import HostError
from clnwire.host.hooks import HookCalls, bounded
from clnwire.host.journal import Call, Journal, LogEntry, TopicEntry
from clnwire.host.parts import Parts
from clnwire.host.plugins.boot import MIGRATIONS, Boot, Migrations, Options
from clnwire.host.plugins.ending import end_all
from clnwire.host.plugins.launcher import Launcher, PluginSpec
from clnwire.host.plugins.owner import Life, OnLog, OnTrace, PluginOwner, Stopped
from clnwire.host.plugins.registry import Plugins
from clnwire.host.rules.decoding import decoded
from clnwire.host.rules.dialect import Name, dialect_named

if TYPE_CHECKING:
    from types import TracebackType

    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.plugins.process import Cut
    from clnwire.host.rules.manifest import Option
    from clnwire.plugin import Plugin as PluginObject

    OnCommand: TypeAlias = Callable[[Frame, bytes | None], None]

A = TypeVar("A")


class Host:
    """Runs plugins as Core Lightning does: the same message order, bytes and refusals.

    ```python
    async with Host() as host:
        await host.start("hello.py", {"greeting": "Hi"})
        print(await host.call("hello", {"name": "Rusty"}))
    ```

    `dialect` selects the daemon to imitate: `"current"` is current Core Lightning, `"2020"` is
    v0.10.0, `"2019"` is the daemon of May 2019.

    Without `lightning_dir` the host uses a temporary directory and removes it at the end. Time-outs
    are in seconds and default to the daemon's; `None` is no limit, as the daemon has for hooks and
    methods. `max_frame_bytes` and `max_depth` limit each message from a plugin or a caller.
    `features` are the daemon's feature bits by place, in hexadecimal.

    `on_log(level, source, line)` is called for each line of the daemon's log,
    `on_trace(direction, plugin, frame)` for each frame (direction `"in"` is to the plugin, `"out"`
    is from it), and `on_command(request, reply)` twice for each request on the socket: first with
    `None`, then with the reply's text.

    `cut(message)` returns the chunks in which a message is written to a plugin, with a short pause
    between them. With `own_groups` each plugin leads its own process group, and its child processes
    are killed when it ends. `started_in` is the plugins' working directory in the dialect of 2019,
    where plugins run in the folder the daemon was started in; `None` is this process's own.

    The command `plugin rescan` starts the plugins in `<lightning_dir>/plugins` and `plugin_dirs`
    that are not running, except `disabled_plugins`: full paths or ends of paths.

    Entering the context raises `HostError` if another host runs in the directory.
    """

    logs: Journal[LogEntry]
    """The log lines that plugins wrote."""
    remarks: Journal[LogEntry]
    """What the daemon would have logged about its plugins."""
    notifications: Journal[TopicEntry]
    """The notifications that plugins published on their own topics."""
    calls: Journal[Call]
    """The calls of commands on the socket, also those of plugins."""

    def __init__(
        self,
        *,
        dialect: Name = "current",
        lightning_dir: str | Path | None = None,
        network: str = "regtest",
        manifest_timeout: float | None = 120.0,
        init_timeout: float | None = 120.0,
        hook_timeout: float | None = None,
        call_timeout: float | None = None,
        shutdown_timeout: float = 30.0,
        max_frame_bytes: int = _core.DEFAULT_MAX_FRAME_BYTES,
        max_depth: int = _core.DEFAULT_MAX_DEPTH,
        features: Mapping[str, str] = FEATURES,
        plugin_dirs: Sequence[str | Path] = (),
        disabled_plugins: Sequence[str] = (),
        on_log: OnLog | None = None,
        on_trace: OnTrace | None = None,
        on_command: OnCommand | None = None,
        cut: Cut | None = None,
        own_groups: bool = False,
        started_in: str | Path | None = None,
    ) -> None:
        imitated = dialect_named(dialect)
        plugins, life = Plugins(), Life()
        self._host = host = Parts(
            dialect=imitated,
            directory=Directory(
                lightning_dir, network, features, has_network_folder=imitated.has_network_folder
            ),
            plugins=plugins,
            owner=PluginOwner(plugins, life, imitated, on_log, on_trace),
            life=life,
            barrier=WriteBarrier(),
            commands=CommandTable(),
        )
        self.logs, self.remarks = host.owner.logs, host.owner.remarks
        self.notifications, self.calls = host.owner.notifications, host.owner.calls
        self._call_timeout, self._shutdown_timeout = call_timeout, shutdown_timeout
        self._framer = partial(Framer, max_frame_bytes=max_frame_bytes, max_depth=max_depth)
        self._tell_command = on_command
        self._hooks = HookCalls(host, hook_timeout)
        write = partial(self._hooks.call, "db_write", timeout=None)
        self._database = Database(write, host.barrier, imitated)
        self._dispatcher = Dispatcher(host, self._hooks)
        self._launch = Launcher(
            host, self._framer, cut=cut, own_groups=own_groups, started_in=started_in
        ).launch
        self._socket = RpcSocket(host.directory, self._serve, self._framer)
        self._boot = Boot(host, self._database, self._socket.open, manifest_timeout, init_timeout)
        self._is_entered = False
        Builtin(host, Configs(host), partial(self._end_plugins, "the command stop"))
        folders = [Path(given).absolute() for given in plugin_dirs]
        PluginCommand(host, self._boot, self._launch, folders, disabled_plugins, shutdown_timeout)

    async def __aenter__(self) -> Host:
        self._host.directory.create()
        self._is_entered = True
        return self

    async def _serve(
        self, frame: Frame, connection: CallerConnection
    ) -> tuple[bytes, Delivery | None]:
        """Answers a request from the socket."""
        call = Call(frame.method or "", frame.params or b"{}", frame.id or b"null")
        self._host.owner.on_call(call)
        if self._tell_command is not None:
            self._tell_command(frame, None)
        reply, delivery = await self._dispatcher.serve(frame, connection)
        if self._tell_command is not None:
            self._tell_command(frame, reply)
        return reply, delivery

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def rpc_path(self) -> Path:
        """The path of the daemon's socket, which opens before the first plugin gets `init`."""
        return self._host.directory.rpc_path

    @property
    def plugin(self) -> Plugin:
        """The plugin that was started first. Raises `HostError` if no plugin was started."""
        plugins = self._host.plugins.all()
        if not plugins:
            raise HostError("no plugin has been started")
        return plugins[0]

    @property
    def plugins(self) -> list[Plugin]:
        """The running plugins, in the order of their start."""
        return self._host.plugins.running()

    @property
    def commands_waiting(self) -> list[str]:
        """The unanswered commands from the socket, including those of plugins, oldest first."""
        return self._dispatcher.waiting()

    @property
    def data_version(self) -> int:
        """The data version of the last `db_write`; 0 before the first."""
        return self._database.data_version

    @data_version.setter
    def data_version(self, version: int) -> None:
        self._database.data_version = version

    async def start(
        self,
        path: str | Path | PluginObject,
        options: Options | None = None,
        *,
        important: bool = False,
        arguments: Sequence[str] = (),
        migrations: Migrations = MIGRATIONS,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Plugin:
        """Starts one plugin and waits until it has answered `init`. Others may run already.

        `path` is the plugin's file, or a `clnwire.Plugin`, which a thread of this process serves
        over pipes with `Plugin.run_on`; the restrictions of `run_on` apply.
        `options` are values as a user would write them (`"0x10"`, `"yes"`) or Python values, or a
        function that takes the plugin's options and returns the values.
        `migrations` are the sets of SQL statements that a `db_write` plugin gets before `init`.
        `env` is added to this process's environment; `stderr` is inherited by default, as for
        `subprocess.Popen`. If the plugin disables itself, the host ends it and sets
        `plugin.disabled` to the reason.

        Raises `ManifestError`, `PluginOptionError`, `FatalAnswerError`, `PluginDiedError`, and
        `HostError` if the plugin cannot be started.
        """
        self._check_entered()
        plugin = self._launch(PluginSpec(path, important, arguments), env, stderr)
        await self._boot.start(plugin, options or {}, migrations)
        return plugin

    async def start_all(
        self,
        specs: Sequence[PluginSpec],
        options: Options | None = None,
        *,
        migrations: Migrations = MIGRATIONS,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> list[Plugin]:
        """Starts a set of plugins as the daemon does at boot. Returns the plugins that run.

        A plugin that is refused or dies is ended, with the reason in `remarks`; the start of the
        others continues. `options` are the values for all plugins, or a function that takes the
        plugins' options and returns the values. `start_all` calls `load`, then `bring_up`.

        Raises the errors that stop the daemon: the failure of an important plugin, a clash of
        option names, unknown options or bad values, and a fatal answer to `db_write`.
        """
        await self.load(specs, env=env, stderr=stderr)
        return await self.bring_up(options, migrations=migrations)

    async def load(
        self,
        specs: Sequence[PluginSpec],
        *,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> list[Plugin]:
        """The first half of `start_all`: starts the processes, checks the manifests.

        Returns the accepted plugins. Afterwards `manifest_options` returns their options.
        """
        self._check_entered()
        return await self._boot.load(specs, partial(self._launch, env=env, stderr=stderr))

    async def bring_up(
        self, options: Options | None = None, *, migrations: Migrations = MIGRATIONS
    ) -> list[Plugin]:
        """The second half of `start_all`: options, `db_write`, the socket, `init`.

        Returns the plugins that run.
        """
        try:
            return await self._boot.bring_up(options or {}, migrations)
        except HostError as error:
            self._host.life.finish(str(error), failed=True)
            raise

    def manifest_options(self) -> dict[str, Option]:
        """The options of the running plugins, by name."""
        return {name: option for name, (_, option) in self._host.plugins.options().items()}

    def _check_entered(self) -> None:
        if not self._is_entered:
            raise HostError("enter the host first: async with Host() as host")

    @property
    def callers(self) -> int:
        """The number of connections on the socket."""
        return self._socket.callers

    def hang_up(self) -> None:
        """Closes all connections on the socket at once, including those with pending commands."""
        self._socket.hang_up()

    async def wait_stopped(self) -> Stopped:
        """Waits for an event that stops the daemon, and returns which one.

        The events are the command `stop`, `host.stop()`, the end of an important plugin, and an
        error that stops the daemon, such as a fatal answer. In the last two cases the remaining
        plugins run until `stop` is called or the context is left.
        """
        return await self._host.life.wait()

    async def stop(self) -> None:
        """Ends the plugins as the daemon does when it stops, and cleans up."""
        await self._end_plugins("stopped")
        await self._socket.close()
        self._host.directory.remove()

    async def _end_plugins(self, reason: str) -> None:
        """Ends the plugins; afterwards `wait_stopped` returns."""
        self._host.owner.ending = True
        self._socket.stop_listening()
        await end_all(self._host, self._database, self._shutdown_timeout)
        self._host.life.finish(reason, failed=False)

    async def call(
        self,
        method: str,
        params: object = None,
        *,
        id: str | int | None = None,  # noqa: A002 - JSON-RPC's name for it
        timeout: float | None = None,
    ) -> Any:
        """Calls a command as a caller on the socket would. Returns the decoded result.

        `id` is the caller's id; in the current dialect it is the prefix of the id that the plugin
        gets. `timeout` is in seconds and defaults to `call_timeout`. Raises `RpcError`, with code
        -4 if the plugin ends before it answers and -32601 for an unknown command, and
        `TimeoutError`.
        """
        token = None if id is None else json.encode(id)
        command = HostCommand(method, text_of({} if params is None else params), token)
        running = self._dispatcher.run(command)
        limit = self._call_timeout if timeout is None else timeout
        outcome = await bounded(running, limit, f"'{method}' was not answered")
        if outcome.error is not None:
            raise outcome.error
        if outcome.frame is not None:
            return result_of(outcome.frame)
        return decoded(outcome.result or b"null")

    def notify(self, topic: str, payload: object, *, origin: str | None = None) -> int:
        """Sends a notification to the subscribers. Returns how many times it was sent.

        Without `origin` the notification is native and its payload is wrapped in the topic's name
        (in old dialects not for `connect` and `disconnect`). With `origin`, a plugin's file name,
        it is a custom notification and its payload is not wrapped. A plugin that subscribed to the
        topic and to `*` gets it twice.
        """
        return self._host.plugins.notify(topic, payload, origin)

    async def hook(self, name: str, payload: object, *, timeout: float | None = None) -> Any:
        """Calls a hook and returns the decoded answer, checked as the daemon checks it.

        If the plugins' filters exclude the event, no plugin is called and the answer is
        `{"result": "continue"}`. `timeout` is in seconds and defaults to `hook_timeout`. Raises
        `FatalAnswerError` where the daemon would have stopped, `PluginDiedError`, `TimeoutError`,
        and `HostError` if no plugin has the hook.
        """
        if name != "db_write":
            return await self._hooks.call(name, payload, timeout)
        async with self._host.barrier.hold():
            return await self._hooks.call(name, payload, timeout)

    async def db_write(self, writes: Sequence[str], *, data_version: int | None = None) -> int:
        """Calls the hook `db_write` and returns its data version: one more than the last.

        As in the daemon, writes run one at a time. `data_version` overrides the version, to repeat
        or skip some. Raises the errors of `hook`; any answer but `continue` is fatal.
        """
        return await self._database.write(writes, data_version)

    def command(self, name: str) -> Callable[[A], A]:
        """Adds a command of the daemon: `@host.command("listpeers")`.

        A function, plain or `async`, takes the decoded params and returns the result or raises
        `RpcError`. Any other object is the result: `host.command("listpeers")({"peers": []})`.
        A function with a second parameter gets the `Caller`, to send it messages and progress.
        A `Delivery` as the result delays, splits or truncates the reply. `bytes` and
        `msgspec.Raw` are JSON text and may be of any size.
        """

        def register(answer: A) -> A:
            self._host.commands.register(name, answer)
            return answer

        return register

    async def wait_for_log(self, part: str, timeout: float | None = 10.0) -> LogEntry:
        """The next log line that contains `part`; returns at once if one was logged before.

        No wait returns a line that a wait has returned before. `timeout` is in seconds. Raises
        `TimeoutError`, and `PluginDiedError` if no plugin runs any more.
        """
        return await self.logs.wait(lambda entry: part in entry.message, timeout)

    async def wait_for_notification(self, topic: str, timeout: float | None = 10.0) -> TopicEntry:
        """The next notification that a plugin published on `topic`, past or to come.

        What counts as the next, `timeout` and the errors are as for `wait_for_log`.
        """
        return await self.notifications.wait(lambda entry: entry.topic == topic, timeout)

    async def wait_for_call(self, method: str, timeout: float | None = 10.0) -> Call:
        """The next call of a command on the socket, past or to come; as `wait_for_log`."""
        return await self.calls.wait(lambda call: call.method == method, timeout)
