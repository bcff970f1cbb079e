"""Where a replica is stored: the interface of all engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clnwire.replica.records import Base, Head, Record


Progress = Callable[[int, int], object]
"""Called with the bytes done and the bytes in all."""


class Engine(Protocol):
    """A store with one writer at a time. Calls block; one thread uses an engine.

    Every call raises `UnavailableError` if the engine cannot be reached, `RefusedError` if it
    must not be used, and `ReplicaError` if what it holds is damaged.
    """

    @property
    def name(self) -> str:
        """The engine's address without secrets, for messages."""
        ...

    def open(self) -> None:
        """Connects, and checks that a write is durable when it is acknowledged."""
        ...

    def close(self) -> None:
        """Disconnects and releases locks. May be called twice."""
        ...

    def head(self) -> Head | None:
        """What is stored last; `None` if nothing has been stored for this node."""
        ...

    def begin(self, expected: Head | None, head: Head, base: Path, progress: Progress) -> Base:
        """Stores a snapshot as the first base of a new generation, and makes `head` the head.

        All of it is durable on return. Raises `FencedError` if the head is not `expected`.
        """
        ...

    def take_over(self, expected: Head, head: Head) -> None:
        """Makes `head`, with the next epoch, the head.

        Raises `FencedError` if the head is not `expected`.
        """
        ...

    def append(self, expected: Head, record: Record) -> Head:
        """Stores a set, and returns the new head. Durable on return.

        A record of the same sequence as `expected` replaces the last set. Raises `FencedError`
        if the head is not `expected`. After `UnavailableError` it is unknown whether the set is
        stored: call `settle`.
        """
        ...

    def settle(self, expected: Head, record: Record) -> Head:
        """Reconnects and makes certain that the set is stored exactly once; like `append`.

        A read proves nothing about durability, so this makes a new conditional write.
        """
        ...

    def bases(self) -> list[Base]:
        """The bases that restoring can begin at, oldest first."""
        ...

    def read_base(self, base: Base, target: Path, progress: Progress) -> None:
        """Writes a base to a new file and checks its digest."""
        ...

    def records(self, generation: int, after: int, until: int | None = None) -> Iterator[Record]:
        """The sets of a generation after a sequence, up to and with `until`; replaced ones not."""
        ...

    def add_base(self, base: Base, file: Path, progress: Progress) -> None:
        """Stores a base that was made from an older one and the sets after it."""
        ...

    def prune(self, keep: Base) -> None:
        """Removes the bases and sets before `keep`, and all generations before its own."""
        ...

    def warning(self) -> str | None:
        """What will keep sets from being stored if nobody mends it. Any thread may call it."""
        ...
