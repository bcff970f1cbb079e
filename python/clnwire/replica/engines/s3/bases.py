"""Bases: parts under a random name, and a manifest that is written after them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.replica.engines.s3.log import Stored, decoded, in_hex
from clnwire.replica.errors import ReplicaError
from clnwire.replica.files import pieces
from clnwire.replica.records import Base

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clnwire.replica.engines.s3.bucket import Bucket
    from clnwire.replica.engines.s3.log import Log
    from clnwire.replica.files import Progress

PART: Final = 8 << 20
_PREFIX: Final = "manifests/"
_ABANDONED: Final = timedelta(days=1)
"""How old a base must be that nothing refers to before it is removed. It may be being stored."""


class Manifest(Stored, frozen=True, kw_only=True, omit_defaults=False):
    """What is stored of a base."""

    token: str
    """The random name of its parts."""
    parts: int
    index: int
    """The entry of the log after which the base is the node's database."""
    begins: bool
    """Whether that entry has to name this base, since it begins a generation with it."""
    generation: int
    sequence: int
    epoch: int
    chain: str
    size: int
    file_digest: str
    created: float

    @property
    def base(self) -> Base:
        """The base."""
        chain, digest = bytes.fromhex(self.chain), bytes.fromhex(self.file_digest)
        return Base(*self.place, self.epoch, chain, self.size, digest, self.created)

    @property
    def place(self) -> tuple[int, int]:
        """Generation and sequence."""
        return self.generation, self.sequence

    @property
    def key(self) -> str:
        """Its own key; the order of keys is that of places."""
        return f"{_PREFIX}{self.generation:010}-{self.sequence:020}-{self.token}.json"

    def part(self, number: int) -> str:
        """The key of a part."""
        return f"bases/{self.token}/{number:06}"


class Bases:
    """The bases of one node."""

    def __init__(self, bucket: Bucket, log: Log, part_bytes: int = PART) -> None:
        self._bucket, self._log, self._part_bytes = bucket, log, part_bytes

    def manifests(self) -> list[Manifest]:
        """Those that count, oldest first."""
        found: dict[tuple[int, int], Manifest] = {}
        for manifest in self._all():
            entry = self._log.read(manifest.index) if manifest.begins else None
            if not manifest.begins or (entry is not None and entry.title.base == manifest.token):
                found.setdefault(manifest.place, manifest)
        return list(found.values())

    def _all(self) -> list[Manifest]:
        manifests: list[Manifest] = []
        for each in self._bucket.list(_PREFIX):
            data = self._bucket.get(each["path"])
            # It may have been pruned meanwhile.
            if data is not None:
                manifests.append(decoded(self._bucket, each["path"], data, Manifest))
        return manifests

    def store(
        self, base: Base, file: Path, index: int, progress: Progress, *, begins: bool
    ) -> Manifest:
        """Stores a base. One that begins a generation counts once its entry is written."""
        manifest = Manifest(
            token=secrets.token_hex(16),
            parts=-(-base.size // self._part_bytes),
            index=index,
            begins=begins,
            **in_hex(base),
        )
        for number, data in enumerate(pieces(file, base.size, self._part_bytes, progress)):
            self._bucket.put(manifest.part(number), data)
        self._bucket.put(manifest.key, msgspec.json.encode(manifest))
        return manifest

    def pieces(self, base: Base) -> Iterator[bytes]:
        """The parts of a base."""
        manifest = self.manifest_of(base)
        for number in range(manifest.parts):
            data = self._bucket.get(manifest.part(number), large=True)
            if data is None:
                raise ReplicaError(
                    f"{self._bucket.name}: part {number} of the base at {base.sequence} is "
                    "missing; restore from another base"
                )
            yield data

    def manifest_of(self, base: Base) -> Manifest:
        """What is stored of a base."""
        for manifest in self.manifests():
            if manifest.place == base.place:
                return manifest
        raise ReplicaError(
            f"{self._bucket.name}: the base at {base.sequence} was removed meanwhile"
        )

    def prune(self, keep: Manifest) -> None:
        """Removes the bases before one, and what is left of those that were never completed."""
        old = [each for each in self._all() if each.place < keep.place and each.index <= keep.index]
        self._bucket.delete([each.key for each in old])
        used = {each.token for each in self._all()}
        parts = list(self._bucket.list("bases/"))
        newest = max(each["last_modified"] for each in parts) if parts else None
        gone = {each.token for each in old}
        self._bucket.delete(
            [
                each["path"]
                for each in parts
                if (token := each["path"].split("/")[-2]) in gone
                or (token not in used and newest and newest - each["last_modified"] > _ABANDONED)
            ]
        )
