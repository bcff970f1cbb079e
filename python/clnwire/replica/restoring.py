"""Makes the node's database from a base and the sets after it, or exports them."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.replica import snapshot
from clnwire.replica.applying import Applier
from clnwire.replica.errors import ReplicaError
from clnwire.replica.files import create, sync
from clnwire.replica.records import VERSIONS
from clnwire.replica.sets import statements

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.reading import Point, Reader, Steps

BASE: Final = "base.sqlite3"
SETS: Final = "sets.jsonl"
_SHOWN: Final = 10
"""How many inconsistent rows are named."""


class Restored(msgspec.Struct, frozen=True):
    """What a restored database is."""

    generation: int
    sequence: int
    """The last set that was executed."""
    version: int
    """The node's `data_version` after that set."""
    chain: bytes
    """The chain after that set."""
    sets: int
    """How many sets were executed after the base."""
    size: int
    """The size of the database in bytes."""
    seconds: float


def restore(reader: Reader, target: Path, point: Point, steps: Steps) -> Restored:
    """Makes the database as it was at a point, in a new file.

    The file is there, whole and synced, or not at all.

    Raises:
        ReplicaError: The file exists, something is missing or damaged, or the result is not whole.
    """
    began = time.monotonic()
    with new_database(target) as aside:
        base = reader.base_before(point)
        reader.read_base(base, aside, steps)
        sets, chain = point.sequence - base.sequence, base.chain
        with Applier(aside) as applier:
            for record in reader.records(base, point.sequence):
                applier.apply(record.sequence, record.payload, foreign_keys=record.foreign_keys)
                chain = record.chain
                steps("executing sets", record.sequence - base.sequence, sets)
        steps("checking it", 0, 0)
        check_database(aside, point.version)
    size, seconds = target.stat().st_size, time.monotonic() - began
    return Restored(point.generation, point.sequence, point.version, chain, sets, size, seconds)


def check_database(path: Path, version: int) -> None:
    """Raises `ReplicaError` unless the database is whole and has this version."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            snapshot.check(database, version)
            rows = database.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN)
    except sqlite3.Error as error:
        raise ReplicaError(f"the restored database cannot be read: {error}") from error
    if rows:
        broken = "; ".join(
            f"table {table}, row {rowid}: refers to a row of {parent} that does not exist"
            for table, rowid, parent, _ in rows
        )
        raise ReplicaError(f"the restored database is inconsistent: {broken}")


@contextmanager
def new_database(target: Path) -> Generator[Path, None, None]:
    """Yields the path of a database to make, which gets its name at the end if all went well.

    Raises:
        ReplicaError: There is a database at `target`, or a part of one.
    """
    refuse_existing(target)
    aside = target.with_name(f".{target.name}.new")
    snapshot.remove(aside)
    try:
        yield aside
        aside.chmod(0o600)
        sync(aside)
        try:
            # A link does not replace a file that came meanwhile; a rename does.
            os.link(aside, target)
        except FileExistsError:
            refuse_existing(target)
        sync(target.parent)
    finally:
        snapshot.remove(aside)


def refuse_existing(target: Path) -> None:
    """Raises `ReplicaError` if there is a database, or a part of one, at this path."""
    for suffix in (*snapshot.SUFFIXES, "-shm"):
        path = target.with_name(target.name + suffix)
        if os.path.lexists(path):
            raise ReplicaError(
                f"{path} exists, and nothing is replaced. If no node uses it, move it away; it may "
                "be the only copy of a newer state"
            )
    if not target.parent.is_dir():
        raise ReplicaError(f"{target.parent}: there is no such directory")


class Line(msgspec.Struct, frozen=True):
    """A line of the file of sets."""

    version: int
    """The node's `data_version` after the set."""
    foreign_keys: bool
    """Whether to execute it with `PRAGMA foreign_keys = ON`."""
    writes: list[str]
    """The statements, to be executed in one transaction."""


class Exported(msgspec.Struct, frozen=True):
    """What an export has written."""

    base_version: int
    version: int
    """The version after the last set."""
    sets: int


def export(reader: Reader, target: Path, steps: Steps) -> Exported:
    """Writes the newest base and the sets after it, decrypted, to a new directory.

    Raises:
        ReplicaError: The directory exists, or the replica is damaged.
    """
    last = reader.newest()
    base = reader.base_before(last)
    try:
        target.mkdir(0o700)
    except FileExistsError:
        raise ReplicaError(f"{target} exists; name a new directory") from None
    with new_database(target / BASE) as database:
        reader.read_base(base, database, steps)
    total = last.sequence - base.sequence
    with create(target / SETS) as file:
        for record in reader.records(base, last.sequence):
            version = record.sequence % VERSIONS
            line = Line(version, record.foreign_keys, statements(record.payload))
            file.write(msgspec.json.encode(line) + b"\n")
            steps("writing sets", record.sequence - base.sequence, total)
    return Exported(base.sequence % VERSIONS, last.version, total)
