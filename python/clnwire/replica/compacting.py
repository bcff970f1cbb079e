"""Makes a newer base, so that older sets can go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from clnwire.journal import digest_of_file
from clnwire.replica.reading import Point
from clnwire.replica.records import Base
from clnwire.replica.restoring import restore
from clnwire.replica.verifying import scratch

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.engines import Engine
    from clnwire.replica.reading import Reader, Steps
    from clnwire.replica.restoring import Restored


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

    The node may run meanwhile.

    Args:
        reader: The replica.
        folder: Where there is room for two copies of the database.
        retention: How many bases of the newest generation are kept. Older generations go once the
            newest has so many.
        steps: Called with what is done.

    Raises:
        ReplicaError: The replica is damaged. Nothing is removed then.
    """
    engine, head = reader.engine, reader.newest()
    last = reader.base_before(head)
    # The node may not have committed the last set, and then replaces it.
    point = Point(head.generation, head.sequence - 1)
    sets = point.sequence - last.sequence
    if sets > 0:
        last = _add_base(reader, folder, point, last.epoch, steps)
    prune(engine, retention)
    return Compacted(last, max(sets, 0), len(engine.bases()))


def _add_base(reader: Reader, folder: Path, point: Point, epoch: int, steps: Steps) -> Base:
    with scratch(folder) as inner:
        plain, stored = inner / "base.sqlite3", inner / "base.sealed"
        restored = restore(reader, plain, point, steps)
        if reader.sealing.is_plain:
            stored = plain
        else:
            place = reader.place(point.generation, point.sequence, 0)
            reader.sealing.seal_base(
                place, plain, stored, lambda done, total: steps("sealing the base", done, total)
            )
            plain.unlink()
        base = describe(restored, epoch, stored)
        reader.engine.add_base(
            base, stored, lambda done, total: steps("storing the base", done, total)
        )
    return base


def describe(restored: Restored, epoch: int, file: Path) -> Base:
    """The base that a restored database is, stored as this file."""
    return Base(
        restored.generation,
        restored.sequence,
        epoch,
        restored.chain,
        file.stat().st_size,
        digest_of_file(file),
        time.time(),
    )


def prune(engine: Engine, retention: int) -> None:
    """Removes what is older than the oldest base to keep, if there are so many."""
    bases = engine.bases()
    kept = [base for base in bases if base.generation == bases[-1].generation][-retention:]
    if len(kept) == retention and kept[0] != bases[0]:
        engine.prune(kept[0])
