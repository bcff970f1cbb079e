"""Reads a replica: its bases, and its sets as the node sent them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from clnwire.replica.engines import Engine
from clnwire.replica.errors import ReplicaError
from clnwire.replica.records import VERSIONS
from clnwire.replica.sealing import Place, Sealing

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.records import Base, Record

Steps = Callable[[str, int, int], object]
"""Called with what is being done, how much of it is done, and how much there is; 0 if unknown."""


class Point(msgspec.Struct, frozen=True):
    """A state of the node's database."""

    generation: int
    sequence: int

    @property
    def version(self) -> int:
        """The node's `data_version`."""
        return self.sequence % VERSIONS


class Reader(msgspec.Struct, frozen=True):
    """An engine, and how what it has is opened."""

    engine: Engine
    sealing: Sealing

    def newest(self) -> Point:
        """The last state. Raises `ReplicaError` if there is none."""
        head = self.engine.head()
        if head is None:
            raise ReplicaError(
                f"{self.engine.name}: nothing of the node {self.engine.node!r} is stored yet; that "
                "begins when it starts with the plugin clnwire-replica"
            )
        return Point(head.generation, head.sequence)

    def point_at(self, version: int) -> Point:
        """The last state of a version. Raises `ReplicaError` if it cannot be made."""
        last, bases = self.newest(), self.engine.bases()
        for base in reversed(bases):
            after = (version - base.sequence) % VERSIONS
            sequence = base.sequence + after
            is_ahead = base.generation == last.generation and sequence > last.sequence
            if after < VERSIONS // 2 and not is_ahead:
                return Point(base.generation, sequence)
        raise ReplicaError(
            f"{self.engine.name}: has no version {version}; it has {bases[0].sequence % VERSIONS} "
            f"to {last.version}"
        )

    def base_before(self, point: Point) -> Base:
        """The last base that a state can be made from. Raises `ReplicaError` if there is none."""
        for base in reversed(self.engine.bases()):
            if base.generation == point.generation and base.sequence <= point.sequence:
                return base
        raise ReplicaError(
            f"{self.engine.name}: has no base of generation {point.generation} at version "
            f"{point.version} or before. If it was removed because there is a newer one now, try "
            "again"
        )

    def read_base(self, base: Base, target: Path, steps: Steps) -> None:
        """Writes the database of a base to a new file, and checks it."""
        stored = target.with_name(f"{target.name}.sealed")
        stored.unlink(missing_ok=True)
        try:
            self.engine.read_base(base, stored, partial(steps, "reading the base"))
            place = self.place(base.generation, base.sequence, 0)
            self.sealing.open_base(place, stored, target, partial(steps, "opening the base"))
        finally:
            stored.unlink(missing_ok=True)

    def records(self, base: Base, until: int) -> Iterator[Record]:
        """The sets after a base up to a sequence, opened.

        Raises:
            ReplicaError: One is missing, or is not the one that its chain says.
        """
        last = base.sequence
        for record in self.engine.records(base.generation, last, until, base.chain):
            last = record.sequence
            yield self.opened(base.generation, record)
        if last != until:
            raise ReplicaError(
                f"{self.engine.name}: the set after version {last % VERSIONS} is missing; the sets "
                f"up to version {until % VERSIONS} were wanted"
            )

    def opened(self, generation: int, record: Record) -> Record:
        """A set as the node sent it."""
        payload = self.sealing.open_set(self.place(generation, record.sequence), record.payload)
        return msgspec.structs.replace(record, payload=payload)

    def place(self, generation: int, sequence: int, chunk: int | None = None) -> Place:
        """Where a blob of the node belongs."""
        return Place(self.engine.node, generation, sequence, chunk)


def chain_at(engine: Engine, generation: int, sequence: int) -> bytes | None:
    """The chain after a set; `None` if the engine has neither that set nor a base there."""
    for base in engine.bases():
        if base.place == (generation, sequence):
            return base.chain
    for record in engine.records(generation, sequence - 1, sequence):
        return record.chain
    return None
