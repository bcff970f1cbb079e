"""The class `Plugin`: register handlers on it, then call `run` to serve the daemon."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from clnwire import _core
from clnwire._definition.current import HANDLED
from clnwire._definition.definition import Definition, Settings
from clnwire._definition.events import Topic as Topic
from clnwire._definition.options import NO_VALUE
from clnwire._definition.registration.events import Hooks, Topics
from clnwire._definition.registration.lifecycle import Lifecycle
from clnwire._definition.registration.methods import Methods
from clnwire._definition.registration.options import Options
from clnwire._runtime import forks, stdio
from clnwire._runtime.log import Log
from clnwire._runtime.run import Run, Stopping
from clnwire._runtime.serving import serve
from clnwire._wire.codec import encode_any
from clnwire._wire.environment import LIGHTNINGD_VERSION, program_name
from clnwire.errors import NotReadyError, UsageError, sendable

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from clnwire.messages.init import Configuration
    from clnwire.rpc._caller import CallOrigin
    from clnwire.rpc.blocking import Rpc


_SENT_OTHERWISE = {
    "log": "plugin.log",
    "message": "Request.notify",
    "progress": "Request.progress",
}
"""Notification → what sends it well-formed; for another form the daemon kills the plugin."""


class Registry(Options, Methods, Hooks, Topics, Lifecycle):
    """What a module of a larger plugin registers; `plugin.include(registry)` adds it to a plugin.

    Has the decorators of `Plugin`. Several plugins may include one registry, one after the other,
    such as a new plugin for each test.
    """

    _last_call = "include()"

    def __init__(self) -> None:
        self._definition = Definition()

    @property
    def plugin(self) -> Plugin:
        """The plugin that has included the registry last. Raises `NotReadyError` before."""
        plugin: Plugin | None = self._definition.plugin
        if plugin is None:
            raise NotReadyError("no plugin has included this registry: plugin.include(registry)")
        return plugin

    def notify(self, method: str, params: object) -> None:
        """The plugin's `notify`."""
        self.plugin.notify(method, params)

    def _value_in_run(self, name: str) -> Any:
        plugin = self._definition.plugin
        return NO_VALUE if plugin is None else plugin._value_in_run(name)  # noqa: SLF001


class Plugin(Options, Methods, Hooks, Topics, Lifecycle):
    """A plugin of Core Lightning.

    Register options, methods, hooks and subscriptions on it, then call `run`.
    """

    log: Log
    """Writes lines to the daemon's log."""

    def __init__(
        self,
        *,
        dynamic: bool | None = None,
        mixed_db_write: bool = False,
        feature_bits: Mapping[Literal["node", "init", "channel", "invoice"], str] | None = None,
        custom_messages: Iterable[int] = (),
        max_frame_bytes: int = _core.DEFAULT_MAX_FRAME_BYTES,
        max_depth: int = _core.DEFAULT_MAX_DEPTH,
        watchdog_seconds: float = 5.0,
        shutdown_seconds: float = 20.0,
        max_in_flight: int = 1000,
        max_threads: int = 16,
    ) -> None:
        """
        `dynamic`: whether the plugin may be started and stopped while the daemon runs. The default
        is true unless the plugin has feature bits (the daemon refuses both together) or hooks
        `db_write` (`plugin stop` would end it silently, even if it is important).
        `mixed_db_write`: permits `db_write` together with other hooks or with methods, with which
        the daemon can deadlock.
        `feature_bits`: bits to announce (BOLT 9), in hexadecimal, by the place of announcement.
        `custom_messages`: types of custom messages (odd, BOLT 1) that peers may send.
        `max_frame_bytes`, `max_depth`: the largest message in bytes, and its deepest nesting.
        `watchdog_seconds`: a handler that runs for longer is named in the log.
        `shutdown_seconds`: the time for running handlers and `on_shutdown` at the end; async
        handlers are cancelled after half of it. With `db_write` this time starts after the last
        write (docs/plugin.md).
        `max_in_flight`: the most messages that async and threaded handlers run or have queued;
        above it, no input is read.
        `max_threads`: the most handlers with `thread=True` that run at once. A handler that waits
        for `plugin.rpc` counts against neither limit.

        Raises `UsageError` for settings that cannot work.
        """
        self._definition = Definition()
        self._definition.settings = Settings(
            dynamic=dynamic,
            mixed_db_write=mixed_db_write,
            feature_bits=dict((feature_bits or {}).items()),
            custom_messages=[*custom_messages],
            max_frame_bytes=max_frame_bytes,
            max_depth=max_depth,
            watchdog_seconds=watchdog_seconds,
            shutdown_seconds=shutdown_seconds,
            max_in_flight=max_in_flight,
            max_threads=max_threads,
        )
        self.log = Log()
        self._run: Run | None = None
        """The present run. It stays set after `run`, since the process ends then.

        `run_on` may end in another thread at any moment, so each function reads this once."""
        self._driver = self._connect() if stdio.belongs_to_daemon() else None

    def __repr__(self) -> str:
        names = [*self.methods, *self.hooks, *(each.topic for each in self.subscriptions)]
        return f"<Plugin {program_name()}: {', '.join(names) or 'nothing registered'}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):
                # A property raised `AttributeError`, and Python has discarded it to call this
                # method. Evaluating the property again raises the author's error.
                return object.__getattribute__(self, name)
            from clnwire._definition.hints import missing

            raise missing(self, name)

    # Before running

    def include(self, registry: Registry) -> None:
        """Registers everything that is registered on the registry.

        Raises `UsageError` for a name that is registered twice, and once the plugin runs.
        """
        included = registry._definition  # noqa: SLF001
        if self._definition.is_closed or included.plugin is self:
            raise UsageError("include() must be called once for each registry, before run()")
        self._definition.add(included)
        included.is_closed, included.plugin = True, self

    def disable(self, reason: str) -> None:
        """Disables the plugin and gives the daemon the reason.

        Raises `UsageError` once `init` is answered; `on_init` is the last place to call it.
        """
        run = self._run
        if run is None:
            self._definition.disabled = sendable(reason)
        else:
            run.disable(sendable(reason))

    @property
    def dynamic(self) -> bool:
        """Whether the plugin may be started and stopped while the daemon runs."""
        return self._definition.is_dynamic

    @property
    def feature_bits(self) -> Mapping[str, str]:
        """The feature bits that the plugin announces (BOLT 9): place → hexadecimal."""
        return self._definition.settings.feature_bits

    @property
    def custom_messages(self) -> Sequence[int]:
        """The types of custom messages that peers may send (BOLT 1)."""
        return self._definition.settings.custom_messages

    # While running

    @property
    def rpc(self) -> Rpc:
        """The client for the daemon's commands. Calls raise `NotReadyError` before `init`."""
        if "_rpc" not in self.__dict__:
            # Created on first use, since importing it takes time. Uses no lock, which a forked
            # child or a signal handler could find held: if several threads create a client,
            # `setdefault` keeps the first.
            from clnwire.rpc._caller import RpcCaller
            from clnwire.rpc.blocking import Rpc

            self.__dict__.setdefault("_rpc", Rpc(RpcCaller(self._before_call)))
        client: Rpc = self.__dict__["_rpc"]
        return client

    @property
    def configuration(self) -> Configuration:
        """The daemon's configuration, from `init`. Raises `NotReadyError` before."""
        run = self._run
        init = None if run is None else run.init
        if init is None:
            raise NotReadyError("the configuration is not available before init")
        return init.configuration

    @property
    def stopping(self) -> Stopping:
        """The beginning of the plugin's end: `await plugin.stopping`, or `plugin.stopping.wait(5)`
        in a thread. Set as soon as no more messages are read, and after a run.

        Raises `NotReadyError` before the plugin runs.
        """
        run = self._run
        if run is not None:
            return run.stopping
        if not self._definition.is_closed:
            raise NotReadyError("stopping is not available before the plugin runs")
        # A thread that an earlier run has left is to end.
        stopping = Stopping(0)
        stopping.set()
        return stopping

    @property
    def allow_deprecated_apis(self) -> bool | None:
        """Whether the daemon permits deprecated APIs (from `getmanifest`); `None` if unknown."""
        run = self._run
        return None if run is None else run.allow_deprecated_apis

    def notify(self, method: str, params: object) -> None:
        """Sends a notification to the daemon. Thread-safe.

        Daemons before v0.10.1 would kill the plugin for it, so nothing is sent to them. Raises
        `NotReadyError` if the plugin does not run, `UsageError` for `log`, `message` and
        `progress`, and `TypeError` or `ValueError` if JSON cannot express `params`.
        """
        run = self._run
        if run is None or run.is_over:
            raise NotReadyError(f"'{method}' cannot be sent while the plugin is not running")
        if run.driver.is_disowned:
            # In a forked child, return before encoding: at the fork another thread may have been
            # importing the encoder, and the import lock would then be held for ever.
            return
        if method in _SENT_OTHERWISE:
            raise UsageError(
                f"'{method}' cannot be sent by notify(); use {_SENT_OTHERWISE[method]}"
            )
        if run.dialect is not None and not run.dialect.takes_topics_of_plugins:
            self.log.debug(
                f"topic '{method}': not published: {run.dialect} does not know custom topics"
            )
            return
        run.driver.notify(method, encode_any(params))

    def run(self) -> None:
        """Serves the daemon until it hangs up, sends `shutdown`, or SIGTERM or SIGINT comes.

        A plugin with `db_write` goes on until the daemon can commit nothing more (docs/plugin.md).

        Started from a terminal, or with `--help`, prints what the plugin offers instead. Does
        nothing in a child of `multiprocessing` that imports the plugin's file again. Raises
        `SystemExit` with status 1 if the daemon sends malformed bytes or hangs up inside a
        message, or if the plugin's definition is unsafe to run, and `UsageError` if the plugin is
        already running.
        """
        if stdio.is_run_by_hand():
            from clnwire._definition import help  # noqa: A004 - its word for it

            sys.stdout.write(help.describe(self._definition))
            return
        if forks.imports_main_again():
            return
        self._refuse_if_unsafe()
        with self._claimed():
            driver = self._driver = self._driver or self._connect()
            try:
                run = self._begin(driver, os.environ.get(LIGHTNINGD_VERSION))
                status = serve(run, own_process=True)
            finally:
                self._driver = None
                stdio.give_back()
        if status:
            raise SystemExit(status)

    def run_on(
        self,
        input: int,  # noqa: A002 - as sys calls them
        output: int,
        *,
        version: str | None = None,
    ) -> int:
        """Serves a daemon over two file descriptors instead of stdin and stdout.

        Reads from `input` and writes to `output`; the caller closes both. Returns the exit status
        once the daemon closes its end; the plugin can then run again. `version` is the daemon's
        release, which `run` takes from `LIGHTNINGD_VERSION`.

        Leaves the process alone: stdout and stderr are not captured, no signal handler is set, and
        a handler that does not return is not killed. Raises `UsageError` if the plugin runs
        already, `OSError` for invalid descriptors, and `SystemExit` as `run` does.
        """
        if self._driver is not None:
            raise UsageError("the plugin is already running")
        with self._claimed():
            self._refuse_if_unsafe()
            driver = self._driver = _core.Driver(HANDLED, (input, output))
            try:
                run = self._begin(driver, version)
                self.log.connect(driver)
                return serve(run, own_process=False)
            finally:
                driver.close(0)
                self._driver = self._run = None

    @contextlib.contextmanager
    def _claimed(self) -> Generator[None, None, None]:
        """A context for the time of a run. Raises `UsageError` if the plugin is already running.

        Uses no lock, since a plugin with a lock could not be copied. If several threads run the
        plugin at once, `setdefault` lets only the first one pass.
        """
        mine = object()
        if self.__dict__.setdefault("_claim", mine) is not mine:
            raise UsageError("the plugin is already running")
        try:
            yield
        finally:
            del self.__dict__["_claim"]

    def _connect(self) -> _core.Driver:
        """Reserves stdin and stdout for the protocol: `print` no longer writes to the daemon."""
        driver = stdio.take_over()
        self.log.connect(driver)
        return driver

    def _refuse_if_unsafe(self) -> None:
        reason = self._definition.why_unsafe()
        if reason is not None:
            # Python prints the reason on stderr, which is logged.
            raise SystemExit(f"{program_name()}: refused: {reason}")

    def _begin(self, driver: _core.Driver, version: str | None) -> Run:
        self._definition.is_closed = True
        run = self._run = Run(
            self._definition, driver, self.log, version=version, hang_up=self._hang_up
        )
        return run

    def _before_call(self, method: str, *, blocking: bool) -> CallOrigin:
        """The origin of a call. Raises `NotReadyError` and `DeadlockError`."""
        run = self._run
        if run is None:
            raise NotReadyError(
                "rpc is not available before init; use it in a handler or in on_init"
            )
        from clnwire._runtime.deadlock import call_origin

        return call_origin(run, method, blocking=blocking)

    def _hang_up(self) -> None:
        """Closes the client's connections, if there are any."""
        if "_rpc" in self.__dict__:
            self.rpc.hang_up()

    def _value_in_run(self, name: str) -> Any:
        run = self._run
        return NO_VALUE if run is None else run.values.get(name, NO_VALUE)
