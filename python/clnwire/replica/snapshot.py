"""A copy of the node's database, made while the node waits for the answer to `db_write`.

The node is the only writer of its database, and it waits. So the files are copied as they are, with
the journal of a transaction that is in progress or that a crash has left, and SQLite rolls that
back in the copy. Nothing opens the node's own database by SQLite: a lock on it would keep the node
from committing.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from clnwire.replica.errors import ReplicaError
from clnwire.replica.files import create, pieces, sync
from clnwire.replica.records import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

SUFFIXES: Final = ("", "-journal", "-wal")
"""The files of a database. `-shm` is left out: SQLite makes it anew."""
_FICLONE: Final = 0x40049409
"""The request of Linux that makes a file share the blocks of another."""
_CHUNK: Final = 4 << 20
TOLD_SECONDS: Final = 5.0
"""How often the log says that the node waits."""
_INSTRUCTIONS: Final = 1_000_000
"""Of SQLite's machine: some hundredths of a second."""


class Raw:
    """The copied files of a database, which SQLite has not opened yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(
        self, version: int, progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> int:
        """Rolls back what is unfinished, checks the database, and makes it one file.

        Returns its size in bytes. `progress` is called with zeros now and then, since how long a
        check takes is not known. Raises `ReplicaError` if the database is damaged, has another
        `data_version`, or is no node's.
        """
        # Without a file, SQLite would make one that others may read.
        self.path.touch(0o600)
        try:
            with closing(sqlite3.connect(self.path, isolation_level=None)) as database:
                database.set_progress_handler(lambda: progress(0, 0), _INSTRUCTIONS)
                check(database, version)
        except sqlite3.Error as error:
            raise ReplicaError(f"{self.path}: the copy of the node's database: {error}") from error
        # A journal of a transaction that has not yet changed the file is left as it is.
        for suffix in SUFFIXES[1:]:
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        sync(self.path)
        return self.path.stat().st_size


def copy_raw(
    database: Path,
    target: Path,
    log: Callable[[str], object],
    *,
    may_be_absent: bool = False,
) -> Raw:
    """Copies the files of a database that nobody writes to meanwhile.

    Logs progress every 5 s, since the node waits. The files are readable by their owner alone. A
    database that may be absent, before the node's first commit, gives an empty copy.

    Raises:
        ReplicaError: There is no such database, or it cannot be copied.
    """
    remove(target)
    # SQLite follows links, and has the journal beside the file itself.
    real = os.path.realpath(database)
    try:
        for suffix in SUFFIXES:
            source = Path(f"{real}{suffix}")
            if (suffix or may_be_absent) and not source.exists():
                continue
            _copy(source, Path(f"{target}{suffix}"), log)
    except OSError as error:
        remove(target)
        raise ReplicaError(_cannot_copy(database, target, error)) from error
    return Raw(target)


def _cannot_copy(database: Path, target: Path, error: OSError) -> str:
    what = f"the node's database cannot be copied from {database} to {target}: {error.strerror}"
    if error.errno == errno.ENOENT:
        return f"{what}; set `database` in clnwire-replica.toml if the node has it elsewhere"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{what}; make room for one copy of the database"
    return what


def _copy(source: Path, target: Path, log: Callable[[str], object]) -> None:
    with source.open("rb") as original, create(target, durable=False) as copy:
        if not _share_blocks(original.fileno(), copy.fileno()):
            size = os.fstat(original.fileno()).st_size
            progress = waiting(log, f"copying {source.name}")
            copy.writelines(pieces(source, size, _CHUNK, progress))


def waiting(log: Callable[[str], object], what: str) -> Callable[[int, int], None]:
    """Logs progress now and then, since the node waits."""
    told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TOLD_SECONDS:
            told = time.monotonic()
            amount = f": {done >> 20:,} of {total >> 20:,} MiB" if total else ""
            log(f"{what}{amount}; the node waits")

    return progress


def _share_blocks(source: int, target: int) -> bool:
    """Whether the file system could make the copy without copying (Btrfs, XFS)."""
    with suppress(OSError):
        fcntl.ioctl(target, _FICLONE, source)
        return True
    return False


@contextmanager
def readable(path: Path) -> Generator[None, None, None]:
    """Raises `ReplicaError`, which names the database, for an error of SQLite."""
    try:
        yield
    except sqlite3.Error as error:
        raise ReplicaError(f"{path}: {error}; check the disk and its room") from error


def remove(path: Path) -> None:
    """Removes a database with all its files."""
    for suffix in (*SUFFIXES, "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def check(database: sqlite3.Connection, version: int) -> None:
    """Makes a database one file. Raises `ReplicaError` unless it is whole and has this version."""
    database.execute("PRAGMA journal_mode = DELETE")
    found = data_version(database)
    if found != version:
        raise ReplicaError(
            f"the database is at version {found}, and not at {version} as the node's next set says"
        )
    (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise ReplicaError(f"the database is damaged: {verdict}")


def data_version(database: sqlite3.Connection) -> int:
    """The `data_version` of a node's database; 0 if it is empty.

    Raises `ReplicaError` if it is no node's database.
    """
    if not database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        return 0
    try:
        row = database.execute("SELECT intval FROM vars WHERE name = 'data_version'").fetchone()
    except sqlite3.Error as error:
        raise ReplicaError(f"this is no database of Core Lightning: {error}") from error
    return int(row[0]) % VERSIONS if row else 0
