"""Where a replica is stored: what all engines have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from clnwire.journal import chain_of, digest_of_file
from clnwire.replica.errors import ReplicaError
from clnwire.replica.files import create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clnwire.replica.files import Progress
    from clnwire.replica.records import Base, Head, Record


class Engine(ABC):
    """A store with one writer at a time. Calls block; one thread uses an engine.

    Every call raises `UnavailableError` if the engine cannot be reached, `RefusedError` if it
    must not be used, and `ReplicaError` if what it holds is damaged.
    """

    def __init__(self, name: str, node: str) -> None:
        self.name = name
        """The engine's address without secrets, for messages."""
        self.node = node
        """The node's name."""

    @abstractmethod
    def open(self) -> None:
        """Connects, and checks that a write is durable when it is acknowledged."""

    @abstractmethod
    def close(self) -> None:
        """Disconnects and releases locks. May be called twice."""

    @abstractmethod
    def head(self) -> Head | None:
        """What is stored last; `None` if nothing has been stored for this node."""

    @abstractmethod
    def begin(self, expected: Head | None, head: Head, base: Path, progress: Progress) -> Base:
        """Stores a snapshot as the first base of a new generation, and makes `head` the head.

        All of it is durable on return. Raises `FencedError` if the head is not `expected`.
        """

    @abstractmethod
    def take_over(self, expected: Head, head: Head) -> None:
        """Makes `head`, with the next epoch, the head.

        Raises `FencedError` if the head is not `expected`.
        """

    @abstractmethod
    def append(self, expected: Head, record: Record) -> Head:
        """Stores a set, and returns the new head. Durable on return.

        A record of the same sequence as `expected` replaces the last set. Raises `FencedError`
        if the head is not `expected`. After `UnavailableError` it is unknown whether the set is
        stored: call `settle`.
        """

    @abstractmethod
    def settle(self, expected: Head, record: Record) -> Head:
        """Reconnects and makes certain that the set is stored exactly once; like `append`.

        A read proves nothing about durability, so this makes a new conditional write.
        """

    @abstractmethod
    def bases(self) -> list[Base]:
        """The bases that restoring can begin at, oldest first."""

    @abstractmethod
    def _pieces(self, base: Base) -> Iterator[bytes]:
        """The file of a base, in pieces."""

    def read_base(self, base: Base, target: Path, progress: Progress) -> None:
        """Writes a base to a new file and checks its digest."""
        done = 0
        try:
            with create(target, durable=False) as file:
                for data in self._pieces(base):
                    file.write(data)
                    done += len(data)
                    progress(done, base.size)
            if digest_of_file(target) != base.file_digest:
                raise ReplicaError(
                    f"{self._shown(base)} is damaged: its digest is another one; restore from "
                    "another base"
                )
        except ReplicaError:
            target.unlink(missing_ok=True)
            raise

    def _shown(self, base: Base) -> str:
        return f"{self.name}: the base at {base.sequence} of node {self.node}"

    @abstractmethod
    def _sets(self, generation: int, after: int, until: int | None) -> Iterator[Record]:
        """As `records`, unchecked."""

    def records(
        self, generation: int, after: int, until: int | None = None, chain: bytes | None = None
    ) -> Iterator[Record]:
        """The sets of a generation after a sequence, up to and with `until`; replaced ones not.

        Each set is checked to continue the chain, the first one if the `chain` before it is given.
        """
        last = after
        for record in self._sets(generation, after, until):
            sequence = record.sequence
            if sequence != last + 1:
                raise ReplicaError(
                    f"{self.name}: of node {self.node}, the sets after {last} until {sequence - 1} "
                    "are missing"
                )
            if chain is not None and record.chain != chain_of(
                chain, sequence, record.foreign_keys, record.payload
            ):
                raise ReplicaError(
                    f"{self.name}: set {sequence} of node {self.node} is damaged: it does not "
                    "continue the chain"
                )
            last, chain = sequence, record.chain
            yield record

    @abstractmethod
    def add_base(self, base: Base, file: Path, progress: Progress) -> None:
        """Stores a base that was made from an older one and the sets after it."""

    @abstractmethod
    def prune(self, keep: Base) -> None:
        """Removes the bases and sets before `keep`, and all generations before its own."""

    def warning(self) -> str | None:
        """What will keep sets from being stored if nobody mends it. Any thread may call it."""
        return None
