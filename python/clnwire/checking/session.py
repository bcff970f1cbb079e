"""One start of the plugin under the host, in one dialect. All waits in it have a bound."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING, Final

from clnwire.checking.traceback import TRACEBACK, last_traceback
from clnwire.checking.watch import Watch
from clnwire.host import Host
from clnwire.host import empty_node as node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clnwire.checking.target import Limits, Target
    from clnwire.checking.watch import StrayReply
    from clnwire.host.journal import LogEntry, RemarkKind
    from clnwire.host.plugins.boot import Values
    from clnwire.host.plugins.chunked_writer import Cut
    from clnwire.host.plugins.plugin import Plugin
    from clnwire.host.rules.dialect import Name
    from clnwire.host.rules.manifest import HostManifest, Option

ERRORS: Final = frozenset(("broken", "error"))
"""Levels at which a plugin says that something failed."""
MOST_BYTES: Final = 64 << 20
"""The longest message that the plugin may send. It is far above what a check needs, and bounds
memory for a message that never ends."""
KEPT: Final = 16384
"""Bytes of the end of stderr that are read."""


class CheckSession:
    """Enter it, `start` the plugin, and use `host`. At its end the plugin is killed."""

    host: Host
    watch: Watch
    plugin: Plugin
    """When it has started."""
    usable: bool
    """Whether the plugin runs and answers."""

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
        self.waiting_commands: list[str] = []
        """The daemon's commands that the plugin waited for at the host's last log line."""
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

    async def __aenter__(self) -> CheckSession:
        await self.host.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def start(self, values: Values | None = None) -> Plugin:
        """Starts the plugin, with these values for its options beside the user's.

        Raises what `Host.start` raises, and `TimeoutError` if `db_write` is not answered.
        """

        def options(known: Mapping[str, Option]) -> Values:
            return {**(values or {}), **self.target.given(known)}

        self.plugin = await self.host.start(
            self.target.path, options, arguments=self.target.arguments, stderr=self._stderr.fileno()
        )
        self._version = self.host.data_version
        self.usable = self.plugin.disabled is None and self.plugin.death is None
        return self.plugin

    async def end(self) -> None:
        """Kills the plugin, if it is there, and removes all that the host made."""
        self.usable = False
        with suppress(AttributeError):
            self.plugin.kill("was checked")
        await self.host.stop()
        self._stderr.close()
        self._folder.cleanup()

    @property
    def manifest(self) -> HostManifest:
        """What the plugin offers."""
        return self.plugin.manifest

    def next_version(self) -> int:
        """The version of the next `db_write`."""
        self._version += 1
        return self._version

    def answers(self) -> list[tuple[bytes, bytes]]:
        """Requests and replies; the host's directory is written `DIR`."""
        place = str(Path(self.host.rpc_path).parent).encode()
        return [(request.replace(place, b"DIR"), reply) for request, reply in self.watch.answers]

    def failure_since(self, mark: int) -> str | None:
        """What the plugin logged as failed since `len(host.logs)` was this, with a traceback."""
        said = [entry.message for entry in self.host.logs[mark:]]
        for number, entry in enumerate(self.host.logs[mark:]):
            if TRACEBACK in entry.message:
                # Some log a traceback line by line.
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
        """Skips the stray replies so far: their cause is about to be tried again."""
        self._stray_seen = len(self.watch.stray)

    def last_words(self) -> str:
        """How the plugin's stderr ends, as the end of a sentence, and its last traceback."""
        # The plugin shares this file's position and writes there; `pread` does not move it.
        file = self._stderr.fileno()
        size = os.fstat(file).st_size
        text = os.pread(file, KEPT, max(0, size - KEPT)).decode("utf-8", "replace")
        said = [line.strip() for line in text.split("\n") if line.strip()]
        if not said:
            return ""
        return f"; its stderr ends with: {said[-1]}\n{last_traceback(text)}".rstrip("\n")

    async def settle(self) -> None:
        """Waits until the plugin has been quiet for a moment and has no call under way.

        It waits for calls for half the timeout at most: after the whole timeout, the host would
        give up the hook that blocks the call.
        """
        await self.watch.settle()
        deadline = perf_counter() + self.limits.timeout / 2
        while self.host.commands_waiting and perf_counter() < deadline:
            await asyncio.sleep(0.02)
            await self.watch.settle()

    def _on_log(self, level: str, source: str, message: str) -> None:
        del level, source, message
        self.waiting_commands = self.host.commands_waiting
