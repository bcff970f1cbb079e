"""The plugin: what it offers is registered on it, and `run` serves the daemon."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from clnwire import _core
from clnwire._definition.current import HANDLED
from clnwire._definition.definition import Definition, Settings
from clnwire._definition.events import Topic
from clnwire._definition.options import NO_VALUE
from clnwire._definition.registration.hooks import Hooks
from clnwire._definition.registration.lifecycle import Lifecycle
from clnwire._definition.registration.methods import Methods
from clnwire._definition.registration.options import Options
from clnwire._definition.registration.topics import Topics
from clnwire._runtime import forks, stdio
from clnwire._runtime.log import Log
from clnwire._runtime.run import Run, program_name
from clnwire._runtime.serving import serve
from clnwire._wire.codec import encode_any
from clnwire._wire.environment import LIGHTNINGD_VERSION
from clnwire.errors import NotReadyError, UsageError, sendable
from clnwire.notifications._catalogue import NATIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clnwire.messages.init import Configuration
    from clnwire.rpc._caller import CallOrigin
    from clnwire.rpc.blocking import Rpc


_FORMED = {
    "log": "plugin.log",
    "message": "Request.notify",
    "progress": "Request.progress",
}
"""Notifications at which the daemon kills the plugin if they are not formed right."""


class Plugin(Options, Methods, Hooks, Topics, Lifecycle):
    """A plugin of Core Lightning.

    Register options, methods, hooks and subscriptions on it, then call `run`.
    """

    log: Log
    """Writes to the daemon's log."""

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
        `dynamic`: the plugin may be started and stopped while the daemon runs. Unless told
        otherwise, it may if it has no feature bits, with which the daemon forbids it, and no
        `db_write`: `plugin stop` would end it in silence, even if it is important.
        `mixed_db_write`: permits `db_write` beside other hooks or methods, with which the daemon
        can come to a halt.
        `feature_bits`: bits to announce (BOLT 9), in hexadecimal, by where they are announced.
        `custom_messages`: odd numbers of messages that peers may send.
        `max_frame_bytes`, `max_depth`: the largest message, and how deep it may nest.
        `watchdog_seconds`: a handler that runs so long is named in the log.
        `shutdown_seconds`: how long handlers and `on_shutdown` may take at the end; handlers that
        await are cancelled after half of it. With `db_write` the end begins when the last write
        has come (docs/plugin.md).
        `max_in_flight`: so many messages may be with async and threaded handlers, or wait for them;
        beyond, nothing is read.
        `max_threads`: so many handlers with `thread=True` run at a time. Against both, a handler
        that waits for `plugin.rpc` does not count.
        """
        self._definition = Definition(
            Settings(
                dynamic=dynamic,
                mixed_db_write=mixed_db_write,
                feature_bits=feature_bits,
                custom_messages=custom_messages,
                max_frame_bytes=max_frame_bytes,
                max_depth=max_depth,
                watchdog_seconds=watchdog_seconds,
                shutdown_seconds=shutdown_seconds,
                max_in_flight=max_in_flight,
                max_threads=max_threads,
            )
        )
        self.log = Log()
        self._run: Run | None = None
        """The present run; after `run`, which ends with the process, the last one."""
        self._driver = self._connect() if stdio.belongs_to_daemon() else None

    def __repr__(self) -> str:
        names = [*self.methods, *self.hooks, *(each.topic for each in self.subscriptions)]
        return f"<Plugin {program_name()}: {', '.join(names) or 'nothing registered'}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            from clnwire._definition.hints import missing

            raise missing(self, name)

    # Before running

    def topic(self, name: str) -> Topic:
        """Announces a custom topic, to be published to."""
        self._must_be_new("topic", name, self._definition.topics)
        if name in NATIVE:
            raise UsageError(f"topic '{name}': it is the daemon's own, which refuses it")
        topic = self._definition.topics[name] = Topic(self.notify, name)
        return topic

    @property
    def topics(self) -> Mapping[str, Topic]:
        """The custom topics, by name."""
        return self._definition.topics

    def disable(self, reason: str) -> None:
        """Tells the daemon that the plugin does not want to run; at the latest in `on_init`."""
        if self._run is None:
            self._definition.disabled = sendable(reason)
        else:
            self._run.disable(sendable(reason))

    @property
    def dynamic(self) -> bool:
        """Whether the plugin may be started and stopped while the daemon runs."""
        return self._definition.is_dynamic

    @property
    def feature_bits(self) -> Mapping[str, str]:
        """The bits that the plugin announces (BOLT 9), in hexadecimal, by place."""
        return self._definition.settings.feature_bits

    @property
    def custom_messages(self) -> Sequence[int]:
        """The numbers of the messages that peers may send."""
        return self._definition.settings.custom_messages

    # While running

    @property
    def rpc(self) -> Rpc:
        """The daemon's own commands, from `init` on."""
        rpc: Rpc | None = self.__dict__.get("_rpc")
        return rpc or self._make_rpc()

    @property
    def configuration(self) -> Configuration:
        """What the daemon told of itself in `init`. Raises `NotReadyError` before."""
        if self._run is None or self._run.init is None:
            raise NotReadyError("the configuration is there from init on")
        return self._run.init.configuration

    @property
    def allow_deprecated_apis(self) -> bool | None:
        """Whether the daemon permits what is deprecated; `None` if it has not told."""
        return None if self._run is None else self._run.allow_deprecated_apis

    def notify(self, method: str, params: object) -> None:
        """Sends a notification to the daemon; from any thread. Raises `NotReadyError`.

        Nothing is sent to a daemon before v0.10.1, which would end the plugin for it.
        """
        run = self._run
        if run is None or run.is_over:
            raise NotReadyError(f"'{method}' cannot be sent: the plugin does not run")
        if run.driver.is_disowned:
            # A thread that is not in this child may have been importing the encoder at the fork.
            return
        if method in _FORMED:
            raise UsageError(f"'{method}' has a form of its own; {_FORMED[method]} sends it")
        if run.dialect is not None and not run.dialect.takes_topics_of_plugins:
            self.log.debug(f"topic '{method}': not published: {run.dialect} has no such topics")
            return
        run.driver.notify(method, encode_any(params))

    def run(self) -> None:
        """Serves the daemon; returns when it goes away, at `shutdown`, SIGTERM or SIGINT.

        Run by hand, prints what the plugin offers. Does nothing in a child of `multiprocessing`
        that imports the plugin's file again. Raises `SystemExit` with status 1 if the daemon hung
        up inside a message, or if the plugin cannot work as it is.
        """
        if stdio.is_run_by_hand():
            from clnwire._definition import help  # noqa: A004 - its word for it

            sys.stdout.write(help.describe(self._definition))
            return
        if forks.imports_main_again():
            return
        self._refuse_if_unfit()
        driver = self._driver = self._driver or self._connect()
        run = self._begin(driver, os.environ.get(LIGHTNINGD_VERSION))
        try:
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
        """Serves a daemon in the same process, at two pipes in place of stdin and stdout.

        `version` is the daemon's release, which a process finds in `LIGHTNINGD_VERSION`.

        Reads from one descriptor and writes to the other, both the caller's to close; returns the
        exit status when the daemon closes its end, and the plugin can run again then. The process
        stays its owner's: nothing printed is taken for the log, no signal is taken, and a handler
        that does not return is not ended. Raises `UsageError` if the plugin runs already, `OSError`
        for descriptors that are none, and `SystemExit` as `run` does.
        """
        if self._driver is not None:
            raise UsageError("the plugin runs already")
        self._refuse_if_unfit()
        driver = self._driver = _core.Driver(HANDLED, (input, output))
        self.log.connect(driver)
        run = self._begin(driver, version)
        try:
            return serve(run, own_process=False)
        finally:
            driver.close(0)
            self._driver = self._run = None

    def _connect(self) -> _core.Driver:
        """Takes stdin and stdout for the daemon: from here on nothing printed can reach it."""
        driver = stdio.take_over()
        self.log.connect(driver)
        return driver

    def _refuse_if_unfit(self) -> None:
        reason = self._definition.unfit()
        if reason is not None:
            # Python says why on stderr, which is logged.
            raise SystemExit(f"{program_name()}: refused: {reason}")

    def _begin(self, driver: _core.Driver, version: str | None) -> Run:
        self._definition.is_closed = True
        run = self._run = Run(
            self._definition, driver, self.log, version=version, hang_up=self._hang_up
        )
        return run

    def _before_call(self, method: str, *, blocking: bool) -> CallOrigin:
        """Raises `NotReadyError` and `DeadlockError`."""
        if self._run is None:
            raise NotReadyError("rpc is there from init on; use it in a handler or in on_init")
        from clnwire._runtime.deadlock import call_origin

        return call_origin(self._run, method, blocking=blocking)

    def _make_rpc(self) -> Rpc:
        """Made when it is first used: a plugin that calls nothing does not pay for it.

        There is no lock, since a forked child or a signal's handler could find it held. If several
        threads make one, the first is kept.
        """
        from clnwire.rpc.blocking import Rpc

        rpc: Rpc = self.__dict__.setdefault("_rpc", Rpc(self._before_call))
        return rpc

    def _hang_up(self) -> None:
        """Ends the connections that calls have opened."""
        if "_rpc" in self.__dict__:
            self.rpc.hang_up()

    def _value_in_run(self, name: str) -> Any:
        return NO_VALUE if self._run is None else self._run.values.get(name, NO_VALUE)
