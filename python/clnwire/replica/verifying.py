"""Compares the replica with the node's database, as it is at this moment."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.replica import requests
from clnwire.replica.digest import digest_of
from clnwire.replica.errors import ReplicaError
from clnwire.replica.files import scratch
from clnwire.replica.metrics import Verified, write_verified
from clnwire.replica.reading import Point
from clnwire.replica.records import VERSIONS
from clnwire.replica.restoring import Restored, restore
from clnwire.replica.snapshot import Raw, copy_raw, data_version, readable

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.reading import Reader, Steps
    from clnwire.replica.settings import ReplicaSettings

WAIT_SECONDS: Final = 60.0
"""How long the node may take to write something, which is when it can be copied."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether the replica has what the node has."""

    is_same: bool
    version: int
    """The version of the node's database at which they were compared."""
    difference: str | None
    """What differs, in words."""
    tables: int
    restored: Restored


def verify(
    reader: Reader,
    settings: ReplicaSettings,
    directory: Path,
    steps: Steps,
    *,
    wait_seconds: float = WAIT_SECONDS,
) -> Verdict:
    """Compares the two, table by table, and notes the outcome for `status`.

    If the node runs, its plugin copies the database at the node's next set. Otherwise the database
    is copied at once.

    Raises:
        UnavailableError: The node runs and has written nothing for so many seconds.
        ReplicaError: The database or the replica cannot be copied or read.
    """
    chain: bytes | None
    with scratch(settings.database.parent) as folder:
        if node_runs(directory):
            request = requests.Request(secrets.token_hex(8), str(folder / "node.sqlite3"))
            waiting = partial(steps, "waiting for the node to write", 0, 0)
            answer, raw = requests.ask(directory, request, wait_seconds, waiting)
            point, chain = Point(answer.generation, answer.sequence), answer.chain
        else:
            point, chain, raw = _copy(reader, settings.database, folder / "node.sqlite3")
        raw.open(point.version)
        restored = restore(reader, folder / "replica.sqlite3", point, steps)
        steps("comparing", 0, 0)
        ours, theirs = digest_of(folder / "replica.sqlite3"), digest_of(raw.path)
    difference = ours.difference(theirs)
    if difference is None and chain is not None and chain != restored.chain:
        difference = "the history, although the tables are the same"
    is_same = difference is None
    write_verified(directory, Verified(time.time(), point.sequence, is_same))
    return Verdict(is_same, restored.version, difference, len(theirs.tables), restored)


def _copy(reader: Reader, database: Path, target: Path) -> tuple[Point, bytes | None, Raw]:
    """Copies the database of a node that does not run."""
    head = reader.newest()
    raw = copy_raw(database, target, lambda _text: None)
    with readable(database), closing(sqlite3.connect(target, isolation_level=None)) as copy:
        version = data_version(copy)
    ahead = (version - head.sequence) % VERSIONS
    # The node has perhaps not committed the last set of the replica.
    if ahead not in (0, VERSIONS - 1):
        raise ReplicaError(
            f"{database}: is at version {version}, and the replica at "
            f"{head.version}, so nothing can be compared; at its next start the node "
            "says which of the two is behind"
        )
    return Point(head.generation, head.sequence - (ahead != 0)), None, raw


def node_runs(directory: Path) -> bool:
    """Whether a lightningd has locked its pid file in this directory."""
    return any(_is_locked(path) for path in directory.glob("lightningd-*.pid"))


def _is_locked(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
