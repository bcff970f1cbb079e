"""The plugin to check, and one start of it under the host. All waits have a time limit."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Final

from msgspec import Struct

from clnwire.checking.finding import TRACEBACK, last_traceback
from clnwire.checking.watch import StrayReply, Watch, is_computing
from clnwire.host import Host
from clnwire.host import empty_node as node
from clnwire.host.config import Written, plugin_options

if TYPE_CHECKING:
    from clnwire.host.errors import PluginDiedError
    from clnwire.host.journal import LogEntry, RemarkKind
    from clnwire.host.plugins.boot import Values
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.plugins.process import Cut
    from clnwire.host.rules.dialect import Name
    from clnwire.host.rules.manifest import Option
    from clnwire.host.rules.options import Given

ERRORS: Final = frozenset(("broken", "error"))
"""The log levels for failures."""
MOST_BYTES: Final = 64 << 20
"""The longest message that the plugin may send; bounds memory for a message that never ends."""
KEPT: Final = 16384
"""Bytes of the end of stderr that are read."""


class Target(Struct, frozen=True):
    """A plugin, and how to start it."""

    path: Path
    arguments: Sequence[str] = ()
    """The plugin's command-line arguments."""
    options: Sequence[Written] = ()
    """Values for the plugin's own options, as a user writes them."""
    calls: Mapping[str, bytes | None] = {}
    """Methods to call, with parameters as JSON; `None` stands for made-up ones. `*` is every method
    that is not named."""

    def given(self, known: Mapping[str, Option]) -> dict[str, Given]:
        """The values for the options that the plugin has. Raises `ConfigError`."""
        return plugin_options(self.options, known)


class Limits(Struct, frozen=True):
    """Time limits, in seconds."""

    timeout: float = 10.0
    """For each answer, and for the plugin's end."""
    slow_start: float = 2.0
    """A start that takes longer is slow."""
    slow_hook: float = 1.0
    """An answer to a hook that takes longer is slow. For `db_write`, it is a tenth of this."""


class CheckSession:
    """One start: `start` the plugin and use `host`. `end` kills the plugin."""

    plugin: Plugin
    """Set by `start`."""

    def __init__(
        self,
        target: Target,
        dialect: Name,
        limits: Limits,
        cut: Cut | None = None,
        start_timeout: float | None = None,
    ) -> None:
        start_timeout = start_timeout or limits.timeout
        self.target, self.limits, self.dialect = target, limits, dialect
        self.watch = Watch()
        self.usable = False
        """Whether the plugin runs and answers."""
        self.waiting_commands: list[str] = []
        """The commands that the plugin waited for when the host last logged a line."""
        self._remarks_seen: dict[tuple[RemarkKind, ...], int] = {}
        self._stray_seen = 0
        self._version = 0
        # Each start gets a new directory: a plugin must not find files of its previous start.
        self._folder = tempfile.TemporaryDirectory()
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self.host = Host(
            dialect=dialect,
            manifest_timeout=start_timeout,
            init_timeout=start_timeout,
            hook_timeout=limits.timeout,
            call_timeout=limits.timeout,
            shutdown_timeout=0,
            max_frame_bytes=MOST_BYTES,
            on_log=self._on_log,
            on_trace=self.watch.see,
            cut=cut,
            own_groups=True,
            started_in=self._folder.name,
        )
        node.register(self.host)

    async def start(self, values: Values | None = None) -> Plugin:
        """Starts the plugin with the user's options and these further values.

        Raises what `Host.start` raises, and `TimeoutError` if `db_write` is not answered.
        """

        def options(known: Mapping[str, Option]) -> Values:
            return {**(values or {}), **self.target.given(known)}

        await self.host.__aenter__()
        self.plugin = await self.host.start(
            self.target.path, options, arguments=self.target.arguments, stderr=self._stderr.fileno()
        )
        self._version = self.host.data_version
        self.usable = self.plugin.disabled is None and self.plugin.death is None
        return self.plugin

    async def end(self) -> None:
        """Kills the plugin, if it was started, and removes the host's files."""
        self.usable = False
        with suppress(AttributeError):
            self.plugin.kill("was checked")
        await self.host.stop()
        self._stderr.close()
        self._folder.cleanup()

    def next_version(self) -> int:
        """The version of the next `db_write`."""
        self._version += 1
        return self._version

    def answers(self) -> list[tuple[bytes, bytes]]:
        """Requests and replies, with `DIR` for the host's directory."""
        place = str(Path(self.host.rpc_path).parent).encode()
        return [(request.replace(place, b"DIR"), reply) for request, reply in self.watch.answers]

    def failure_since(self, mark: int) -> str | None:
        """The failure that the plugin logged after the first `mark` entries of `host.logs`.

        Includes the traceback, if there is one. `None` if no failure was logged.
        """
        said = [entry.message for entry in self.host.logs[mark:]]
        for number, entry in enumerate(self.host.logs[mark:]):
            if TRACEBACK in entry.message:
                # Some plugins log each line of a traceback separately.
                return "\n".join(said[number:])
            if entry.level in ERRORS:
                following = "\n".join(said[number + 1 :])
                is_start = TRACEBACK in following.partition("\n")[0]
                return f"{entry.message}\n{following}" if is_start else entry.message
        return None

    def new_remarks(self, *kinds: RemarkKind) -> list[LogEntry]:
        """The host's remarks of these kinds since the last call with the same kinds."""
        seen = self._remarks_seen.get(kinds, 0)
        self._remarks_seen[kinds] = len(self.host.remarks)
        return [remark for remark in self.host.remarks[seen:] if remark.kind in kinds]

    def new_stray(self) -> list[StrayReply]:
        """The stray replies since the last call."""
        new = self.watch.stray[self._stray_seen :]
        self._stray_seen += len(new)
        return new

    def drop_stray(self) -> None:
        """Ignores the stray replies so far: the messages that caused them are sent again."""
        self._stray_seen = len(self.watch.stray)

    def epitaph(self, death: PluginDiedError) -> str:
        """How the plugin ended, and how its stderr ends."""
        return f"it {death.reason}{self.last_words()}"

    def last_words(self) -> str:
        """The last line of stderr, as the end of a sentence, and the last traceback in it."""
        # The plugin shares this file's position and writes there; `pread` does not move it.
        file = self._stderr.fileno()
        size = os.fstat(file).st_size
        text = os.pread(file, KEPT, max(0, size - KEPT)).decode("utf-8", "replace")
        said = [line.strip() for line in text.split("\n") if line.strip()]
        if not said:
            return ""
        return f"; its stderr ends with: {said[-1]}\n{last_traceback(text)}".rstrip("\n")

    async def settle(self) -> None:
        """Waits until the plugin is quiet, does not compute, and has no unanswered call.

        Waits for the latter two for at most half the time-out: after the whole time-out, the host
        would give up the hook that blocks the call.
        """
        await self.watch.settle()
        deadline = perf_counter() + self.limits.timeout / 2
        while self._is_at_work() and perf_counter() < deadline:
            await asyncio.sleep(0.02)
            await self.watch.settle()

    def _is_at_work(self) -> bool:
        """Whether the plugin waits for a call, or has not come to rest yet."""
        if self.host.commands_waiting:
            return True
        return self.plugin.death is None and is_computing(self.plugin.pid)

    def _on_log(self, level: str, source: str, message: str) -> None:
        del level, source, message
        self.waiting_commands = self.host.commands_waiting
