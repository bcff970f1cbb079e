"""A plugin that runs in a test's host: what the daemon asks of it, what it says, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clnwire._wire.structs import Event
    from clnwire.host import LogEntry, TopicEntry
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.manifest import Manifest
    from clnwire.testing._host import BlockingHost
    from clnwire.testing._waiting import Waiter


class RunningPlugin:
    """A plugin that was started. `run_plugin` and `BlockingHost.start` give one.

    `call`, `hook`, `notify` and `db_write` are its host's, for tests with one plugin.
    """

    host: BlockingHost
    """The daemon's side."""
    name: str
    """The file's name; that of the module for a `Plugin` object."""

    def __init__(
        self, host: BlockingHost, plugin: Plugin, waiter: Waiter, expected: list[Plugin]
    ) -> None:
        self.host, self.name = host, plugin.name
        self._plugin, self._waiter, self._expected = plugin, waiter, expected

    def __repr__(self) -> str:
        return f"<RunningPlugin {self._plugin!r}>"

    # What it is asked

    def call(self, method: str, params: object = None, *, timeout: float | None = None) -> Any:
        """Calls a method: see `BlockingHost.call`."""
        return self.host.call(method, params, timeout=timeout)

    def hook(
        self,
        event: Event | type[Event] | str,
        payload: object = None,
        *,
        timeout: float | None = None,
    ) -> Any:
        """Calls a hook, and gives the answer: see `BlockingHost.hook`."""
        return self.host.hook(event, payload, timeout=timeout)

    def notify(self, event: Event | type[Event] | str, payload: object = None) -> None:
        """Sends a notification: see `BlockingHost.notify`."""
        self.host.notify(event, payload)

    def db_write(self, writes: Sequence[str], *, data_version: int | None = None) -> int:
        """Sends the next set of statements: see `BlockingHost.db_write`."""
        return self.host.db_write(writes, data_version=data_version)

    # What it says

    @property
    def manifest(self) -> Manifest:
        """What it offers."""
        return self._plugin.manifest

    @property
    def disabled(self) -> str | None:
        """Why it does not want to run, if so."""
        return self._plugin.disabled

    @property
    def logs(self) -> list[LogEntry]:
        """The lines that it wrote for the daemon's log so far."""
        return [entry for entry in self.host.host.logs if entry.plugin == self.name]

    def log_text(self) -> str:
        """Its log lines so far, each with its level before it."""
        return "\n".join(f"{entry.level} {entry.message}" for entry in self.logs)

    def wait_for_log(
        self, part: str, *, level: str | None = None, timeout: float | None = None
    ) -> LogEntry:
        """Its first log line, past or to come, that contains `part`, and has this level if given.

        Levels are the daemon's: `trace`, `debug`, `info`, `unusual` or `warn`, `broken` or `error`,
        as the plugin wrote them. Raises `TimeoutError` after `timeout` seconds (the host's
        `patience` unless given), with the lines that came and the last messages, and
        `PluginDiedError`.
        """

        def fits(entry: LogEntry) -> bool:
            right_level = level is None or entry.level == level
            return entry.plugin == self.name and right_level and part in entry.message

        kind = "" if level is None else f" at level '{level}'"
        what = f"'{self.name}' logged nothing with {part!r}{kind}"
        return self._waiter.wait_in(self.host.host.logs, fits, what, timeout, self.log_text)

    @property
    def published(self) -> list[TopicEntry]:
        """What it published on its own topics so far."""
        return [entry for entry in self.host.host.notifications if entry.plugin == self.name]

    def wait_for_topic(self, topic: str, *, timeout: float | None = None) -> Any:
        """The payload of the first notification, past or to come, that it published on a topic.

        Raises as `wait_for_log` does.
        """
        entry = self._waiter.wait_in(
            self.host.host.notifications,
            lambda entry: entry.plugin == self.name and entry.topic == topic,
            f"'{self.name}' published nothing on '{topic}'",
            timeout,
            lambda: "\n".join(f"{entry.topic} {entry.params.decode()}" for entry in self.published),
        )
        return entry.payload

    # How it ends

    @property
    def pid(self) -> int:
        """Its process, the test's own for a `Plugin` object."""
        return self._plugin.pid

    @property
    def returncode(self) -> int | None:
        """`None` while it runs; negative: the signal that ended it."""
        return self._plugin.returncode

    def hang_up(self, *, timeout: float | None = None) -> int:
        """Cuts it off from the daemon: it sees the end of its input. Gives the exit status.

        Raises `TimeoutError` if it does not end.
        """
        self._expected.append(self._plugin)
        self._waiter.act(self._plugin.close)
        return self.wait_ended(timeout=timeout)

    def kill(self) -> None:
        """Ends it as a power switch would, and waits until it is gone."""
        self._expected.append(self._plugin)
        self._waiter.act(lambda: self._plugin.kill("was killed by the test"))
        self.wait_ended()

    def wait_ended(self, *, timeout: float | None = None) -> int:
        """Waits until it has ended of itself, and gives the exit status. Raises `TimeoutError`."""
        self._expected.append(self._plugin)
        exited = self._plugin.process.exited()
        return self._waiter.bounded(exited, timeout, f"'{self.name}' did not end")
