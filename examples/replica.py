#!/usr/bin/env python3
"""A replica of the node's database: whatever the node commits is on the disk here before.

`db_write` brings each set of statements before the node commits it. The set is carried out on a
database of our own and put into a log; when both have worked, the node may go on. The log is the
truth. The database follows it, and is caught up from it after a crash. See docs/replica.md.

The replica is `replica.sqlite3` in the node's directory, or what CLNWIRE_REPLICA names; the log and
the base that it goes on from are beside it, in `.log` and `.base`. CLNWIRE_NODE names the node's
own database: only under daemons before v0.8.1, which number nothing, is it looked at.
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
"""A log grows to this, or to the database's size: what is copied then has been written before."""
VERSIONS = 1 << 32
"""`data_version` is a u32 and wraps."""
NUMBERS = 1 << 31
"""Ours is kept in SQLite's `user_version`, an i32."""
PRAGMA = re.compile(r"\s*PRAGMA\b", re.IGNORECASE)
FOREIGN_KEYS = re.compile(r"\s*PRAGMA\s+foreign_keys\s*=\s*(ON|OFF)\s*;?\s*", re.IGNORECASE)
TRANSACTION = re.compile(r"\s*(BEGIN|COMMIT|END)\b", re.IGNORECASE)
"""A set is one transaction already, whether or not it says so."""
AFRESH = "stop the node, remove {0}*, copy the node's database to {0}, and start it again"

plugin = Plugin()


class ReplicaError(Exception):
    """The replica cannot follow, so the node must not go on."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A set of writes in the log. The first one, without writes, stands for the base."""

    number: int
    """Of the state after the set. The database carries it, too, so that they find each other."""
    version: int | None
    foreign_keys: bool
    """Whether the node's connection checked them, and deleted in cascades."""
    writes: list[str]


class Mark(msgspec.Struct, frozen=True):
    """What must be remembered of an entry."""

    end: int
    """The length of the log up to and with it, in bytes."""
    number: int
    version: int | None


decode_entry = msgspec.json.Decoder(Entry).decode


class Replica:
    """A database and its log. After any error: close it, and open it as if it had been killed."""

    def __init__(self, path: Path) -> None:
        self.path, self.log = path, Path(f"{path}.log")
        self.base = Path(f"{path}.base")
        self.previous: Mark | None = None
        # The node's connection is as new as ours, and checks them from its start.
        self.foreign_keys = True
        self.fd = -1
        # Before anything else: another process may be making the same files.
        self.lock = lock(Path(f"{path}.lock"))
        self.db = sqlite3.connect(path, isolation_level=None)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self.db.execute("PRAGMA journal_mode = WAL")
        # No fsync at each commit: the log has had its own, and brings back what gets lost here.
        self.db.execute("PRAGMA synchronous = NORMAL")
        if self.log.exists():
            self._use(self.log)
            self.last = self._catch_up()
        else:
            self.last = self._begin_log(self._version_of_snapshot())

    def close(self) -> None:
        """Gives up what is not finished. The database is one file then, without `-wal`."""
        self.db.close()
        if self.fd >= 0:
            os.close(self.fd)
        os.close(self.lock)

    def take(self, event: DbWrite) -> None:
        """Makes a set of writes durable. Raises if the node must not commit it."""
        if not event.writes:
            raise ReplicaError("no statements came: the node's database is not in SQLite")
        if all(PRAGMA.match(statement) for statement in event.writes):
            self._set(event)
            return
        if self._is_repeated(event.data_version):
            self._undo()
        elif self.last.end > max(LOG_BYTES, self.path.stat().st_size):
            # That this set comes next proves the last one committed: nothing before can be undone.
            self.last = self._begin_log(self.last.version)
        number = (self.last.number + 1) % NUMBERS
        entry = Entry(number, event.data_version, self.foreign_keys, event.writes)
        self._execute(entry)
        mark = self._append(entry)
        try:
            self.db.execute("COMMIT")
        except BaseException:
            # Deferred constraints fail only now: what cannot be committed must not be in the log.
            os.ftruncate(self.fd, self.last.end)
            raise
        self.previous, self.last = self.last, mark

    def _set(self, event: DbWrite) -> None:
        """Settings change no data and get no version: they carry that of the last commit."""
        step = self._step(event.data_version)
        # One less than ours: our last set was not committed, and will be replaced.
        if step not in (None, 0, VERSIONS - 1):
            raise self._out_of_step(event.data_version)
        for statement in event.writes:
            setting = FOREIGN_KEYS.fullmatch(statement)
            if setting is None:
                raise ReplicaError(f"a setting that this replica does not know: {statement}")
            self.foreign_keys = setting[1].upper() == "ON"
        if event.data_version is None:
            self._compare()

    def _compare(self) -> None:
        """Without numbers, only the node's database tells whether our last set was committed.

        Each start of a daemon that numbers nothing is announced by a setting.
        """
        node = node_database()
        if not node.exists():
            if self.db.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise ReplicaError(f"no database of the node at {node}; let CLNWIRE_NODE name it")
            return
        with frozen(node, Path(f"{self.path}.node")) as committed:
            if is_same(committed, self.db):
                return
            if self.previous is not None:
                self._undo()
                if is_same(committed, self.db):
                    return
        raise ReplicaError(f"the node's database is another; {AFRESH.format(self.path)}")

    def _step(self, version: int | None) -> int | None:
        """How far a version is ahead of the last; `None` if the daemon, of 2019, tells none."""
        if version is None or self.last.version is None:
            return None
        return (version - self.last.version) % VERSIONS

    def _is_repeated(self, version: int | None) -> bool:
        """Whether the node did not commit the last set and sends another in its place."""
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
        """Drops the last set: from the log first, and then from the database, made anew."""
        if self.previous is None:
            remedy = AFRESH.format(self.path)
            raise ReplicaError(f"version {self.last.version} is in the base already; {remedy}")
        os.ftruncate(self.fd, self.previous.end)
        os.fsync(self.fd)
        self.last = self._catch_up()

    def _catch_up(self) -> Mark:
        """Brings the database to the end of the log; from the base if the log does not know it."""
        found, last = self._replay()
        end = 0 if last is None else last.end
        if not found:
            self._refuse_bad_tail(end)
            # The number may be given again, so the state that had it must be gone from the disk.
            self.db.execute("PRAGMA synchronous = FULL")
            with closing(sqlite3.connect(self.base)) as base:
                base.backup(self.db)
            found, last = self._replay()
            self.db.execute("PRAGMA synchronous = NORMAL")
        if not found or last is None:
            raise ReplicaError(f"the log does not go on from its base; {AFRESH.format(self.path)}")
        # What is behind was being written when the power went away, and was never approved.
        os.ftruncate(self.fd, end)
        return last

    def _refuse_bad_tail(self, end: int) -> None:
        """The database is at a state that the log does not have: has the log had it?

        A set gets into the database when its line is on the disk, so a line that is bad now was
        whole then.
        """
        if os.fstat(self.fd).st_size > end:
            what = f"{self.log}: damaged after byte {end}, which the database is beyond"
            raise ReplicaError(f"{what}; {AFRESH.format(self.path)}")

    def _replay(self) -> tuple[bool, Mark | None]:
        """Carries out what the log has beyond the database; whether the log knows its state."""
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
        """Carries out a set in a transaction, and leaves that open."""
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
        """All entries, and where each ends. One torn by a kill is the last, and is left out."""
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
        """Makes the database as it is the base, and begins a log that goes on from it."""
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
        """The version of the database that is there before a log is; 0 if there is none."""
        if not self.db.execute("SELECT 1 FROM sqlite_master").fetchone():
            return 0
        row = self.db.execute("SELECT intval FROM vars WHERE name = 'data_version'").fetchone()
        return row[0] % VERSIONS if row else None


def lock(path: Path) -> int:
    """Keeps other processes away for as long as the descriptor is open."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise ReplicaError("another process keeps this replica") from None
    return fd


@contextmanager
def frozen(database: Path, copy: Path) -> Generator[sqlite3.Connection]:
    """A copy of the node's database as it is committed; the only one who writes to it waits.

    With its journal, from which SQLite takes back what a crash has left unfinished.
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
    """Whether two databases hold the same."""
    return all(a == b for a, b in zip_longest(one.iterdump(), other.iterdump()))


def to_line(entry: Entry) -> bytes:
    """The checksum in hexadecimal, a blank, and JSON, which has no line break inside."""
    text = msgspec.json.encode(entry)
    return b"%08x %s\n" % (crc32(text), text)


def is_whole(line: bytes) -> bool:
    """Whether all of a line got to the disk."""
    return line[-1:] == b"\n" and line[:9] == b"%08x " % crc32(line[9:-1])


def replace(new: Path, path: Path) -> None:
    """Puts a file in the place of another, durably."""
    new.replace(path)
    fd = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def place() -> Path:
    """Where the replica is. No option: `db_write` comes before the daemon tells us those."""
    return Path(os.environ.get("CLNWIRE_REPLICA", "replica.sqlite3")).absolute()


def node_database() -> Path:
    """The node's own database."""
    return Path(os.environ.get("CLNWIRE_NODE", "lightningd.sqlite3")).absolute()


@cache
def replica() -> Replica:
    """Opened by the first write: for `lightningd --help` alone, no file is touched."""
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
    """Each start of a node has a set before `init`, unless its database is in PostgreSQL."""
    if init.configuration.startup and not replica.cache_info().misses:
        plugin.disable(
            "the node starts and has sent no set of writes: its database is not in SQLite, and "
            "db_write cannot replicate it. PostgreSQL replicates by itself"
        )


@plugin.on_shutdown
def close() -> None:
    if replica.cache_info().currsize:
        replica().close()
        replica.cache_clear()


def catch_up() -> None:
    """Makes the database complete without a node, for whoever needs it now."""
    if not place().exists():
        sys.exit(f"there is no replica at {place()}; CLNWIRE_REPLICA says where it is")
    try:
        print(f"{place()} is complete, at version {replica().last.version}")
    except (ReplicaError, sqlite3.Error, OSError) as error:
        sys.exit(f"{place()}: {error}")
    close()


if __name__ == "__main__":
    os.umask(0o077)  # what is in the database may spend the node's money
    if sys.argv[1:] == ["catch-up"]:
        catch_up()
    else:
        plugin.run()
