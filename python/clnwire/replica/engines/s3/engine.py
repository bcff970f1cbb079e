"""The engine: conditional writes, and what reads them back."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from clnwire.journal import chain_of
from clnwire.replica.engines.fencing import refusal, shown
from clnwire.replica.engines.s3 import log as entries
from clnwire.replica.engines.s3.address import Address
from clnwire.replica.engines.s3.bases import PART, Bases
from clnwire.replica.engines.s3.bucket import ANSWER_SECONDS, Bucket
from clnwire.replica.engines.s3.log import Log
from clnwire.replica.errors import RefusedError, ReplicaError, UnavailableError
from clnwire.replica.records import Base, Head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from clnwire.replica.engines import Progress
    from clnwire.replica.engines.s3.bases import Manifest
    from clnwire.replica.records import Record
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


class S3Engine:
    """Keeps a replica in an S3-compatible store. See `Engine` for what the methods promise.

    There is no lease. Instead an instance looks again and again whether another one has taken over,
    and then has to end.
    """

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

        Args:
            settings: The store, the node, and what is demanded.
            writes: Whether this is the node's own instance.
            on_lost: Called in another thread, with the reason, when another instance has taken
                over and this one has to end.
            answer_seconds: How long the store may take for one entry.
            part_bytes: The size of the parts of a base.
            young: Sets that are younger are not pruned.

        Raises:
            RefusedError: The URL or the credentials cannot be used, or are not safe to use.
        """
        address = Address(settings.engine, settings.credentials_file)
        if settings.durability == "sync":
            raise RefusedError(
                f'{address.name}: durability = "sync" cannot be checked there, since a store does '
                "not say how it keeps objects; leave it out"
            )
        self._node, self._writes, self._young = settings.node, writes, young
        self._bucket = Bucket(address, self._node, answer_seconds)
        self._log = Log(self._bucket)
        self._bases = Bases(self._bucket, self._log, part_bytes)
        self._place: _Place | None = None
        self._in_doubt = False
        """Whether others may have written since, or the store may have lost what was there."""
        self._moment = (0.0, 0.0)
        self._watch = _Watch(self._log, settings.lease_seconds / _LOOKS, on_lost)

    @property
    def name(self) -> str:
        return self._bucket.name

    def open(self) -> None:
        if self._writes:
            self._bucket.probe()
        else:
            self._log.indexes_after(0, 1)
        self._watch.start()

    def close(self) -> None:
        self._watch.stop()
        self._place = None

    def head(self) -> Head | None:
        self._place = None
        manifests = self._bases.manifests()
        if not manifests:
            if self._log.indexes_after(0, 1):
                raise ReplicaError(
                    f"{self.name}: the log of node {self._node} has entries, but there is no base"
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

    def begin(self, expected: Head | None, head: Head, base: Path, progress: Progress) -> Base:
        found = self.head()
        if found == head:
            self._watch.follow(self._place)
            return next(each for each in self.bases() if each.sequence == head.sequence)
        if found != expected or self._place is None:
            raise self._fenced(expected, found)
        size = base.stat().st_size
        stored = Base(head.generation, head.sequence, head.epoch, head.chain, size, head.chain, 0.0)
        index = self._place.index + 1
        manifest = self._bases.store(stored, base, index, progress, begins=True)
        self._move(expected, head, entries.of_begin(head, manifest.token))
        return manifest.base

    def take_over(self, expected: Head, head: Head) -> None:
        self._move(expected, head, entries.of_take_over(head))

    def append(self, expected: Head, record: Record) -> Head:
        head = msgspec.structs.replace(expected, sequence=record.sequence, chain=record.chain)
        self._move(expected, head, entries.of_set(head, record))
        return head

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
            place = self._look_up(expected, head)
        if place.head != head:
            self._write(place, head, data)
        self._watch.follow(self._place)

    def _look_up(self, expected: Head | None, head: Head) -> _Place:
        found = self.head()
        if found not in (expected, head) or self._place is None:
            raise self._fenced(expected, found)
        return self._place

    def _write(self, place: _Place, head: Head, data: bytes) -> None:
        self._watch.owner = head.owner
        try:
            if self._in_doubt or _silent(self._moment):
                self._check_place(place)
            written = self._log.write(place.index + 1, data)
        except UnavailableError:
            self._in_doubt = True
            raise
        if not written:
            raise self._fenced(place.head, self.head())
        self._know(place.index + 1, head)

    def _check_place(self, place: _Place) -> None:
        """Checks that the last known entry is there, and nothing after the one to write."""
        last = [place.index] if place.index else []
        found = self._log.indexes_after(place.index - 1)
        if found not in (last, [*last, place.index + 1]):
            raise self._fenced(place.head, self.head())

    def _fenced(self, expected: Head | None, found: Head | None) -> ReplicaError:
        self._place = None
        return refusal(self.name, "store", self._node, expected, found)

    # Reading

    def bases(self) -> list[Base]:
        return [each.base for each in self._bases.manifests()]

    def read_base(self, base: Base, target: Path, progress: Progress) -> None:
        self._bases.read(base, target, progress)

    def records(self, generation: int, after: int, until: int | None = None) -> Iterator[Record]:
        last, chain = after, None
        pending: Record | None = None
        """The last set that was read, which the next one may replace."""
        for entry in self._log.read_on(self._start(generation, after)):
            if entry.title.generation > generation:
                break
            if entry.title.sequence <= after:
                chain = entry.head.chain if entry.title.sequence == after else None
                continue
            record = entry.record
            if record is None:
                continue
            if pending is not None and record.sequence != pending.sequence:
                yield self._linked(last, chain, pending)
                last, chain = pending.sequence, pending.chain
            if until is not None and record.sequence > until:
                return
            pending = record
        if pending is not None and pending.sequence > last:
            yield self._linked(last, chain, pending)

    def _start(self, generation: int, after: int) -> int:
        """The entry to read from: the last one until `after`, or the first one that is there."""
        manifests = [each for each in self._bases.manifests() if each.generation == generation]
        if not manifests:
            raise ReplicaError(
                f"{self.name}: there is no generation {generation} of node {self._node}"
            )
        before = [each.index for each in manifests if each.sequence <= after]
        if not before:
            return manifests[0].index
        return self._log.last_until(before[-1], (generation, after))

    def _linked(self, last: int, chain: bytes | None, record: Record) -> Record:
        """The record, which must follow the last one."""
        if record.sequence != last + 1:
            raise ReplicaError(
                f"{self.name}: of node {self._node}, the sets after {last} until "
                f"{record.sequence - 1} are missing"
            )
        if chain is not None and record.chain != chain_of(
            chain, record.sequence, record.foreign_keys, record.payload
        ):
            raise ReplicaError(
                f"{self.name}: set {record.sequence} of node {self._node} is damaged: it does not "
                "continue the chain"
            )
        return record

    # Bases

    def add_base(self, base: Base, file: Path, progress: Progress) -> None:
        manifests, place = self._bases.manifests(), (base.generation, base.sequence)
        if any(each.place == place for each in manifests):
            return
        index = self._index_of(base, manifests)
        if index is None:
            raise ReplicaError(
                f"{self.name}: the base at {base.sequence} does not belong to a committed set of "
                f"generation {base.generation} of node {self._node}; make it anew"
            )
        self._bases.store(base, file, index, progress, begins=False)

    def _index_of(self, base: Base, manifests: list[Manifest]) -> int | None:
        """The last entry of a base's set, if another set has proved that it was committed."""
        place = (base.generation, base.sequence)
        before = [each.index for each in manifests if each.place < place]
        if not before:
            return None
        index = self._log.last_until(max(before), place)
        entry, following = self._log.read(index), self._log.read(index + 1)
        is_proved = (
            entry is not None
            and following is not None
            and entry.place == place
            and entry.head.chain == base.chain
            and following.title.generation == base.generation
        )
        return index if is_proved else None

    def prune(self, keep: Base) -> None:
        manifest = self._bases.manifest_of(keep)
        self._bases.prune(manifest)
        self._log.prune(manifest.index, self._young)

    def warning(self) -> str | None:
        return None


class _Watch:
    """A thread that looks whether another instance has written."""

    def __init__(
        self, log: Log, pause: float, on_lost: Callable[[str], object] | None = None
    ) -> None:
        self._log, self._pause, self._on_lost = log, pause, on_lost
        self.owner = ""
        """The owner whose entries are this instance's; set before it writes the first."""
        self._index = 0
        """The last entry that this instance has written; 0 before it has written any."""
        self._stopped = threading.Event()

    def start(self) -> None:
        if self._on_lost is not None:
            self._stopped = threading.Event()
            threading.Thread(
                target=self._look_on, args=(self._stopped,), name="clnwire-watch", daemon=True
            ).start()

    def stop(self) -> None:
        self._stopped.set()
        self._index = 0

    def follow(self, place: _Place | None) -> None:
        """Says which entry this instance has written last."""
        if place is not None:
            self._index = place.index

    def _look_on(self, stopped: threading.Event) -> None:
        while not stopped.wait(self._pause):
            reason = self._look() if self._index else None
            if reason is not None:
                if self._on_lost is not None and not stopped.is_set():
                    self._on_lost(reason)
                return

    def _look(self) -> str | None:
        """Why this instance has to end, if it has to."""
        try:
            entry = self._log.read(self._index + 1)
        except UnavailableError:
            return None
        except ReplicaError as error:
            return str(error)
        if entry is None or entry.title.owner == self.owner:
            return None
        return f"another instance has taken over ({shown(entry.head)}); stop one of them"


def _moment() -> tuple[float, float]:
    """Time that goes on while the machine sleeps, and the time of day."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return (time.monotonic() if clock is None else time.clock_gettime(clock)), time.time()


def _silent(since: tuple[float, float]) -> bool:
    """Whether much time has gone by, by either clock."""
    return any(
        abs(now - then) > _SILENT_SECONDS for now, then in zip(_moment(), since, strict=True)
    )
