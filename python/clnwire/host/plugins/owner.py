"""Handles the plugins' events: keeps the journals, forwards notifications, and ends the host."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from clnwire._wire.levels import ALIASES, WARNINGS
from clnwire.host.encoding import log_event
from clnwire.host.journal import Call, Journal, LogEntry, TopicEntry

if TYPE_CHECKING:
    from clnwire.host.errors import PluginDiedError
    from clnwire.host.plugins.output import Publication
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.plugins.registry import Plugins
    from clnwire.host.rules.dialect import HostDialect

OnLog: TypeAlias = Callable[[str, str, str], None]
"""Called with level, source and message of each line of the daemon's log."""
OnTrace: TypeAlias = Callable[[Literal["in", "out"], str, bytes], None]
"""Called with direction (`in` to the plugin, `out` from it), plugin name and text of each frame."""


class Stopped(Struct, frozen=True):
    """Why a host has ended."""

    reason: str
    failed: bool
    """Whether the daemon would have exited with an error."""


class Life:
    """The host's lifetime, which ends with the first reason given."""

    def __init__(self) -> None:
        self._stopped: Stopped | None = None
        self._event = asyncio.Event()

    def finish(self, reason: str, *, failed: bool) -> None:
        """Marks the host as ended. Later calls have no effect."""
        if self._stopped is None:
            self._stopped = Stopped(reason, failed)
            self._event.set()

    async def wait(self) -> Stopped:
        """Waits until the host has ended, and returns why."""
        await self._event.wait()
        assert self._stopped is not None
        return self._stopped


class PluginOwner:
    """Implements `plugin.Owner` for all plugins of a host."""

    def __init__(
        self,
        plugins: Plugins,
        life: Life,
        dialect: HostDialect,
        on_log: OnLog | None,
        on_trace: OnTrace | None,
    ) -> None:
        self.logs: Journal[LogEntry] = Journal()
        self.remarks: Journal[LogEntry] = Journal()
        self.notifications: Journal[TopicEntry] = Journal()
        self.calls: Journal[Call] = Journal()
        self.ending = False
        """Whether the host is ending its plugins: their end is then not reported."""
        self._plugins, self._life, self._dialect = plugins, life, dialect
        self._tell_log, self._tell_trace = on_log, on_trace
        self.traces = on_trace is not None

    def on_log(self, entry: LogEntry) -> None:
        """The plugin wrote a line for the log."""
        self.logs.add(entry)
        self._pass_on(entry)

    def on_remark(self, entry: LogEntry) -> None:
        """The daemon itself would have logged something about the plugin."""
        self.remarks.add(entry)
        self._pass_on(entry)

    def on_abort(self, entry: LogEntry) -> None:
        """The daemon would have aborted: makes `wait_stopped` return. The plugins keep running."""
        self.on_remark(entry)
        self._life.finish(f"plugin '{entry.plugin}': {entry.message}", failed=True)

    def on_frame(self, direction: Literal["in", "out"], plugin: str, frame: bytes) -> None:
        """A frame is sent to the plugin (`in`) or was received from it (`out`)."""
        if self._tell_trace is not None:
            self._tell_trace(direction, plugin, frame)

    def on_publication(self, plugin: str, publication: Publication) -> None:
        """The plugin published a notification on a topic of its manifest."""
        topic, params = publication.topic, publication.params
        self.notifications.add(TopicEntry(plugin, topic, params))
        self._plugins.notify(topic, params, plugin)

    def on_call(self, call: Call) -> None:
        """A plugin or another client has called a command on the socket."""
        self.calls.add(call)
        for plugin in self._plugins.running():
            plugin.calls.add(call)

    def on_start(self) -> None:
        """A plugin is started: entries may follow again."""
        self.logs.ended = self.notifications.ended = self.calls.ended = None

    def on_end(self, plugin: Plugin, error: PluginDiedError) -> None:
        """A plugin ended or was killed."""
        if not self.ending:
            self.on_remark(LogEntry(plugin.name, "info", f"Killing plugin: {error.reason}"))
            self.announce("plugin_stopped", plugin)
            if plugin.important:
                self._life.finish(f"important {error}", failed=True)
            elif plugin.manifest.hooks and not self._dialect.survives:
                hooks = ", ".join(plugin.manifest.hooks)
                reason = f"{error}; the daemon of 2019 goes on asking it ({hooks}), and crashes"
                self._life.finish(reason, failed=True)
        if not self._plugins.running():
            for journal in (self.logs, self.notifications, self.calls):
                journal.end(error)

    def announce(self, topic: str, plugin: Plugin) -> None:
        """Notifies the subscribers of `plugin_started` or `plugin_stopped`."""
        if plugin.initialised and topic in self._dialect.topics:
            path, methods = str(plugin.path), list(plugin.manifest.methods)
            event = {"plugin_name": plugin.name, "plugin_path": path, "methods": methods}
            self._plugins.notify(topic, event, None)

    def _pass_on(self, entry: LogEntry) -> None:
        """Passes a log entry to `on_log` and to the topics `log` and `warning`."""
        source = f"plugin-{entry.plugin}" if entry.plugin else "lightningd"
        level = ALIASES.get(entry.level, entry.level)
        if self._tell_log is not None:
            self._tell_log(level, source, entry.message)
        self._feed("log", entry, source, level)
        if level in WARNINGS:
            self._feed("warning", entry, source, WARNINGS[level])

    def _feed(self, topic: str, entry: LogEntry, source: str, level: str) -> None:
        """Notifies all subscribers but the entry's plugin, which may log what it gets, for ever."""
        if topic in self._dialect.topics and self._plugins.is_heard(topic):
            event = log_event(entry, source, level, time.time_ns())
            self._plugins.notify(topic, event, None, but=entry.plugin)
