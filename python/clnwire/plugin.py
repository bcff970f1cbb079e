"""The plugin: what it offers is registered on it, and `run` serves the daemon."""

from __future__ import annotations

import os
import sys

# Not `threading`, which no plugin needs before it starts a thread.
from _thread import get_ident
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from clnwire import _core
from clnwire._definition.current import HANDLED, handled
from clnwire._definition.registration import Registration
from clnwire._runtime import forks, startup, stdio
from clnwire._runtime.log import Log, bridge_logging
from clnwire._runtime.serving import program_name, serve
from clnwire._wire.codec import encode_any
from clnwire.errors import DeadlockError, NotReadyError, UsageError, sendable
from clnwire.notifications._catalogue import NATIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from clnwire._definition.background import Background
    from clnwire._runtime.thread_pool import Pool
    from clnwire._wire.dialect import Dialect
    from clnwire.messages.init import Configuration, Init
    from clnwire.rpc._caller import CallOrigin
    from clnwire.rpc.blocking import Rpc


_FORMED = {
    "log": "plugin.log",
    "message": "Request.notify",
    "progress": "Request.progress",
}
"""Notifications at which the daemon kills the plugin if they are not formed right."""

_FEATURE_PLACES = ("node", "init", "channel", "invoice")


class Topic:
    """A custom topic that the plugin announces and publishes to."""

    __slots__ = ("_plugin", "name")

    def __init__(self, plugin: Plugin, name: str) -> None:
        self._plugin, self.name = plugin, name

    def __repr__(self) -> str:
        return f"<Topic {self.name!r}>"

    def publish(self, payload: object) -> None:
        """Sends the payload to all who subscribed; from any thread. Raises `NotReadyError`."""
        self._plugin.notify(self.name, payload)


class Plugin(Registration):
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
        super().__init__()
        if dynamic and feature_bits:
            raise UsageError("a plugin with feature bits cannot be dynamic: the daemon refuses it")
        self._dynamic = dynamic
        self.mixed_db_write = mixed_db_write
        self.feature_bits = dict(feature_bits or {})
        _check_feature_bits(self.feature_bits)
        self.custom_messages = list(custom_messages)
        even = [number for number in self.custom_messages if number % 2 == 0]
        if even:
            raise UsageError(f"custom message {even[0]}: only odd numbers are for plugins (BOLT 1)")
        self.shutdown_seconds = shutdown_seconds
        if min(max_in_flight, max_threads) < 1:
            raise UsageError("max_in_flight and max_threads must be at least 1")
        self.max_in_flight, self.max_threads = max_in_flight, max_threads
        self.start_task: Callable[[_core.Job], object] = _needs_event_loop
        self.start_background: Callable[[Background], None] = _needs_event_loop
        self._in_event_loop = False
        self.max_frame_bytes, self.max_depth = max_frame_bytes, max_depth
        self.watchdog_seconds = watchdog_seconds
        self.topics: dict[str, Topic] = {}
        self.log = Log()
        self._socket: str | None = None
        self.disabled: str | None = None
        self.daemon_version = os.environ.get("LIGHTNINGD_VERSION")
        self.init: Init | None = None
        self.initialised = False
        self.shutdown_announced = False
        self.dialect: Dialect | None = None
        self.allow_deprecated_apis: bool | None = None
        self._serving_thread: int | None = None
        self._driver = self._connect() if stdio.belongs_to_daemon() else None

    def __repr__(self) -> str:
        names = [*self.methods, *self.hooks, *(each.topic for each in self.subscriptions)]
        return f"<Plugin {program_name()}: {', '.join(names) or 'nothing registered'}>"

    # Before running

    def topic(self, name: str) -> Topic:
        """Announces a custom topic, to be published to."""
        self._must_be_new("topic", name, self.topics)
        if name in NATIVE:
            raise UsageError(f"topic '{name}': it is the daemon's own, which refuses it")
        topic = self.topics[name] = Topic(self, name)
        return topic

    def disable(self, reason: str) -> None:
        """Tells the daemon that the plugin does not want to run; at the latest in `on_init`."""
        if self.initialised:
            raise UsageError("disable() comes too late after init")
        self.disabled = sendable(reason)

    @property
    def dynamic(self) -> bool:
        """Whether the plugin may be started and stopped while the daemon runs."""
        if self._dynamic is None:
            return not self.feature_bits and "db_write" not in self.hooks
        return self._dynamic

    # While running

    @cached_property
    def pool(self) -> Pool:
        """The threads of handlers with `thread=True`."""
        from clnwire._runtime.thread_pool import Pool

        return Pool(self.max_threads)

    @property
    def rpc(self) -> Rpc:
        """The daemon's own commands, from `init` on."""
        rpc: Rpc | None = self.__dict__.get("_rpc")
        return rpc or self._make_rpc()

    @property
    def configuration(self) -> Configuration:
        """What the daemon told of itself in `init`. Raises `NotReadyError` before."""
        if self.init is None:
            raise NotReadyError("the configuration is there from init on")
        return self.init.configuration

    def notify(self, method: str, params: object) -> None:
        """Sends a notification to the daemon; from any thread. Raises `NotReadyError`.

        Nothing is sent to a daemon before v0.10.1, which would end the plugin for it.
        """
        driver = self._driver
        if driver is None or self._serving_thread is None:
            raise NotReadyError(f"'{method}' cannot be sent: the plugin does not run")
        if driver.is_disowned:
            # A thread that is not in this child may have been importing the encoder at the fork.
            return
        if method in _FORMED:
            raise UsageError(f"'{method}' has a form of its own; {_FORMED[method]} sends it")
        if self.dialect is not None and not self.dialect.takes_topics_of_plugins:
            self.log.debug(f"topic '{method}': not published: {self.dialect} has no such topics")
            return
        driver.notify(method, encode_any(params))

    def run(self) -> None:
        """Serves the daemon; returns when it goes away, at `shutdown`, SIGTERM or SIGINT.

        Run by hand, prints what the plugin offers. Does nothing in a child of `multiprocessing`
        that imports the plugin's file again. Raises `SystemExit` with status 1 if the daemon hung
        up inside a message, or if the plugin cannot work as it is.
        """
        if stdio.is_run_by_hand():
            from clnwire._definition import help as terminal

            sys.stdout.write(
                terminal.describe(
                    self.options.values(),
                    self.methods.values(),
                    self.hooks.values(),
                    self.subscriptions,
                )
            )
            return
        if forks.imports_main_again():
            return
        self._refuse_mixed_db_write()
        self._refuse_greenlets()
        driver = self._driver = self._driver or self._connect()
        try:
            status = self._serve(driver, own_process=True)
        finally:
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
        self._refuse_mixed_db_write()
        disabled = self.disabled
        self.daemon_version = version
        driver = self._driver = _core.Driver(HANDLED, (input, output))
        self.log.connect(driver)
        try:
            return self._serve(driver, own_process=False)
        finally:
            driver.close(0)
            self._forget_run()
            self.disabled = disabled

    def _connect(self) -> _core.Driver:
        """Takes stdin and stdout for the daemon: from here on nothing printed can reach it."""
        driver = stdio.take_over()
        self.log.connect(driver)
        return driver

    def _make_rpc(self) -> Rpc:
        """Made when it is first used: a plugin that calls nothing does not pay for it.

        There is no lock, since a forked child or a signal's handler could find it held. If several
        threads make one, the first is kept.
        """
        from clnwire.rpc.blocking import Rpc

        rpc: Rpc = self.__dict__.setdefault("_rpc", Rpc(self._before_call))
        if self._socket is not None:
            rpc.use(self._socket, program_name())
        return rpc

    def use_socket(self, path: str) -> None:
        """Where the daemon takes calls, as `init` has told; empty: nowhere any more."""
        self._socket = path
        if "_rpc" in self.__dict__:
            self._make_rpc()

    def hang_up(self) -> None:
        """Ends the connections that calls have opened."""
        if "_rpc" in self.__dict__:
            self.rpc.hang_up()

    def _serve(self, driver: _core.Driver, *, own_process: bool) -> int:
        self._serving_thread = get_ident()
        self._closed = True
        self._in_event_loop = self.is_async
        if self._in_event_loop:
            # Before the bridge: with asyncio comes `logging`, and what asyncio has to complain of.
            import_module("clnwire._runtime.event_loop")
        bridge = bridge_logging(self.log, None if own_process else self._is_at_work)
        startup.register(self, driver)
        try:
            return serve(self, driver, own_process=own_process)
        finally:
            if bridge is not None:
                sys.modules["logging"].getLogger().removeHandler(bridge)
            self.log.connect(None)
            self._driver = self._serving_thread = None

    def _is_at_work(self) -> bool:
        """Whether the calling thread is one of this plugin's, in a process that others use too."""
        driver = self._driver
        if get_ident() == self._serving_thread:
            return True
        return driver is not None and handled(driver) is not None

    def _forget_run(self) -> None:
        """Makes the plugin as it was before it ran."""
        self.init = self.dialect = self.allow_deprecated_apis = None
        self.initialised = self.shutdown_announced = False
        self.start_task = self.start_background = _needs_event_loop
        if "pool" in self.__dict__:
            self.pool.close()
            del self.pool
        for option in self.options.values():
            option.forget()
        self.use_socket("")

    def _refuse_mixed_db_write(self) -> None:
        others = [*(name for name in self.hooks if name != "db_write"), *self.methods]
        if "db_write" not in self.hooks or not others or self.mixed_db_write:
            return
        # Python says why on stderr, which is logged.
        raise SystemExit(
            f"{program_name()}: refused: db_write must be alone in its plugin, but there is also "
            f"{', '.join(others)}. The daemon waits for db_write in the middle of everything, and "
            "can come to a halt. Move the rest to a plugin of its own, or, knowing better, say "
            "Plugin(mixed_db_write=True)."
        )

    def _refuse_greenlets(self) -> None:
        """With gevent's patch threads are greenlets, which never run while the core waits."""
        gevent = sys.modules.get("gevent.monkey")
        if gevent is None or not gevent.is_module_patched("threading"):
            return
        needs_threads = (
            any(method.thread for method in self.methods.values())
            or any(hook.thread for hook in self.hooks.values())
            or any(subscription.thread for subscription in self.subscriptions)
            or not all(background.is_async for background in self.background_functions)
        )
        if needs_threads:
            raise SystemExit(
                f"{program_name()}: refused: gevent has replaced threads, so that thread=True and "
                "plain background functions would never run. Call "
                "gevent.monkey.patch_all(thread=False), or use async def."
            )

    def _before_call(self, method: str, *, blocking: bool) -> CallOrigin:
        """Where the call comes from. Raises `DeadlockError`."""
        from clnwire.rpc._caller import NO_HANDLER, CallOrigin

        driver = self._driver
        # The daemon does not wait for a forked child.
        if driver is None or self._serving_thread is None or driver.is_disowned:
            return NO_HANDLER
        current = handled(driver)
        # A task that a handler has started may outlive it: the daemon has its answer by then.
        awaited = None if current is None or _is_answered(driver, current) else current
        on_serving_thread = get_ident() == self._serving_thread
        if awaited is not None and awaited.method == "db_write" and awaited.key is not None:
            raise DeadlockError(
                f"rpc '{method}' in db_write: the daemon waits for that hook and would never "
                "answer. Call it after the hook, or from another plugin"
            )
        # Awaited in a loop that a plain handler runs, a call holds that handler up all the same.
        if on_serving_thread and (blocking or not self._in_event_loop):
            self._refuse_to_block(method)
        prefix = None if current is None or current.token is None else _id_text(current.token)
        if awaited is None:
            return CallOrigin(prefix, is_handler=on_serving_thread)
        waits = self._waits(driver, awaited.number, blocking=blocking) if awaited.number else None
        return CallOrigin(prefix, is_handler=True, waits=waits)

    @contextmanager
    def _waits(
        self, driver: _core.Driver, number: int, *, blocking: bool
    ) -> Generator[None, None, None]:
        """Held while the handler of job `number` waits for the daemon.

        Meanwhile it counts neither against `max_threads` nor against `max_in_flight`: the daemon
        may first need another handler, which must be able to begin. Raises `DeadlockError`.
        """
        pool = self.__dict__.get("pool") if blocking else None
        if pool is not None:
            pool.begin_call()
        driver.begin_call(number)
        try:
            yield
        finally:
            driver.end_call(number)
            if pool is not None:
                pool.end_call()

    def _refuse_to_block(self, method: str) -> None:
        """Only this thread answers the daemon: it must not wait for what needs its own answer."""
        if self._in_event_loop:
            raise DeadlockError(
                f"rpc '{method}' would block the event loop, and with it every handler. Await "
                "it: rpc.aio has the same methods; or register a plain handler with thread=True"
            )
        if "db_write" in self.hooks and not self.mixed_db_write:
            raise DeadlockError(
                f"rpc '{method}' in a plugin with db_write: the daemon may be waiting for that "
                "hook and would never answer"
            )
        hook = self.hooks.get("rpc_command")
        if hook is not None and (not hook.filters or method in hook.filters):
            raise DeadlockError(
                f"rpc '{method}' in a handler: the daemon would ask this plugin's own rpc_command "
                "hook first, and wait. Give the hook filters that leave the method out, or "
                "register this handler with thread=True"
            )


def _needs_event_loop(what: object) -> None:
    raise UsageError(f"{what!r}: the plugin is not served by an event loop")


def _check_feature_bits(bits: Mapping[Any, object]) -> None:
    """Raises `UsageError` for what would only show when the daemon reads the manifest."""
    if not bits:
        return
    from clnwire.types import Hexadecimal

    for place, text in bits.items():
        if place not in _FEATURE_PLACES:
            raise UsageError(f"feature bits: '{place}' is none of {', '.join(_FEATURE_PLACES)}")
        if not isinstance(text, str) or Hexadecimal().problem(text) is not None:
            raise UsageError(f"feature bits: {place}: {text!r} is no hexadecimal")


def _is_answered(driver: _core.Driver, current: _core.Handled) -> bool:
    return current.key is not None and driver.is_answered(current.key)


def _id_text(token: bytes) -> str:
    """An id as a part of another: a string without its quotes, anything else as it stands."""
    try:
        value = msgspec.json.decode(token)
    except msgspec.DecodeError:
        # Half a surrogate pair, or a number beyond a float: ids that a caller may choose.
        value = None
    return value if isinstance(value, str) else token.decode()
