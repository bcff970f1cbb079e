"""A simulated node with a real SQLite database. A plugin approves each write before its commit."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

import psutil
from msgspec import Struct

from clnwire.cli.demo.traffic import SCHEMA, DemoTraffic
from clnwire.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SAMPLE_EVERY: Final = 100
"""Writes between two looks at the plugin's memory."""
PROBES: Final = 100
"""How often the disk is probed for what an fsync takes."""
PROBE_BYTES: Final = 4 << 10


class DemoRun(Struct):
    """What was measured. Times are in seconds."""

    latencies: list[float]
    """From a `db_write` being sent to its answer, in order."""
    seconds: float
    """Latencies and the node's own commits together."""
    sql_bytes: int
    """Of all statements together."""
    plugin_cpu: float
    """User and system time of the plugin, without its start."""
    plugin_memory: int
    """The most bytes that were resident, of the samples taken."""
    fsync: float
    """The median of what writing and syncing 4 kB takes here, when nothing else writes."""


class WriteError(Exception):
    """The plugin did not approve a write; the cause says why."""

    def __init__(self, number: int, total: int, log: Sequence[str]) -> None:
        self.number, self.total, self.log = number, total, log
        super().__init__(f"write {number:,} of {total:,}")


async def run(
    plugin: Path, directory: Path, writes: int, progress: Callable[[], object]
) -> DemoRun:
    """Runs the plugin through so many writes; `progress` is called after each.

    Leaves `node.sqlite3` in the directory, and has the plugin leave `replica.sqlite3` there.
    Raises `WriteError`, and as `Host.start` does.
    """
    async with Host() as host:
        environment = {"CLNWIRE_REPLICA": str(directory / "replica.sqlite3")}
        child = await host.start(plugin, migrations=[SCHEMA], env=environment)
        with closing(_database(directory / "node.sqlite3")) as database:
            node = _Node(host, database, psutil.Process(child.pid))
            await node.write_all(writes, progress)
            return node.result(directory)


def _database(path: Path) -> sqlite3.Connection:
    """The node's database. It is not synced, so that only the plugin's disk time is measured."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA foreign_keys = ON")
    database.execute("PRAGMA synchronous = OFF")
    _execute(database, SCHEMA)
    database.execute("COMMIT")
    return database


def _execute(database: sqlite3.Connection, writes: Sequence[str]) -> None:
    """Carries out a set, and leaves its transaction open."""
    database.execute("BEGIN")
    for statement in writes:
        database.execute(statement)


class _Node:
    """A run while it lasts."""

    def __init__(self, host: Host, database: sqlite3.Connection, process: psutil.Process) -> None:
        self._host, self._database, self._process = host, database, process
        self._latencies: list[float] = []
        self._seconds = 0.0
        self._sql_bytes = 0
        self._cpu_at_start = self._cpu()
        self._memory = 0

    async def write_all(self, count: int, progress: Callable[[], object]) -> None:
        for number, writes in enumerate(DemoTraffic().sets(count), start=1):
            try:
                await self._write(writes)
                if number % SAMPLE_EVERY == 0 or number == count:
                    self._memory = max(self._memory, self._process.memory_info().rss)
            except Exception as error:
                log = [entry.message for entry in self._host.logs]
                raise WriteError(number, count, log) from error
            progress()

    async def _write(self, writes: list[str]) -> None:
        """Executes, sends and commits a transaction, in the order of a real node."""
        _execute(self._database, writes)
        sent = time.perf_counter()
        await self._host.db_write(writes)
        answered = time.perf_counter()
        self._database.execute("COMMIT")
        self._latencies.append(answered - sent)
        self._seconds += time.perf_counter() - sent
        self._sql_bytes += sum(map(len, writes))

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def result(self, directory: Path) -> DemoRun:
        return DemoRun(
            latencies=self._latencies,
            seconds=self._seconds,
            sql_bytes=self._sql_bytes,
            plugin_cpu=self._cpu() - self._cpu_at_start,
            plugin_memory=self._memory,
            fsync=_probe(directory / "probe"),
        )


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
