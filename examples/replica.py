#!/usr/bin/env python3
"""A replica of the node's database. Every set of writes is on disk here before the node commits it.

The node sends each set of statements to `db_write` before it commits. The plugin executes the set
on the replica's database and appends it to a log; the node goes on when both have succeeded. The
log is authoritative: after a crash the plugin brings the database up to date from the log. See
docs/replica.md.

The replica is `replica.sqlite3` in the node's directory, or the file in CLNWIRE_REPLICA. Beside it
are the log (`.log`) and the base (`.base`), the copy of the database at which the log starts.
CLNWIRE_NODE names the node's own database, which the plugin reads only under daemons before
v0.8.1: they do not number their writes.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from itertools import zip_longest
from pathlib import Path
from zlib import crc32

import msgspec

from clnwire import Plugin
from clnwire.hooks import CONTINUE, Continue, DbWrite, Refuse
from clnwire.messages import Init

LOG_BYTES = 64 << 20
"""A log grows to this or to the database's size, whichever is larger, before a new base is copied.
So the copies never write more than the log itself."""
VERSIONS = 1 << 32
"""`data_version` is a u32 and wraps at this."""
NUMBERS = 1 << 31
"""The replica's own numbers wrap at this: they are in SQLite's `user_version`, an i32."""
PRAGMA = re.compile(r"\s*PRAGMA\b", re.IGNORECASE)
FOREIGN_KEYS = re.compile(r"\s*PRAGMA\s+foreign_keys\s*=\s*(ON|OFF)\s*;?\s*", re.IGNORECASE)
TRANSACTION = re.compile(r"\s*(BEGIN|COMMIT|END)\b", re.IGNORECASE)
"""Statements to skip: the replica wraps each set in its own transaction."""
AFRESH = "stop the node, remove {0}*, copy the node's database to {0}, and start it again"

plugin = Plugin()


class ReplicaError(Exception):
    """The replica cannot follow the node, so the node must not commit."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A set of writes in the log. The first entry has no writes and stands for the base."""

    number: int
    """The number of the database's state after the set; the database has it in `user_version`."""
    version: int | None
    """The node's `data_version`; `None` from daemons before v0.8.1."""
    foreign_keys: bool
    """Whether the node's connection enforced foreign keys, and so deleted in cascades."""
    writes: list[str]


class Mark(msgspec.Struct, frozen=True):
    """An entry's place in the log."""

    end: int
    """The length of the log in bytes, up to the end of the entry."""
    number: int
    version: int | None


decode_entry = msgspec.json.Decoder(Entry).decode


class Replica:
    """A database and its log.

    After an error, close it and open it again; opening repairs it as after a crash.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.log = path, Path(f"{path}.log")
        self.base = Path(f"{path}.base")
        self.previous: Mark | None = None
        # The node opens its connection with foreign keys on, and sends each later change.
        self.foreign_keys = True
        self.fd = -1
        # The lock comes first, since another process may be creating the same files.
        self.lock = lock(Path(f"{path}.lock"))
        self.db = sqlite3.connect(path, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self.db.execute("PRAGMA journal_mode = WAL")
        # Commits need no fsync: the log is synced before, and restores what a crash loses here.
        self.db.execute("PRAGMA synchronous = NORMAL")
        if self.log.exists():
            self._use(self.log)
            self.last = self._catch_up()
        else:
            self.last = self._begin_log(self._version_of_snapshot())

    def close(self) -> None:
        """Discards an unfinished transaction and releases the files. SQLite then removes `-wal`."""
        self.db.close()
        if self.fd >= 0:
            os.close(self.fd)
        os.close(self.lock)

    def take(self, event: DbWrite) -> None:
        """Makes a set of writes durable. Raises if the node must not commit it."""
        if not event.writes:
            raise ReplicaError("the set has no statements: the node's database is not in SQLite")
        if all(PRAGMA.match(statement) for statement in event.writes):
            self._set(event)
            return
        if self._is_repeated(event.data_version):
            self._undo()
        elif self.last.end > max(LOG_BYTES, self.path.stat().st_size):
            # A new set proves that the node committed the last one, so the base can include it.
            self.last = self._begin_log(self.last.version)
        number = (self.last.number + 1) % NUMBERS
        entry = Entry(number, event.data_version, self.foreign_keys, event.writes)
        self._execute(entry)
        mark = self._append(entry)
        try:
            self.db.execute("COMMIT")
        except BaseException:
            # Deferred constraints fail at COMMIT. The log must not keep a set that cannot commit.
            os.ftruncate(self.fd, self.last.end)
            raise
        self.previous, self.last = self.last, mark

    def _set(self, event: DbWrite) -> None:
        """Applies settings. They change no data and carry the version of the last commit."""
        step = self._step(event.data_version)
        # A step of -1 means that the node did not commit our last set and will replace it.
        if step not in (None, 0, VERSIONS - 1):
            raise self._out_of_step(event.data_version)
        for statement in event.writes:
            setting = FOREIGN_KEYS.fullmatch(statement)
            if setting is None:
                raise ReplicaError(f"the replica does not support this setting: {statement}")
            self.foreign_keys = setting[1].upper() == "ON"
        if event.data_version is None:
            self._compare()

    def _compare(self) -> None:
        """Finds out from the node's database whether the node committed our last set.

        Daemons before v0.8.1 number nothing. They send a setting at each start, which calls this.
        """
        node = node_database()
        if not node.exists():
            if self.db.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise ReplicaError(f"the node's database is not at {node}; set CLNWIRE_NODE to it")
            return
        with frozen(node, Path(f"{self.path}.node")) as committed:
            if is_same(committed, self.db):
                return
            if self.previous is not None:
                self._undo()
                if is_same(committed, self.db):
                    return
        raise ReplicaError(f"the node's database differs; {AFRESH.format(self.path)}")

    def _step(self, version: int | None) -> int | None:
        """How far a version is ahead of the last, modulo 2³². `None` if the daemon sends no
        versions."""
        if version is None or self.last.version is None:
            return None
        return (version - self.last.version) % VERSIONS

    def _is_repeated(self, version: int | None) -> bool:
        """Whether this set replaces the last one, which the node did not commit."""
        step = self._step(version)
        if step not in (None, 0, 1):
            raise self._out_of_step(version)
        return step == 0

    def _out_of_step(self, version: int | None) -> ReplicaError:
        went_back = (self._step(version) or 0) >= VERSIONS // 2
        what = "the node's database went back in time" if went_back else "writes were missed"
        remedy = AFRESH.format(self.path)
        return ReplicaError(f"{what}: version {version} after {self.last.version}; {remedy}")

    def _undo(self) -> None:
        """Removes the last set from the log, and then rebuilds the database without it."""
        if self.previous is None:
            remedy = AFRESH.format(self.path)
            raise ReplicaError(f"version {self.last.version} is already in the base; {remedy}")
        os.ftruncate(self.fd, self.previous.end)
        os.fsync(self.fd)
        self.last = self._catch_up()

    def _catch_up(self) -> Mark:
        """Brings the database to the end of the log.

        It starts from the base if the database's state is not in the log.
        """
        found, last = self._replay()
        end = 0 if last is None else last.end
        if not found:
            self._refuse_bad_tail(end)
            # A later set may get the same number, so the old state must be gone from the disk.
            self.db.execute("PRAGMA synchronous = FULL")
            with closing(sqlite3.connect(self.base)) as base:
                base.backup(self.db)
            found, last = self._replay()
            self.db.execute("PRAGMA synchronous = NORMAL")
        if not found or last is None:
            raise ReplicaError(f"the log does not start at its base; {AFRESH.format(self.path)}")
        # A torn entry at the end was never approved: the node had no answer for it yet.
        os.ftruncate(self.fd, end)
        return last

    def _refuse_bad_tail(self, end: int) -> None:
        """Raises `ReplicaError` if the log once had the database's state and lost it.

        A set is committed to the database only after its line is on disk. If the database is ahead
        of the log and the log has a bad line, that line was whole once, so the log is damaged.
        """
        if os.fstat(self.fd).st_size > end:
            what = f"{self.log}: damaged after byte {end}, and the database is ahead of that"
            raise ReplicaError(f"{what}; {AFRESH.format(self.path)}")

    def _replay(self) -> tuple[bool, Mark | None]:
        """Executes the log's entries after the database's state.

        Returns whether the log has that state, and the last entry's mark.
        """
        (number,) = self.db.execute("PRAGMA user_version").fetchone()
        found, last = False, None
        for end, entry in self._entries():
            if found:
                self._execute(entry)
                self.db.execute("COMMIT")
            found = found or entry.number == number
            self.previous, last = last, Mark(end, entry.number, entry.version)
        return found, last

    def _execute(self, entry: Entry) -> None:
        """Executes a set in a transaction, and leaves the transaction open."""
        self.db.execute(f"PRAGMA foreign_keys = {entry.foreign_keys}")
        self.db.execute("BEGIN IMMEDIATE")
        for statement in entry.writes:
            if not TRANSACTION.match(statement):
                self.db.execute(statement)
        self.db.execute(f"PRAGMA user_version = {entry.number}")

    def _append(self, entry: Entry) -> Mark:
        line = to_line(entry)
        if os.write(self.fd, line) < len(line):
            raise ReplicaError(f"{self.log}: no space left")
        os.fsync(self.fd)
        return Mark(self.last.end + len(line), entry.number, entry.version)

    def _entries(self) -> Iterator[tuple[int, Entry]]:
        """The entries, each with its end in the log.

        Leaves out a last entry that a crash has torn. Raises `ReplicaError` for a bad entry before
        the last.
        """
        end = 0
        with self.log.open("rb") as file:
            for line in file:
                if not is_whole(line):
                    break
                end += len(line)
                yield end, decode_entry(line[9:])
            if file.read(1):
                raise ReplicaError(f"{self.log}: damaged after byte {end}, and not at its end")

    def _begin_log(self, version: int | None) -> Mark:
        """Copies the database to a new base, and begins a log that starts there."""
        new_base, new_log = Path(f"{self.base}.new"), Path(f"{self.log}.new")
        new_base.unlink(missing_ok=True)
        with closing(sqlite3.connect(new_base)) as copy:
            self.db.backup(copy)
        replace(new_base, self.base)
        (number,) = self.db.execute("PRAGMA user_version").fetchone()
        line = to_line(Entry(number, version, True, []))
        new_log.write_bytes(line)
        self._use(new_log)
        os.fsync(self.fd)
        replace(new_log, self.log)
        return Mark(len(line), number, version)

    def _use(self, log: Path) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = os.open(log, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)

    def _version_of_snapshot(self) -> int | None:
        """The `data_version` of the database before there is a log; 0 if it is empty."""
        if not self.db.execute("SELECT 1 FROM sqlite_master").fetchone():
            return 0
        row = self.db.execute("SELECT intval FROM vars WHERE name = 'data_version'").fetchone()
        return row[0] % VERSIONS if row else None


def lock(path: Path) -> int:
    """Locks out other processes while the descriptor is open.

    Raises `ReplicaError` if another process has the lock.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise ReplicaError("another process uses this replica") from None
    return fd


@contextmanager
def frozen(database: Path, copy: Path) -> Generator[sqlite3.Connection]:
    """A copy of the node's database as committed. The node writes nothing while it waits for our
    answer.

    The journal files are copied too, so that SQLite rolls back a transaction that a crash
    interrupted.
    """
    suffixes = ("", "-journal", "-wal", "-shm")
    try:
        for suffix in suffixes[:3]:
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{database}{suffix}", f"{copy}{suffix}")
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            yield connection
    finally:
        for suffix in suffixes:
            Path(f"{copy}{suffix}").unlink(missing_ok=True)


def is_same(one: sqlite3.Connection, other: sqlite3.Connection) -> bool:
    """Whether two databases have the same content."""
    return all(a == b for a, b in zip_longest(one.iterdump(), other.iterdump()))


def to_line(entry: Entry) -> bytes:
    """The entry's line in the log: the checksum in hexadecimal, a space, and JSON without line
    breaks."""
    text = msgspec.json.encode(entry)
    return b"%08x %s\n" % (crc32(text), text)


def is_whole(line: bytes) -> bool:
    """Whether the line is complete and its checksum fits."""
    return line[-1:] == b"\n" and line[:9] == b"%08x " % crc32(line[9:-1])


def replace(new: Path, path: Path) -> None:
    """Replaces a file by a new one, and syncs the directory."""
    new.replace(path)
    fd = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def place() -> Path:
    """The path of the replica. An environment variable gives it, since `db_write` comes before the
    options do."""
    return Path(os.environ.get("CLNWIRE_REPLICA", "replica.sqlite3")).absolute()


def node_database() -> Path:
    """The path of the node's own database."""
    return Path(os.environ.get("CLNWIRE_NODE", "lightningd.sqlite3")).absolute()


@cache
def replica() -> Replica:
    """The replica, opened by the first write, so that `lightningd --help` touches no file."""
    return Replica(place())


@plugin.hook("db_write")
def on_write(event: DbWrite) -> Continue | Refuse:
    try:
        replica().take(event)
    except (ReplicaError, sqlite3.Error, sqlite3.Warning, OSError) as error:
        close()
        return Refuse(f"the replica cannot follow: {error}")
    return CONTINUE


@plugin.on_init
def check_that_sets_come(init: Init) -> None:
    """Disables the plugin if no set came before `init`.

    A starting node always sends one, unless its database is in PostgreSQL.
    """
    if init.configuration.startup and not replica.cache_info().misses:
        plugin.disable(
            "the node has sent no writes at its start, so its database is not in SQLite, and "
            "db_write cannot replicate it. Use PostgreSQL's own replication"
        )


@plugin.on_shutdown
def close() -> None:
    if replica.cache_info().currsize:
        replica().close()
        replica.cache_clear()


def catch_up() -> None:
    """Brings the database up to date without a node, for use by other programs."""
    if not place().exists():
        sys.exit(f"there is no replica at {place()}; set CLNWIRE_REPLICA to its path")
    try:
        print(f"{place()} is complete, at version {replica().last.version}")
    except (ReplicaError, sqlite3.Error, OSError) as error:
        sys.exit(f"{place()}: {error}")
    close()


if __name__ == "__main__":
    os.umask(0o077)  # the database has secrets that can spend the node's money
    if sys.argv[1:] == ["catch-up"]:
        catch_up()
    else:
        plugin.run()
