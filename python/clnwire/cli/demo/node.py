"""A simulated node with a real SQLite database. A plugin approves each write before its commit."""

import os
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import psutil
from msgspec import Struct, field

from clnwire.cli.demo.traffic import SCHEMA, sets, version_is
from clnwire.errors import ClnwireError
from clnwire.host import Host

DATABASE: Final = "node.sqlite3"
SAMPLE_EVERY: Final = 100
"""Writes between two looks at the plugin's memory."""
PROBES: Final = 100
"""How often the disk is probed for what an fsync takes."""
PROBE_BYTES: Final = 4 << 10


class DemoRun(Struct):
    """What was measured. Times are in seconds."""

    writes: int = 0
    """How many were committed, the schema not counted."""
    latencies: list[float] = field(default_factory=list[float])
    """Of all but the first of each start: from a `db_write` being sent to its answer, in order."""
    seconds: float = 0.0
    """Latencies and the node's own commits together."""
    sql_bytes: int = 0
    """Of all statements together."""
    plugin_cpu: float = 0.0
    """User and system time of the plugin, without its start."""
    plugin_memory: int = 0
    """The most bytes that were resident, of the samples taken."""
    fsync: float = 0.0
    """The median of what writing and syncing 4 kB takes here, when nothing else writes."""


async def run(
    plugin: Path,
    environment: Mapping[str, str],
    directory: Path,
    writes: int,
    progress: Callable[[int], object],
) -> DemoRun:
    """Runs the plugin through so many writes, at least two; `progress` gets the number of each.

    In the middle, node and plugin are killed between the plugin's answer and the node's commit, and
    start again. Leaves the node's database in the directory. Raises `ClnwireError` if the plugin
    does not approve a write, and as `Host.start` does.
    """
    transactions = sets(writes)
    with closing(sqlite3.connect(directory / DATABASE, isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        # The node does not sync, so that only the plugin's disk time is measured.
        database.execute("PRAGMA synchronous = OFF")
        node = _Node(database, plugin, environment, writes, progress)
        await node.run(list(SCHEMA), islice(transactions, writes // 2), is_killed=True)
        await node.run(next(transactions), transactions, is_killed=False)
    node.measured.fsync = _probe(directory / "probe")
    return node.measured


class _Node:
    """The node, over both of its runs."""

    def __init__(
        self,
        database: sqlite3.Connection,
        plugin: Path,
        environment: Mapping[str, str],
        total: int,
        progress: Callable[[int], object],
    ) -> None:
        self._database, self._plugin, self._environment = database, plugin, environment
        self._total, self._progress = total, progress
        self._version = 0
        self.measured = DemoRun()

    async def run(self, first: list[str], writes: Iterable[list[str]], *, is_killed: bool) -> None:
        """Starts, commits the sets, and ends. The plugin gets the first set before `init`."""
        measured = self.measured
        async with Host() as host:
            host.data_version = self._version
            self._execute(first)
            child = await host.start(self._plugin, migrations=[first], env=self._environment)
            self._commit()
            process = psutil.Process(child.pid)
            before = _cpu_seconds(process)
            with self._explained(host):
                for one in writes:
                    await self._write(host, one)
                    if self._version % SAMPLE_EVERY == 2:
                        memory = process.memory_info().rss
                        measured.plugin_memory = max(measured.plugin_memory, memory)
                measured.plugin_cpu += _cpu_seconds(process) - before
                if is_killed:
                    # The plugin has this set, and the node starts again without it.
                    await host.db_write(["DELETE FROM terms", version_is(self._version + 1)])
                    process.kill()

    @contextmanager
    def _explained(self, host: Host) -> Generator[None, None, None]:
        try:
            yield
        except Exception as error:
            last = [f"; its last log line: {entry.message}" for entry in host.logs[-1:]]
            raise ClnwireError(
                f"write {self._version:,} of {self._total:,}: {error}{''.join(last)}; "
                "nothing was committed from there on; look into what the plugin has printed"
            ) from error

    async def _write(self, host: Host, writes: Sequence[str]) -> None:
        """Executes, sends and commits a transaction, in the order of a real node."""
        self._execute(writes)
        sent = time.perf_counter()
        await host.db_write(writes)
        answered = time.perf_counter()
        self._commit()
        self.measured.latencies.append(answered - sent)
        self.measured.seconds += time.perf_counter() - sent
        self.measured.sql_bytes += sum(map(len, writes))

    def _execute(self, writes: Sequence[str]) -> None:
        """Executes a set, and leaves its transaction open."""
        self._database.execute("BEGIN")
        for statement in writes:
            self._database.execute(statement)

    def _commit(self) -> None:
        self._database.execute("COMMIT")
        self.measured.writes = self._version
        self._version += 1
        self._progress(self.measured.writes)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _probe(path: Path) -> float:
    times: list[float] = []
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(PROBES):
            before = time.perf_counter()
            os.write(fd, b"\0" * PROBE_BYTES)
            os.fsync(fd)
            times.append(time.perf_counter() - before)
    finally:
        os.close(fd)
        path.unlink()
    return sorted(times)[PROBES // 2]
