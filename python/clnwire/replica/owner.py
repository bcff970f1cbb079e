"""Which epochs this very instance has held: `clnwire-replica.owner` beside the node's database.

A copy of the node's directory must not pass for the instance that it was copied from, since the
other one may still run. So the file records where it is: a copy of it knows no epoch.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire._wire.codec import UNDECODABLE
from clnwire.replica.errors import RefusedError
from clnwire.replica.files import write_synced

if TYPE_CHECKING:
    from clnwire.replica.records import Head

FILE: Final = "clnwire-replica.owner"
KEPT: Final = 64
"""How many past claims are kept. One of the last is the head's, unless the engine lost its data."""
_MACHINE_IDS: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """A take-over by this instance. It is noted before the engine has it."""

    epoch: int
    owner: str


class Adopted(msgspec.Struct, frozen=True, array_like=True):
    """A head of another instance. The database continues it, so this holds for copies too."""

    sequence: int
    chain: bytes


class _Identity(msgspec.Struct, frozen=True):
    """Where the file is. A copy has another inode, or is on another file system or machine."""

    machine: str
    device: int
    filesystem: int
    """Device numbers may change at a reboot; most file systems have an id that does not."""
    inode: int

    def is_same(self, other: _Identity) -> bool:
        """Whether it is the same file, after a reboot too."""
        return (self.machine, self.inode) == (other.machine, other.inode) and (
            self.device == other.device or self.filesystem == other.filesystem != 0
        )


class _Content(msgspec.Struct, frozen=True):
    node: str
    identity: _Identity
    claims: list[Claim]
    """The newest is last."""
    adopted: Adopted | None = None
    has_held: bool = False


class Owner:
    """The owner file of a node. Each change of it is durable on return."""

    def __init__(self, directory: Path, node: str) -> None:
        """Reads the file, if there is one.

        Raises:
            RefusedError: The file is damaged, or of a node of another name.
        """
        self.path = directory / FILE
        self._node = node
        self._claims: list[Claim] = []
        self._adopted: Adopted | None = None
        self.has_held = False
        """Whether the engine has acknowledged a take-over by this instance."""
        try:
            content = msgspec.json.decode(self.path.read_bytes(), type=_Content)
        except FileNotFoundError:
            return
        except (OSError, *UNDECODABLE) as error:
            raise RefusedError(
                f"{self.path}: cannot be read: {error}; without it the replica does not know "
                "whether this node is the one that wrote last. If no other one exists, remove it"
            ) from error
        if content.node != node:
            raise RefusedError(
                f"{self.path}: is of the node {content.node!r}, and the settings say {node!r}; "
                "correct `node` in the settings"
            )
        self._adopted = content.adopted
        # What a copy claims is another instance's.
        if content.identity.is_same(_identity(self.path)):
            self._claims, self.has_held = content.claims, content.has_held

    def knows(self, head: Head) -> bool:
        """Whether this very instance has claimed the epoch of the head, or adopted the head."""
        return (
            Claim(head.epoch, head.owner) in self._claims
            or Adopted(head.sequence, head.chain) == self._adopted
        )

    def was_replaced(self, head: Head) -> bool:
        """Whether the database was restored from a head in whose place there is `head` now."""
        adopted = self._adopted
        return adopted is not None and (
            adopted.sequence == head.sequence and adopted.chain != head.chain
        )

    @property
    def highest_epoch(self) -> int:
        """The highest epoch that this instance has ever claimed; 0 if none."""
        return max((claim.epoch for claim in self._claims), default=0)

    def claim(self, epoch: int) -> str:
        """Notes a take-over that is about to be stored, and returns its new token."""
        claim = Claim(epoch, secrets.token_hex(16))
        self._claims = [*self._claims, claim][-KEPT:]
        self._write()
        return claim.owner

    def hold(self) -> None:
        """Notes that the engine has acknowledged the last claim."""
        if not self.has_held:
            self.has_held = True
            self._write()

    def adopt(self, head: Head) -> None:
        """Notes that the node's database continues exactly this head of another instance.

        A set that the other one stores afterwards makes another head, which is not known.
        """
        self._adopted = Adopted(head.sequence, head.chain)
        self._write()

    def _write(self) -> None:
        write_synced(self.path, self._content)

    def _content(self, file: Path) -> bytes:
        content = _Content(self._node, _identity(file), self._claims, self._adopted, self.has_held)
        return msgspec.json.encode(content)


def _identity(file: Path) -> _Identity:
    status = file.stat()
    filesystem = os.statvfs(file).f_fsid
    return _Identity(_machine(), status.st_dev, filesystem, status.st_ino)


def _machine() -> str:
    for path in _MACHINE_IDS:
        with suppress(OSError):
            return path.read_text().strip()
    return ""
