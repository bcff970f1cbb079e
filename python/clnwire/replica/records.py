"""What a replica stores: records, bases, and the head that says which of them came last."""

from __future__ import annotations

from typing import Final

import msgspec

VERSIONS: Final = 1 << 32
"""`data_version` of `db_write` is a u32 and wraps at this."""


class Head(msgspec.Struct, frozen=True):
    """What an engine has stored last, and who may write next.

    A write states the head that it expects, and the engine refuses it if the head is another.
    """

    node: str
    """The node's name in the engine."""
    generation: int
    """Counts the snapshots with which a history began, from 1. Restoring uses the newest."""
    epoch: int
    """Counts the take-overs, from 1."""
    owner: str
    """The random token, 32 hexadecimal digits, of the instance that took over last."""
    sequence: int
    """The number of the last set. Modulo 2³² it is the node's `data_version`."""
    chain: bytes
    """The chain's value after the last set: 32 bytes. Equal values mean equal histories."""

    @property
    def version(self) -> int:
        """The node's `data_version` after the last set."""
        return self.sequence % VERSIONS

    @property
    def place(self) -> tuple[int, int]:
        """Generation and sequence."""
        return self.generation, self.sequence


class Record(msgspec.Struct, frozen=True):
    """One set of writes, as stored."""

    sequence: int
    """The number of the set; modulo 2³² its `data_version`."""
    epoch: int
    """The epoch of the instance that wrote it."""
    foreign_keys: bool
    """Whether the node's connection enforced foreign keys, and so deleted in cascades."""
    payload: bytes | memoryview
    """The params of the `db_write` message, byte for byte."""
    chain: bytes
    """The chain's value after this set: 32 bytes."""


class Base(msgspec.Struct, frozen=True):
    """A copy of the node's database at which restoring can begin."""

    generation: int
    sequence: int
    """The last set that is in the copy."""
    epoch: int
    """The epoch of the instance that stored it."""
    chain: bytes
    """The chain's value after that set: 32 bytes."""
    size: int
    """The size of the file in bytes."""
    file_digest: bytes
    """BLAKE3 of the file: 32 bytes."""
    created: float
    """Seconds since 1970 (UTC)."""

    @property
    def place(self) -> tuple[int, int]:
        """Generation and sequence."""
        return self.generation, self.sequence
