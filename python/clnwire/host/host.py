"""The embedded host: the daemon's plugin side, without a daemon."""

from __future__ import annotations

from functools import partial
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import json

from clnwire import _core
from clnwire._core import Framer
from clnwire._wire.facts import COMMANDS
from clnwire.host.commands.builtin import Builtin
from clnwire.host.commands.commands import CommandTable, HostCommand
from clnwire.host.commands.configs import Configs
from clnwire.host.commands.dispatch import Dispatcher
from clnwire.host.commands.unix_socket import RpcSocket
from clnwire.host.database import Database
from clnwire.host.directory import FEATURES, Directory
from clnwire.host.encoding import result_of, text_of
from clnwire.host.errors import HostError
from clnwire.host.hooks import HookCalls, bounded
from clnwire.host.lifetime import Life, Stopped
from clnwire.host.plugins import startup
from clnwire.host.plugins.boot import Boot, Migrations, Options, Surroundings
from clnwire.host.plugins.ending import end_all
from clnwire.host.plugins.launcher import Launcher, PluginSpec
from clnwire.host.plugins.owner import OnLog, OnTrace, PluginOwner
from clnwire.host.plugins.registry import Plugins
from clnwire.host.rules.decoding import decoded
from clnwire.host.rules.dialect import Name, dialect_named
from clnwire.host.write_barrier import WriteBarrier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from clnwire._core import Frame
    from clnwire.host.commands.unix_socket import CallerConnection
    from clnwire.host.delivery import Delivery
    from clnwire.host.journal import Journal, LogEntry, TopicEntry
    from clnwire.host.plugins.chunked_writer import Cut
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.manifest import Option, ReservedNames
    from clnwire.plugin import Plugin as PluginObject

    OnCommand: TypeAlias = Callable[[Frame, bytes | None], None]
from pathlib import Path

from clnwire.host.commands.plugin_command import PluginCommand

A = TypeVar("A")


class Host:
    """Runs plugins as Core Lightning does: same order, same bytes, same refusals.

    ```python
    async with Host() as host:
        await host.start("hello.py", {"greeting": "Hi"})
        print(await host.call("hello", {"name": "Rusty"}))
    ```

    `dialect` is the daemon's age: `"current"` is today's Core Lightning, `"2020"` v0.10.0, `"2019"`
    the daemon of May 2019.

    Without `lightning_dir` a temporary directory is used and removed at the end. The timeouts are
    in seconds, those of the daemon by default; `None` waits for ever, as the daemon does for hooks
    and methods. `max_frame_bytes` and `max_depth` limit what a plugin or a caller may send.
    `features` are the daemon's feature bits, by place, in hexadecimal.
    `on_log(level, source, line)` is given each line of the daemon's log,
    `on_trace(direction, plugin, frame)` each frame, `"in"` to the plugin or `"out"` of it,
    `on_command(request, reply)` each request that comes over the socket, first with `None`, then
    with the reply's text.

    `cut(message)` gives the pieces in which a message is written to a plugin, with a short pause
    after each: a plugin must not mind. With `own_groups` each plugin leads a process group of its
    own, and what it has started ends with it. `started_in` is the folder in which the daemon was
    started, where plugins run under the daemon of 2019; this process's own if it is `None`.

    `plugin rescan` starts what is new in `<lightning_dir>/plugins` and in `plugin_dirs`, but for
    `disabled_plugins`, which are paths or the ends of paths.

    Entering the block raises `HostError` if another host runs in the directory.
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
        self._dialect = dialect_named(dialect)
        self._call_timeout, self._shutdown_timeout = call_timeout, shutdown_timeout
        self._limits = (max_frame_bytes, max_depth)
        self._cut, self._own_groups, self._started_in = cut, own_groups, started_in
        self._directory = Directory(
            lightning_dir,
            network,
            features,
            has_network_folder=self._dialect.has_network_folder,
        )
        self._plugins, self._life, self._barrier = Plugins(), Life(), WriteBarrier()
        self._owner = PluginOwner(self._plugins, self._life, self._dialect, on_log, on_trace)
        self.logs, self.remarks = self._owner.logs, self._owner.remarks
        self.notifications = self._owner.notifications
        self._hooks = HookCalls(
            self._plugins, self._owner.on_remark, self._life, self._barrier, hook_timeout
        )
        ask = partial(self._hooks.call, "db_write", timeout=None)
        self._database = Database(ask, self._barrier, self._dialect)
        self._commands = CommandTable()
        self._dispatcher = Dispatcher(
            self._plugins,
            self._hooks,
            self._commands,
            self._barrier,
            self._owner.on_remark,
            self._dialect,
        )
        self._boot = Boot(self._surroundings(manifest_timeout, init_timeout))
        self._plugin_dirs = [Path(given).absolute() for given in plugin_dirs]
        self._disabled_plugins = disabled_plugins
        self._tell_command = on_command
        self._register_commands()
        self._socket: RpcSocket | None = None

    def _register_commands(self) -> None:
        remark = self._owner.on_remark
        Builtin(self._commands, self._directory, self._plugins, remark, self._shut_down).register()
        Configs(self._directory, self._plugins, remark).register(self._commands)
        PluginCommand(
            self._boot,
            self._plugins,
            self._dialect,
            remark,
            lambda: [self._directory.root / "plugins", *self._plugin_dirs],
            self._disabled_plugins,
            self._shutdown_timeout,
        ).register(self._commands)

    def _surroundings(
        self, manifest_timeout: float | None, init_timeout: float | None
    ) -> Surroundings:
        launcher = Launcher(
            self._owner,
            self._directory,
            self._dialect,
            self._framer,
            cut=self._cut,
            own_groups=self._own_groups,
            started_in=self._started_in,
        )
        return Surroundings(
            plugins=self._plugins,
            owner=self._owner,
            launcher=launcher,
            directory=self._directory,
            database=self._database,
            dialect=self._dialect,
            life=self._life,
            taken=self._taken,
            open_socket=self._open_socket,
            manifest_timeout=manifest_timeout,
            init_timeout=init_timeout,
        )

    async def __aenter__(self) -> Host:
        self._directory.create()
        self._socket = RpcSocket(self.rpc_path, self._serve, self._framer)
        return self

    async def _serve(
        self, frame: Frame, connection: CallerConnection
    ) -> tuple[bytes, Delivery | None]:
        """Answers a request that came over the socket."""
        tell = self._tell_command
        if tell is None:
            return await self._dispatcher.serve(frame, connection)
        tell(frame, None)
        reply, delivery = await self._dispatcher.serve(frame, connection)
        tell(frame, reply)
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
        """The daemon's socket. It opens before the first plugin gets `init`."""
        return self._directory.rpc_path

    @property
    def plugin(self) -> Plugin:
        """The plugin that was started first. Raises `HostError` if there is none."""
        plugins = self._plugins.all()
        if not plugins:
            raise HostError("no plugin has been started")
        return plugins[0]

    @property
    def plugins(self) -> list[Plugin]:
        """Those that run, in the order of their start."""
        return self._plugins.running()

    @property
    def commands_waiting(self) -> list[str]:
        """The commands that callers on the socket wait for, oldest first; plugins among them."""
        return self._dispatcher.waiting()

    @property
    def data_version(self) -> int:
        """The version that the last `db_write` carried; 0 before the first."""
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
        migrations: Migrations = startup.MIGRATIONS,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> Plugin:
        """Starts one plugin and waits until it has answered `init`. Others may run already.

        `path` is its file; or a `clnwire.Plugin`, which is served by a thread of this process, over
        pipes all the same: with `Plugin.run_on`, whose restrictions hold.
        `options` are values as a user would write them (`"0x10"`, `"yes"`) or of Python's own
        types, or a function that is given what the plugin offers and returns the values.
        `migrations` are the sets of statements that a `db_write` plugin gets before `init`;
        `env` is added to this process's environment; `stderr` is inherited unless given, as for
        `subprocess.Popen`. If the plugin disables itself, it is ended, and `plugin.disabled` says
        why.

        Raises `ManifestError`, `PluginOptionError`, `FatalAnswerError`, `PluginDiedError`, and
        `HostError` if it cannot be started at all.
        """
        self._check_entered()
        spec = PluginSpec(path, important, arguments)
        return await self._boot.start(spec, options or {}, migrations, env, stderr)

    async def start_all(
        self,
        specs: Sequence[PluginSpec],
        options: Options | None = None,
        *,
        migrations: Migrations = startup.MIGRATIONS,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> list[Plugin]:
        """Starts a set of plugins as the daemon does when it boots: those that run in the end.

        A plugin that is refused or dies is ended, and `remarks` say why; the others go on.
        `options` are those of all plugins together, or a function that is given what they offer
        and returns the values. For the two halves of the way see `load` and `bring_up`.

        Raises what ends the daemon: the error of an important plugin, a clash of option names,
        options that nobody has or whose values do not fit, and a fatal answer to `db_write`.
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
        """The first half of `start_all`: `getmanifest`, and what the daemon makes of the answers.

        Afterwards `manifest_options` knows the options.
        """
        self._check_entered()
        return await self._boot.load(specs, env, stderr)

    async def bring_up(
        self, options: Options | None = None, *, migrations: Migrations = startup.MIGRATIONS
    ) -> list[Plugin]:
        """The second half of `start_all`: options, `db_write`, the socket, `init`."""
        try:
            return await self._boot.bring_up(options or {}, migrations)
        except HostError as error:
            self._life.finish(str(error), failed=True)
            raise

    def manifest_options(self) -> dict[str, Option]:
        """The options that the plugins offer, by name."""
        return {name: option for name, (_, option) in self._plugins.options().items()}

    def _check_entered(self) -> None:
        if self._socket is None:
            raise HostError("enter the host first: async with Host() as host")

    async def _open_socket(self) -> None:
        assert self._socket is not None
        await self._socket.open()

    @property
    def callers(self) -> int:
        """How many connections there are on the socket."""
        return 0 if self._socket is None else self._socket.callers

    def hang_up(self) -> None:
        """Ends all connections on the socket at once, whatever is under way on them."""
        if self._socket is not None:
            self._socket.hang_up()

    async def wait_stopped(self) -> Stopped:
        """Waits for what ends the daemon, and says what it was.

        That is the command `stop`, `host.stop()`, an important plugin's end, or a fatal answer.
        The plugins are still there until `stop` is called or the block ends.
        """
        return await self._life.wait()

    async def stop(self) -> None:
        """Ends the plugins as the daemon does at its own end, and cleans up."""
        await self._end_plugins()
        self._life.finish("stopped", failed=False)
        if self._socket is not None:
            await self._socket.close()
        self._directory.remove()

    async def _shut_down(self) -> None:
        """The command `stop`: whoever waits for the end goes on when the plugins have ended."""
        await self._end_plugins()
        self._life.finish("the command stop", failed=False)

    async def _end_plugins(self) -> None:
        self._owner.ending = True
        await end_all(
            self._plugins.all(),
            self._dialect,
            self._shutdown_timeout,
            self._database,
            self._owner.on_remark,
        )

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
        if name != "db_write":
            return await self._hooks.call(name, payload, timeout)
        async with self._barrier.hold():
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
        A function's second parameter is the `Caller`, which it can tell how it goes on. A result
        that is a `Delivery` goes out as it says: late, in small pieces, or not to its end. `bytes`
        and `msgspec.Raw` are JSON text, as large as you like.
        """

        def register(answer: A) -> A:
            self._commands.register(name, answer)
            return answer

        return register

    async def wait_for_log(self, part: str, timeout: float | None = 10.0) -> LogEntry:
        """The first log line, past or to come, that contains `part`.

        Raises `TimeoutError`, and `PluginDiedError` if the last plugin ends meanwhile.
        """
        return await self.logs.wait(lambda entry: part in entry.message, timeout)

    async def wait_for_notification(self, topic: str, timeout: float | None = 10.0) -> TopicEntry:
        """The first notification of a topic, past or to come, that a plugin published.

        Raises as `wait_for_log` does.
        """
        return await self.notifications.wait(lambda entry: entry.topic == topic, timeout)

    def _framer(self) -> Framer:
        return Framer(max_frame_bytes=self._limits[0], max_depth=self._limits[1])

    def _taken(self) -> ReservedNames:
        commands = COMMANDS | set(self._commands.names())
        return self._plugins.taken(commands, self._directory.features)
