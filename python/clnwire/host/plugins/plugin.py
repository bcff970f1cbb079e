"""One plugin of the host: its process, its manifest and its unanswered requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct, json

from clnwire._core import Frame, Framer, IdMap, MalformedError, Outbox
from clnwire._wire.foreign import shortened
from clnwire.host.errors import DeathKind, PluginDiedError
from clnwire.host.journal import Call, Journal, LogEntry, RemarkKind, TopicEntry
from clnwire.host.plugins.output import (
    LogLines,
    Notice,
    OutputError,
    Publication,
    check_envelope,
    judge_notification,
)
from clnwire.host.plugins.process import Child, ChunkedWriter, Cut, PluginProcess, ending
from clnwire.host.rules.decoding import shown
from clnwire.host.rules.dialect import VERSION, HostDialect
from clnwire.host.rules.manifest import HostManifest

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.host.rules.options import Setting


class Owner(Protocol):
    """Receives a plugin's events; `PluginOwner` says what each of them is."""

    traces: bool
    """Whether to call `on_frame`."""

    def on_log(self, entry: LogEntry) -> None: ...
    def on_remark(self, entry: LogEntry) -> None: ...
    def on_abort(self, entry: LogEntry) -> None: ...
    def on_publication(self, plugin: str, publication: Publication) -> None: ...
    def on_end(self, plugin: Plugin, error: PluginDiedError) -> None: ...
    def on_frame(self, direction: Literal["in", "out"], plugin: str, frame: bytes) -> None: ...


class _Call(Struct):
    """An unanswered request to the plugin."""

    key: int
    method: str
    future: asyncio.Future[Frame]
    notify: Callable[[Notice], None] | None


class Plugin:
    """A plugin that was started, as `Host.start` returns it."""

    def __init__(
        self,
        path: Path,
        owner: Owner,
        ids: IdMap,
        dialect: HostDialect,
        child: Child,
        framer: Framer,
        *,
        cut: Cut | None = None,
        owns_group: bool = False,
        important: bool = False,
    ) -> None:
        self.name = path.name
        """The file's name."""
        self.path, self.dialect = path, dialect
        self.important = important
        """Whether the host ends when the plugin does."""
        self.manifest = self._no_manifest = HostManifest()
        """The plugin's manifest; empty until it has answered `getmanifest`."""
        self.settings: dict[str, Setting] = {}
        """The values of the plugin's options, including defaults; empty until they are resolved."""
        self.disabled: str | None = None
        """Why the plugin disabled itself; `None` if it did not."""
        self.initialised = False
        """Whether the plugin has answered `init`; before that it gets no notifications."""
        self.closed = False
        """Whether the host closed the plugin's stdin to end it."""
        self.death: PluginDiedError | None = None
        """How the plugin ended; `None` while it runs."""
        self.logs: Journal[LogEntry] = Journal()
        """The log lines of this run."""
        self.published: Journal[TopicEntry] = Journal()
        """What this run published on its own topics."""
        self.calls: Journal[Call] = Journal()
        """The calls on the daemon's socket during this run, also those of others."""
        self._owner, self._ids = owner, ids
        self._outbox = Outbox()
        self._calls: dict[bytes, _Call] = {}
        self.process = PluginProcess(
            child,
            framer,
            on_frame=self._take,
            on_malformed=self._take_malformed,
            on_exit=self._take_exit,
            owns_group=owns_group,
        )
        """The plugin's process, which may have ended."""
        self._writer = ChunkedWriter(self.process, cut)

    def __repr__(self) -> str:
        state = "ended" if self.death else "disabled" if self.disabled else "running"
        return f"<Plugin {self.name!r} {state}>"

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status; a negative number is a signal; `None` while the process runs."""
        return self.process.returncode

    @property
    def pending(self) -> tuple[str, ...]:
        """The id tokens of the unanswered requests, oldest first."""
        return tuple(token.decode() for token in self._calls)

    def request(
        self,
        method: str,
        params: bytes | None,
        *,
        caller: bytes | None = None,
        notify: Callable[[Notice], None] | None = None,
    ) -> asyncio.Future[Frame]:
        """Sends a request. The future resolves to the reply or raises `PluginDiedError`.

        `params` is JSON text; `None` omits the member. `caller` is the id token of the request
        that caused this one. `notify` is called with the plugin's `message` and `progress`.
        """
        token, future = self._expect(method, caller, notify)
        if params is None:
            name = json.encode(method)
            self._send(b'{"jsonrpc":"2.0","id":%s,"method":%s}\n\n' % (token, name))
        else:
            self._outbox.request(token, method, params)
            self._send(self._outbox.take())
        return future

    def forward(
        self,
        frame: Frame,
        *,
        caller: bytes | None,
        notify: Callable[[Notice], None] | None = None,
    ) -> asyncio.Future[Frame]:
        """Sends a request, unchanged except for its id; `caller` is the caller's id token."""
        span = frame.id_span
        assert span is not None
        token, future = self._expect(frame.method or "", caller, notify)
        self._send(b"%s%s%s\n\n" % (frame.bytes[: span[0]], token, frame.bytes[span[1] :]))
        return future

    def _expect(
        self, method: str, caller: bytes | None, notify: Callable[[Notice], None] | None
    ) -> tuple[bytes, asyncio.Future[Frame]]:
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        key = self._ids.insert(b"null" if caller is None else caller)
        token = self.dialect.token(caller, method, key)
        if self.death is not None:
            self._ids.take(key)
            future.set_exception(self.death)
        else:
            self._calls[token] = _Call(key, method, future, notify)
        return token, future

    def subscriptions_to(self, topic: str) -> int:
        """How many times the plugin gets a notification of this topic.

        A subscription to `*` counts, except for the topic `log` and in old dialects.
        """
        count = self.manifest.subscriptions.count(topic)
        if topic == "log" or not self.dialect.is_current:
            return count
        return count + self.manifest.subscriptions.count("*")

    def notify(self, message: bytes, topic: str) -> int:
        """Sends a notification once for each subscription to its topic. Returns the count."""
        if not self.initialised or self.death is not None:
            return 0
        times = self.subscriptions_to(topic)
        for _ in range(times):
            self._send(message)
        return times

    def notification(self, topic: str, payload: bytes) -> bytes:
        """The text of a native notification."""
        self._outbox.notification(topic, self.dialect.notification_params(topic, payload))
        return self._outbox.take()

    def kill(self, reason: str, kind: DeathKind = "unwanted") -> None:
        """Kills the plugin. Its pending requests fail with the reason."""
        self._die(reason, kind)
        self.process.kill()

    def close(self) -> None:
        """Closes the plugin's stdin after the pending writes."""
        self.closed = True
        self._writer.close()

    def _send(self, data: bytes) -> None:
        if self._owner.traces:
            self._owner.on_frame("in", self.name, data.rstrip())
        self._writer.send(data)

    def _take(self, frame: Frame) -> None:
        if self._owner.traces:
            self._owner.on_frame("out", self.name, frame.bytes)
        try:
            check_envelope(frame)
            if frame.id is None:
                self._take_notification(frame)
            else:
                self._take_reply(frame, frame.id)
        except OutputError as error:
            self.kill(str(error), error.kind)

    def _take_reply(self, frame: Frame, token: bytes) -> None:
        call = self._calls.pop(token, None)
        if call is None:
            message = f"there is no request with the id of this reply: {shown(token)}"
            if not self.dialect.takes_anything:
                raise OutputError("reply", message)
            self._remark(message, "reply")
            return
        self._ids.take(call.key)
        if not call.future.done():
            call.future.set_result(frame)

    def _take_notification(self, frame: Frame) -> None:
        output = judge_notification(frame, self.dialect)
        if isinstance(output, LogLines):
            self._log(output)
        elif isinstance(output, Notice):
            call = self._calls.get(output.token)
            if call is not None and call.notify is not None:
                call.notify(output)
        elif output.topic in self.manifest.topics:
            self.published.add(TopicEntry(self.name, output.topic, output.params))
            self._owner.on_publication(self.name, output)
        else:
            message = (
                f"topic {shortened(output.topic)!r} is not in its manifest; the daemon drops it"
            )
            self._remark(message, "topic")

    def _log(self, log: LogLines) -> None:
        for line in log.lines:
            entry = LogEntry(self.name, log.level, line)
            self.logs.add(entry)
            self._owner.on_log(entry)
        most = self.dialect.longest_line
        if most is not None and log.longest > most:
            message = (
                f"lightningd {VERSION} aborts here: a line of {log.longest} bytes for its log, "
                f"which takes {most}; cut it"
            )
            self._owner.on_abort(LogEntry(self.name, "broken", message, "line"))

    def _take_malformed(self, error: MalformedError, near: str) -> None:
        where = f"at byte {error.offset} of its output"
        kind: DeathKind = "encoding" if "UTF-8" in error.reason else "malformed"
        self.kill(f"sent malformed JSON: {error.reason} {where}: {near!r}", kind)

    def _take_exit(self, code: int) -> None:
        reason = ending(code)
        if code == 0 and self.manifest is self._no_manifest:
            reason += " without a manifest; a plugin made with clnwire ends with plugin.run()"
        self._die(reason, "ended")

    def _remark(self, message: str, kind: RemarkKind) -> None:
        self._owner.on_remark(LogEntry(self.name, "unusual", message, kind))

    def _die(self, reason: str, kind: DeathKind) -> None:
        if self.death is not None:
            return
        self.death = PluginDiedError(self.name, reason, self.pending, kind)
        calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            self._ids.take(call.key)
            is_forgotten = not self.dialect.survives and call.method in self.manifest.methods
            if not call.future.done() and not is_forgotten:
                call.future.set_exception(self.death)
                # Mark the exception as retrieved: the waiting task may have been cancelled.
                call.future.exception()
        for journal in (self.logs, self.published, self.calls):
            journal.end(self.death)
        self._owner.on_end(self, self.death)
