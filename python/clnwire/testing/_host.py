"""The embedded host for tests that are plain functions: it runs in a thread, and the test waits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict, TypeVar

from clnwire.errors import RpcError, UsageError
from clnwire.host import Host
from clnwire.host.commands.commands import Delivery
from clnwire.host.journal import Call as Call  # noqa: TC001 - public
from clnwire.host.rules.samples import hook_sample, topic_sample
from clnwire.notifications._catalogue import NATIVE
from clnwire.testing._samples import answer_struct, is_sample, name_of, payload_of
from clnwire.testing._stderr import LastLines
from clnwire.testing._traffic import Traffic
from clnwire.testing._waiting import Pending, Waiter

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Unpack

    from clnwire._core import Frame
    from clnwire._wire.structs import Event
    from clnwire.host import Journal, LogEntry, TopicEntry
    from clnwire.host.plugins import plugin as host_plugin
    from clnwire.host.rules.manifest import HostManifest
    from clnwire.plugin import Plugin

__tracebackhide__ = True

T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds that a helper waits by default: far longer than any step should take."""
START_SECONDS: Final = 30.0
"""Seconds that a plugin may take to start: parallel tests slow a machine down."""
LAST_SECONDS: Final = 5.0
"""Seconds that plugins have to exit when the host stops."""
ORIGIN: Final = "clnwire"
"""The publisher named in a custom notification."""


async def _never(params: object) -> object:
    return await asyncio.get_running_loop().create_future()


NEVER: Final = _never
"""Leaves a call unanswered: `host.answer("pay", NEVER)`."""


class StartSettings(TypedDict, total=False):
    """What else a start can be told, as for `Host.start`."""

    arguments: Sequence[str]
    env: Mapping[str, str] | None
    important: bool
    migrations: Sequence[Sequence[str]]


class RunPlugin(Protocol):
    """The type of the fixture `run_plugin`, which is `BlockingHost.start`."""

    def __call__(
        self,
        path: str | Path | Plugin,
        options: Mapping[str, object] | None = None,
        **settings: Unpack[StartSettings],
    ) -> RunningPlugin:
        """Starts a plugin, and waits until it has answered `init`."""
        ...


class _Daemon:
    """What a test does as the daemon, with the host or by one of its plugins."""

    _host: Host
    _waiter: Waiter
    _calls: Journal[Call]
    _dialect: str

    def call(
        self,
        method: str,
        params: object = None,
        *,
        id: str | int | None = None,  # noqa: A002 - JSON-RPC's word
        timeout: float | None = None,
    ) -> Any:
        """Calls a command, as `lightning-cli` does, and returns its decoded result.

        `params` are a dict, or a list to give them by position; `id` is the caller's, which stands
        in front of the plugin's own. Raises `RpcError`, and `TimeoutError` after `timeout` seconds
        (`patience` unless given).
        """
        return self._waiter.settled(self.start_call(method, params, id=id), timeout)

    def start_call(
        self,
        method: str,
        params: object = None,
        *,
        id: str | int | None = None,  # noqa: A002 - JSON-RPC's word
    ) -> Pending[Any]:
        """Calls a command as `call` does, without waiting: `start_call("pay").result()`."""
        calling = self._host.call(method, params, id=id)
        return Pending(self._waiter, calling, f"'{method}' was not answered")

    def hook(
        self,
        event: Event | type[Event] | str,
        payload: object = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Calls a hook, and returns the answer as a Struct of `clnwire.hooks`, or just decoded.

        `event` is the hook's Struct (see `sample`), the Struct's type for an unchanged sample, or
        the hook's name with any `payload`. A name without a payload also sends the sample. A sample
        of `db_write` gets the next version.

        Raises `FatalAnswerError` where the daemon would have stopped, `HostError` if no plugin has
        the hook, `PluginDiedError`, and `TimeoutError` after `timeout` seconds.
        """
        return self._waiter.settled(self.start_hook(event, payload), timeout)

    def start_hook(self, event: Event | type[Event] | str, payload: object = None) -> Pending[Any]:
        """Calls a hook as `hook` does, without waiting, for plugins that hold the event."""
        name = name_of(event)
        is_next_write = name == "db_write" and is_sample(event, payload)
        content: Any = payload_of(event, payload, hook_sample, self._dialect)

        async def ask() -> Any:
            if is_next_write:
                # The sample's own version could be lower than one sent before.
                await self._host.db_write(content["writes"])
                return answer_struct(name, {"result": "continue"})
            return answer_struct(name, await self._host.hook(name, content))

        return Pending(self._waiter, ask(), f"hook {name} was not answered")

    def notify(
        self,
        event: Event | type[Event] | str,
        payload: object = None,
        *,
        origin: str | None = None,
    ) -> None:
        """Sends a notification; `event` and `payload` are as for `hook`.

        `origin` is the file name of the plugin that publishes it; without it, a topic that is not
        the daemon's own comes from "clnwire". Raises `UsageError` if no plugin has subscribed to
        the topic.
        """
        name = name_of(event)
        content = payload_of(event, payload, topic_sample, self._dialect)
        if origin is None and name not in NATIVE:
            origin = ORIGIN
        if not self._waiter.act(lambda: self._host.notify(name, content, origin=origin)):
            raise UsageError(f"no plugin that runs has subscribed to '{name}'")

    def db_write(
        self,
        writes: Sequence[str],
        *,
        data_version: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """Sends the hook `db_write` with the next version, or `data_version`; returns the version.

        Raises as `hook` does: any answer but `continue` is fatal.
        """
        asking = self._host.db_write(writes, data_version=data_version)
        return self._waiter.bounded(asking, timeout, "hook db_write was not answered")

    @property
    def calls(self) -> list[Call]:
        """The calls over the daemon's socket so far, by any plugin; a plugin's: during its run."""
        return list(self._calls)

    def wait_for_call(self, method: str, *, timeout: float | None = None) -> Any:
        """The params of the next call of a command, by whomever, past or to come.

        No wait returns a call that an earlier one has returned. Raises `TimeoutError`, and
        `PluginDiedError` at once if no plugin runs any more.
        """
        call = self._waiter.wait_in(
            self._calls,
            lambda call: call.method == method,
            f"nobody called '{method}'",
            timeout,
            lambda call: f"{call.method} {call.params}",
        )
        return call.params


class BlockingHost(_Daemon):
    """`clnwire.host.Host` with methods that wait, for tests without `async def`.

    `patience` is how many seconds they wait unless told otherwise; `settings` are those of `Host`,
    such as `dialect="2019"`. A context manager. Each plugin has to end by itself, with status 0 and
    at the latest when the block does; it raises `AssertionError` if one does not, unless the test
    has ended it or waited for its end.
    """

    host: Host
    """The host itself. Its coroutines must run in its own thread: see `run`."""
    traffic: Traffic
    """All messages so far."""

    def __init__(self, *, patience: float = PATIENCE, **settings: Any) -> None:
        self.patience = patience
        self.traffic = Traffic()
        self._settings: dict[str, Any] = {"shutdown_timeout": LAST_SECONDS, **settings}
        self._dialect = settings.get("dialect", "current")
        self._started: list[host_plugin.Plugin] = []
        self._expected: list[host_plugin.Plugin] = []
        """Plugins that the test has ended or waited for: any exit status will do."""

    def __enter__(self) -> BlockingHost:
        self.host = self._host = host = Host(
            on_trace=self._note_frame, on_command=self._note_command, **self._settings
        )
        self._calls = host.calls
        self._waiter = Waiter(self.patience, self.traffic)
        try:
            self._waiter.run(host.__aenter__())
        except BaseException:
            self._waiter.loop.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        problems = self.close()
        if problems and error is None:
            raise AssertionError(self._waiter.explained("; ".join(problems)))

    def close(self) -> list[str]:
        """Ends all plugins and the host; returns a text for each plugin that ended wrongly."""
        if self._waiter.loop.is_closed:
            return []
        watched = self._watched()
        try:
            self._waiter.run(self.host.stop())
            deaths = [each.death for each in watched if each.returncode != 0]
            problems = [self._waiter.with_stderr(each) for each in deaths if each is not None]
            for lines in self._waiter.stderr:
                self._waiter.run(lines.close())
        finally:
            self._waiter.loop.close()
        return problems

    def _watched(self) -> list[host_plugin.Plugin]:
        """The plugins that must exit with status 0.

        This leaves out those that the test has ended or waited for, those whose end an error has
        told it, and disabled ones, which the host ends itself.
        """
        started = dict.fromkeys([*self._started, *self.host.plugins])
        known = {id(death) for death in self._waiter.deaths}
        return [
            each
            for each in started
            if each not in self._expected and each.disabled is None and id(each.death) not in known
        ]

    def start(
        self,
        path: str | Path | Plugin,
        options: Mapping[str, object] | None = None,
        **settings: Unpack[StartSettings],
    ) -> RunningPlugin:
        """Starts a plugin, and waits until it has answered `init`.

        `path` is the plugin's file, in whatever language, which gets a process of its own; or a
        `clnwire.Plugin`, which a thread of this process serves. `options`, `arguments`, `env`,
        `important` and `migrations` are as for `Host.start`, and so are the errors, and
        `TimeoutError` after 30 s.
        """

        async def launch() -> host_plugin.Plugin:
            if not isinstance(path, (str, Path)):
                return await self.host.start(path, options, **settings)
            lines = LastLines(Path(path).name)
            self._waiter.stderr.append(lines)
            try:
                return await self.host.start(path, options, stderr=lines.theirs, **settings)
            finally:
                lines.close_theirs()

        plugin = self._waiter.bounded(launch(), START_SECONDS, f"'{path}' did not start")
        self._started.append(plugin)
        return RunningPlugin(self, plugin, self._waiter, self._expected)

    def serve(self) -> None:
        """Opens the socket for clients that are not plugins; `start` does so by itself."""
        self.run(self.host.start_all([]))

    def answer(self, method: str, result: object) -> None:
        """Adds a command of the daemon, for plugins that call it, or gives it another answer.

        `result` is what they get: a value, a Struct of `clnwire.commands`, JSON text as `bytes`; an
        `RpcError`; a `clnwire.host.Delivery`, for late or broken replies; `NEVER`. Or a function,
        as for `Host.command`: it is given the params, decoded, and returns the result or raises
        `RpcError`. It runs in the host's thread, so it must not call this object; it may be
        `async def` and await `host`.
        """
        given = Delivery(result) if isinstance(result, RpcError) else result
        self._waiter.act(lambda: self.host.command(method)(given))

    @property
    def rpc_path(self) -> Path:
        """The daemon's socket."""
        return self.host.rpc_path

    @property
    def callers(self) -> int:
        """The number of connections on the socket."""
        return self.host.callers

    def hang_up(self) -> None:
        """Closes all connections on the daemon's socket at once, as when a daemon is killed."""
        self._waiter.act(self.host.hang_up)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine of `host` in the host's thread, and waits for its result."""
        return self._waiter.run(coroutine)

    def _note_frame(self, direction: str, plugin: str, frame: bytes) -> None:
        self.traffic.add(plugin, frame, is_ours=direction == "in")

    def _note_command(self, request: Frame, reply: bytes | None) -> None:
        is_ours = reply is not None
        self.traffic.add("(socket)", request.bytes if reply is None else reply, is_ours=is_ours)


class RunningPlugin(_Daemon):
    """One run of a plugin. `run_plugin` and `BlockingHost.start` give one for each start.

    Logs, topics and calls are those of this run. Each `wait_for_…` returns the next entry that
    fits, past or to come, and none that it has returned before; it raises `TimeoutError` after
    `timeout` seconds (the host's `patience` unless given), and `PluginDiedError` as soon as the run
    has ended. `call`, `hook`, `notify` and `db_write` are its host's, for tests with one plugin.
    """

    host: BlockingHost
    """The daemon's side."""
    name: str
    """The file's name; that of the module for a `Plugin` object."""

    def __init__(
        self,
        host: BlockingHost,
        plugin: host_plugin.Plugin,
        waiter: Waiter,
        expected: list[host_plugin.Plugin],
    ) -> None:
        self.host, self.name = host, plugin.name
        self._host, self._dialect = host.host, plugin.dialect.name
        self._plugin, self._waiter, self._expected = plugin, waiter, expected
        self._calls = plugin.calls

    def __repr__(self) -> str:
        return f"<RunningPlugin {self._plugin!r}>"

    @property
    def manifest(self) -> HostManifest:
        """The plugin's manifest."""
        return self._plugin.manifest

    @property
    def disabled(self) -> str | None:
        """The reason if the plugin has disabled itself."""
        return self._plugin.disabled

    @property
    def logs(self) -> list[LogEntry]:
        """The lines that it wrote for the daemon's log so far."""
        return list(self._plugin.logs)

    def log_text(self) -> str:
        """Its log lines so far, each with its level before it."""
        return "\n".join(map(_log_line, self.logs))

    def wait_for_log(
        self, part: str, *, level: str | None = None, timeout: float | None = None
    ) -> LogEntry:
        """Its next log line that contains `part`, and has this level if given.

        Levels are the daemon's: `trace`, `debug`, `info`, `unusual` or `warn`, `broken` or `error`,
        as the plugin wrote them.
        """
        kind = "" if level is None else f" at level '{level}'"
        return self._waiter.wait_in(
            self._plugin.logs,
            lambda entry: level in (None, entry.level) and part in entry.message,
            f"'{self.name}' logged nothing with {part!r}{kind}",
            timeout,
            _log_line,
        )

    @property
    def published(self) -> list[TopicEntry]:
        """What it published on its own topics so far."""
        return list(self._plugin.published)

    def wait_for_topic(self, topic: str, *, timeout: float | None = None) -> Any:
        """The payload of the next notification that it published on a topic."""
        entry = self._waiter.wait_in(
            self._plugin.published,
            lambda entry: entry.topic == topic,
            f"'{self.name}' published nothing on '{topic}'",
            timeout,
            lambda entry: f"{entry.topic} {entry.params.decode()}",
        )
        return entry.payload

    @property
    def pid(self) -> int:
        """The id of the plugin's process; the test's own for a `Plugin` object."""
        return self._plugin.pid

    @property
    def returncode(self) -> int | None:
        """The exit status; `None` while it runs, negative for the signal that ended it."""
        return self._plugin.returncode

    def hang_up(self, *, timeout: float | None = None) -> int:
        """Closes the plugin's input, as a daemon that is gone, and returns the exit status.

        Raises `TimeoutError` if the plugin does not exit.
        """
        self._expected.append(self._plugin)
        self._waiter.act(self._plugin.close)
        return self.wait_ended(timeout=timeout)

    def kill(self) -> None:
        """Ends the plugin at once, as a power cut would, and waits until it is gone."""
        self._expected.append(self._plugin)
        self._waiter.act(lambda: self._plugin.kill("was killed by the test"))
        self.wait_ended()

    def wait_ended(self, *, timeout: float | None = None) -> int:
        """Waits until it has ended by itself; returns the exit status. Raises `TimeoutError`."""
        self._expected.append(self._plugin)
        exited = self._plugin.process.exited()
        return self._waiter.bounded(exited, timeout, f"'{self.name}' did not end")


def _log_line(entry: LogEntry) -> str:
    return f"{entry.level} {entry.message}"
