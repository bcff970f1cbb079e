"""Writes a replica to files that any program can read: a database, and the sets after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from clnwire.replica.errors import ReplicaError
from clnwire.replica.files import create
from clnwire.replica.records import VERSIONS
from clnwire.replica.restoring import new_database
from clnwire.replica.sets import statements

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.reading import Reader, Steps

BASE = "base.sqlite3"
SETS = "sets.jsonl"


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
