"""Bases: parts under a random name, and a manifest that is written after them."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.journal import digest_of_file
from clnwire.replica.errors import RefusedError, ReplicaError
from clnwire.replica.records import Base

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire.replica.engines import Progress
    from clnwire.replica.engines.s3.bucket import Bucket
    from clnwire.replica.engines.s3.log import Log

FORMAT: Final = 1
PART: Final = 8 << 20
_PREFIX: Final = "manifests/"
_ABANDONED: Final = timedelta(days=1)
"""How old a base must be that nothing refers to before it is removed. It may be being stored."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a base, in JSON."""

    format: int = FORMAT
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
        return Base(
            self.generation,
            self.sequence,
            self.epoch,
            bytes.fromhex(self.chain),
            self.size,
            bytes.fromhex(self.file_digest),
            self.created,
        )

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


_MANIFEST: Final = msgspec.json.Decoder(Manifest)


class Bases:
    """The bases of one node."""

    def __init__(self, bucket: Bucket, log: Log, part_bytes: int = PART) -> None:
        self._bucket, self._log, self._part_bytes = bucket, log, part_bytes

    def manifests(self) -> list[Manifest]:
        """Those that count, oldest first."""
        found: dict[tuple[int, int], Manifest] = {}
        for manifest in self._all():
            if self._counts(manifest):
                found.setdefault(manifest.place, manifest)
        return list(found.values())

    def _all(self) -> list[Manifest]:
        manifests: list[Manifest] = []
        for each in self._bucket.list(_PREFIX):
            data = self._bucket.get(each["path"])
            # It may have been pruned meanwhile.
            if data is not None:
                manifests.append(self._decode(each["path"], data))
        return manifests

    def _decode(self, key: str, data: bytes) -> Manifest:
        try:
            manifest = _MANIFEST.decode(data)
        except msgspec.MsgspecError as error:
            raise ReplicaError(f"{self._bucket.name}: {key} is damaged: {error}") from error
        if manifest.format > FORMAT:
            raise RefusedError(f"{self._bucket.name}: {key} is of a newer clnwire; install that")
        return manifest

    def _counts(self, manifest: Manifest) -> bool:
        if not manifest.begins:
            return True
        entry = self._log.read(manifest.index)
        return entry is not None and entry.title.base == manifest.token

    def store(
        self, base: Base, file: Path, index: int, progress: Progress, *, begins: bool
    ) -> Manifest:
        """Stores a base. One that begins a generation counts once its entry is written."""
        manifest = Manifest(
            token=secrets.token_hex(16),
            parts=-(-base.size // self._part_bytes),
            index=index,
            begins=begins,
            generation=base.generation,
            sequence=base.sequence,
            epoch=base.epoch,
            chain=base.chain.hex(),
            size=base.size,
            file_digest=base.file_digest.hex(),
            created=base.created or time.time(),
        )
        done = 0
        with file.open("rb") as source:
            for number in range(manifest.parts):
                data = source.read(self._part_bytes)
                self._bucket.put(manifest.part(number), data)
                done += len(data)
                progress(done, base.size)
            if done != base.size or source.read(1):
                raise ReplicaError(f"{file} changed while it was stored; try again")
        self._bucket.put(manifest.key, msgspec.json.encode(manifest))
        return manifest

    def read(self, base: Base, target: Path, progress: Progress) -> None:
        """Writes a base to a new file, and checks its digest."""
        manifest, done = self.manifest_of(base), 0
        with target.open("xb") as file:
            target.chmod(0o600)
            for number in range(manifest.parts):
                data = self._bucket.get(manifest.part(number), large=True)
                if data is None:
                    target.unlink()
                    raise ReplicaError(
                        f"{self._bucket.name}: part {number} of the base at {base.sequence} is "
                        "missing; restore from another base"
                    )
                file.write(data)
                done += len(data)
                progress(done, base.size)
        if digest_of_file(target) != base.file_digest:
            target.unlink()
            raise ReplicaError(
                f"{self._bucket.name}: the base at {base.sequence} is damaged; restore from "
                "another base"
            )

    def manifest_of(self, base: Base) -> Manifest:
        """What is stored of a base."""
        place = (base.generation, base.sequence)
        for manifest in self.manifests():
            if manifest.place == place:
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
