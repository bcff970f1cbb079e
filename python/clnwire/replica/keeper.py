"""One run of a replica: each set is stored by the engine before the node commits it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from clnwire.journal import chain_of, digest_of_file
from clnwire.replica import requests, snapshot
from clnwire.replica.errors import FencedError, RefusedError, ReplicaError, UnavailableError
from clnwire.replica.metrics import Status, read_status
from clnwire.replica.opening import new_engine
from clnwire.replica.owner import Owner
from clnwire.replica.reading import chain_at
from clnwire.replica.records import VERSIONS, Base, Head, Record
from clnwire.replica.rules import Begin, Note, Refusal, TakeOver, committed_version, decide_start
from clnwire.replica.sealing import Place, sealing_of
from clnwire.replica.sets import check_text, read_set
from clnwire.replica.standin import Pending, StandIn

if TYPE_CHECKING:
    from pathlib import Path

    from clnwire._wire.levels import LogLevel
    from clnwire.replica.engines import Engine
    from clnwire.replica.rules import Following, Store
    from clnwire.replica.sets import Settings, Write
    from clnwire.replica.settings import ReplicaSettings

Log = Callable[["LogLevel", str], object]

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_SNAPSHOT: Final = ".clnwire-replica.snapshot"

_T = TypeVar("_T")


class Keeper:
    """Takes sets from the node. One thread uses it.

    Whatever goes wrong is final: the node ends, and its next start finds out what is stored.
    """

    def __init__(
        self,
        settings: ReplicaSettings,
        directory: Path,
        log: Log,
        on_lost: Callable[[str], object] = lambda _reason: None,
    ) -> None:
        """Opens nothing yet.

        Requests are in `directory`, the network's. `on_lost` is called in another thread when this
        instance has to end, with the reason.
        """
        self._settings, self._directory, self._log = settings, directory, log
        self._sealing = sealing_of(settings)
        self._on_lost = on_lost
        self._engine: Engine = new_engine(settings, writes=True, on_lost=self._lose_lease)
        self._stand_in: StandIn | None = None
        self._owner = Owner(settings.database.parent, settings.node)
        self._request = str(directory / requests.REQUEST)
        self._snapshot = settings.database.with_name(_SNAPSHOT)
        self._sealed = settings.database.with_name(f"{_SNAPSHOT}.sealed")
        self._following: Following | None = None
        self.head: Head | None = None
        """What is stored last; `None` before the first set."""
        self._before = b""
        self._refused: str | None = None
        # The figures of this run will replace those of the last.
        self._last_status = read_status(settings)
        self.status = Status(settings.node, self._engine.name, started=time.time())

    def take(self, payload: bytes) -> str | None:
        """Stores a set, given as the params of its message.

        Returns `None` once the node may commit it; otherwise why it must not.
        """
        if self._refused is None:
            try:
                self._take(payload)
            except ReplicaError as error:
                self._refuse(str(error))
            except OSError as error:
                self._refuse(f"{error.filename or self._engine.name}: {error.strerror}")
        return self._refused

    def _refuse(self, reason: str) -> None:
        self._refused = self.status.refused = reason
        # The reason counts, and not what an engine that is away says about closing.
        with suppress(ReplicaError):
            self.close()

    def warning(self) -> str | None:
        """As `Engine.warning`; another thread may call it."""
        return self._engine.warning()

    def close(self) -> None:
        """Closes the engine. What is stored stays."""
        if self._stand_in is not None:
            self._stand_in.close()
        self._engine.close()

    def _take(self, payload: bytes) -> None:
        change = read_set(payload)
        check_text(payload)
        following = self._following or self._start(change)
        step = following.step(change)
        if isinstance(step, Refusal):
            raise RefusedError(str(step))
        if not isinstance(step, Note):
            self._store(step, payload)
        self._following = step.after

    # The hot path

    def _store(self, step: Store, payload: bytes) -> None:
        head = self.head
        assert head is not None
        before = self._before if step.replaces else head.chain
        if os.access(self._request, os.F_OK):
            committed = msgspec.structs.replace(head, sequence=step.sequence - 1, chain=before)
            requests.serve(self._directory, self._settings.database, committed, self._tell)
        sequence = step.sequence
        if not self._sealing.is_plain:
            place = Place(self._settings.node, head.generation, sequence)
            payload = self._sealing.seal_set(place, payload)
        chain = chain_of(before, sequence, step.foreign_keys, payload)
        record = Record(sequence, head.epoch, step.foreign_keys, payload, chain)
        began = time.monotonic()
        if self._stand_in is not None:
            head = self._end_stand_in(self._stand_in, head)
        if self._stand_in is not None:
            self.head = self._stand_in.append(head, record)
        else:
            try:
                self.head = self._engine.append(head, record)
            except UnavailableError as error:
                self.head = self._insist_or_stand_in(error, record, before)
        self._before = before
        self._count(record, time.monotonic() - began)

    def _count(self, record: Record, seconds: float) -> None:
        status, size = self.status, len(record.payload)
        status.sequence = record.sequence
        status.sets += 1
        status.set_bytes += size
        status.bytes_since_base += size
        status.acknowledgement_seconds += seconds
        if seconds > status.slowest_seconds:
            status.slowest_seconds = seconds

    # While the engine cannot be reached

    def _insist_or_stand_in(self, error: UnavailableError, record: Record, before: bytes) -> Head:
        head, settings = self.head, self._settings
        assert head is not None
        try:
            return self._insist(error, lambda: self._engine.settle(head, record))
        except UnavailableError as final:
            if settings.journal is None or settings.when_down != "journal":
                raise
            self.status.degraded = f"the journal {settings.journal} stands in: {final}"
            self._log(
                "broken",
                f"{final}. The journal {settings.journal} stands in for it, for at most "
                f"{settings.journal_minutes:g} minutes; until the engine answers, the last sets "
                "are on this machine alone",
            )
            place = (head, record.sequence - 1, before)
            self._stand_in = StandIn(settings.journal, self._engine, place, self._on_lost)
            return self._stand_in.append(head, record)

    def _end_stand_in(self, stand_in: StandIn, head: Head) -> Head:
        """Goes back to the engine if it answers, and returns the head.

        Raises `UnavailableError` if the journal's time is over.
        """
        minutes = (time.monotonic() - stand_in.began) / 60
        if stand_in.can_end:
            try:
                head = stand_in.end()
            except UnavailableError as error:
                self._log("broken", f"the engine is away again: {error}")
            else:
                self._stand_in, self.status.degraded = None, ""
                self.status.outage_seconds += minutes * 60
                self._log("unusual", f"the engine has all sets again, after {minutes:.1f} minutes")
                return head
        if minutes >= self._settings.journal_minutes:
            raise UnavailableError(
                f"{self._engine.name} could not be reached for {minutes:.1f} minutes, and the "
                "journal may not stand in for longer; start the node again when the engine answers"
            )
        return head

    def _lose_lease(self, reason: str) -> None:
        # A server that cannot be reached takes the lease too. Its next write tells who owns it.
        if self._stand_in is None or self._stand_in.can_end:
            self._on_lost(reason)

    def _insist(self, error: UnavailableError, again: Callable[[], _T]) -> _T:
        """Tries again until it succeeds, or the patience is over."""
        began, patience, pause = time.monotonic(), self._settings.patience, _FIRST_PAUSE
        told, waited = -snapshot.TOLD_SECONDS, 0.0
        while waited < patience:
            if waited - told >= snapshot.TOLD_SECONDS:
                told = waited
                self._log(
                    "unusual",
                    f"the node waits for the replica for {waited:.0f} s now, at most for "
                    f"{patience:g} s: {error}",
                )
            time.sleep(min(pause, patience - waited))
            pause = min(pause * 2, _LONGEST_PAUSE)
            self.status.retries += 1
            try:
                result = again()
            except UnavailableError as another:
                error = another
                waited = time.monotonic() - began
            else:
                waited = time.monotonic() - began
                self.status.outage_seconds += waited
                self._tell(f"the replica answers again; the node has waited {waited:.1f} s")
                return result
        self.status.outage_seconds += waited
        raise UnavailableError(f"the replica could not be reached for {waited:.0f} s: {error}")

    # The start

    def _start(self, change: Write | Settings) -> Following:
        local = committed_version(change)
        try:
            try:
                following = self._try_to_start(local)
            except UnavailableError as error:
                following = self._insist(error, lambda: self._try_to_start(local))
        finally:
            snapshot.remove(self._snapshot)
            snapshot.remove(self._sealed)
        head, status, last = self.head, self.status, self._last_status
        assert head is not None
        (status.generation, status.sequence), status.epoch = head.place, head.epoch
        if not status.base_created:
            # As the last run has counted them.
            counted = last.bytes_since_base if last and last.generation == head.generation else 0
            self._note_base(self._engine.bases()[-1], counted)
        self._tell(
            f"the replica {self._engine.name} follows from version {head.version}, generation "
            f"{head.generation}, epoch {head.epoch}"
        )
        return following

    def _try_to_start(self, local: int) -> Following:
        """Takes over, whatever an attempt before may have stored."""
        engine = self._engine
        engine.close()
        engine.open()
        self._store_pending()
        head = engine.head()
        # Without a head, an engine that has never acknowledged one has lost nothing.
        epoch = self._owner.highest_epoch if head or self._owner.has_held else 0
        decision = decide_start(
            head,
            local,
            known=head is not None and self._owner.knows(head),
            highest_epoch=epoch,
            replaced=head is not None and self._owner.was_replaced(head),
            on_gap=self._settings.on_gap,
        )
        if isinstance(decision, Refusal):
            raise RefusedError(str(decision))
        if isinstance(decision, TakeOver):
            self._take_over(decision)
        else:
            self._begin(decision)
        self._owner.hold()
        return decision.following

    def _store_pending(self) -> None:
        """Has the engine store what a journal has taken in an earlier run."""
        directory = self._settings.journal
        if directory is None or not (pending := Pending(directory)).exists():
            return
        try:
            head = pending.store(self._engine)
        except (FencedError, RefusedError) as error:
            # The versions decide how to go on.
            kept = pending.set_aside()
            self._log("broken", f"{error}. They are kept in {kept}")
        else:
            pending.remove()
            self._log(
                "unusual",
                f"the engine has what the journal has stood in for, up to version {head.version}",
            )

    def _take_over(self, decision: TakeOver) -> None:
        head = decision.head(self._owner.claim(decision.epoch))
        if decision.replaces:
            before = chain_at(self._engine, head.generation, head.sequence - 1)
            if before is None:
                raise ReplicaError(
                    f"{self._engine.name}: the set {head.sequence - 1}, before the last one, is "
                    "missing"
                )
            self._before = before
        self._engine.take_over(decision.expected, head)
        self.head = head

    def _begin(self, decision: Begin) -> None:
        self._log("info" if decision.expected is None else "unusual", str(decision))
        file = self._snapshot_at(decision)
        head = decision.head(
            self._settings.node, self._owner.claim(decision.epoch), digest_of_file(file)
        )
        base = self._engine.begin(decision.expected, head, file, self._progress("storing it"))
        self.head = head
        self._note_base(base, 0)

    def _snapshot_at(self, decision: Begin) -> Path:
        """The file to store. The copy is made again at each attempt, since its place changes."""
        version = decision.sequence % VERSIONS
        began = time.monotonic()
        raw = snapshot.copy_raw(
            self._settings.database, self._snapshot, self._tell, may_be_absent=version == 0
        )
        size = raw.open(version, self._progress("checking the copy"))
        seconds = time.monotonic() - began
        self._tell(f"copied the node's database, {size:,} bytes, in {seconds:.1f} s")
        snapshot.remove(self._sealed)
        place = Place(self._settings.node, decision.generation, decision.sequence, 0)
        progress = self._progress("sealing it")
        return self._sealing.to_store(place, raw.path, self._sealed, progress)

    def _progress(self, what: str) -> Callable[[int, int], None]:
        return snapshot.waiting(self._tell, what)

    def _tell(self, text: str) -> None:
        self._log("info", text)

    def _note_base(self, base: Base, bytes_since: int) -> None:
        self.status.base_created, self.status.base_sequence = base.created, base.sequence
        self.status.bytes_since_base = bytes_since
