"""Makes a newer base, so that older sets can go."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from clnwire.journal import digest_of_file
from clnwire.replica.files import scratch
from clnwire.replica.reading import Point
from clnwire.replica.records import Base
from clnwire.replica.restoring import restore

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.engines import Engine
    from clnwire.replica.reading import Reader, Steps


class Compacted(msgspec.Struct, frozen=True):
    """What a compaction has done."""

    base: Base
    """The newest base."""
    sets: int
    """How many sets it has more than the one before; 0 if nothing was to be done."""
    bases: int
    """How many bases are kept, of all generations."""


def compact(reader: Reader, folder: Path, retention: int, steps: Steps) -> Compacted:
    """Stores a base with all sets that the node has certainly committed, and prunes.

    The node may run meanwhile. In `folder` there has to be room for two copies of the database.
    `retention` says how many bases of the newest generation are kept; older generations go once it
    has so many. If the replica is damaged, nothing is removed.
    """
    engine, head = reader.engine, reader.newest()
    last = reader.base_before(head)
    # The node may not have committed the last set, and then replaces it.
    point = Point(head.generation, head.sequence - 1)
    sets = point.sequence - last.sequence
    if sets > 0:
        with scratch(folder) as inner:
            plain = inner / "base.sqlite3"
            chain = restore(reader, plain, point, steps).chain
            last = store_base(reader, plain, point, last.epoch, chain, steps)
    prune(engine, retention)
    return Compacted(last, max(sets, 0), len(engine.bases()))


def store_base(
    reader: Reader, database: Path, point: Point, epoch: int, chain: bytes, steps: Steps
) -> Base:
    """Stores a database, which is at this point, as a base, and removes its file.

    There has to be room for another one beside it. `epoch` and `chain` are those of its last set.
    """
    sealed = database.with_name(f"{database.name}.sealed")
    # A run that was killed has left it.
    sealed.unlink(missing_ok=True)
    try:
        place = reader.place(point.generation, point.sequence, 0)
        progress = partial(steps, "sealing the base")
        file = reader.sealing.to_store(place, database, sealed, progress)
        if file != database:
            database.unlink()
        size, digest = file.stat().st_size, digest_of_file(file)
        base = Base(point.generation, point.sequence, epoch, chain, size, digest, time.time())
        reader.engine.add_base(base, file, partial(steps, "storing the base"))
    finally:
        sealed.unlink(missing_ok=True)
        database.unlink(missing_ok=True)
    return base


def prune(engine: Engine, retention: int) -> None:
    """Removes what is older than the oldest base to keep, if there are so many."""
    bases = engine.bases()
    kept = [base for base in bases if base.generation == bases[-1].generation][-retention:]
    if len(kept) == retention and kept[0] != bases[0]:
        engine.prune(kept[0])
