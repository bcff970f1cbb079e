"""The engine: conditional writes, and what reads them back."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.replica.engines.remote import RemoteEngine, Watch, boot_seconds, shown
from clnwire.replica.engines.s3.address import Address
from clnwire.replica.engines.s3.bases import PART, Bases
from clnwire.replica.engines.s3.bucket import ANSWER_SECONDS, Bucket
from clnwire.replica.engines.s3.log import Log, encoded
from clnwire.replica.errors import FencedError, RefusedError, ReplicaError, UnavailableError
from clnwire.replica.records import Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from clnwire.replica.files import Progress
    from clnwire.replica.records import Base, Record
    from clnwire.replica.settings import ReplicaSettings

YOUNG: Final = timedelta(minutes=10)
"""Sets that are younger are not pruned."""
_SILENT_SECONDS: Final = YOUNG.total_seconds() / 2
_LOOKS: Final = 4
"""How often an instance looks for another one in the length of a lease."""


class _Place(msgspec.Struct, frozen=True):
    """The last entry that this instance knows, and the head after it."""

    index: int
    head: Head | None


class S3Engine(RemoteEngine):
    """Keeps a replica in an S3-compatible store.

    There is no lease. Instead an instance looks again and again whether another one has taken over,
    and then has to end.
    """

    store = "store"

    def __init__(
        self,
        settings: ReplicaSettings,
        *,
        writes: bool,
        on_lost: Callable[[str], object] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        part_bytes: int = PART,
        young: timedelta = YOUNG,
    ) -> None:
        """Connects to nothing yet.

        `writes` says whether this is the node's own instance. `on_lost` is called in another
        thread, with the reason, when another one has taken over and this one has to end.
        `answer_seconds` is how long the store may take for one entry. Sets that are `young` are not
        pruned.
        """
        address = Address(settings.engine, settings.credentials_file)
        if settings.durability == "sync":
            raise RefusedError(
                f'{address.name}: durability = "sync" cannot be checked there, since a store does '
                "not say how it keeps objects; leave it out"
            )
        super().__init__(address.name, settings.node)
        self._writes, self._young = writes, young
        self._bucket = Bucket(address, self.node, answer_seconds)
        self._log = Log(self._bucket)
        self._bases = Bases(self._bucket, self._log, part_bytes)
        self._place: _Place | None = None
        self._in_doubt = False
        """Whether others may have written since, or the store may have lost what was there."""
        self._moment = (0.0, 0.0)
        self._pause, self._on_lost = settings.lease_seconds / _LOOKS, on_lost
        self._watch: Watch | None = None
        self._written: _Place | None = None
        """The last entry that this instance has written; `None` before it has written any."""
        self._owner = ""
        """The owner whose entries are this instance's; set before it writes the first."""

    def open(self) -> None:
        if self._writes:
            self._bucket.probe()
        else:
            self._log.indexes_after(0, 1)
        if self._on_lost is not None and self._watch is None:
            self._watch = Watch(self._look, self._pause, self._on_lost)

    def close(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        self._place = self._written = None

    def _look(self) -> None:
        """Raises `FencedError` if another instance has written. Another thread calls it."""
        written = self._written
        entry = self._log.read(written.index + 1) if written is not None else None
        if entry is not None and entry.title.owner != self._owner:
            raise FencedError(
                f"another instance has taken over ({shown(entry.head)}); stop one of them"
            )

    def head(self) -> Head | None:
        self._place = None
        manifests = self._bases.manifests()
        if not manifests:
            if self._log.indexes_after(0, 1):
                raise ReplicaError(
                    f"{self.name}: the log of node {self.node} has entries, but there is no base"
                )
            self._know(0, None)
            return None
        index = self._log.last(max(each.index for each in manifests))
        self._log.check_end(index + 1)
        entry = self._log.read(index)
        if entry is None:
            raise ReplicaError(f"{self.name}: entry {index} of the log is missing; try again")
        self._know(index, entry.head)
        return entry.head

    def _know(self, index: int, head: Head | None) -> None:
        self._place, self._in_doubt, self._moment = _Place(index, head), False, _moment()

    # Writing

    def _confirm(self, head: Head) -> None:
        self._written = self._place

    def _begin(
        self, expected: Head | None, head: Head, base: Base, file: Path, progress: Progress
    ) -> Base:
        index = 1 if self._place is None else self._place.index + 1
        manifest = self._bases.store(base, file, index, progress, begins=True)
        self._move(expected, head, encoded("begin", head, base=manifest.token))
        return manifest.base

    def take_over(self, expected: Head, head: Head) -> None:
        self._move(expected, head, encoded("take-over", head))

    def _append(self, expected: Head, head: Head, record: Record) -> None:
        self._move(expected, head, encoded("set", head, record))

    def settle(self, expected: Head, record: Record) -> Head:
        # The same bytes under the same key: it is there once, whichever request stores it.
        self._in_doubt = True
        return self.append(expected, record)

    def _move(self, expected: Head | None, head: Head, data: bytes) -> None:
        """Writes the entry after the last one, on condition that `expected` is the head.

        If `head` is the head already, this very write was done before.
        """
        place = self._place
        if place is None or place.head != expected:
            found = self.head()
            place = self._place
            if found not in (expected, head) or place is None:
                raise self._refusal(expected, found)
        if place.head != head:
            self._write(place, head, data)
        self._written = self._place

    def _write(self, place: _Place, head: Head, data: bytes) -> None:
        self._owner = head.owner
        try:
            if self._in_doubt or _silent(self._moment):
                self._check_place(place)
            written = self._log.write(place.index + 1, data)
        except UnavailableError:
            self._in_doubt = True
            raise
        if not written:
            raise self._refusal(place.head, self.head())
        self._know(place.index + 1, head)

    def _check_place(self, place: _Place) -> None:
        """Checks that the last known entry is there, and nothing after the one to write."""
        last = [place.index] if place.index else []
        found = self._log.indexes_after(place.index - 1)
        if found not in (last, [*last, place.index + 1]):
            raise self._refusal(place.head, self.head())

    def _refusal(self, expected: Head | None, found: Head | None) -> ReplicaError:
        self._place = None
        return super()._refusal(expected, found)

    # Reading

    def bases(self) -> list[Base]:
        return [each.base for each in self._bases.manifests()]

    def _pieces(self, base: Base) -> Iterator[bytes]:
        return self._bases.pieces(base)

    def _sets(self, generation: int, after: int, until: int | None) -> Iterator[Record]:
        pending: Record | None = None
        """The last set that was read, which the next one may replace."""
        for entry in self._log.read_on(self._start(generation, after)):
            record = entry.record
            if entry.title.generation > generation:
                break
            if record is None or record.sequence <= after:
                continue
            if pending is not None and record.sequence != pending.sequence:
                yield pending
            if until is not None and record.sequence > until:
                return
            pending = record
        if pending is not None:
            yield pending

    def _start(self, generation: int, after: int) -> int:
        """The entry to read from: the last one until `after`, or the first one that is there."""
        manifests = [each for each in self._bases.manifests() if each.generation == generation]
        if not manifests:
            raise ReplicaError(
                f"{self.name}: there is no generation {generation} of node {self.node}"
            )
        before = [each.index for each in manifests if each.sequence <= after]
        if not before:
            return manifests[0].index
        return self._log.last_until(before[-1], (generation, after))

    # Bases

    def _add_base(self, base: Base, file: Path, progress: Progress) -> bool:
        index = self._index_of(base)
        if index is not None:
            self._bases.store(base, file, index, progress, begins=False)
        return index is not None

    def _index_of(self, base: Base) -> int | None:
        """The last entry of a base's set, if another set has proved that it was committed."""
        before = [each.index for each in self._bases.manifests() if each.place < base.place]
        if not before:
            return None
        index = self._log.last_until(max(before), base.place)
        entry, following = self._log.read(index), self._log.read(index + 1)
        is_proved = (
            entry is not None
            and following is not None
            and entry.head.place == base.place
            and entry.head.chain == base.chain
            and following.title.generation == base.generation
        )
        return index if is_proved else None

    def prune(self, keep: Base) -> None:
        manifest = self._bases.manifest_of(keep)
        self._bases.prune(manifest)
        self._log.prune(manifest.index, self._young)


def _moment() -> tuple[float, float]:
    """Time that goes on while the machine sleeps, and the time of day."""
    return boot_seconds(), time.time()


def _silent(since: tuple[float, float]) -> bool:
    """Whether much time has gone by, by either clock."""
    return any(
        abs(now - then) > _SILENT_SECONDS for now, then in zip(_moment(), since, strict=True)
    )
